package session

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is how many bytes user code may write before the kernel reads. It also makes each read worth its
// system call.
const pipeSize = 1 << 20

// widen makes a pipe larger where the system allows it; the default works, too, but is slower.
func widen(f *os.File) {
	if c, err := f.SyscallConn(); err == nil {
		c.Control(func(fd uintptr) { unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
	}
}

// newShared makes a file in memory for mapPage.
func newShared() (*os.File, error) {
	fd, err := unix.MemfdCreate("interleave", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make shared memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "shared")
	if err := f.Truncate(sharedSize); err != nil {
		f.Close()
		return nil, fmt.Errorf("make shared memory: %w", err)
	}
	return f, nil
}

// awaitExit returns when the process has ended, and does not wait for it: its number is not reused until
// then.
func awaitExit(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// addressSpace returns the limit of the address space of a process that has ended and was not waited for, in
// bytes, or 0.
func addressSpace(pid int) uint64 {
	var l unix.Rlimit
	if unix.Prlimit(pid, unix.RLIMIT_AS, nil, &l) != nil || l.Cur == unix.RLIM_INFINITY {
		return 0
	}
	return l.Cur
}
