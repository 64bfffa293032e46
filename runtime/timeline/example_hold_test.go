package timeline_test

import (
	"fmt"

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
	// Output: true example_hold_test.go:17 example_hold_test.go:17
}

func ExampleEngine() {
	fmt.Printf("%q\n", timeline.Engine(nil)) // nobody said that there are several
	timeline.SetEngine(func(fn any) string { return "compiled" })
	fmt.Println(timeline.Engine(fmt.Println))
	timeline.SetEngine(nil)
	// Output:
	// ""
	// compiled
}

func ExampleSetEngine() {
	timeline.SetEngine(func(fn any) string {
		if fn == nil {
			return "this goroutine's"
		}
		return fmt.Sprintf("that of %T", fn)
	})
	fmt.Println(timeline.Engine(nil))
	fmt.Println(timeline.Engine(func() {}))
	timeline.SetEngine(nil)
	// Output:
	// this goroutine's
	// that of func()
}
