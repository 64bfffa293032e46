//go:build unix

package remote

import (
	"os"
	"syscall"
)

// mapShared maps the first bytes of a file, of which only those that are used take memory.
func mapShared(f *os.File, size int) ([]byte, error) {
	const access, flags = syscall.PROT_READ | syscall.PROT_WRITE, syscall.MAP_SHARED | syscall.MAP_NORESERVE
	mem, err := syscall.Mmap(int(f.Fd()), 0, size, access, flags)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return mem, nil
}

func unmapShared(mem []byte) { _ = syscall.Munmap(mem) }

func readPipe(fd uintptr, b []byte) (int, error) { return syscall.Read(int(fd), b) }
