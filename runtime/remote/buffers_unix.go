//go:build unix

package remote

import (
	"os"
	"syscall"
)

// named makes files of the two sockets, with large buffers.
func named(fds [2]int) (ours, theirs *os.File, err error) {
	for _, fd := range fds {
		for _, opt := range []int{syscall.SO_SNDBUF, syscall.SO_RCVBUF} {
			_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, opt, bufferSize) // a smaller buffer is only slower
		}
	}
	return os.NewFile(uintptr(fds[0]), "worker"), os.NewFile(uintptr(fds[1]), "program"), nil
}
