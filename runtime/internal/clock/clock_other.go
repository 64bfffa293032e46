//go:build !unix && !windows

package clock

import "time"

// CPU is 0: it is not known here.
func CPU() time.Duration { return 0 }

// System is the time of the calling goroutine, which in a bubble of testing/synctest is the bubble's.
func System() time.Time { return time.Now() }
