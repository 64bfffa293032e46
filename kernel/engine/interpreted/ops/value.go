package ops

import (
	"fmt"
	"math"
	"reflect"

	"interleave/kernel/cell/lower"
)

// cast returns the same bits as another type.
func cast(v reflect.Value, to reflect.Type) reflect.Value {
	if v.Type() == to {
		return v
	}
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return reflect.NewAt(to, p.UnsafePointer()).Elem()
}

// assert returns x.(to) of an interface value.
func assert(x reflect.Value, to reflect.Type) (reflect.Value, bool) {
	if x.IsNil() {
		return x, false
	}
	v := x.Elem()
	if to.Kind() == reflect.Interface {
		if !v.Type().Implements(to) {
			return v, false
		}
		return v.Convert(to), true
	}
	return v, v.Type() == to
}

func has(x reflect.Value, t reflect.Type) bool {
	if x.IsNil() {
		return false
	}
	if t.Kind() == reflect.Interface {
		return x.Elem().Type().Implements(t)
	}
	return x.Elem().Type() == t
}

func equal(a, b reflect.Value) bool {
	if a.Kind() == reflect.Interface {
		// Interface values compare as in compiled code, also with its panics.
		var x, y any
		if !a.IsNil() {
			x = a.Elem().Interface()
		}
		if !b.IsNil() {
			y = b.Elem().Interface()
		}
		return x == y
	}
	return a.Interface() == b.Interface()
}

func makeOf(t reflect.Type, n, c int) reflect.Value {
	switch t.Kind() {
	case reflect.Chan:
		if n = max(n, 0); n > 1<<47/max(int(t.Elem().Size()), 1) {
			makeChan(-1)
		}
		if t.ChanDir() == reflect.BothDir {
			return reflect.MakeChan(t, n)
		}
		return cast(reflect.MakeChan(reflect.ChanOf(reflect.BothDir, t.Elem()), n), t)
	}
	if c < 0 {
		c = n
	}
	const most = 1 << 47 // more than a process can address
	limit := math.MaxInt
	if size := int(t.Elem().Size()); size > 0 {
		limit = most / size
	}
	switch {
	case n > limit:
		makeSliceLen(-1)
	case c > limit || c < n:
		makeSliceCap(0, -1)
	}
	return reflect.MakeSlice(t, n, c)
}

// A bound is one of a slice expression.
type bound struct {
	is       bool
	n        int
	unsigned bool
}

func boundOf(v reflect.Value, how int) bound { return bound{how > 0, int(v.Int()), how == 2} }

// fits reports whether a bound is at most n.
func (b bound) fits(n int) bool { return b.n >= 0 && b.n <= n }

// sliceOf slices a slice, a string, or the array behind a pointer. A bound that does not fit panics as in compiled code,
// which looks at the last one first.
func sliceOf(x reflect.Value, t reflect.Type, lo, hi, most bound) reflect.Value {
	n, c := 0, 0
	array := x.Kind() == reflect.Pointer
	switch {
	case array && x.IsNil():
		panicNil()
	case array:
		n = x.Elem().Len()
		c = n
	case x.Kind() == reflect.String:
		n = x.Len()
		c = n
	default:
		n, c = x.Len(), x.Cap()
	}
	if !hi.is {
		hi.n = n
	}
	fixed := array || x.Kind() == reflect.String
	if most.is && !most.fits(c) {
		panicMost(most, n, c, fixed)
	}
	if !most.is {
		most.n = c
	}
	if !hi.fits(most.n) {
		panicHigh(hi, most, n, c, fixed)
	}
	if !lo.fits(hi.n) {
		panicLow(lo, hi, most)
	}
	switch {
	case array:
		s := reflect.NewAt(reflect.ArrayOf(n, t.Elem()), x.UnsafePointer()).Elem()
		return s.Slice3(lo.n, hi.n, most.n).Convert(t)
	case x.Kind() == reflect.String:
		return reflect.ValueOf(x.String()[lo.n:hi.n]).Convert(t)
	case x.IsNil():
		return reflect.Zero(t)
	}
	return x.Slice3(lo.n, hi.n, most.n)
}

// convert makes the conversions that change bits, and those that may panic.
func convert(v reflect.Value, to reflect.Type) reflect.Value {
	if v.Kind() == reflect.Slice && v.IsNil() && to.Kind() == reflect.Pointer {
		if n := to.Elem().Len(); n > 0 {
			_ = [1]int(make([]int, 0)) // the compiler's own panic, for length 1
		}
		return reflect.Zero(to)
	}
	if v.Kind() == reflect.Slice && to.Kind() == reflect.Array || v.Kind() == reflect.Slice && to.Kind() == reflect.Pointer {
		n := 0
		if to.Kind() == reflect.Array {
			n = to.Len()
		} else {
			n = to.Elem().Len()
		}
		if v.Len() < n {
			panic(fault(fmt.Sprintf("cannot convert slice with length %d to array or pointer to array with length %d", v.Len(), n)))
		}
	}
	if f, ok := number(v); ok {
		if u, ok := floatToInt(f, to); ok {
			return u
		}
	}
	return v.Convert(to)
}

func number(v reflect.Value) (float64, bool) {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		return v.Float(), true
	}
	return 0, false
}

// floatToInt converts as compiled code does on this machine, also what does not fit.
func floatToInt(f float64, to reflect.Type) (reflect.Value, bool) {
	switch to.Kind() {
	case reflect.Int:
		return reflect.ValueOf(int(f)), true
	case reflect.Int8:
		return reflect.ValueOf(int8(f)), true
	case reflect.Int16:
		return reflect.ValueOf(int16(f)), true
	case reflect.Int32:
		return reflect.ValueOf(int32(f)), true
	case reflect.Int64:
		return reflect.ValueOf(int64(f)), true
	case reflect.Uint:
		return reflect.ValueOf(uint(f)), true
	case reflect.Uint8:
		return reflect.ValueOf(uint8(f)), true
	case reflect.Uint16:
		return reflect.ValueOf(uint16(f)), true
	case reflect.Uint32:
		return reflect.ValueOf(uint32(f)), true
	case reflect.Uint64:
		return reflect.ValueOf(uint64(f)), true
	case reflect.Uintptr:
		return reflect.ValueOf(uintptr(f)), true
	}
	return reflect.Value{}, false
}

func least(a, b reflect.Value) reflect.Value {
	switch {
	case a.CanInt():
		return pick(a.Int() <= b.Int(), a, b)
	case a.CanUint():
		return pick(a.Uint() <= b.Uint(), a, b)
	case a.CanFloat():
		return reflect.ValueOf(min(a.Float(), b.Float())).Convert(a.Type())
	}
	return pick(a.String() <= b.String(), a, b)
}

func greatest(a, b reflect.Value) reflect.Value {
	switch {
	case a.CanInt():
		return pick(a.Int() >= b.Int(), a, b)
	case a.CanUint():
		return pick(a.Uint() >= b.Uint(), a, b)
	case a.CanFloat():
		return reflect.ValueOf(max(a.Float(), b.Float())).Convert(a.Type())
	}
	return pick(a.String() >= b.String(), a, b)
}

func pick(first bool, a, b reflect.Value) reflect.Value {
	if first {
		return a
	}
	return b
}

// arith makes arithmetic on complex numbers.
func arith(o lower.Op, t []reflect.Type) reflect.Value {
	switch o.Text {
	case "complex":
		return fn(list(t[0], t[0]), list(t[1]), func(a []reflect.Value) []reflect.Value {
			return list(reflect.ValueOf(complex(a[0].Float(), a[1].Float())).Convert(t[1]))
		})
	case "real", "imag":
		return fn(list(t[0]), list(t[1]), func(a []reflect.Value) []reflect.Value {
			c := a[0].Complex()
			if o.Text == "real" {
				return list(reflect.ValueOf(real(c)).Convert(t[1]))
			}
			return list(reflect.ValueOf(imag(c)).Convert(t[1]))
		})
	}
	return fn(list(t[0], t[0]), list(t[0]), func(a []reflect.Value) []reflect.Value {
		if t[0].Kind() == reflect.Complex64 {
			return list(reflect.ValueOf(complexOp(o.Text, complex64(a[0].Complex()), complex64(a[1].Complex()))))
		}
		return list(reflect.ValueOf(complexOp(o.Text, a[0].Complex(), a[1].Complex())))
	})
}

func complexOp[T complex64 | complex128](op string, x, y T) T {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	}
	return x / y
}
