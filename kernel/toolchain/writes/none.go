//go:build !(interleave_host && (unix || windows))

package writes

// Hook installs f, or removes the hook when f is nil, and reports whether there is one in this program: only
// a host built by package toolchain has it.
func Hook(Func) bool { return false }

// HookFork installs a function that is called before a process is started, on the goroutine that starts it.
func HookFork(func()) {}

// Moves changes whenever descriptor 1 or 2 may have been replaced, or a child process has been waited for.
func Moves() uint32 { return 0 }

// Keep prevents cells from closing or replacing the descriptors from 3 on that are open now.
func Keep() {}
