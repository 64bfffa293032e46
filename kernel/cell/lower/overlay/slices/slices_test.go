package slices

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	std "slices"
	"testing"
)

// TestSame compares with the standard library, on random slices with many equal elements, also of capacities and of what
// lies behind the length.
func TestSame(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	type pair struct{ key, n int }
	by := func(a, b pair) int { return cmp.Compare(a.key, b.key) }
	even := func(x int) bool { return x%2 == 0 }
	for range 2000 {
		n := rnd.IntN(40)
		s := make([]int, n, n+rnd.IntN(8))
		for i := range s {
			s[i] = rnd.IntN(10)
		}
		pairs := make([]pair, n)
		for i := range pairs {
			pairs[i] = pair{rnd.IntN(5), i}
		}
		i := rnd.IntN(n + 1)
		j := i + rnd.IntN(n-i+1)
		v := s[:rnd.IntN(n+1)]
		if rnd.IntN(2) == 0 {
			v = Clone(v)
		}
		k := rnd.IntN(6) + 1
		whole := func(s []int) string { return fmt.Sprint(s, cap(s), s[:cap(s)]) }
		shown := func(name string, f func(s, v []int, pairs []pair) string) [2]string {
			c := make([]int, n, cap(s))
			copy(c, s)
			w := v
			if len(v) > 0 && n > 0 && &v[0] == &s[0] {
				w = c[:len(v)]
			}
			return [2]string{name, f(c, w, std.Clone(pairs))}
		}
		both := func(name string, mine, theirs func(s, v []int, pairs []pair) string) {
			if a, b := shown(name, mine), shown(name, theirs); a != b {
				t.Fatalf("of %v %v %d %d: %v, want %v", s, v, i, j, a, b)
			}
		}
		both("Insert", func(s, v []int, _ []pair) string { return whole(Insert(s, i, v...)) + whole(s) },
			func(s, v []int, _ []pair) string { return whole(std.Insert(s, i, v...)) + whole(s) })
		both("Replace", func(s, v []int, _ []pair) string { return whole(Replace(s, i, j, v...)) + whole(s) },
			func(s, v []int, _ []pair) string { return whole(std.Replace(s, i, j, v...)) + whole(s) })
		both("Delete", func(s, _ []int, _ []pair) string { return whole(Delete(s, i, j)) + whole(s) },
			func(s, _ []int, _ []pair) string { return whole(std.Delete(s, i, j)) + whole(s) })
		both("DeleteFunc", func(s, _ []int, _ []pair) string { return whole(DeleteFunc(s, even)) + whole(s) },
			func(s, _ []int, _ []pair) string { return whole(std.DeleteFunc(s, even)) + whole(s) })
		both("Compact", func(s, _ []int, _ []pair) string { return whole(Compact(s)) + whole(s) },
			func(s, _ []int, _ []pair) string { return whole(std.Compact(s)) + whole(s) })
		both("Sort", func(s, _ []int, p []pair) string { Sort(s); SortFunc(p, by); return fmt.Sprint(s, p) },
			func(s, _ []int, p []pair) string { std.Sort(s); std.SortFunc(p, by); return fmt.Sprint(s, p) })
		both("Stable", func(s, _ []int, p []pair) string { SortStableFunc(p, by); Reverse(s); return fmt.Sprint(s, p) },
			func(s, _ []int, p []pair) string { std.SortStableFunc(p, by); std.Reverse(s); return fmt.Sprint(s, p) })
		both("Search", func(s, v []int, _ []pair) string {
			Sort(s)
			a, ok := BinarySearch(s, k)
			b, found := BinarySearchFunc(s, k, func(e, t int) int { return cmp.Compare(e, t) })
			return fmt.Sprint(a, ok, b, found, IsSorted(s), IsSorted(v), IsSortedFunc(v, cmp.Compare[int]))
		}, func(s, v []int, _ []pair) string {
			std.Sort(s)
			a, ok := std.BinarySearch(s, k)
			b, found := std.BinarySearchFunc(s, k, func(e, t int) int { return cmp.Compare(e, t) })
			return fmt.Sprint(a, ok, b, found, std.IsSorted(s), std.IsSorted(v), std.IsSortedFunc(v, cmp.Compare[int]))
		})
		both("Compare", func(s, v []int, _ []pair) string {
			return fmt.Sprint(Compare(s, v), Equal(s, v), EqualFunc(s, v, func(a, b int) bool { return a%2 == b%2 }), Index(s, k), Contains(v, k),
				IndexFunc(s, even), ContainsFunc(v, even))
		}, func(s, v []int, _ []pair) string {
			return fmt.Sprint(std.Compare(s, v), std.Equal(s, v), std.EqualFunc(s, v, func(a, b int) bool { return a%2 == b%2 }),
				std.Index(s, k), std.Contains(v, k), std.IndexFunc(s, even), std.ContainsFunc(v, even))
		})
		both("Build", func(s, v []int, _ []pair) string {
			return whole(Clone(s)) + whole(Clip(s)) + whole(Grow(s, k)) + whole(Concat(s, v, s)) + whole(Repeat(v, k))
		}, func(s, v []int, _ []pair) string {
			return whole(std.Clone(s)) + whole(std.Clip(s)) + whole(std.Grow(s, k)) + whole(std.Concat(s, v, s)) + whole(std.Repeat(v, k))
		})
		both("Iterate", func(s, _ []int, _ []pair) string {
			return fmt.Sprint(Collect(Chunk(s, k)), maps.Collect(All(s)), Sorted(Values(s)), SortedFunc(Values(s), cmp.Compare[int]),
				SortedStableFunc(Values(s), cmp.Compare[int]), maps.Collect(Backward(s)))
		}, func(s, _ []int, _ []pair) string {
			return fmt.Sprint(std.Collect(std.Chunk(s, k)), maps.Collect(std.All(s)), std.Sorted(std.Values(s)),
				std.SortedFunc(std.Values(s), cmp.Compare[int]), std.SortedStableFunc(std.Values(s), cmp.Compare[int]),
				maps.Collect(std.Backward(s)))
		})
		if n > 0 {
			both("Extremes", func(s, _ []int, p []pair) string { return fmt.Sprint(Max(s), Min(s), MaxFunc(p, by), MinFunc(p, by)) },
				func(s, _ []int, p []pair) string {
					return fmt.Sprint(std.Max(s), std.Min(s), std.MaxFunc(p, by), std.MinFunc(p, by))
				})
		}
	}
}
