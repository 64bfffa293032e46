// A thousand goroutines execute one select statement at the same time, each with channels of its own.
package main

import (
	"fmt"
	"sync"
)

type station struct {
	id   int
	in   chan int
	out  chan int
	stop chan struct{}
}

// serve adds the station's number to all that comes in. A value for another station would show in the sums.
func serve(s *station) (handled, refused int) {
	var pending []int
	for {
		var out chan int
		next := 0
		if len(pending) > 0 {
			out, next = s.out, pending[0]
		}
		select {
		case v, ok := <-s.in:
			if !ok {
				s.in = nil
				continue
			}
			if v < 0 {
				refused++
				continue
			}
			pending = append(pending, v*10_000+s.id)
		case out <- next:
			pending = pending[1:]
			handled++
		case <-s.stop:
			return handled, refused
		}
	}
}

func main() {
	const stations, values = 1000, 20
	var wg, served sync.WaitGroup
	handled := make([]int, stations)
	refused := make([]int, stations)
	bad := make([]int, stations)
	for id := range stations {
		s := &station{id: id, in: make(chan int), out: make(chan int), stop: make(chan struct{})}
		in, out := s.in, s.out
		served.Go(func() { handled[id], refused[id] = serve(s) })
		wg.Go(func() {
			for v := range values {
				if v%5 == 4 {
					in <- -1
				}
				in <- v
			}
			close(in)
		})
		wg.Go(func() {
			for v := range values {
				if got := <-out; got != v*10_000+id {
					bad[id]++
				}
			}
			close(s.stop)
		})
	}
	wg.Wait()
	served.Wait()
	sum, no, wrong := 0, 0, 0
	for id := range stations {
		sum += handled[id]
		no += refused[id]
		wrong += bad[id]
	}
	fmt.Println(sum, no, wrong)
}
