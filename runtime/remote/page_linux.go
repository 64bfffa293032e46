package remote

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"interleave/runtime/quantity"
)

// sharedFile returns a file of some size that has no name and lies in memory.
func sharedFile(size int64) (*os.File, error) {
	// a file beyond the limit ends the process with SIGXFSZ
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err == nil && limit.Cur < uint64(size) {
		return nil, fmt.Errorf("the limit of a file's size is %s (ulimit -f)", quantity.Bytes(int64(limit.Cur)))
	}
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
