package timeline_test

import (
	"context"
	"fmt"
	"runtime/trace"

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
