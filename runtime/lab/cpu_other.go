//go:build !unix

package lab

import "time"

// processCPU is not known here.
func processCPU() time.Duration { return 0 }

// systemTime is the time.
func systemTime() time.Time { return time.Now() }
