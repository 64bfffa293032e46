package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// ErrBrokenBarrier is the error of waiting at a barrier that somebody left or that was aborted.
var ErrBrokenBarrier = errors.New("the barrier is broken")

// A Barrier is a place where a number of goroutines wait for each other, again and again. It is threading.Barrier.
type Barrier struct {
	n      int
	action func()
	from   site

	mu     sync.Mutex
	round  *round
	broken bool

	passed atomic.Uint64
	meter  meter
}

// A round is one meeting at a barrier.
type round struct {
	arrived int
	over    chan struct{} // closed when all have come, or when the barrier broke
	broken  bool          // valid when over is closed
}

// NewBarrier returns a barrier for n parties. When the last of them arrives it calls action, if there is one, before any goes on.
func NewBarrier(n int, action func()) *Barrier {
	if n < 1 {
		panic(misuse("lab.NewBarrier", "%d parties: need at least 1", n))
	}
	b := &Barrier{n: n, action: action, from: here(1), round: &round{over: make(chan struct{})}}
	b.meter.from = b.from
	return b
}

// Wait waits until all parties have come, and returns how many had come before: 0 for the first, n-1 for the last.
//
// When ctx ends before that, the barrier breaks: the others cannot meet any more, and get [ErrBrokenBarrier]. So does everybody who
// comes then, until Reset. A panic of the action breaks it, too, and is the error of the last.
func (b *Barrier) Wait(ctx context.Context) (index int, err error) {
	if err := checkContext("lab.Barrier.Wait", ctx); err != nil {
		return 0, err
	}
	if b.n == 0 {
		return 0, zero("lab.Barrier.Wait", "barrier", "lab.NewBarrier")
	}
	b.mu.Lock()
	if b.broken {
		b.mu.Unlock()
		return 0, ErrBrokenBarrier
	}
	if err := canceled(ctx); err != nil {
		b.breakUp()
		b.mu.Unlock()
		return 0, err
	}
	r := b.round
	index = r.arrived
	r.arrived++
	if r.arrived == b.n {
		defer b.mu.Unlock()
		return index, b.meet(r)
	}
	b.mu.Unlock()
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

// Named gives the barrier its name in figures and statistics, and returns it.
func (b *Barrier) Named(name string) *Barrier {
	b.meter.name = name
	return b
}

// Stats returns what the barrier has seen so far: who passed, and how long they waited for the others.
func (b *Barrier) Stats() LockStats { return b.meter.snapshot("barrier", b.passed.Load()) }

// meet ends a round in which all have come. The lock is held: nobody comes or goes while the action runs.
func (b *Barrier) meet(r *round) error {
	normal := false
	defer func() {
		if !normal {
			b.breakUp()
		}
	}()
	if b.action != nil {
		if err := guard(&b.from, func() error { b.action(); return nil }); err != nil {
			return err
		}
	}
	normal = true
	b.passed.Add(1)
	b.round = &round{over: make(chan struct{})}
	close(r.over)
	return nil
}

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

// Reset makes the barrier whole and empty again. Those who wait get [ErrBrokenBarrier].
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

// String says how many have come.
func (b *Barrier) String() string {
	if b.Broken() {
		return "barrier, broken"
	}
	return fmt.Sprintf("barrier, %d of %d waiting", b.Waiting(), b.n)
}
