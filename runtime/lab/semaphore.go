package lab

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"interleave/runtime/timeline"
)

// A Semaphore hands out a number of permits: at most so many holders at a time. It is asyncio.BoundedSemaphore. Who waits is served
// in the order of coming.
type Semaphore struct {
	size     int64
	sem      *semaphore.Weighted
	out      atomic.Int64 // permits that are held
	acquired atomic.Uint64
	meter    meter
	since    time.Time // of the last change while watched; guarded by meter.mu
}

// NewSemaphore returns a semaphore with n permits.
func NewSemaphore(n int64) *Semaphore {
	if n < 1 {
		panic(misuse("lab.NewSemaphore", "%d permits: need at least 1", n))
	}
	return &Semaphore{size: n, sem: semaphore.NewWeighted(n), meter: meter{from: here(1)}}
}

// Named gives the semaphore its name in figures and statistics, and returns it.
func (s *Semaphore) Named(name string) *Semaphore {
	s.meter.name = name
	return s
}

// Watch has the semaphore note how long its permits are held, from now on, and returns it; those of [Semaphore.Do] one by one, with line
// and task, the others as a sum. While a cell is recorded all semaphores are watched.
func (s *Semaphore) Watch() *Semaphore {
	s.meter.watch.Store(true)
	return s
}

func (s *Semaphore) check(call string, n int64) error {
	if s.size == 0 {
		return zero(call, "semaphore", "lab.NewSemaphore")
	}
	if n < 1 || n > s.size {
		return misuse(call, "%d permits: need 1 to %d", n, s.size)
	}
	return nil
}

// Acquire waits for n permits, usually 1, and takes them. The error is that of ctx; no permit is taken then.
func (s *Semaphore) Acquire(ctx context.Context, n int64) error {
	if err := checkContext("lab.Semaphore.Acquire", ctx); err != nil {
		return err
	}
	if err := s.check("lab.Semaphore.Acquire", n); err != nil {
		return err
	}
	if err := canceled(ctx); err != nil {
		return err
	}
	if !s.sem.TryAcquire(n) {
		over := s.meter.waits("semaphore")
		err := s.sem.Acquire(ctx, n)
		if over(err == nil); err != nil {
			return canceled(ctx)
		}
	}
	s.took(n)
	return nil
}

// TryAcquire takes n permits if they are there now.
func (s *Semaphore) TryAcquire(n int64) bool {
	must(s.check("lab.Semaphore.TryAcquire", n))
	if !s.sem.TryAcquire(n) {
		return false
	}
	s.took(n)
	return true
}

func (s *Semaphore) took(n int64) {
	s.acquired.Add(1)
	s.changed(s.out.Add(n), n)
}

// changed measures, for a watched semaphore, that out permits are held now, d more than before: the time that all permits together were
// held is the area under that curve.
func (s *Semaphore) changed(out, d int64) {
	if !s.meter.watched() {
		return
	}
	count(s.meter.label("semaphore")+" held", int(out))
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	now := time.Now()
	if !s.since.IsZero() {
		s.meter.stats.Hold += time.Duration(out-d) * now.Sub(s.since)
	}
	if s.since = now; d > 0 {
		s.meter.stats.Watched++
	}
}

// Release gives n permits back. More than are held is a mistake, which panics and changes nothing.
func (s *Semaphore) Release(n int64) {
	must(s.check("lab.Semaphore.Release", n))
	for {
		out := s.out.Load()
		if n > out {
			panic(misuse("lab.Semaphore.Release", "%d %s of which %d are held: more released than acquired", n, number(n, "permit"), out))
		}
		if s.out.CompareAndSwap(out, out-n) {
			s.changed(out-n, -n)
			s.sem.Release(n)
			return
		}
	}
}

// Do calls fn with one permit held.
func (s *Semaphore) Do(ctx context.Context, fn func(context.Context) error) error {
	if fn == nil {
		return misuse("lab.Semaphore.Do", "nil function")
	}
	if err := cmp.Or(checkContext("lab.Semaphore.Do", ctx), s.check("lab.Semaphore.Do", 1)); err != nil {
		return err
	}
	var asked time.Time // now, unless it has to wait
	if canceled(ctx) != nil || !s.TryAcquire(1) {
		asked = time.Now()
		if err := s.Acquire(ctx, 1); err != nil {
			return err
		}
	}
	defer s.Release(1)
	if s.meter.watched() {
		h := s.meter.holds(ctx, asked)
		defer func() { s.meter.note(h, time.Now()) }()
	}
	return fn(ctx)
}

// History returns the calls of [Semaphore.Do] while the semaphore was watched, as [Lock.History] does.
func (s *Semaphore) History() (events []timeline.Hold, dropped int) {
	return s.meter.history("semaphore")
}

// Held returns how many permits are out now, Size how many there are.
func (s *Semaphore) Held() int64 { return s.out.Load() }

// Size returns the number of permits that the semaphore was made with.
func (s *Semaphore) Size() int64 { return s.size }

// Stats returns what the semaphore has seen so far.
func (s *Semaphore) Stats() LockStats { return s.meter.snapshot("semaphore", s.acquired.Load()) }

// String says how many permits are out.
func (s *Semaphore) String() string {
	return fmt.Sprintf("%d of %d %s held", s.Held(), s.size, number(s.size, "permit"))
}
