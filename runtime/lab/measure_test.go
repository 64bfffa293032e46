package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

func TestMeasure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := lab.Measure(t.Context(), "nap", func(ctx context.Context) error { return lab.Sleep(ctx, 3*time.Second) })
		if s.Wall != 3*time.Second || s.Err != nil || s.Name != "nap" || !strings.HasPrefix(s.String(), "nap: 3 s, CPU ") {
			t.Errorf("got %v", s)
		}
	})
	var keep []byte
	s := lab.Measure(t.Context(), "make", func(context.Context) error { keep = make([]byte, 1<<20); return nil })
	if s.Bytes < 1<<20 || s.Allocs < 1 || len(keep) == 0 {
		t.Errorf("a megabyte was measured as %v", s)
	}
	s = lab.Measure(t.Context(), "boom", func(ctx context.Context) error { _, err := explode(ctx); return err })
	wantPanic(t, s.Err, "boom", "lab_test.explode")
	wantMisuse(t, func() { lab.Measure(t.Context(), "x", nil) }, "lab.Measure: nil function")
	wantMisuse(t, func() { lab.Measure(nil, "x", nil) }, "lab.Measure: nil context: pass ctx, or context.Background()")
}

// Computing costs CPU time, sleeping does not, and computing twice as long costs about twice as much.
func TestComputeCosts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a second of a core")
	}
	cpu := func(d time.Duration) time.Duration {
		least := time.Hour
		for range 3 {
			least = min(least, lab.Measure(t.Context(), "compute", func(ctx context.Context) error { return lab.Compute(ctx, d) }).CPU)
		}
		return least
	}
	one, two := cpu(30*time.Millisecond), cpu(60*time.Millisecond)
	if one == 0 {
		t.Skip("this system does not tell CPU times")
	}
	if one < 15*time.Millisecond || float64(two) < 1.4*float64(one) {
		t.Errorf("computing 30 ms cost %v, 60 ms %v", one, two)
	}
	wantUsage(t, lab.Compute(nil, 1), "lab.Compute: nil context: pass ctx, or context.Background()")
	wantUsage(t, lab.Compute(t.Context(), -1), "lab.Compute: duration -1 ns: need zero or more")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lab.Compute(ended, time.Hour); err != context.Canceled {
		t.Errorf("with an ended context got %v", err)
	}
}

// The statistics are those of the samples, and the interval holds the median.
func TestBenchProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		times := rapid.SliceOfN(rapid.IntRange(10, 1000), 7, 40).Draw(rt, "times")
		synctest.Test(t, func(t *testing.T) {
			n := 0
			s, err := lab.Bench(t.Context(), "x", func(ctx context.Context) error {
				n++
				return lab.Sleep(ctx, time.Duration(times[(n-2+len(times))%len(times)])*time.Millisecond)
			}, lab.BenchOptions{Repeats: len(times), MaxTime: time.Hour, Warmup: 1})
			if err != nil || len(s.Samples) != len(times) || s.Calls != 1 {
				t.Fatalf("got %d samples of %d calls, error %v", len(s.Samples), s.Calls, err)
			}
			for i, ms := range times {
				if s.Samples[i] != float64(ms)*1e6 {
					t.Fatalf("sample %d is %v, want %d ms", i, s.Samples[i], ms)
				}
			}
			sorted := slices.Sorted(slices.Values(s.Samples))
			k := len(sorted)
			if want := (sorted[(k-1)/2] + sorted[k/2]) / 2; math.Abs(s.Median-want) > 1 {
				t.Errorf("the median of %v is %v, want %v", sorted, s.Median, want)
			}
			if s.Lo > s.Median || s.Hi < s.Median || s.Confidence < 0.95 || len(s.Warnings) > 0 {
				t.Errorf("interval %v to %v around %v, confidence %v, warnings %v", s.Lo, s.Hi, s.Median, s.Confidence, s.Warnings)
			}
		})
	})
}

func TestBench(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s, err := lab.Bench(t.Context(), "short", func(ctx context.Context) error { calls++; return lab.Sleep(ctx, time.Millisecond) },
			lab.BenchOptions{Repeats: 3, MinTime: 10 * time.Millisecond})
		if err != nil || s.Calls != 10 || len(s.Samples) != 3 || s.Median != 1e6 || len(s.Warnings) == 0 || s.Confidence != 0 {
			t.Errorf("got %+v, %v", s, err)
		}
		if text := s.String(); !strings.HasPrefix(text, "short: 1 ms, 3 samples of 10 calls") {
			t.Errorf("it reads %q", text)
		}
		s, err = lab.Bench(t.Context(), "long", func(ctx context.Context) error { return lab.Sleep(ctx, time.Second) }, lab.BenchOptions{MaxTime: 4 * time.Second})
		if err != nil || len(s.Samples) != 3 {
			t.Errorf("in 4 s got %d samples of 1 s, %v", len(s.Samples), err)
		}
		own := errors.New("own")
		n := 0
		_, err = lab.Bench(t.Context(), "fails", func(ctx context.Context) error {
			if n++; n == 5 {
				return own
			}
			return lab.Sleep(ctx, time.Second)
		}, lab.BenchOptions{})
		if !errors.Is(err, own) || err.Error() != "fails: own" || n != 5 {
			t.Errorf("got %v after %d calls", err, n)
		}
	})
	fast, err := lab.Bench(t.Context(), "fast", func(context.Context) error { return nil }, lab.BenchOptions{Repeats: 6, Warmup: time.Millisecond, MinTime: time.Millisecond})
	if err != nil || fast.Calls < 2 {
		t.Errorf("nothing was called %d times, %v", fast.Calls, err)
	}
	_, err = lab.Bench(t.Context(), "x", nil, lab.BenchOptions{})
	wantUsage(t, err, "lab.Bench: nil function")
	ok := func(context.Context) error { return nil }
	_, err = lab.Bench(nil, "x", ok, lab.BenchOptions{})
	wantUsage(t, err, "lab.Bench: nil context: pass ctx, or context.Background()")
	_, err = lab.Bench(t.Context(), "x", ok, lab.BenchOptions{Repeats: -1})
	wantUsage(t, err, "lab.Bench: -1 repeats: need zero (for the default) or more")
	_, err = lab.Bench(t.Context(), "x", ok, lab.BenchOptions{Confidence: 1})
	wantUsage(t, err, "lab.Bench: confidence 1: need a value between 0 and 1")
	_, err = lab.Bench(t.Context(), "x", ok, lab.BenchOptions{Warmup: -1})
	wantUsage(t, err, "lab.Bench: warm-up -1 ns: need zero or more")
}

func TestDiffers(t *testing.T) {
	t.Parallel()
	a, b, c := lab.Stats{}, lab.Stats{}, lab.Stats{}
	for i := range 12 {
		a.Samples = append(a.Samples, 100+float64(i))
		b.Samples = append(b.Samples, 100.5+float64(i))
		c.Samples = append(c.Samples, 200+float64(i))
	}
	if !a.Differs(c) || a.Differs(b) || a.Differs(lab.Stats{}) {
		t.Error("Differs does not tell much from little")
	}
}

func TestScale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := lab.Scale(t.Context(), "work", func(ctx context.Context, workers int) error {
			return lab.Sleep(ctx, time.Second+time.Second*9/time.Duration(workers)) // Amdahl: a tenth cannot be shared
		}, lab.ScaleOptions{Workers: []int{1, 3, 9}, Bench: lab.BenchOptions{Repeats: 6, MaxTime: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []float64{1, 2.5, 5} {
			if got := s.Points[i].Speedup; math.Abs(got-want) > 1e-9 {
				t.Errorf("speedup with %d workers is %v, want %v", s.Points[i].Workers, got, want)
			}
		}
		want := "work\nworkers  time  from    to  speedup\n" +
			"1        10 s  10 s  10 s     1.00\n" +
			"3         4 s   4 s   4 s     2.50\n" +
			"9         2 s   2 s   2 s     5.00"
		if s.String() != want {
			t.Errorf("the table is\n%s", s)
		}
		if md := s.Markdown(); !strings.HasPrefix(md, "**work**\n\n| workers | time | from | to | speedup |\n|---|---:|---:|---:|---:|\n| 1 | 10 s |") {
			t.Errorf("the table is\n%s", md)
		}
	})
	_, err := lab.Scale(t.Context(), "x", nil, lab.ScaleOptions{})
	wantUsage(t, err, "lab.Scale: nil function")
	_, err = lab.Scale(t.Context(), "x", func(context.Context, int) error { return nil }, lab.ScaleOptions{Workers: []int{0}})
	wantUsage(t, err, "lab.Scale: 0 workers: need at least 1")
}

// With Procs the work sees the cores it is measured with, and afterwards everything is as it was.
func TestScaleProcs(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	s, err := lab.Scale(t.Context(), "look", func(_ context.Context, workers int) error {
		if n := runtime.GOMAXPROCS(0); n != workers {
			return fmt.Errorf("%d cores of %d", n, workers)
		}
		return nil
	}, lab.ScaleOptions{Workers: []int{1, 3}, Procs: true, Bench: lab.BenchOptions{Repeats: 1, Warmup: 1, MinTime: 1}})
	if err != nil || len(s.Points) != 2 || runtime.GOMAXPROCS(0) != before || !strings.HasPrefix(s.String(), "look\ncores") {
		t.Errorf("got %v, %v; GOMAXPROCS is %d", s, err, runtime.GOMAXPROCS(0))
	}
}

// Every state meets every actor once, and the counts add up.
func TestLitmusProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		actors := rapid.IntRange(2, 4).Draw(rt, "actors")
		runs := rapid.IntRange(1, 5000).Draw(rt, "runs")
		type state struct{ order, first atomic.Int32 }
		test := lab.LitmusTest[state]{
			Name: "who is first",
			Result: func(s *state) string {
				if n := s.order.Load(); int(n) != actors {
					rt.Errorf("%d of %d actors met a state", n, actors)
				}
				return fmt.Sprint(s.first.Load())
			},
			Expect: map[string]lab.Verdict{"0": lab.Acceptable, "9": lab.Forbidden},
		}
		for a := range actors {
			test.Actors = append(test.Actors, func(s *state) {
				if s.order.Add(1) == 1 {
					s.first.Store(int32(a))
				}
			})
		}
		table, err := lab.Litmus(t.Context(), test, runs)
		if err != nil || table.Runs != runs {
			rt.Fatalf("%d runs of %d, %v", table.Runs, runs, err)
		}
		sum, last := 0, runs
		for _, r := range table.Rows {
			if sum += r.Count; r.Count > last || r.Share != float64(r.Count)/float64(runs) {
				rt.Errorf("row %+v after one of %d", r, last)
			}
			last = r.Count
			if want := test.Expect[r.Result]; r.Verdict != want {
				rt.Errorf("%s is %v, want %v", r.Result, r.Verdict, want)
			}
		}
		if sum != runs || table.Seen(lab.Forbidden) != 0 || !slices.ContainsFunc(table.Rows, func(r lab.LitmusRow) bool { return r.Result == "9" && r.Count == 0 }) {
			rt.Errorf("%d results of %d runs:\n%v", sum, runs, table)
		}
	})
}

func TestLitmusFails(t *testing.T) {
	t.Parallel()
	type state struct{}
	test := lab.LitmusTest[state]{Actors: []func(*state){func(*state) {}, func(*state) { panic("boom") }}, Result: func(*state) string { return "" }}
	_, err := lab.Litmus(t.Context(), test, 10)
	wantPanic(t, err, "boom", "TestLitmusFails")
	test.Actors[1] = test.Actors[0]
	test.Result = func(*state) string { panic("bang") }
	_, err = lab.Litmus(t.Context(), test, 10)
	wantPanic(t, err, "bang", "TestLitmusFails")
	test.Result = nil
	_, err = lab.Litmus(t.Context(), test, 10)
	wantUsage(t, err, "lab.Litmus: nil Result")
	test.Result = func(*state) string { return "" }
	_, err = lab.Litmus(t.Context(), test, 0)
	wantUsage(t, err, "lab.Litmus: 0 runs: need at least 1")
	test.Actors = test.Actors[:1]
	_, err = lab.Litmus(t.Context(), test, 10)
	wantUsage(t, err, "lab.Litmus: 1 actor: need at least 2")
	test.Actors = nil
	table, err := lab.Litmus(t.Context(), test, 10)
	wantUsage(t, err, "lab.Litmus: no Actors: need at least 2")
	if s := table.String() + table.Markdown(); s != "nothing was measurednothing was measured" {
		t.Errorf("without actors the table reads %q", s)
	}
	test.Actors = []func(*state){nil, nil}
	_, err = lab.Litmus(t.Context(), test, 10)
	wantUsage(t, err, "lab.Litmus: actor 0 of 2 is nil")
}

// Tasks that wait: one after the other they take the sum, in every other way the time of one; a pool as many rounds as it needs.
func TestCompareWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := lab.Compare(t.Context(), "fetch", 6, func(env lab.Env, i int) error {
			if env.Context().Err() != nil {
				t.Error("a task began after its end")
			}
			return env.Sleep(time.Second)
		}, lab.CompareOptions{Pool: 3, Bench: lab.BenchOptions{MaxTime: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		want := "fetch, 6 tasks\nway         time  from   to  speedup\n" +
			"sequential   6 s   6 s  6 s     1.00\n" +
			"goroutines   1 s   1 s  1 s     6.00\n" +
			"pool         2 s   2 s  2 s     3.00\n" +
			"GIL          1 s   1 s  1 s     6.00\n" +
			"event loop   1 s   1 s  1 s     6.00"
		if c.String() != want {
			t.Errorf("the table is\n%s", c)
		}
		if !strings.Contains(c.Markdown(), "| event loop | 1 s |") {
			t.Errorf("the table is\n%s", c.Markdown())
		}
	})
}

// Every way runs every task once, really computing, and hands on an error.
func TestCompareComputing(t *testing.T) {
	t.Parallel()
	own := errors.New("own")
	for _, way := range []lab.Way{lab.Sequential, lab.Goroutines, lab.Pooled, lab.WithGIL, lab.OnLoop} {
		var calls [5]atomic.Int32
		opt := lab.CompareOptions{Ways: []lab.Way{way}, Bench: lab.BenchOptions{Repeats: 1, Warmup: 1, MinTime: 1}}
		_, err := lab.Compare(t.Context(), "work", len(calls), func(env lab.Env, i int) error {
			calls[i].Add(1)
			return env.Compute(50 * time.Microsecond)
		}, opt)
		for i := range calls {
			if n := calls[i].Load(); err != nil || n != calls[0].Load() || n < 2 {
				t.Errorf("%v: task %d ran %d times, task 0 %d times, %v", way, i, n, calls[0].Load(), err)
			}
		}
		if _, err := lab.Compare(t.Context(), "work", 3, func(env lab.Env, i int) error {
			if i == 1 {
				return own
			}
			return env.Sleep(time.Millisecond)
		}, opt); !errors.Is(err, own) {
			t.Errorf("%v: got %v", way, err)
		}
	}
	ok := func(lab.Env, int) error { return nil }
	_, err := lab.Compare(t.Context(), "x", 0, ok, lab.CompareOptions{})
	wantUsage(t, err, "lab.Compare: 0 tasks: need at least 1")
	_, err = lab.Compare(t.Context(), "x", 1, nil, lab.CompareOptions{})
	wantUsage(t, err, "lab.Compare: nil function")
	_, err = lab.Compare(t.Context(), "x", 1, ok, lab.CompareOptions{Pool: -1})
	wantUsage(t, err, "lab.Compare: pool of -1: need zero (for one worker for each core) or more")
	_, err = lab.Compare(t.Context(), "x", 1, ok, lab.CompareOptions{Ways: []lab.Way{9}})
	wantUsage(t, err, "lab.Compare: way 9 is not one of Sequential, Goroutines, Pooled, WithGIL, OnLoop")
}

func TestCPUs(t *testing.T) {
	t.Parallel()
	if c := lab.CPUs(); c.Logical < 1 || c.GOMAXPROCS < 1 || !strings.Contains(c.String(), "core") {
		t.Errorf("got %v", c)
	}
}

func ExampleMeasure() {
	s := lab.Measure(ctx, "nap", func(ctx context.Context) error { return lab.Sleep(ctx, 500*ms) })
	fmt.Println(s.Name, s.Wall.Round(500*ms), s.Err)
	// Output: nap 500ms <nil>
}

func ExampleBench() {
	s, err := lab.Bench(ctx, "sum", func(context.Context) error {
		sum := 0
		for i := range 1000 {
			sum += i
		}
		lab.Keep(sum) // so that the compiler has to compute it
		return nil
	}, lab.BenchOptions{Repeats: 6, MinTime: ms})
	fmt.Println(err, len(s.Samples), s.Lo <= s.Median && s.Median <= s.Hi)
	// Output: <nil> 6 true
}

func ExampleScale() {
	squares := func(ctx context.Context, workers int) error {
		pool := lab.NewPool(workers)
		defer pool.Close()
		return pool.Ranges(ctx, 1000, func(ctx context.Context, lo, hi int) error { return nil })
	}
	s, err := lab.Scale(ctx, "squares", squares, lab.ScaleOptions{Workers: []int{1, 2}, Bench: lab.BenchOptions{Repeats: 2, Warmup: 1}})
	fmt.Println(err, len(s.Points), s.Points[0].Speedup)
	// Output: <nil> 2 1
}

// Two goroutines that add one to the same counter: with an atomic counter nothing is ever lost.
func ExampleLitmus() {
	type state struct{ n atomic.Int32 }
	add := func(s *state) { s.n.Add(1) }
	table, err := lab.Litmus(ctx, lab.LitmusTest[state]{
		Actors: []func(*state){add, add},
		Result: func(s *state) string { return fmt.Sprint("n = ", s.n.Load()) },
		Expect: map[string]lab.Verdict{"n = 2": lab.Acceptable, "n = 1": lab.Forbidden},
	}, 10_000)
	fmt.Println(err)
	for _, r := range table.Rows { // fmt.Println(table) says what may spoil it, too
		fmt.Println(r.Result, "seen", r.Count, "times,", r.Verdict)
	}
	// Output:
	// <nil>
	// n = 2 seen 10000 times, acceptable
	// n = 1 seen 0 times, forbidden
}

func ExampleKeep() {
	s, err := lab.Bench(ctx, "square root", func(context.Context) error {
		lab.Keep(math.Sqrt(2)) // without Keep there would be nothing to measure
		return nil
	}, lab.BenchOptions{Repeats: 6, MinTime: ms, Warmup: ms})
	fmt.Println(err, s.Median > 0)
	// Output: <nil> true
}

func ExampleCompare() {
	c, err := lab.Compare(ctx, "fetch", 4, func(env lab.Env, i int) error {
		return env.Sleep(5 * ms)
	}, lab.CompareOptions{Ways: []lab.Way{lab.Sequential, lab.Goroutines}, Bench: lab.BenchOptions{Repeats: 2, Warmup: 1}})
	for _, r := range c.Rows {
		fmt.Println(r.Way, len(r.Stats.Samples), "samples of all", c.Tasks)
	}
	fmt.Println(err)
	// Output:
	// sequential 2 samples of all 4
	// goroutines 2 samples of all 4
	// <nil>
}

func ExampleCompute() {
	fmt.Println(lab.Compute(ctx, ms)) // a millisecond of work for one core
	// Output: <nil>
}

func ExampleCPUs() {
	fmt.Println(lab.CPUs().GOMAXPROCS > 0)
	// Output: true
}
