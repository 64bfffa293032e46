package remote

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// A Mutex is a lock in shared memory, which processes take from each other. It may be copied to a worker, where
// it is the same lock. It excludes processes and goroutines alike.
type Mutex struct{ Region Region }

// lockWords is what shared memory holds of a lock.
type lockWords struct {
	holder    atomic.Uint32 // the number of the process that has it, 0 when it is free
	waiting   atomic.Uint32 // about how many sleep until it is free; those that died are counted, too
	abandoned atomic.Uint32 // 1 when a holder died, until the next Lock has returned that
}

// ErrAbandoned is the error of a lock whose holder has died, for the one who would have been the next: what the
// lock protects may be half changed.
var ErrAbandoned = errors.New("a process ended while it held the lock, and may have left what the lock protects half changed")

// ErrFreed is the error of what was closed.
var ErrFreed = errors.New("it was closed")

// The program's locks, so that those of a dead worker can be set free.
var mutexes struct {
	sync.Mutex
	all map[Region]bool
}

// NewMutex returns a lock that is free.
func NewMutex() (*Mutex, error) {
	r, err := Allocate(int64(unsafe.Sizeof(lockWords{})))
	if err != nil {
		return nil, err
	}
	mutexes.Lock()
	defer mutexes.Unlock()
	if mutexes.all == nil {
		mutexes.all = map[Region]bool{}
	}
	mutexes.all[r] = true
	return &Mutex{r}, nil
}

// Free gives the lock's memory back.
func (m *Mutex) Free() {
	mutexes.Lock()
	delete(mutexes.all, m.Region)
	mutexes.Unlock()
	gates.Delete(m.Region)
	m.Region.Free()
}

func (m *Mutex) words() *lockWords { return (*lockWords)(m.Region.Pointer()) }

const (
	// spins is how often a lock is tried before the thread sleeps.
	spins = 60
	// nap is how long it sleeps before it looks at its context.
	nap = 10 * time.Millisecond
)

// Lock waits until the lock is free and takes it. With an error it was not taken.
func (m *Mutex) Lock(ctx context.Context) error {
	w := m.words()
	if w == nil {
		return ErrFreed
	}
	me := Number()
	if !w.holder.CompareAndSwap(0, me) {
		if err := m.wait(ctx, w, me); err != nil {
			return err
		}
	}
	if w.abandoned.Load() != 0 && w.abandoned.CompareAndSwap(1, 0) {
		m.Unlock()
		return ErrAbandoned
	}
	return nil
}

// gates has a channel for each lock that goroutines of this process wait for: one of them at a time sleeps in
// the system, which takes a thread.
var gates sync.Map // Region → chan struct{} of size 1

func (m *Mutex) wait(ctx context.Context, w *lockWords, me uint32) error {
	for i := range spins {
		if w.holder.Load() == 0 && w.holder.CompareAndSwap(0, me) {
			return nil
		}
		if i%8 == 7 {
			runtime.Gosched()
		}
	}
	g, ok := gates.Load(m.Region)
	if !ok {
		g, _ = gates.LoadOrStore(m.Region, make(chan struct{}, 1))
	}
	gate := g.(chan struct{})
	select {
	case gate <- struct{}{}:
		defer func() { <-gate }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	w.waiting.Add(1)
	defer w.waiting.Add(^uint32(0))
	for {
		now := w.holder.Load()
		if now == 0 {
			if w.holder.CompareAndSwap(0, me) {
				return nil
			}
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if m.words() == nil {
			return ErrFreed
		}
		sleepOn(&w.holder, now, nap)
	}
}

// TryLock takes the lock if it is free now. That a holder has died is left for the next Lock to report.
func (m *Mutex) TryLock() bool {
	w := m.words()
	return w != nil && w.holder.CompareAndSwap(0, Number())
}

// Unlock sets the lock free, and reports whether this process had it.
func (m *Mutex) Unlock() bool {
	w := m.words()
	if w == nil || !w.holder.CompareAndSwap(Number(), 0) {
		return false
	}
	if w.waiting.Load() != 0 {
		wakeOne(&w.holder)
	}
	return true
}

// Holder returns the number of the process that has the lock, 0 if it is free.
func (m *Mutex) Holder() (process uint32) {
	if w := m.words(); w != nil {
		process = w.holder.Load()
	}
	return process
}

// abandon sets the locks of a dead process free.
func abandon(process uint32) {
	mutexes.Lock()
	defer mutexes.Unlock()
	for r := range mutexes.all {
		w := (&Mutex{r}).words()
		if w == nil || w.holder.Load() != process {
			continue
		}
		w.abandoned.Store(1)
		w.holder.Store(0)
		wakeOne(&w.holder)
	}
}
