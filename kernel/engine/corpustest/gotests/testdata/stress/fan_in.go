// A group of tasks keeps its first error, limits how many run, and joins what they send.
package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
)

type group struct {
	wg     sync.WaitGroup
	once   sync.Once
	err    error
	cancel context.CancelCauseFunc
	slots  chan struct{}
}

func newGroup(ctx context.Context, limit int) (*group, context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	return &group{cancel: cancel, slots: make(chan struct{}, limit)}, ctx
}

func (g *group) start(task func() error) {
	g.slots <- struct{}{}
	g.wg.Add(1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				g.fail(fmt.Errorf("panic: %v", r))
			}
			<-g.slots
			g.wg.Done()
		}()
		if err := task(); err != nil {
			g.fail(err)
		}
	}()
}

func (g *group) fail(err error) {
	g.once.Do(func() {
		g.err = err
		g.cancel(err)
	})
}

func (g *group) wait() error {
	g.wg.Wait()
	g.cancel(nil)
	return g.err
}

func merge(ins ...<-chan int) <-chan int {
	out := make(chan int)
	var wg sync.WaitGroup
	for _, in := range ins {
		wg.Go(func() {
			for v := range in {
				out <- v
			}
		})
	}
	go func() { wg.Wait(); close(out) }()
	return out
}

func count(from, to int) <-chan int {
	c := make(chan int, 3)
	go func() {
		defer close(c)
		for i := from; i < to; i++ {
			c <- i
		}
	}()
	return c
}

var errNine = errors.New("nine")

func main() {
	results := make([]int, 1000)
	g, _ := newGroup(context.Background(), 16)
	for i := range results {
		g.start(func() error { results[i] = i * i % 97; return nil })
	}
	fmt.Println(g.wait(), results[10], results[999])

	g, ctx := newGroup(context.Background(), 4)
	g.start(func() error { return fmt.Errorf("task: %w", errNine) })
	for range 3 {
		g.start(func() error { <-ctx.Done(); return ctx.Err() })
	}
	err := g.wait()
	fmt.Println(err, errors.Is(err, errNine), context.Cause(ctx) == err)

	g, ctx = newGroup(context.Background(), 2)
	g.start(func() error { var m map[string]int; m["x"]++; return nil })
	fmt.Println(g.wait(), ctx.Err())

	var ins []<-chan int
	for i := range 50 {
		ins = append(ins, count(i*40, i*40+40))
	}
	var got []int
	for v := range merge(ins...) {
		got = append(got, v)
	}
	sort.Ints(got)
	fmt.Println(len(got), got[0], got[1000], got[len(got)-1], sort.SliceIsSorted(got, func(a, b int) bool { return got[a] < got[b] }))
}
