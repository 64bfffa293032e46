package comms

import (
	"sync"
	"sync/atomic"
	"time"

	"interleave/runtime/host"
)

// A Queue calls functions one after the other, on a goroutine of its own that ends when it has called them. The zero
// Queue is ready.
type Queue struct {
	mu      sync.Mutex
	waiting []func()
	working bool
}

// Add adds a function and does not wait for it.
func (q *Queue) Add(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, f)
	if !q.working {
		q.working = true
		apart(q.work)
	}
}

func (q *Queue) work() {
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.working, q.waiting = false, nil
			q.mu.Unlock()
			return
		}
		f := q.waiting[0]
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		q.mu.Unlock()
		f()
	}
}

// apart starts a goroutine that belongs to no cell and to no bubble of testing/synctest.
func apart(f func()) {
	start := func() { go f() }
	if outside := host.Get().Outside; outside != nil {
		outside(start)
	} else {
		start()
	}
}

// Callback returns a function that calls others as code of the present cell.
func Callback() func(func()) {
	if f := host.Get().Callback; f != nil {
		return f()
	}
	return func(f func()) { f() }
}

// A Pace calls a function soon after Touch was called, and at most once in each interval: always once more after the
// last Touch. It has a goroutine while there is something to do.
type Pace struct {
	every time.Duration
	f     func()
	state atomic.Int32
}

// The states of a Pace.
const (
	paceIdle  = iota // there is no goroutine
	paceClean        // the goroutine has nothing to do
	paceDirty        // f is to be called
)

// NewPace returns a Pace that calls f.
func NewPace(every time.Duration, f func()) *Pace { return &Pace{every: every, f: f} }

// Touch has f called. While a call is due already it costs one atomic load.
func (p *Pace) Touch() {
	for {
		switch s := p.state.Load(); {
		case s == paceDirty:
			return
		case p.state.CompareAndSwap(s, paceDirty):
			if s == paceIdle {
				apart(p.run)
			}
			return
		}
	}
}

func (p *Pace) run() {
	for {
		switch {
		case p.state.CompareAndSwap(paceDirty, paceClean):
			p.f()
			time.Sleep(p.every)
		case p.state.CompareAndSwap(paceClean, paceIdle):
			return
		}
	}
}
