// Loops start goroutines that share variables of the loop, of the function around it and of the package.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

const many = 20_000

var packageSum atomic.Int64

func perIteration() int64 {
	var wg sync.WaitGroup
	var sum atomic.Int64
	for i := 0; i < many; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			sum.Add(int64(i))
			packageSum.Add(int64(i) * 2)
		}()
	}
	wg.Wait()
	return sum.Load()
}

func passed() int64 {
	var wg sync.WaitGroup
	var mu sync.Mutex
	sum := int64(0)
	for i := range many {
		wg.Go(func() {
			square := int64(i % 100)
			square *= square
			mu.Lock()
			defer mu.Unlock()
			sum += square
		})
	}
	wg.Wait()
	return sum
}

func byArgument() (int, int) {
	seen := make([]int, many)
	done := make(chan int)
	for i := range many {
		j := many - 1 - i
		go func(at, value int) {
			seen[at] += value + j
			done <- at
		}(i, i)
	}
	ends := 0
	for range many {
		ends += <-done
	}
	sum := 0
	for at, v := range seen {
		if v != many-1 {
			fmt.Println("at", at, "stands", v)
		}
		sum += v
	}
	return sum, ends
}

func nested() int {
	results := make([]int, 50*50)
	var wg sync.WaitGroup
	for x := range 50 {
		row := x * 50
		for y := range 50 {
			cell := row + y
			wg.Go(func() {
				results[cell] = x - y
				for range 2 {
					wg.Add(1)
					go func() { defer wg.Done(); _ = results; _ = cell + x*y }()
				}
			})
		}
	}
	wg.Wait()
	sum := 0
	for at, v := range results {
		if v != at/50-at%50 {
			fmt.Println("at", at, "stands", v)
		}
		sum += v * at
	}
	return sum
}

func main() {
	fmt.Println(perIteration(), packageSum.Load())
	fmt.Println(passed())
	fmt.Println(byArgument())
	fmt.Println(nested())
}
