package plots_test

import (
	"interleave/plots"
	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// What lab measures is what figures ask for.
var (
	_ plots.Scaling  = lab.Scaling{}
	_ plots.Timings  = lab.Scaling{}
	_ plots.Timings  = lab.Comparison{}
	_ plots.Timings  = lab.Stats{}
	_ plots.Samples  = lab.Stats{}
	_ plots.Outcomes = lab.LitmusTable{}
	_ plots.Holds    = (*lab.Lock)(nil)
	_ plots.Holds    = (*lab.RLock)(nil)
	_ plots.Holds    = (*lab.RWLock)(nil)
	_ plots.Holds    = (*lab.Semaphore)(nil)
)

// Both packages have a word for numbers in a recording, and it is the same one.
const _ = uint(len(lab.CounterCategory)-len(timeline.CounterCategory)) + uint(len(timeline.CounterCategory)-len(lab.CounterCategory))
