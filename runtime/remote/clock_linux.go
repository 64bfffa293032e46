package remote

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// monotonic returns the time of the clock that all processes of the machine share, CLOCK_MONOTONIC, in
// nanoseconds. Package time and the execution tracer read the same; it is not that of a bubble of
// testing/synctest.
func monotonic() int64 { return nanotime() }

//go:linkname nanotime runtime.nanotime
func nanotime() int64

// used returns the processor time of this process, user and system, in nanoseconds.
func used() int64 { return readClock(unix.CLOCK_PROCESS_CPUTIME_ID) }

// usedBy returns the processor time of another process, 0 if it has ended.
func usedBy(pid int) int64 { return readClock(int32(^pid<<3) | clockSched) }

// usedByThread returns the processor time of a thread of this process, 0 if it has ended.
func usedByThread(tid int) int64 { return readClock(int32(^tid<<3) | clockThread | clockSched) }

// The lowest bits of the number of a processor clock; those above are the process or thread, inverted. This is
// how Linux defines them, and what clock_getcpuclockid returns.
const (
	clockSched  = 2 // what the scheduler has counted, in nanoseconds
	clockThread = 4
)

// readClock returns 0 if there is no such clock.
func readClock(id int32) int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		return 0
	}
	return t.Nano()
}

// core returns the number of the machine's core that the calling thread runs on, -1 if it is not known.
func core() int {
	var n uint32
	if _, _, err := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&n)), 0, 0); err != 0 {
		return -1
	}
	return int(n)
}
