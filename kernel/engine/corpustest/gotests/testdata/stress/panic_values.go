// Goroutines panic with values of many types and with errors of the run time; each recovers its own.
package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
)

type code int

func (c code) Error() string { return fmt.Sprint("code ", int(c)) }

type pair struct{ a, b int }

func caught(f func()) (text string) {
	defer func() {
		r := recover()
		var re runtime.Error
		if err, ok := r.(error); ok && errors.As(err, &re) {
			text = "run time: " + err.Error()
			return
		}
		switch v := r.(type) {
		case nil:
			text = "nothing"
		case code:
			text = fmt.Sprint("a code: ", int(v))
		case error:
			text = "an error: " + v.Error()
		case fmt.Stringer:
			text = "a stringer: " + v.String()
		case pair:
			text = fmt.Sprint("a pair: ", v.a+v.b)
		case *pair:
			text = fmt.Sprint("a pointer: ", v.a*v.b)
		case func() int:
			text = fmt.Sprint("a function: ", v())
		default:
			text = fmt.Sprintf("a value: %v", v)
		}
	}()
	f()
	return "returned"
}

func main() {
	zero, list, values := 0, []int{1, 2, 3}, map[string]int(nil)
	var none *pair
	var some any = "text"
	var closed = make(chan int)
	close(closed)
	cases := []func(){
		func() {},
		func() { panic(code(7)) },
		func() { panic(fmt.Errorf("wrapped: %w", code(8))) },
		func() { panic(pair{1, 2}) },
		func() { panic(&pair{3, 4}) },
		func() { panic(func() int { return 5 }) },
		func() { panic(1.5) },
		func() { _ = list[zero+3] },
		func() { _ = list[zero+2 : zero+1] },
		func() { _ = 1 / zero },
		func() { _ = none.a },
		func() { values["x"] = 1 },
		func() { _ = some.(int) },
		func() { _ = some.(fmt.Stringer) },
		func() { _ = make([]int, zero-1) },
		func() { close(closed) },
		func() { closed <- 1 },
		func() { _ = [4]int(list) },
		func() { var f func(); f() },
		func() { m := map[any]int{}; m[list] = 1 },
		func() { panic(some) },
	}
	want := make([]string, len(cases))
	for i, f := range cases {
		want[i] = caught(f)
		fmt.Println(i, want[i])
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	differ := 0
	for range 100 {
		for i, f := range cases {
			wg.Go(func() {
				if got := caught(f); got != want[i] {
					mu.Lock()
					differ++
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	fmt.Println(differ)
}
