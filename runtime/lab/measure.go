package lab

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"interleave/runtime/internal/clock"
	"interleave/runtime/quantity"
)

// A Sample is one measured call.
type Sample struct {
	Name     string
	Wall     time.Duration // elapsed time
	CPU      time.Duration // CPU time of the whole process meanwhile, exact to some 10 ms; 0 where it is not known
	Allocs   uint64        // objects that were allocated meanwhile, by any goroutine of this process
	Bytes    uint64
	Warnings []string // conditions that may have changed the numbers
	Err      error
}

// Measure calls fn once and returns what that took. The call is not recorded for the notebook's figure; to
// see the figure, call the function itself. One call does not predict the next: for reliable numbers see
// [Bench]. Measure itself takes about a millisecond, and some more while the cell is being recorded.
func Measure(ctx context.Context, name string, fn func(context.Context) error) Sample {
	must(checkContext("lab.Measure", ctx))
	if fn == nil {
		panic(misuse("lab.Measure", "nil function"))
	}
	from := here(1)
	return measure(ctx, name, fn, &from, systemInstruments())
}

func measure(ctx context.Context, name string, fn func(context.Context) error, from *site, in instruments) Sample {
	s := Sample{Name: name}
	w := watchOver(ctx, "lab.Measure", from, in)
	defer w.end()
	collect()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w.look()
	cpu, begin := clock.CPU(), time.Now()
	s.Err = guard(from, func() error { return fn(ctx) })
	s.Wall, s.CPU = time.Since(begin), clock.CPU()-cpu
	l := w.look()
	runtime.ReadMemStats(&after)
	s.Allocs, s.Bytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	if processes := l.share(l.others); processes >= muchUsed {
		s.Warnings = append(s.Warnings, fmt.Sprintf("other processes used %.0f %% of the %s meanwhile", 100*processes, quantity.Plural(l.cores, "core")))
	}
	if hypervisor := l.share(l.stolen); hypervisor >= muchStolen {
		s.Warnings = append(s.Warnings, fmt.Sprintf("the hypervisor took %.0f %% of the cores' time", 100*hypervisor))
	}
	s.Warnings = append(s.Warnings, w.warnings()...)
	return s
}

// cpuStep is the possible error of the process's CPU time: the system updates it when a core changes tasks,
// or with the next tick.
const cpuStep = tick

// Parallelism is the mean number of cores in use; a call that waits has less than 1. It is NaN for calls of
// up to 20 ms: the system counts CPU time in steps of up to 10 ms, so the result could be wrong by half a
// core or more.
func (s Sample) Parallelism() float64 {
	if s.unsure() >= 0.5 {
		return math.NaN()
	}
	return float64(s.CPU) / float64(s.Wall)
}

// unsure is the possible error of Parallelism, in cores.
func (s Sample) unsure() float64 {
	if s.Wall <= 0 || s.CPU == 0 && s.Wall < cpuStep {
		return math.Inf(1)
	}
	return float64(cpuStep) / float64(s.Wall)
}

// String is the sample in one line, followed by a line for each warning.
func (s Sample) String() string {
	cores := "too short to measure cores"
	switch u := s.unsure(); {
	case u < 0.01:
		cores = fmt.Sprintf("CPU %s (%.2f cores)", quantity.Duration(s.CPU), s.Parallelism())
	case u < 0.5:
		cores = fmt.Sprintf("CPU %s (%.1f ± %.1f cores)", quantity.Duration(s.CPU), s.Parallelism(), math.Ceil(10*u-1e-9)/10)
	}
	t := fmt.Sprintf("%s: %s, %s, %s of %s", s.Name, quantity.Duration(s.Wall), cores, quantity.Plural(int(s.Allocs), "allocation"), quantity.Bytes(s.Bytes))
	if s.Err != nil {
		t += ", failed: " + s.Err.Error()
	}
	return t + foot("", s.Warnings)
}
