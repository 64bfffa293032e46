package lab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"interleave/runtime/quantity"
)

// A Backoff determines how often [Retry] tries, and how long it waits in between. The zero Backoff tries
// three times and waits 100 ms, then 200 ms.
type Backoff struct {
	Attempts int           // calls in all; 0 means 3
	First    time.Duration // the first wait; 0 means 100 ms
	Factor   float64       // each wait is so many times the one before; 0 means 2
	Max      time.Duration // no wait is longer; 0 means 10 s
	// between 0 and 1: this part of each wait is left to chance, so that clients do not come back in step
	Jitter float64
	If     func(error) bool // whether an error is worth another try; nil means every one but those of Permanent
}

// permanent marks an error that no further try will mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks err so that [Retry] gives up at once and returns err. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// Retry calls fn until it succeeds, and returns what it returned. After the last attempt the error contains
// the number of attempts and wraps the last error. Panics are not retried; nothing is retried when ctx has
// ended.
func Retry[T any](ctx context.Context, b Backoff, fn func(context.Context) (T, error)) (value T, err error) {
	if fn == nil {
		return value, misuse("lab.Retry", "nil function")
	}
	err = retry(ctx, b, func(ctx context.Context) (err error) { value, err = fn(ctx); return err })
	return value, err
}

func (b Backoff) check(call string) error {
	switch {
	case b.Attempts < 0:
		return misuse(call, "%d attempts: need zero (for the default) or more", b.Attempts)
	case b.Factor < 0 || math.IsNaN(b.Factor):
		return misuse(call, "factor %v: need zero (for the default) or more", b.Factor)
	case !(b.Jitter >= 0 && b.Jitter <= 1):
		return misuse(call, "jitter %v: need a value between 0 and 1", b.Jitter)
	}
	return errors.Join(checkDuration(call, "first wait", b.First), checkDuration(call, "longest wait", b.Max))
}

func (b Backoff) withDefaults() Backoff {
	if b.Attempts == 0 {
		b.Attempts = 3
	}
	if b.First == 0 {
		b.First = 100 * time.Millisecond
	}
	if b.Factor == 0 {
		b.Factor = 2
	}
	if b.Max == 0 {
		b.Max = 10 * time.Second
	}
	return b
}

// wait is the pause after attempt n, the first being 1.
func (b Backoff) wait(n int) time.Duration {
	d := min(float64(b.First)*math.Pow(b.Factor, float64(n-1)), float64(b.Max))
	return time.Duration(d * (1 - b.Jitter*rand.Float64()))
}

func retry(ctx context.Context, b Backoff, fn func(context.Context) error) error {
	if err := errors.Join(checkContext("lab.Retry", ctx), b.check("lab.Retry")); err != nil {
		return err
	}
	b = b.withDefaults()
	from := here(2)
	for n := 1; ; n++ {
		if err := canceled(ctx); err != nil {
			return err
		}
		err := guard(&from, func() error { return fn(ctx) })
		var stop permanent
		var boom *PanicError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &stop):
			return stop.error
		case errors.As(err, &boom), ctx.Err() != nil:
			return err
		}
		if b.If != nil {
			again := false
			if p := guard(&from, func() error { again = b.If(err); return nil }); p != nil {
				return p
			} else if !again {
				return err
			}
		}
		if n >= b.Attempts {
			return fmt.Errorf("after %s: %w", quantity.Plural(n, "attempt"), err)
		}
		if ended := sleep(ctx, b.wait(n)); ended != nil {
			return fmt.Errorf("%w (the last of %s failed with: %w)", ended, quantity.Plural(n, "attempt"), err)
		}
	}
}
