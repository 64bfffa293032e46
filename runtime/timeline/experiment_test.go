package timeline_test

import (
	"strings"
	"testing"
	"time"

	"interleave/runtime/timeline"
)

const ms = time.Millisecond

// lesson is three fetches at the same time, as a recording would give them.
func lesson() *timeline.Experiment {
	e := &timeline.Experiment{Wall: 3010 * ms, Recorded: 3010 * ms, CPU: 2 * ms, GOMAXPROCS: 2, Procs: 2, Engine: "compiled"}
	e.Goroutines = append(e.Goroutines, timeline.Goroutine{ID: 1, Name: "cell[5]", Main: true, Alive: true, End: e.Wall, Spans: []timeline.Span{
		{End: 10 * ms, State: timeline.Running},
		{Start: 10 * ms, End: e.Wall, State: timeline.Waiting, Proc: -1, Reason: "lab.Gather", Line: "cell[5]:7"},
	}})
	for i, d := range []time.Duration{2, 1, 3} {
		end := 10*ms + d*time.Second
		e.Goroutines = append(e.Goroutines, timeline.Goroutine{
			ID: int64(i + 2), Parent: 1, Name: "fetch " + string(rune('A'+i)), Line: "cell[5]:7", Start: 5 * ms, End: end, Spans: []timeline.Span{
				{Start: 5 * ms, End: 8 * ms, State: timeline.Runnable, Proc: -1},
				{Start: 8 * ms, End: 10 * ms, State: timeline.Running, Proc: 1},
				{Start: 10 * ms, End: end, State: timeline.Sleeping, Proc: -1, Reason: "lab.Sleep", Line: "cell[5]:3"},
			}})
	}
	return e
}

func TestSummary(t *testing.T) {
	t.Parallel()
	const want = `wall 3.01 s · CPU 2 ms · parallelism 0.01 · GOMAXPROCS 2 · 4 goroutines · compiled
all goroutines together: running 16 ms, waiting for a core 9 ms, waiting for others 3 s, sleep 6 s
longest wait: 3 s in lab.Sleep at cell[5]:3 (fetch C)
`
	e := lesson()
	if got := e.Summary(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	e.Cut, e.Recorded, e.Wall = "it was long", 3010*ms, 60*time.Second
	if got := e.Summary(); !strings.HasSuffix(got, "only the first 3.01 s were kept: it was long\n") {
		t.Errorf("got\n%s", got)
	}
	for cores, want := range map[int]string{1: "GOMAXPROCS 2 on 1 core ·", 2: "GOMAXPROCS 2 ·", 4: "GOMAXPROCS 2 ·"} {
		if e.Procs = cores; !strings.Contains(e.Caption(), want) {
			t.Errorf("with %d: %s", cores, e.Caption())
		}
	}
	if got := new(timeline.Experiment).Summary(); got != "wall 0 s · parallelism 0.00 · GOMAXPROCS 0 · 0 goroutines\n" {
		t.Errorf("nothing gives %q", got)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	e := lesson()
	if got := e.Totals(); got[timeline.Sleeping] != 6*time.Second || got[timeline.Running] != 16*ms || got.Blocked() != 9*time.Second {
		t.Errorf("totals %v", got)
	}
	if got := e.Goroutines[1].Totals(); got[timeline.Sleeping] != 2*time.Second || got[timeline.Runnable] != 3*ms {
		t.Errorf("totals of one %v", got)
	}
	for _, c := range []struct {
		states []timeline.State
		want   int
	}{
		{nil, 4}, {[]timeline.State{timeline.Running}, 4}, {[]timeline.State{timeline.Sleeping}, 3}, {[]timeline.State{timeline.Network}, 0},
		{[]timeline.State{timeline.Sleeping, timeline.Waiting}, 4},
	} {
		if got := e.Peak(c.states...); got != c.want {
			t.Errorf("peak of %v is %d, want %d", c.states, got, c.want)
		}
	}
	if got, want := e.Parallelism(), 16.0/3010; got != want {
		t.Errorf("parallelism %v, want %v", got, want)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range timeline.States() {
		if seen[s.String()] {
			t.Errorf("two states are called %q", s)
		}
		seen[s.String()] = true
	}
	for want, g := range map[string]timeline.Goroutine{
		"worker": {Name: "worker", Line: "a.go:1"}, "go a.go:1": {Line: "a.go:1"}, "main": {Main: true}, "goroutine 7": {ID: 7},
	} {
		if got := g.Label(); got != want {
			t.Errorf("label %q, want %q", got, want)
		}
	}
}
