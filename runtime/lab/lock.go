package lab

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"interleave/runtime/timeline"
)

// A Lock is a mutex whose waiting can be cancelled, and that can be asked how it is doing. It is
// threading.Lock and asyncio.Lock. The zero Lock is free and ready; it must not be copied.
//
// It is fair: the goroutine that has waited longest is next. That costs more under contention than a
// sync.Mutex, which lets newcomers push in.
type Lock struct {
	state    atomic.Int32 // free, held, or awaited: held while others wait
	acquired atomic.Uint64
	holder   atomic.Pointer[holding] // while held and watched
	mu       sync.Mutex              // guards queue, and the change of state to and from awaited
	queue    waiters[struct{}]
	meter    meter
}

const (
	free = iota
	held
	awaited
)

// NewLock returns a free lock. Unlike the zero Lock it knows the line that made it, and is called after it.
func NewLock() *Lock { return &Lock{meter: meter{from: here(1)}} }

// Named gives the lock its name in figures and statistics, and returns it.
func (l *Lock) Named(name string) *Lock {
	l.meter.name = name
	return l
}

// Watch has the lock note every holder, with line and time, from now on, and returns it. Taking it costs
// about a microsecond then, and the first some thousand times a few more, to find out which goroutine it is.
// While a cell is recorded all locks are watched.
func (l *Lock) Watch() *Lock {
	l.meter.watch.Store(true)
	return l
}

// Lock waits until the lock is free and takes it. The error is that of ctx; the lock is not taken then. A
// context that has ended does not take even a free lock, other than acquire(timeout=0) in Python:
// [Lock.TryLock] does.
func (l *Lock) Lock(ctx context.Context) error {
	if ctx == nil {
		return checkContext("lab.Lock.Lock", ctx)
	}
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	var asked time.Time
	if !l.state.CompareAndSwap(free, held) {
		asked = time.Now()
		if err := l.wait(ctx); err != nil {
			return err
		}
	}
	l.acquired.Store(l.acquired.Load() + 1) // only the holder writes
	if l.meter.watched() {
		l.hold(ctx, asked)
	}
	return nil
}

// hold records the holder of a watched lock.
func (l *Lock) hold(ctx context.Context, asked time.Time) {
	h := l.meter.holds(ctx, asked)
	l.holder.Store(h)
}

func (l *Lock) wait(ctx context.Context) error {
	l.mu.Lock()
	for {
		if l.state.CompareAndSwap(free, held) {
			l.mu.Unlock()
			return nil
		}
		if l.state.Load() == awaited || l.state.CompareAndSwap(held, awaited) {
			break
		}
	}
	w := l.queue.add(struct{}{})
	l.mu.Unlock()
	over := l.meter.waits("lock")
	select {
	case <-w.ready:
		over(true)
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	waiting := l.queue.remove(w)
	if waiting && l.queue.empty() {
		l.state.Store(held) // from awaited, which only changes under mu
	}
	l.mu.Unlock()
	over(!waiting)
	if waiting {
		return canceled(ctx)
	}
	return nil // it was handed over at the last moment
}

// TryLock takes the lock if it is free now.
func (l *Lock) TryLock() bool {
	if !l.state.CompareAndSwap(free, held) {
		return false
	}
	l.acquired.Store(l.acquired.Load() + 1)
	if l.meter.watched() {
		l.hold(context.Background(), time.Time{})
	}
	return true
}

// Unlock releases the lock; the goroutine that has waited longest, if there is one, gets it. Any goroutine
// may call it. Unlocking a free lock is a mistake.
func (l *Lock) Unlock() {
	if h := l.holder.Load(); h != nil && l.holder.CompareAndSwap(h, nil) {
		l.meter.released(h)
	}
	if l.state.CompareAndSwap(held, free) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.state.CompareAndSwap(held, free): // the last waiting goroutine gave up meanwhile
	case l.state.Load() == free:
		panic(misuse("lab.Lock.Unlock", "the lock is not locked"))
	default:
		w := l.queue.first()
		w.serve(struct{}{}, nil)
		if l.queue.empty() {
			l.state.Store(held)
		}
	}
}

// Do calls fn with the lock held.
func (l *Lock) Do(ctx context.Context, fn func()) error {
	if fn == nil {
		return misuse("lab.Lock.Do", "nil function")
	}
	if err := l.Lock(ctx); err != nil {
		return err
	}
	defer l.Unlock()
	fn()
	return nil
}

// Locked reports whether the lock is held now.
func (l *Lock) Locked() bool { return l.state.Load() != free }

// Holder describes the holder of the lock, since when and by which line it holds it; "" when the lock is
// free. Only watched locks know their holder.
func (l *Lock) Holder() string {
	if h := l.holder.Load(); h != nil {
		return h.String()
	}
	if l.Locked() {
		return "unknown: the lock is not watched"
	}
	return ""
}

// String shows whether the lock is free, and its statistics.
func (l *Lock) String() string {
	if l.Locked() {
		return "locked; " + l.Stats().String()
	}
	return "free; " + l.Stats().String()
}

// Stats returns what the lock has seen so far.
func (l *Lock) Stats() LockStats { return l.meter.snapshot("lock", l.acquired.Load()) }

// History returns who held the lock while it was watched, the first some thousand times, and how many later
// ones were dropped.
func (l *Lock) History() (events []timeline.Hold, dropped int) { return l.meter.history("lock") }
