package session

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// widen does nothing: pipes grow by themselves here.
func widen(*os.File) {}

// newShared makes a file without a name for mapPage.
func newShared() (*os.File, error) {
	f, err := os.CreateTemp("", "interleave")
	if err != nil {
		return nil, fmt.Errorf("make shared memory: %w", err)
	}
	os.Remove(f.Name())
	if err := f.Truncate(sharedSize); err != nil {
		f.Close()
		return nil, fmt.Errorf("make shared memory: %w", err)
	}
	return f, nil
}

// awaitExit returns when the process has ended, and does not wait for it: its number is not reused until
// then.
func awaitExit(pid int) {
	kq, err := unix.Kqueue()
	if err != nil {
		return // the group is then killed as soon as the frames end; nothing else is lost
	}
	defer unix.Close(kq)
	events := make([]unix.Kevent_t, 1)
	unix.SetKevent(&events[0], pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	events[0].Fflags = unix.NOTE_EXIT
	for {
		n, err := unix.Kevent(kq, events, events, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n > 0 {
			return // ESRCH: it is a zombie already
		}
	}
}

// addressSpace returns 0: the limit is unknown on this system.
func addressSpace(int) uint64 { return 0 }
