// Package iter has the generic functions of the standard library's package of that name, for the interpreter.
package iter

import "iter"

// pull is iter.Pull for values of any type. The runtime of lowered code has it, and this one is not lowered.
func pull(seq func(yield func(any) bool)) (next func() (any, bool), stop func()) {
	return iter.Pull(iter.Seq[any](seq))
}

// Pull is [iter.Pull].
func Pull[V any](seq iter.Seq[V]) (func() (V, bool), func()) {
	next, stop := pull(func(yield func(any) bool) {
		for v := range seq {
			if !yield(v) {
				return
			}
		}
	})
	return func() (V, bool) {
		x, ok := next()
		v, _ := x.(V) // not ok: there is no other value, or it is a nil interface
		return v, ok
	}, stop
}

type both[K, V any] struct {
	k K
	v V
}

// Pull2 is [iter.Pull2].
func Pull2[K, V any](seq iter.Seq2[K, V]) (func() (K, V, bool), func()) {
	next, stop := Pull(func(yield func(both[K, V]) bool) {
		for k, v := range seq {
			if !yield(both[K, V]{k, v}) {
				return
			}
		}
	})
	return func() (K, V, bool) {
		b, ok := next()
		return b.k, b.v, ok
	}, stop
}
