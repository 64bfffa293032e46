package remote

import (
	"os"

	"golang.org/x/sys/unix"
)

// sharedFile returns a file of some size that has no name and lies in memory.
func sharedFile(size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("interleave", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "shared memory")
	if err := f.Truncate(size); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
