// Loops over functions return, break, continue and defer out of nested loops, in many goroutines at once.
package main

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func watched(n int, log *[]string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		defer func() { *log = append(*log, fmt.Sprint("end", n)) }()
		for i := range n {
			if !yield(i, strings.Repeat("x", i)) {
				*log = append(*log, fmt.Sprint("stop", i))
				return
			}
		}
	}
}

func find(want int, log *[]string) (x, y int, found bool) {
	defer func() { *log = append(*log, fmt.Sprint("found ", found)) }()
	for x := range upTo(10) {
		for y, s := range watched(10, log) {
			if x*len(s) == want {
				return x, y, true
			}
			if y > x {
				break
			}
		}
	}
	return -1, -1, false
}

func labelled() (seen []int) {
outer:
	for a := range upTo(6) {
		for b := range upTo(6) {
			for c := range upTo(6) {
				switch {
				case c == 3:
					continue outer
				case a == 4:
					break outer
				case (a+b+c)%2 == 1:
					continue
				}
				seen = append(seen, a*100+b*10+c)
			}
		}
	}
	return seen
}

func deferred() (log []string) {
	func() {
		for i := range upTo(3) {
			defer func() { log = append(log, fmt.Sprint("d", i)) }()
			log = append(log, fmt.Sprint("i", i))
		}
		log = append(log, "behind")
	}()
	return log
}

func panics() (log []string) {
	defer func() { log = append(log, fmt.Sprint(recover())) }()
	for i := range watched(5, &log) {
		if i == 2 {
			panic("two")
		}
	}
	return log
}

func closures() (sum int) {
	var fs []func() int
	for i := range upTo(5) {
		fs = append(fs, func() int { i *= 2; return i })
	}
	for f := range slices.Values(fs) {
		sum = sum*10 + f() + f()/4
	}
	return sum
}

func pulled() (out []int) {
	next, stop := iter.Pull(upTo(4))
	defer stop()
	for range 6 {
		v, ok := next()
		if !ok {
			v = -1
		}
		out = append(out, v)
	}
	return out
}

func all() string {
	var log []string
	x, y, ok := find(12, &log)
	squares := maps.Collect(func(yield func(int, int) bool) {
		for i := range upTo(4) {
			if !yield(i, i*i) {
				return
			}
		}
	})
	return fmt.Sprintln(x, y, ok, len(log), log[len(log)-3:]) + fmt.Sprintln(labelled()) + fmt.Sprintln(deferred()) +
		fmt.Sprintln(panics()) + fmt.Sprintln(closures(), pulled(), slices.Sorted(maps.Values(squares)))
}

func main() {
	want := all()
	fmt.Print(want)
	var wg sync.WaitGroup
	same := make([]bool, 300)
	for i := range same {
		wg.Go(func() { same[i] = all() == want })
	}
	wg.Wait()
	fmt.Println(slices.Contains(same, false))
}
