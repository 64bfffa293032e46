//go:build unix

package remote_test

import "syscall"

func kill(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }
