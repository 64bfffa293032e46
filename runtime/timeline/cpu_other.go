//go:build !unix

package timeline

import "time"

// processCPU is not known here, so experiments show no CPU time.
func processCPU() time.Duration { return 0 }

// systemTime returns the time of the system's clock.
func systemTime() time.Time { return time.Now() }
