// Deferred calls change named results, after returns with and without values, in panics, and in many goroutines.
package main

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
)

var errOdd = errors.New("odd")

func twice(n int) (r int, err error) {
	defer func() {
		r *= 2
		if err != nil {
			err = fmt.Errorf("twice %d: %w", n, err)
		}
	}()
	if n%2 == 1 {
		return n, errOdd
	}
	r = n
	return
}

func zero() (n int, s string, err error) {
	n++
	s += "x"
	return
}

func parse(s string) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = -1, fmt.Errorf("recovered: %v", r)
		}
	}()
	if n, err = strconv.Atoi(s); err != nil {
		panic(s)
	}
	return n + 1, nil
}

func shadowed(n int) (r int) {
	defer func() { r += 1000 }()
	for i := range n {
		r := i * i
		if r > 20 {
			return r
		}
	}
	return -n
}

func swap(a, b int) (x, y int) {
	defer func() { x, y = y, x }()
	x, y = a, b
	return y, x
}

func captured() (n int, more func() int) {
	more = func() int { n++; return n }
	n = 10
	defer func() { n += 5 }()
	return more(), more
}

func all() (out []string) {
	for i := range 4 {
		r, err := twice(i)
		out = append(out, fmt.Sprint(r, err, errors.Is(err, errOdd)))
	}
	var n int
	var s string
	var err error = errOdd
	for range 3 {
		n, s, err = zero()
	}
	out = append(out, fmt.Sprint(n, s, err))
	for _, text := range []string{"41", "x"} {
		v, err := parse(text)
		out = append(out, fmt.Sprint(v, err))
	}
	x, y := swap(1, 2)
	c, more := captured()
	return append(out, fmt.Sprint(shadowed(3), shadowed(9), x, y, c, more(), more()))
}

func main() {
	want := fmt.Sprint(all())
	fmt.Println(want)
	results := make(chan bool)
	var wg sync.WaitGroup
	for range 2000 {
		wg.Go(func() { results <- fmt.Sprint(all()) == want })
	}
	go func() { wg.Wait(); close(results) }()
	same := 0
	for ok := range results {
		if ok {
			same++
		}
	}
	fmt.Println(same)
}
