package timeline_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/host"
	"interleave/runtime/timeline"
)

// states are the different states and reasons of a goroutine's spans, but for those of running, of waiting for a core and of the
// collector, which may come at any time.
func states(g *timeline.Goroutine) (all []string) {
	for _, s := range g.Spans {
		if words := s.State.String() + ": " + s.Reason; s.State.Blocked() && s.State != timeline.GC && !slices.Contains(all, words) {
			all = append(all, words)
		}
	}
	return all
}

// TestPull: the coroutine of iter.Pull is a goroutine with a row of its own, and each of the two waits for the other.
func TestPull(t *testing.T) {
	onProcs(t, func(t *testing.T) {
		e := record(t, func() {
			next, stop := iter.Pull(func(yield func(int) bool) {
				for range 3 {
					time.Sleep(time.Microsecond)
					yield(1)
				}
			})
			defer stop()
			next()
			next()
		})
		co := named(t, e, "iter.Pull")
		if !strings.HasPrefix(co.Line, "kinds_test.go:") || co.Parent != e.Goroutines[0].ID || co.Alive {
			t.Errorf("%+v", co)
		}
		if co.Totals()[timeline.Running] <= 0 {
			t.Error("the coroutine never ran")
		}
		if got := states(co); !slices.Contains(got, "waiting for others: iter.Pull") || !slices.Contains(got, "sleep: sleep") || len(got) != 2 {
			t.Errorf("the coroutine was in %q", got)
		}
		if got := states(&e.Goroutines[0]); !slices.Equal(got, []string{"waiting for others: iter.Pull"}) {
			t.Errorf("its caller was in %q", got)
		}
	})
}

// TestOldPull: a coroutine that is older than the recording waits in iter.Pull, too.
func TestOldPull(t *testing.T) {
	next, stop := iter.Pull(func(yield func(int) bool) {
		for yield(1) {
			time.Sleep(time.Microsecond)
			timeline.Name("coroutine")
		}
	})
	defer stop()
	next()
	e := record(t, func() { next(); next() })
	if got := states(named(t, e, "coroutine")); !slices.Equal(got, []string{"waiting for others: iter.Pull", "sleep: sleep"}) {
		t.Errorf("it was in %q", got)
	}
}

// TestRuntimeCalls: who calls runtime.GC, or allocates during a collection, waits for the collector, not for a lock or a channel.
func TestRuntimeCalls(t *testing.T) {
	onProcs(t, func(t *testing.T) {
		garbage := make([][]byte, 1<<16)
		for i := range garbage {
			garbage[i] = make([]byte, 64)
		}
		e := record(t, func() {
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					timeline.Name("collector")
					runtime.GC()
				})
				wg.Go(func() {
					timeline.Name("allocator")
					var kept [][]byte
					for range 20_000 {
						kept = append(kept, make([]byte, 100))
					}
					runtime.KeepAlive(kept)
				})
			}
			wg.Wait()
		})
		runtime.KeepAlive(garbage)
		called := false
		for i := range e.Goroutines {
			g := &e.Goroutines[i]
			for _, s := range g.Spans {
				if g.Name == "collector" || g.Name == "allocator" {
					called = called || s.Reason == "runtime.GC" && s.State == timeline.GC
					if s.State.Blocked() && s.State != timeline.GC {
						t.Errorf("%s: %v, %q at %s", g.Name, s.State, s.Reason, s.Line)
					}
				}
			}
		}
		if !called {
			t.Error("no goroutine waited in runtime.GC")
		}
	})
}

// TestTurn: the part of a wait that was for the goroutine's turn is a span of its own.
func TestTurn(t *testing.T) {
	for _, c := range []struct {
		ago  time.Duration // when it could have gone on
		want []string
	}{
		{0, []string{"chan receive: chan receive"}},
		{time.Hour, []string{"waiting for others: event loop: turn"}},
	} {
		e := record(t, func() {
			ch, done := make(chan int), make(chan int)
			go func() {
				timeline.Name("task")
				<-ch
				timeline.Turn(c.ago)
				close(done)
			}()
			waitFor(t, "TestTurn", "[chan receive")
			close(ch)
			<-done
		})
		if got := states(named(t, e, "task")); !slices.Equal(got, c.want) {
			t.Errorf("after %v: %q, want %q", c.ago, got, c.want)
		}
	}
}

// TestRegionOrder: a region that is ended too early cuts the recording, and the text names both.
func TestRegionOrder(t *testing.T) {
	e, err := timeline.Record(t.Context(), func() {
		a := trace.StartRegion(context.Background(), "fetch page")
		b := trace.StartRegion(context.Background(), "parse")
		a.End()
		b.End()
	})
	const want = `region "fetch page" was ended before region "parse", which began later in the same goroutine; end "parse" first`
	if err != nil || e.Cut != want {
		t.Errorf("%v, %q; want %q", err, e.Cut, want)
	}
	if len(e.Events) != 2 || !e.Events[0].Open || !e.Events[1].Open {
		t.Errorf("events: %+v", e.Events)
	}
}

// TestBubble: in a bubble the tracer must not start on the goroutine that asks for it. On another one it can, and the caption names the
// kind of time.
func TestBubble(t *testing.T) {
	hour := func() {
		var wg sync.WaitGroup
		wg.Go(func() { time.Sleep(time.Hour) })
		wg.Wait()
	}
	synctest.Test(t, func(t *testing.T) {
		if _, err := timeline.Record(context.Background(), hour); !errors.Is(err, timeline.ErrBubble) {
			t.Errorf("in a bubble: %v", err)
		}
	})

	asks, done := make(chan func()), make(chan bool)
	go func() {
		for f := range asks {
			f()
			done <- true
		}
	}()
	defer close(asks)
	defer host.Set(host.Host{Outside: func(f func()) { asks <- f; <-done }})()
	synctest.Test(t, func(t *testing.T) {
		e, err := timeline.Record(context.Background(), hour)
		if err != nil || e.Cut != "" || len(e.Goroutines) != 2 || e.Start.Year() < 2020 || e.Wall > time.Minute {
			t.Errorf("recorded in a bubble: %v, %+v", err, e)
		}
	})
	var r timeline.Recorder
	if err := r.Arm(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		timeline.Started()
		hour()
	})
	if e, err := r.Stop(); err != nil || len(e.Goroutines) != 2 {
		t.Errorf("begun in a bubble: %v, %+v", err, e)
	}
	e := record(t, func() { synctest.Test(t, func(*testing.T) { hour() }) })
	if !e.Bubble || !strings.Contains(e.Caption(), "real time, not the bubble's") {
		t.Errorf("around a bubble: %v, %s", e.Bubble, e.Caption())
	}
	if got := states(&e.Goroutines[0]); !slices.Equal(got, []string{"waiting for others: synctest.Test"}) {
		t.Errorf("around a bubble the caller was in %q", got)
	}
}
