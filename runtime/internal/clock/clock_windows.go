package clock

import (
	"syscall"
	"time"
)

// CPU is the user and system time that this process has used so far; 0 when it is not known.
func CPU() time.Duration {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0
	}
	var created, exited, kernel, user syscall.Filetime
	if syscall.GetProcessTimes(self, &created, &exited, &kernel, &user) != nil {
		return 0
	}
	ticks := func(t syscall.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }
	return time.Duration(100 * (ticks(kernel) + ticks(user)))
}

// System returns the time of the system's clock, to some milliseconds, even in a bubble of testing/synctest.
func System() time.Time {
	var t syscall.Filetime
	syscall.GetSystemTimeAsFileTime(&t)
	return time.Unix(0, t.Nanoseconds())
}
