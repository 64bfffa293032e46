package lab

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"interleave/runtime/quantity"
)

// ScaleOptions determine what to try.
type ScaleOptions struct {
	Workers []int // the numbers to try; empty means 1, 2, 4 … up to twice the cores
	Procs   bool  // set GOMAXPROCS to each number, too: how the work scales with cores rather than with goroutines
	Bench   BenchOptions
}

// A Scaling is how the time of some work changes with the number of its workers.
type Scaling struct {
	Name     string
	Procs    bool // the numbers are those of cores
	Points   []ScalePoint
	Full     float64  // number of workers that keep all cores busy, by the CPU time of a single worker; 0 when not known
	Warnings []string // conditions that may have changed the numbers
}

// A ScalePoint is the measurement for one number of workers.
type ScalePoint struct {
	Workers int
	Stats   Stats
	Speedup float64 // the first point's median over this one's; the table shows it only if the intervals support it
}

// procs holds the token of the goroutine that changes GOMAXPROCS, which belongs to the whole process.
var procs = make(chan struct{}, 1)

// Scale measures fn for several numbers of workers; fn must do the same work with each. With Procs, other
// code of the process runs with the changed GOMAXPROCS, too; it is restored at the end, or as soon as ctx
// ends. The numbers of workers are sampled in turn, other processes are watched, and nothing is recorded
// meanwhile, as in [Compare].
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
	from := here(1)
	b := bench{call: "lab.Scale", from: &from}
	for _, n := range workers {
		if n < 1 {
			return s, misuse("lab.Scale", "%d workers: need at least 1", n)
		}
		b.all = append(b.all, &contender{
			name: fmt.Sprintf("%s with %d", name, n), users: fn,
			fn: func(ctx context.Context) error { return fn(ctx, n) },
		})
	}
	cores := usableCores()
	if opt.Procs {
		set, restore, err := changeProcs(ctx)
		if err != nil {
			return s, err
		}
		defer restore()
		for i, n := range workers {
			b.all[i].procs = func() int { return set(n) }
		}
	} else {
		cores = min(cores, float64(runtime.GOMAXPROCS(0)))
	}
	in := systemInstruments()
	var err error
	s.Warnings, err = b.run(ctx, opt.Bench, in)
	for i, e := range b.all {
		if len(e.stats.Samples) == 0 {
			continue
		}
		p := ScalePoint{Workers: workers[i], Stats: e.stats, Speedup: 1}
		if len(s.Points) > 0 && e.stats.Median > 0 {
			p.Speedup = s.Points[0].Stats.Median / e.stats.Median
		}
		s.Points = append(s.Points, p)
	}
	if !in.virtual {
		s.Full = fullAt(s.Points, cores)
	}
	return s, err
}

// changeProcs lets the caller set GOMAXPROCS until restore is called or ctx ends, so that a measured function
// that never returns does not leave a changed value behind.
func changeProcs(ctx context.Context) (set func(n int) int, restore func(), err error) {
	select {
	case procs <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, canceled(ctx)
	}
	var mu sync.Mutex
	over := false
	before := runtime.GOMAXPROCS(0)
	end := func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			over = true
			runtime.GOMAXPROCS(before)
			<-procs
		}
	}
	release := context.AfterFunc(ctx, end)
	set = func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return runtime.GOMAXPROCS(0)
		}
		runtime.GOMAXPROCS(n)
		return n
	}
	return set, func() { release(); end() }, nil
}

// fullAt is the number of workers that keep the given number of cores busy: a worker that computes uses one
// core, a worker that waits half of its time uses half of one. It is 0 when workers hardly compute.
func fullAt(points []ScalePoint, cores float64) float64 {
	if len(points) == 0 {
		return 0
	}
	least := points[0]
	for _, p := range points {
		if p.Workers < least.Workers {
			least = p
		}
	}
	const hardly = 0.01
	used := 1.0 // of a core, by one worker
	if s := &least.Stats; s.CPU > 0 {
		alone := max(s.Median-(s.Lo-s.floor()), s.CPU/float64(least.Workers)) // without the time that others took
		used = min(1, s.CPU/alone/float64(least.Workers))
	}
	if used < hardly {
		return 0
	}
	return cores / used
}

func (s Scaling) grid() grid {
	head := "workers"
	if s.Procs {
		head = "cores"
	}
	g := grid{{head, "time", "from", "to", "speedup"}}
	for i, p := range s.Points {
		speedup := "1.00"
		if i > 0 {
			speedup = p.Stats.ratio(&s.Points[0].Stats)
		}
		g = append(g, []string{fmt.Sprint(p.Workers), quantity.Nanoseconds(p.Stats.Median), quantity.Nanoseconds(p.Stats.Lo), quantity.Nanoseconds(p.Stats.Hi), speedup})
	}
	return g
}

// String is the table in text, below its name; Markdown the same for a notebook.
func (s Scaling) String() string { return titled(s.Name, s.grid().text(s.RanBy(), s.Warnings...)) }

// Markdown is the table for a notebook.
func (s Scaling) Markdown() string {
	return titledMarkdown(s.Name, s.grid().markdown(s.RanBy(), s.Warnings...))
}
