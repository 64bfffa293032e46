package plots_test

import (
	"time"

	"interleave/runtime/timeline"
)

const ms = time.Millisecond

// lesson is three fetches at the same time, as a recording gives them.
func lesson() *timeline.Experiment {
	e := &timeline.Experiment{
		Wall: 3004 * ms, Recorded: 3004 * ms, CPU: 3 * ms, GOMAXPROCS: 2, Procs: 2, Engine: "compiled", Cores: []timeline.Core{{ID: 0}, {ID: 1}},
	}
	run := func(core int, id int64, start, end time.Duration) timeline.Span {
		c := &e.Cores[core]
		c.Spans = append(c.Spans, timeline.CoreSpan{Start: start, End: end, Goroutine: id})
		return timeline.Span{Start: start, End: end, State: timeline.Running, Proc: int32(core)}
	}
	e.Goroutines = append(e.Goroutines, timeline.Goroutine{ID: 1, Name: "cell[5]", Main: true, Alive: true, End: e.Wall, Spans: []timeline.Span{
		run(0, 1, 0, ms/2),
		{Start: ms / 2, End: e.Wall - ms/10, State: timeline.Waiting, Proc: -1, Reason: "lab.Gather", Line: "cell[5]:7"},
	}})
	ends := []time.Duration{2001 * ms, 1001 * ms, 3001 * ms}
	for i, end := range ends {
		id := int64(i + 2)
		start := ms / 10 * time.Duration(i+1)
		e.Goroutines = append(e.Goroutines, timeline.Goroutine{
			ID: id, Parent: 1, Name: "fetch " + string(rune('A'+i)), Line: "cell[5]:7", Start: start, End: end + ms, Spans: []timeline.Span{
				{Start: start, End: ms, State: timeline.Runnable, Proc: -1},
				{Start: ms, End: end, State: timeline.Sleeping, Proc: -1, Reason: "lab.Sleep", Line: "cell[5]:3"},
			},
		})
	}
	for _, i := range []int{2, 1, 3} { // in the order of their ends, as cores see them
		g := &e.Goroutines[i]
		g.Spans = append(g.Spans, run(1, g.ID, g.End-ms, g.End))
	}
	main := &e.Goroutines[0]
	main.Spans = append(main.Spans, run(0, 1, e.Wall-ms/10, e.Wall))
	return e
}

// collected is an experiment with everything that a figure can show: all states, the collector, strangers, a cut, awkward names.
func collected() *timeline.Experiment {
	e := &timeline.Experiment{
		Wall: 9 * ms, Recorded: 1800 * time.Microsecond, CPU: 2 * ms, GOMAXPROCS: 2, Procs: 2, Engine: "yaegi", Cut: "the trace grew beyond 64 MiB",
		Cores: []timeline.Core{
			{ID: 0, Spans: []timeline.CoreSpan{{End: ms, Kind: timeline.CoreUser, Goroutine: 1}, {Start: ms, End: 3 * ms / 2, Kind: timeline.CoreGC, Goroutine: 90}}},
			{ID: 1, Spans: []timeline.CoreSpan{{Start: ms / 2, End: ms, Kind: timeline.CoreOther, Goroutine: 91}}},
		},
	}
	names := []string{"a <b> & \"c\"", "a name that is far too long to fit beside its own line of the cell", "日本", "", "w"}
	for i, s := range timeline.States() {
		e.Goroutines = append(e.Goroutines, timeline.Goroutine{
			ID: int64(i + 1), Name: names[i%len(names)], Line: "cell[12]:34", Main: i == 0, End: e.Recorded, Spans: []timeline.Span{
				{End: 900 * time.Microsecond, State: s, Reason: "reason <&>", Proc: -1},
				{Start: 900 * time.Microsecond, End: 1000 * time.Microsecond, State: timeline.Runnable, Proc: -1},
				{Start: 1000 * time.Microsecond, End: e.Recorded, State: timeline.Syscall, Reason: "File.Write", Proc: -1},
			},
		})
	}
	return e
}
