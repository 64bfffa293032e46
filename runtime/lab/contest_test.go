package lab

//lint:file-ignore SA4017 it uses a core, which is what is wanted of it

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/quantity"
)

// A machine stands in for the one that measurements run on: its functions take time of a bubble's clock, and wait for a core as long as
// the test says.
type machine struct {
	cores          int
	cpu, waited    time.Duration // of the measured process
	others, stolen time.Duration
	throttled      time.Duration
	waitsUnknown   bool
	recording      bool
	computing      int
	start          time.Time
}

func (m *machine) instruments() instruments {
	m.start = time.Now()
	return instruments{
		read: func() counters {
			c := counters{
				at: time.Now(), cpu: m.cpu, cpuBehind: m.cpu, cores: m.cores, all: time.Since(m.start) * time.Duration(m.cores), busy: m.cpu + m.others,
				stolen: m.stolen, throttled: m.throttled,
			}
			if !m.waitsUnknown {
				c.waited = map[int]time.Duration{1: m.waited, 2: time.Hour}
			}
			return c
		},
		recording: func() bool { return m.recording },
		computing: func() int { return m.computing },
		step:      func() time.Duration { return 50 },
		empty:     func() float64 { return 2 },
	}
}

// work computes for a while, and waits for the core before, which another process has.
func (m *machine) work(compute, wait time.Duration) {
	time.Sleep(compute + wait)
	m.cpu += compute
	m.waited += wait
	m.others += wait
}

// contest measures functions side by side in a bubble and returns their stats and the warnings.
func contest(t *testing.T, m *machine, opt BenchOptions, fns ...func(round int)) (all []Stats, warnings []string) {
	t.Helper()
	var err error
	synctest.Test(t, func(t *testing.T) {
		from := here(0)
		b := bench{call: "lab.Bench", from: &from}
		for i, fn := range fns {
			round := -1 // the warm-up is one
			b.all = append(b.all, &contender{name: fmt.Sprint("way ", i), users: fn, fn: func(context.Context) error {
				fn(round)
				round++
				return nil
			}})
		}
		if opt.Warmup == 0 {
			opt.Warmup = 1
		}
		opt.MaxTime = time.Hour
		warnings, err = b.run(t.Context(), opt, m.instruments())
		for _, c := range b.all {
			all = append(all, c.stats)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, warnings
}

const ms = time.Millisecond

// Equal work is never called faster because of what others took, whichever way is hit, and however much. A difference that is more than
// that is found.
func TestContestDisturbed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		waits := rapid.SliceOfN(rapid.IntRange(0, 50), 20, 20).Draw(rt, "waits")
		hit := rapid.IntRange(0, 2).Draw(rt, "hit") // one way, or both
		factor := rapid.SampledFrom([]int{1, 1, 3, 20}).Draw(rt, "factor")
		m := &machine{cores: 2}
		wait := func(i, round int) time.Duration {
			if hit == i || hit == 2 {
				return time.Duration(waits[(round+1+7*i)%20]) * ms
			}
			return 0
		}
		all, _ := contest(t, m, BenchOptions{Repeats: 9},
			func(round int) { m.work(10*ms*time.Duration(factor), wait(0, round)) }, func(round int) { m.work(10*ms, wait(1, round)) })
		a, b := &all[0], &all[1]
		if a.floor() > float64(10*ms)*float64(factor)*1.0001 || b.floor() > float64(10*ms)*1.0001 {
			t.Fatalf("the least time is %v and %v of %v", quantity.Nanoseconds(a.floor()), quantity.Nanoseconds(b.floor()), m)
		}
		verdict := b.ratio(a)
		switch {
		case factor == 1 && verdict != "not clear":
			// Without any wait both take exactly as long.
			t.Fatalf("equal work with waits %v of way %d: %s; %+v %+v", waits, hit, verdict, a, b)
		case factor == 20 && hit == 0 && (verdict == "not clear" || a.Differs(*b) != true):
			t.Fatalf("20 times the work with waits %v: %s", waits, verdict)
		case factor > 1 && (strings.HasPrefix(verdict, "at most") || strings.HasPrefix(verdict, "0")):
			t.Fatalf("less work is called slower: %s", verdict)
		}
		if factor == 1 && a.Differs(*b) && (a.floor() < a.Lo || b.floor() < b.Lo) {
			t.Fatalf("equal work differs, with waits %v of way %d", waits, hit)
		}
	})
}

// A machine that becomes slower slows all ways alike.
func TestContestDrift(t *testing.T) {
	t.Parallel()
	m := &machine{cores: 2}
	at := 0
	drift := func(int) { at++; m.work(10*ms+time.Duration(at)*ms, 0) }
	all, _ := contest(t, m, BenchOptions{Repeats: 12}, drift, drift, drift)
	for i := range all {
		if v := all[i].ratio(&all[0]); i > 0 && v != "not clear" {
			t.Errorf("way %d is %s times faster: %v and %v", i, v, all[i].Samples, all[0].Samples)
		}
		if len(all[i].Samples) != 12 || !slices.IsSorted(all[i].Samples) {
			t.Errorf("the samples are %v", all[i].Samples)
		}
	}
}

// Each round takes one sample of each, and time that has run out ends no round halfway.
func TestContestRounds(t *testing.T) {
	t.Parallel()
	var order []int
	synctest.Test(t, func(t *testing.T) {
		from := here(0)
		b := bench{call: "lab.Bench", from: &from}
		for i := range 3 {
			b.all = append(b.all, &contender{name: fmt.Sprint(i), fn: func(context.Context) error {
				order = append(order, i)
				time.Sleep(time.Second)
				return nil
			}})
		}
		if _, err := b.run(t.Context(), BenchOptions{MaxTime: 4 * time.Second, Repeats: 100}, new(machine).instruments()); err != nil {
			t.Fatal(err)
		}
	})
	if len(order) != 12 { // 3 s of warm-up, and rounds of 3 s that begin before 12 s
		t.Fatalf("called %v", order)
	}
	for round := range slices.Chunk(order, 3) {
		if s := slices.Sorted(slices.Values(round)); !slices.Equal(s, []int{0, 1, 2}) {
			t.Errorf("a round called %v", round)
		}
	}
}

// The warning names what others took, and what follows from it.
func TestContestWarnings(t *testing.T) { // not in parallel: it is to be the only measurement
	for name, c := range map[string]struct {
		m       machine
		wait    time.Duration
		each    func(m *machine) // beside each call of the first way
		opt     BenchOptions
		single  bool
		want    []string
		noFloor bool
	}{
		"quiet": {m: machine{cores: 2}},
		"busy": {m: machine{cores: 2}, wait: 20 * ms,
			want: []string{"other processes used 33 % of the 2 cores while this was measured: differences below 3× are not to be trusted"}},
		"busy, one": {m: machine{cores: 2}, wait: 20 * ms, single: true,
			want: []string{"other processes used 33 % of the 2 cores while this was measured: the time may be up to 3 times too long"}},
		"busy, and it does not matter": {m: machine{cores: 2}, each: func(m *machine) { m.others += 8 * ms },
			want: []string{"other processes used 40 % of the 2 cores while this was measured: differences below 1.05× are not to be trusted"}},
		"hopeless": {m: machine{cores: 1}, wait: 990 * ms,
			want: []string{"other processes used 99 % of the 1 core while this was measured: no difference is to be trusted"}},
		"hopeless, one": {m: machine{cores: 1}, wait: 990 * ms, single: true,
			want: []string{"other processes used 99 % of the 1 core while this was measured: the time is not to be trusted"}},
		"stolen": {m: machine{cores: 2}, each: func(m *machine) { m.stolen += 5 * ms },
			want: []string{"the hypervisor took 25 % of the cores' time while this was measured: differences below 2× are not to be trusted"}},
		"throttled": {m: machine{cores: 2}, each: func(m *machine) { m.throttled += 5 * ms },
			want: []string{"the container's CPU limit stopped this process for 200 ms while this was measured: differences below 2× are not to be trusted"}},
		"waits unknown": {m: machine{cores: 2, waitsUnknown: true}, each: func(m *machine) { m.others += 5 * ms },
			want: []string{"other processes used 25 % of the 2 cores while this was measured: differences below 2× are not to be trusted"}},
		"waits and cores unknown": {m: machine{waitsUnknown: true}},
		"cores unknown": {m: machine{}, wait: 10 * ms,
			want: []string{"threads of this process had to wait for cores while this was measured: differences below 2× are not to be trusted"}},
		"recorded": {m: machine{cores: 2, recording: true},
			want: []string{"the execution tracer ran while this was measured, which makes hand-overs between goroutines up to three times as slow"}},
		"recorded for a while": {m: machine{cores: 2}, each: func(m *machine) { m.recording = !m.recording },
			want: []string{"the execution tracer ran while this was measured, which makes hand-overs between goroutines up to three times as slow"}},
		"computing": {m: machine{cores: 2, computing: 2}, want: []string{"2 other goroutines were running when this began"}},
		"few":       {m: machine{cores: 2}, opt: BenchOptions{Repeats: 3}, want: []string{"3 samples: too few for an interval of 95 %"}},
		"one":       {m: machine{cores: 2}, opt: BenchOptions{Repeats: 1}, single: true, want: []string{"1 sample: too few for an interval of 95 %"}},
	} {
		if c.opt.Repeats == 0 {
			c.opt.Repeats = 19 // and the warm-up
		}
		fns := []func(int){func(int) {
			if c.each != nil {
				c.each(&c.m)
			}
			c.m.work(10*ms, c.wait)
		}}
		if !c.single {
			fns = append(fns, fns[0])
		}
		all, got := contest(t, &c.m, c.opt, fns...)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		for _, w := range c.want {
			if !slices.Contains(all[0].Warnings, w) {
				t.Errorf("%s: the single measurement says %q", name, all[0].Warnings)
			}
		}
	}
}

// What is certain of some is not denied because of others.
func TestContestPartly(t *testing.T) {
	m := &machine{cores: 2}
	all, warnings := contest(t, m, BenchOptions{Repeats: 19}, func(int) { m.work(100*ms, 10*ms) }, func(int) { m.work(ms/10, 10*ms) })
	const want = "other processes used 8 % of the 2 cores while this was measured: differences below 1.1× are not to be trusted"
	if v := all[1].ratio(&all[0]); v != "at least 9.90" || len(warnings) != 1 || warnings[0] != want {
		t.Errorf("%s; %q", v, warnings)
	}
}

// In a bubble the machine has no bearing on the times.
func TestContestVirtual(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := systemInstruments()
		if !in.virtual || in.computing() != 0 || in.recording() {
			t.Error("a bubble's clock is not known as that")
		}
		s, err := Bench(t.Context(), "nap", func(context.Context) error { time.Sleep(time.Second); return nil }, BenchOptions{Repeats: 6})
		if err != nil || s.Floor != s.Lo || len(s.Warnings) > 0 {
			t.Errorf("%+v, %v", s, err)
		}
	})
	if systemInstruments().virtual {
		t.Error("the system's clock is taken for a bubble's")
	}
}

// What a slice of computing is can be found out in a bubble, too, whose clock stands still.
func TestComputeInBubble(t *testing.T) {
	known := slice.Swap(0)
	defer slice.Store(known)
	synctest.Test(t, func(t *testing.T) {
		if n := roundsPerSlice(); n > 1_000_000 { // 50 rounds in a nanosecond
			t.Errorf("%d rounds in %v", n, computeSlice)
		}
	})
}

func TestRatios(t *testing.T) {
	t.Parallel()
	stats := func(lo, hi, floor, confidence float64) *Stats {
		return &Stats{Median: (lo + hi) / 2, Lo: lo, Hi: hi, Floor: floor, Confidence: confidence, CPU: 1}
	}
	base := stats(90, 110, 90, 0.95)
	for want, s := range map[string]*Stats{
		"2.00":          stats(45, 55, 45, 0.95),
		"0.50":          stats(190, 210, 190, 0.95),
		"not clear":     stats(80, 95, 70, 0.95),
		"no interval":   stats(45, 55, 45, 0.8),
		"at most 0.61":  stats(190, 210, 180, 0.95),
		"":              {},
		"at most 0.55 ": stats(290, 310, 200, 0.95),
	} {
		if got := s.ratio(base); got != strings.TrimSpace(want) {
			t.Errorf("%v to %v, at least %v: %q, want %q", s.Lo, s.Hi, s.Floor, got, want)
		}
	}
	if got := stats(45, 55, 45, 0.95).ratio(stats(90, 110, 66, 0.95)); got != "at least 1.20" {
		t.Errorf("a base that was disturbed gives %q", got)
	}
	if got := stats(45, 55, 45, 0.95).ratio(stats(90, 110, 0, 0.95)); got != "not clear" {
		t.Errorf("a base of which nothing is certain gives %q", got)
	}
}

// How many workers fill the cores follows from what one uses.
func TestFullAt(t *testing.T) {
	t.Parallel()
	point := func(workers int, wall, cpu float64) ScalePoint {
		return ScalePoint{Workers: workers, Stats: Stats{Median: wall, Lo: wall, Hi: wall, Floor: wall, CPU: cpu}}
	}
	for _, c := range []struct {
		points []ScalePoint
		cores  float64
		want   float64
	}{
		{nil, 2, 0},
		{[]ScalePoint{point(1, 100, 100), point(2, 50, 100)}, 2, 2},
		{[]ScalePoint{point(1, 100, 110)}, 2, 2},  // the collector helped
		{[]ScalePoint{point(1, 100, 50)}, 2, 4},   // waits half of the time
		{[]ScalePoint{point(1, 100, 0.5)}, 2, 0},  // hardly computes
		{[]ScalePoint{point(1, 100, 0)}, 8, 8},    // not known
		{[]ScalePoint{point(4, 25, 100)}, 16, 16}, // begins with four
		{[]ScalePoint{point(2, 50, 100), point(1, 100, 100)}, 1.5, 1.5},
	} {
		if got := fullAt(c.points, c.cores); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%+v on %v cores: full at %v, want %v", c.points, c.cores, got, c.want)
		}
	}
	disturbed := point(1, 200, 100)
	disturbed.Stats.Floor = 100 // it waited half of the time for a core that another process had
	if got := fullAt([]ScalePoint{disturbed}, 2); got != 2 {
		t.Errorf("disturbed: %v", got)
	}
}

// GOMAXPROCS is put back when the context ends, though the function that is measured does not.
func TestProcsPutBack(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	ctx, cancel := context.WithCancel(t.Context())
	inside, release, done := make(chan bool), make(chan bool), make(chan error)
	go func() {
		_, err := Scale(ctx, "hangs", func(context.Context, int) error {
			inside <- true
			<-release
			return nil
		}, ScaleOptions{Workers: []int{before + 1}, Procs: true})
		done <- err
	}()
	<-inside
	if n := runtime.GOMAXPROCS(0); n != before+1 {
		t.Errorf("GOMAXPROCS is %d", n)
	}
	late, end := context.WithCancel(t.Context())
	end()
	if _, _, err := changeProcs(late); !errors.Is(err, context.Canceled) { // another holds it
		t.Errorf("got %v", err)
	}
	cancel()
	procs <- struct{}{} // comes when it was put back
	if n := runtime.GOMAXPROCS(0); n != before {
		t.Errorf("GOMAXPROCS is still %d", n)
	}
	<-procs
	close(release)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := runtime.GOMAXPROCS(0); n != before {
		t.Errorf("in the end GOMAXPROCS is %d", n)
	}
}

func TestLoadFiles(t *testing.T) {
	t.Parallel()
	var c counters
	stat := "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 3 40 5 6 7 8 0 0\ncpu1 100 0 0 0 0 0 0 0 0 0\ncpu2 10 0 0 5 0 0 0 0 0 0\nintr 1 2 3\n"
	c.readCores([]byte(stat), map[int]bool{0: true, 2: true})
	if c.cores != 2 || c.busy != 29*tick || c.stolen != 8*tick || c.all != 87*tick {
		t.Errorf("read %+v", c)
	}
	c = counters{}
	if c.readCores([]byte(stat), nil); c.cores != 3 {
		t.Errorf("of all cores read %+v", c)
	}
	for text, want := range map[string]int{"0-1": 2, "0-3,6": 5, "5": 1, "": -1, "3-x": -1, "0-99999999": -1} {
		if got := coreList(text); len(got) != max(0, want) || (got == nil) != (want < 0) {
			t.Errorf("%q lists %v", text, got)
		}
	}
	if d := schedWait("3984827 3133771 2\n"); d != 3133771 {
		t.Errorf("waited %v", d)
	}
	if schedWait("") != 0 || schedWait("1 x 2") != 0 || throttledTime("nr_throttled 3\nthrottled_usec 1500\n") != 1500*time.Microsecond || throttledTime("usage_usec 1\n") != 0 {
		t.Error("files are misread")
	}
	// A thread that is new counts from zero, and one that has ended no more.
	l := counters{waited: map[int]time.Duration{1: 5, 3: 7}}.since(counters{waited: map[int]time.Duration{1: 2, 2: 100}})
	if l.waited != 10 || !l.waitKnown || l.known() {
		t.Errorf("%+v", l)
	}
}

// The machine at hand is read without error, where it is Linux.
func TestReadCounters(t *testing.T) {
	t.Parallel()
	before := readCounters()
	burn(3_000_000)
	l := readCounters().since(before)
	if l.cpu < 0 || l.took <= 0 || l.waited < 0 || l.stolen < 0 {
		t.Errorf("%+v", l)
	}
	if runtime.GOOS == "linux" && (before.cores < 1 || before.all <= 0) {
		t.Errorf("%+v", before)
	}
}

func TestSampleCores(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Sample{
		"x: 10 µs, too short to measure cores, 0 allocations of 0 B":           {Wall: 10 * time.Microsecond, CPU: 34 * time.Microsecond},
		"x: 15 ms, too short to measure cores, 0 allocations of 0 B":           {Wall: 15 * ms, CPU: 30 * ms},
		"x: 40 ms, CPU 40 ms (1.0 ± 0.3 cores), 0 allocations of 0 B":          {Wall: 40 * ms, CPU: 40 * ms},
		"x: 200 ms, CPU 380 ms (1.9 ± 0.1 cores), 0 allocations of 0 B":        {Wall: 200 * ms, CPU: 380 * ms},
		"x: 2 s, CPU 3.8 s (1.90 cores), 0 allocations of 0 B":                 {Wall: 2 * time.Second, CPU: 3800 * ms},
		"x: 0 s, too short to measure cores, 0 allocations of 0 B, failed: no": {Err: errors.New("no")},
		"x: 2 s, CPU 0 s (0.00 cores), 0 allocations of 0 B\nwarning: w":       {Wall: 2 * time.Second, Warnings: []string{"w"}},
	} {
		s.Name = "x"
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if known := !math.IsNaN(s.Parallelism()); known == strings.Contains(want, "too short") {
			t.Errorf("%s: %v cores", want, s.Parallelism())
		}
	}
}

// Samples that the clock cannot tell from none, and calls that do nothing, are doubted; others are not.
func TestDoubts(t *testing.T) {
	t.Parallel()
	in := new(machine).instruments()
	s := &Stats{Samples: []float64{0}, Median: 0.01, Calls: 1}
	if d := doubts(s, &in); len(d) != 2 || !strings.Contains(d[0], "MinTime") || !strings.Contains(d[1], "lab.Keep") {
		t.Errorf("doubts %q", d)
	}
	s = &Stats{Samples: []float64{1e6}, Median: 1e6, Calls: 5}
	if d := doubts(s, &in); len(d) != 0 {
		t.Errorf("doubts %q", d)
	}
	if step := clockStep(); step <= 0 || step > 100*time.Millisecond {
		t.Errorf("the clock steps by %v", step)
	}
	if ns := emptyCall(); ns <= 0 || ns > 1e5 {
		t.Errorf("an empty call takes %v ns", ns)
	}
}

// A goroutine that computes is seen, and one that ends is not.
func TestComputing(t *testing.T) {
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
		}
	})
	if n := computing(); n < 1 {
		t.Errorf("beside one loop %d goroutines compute", n)
	}
	stop.Store(true)
	wg.Wait()
	for range 100 { // the test's own process has other things to do, too
		if computing() == 0 {
			return
		}
	}
	t.Error("something computes all the time")
}
