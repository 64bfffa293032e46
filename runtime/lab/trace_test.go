package lab_test

import (
	"context"
	"errors"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// record runs f under the execution tracer. The tracer is one for the process, so tests that use it do not run in parallel.
func record(t *testing.T, f func(ctx context.Context) error) *timeline.Experiment {
	t.Helper()
	var err error
	e, recErr := timeline.Record(t.Context(), func() { err = f(t.Context()) })
	if recErr != nil || err != nil {
		t.Fatal(errors.Join(recErr, err))
	}
	return e
}

func names(e *timeline.Experiment) (names []string) {
	for _, g := range e.Goroutines {
		names = append(names, g.Name)
	}
	return names
}

// What lab starts appears in a recording under the names that the reader of the code would give it.
func TestRecordedNames(t *testing.T) {
	for _, c := range []struct {
		run  func(ctx context.Context) error
		want []string // names of goroutines
		task string   // a trace task
	}{
		{func(ctx context.Context) error { _, err := lab.Gather(ctx, trivial, trivial, trivial); return err }, []string{"lab.Gather[0]", "lab.Gather[1]", "lab.Gather[2]"}, "lab.Gather"},
		{func(ctx context.Context) error {
			_, err := lab.Go(ctx, trivial, lab.Named("download")).Await(ctx)
			return err
		}, []string{"download"}, "download"},
		{func(ctx context.Context) error {
			p := lab.NewPool(1, lab.PoolName("cruncher"))
			defer p.Close()
			_, err := lab.Map(ctx, p, []int{1, 2, 3}, square)
			return err
		}, []string{"cruncher worker 0"}, "lab.Map 0"},
		{func(ctx context.Context) error {
			p, err := lab.NewProcPool(ctx, 1)
			if err != nil {
				return err
			}
			defer p.Close()
			_, err = lab.Map(ctx, p, []int{1, 2, 3}, squareOf)
			return err
		}, []string{"processes caller 0"}, "lab.Map 0"},
		{func(ctx context.Context) error {
			g := lab.NewGroup(ctx)
			g.Go(func(context.Context) error { return nil })
			return g.Wait()
		}, []string{"lab.Group"}, ""},
		{func(ctx context.Context) error {
			return lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
				task := lab.LoopGo(co, "reader", func(co *lab.Coro) (int, error) {
					return 0, co.Await(func(context.Context) error { return nil })
				})
				_, err := task.Await(co)
				return err
			})
		}, []string{"event loop main", "reader", "reader outside"}, ""},
		{func(ctx context.Context) error {
			_, err := lab.NewFlight(func(context.Context, int) (int, error) { return 1, nil }).Get(ctx, 1)
			return err
		}, []string{"lab.Flight"}, ""},
		{func(ctx context.Context) error {
			_, err := lab.NewGIL(0).Thread(ctx, "thread 1", func(context.Context, *lab.GILThread) error { return nil }).Await(ctx)
			return err
		}, []string{"thread 1"}, "thread 1"},
		{func(ctx context.Context) error {
			return lab.Each(ctx, 200, func(context.Context, int) error { return nil })
		}, []string{"lab.Each"}, "lab.Each"}, // too many for names of their own
	} {
		e := record(t, c.run)
		all := names(e)
		for _, want := range c.want {
			if !slices.Contains(all, want) {
				t.Errorf("no goroutine is called %q; there are %q", want, slices.Compact(slices.Sorted(slices.Values(all))))
			}
		}
		if c.task != "" && !slices.ContainsFunc(e.Events, func(ev timeline.Event) bool { return ev.Kind == timeline.EventTask && ev.Name == c.task }) {
			t.Errorf("no trace task is called %q", c.task)
		}
	}
}

// What Compare starts is known by the user's line, and by nothing of lab's own files.
func TestRecordedPlaces(t *testing.T) {
	e := record(t, func(ctx context.Context) error {
		_, err := lab.Compare(ctx, "naps", 3, func(env lab.Env, i int) error { return env.Sleep(time.Millisecond) },
			lab.CompareOptions{Bench: lab.BenchOptions{Repeats: 1, Warmup: 1, MinTime: 1}})
		return err
	})
	if all := names(e); !slices.Contains(all, "event loop main") || !slices.Contains(all, "event loop main.2") {
		t.Errorf("no tasks of an event loop in %q", all)
	}
	internal := regexp.MustCompile(`^(loop|each|gil|pool|compare|benchmark|waitgroup)\.go:`)
	for _, g := range e.Goroutines {
		if !g.Main && !strings.HasPrefix(g.Line, "trace_test.go:") {
			t.Errorf("%q was started at %q", g.Label(), g.Line)
		}
		for _, s := range g.Spans {
			if internal.MatchString(s.Line) || strings.HasPrefix(s.Reason, "lab.loop") {
				t.Errorf("%q stood at %q in %q", g.Label(), s.Line, s.Reason)
			}
		}
	}
}

// Queues, locks and semaphores tell the recording how their numbers change.
func TestRecordedCounters(t *testing.T) {
	ran, lock := false, lab.NewLock().Named("till")
	e := record(t, func(ctx context.Context) error {
		q := lab.NewQueue[int](0).Named("orders")
		for i := range 3 {
			if err := q.Put(ctx, i); err != nil {
				return err
			}
		}
		if _, err := q.Get(ctx); err != nil {
			return err
		}
		s := lab.NewSemaphore(2).Named("seats")
		if err := s.Acquire(ctx, 2); err != nil {
			return err
		}
		s.Release(2)
		return lab.Each(ctx, 2, func(ctx context.Context, i int) error {
			if err := lock.Lock(ctx); err != nil {
				return err
			}
			defer lock.Unlock()
			for lock.Stats().Waiting == 0 && lock.Stats().Contended == 0 {
				if err := lab.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if _, err := lab.Map(t.Context(), nil, []int{1}, square); err != nil { // not recorded any more
		t.Error(err)
	}
	pool := lab.NewPool(1, lab.PoolName("desk"))
	defer pool.Close()
	for _, ev := range record(t, func(ctx context.Context) error {
		_, err := lab.Submit(ctx, pool, trivial).Await(ctx)
		return err
	}).Events {
		if ev.Name == lab.CounterCategory && ev.Text == "1 desk running" {
			ran = true
		}
	}
	if !ran {
		t.Error("the pool did not say that it ran something")
	}
	var said []string
	for _, ev := range e.Events {
		if ev.Name == lab.CounterCategory {
			said = append(said, ev.Text)
		}
	}
	want := "1 orders, 2 orders, 3 orders, 2 orders, 2 seats held, 0 seats held, 1 till waiting, 0 till waiting"
	if got := strings.Join(said, ", "); got != want {
		t.Errorf("the counters said %q, want %q", got, want)
	}
	events, _ := lock.History() // while a recording runs every lock is watched
	if len(events) != 2 || !strings.Contains(events[0].Line, "trace_test.go:") || events[1].Wait <= 0 {
		t.Errorf("the lock was watched as %+v", events)
	}
}

// The recording tells a sleep from a wait for a lock, though both are channels inside.
func TestRecordedStates(t *testing.T) {
	e := record(t, func(ctx context.Context) error {
		lock := lab.NewLock()
		if err := lock.Lock(ctx); err != nil {
			return err
		}
		waiter := lab.Go(ctx, func(ctx context.Context) (int, error) { return 0, lock.Lock(ctx) }, lab.Named("waiter"))
		for lock.Stats().Waiting == 0 { // a busy machine may give the waiter its core late
			runtime.Gosched()
		}
		sleeper := lab.Go(ctx, nap(50*time.Millisecond), lab.Named("sleeper"))
		if _, err := sleeper.Await(ctx); err != nil {
			return err
		}
		lock.Unlock()
		_, err := waiter.Await(ctx)
		return err
	})
	for name, want := range map[string]timeline.State{"waiter": timeline.Locked, "sleeper": timeline.Sleeping} {
		i := slices.IndexFunc(e.Goroutines, func(g timeline.Goroutine) bool { return g.Name == name })
		if i < 0 {
			t.Errorf("there is no %s in %q", name, names(e))
			continue
		}
		if d := e.Goroutines[i].Totals()[want]; d <= 0 {
			t.Errorf("the %s was never %v: %+v", name, want, e.Goroutines[i].Spans)
		}
	}
}

// Different kinds of waits in lab have different names, also in goroutines that lab starts itself.
func TestRecordedWaits(t *testing.T) {
	srv, err := lab.NewTestServer(lab.Constant(5*time.Millisecond), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	seen := func(e *timeline.Experiment) map[string]bool {
		all := map[string]bool{}
		for _, g := range e.Goroutines {
			for _, s := range g.Spans {
				if s.State.Blocked() {
					all[s.State.String()+", "+s.Reason] = true
				}
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		run  func(ctx context.Context) error
		want []string
		not  []string
	}{
		"one fetch after the other": {func(ctx context.Context) error {
			lab.FetchAll(ctx, srv.URLs(3), lab.FetchOptions{Concurrency: 1})
			return nil
		}, []string{"lock, lab.FetchAll: slot", "network, lab.FetchAll: answer", "waiting for others, lab.FetchAll"}, nil},
		"a place at the host": {func(ctx context.Context) error {
			lab.FetchAll(ctx, srv.URLs(3), lab.FetchOptions{PerHost: 1})
			return nil
		}, []string{"lock, lab.FetchAll: slot"}, nil},
		"a limited fetch": {func(ctx context.Context) error {
			lab.FetchAll(ctx, srv.URLs(3), lab.FetchOptions{Limiter: lab.NewLimiter(500, 1)})
			return nil
		}, []string{"waiting for others, lab.FetchAll: limiter"}, nil},
		"a fetch alone": {func(ctx context.Context) error { return lab.Fetch(ctx, srv.URLs(1)[0], lab.FetchOptions{}).Err }, []string{"network, lab.Fetch: answer"}, nil},
		"sleep":         {func(ctx context.Context) error { return lab.Sleep(ctx, time.Millisecond) }, []string{"sleep, lab.Sleep"}, []string{"select, select"}},
		"between two tries": {func(ctx context.Context) error {
			n := 0
			_, err := lab.Retry(ctx, lab.Backoff{First: time.Millisecond}, func(context.Context) (int, error) {
				if n++; n == 1 {
					return 0, errors.New("again")
				}
				return n, nil
			})
			return err
		}, []string{"sleep, lab.Retry"}, nil},
		"a turn on the event loop": {func(ctx context.Context) error {
			return lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
				var due time.Time
				sleeper := lab.LoopGo(co, "sleeper", func(co *lab.Coro) (int, error) {
					due = time.Now().Add(2 * time.Millisecond)
					return 0, co.Sleep(2 * time.Millisecond)
				})
				hog := lab.LoopGo(co, "hog", func(*lab.Coro) (int, error) {
					for time.Now().Before(due.Add(time.Millisecond)) {
						time.Sleep(time.Millisecond)
					}
					return 0, nil
				})
				hog.Await(co)
				_, err := sleeper.Await(co)
				return err
			})
		}, []string{"sleep, lab.Coro.Sleep", "waiting for others, event loop: turn"}, []string{"chan receive, chan receive"}},
	} {
		got := seen(record(t, c.run))
		for _, w := range c.want {
			if !got[w] {
				t.Errorf("%s: no %q in %v", name, w, got)
			}
		}
		for _, w := range c.not {
			if got[w] {
				t.Errorf("%s: %q in %v", name, w, got)
			}
		}
	}
}

// Whoever takes a lock has in its history the name that timeline.Name gave.
func TestHoldersHaveTheirNames(t *testing.T) {
	lock := lab.NewLock().Watch()
	lab.Gather(t.Context(), func(ctx context.Context) (int, error) {
		timeline.Name("philosopher 1")
		return 0, lock.Do(ctx, func() {})
	})
	if h, _ := lock.History(); len(h) != 1 || h[0].Who != "philosopher 1" {
		t.Errorf("%+v", h)
	}
}
