package plots_test

import (
	"math/rand/v2"
	"time"

	"interleave/runtime/timeline"
)

// synthetic is an experiment made up from a seed: goroutines that run, wait for a core and block in turn, for about step
// each time, on two cores.
func synthetic(goroutines int, wall, step time.Duration) *timeline.Experiment {
	rnd := rand.New(rand.NewPCG(1, 2))
	reasons := map[timeline.State]string{
		timeline.Receiving: "chan receive", timeline.Locked: "Mutex.Lock", timeline.Sleeping: "sleep", timeline.Network: "http.Get",
	}
	waits := []timeline.State{timeline.Receiving, timeline.Locked, timeline.Sleeping, timeline.Network}
	e := &timeline.Experiment{
		Wall: wall, Recorded: wall, CPU: wall * 3 / 2, GOMAXPROCS: 2, Procs: 2, Engine: "compiled", Cores: []timeline.Core{{ID: 0}, {ID: 1}},
	}
	for i := range goroutines {
		g := timeline.Goroutine{ID: int64(i + 1), Line: "cell[5]:3", Start: time.Duration(i) * wall / time.Duration(2*goroutines+1), Main: i == 0}
		at := g.Start
		add := func(s timeline.State, reason string, proc int32) {
			end := min(wall, at+step/2+time.Duration(rnd.Int64N(int64(step))))
			if end > at {
				g.Spans = append(g.Spans, timeline.Span{Start: at, End: end, State: s, Reason: reason, Proc: proc})
			}
			at = end
		}
		for at < wall {
			add(timeline.Runnable, "", -1)
			if core := &e.Cores[i%2]; len(core.Spans) == 0 || core.Spans[len(core.Spans)-1].End <= at {
				from := at
				add(timeline.Running, "", int32(i%2))
				if at > from {
					core.Spans = append(core.Spans, timeline.CoreSpan{Start: from, End: at, Goroutine: g.ID})
				}
			}
			s := waits[rnd.IntN(len(waits))]
			add(s, reasons[s], -1)
		}
		g.End = at
		e.Goroutines = append(e.Goroutines, g)
	}
	return e
}
