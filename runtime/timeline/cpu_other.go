//go:build !unix

package timeline

import "time"

// processCPU is not known here, so experiments show no CPU time.
func processCPU() time.Duration { return 0 }
