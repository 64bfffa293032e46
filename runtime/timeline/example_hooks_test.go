package timeline_test

import (
	"context"
	"fmt"

	"interleave/runtime/timeline"
)

func ExampleStarted() {
	var r timeline.Recorder
	if err := r.Arm(); err != nil { // costs nothing until something starts
		fmt.Println(err)
		return
	}
	done := make(chan bool)
	timeline.Started() // what starts goroutines says so before
	go func() {
		timeline.Name("helper")
		close(done)
	}()
	<-done
	e, err := r.Stop()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, g := range e.Goroutines {
		fmt.Println(g.Label())
	}
	// Output:
	// main
	// helper
}

func ExampleRecording() {
	fmt.Println("before:", timeline.Recording())
	_, err := timeline.Record(context.Background(), func() {
		fmt.Println("within:", timeline.Recording())
	})
	fmt.Println("after:", timeline.Recording(), err)
	// Output:
	// before: false
	// within: true
	// after: false <nil>
}
