//go:build interleave_host && unix

package writes

import _ "unsafe" // for linkname

//go:linkname setWriteHook syscall.setWriteHook
func setWriteHook(f func(fd int, b []byte) (n int, err error, handled bool))

// Hook installs f, or removes the hook when f is nil, and reports whether there is one in this program: only a host built
// by package toolchain has it. Writes that have begun finish with the former hook.
func Hook(f Func) bool {
	setWriteHook(f)
	return true
}
