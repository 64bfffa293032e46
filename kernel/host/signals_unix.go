//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

// ignoreSignals makes a file that grows beyond the limit an error of the write, not the end of the process.
func ignoreSignals() { signal.Ignore(syscall.SIGXFSZ) }
