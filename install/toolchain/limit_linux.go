package toolchain

import (
	"fmt"
	"syscall"
)

// addressLimit names the limit of this process's address space, which the Go tools that it starts have, too; it is empty where there is
// none that they would notice.
func addressLimit() string {
	const enough = 8 << 30
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &l) != nil || l.Cur >= enough {
		return ""
	}
	return fmt.Sprintf("The address space is limited to %d MB (ulimit -v, RLIMIT_AS), and the Go compiler needs more than a gigabyte of it. ", l.Cur>>20)
}
