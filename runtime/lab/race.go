package lab

import (
	"context"
	"errors"
	"time"
)

// Race runs the functions at the same time and returns the result of the first that succeeds. The others are
// cancelled then, and Race waits until they have returned. When all fail, the error joins their errors.
func Race[T any](ctx context.Context, fns ...func(context.Context) (T, error)) (T, error) {
	var zero T
	if err := checkFuncs("lab.Race", fns); err != nil {
		return zero, err
	}
	values := make([]T, len(fns))
	winner, err := eachUntilSuccess(ctx, "lab.Race", len(fns), func(ctx context.Context, i int) (err error) {
		values[i], err = fns[i](ctx)
		return err
	})
	if err != nil {
		return zero, err
	}
	return values[winner], nil
}

// Hedge calls fn, and a second time when there is no answer after some time or the first call fails. The
// first success is the result, the other call is cancelled and waited for. It shortens the longest waits of a
// service that is sometimes slow, and costs a second request only then; fn must bear being called twice at
// once.
func Hedge[T any](ctx context.Context, after time.Duration, fn func(context.Context) (T, error)) (T, error) {
	var values [2]T
	if fn == nil {
		return values[0], misuse("lab.Hedge", "nil function")
	}
	winner, err := hedge(ctx, after, func(ctx context.Context, i int) (err error) {
		values[i], err = fn(ctx)
		return err
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return values[winner], nil
}

func hedge(ctx context.Context, after time.Duration, fn func(context.Context, int) error) (winner int, err error) {
	if err := errors.Join(checkContext("lab.Hedge", ctx), checkDuration("lab.Hedge", "delay", after)); err != nil {
		return -1, err
	}
	late := time.NewTimer(after)
	defer late.Stop()
	failed := make(chan struct{}) // closed when the first call has failed
	return eachUntilSuccess(ctx, "lab.Hedge", 2, func(ctx context.Context, i int) error {
		if i == 0 {
			ok := false
			defer func() {
				if !ok { // on success the context of the second call ends, and that alone
					close(failed)
				}
			}()
			err := fn(ctx, i)
			ok = err == nil
			return err
		}
		select {
		case <-late.C:
		case <-failed:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return canceled(ctx)
		}
		return fn(ctx, i)
	})
}
