// Each prime number adds a goroutine to a chain of filters. Several chains work beside each other.
package main

import (
	"fmt"
	"sync"
)

func generate(out chan<- int, quit <-chan struct{}) {
	defer close(out)
	for i := 2; ; i++ {
		select {
		case out <- i:
		case <-quit:
			return
		}
	}
}

func filter(in <-chan int, prime int, quit <-chan struct{}, ended *sync.WaitGroup) <-chan int {
	out := make(chan int)
	ended.Go(func() {
		defer close(out)
		for n := range in {
			if n%prime == 0 {
				continue
			}
			select {
			case out <- n:
			case <-quit:
				return
			}
		}
	})
	return out
}

func primes(n int) (list []int) {
	quit := make(chan struct{})
	var ended sync.WaitGroup
	first := make(chan int)
	ended.Go(func() { generate(first, quit) })
	defer ended.Wait()
	defer close(quit)
	var numbers <-chan int = first
	for len(list) < n {
		p := <-numbers
		list = append(list, p)
		numbers = filter(numbers, p, quit, &ended)
	}
	return list
}

func main() {
	var wg sync.WaitGroup
	lists := make([][]int, 8)
	for i := range lists {
		wg.Go(func() { lists[i] = primes(10 + 4*i) })
	}
	wg.Wait()
	for i, l := range lists {
		sum := 0
		for _, p := range l {
			sum += p
		}
		fmt.Println(i, len(l), l[len(l)-1], sum)
	}
}
