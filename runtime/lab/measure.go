package lab

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"
)

// A Sample is one measured call.
type Sample struct {
	Name     string
	Wall     time.Duration // what a clock on the wall says
	CPU      time.Duration // what all cores together worked for this process meanwhile, right to some 10 ms; 0 where the system does not tell
	Allocs   uint64        // objects that were allocated meanwhile, by anybody in this process
	Bytes    uint64
	Warnings []string // what the numbers may suffer from
	Err      error
}

// Measure calls fn once and says what that took, without recording it for the notebook's figure: for the figure, call the function
// itself. Garbage of before is collected first. One call says little about the next: for numbers to rely on see [Bench]. Measure itself
// takes a millisecond, and some more when a recording is under way.
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
	cpu, begin := processCPU(), time.Now()
	s.Err = guard(from, func() error { return fn(ctx) })
	s.Wall, s.CPU = time.Since(begin), processCPU()-cpu
	l := w.look()
	runtime.ReadMemStats(&after)
	s.Allocs, s.Bytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	if processes := l.share(l.others); processes >= muchUsed {
		s.Warnings = append(s.Warnings, fmt.Sprintf("other processes used %.0f %% of the %s meanwhile", 100*processes, plural(l.cores, "core")))
	}
	if hypervisor := l.share(l.stolen); hypervisor >= muchStolen {
		s.Warnings = append(s.Warnings, fmt.Sprintf("the hypervisor kept %.0f %% of the cores' time for others", 100*hypervisor))
	}
	s.Warnings = append(s.Warnings, w.warnings()...)
	return s
}

// cpuStep is by how much the time of the process may be wrong: the system adds what a core does to it when the core turns to something
// else, or with the next tick.
const cpuStep = tick

// Parallelism is how many cores worked on average; one that waits has less than 1. It is not a number where the call was too short to
// tell: the system counts CPU time in steps of up to 10 ms, so that a call of less than 20 ms could be wrong by half a core.
func (s Sample) Parallelism() float64 {
	if s.unsure() >= 0.5 {
		return math.NaN()
	}
	return float64(s.CPU) / float64(s.Wall)
}

// unsure is by how many cores Parallelism may be wrong.
func (s Sample) unsure() float64 {
	if s.Wall <= 0 || s.CPU == 0 && s.Wall < cpuStep {
		return math.Inf(1)
	}
	return float64(cpuStep) / float64(s.Wall)
}

// String says it in one line, and each warning in one more.
func (s Sample) String() string {
	cores := "too short to measure its cores"
	switch u := s.unsure(); {
	case u < 0.01:
		cores = fmt.Sprintf("CPU %v (%.2f cores)", roundTime(s.CPU), s.Parallelism())
	case u < 0.5:
		cores = fmt.Sprintf("CPU %v (%.1f ± %.1f cores)", roundTime(s.CPU), s.Parallelism(), math.Ceil(10*u-1e-9)/10)
	}
	t := fmt.Sprintf("%s: %v, %s, %s of %sB", s.Name, roundTime(s.Wall), cores, plural(int(s.Allocs), "allocation"), short(float64(s.Bytes)))
	if s.Err != nil {
		t += ", failed: " + s.Err.Error()
	}
	return t + foot("", s.Warnings)
}
