package timeline_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"interleave/runtime/host"
	"interleave/runtime/timeline"
)

// A program that runs other people's code keeps a goroutine on which recordings begin, wherever the code asks for one.
func ExampleRecord_outside() {
	asks, done := make(chan func()), make(chan bool)
	defer close(asks)
	go func() {
		for f := range asks {
			f()
			done <- true
		}
	}()
	defer host.Set(host.Host{Outside: func(f func()) { asks <- f; <-done }})()

	e, err := timeline.Record(context.Background(), func() {
		var wg sync.WaitGroup
		wg.Go(func() {})
		wg.Wait()
	})
	fmt.Println(len(e.Goroutines), err)
	// Output: 2 <nil>
}

func ExampleNamed() {
	id, _ := timeline.Self()
	timeline.Name("teller")
	fmt.Println(timeline.Named(id))
	// Output: teller
}

// A scheduler records since when a task was ready: after that the task waited for its turn.
func ExampleTurn() {
	e, err := timeline.Record(context.Background(), func() {
		turn, over := make(chan time.Time), make(chan bool)
		go func() {
			timeline.Name("task")
			ready := <-turn
			timeline.Turn(time.Since(ready)) // what is drawn as "event loop: turn"
			close(over)
		}()
		ready := time.Now()
		time.Sleep(time.Millisecond) // the task is ready, and something else runs
		turn <- ready
		<-over
	})
	fmt.Println(e.Goroutines[1].Name, err)
	// Output: task <nil>
}
