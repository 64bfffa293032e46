package lab_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"interleave/runtime/lab"
)

// What the host knows counts only where the stack does not; a timer's function is carried.
func TestHost(t *testing.T) {
	places := 0
	var carried []string
	restore := lab.SetHost(lab.Host{
		Place: func() string { places++; return "elsewhere:1" },
		Carry: func(place string, f func()) func() {
			return func() { carried = append(carried, place); f() }
		},
	})
	defer restore()
	lock := lab.NewLock()
	if name := lock.Stats().Name; !strings.Contains(name, "host_test.go:") || places == 0 {
		t.Errorf("the lock is called %q, after %d questions", name, places)
	}
	task := lab.After(t.Context(), 0, func(context.Context) (int, error) { return 1, nil })
	if v, err := task.Await(t.Context()); v != 1 || err != nil {
		t.Errorf("After gave %v, %v", v, err)
	}
	if len(carried) != 1 || !strings.Contains(carried[0], "host_test.go:") {
		t.Errorf("carried %v", carried)
	}
	restore()
	asked := places
	lab.NewLock()
	if places != asked {
		t.Error("the host is asked after its time")
	}
}

func ExampleSetHost() {
	restore := lab.SetHost(lab.Host{Carry: func(place string, f func()) func() {
		return func() { fmt.Println("a timer has come"); f() }
	}})
	defer restore()
	lab.After(ctx, 0, func(context.Context) (int, error) { return 42, nil }).Await(ctx)
	// Output: a timer has come
}
