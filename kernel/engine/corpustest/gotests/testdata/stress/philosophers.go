// Philosophers take two locks each, in an order that cannot block, with deferred unlocks, and by trying.
package main

import (
	"fmt"
	"sync"
)

type fork struct {
	sync.Mutex
	used int
}

func eat(first, second *fork) (meals int) {
	first.Lock()
	defer first.Unlock()
	second.Lock()
	defer second.Unlock()
	first.used++
	second.used++
	return 1
}

func tryEat(first, second *fork) bool {
	if !first.TryLock() {
		return false
	}
	defer first.Unlock()
	if !second.TryLock() {
		return false
	}
	defer second.Unlock()
	first.used++
	second.used++
	return true
}

func dinner(seats, meals int, take func(a, b *fork) int) (total int, used []int) {
	forks := make([]*fork, seats)
	for i := range forks {
		forks[i] = new(fork)
	}
	eaten := make([]int, seats)
	var wg sync.WaitGroup
	for i := range seats {
		left, right := forks[i], forks[(i+1)%seats]
		if i == seats-1 {
			left, right = right, left
		}
		wg.Go(func() {
			for eaten[i] < meals {
				eaten[i] += take(left, right)
			}
		})
	}
	wg.Wait()
	for i, f := range forks {
		total += eaten[i]
		used = append(used, f.used)
	}
	return total, used
}

func main() {
	total, used := dinner(7, 300, eat)
	fmt.Println(total, used)
	var yield sync.Mutex
	total, used = dinner(5, 100, func(a, b *fork) int {
		if tryEat(a, b) {
			return 1
		}
		yield.Lock()
		defer yield.Unlock()
		return 0
	})
	fmt.Println(total, used)
}
