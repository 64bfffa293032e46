//go:build unix

package session

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startProcess starts a child and sends it hello.
func startProcess(cfg Config, nonce string) (*process, error) {
	cmd := cfg.Command()
	var ours, theirs [5]*os.File // requests, frames, stdout, stderr, answers
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
		widen(w)
		ours[i], theirs[i] = r, w
		if i == 0 {
			ours[i], theirs[i] = w, r
		}
		// User code, and the processes that it starts, expect a blocking stream.
		if err := blocking(theirs[i]); err != nil {
			return fail(err)
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, theirs[2], theirs[3]
	cmd.ExtraFiles = []*os.File{theirs[0], theirs[1], theirs[4]} // 3, 4 and 5
	shared, err := newShared()
	if err != nil {
		cfg.Log.Error("lines of cells stay unknown when a session dies", "err", err)
	} else {
		defer shared.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, shared) // 6
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pgid = true, 0
	if err := cmd.Start(); err != nil {
		return fail(err)
	}
	for _, f := range theirs {
		f.Close()
	}
	page, unmap := mapPage(shared)
	g := &group{pid: cmd.Process.Pid}
	p := newProcess(pipes{
		requests: ours[0], frames: &drain{ours[1]}, stdout: &drain{ours[2]}, stderr: &drain{ours[3]},
		answers: &drain{ours[4]},
		pid:     g.pid,
		signal:  g.signal,
		wait: func(space *uint64) error {
			awaitExit(g.pid)
			*space = addressSpace(g.pid)
			g.end() // before Wait makes the pid available for other processes
			return cmd.Wait()
		},
		drained: func() {
			now := time.Unix(1, 0)
			for _, f := range ours[1:] {
				f.SetReadDeadline(now)
			}
		},
		page: page, unmap: unmap,
	}, nonce)
	return p, p.send(hello{protocolVersion, nonce})
}

// blocking undoes what os.Pipe did to this end.
func blocking(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if e := c.Control(func(fd uintptr) { err = unix.SetNonblock(int(fd), false) }); e != nil {
		return e
	}
	return err
}

// A group is the child's process group. No signals are sent after the child has ended, since its number may
// then belong to another group.
type group struct {
	pid   int
	mu    sync.Mutex
	ended bool
}

func (g *group) signal(hard bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return
	}
	s := unix.SIGTERM
	if hard {
		s = unix.SIGKILL
	}
	unix.Kill(-g.pid, s)
}

// end kills the processes that the child left behind.
func (g *group) end() {
	g.signal(true)
	g.mu.Lock()
	g.ended = true
	g.mu.Unlock()
}

// drain reads a pipe whose writer has ended. A process that left the group may keep the pipe open, so once
// the read deadline has passed it returns what the pipe holds, then io.EOF.
type drain struct {
	*os.File
}

func (d *drain) Read(p []byte) (int, error) {
	n, err := d.File.Read(p)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	c, err := d.File.SyscallConn()
	if err != nil {
		return 0, io.EOF
	}
	c.Control(func(fd uintptr) {
		for {
			n, err = unix.Read(int(fd), p)
			if err != unix.EINTR {
				return
			}
		}
	})
	if n <= 0 || err != nil {
		return 0, io.EOF
	}
	return n, nil
}
