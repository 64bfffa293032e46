package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// ErrBrokenBarrier is the error of waiting at a barrier that another goroutine left, or that was aborted.
var ErrBrokenBarrier = errors.New("the barrier is broken")

// A Barrier is a place where a number of goroutines wait for each other, again and again. It is
// threading.Barrier.
type Barrier struct {
	n      int
	action func()
	from   site
	acting atomic.Uintptr // the goroutine that runs the action; see self

	mu     sync.Mutex
	round  *round
	broken bool

	passed atomic.Uint64
	meter  meter
}

// A round is one meeting at a barrier.
type round struct {
	arrived int           // n while the action runs; later arrivals wait for the next round
	left    bool          // a caller that waited for the next round has given up: that round is broken from the start
	over    chan struct{} // closed when all may pass, or when the barrier broke
	broken  bool          // valid when over is closed
}

// NewBarrier returns a barrier for n parties. When the last of them arrives it calls action, if there is one,
// before any of them continues. The action may ask the barrier how it is doing, and abort or reset it, but it
// must not wait at it.
func NewBarrier(n int, action func()) *Barrier {
	if n < 1 {
		panic(misuse("lab.NewBarrier", "%d parties: need at least 1", n))
	}
	b := &Barrier{n: n, action: action, from: here(1), round: &round{over: make(chan struct{})}}
	b.meter.from = b.from
	return b
}

// Wait waits until all parties have come, and returns how many had come before: 0 for the first, n-1 for the
// last.
//
// When ctx ends before that, the barrier breaks: the others, and those that come later, get
// [ErrBrokenBarrier] until Reset. Python's threading does the same; in asyncio another task may take the
// place of a cancelled one. A panic of the action breaks the barrier, too, and is the error of the last. The
// end of ctx while the action runs also breaks it; in Python a timeout has no effect then.
func (b *Barrier) Wait(ctx context.Context) (index int, err error) {
	if err := checkContext("lab.Barrier.Wait", ctx); err != nil {
		return 0, err
	}
	if b.n == 0 {
		return 0, zero("lab.Barrier.Wait", "barrier", "lab.NewBarrier")
	}
	if by := b.acting.Load(); by != 0 && by == self() {
		return 0, misuse("lab.Barrier.Wait", "called by the barrier's own action, which would wait for itself")
	}
	r, index, err := b.arrive(ctx)
	if err != nil {
		return 0, err
	}
	if index == b.n-1 {
		return index, b.meet(r)
	}
	over := b.meter.waits("barrier")
	defer func() { over(err == nil) }()
	select {
	case <-r.over:
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		if !isClosed(r.over) {
			b.breakUp()
			return index, canceled(ctx)
		}
	}
	if r.broken {
		return index, ErrBrokenBarrier
	}
	b.passed.Add(1)
	return index, nil
}

// arrive enters the round, after waiting for the end of one that is full.
func (b *Barrier) arrive(ctx context.Context) (r *round, index int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if b.broken {
			return nil, 0, ErrBrokenBarrier
		}
		r = b.round
		full := r.arrived == b.n
		if err := canceled(ctx); err != nil {
			if r.left = full; !full {
				b.breakUp()
			}
			return nil, 0, err
		}
		if !full {
			r.arrived++
			return r, r.arrived - 1, nil
		}
		b.mu.Unlock()
		select {
		case <-r.over:
		case <-ctx.Done():
		}
		b.mu.Lock()
	}
}

// Named gives the barrier its name in figures and statistics, and returns it.
func (b *Barrier) Named(name string) *Barrier {
	b.meter.name = name
	return b
}

// Stats returns the statistics of the barrier so far: how many passed, and how long they waited for the
// others.
func (b *Barrier) Stats() LockStats { return b.meter.snapshot("barrier", b.passed.Load()) }

// meet ends a round in which all have come: with the action, which runs without the lock.
func (b *Barrier) meet(r *round) (err error) {
	normal := false
	defer func() {
		b.acting.Store(0)
		b.mu.Lock()
		defer b.mu.Unlock()
		switch {
		case isClosed(r.over): // the action, or a waiter meanwhile, has broken it
			err = cmp.Or(err, ErrBrokenBarrier)
		case !normal || err != nil:
			b.breakUp()
		default:
			b.passed.Add(1)
			b.round = &round{over: make(chan struct{})}
			if close(r.over); r.left {
				b.breakUp()
			}
		}
	}()
	if b.action != nil {
		b.acting.Store(self())
		err = guard(&b.from, func() error { b.action(); return nil })
	}
	normal = true
	return err
}

// breakUp breaks the barrier. mu is held.
func (b *Barrier) breakUp() {
	b.broken = true
	if !isClosed(b.round.over) {
		b.round.broken = true
		close(b.round.over)
	}
}

// Abort breaks the barrier.
func (b *Barrier) Abort() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.breakUp()
}

// Reset makes the barrier usable and empty again. Waiting goroutines get [ErrBrokenBarrier].
func (b *Barrier) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.round.arrived > 0 {
		b.breakUp()
	}
	if isClosed(b.round.over) {
		b.round = &round{over: make(chan struct{})}
	}
	b.broken = false
}

// Broken reports whether the barrier is broken.
func (b *Barrier) Broken() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken
}

// Waiting returns how many wait now, and Parties how many it takes.
func (b *Barrier) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return 0
	}
	return b.round.arrived
}

// Parties returns the number that the barrier was made for.
func (b *Barrier) Parties() int { return b.n }

// String shows how many have arrived.
func (b *Barrier) String() string {
	if b.Broken() {
		return "barrier, broken"
	}
	return fmt.Sprintf("barrier, %d of %d waiting", b.Waiting(), b.n)
}
