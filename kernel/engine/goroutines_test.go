package engine

import (
	"slices"
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
