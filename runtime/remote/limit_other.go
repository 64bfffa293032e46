//go:build !linux

package remote

import (
	"fmt"
	"runtime"
)

// LimitMemory returns an error: only Linux bounds the memory of another process so that Go's runtime heeds it.
func (w *Worker) LimitMemory(int64) error {
	return fmt.Errorf("limit the memory of a worker: not on %s", runtime.GOOS)
}
