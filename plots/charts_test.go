package plots_test

import (
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"interleave/plots"
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

var storeBuffer = plots.Tally{Name: "store buffering", Rows: []plots.Outcome{
	{Result: "x=0 y=1", Count: 512_377, Verdict: "acceptable"}, {Result: "x=1 y=0", Count: 486_731, Verdict: "acceptable"},
	{Result: "x=1 y=1", Count: 874, Verdict: "interesting"}, {Result: "x=0 y=0", Count: 18, Verdict: "forbidden"},
	{Result: "x=2 y=0", Count: 0, Verdict: "unforeseen"},
}}

func scaling(s plots.Scaling) func(o ...plots.Options) (*plots.Figure, error) {
	return func(o ...plots.Options) (*plots.Figure, error) { return plots.Speedup(s, o...) }
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
	{"speedup-flat", scaling(usl(1, 0.2, 2, 4, 8)), plots.Options{}},
	{"compare", comparing(ways), plots.Options{}},
	{"compare-dark", comparing(ways), plots.Options{Theme: plots.Dark, Sorted: true, Title: "Five ways"}},
	{"compare-tiny", comparing(plots.TimingList{Rows: []plots.Timing{{Name: "add", Median: 0.31}, {Name: "atomic add", Median: 5.7}}}), plots.Options{}},
	{"litmus", judging(storeBuffer), plots.Options{}},
	{"litmus-dark", judging(plots.Tally{Name: "coin", Rows: []plots.Outcome{{"heads", 503, "acceptable"}, {"tails", 497, "interesting"}}}), plots.Options{Theme: plots.Dark}},
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
		f := c.figure(t, c.o)
		begun := time.Now()
		svg := f.SVG()
		drawn := time.Now()
		png, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%-16s SVG %v %d kB, PNG %v %d kB", c.name, drawn.Sub(begun).Round(time.Millisecond/10), len(svg)>>10, time.Since(drawn).Round(time.Millisecond/10), len(png)>>10)
		for name, data := range map[string][]byte{c.name + ".svg": []byte(svg), c.name + ".png": png} {
			if err := os.WriteFile(filepath.Join(*gallery, name), data, 0o666); err != nil {
				t.Fatal(err)
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
		"speedup": {"checksums of 200 files · speedup over 1 worker · median with 95 % interval", "Amdahl: serial part 12 %, at most 8.97× (off by 5.1 %)",
			"USL: contention σ 6 %, coherence κ 0.4 %, best with 15 workers", "measured", "ideal", "Amdahl", "USL", "workers", "4×"},
		"speedup-two":  {"Amdahl: serial part 10 %, at most 10.0× (from 2 points, so it cannot but fit)"},
		"speedup-flat": {"checksums of 200 files · speedup over 2 workers · median with 95 % interval", "Amdahl: serial part 100 %, at most 0.81× (off by 26 %)"},
		"compare":      {"sequential", "41.2 ms", "11.3 ms · 3.65× faster", "40.1 ms · no clear difference", "55.7 ms · 1.35× slower", "baseline"},
		"compare-tiny": {"0.31 ns", "5.7 ns · 18.4× slower", "2 ns"},
		"litmus":       {"forbidden results were seen in 18 runs, 0.0018 % of all", "never seen", "874 · 0.087 %", "runs, logarithmic", "interesting", "unforeseen"},
		"litmus-dark":  {"coin · 1\u2009000 runs", "503 · 50 %", "runs"},
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
		"plots.Speedup: no measurements":                                     func() (*plots.Figure, error) { return plots.Speedup(nil) },
		"plots.Speedup: no measurements ":                                    func() (*plots.Figure, error) { return plots.Speedup(plots.Sweep{}) },
		"plots.Speedup: 0 workers cannot be measured":                        func() (*plots.Figure, error) { return plots.Speedup(point(0, 1, 0, 0)) },
		"plots.Speedup: a time of 0 ns with 1 workers (from 0 to 0) is none": func() (*plots.Figure, error) { return plots.Speedup(point(1, 0, 0, 0)) },
		"plots.Speedup: a time of 1 ns with 1 workers (from NaN to":          func() (*plots.Figure, error) { return plots.Speedup(point(1, 1, nan, 0)) },
		"plots.Compare: no measurements":                                     func() (*plots.Figure, error) { return plots.Compare(plots.Together("none", nil)) },
		"plots.Compare: a time of NaN ns for \"x\" (from 0 to 0) is none":    func() (*plots.Figure, error) { return plots.Compare(timing(nan, 0, 0)) },
		"plots.Compare: a time of 1 ns for \"x\" (from 1 to +Inf) is none":   func() (*plots.Figure, error) { return plots.Compare(timing(1, 1, inf)) },
		"plots.Compare: more than one Options":                               func() (*plots.Figure, error) { return plots.Compare(ways, plots.Options{}, plots.Options{}) },
		"plots.Litmus: no outcomes":                                          func() (*plots.Figure, error) { return plots.Litmus(plots.Tally{}) },
		"plots.Litmus: \"r\" is judged \"fine\"; need acceptable, interesting": func() (*plots.Figure, error) {
			return plots.Litmus(plots.Tally{Rows: []plots.Outcome{{"r", 1, "fine"}}})
		},
		"plots.Litmus: \"r\" was seen -1 times": func() (*plots.Figure, error) {
			return plots.Litmus(plots.Tally{Rows: []plots.Outcome{{"r", -1, "forbidden"}}})
		},
		"plots.Litmus: width of 10 pixels is not between": func() (*plots.Figure, error) { return plots.Litmus(storeBuffer, plots.Options{Width: 10}) },
	} {
		if _, err := call(); err == nil || !strings.HasPrefix(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("%v, want %s", err, name)
		}
	}
}
