package engine

import "testing"

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
