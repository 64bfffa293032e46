package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// A Cond lets goroutines wait for a change of what a lock protects. It is threading.Condition. Go programs
// mostly use a channel instead.
type Cond struct {
	l     *Lock
	mu    sync.Mutex
	queue waiters[struct{}]

	woken atomic.Uint64
	meter meter
}

// NewCond returns a condition over what l protects; nil means a lock of its own.
func NewCond(l *Lock) *Cond {
	if l == nil {
		l = &Lock{meter: meter{from: here(1)}}
	}
	return &Cond{l: l, meter: meter{from: here(1)}}
}

// L returns the lock, which must be held around Wait and the changes that it waits for.
func (c *Cond) L() *Lock { return c.l }

// Wait releases the lock, waits for Notify or the end of ctx, and takes the lock again: it is held when Wait
// returns, even with an error. The condition may have changed again meanwhile; [Cond.WaitUntil] checks it.
func (c *Cond) Wait(ctx context.Context) error {
	if err := checkContext("lab.Cond.Wait", ctx); err != nil {
		return err
	}
	if c.l == nil {
		return zero("lab.Cond.Wait", "condition", "lab.NewCond")
	}
	if !c.l.Locked() {
		return misuse("lab.Cond.Wait", "the lock is not locked")
	}
	if err := canceled(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	w := c.queue.add(struct{}{})
	c.mu.Unlock()
	c.l.Unlock()
	var err error
	over := c.meter.waits("condition")
	select {
	case <-w.ready:
	case <-ctx.Done():
		c.mu.Lock()
		if c.queue.remove(w) {
			err = canceled(ctx)
		}
		c.mu.Unlock()
	}
	if over(err == nil); err == nil {
		c.woken.Add(1)
	}
	// The caller must hold the lock afterwards in any case: this wait cannot be cancelled, and so cannot
	// fail.
	_ = c.l.Lock(context.WithoutCancel(ctx))
	return err
}

// Named gives the condition its name in figures and statistics, and returns it.
func (c *Cond) Named(name string) *Cond {
	c.meter.name = name
	return c
}

// Stats returns the statistics of the condition so far: how many were woken, and how long they waited.
func (c *Cond) Stats() LockStats { return c.meter.snapshot("condition", c.woken.Load()) }

// WaitUntil waits until pred, which is called with the lock held, is true. When ctx ends, pred is called a
// last time; if it is true then, there is no error. It is Condition.wait_for.
func (c *Cond) WaitUntil(ctx context.Context, pred func() bool) error {
	if pred == nil {
		return misuse("lab.Cond.WaitUntil", "nil function")
	}
	if err := checkContext("lab.Cond.WaitUntil", ctx); err != nil {
		return err
	}
	for !pred() {
		if err := c.Wait(ctx); err != nil {
			if u := (*UsageError)(nil); !errors.As(err, &u) && pred() {
				return nil
			}
			return err
		}
	}
	return nil
}

// Notify wakes the n that have waited longest, or all when there are fewer. Other than in Python it may be
// called without the lock.
func (c *Cond) Notify(n int) {
	if n < 0 {
		panic(misuse("lab.Cond.Notify", "%d: need zero or more", n))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for ; n > 0 && !c.queue.empty(); n-- {
		c.queue.first().serve(struct{}{}, nil)
	}
}

// NotifyAll wakes all waiting goroutines.
func (c *Cond) NotifyAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.queue.empty() {
		c.queue.first().serve(struct{}{}, nil)
	}
}

// String shows how many goroutines wait.
func (c *Cond) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for w := c.queue.first(); w != nil; w = w.next {
		n++
	}
	return fmt.Sprintf("condition, %d waiting", n)
}
