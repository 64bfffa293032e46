// Generic functions and types start goroutines for elements of many types.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

type number interface{ ~int | ~float64 }

type meters float64

func (m meters) String() string { return fmt.Sprintf("%.1f m", float64(m)) }

func parallel[T, R any](in []T, f func(T) (R, error)) ([]R, error) {
	out := make([]R, len(in))
	errs := make([]error, len(in))
	var wg sync.WaitGroup
	for i, v := range in {
		wg.Go(func() { out[i], errs[i] = f(v) })
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

func reduce[T any](in []T, join func(a, b T) T) T {
	switch len(in) {
	case 0:
		var zero T
		return zero
	case 1:
		return in[0]
	}
	half := make(chan T)
	go func() { half <- reduce(in[:len(in)/2], join) }()
	right := reduce(in[len(in)/2:], join)
	return join(<-half, right)
}

func total[N number](in []N) N { return reduce(in, func(a, b N) N { return a + b }) }

type store[K cmp.Ordered, V any] struct {
	mu sync.Mutex
	m  map[K][]V
}

func (s *store[K, V]) add(k K, v V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = make(map[K][]V)
	}
	s.m[k] = append(s.m[k], v)
}

func (s *store[K, V]) each(visit func(K, int)) {
	keys := make([]K, 0, len(s.m))
	for k := range s.m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		visit(k, len(s.m[k]))
	}
}

type result[T any] struct {
	value T
	err   error
}

func first[T any](tasks ...func() (T, error)) result[T] {
	c := make(chan result[T], len(tasks))
	for _, task := range tasks {
		go func() {
			v, err := task()
			c <- result[T]{v, err}
		}()
	}
	return <-c
}

func main() {
	words := strings.Fields(strings.Repeat("a bb ccc dddd ", 250))
	lengths, err := parallel(words, func(s string) (int, error) { return len(s), nil })
	fmt.Println(len(lengths), total(lengths), err)
	_, err = parallel([]int{1, 2, 3}, func(n int) (string, error) {
		if n == 2 {
			return "", fmt.Errorf("bad %d", n)
		}
		return fmt.Sprint(n), nil
	})
	fmt.Println(err)
	long, _ := parallel(lengths[:8], func(n int) (meters, error) { return meters(n) / 2, nil })
	fmt.Println(total(long), slices.Max(long), long[:3])
	var byLength store[int, string]
	var byWord store[string, int]
	var wg sync.WaitGroup
	for i, w := range words {
		wg.Go(func() { byLength.add(len(w), w); byWord.add(w, i) })
	}
	wg.Wait()
	byLength.each(func(k, n int) { fmt.Print(k, ":", n, " ") })
	byWord.each(func(k string, n int) { fmt.Print(k, ":", n, " ") })
	fmt.Println()
	r := first(func() (string, error) { return "only", nil })
	fmt.Println(r, first(func() ([]int, error) { return nil, errors.New("none") }).err)
	fmt.Println(reduce([]string{"x", "y", "z"}, func(a, b string) string { return "(" + a + b + ")" }), total([]int(nil)))
}
