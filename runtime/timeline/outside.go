package timeline

import (
	"errors"
	"sync/atomic"
	"time"
)

// ErrBubble is wrapped by the error of a recording that would have begun in a bubble of testing/synctest.
// Channels and timers made in a bubble belong to it: the tracer's own would, too, and the process would end
// when another goroutine used them.
var ErrBubble = errors.New("the calling goroutine is in a synctest bubble: begin the recording before synctest.Test")

var outside atomic.Pointer[func(f func())]

// SetOutside is for a program that runs other people's code, as a notebook does. That code may begin a
// recording in a bubble of testing/synctest. From now on recordings begin and end on a goroutine that run
// provides: run calls f there, and returns when f has returned. That goroutine must be in no bubble, so it
// has to exist before the code runs. A nil run takes it back.
func SetOutside(run func(f func())) {
	if run == nil {
		outside.Store(nil)
		return
	}
	outside.Store(&run)
}

// runOutside runs f in no bubble, or returns ErrBubble.
func runOutside(f func()) error {
	if run := outside.Load(); run != nil {
		(*run)(f)
		return nil
	}
	if inBubble() {
		return ErrBubble
	}
	f()
	return nil
}

// inBubble reports whether the calling goroutine is in a bubble: the times of a bubble have no reading of the
// monotonic clock.
func inBubble() bool {
	now := time.Now()
	return now == now.Round(0)
}
