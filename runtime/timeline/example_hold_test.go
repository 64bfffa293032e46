package timeline_test

import (
	"fmt"

	"interleave/runtime/host"
	"interleave/runtime/timeline"
)

// Goroutines of one line have an ID each.
func ExampleSelf() {
	type self struct {
		id   int64
		from string
	}
	all := make(chan self)
	for range 2 {
		go func() {
			id, from := timeline.Self()
			all <- self{id, from}
		}()
	}
	a, b := <-all, <-all
	fmt.Println(a.id != b.id, a.from, b.from)
	// Output: true example_hold_test.go:18 example_hold_test.go:18
}

func ExampleEngine() {
	fmt.Printf("%q\n", timeline.Engine(nil)) // a program has one way to run code; a notebook has several
	defer host.Set(host.Host{Engine: func(fn any) string { return "compiled" }})()
	fmt.Println(timeline.Engine(fmt.Println))
	// Output:
	// ""
	// compiled
}
