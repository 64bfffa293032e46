package lab

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/trace"
	"sync"
	"sync/atomic"

	"interleave/runtime/quantity"
)

// A Flight calls a function at most once at a time for each key: callers that come while a call is under way
// wait for its result. With [NewMemo] results are kept, too, which makes it functools.cache for concurrent
// callers.
type Flight[K comparable, V any] struct {
	fn   func(context.Context, K) (V, error)
	keep bool
	from site

	mu    sync.Mutex
	calls map[K]*flightCall[V]
	stats FlightStats
}

// A flightCall is also the key under which its context is marked.
type flightCall[V any] struct {
	waiters int            // callers that wait for the result; guarded by Flight.mu
	runner  atomic.Uintptr // the goroutine of the call; see self
	cancel  context.CancelCauseFunc
	done    chan struct{}
	value   V // valid when done is closed
	err     error
}

// FlightStats is what a flight did so far.
type FlightStats struct {
	Calls  int // times that the function was called
	Merged int // requests that joined a call under way
	Hits   int // requests that were answered from memory
}

// errUnwanted is the cause for cancelling a call when its last caller gave up.
var errUnwanted = errors.New("all callers have stopped waiting for the result")

// NewFlight returns a flight that keeps nothing: when a call is over, the next request for its key is a new
// one.
func NewFlight[K comparable, V any](fn func(context.Context, K) (V, error)) *Flight[K, V] {
	if fn == nil {
		panic(misuse("lab.NewFlight", "nil function"))
	}
	return &Flight[K, V]{fn: fn, from: here(1), calls: map[K]*flightCall[V]{}}
}

// NewMemo returns a flight that keeps what succeeded, until [Flight.Forget].
func NewMemo[K comparable, V any](fn func(context.Context, K) (V, error)) *Flight[K, V] {
	if fn == nil {
		panic(misuse("lab.NewMemo", "nil function"))
	}
	return &Flight[K, V]{fn: fn, keep: true, from: here(1), calls: map[K]*flightCall[V]{}}
}

// Get returns the function's result for key. The call has the values of the first caller's context, but it
// ends only when the contexts of all waiting callers have: then the last of them waits for it, so that no
// goroutine is left behind. A result that is kept is returned even when ctx has ended.
func (f *Flight[K, V]) Get(ctx context.Context, key K) (V, error) {
	var zero V
	if err := checkContext("lab.Flight.Get", ctx); err != nil {
		return zero, err
	}
	if f.fn == nil {
		return zero, misuse("lab.Flight.Get", "the flight was never made: lab.NewFlight makes one")
	}
	if err := f.check("lab.Flight.Get", key); err != nil {
		return zero, err
	}
	f.mu.Lock()
	c := f.calls[key]
	if c != nil && isClosed(c.done) {
		f.stats.Hits++
		f.mu.Unlock()
		return c.value, c.err
	}
	if err := canceled(ctx); err != nil {
		f.mu.Unlock()
		return zero, err
	}
	if c == nil {
		c = &flightCall[V]{done: make(chan struct{})}
		var callCtx context.Context
		callCtx, c.cancel = context.WithCancelCause(context.WithoutCancel(context.WithValue(ctx, c, true)))
		f.calls[key] = c
		f.stats.Calls++
		started()
		go f.call(callCtx, key, c)
	} else if c.runner.Load() == self() || ctx.Value(c) != nil {
		f.mu.Unlock()
		return zero, misuse("lab.Flight.Get", "the function asks for the key that it is called for (%v), and would wait for itself", key)
	} else {
		f.stats.Merged++
	}
	c.waiters++
	f.mu.Unlock()
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
		if isClosed(c.done) {
			return c.value, c.err
		}
	}
	f.mu.Lock()
	c.waiters--
	last := c.waiters == 0
	if last && f.calls[key] == c && !isClosed(c.done) {
		delete(f.calls, key) // later callers need a call that is not cancelled
	}
	f.mu.Unlock()
	if last {
		c.cancel(errUnwanted)
		<-c.done
	}
	return zero, canceled(ctx)
}

// check refuses keys that satisfy comparable and are not: interface values with a slice, map or function in
// them.
func (f *Flight[K, V]) check(call string, key K) error {
	if reflect.TypeFor[K]().Kind() != reflect.Interface {
		return nil
	}
	return checkComparable(call, "key", key)
}

func (f *Flight[K, V]) call(ctx context.Context, key K, c *flightCall[V]) {
	if trace.IsEnabled() {
		defer trace.StartRegion(ctx, "lab.Flight").End()
	}
	c.runner.Store(self())
	normal := false
	defer func() {
		if !normal {
			c.err = abnormal(recover(), &f.from)
		}
		c.runner.Store(0)
		f.mu.Lock()
		if f.calls[key] == c && (!f.keep || c.err != nil) {
			delete(f.calls, key)
		}
		f.mu.Unlock()
		c.cancel(nil)
		close(c.done)
	}()
	c.value, c.err = f.fn(ctx, key)
	normal = true
}

// Forget drops the result for key; a call under way continues for its callers, and the next request begins a
// new one.
func (f *Flight[K, V]) Forget(key K) {
	must(f.check("lab.Flight.Forget", key))
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.calls, key)
}

// Stats returns what the flight did so far.
func (f *Flight[K, V]) Stats() FlightStats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}

// String shows what the flight did so far.
func (f *Flight[K, V]) String() string {
	s := f.Stats()
	return fmt.Sprintf("%s, %s merged, %s from memory", quantity.Plural(s.Calls, "call"), quantity.Count(s.Merged), quantity.Count(s.Hits))
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
