package lab

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"interleave/runtime/quantity"
)

// A UsageError is a mistake in a call: not something that happened, but something that was written.
type UsageError struct {
	Call    string // the function, such as lab.NewPool
	Problem string // the mistake and its remedy
}

func (e *UsageError) Error() string { return e.Call + ": " + e.Problem }

func misuse(call, format string, args ...any) *UsageError {
	return &UsageError{call, fmt.Sprintf(format, args...)}
}

// checkContext refuses a nil context, which would otherwise panic far from the call that passed it.
func checkContext(call string, ctx context.Context) error {
	if ctx == nil {
		return misuse(call, "nil context: pass ctx, or context.Background()")
	}
	return nil
}

func checkDuration(call, what string, d time.Duration) error {
	if d < 0 {
		return misuse(call, "%s %s: need zero or more", what, quantity.Duration(d))
	}
	return nil
}

// zero is the mistake of using a value that was not made by its constructor.
func zero(call, what, remedy string) *UsageError {
	return misuse(call, "the %s was never made: %s makes one", what, remedy)
}

// checkComparable refuses what cannot be compared, with which Go would panic in the midst of things.
func checkComparable(call, what string, v any) error {
	if !reflect.ValueOf(v).Comparable() {
		return misuse(call, "%s of type %T: need one that can be compared", what, v)
	}
	return nil
}

// must panics with a mistake, for calls that have no error result.
func must(errs ...error) {
	for _, err := range errs {
		if err != nil {
			panic(err)
		}
	}
}

// checkFuncs finds a nil among the functions of a call.
func checkFuncs[T any](call string, fns []func(context.Context) (T, error)) error {
	for i, fn := range fns {
		if fn == nil {
			return misuse(call, "function %d of %d is nil", i, len(fns))
		}
	}
	return nil
}
