//go:build interleave_host && unix

package writes

import (
	"syscall"
	_ "unsafe" // for linkname
)

//go:linkname keepDescriptors syscall.keepDescriptors
func keepDescriptors(fds []uintptr)

// Keep prevents cells from closing or replacing the descriptors from 3 on that are open now: for cells, their
// numbers are not in use. It works on Linux only. It must be called before any cell runs.
func Keep() {
	const searched = 1 << 12
	var open []uintptr
	for fd := uintptr(3); fd < searched; fd++ {
		if _, _, e := syscall.RawSyscall(syscall.SYS_FCNTL, fd, syscall.F_GETFD, 0); e == 0 {
			open = append(open, fd)
		}
	}
	keepDescriptors(open)
}
