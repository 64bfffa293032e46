// Pairs of goroutines meet in the same select statement: each either sends its number or receives the partner's.
package main

import (
	"fmt"
	"sync"
)

func meet(mine int, with chan int) (got int, sent bool) {
	select {
	case with <- mine:
		return 0, true
	case got = <-with:
		return got, false
	}
}

func try(c chan int) string {
	select {
	case v, ok := <-c:
		return fmt.Sprint(v, ok)
	default:
		return "empty"
	}
}

func main() {
	const pairs, rounds = 1000, 5
	var wg sync.WaitGroup
	var mu sync.Mutex
	senders, receivers, sum := 0, 0, 0
	for round := range rounds {
		for p := range pairs {
			c := make(chan int)
			for side := range 2 {
				mine := (round*pairs+p)*2 + side
				wg.Go(func() {
					got, sent := meet(mine, c)
					mu.Lock()
					defer mu.Unlock()
					if sent {
						senders++
						sum += mine
						return
					}
					receivers++
					if got != mine^1 {
						fmt.Println(mine, "met", got)
					}
					sum -= got
				})
			}
		}
		wg.Wait()
	}
	fmt.Println(senders, receivers, sum)

	var empty, closed, none chan int
	empty, closed = make(chan int), make(chan int)
	close(closed)
	full := make(chan int, 1)
	full <- 7
	counts := map[string]int{}
	for _, c := range []chan int{empty, closed, none, full, full} {
		counts[try(c)]++
	}
	fmt.Println(counts)
}
