package timeline

import "interleave/runtime/host"

// Engine returns the name of the engine that runs fn, a function, or, when fn is nil, the code of the calling
// goroutine. It is empty when there is only one way to run code. Measurements keep it with their numbers, and
// figures show it.
func Engine(fn any) string {
	if f := host.Get().Engine; f != nil {
		return f(fn)
	}
	return ""
}
