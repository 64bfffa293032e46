//go:build unix

package command

import (
	"fmt"
	"os"
	"syscall"
)

// Become replaces this process by another program. It returns only when that fails.
func Become(program string, args []string) error {
	err := syscall.Exec(program, append([]string{program}, args...), os.Environ())
	return fmt.Errorf("start %s: %w", program, err)
}
