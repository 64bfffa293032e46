package ops

import (
	"reflect"
	"runtime"
	"sync"
	"unsafe"
)

// Defers are the deferred calls of a function.
type Defers struct {
	l       *int
	calls   []func()
	p       *caught
	running bool // a deferred call has not returned
}

type caught struct {
	value any
	line  int
}

// NewDefers returns an empty list.
func NewDefers() *Defers { return &Defers{} }

// Defer adds a call.
func Defer(d *Defers, f func()) { d.calls = append(d.calls, f) }

// RunDefers runs the body of a function that defers calls, and then these.
func RunDefers(l *int, d *Defers, body func()) {
	d.l = l
	defer d.unwind()
	body()
}

// unwind runs the deferred calls from the last one on. A panic in one of them replaces the one before.
func (d *Defers) unwind() {
	if v := recover(); v != nil {
		d.p = &caught{v, *d.l}
	} else if d.running { // it has called runtime.Goexit, which ends a panic
		d.p = nil
	}
	d.running = false
	if n := len(d.calls); n > 0 {
		f := d.calls[n-1]
		d.calls = d.calls[:n-1]
		defer d.unwind()
		d.running = true
		f()
		d.running = false
		return
	}
	if p := d.p; p != nil {
		*d.l = p.line
		panic(p.value)
	}
}

// Recover is recover in a function that the list calls.
func Recover(d *Defers) any {
	if d == nil || d.p == nil {
		return nil
	}
	v := d.p.value
	d.p = nil
	return v
}

// DeferredRecover is recover as a deferred call of a function that the list outer calls. own are the deferred calls of the function.
func DeferredRecover(outer, own *Defers) {
	if own.p == nil && outer != nil {
		outer.p = nil
	}
}

// A Token belongs to a function value that calls recover. When the value is called as a deferred call, it finds the calls
// by its token; otherwise recover returns nil.
type Token struct {
	mu   sync.Mutex
	when map[*int]*Defers // by the line of the goroutine that is about to call the value
}

// NewToken returns a token.
func NewToken() *Token { return &Token{when: map[*int]*Defers{}} }

// Take returns the deferred calls that have called the function with the token on a goroutine, or nil.
func Take(t *Token, l *int) *Defers {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.when[l]
	delete(t.when, l)
	return d
}

var tokens sync.Map // the address of a function value's closure → *Token

// closureOf returns the address of a function value's closure.
func closureOf(f reflect.Value) unsafe.Pointer {
	p := reflect.New(f.Type())
	p.Elem().Set(f)
	return *(*unsafe.Pointer)(p.UnsafePointer())
}

// attach makes a token known as that of a function value, until the value is freed.
func attach(t *Token, f reflect.Value) {
	p := closureOf(f)
	tokens.Store(uintptr(p), t)
	runtime.AddCleanup((*byte)(p), func(key uintptr) { tokens.Delete(key) }, uintptr(p))
}

// give records in the token of a function value, if it has one, that d calls the value.
func give(d *Defers, l *int, f reflect.Value) {
	if t, ok := tokens.Load(uintptr(closureOf(f))); ok {
		t := t.(*Token)
		t.mu.Lock()
		t.when[l] = d
		t.mu.Unlock()
	}
}
