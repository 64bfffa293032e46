package lab

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// A Semaphore hands out a number of permits: at most so many holders at a time. It is
// asyncio.BoundedSemaphore. Waiters are served in order of arrival; one that needs many permits is not
// overtaken by one that needs few.
//
// One of size 0 has no permits at first and no bound: every Release adds some. It is threading.Semaphore(0),
// which counts signals: one side releases, the other acquires. A threading.Semaphore(n) without a bound is
// one of size 0 with n released at the start.
type Semaphore struct {
	size     int64 // 0: no bound
	made     bool
	mu       sync.Mutex
	free     int64          // permits that are left
	queue    waiters[int64] // with the permits that each needs; the first cannot be served now
	acquired atomic.Uint64
	meter    meter
	since    time.Time // of the last change while watched; guarded by meter.mu
}

// NewSemaphore returns a semaphore with n permits.
func NewSemaphore(n int64) *Semaphore {
	if n < 0 {
		panic(misuse("lab.NewSemaphore", "%d permits: need zero or more", n))
	}
	return &Semaphore{size: n, made: true, free: n, meter: meter{from: here(1)}}
}

// Named gives the semaphore its name in figures and statistics, and returns it.
func (s *Semaphore) Named(name string) *Semaphore {
	s.meter.name = name
	return s
}

// Watch has the semaphore note how long its permits are held, from now on, and returns it; those of
// [Semaphore.Do] one by one, with line and task, the others as a sum. While a cell is recorded all semaphores
// are watched.
func (s *Semaphore) Watch() *Semaphore {
	s.meter.watch.Store(true)
	return s
}

func (s *Semaphore) check(call string, n int64) error {
	switch {
	case !s.made:
		return zero(call, "semaphore", "lab.NewSemaphore")
	case s.size == 0 && n < 1:
		return misuse(call, "%d permits: need at least 1", n)
	case s.size > 0 && (n < 1 || n > s.size):
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
	s.mu.Lock()
	if s.take(n) {
		s.mu.Unlock()
		s.acquired.Add(1)
		return nil
	}
	w := s.queue.add(n)
	s.mu.Unlock()
	over := s.meter.waits("semaphore")
	var err error
	select {
	case <-w.ready:
	case <-ctx.Done():
		s.mu.Lock()
		if s.queue.remove(w) {
			err = canceled(ctx)
			s.serve() // those behind it
		}
		s.mu.Unlock()
	}
	if over(err == nil); err == nil {
		s.acquired.Add(1)
	}
	return err
}

// TryAcquire takes n permits if they are there now.
func (s *Semaphore) TryAcquire(n int64) bool {
	must(s.check("lab.Semaphore.TryAcquire", n))
	s.mu.Lock()
	ok := s.take(n)
	s.mu.Unlock()
	if ok {
		s.acquired.Add(1)
	}
	return ok
}

// take takes n permits for a caller that has not waited. mu is held.
func (s *Semaphore) take(n int64) bool {
	if s.free < n || !s.queue.empty() {
		return false
	}
	s.change(-n)
	return true
}

// serve hands permits to waiters. mu is held.
func (s *Semaphore) serve() {
	for w := s.queue.first(); w != nil && w.v <= s.free; w = s.queue.first() {
		s.change(-w.v)
		w.serve(w.v, nil)
	}
}

// change adds d to the free permits. For a watched semaphore it measures the time that all permits together
// were held, the area under the curve of their number. mu is held.
func (s *Semaphore) change(d int64) {
	held := s.size - s.free
	s.free += d
	if s.size == 0 || !s.meter.watched() {
		return
	}
	count(s.meter.label("semaphore")+" held", int(held-d))
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	now := time.Now()
	if !s.since.IsZero() {
		s.meter.stats.Hold += time.Duration(held) * now.Sub(s.since)
	}
	if s.since = now; d < 0 {
		s.meter.stats.Watched++
	}
}

// Release returns n permits. Releasing more than are held is a mistake, which panics and changes nothing. A
// semaphore of size 0 gets n more.
func (s *Semaphore) Release(n int64) {
	must(s.check("lab.Semaphore.Release", n))
	s.mu.Lock()
	defer s.mu.Unlock()
	if held := s.size - s.free; s.size > 0 && n > held {
		panic(misuse("lab.Semaphore.Release", "%d %s of which %d are held: more released than acquired", n, quantity.Noun(n, "permit"), held))
	}
	s.change(n)
	s.serve()
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

// Held returns how many permits are held now. For a semaphore of size 0, whose permits need no holder, it is 0.
func (s *Semaphore) Held() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.size-s.free)
}

// Free returns how many permits are left now.
func (s *Semaphore) Free() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free
}

// Size returns the number of permits that the semaphore was made with.
func (s *Semaphore) Size() int64 { return s.size }

// Stats returns what the semaphore has seen so far.
func (s *Semaphore) Stats() LockStats { return s.meter.snapshot("semaphore", s.acquired.Load()) }

// String shows how many permits are held.
func (s *Semaphore) String() string {
	if s.made && s.size == 0 {
		return quantity.Plural(s.Free(), "permit") + " free"
	}
	return fmt.Sprintf("%s of %s held", quantity.Count(s.Held()), quantity.Plural(s.size, "permit"))
}
