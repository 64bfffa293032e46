package lab

import (
	"context"
	"runtime/trace"
	"strconv"
)

// CounterCategory is the category of the log entries by which lab reports changes of a number to the
// execution tracer: the depth of a queue, the workers of a pool that run, the holders of a semaphore. The
// text is the number, a space and the counter's name.
const CounterCategory = "lab.counter"

// count records a counter's new value. It costs an atomic load when there is no recording.
func count(name string, value int) {
	if trace.IsEnabled() {
		trace.Log(context.Background(), CounterCategory, strconv.Itoa(value)+" "+name)
	}
}
