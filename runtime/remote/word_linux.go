package remote

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	futexWait = 0
	futexWake = 1
)

// sleepOn blocks the thread until a word of shared memory is woken, or has not the value that it was seen with,
// or for some time.
func sleepOn(word *atomic.Uint32, seen uint32, atMost time.Duration) {
	ts := unix.NsecToTimespec(int64(atMost))
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, uintptr(seen), uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// wakeOne wakes one of those that sleep on a word.
func wakeOne(word *atomic.Uint32) {
	_, _, _ = unix.Syscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, 1)
}
