// Labels, closed channels, nil channels and defaults in select statements inside loops, in many goroutines.
package main

import (
	"fmt"
	"runtime"
	"sync"
)

// drain reads two channels until both are closed: a closed one becomes nil.
func drain(a, b <-chan int) (sumA, sumB, turns int) {
	for a != nil || b != nil {
		turns++
		select {
		case v, ok := <-a:
			if !ok {
				a = nil
				break
			}
			sumA += v
		case v, ok := <-b:
			if !ok {
				b = nil
				continue
			}
			sumB += v
		}
	}
	return
}

func filled(n, step int) <-chan int {
	c := make(chan int)
	go func() {
		defer close(c)
		for i := range n {
			c <- i * step
		}
	}()
	return c
}

// spin counts until the channel has something, with a default that starts the next turn of the outer loop.
func spin(c <-chan int) (got, spins int) {
outer:
	for {
		for i := range 3 {
			select {
			case v := <-c:
				got = v
				break outer
			default:
				if i == 1 {
					spins++
					runtime.Gosched()
					continue outer
				}
			}
		}
	}
	return got, min(spins, 1)
}

func batches(in <-chan int, size int) (out [][]int) {
	var batch []int
loop:
	for {
		select {
		case v, ok := <-in:
			if !ok {
				break loop
			}
			if batch = append(batch, v); len(batch) < size {
				continue loop
			}
		}
		out, batch = append(out, batch), nil
	}
	if len(batch) > 0 {
		out = append(out, batch)
	}
	return out
}

// into sends to elements of arrays and maps, and receives into them.
func into() (string, int) {
	c := make(chan int, 4)
	slots := [3]int{}
	m := map[string]bool{}
	at := func() int { return 1 }
	for i := range 3 {
		select {
		case c <- i + at():
		}
		select {
		case slots[i], m["ok"] = <-c:
		}
	}
	close(c)
	select {
	case slots[at()], m["ok"] = <-c:
	}
	return fmt.Sprint(slots, m), len(c)
}

func main() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	results := map[string]int{}
	for range 500 {
		wg.Go(func() {
			a, b, turns := drain(filled(10, 1), filled(7, 100))
			late := make(chan int, 1)
			go func() { late <- 5 }()
			got, _ := spin(late)
			text, left := into()
			s := fmt.Sprint(a, b, turns, got, batches(filled(7, 2), 3), text, left)
			mu.Lock()
			defer mu.Unlock()
			results[s]++
		})
	}
	wg.Wait()
	fmt.Println(results)
}
