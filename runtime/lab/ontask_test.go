package lab_test

import (
	"fmt"
	"slices"
	"testing"

	"interleave/runtime/lab"
)

func TestOnTask(t *testing.T) {
	var states []lab.State
	remove := lab.OnTask(func(i lab.TaskInfo) {
		if i.Name == "seen" {
			states = append(states, i.State)
		}
	})
	lab.Go(t.Context(), trivial, lab.Named("seen")).Await(t.Context())
	remove()
	lab.Go(t.Context(), trivial, lab.Named("seen")).Await(t.Context())
	if !slices.Equal(states, []lab.State{lab.Running, lab.Succeeded}) {
		t.Errorf("the hook saw %v", states)
	}
	panicky := lab.OnTask(func(lab.TaskInfo) { panic("hook") })
	defer panicky()
	if v, err := lab.Go(t.Context(), trivial).Await(t.Context()); v != 1 || err != nil {
		t.Errorf("a hook that panics made it %v, %v", v, err)
	}
	wantMisuse(t, func() { lab.OnTask(nil) }, "lab.OnTask: nil function")
}

func ExampleOnTask() {
	defer lab.OnTask(func(t lab.TaskInfo) { fmt.Println(t.Name, t.State) })()
	lab.Go(ctx, trivial, lab.Named("small")).Await(ctx)
	// Output:
	// small running
	// small succeeded
}
