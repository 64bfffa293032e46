//go:build unix

package clock

import (
	"syscall"
	"time"
)

// CPU is the user and system time that this process has used so far; 0 when it is not known.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// System returns the time of the system's clock, to the microsecond, even in a bubble of testing/synctest.
func System() time.Time {
	var t syscall.Timeval
	if err := syscall.Gettimeofday(&t); err != nil {
		return time.Now()
	}
	return time.Unix(t.Unix())
}
