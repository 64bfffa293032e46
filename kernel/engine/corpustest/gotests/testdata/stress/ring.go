// Tokens travel round a ring of a thousand goroutines; each goroutine adds to the token that passes it.
package main

import (
	"fmt"
	"sync"
)

type token struct {
	id, laps, sum int
	path          [4]int
}

func member(at int, in <-chan token, out chan<- token, done chan<- token) {
	defer close(out)
	for t := range in {
		t.sum += at
		t.path[at%len(t.path)]++
		if at == 0 {
			if t.laps--; t.laps < 0 {
				done <- t
				continue
			}
		}
		out <- t
	}
}

func main() {
	const size, tokens = 1000, 8
	links := make([]chan token, size)
	for i := range links {
		links[i] = make(chan token, 1)
	}
	done := make(chan token)
	var wg sync.WaitGroup
	head := make(chan token, tokens)
	for i := range size {
		in, out := (<-chan token)(links[i]), links[(i+1)%size]
		if i == 0 {
			in = head
		}
		if i == size-1 {
			last := make(chan token, 1)
			wg.Go(func() { member(i, links[i], last, done) })
			wg.Go(func() {
				for t := range last {
					head <- t
				}
			})
			continue
		}
		wg.Go(func() { member(i, in, out, done) })
	}
	for id := range tokens {
		head <- token{id: id, laps: 2}
	}
	results := make([]token, tokens)
	for range tokens {
		t := <-done
		results[t.id] = t
	}
	close(head)
	wg.Wait()
	for _, t := range results {
		fmt.Println(t.id, t.laps, t.sum, t.path)
	}
}
