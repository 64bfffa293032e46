// Each iteration has variables of its own: their addresses, their closures and what goto and continue do to them.
package main

import (
	"fmt"
	"sync"
)

func addresses() (values []int) {
	var ps []*int
	for i := 0; i < 5; i++ {
		ps = append(ps, &i)
		i := i * 10
		ps = append(ps, &i)
	}
	for _, p := range ps {
		*p++
		values = append(values, *p)
	}
	return values
}

func ranges() (out []any) {
	var fs []func() (int, string)
	for i, s := range []string{"a", "b", "c"} {
		fs = append(fs, func() (int, string) { i++; s += "!"; return i, s })
	}
	for r, c := range "äb" {
		fs = append(fs, func() (int, string) { return r, string(c) })
	}
	for _, f := range fs {
		f()
		n, s := f()
		out = append(out, n, s)
	}
	list := []int{1, 2, 3}
	for i, v := range list { // the range expression is evaluated once
		list = append(list, v*10)
		list[2] = 30 + i
	}
	array := [3]int{1, 2, 3}
	sum := 0
	for i, v := range array { // of a copy
		array[2] = 100
		sum += i * v
	}
	for i, v := range &array {
		array[2] += 1
		sum += i * v
	}
	return append(out, list, sum)
}

func jumps() (out []int) {
	i := 0
again:
	n := i * 10
	f := func() int { n++; return n }
	f()
	if i++; i < 4 {
		out = append(out, f())
		goto again
	}
outer:
	for a := 0; a < 4; a++ {
		get := func() int { return a }
		for b := range 4 {
			if b == a {
				continue outer
			}
			if a == 3 {
				break outer
			}
			a := a*100 + b
			out = append(out, a+get())
		}
	}
	return out
}

func backwards() string {
	var fs []func() string
	for i, j := 0, 9; i < j; i, j = i+2, j-1 {
		fs = append(fs, func() string { return fmt.Sprint(i, "-", j) })
		defer func() { i, j = -1, -1 }()
	}
	s := ""
	for k := len(fs) - 1; k >= 0; k-- {
		s += fs[k]() + " "
	}
	return s
}

func main() {
	all := func() string { return fmt.Sprint(addresses(), ranges(), jumps(), backwards()) }
	want := all()
	fmt.Println(want)
	var wg sync.WaitGroup
	var mu sync.Mutex
	others := map[string]int{}
	for range 1000 {
		wg.Go(func() {
			if got := all(); got != want {
				mu.Lock()
				defer mu.Unlock()
				others[got]++
			}
		})
	}
	wg.Wait()
	fmt.Println(len(others))
}
