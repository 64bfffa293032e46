package toolchain

import (
	"fmt"
	"strings"
	"syscall"

	"interleave/runtime/quantity"
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
		return fmt.Sprintf("Files are limited to %s (ulimit -f, RLIMIT_FSIZE), and a cell needs 4 MB or more. Raise the limit and restart the kernel", quantity.BinaryBytes(size))
	}
	if n := get(syscall.RLIMIT_NOFILE); strings.Contains(text, "too many open files") || n < few {
		return fmt.Sprintf("Open files are limited to %s (ulimit -n, RLIMIT_NOFILE), and all of them are in use. Close some with lines that need no compiler, such as files = nil and runtime.GC(), or raise the limit and restart the kernel", quantity.Count(n))
	}
	if size := get(syscall.RLIMIT_AS); size < enough {
		return fmt.Sprintf("The address space is limited to %s (ulimit -v, RLIMIT_AS), and the Go compiler needs more than a gigabyte of it. Raise the limit and restart the kernel", quantity.BinaryBytes(size))
	}
	return ""
}
