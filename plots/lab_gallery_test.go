package plots_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"interleave/plots"
	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// TestLabGallery draws what lab measures on this machine. It asks for -gallery, since somebody has to look.
func TestLabGallery(t *testing.T) {
	if *gallery == "" {
		t.Skip("no -gallery folder")
	}
	ctx := t.Context()
	show := func(name string, f *plots.Figure, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(name, err)
		}
		png, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		for ext, data := range map[string][]byte{".svg": []byte(f.SVG()), ".png": png} {
			if err := os.WriteFile(filepath.Join(*gallery, name+ext), data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		t.Log(f.Alt())
	}
	quick := lab.BenchOptions{Repeats: 8, MinTime: 10 * ms}

	crunch := func(ctx context.Context, workers int) error {
		p := lab.NewPool(workers)
		defer p.Close()
		_, err := lab.Map(ctx, p, make([]int, 64), func(ctx context.Context, _ int) (int, error) { return 0, lab.Compute(ctx, 200*time.Microsecond) })
		return err
	}
	scaling, err := lab.Scale(ctx, "64 tasks of 200 µs", crunch, lab.ScaleOptions{Workers: []int{1, 2, 3, 4, 8}, Bench: quick})
	if err != nil {
		t.Fatal(err)
	}
	f, err := plots.Speedup(scaling)
	show("lab-speedup", f, err)
	f, err = plots.Compare(scaling, plots.Options{Theme: plots.Dark})
	show("lab-compare-scaling-dark", f, err)

	mixed := func(env lab.Env, i int) error {
		if err := env.Sleep(ms); err != nil {
			return err
		}
		return env.Compute(500 * time.Microsecond)
	}
	comparison, err := lab.Compare(ctx, "wait 1 ms, compute 0.5 ms", 12, mixed, lab.CompareOptions{Bench: quick})
	if err != nil {
		t.Fatal(err)
	}
	f, err = plots.Compare(comparison, plots.Options{Sorted: true})
	show("lab-compare", f, err)

	type counter struct{ n, m atomic.Int32 }
	table, err := lab.Litmus(ctx, lab.LitmusTest[counter]{
		Name: "store, then load",
		Actors: []func(*counter){
			func(c *counter) { c.n.Store(1); c.m.Add(c.m.Load()) },
			func(c *counter) { c.m.Store(1); c.n.Add(c.n.Load()) },
		},
		Result: func(c *counter) string { return fmt.Sprintf("n=%d m=%d", c.n.Load(), c.m.Load()) },
		Expect: map[string]lab.Verdict{"n=2 m=1": lab.Acceptable, "n=1 m=2": lab.Acceptable, "n=2 m=2": lab.Interesting, "n=1 m=1": lab.Interesting, "n=0 m=0": lab.Forbidden},
	}, 200_000)
	if err != nil {
		t.Fatal(err)
	}
	f, err = plots.Litmus(table)
	show("lab-litmus", f, err)

	var took plots.Durations
	server, err := lab.NewTestServer(lab.LogNormal(3*ms, 0.5), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, r := range lab.FetchAll(ctx, server.URLs(400), lab.FetchOptions{Concurrency: 20}) {
		took = append(took, r.Took)
	}
	f, err = plots.Histogram(took, plots.Options{Title: "400 requests, 6 at a time"})
	show("lab-histogram", f, err)

	lock := lab.NewLock().Named("accounts").Watch()
	jobs := lab.NewQueue[int](8).Named("jobs")
	e, err := timeline.Record(ctx, func() {
		p := lab.NewPool(3, lab.PoolName("tellers"))
		defer p.Close()
		two := lab.NewSemaphore(2).Named("doors")
		g := lab.NewGroup(ctx)
		g.Go(func(context.Context) error {
			for i := range 60 {
				if err := jobs.Put(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
		var tellers []*lab.Task[struct{}]
		for k := range 3 {
			tellers = append(tellers, lab.Thread(ctx, fmt.Sprint("teller ", k+1), func(ctx context.Context) {
				for range 20 {
					jobs.Get(ctx)
					two.Acquire(ctx, 1)
					lock.Lock(ctx)
					lab.Compute(ctx, time.Duration(k+1)*300*time.Microsecond)
					lock.Unlock()
					two.Release(1)
					lab.Sleep(ctx, ms)
				}
			}))
		}
		g.Wait()
		for _, t := range tellers {
			t.Await(ctx)
		}
		lab.Map(ctx, p, make([]int, 40), func(ctx context.Context, _ int) (int, error) { return 0, lab.Compute(ctx, 4*ms) })
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Engine = "compiled"
	for _, l := range e.Left {
		t.Log(l)
	}
	f, err = plots.LockWait(lock)
	show("lab-lockwait", f, err)
	f, err = plots.Counters(e)
	show("lab-counters", f, err)
	f, err = plots.Cores(e)
	show("lab-cores", f, err)
	f, err = plots.Timeline(e)
	show("lab-timeline", f, err)
}
