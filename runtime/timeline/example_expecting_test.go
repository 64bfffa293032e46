package timeline_test

import (
	"fmt"

	"interleave/runtime/host"
	"interleave/runtime/timeline"
)

func ExampleRecorder_expect() {
	defer host.Set(host.Host{Expect: func(yes bool) { fmt.Println("something that starts is of interest:", yes) }})()
	var r timeline.Recorder
	if err := r.Arm(); err != nil {
		fmt.Println(err)
		return
	}
	timeline.Started()
	if _, err := r.Stop(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// something that starts is of interest: true
	// something that starts is of interest: false
	// something that starts is of interest: false
}
