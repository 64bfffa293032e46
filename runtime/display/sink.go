package display

import "sync/atomic"

// An Event is one thing to show. Data and Metadata map MIME types to values that encoding/json can encode: a
// string for text types, base64 in a string for binary ones.
type Event struct {
	Data     map[string]any
	Metadata map[string]any
	ID       string // display id, empty when the output cannot be updated
	Update   bool   // replace what has this ID
	Clear    bool   // clear the output instead; Wait: when the next output comes
	Wait     bool
}

var sink atomic.Pointer[func(Event)]

// SetSink sets the function that receives displayed values, and returns the former one. nil restores the
// default, which prints the text form to standard output. The sink is called on the goroutine that displays,
// so that it can identify it.
func SetSink(f func(Event)) (old func(Event)) {
	var p *func(Event)
	if f != nil {
		p = &f
	}
	if o := sink.Swap(p); o != nil {
		old = *o
	}
	return old
}

// Attached reports whether displayed values go to a sink, so that what is shown can be rich and can be updated.
func Attached() bool { return sink.Load() != nil }
