//go:build unix

package session

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// The child's control pipes, where the supervisor puts them.
const (
	requestsFD = 3
	framesFD   = 4
	answersFD  = 5
	sharedFD   = 6
	// hiddenFD is the lowest number for the session's own descriptors: above any that user code opens or
	// relies on.
	hiddenFD = 500
)

// inherit takes over the pipes that the supervisor passed to this process, and hides them from user code and
// from the processes that it starts.
func inherit() (link, error) {
	if !isPipe(requestsFD, unix.O_RDONLY) || !isPipe(framesFD, unix.O_WRONLY) {
		return link{}, ErrNotChild
	}
	requests, err := hide(requestsFD, true)
	if err != nil {
		return link{}, err
	}
	frames, err := hide(framesFD, true)
	if err != nil {
		return link{}, err
	}
	l := link{requests: polled(requests, "requests"), frames: rawFile(frames), pid: os.Getpid(), orphaned: killOwnGroup}
	if isPipe(answersFD, unix.O_WRONLY) { // otherwise the kernel has another version, which serve reports
		answers, err := hide(answersFD, true)
		if err != nil {
			return link{}, err
		}
		l.answers = rawFile(answers)
	}
	if isShared(sharedFD) {
		shared := os.NewFile(sharedFD, "shared")
		l.page, _ = mapPage(shared)
		shared.Close()
	}
	for i := range l.streams {
		// Markers go through descriptors of their own, so that they arrive when user code closes fd 1 or
		// puts a file in its place, and do not end up in that file.
		if fd, err := hide(i+1, false); err == nil {
			l.streams[i] = rawFile(fd)
		}
	}
	// Ctrl-C in the kernel's terminal is meant for the kernel. Notify makes the signal do nothing here,
	// although the channel is never read, and user code can still ask for the signal itself.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT)
	return l, nil
}

func isPipe(fd, access int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return false
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == access
}

// hide duplicates fd to a high number, closed in processes that user code starts.
func hide(fd int, move bool) (int, error) {
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, hiddenFD)
	if err != nil { // fewer descriptors allowed than that
		high, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 10)
	}
	if err != nil {
		return -1, fmt.Errorf("serve session: hide descriptor %d: %w", fd, err)
	}
	if move {
		unix.Close(fd)
	}
	return high, nil
}

// polled returns a file whose Read ends when it is closed.
func polled(fd int, name string) *os.File {
	unix.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), name)
}

// A rawFile is a descriptor whose Write always writes everything, even when user code made it non-blocking
// through its own end.
type rawFile int

func (f rawFile) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := unix.Write(int(f), p[done:])
		if n > 0 {
			done += n
		}
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			unix.Poll([]unix.PollFd{{Fd: int32(f), Events: unix.POLLOUT}}, -1)
		default:
			return done, err
		}
	}
	return done, nil
}

// isStream reports whether a descriptor is open on the stream that markers are written to.
func isStream(fd int, marks io.Writer) bool {
	f, ok := marks.(rawFile)
	var a, b unix.Stat_t
	return ok && unix.Fstat(fd, &a) == nil && unix.Fstat(int(f), &b) == nil && a.Dev == b.Dev && a.Ino == b.Ino
}

// stream is where Write writes what goes to a descriptor.
func (o *Out) stream(fd int) io.Writer { return rawFile(fd) }

// killOwnGroup ends this process and what its cells started.
func killOwnGroup() {
	if unix.Getpgrp() == unix.Getpid() {
		unix.Kill(0, unix.SIGKILL)
	}
}
