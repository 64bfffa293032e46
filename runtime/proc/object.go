package proc

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"interleave/runtime/internal/pack"
	"interleave/runtime/lab"
	"interleave/runtime/remote"
)

// ErrClosed is the error of a queue or a pipe that was shut down, and of what was closed.
var ErrClosed = lab.ErrClosed

// ErrAbandoned is the error of the first [Lock.Lock] after a process ended that had the lock. The lock is not
// taken then. What it protects may be half changed: look at it, and lock again.
var ErrAbandoned = remote.ErrAbandoned

// An object is held by the program, and known to its processes by a number. Copies of an object share the pointer.
type object struct{ known *number }

type number struct{ n uint64 }

// publish makes o known. It is forgotten when the pointer is no longer used and no process lives.
func publish(o remote.Object) object {
	known := &number{n: remote.Publish(o)}
	runtime.AddCleanup(known, func(n uint64) {
		remote.Unused(func() { remote.Withdraw(n) })
	}, known.n)
	return object{known}
}

// call calls a method of the object.
func (o object) call(ctx context.Context, call, method string, args, results []any) error {
	if err := check(call, ctx); err != nil {
		return err
	}
	if o.known == nil {
		return misuse(call, "it was never made: the functions whose names begin with New make one")
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", call, context.Cause(ctx))
	}
	err := remote.Call(ctx, o.known.n, method, args, results)
	var u *lab.UsageError
	var cannot *pack.CannotError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &u):
		return misuse(call, "%s", u.Problem)
	case errors.As(err, &cannot):
		return refused(call, args, cannot)
	}
	return fmt.Errorf("%s: %w", call, err)
}

// now calls a method that does not wait. What it returns is a mistake in the call.
func (o object) now(call, method string, args, results []any) {
	if err := o.call(context.Background(), call, method, args, results); err != nil {
		panic(err)
	}
}

// text returns the state of the object in one line, or why it cannot be known.
func (o object) text(kind string) (s string) {
	if o.known == nil {
		return kind + ", never made"
	}
	if err := remote.Call(context.Background(), o.known.n, "string", nil, []any{&s}); err != nil {
		return fmt.Sprintf("%s: %v", kind, err)
	}
	return s
}

// A dictKey is the key of a dictionary, as an argument of a call.
type dictKey any

// refused is the mistake of a call with an argument that cannot be copied. It names the argument and what to do
// instead. all is why they cannot be copied together.
func refused(call string, args []any, all *pack.CannotError) error {
	what, why := "the value", all
	for _, a := range args {
		switch a := a.(type) {
		case *dictKey:
			if cannot := remote.Cannot(a); cannot != nil {
				what, why = "the key", cannot
			}
		case *[]any: // values of which each is one of the user's
			for i := range *a {
				if cannot := remote.Cannot(&(*a)[i]); cannot != nil {
					what, why = fmt.Sprintf("value %d", i), cannot
					break
				}
			}
		}
	}
	return misuse(call, "%s cannot be sent to another process: %s", what, why.Advice())
}

func misuse(call, format string, args ...any) *lab.UsageError {
	return &lab.UsageError{Call: call, Problem: fmt.Sprintf(format, args...)}
}

func check(call string, ctx context.Context) error {
	if ctx == nil {
		return misuse(call, "nil context: pass ctx, or context.Background()")
	}
	return nil
}

// inProgram panics in a worker: what processes share is made in the program.
func inProgram(call string) {
	if remote.InWorker() {
		panic(misuse(call, "a function that runs in another process cannot make one: make it in the program, and pass it"))
	}
}

// forgets is for objects of which processes hold nothing.
type forgets struct{}

func (forgets) Ended(uint32) {}

// as returns a value of type T that was kept as any.
func as[T any](v any) (x T, err error) {
	if v == nil {
		return x, nil
	}
	x, ok := v.(T)
	if !ok {
		return x, fmt.Errorf("there is a value of type %T: need %T", v, x)
	}
	return x, nil
}
