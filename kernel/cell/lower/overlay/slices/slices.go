// Package slices has the generic functions of the standard library's package of that name, for the interpreter. They sort
// by package sort, whose algorithms make the same comparisons and exchanges.
package slices

import (
	"cmp"
	"iter"
	"sort"
)

// Equal is [slices.Equal].
func Equal[S ~[]E, E comparable](a, b S) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// EqualFunc is [slices.EqualFunc].
func EqualFunc[S1 ~[]E1, S2 ~[]E2, E1, E2 any](a S1, b S2, eq func(E1, E2) bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !eq(a[i], b[i]) {
			return false
		}
	}
	return true
}

// Compare is [slices.Compare].
func Compare[S ~[]E, E cmp.Ordered](a, b S) int {
	return CompareFunc(a, b, func(x, y E) int { return cmp.Compare(x, y) })
}

// CompareFunc is [slices.CompareFunc].
func CompareFunc[S1 ~[]E1, S2 ~[]E2, E1, E2 any](a S1, b S2, compare func(E1, E2) int) int {
	for i, x := range a {
		if i >= len(b) {
			return 1
		}
		if c := compare(x, b[i]); c != 0 {
			return c
		}
	}
	if len(a) < len(b) {
		return -1
	}
	return 0
}

// Index is [slices.Index].
func Index[S ~[]E, E comparable](s S, v E) int {
	for i := range s {
		if s[i] == v {
			return i
		}
	}
	return -1
}

// IndexFunc is [slices.IndexFunc].
func IndexFunc[S ~[]E, E any](s S, f func(E) bool) int {
	for i := range s {
		if f(s[i]) {
			return i
		}
	}
	return -1
}

// Contains is [slices.Contains].
func Contains[S ~[]E, E comparable](s S, v E) bool { return Index(s, v) >= 0 }

// ContainsFunc is [slices.ContainsFunc].
func ContainsFunc[S ~[]E, E any](s S, f func(E) bool) bool { return IndexFunc(s, f) >= 0 }

// Clone is [slices.Clone].
func Clone[S ~[]E, E any](s S) S { return append(s[:0:0], s...) }

// Clip is [slices.Clip].
func Clip[S ~[]E, E any](s S) S { return s[:len(s):len(s)] }

// Grow is [slices.Grow].
func Grow[S ~[]E, E any](s S, n int) S {
	if n < 0 {
		panic("cannot be negative")
	}
	if n -= cap(s) - len(s); n > 0 {
		s = append(s[:cap(s)], make([]E, n)...)[:len(s)]
	}
	return s
}

// Reverse is [slices.Reverse].
func Reverse[S ~[]E, E any](s S) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}

// Concat is [slices.Concat].
func Concat[S ~[]E, E any](parts ...S) S {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	all := Grow[S](nil, n)
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// Repeat is [slices.Repeat].
func Repeat[S ~[]E, E any](x S, count int) S {
	if count < 0 {
		panic("cannot be negative")
	}
	all := make(S, 0, len(x)*count)
	for range count {
		all = append(all, x...)
	}
	return all
}

// Max is [slices.Max].
func Max[S ~[]E, E cmp.Ordered](x S) E {
	if len(x) == 0 {
		panic("slices.Max: empty list")
	}
	m := x[0]
	for i := 1; i < len(x); i++ {
		m = max(m, x[i])
	}
	return m
}

// Min is [slices.Min].
func Min[S ~[]E, E cmp.Ordered](x S) E {
	if len(x) == 0 {
		panic("slices.Min: empty list")
	}
	m := x[0]
	for i := 1; i < len(x); i++ {
		m = min(m, x[i])
	}
	return m
}

// MaxFunc is [slices.MaxFunc].
func MaxFunc[S ~[]E, E any](x S, compare func(a, b E) int) E {
	if len(x) == 0 {
		panic("slices.MaxFunc: empty list")
	}
	m := x[0]
	for i := 1; i < len(x); i++ {
		if compare(x[i], m) > 0 {
			m = x[i]
		}
	}
	return m
}

// MinFunc is [slices.MinFunc].
func MinFunc[S ~[]E, E any](x S, compare func(a, b E) int) E {
	if len(x) == 0 {
		panic("slices.MinFunc: empty list")
	}
	m := x[0]
	for i := 1; i < len(x); i++ {
		if compare(x[i], m) < 0 {
			m = x[i]
		}
	}
	return m
}

func less[E cmp.Ordered](a, b E) bool { return a < b || a != a && b == b }

// Sort is [slices.Sort].
func Sort[S ~[]E, E cmp.Ordered](x S) {
	sort.Slice(x, func(i, j int) bool { return less(x[i], x[j]) })
}

// SortFunc is [slices.SortFunc].
func SortFunc[S ~[]E, E any](x S, compare func(a, b E) int) {
	sort.Slice(x, func(i, j int) bool { return compare(x[i], x[j]) < 0 })
}

// SortStableFunc is [slices.SortStableFunc].
func SortStableFunc[S ~[]E, E any](x S, compare func(a, b E) int) {
	sort.SliceStable(x, func(i, j int) bool { return compare(x[i], x[j]) < 0 })
}

// IsSorted is [slices.IsSorted].
func IsSorted[S ~[]E, E cmp.Ordered](x S) bool {
	for i := len(x) - 1; i > 0; i-- {
		if less(x[i], x[i-1]) {
			return false
		}
	}
	return true
}

// IsSortedFunc is [slices.IsSortedFunc].
func IsSortedFunc[S ~[]E, E any](x S, compare func(a, b E) int) bool {
	for i := len(x) - 1; i > 0; i-- {
		if compare(x[i], x[i-1]) < 0 {
			return false
		}
	}
	return true
}

// BinarySearch is [slices.BinarySearch].
func BinarySearch[S ~[]E, E cmp.Ordered](x S, target E) (int, bool) {
	i := sort.Search(len(x), func(i int) bool { return !less(x[i], target) })
	return i, i < len(x) && (x[i] == target || x[i] != x[i] && target != target)
}

// BinarySearchFunc is [slices.BinarySearchFunc].
func BinarySearchFunc[S ~[]E, E, T any](x S, target T, compare func(E, T) int) (int, bool) {
	i := sort.Search(len(x), func(i int) bool { return compare(x[i], target) >= 0 })
	return i, i < len(x) && compare(x[i], target) == 0
}

// All is [slices.All].
func All[S ~[]E, E any](s S) iter.Seq2[int, E] {
	return func(yield func(int, E) bool) {
		for i, v := range s {
			if !yield(i, v) {
				return
			}
		}
	}
}

// Backward is [slices.Backward].
func Backward[S ~[]E, E any](s S) iter.Seq2[int, E] {
	return func(yield func(int, E) bool) {
		for i := len(s) - 1; i >= 0; i-- {
			if !yield(i, s[i]) {
				return
			}
		}
	}
}

// Values is [slices.Values].
func Values[S ~[]E, E any](s S) iter.Seq[E] {
	return func(yield func(E) bool) {
		for _, v := range s {
			if !yield(v) {
				return
			}
		}
	}
}

// AppendSeq is [slices.AppendSeq].
func AppendSeq[S ~[]E, E any](s S, seq iter.Seq[E]) S {
	for v := range seq {
		s = append(s, v)
	}
	return s
}

// Collect is [slices.Collect].
func Collect[E any](seq iter.Seq[E]) []E { return AppendSeq([]E(nil), seq) }

// Sorted is [slices.Sorted].
func Sorted[E cmp.Ordered](seq iter.Seq[E]) []E {
	s := Collect(seq)
	Sort(s)
	return s
}

// SortedFunc is [slices.SortedFunc].
func SortedFunc[E any](seq iter.Seq[E], compare func(E, E) int) []E {
	s := Collect(seq)
	SortFunc(s, compare)
	return s
}

// SortedStableFunc is [slices.SortedStableFunc].
func SortedStableFunc[E any](seq iter.Seq[E], compare func(E, E) int) []E {
	s := Collect(seq)
	SortStableFunc(s, compare)
	return s
}

// Chunk is [slices.Chunk].
func Chunk[S ~[]E, E any](s S, n int) iter.Seq[S] {
	if n < 1 {
		panic("cannot be less than 1")
	}
	return func(yield func(S) bool) {
		for i := 0; i < len(s); i += n {
			end := min(n, len(s[i:]))
			if !yield(s[i : i+end : i+end]) {
				return
			}
		}
	}
}

// Insert is [slices.Insert].
func Insert[S ~[]E, E any](s S, i int, v ...E) S {
	_ = s[i:]
	n, m := len(s), len(v)
	switch {
	case m == 0:
		return s
	case i == n:
		return append(s, v...)
	case n+m > cap(s):
		grown := append(s[:i], make(S, n+m-i)...)
		copy(grown[i:], v)
		copy(grown[i+m:], s[i:])
		return grown
	}
	v = append([]E(nil), v...) // it may be a part of s
	s = s[:n+m]
	copy(s[i+m:], s[i:])
	copy(s[i:], v)
	return s
}

// Delete is [slices.Delete].
func Delete[S ~[]E, E any](s S, i, j int) S {
	_ = s[i:j:len(s)]
	if i == j {
		return s
	}
	n := len(s)
	s = append(s[:i], s[j:]...)
	clear(s[len(s):n])
	return s
}

// DeleteFunc is [slices.DeleteFunc].
func DeleteFunc[S ~[]E, E any](s S, del func(E) bool) S {
	k := IndexFunc(s, del)
	if k < 0 {
		return s
	}
	for j := k + 1; j < len(s); j++ {
		if v := s[j]; !del(v) {
			s[k] = v
			k++
		}
	}
	clear(s[k:])
	return s[:k]
}

// Replace is [slices.Replace].
func Replace[S ~[]E, E any](s S, i, j int, v ...E) S {
	_ = s[i:j]
	n := i + len(v) + len(s) - j
	switch {
	case i == j:
		return Insert(s, i, v...)
	case j == len(s):
		r := append(s[:i], v...)
		if len(r) < len(s) {
			clear(s[len(r):])
		}
		return r
	case n > cap(s):
		grown := append(s[:i], make(S, n-i)...)
		copy(grown[i:], v)
		copy(grown[i+len(v):], s[j:])
		return grown
	}
	v = append([]E(nil), v...) // it may be a part of s
	r := s[:n]
	copy(r[i+len(v):], s[j:])
	copy(r[i:], v)
	if n < len(s) {
		clear(s[n:])
	}
	return r
}

// Compact is [slices.Compact].
func Compact[S ~[]E, E comparable](s S) S {
	return CompactFunc(s, func(a, b E) bool { return a == b })
}

// CompactFunc is [slices.CompactFunc].
func CompactFunc[S ~[]E, E any](s S, eq func(E, E) bool) S {
	if len(s) < 2 {
		return s
	}
	k, last := 1, s[0]
	for i := 1; i < len(s); i++ {
		v := s[i]
		if !eq(v, last) {
			s[k] = v
			k++
		}
		last = v
	}
	clear(s[k:])
	return s[:k]
}
