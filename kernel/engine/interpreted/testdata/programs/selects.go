package main

import "fmt"

type E[T any] struct{ v T }
type S[T any] []E[T]

var m = map[interface{}]int{
	struct{ a, b int }{1, 2}: 0,
	S[int]{}[:0:0] == nil:    1,
}

func merge(a, b <-chan int) <-chan int {
	r := make(chan int)
	go func(a, b <-chan int, r chan<- int) {
		defer close(r)
		for a != nil || b != nil {
			select {
			case v, ok := <-a:
				if ok {
					r <- v
				} else {
					a = nil
				}
			case v, ok := <-b:
				if ok {
					r <- v
				} else {
					b = nil
				}
			}
		}
	}(a, b, r)
	return r
}

func main() {
	a, b := make(chan int), make(chan int)
	go func() { a <- 1; a <- 3; close(a) }()
	go func() { b <- 2; close(b) }()
	n := 0
	for v := range merge(a, b) {
		n += v
	}
	fmt.Println(n, len(m))
}
