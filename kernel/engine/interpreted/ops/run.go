package ops

import (
	"iter"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"unicode/utf8"
	"unsafe"

	"interleave/kernel/cell/lower"
	"interleave/kernel/engine/rt"
)

// Table returns the symbols of package rt of lowered code.
func Table() map[string]reflect.Value {
	return map[string]reflect.Value{
		"Used":            reflect.ValueOf(0),
		"Defers":          reflect.ValueOf((*Defers)(nil)),
		"MapIter":         reflect.ValueOf((*MapIter)(nil)),
		"Func":            reflect.ValueOf((*func())(nil)),
		"Token":           reflect.ValueOf((*Token)(nil)),
		"Pull":            reflect.ValueOf(Pull),
		"NewToken":        reflect.ValueOf(NewToken),
		"Take":            reflect.ValueOf(Take),
		"NewDefers":       reflect.ValueOf(NewDefers),
		"RunDefers":       reflect.ValueOf(RunDefers),
		"Defer":           reflect.ValueOf(Defer),
		"Recover":         reflect.ValueOf(Recover),
		"DeferredRecover": reflect.ValueOf(DeferredRecover),
		"Go":              reflect.ValueOf(Go),
		"Here":            reflect.ValueOf(Here),
		"Stop":            reflect.ValueOf(stop),
		"Poll":            reflect.ValueOf(Poll),
		"Panic":           reflect.ValueOf(Panic),
		"NilPointer":      reflect.ValueOf(NilPointer),
		"Index":           reflect.ValueOf(Index),
		"IndexU":          reflect.ValueOf(IndexU),
		"NegativeShift":   reflect.ValueOf(NegativeShift),
		"Divide":          reflect.ValueOf(Divide),
		"Size":            reflect.ValueOf(Size),
		"Unreachable":     reflect.ValueOf(Unreachable),
		"Rune":            reflect.ValueOf(Rune),
		"RangeState":      reflect.ValueOf(RangeState),
	}
}

// Rune returns the character at an index of a string, and the index of the next.
func Rune(s string, i int) (r rune, next int) {
	r, n := utf8.DecodeRuneInString(s[i:])
	return r, i + n
}

// Poll ends the goroutine when its cell is being stopped.
func Poll(l *int) { rt.Poll() }

// Panic is panic.
func Panic(l *int, v any) { panic(v) }

// stop is the stop flag as the text looks at it: the interpreter tests a bool in one step. The flag is 0 or 1, and the
// processors that cells run on have the first byte of a number lowest.
var stop = (*bool)(unsafe.Pointer(&rt.Stop))

// Start starts a goroutine of a cell.
var Start = func(f func()) { go f() }

// Go starts a goroutine.
func Go(l *int, f func()) {
	Start(func() {
		id := goid()
		lines.Store(id, new(int))
		defer lines.Delete(id)
		f()
	})
}

var lines sync.Map // goroutine → *int

// Here returns where the calling goroutine keeps its line.
func Here() *int {
	if p, ok := lines.Load(goid()); ok {
		return p.(*int)
	}
	return new(int)
}

// Adopt makes a line known for the calling goroutine, until the function that it returns is called.
func Adopt(l *int) (end func()) {
	id := goid()
	lines.Store(id, l)
	return func() { lines.Delete(id) }
}

// goid returns the number of the calling goroutine.
var goid = func() uint64 {
	var buf [64]byte
	n := runtime.Stack(buf[:], false)
	b := buf[len("goroutine "):n]
	i := 0
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	id, _ := strconv.ParseUint(string(b[:i]), 10, 64)
	return id
}

// printer makes print or println.
func printer(o lower.Op, t []reflect.Type) reflect.Value {
	return fn(t, nil, func(a []reflect.Value) []reflect.Value {
		vs := make([]any, len(a))
		for i, v := range a {
			if v.Kind() == reflect.Interface {
				p := reflect.New(v.Type())
				p.Elem().Set(v)
				vs[i] = *(*rt.Interface)(p.UnsafePointer())
				continue
			}
			vs[i] = v.Interface()
		}
		if o.Text == "println" {
			rt.Println(vs...)
		} else {
			rt.Print(vs...)
		}
		return nil
	})
}

// Pull is [iter.Pull] for values of any type.
func Pull(seq func(yield func(any) bool)) (next func() (any, bool), stop func()) {
	return iter.Pull(iter.Seq[any](seq))
}
