// Producers and consumers share a buffer that a mutex and two conditions guard.
package main

import (
	"fmt"
	"sync"
)

type buffer struct {
	mu              sync.Mutex
	notFull, filled *sync.Cond
	items           []int
	most, high      int
	closed          bool
}

func newBuffer(most int) *buffer {
	b := &buffer{most: most}
	b.notFull, b.filled = sync.NewCond(&b.mu), sync.NewCond(&b.mu)
	return b
}

func (b *buffer) put(v int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.items) == b.most {
		b.notFull.Wait()
	}
	b.items = append(b.items, v)
	b.high = max(b.high, len(b.items))
	b.filled.Signal()
}

func (b *buffer) get() (v int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.items) == 0 && !b.closed {
		b.filled.Wait()
	}
	if len(b.items) == 0 {
		return 0, false
	}
	v, b.items = b.items[0], b.items[1:]
	b.notFull.Signal()
	return v, true
}

func (b *buffer) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.filled.Broadcast()
}

func main() {
	const producers, each, consumers = 50, 200, 20
	b := newBuffer(8)
	var making, taking sync.WaitGroup
	taken := make([]map[int]int, consumers)
	for c := range consumers {
		taken[c] = map[int]int{}
		taking.Go(func() {
			for {
				v, ok := b.get()
				if !ok {
					return
				}
				taken[c][v]++
			}
		})
	}
	for p := range producers {
		making.Go(func() {
			for i := range each {
				b.put(p*each + i)
			}
		})
	}
	making.Wait()
	b.close()
	taking.Wait()
	all := map[int]int{}
	for _, m := range taken {
		for v, n := range m {
			all[v] += n
		}
	}
	sum, twice := 0, 0
	for v, n := range all {
		sum += v
		if n != 1 {
			twice++
		}
	}
	fmt.Println(len(all), sum, twice, b.high <= b.most, len(b.items))
}
