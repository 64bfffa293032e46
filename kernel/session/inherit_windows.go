package session

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// inherit takes over the pipes that the supervisor passed to this process, and hides them from user code and
// from the processes that it starts.
func inherit() (link, error) {
	in := windows.Handle(os.Stdin.Fd())
	if kind, err := windows.GetFileType(in); err != nil || kind != windows.FILE_TYPE_PIPE {
		return link{}, ErrNotChild
	}
	in, err := duplicate(in)
	if err != nil {
		return link{}, err
	}
	// By its owner: when that is garbage it closes a number that may be another handle's by then.
	os.Stdin.Close()
	requests := os.NewFile(uintptr(in), "requests")
	var p preface
	if err := binary.Read(requests, binary.LittleEndian, &p); err != nil || !bytes.Equal(p.Magic[:], prefaceMagic[:]) {
		requests.Close()
		return link{}, ErrNotChild
	}
	if err := emptyStdin(); err != nil {
		return link{}, err
	}
	l := link{requests: requests, pid: os.Getpid(), orphaned: func() {}} // the system ends the job
	frames, err := hide(windows.Handle(p.Frames))
	if err != nil {
		return link{}, err
	}
	answers, err := hide(windows.Handle(p.Answers))
	if err != nil {
		return link{}, err
	}
	l.frames, l.answers = rawFile(frames), rawFile(answers)
	if p.Shared != 0 {
		l.page, _ = mapPage(windows.Handle(p.Shared))
		windows.CloseHandle(windows.Handle(p.Shared))
	}
	for i, f := range []*os.File{os.Stdout, os.Stderr} {
		// Markers go through handles of their own, so that they arrive when user code closes a stream.
		if h, err := duplicate(windows.Handle(f.Fd())); err == nil {
			l.streams[i] = rawFile(h)
		}
	}
	return l, nil
}

// emptyStdin puts an empty stream in the place of standard input, for user code and its processes.
func emptyStdin() error {
	none, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("serve session: %w", err)
	}
	os.Stdin, syscall.Stdin = none, syscall.Handle(none.Fd())
	if err := windows.SetStdHandle(windows.STD_INPUT_HANDLE, windows.Handle(none.Fd())); err != nil {
		return fmt.Errorf("serve session: %w", os.NewSyscallError("SetStdHandle", err))
	}
	return nil
}

// duplicate returns a handle for the same that other processes do not inherit.
func duplicate(h windows.Handle) (windows.Handle, error) {
	self := windows.CurrentProcess()
	var own windows.Handle
	if err := windows.DuplicateHandle(self, h, self, &own, 0, false, windows.DUPLICATE_SAME_ACCESS); err != nil {
		return 0, fmt.Errorf("serve session: hide a handle: %w", os.NewSyscallError("DuplicateHandle", err))
	}
	return own, nil
}

// hide is duplicate, and closes the original.
func hide(h windows.Handle) (windows.Handle, error) {
	own, err := duplicate(h)
	if err == nil {
		windows.CloseHandle(h)
	}
	return own, err
}

// A rawFile is a handle whose Write always writes everything.
type rawFile windows.Handle

func (f rawFile) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		var n uint32
		err := windows.WriteFile(windows.Handle(f), p[done:], &n, nil)
		done += int(n)
		if err != nil {
			return done, os.NewSyscallError("WriteFile", err)
		}
	}
	return done, nil
}

// isStream reports whether standard output, 1, or standard error, 2, is the stream that markers are written to.
func isStream(fd int, marks io.Writer) bool {
	f, ok := marks.(rawFile)
	if !ok {
		return false
	}
	std := syscall.Stdout
	if fd == 2 {
		std = syscall.Stderr
	}
	if compareObjectHandles.Find() != nil { // before Windows 10
		return true
	}
	same, _, _ := compareObjectHandles.Call(uintptr(std), uintptr(f))
	return same != 0
}

var compareObjectHandles = windows.NewLazySystemDLL("kernelbase.dll").NewProc("CompareObjectHandles")

// stream is where Write writes what goes to standard output, 1, or to standard error, 2.
func (o *Out) stream(fd int) io.Writer { return o.marks[fd-1] }
