package session

import (
	"fmt"

	"interleave/runtime/quantity"
)

// After an interrupt the output of the cell, including unread output from before, is bounded, so that the
// user soon sees the end of the cell. The beginning and the end are kept; the end has the output of deferred
// calls.
const (
	floodHead = 256 << 10 // bytes
	floodTail = 64 << 10
)

// A flood bounds the output of an interrupted cell.
type flood struct {
	passed  int      // bytes of the head
	tail    []Output // the newest
	held    int      // bytes of tail
	dropped int      // bytes between head and tail
}

// take reports whether an output belongs to the head, and keeps it in the tail otherwise.
func (f *flood) take(o Output) (head bool) {
	if f.held == 0 && f.passed+len(o.Text) <= floodHead {
		f.passed += len(o.Text)
		return true
	}
	f.tail = append(f.tail, o)
	f.held += len(o.Text)
	for f.held > floodTail && len(f.tail) > 1 {
		n := len(f.tail[0].Text)
		f.dropped, f.held = f.dropped+n, f.held-n
		f.tail[0] = Output{}
		f.tail = f.tail[1:]
	}
	return false
}

// flush returns the kept output, after a note about the dropped output. Further output belongs to the tail,
// too.
func (f *flood) flush() (events []Event) {
	if f.dropped > 0 {
		note := fmt.Sprintf("\n… %s of output that came after the interrupt were dropped …\n", quantity.Bytes(f.dropped))
		events = append(events, Output{f.tail[0].Cell, Stderr, note})
	}
	for _, o := range f.tail {
		events = append(events, o)
	}
	f.tail, f.held, f.dropped = nil, 0, 0
	return events
}
