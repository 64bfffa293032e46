// A tree of contexts ends from any node downwards, with the cause of that node, and goroutines at each leaf see it.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

type key string

type node struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	children []*node
}

func grow(parent context.Context, depth, width int, name string) *node {
	ctx, cancel := context.WithCancelCause(context.WithValue(parent, key("name"), name))
	n := &node{ctx: ctx, cancel: cancel}
	if depth > 0 {
		for i := range width {
			n.children = append(n.children, grow(ctx, depth-1, width, fmt.Sprint(name, i)))
		}
	}
	return n
}

func (n *node) leaves(visit func(*node)) {
	if len(n.children) == 0 {
		visit(n)
	}
	for _, c := range n.children {
		c.leaves(visit)
	}
}

var errLeft, errRoot = errors.New("left"), errors.New("root")

func main() {
	root := grow(context.Background(), 4, 5, "r")
	var wg sync.WaitGroup
	var mu sync.Mutex
	causes := map[error]int{}
	early := make(chan string)
	root.leaves(func(n *node) {
		wg.Go(func() {
			<-n.ctx.Done()
			cause := context.Cause(n.ctx)
			mu.Lock()
			causes[cause]++
			mu.Unlock()
			if cause == errLeft {
				early <- n.ctx.Value(key("name")).(string)
			}
		})
	})
	root.children[0].cancel(errLeft)
	longest := 0
	for range 125 {
		longest = max(longest, len(<-early))
	}
	fmt.Println(longest, root.ctx.Err(), root.children[1].ctx.Err(), root.children[0].children[2].ctx.Err())
	root.cancel(errRoot)
	wg.Wait()
	fmt.Println(causes[errLeft], causes[errRoot], len(causes))

	called := make(chan string, 2)
	ctx, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, func() { called <- "after" })
	kept := context.AfterFunc(ctx, func() { called <- "kept" })
	fmt.Println(stop(), stop())
	cancel()
	fmt.Println(<-called, kept())

	outer, cancel := context.WithTimeoutCause(context.Background(), time.Millisecond, errLeft)
	defer cancel()
	inner, cancelInner := context.WithTimeout(outer, time.Hour)
	defer cancelInner()
	<-inner.Done()
	fmt.Println(inner.Err(), context.Cause(inner), inner.Err() == context.DeadlineExceeded)

	free := context.WithoutCancel(inner)
	fmt.Println(free.Err(), free.Done() == nil)
}
