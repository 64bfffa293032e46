package lab

import (
	"context"
	"fmt"
	"runtime"
	"sync"
)

// ScaleOptions say what to try.
type ScaleOptions struct {
	Workers []int // the numbers to try; none means 1, 2, 4 … up to twice the cores
	Procs   bool  // set GOMAXPROCS to each number, too: how the work scales with cores rather than with goroutines
	Bench   BenchOptions
}

// A Scaling is how the time of some work changes with the number of its workers.
type Scaling struct {
	Name   string
	Procs  bool // the numbers are those of cores
	Points []ScalePoint
}

// A ScalePoint is the measurement for one number of workers.
type ScalePoint struct {
	Workers int
	Stats   Stats
	Speedup float64 // the first point's median over this one's
}

// procs is held by who changes GOMAXPROCS, which the whole process shares.
var procs sync.Mutex

// Scale measures fn for several numbers of workers; fn does the same work with each. With Procs other code of the process feels it, too,
// and GOMAXPROCS is put back at the end.
func Scale(ctx context.Context, name string, fn func(ctx context.Context, workers int) error, opt ScaleOptions) (Scaling, error) {
	s := Scaling{Name: name, Procs: opt.Procs}
	if err := checkContext("lab.Scale", ctx); err != nil {
		return s, err
	}
	if fn == nil {
		return s, misuse("lab.Scale", "nil function")
	}
	workers := opt.Workers
	if len(workers) == 0 {
		for n := 1; n <= 2*runtime.GOMAXPROCS(0); n *= 2 {
			workers = append(workers, n)
		}
	}
	for _, n := range workers {
		if n < 1 {
			return s, misuse("lab.Scale", "%d workers: need at least 1", n)
		}
	}
	if opt.Procs {
		procs.Lock()
		defer procs.Unlock()
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	}
	for _, n := range workers {
		if opt.Procs {
			runtime.GOMAXPROCS(n)
		}
		stats, err := bench(ctx, "lab.Scale", fmt.Sprintf("%s with %d", name, n), fn, func(ctx context.Context) error { return fn(ctx, n) }, opt.Bench)
		if err != nil {
			return s, err
		}
		p := ScalePoint{Workers: n, Stats: stats, Speedup: 1}
		if len(s.Points) > 0 && stats.Median > 0 {
			p.Speedup = s.Points[0].Stats.Median / stats.Median
		}
		s.Points = append(s.Points, p)
	}
	return s, nil
}

func (s Scaling) grid() grid {
	head := "workers"
	if s.Procs {
		head = "cores"
	}
	g := grid{{head, "time", "from", "to", "speedup"}}
	for _, p := range s.Points {
		g = append(g, []string{fmt.Sprint(p.Workers), nanos(p.Stats.Median), nanos(p.Stats.Lo), nanos(p.Stats.Hi), fmt.Sprintf("%.2f", p.Speedup)})
	}
	return g
}

// String is the table in text, below its name; Markdown the same for a notebook.
func (s Scaling) String() string { return titled(s.Name, s.grid().text(s.RanBy())) }

// Markdown is the table for a notebook.
func (s Scaling) Markdown() string { return titledMarkdown(s.Name, s.grid().markdown(s.RanBy())) }
