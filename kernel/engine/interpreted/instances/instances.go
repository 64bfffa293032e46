// Package instances has the generic functions of package lab for values of any type, for callers that cannot
// instantiate them, such as an interpreter. A function here has the name of the one that it instantiates.
package instances

import (
	"context"
	"iter"
	"time"

	"interleave/runtime/lab"
)

// Gather is [lab.Gather] for functions of any result.
func Gather(ctx context.Context, fns ...func(context.Context) (any, error)) ([]any, error) {
	return lab.Gather(ctx, fns...)
}

// GatherAll is [lab.GatherAll] for functions of any result.
func GatherAll(ctx context.Context, fns ...func(context.Context) (any, error)) []lab.Result[any] {
	return lab.GatherAll(ctx, fns...)
}

// Go is [lab.Go] for a function of any result.
func Go(ctx context.Context, fn func(context.Context) (any, error), opts ...lab.TaskOption) *lab.Task[any] {
	return lab.Go(ctx, fn, opts...)
}

// WaitFor is [lab.WaitFor] for a function of any result.
func WaitFor(ctx context.Context, d time.Duration, fn func(context.Context) (any, error)) (any, error) {
	return lab.WaitFor(ctx, d, fn)
}

// Shield is [lab.Shield] for a task of any result.
func Shield(ctx context.Context, t *lab.Task[any]) (any, error) { return lab.Shield(ctx, t) }

// Race is [lab.Race] for functions of any result.
func Race(ctx context.Context, fns ...func(context.Context) (any, error)) (any, error) {
	return lab.Race(ctx, fns...)
}

// Hedge is [lab.Hedge] for a function of any result.
func Hedge(ctx context.Context, after time.Duration, fn func(context.Context) (any, error)) (any, error) {
	return lab.Hedge(ctx, after, fn)
}

// After is [lab.After] for a function of any result.
func After(ctx context.Context, d time.Duration, fn func(context.Context) (any, error), opts ...lab.TaskOption) *lab.Task[any] {
	return lab.After(ctx, d, fn, opts...)
}

// At is [lab.At] for a function of any result.
func At(ctx context.Context, when time.Time, fn func(context.Context) (any, error), opts ...lab.TaskOption) *lab.Task[any] {
	return lab.At(ctx, when, fn, opts...)
}

// Retry is [lab.Retry] for a function of any result.
func Retry(ctx context.Context, b lab.Backoff, fn func(context.Context) (any, error)) (any, error) {
	return lab.Retry(ctx, b, fn)
}

// OnThread is [lab.OnThread] for a function of any result.
func OnThread(ctx context.Context, fn func(context.Context) (any, error)) (any, error) {
	return lab.OnThread(ctx, fn)
}

// Wait is [lab.Wait] for tasks of any result.
func Wait(ctx context.Context, mode lab.WaitMode, tasks ...*lab.Task[any]) (done, pending []*lab.Task[any], err error) {
	return lab.Wait(ctx, mode, tasks...)
}

// Completed is [lab.Completed] for tasks of any result.
func Completed(ctx context.Context, tasks ...*lab.Task[any]) iter.Seq2[any, error] {
	return lab.Completed(ctx, tasks...)
}

// CompletedChan is [lab.CompletedChan] for tasks of any result.
func CompletedChan(ctx context.Context, tasks ...*lab.Task[any]) <-chan lab.Result[any] {
	return lab.CompletedChan(ctx, tasks...)
}

// Submit is [lab.Submit] for a function of any result.
func Submit(ctx context.Context, p *lab.Pool, fn func(context.Context) (any, error), opts ...lab.TaskOption) *lab.Task[any] {
	return lab.Submit(ctx, p, fn, opts...)
}

// Map is [lab.Map] for items and results of any type.
func Map(ctx context.Context, p *lab.Pool, xs []any, fn func(context.Context, any) (any, error), opts ...lab.MapOption) ([]any, error) {
	return lab.Map(ctx, p, xs, fn, opts...)
}

// MapSeq is [lab.MapSeq] for items and results of any type.
func MapSeq(ctx context.Context, p *lab.Pool, xs iter.Seq[any], fn func(context.Context, any) (any, error), opts ...lab.MapOption) iter.Seq2[any, error] {
	return lab.MapSeq(ctx, p, xs, fn, opts...)
}

// Source is [lab.Source] for values of any type.
func Source(g *lab.Group, seq iter.Seq[any]) <-chan any { return lab.Source(g, seq) }

// Stage is [lab.Stage] for values of any type.
func Stage(g *lab.Group, in <-chan any, workers int, fn func(context.Context, any) (any, error)) <-chan any {
	return lab.Stage(g, in, workers, fn)
}

// OrderedStage is [lab.OrderedStage] for values of any type.
func OrderedStage(g *lab.Group, in <-chan any, workers int, fn func(context.Context, any) (any, error)) <-chan any {
	return lab.OrderedStage(g, in, workers, fn)
}

// FanOut is [lab.FanOut] for values of any type.
func FanOut(g *lab.Group, in <-chan any, n int) []<-chan any { return lab.FanOut(g, in, n) }

// FanIn is [lab.FanIn] for values of any type.
func FanIn(g *lab.Group, ins ...<-chan any) <-chan any { return lab.FanIn(g, ins...) }

// Tee is [lab.Tee] for values of any type.
func Tee(g *lab.Group, in <-chan any, n int) []<-chan any { return lab.Tee(g, in, n) }

// Batch is [lab.Batch] for values of any type.
func Batch(g *lab.Group, in <-chan any, size int, atMost time.Duration) <-chan []any {
	return lab.Batch(g, in, size, atMost)
}

// Merge is [lab.Merge] for values of any type.
func Merge(g *lab.Group, compare func(a, b any) int, ins ...<-chan any) <-chan any {
	return lab.Merge(g, compare, ins...)
}

// Collect is [lab.Collect] for values of any type.
func Collect(g *lab.Group, in <-chan any) ([]any, error) { return lab.Collect(g, in) }

// A FlightAny is a [Flight] for keys and values of any type; keys must be comparable.
type FlightAny = lab.Flight[any, any]

// NewFlight is [lab.NewFlight] for keys and values of any type.
func NewFlight(fn func(context.Context, any) (any, error)) *FlightAny { return lab.NewFlight(fn) }

// NewMemo is [lab.NewMemo] for keys and values of any type.
func NewMemo(fn func(context.Context, any) (any, error)) *FlightAny { return lab.NewMemo(fn) }

// NewBroadcast is [lab.NewBroadcast] for values of any type.
func NewBroadcast(policy lab.Policy) *lab.Broadcast[any] { return lab.NewBroadcast[any](policy) }

// NewQueue is [lab.NewQueue] for values of any type.
func NewQueue(max int) *lab.Queue[any] { return lab.NewQueue[any](max) }

// NewStack is [lab.NewStack] for values of any type.
func NewStack(max int) *lab.Queue[any] { return lab.NewStack[any](max) }

// NewPriorityQueue is [lab.NewPriorityQueue] for values of any type.
func NewPriorityQueue(max int, compare func(a, b any) int) *lab.Queue[any] {
	return lab.NewPriorityQueue(max, compare)
}

// NewLocal is [lab.NewLocal] for a value of any type.
func NewLocal(init func() any) *lab.Local[any] { return lab.NewLocal(init) }

// LoopGo is [lab.LoopGo] for a function of any result.
func LoopGo(co *lab.Coro, name string, fn func(*lab.Coro) (any, error)) *lab.LoopTask[any] {
	return lab.LoopGo(co, name, fn)
}

// LoopGather is [lab.LoopGather] for functions of any result.
func LoopGather(co *lab.Coro, fns ...func(*lab.Coro) (any, error)) ([]any, error) {
	return lab.LoopGather(co, fns...)
}

// Litmus is [lab.Litmus] for a state of any type.
func Litmus(ctx context.Context, test lab.LitmusTest[any], runs int) (lab.LitmusTable, error) {
	return lab.Litmus(ctx, test, runs)
}

// Explore is [lab.Explore] for a state of any type.
func Explore(ctx context.Context, test lab.Exploration[any], opts ...lab.ExploreOptions) (lab.Interleavings, error) {
	return lab.Explore(ctx, test, opts...)
}
