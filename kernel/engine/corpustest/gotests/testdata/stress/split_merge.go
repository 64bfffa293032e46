// Recursive functions start goroutines for their halves and wait for them: sums, sorting, a tree.
package main

import (
	"fmt"
	"sync"
)

func sum(values []int) int {
	if len(values) <= 8 {
		s := 0
		for _, v := range values {
			s += v
		}
		return s
	}
	half := len(values) / 2
	left := make(chan int)
	go func() { left <- sum(values[:half]) }()
	right := sum(values[half:])
	return <-left + right
}

func sorted(values []int) []int {
	if len(values) < 2 {
		return values
	}
	half := len(values) / 2
	var a, b []int
	var wg sync.WaitGroup
	wg.Add(2)
	go func() { defer wg.Done(); a = sorted(values[:half]) }()
	go func() { defer wg.Done(); b = sorted(values[half:]) }()
	wg.Wait()
	out := make([]int, 0, len(values))
	for len(a) > 0 && len(b) > 0 {
		if a[0] <= b[0] {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

type tree struct {
	left, right *tree
	value       int
}

func build(lo, hi int) *tree {
	if lo >= hi {
		return nil
	}
	mid := (lo + hi) / 2
	t := &tree{value: mid}
	done := make(chan *tree)
	go func() { done <- build(lo, mid) }()
	t.right = build(mid+1, hi)
	t.left = <-done
	return t
}

func (t *tree) walk(visit func(int)) {
	if t == nil {
		return
	}
	t.left.walk(visit)
	visit(t.value)
	t.right.walk(visit)
}

func main() {
	values := make([]int, 4000)
	x := uint32(1)
	for i := range values {
		x = x*1664525 + 1013904223
		values[i] = int(x >> 20)
	}
	fmt.Println(sum(values))
	s := sorted(values[:1500])
	wrong := 0
	for i := 1; i < len(s); i++ {
		if s[i-1] > s[i] {
			wrong++
		}
	}
	fmt.Println(len(s), s[0], s[len(s)-1], wrong, sum(s) == sum(values[:1500]))
	next, count := 0, 0
	build(0, 3000).walk(func(v int) {
		if v == next {
			count++
		}
		next++
	})
	fmt.Println(next, count)
}
