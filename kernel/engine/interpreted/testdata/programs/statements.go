package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

type point struct{ x, y int }

var total = compute(3)

func compute(n int) (r int) {
	defer func() {
		if e := recover(); e != nil {
			fmt.Println("recovered", e)
			r = 42
		}
	}()
	var s []int
	return s[n]
}

func gen[T any](xs []T, f func(T) T) []T {
	var out []T
	for _, x := range xs {
		out = append(out, f(x))
	}
	return out
}

func count(n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func find(n int) (int, error) {
	for i := range count(10) {
		for j := range count(10) {
			if i*j == n {
				return i, nil
			}
			if j > i {
				break
			}
		}
	}
	return 0, errors.New("not found")
}

func main() {
	fmt.Println("total", total)
	var wg sync.WaitGroup
	var mu sync.Mutex
	sum := 0
	for i := 0; i < 100; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			defer mu.Unlock()
			sum += i
		}()
	}
	wg.Wait()
	fmt.Println(sum)
	p := point{1, 2}
	q := &p
	q.x += 5
	fmt.Println(p.x, q.y, p == point{6, 2})
	fmt.Println(gen([]string{"a", "b"}, strings.ToUpper))
	m := map[string][]int{"a": {1}, "b": {2, 3}}
	m["a"] = append(m["a"], 7)
	fmt.Println(len(m), m["a"], m["b"][1])
	c := make(chan int)
	done := make(chan bool)
	go func() {
		for v := range c {
			fmt.Println("got", v)
		}
		close(done)
	}()
	for i := range 3 {
		select {
		case c <- i:
		case <-done:
			return
		}
	}
	close(c)
	<-done
	fmt.Println(find(12))
	fmt.Println(find(99))
	switch x := any(p.x).(type) {
	case string:
		fmt.Println("string", x)
	case int, int8:
		fmt.Println("int", x)
	}
	switch {
	case sum > 10:
		fmt.Println("big")
		fallthrough
	case sum > 20:
		fmt.Println("bigger")
	default:
		fmt.Println("small")
	}
outer:
	for i := 0; ; i++ {
		for j := 0; j < 5; j++ {
			if i*j == 6 {
				fmt.Println("at", i, j)
				break outer
			}
			if j > i {
				continue outer
			}
		}
	}
	var fs []func() int
	for i := 0; i < 3; i++ {
		fs = append(fs, func() int { i *= 10; return i })
	}
	for _, f := range fs {
		fmt.Print(f(), f(), " ")
	}
	fmt.Println()
	for i, r := range "héé" {
		fmt.Print(i, ":", string(r), " ")
	}
	fmt.Println()
	var arr [3]int
	for i := range arr {
		arr[i] = i * i
	}
	b := arr
	b[0] = 9
	fmt.Println(arr, b, arr[1:], len(arr))
	x, y := 1, 2
	x, y = y, x
	fmt.Println(x, y, x<<3, -7/2, -7%3, 7&^2)
	fmt.Println(x)
}
