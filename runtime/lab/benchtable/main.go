// Benchtable knows how to set lab beside plain Go and Python, on this machine and in one run, as two Markdown
// tables: what runs in one process, and processes. It must not know more of lab than its users do.
//
//	go run ./runtime/lab/benchtable > BENCH.md
//	go run ./runtime/lab/benchtable -processes # the second table alone
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"interleave/runtime/lab"
	"interleave/runtime/quantity"
)

func main() {
	lab.WorkerMain()
	c := config{tasks: 100_000, items: 1_000_000, pythonItems: 100_000, rounds: 9, out: os.Stdout, log: os.Stderr}
	c.load = load{rounds: 5, trips: 1000, tasks: 10_000, bytes: 100e6, locks: 1_000_000, turns: 200e6, pyturn: 4e6}
	flag.StringVar(&c.python, "python", "/usr/bin/python3", "the `program` to compare with; empty for none")
	only := flag.Bool("processes", false, "write the table of processes alone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if !*only {
		err = run(ctx, c)
	}
	if err == nil {
		err = processTable(ctx, c)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchtable:", err)
		os.Exit(1)
	}
}

type config struct {
	tasks       int // of a gather
	items       int // of a map, through a queue, and pairs of calls of a lock
	pythonItems int // the same for Python, which takes longer
	rounds      int
	load        load // of processes
	python      string
	out, log    io.Writer
}

// A contest is one row: the same thing done in each language's ways. Its functions do n of it.
type contest struct {
	what   string
	n      int
	plain  string // what the plain way is called
	ways   []func(ctx context.Context) error
	python string // the key in the script's answer
	limit  float64
}

// Rounds of all ways alternate, so that a disturbance of the machine affects all of them, and the best round
// counts: other load only makes a round slower.
func (c contest) best(ctx context.Context, rounds int) ([]float64, error) {
	best := make([]float64, len(c.ways))
	for r := range rounds {
		for i, way := range c.ways {
			runtime.GC() // no way pays for the garbage of another
			s := lab.Measure(ctx, c.what, way)
			if s.Err != nil {
				return nil, fmt.Errorf("%s: %w", c.what, s.Err)
			}
			if ns := float64(s.Wall) / float64(c.n); r == 0 || ns < best[i] {
				best[i] = ns
			}
		}
	}
	return best, nil
}

//go:embed python.py
var script string

func python(ctx context.Context, c config) (map[string]any, error) {
	if c.python == "" {
		return nil, nil
	}
	cmd := exec.CommandContext(ctx, c.python, "-c", script, strconv.Itoa(c.tasks), strconv.Itoa(c.pythonItems), strconv.Itoa(min(3, c.rounds)))
	cmd.Stderr = c.log
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("run %s: %w", c.python, err)
	}
	var answer map[string]any
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", c.python, err)
	}
	return answer, nil
}

func run(ctx context.Context, c config) error {
	py, err := python(ctx, c)
	if err != nil {
		return err
	}
	version := "Python"
	if v, ok := py["version"].(string); ok {
		version += " " + v
	}
	fmt.Fprintf(c.out, "%s, %s, best of %d rounds.\n\n", runtime.Version(), lab.CPUs(), c.rounds)
	fmt.Fprintf(c.out, "| for one of many | plain Go | lab | lab : plain | at most | %s | Python : lab |\n|---|---:|---:|---:|---:|---:|---:|\n", version)
	for _, k := range contests(c) {
		best, err := k.best(ctx, c.rounds)
		if err != nil {
			return err
		}
		most, pyTime, pyRatio := "", "", ""
		if k.limit > 0 {
			most = fmt.Sprintf("%.3g", k.limit)
		}
		if ns, ok := py[k.python].(float64); ok {
			pyTime, pyRatio = quantity.Nanoseconds(ns), fmt.Sprintf("%.3g", ns/best[1])
		}
		fmt.Fprintf(c.out, "| %s (%s) | %s | %s | %.2f | %s | %s | %s |\n", k.what, k.plain, quantity.Nanoseconds(best[0]), quantity.Nanoseconds(best[1]), best[1]/best[0], most, pyTime, pyRatio)
	}
	return nil
}

func trivial(context.Context) (int, error) { return 1, nil }

func small(_ context.Context, x int) (int, error) { return x*x%7 + x, nil }

func contests(c config) []contest {
	fns := make([]func(context.Context) (int, error), c.tasks)
	for i := range fns {
		fns[i] = trivial
	}
	xs := make([]int, c.items)
	for i := range xs {
		xs[i] = i
	}
	gather := func(ctx context.Context) error { _, err := lab.Gather(ctx, fns...); return err }
	return []contest{
		{"gather " + strconv.Itoa(c.tasks) + " tasks", c.tasks, "WaitGroup", []func(context.Context) error{func(ctx context.Context) error {
			values := make([]int, len(fns))
			var wg sync.WaitGroup
			for i, fn := range fns {
				wg.Go(func() { values[i], _ = fn(ctx) })
			}
			wg.Wait()
			return nil
		}, gather}, "gather", 2},
		{"gather " + strconv.Itoa(c.tasks) + " tasks", c.tasks, "errgroup", []func(context.Context) error{func(ctx context.Context) error {
			values := make([]int, len(fns))
			g, ctx := errgroup.WithContext(ctx)
			for i, fn := range fns {
				g.Go(func() (err error) { values[i], err = fn(ctx); return err })
			}
			return g.Wait()
		}, gather}, "gather", 0},
		{"map " + strconv.Itoa(c.items) + " items", c.items, "a loop for each core", []func(context.Context) error{func(ctx context.Context) error {
			out, workers := make([]int, len(xs)), runtime.GOMAXPROCS(0)
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					for i := len(xs) * w / workers; i < len(xs)*(w+1)/workers; i++ {
						out[i], _ = small(ctx, xs[i])
					}
				})
			}
			wg.Wait()
			return nil
		}, func(ctx context.Context) error { _, err := lab.Map(ctx, nil, xs, small); return err }}, "map", 1.5},
		{"put and get", c.items, "channel", []func(context.Context) error{func(context.Context) error {
			ch := make(chan int, 64)
			var wg sync.WaitGroup
			wg.Go(func() {
				for range c.items {
					<-ch
				}
			})
			for i := range c.items {
				ch <- i
			}
			wg.Wait()
			return nil
		}, func(ctx context.Context) error {
			q := lab.NewQueue[int](64)
			getter := lab.Go(ctx, func(ctx context.Context) (int, error) {
				sum := 0
				for range c.items {
					v, err := q.Get(ctx)
					if err != nil {
						return 0, err
					}
					sum += v
				}
				return sum, nil
			})
			for i := range c.items {
				if err := q.Put(ctx, i); err != nil {
					return err
				}
			}
			_, err := getter.Await(ctx)
			return err
		}}, "queue", 0},
		{"lock and unlock", c.items, "sync.Mutex", []func(context.Context) error{func(context.Context) error {
			var mu sync.Mutex
			for range c.items {
				mu.Lock()
				//lint:ignore SA2001 an empty critical section is what is measured
				mu.Unlock() //nolint:staticcheck // an empty section is what is measured
			}
			return nil
		}, func(ctx context.Context) error {
			l := lab.NewLock()
			for range c.items {
				if err := l.Lock(ctx); err != nil {
					return err
				}
				l.Unlock()
			}
			return nil
		}}, "lock", 3},
		{"turns of an event loop", c.items / 10, "goroutines on one channel", []func(context.Context) error{func(context.Context) error {
			ping, pong := make(chan struct{}), make(chan struct{})
			go func() {
				for range ping {
					pong <- struct{}{}
				}
				close(pong)
			}()
			for range c.items / 20 {
				ping <- struct{}{}
				<-pong
			}
			close(ping)
			<-pong
			return nil
		}, func(ctx context.Context) error {
			return lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
				turns := func(co *lab.Coro) (int, error) {
					for range c.items / 20 {
						if err := co.Yield(); err != nil {
							return 0, err
						}
					}
					return 0, nil
				}
				_, err := lab.LoopGather(co, turns, turns)
				return err
			})
		}}, "turns", 0},
	}
}
