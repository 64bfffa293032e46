// Goroutines end by runtime.Goexit: deferred calls run, recover returns nil, locks are free again.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

var (
	mu      sync.Mutex
	counter int
	never   atomic.Int64
)

func deep(n int, out *[]string) {
	defer func() { *out = append(*out, fmt.Sprint("deep", n)) }()
	if n == 0 {
		runtime.Goexit()
	}
	deep(n-1, out)
	never.Add(1)
}

func locked(i int) {
	mu.Lock()
	defer mu.Unlock()
	counter += i
	if i%2 == 0 {
		runtime.Goexit()
	}
	counter++
}

// insteadOfPanic ends the goroutine while it panics: the panic is gone.
func insteadOfPanic(out chan<- string) {
	defer func() { out <- fmt.Sprint("recovered ", recover()) }()
	defer runtime.Goexit()
	panic("given up")
}

// recoverThenExit recovers and ends the goroutine from a deferred call.
func recoverThenExit(out chan<- string) {
	defer close(out)
	func() {
		defer func() {
			out <- fmt.Sprint("first ", recover())
			runtime.Goexit()
		}()
		panic("one")
	}()
	out <- "never"
}

func main() {
	var out []string
	done := make(chan bool)
	go func() {
		defer close(done)
		defer func() { out = append(out, fmt.Sprint(recover())) }()
		deep(3, &out)
	}()
	<-done
	fmt.Println(out, never.Load())

	var wg sync.WaitGroup
	for i := range 2000 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			locked(i)
			if i%2 == 0 {
				never.Add(1)
			}
		}()
	}
	wg.Wait()
	fmt.Println(counter, never.Load())

	texts := make(chan string, 1)
	go insteadOfPanic(texts)
	fmt.Println(<-texts)
	more := make(chan string, 2)
	go recoverThenExit(more)
	for s := range more {
		fmt.Println(s)
	}

	ends := make(chan int)
	for i := range 500 {
		go func() {
			for j := range 3 {
				defer func() { ends <- i*3 + j }()
			}
			func() { runtime.Goexit() }()
			never.Add(1)
		}()
	}
	sum := 0
	for range 1500 {
		sum += <-ends
	}
	fmt.Println(sum, never.Load())
}
