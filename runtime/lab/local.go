package lab

import "context"

// A Local is a value that belongs to a context, and so to everything that is called with it. It is
// threading.local and contextvars: Go has no storage that belongs to a goroutine, and hands such values down
// in the context.
type Local[T any] struct{ init func() T }

// NewLocal returns a local; init makes the value for contexts without one. nil means the zero value.
func NewLocal[T any](init func() T) *Local[T] { return &Local[T]{init} }

// With returns a context in which the local has the value v.
func (l *Local[T]) With(ctx context.Context, v T) context.Context {
	must(checkContext("lab.Local.With", ctx))
	return context.WithValue(ctx, l, &v) // a pointer distinguishes a nil value from a missing one
}

// Get returns the value in ctx; without one it returns a new value from init each time.
func (l *Local[T]) Get(ctx context.Context) T {
	must(checkContext("lab.Local.Get", ctx))
	if v, ok := ctx.Value(l).(*T); ok {
		return *v
	}
	var zero T
	if l.init != nil {
		return l.init()
	}
	return zero
}
