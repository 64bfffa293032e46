package proc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"interleave/runtime/lab"
	"interleave/runtime/quantity"
	"interleave/runtime/remote"
)

// A Semaphore hands out a number of permits to processes. It is multiprocessing.BoundedSemaphore, and the
// counterpart of [lab.Semaphore]. When a process ends, the permits that it has not released are.
type Semaphore struct{ object }

// NewSemaphore returns a semaphore with n permits, which the process that has taken them releases. One with 0
// counts signals, as multiprocessing.Semaphore(0) does: one process releases, another one acquires.
func NewSemaphore(n int64) *Semaphore {
	inProgram("proc.NewSemaphore")
	if n < 0 {
		panic(misuse("proc.NewSemaphore", "%s: need zero (for signals) or more", quantity.Plural(n, "permit")))
	}
	s := lab.NewSemaphore(n).Named("semaphore of processes")
	return &Semaphore{publish(&semaphore{s: s, held: map[uint32]int64{}})}
}

// Acquire waits until n permits are free and takes them. The error is that of ctx; none is taken then.
func (s *Semaphore) Acquire(ctx context.Context, n int64) error {
	return s.call(ctx, "proc.Semaphore.Acquire", "acquire", []any{&n}, nil)
}

// TryAcquire takes n permits if they are free now.
func (s *Semaphore) TryAcquire(n int64) (ok bool) {
	s.now("proc.Semaphore.TryAcquire", "try", []any{&n}, []any{&ok})
	return ok
}

// Release gives n permits back. It panics if this process has fewer, unless the semaphore counts signals.
func (s *Semaphore) Release(n int64) { s.now("proc.Semaphore.Release", "release", []any{&n}, nil) }

// Free returns how many permits are free.
func (s *Semaphore) Free() (n int64) {
	s.now("proc.Semaphore.Free", "free", nil, []any{&n})
	return n
}

// String shows how many permits are held.
func (s *Semaphore) String() string { return s.text("semaphore") }

type semaphore struct {
	s    *lab.Semaphore
	mu   sync.Mutex
	held map[uint32]int64 // by process
}

func (o *semaphore) Serve(ctx context.Context, r *remote.Request) error {
	var n int64
	if r.Method != "free" && r.Method != "string" {
		if err := r.Args(&n); err != nil {
			return err
		}
	}
	ok := false
	switch r.Method {
	case "acquire":
		if err := o.s.Acquire(ctx, n); err != nil {
			return bare(err)
		}
		o.hold(r.Process, n)
	case "try":
		if ok = o.s.TryAcquire(n); ok {
			o.hold(r.Process, n)
		}
		r.Return(&ok)
	case "release":
		if n < 1 {
			return misuse("", "%s: need at least 1", quantity.Plural(n, "permit"))
		}
		if !o.hold(r.Process, -n) {
			return misuse("", "%s: this process has fewer: it can release what it has acquired", quantity.Plural(n, "permit"))
		}
		o.s.Release(n)
	case "free":
		n = o.s.Free()
		r.Return(&n)
	case "string":
		text := o.s.String()
		r.Return(&text)
	default:
		return remote.ErrNoMethod
	}
	return nil
}

// hold notes that a process has n more permits.
func (o *semaphore) hold(process uint32, n int64) bool {
	if o.s.Size() == 0 {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held[process]+n < 0 {
		return false
	}
	o.held[process] += n
	return true
}

// Ended releases what a process has held.
func (o *semaphore) Ended(process uint32) {
	o.mu.Lock()
	n := o.held[process]
	delete(o.held, process)
	o.mu.Unlock()
	if n > 0 {
		o.s.Release(n)
	}
}

// An Event is a flag that processes wait for. It is multiprocessing.Event.
type Event struct{ object }

// NewEvent returns an event that is not set.
func NewEvent() *Event {
	inProgram("proc.NewEvent")
	return &Event{publish(&event{e: lab.NewEvent().Named("event of processes")})}
}

// Set lets all pass that wait, and that will wait.
func (e *Event) Set() { e.now("proc.Event.Set", "set", nil, nil) }

// Clear has those wait that come from now on.
func (e *Event) Clear() { e.now("proc.Event.Clear", "clear", nil, nil) }

// IsSet reports whether the event is set.
func (e *Event) IsSet() (set bool) {
	e.now("proc.Event.IsSet", "isset", nil, []any{&set})
	return set
}

// Wait waits until the event is set. The error is that of ctx.
func (e *Event) Wait(ctx context.Context) error {
	return e.call(ctx, "proc.Event.Wait", "wait", nil, nil)
}

// String shows whether the event is set.
func (e *Event) String() string { return e.text("event") }

type event struct {
	forgets
	e *lab.Event
}

func (o *event) Serve(ctx context.Context, r *remote.Request) error {
	switch r.Method {
	case "set":
		o.e.Set()
	case "clear":
		o.e.Clear()
	case "isset":
		set := o.e.IsSet()
		r.Return(&set)
	case "wait":
		return bare(o.e.Wait(ctx))
	case "string":
		text := o.e.String()
		r.Return(&text)
	default:
		return remote.ErrNoMethod
	}
	return nil
}

// A Barrier is a place where a number of processes wait for each other, again and again. It is
// multiprocessing.Barrier. A process that ends while it waits breaks the barrier; one that ends before it comes
// does not, and the others wait until their contexts end.
type Barrier struct{ object }

// NewBarrier returns a barrier for n processes or goroutines.
func NewBarrier(n int) *Barrier {
	inProgram("proc.NewBarrier")
	if n < 1 {
		panic(misuse("proc.NewBarrier", "%d parties: need at least 1", n))
	}
	return &Barrier{publish(&barrier{b: lab.NewBarrier(n, nil).Named("barrier of processes")})}
}

// Wait waits until all have come. index is the number of the others that had not come yet: that of the last one
// is 0. If ctx ends first, the barrier breaks, and the error of the others is [lab.ErrBrokenBarrier].
func (b *Barrier) Wait(ctx context.Context) (index int, err error) {
	err = b.call(ctx, "proc.Barrier.Wait", "wait", nil, []any{&index})
	return index, err
}

// Abort breaks the barrier.
func (b *Barrier) Abort() { b.now("proc.Barrier.Abort", "abort", nil, nil) }

// Reset makes the barrier as it was at first. Those that wait get [lab.ErrBrokenBarrier].
func (b *Barrier) Reset() { b.now("proc.Barrier.Reset", "reset", nil, nil) }

// Broken reports whether the barrier is broken.
func (b *Barrier) Broken() (broken bool) {
	b.now("proc.Barrier.Broken", "broken", nil, []any{&broken})
	return broken
}

// String shows how many have come.
func (b *Barrier) String() string { return b.text("barrier") }

type barrier struct {
	forgets
	b *lab.Barrier
}

func (o *barrier) Serve(ctx context.Context, r *remote.Request) error {
	switch r.Method {
	case "wait":
		index, err := o.b.Wait(ctx)
		if err != nil {
			return bare(err)
		}
		r.Return(&index)
	case "abort":
		o.b.Abort()
	case "reset":
		o.b.Reset()
	case "broken":
		broken := o.b.Broken()
		r.Return(&broken)
	case "string":
		text := o.b.String()
		r.Return(&text)
	default:
		return remote.ErrNoMethod
	}
	return nil
}

// A Cond lets processes wait for a change of what a lock protects. It is multiprocessing.Condition.
type Cond struct {
	object
	lock *Lock
}

// NewCond returns a condition of what l protects.
func NewCond(l *Lock) *Cond {
	inProgram("proc.NewCond")
	if l == nil {
		panic(misuse("proc.NewCond", "nil lock"))
	}
	return &Cond{publish(&cond{waiting: map[uint64]*sleeper{}}), l}
}

// L returns the lock, which must be held around Wait and the changes that it waits for.
func (c *Cond) L() *Lock { return c.lock }

// check finds out whether this process may use the condition: it needs the lock.
func (c *Cond) check(call string) error {
	switch {
	case c.lock == nil:
		return misuse(call, "it was never made: proc.NewCond makes one")
	case c.lock.m.Holder() != remote.Number():
		return misuse(call, "the lock is not locked by this process: lock it first")
	}
	return nil
}

// Wait releases the lock, waits for Notify or the end of ctx, and takes the lock again: it is held when Wait
// returns, also with an error. The error is that of ctx, or [ErrAbandoned] if a process ended meanwhile that had
// the lock. In a process that does not have the lock the error is a [lab.UsageError]; Wait does not take the lock then.
func (c *Cond) Wait(ctx context.Context) error { return c.wait(ctx, "proc.Cond.Wait") }

func (c *Cond) wait(ctx context.Context, call string) error {
	if err := cmp.Or(check(call, ctx), c.check(call)); err != nil {
		return err
	}
	var ticket uint64
	if err := c.call(ctx, call, "enter", nil, []any{&ticket}); err != nil {
		return err
	}
	c.lock.Unlock()
	err := c.call(ctx, call, "wait", []any{&ticket}, nil)
	if err != nil {
		c.now(call, "leave", []any{&ticket}, nil)
	}
	again := c.lock.lock(context.WithoutCancel(ctx), call)
	for errors.Is(again, ErrAbandoned) {
		err = errors.Join(err, again)
		again = c.lock.lock(context.WithoutCancel(ctx), call)
	}
	return errors.Join(err, again)
}

// WaitUntil calls Wait until pred, which is called with the lock held, returns true. The error is that of Wait.
func (c *Cond) WaitUntil(ctx context.Context, pred func() bool) error {
	const call = "proc.Cond.WaitUntil"
	if pred == nil {
		return misuse(call, "nil function")
	}
	if err := cmp.Or(check(call, ctx), c.check(call)); err != nil {
		return err
	}
	for !pred() {
		if err := c.wait(ctx, call); err != nil {
			return err
		}
	}
	return nil
}

// Notify wakes n of those that wait, which have waited longest. It panics if this process does not have the lock.
func (c *Cond) Notify(n int) {
	const call = "proc.Cond.Notify"
	if n < 0 {
		panic(misuse(call, "%d: need zero or more", n))
	}
	c.notify(call, n)
}

// NotifyAll wakes all that wait. It panics if this process does not have the lock.
func (c *Cond) NotifyAll() { c.notify("proc.Cond.NotifyAll", allWaiters) }

func (c *Cond) notify(call string, n int) {
	if err := c.check(call); err != nil {
		panic(err)
	}
	c.now(call, "notify", []any{&n}, nil)
}

// String shows how many wait.
func (c *Cond) String() string { return c.text("condition") }

const allWaiters = 1 << 62

type cond struct {
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]*sleeper
}

// A sleeper waits for Notify.
type sleeper struct {
	process uint32
	woken   chan struct{}
}

func (o *cond) Serve(ctx context.Context, r *remote.Request) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var ticket uint64
	switch r.Method {
	case "enter":
		o.last++
		ticket = o.last
		o.waiting[ticket] = &sleeper{r.Process, make(chan struct{})}
		r.Return(&ticket)
		return nil
	case "notify":
		var n int
		if err := r.Args(&n); err != nil {
			return err
		}
		o.notify(n)
		return nil
	case "string":
		text := fmt.Sprintf("condition, %s waiting", quantity.Count(len(o.waiting)))
		r.Return(&text)
		return nil
	}
	if err := r.Args(&ticket); err != nil {
		return err
	}
	switch r.Method {
	case "wait":
		s := o.waiting[ticket]
		if s == nil {
			return nil // it was woken already, and left
		}
		o.mu.Unlock()
		defer o.mu.Lock()
		select {
		case <-s.woken:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	case "leave":
		// if it was woken in the meantime, another one is in its place
		if s := o.waiting[ticket]; s == nil {
			o.notify(1)
		}
		delete(o.waiting, ticket)
		return nil
	}
	return remote.ErrNoMethod
}

// notify wakes the first n.
func (o *cond) notify(n int) {
	tickets := make([]uint64, 0, len(o.waiting))
	for t := range o.waiting {
		tickets = append(tickets, t)
	}
	slices.Sort(tickets)
	for _, t := range tickets[:min(n, len(tickets))] {
		close(o.waiting[t].woken)
		delete(o.waiting, t)
	}
}

// Ended forgets those of a process that has ended.
func (o *cond) Ended(process uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for t, s := range o.waiting {
		if s.process == process {
			delete(o.waiting, t)
		}
	}
}
