//go:build !linux

package remote

import (
	"sync/atomic"
	"time"
)

// pause is how long a thread sleeps where the system has no public way to wake those of other processes.
const pause = 50 * time.Microsecond

// sleepOn waits a little while a word of shared memory has the value that it was seen with.
func sleepOn(word *atomic.Uint32, seen uint32, atMost time.Duration) {
	if word.Load() == seen {
		time.Sleep(min(pause, atMost))
	}
}

// wakeOne does nothing: those that wait look again by themselves.
func wakeOne(*atomic.Uint32) {}
