package display

import (
	"errors"
	"sync/atomic"
)

// A Caller calls f, which calls methods of values to show, and returns nil when f has returned. Methods are
// user code: a method may overflow the stack, end its goroutine, or never return. A Caller that runs f on
// another goroutine can return an error then, which the output shows. It wraps ErrRunning when f may still
// run.
type Caller func(f func()) error

// ErrRunning is what a Caller's error wraps when f has not ended.
var ErrRunning = errors.New("it could not be stopped and still runs")

var caller atomic.Pointer[Caller]

// SetCaller sets the function that calls the methods of values, and returns the former one. nil restores the
// default, which calls f.
func SetCaller(c Caller) (old Caller) {
	var p *Caller
	if c != nil {
		p = &c
	}
	if o := caller.Swap(p); o != nil {
		old = *o
	}
	return old
}

func guarded(f func()) error {
	if c := caller.Load(); c != nil {
		return (*c)(f)
	}
	f()
	return nil
}
