package plots

import (
	"context"
	"image/color"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// TestDistribution: bins hold every time once, the axis holds all times, and percentiles are those of a count.
func TestDistribution(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 10), rapid.Float64Range(1, 1e12)), 1, 300).Draw(t, "times")
		d := newDistribution(slices.Clone(all))
		sum := 0
		for _, n := range d.bins {
			sum += n
		}
		if sum != len(all) {
			t.Fatalf("%d of %d times are in bins", sum, len(all))
		}
		for _, v := range all {
			if at := d.place(v); !(at >= 0 && at <= 1) {
				t.Fatalf("%v is at %v of the axis %v to %v", v, at, d.lo, d.hi)
			}
		}
		for i, q := range []float64{0.5, 0.9, 0.99} {
			if i >= len(d.marks) {
				if len(all) >= []int{1, 10, 100}[i] {
					t.Fatalf("no percentile %v of %d", q, len(all))
				}
				continue
			}
			below, upTo := 0, 0
			for _, v := range all {
				if v < d.marks[i].ns {
					below++
				}
				if v <= d.marks[i].ns {
					upTo++
				}
			}
			if n := q * float64(len(all)); float64(upTo) < n-1e-6 || float64(below) > n+1e-6 {
				t.Fatalf("%s is %v: %d below, %d up to it, of %d", d.marks[i].name, d.marks[i].ns, below, upTo, len(all))
			}
		}
	})
}

// TestMedian: p50 is the median that lab says, of an even number of samples, too.
func TestMedian(t *testing.T) {
	t.Parallel()
	for repeats := 1; repeats <= 8; repeats++ {
		s, err := lab.Bench(t.Context(), "yield", func(context.Context) error { runtime.Gosched(); return nil },
			lab.BenchOptions{Repeats: repeats, Warmup: 1, MinTime: 1})
		if err != nil {
			t.Fatal(err)
		}
		if d := newDistribution(slices.Clone(s.Samples)); math.Abs(d.marks[0].ns/s.Median-1) > 1e-9 {
			t.Errorf("%s is %v, the median %v of %v", d.marks[0].name, d.marks[0].ns, s.Median, s.Samples)
		}
	}
	ten := newDistribution([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	if ten.marks[1] != (percentile{"p90", 9.5}) || ten.quantile(0.75) != 8 {
		t.Errorf("%v, p75 %v", ten.marks, ten.quantile(0.75))
	}
}

// TestExtremes: no bin shows a value that the counter did not have in it, and none that it had for all of it is missing.
func TestExtremes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := timeline.Counter{Until: 1000}
		at := rapid.IntRange(0, 300).Draw(t, "start")
		for at < 1000 {
			k.Points = append(k.Points, timeline.CounterPoint{At: time.Duration(at), Value: rapid.IntRange(-3, 9).Draw(t, "value")})
			at += rapid.IntRange(1, 120).Draw(t, "step")
		}
		g := newGrid(0, 50, 1, 0, 1000) // 20 to a bin
		least, most := extremes(&k, g)
		for b := range least {
			var lo, hi = math.Inf(1), math.Inf(-1)
			for i, p := range k.Points {
				end := k.Until
				if i+1 < len(k.Points) {
					end = k.Points[i+1].At
				}
				if p.At < time.Duration(20*b+20) && end > time.Duration(20*b) {
					lo, hi = min(lo, float64(p.Value)), max(hi, float64(p.Value))
				}
			}
			switch {
			case math.IsInf(lo, 0):
				if !math.IsNaN(least[b]) || !math.IsNaN(most[b]) {
					t.Fatalf("bin %d has %v to %v, and nothing was told", b, least[b], most[b])
				}
			case lo == hi && (least[b] != lo || most[b] != hi), !(least[b] >= lo && most[b] <= hi && least[b] <= most[b]):
				t.Fatalf("bin %d has %v to %v, want %v to %v", b, least[b], most[b], lo, hi)
			}
		}
	})
}

func TestHeatLevel(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]int{0: -1, 0.001: -1, 0.01: 0, 0.2: 0, 0.21: 1, 0.6: 2, 0.99: 4, 1: 4, 1.01: 4} {
		if got := heatLevel(share); got != want {
			t.Errorf("%v has level %d, want %d", share, got, want)
		}
	}
	for _, theme := range themes { // each level stands out from the one before more than from paper: the order is seen in grey
		last := grey(theme.paper)
		dir := grey(theme.heat[4].fill) - last
		for i, s := range theme.heat {
			if v := grey(s.fill); (v-last)*dir <= 0 {
				t.Errorf("%s: level %d is no step away from paper", theme.name, i)
			} else {
				last = v
			}
		}
	}
}

func grey(c color.NRGBA) float64 {
	return 0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)
}

// TestVerdictsDiffer: in grey no two verdicts look alike, nor do the curves of a speedup without their colours.
func TestVerdictsDiffer(t *testing.T) {
	t.Parallel()
	for _, theme := range themes {
		seen := map[hatch]string{}
		for v, s := range theme.verdicts {
			if other, ok := seen[s.hatch]; ok {
				t.Errorf("%s: %s and %s have the same hatch", theme.name, v, other)
			}
			seen[s.hatch] = v
		}
		dashes := map[int]bool{}
		for _, k := range []lineKind{theme.ideal, theme.amdahl, theme.usl} {
			first := 0
			if len(k.dash) > 0 {
				first = int(10 * k.dash[0])
			}
			if dashes[first] {
				t.Errorf("%s: two curves are dashed alike", theme.name)
			}
			dashes[first] = true
		}
	}
}
