package engine

import (
	"fmt"
	"slices"
	"testing"
)

func TestRecordersAreNotTheCells(t *testing.T) {
	t.Parallel()
	for function, want := range map[string]bool{
		"interleave/runtime/timeline.(*sampler).run-fm":      true,
		"runtime/trace.(*traceMultiplexer).start.func1":      true,
		"interleave/kernel/engine/rt.Go.gowrap1":             false,
		"interleave/kernel/engine.(*run).execute.gowrap1":    false,
		"interleave/runtime/lab.(*Pool[go.shape.int]).start": false,
	} {
		if got := isRecorder(function); got != want {
			t.Errorf("%s: %t, want %t", function, got, want)
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

// Many goroutines that stand at the same place are told in one line, many places in few.
func TestTogether(t *testing.T) {
	t.Parallel()
	var all []goroutine
	for i := range 25_000 {
		all = append(all, goroutine{id: i, state: "chan receive", lines: []string{"cell[1]:2"}})
	}
	all = append(all, goroutine{id: 30_000, state: "chan receive", lines: []string{"cell[1]:4"}})
	if got := together(all, len(all)); !slices.Equal(got, []string{"25000 goroutines [chan receive] cell[1]:2", "goroutine 30000 [chan receive] cell[1]:4"}) {
		t.Errorf("%q", got)
	}
	for i := range 30 {
		all = append(all, goroutine{id: i, state: "select", lines: []string{fmt.Sprintf("cell[2]:%d", i/2)}})
	}
	if got := together(all, len(all)+70_000); len(got) != 6 || got[5] != "… and 70024 more" {
		t.Errorf("%q", got)
	}
}
