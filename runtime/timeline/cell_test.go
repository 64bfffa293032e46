package timeline_test

import (
	"strings"
	"sync"
	"testing"

	"interleave/runtime/timeline"
)

// The functions below pretend to stand in cells, as compiled cells do.

//line /tmp/build/cell[3]:1
func pool(jobs chan func()) {
	for f := range jobs {
		f()
	}
}

//line cell[5]:10
func gather(jobs chan func()) {
	var wg sync.WaitGroup
	wg.Add(2)
	go func() {
		defer wg.Done()
	}()
	jobs <- wg.Done
	wg.Wait()
}

//line cell_test.go:33

// TestCells: positions are those of the cells; and a worker that an earlier cell left behind, woken by this one, takes part.
func TestCells(t *testing.T) {
	jobs, idle := make(chan func()), make(chan func())
	var workers sync.WaitGroup
	workers.Go(func() { pool(jobs) })
	workers.Go(func() { pool(idle) })
	waitFor(t, "timeline_test.pool", "[chan receive")
	waitFor(t, "timeline_test.pool", "[chan receive")

	r := timeline.Recorder{Config: timeline.Config{Func: func(s string) string { return strings.ReplaceAll(s, "pool", "Pool") }}}
	if err := r.Arm(); err != nil {
		t.Fatal(err)
	}
	r.Main("cell[5]")
	timeline.Started()
	gather(jobs)
	e, err := r.Stop()
	if err != nil {
		t.Fatal(err)
	}
	close(jobs)
	close(idle)
	workers.Wait()
	check(t, e)

	if len(e.Goroutines) != 3 {
		t.Fatalf("%d rows, want the cell's own, the one that it started and one worker: %+v", len(e.Goroutines), e.Goroutines)
	}
	main := &e.Goroutines[0]
	if s := longest(main, timeline.Waiting); s.Duration() > 0 && s.Line != "cell[5]:17" {
		t.Errorf("the cell waited at %q", s.Line)
	}
	worker := named(t, e, "Pool")
	if worker.Func != "interleave/runtime/timeline_test.Pool" || worker.Line != "" || worker.Start != 0 || !worker.Alive {
		t.Errorf("the worker is %+v", worker)
	}
	for _, g := range e.Goroutines[1:] {
		if g.ID != worker.ID && (g.Line != "cell[5]:13" || g.Parent != main.ID) {
			t.Errorf("the goroutine of the cell is %+v", g)
		}
	}
}
