package ops

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
	if d.p == nil {
		return nil
	}
	v := d.p.value
	d.p = nil
	return v
}

// DeferredRecover is recover as a deferred call of a function that the list outer calls. own are the deferred calls of the function.
func DeferredRecover(outer, own *Defers) {
	if own.p == nil {
		outer.p = nil
	}
}
