package lab

import (
	"context"
	"sync"
	"sync/atomic"
)

// An Event is a flag to wait for. It is asyncio.Event: set, everybody passes; cleared, everybody waits. The
// zero Event is clear and ready.
type Event struct {
	mu  sync.Mutex
	c   chan struct{} // closed while set; made when first needed
	set bool

	passed atomic.Uint64
	meter  meter
}

// NewEvent returns a clear event.
func NewEvent() *Event { return &Event{meter: meter{from: here(1)}} }

func (e *Event) channel() chan struct{} {
	if e.c == nil {
		e.c = make(chan struct{})
	}
	return e.c
}

// Set releases all waiting goroutines, and those that wait before the next Clear.
func (e *Event) Set() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.set {
		e.set = true
		close(e.channel())
	}
}

// Clear makes later calls of Wait wait.
func (e *Event) Clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.set {
		e.set, e.c = false, nil
	}
}

// IsSet reports whether the event is set now.
func (e *Event) IsSet() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.set
}

// Wait waits until the event is set, be it for a moment only, or ctx ends. When the event is set already,
// Wait succeeds even if ctx has ended.
func (e *Event) Wait(ctx context.Context) error {
	if err := checkContext("lab.Event.Wait", ctx); err != nil {
		return err
	}
	c := e.C()
	if isClosed(c) {
		e.passed.Add(1)
		return nil
	}
	over := e.meter.waits("event")
	var err error
	select {
	case <-c:
	case <-ctx.Done():
		if !isClosed(c) {
			err = canceled(ctx)
		}
	}
	if over(err == nil); err == nil {
		e.passed.Add(1)
	}
	return err
}

// Named gives the event its name in figures and statistics, and returns it.
func (e *Event) Named(name string) *Event {
	e.meter.name = name
	return e
}

// Stats returns the statistics of the event so far: how many passed, and how long they waited.
func (e *Event) Stats() LockStats { return e.meter.snapshot("event", e.passed.Load()) }

// C returns a channel that is closed when the event is set, to select on. After Clear call C again.
func (e *Event) C() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.channel()
}

// String shows whether the event is set.
func (e *Event) String() string {
	if e.IsSet() {
		return "event, set"
	}
	return "event, clear"
}
