package proc

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"interleave/runtime/lab"
	"interleave/runtime/remote"
)

// ErrClosed is the error of a queue or a pipe that was shut down, and of what was closed.
var ErrClosed = lab.ErrClosed

// ErrAbandoned is the error of the first [Lock.Lock] after a process ended that had the lock. The lock is not
// taken then. What it protects may be half changed: look at it, and lock again.
var ErrAbandoned = remote.ErrAbandoned

// An object is held by the program, and known to its processes by a number.
type object struct{ number uint64 }

// publish makes o known. It is forgotten when handle, a pointer, is no longer used and no process lives.
func publish[H any](handle *H, o remote.Object) object {
	number := remote.Publish(o)
	runtime.AddCleanup(handle, func(number uint64) {
		remote.Unused(func() { remote.Withdraw(number) })
	}, number)
	return object{number}
}

// call calls a method of the object.
func (o object) call(ctx context.Context, call, method string, args, results []any) error {
	if err := check(call, ctx); err != nil {
		return err
	}
	if o.number == 0 {
		return misuse(call, "it was never made: the functions whose names begin with New make one")
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", call, context.Cause(ctx))
	}
	err := remote.Call(ctx, o.number, method, args, results)
	var u *lab.UsageError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &u):
		return misuse(call, "%s", u.Problem)
	}
	return fmt.Errorf("%s: %w", call, err)
}

// now calls a method that does not wait. What it returns is a mistake in the call.
func (o object) now(call, method string, args, results []any) {
	if err := o.call(context.Background(), call, method, args, results); err != nil {
		panic(err)
	}
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
