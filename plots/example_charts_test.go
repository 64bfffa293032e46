package plots_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"interleave/plots"
	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// said prints what a figure shows, in words.
func said(f *plots.Figure, err error) {
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Alt())
}

func ExampleSpeedup() {
	said(plots.Speedup(plots.Sweep{Name: "checksums", Points: []plots.SweepPoint{
		{Workers: 1, Median: 80e6}, {Workers: 2, Median: 42e6}, {Workers: 4, Median: 23e6}, {Workers: 8, Median: 15e6},
	}}))
	// Output: Speedup of checksums: 5.33× with 8 workers. Amdahl: serial part 6.6 %, at most 15.2× (off by 3 %). USL: contention σ 3.2 %, coherence κ 0.49 %, best with 14 workers (off by 0.51 %).
}

// What lab measures is drawn as it is.
func ExampleSpeedup_lab() {
	work := func(ctx context.Context, workers int) error {
		return lab.Sleep(ctx, 4*time.Millisecond/time.Duration(workers))
	}
	result, err := lab.Scale(context.Background(), "naps", work, lab.ScaleOptions{
		Workers: []int{1, 2, 4}, Bench: lab.BenchOptions{Repeats: 6, MinTime: time.Millisecond, Warmup: time.Millisecond},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := plots.Speedup(result)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(f.SVG(), "naps · speedup over 1 worker"))
	// Output: true
}

func ExampleSweep_EachPoint() {
	s := plots.Sweep{Name: "checksums", Axis: "cores", Points: []plots.SweepPoint{{Workers: 4, Median: 23e6}}}
	fmt.Println(s.EachPoint(func(workers int, median, lo, hi, confidence float64) { fmt.Println(workers, median) }))
	// Output:
	// 4 2.3e+07
	// checksums cores
}

func ExampleCompare() {
	said(plots.Compare(plots.TimingList{Title: "sum of a million", Rows: []plots.Timing{
		{Name: "one loop", Median: 310e3, Lo: 305e3, Hi: 322e3, Confidence: 0.95},
		{Name: "two goroutines", Median: 165e3, Lo: 160e3, Hi: 171e3, Confidence: 0.95},
		{Name: "unrolled", Median: 300e3, Lo: 296e3, Hi: 309e3, Confidence: 0.95},
	}}, plots.Options{Sorted: true}))
	// Output: Times of sum of a million. two goroutines: 165 µs, 1.88× faster. unrolled: 300 µs, no clear difference. one loop: 310 µs.
}

func ExampleCompare_lab() {
	nap := func(env lab.Env, i int) error { return env.Sleep(time.Millisecond) }
	result, err := lab.Compare(context.Background(), "naps", 4, nap, lab.CompareOptions{
		Ways: []lab.Way{lab.Sequential, lab.Goroutines}, Bench: lab.BenchOptions{Warmup: time.Millisecond},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := plots.Compare(result)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(f.SVG(), "naps, 4 tasks · median"))
	// Output: true
}

func ExampleTogether() {
	first := plots.TimingList{Rows: []plots.Timing{{Name: "before", Median: 2e6}}}
	second := plots.TimingList{Rows: []plots.Timing{{Name: "after", Median: 1e6}}}
	said(plots.Compare(plots.Together("the change", first, second)))
	// Output: Times of the change. before: 2 ms. after: 1 ms, 0.50× the time (no interval).
}

func ExampleTimingList_EachTiming() {
	l := plots.TimingList{Title: "the change", Rows: []plots.Timing{{Name: "before", Median: 2e6}}}
	fmt.Println(l.EachTiming(func(name string, median, lo, hi, confidence float64) { fmt.Println(name, median) }))
	// Output:
	// before 2e+06
	// the change
}

func ExampleLitmus() {
	said(plots.Litmus(plots.Tally{Name: "two increments", Rows: []plots.Outcome{
		{Result: "n = 2", Count: 9_998, Verdict: "acceptable"},
		{Result: "n = 1", Count: 2, Verdict: "forbidden"},
	}}))
	// Output: Litmus test two increments: 10 000 runs. acceptable 9 998, forbidden 2.
}

func ExampleLitmus_lab() {
	type state struct{ ch chan int }
	result, err := lab.Litmus(context.Background(), lab.LitmusTest[state]{
		Name:   "who is first",
		Setup:  func() *state { return &state{make(chan int, 2)} },
		Actors: []func(*state){func(s *state) { s.ch <- 1 }, func(s *state) { s.ch <- 2 }},
		Result: func(s *state) string { return fmt.Sprint(<-s.ch, <-s.ch) },
		Expect: map[string]lab.Verdict{"1 2": lab.Acceptable, "2 1": lab.Acceptable},
	}, 1000)
	if err != nil {
		fmt.Println(err)
		return
	}
	said(plots.Litmus(result))
	// Output: Litmus test who is first: 1 000 runs. acceptable 1 000.
}

func ExampleTally_EachOutcome() {
	t := plots.Tally{Name: "coin", Rows: []plots.Outcome{{Result: "heads", Count: 3, Verdict: "acceptable"}}}
	fmt.Println(t.EachOutcome(func(result string, count int, verdict string) { fmt.Println(result, count, verdict) }))
	// Output:
	// heads 3 acceptable
	// coin
}

func ExampleHistogram() {
	var took plots.Durations
	for i := range 200 {
		took = append(took, time.Duration(100+i)*time.Millisecond)
	}
	said(plots.Histogram(took))
	// Output: Histogram of times: 200 samples, from 100 ms to 299 ms, mean 200 ms, p50 200 ms, p90 280 ms, p99 298 ms.
}

func ExampleHistogram_lab() {
	stats, err := lab.Bench(context.Background(), "nap", func(ctx context.Context) error { return lab.Sleep(ctx, time.Millisecond) },
		lab.BenchOptions{Repeats: 6, MinTime: time.Millisecond, Warmup: time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := plots.Histogram(stats)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(f.SVG(), "nap · 6 samples"))
	// Output: true
}

func ExampleDurations_EachSample() {
	plots.Durations{time.Microsecond}.EachSample(func(ns float64) { fmt.Println(ns) })
	// Output: 1000
}

func ExampleCounters() {
	e, err := timeline.Record(context.Background(), func() {
		ctx := context.Background()
		jobs := lab.NewQueue[int](0).Named("jobs")
		for i := range 3 {
			jobs.Put(ctx, i)
		}
		for range 3 {
			jobs.Get(ctx)
		}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := plots.Counters(e)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(f.Alt(), "jobs: at most 3, mean"))
	// Output: true
}

func ExampleCores() {
	said(plots.Cores(lesson()))
	// Output: Cores over time. wall 3 s · CPU 3 ms · parallelism 0.00 · GOMAXPROCS 2 · 4 goroutines · compiled. core 0: <1 %. core 1: <1 %.
}

func ExampleLockWait() {
	start := time.Now()
	said(plots.LockWait(plots.HoldList{Holds: []timeline.Hold{
		{Lock: "accounts", Who: "teller 1", Asked: start, Hold: 20 * time.Millisecond},
		{Lock: "accounts", Who: "teller 2", Asked: start.Add(5 * time.Millisecond), Wait: 15 * time.Millisecond, Hold: 10 * time.Millisecond},
	}}))
	// Output: Who waited for a lock while who held it: accounts, 2 holds, 1 after waiting, 15 ms in all, at most 15 ms, held 30 ms in all, at most 20 ms, 2 goroutines.
}

func ExampleLockWait_lab() {
	ctx := context.Background()
	accounts := lab.NewLock().Named("accounts").Watch()
	for range 3 {
		accounts.Lock(ctx)
		accounts.Unlock()
	}
	f, err := plots.LockWait(accounts)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.HasPrefix(f.Alt(), "Who waited for a lock while who held it: accounts, 3 holds, no wait"))
	// Output: true
}

// Two locks in one figure: who holds the one and waits for the other has both in its row.
func ExampleLocks() {
	start := time.Now()
	left := plots.HoldList{Holds: []timeline.Hold{{Lock: "left", Who: "ann", Asked: start, Hold: 30 * time.Millisecond}}}
	right := plots.HoldList{Holds: []timeline.Hold{{Lock: "right", Who: "ann", Asked: start, Wait: 10 * time.Millisecond, Hold: 20 * time.Millisecond}}}
	said(plots.LockWait(plots.Locks(left, right)))
	// Output: Who waited for a lock while who held it: left, right, 2 holds, 1 after waiting, 10 ms in all, at most 10 ms, held 50 ms in all, at most 30 ms, 1 goroutine.
}

// A lock that has been used before is drawn for the last second alone.
func ExampleBetween() {
	start := time.Now()
	lock := plots.HoldList{Holds: []timeline.Hold{
		{Lock: "table", Mode: "writing", Who: "early", Asked: start, Hold: time.Second},
		{Lock: "table", Mode: "reading", Who: "ann", Asked: start.Add(time.Hour), Hold: 20 * time.Millisecond},
		{Lock: "table", Mode: "reading", Who: "bob", Asked: start.Add(time.Hour), Hold: 20 * time.Millisecond},
	}}
	said(plots.LockWait(plots.Between(lock, start.Add(time.Minute), time.Time{})))
	// Output: Who waited for a lock while who held it: table, 2 reads, 0 writes, no wait, held 40 ms in all, at most 20 ms, 2 goroutines.
}

func ExampleHoldList_EachHold() {
	l := plots.HoldList{Holds: []timeline.Hold{{Who: "teller", Wait: time.Second, Hold: time.Minute}}, Dropped: 1}
	fmt.Println(l.EachHold(func(h timeline.Hold) { fmt.Println(h.Who, h.Wait, h.Hold) }))
	// Output:
	// teller 1s 1m0s
	// 1
}

func ExampleSweep_RanBy() {
	s := plots.Sweep{Name: "checksums", Engine: "compiled", Points: []plots.SweepPoint{{Workers: 1, Median: 80e6}, {Workers: 2, Median: 40e6}}}
	fmt.Println(s.RanBy())
	said(plots.Speedup(s))
	// Output:
	// compiled
	// Speedup of checksums: 2.00× with 2 workers. Amdahl: serial part 0 % (from 2 points, so it always fits). Engine: compiled.
}

// Rows of different engines say so.
func ExampleTimingList_RanBy() {
	plain := plots.TimingList{Engine: "compiled", Rows: []plots.Timing{{Name: "sum", Median: 1e6}}}
	slow := plots.TimingList{Engine: "yaegi", Rows: []plots.Timing{{Name: "sum", Median: 80e6}}}
	both := plots.Together("sum of a slice", plain, slow)
	fmt.Println(plain.RanBy())
	said(plots.Compare(both))
	// Output:
	// compiled
	// Times of sum of a slice. sum (compiled): 1 ms. sum (yaegi): 80 ms, 80.0× the time (no interval). Engine: compiled and yaegi. Warning: the rows were run by different engines, which may explain differences.
}

// Points beyond the cores are not fitted.
func ExampleSweep_FullAt() {
	s := plots.Sweep{Name: "checksums", Full: 2, Points: []plots.SweepPoint{{Workers: 1, Median: 80e6}, {Workers: 2, Median: 40e6}, {Workers: 4, Median: 40e6}}}
	fmt.Println(s.FullAt())
	said(plots.Speedup(s))
	// Output:
	// 2
	// Speedup of checksums: 2.00× with 4 workers. Beyond 2 workers all cores are busy: the hollow point is not fitted. Amdahl: serial part 0 % (from 2 points, so it always fits).
}

func ExampleSweep_EachFloor() {
	s := plots.Sweep{Points: []plots.SweepPoint{{Workers: 1, Median: 80e6, Lo: 70e6, Hi: 90e6, Confidence: 0.95, Floor: 30e6}}}
	s.EachFloor(func(ns float64) { fmt.Println(ns) })
	// Output: 3e+07
}

func ExampleSweep_EachWarning() {
	s := plots.Sweep{Warnings: []string{"measured on battery"}}
	s.EachWarning(func(warning string) { fmt.Println(warning) })
	// Output: measured on battery
}

// What others took of the cores may be the whole difference, or a part of it.
func ExampleTimingList_EachFloor() {
	l := plots.TimingList{Title: "a busy machine", Rows: []plots.Timing{
		{Name: "before", Median: 2e6, Lo: 1.9e6, Hi: 2.1e6, Confidence: 0.95, Floor: 1e6},
		{Name: "after", Median: 1.2e6, Lo: 1.1e6, Hi: 1.3e6, Confidence: 0.95, Floor: 1e6},
		{Name: "at last", Median: 0.4e6, Lo: 0.3e6, Hi: 0.5e6, Confidence: 0.95, Floor: 0.2e6},
	}}
	l.EachFloor(func(ns float64) { fmt.Println(ns) })
	said(plots.Compare(l))
	// Output:
	// 1e+06
	// 1e+06
	// 200000
	// Times of a busy machine. before: 2 ms. after: 1.2 ms, no clear difference. at last: 400 µs, at least 2.00× faster.
}

func ExampleTimingList_EachWarning() {
	l := plots.TimingList{Title: "the change", Warnings: []string{"measured on battery"}, Rows: []plots.Timing{{Name: "before", Median: 2e6}}}
	l.EachWarning(func(warning string) { fmt.Println(warning) })
	said(plots.Compare(l))
	// Output:
	// measured on battery
	// Times of the change. before: 2 ms. Warning: measured on battery.
}

func ExampleTally_EachWarning() {
	t := plots.Tally{Name: "coin", Warnings: []string{"tossed twice"}, Rows: []plots.Outcome{{Result: "heads", Count: 2, Verdict: "acceptable"}}}
	t.EachWarning(func(warning string) { fmt.Println(warning) })
	// Output: tossed twice
}

func ExampleTally_RanBy() {
	t := plots.Tally{Name: "coin", Engine: "compiled", Rows: []plots.Outcome{{Result: "heads", Count: 3, Verdict: "acceptable"}}}
	fmt.Println(t.RanBy())
	said(plots.Litmus(t))
	// Output:
	// compiled
	// Litmus test coin: 3 runs. acceptable 3. Engine: compiled.
}
