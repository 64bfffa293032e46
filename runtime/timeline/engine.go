package timeline

import "sync/atomic"

var engine atomic.Pointer[func(fn any) string]

// SetEngine is for programs that run code in more than one way, such as a notebook: from now on f is called,
// from any goroutine, to find out which engine runs fn, a function, or, when fn is nil, the code of the
// calling goroutine. f returns "" when it does not know. A nil f removes it. Ordinary programs do not call
// SetEngine: there is only one way to run code.
func SetEngine(f func(fn any) string) {
	if f == nil {
		engine.Store(nil)
		return
	}
	engine.Store(&f)
}

// Engine returns the name of the engine that runs fn, a function, or, when fn is nil, the code of the calling
// goroutine. It is empty when there is only one way to run code. Measurements keep it with their numbers, and
// figures show it.
func Engine(fn any) string {
	if f := engine.Load(); f != nil {
		return (*f)(fn)
	}
	return ""
}
