package timeline_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"interleave/runtime/timeline"
)

func ExampleRecord() {
	e, err := timeline.Record(context.Background(), func() {
		var wg sync.WaitGroup
		for _, name := range []string{"tea", "toast"} {
			wg.Go(func() {
				timeline.Name(name)
				time.Sleep(10 * time.Millisecond)
			})
		}
		wg.Wait()
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, g := range e.Goroutines {
		fmt.Println(g.Label(), "slept:", g.Totals()[timeline.Sleeping] >= 10*time.Millisecond)
	}
	fmt.Println("at the same time:", e.Peak(timeline.Sleeping))
	// Unordered output:
	// main slept: false
	// tea slept: true
	// toast slept: true
	// at the same time: 2
}

func ExampleRecorder() {
	var r timeline.Recorder
	if err := r.Arm(); err != nil {
		fmt.Println(err)
		return
	}
	r.Main("cell[1]")
	sum := 1 + 1 // nothing concurrent, so nothing is recorded
	e, err := r.Stop()
	fmt.Println(sum, e, err)

	if err := r.Arm(); err != nil {
		fmt.Println(err)
		return
	}
	r.Main("cell[2]")
	timeline.Started() // as package lab does before it starts a goroutine
	done := make(chan bool)
	go func() { done <- true }()
	<-done
	e, err = r.Stop()
	fmt.Println(e.Goroutines[0].Label(), len(e.Goroutines), err)
	// Output:
	// 2 <nil> <nil>
	// cell[2] 2 <nil>
}

func ExampleName() {
	e, err := timeline.Record(context.Background(), func() {
		done := make(chan bool)
		go func() {
			timeline.Name("collector")
			close(done)
		}()
		<-done
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Goroutines[1].Name)
	// Output: collector
}

func ExampleExperiment_Summary() {
	e := timeline.Experiment{Wall: 2 * time.Second, Recorded: 2 * time.Second, CPU: 3 * time.Second, GOMAXPROCS: 2}
	for id := range int64(2) {
		e.Goroutines = append(e.Goroutines, timeline.Goroutine{ID: id, Name: "worker", Spans: []timeline.Span{
			{End: time.Second, State: timeline.Running},
			{Start: time.Second, End: 2 * time.Second, State: timeline.Locked, Reason: "Mutex.Lock", Line: "main.go:12"},
		}})
	}
	fmt.Print(e.Summary())
	// Output:
	// wall 2 s · CPU 3 s · parallelism 1.00 · GOMAXPROCS 2 · 2 goroutines
	// all goroutines together: running 2 s, lock 2 s
	// longest wait: 1 s in Mutex.Lock at main.go:12 (worker)
}

func ExampleExperiment_Peak() {
	e := timeline.Experiment{Goroutines: []timeline.Goroutine{
		{End: 3, Spans: []timeline.Span{{End: 3, State: timeline.Running}}},
		{Start: 1, End: 5, Spans: []timeline.Span{{Start: 1, End: 3, State: timeline.Runnable}, {Start: 3, End: 5, State: timeline.Running}}},
	}}
	fmt.Println(e.Peak(), "at once,", e.Peak(timeline.Running), "running")
	// Output: 2 at once, 1 running
}

func ExampleExperiment_Parallelism() {
	e := timeline.Experiment{Recorded: 4, Goroutines: []timeline.Goroutine{
		{Spans: []timeline.Span{{End: 4, State: timeline.Running}}},
		{Spans: []timeline.Span{{End: 2, State: timeline.Running}}},
	}}
	fmt.Println(e.Parallelism())
	// Output: 1.5
}

func ExampleExperiment_Totals() {
	e := timeline.Experiment{Goroutines: []timeline.Goroutine{
		{Spans: []timeline.Span{{End: 4, State: timeline.Sleeping}}},
		{Spans: []timeline.Span{{End: 3, State: timeline.Receiving}}},
	}}
	t := e.Totals()
	fmt.Println(t[timeline.Sleeping], t.Blocked())
	// Output: 4ns 7ns
}

func ExampleStates() {
	for _, s := range timeline.States()[:6] {
		fmt.Println(s, s.Blocked())
	}
	// Output:
	// running false
	// waiting for a core false
	// chan receive true
	// chan send true
	// select true
	// lock true
}

func ExampleRecorder_Halt() {
	var r timeline.Recorder
	if err := r.Arm(); err != nil {
		fmt.Println(err)
		return
	}
	r.Main("main")
	timeline.Started()
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		<-stop
		close(stopped)
	}()
	r.Halt() // the picture is of what was until now
	close(stop)
	<-stopped
	e, err := r.Stop()
	fmt.Println(len(e.Goroutines), e.Goroutines[1].Alive, e.Cut == "", err)
	// Output: 2 true true <nil>
}
