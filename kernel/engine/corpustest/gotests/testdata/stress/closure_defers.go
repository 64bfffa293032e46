// Closures in loops defer closures over the variables of the loop, which later iterations must not touch.
package main

import (
	"fmt"
	"strings"
	"sync"
)

func steps(n int) (trace []string) {
	for i := range n {
		func() {
			name := fmt.Sprint("s", i)
			defer func() { trace = append(trace, "-"+name) }()
			for j := i; j < i+2; j++ {
				defer func(k int) {
					name += fmt.Sprint(j, k)
				}(j * 10)
			}
			trace = append(trace, "+"+name)
		}()
	}
	return trace
}

func counters(n int) (add []func(int) int) {
	shared := 0
	for i := 0; i < n; i++ {
		own := i * 100
		add = append(add, func(by int) int {
			own += by
			shared += by
			return own*1000 + shared
		})
	}
	return add
}

// changed closures change the variable of a loop with three clauses: the iteration's own is copied to the next one.
func changed() (fs []func() int) {
	for i := 0; i < 10; i++ {
		fs = append(fs, func() int { i += 100; return i })
		if i%3 == 0 {
			i++
		}
	}
	return fs
}

func unwound(n int, text *strings.Builder) {
	if n == 0 {
		return
	}
	defer func(at int) {
		fmt.Fprint(text, at, n, ";")
		n = -1
	}(n * 2)
	unwound(n-1, text)
	n += 100
}

func all() string {
	var b strings.Builder
	fmt.Fprintln(&b, steps(3))
	fs := counters(4)
	for round := range 3 {
		for i, f := range fs {
			fmt.Fprint(&b, f(round+i), " ")
		}
	}
	fmt.Fprintln(&b)
	for _, f := range changed() {
		fmt.Fprint(&b, f(), " ", f(), " ")
	}
	fmt.Fprintln(&b)
	unwound(4, &b)
	return b.String()
}

func main() {
	want := all()
	fmt.Println(want)
	var wg sync.WaitGroup
	other := make([]bool, 1000)
	for i := range other {
		wg.Go(func() {
			defer func(at int) { other[at] = other[at] || at != i }(i)
			other[i] = all() != want
		})
	}
	wg.Wait()
	n := 0
	for _, o := range other {
		if o {
			n++
		}
	}
	fmt.Println(n, "differ")
}
