package lab

import (
	"fmt"
	"math"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// The methods here are those that package plots needs. They use only basic types, so that neither package
// imports the other.

// EachPoint calls f for every number of workers with the median time in nanoseconds, the ends of its interval
// and the interval's confidence, and returns the name and what is counted. It makes s a figure:
// plots.Speedup(s).
func (s Scaling) EachPoint(f func(workers int, median, lo, hi, confidence float64)) (name, axis string) {
	for _, p := range s.Points {
		f(p.Workers, p.Stats.Median, p.Stats.Lo, p.Stats.Hi, p.Stats.Confidence)
	}
	if s.Procs {
		return s.Name, "cores"
	}
	return s.Name, "workers"
}

// EachTiming calls f once, with the measurement. It makes s a bar: plots.Compare(plots.Together("…", s, …)).
func (s Stats) EachTiming(f func(name string, median, lo, hi, confidence float64)) (title string) {
	f(s.Name, s.Median, s.Lo, s.Hi, s.Confidence)
	return s.Name
}

// EachTiming calls f for every way with the median time of all tasks in nanoseconds, the ends of its interval
// and the interval's confidence. It makes c a figure: plots.Compare(c).
func (c Comparison) EachTiming(f func(name string, median, lo, hi, confidence float64)) (title string) {
	for _, r := range c.Rows {
		f(r.Way.String(), r.Stats.Median, r.Stats.Lo, r.Stats.Hi, r.Stats.Confidence)
	}
	return c.title()
}

// EachTiming calls f for every number of workers with the measurement, for plots.Compare(s): times where
// plots.Speedup shows ratios.
func (s Scaling) EachTiming(f func(name string, median, lo, hi, confidence float64)) (title string) {
	what := "worker"
	if s.Procs {
		what = "core"
	}
	for _, p := range s.Points {
		f(quantity.Plural(p.Workers, what), p.Stats.Median, p.Stats.Lo, p.Stats.Hi, p.Stats.Confidence)
	}
	return s.Name
}

// EachOutcome calls f for every result with the number of runs that had it and its verdict, and returns the
// test's name. It makes t a figure: plots.Litmus(t).
func (t LitmusTable) EachOutcome(f func(result string, count int, verdict string)) (name string) {
	for _, r := range t.Rows {
		f(r.Result, r.Count, r.Verdict.String())
	}
	return t.Name
}

// EachSample calls f for every sample, in nanoseconds for one call. It makes s a figure: plots.Histogram(s).
// If a sample is the mean of several calls, the name mentions it: means vary less than single calls.
func (s Stats) EachSample(f func(ns float64)) (name string) {
	for _, v := range s.Samples {
		f(v)
	}
	if s.Calls > 1 {
		return fmt.Sprintf("%s, means of %s each", s.Name, quantity.Plural(s.Calls, "call"))
	}
	return s.Name
}

// EachWarning calls f with each warning, for figures.
func (s Stats) EachWarning(f func(warning string)) { eachWarning(s.Warnings, f) }

// EachWarning is as for [Stats.EachWarning].
func (c Comparison) EachWarning(f func(warning string)) { eachWarning(c.Warnings, f) }

// EachWarning is as for [Stats.EachWarning].
func (s Scaling) EachWarning(f func(warning string)) { eachWarning(s.Warnings, f) }

// EachWarning is as for [Stats.EachWarning].
func (t LitmusTable) EachWarning(f func(warning string)) { eachWarning(t.Warnings, f) }

func eachWarning(all []string, f func(warning string)) {
	for _, w := range all {
		f(w)
	}
}

// EachFloor calls f with [Stats.Floor], for plots.Compare.
func (s Stats) EachFloor(f func(ns float64)) { f(s.least()) }

// EachFloor calls f with every way's [Stats.Floor], for plots.Compare.
func (c Comparison) EachFloor(f func(ns float64)) {
	for i := range c.Rows {
		f(c.Rows[i].Stats.least())
	}
}

// EachFloor calls f with every point's [Stats.Floor], for plots.Speedup and plots.Compare.
func (s Scaling) EachFloor(f func(ns float64)) {
	for i := range s.Points {
		f(s.Points[i].Stats.least())
	}
}

// least is floor for figures, where 0 means not known.
func (s *Stats) least() float64 { return max(s.floor(), math.SmallestNonzeroFloat64) }

// FullAt is [Scaling.Full], for plots.Speedup.
func (s Scaling) FullAt() float64 { return s.Full }

// Procs is GOMAXPROCS during the measurement, for figures of several measurements.
func (s Stats) Procs() int { return s.GOMAXPROCS }

// Procs is as for [Stats.Procs].
func (c Comparison) Procs() int {
	if len(c.Rows) == 0 {
		return 0
	}
	return c.Rows[0].Stats.GOMAXPROCS
}

// RanBy returns the engine that ran the measured code, or "" when there is only one.
func (s Stats) RanBy() string { return s.Engine }

// RanBy is as for [Stats.RanBy].
func (s Scaling) RanBy() string {
	if len(s.Points) == 0 {
		return ""
	}
	return s.Points[0].Stats.Engine
}

// RanBy is as for [Stats.RanBy].
func (c Comparison) RanBy() string {
	if len(c.Rows) == 0 {
		return ""
	}
	return c.Rows[0].Stats.Engine
}

// RanBy is as for [Stats.RanBy].
func (t LitmusTable) RanBy() string { return t.Engine }

// EachHold calls f for every hold in [Lock.History], and returns how many holds were not kept. It makes l a
// figure: plots.LockWait(l).
func (l *Lock) EachHold(f func(timeline.Hold)) (dropped int) { return l.meter.eachHold("lock", f) }

// EachHold is as for [Lock.EachHold].
func (l *RLock) EachHold(f func(timeline.Hold)) (dropped int) { return l.lock.EachHold(f) }

// EachHold is as for [Lock.EachHold]; each hold has its Mode, reading or writing.
func (l *RWLock) EachHold(f func(timeline.Hold)) (dropped int) { return l.meter.eachHold("rwlock", f) }

// EachHold is as for [Lock.EachHold]. Holds overlap as far as the semaphore lets them.
func (s *Semaphore) EachHold(f func(timeline.Hold)) (dropped int) {
	return s.meter.eachHold("semaphore", f)
}
