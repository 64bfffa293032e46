package lab

import "sync/atomic"

// A Host is a program that runs user code, such as the session of a notebook. It knows facts about that code
// that its goroutines do not show. Each function may be nil.
type Host struct {
	// Places returns a function that turns the file:line of the calling code in a stack, or "" when the stack
	// shows no line, into the one that the user knows: of interpreted code, or of code that was compiled
	// under another name. nil means that they are the same. It is called often, and should be fast; what it
	// returns may be called at any time.
	Places func() func(found string) string
	// Carry returns f so that it can be run on a goroutine that has no parent, as a timer's, as if the
	// present goroutine had started that one at place.
	Carry func(place string, f func()) func()
	// Origin returns an address in the user's code, as [runtime.Callers] does: that of the go statement that
	// has started the calling goroutine, or of the call that made a library start it; 0 when it is not known.
	// The function of go lab.Measure(…) has no other place in that code. It is called often.
	Origin func() uintptr
	// Doubt returns why numbers of code that an engine has run, named as in [Stats].Engine, may differ from
	// those of a program that go build makes, or the empty string. Results of benchmarks have it among their
	// warnings. nil means that numbers do not differ.
	Doubt func(engine string) string
}

var host atomic.Pointer[Host]

// SetHost sets the program that lab runs in, until restore is called. Ordinary programs do not need it.
func SetHost(h Host) (restore func()) {
	before := host.Swap(&h)
	return func() { host.Store(before) }
}

// places is what the host makes of lines in the calling code; nil when nothing.
func places() func(string) string {
	if h := host.Load(); h != nil && h.Places != nil {
		return h.Places()
	}
	return nil
}

// origin is where the user's code has started the calling goroutine, 0 when that is not known.
func origin() uintptr {
	if h := host.Load(); h != nil && h.Origin != nil {
		return h.Origin()
	}
	return 0
}

// hostDoubts returns the host's warnings about measurements of code that an engine has run.
func hostDoubts(engine string) []string {
	if h := host.Load(); h != nil && h.Doubt != nil {
		if text := h.Doubt(engine); text != "" {
			return []string{text}
		}
	}
	return nil
}

// carried is f for a goroutine without a parent.
func carried(from *site, f func()) func() {
	if h := host.Load(); h != nil && h.Carry != nil {
		return h.Carry(from.String(), f)
	}
	return f
}
