package timeline

import (
	"errors"
	"time"

	"interleave/runtime/host"
)

// ErrBubble is wrapped by the error of a recording that would have begun in a bubble of testing/synctest.
// Channels and timers made in a bubble belong to it: the tracer's own would, too, and the process would end
// when another goroutine used them.
var ErrBubble = errors.New("the calling goroutine is in a synctest bubble: begin the recording before synctest.Test")

// runOutside runs f in no bubble, or returns ErrBubble.
func runOutside(f func()) error {
	if run := host.Get().Outside; run != nil {
		run(f)
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
