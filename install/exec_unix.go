//go:build unix

package install

import (
	"fmt"
	"os"
	"syscall"
)

// Exec replaces this process by the host. It returns only when that fails.
func Exec(host string, args []string) error {
	err := syscall.Exec(host, append([]string{host}, args...), os.Environ())
	return fmt.Errorf("start the host %s: %w", host, err)
}
