package plots_test

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"interleave/plots"
	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// A chart is a figure of numbers that the tests made up.
type chart struct {
	name string
	make func(o ...plots.Options) (*plots.Figure, error)
	o    plots.Options
}

// usl is a sweep that follows the Universal Scalability Law exactly, with intervals of two per cent.
func usl(sigma, kappa float64, workers ...int) plots.Sweep {
	s := plots.Sweep{Name: "checksums of 200 files"}
	for _, n := range workers {
		x := float64(n)
		t := 80e6 * (1 + sigma*(x-1) + kappa*x*(x-1)) / x
		s.Points = append(s.Points, plots.SweepPoint{Workers: n, Median: t, Lo: 0.98 * t, Hi: 1.03 * t, Confidence: 0.95})
	}
	return s
}

var ways = plots.TimingList{Title: "20 tasks that wait and compute", Rows: []plots.Timing{
	{Name: "sequential", Median: 41.2e6, Lo: 40.9e6, Hi: 42.8e6, Confidence: 0.95},
	{Name: "goroutines", Median: 11.3e6, Lo: 11.1e6, Hi: 12.5e6, Confidence: 0.95},
	{Name: "pool", Median: 21.7e6, Lo: 20.2e6, Hi: 22.9e6, Confidence: 0.95},
	{Name: "GIL", Median: 23.1e6, Lo: 22.0e6, Hi: 26.4e6, Confidence: 0.95},
	{Name: "event loop, one thread, cooperative", Median: 40.1e6, Lo: 39.7e6, Hi: 41.5e6, Confidence: 0.95},
	{Name: "a lock around all", Median: 55.7e6, Lo: 54.0e6, Hi: 59.0e6, Confidence: 0.95},
}}

// by is the first n rows of a list, run by an engine.
func by(engine string, l plots.TimingList, n int) plots.TimingList {
	return plots.TimingList{Rows: l.Rows[:n], Engine: engine}
}

var storeBuffer = plots.Tally{Name: "store buffering", Rows: []plots.Outcome{
	{Result: "x=0 y=1", Count: 512_377, Verdict: "acceptable"}, {Result: "x=1 y=0", Count: 486_731, Verdict: "acceptable"},
	{Result: "x=1 y=1", Count: 874, Verdict: "interesting"}, {Result: "x=0 y=0", Count: 18, Verdict: "forbidden"},
	{Result: "x=2 y=0", Count: 0, Verdict: "unforeseen"},
}}

func scaling(s plots.Scaling) func(o ...plots.Options) (*plots.Figure, error) {
	return func(o ...plots.Options) (*plots.Figure, error) { return plots.Speedup(s, o...) }
}

// parallel is work that so many cores share perfectly, measured with up to 16 workers.
func parallel(cores int, full float64) plots.Sweep {
	s := plots.Sweep{Name: "perfectly parallel work", Full: full}
	for _, n := range []int{1, 2, 4, 8, 16} {
		t := 800e6 / float64(min(n, cores))
		s.Points = append(s.Points, plots.SweepPoint{Workers: n, Median: t, Lo: 0.99 * t, Hi: 1.01 * t, Confidence: 0.95})
	}
	return s
}

const busy = "other processes used 63 % of the 2 cores while this was measured: differences below 3.2× are not to be trusted"

// taken is a scaling of which others took a part.
func taken() plots.Sweep {
	s := usl(0.06, 0.004, 1, 2, 4)
	s.Warnings = []string{busy}
	for i := range s.Points {
		s.Points[i].Floor = s.Points[i].Lo / 3
	}
	return s
}

// measured is an experiment in which something was measured, twice in its midst and once before.
func measured() *timeline.Experiment {
	e := synthetic(6, 50*ms, 3*ms)
	e.Gaps = []timeline.Gap{{At: 0, Took: 12 * ms, Why: "lab.Measure at cell[3]:2"}, {At: 20 * ms, Took: 340 * ms, Why: "lab.Bench at cell[3]:9"}, {At: 35 * ms, Took: 300 * ms, Why: "lab.Bench at cell[3]:9"}}
	return e
}

func comparing(t plots.Timings) func(o ...plots.Options) (*plots.Figure, error) {
	return func(o ...plots.Options) (*plots.Figure, error) { return plots.Compare(t, o...) }
}
func judging(t plots.Outcomes) func(o ...plots.Options) (*plots.Figure, error) {
	return func(o ...plots.Options) (*plots.Figure, error) { return plots.Litmus(t, o...) }
}

var charts = []chart{
	{"speedup", scaling(usl(0.06, 0.004, 1, 2, 4, 6, 8, 12, 16)), plots.Options{}},
	{"speedup-dark", scaling(usl(0.03, 0.0004, 1, 2, 4, 8, 16, 32, 64)), plots.Options{Theme: plots.Dark, Title: "How far does it scale?"}},
	{"speedup-two", scaling(usl(0.1, 0, 1, 2)), plots.Options{}},
	{"speedup-twice", scaling(plots.Sweep{Points: []plots.SweepPoint{{Workers: 1, Median: 10e6}, {Workers: 1, Median: 10.1e6}, {Workers: 2, Median: 5.5e6}}}), plots.Options{}},
	{"speedup-slower", scaling(usl(1, 0.2, 2, 4, 8)), plots.Options{}},
	{"speedup-slower-dark", scaling(plots.Sweep{Name: "a mutex", Points: []plots.SweepPoint{{Workers: 1, Median: 10e6}, {Workers: 2, Median: 15e6}, {Workers: 4, Median: 120e6}}}), plots.Options{Theme: plots.Dark}},
	{"speedup-none", scaling(plots.Sweep{Points: []plots.SweepPoint{{1, 10e6, 9e6, 11e6, 0.95, 0}, {2, 10.5e6, 9.5e6, 12e6, 0, 0}}}), plots.Options{}},
	{"speedup-full", scaling(parallel(8, 8)), plots.Options{}},
	{"speedup-full-dark", scaling(parallel(2, 2)), plots.Options{Theme: plots.Dark}},
	{"speedup-flat", scaling(parallel(8, 0)), plots.Options{}},
	{"speedup-flat-two", scaling(plots.Sweep{Points: parallel(2, 0).Points[:3]}), plots.Options{}},
	{"speedup-unsure", scaling(plots.Sweep{Name: "noise", Points: []plots.SweepPoint{{1, 10e6, 6e6, 14e6, 0.95, 0}, {2, 7e6, 4e6, 11e6, 0.95, 0}}}), plots.Options{}},
	{"speedup-taken-dark", scaling(taken()), plots.Options{Theme: plots.Dark}},
	{"compare-taken", comparing(plots.TimingList{Title: "on a busy machine", Warnings: []string{busy}, Rows: []plots.Timing{
		{"sequential", 40e6, 38e6, 42e6, 0.98, 12e6}, {"as long", 13e6, 12.5e6, 13.5e6, 0.98, 8e6}, {"shorter for certain", 5e6, 4.9e6, 5.1e6, 0.98, 3e6},
		{"longer for certain", 120e6, 110e6, 130e6, 0.98, 84e6}}}), plots.Options{}},
	{"compare-taken-dark", comparing(plots.Together("many doubts", plots.TimingList{Warnings: []string{"a", "b", "c", "d", "e", "a"}, Rows: ways.Rows[:2]})), plots.Options{Theme: plots.Dark}},
	{"litmus-taken", judging(plots.Tally{Name: "coin", Warnings: []string{"2 actors on 1 core take turns"}, Rows: []plots.Outcome{{"heads", 2, "acceptable"}}}), plots.Options{}},
	{"timeline-gap", ofExperiment(plots.Timeline, measured()), plots.Options{}},
	{"timeline-gap-dark", ofExperiment(plots.Timeline, measured()), plots.Options{Theme: plots.Dark}},
	{"compare", comparing(ways), plots.Options{}},
	{"compare-dark", comparing(ways), plots.Options{Theme: plots.Dark, Sorted: true, Title: "Five ways"}},
	{"compare-ran", comparing(plots.Together("three ways", by("compiled", ways, 1), by("yaegi", ways, 1), by("", ways, 1))), plots.Options{}},
	{"speedup-ran", scaling(func() plots.Sweep { s := usl(0.06, 0.004, 1, 2, 4); s.Engine = "compiled"; return s }()), plots.Options{}},
	{"litmus-ran", judging(plots.Tally{Name: "coin", Engine: "compiled", Rows: []plots.Outcome{{"heads", 2, "acceptable"}}}), plots.Options{}},
	{"compare-tiny", comparing(plots.TimingList{Rows: []plots.Timing{{Name: "add", Median: 0.31}, {Name: "atomic add", Median: 5.7}}}), plots.Options{}},
	{"compare-ranges", comparing(plots.TimingList{Rows: []plots.Timing{
		{"thorough", 12e6, 11e6, 14e6, 0.96, 0}, {"hasty", 8e6, 7e6, 10e6, 0, 0}, {"failed", 0, 0, 0, 0, 0}, {"very thorough", 11e6, 10.5e6, 11.5e6, 0.99, 0},
		{"once", 9e6, 0, 0, 0, 0}, {"hardly sure", 6e6, 5e6, 7e6, 0.6, 0}}}), plots.Options{}},
	{"compare-ranges-dark", comparing(plots.TimingList{Title: "three", Rows: []plots.Timing{{"failed", 0, 0, 0, 0, 0}, {"a", 12e6, 11e6, 14e6, 0, 0}, {"b", 8e6, 7e6, 10e6, 0, 0}}}), plots.Options{Theme: plots.Dark, Sorted: true}},
	{"litmus", judging(storeBuffer), plots.Options{}},
	{"litmus-dark", judging(plots.Tally{Name: "coin", Rows: []plots.Outcome{{"heads", 503, "acceptable"}, {"tails", 497, "interesting"}}}), plots.Options{Theme: plots.Dark}},
	{"histogram", spreading(latencies(5000, 12*ms, 0.25)), plots.Options{Title: "Latency of 5000 requests"}},
	{"histogram-log-dark", spreading(latencies(2000, 300*time.Microsecond, 1.2)), plots.Options{Theme: plots.Dark}},
	{"histogram-one", spreading(plots.Durations{7 * ms}), plots.Options{}},
	{"histogram-zero", spreading(plots.Durations{0, 0, ms}), plots.Options{}},
	{"counters", ofExperiment(plots.Counters, counting()), plots.Options{}},
	{"counters-dark", ofExperiment(plots.Counters, counting()), plots.Options{Theme: plots.Dark, MaxRows: 2, Title: "Two of them"}},
	{"counters-none", ofExperiment(plots.Counters, lesson()), plots.Options{}},
	{"cores", ofExperiment(plots.Cores, synthetic(12, time.Second, 20*ms)), plots.Options{}},
	{"cores-dark", ofExperiment(plots.Cores, manyCores()), plots.Options{Theme: plots.Dark, Title: "Thirty-two cores"}},
	{"cores-grouped", ofExperiment(plots.Cores, manyCores()), plots.Options{MaxRows: 7}},
	{"cores-machine", ofExperiment(plots.Cores, watched(2*time.Second)), plots.Options{}},
	{"cores-short-dark", ofExperiment(plots.Cores, watched(60*ms)), plots.Options{Theme: plots.Dark}},
	{"cores-none", ofExperiment(plots.Cores, &timeline.Experiment{GOMAXPROCS: 2}), plots.Options{}},
	{"timeline-ps", ofExperiment(plots.Timeline, crowded(4, 2)), plots.Options{}},
	{"timeline-many-ps-dark", ofExperiment(plots.Timeline, crowded(18, 1)), plots.Options{MaxRows: 4, Theme: plots.Dark}},
	{"cores-ps-dark", ofExperiment(plots.Cores, crowded(4, 2)), plots.Options{Theme: plots.Dark, MaxRows: 3}},
	{"timeline-places", ofExperiment(plots.Timeline, places()), plots.Options{MaxRows: 6}},
	{"lockwait", holding(queueing(60)), plots.Options{}},
	{"lockwait-dark", holding(queueing(4000)), plots.Options{Theme: plots.Dark, MaxRows: 3, Sorted: true, Title: "Four tellers"}},
	{"lockwait-crowd", holding(crowd(60)), plots.Options{}},
	{"lockwait-dining", holding(dining()), plots.Options{}},
	{"lockwait-dining-few", holding(dining()), plots.Options{MaxRows: 3}},
	{"lockwait-dining-dark", holding(dining()), plots.Options{Theme: plots.Dark, Title: "Philosophers"}},
	{"compare-ones", comparing(ways), plots.Options{MaxRows: 5}},
	{"litmus-ones", judging(plots.Tally{Name: "coin", Rows: []plots.Outcome{{"heads", 2, "acceptable"}, {"edge", 1, "interesting"}}}), plots.Options{MaxRows: 1}},
	{"lockwait-readers", holding(library()), plots.Options{}},
	{"lockwait-readers-dark", holding(library()), plots.Options{Theme: plots.Dark, Width: 380}},
	{"lockwait-ones", holding(plots.HoldList{Holds: queueing(1).Holds, Dropped: 1}), plots.Options{}},
	{"lockwait-free", holding(plots.HoldList{Holds: queueing(1).Holds, Dropped: 12}), plots.Options{}},
}

func ofExperiment(f func(e *timeline.Experiment, o ...plots.Options) (*plots.Figure, error), e *timeline.Experiment) func(o ...plots.Options) (*plots.Figure, error) {
	return func(o ...plots.Options) (*plots.Figure, error) { return f(e, o...) }
}
func spreading(s plots.Samples) func(o ...plots.Options) (*plots.Figure, error) {
	return func(o ...plots.Options) (*plots.Figure, error) { return plots.Histogram(s, o...) }
}
func holding(l plots.Holds) func(o ...plots.Options) (*plots.Figure, error) {
	return func(o ...plots.Options) (*plots.Figure, error) { return plots.LockWait(l, o...) }
}

// latencies are lognormal times about median, made from a seed.
func latencies(n int, median time.Duration, sigma float64) (d plots.Durations) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range n {
		d = append(d, time.Duration(float64(median)*math.Exp(sigma*rnd.NormFloat64())))
	}
	return d
}

// counting is an experiment that told of numbers: a queue, a pool, and something that changes ten thousand times.
func counting() *timeline.Experiment {
	e := synthetic(6, 200*ms, 9*ms)
	tell := func(at time.Duration, v int, name string) {
		e.Events = append(e.Events, timeline.Event{Kind: timeline.EventLog, Name: timeline.CounterCategory, Text: fmt.Sprint(v, " ", name), Start: at, End: at})
	}
	rnd := rand.New(rand.NewPCG(7, 8))
	depth := 0
	for at := 2 * ms; at < 190*ms; at += time.Duration(rnd.IntN(6)+1) * ms {
		if depth += rnd.IntN(5) - 2; depth < 0 {
			depth = 0
		}
		tell(at, depth, "jobs")
	}
	for i, v := range []int{1, 2, 3, 4, 4, 3, 4, 2, 1, 0} {
		tell(time.Duration(20*i)*ms, v, "crawler running")
		tell(time.Duration(20*i)*ms, 4*v*v, "crawler waiting")
	}
	for i := range 10_000 {
		tell(10*ms+time.Duration(i)*15*time.Microsecond, 20+i/500+rnd.IntN(12), "a semaphore with a rather long name held")
	}
	tell(30*ms, 1500, "open files")
	return e
}

// watched is an experiment on whose machine others were at work, too, or which was too short to tell.
func watched(wall time.Duration) *timeline.Experiment {
	e := synthetic(8, wall, wall/30)
	for id := range 3 {
		c := timeline.SystemCore{ID: id}
		for at := time.Duration(0); at < wall; at += 100 * ms {
			end := min(wall, at+100*ms)
			c.Samples = append(c.Samples, timeline.SystemSample{Start: at, End: end, Busy: (end - at) * (at / (100 * ms) % 5) / 5 * time.Duration(id), Stolen: (end - at) / 20})
		}
		e.SystemCores = append(e.SystemCores, c)
	}
	return e
}

// places is an experiment with goroutines of seven lines, of some more than of others.
func places() *timeline.Experiment {
	e := synthetic(60, 100*ms, 3*ms)
	for i := range e.Goroutines {
		e.Goroutines[i].Name = ""
		e.Goroutines[i].Line = fmt.Sprintf("cell[2]:%d", 3+i%7*(i%3))
	}
	return e
}

// queueing is what a lock sees that four workers want all the time, each for another while.
func queueing(rounds int) plots.HoldList {
	var l plots.HoldList
	start := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	var free time.Duration
	asked := make([]time.Duration, 4)
	rnd := rand.New(rand.NewPCG(9, 10))
	for i := range rounds {
		k := i % 4
		got := max(free, asked[k])
		hold := time.Duration(float64(ms) * (0.5 + float64(k)) * (0.5 + rnd.Float64()))
		l.Holds = append(l.Holds, timeline.Hold{Lock: "accounts", Who: fmt.Sprint("teller ", k+1), Goroutine: int64(10 + k), From: "cell[3]:7", Line: "cell[3]:9",
			Asked: start.Add(asked[k]), Wait: got - asked[k], Hold: hold})
		free = got + hold
		asked[k] = free + time.Duration(rnd.IntN(4))*ms
	}
	return l
}

// crowd is a lock that goroutines of two lines want, each once, none of them with a name.
func crowd(n int) plots.HoldList {
	var l plots.HoldList
	start := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range n {
		asked := time.Duration(i) * 300 * time.Microsecond
		l.Holds = append(l.Holds, timeline.Hold{Lock: "till", Goroutine: int64(20 + i), From: []string{"cell[2]:4", "cell[2]:9"}[i%2], Line: "cell[2]:12",
			Engine: "compiled", Asked: start.Add(asked), Wait: time.Duration(i)*ms - asked, Hold: ms})
	}
	return l
}

// library is a lock that three readers share, until a writer wants it.
func library() plots.HoldList {
	var l plots.HoldList
	start := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	hold := func(who int64, name, mode string, asked, wait, hold time.Duration) {
		l.Holds = append(l.Holds, timeline.Hold{Lock: "catalogue", Mode: mode, Who: name, Goroutine: who, From: "cell[4]:3", Asked: start.Add(asked * ms),
			Wait: wait * ms, Hold: hold * ms})
	}
	for i, name := range []string{"ann", "bob", "cleo"} {
		at := time.Duration(4 * i)
		hold(int64(i), name, "reading", at, 0, 20)
		hold(int64(i), name, "reading", at+22, 20-at, 15)
	}
	hold(9, "librarian", "writing", 12, 16, 14)
	return l
}

// dining is two philosophers, each of whom takes one fork and then, while holding it, the other.
func dining() plots.Holds {
	start := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	hold := func(who int64, lock string, asked, wait, hold time.Duration) plots.Holds {
		return plots.HoldList{Holds: []timeline.Hold{{Lock: lock, Who: fmt.Sprint("philosopher ", who), Goroutine: who, From: "cell[4]:3", Engine: "compiled",
			Asked: start.Add(asked * ms), Wait: wait * ms, Hold: hold * ms}}}
	}
	return plots.Locks(
		hold(1, "left fork", 0, 0, 50), hold(1, "right fork", 10, 0, 30),
		hold(2, "right fork", 15, 25, 60), hold(2, "left fork", 45, 5, 40),
		hold(3, "left fork", 60, 30, 20), nil, hold(3, "right fork", 95, 5, 12),
	)
}

func (c chart) figure(t testing.TB, o plots.Options) *plots.Figure {
	t.Helper()
	f, err := c.make(o)
	if err != nil {
		t.Fatal(c.name, err)
	}
	return f
}

// TestChartGallery draws the made-up figures for looking at.
func TestChartGallery(t *testing.T) {
	if *gallery == "" {
		t.Skip("no -gallery folder")
	}
	for _, c := range charts {
		for _, look := range looks {
			f := c.figure(t, look.of(c.o))
			begun := time.Now()
			svg := f.SVG()
			drawn := time.Now()
			png, err := f.PNG()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%-16s%s SVG %v %d kB, PNG %v %d kB", c.name, look.name, drawn.Sub(begun).Round(time.Millisecond/10), len(svg)>>10, time.Since(drawn).Round(time.Millisecond/10), len(png)>>10)
			for ext, data := range map[string][]byte{".svg": []byte(svg), ".png": png} {
				if err := os.WriteFile(filepath.Join(*gallery, c.name+look.name+ext), data, 0o666); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestChartLayout: no word of any figure leaves it, no two touch, at any width; and the same is said on a plain canvas.
func TestChartLayout(t *testing.T) {
	t.Parallel()
	for _, c := range charts {
		for _, width := range []float64{0, 320, 500, 1400} {
			o := c.o
			o.Width = width
			f := c.figure(t, o)
			checkLayout(t, c.name, f)
			checkPlain(t, c.name, f)
		}
	}
}

// TestChartGolden compares SVG to the byte; look at what changed before -update.
func TestChartGolden(t *testing.T) {
	t.Parallel()
	for _, c := range charts {
		f := c.figure(t, c.o)
		svg := f.SVG()
		golden(t, c.name, svg)
		png, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		if w, h := f.Size(); decode(t, png).Bounds() != image.Rect(0, 0, 2*w, 2*h) {
			t.Errorf("%s: an image of %v for a figure of %d×%d", c.name, decode(t, png).Bounds(), w, h)
		}
		if len(svg) > 200_000 || len(png) > 200_000 {
			t.Errorf("%s: SVG of %d bytes, PNG of %d", c.name, len(svg), len(png))
		}
		if f.SVG() != svg {
			t.Errorf("%s: the second drawing differs", c.name)
		}
	}
}

// TestChartWords: figures say what they have to say.
func TestChartWords(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"speedup": {"checksums of 200 files · speedup over 1 worker · median with 95 % interval", "Amdahl's law does not fit: it is off by 11 % with 16 workers",
			"USL: contention σ 6 %, coherence κ 0.4 %, best with 15 workers", "measured", "ideal", "USL", "workers", "4×"},
		"speedup-twice": {"Amdahl: serial part 10 %, at most 10.0× (off by 0.7 %)"},
		"speedup-two":   {"Amdahl: serial part 10 % (4.7 % to 16 %), at most 10.0× (from 2 points, so it always fits)"},
		"speedup-slower": {"checksums of 200 files · speedup over 2 workers · median with 95 % interval",
			"More workers make it slower, 0.50× with 8: Amdahl's law, which never falls, does not apply",
			"USL: contention σ 100 %, coherence κ 20 %, best with 1 worker (from 3 points, so it always fits)"},
		"speedup-slower-dark": {"More workers make it slower, 0.08× with 4: Amdahl's law, which never falls, does not apply",
			"USL does not fit: it is off by 70 % with 4 workers"},
		"speedup-none":       {"speedup over 1 worker · median with 95 % interval, of 2 workers the range of the samples", "Amdahl: serial part 100 % (73 % to 100 %), at most 1.00× (off by 4.8 %)"},
		"speedup-full":       {"Beyond 8 workers all cores are busy: the hollow point is not fitted", "Amdahl: serial part 0 % (0 % to 0.38 %)", "beyond the cores"},
		"speedup-full-dark":  {"Beyond 2 workers all cores are busy: the hollow points are not fitted", "beyond the cores"},
		"speedup-flat":       {"Amdahl's law does not fit: it is off by 26 % with 16 workers", "USL does not fit: it is off by 19 % with 8 workers", "No faster beyond 8 workers, as when all cores are busy"},
		"speedup-flat-two":   {"Amdahl's law does not fit: it is off by 23 % with 2 workers", "No faster beyond 2 workers, as when all cores are busy"},
		"speedup-unsure":     {"The times are too uncertain for Amdahl's law: the serial part may be anything from 0 % to 100 %"},
		"speedup-taken-dark": {"Other processes may have changed the times by more than 10 %: no law is fitted", "Warning: " + busy},
		"compare-taken":      {"13 ms · no clear difference", "5 ms · at least 2.35× faster", "120 ms · at least 2.00× slower", "Warning: " + busy},
		"compare-taken-dark": {"Warning: a", "Warning: d", "Warning: 1 more warning"},
		"litmus-taken":       {"Warning: 2 actors on 1 core take turns"},
		"timeline-gap":       {"wall 50 ms · 652 ms not recorded: lab.Measure at cell[3]:2, lab.Bench at cell[3]:9 · CPU 75 ms · parallelism 0.56 · GOMAXPROCS 2 · 6 goroutines · compiled", "measured here, not recorded"},
		"compare":            {"sequential", "41.2 ms", "11.3 ms · 3.65× faster", "40.1 ms · no clear difference", "55.7 ms · 1.35× slower", "baseline"},
		"compare-ranges": {"median with 60 % to 99 % interval, of “hasty” the range of the samples", "no measurement", "interval or range",
			"8 ms · 0.67× the time (ranges, no intervals)", "9 ms · 0.75× the time (no interval)", "6 ms · 0.50× the time (intervals below 90 %)"},
		"compare-ranges-dark": {"three · median and range of the samples", "no measurement", "range", "8 ms · 0.67× the time (ranges, no intervals)"},
		"compare-tiny":        {"0.31 ns", "5.7 ns · 18.4× the time (no interval)", "2 ns"},
		"litmus":              {"forbidden results were seen in 18 runs, 0.0018 % of all", "never seen · unforeseen", "874 · 0.087 %", "runs, logarithmic", "interesting", "unforeseen"},
		"litmus-dark":         {"coin · 1\u2009000 runs", "503 · 50 %", "runs"},
		"histogram": {"5\u2009000 samples · from 5.19 ms to 32.1 ms · mean 12.3 ms · p50 11.9 ms · p90 16.5 ms · p99 21.8 ms", "p50 11.9 ms", "p90 16.5 ms",
			"p99 21.8 ms", "200", "10 ms"},
		"histogram-log-dark": {"samples in each ×1.29", "10 µs", "1 ms", "10 ms"},
		"histogram-one":      {"1 sample · from 7 ms to 7 ms · mean 7 ms · p50 7 ms"},
		"counters":           {"jobs", "crawler running", "at most 4, mean 2.4", "at most 1\u2009500, mean 1\u2009500", "least value", "up to the greatest"},
		"counters-none":      {"the experiment has no counters"},
		"cores":              {"core 0", "29 %", "busy up to 20 %", "up to 100 %"},
		"cores-grouped":      {"cores 0–4", "cores 30–31", "16 %"},
		"cores-machine": {"machine core 2", "80 %",
			"machine cores: all processes together, as the operating system counts, ± 0.5 %; the machine's host kept 5 % of them for others"},
		"cores-short-dark":      {"too short to show the machine's cores: the operating system counts in ticks of 10 ms"},
		"timeline-ps":           {"wall 30 ms · CPU 58 ms · parallelism 4.00 · GOMAXPROCS 4 on 2 cores · 4 goroutines", "P 0", "P 3"},
		"timeline-many-ps-dark": {"wall 30 ms · CPU 58 ms · parallelism 18.00 · GOMAXPROCS 18 on 1 core · 18 goroutines", "18 Ps"},
		"cores-ps-dark":         {"Ps 0–1", "Ps 2–3"},
		"cores-none":            {"no core was seen"},
		"lockwait": {"accounts · 60 holds · 59 after waiting, 274 ms in all, at most 9.59 ms · held 127 ms in all, at most 5.15 ms · 4 goroutines",
			"waits", "holds", "teller 4", "waited 43.8 ms", "9.59 ms"},
		"timeline-places": {"… 24 more", "cell[2]:3, up to 24 at once", "cell[2]:5, up to 6 at once", "elsewhere, up to 18 at once"},
		"lockwait-dark":   {"… 1 more", "Four tellers"},
		"lockwait-crowd":  {"go cell[2]:4", "go cell[2]:9", "waited 700 µs", "no wait", "… 20 more", "up to 20 at once"},
		"lockwait-dining": {"left fork, right fork · 6 holds · 4 after waiting, 65 ms in all, at most 30 ms · held 212 ms in all, at most 60 ms · 3 goroutines · compiled",
			"right fork 30 ms", "left fork 30 ms", "right fork 60 ms", "philosopher 2"},
		"lockwait-dining-few": {"philosopher 1", "… 2 more"},
		"compare-ones":        {"20 tasks that wait and compute · median with 95 % interval · 1 more is not shown"},
		"litmus-ones":         {"coin · 3 runs · 1 more result in 1 run is not shown"},
		"lockwait-readers":    {"catalogue · 6 reads, 1 write · 4 after waiting, 64 ms in all, at most 20 ms · held 119 ms in all, at most 20 ms · 4 goroutines", "writes", "reads", "waits"},
		"lockwait-ones":       {"1 later hold was not kept"},
		"lockwait-free":       {"12 later holds were not kept", "accounts · 1 hold · no wait · held 436 µs in all, at most 436 µs · 1 goroutine", "holds"},
		"compare-ran":         {"Warning: the rows were run by different engines, which may explain differences", "three ways · median with 95 % interval · compiled and yaegi", "sequential (compiled)", "sequential (yaegi)", "sequential"},
		"speedup-ran":         {"checksums of 200 files · speedup over 1 worker · median with 95 % interval · compiled"},
		"litmus-ran":          {"coin · 2 runs · compiled"},
	} {
		i := slices.IndexFunc(charts, func(c chart) bool { return c.name == name })
		_, _, words := parse(t, charts[i].figure(t, charts[i].o).SVG())
		for _, s := range want {
			if !slices.ContainsFunc(words, func(w word) bool { return w.text == s }) {
				t.Errorf("%s: no text %q in %v", name, s, words)
			}
		}
	}
}

// TestChartSorted: the fastest comes first when asked for, and the baseline stays the first given.
func TestChartSorted(t *testing.T) {
	t.Parallel()
	order := func(o plots.Options) (labels []string) {
		f, err := plots.Compare(ways, o)
		if err != nil {
			t.Fatal(err)
		}
		_, _, words := parse(t, f.SVG())
		for _, r := range ways.Rows {
			for _, w := range words {
				if w.text == r.Name {
					labels = append(labels, r.Name)
					slices.SortStableFunc(labels, func(a, b string) int { return int(at(words, a) - at(words, b)) })
				}
			}
		}
		return labels
	}
	if got := order(plots.Options{}); got[0] != "sequential" || got[1] != "goroutines" || got[5] != "a lock around all" {
		t.Errorf("as given: %q", got)
	}
	if got := order(plots.Options{Sorted: true}); got[0] != "goroutines" || got[4] != "sequential" {
		t.Errorf("sorted: %q", got)
	}
}

// at is how far down a word is.
func at(words []word, text string) float64 {
	for _, w := range words {
		if w.text == text {
			return w.y
		}
	}
	return -1
}

func TestChartRefusals(t *testing.T) {
	t.Parallel()
	point := func(n int, v, lo, hi float64) plots.Sweep {
		return plots.Sweep{Points: []plots.SweepPoint{{Workers: n, Median: v, Lo: lo, Hi: hi}}}
	}
	timing := func(v, lo, hi float64) plots.TimingList {
		return plots.TimingList{Rows: []plots.Timing{{Name: "x", Median: v, Lo: lo, Hi: hi}}}
	}
	nan, inf := math.NaN(), math.Inf(1)
	for name, call := range map[string]func() (*plots.Figure, error){
		"plots.Speedup: no measurements":                                         func() (*plots.Figure, error) { return plots.Speedup(nil) },
		"plots.Speedup: no measurements ":                                        func() (*plots.Figure, error) { return plots.Speedup(plots.Sweep{}) },
		"plots.Speedup: 0 workers cannot be measured":                            func() (*plots.Figure, error) { return plots.Speedup(point(0, 1, 0, 0)) },
		"plots.Speedup: a time of 0 ns with 1 worker (from 0 to 0) is not valid": func() (*plots.Figure, error) { return plots.Speedup(point(1, 0, 0, 0)) },
		"plots.Speedup: a time of 1 ns with 1 worker (from NaN to":               func() (*plots.Figure, error) { return plots.Speedup(point(1, 1, nan, 0)) },
		"plots.Compare: no measurements":                                         func() (*plots.Figure, error) { return plots.Compare(plots.Together("none", nil)) },
		"plots.Compare: no measurements ":                                        func() (*plots.Figure, error) { return plots.Compare(timing(0, 0, 0)) },
		"plots.Compare: a time of NaN ns for \"x\" (from 0 to 0) is not valid":   func() (*plots.Figure, error) { return plots.Compare(timing(nan, 0, 0)) },
		"plots.Compare: a time of 1 ns for \"x\" (from 1 to +Inf) is not valid":  func() (*plots.Figure, error) { return plots.Compare(timing(1, 1, inf)) },
		"plots.Compare: more than one Options":                                   func() (*plots.Figure, error) { return plots.Compare(ways, plots.Options{}, plots.Options{}) },
		"plots.Litmus: no outcomes":                                              func() (*plots.Figure, error) { return plots.Litmus(plots.Tally{}) },
		"plots.Litmus: \"r\" is judged \"fine\"; need acceptable, interesting": func() (*plots.Figure, error) {
			return plots.Litmus(plots.Tally{Rows: []plots.Outcome{{"r", 1, "fine"}}})
		},
		"plots.Litmus: \"r\" was seen -1 times": func() (*plots.Figure, error) {
			return plots.Litmus(plots.Tally{Rows: []plots.Outcome{{"r", -1, "forbidden"}}})
		},
		"plots.Histogram: no samples":                                 func() (*plots.Figure, error) { return plots.Histogram(plots.Durations{}) },
		"plots.Histogram: -1 ns is not a valid time":                  func() (*plots.Figure, error) { return plots.Histogram(plots.Durations{-1}) },
		"plots.Histogram: no samples ":                                func() (*plots.Figure, error) { return plots.Histogram(nil) },
		"plots.Counters: no experiment":                               func() (*plots.Figure, error) { return plots.Counters(nil) },
		"plots.Cores: no experiment":                                  func() (*plots.Figure, error) { return plots.Cores(nil) },
		"plots.LockWait: no lock":                                     func() (*plots.Figure, error) { return plots.LockWait(nil) },
		"plots.LockWait: the lock has no history: it must be watched": func() (*plots.Figure, error) { return plots.LockWait(lab.NewLock()) },
		"plots.LockWait: \"x\" waited -1 ns and held 0 s": func() (*plots.Figure, error) {
			return plots.LockWait(plots.HoldList{Holds: []timeline.Hold{{Who: "x", Wait: -1}}})
		},
		"plots.Litmus: width of 10 pixels is not between": func() (*plots.Figure, error) { return plots.Litmus(storeBuffer, plots.Options{Width: 10}) },
	} {
		if _, err := call(); err == nil || !strings.HasPrefix(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("%v, want %s", err, name)
		}
	}
}
