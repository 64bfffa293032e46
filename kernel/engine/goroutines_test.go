package engine

import "testing"

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
