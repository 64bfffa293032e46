package timeline_test

import (
	"context"
	"fmt"
	"runtime/trace"
	"time"

	"interleave/runtime/timeline"
)

func ExampleExperiment_Counters() {
	e, err := timeline.Record(context.Background(), func() {
		for _, depth := range []string{"1", "2", "1", "0"} {
			trace.Log(context.Background(), timeline.CounterCategory, depth+" jobs waiting")
		}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range e.Counters() {
		fmt.Printf("%s: %d changes, at most %d\n", c.Name, len(c.Points), c.Max())
	}
	// Output: jobs waiting: 4 changes, at most 2
}

func ExampleCounter_Max() {
	c := timeline.Counter{Points: []timeline.CounterPoint{{At: 0, Value: 2}, {At: 5, Value: 7}, {At: 6, Value: 1}}, Until: 10}
	fmt.Println(c.Max())
	// Output: 7
}

func ExampleCounter_Mean() {
	c := timeline.Counter{Points: []timeline.CounterPoint{{At: 0, Value: 2}, {At: 5, Value: 4}}, Until: 10}
	fmt.Println(c.Mean()) // each value counts as long as it held
	// Output: 3
}

func ExampleLeftover() {
	stop := make(chan bool)
	e, err := timeline.Record(context.Background(), func() {
		waits := make(chan bool)
		go func() {
			timeline.Name("forgotten")
			close(waits)
			<-stop
		}()
		<-waits
	})
	close(stop)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range e.Left {
		fmt.Println(l.Name)
	}
	// Output: forgotten
}

func ExampleLeftover_String() {
	fmt.Println(timeline.Leftover{
		Name: "worker", Line: "cell[3]:4", State: timeline.Receiving, Reason: "chan receive", At: "cell[3]:6", For: 3 * time.Second,
	})
	// Output: worker, started at cell[3]:4: chan receive at cell[3]:6 for 3 s
}

func ExampleSystemCore_Share() {
	c := timeline.SystemCore{Samples: []timeline.SystemSample{{End: 100 * time.Millisecond, Busy: 60 * time.Millisecond}}}
	busy, wrong := c.Share()
	fmt.Printf("%.0f %% ± %.0f %%\n", 100*busy, 100*wrong)
	// Output: 60 % ± 10 %
}
