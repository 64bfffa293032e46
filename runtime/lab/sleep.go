package lab

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"interleave/runtime/quantity"
)

// Sleep waits for d, or until ctx ends, and then returns why. Sleep(ctx, 0) lets others run; a negative d
// means the same, as in package time.
func Sleep(ctx context.Context, d time.Duration) error {
	if err := checkContext("lab.Sleep", ctx); err != nil {
		return err
	}
	started()
	return sleep(ctx, d)
}

func sleep(ctx context.Context, d time.Duration) error {
	if err := canceled(ctx); err != nil {
		return err
	}
	done := ctx.Done()
	switch {
	case d <= 0:
		runtime.Gosched()
		return nil
	case done == nil:
		time.Sleep(d)
		return nil
	}
	begin := time.Now()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-done:
		if time.Since(begin) < d { // by the clock: whether the timer has fired by now is chance
			return canceled(ctx)
		}
	}
	return nil
}

// A TimeoutError reports that a call took longer than its limit. errors.Is finds [context.DeadlineExceeded]
// in it.
type TimeoutError struct {
	Limit time.Duration // what it was given
	Took  time.Duration // when the function returned; much more than Limit means that it does not heed its context
	Err   error         // the error that the call returned then, unless it only reports the end of its context
}

func (e *TimeoutError) Error() string {
	if e.Limit < 0 {
		return fmt.Sprintf("timeout: no time was left (the limit was %s)", quantity.Duration(e.Limit))
	}
	s := fmt.Sprintf("timeout: no answer within %s", quantity.Duration(e.Limit))
	if over := e.Took - e.Limit; over > e.Limit/10+100*time.Millisecond {
		s += fmt.Sprintf("; the function ignored its context and returned %s later", quantity.Duration(over))
	}
	if e.Err != nil {
		s += fmt.Sprintf(" (%v)", e.Err)
	}
	return s
}

// Unwrap returns [context.DeadlineExceeded], and Err when there is one.
func (e *TimeoutError) Unwrap() []error {
	if e.Err == nil {
		return []error{context.DeadlineExceeded}
	}
	return []error{context.DeadlineExceeded, e.Err}
}

// Timeout returns true, as net.Error asks.
func (e *TimeoutError) Timeout() bool { return true }

// WaitFor calls fn with a context that ends after d and returns its result. When the time was up before fn
// returned, the error is a [*TimeoutError], whatever fn returned then; its value is handed on. A result of
// the very moment is in time. It is asyncio.wait_for.
//
// fn runs on this goroutine and can only be asked to stop: a function that ignores its context keeps WaitFor
// waiting, as Go has no way to kill it. The error mentions that. In Python a coroutine that returns a value
// after its time is not a timeout. With d zero or negative, time is up at once and fn is not called.
func WaitFor[T any](ctx context.Context, d time.Duration, fn func(context.Context) (T, error)) (value T, err error) {
	if fn == nil {
		return value, misuse("lab.WaitFor", "nil function")
	}
	err = waitFor(ctx, d, func(ctx context.Context) (err error) {
		value, err = fn(ctx)
		return err
	})
	return value, err
}

func waitFor(ctx context.Context, d time.Duration, fn func(context.Context) error) error {
	if err := checkContext("lab.WaitFor", ctx); err != nil {
		return err
	}
	if err := canceled(ctx); err != nil {
		return err
	}
	late := &TimeoutError{Limit: d}
	if d <= 0 {
		return late
	}
	begin, from := time.Now(), here(2)
	limited, cancel := context.WithTimeoutCause(ctx, d, late)
	defer cancel()
	err := guard(&from, func() error { return fn(limited) })
	if err == nil && time.Since(begin) <= d { // by the clock: whether the context has ended by now is chance
		return nil
	}
	if overdue(limited); context.Cause(limited) == error(late) {
		late := &TimeoutError{Limit: d, Took: time.Since(begin)} // a new one: fn may have kept the other
		if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			late.Err = err
		}
		return late
	}
	return err
}
