//go:build unix

package serve

import "os"

// parentGone returns a function that reports whether the process that started this one is gone, nil if
// nothing need be watched.
func parentGone(asked string) func() bool {
	parent := os.Getppid()
	if asked == "" || parent <= 1 {
		return nil
	}
	return func() bool { return os.Getppid() != parent }
}
