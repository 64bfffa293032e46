package lab

import (
	"context"
	"errors"
	"fmt"
	"runtime/trace"
	"slices"
	"sync"
	"time"
)

// Each calls fn(ctx, 0) to fn(ctx, n-1), each in its own goroutine, and waits for all of them. The first
// error cancels the ctx of the others and is returned. Each is the core of [Gather]: what a function finds it
// stores under its own index.
func Each(ctx context.Context, n int, fn func(ctx context.Context, i int) error) error {
	if fn == nil {
		return misuse("lab.Each", "nil function")
	}
	return each(ctx, "lab.Each", n, fn)
}

// A crew is the goroutines of one call.
type crew struct {
	call string
	ctx  context.Context
	fn   func(context.Context, int) error
	from site
	wg   sync.WaitGroup

	cancel context.CancelCauseFunc // nil for untilAll
	until  until
	once   sync.Once
	err    error   // the first one, for untilError; set under once
	winner int     // the first without an error, for untilSuccess; set under once, -1 before
	errs   []error // of each member, except with untilError
}

// until is what ends the work of a crew before all are ready.
type until uint8

const (
	untilError until = iota
	untilSuccess
	untilAll // nothing does
)

func each(ctx context.Context, call string, n int, fn func(context.Context, int) error) error {
	if err := checkContext(call, ctx); err != nil {
		return err
	}
	if n < 0 {
		return misuse(call, "count %d: need zero or more", n)
	}
	if n == 0 {
		return nil
	}
	c := crew{call: call, fn: fn, from: here(2)}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	defer c.cancel(nil)
	c.run(n)
	return c.err
}

func eachAll(ctx context.Context, call string, n int, fn func(context.Context, int) error) []error {
	must(checkContext(call, ctx))
	c := crew{call: call, ctx: ctx, fn: fn, from: here(2), until: untilAll, errs: make([]error, n)}
	c.run(n)
	return c.errs
}

// errBeaten is why the losers of a race were cancelled.
var errBeaten = errors.New("another was first")

// eachUntilSuccess returns the first that succeeded, or all errors when all failed.
func eachUntilSuccess(ctx context.Context, call string, n int, fn func(context.Context, int) error) (winner int, err error) {
	if err := checkContext(call, ctx); err != nil {
		return -1, err
	}
	if n == 0 {
		return -1, misuse(call, "no functions: need at least one")
	}
	c := crew{call: call, fn: fn, from: here(2), until: untilSuccess, winner: -1, errs: make([]error, n)}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	defer c.cancel(nil)
	c.run(n)
	if c.winner < 0 {
		if ended := ctx.Err(); ended != nil && !slices.ContainsFunc(c.errs, func(err error) bool { return !errors.Is(err, ended) }) {
			return -1, canceled(ctx) // once, not once for each
		}
		return -1, errors.Join(c.errs...)
	}
	return c.winner, nil
}

func (c *crew) run(n int) {
	started()
	work := c.work
	if trace.IsEnabled() {
		task := (*trace.Task)(nil)
		c.ctx, task = trace.NewTask(c.ctx, c.call)
		defer task.End()
		work = c.traced
		if n > namedRegions {
			work = c.tracedAlike
		}
	}
	c.wg.Add(n)
	for i := range n {
		go work(i)
	}
	c.wg.Wait()
}

func (c *crew) work(i int) {
	normal := false
	defer func() {
		if !normal {
			c.finish(i, abnormal(recover(), &c.from))
		}
		c.wg.Done()
	}()
	err := c.fn(c.ctx, i)
	normal = true
	if err != nil || c.until == untilSuccess {
		c.finish(i, err)
	}
}

// finish notes how member i ended, and ends the work of the others when that is decisive.
func (c *crew) finish(i int, err error) {
	switch {
	case c.until == untilError:
		c.once.Do(func() { c.err = err; c.cancel(err) })
	case c.until == untilSuccess && err == nil:
		c.once.Do(func() { c.winner = i; c.cancel(errBeaten) })
	default:
		c.errs[i] = err
	}
}

// Beyond so many members a figure folds its rows, and names of their own would only fill the trace's string
// table.
const namedRegions = 64

func (c *crew) traced(i int) {
	defer trace.StartRegion(c.ctx, fmt.Sprintf("%s[%d]", c.call, i)).End()
	c.work(i)
}

func (c *crew) tracedAlike(i int) {
	defer trace.StartRegion(c.ctx, c.call).End()
	c.work(i)
}

// Gather runs the functions at the same time, each in its own goroutine, and returns their results in the
// order of the arguments. It is called after Python's asyncio.gather, but fails like asyncio.TaskGroup.
//
// The first error (or panic, as a [*PanicError]) cancels the context of the others; Gather waits until all
// have returned, and returns that error and no results. asyncio.gather raises the first exception at once and
// lets the others run on. The context of the caller cancels them all; when all have succeeded in spite of
// that, their results are returned. Without functions there is nothing to do and nothing to report.
func Gather[T any](ctx context.Context, fns ...func(context.Context) (T, error)) ([]T, error) {
	if err := checkFuncs("lab.Gather", fns); err != nil {
		return nil, err
	}
	values := make([]T, len(fns))
	if err := each(ctx, "lab.Gather", len(fns), func(ctx context.Context, i int) (err error) {
		values[i], err = fns[i](ctx)
		return err
	}); err != nil {
		return nil, err
	}
	return values, nil
}

// A Result is how one function ended.
type Result[T any] struct {
	Value T
	Err   error
	Took  time.Duration // from its first to its last instruction, waiting included
}

// GatherAll is [Gather] without the cancelling: every function runs to its end, and each has its own result.
// It is gather(return_exceptions=True). When ctx ends there is still a result for each, where Python raises
// CancelledError.
func GatherAll[T any](ctx context.Context, fns ...func(context.Context) (T, error)) []Result[T] {
	must(checkFuncs("lab.GatherAll", fns))
	results := make([]Result[T], len(fns))
	errs := eachAll(ctx, "lab.GatherAll", len(fns), func(ctx context.Context, i int) (err error) {
		begin := time.Now()
		defer func() { results[i].Took = time.Since(begin) }()
		results[i].Value, err = fns[i](ctx)
		return err
	})
	for i, err := range errs {
		results[i].Err = err
	}
	return results
}
