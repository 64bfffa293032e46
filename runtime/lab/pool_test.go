package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/host"
	"interleave/runtime/lab"
)

// A pool of any size: never more run than it has workers, they begin in order, and after Shutdown every task has ended and the
// counts add up.
func TestPoolProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ps := distinct(plans.Draw(rt, "plans"))
		size := rapid.IntRange(1, 4).Draw(rt, "size")
		cancelAfter := time.Duration(rapid.IntRange(-1, 6000).Draw(rt, "cancel after")) * time.Millisecond
		synctest.Test(t, func(t *testing.T) {
			p := lab.NewPool(size)
			var running, ended atomic.Int64
			var begun []int
			tasks := make([]*lab.Task[int], len(ps))
			for i, plan := range ps {
				fn := plan.fn(i, &ended)
				tasks[i] = lab.Submit(t.Context(), p, func(ctx context.Context) (int, error) {
					if n := running.Add(1); n > int64(size) {
						t.Errorf("%d run at once on %d workers", n, size)
					}
					defer running.Add(-1)
					if size == 1 {
						begun = append(begun, i)
					}
					return fn(ctx)
				})
			}
			if cancelAfter >= 0 {
				time.Sleep(cancelAfter)
			}
			if err := p.Shutdown(t.Context(), cancelAfter >= 0); err != nil {
				t.Error(err)
			}
			ran, failed := 0, 0
			for i, task := range tasks {
				_, err := task.Result()
				switch {
				case !task.State().Ended():
					t.Errorf("task %d is %v after Shutdown", i, task.State())
				case errors.Is(err, lab.ErrPoolClosed):
					if cancelAfter < 0 || task.State() != lab.Canceled {
						t.Errorf("task %d is %v with %v", i, task.State(), err)
					}
					continue
				case !ps[i].matches(i, err):
					t.Errorf("task %d ended with %v", i, err)
				}
				if ran++; err != nil {
					failed++
				}
			}
			if !slices.IsSorted(begun) {
				t.Errorf("one worker began tasks in the order %v", begun)
			}
			s := p.Stats()
			items := 0
			for _, w := range s.Workers {
				items += w.Tasks
			}
			if s.Running != 0 || s.Waiting != 0 || s.Done != ran || s.Failed != failed || items != ran || int(ended.Load()) != ran {
				t.Errorf("ran %d, %d failed; stats %+v", ran, failed, s)
			}
			late := lab.Submit(t.Context(), p, trivial)
			if _, err := late.Await(t.Context()); !errors.Is(err, lab.ErrPoolClosed) {
				t.Errorf("a task submitted after Shutdown ended with %v", err)
			}
		})
	})
}

func TestPoolShutdownGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := lab.NewPool(1)
		task := lab.Submit(t.Context(), p, nap(time.Hour))
		waiting := lab.Submit(t.Context(), p, nap(time.Hour))
		synctest.Wait()
		if s := p.Stats(); s.String() != "1 of 1 worker busy, 1 waiting (at most 1), 0 done, 0 of them failed" {
			t.Errorf("stats read %q", s)
		}
		waiting.Cancel(nil)
		if waiting.State() != lab.Canceled || p.Stats().Waiting != 0 {
			t.Errorf("a waiting task that was cancelled is %v, stats %+v", waiting.State(), p.Stats())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Shutdown(ctx, false); err != context.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		task.Cancel(nil)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

// In every way of spreading items, each is worked off exactly once and results are in order; the first error ends the work.
func TestMapProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 300).Draw(rt, "n")
		size := rapid.IntRange(1, 5).Draw(rt, "size")
		var opts []lab.MapOption
		if k := rapid.IntRange(0, 20).Draw(rt, "chunk"); k > 0 {
			opts = append(opts, lab.Chunk(k))
		}
		if rapid.Bool().Draw(rt, "static") {
			opts = append(opts, lab.Static())
		}
		bad := rapid.IntRange(-300, 300).Draw(rt, "bad")
		slow := time.Duration(rapid.SampledFrom([]int{0, 1, 100, 1000}).Draw(rt, "slow")) * time.Microsecond
		nested := rapid.Bool().Draw(rt, "nested")
		synctest.Test(t, func(t *testing.T) {
			xs, calls := make([]int, n), make([]atomic.Int32, n)
			for i := range xs {
				xs[i] = i
			}
			p := lab.NewPool(size)
			defer p.Close()
			run := func(ctx context.Context) ([]string, error) {
				return lab.Map(ctx, p, xs, func(_ context.Context, x int) (string, error) {
					calls[x].Add(1)
					time.Sleep(slow)
					if x == bad {
						return "", planError(x)
					}
					return fmt.Sprint(x), nil
				}, opts...)
			}
			var out []string
			var err error
			if nested { // from a worker of the same pool, which must not wait for itself
				out, err = lab.Submit(t.Context(), p, run).Await(t.Context())
			} else {
				out, err = run(t.Context())
			}
			if bad >= 0 && bad < n {
				if err != error(planError(bad)) || out != nil {
					t.Errorf("got %v, %v; want the error of item %d", out, err, bad)
				}
				return
			}
			if err != nil || len(out) != n {
				t.Fatalf("got %d of %d results, %v", len(out), n, err)
			}
			for i := range out {
				if out[i] != fmt.Sprint(i) || calls[i].Load() != 1 {
					t.Errorf("item %d was called %d times and gave %q", i, calls[i].Load(), out[i])
				}
			}
			items := 0
			for _, w := range p.Stats().Workers {
				items += w.Items
			}
			if items != n && !nested {
				t.Errorf("the workers count %d items of %d", items, n)
			}
		})
	})
}

// With work that is uneven, shares cut beforehand take as long as the longest, and work-sharing does not.
func TestStaticAndDynamic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		xs := make([]time.Duration, 40)
		for i := range xs {
			xs[i] = time.Second
			if i < 10 {
				xs[i] = 10 * time.Second
			}
		}
		took := func(opts ...lab.MapOption) time.Duration {
			p := lab.NewPool(4)
			defer p.Close()
			begin := time.Now()
			if _, err := lab.Map(t.Context(), p, xs, func(ctx context.Context, d time.Duration) (int, error) { return 0, lab.Sleep(ctx, d) }, opts...); err != nil {
				t.Error(err)
			}
			return time.Since(begin)
		}
		if d := took(lab.Static()); d != 100*time.Second {
			t.Errorf("static shares took %v, want 100 s: the first has all the long items", d)
		}
		if d := took(lab.Dynamic(), lab.Chunk(1)); d > 35*time.Second {
			t.Errorf("work-sharing took %v, the sum is 130 s for 4 workers", d)
		}
		if d := took(); d > 45*time.Second {
			t.Errorf("automatic batches took %v", d)
		}
	})
}

func TestMapCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := lab.NewPool(1)
		defer p.Close()
		blocker := lab.Submit(t.Context(), p, nap(time.Minute)) // Map's own work never gets a worker
		begin := time.Now()
		_, err := lab.Map(ctx, p, []int{1, 2}, func(context.Context, int) (int, error) { return 0, nil })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
		blocker.Await(t.Context())
	})
	_, err := lab.Map(t.Context(), nil, []int{1}, func(ctx context.Context, _ int) (int, error) { return explode(ctx) })
	wantPanic(t, err, "boom", "lab_test.explode")
	_, err = lab.Map(t.Context(), nil, []int{1}, func(context.Context, int) (int, error) { runtime.Goexit(); return 0, nil })
	if err != lab.ErrGoexit {
		t.Errorf("a Goexit gave %v", err)
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	p := lab.NewPool(3)
	defer p.Close()
	var sum atomic.Int64
	if err := p.Ranges(t.Context(), 1000, func(_ context.Context, lo, hi int) error {
		for i := lo; i < hi; i++ {
			sum.Add(int64(i))
		}
		return nil
	}); err != nil || sum.Load() != 499500 {
		t.Errorf("the sum is %d, error %v", sum.Load(), err)
	}
}

func TestPoolMisuse(t *testing.T) {
	t.Parallel()
	p := lab.NewPool(1)
	defer p.Close()
	id := func(_ context.Context, x int) (int, error) { return x, nil }
	wantMisuse(t, func() { lab.NewPool(0) }, "lab.NewPool: size 0: need at least 1")
	wantMisuse(t, func() { lab.NewPool(1, nil) }, "lab.NewPool: nil option")
	wantMisuse(t, func() { lab.Submit(t.Context(), nil, trivial) }, "lab.Submit: nil pool")
	wantMisuse(t, func() { lab.Submit[int](t.Context(), p, nil) }, "lab.Submit: nil function")
	wantMisuse(t, func() { lab.Submit(nil, p, trivial) }, "lab.Submit: nil context: pass ctx, or context.Background()")
	wantMisuse(t, func() { lab.Chunk(0) }, "lab.Chunk: 0: need at least 1")
	wantUsage(t, p.Shutdown(nil, false), "lab.Pool.Shutdown: nil context: pass ctx, or context.Background()")
	_, err := lab.Map(nil, p, []int{1}, id)
	wantUsage(t, err, "lab.Map: nil context: pass ctx, or context.Background()")
	_, err = lab.Map[int, int](t.Context(), p, nil, nil)
	wantUsage(t, err, "lab.Map: nil function")
	_, err = lab.Map(t.Context(), p, []int{1}, id, nil)
	wantUsage(t, err, "lab.Map: nil option")
	wantUsage(t, p.Ranges(t.Context(), -1, func(context.Context, int, int) error { return nil }), "lab.Pool.Ranges: count -1: need zero or more")
	wantUsage(t, p.Ranges(t.Context(), 1, nil), "lab.Pool.Ranges: nil function")
	if s := p.Stats(); s.Waiting != 0 || s.Running != 0 {
		t.Errorf("refused work is counted: %v", s)
	}
}

// In a notebook the bar is one output that is updated, at most ten times a second.
func TestBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []host.Event
		defer host.Set(host.Host{Show: func(e host.Event) { events = append(events, e) }})()
		b := lab.NewProgress("pages <3", 200)
		if s := b.String(); s != "pages <3: 0/200 (0 %)" {
			t.Errorf("a new bar reads %q", s)
		}
		time.Sleep(2 * time.Second)
		b.Add(50)
		if s := b.String(); s != "pages <3: 50/200 (25 %), 25/s, 6 s left" {
			t.Errorf("a quarter reads %q", s)
		}
		for range 150 {
			b.Add(1)
		}
		time.Sleep(2 * time.Second)
		b.Close()
		b.Close()
		time.Sleep(time.Hour)
		if s := b.String(); s != "pages <3: 200/200 (100 %), 50/s, took 4 s" {
			t.Errorf("the end reads %q", s)
		}
		if len(events) != 3 {
			t.Fatalf("%d drawings, want the first, one of the many and the last", len(events))
		}
		for i, e := range events {
			if e.ID == "" || e.ID != events[0].ID || e.Update != (i > 0) {
				t.Errorf("drawing %d has id %q, update %v", i, e.ID, e.Update)
			}
		}
		if h := fmt.Sprint(events[2].Data["text/html"]); !strings.Contains(h, `value="200" max="200"`) || !strings.Contains(h, "pages &lt;3: 200/200") {
			t.Errorf("the last drawing is %s", h)
		}
	})
	wantMisuse(t, func() { lab.NewProgress("x", -1) }, "lab.NewProgress: total -1: need zero or more")
}

// Map with a label draws such a bar.
func TestMapProgress(t *testing.T) {
	var last host.Event
	defer host.Set(host.Host{Show: func(e host.Event) { last = e }})()
	if _, err := lab.Map(t.Context(), nil, make([]int, 500), func(context.Context, int) (int, error) { return 0, nil }, lab.Progress("squares")); err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprint(last.Data["text/plain"]); !strings.HasPrefix(s, "squares: 500/500 (100 %)") || !last.Update {
		t.Errorf("the last drawing reads %q", s)
	}
}

// Where the front end has widgets the bar is one until it is closed. The last of many steps is drawn, and what stays is
// HTML without a widget.
func TestBarWidget(t *testing.T) {
	for _, total := range []int{100_000, 0} {
		synctest.Test(t, func(t *testing.T) {
			const widget = "application/vnd.jupyter.widget-view+json"
			var mu sync.Mutex
			var events []host.Event
			open := map[string]map[string]any{} // states of what the front end has
			messages := 0
			defer host.Set(host.Host{
				Offers: func(target string) bool { return target == "jupyter.widget.control" },
				Show: func(e host.Event) {
					mu.Lock()
					defer mu.Unlock()
					events = append(events, e)
				},
				Comm: func(c host.Comm) {
					mu.Lock()
					defer mu.Unlock()
					var data struct{ State map[string]any }
					switch json.Unmarshal(c.Data, &data); c.Op {
					case host.CommOpen:
						open[c.ID] = data.State
					case host.CommMessage:
						messages++
						maps.Copy(open[c.ID], data.State)
					default:
						delete(open, c.ID)
					}
				},
			})()
			shown := func(model string) any {
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				for _, s := range open {
					if s["_model_name"] == model {
						return s["value"]
					}
				}
				return nil
			}
			b := lab.NewProgress("pages <3", total)
			if v := shown("IntProgressModel"); v != 0.0 {
				t.Errorf("a new bar shows %v", v)
			}
			for i := range total {
				b.Add(1)
				if i%100 == 99 {
					time.Sleep(time.Millisecond)
				}
			}
			time.Sleep(time.Second)
			if v := shown("IntProgressModel"); v != float64(total) {
				t.Errorf("after all steps the bar shows %v", v)
			}
			if v, ok := shown("LabelModel").(string); !ok || !strings.HasPrefix(v, fmt.Sprintf("%d/%[1]d", total)) {
				t.Errorf("after all steps the text is %q", v)
			}
			b.Close()
			b.Close()
			b.Add(1)
			time.Sleep(time.Second)
			synctest.Wait()
			if len(open) != 0 || messages > 40 {
				t.Errorf("%d messages, and these are left: %v", messages, open)
			}
			if len(events) != 2 || events[0].ID != events[1].ID || !events[1].Update {
				t.Fatalf("%+v", events)
			}
			for i, e := range events {
				if _, ok := e.Data[widget]; ok != (i == 0) {
					t.Errorf("drawing %d: %v", i, e.Data)
				}
				if h := fmt.Sprint(e.Data["text/html"]); !strings.Contains(h, "pages &lt;3: ") || !strings.Contains(h, "<progress") {
					t.Errorf("drawing %d: %s", i, h)
				}
			}
		})
	}
}
