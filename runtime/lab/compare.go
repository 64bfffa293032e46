package lab

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"interleave/runtime/internal/clock"
	"interleave/runtime/quantity"
)

// A Way is how a number of tasks can be run.
type Way int

const (
	Sequential Way = iota // one after the other
	Goroutines            // each in its own goroutine
	Pooled                // by the workers of a pool
	WithGIL               // each in a thread under a GIL, as in Python
	OnLoop                // as tasks of an event loop, as in asyncio
)

func (w Way) String() string {
	if names := [...]string{"sequential", "goroutines", "pool", "GIL", "event loop"}; w >= 0 && int(w) < len(names) {
		return names[w]
	}
	return fmt.Sprintf("Way(%d)", int(w))
}

// An Env is what a task of [Compare] works with. It waits and computes in the manner of the way that is being
// measured.
type Env interface {
	// Context ends when the task should.
	Context() context.Context
	// Sleep waits for something outside, such as a server: without the GIL, while the event loop continues.
	Sleep(d time.Duration) error
	// Compute works a core for about d of its time. Other threads under a GIL get their turns meanwhile; an
	// event loop stands still.
	Compute(d time.Duration) error
}

// CompareOptions determine what to compare.
type CompareOptions struct {
	Ways  []Way         // empty means all
	Pool  int           // workers of the pool; 0 means one for each core
	GIL   time.Duration // switch interval; 0 means Python's
	Bench BenchOptions  // 0 repeats mean 7 here
}

// A Comparison is the same work done in several ways.
type Comparison struct {
	Name     string
	Tasks    int
	Rows     []CompareRow
	Warnings []string // conditions that may have changed the numbers
}

// A CompareRow is one way.
type CompareRow struct {
	Way     Way
	Stats   Stats
	Speedup float64 // the first row's median over this one's; the table shows it only if the intervals support it
}

// Compare runs the same n tasks in several ways and measures each way. The times are those of all n tasks
// together, and include making and closing the pool, the threads or the event loop.
//
// The ways are sampled in turn, in random order, so that a change of the machine's speed affects all of them.
// Compare also counts the time that other processes and the hypervisor took. [Comparison.Warnings] gives the
// factor up to which a difference may come from that, and the table and plots.Compare call a way faster only
// if the difference is larger. As in [Bench], nothing is recorded meanwhile.
func Compare(ctx context.Context, name string, n int, task func(env Env, i int) error, opt CompareOptions) (Comparison, error) {
	c := Comparison{Name: name, Tasks: n}
	if err := errors.Join(checkContext("lab.Compare", ctx), checkDuration("lab.Compare", "switch interval", opt.GIL)); err != nil {
		return c, err
	}
	switch {
	case task == nil:
		return c, misuse("lab.Compare", "nil function")
	case n < 1:
		return c, misuse("lab.Compare", "%d tasks: need at least 1", n)
	case opt.Pool < 0:
		return c, misuse("lab.Compare", "pool of %d: need zero (for one worker for each core) or more", opt.Pool)
	}
	if len(opt.Ways) == 0 {
		opt.Ways = []Way{Sequential, Goroutines, Pooled, WithGIL, OnLoop}
	}
	if opt.Pool == 0 {
		opt.Pool = runtime.GOMAXPROCS(0)
	}
	if opt.Bench.Repeats == 0 {
		opt.Bench.Repeats = 7
	}
	from := here(1)
	b := bench{call: "lab.Compare", from: &from}
	for _, way := range opt.Ways {
		if way < Sequential || way > OnLoop {
			return c, misuse("lab.Compare", "way %d is not one of Sequential, Goroutines, Pooled, WithGIL, OnLoop", int(way))
		}
		b.all = append(b.all, &contender{
			name: name + ", " + way.String(), users: task,
			fn: func(ctx context.Context) error { return way.run(ctx, n, task, opt) },
		})
	}
	var err error
	c.Warnings, err = b.run(ctx, opt.Bench, systemInstruments())
	for i, e := range b.all {
		if len(e.stats.Samples) == 0 {
			continue
		}
		row := CompareRow{Way: opt.Ways[i], Stats: e.stats, Speedup: 1}
		if len(c.Rows) > 0 && e.stats.Median > 0 {
			row.Speedup = c.Rows[0].Stats.Median / e.stats.Median
		}
		c.Rows = append(c.Rows, row)
	}
	return c, err
}

func (w Way) run(ctx context.Context, n int, task func(Env, int) error, opt CompareOptions) error {
	switch w {
	case Goroutines:
		return each(ctx, "lab.Compare", n, func(ctx context.Context, i int) error { return task(plainEnv{ctx}, i) })
	case Pooled:
		p := NewPool(opt.Pool)
		defer p.Close()
		return p.ranges(ctx, "lab.Compare", n, func(ctx context.Context, lo, hi int) error {
			for i := lo; i < hi; i++ {
				if err := task(plainEnv{ctx}, i); err != nil {
					return err
				}
			}
			return nil
		}, []MapOption{Chunk(1)})
	case WithGIL:
		g := NewGIL(opt.GIL)
		return each(ctx, "lab.Compare", n, func(ctx context.Context, i int) error {
			return g.run(ctx, fmt.Sprint("thread ", i), func(_ context.Context, th *GILThread) error { return task(gilEnv{th}, i) })
		})
	case OnLoop:
		return NewLoop().Run(ctx, func(co *Coro) error {
			return co.gather(n, func(co *Coro, i int) error { return task(loopEnv{co}, i) })
		})
	}
	for i := range n {
		if err := task(plainEnv{ctx}, i); err != nil {
			return err
		}
	}
	return nil
}

type plainEnv struct{ ctx context.Context }

func (e plainEnv) Context() context.Context    { return e.ctx }
func (e plainEnv) Sleep(d time.Duration) error { return Sleep(e.ctx, d) }
func (e plainEnv) Compute(d time.Duration) error {
	return compute(d, func() error { return canceled(e.ctx) })
}

type gilEnv struct{ th *GILThread }

func (e gilEnv) Context() context.Context      { return e.th.ctx }
func (e gilEnv) Sleep(d time.Duration) error   { return e.th.Sleep(d) }
func (e gilEnv) Compute(d time.Duration) error { return compute(d, e.th.Step) }

type loopEnv struct{ co *Coro }

func (e loopEnv) Context() context.Context    { return e.co.ctx }
func (e loopEnv) Sleep(d time.Duration) error { return e.co.Sleep(d) }
func (e loopEnv) Compute(d time.Duration) error {
	return compute(d, func() error { return canceled(e.co.ctx) })
}

// Compute works a core for about d of its time, by doing what takes so long on a core of this machine that
// has nothing else to do. Beside others on the same core it takes longer on the clock, as real work does.
func Compute(ctx context.Context, d time.Duration) error {
	if err := checkContext("lab.Compute", ctx); err != nil {
		return err
	}
	return plainEnv{ctx}.Compute(d)
}

// computeSlice is the work between two looks at whether to stop.
const computeSlice = 20 * time.Microsecond

func compute(d time.Duration, step func() error) error {
	if err := checkDuration("lab.Compute", "duration", d); err != nil {
		return err
	}
	slice := roundsPerSlice()
	for ; d > 0; d -= computeSlice {
		runtime.KeepAlive(burn(int(float64(slice) * float64(min(d, computeSlice)) / float64(computeSlice))))
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

var slice atomic.Int64 // what roundsPerSlice found; 0 before

// roundsPerSlice is how many rounds of burn take computeSlice: the best of several tries, since other load
// only slows it down. The first calls measure it, which takes half a millisecond during an experiment. Calls
// do not wait for each other's result: goroutines in a queue would be seen in the figure.
func roundsPerSlice() int64 {
	if n := slice.Load(); n > 0 {
		return n
	}
	rounds, now := 10_000, time.Now
	if virtualTime() { // a bubble's clock stands still
		rounds, now = 200_000, clock.System // which counts microseconds
	}
	best := time.Hour
	for range 20 {
		begin := now()
		runtime.KeepAlive(burn(rounds))
		best = min(best, now().Sub(begin))
	}
	n := max(1, int64(time.Duration(rounds)*computeSlice/max(best, time.Microsecond)))
	slice.Store(n)
	return n
}

// burn keeps a core busy. Each round needs the result of the one before, and the last is returned, so that
// nothing can be left out.
//
//go:noinline
func burn(rounds int) uint64 {
	x := uint64(rounds) | 1
	for range rounds {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func (c Comparison) grid() grid {
	g := grid{{"way", "time", "from", "to", "speedup"}}
	for i, r := range c.Rows {
		speedup := "1.00"
		if i > 0 {
			speedup = r.Stats.ratio(&c.Rows[0].Stats)
		}
		g = append(g, []string{r.Way.String(), quantity.Nanoseconds(r.Stats.Median), quantity.Nanoseconds(r.Stats.Lo), quantity.Nanoseconds(r.Stats.Hi), speedup})
	}
	return g
}

// title is what was compared.
func (c Comparison) title() string {
	if c.Tasks == 0 {
		return c.Name
	}
	return fmt.Sprintf("%s, %s", c.Name, quantity.Plural(c.Tasks, "task"))
}

// String is the table in text, below its title.
func (c Comparison) String() string {
	return titled(c.title(), c.grid().text(c.RanBy(), c.Warnings...))
}

// Markdown is the table for a notebook.
func (c Comparison) Markdown() string {
	return titledMarkdown(c.title(), c.grid().markdown(c.RanBy(), c.Warnings...))
}
