package lab

import (
	"context"
	"math"
	"time"
)

// After starts fn when d has passed, as a task that is pending until then; a negative d means now, as in
// package time. Cancelling the task or ctx before means that fn is never called; so does a ctx that has ended
// already or ends at that very moment. It is loop.call_later and threading.Timer. No goroutine waits for the
// time to come.
func After[T any](ctx context.Context, d time.Duration, fn func(context.Context) (T, error), opts ...TaskOption) *Task[T] {
	t := new(Task[T])
	if fn == nil {
		panic(misuse("lab.After", "nil function"))
	}
	t.later(ctx, "lab.After", t, opts, d, func(ctx context.Context) (err error) { t.value, err = fn(ctx); return err })
	return t
}

// At starts fn at a point of time, at once when that is past. It is loop.call_at; the rest is as with [After].
func At[T any](ctx context.Context, when time.Time, fn func(context.Context) (T, error), opts ...TaskOption) *Task[T] {
	t := new(Task[T])
	if fn == nil {
		panic(misuse("lab.At", "nil function"))
	}
	t.later(ctx, "lab.At", t, opts, time.Until(when), func(ctx context.Context) (err error) { t.value, err = fn(ctx); return err })
	return t
}

func (t *task) later(ctx context.Context, call string, self TaskAny, opts []TaskOption, d time.Duration, fn func(context.Context) error) {
	ready := make(chan struct{}) // closed when timer and forget are set
	var timer *time.Timer
	var forget func() bool
	t.unlink = func() {
		<-ready // a listing of all tasks may find and cancel this one before
		timer.Stop()
		forget()
	}
	t.init(ctx, call, self, opts)
	timer = time.AfterFunc(math.MaxInt64, carried(&t.from, func() {
		if overdue(t.ctx) != nil {
			t.dismiss(nil)
		} else if t.begin() {
			forget()
			t.run(fn) // on the timer's goroutine, which becomes the task's
		}
	}))
	forget = context.AfterFunc(t.ctx, func() { t.dismiss(nil) })
	close(ready)
	started()
	timer.Reset(d)
	if t.State() != Pending { // cancelled meanwhile: the timer has nothing to start
		timer.Stop()
	}
}
