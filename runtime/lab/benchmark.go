package lab

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/perf/benchmath"

	"interleave/runtime/quantity"
)

// BenchOptions determine how thoroughly to measure. The zero value is good for calls between a nanosecond and
// a second.
type BenchOptions struct {
	Repeats int // samples to take; 0 means 12. Fewer than 6 do not allow an interval of 95 %
	// how long to call before the first sample, once at least; 0 means 20 ms. It is in no sample
	Warmup  time.Duration
	MinTime time.Duration // a sample repeats the call until it takes so long; 0 means 5 ms
	// no sample is begun after that time, which includes the warm-up; 0 means 10 s. Compare and Scale
	// multiply it by the number of rows
	MaxTime    time.Duration
	Confidence float64 // of the interval; 0 means 0.95. Verdicts need 0.9
}

func (o BenchOptions) check(call string) (BenchOptions, error) {
	for what, d := range map[string]time.Duration{"warm-up": o.Warmup, "least time": o.MinTime, "greatest time": o.MaxTime} {
		if err := checkDuration(call, what, d); err != nil {
			return o, err
		}
	}
	if o.Repeats < 0 {
		return o, misuse(call, "%d repeats: need zero (for the default) or more", o.Repeats)
	}
	if !(o.Confidence >= 0 && o.Confidence < 1) {
		return o, misuse(call, "confidence %v: need a value between 0 and 1", o.Confidence)
	}
	orElse := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	orElse(&o.Warmup, 20*time.Millisecond)
	orElse(&o.MinTime, 5*time.Millisecond)
	orElse(&o.MaxTime, 10*time.Second)
	if o.Repeats == 0 {
		o.Repeats = 12
	}
	if o.Confidence == 0 {
		o.Confidence = 0.95
	}
	return o, nil
}

// Stats is what measuring a call gave. Times are nanoseconds for one call.
type Stats struct {
	Name           string
	Samples        []float64 // in the order in which they were taken
	Calls          int       // in each sample
	Median, Lo, Hi float64   // Lo and Hi are the ends of the confidence interval
	// of the interval: at least what was asked for; 0 when there were too few samples, and Lo and Hi are
	// their range
	Confidence float64
	// lower bound of Lo without the time that other processes and the hypervisor took; Lo when that is not
	// known
	Floor         float64
	CPU           float64  // CPU time of the whole process; 0 when not known
	Allocs, Bytes float64  // allocated in one call, by any goroutine of this process
	GOMAXPROCS    int      // when it was measured
	Warnings      []string // conditions that may have changed the numbers
	Engine        string   // what ran the code, see timeline.Engine
}

// Bench measures fn: it warms up, collects garbage of earlier code if there is much, takes samples that are
// long enough for the clock, and returns their median with a confidence interval that makes no assumption
// about the distribution of the times. A call of fn itself costs a nanosecond or two, which is included. The
// first error of fn ends the measurement and is returned. fn is not recorded for the notebook's figure.
// [Stats.Warnings] lists conditions that may have changed the numbers.
//
// The compiler may remove work whose result is unused: pass what fn computes to [Keep].
func Bench(ctx context.Context, name string, fn func(context.Context) error, opt BenchOptions) (Stats, error) {
	if err := checkContext("lab.Bench", ctx); err != nil {
		return Stats{}, err
	}
	if fn == nil {
		return Stats{}, misuse("lab.Bench", "nil function")
	}
	from := here(1)
	b := bench{call: "lab.Bench", from: &from, all: []*contender{{name: name, users: fn, fn: fn}}}
	_, err := b.run(ctx, opt, systemInstruments())
	return b.all[0].stats, err
}

// summarize computes median and intervals from the samples. lost is the largest part of each sample that
// other processes may have caused; nil when it is unknown. Without other processes, at least three quarters
// of the samples would not be below the lower quartile of the remainders.
func (s *Stats) summarize(confidence float64, lost []float64) {
	if len(s.Samples) == 0 {
		return
	}
	sum := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(s.Samples), &benchmath.DefaultThresholds), confidence)
	s.Median, s.Lo, s.Hi, s.Confidence = sum.Center, sum.Lo, sum.Hi, sum.Confidence
	if math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) {
		s.Lo, s.Hi, s.Confidence = slices.Min(s.Samples), slices.Max(s.Samples), 0
	}
	s.Floor = s.Lo
	if lost != nil {
		shorter := make([]float64, len(lost))
		for i, v := range s.Samples {
			shorter[i] = max(0, v-lost[i])
		}
		slices.Sort(shorter)
		s.Floor = min(s.Lo, shorter[len(shorter)/4])
	}
	if s.Confidence == 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s: too few for an interval of %.0f %%", quantity.Plural(len(s.Samples), "sample"), 100*confidence))
	}
}

// floor is Floor; Lo in Stats that were not measured but written down.
func (s *Stats) floor() float64 {
	if s.Floor > 0 || s.CPU > 0 {
		return s.Floor
	}
	return s.Lo
}

// enough is the confidence that intervals need for a comparison.
const enough = 0.9

// ratio is how many times faster s is than base, as far as their intervals support it.
func (s *Stats) ratio(base *Stats) string {
	switch {
	case s.Median <= 0 || base.Median <= 0:
		return ""
	case s.Confidence < enough || base.Confidence < enough:
		return "no interval"
	case s.Hi < base.floor():
		if base.floor() < 0.95*base.Lo {
			return fmt.Sprintf("at least %.2f", base.floor()/s.Hi)
		}
	case base.Hi < s.floor():
		if s.floor() < 0.95*s.Lo {
			return fmt.Sprintf("at most %.2f", base.Hi/s.floor())
		}
	default:
		return "not clear"
	}
	return fmt.Sprintf("%.2f", base.Median/s.Median)
}

// Differs reports whether the two measurements differ by more than chance, with p < 0.05 in a Mann-Whitney U
// test, and by more than the time that other processes may have taken.
func (s Stats) Differs(o Stats) bool {
	if len(s.Samples) == 0 || len(o.Samples) == 0 {
		return false
	}
	disturbed := s.floor() < s.Lo || o.floor() < o.Lo
	if disturbed && s.Hi >= o.floor() && o.Hi >= s.floor() {
		return false
	}
	t := &benchmath.DefaultThresholds
	c := benchmath.AssumeNothing.Compare(benchmath.NewSample(slices.Clone(s.Samples), t), benchmath.NewSample(slices.Clone(o.Samples), t))
	return c.P < c.Alpha
}

// String is the result in one line, followed by a line for each warning.
func (s Stats) String() string {
	if len(s.Samples) == 0 {
		return cmp.Or(s.Name, "benchmark") + ": " + nothingMeasured
	}
	t := fmt.Sprintf("%s: %s", s.Name, quantity.Nanoseconds(s.Median))
	if s.Confidence > 0 {
		t += fmt.Sprintf(" (%.0f %%: %s to %s)", s.Confidence*100, quantity.Nanoseconds(s.Lo), quantity.Nanoseconds(s.Hi))
	} else if s.Hi > s.Lo {
		t += fmt.Sprintf(" (from %s to %s)", quantity.Nanoseconds(s.Lo), quantity.Nanoseconds(s.Hi))
	}
	t += fmt.Sprintf(", %s of %s", quantity.Plural(len(s.Samples), "sample"), quantity.Plural(s.Calls, "call"))
	if s.Engine != "" {
		t += ", " + s.Engine
	}
	if s.Allocs >= 0.5 {
		t += fmt.Sprintf(", %s of %s", quantity.Plural(int(math.Round(s.Allocs)), "allocation"), quantity.Bytes(s.Bytes))
	}
	return t + foot("", s.Warnings)
}

// A grid is a table: the first row is its head.
type grid [][]string

// nothingMeasured replaces the numbers of a failed measurement: code that shows a result without its error
// must not show zeros.
const nothingMeasured = "nothing was measured"

// foot is the text below a result: the engine that ran it, and the warnings.
func foot(engine string, warnings []string) (t string) {
	if engine != "" {
		t = "\nengine: " + engine
	}
	for _, w := range warnings {
		t += "\nwarning: " + w
	}
	return t
}

// text lays the grid out with spaces, numbers to the right, above its foot.
func (g grid) text(engine string, warnings ...string) string {
	if len(g) == 1 {
		return nothingMeasured
	}
	widths := make([]int, len(g[0]))
	for _, row := range g {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var lines []string
	for _, row := range g {
		line := ""
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if i == 0 {
				line += cell + pad
			} else {
				line += "  " + pad + cell
			}
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n") + foot(engine, warnings)
}

// markdown writes the grid as a Markdown table, above its foot.
func (g grid) markdown(engine string, warnings ...string) string {
	if len(g) == 1 {
		return nothingMeasured
	}
	var b strings.Builder
	for i, row := range g {
		for _, cell := range row {
			b.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString("|---" + strings.Repeat("|---:", len(row)-1) + "|\n")
		}
	}
	for line := range strings.Lines(foot(engine, warnings)) {
		b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String()
}
