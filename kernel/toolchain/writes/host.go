//go:build interleave_host && (unix || windows)

package writes

import _ "unsafe" // for linkname

//go:linkname setWriteHook syscall.setWriteHook
func setWriteHook(f func(fd int, b []byte) (n int, err error, handled bool))

//go:linkname setForkHook syscall.setForkHook
func setForkHook(f func())

//go:linkname streamMoves syscall.streamMoves
func streamMoves() uint32

// Hook installs f, or removes the hook when f is nil, and reports whether there is one in this program: only
// a host built by package toolchain has it. Writes that have begun finish with the former hook.
func Hook(f Func) bool {
	setWriteHook(f)
	return true
}

// HookFork installs a function that is called before a process is started, on the goroutine that starts it.
func HookFork(f func()) { setForkHook(f) }

// Moves changes whenever descriptor 1 or 2 may have been replaced, or a child process has been waited for.
func Moves() uint32 { return streamMoves() }
