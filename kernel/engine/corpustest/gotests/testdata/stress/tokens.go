// Workers take tokens from a channel: never more than there are tokens work at once, and all work is done once.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

type job struct {
	id    int
	reply chan<- result
}

type result struct {
	id, value int
	err       error
}

type tooLarge struct{ id int }

func (e tooLarge) Error() string { return fmt.Sprintf("job %d is too large", e.id) }

func work(j job) (r result) {
	r.id = j.id
	defer func() {
		if v := recover(); v != nil {
			r.err = v.(error)
		}
		j.reply <- r
	}()
	if j.id%100 == 99 {
		panic(tooLarge{j.id})
	}
	for i := range 20 {
		r.value += i * j.id % 7
	}
	return r
}

func main() {
	const jobs, tokens, workers = 3000, 5, 40
	free := make(chan struct{}, tokens)
	queue := make(chan job)
	replies := make(chan result, jobs)
	var working, most atomic.Int32
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for j := range queue {
				free <- struct{}{}
				n := working.Add(1)
				for {
					old := most.Load()
					if n <= old || most.CompareAndSwap(old, n) {
						break
					}
				}
				work(j)
				working.Add(-1)
				<-free
			}
		})
	}
	for id := range jobs {
		queue <- job{id, replies}
	}
	close(queue)
	wg.Wait()
	close(replies)
	values, failed, seen := 0, 0, make([]bool, jobs)
	last := ""
	for r := range replies {
		if seen[r.id] {
			fmt.Println("twice:", r.id)
		}
		seen[r.id] = true
		if e, ok := r.err.(tooLarge); ok {
			failed++
			if e.id == jobs-1 {
				last = e.Error()
			}
			continue
		}
		values += r.value
	}
	fmt.Println(values, failed, last, most.Load() <= tokens, working.Load(), len(free))
}
