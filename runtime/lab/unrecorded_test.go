package lab_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// quick is enough to see how a measurement ends.
var quick = lab.BenchOptions{Repeats: 2, MinTime: 1, Warmup: 1}

// measurements is each kind of measurement of fn.
var measurements = map[string]func(ctx context.Context, fn func(context.Context) error) error{
	"lab.Bench": func(ctx context.Context, fn func(context.Context) error) error {
		_, err := lab.Bench(ctx, "x", fn, quick)
		return err
	},
	"lab.Measure": func(ctx context.Context, fn func(context.Context) error) error { return lab.Measure(ctx, "x", fn).Err },
	"lab.Compare": func(ctx context.Context, fn func(context.Context) error) error {
		_, err := lab.Compare(ctx, "x", 1, func(env lab.Env, _ int) error { return fn(env.Context()) }, lab.CompareOptions{Ways: []lab.Way{lab.Sequential, lab.Sequential}, Bench: quick})
		return err
	},
	"lab.Scale": func(ctx context.Context, fn func(context.Context) error) error {
		_, err := lab.Scale(ctx, "x", func(ctx context.Context, _ int) error { return fn(ctx) }, lab.ScaleOptions{Workers: []int{1, 2}, Bench: quick})
		return err
	},
	"lab.Litmus": func(ctx context.Context, fn func(context.Context) error) error {
		var first sync.Once
		var err error
		_, failed := lab.Litmus(ctx, lab.LitmusTest[int]{
			Actors: []func(*int){func(*int) {}, func(*int) {}},
			Result: func(*int) string { first.Do(func() { err = fn(ctx) }); return "" },
		}, 10)
		return errors.Join(err, failed)
	},
	"lab.Explore": func(ctx context.Context, fn func(context.Context) error) error {
		var err error
		r, failed := lab.Explore(ctx, lab.Exploration[int]{
			Actors: []func(*lab.Actor, *int){func(*lab.Actor, *int) {}, func(*lab.Actor, *int) {}},
			AtEnd:  func(*int) error { err = fn(ctx); return nil },
		})
		return errors.Join(err, failed, r.Broken)
	},
}

// recording runs f under a recorder that records, and returns the experiment.
func recording(t *testing.T, f func()) *timeline.Experiment {
	t.Helper()
	var r timeline.Recorder
	if err := r.Arm(); err != nil {
		t.Fatal(err)
	}
	r.Main("cell[1]")
	timeline.Started()
	f()
	if !timeline.Recording() {
		t.Error("the recording does not go on")
	}
	e, err := r.Stop()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Nothing is recorded while something is measured, however that ends, and everything is afterwards.
func TestUnrecorded(t *testing.T) {
	own := errors.New("own")
	for call, measure := range measurements {
		for end, fn := range map[string]func(ctx context.Context, cancel func()) error{
			"returns":   func(context.Context, func()) error { return nil },
			"fails":     func(context.Context, func()) error { return own },
			"panics":    func(context.Context, func()) error { panic("boom") },
			"exits":     func(context.Context, func()) error { runtime.Goexit(); return nil },
			"cancelled": func(_ context.Context, cancel func()) error { cancel(); return nil },
		} {
			seen, calls := false, 0
			e := recording(t, func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan bool)
				go func() { // runtime.Goexit ends the goroutine that measures, as it ends a cell
					defer close(done)
					err := measure(ctx, func(context.Context) error {
						calls++
						timeline.Started()
						recorded := timeline.Recording()
						if ctx.Err() == nil {
							seen = seen || recorded
						}
						return fn(ctx, cancel)
					})
					if (end == "returns") != (err == nil) && end != "cancelled" {
						t.Errorf("%s of what %s: %v", call, end, err)
					}
				}()
				<-done
				for end == "cancelled" && !timeline.Recording() { // the pause ends with the context, on another goroutine
					runtime.Gosched()
				}
				lab.Gather(t.Context(), trivial)
			})
			if seen || calls == 0 {
				t.Errorf("%s of what %s: called %d times, recorded: %v", call, end, calls, seen)
			}
			if len(e.Gaps) != 1 || !strings.HasPrefix(e.Gaps[0].Why, call+" at unrecorded_test.go:") {
				t.Errorf("%s of what %s: gaps %+v", call, end, e.Gaps)
			}
			if !slices.ContainsFunc(e.Goroutines, func(g timeline.Goroutine) bool { return g.Name == "lab.Gather[0]" && g.Start >= e.Gaps[0].At }) {
				t.Errorf("%s of what %s: what follows is not in %s", call, end, e.Summary())
			}
		}
	}
}

// Measurements at the same time, and within each other, keep the recorder away until the last has ended, and say that they were not alone.
func TestUnrecordedTogether(t *testing.T) {
	const alone = "another measurement ran at the same time"
	e := recording(t, func() {
		inner := make(chan lab.Sample, 1)
		outer := lab.Measure(t.Context(), "outer", func(ctx context.Context) error {
			inner <- lab.Measure(ctx, "inner", func(context.Context) error { return nil })
			if timeline.Recording() {
				t.Error("the end of the inner measurement ended the pause of the outer one")
			}
			return nil
		})
		for _, s := range []lab.Sample{outer, <-inner} {
			if !slices.Contains(s.Warnings, alone) {
				t.Errorf("%s: %q", s.Name, s.Warnings)
			}
		}
	})
	if len(e.Gaps) != 1 || !strings.Contains(e.Gaps[0].Why, " and lab.Measure at ") {
		t.Errorf("gaps %+v", e.Gaps)
	}
	if s := lab.Measure(t.Context(), "alone", func(context.Context) error { return nil }); slices.Contains(s.Warnings, alone) {
		t.Errorf("alone: %q", s.Warnings)
	}
}

// A measurement does not count any more when its context has ended, though its function never returns.
func TestGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	inside, release := make(chan bool), make(chan bool)
	task := lab.Go(t.Context(), func(context.Context) (lab.Sample, error) {
		return lab.Measure(ctx, "hangs", func(context.Context) error { close(inside); <-release; return nil }), nil
	})
	<-inside
	cancel()
	alone := false
	for range 1000 { // the end of a context is seen by another goroutine
		s := lab.Measure(t.Context(), "alone", func(context.Context) error { return nil })
		if alone = !slices.Contains(s.Warnings, "another measurement ran at the same time"); alone {
			break
		}
	}
	if !alone {
		t.Error("a measurement that was given up counts for ever")
	}
	close(release)
	if _, err := task.Await(t.Context()); err != nil {
		t.Error(err)
	}
}

// What was measured while somebody records by hand, or traces, says so; their recording is whole.
func TestRecordedMeasurement(t *testing.T) {
	const traced = "the execution tracer ran while this was measured, which makes hand-overs between goroutines up to three times as slow"
	var around, within lab.Stats
	e := record(t, func(ctx context.Context) (err error) {
		around, err = lab.Bench(ctx, "x", func(ctx context.Context) error { _, err := lab.Gather(ctx, trivial); return err }, quick)
		return err
	})
	if !slices.Contains(names(e), "lab.Gather[0]") || len(e.Gaps) > 0 {
		t.Errorf("recorded %s", e.Summary())
	}
	within, err := lab.Bench(t.Context(), "x", func(ctx context.Context) error {
		_, err := timeline.Record(ctx, func() { time.Sleep(time.Microsecond) })
		if err == nil {
			trace.Start(io.Discard) // and does not stop it
		}
		return nil
	}, quick)
	trace.Stop()
	if err != nil {
		t.Error(err)
	}
	for _, s := range []lab.Stats{around, within} {
		if !slices.Contains(s.Warnings, traced) || !strings.Contains(s.String(), "\nwarning: "+traced) {
			t.Errorf("%q", s.Warnings)
		}
	}
	if s := lab.Measure(t.Context(), "x", func(context.Context) error { return trace.Start(io.Discard) }); !slices.Contains(s.Warnings, traced) {
		t.Errorf("%v", s)
	}
	trace.Stop()
	table, err := lab.Litmus(t.Context(), lab.LitmusTest[int]{Actors: []func(*int){func(*int) {}, func(*int) {}}, Result: func(*int) string { trace.Start(io.Discard); return "" }}, 1)
	trace.Stop()
	if err != nil || !slices.Contains(table.Warnings, traced) || !strings.Contains(table.String(), "\nwarning: "+traced) || !strings.Contains(table.Markdown(), "\nwarning: "+traced) {
		t.Errorf("%v, %v", table, err)
	}
}

// A measurement that an earlier cell left running keeps this one from being recorded, and is named.
func TestUnrecordedFromBefore(t *testing.T) {
	inside, release := make(chan bool), make(chan bool)
	task := lab.Go(t.Context(), func(ctx context.Context) (lab.Sample, error) {
		return lab.Measure(ctx, "long", func(context.Context) error { close(inside); <-release; return nil }), nil
	})
	<-inside
	var r timeline.Recorder
	if err := r.Arm(); err != nil {
		t.Fatal(err)
	}
	lab.Gather(t.Context(), trivial)
	if e, err := r.Stop(); e != nil || !errors.Is(err, timeline.ErrPaused) || !strings.Contains(err.Error(), "lab.Measure at unrecorded_test.go:") {
		t.Errorf("got %v, %v", e, err)
	}
	close(release)
	if _, err := task.Await(t.Context()); err != nil {
		t.Error(err)
	}
}

// In a bubble recording takes no time, so it is not paused.
func TestRecordedInBubble(t *testing.T) {
	e := recording(t, func() {
		synctest.Test(t, func(t *testing.T) {
			s := lab.Measure(t.Context(), "nap", func(ctx context.Context) error { return lab.Sleep(ctx, time.Hour) })
			if s.Wall != time.Hour || len(s.Warnings) > 0 {
				t.Errorf("%v", s)
			}
		})
	})
	if len(e.Gaps) > 0 {
		t.Errorf("gaps %+v", e.Gaps)
	}
}
