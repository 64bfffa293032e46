package lab

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// A Sample is one measured call.
type Sample struct {
	Name   string
	Wall   time.Duration // what a clock on the wall says
	CPU    time.Duration // what all cores together worked for this process meanwhile; 0 where the system does not tell
	Allocs uint64        // objects that were allocated meanwhile, by anybody in this process
	Bytes  uint64
	Err    error
}

// Measure calls fn once and says what that took. For numbers to rely on see [Bench].
func Measure(ctx context.Context, name string, fn func(context.Context) error) Sample {
	must(checkContext("lab.Measure", ctx))
	if fn == nil {
		panic(misuse("lab.Measure", "nil function"))
	}
	s, from := Sample{Name: name}, here(1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, begin := processCPU(), time.Now()
	s.Err = guard(&from, func() error { return fn(ctx) })
	s.Wall, s.CPU = time.Since(begin), processCPU()-cpu
	runtime.ReadMemStats(&after)
	s.Allocs, s.Bytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	return s
}

// Parallelism is how many cores worked on average. One that waits has less than 1.
func (s Sample) Parallelism() float64 {
	if s.Wall <= 0 {
		return 0
	}
	return float64(s.CPU) / float64(s.Wall)
}

// String says it in one line.
func (s Sample) String() string {
	t := fmt.Sprintf("%s: %v, CPU %v (%.2f cores), %s of %sB", s.Name, roundTime(s.Wall), roundTime(s.CPU), s.Parallelism(), plural(int(s.Allocs), "allocation"), short(float64(s.Bytes)))
	if s.Err != nil {
		t += ", failed: " + s.Err.Error()
	}
	return t
}
