package remote

import (
	"context"
	"reflect"
)

// A loop calls a function for the elements of in, a slice, and sets those of out, until it returns an error.
// done counts the elements that have results.
type loop func(ctx context.Context, in, out reflect.Value, done *int) error

// loops make loops of functions with the commonest types. A call by package reflect allocates the results, which
// takes longer than most of what is mapped over numbers.
var loops = map[reflect.Type]func(fn any) loop{}

func init() {
	addLoops[int]()
	addLoops[float64]()
	addLoops[string]()
}

func addLoops[T any]() {
	addLoop[T, int]()
	addLoop[T, float64]()
	addLoop[T, string]()
	addLoop[T, bool]()
}

func addLoop[T, U any]() {
	loops[reflect.TypeFor[func(context.Context, T) (U, error)]()] = func(fn any) loop {
		f := fn.(func(context.Context, T) (U, error))
		return func(ctx context.Context, in, out reflect.Value, done *int) (err error) {
			xs, ys := in.Interface().([]T), out.Interface().([]U)
			for i, x := range xs {
				if ys[i], err = f(ctx, x); err != nil {
					return err
				}
				*done = i + 1
			}
			return nil
		}
	}
}
