package lab

import (
	"context"
	"iter"
	"time"
)

// The functions below are instances for any value, for callers that cannot instantiate, such as an
// interpreter.

// GatherAny is [Gather] for functions of any result.
func GatherAny(ctx context.Context, fns ...func(context.Context) (any, error)) ([]any, error) {
	return Gather(ctx, fns...)
}

// GatherAllAny is [GatherAll] for functions of any result.
func GatherAllAny(ctx context.Context, fns ...func(context.Context) (any, error)) []Result[any] {
	return GatherAll(ctx, fns...)
}

// GoAny is [Go] for a function of any result.
func GoAny(ctx context.Context, fn func(context.Context) (any, error), opts ...TaskOption) *Task[any] {
	return Go(ctx, fn, opts...)
}

// WaitForAny is [WaitFor] for a function of any result.
func WaitForAny(ctx context.Context, d time.Duration, fn func(context.Context) (any, error)) (any, error) {
	return WaitFor(ctx, d, fn)
}

// ShieldAny is [Shield] for a task of any result.
func ShieldAny(ctx context.Context, t *Task[any]) (any, error) { return Shield(ctx, t) }

// RaceAny is [Race] for functions of any result.
func RaceAny(ctx context.Context, fns ...func(context.Context) (any, error)) (any, error) {
	return Race(ctx, fns...)
}

// HedgeAny is [Hedge] for a function of any result.
func HedgeAny(ctx context.Context, after time.Duration, fn func(context.Context) (any, error)) (any, error) {
	return Hedge(ctx, after, fn)
}

// AfterAny is [After] for a function of any result.
func AfterAny(ctx context.Context, d time.Duration, fn func(context.Context) (any, error), opts ...TaskOption) *Task[any] {
	return After(ctx, d, fn, opts...)
}

// AtAny is [At] for a function of any result.
func AtAny(ctx context.Context, when time.Time, fn func(context.Context) (any, error), opts ...TaskOption) *Task[any] {
	return At(ctx, when, fn, opts...)
}

// RetryAny is [Retry] for a function of any result.
func RetryAny(ctx context.Context, b Backoff, fn func(context.Context) (any, error)) (any, error) {
	return Retry(ctx, b, fn)
}

// OnThreadAny is [OnThread] for a function of any result.
func OnThreadAny(ctx context.Context, fn func(context.Context) (any, error)) (any, error) {
	return OnThread(ctx, fn)
}

// WaitAny is [Wait] for tasks of any result.
func WaitAny(ctx context.Context, mode WaitMode, tasks ...*Task[any]) (done, pending []*Task[any], err error) {
	return Wait(ctx, mode, tasks...)
}

// CompletedAny is [Completed] for tasks of any result.
func CompletedAny(ctx context.Context, tasks ...*Task[any]) iter.Seq2[any, error] {
	return Completed(ctx, tasks...)
}

// CompletedChanAny is [CompletedChan] for tasks of any result.
func CompletedChanAny(ctx context.Context, tasks ...*Task[any]) <-chan Result[any] {
	return CompletedChan(ctx, tasks...)
}

// SubmitAny is [Submit] for a function of any result.
func SubmitAny(ctx context.Context, p *Pool, fn func(context.Context) (any, error), opts ...TaskOption) *Task[any] {
	return Submit(ctx, p, fn, opts...)
}

// MapAny is [Map] for items and results of any type.
func MapAny(ctx context.Context, p *Pool, xs []any, fn func(context.Context, any) (any, error), opts ...MapOption) ([]any, error) {
	return Map(ctx, p, xs, fn, opts...)
}

// SourceAny is [Source] for values of any type.
func SourceAny(g *Group, seq iter.Seq[any]) <-chan any { return Source(g, seq) }

// StageAny is [Stage] for values of any type.
func StageAny(g *Group, in <-chan any, workers int, fn func(context.Context, any) (any, error)) <-chan any {
	return Stage(g, in, workers, fn)
}

// OrderedStageAny is [OrderedStage] for values of any type.
func OrderedStageAny(g *Group, in <-chan any, workers int, fn func(context.Context, any) (any, error)) <-chan any {
	return OrderedStage(g, in, workers, fn)
}

// FanOutAny is [FanOut] for values of any type.
func FanOutAny(g *Group, in <-chan any, n int) []<-chan any { return FanOut(g, in, n) }

// FanInAny is [FanIn] for values of any type.
func FanInAny(g *Group, ins ...<-chan any) <-chan any { return FanIn(g, ins...) }

// TeeAny is [Tee] for values of any type.
func TeeAny(g *Group, in <-chan any, n int) []<-chan any { return Tee(g, in, n) }

// BatchAny is [Batch] for values of any type.
func BatchAny(g *Group, in <-chan any, size int, atMost time.Duration) <-chan []any {
	return Batch(g, in, size, atMost)
}

// MergeAny is [Merge] for values of any type.
func MergeAny(g *Group, compare func(a, b any) int, ins ...<-chan any) <-chan any {
	return Merge(g, compare, ins...)
}

// CollectAny is [Collect] for values of any type.
func CollectAny(g *Group, in <-chan any) ([]any, error) { return Collect(g, in) }

// A FlightAny is a [Flight] for keys and values of any type; keys must be comparable.
type FlightAny = Flight[any, any]

// NewFlightAny is [NewFlight] for keys and values of any type.
func NewFlightAny(fn func(context.Context, any) (any, error)) *FlightAny { return NewFlight(fn) }

// NewMemoAny is [NewMemo] for keys and values of any type.
func NewMemoAny(fn func(context.Context, any) (any, error)) *FlightAny { return NewMemo(fn) }

// NewBroadcastAny is [NewBroadcast] for values of any type.
func NewBroadcastAny(policy Policy) *Broadcast[any] { return NewBroadcast[any](policy) }

// NewQueueAny is [NewQueue] for values of any type.
func NewQueueAny(max int) *Queue[any] { return NewQueue[any](max) }

// NewStackAny is [NewStack] for values of any type.
func NewStackAny(max int) *Queue[any] { return NewStack[any](max) }

// NewPriorityQueueAny is [NewPriorityQueue] for values of any type.
func NewPriorityQueueAny(max int, compare func(a, b any) int) *Queue[any] {
	return NewPriorityQueue(max, compare)
}

// NewLocalAny is [NewLocal] for a value of any type.
func NewLocalAny(init func() any) *Local[any] { return NewLocal(init) }

// LoopGoAny is [LoopGo] for a function of any result.
func LoopGoAny(co *Coro, name string, fn func(*Coro) (any, error)) *LoopTask[any] {
	return LoopGo(co, name, fn)
}

// LoopGatherAny is [LoopGather] for functions of any result.
func LoopGatherAny(co *Coro, fns ...func(*Coro) (any, error)) ([]any, error) {
	return LoopGather(co, fns...)
}

// LitmusAny is [Litmus] for a state of any type.
func LitmusAny(ctx context.Context, test LitmusTest[any], runs int) (LitmusTable, error) {
	return Litmus(ctx, test, runs)
}

// ExploreAny is [Explore] for a state of any type.
func ExploreAny(ctx context.Context, test Exploration[any], opts ...ExploreOptions) (Interleavings, error) {
	return Explore(ctx, test, opts...)
}
