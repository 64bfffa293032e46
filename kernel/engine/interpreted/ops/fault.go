package ops

import (
	"fmt"
	"reflect"
	"strconv"
	"unsafe"
)

// A fault is a run-time error that only the compiler's own code can make.
type fault string

func (e fault) Error() string { return "runtime error: " + string(e) }

// RuntimeError makes a fault a runtime.Error.
func (fault) RuntimeError() {}

// An assertion is the error of a type assertion.
type assertion string

func (e assertion) Error() string { return string(e) }

func (assertion) RuntimeError() {}

func assertionError(x reflect.Value, from, to reflect.Type) error {
	const p = "interface conversion: "
	if x.IsNil() {
		if to.Kind() == reflect.Interface {
			return assertion(p + "interface is nil, not " + to.String())
		}
		return assertion(p + from.String() + " is nil, not " + to.String())
	}
	c := x.Elem().Type()
	if to.Kind() == reflect.Interface {
		return assertion(p + c.String() + " is not " + to.String() + ": missing method " + missing(c, to))
	}
	s := p + from.String() + " is " + c.String() + ", not " + to.String()
	if c.String() == to.String() {
		if c.PkgPath() != to.PkgPath() {
			return assertion(s + " (types from different packages)")
		}
		return assertion(s + " (types from different scopes)")
	}
	return assertion(s)
}

func missing(c, to reflect.Type) string {
	for i := range to.NumMethod() {
		m := to.Method(i)
		if have, ok := c.MethodByName(m.Name); !ok || have.Type.NumIn()-1 != m.Type.NumIn() {
			return m.Name
		}
	}
	for i := range to.NumMethod() {
		m := to.Method(i)
		have, _ := c.MethodByName(m.Name)
		for j := range m.Type.NumIn() {
			if have.Type.In(j+1) != m.Type.In(j) {
				return m.Name
			}
		}
	}
	return ""
}

func panicNil() {
	var p *int
	_ = *p
}

// Index panics as an index out of range does in compiled code.
func Index(l *int, line, i, n int) {
	*l = line
	_ = make([]struct{}, n)[i]
}

// IndexU is Index for an unsigned index that no int holds.
func IndexU(l *int, line int, i uint64, n int) {
	*l = line
	_ = make([]struct{}, n)[i]
}

// NilPointer panics for a nil pointer.
func NilPointer(l *int, line int) {
	*l = line
	panicNil()
}

// NegativeShift panics for a negative shift count.
func NegativeShift(l *int, line int) {
	*l = line
	n := -1
	_ = 1 << n
}

// Divide panics for a division by zero.
func Divide(l *int, line int) {
	*l = line
	zero := 0
	_ = 1 / zero
}

// Size checks a length (1) or capacity (2) of a slice that make is given, or the capacity (3) of a channel.
func Size(n, which int) int {
	if n < 0 {
		switch which {
		case 1:
			makeSliceLen(n)
		case 2:
			makeSliceCap(0, n)
		default:
			makeChan(n)
		}
	}
	return n
}

// These panic as compiled code does.

func makeSliceLen(n int) { sink = make([]int64, n) }

func makeSliceCap(n, c int) { sink = make([]int64, n, c) }

func makeChan(n int) { _ = make(chan int64, n) }

var sink []int64

// hash panics for a map key that has no hash, as an access to a map with n keys does, or an assignment to it when n is
// negative.
func hash(k reflect.Value, n int) {
	if k.Comparable() {
		return
	}
	m := map[any]int{}
	if n < 0 {
		m[k.Interface()] = 0
	}
	if n > 0 {
		m[0] = 0
	}
	_ = m[k.Interface()]
}

// Unreachable panics where the compiler knows that no code runs.
func Unreachable() {
	panic("interleave: the end of a function without a return; this is a bug of Interleave")
}

// RangeState panics for an iterator that calls the body of a loop when it must not.
func RangeState(l *int, state int) {
	switch state {
	case 1:
		panic(fault("range function continued iteration after function for loop body returned false"))
	case 2:
		panic(fault("range function continued iteration after whole loop exit"))
	}
	panic(fault("range function recovered a loop body panic and did not resume panicking"))
}

// These panic for a bound of a slice expression that does not fit.

func panicMost(most bound, n, c int, fixed bool) {
	if fixed && (most.unsigned || most.n >= 0) {
		panic(fault(fmt.Sprintf("slice bounds out of range [::%s] with length %d", most, n)))
	}
	s := make([]struct{}, n, c)
	if most.unsigned {
		_ = s[0:0:uint64(most.n)]
	}
	_ = s[0:0:most.n]
}

func panicHigh(hi, most bound, n, c int, fixed bool) {
	if most.is {
		s := make([]struct{}, most.n)
		if hi.unsigned {
			_ = s[0:uint64(hi.n):most.n]
		}
		_ = s[0:hi.n:most.n]
	}
	if fixed {
		s := unsafe.String((*byte)(unsafe.Pointer(&sink)), n) // never read
		if hi.unsigned {
			_ = s[:uint64(hi.n)]
		}
		_ = s[:hi.n]
	}
	s := make([]struct{}, n, c)
	if hi.unsigned {
		_ = s[:uint64(hi.n)]
	}
	_ = s[:hi.n]
}

func panicLow(lo, hi, most bound) {
	if most.is {
		s := make([]struct{}, most.n)
		if lo.unsigned {
			_ = s[uint64(lo.n):hi.n:most.n]
		}
		_ = s[lo.n:hi.n:most.n]
	}
	s := make([]struct{}, hi.n)
	if lo.unsigned {
		_ = s[uint64(lo.n):hi.n]
	}
	_ = s[lo.n:hi.n]
}

func (b bound) String() string {
	if b.unsigned {
		return strconv.FormatUint(uint64(b.n), 10)
	}
	return strconv.Itoa(b.n)
}
