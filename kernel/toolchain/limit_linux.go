package toolchain

import (
	"fmt"
	"strings"
	"syscall"
)

// limit returns a remedy if a limit of this process, which the Go tools inherit, explains why one of them
// failed. Otherwise it returns "".
func limit(err error) string {
	const (
		enough = 8 << 30 // bytes of address space
		few    = 64      // open files
	)
	get := func(resource int) uint64 {
		var l syscall.Rlimit
		if syscall.Getrlimit(resource, &l) != nil {
			return 1<<64 - 1
		}
		return l.Cur
	}
	text := strings.ToLower(err.Error())
	if size := get(syscall.RLIMIT_FSIZE); size < 1<<62 && strings.Contains(text, "file too large") {
		return fmt.Sprintf("Files are limited to %d kB (ulimit -f, RLIMIT_FSIZE), and a cell needs 4 MB or more. Raise the limit and restart the kernel", size>>10)
	}
	if n := get(syscall.RLIMIT_NOFILE); strings.Contains(text, "too many open files") || n < few {
		return fmt.Sprintf("Open files are limited to %d (ulimit -n, RLIMIT_NOFILE), and all of them are in use. Close some with lines that need no compiler, such as files = nil and runtime.GC(), or raise the limit and restart the kernel", n)
	}
	if size := get(syscall.RLIMIT_AS); size < enough {
		return fmt.Sprintf("The address space is limited to %d MB (ulimit -v, RLIMIT_AS), and the Go compiler needs more than a gigabyte of it. Raise the limit and restart the kernel", size>>20)
	}
	return ""
}
