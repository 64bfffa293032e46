package lab_test

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"interleave/runtime/host"
	"interleave/runtime/lab"
)

// Lines are called as the host calls them, from the moment they were seen; a timer's function is carried.
func TestHost(t *testing.T) {
	asked := 0
	var carried []string
	restore := host.Set(host.Host{
		Engine: func(any) string { return "steam" },
		Places: func() func(string) string {
			asked++
			return func(found string) string { return filepath.Base(found) + " as seen by the host" }
		},
		Carry: func(place string, f func()) func() {
			return func() { carried = append(carried, place); f() }
		},
		Doubt: func(engine string) string { return "as slow as " + engine + " is" },
	})
	defer restore()
	lock := lab.NewLock()
	known := regexp.MustCompile(`^lock of host_test.go:\d+ as seen by the host$`)
	if name := lock.Stats().Name; !known.MatchString(name) || asked == 0 {
		t.Errorf("the lock is called %q, after %d questions", name, asked)
	}
	var p *lab.PanicError
	_, err := lab.Gather(t.Context(), explode)
	if !errors.As(err, &p) || !strings.HasSuffix(p.Where, " as seen by the host") || !strings.HasSuffix(p.Spawn, " as seen by the host") {
		t.Errorf("got %v", err)
	}
	task := lab.After(t.Context(), 0, func(context.Context) (int, error) { return 1, nil })
	if v, err := task.Await(t.Context()); v != 1 || err != nil {
		t.Errorf("After gave %v, %v", v, err)
	}
	if len(carried) != 1 || !strings.Contains(carried[0], "host_test.go:") {
		t.Errorf("carried %v", carried)
	}
	quick := lab.BenchOptions{Repeats: 2, Warmup: time.Microsecond, MinTime: time.Microsecond}
	nothing := func(context.Context) error { return nil }
	if s, err := lab.Bench(t.Context(), "nothing", nothing, quick); err != nil || !slices.Contains(s.Warnings, "as slow as steam is") {
		t.Errorf("got %+v, %v", s, err)
	}
	restore()
	if s, err := lab.Bench(t.Context(), "nothing", nothing, quick); err != nil || slices.Contains(s.Warnings, "as slow as steam is") {
		t.Errorf("without the host: %+v, %v", s, err)
	}
	before := asked
	if name := lock.Stats().Name; !known.MatchString(name) {
		t.Errorf("the lock is called %q now", name)
	}
	lab.NewLock()
	if asked != before {
		t.Error("the host is asked after its time")
	}
}
