package timeline

import "sync/atomic"

var engine atomic.Pointer[func(fn any) string]

// SetEngine is for who runs code in more than one way, as a notebook does: from now on f is asked, from any goroutine, which engine
// runs fn, a function; or, when fn is nil, the code of the calling goroutine. It returns "" when it does not know. nil for f takes it
// back. In a program of its own nobody calls SetEngine: there is but one way.
func SetEngine(f func(fn any) string) {
	if f == nil {
		engine.Store(nil)
		return
	}
	engine.Store(&f)
}

// Engine names what runs fn, a function, or, when fn is nil, the code of the calling goroutine. It is empty where there is but one way
// to run code. What measures keeps it with its numbers, and figures say it.
func Engine(fn any) string {
	if f := engine.Load(); f != nil {
		return (*f)(fn)
	}
	return ""
}
