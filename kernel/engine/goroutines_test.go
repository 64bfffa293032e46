package engine

import (
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"testing"
)

func TestRecordersAreNotTheCells(t *testing.T) {
	t.Parallel()
	const head = "goroutine 9 [select labels:{\"cell\": \"cell[4]\", \"run\": \"4\"}]:\n"
	const groups = "sync.(*WaitGroup).Go.func1()\n\tsync/waitgroup.go:258 +0x1\ncreated by sync.(*WaitGroup).Go in goroutine 5\n\tsync/waitgroup.go:237 +0x2\n"
	for stack, want := range map[string]bool{
		"interleave/runtime/timeline.(*sampler).run(0x1)\n\tsystem.go:90 +0x1\n" + groups:                                         true,
		"runtime/trace.(*traceMultiplexer).start.func1()\n\tsubscribe.go:160 +0x1\ncreated by runtime/trace.start\n\tx.go:1\n":    true,
		"interleave/runtime/timeline.Started()\n\trecorder.go:9 +0x1\nmain.cell.func1()\n\tcell[4]:2 +0x1\n" + groups:             false,
		"runtime/trace.WithRegion(0x1)\n\tannotation.go:1\ninterleave/runtime/lab.(*Pool).work(0x1)\n\tpool.go:9 +0x1\n" + groups: false,
	} {
		g := parseGoroutines(head + stack)
		if len(g) != 1 || g[0].run != "4" || g[0].tracer != want {
			t.Errorf("%s\nis read as %+v, want tracer %t", stack, g, want)
		}
	}
}

func TestJumpToANewerDefinitionIsOneCall(t *testing.T) {
	t.Parallel()
	const stack = "goroutine 8 [running]:\n" +
		"main.pointꞏsum.func1()\n\tcell[7]:3 +0x1\n" +
		"main.pointꞏsum(0x5, {0x1, 0x2})\n\tcell[7]:4 +0x1\n" +
		"main.(*point).sum(...)\n\tcell[2]:9\n" +
		"main.ꞏf-range1(0x5)\n\tcell[7]:11 +0x1\n" +
		"main.ꞏf(0x5)\n\tcell[7]:10 +0x1\n" +
		"main.f(0x5)\n\tcell[2]:8 +0x1\n" +
		"main.cell()\n\tcell[9]:1 +0x1\n"
	want := []frame{{"point.sum.func1", 7, 3}, {"(*point).sum", 7, 4}, {"f-range1", 7, 11}, {"f", 7, 10}, {"", 9, 1}}
	if got := framesIn(stack); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Goroutines of a run are counted, whatever else there is.
func TestCountWaiting(t *testing.T) {
	t.Parallel()
	gate, burn := make(chan struct{}), make(chan struct{})
	var blocked, all sync.WaitGroup
	const n = 20_000
	begin := func(run string, f func()) {
		all.Add(1)
		go pprof.Do(context.Background(), pprof.Labels("cell", "cell[3]:2", "run", run), func(context.Context) {
			defer all.Done()
			blocked.Done()
			f()
		})
	}
	blocked.Add(n + 2)
	for range n {
		begin("71", func() { <-gate })
	}
	begin("7", func() { <-gate })
	begin("71", func() {
		for {
			select {
			case <-burn:
				return
			default:
			}
		}
	})
	blocked.Wait()
	r := &run{id: 71}
	for r.waiting() < n { // all have said that they are there; that they wait they cannot
		runtime.Gosched()
	}
	if got := r.waiting(); got != n {
		t.Errorf("%d goroutines wait, want %d", got, n)
	}
	close(gate)
	close(burn)
	all.Wait()
	if got := r.waiting(); got != 0 {
		t.Errorf("%d goroutines wait that have ended", got)
	}
}

// Many goroutines that stand at the same place are told in one line, many places in few.
func TestTogether(t *testing.T) {
	t.Parallel()
	var all []goroutine
	for i := range 25_000 {
		all = append(all, goroutine{id: i, state: "chan receive", lines: []string{"cell[1]:2"}})
	}
	all = append(all, goroutine{id: 30_000, state: "chan receive", lines: []string{"cell[1]:4"}})
	if got := together(all, 0); !slices.Equal(got, []string{"25000 goroutines [chan receive] cell[1]:2", "goroutine 30000 [chan receive] cell[1]:4"}) {
		t.Errorf("%q", got)
	}
	for i := range 30 {
		all = append(all, goroutine{id: i, state: "select", lines: []string{fmt.Sprintf("cell[2]:%d", i/2)}})
	}
	if got := together(all, 70_000); len(got) != 6 || got[5] != "… and 70024 more" {
		t.Errorf("%q", got)
	}
}
