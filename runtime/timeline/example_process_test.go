package timeline_test

import (
	"context"
	"fmt"
	"time"

	"interleave/runtime/timeline"
)

// A program that has other processes work for it notes what they did. Lab's processes are noted by lab.
func ExampleNewProcessLog() {
	e, err := timeline.Record(context.Background(), func() {
		now := monotonic() // a reading of CLOCK_MONOTONIC
		log := timeline.NewProcessLog("worker 0", 4711, func() timeline.ProcessState {
			return timeline.ProcessState{Started: now - time.Second, Ready: now, Ended: now + 4*time.Millisecond}
		})
		task := log.Begin("slow", 2, monotonic)
		task.Note(timeline.TaskNote{Begin: now, At: now + 2*time.Millisecond, Uses: []timeline.CoreUse{
			{Start: now, End: now + 2*time.Millisecond, CPU: time.Millisecond, Core: 1},
		}})
		task.End(now+2*time.Millisecond, false)
		for monotonic() < now+5*time.Millisecond { // the program does something else
		}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range e.Processes {
		task := p.Tasks[0]
		fmt.Printf("%s, pid %d: %s for %d items, %v, CPU %v on cores %v\n",
			p.Label(), p.Pid, task.Name, task.Items, task.End-task.Start, p.CPU(), p.CoresUsed())
	}
	fmt.Println(e.ProcessCPU())
	// Output:
	// worker 0, pid 4711: slow for 2 items, 2ms, CPU 1ms on cores [1]
	// 1ms
}
