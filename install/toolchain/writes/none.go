//go:build !(interleave_host && unix)

package writes

// Hook installs f, or removes the hook when f is nil, and reports whether there is one in this program: only a host built
// by package toolchain has it.
func Hook(Func) bool { return false }
