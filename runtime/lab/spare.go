package lab

import (
	"runtime"
	"sync"
	"time"

	"interleave/runtime/host"
	"interleave/runtime/remote"
)

// A program that runs cells keeps processes in reserve, which have started and wait: a start takes some tens of
// milliseconds, and a call of a process that waits a fraction of one. As many are made as were wanted at once
// before, when no process has been busy for a while; they end when none was wanted for long.
//
// Other programs start processes when they need them: one that was not asked for would be a surprise there.

const (
	spareAfter = 200 * time.Millisecond // that nothing was busy
	spareFor   = 5 * time.Minute
)

var spares reserve

// A reserve is what is known of processes that wait.
type reserve struct {
	mu     sync.Mutex
	code   host.Code // of those that wait
	idle   []*process
	burst  int       // how many were wanted since reserves were made last
	wanted int       // how many to keep
	last   time.Time // when one was wanted last
	timer  *time.Timer
}

// expectProcesses fills the reserve up to a number of processes. It is called when a cell that is about to be
// compiled will start some: they start while the compiler works.
func expectProcesses(processes int) {
	s := &spares
	for range min(processes, runtime.NumCPU()) {
		s.mu.Lock()
		code := host.Get().Code
		if code == nil || len(s.idle) >= processes || remote.Busy() {
			s.mu.Unlock()
			return
		}
		s.use(code)
		s.add()
		s.last = time.Now()
		s.wake()
		s.mu.Unlock()
	}
}

// newProcess returns a process of a name, which was in reserve or is new.
func newProcess(code host.Code, name string) (*process, error) {
	if w := takeSpare(code); w != nil {
		w.mu.Lock()
		w.name = name
		w.mu.Unlock()
		w.Rename(name)
		w.watch()
		return w, nil
	}
	w := &process{name: name}
	if err := w.start(code); err != nil {
		return nil, err
	}
	w.watch()
	return w, nil
}

// takeSpare returns a process from the reserve, or nil, and sees to it that there will be more.
func takeSpare(code host.Code) (w *process) {
	if host.Get().Code == nil {
		return nil
	}
	s := &spares
	s.mu.Lock()
	defer s.mu.Unlock()
	s.use(code)
	s.burst++
	s.last = time.Now()
	for n := len(s.idle); n > 0 && w == nil; n = len(s.idle) {
		w, s.idle = s.idle[n-1], s.idle[:n-1]
		if w.Err() != nil { // it has ended
			w = nil
		}
	}
	s.wake()
	return w
}

// use ends reserves that have other code. s.mu is held.
func (s *reserve) use(code host.Code) {
	if s.code == code {
		return
	}
	for _, w := range s.idle {
		outside(func() { go w.Close() })
	}
	s.idle, s.code = nil, code
}

// add starts a process. s.mu is held.
func (s *reserve) add() error {
	w := &process{name: "process"}
	err := w.start(s.code)
	if err == nil {
		s.idle = append(s.idle, w)
	}
	return err
}

// wake has keepSpares called soon. s.mu is held.
func (s *reserve) wake() {
	outside(func() {
		if s.timer == nil {
			s.timer = time.AfterFunc(spareAfter, keepSpares)
		} else {
			s.timer.Reset(spareAfter)
		}
	})
}

// keepSpares makes reserves, or ends them. It is called by a timer, again and again while there are some.
func keepSpares() {
	s := &spares
	s.mu.Lock()
	defer s.mu.Unlock()
	again := spareAfter
	switch {
	case remote.Busy():
	case time.Since(s.last) > spareFor:
		for _, w := range s.idle {
			go w.Close()
		}
		s.idle, s.timer = nil, nil
		return
	default:
		if s.burst > 0 {
			s.wanted, s.burst = min(s.burst, runtime.NumCPU()), 0
		}
		if len(s.idle) < s.wanted {
			if s.add() != nil {
				s.wanted = len(s.idle) // the next one who wants a process gets the error
			}
		} else {
			again = spareFor / 10
		}
	}
	s.timer.Reset(again)
}
