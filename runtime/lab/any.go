package lab

import (
	"context"
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
