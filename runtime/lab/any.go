package lab

import (
	"context"
	"iter"
	"time"
)

// What follows are the instances for any value: the door for callers that cannot instantiate, such as an interpreter.

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
