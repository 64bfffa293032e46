//go:build amd64 || arm64

package lab

// self identifies the calling goroutine among those that are alive; it is never 0. It costs about a nanosecond, where asking for the
// goroutine's number costs microseconds. It is for one purpose: a call that waits finds out whether it would wait for its own caller, such
// as a job that closes its own pool. A goroutine that has ended may have passed its identity on, so whoever keeps one must drop it
// before the goroutine ends.
func self() uintptr
