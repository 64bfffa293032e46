//go:build !(interleave_host && unix)

package patched

// NextRun does nothing: the standard library is not patched here.
func NextRun() {}

// HookReads does nothing: the standard library is not patched here.
func HookReads(func(b []byte) (n int, err error)) {}
