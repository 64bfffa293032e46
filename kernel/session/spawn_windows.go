package session

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A child has no descriptors with agreed numbers here. It gets requests by its standard input, and what stands
// there before the first frame names the handles of the others, which it has inherited.

// preface is what the supervisor writes before the first request. The fields are handles of the child.
type preface struct {
	Magic                   [16]byte
	Frames, Answers, Shared uint64 // Shared is 0 when there is no shared memory
}

var prefaceMagic = [16]byte{0xFF, 'i', 'n', 't', 'e', 'r', 'l', 'e', 'a', 'v', 'e', ' ', '1', '\r', '\n', 0}

// startProcess starts a child and sends it hello.
func startProcess(cfg Config, nonce string) (*process, error) {
	cmd := cfg.Command()
	var ours, theirs [5]*os.File // requests, frames, stdout, stderr, answers
	var shared windows.Handle
	fail := func(err error) (*process, error) {
		for i := range ours {
			ours[i].Close() // returns an error for a nil *os.File
			theirs[i].Close()
		}
		return nil, fmt.Errorf("start session: %w", err)
	}
	for i := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return fail(err)
		}
		ours[i], theirs[i] = r, w
		if i == 0 {
			ours[i], theirs[i] = w, r
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[2], theirs[3]
	shared, err := newShared()
	if err != nil {
		cfg.Log.Error("lines of cells stay unknown when a session dies", "err", err)
	} else {
		defer windows.CloseHandle(shared)
	}
	p := preface{
		Magic:  prefaceMagic,
		Frames: uint64(theirs[1].Fd()), Answers: uint64(theirs[4].Fd()), Shared: uint64(shared),
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	for _, h := range []uint64{p.Frames, p.Answers, p.Shared} {
		if h == 0 {
			continue
		}
		// Handles are inherited by the processes that list them alone.
		const inherit = windows.HANDLE_FLAG_INHERIT
		if err := windows.SetHandleInformation(windows.Handle(h), inherit, inherit); err != nil {
			return fail(os.NewSyscallError("SetHandleInformation", err))
		}
		cmd.SysProcAttr.AdditionalInheritedHandles = append(cmd.SysProcAttr.AdditionalInheritedHandles, syscall.Handle(h))
	}
	// Ctrl-C in the kernel's terminal is meant for the kernel, and a kernel without a terminal opens no window.
	cmd.SysProcAttr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP | windows.CREATE_NO_WINDOW
	j, err := newJob()
	if err != nil {
		return fail(err)
	}
	if err := cmd.Start(); err != nil {
		j.close()
		return fail(err)
	}
	for _, f := range theirs {
		f.Close()
	}
	// The child starts no process before it has read the preface, so that none is outside of the job.
	err = j.add(cmd.Process)
	if err == nil {
		err = binary.Write(ours[0], binary.LittleEndian, p)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		j.close()
		return fail(err)
	}
	page, unmap := mapPage(shared)
	pr := newProcess(pipes{
		requests: ours[0], frames: ours[1], stdout: ours[2], stderr: ours[3], answers: ours[4],
		pid:    cmd.Process.Pid,
		signal: func(bool) { j.kill() }, // there is no request to end that all programs understand
		wait: func(*uint64) error {
			err := cmd.Wait()
			j.kill() // what the child left behind, which may hold the pipes open
			j.close()
			return err
		},
		drained: func() {},
		page:    page, unmap: unmap,
	}, nonce)
	return pr, pr.send(hello{protocolVersion, nonce})
}

// A job is the child with all processes that it starts. The system ends them when the supervisor has died.
type job struct {
	mu     sync.Mutex
	handle windows.Handle // 0 when closed
}

func newJob() (*job, error) {
	h, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, os.NewSyscallError("CreateJobObject", err)
	}
	var limits windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(h, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err != nil {
		windows.CloseHandle(h)
		return nil, os.NewSyscallError("SetInformationJobObject", err)
	}
	return &job{handle: h}, nil
}

func (j *job) add(p *os.Process) error {
	var err error
	e := p.WithHandle(func(h uintptr) { err = windows.AssignProcessToJobObject(j.handle, windows.Handle(h)) })
	if e != nil {
		return e
	}
	return os.NewSyscallError("AssignProcessToJobObject", err)
}

// killedStatus is the exit status of a child that was killed.
const killedStatus = 137

func (j *job) kill() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.handle != 0 {
		_ = windows.TerminateJobObject(j.handle, killedStatus)
	}
}

func (j *job) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	windows.CloseHandle(j.handle)
	j.handle = 0
}

// sharedSize is one page of memory, which begins with a page.
const sharedSize = 4096

// newShared makes memory without a name for mapPage.
func newShared() (windows.Handle, error) {
	h, err := windows.CreateFileMapping(windows.InvalidHandle, nil, windows.PAGE_READWRITE, 0, sharedSize, nil)
	if h == 0 {
		return 0, fmt.Errorf("make shared memory: %w", err)
	}
	return h, nil
}

// mapPage maps what newShared made. Without a handle it returns memory that is not shared.
func mapPage(h windows.Handle) (p *page, unmap func()) {
	if h == 0 {
		return new(page), func() {}
	}
	at, err := windows.MapViewOfFile(h, windows.FILE_MAP_READ|windows.FILE_MAP_WRITE, 0, 0, sharedSize)
	if at == 0 || err != nil {
		return new(page), func() {}
	}
	// an address of the system's, which the collector does not know
	return *(**page)(unsafe.Pointer(&at)), func() { _ = windows.UnmapViewOfFile(at) }
}
