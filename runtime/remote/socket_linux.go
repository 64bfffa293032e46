package remote

import (
	"os"
	"syscall"
)

// socketPair returns two connected sockets that other programs do not inherit by chance.
func socketPair() (ours, theirs *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return named(fds)
}
