package lab

import "sync/atomic"

// A Host is a program that runs code for others, such as the session of a notebook. It knows about that code what its goroutines do
// not tell. Each function may be nil.
type Host struct {
	// Place returns the file:line of the calling code where the goroutine's stack does not show it, as that of an interpreter;
	// otherwise it may return anything. It is called often, and should be fast.
	Place func() string
	// Carry returns f so that it can be run on a goroutine that has no parent, as a timer's, as if the present goroutine had
	// started that one at place.
	Carry func(place string, f func()) func()
}

var host atomic.Pointer[Host]

// SetHost tells lab where it runs, until restore is called. Ordinary programs have no need of it.
func SetHost(h Host) (restore func()) {
	before := host.Swap(&h)
	return func() { host.Store(before) }
}

// hint is what the host knows of the calling code's place.
func hint() string {
	if h := host.Load(); h != nil && h.Place != nil {
		return h.Place()
	}
	return ""
}

// carried is f for a goroutine without a parent.
func carried(from *site, f func()) func() {
	if h := host.Load(); h != nil && h.Carry != nil {
		return h.Carry(from.String(), f)
	}
	return f
}
