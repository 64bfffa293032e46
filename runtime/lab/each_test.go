package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

// A plan is one function of a Gather: after its delay it returns, fails, panics or exits; a stubborn one ignores its context.
type plan struct {
	delay    time.Duration
	outcome  int
	stubborn bool
}

const (
	returns = iota
	fails
	panics
	exits
)

var plans = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) plan {
	return plan{
		// Whole milliseconds that differ, so that the order of events is known.
		delay:    time.Duration(rapid.IntRange(0, 50).Draw(t, "delay")) * time.Millisecond,
		outcome:  rapid.SampledFrom([]int{returns, returns, returns, fails, panics, exits}).Draw(t, "outcome"),
		stubborn: rapid.Bool().Draw(t, "stubborn"),
	}
}), 0, 12)

type planError int

func (e planError) Error() string { return fmt.Sprintf("plan %d failed", int(e)) }

// distinct spreads the delays so that no two plans end at the same instant.
func distinct(ps []plan) []plan {
	for i := range ps {
		ps[i].delay = ps[i].delay*100 + time.Duration(i+1)
	}
	return ps
}

// fn makes the function of plan i, which counts itself out in ended.
func (p plan) fn(i int, ended *atomic.Int64) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		defer ended.Add(1)
		if p.stubborn {
			time.Sleep(p.delay)
		} else if err := lab.Sleep(ctx, p.delay); err != nil {
			return 0, err
		}
		switch p.outcome {
		case fails:
			return 0, planError(i)
		case panics:
			panic(planError(i))
		case exits:
			runtime.Goexit()
		}
		return i * i, nil
	}
}

// matches reports whether err is how plan i ends by itself.
func (p plan) matches(i int, err error) bool {
	var pe *lab.PanicError
	switch p.outcome {
	case fails:
		return err == error(planError(i))
	case panics:
		return errors.As(err, &pe) && pe.Value == planError(i)
	case exits:
		return err == lab.ErrGoexit
	}
	return err == nil
}

// Whatever the functions do: results are in order, the earliest failure is the error, it cancels those that listen, all have
// ended when Gather returns, and that is as late as the last stubborn one.
func TestGatherProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ps := distinct(plans.Draw(rt, "plans"))
		synctest.Test(t, func(t *testing.T) {
			var ended atomic.Int64
			fns := make([]func(context.Context) (int, error), len(ps))
			first, end := -1, time.Duration(0)
			for i, p := range ps {
				fns[i] = p.fn(i, &ended)
				if p.outcome != returns && (first < 0 || p.delay < ps[first].delay) {
					first = i
				}
			}
			for _, p := range ps {
				if first < 0 || p.stubborn || p.delay < ps[first].delay {
					end = max(end, p.delay)
				} else {
					end = max(end, ps[first].delay)
				}
			}
			begin := time.Now()
			values, err := lab.Gather(t.Context(), fns...)
			if int(ended.Load()) != len(ps) {
				t.Errorf("%d of %d functions had ended", ended.Load(), len(ps))
			}
			if took := time.Since(begin); took != end {
				t.Errorf("took %v, want %v", took, end)
			}
			if first >= 0 {
				if !ps[first].matches(first, err) || values != nil {
					t.Errorf("got %v, %v; want the error of function %d", values, err, first)
				}
				return
			}
			if err != nil || len(values) != len(ps) {
				t.Errorf("got %v, %v", values, err)
			}
			for i, v := range values {
				if v != i*i {
					t.Errorf("result %d is %d", i, v)
				}
			}
		})
	})
}

// GatherAll lets everyone finish in their own time.
func TestGatherAllProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ps := distinct(plans.Draw(rt, "plans"))
		synctest.Test(t, func(t *testing.T) {
			var ended atomic.Int64
			fns := make([]func(context.Context) (int, error), len(ps))
			for i, p := range ps {
				fns[i] = p.fn(i, &ended)
			}
			results := lab.GatherAll(t.Context(), fns...)
			if len(results) != len(ps) {
				t.Fatalf("%d results of %d functions", len(results), len(ps))
			}
			for i, r := range results {
				if !ps[i].matches(i, r.Err) || r.Took != ps[i].delay || (r.Err == nil) != (r.Value == i*i && ps[i].outcome == returns) {
					t.Errorf("result %d of %+v is %+v", i, ps[i], r)
				}
			}
		})
	})
}

// The caller's context cancels everybody, with its cause.
func TestGatherCanceledByCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		nap := func(ctx context.Context) (int, error) { return 0, lab.Sleep(ctx, time.Hour) }
		begin := time.Now()
		_, err := lab.Gather(ctx, nap, nap)
		if !errors.Is(err, why) || !errors.Is(err, context.Canceled) || time.Since(begin) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
		if err != nil && err.Error() != "context canceled: enough" {
			t.Errorf("the error reads %q", err)
		}
		for _, r := range lab.GatherAll(ctx, nap, nap) {
			if !errors.Is(r.Err, why) {
				t.Errorf("a member of GatherAll ended with %v", r.Err)
			}
		}
	})
}

func TestEach(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 7, 5000} {
		seen := make([]atomic.Int32, n)
		if err := lab.Each(t.Context(), n, func(_ context.Context, i int) error { seen[i].Add(1); return nil }); err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			if seen[i].Load() != 1 {
				t.Fatalf("index %d of %d was called %d times", i, n, seen[i].Load())
			}
		}
	}
}

func explode(context.Context) (int, error) { panic("boom") }

func TestPanicCarriesItsStack(t *testing.T) {
	t.Parallel()
	_, err := lab.Gather(t.Context(), explode)
	p := wantPanic(t, err, "boom", "lab_test.explode")
	if text := err.Error(); !regexp.MustCompile(`^panic: boom at \S*each_test.go:\d+ \(in work started at \S*each_test.go:\d+\)$`).MatchString(text) {
		t.Errorf("the error reads %q", text)
	}
	if long := fmt.Sprintf("%+v", err); !strings.Contains(long, string(p.Stack)) {
		t.Errorf("%%+v has no stack: %q", long)
	}
	if lines := strings.Split(string(p.Stack), "\n"); !strings.HasPrefix(lines[1], "interleave/runtime/lab_test.explode") {
		t.Errorf("the stack does not begin where the panic was: %q", lines[1])
	}
	cause := errors.New("cause")
	err = lab.Each(t.Context(), 1, func(context.Context, int) error { panic(cause) })
	if !errors.Is(err, cause) {
		t.Errorf("a panic with an error hides it: %v", err)
	}
}

func TestOnPanic(t *testing.T) {
	var seen atomic.Int32
	value := new(int)
	remove := lab.OnPanic(func(p *lab.PanicError) {
		if p.Value == value {
			seen.Add(1)
		}
	})
	crash := func(context.Context) (int, error) { panic(value) }
	lab.GatherAll(t.Context(), crash, crash)
	remove()
	lab.GatherAll(t.Context(), crash)
	if seen.Load() != 2 {
		t.Errorf("the hook saw %d panics, want 2", seen.Load())
	}
	wantMisuse(t, func() { lab.OnPanic(nil) }, "lab.OnPanic: nil function")
}

func TestEachMisuse(t *testing.T) {
	t.Parallel()
	ok := func(context.Context, int) error { return nil }
	var none func(context.Context) (int, error)
	//lint:ignore SA1012 that is the mistake
	wantUsage(t, lab.Each(nil, 1, ok), "lab.Each: nil context: pass ctx, or context.Background()")
	wantUsage(t, lab.Each(t.Context(), -1, ok), "lab.Each: count -1: need zero or more")
	wantUsage(t, lab.Each(t.Context(), 1, nil), "lab.Each: nil function")
	_, err := lab.Gather(nil, trivial)
	wantUsage(t, err, "lab.Gather: nil context: pass ctx, or context.Background()")
	_, err = lab.Gather(t.Context(), trivial, none)
	wantUsage(t, err, "lab.Gather: function 1 of 2 is nil")
	wantMisuse(t, func() { lab.GatherAll(nil, trivial) }, "lab.GatherAll: nil context: pass ctx, or context.Background()")
	wantMisuse(t, func() { lab.GatherAll(t.Context(), none) }, "lab.GatherAll: function 0 of 1 is nil")
}
