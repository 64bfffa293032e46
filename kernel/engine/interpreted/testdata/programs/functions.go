package main

import "fmt"

type Bar func() Bar

func main() {
	var fib func(int) int
	fib = func(n int) int {
		if n < 2 {
			return n
		}
		return fib(n-1) + fib(n-2)
	}
	fmt.Println(fib(15))
	var b Bar
	p := &b
	*p = func() Bar { return b }
	fmt.Println(b() != nil)
	x := b
	y := *p
	fmt.Println(x != nil, y != nil)
}
