package lab

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/perf/benchmath"

	"interleave/runtime/timeline"
)

// BenchOptions say how thoroughly to measure. The zero value is good for calls between a nanosecond and a second.
type BenchOptions struct {
	Repeats    int           // samples to take; 0 means 12. Fewer than 6 give no interval
	Warmup     time.Duration // how long to call before the first sample, once at least; 0 means 20 ms
	MinTime    time.Duration // a sample repeats the call until it takes so long; 0 means 5 ms
	MaxTime    time.Duration // no sample is begun after that; 0 means 10 s
	Confidence float64       // of the interval; 0 means 0.95
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
	Confidence     float64   // of the interval: at least what was asked for, if there were samples enough
	Allocs, Bytes  float64   // allocated in one call
	Warnings       []string  // about the interval
	Engine         string    // what ran the code, as timeline.Engine says
}

// Bench measures fn: it warms up, takes samples that are long enough for the clock, and gives their median with a confidence interval that
// assumes nothing about how the times are distributed. The first error of fn ends it and is returned.
func Bench(ctx context.Context, name string, fn func(context.Context) error, opt BenchOptions) (Stats, error) {
	if err := checkContext("lab.Bench", ctx); err != nil {
		return Stats{}, err
	}
	if fn == nil {
		return Stats{}, misuse("lab.Bench", "nil function")
	}
	return bench(ctx, "lab.Bench", name, fn, fn, opt)
}

// bench measures fn, which calls what the user wrote.
func bench(ctx context.Context, call, name string, users any, fn func(context.Context) error, opt BenchOptions) (Stats, error) {
	opt, err := opt.check(call)
	if err != nil {
		return Stats{}, err
	}
	from := here(2)
	s := Stats{Name: name, Engine: timeline.Engine(users)}
	times := func(n int) (took time.Duration, err error) {
		begin := time.Now()
		err = guard(&from, func() error {
			for range n {
				if err := fn(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			err = canceled(ctx)
		}
		return time.Since(begin), err
	}
	begin := time.Now()
	// Warming up finds out, too, how many calls make a sample.
	for n := 1; ; {
		took, err := times(n)
		if err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
		s.Calls = callsFor(opt.MinTime, n, took)
		if time.Since(begin) >= opt.Warmup && (took >= opt.MinTime/2 || n >= maxCalls) {
			break
		}
		n = min(max(s.Calls, n), 10*n)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for len(s.Samples) < opt.Repeats && (len(s.Samples) == 0 || time.Since(begin) < opt.MaxTime) {
		took, err := times(s.Calls)
		if err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
		s.Samples = append(s.Samples, float64(took)/float64(s.Calls))
	}
	runtime.ReadMemStats(&after)
	all := float64(s.Calls * len(s.Samples))
	s.Allocs, s.Bytes = float64(after.Mallocs-before.Mallocs)/all, float64(after.TotalAlloc-before.TotalAlloc)/all
	s.summarize(opt.Confidence)
	return s, nil
}

// maxCalls bounds a sample of a call that takes no time that could be seen.
const maxCalls = 100_000_000

// callsFor is how many calls take about min when n took so long.
func callsFor(least time.Duration, n int, took time.Duration) int {
	if took >= least && n == 1 {
		return 1
	}
	return int(min(maxCalls, max(1, math.Ceil(float64(n)*float64(least)/float64(max(took, 1))))))
}

func (s *Stats) summarize(confidence float64) {
	sum := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(s.Samples), &benchmath.DefaultThresholds), confidence)
	s.Median, s.Lo, s.Hi, s.Confidence = sum.Center, sum.Lo, sum.Hi, sum.Confidence
	if math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) {
		s.Lo, s.Hi, s.Confidence = slices.Min(s.Samples), slices.Max(s.Samples), 0
	}
	for _, w := range sum.Warnings {
		s.Warnings = append(s.Warnings, w.Error())
	}
}

// Differs reports whether the two measurements differ by more than chance explains, with p < 0.05 in a Mann-Whitney U test.
func (s Stats) Differs(o Stats) bool {
	if len(s.Samples) == 0 || len(o.Samples) == 0 {
		return false
	}
	t := &benchmath.DefaultThresholds
	c := benchmath.AssumeNothing.Compare(benchmath.NewSample(slices.Clone(s.Samples), t), benchmath.NewSample(slices.Clone(o.Samples), t))
	return c.P < c.Alpha
}

// String says it in one line.
func (s Stats) String() string {
	if len(s.Samples) == 0 {
		return cmp.Or(s.Name, "benchmark") + ": " + nothingMeasured
	}
	t := fmt.Sprintf("%s: %s", s.Name, nanos(s.Median))
	if s.Confidence > 0 {
		t += fmt.Sprintf(" (%.0f %%: %s to %s)", s.Confidence*100, nanos(s.Lo), nanos(s.Hi))
	}
	t += fmt.Sprintf(", %d %s of %s", len(s.Samples), number(len(s.Samples), "sample"), plural(s.Calls, "call"))
	if s.Engine != "" {
		t += ", " + s.Engine
	}
	if s.Allocs >= 0.5 {
		t += fmt.Sprintf(", %s of %sB", plural(int(math.Round(s.Allocs)), "allocation"), short(s.Bytes))
	}
	return t
}

// nanos writes a time given in nanoseconds to three digits.
func nanos(ns float64) string {
	switch {
	case ns < 999.5:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 999.5e3:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	case ns < 999.5e6:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	}
	return fmt.Sprintf("%.3g s", ns/1e9)
}

// plural is a number of things to three digits.
func plural(n int, what string) string { return short(float64(n)) + " " + number(n, what) }

// number is what so many things are called.
func number[N int | int64](n N, what string) string {
	switch {
	case n == 1:
		return what
	case strings.HasSuffix(what, "ch"):
		return what + "es"
	}
	return what + "s"
}

// A grid is a table: the first row is its head.
type grid [][]string

// nothingMeasured stands for the numbers of what failed: whoever shows a result and not its error must not take zeros for some.
const nothingMeasured = "nothing was measured"

// text lays the grid out with spaces, numbers to the right, and says which engine they are of, if there are several.
func (g grid) text(engine string) string {
	if len(g) == 1 {
		return nothingMeasured
	}
	widths := make([]int, len(g[0]))
	for _, row := range g {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
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
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if engine != "" {
		b.WriteString("engine: " + engine + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// markdown writes the grid as a Markdown table, as text does.
func (g grid) markdown(engine string) string {
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
	if engine != "" {
		b.WriteString("\nengine: " + engine + "\n")
	}
	return b.String()
}
