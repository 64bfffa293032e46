//go:build !unix

package timeline

import "time"

// processCPU is not known here, so experiments show no CPU time.
func processCPU() time.Duration { return 0 }

// systemTime is what the system's clock says.
func systemTime() time.Time { return time.Now() }
