package plots

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestFitExact: times that follow a law give its parameters back.
func TestFitExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := math.Pow(10, rapid.Float64Range(0, 10).Draw(t, "magnitude"))
		want := law{a: a, b: a * rapid.Float64Range(0, 1).Draw(t, "sigma"), c: a * rapid.Float64Range(0, 0.2).Draw(t, "kappa")}
		coherence := rapid.Bool().Draw(t, "coherence")
		if !coherence {
			want.c = 0
		}
		var n, time []float64
		x := 0.0
		for range rapid.IntRange(3, 10).Draw(t, "points") {
			x += float64(rapid.IntRange(1, 8).Draw(t, "step"))
			n, time = append(n, x), append(time, want.time(x))
		}
		got := fitLaw(n, time, coherence)
		if got.off > 1e-6 || math.Abs(got.contention()-want.contention()) > 1e-3 || math.Abs(got.coherence()-want.coherence()) > 1e-4 {
			t.Fatalf("%+v (σ %v, κ %v), want %+v (σ %v, κ %v)", got, got.contention(), got.coherence(), want, want.contention(), want.coherence())
		}
	})
}

// TestFitBest: whatever the times, the law meets the first one and keeps its bounds, and no law near it that does so, too, fits better.
func TestFitBest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var n, time []float64
		for i := range rapid.IntRange(2, 8).Draw(t, "points") {
			n, time = append(n, float64(1+i*rapid.IntRange(1, 3).Draw(t, "step"))), append(time, rapid.Float64Range(1, 100).Draw(t, "time"))
		}
		coherence := rapid.Bool().Draw(t, "coherence")
		got := fitLaw(n, time, coherence)
		if !(got.a > 0) || got.b < 0 || got.b > got.a || got.c < 0 || got.c > got.a || !coherence && got.c != 0 {
			t.Fatalf("%+v leaves its bounds", got)
		}
		if first := got.time(n[0]); math.Abs(first/time[0]-1) > 1e-9 {
			t.Fatalf("%+v begins at %v, not at %v", got, first, time[0])
		}
		off := func(l law) (sum float64) {
			for i := range n[1:] {
				r := l.time(n[i+1])/time[i+1] - 1
				sum += r * r
			}
			return math.Sqrt(sum / float64(len(n)-1))
		}
		if math.Abs(off(got)-got.off) > 1e-9 {
			t.Fatalf("off by %v, says %v", off(got), got.off)
		}
		for range 30 {
			near := func(v float64) float64 { return v + got.a*rapid.Float64Range(-0.1, 0.1).Draw(t, "shift") }
			l := law{a: near(got.a), b: near(got.b), c: max(0, near(got.c))}
			l.c = min(l.a, l.c)
			if !coherence {
				l.c = 0
			}
			l.b = min(l.a, max(0, l.b))
			to := time[0] / l.time(n[0])
			if l = (law{a: to * l.a, b: to * l.b, c: to * l.c}); off(l) < got.off-1e-6 {
				t.Fatalf("%+v is off by %v, %+v only by %v", got, got.off, l, off(l))
			}
		}
	})
}

func TestLawBest(t *testing.T) {
	t.Parallel()
	if n := (law{a: 1, b: 0.1, c: 0.009}).best(); math.Abs(n-10) > 1e-9 {
		t.Errorf("best with %v", n)
	}
	if n := (law{a: 1, b: 0.1}).best(); !math.IsInf(n, 1) {
		t.Errorf("without coherence best with %v", n)
	}
}

func TestChartWords(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{
		0: "0 %", 1: "100 %", 0.5: "50 %", 0.0996: "10 %", 0.06: "6 %", 0.0512: "5.1 %", 0.000018: "0.0018 %", 0.000001: "<0.001 %", 0.001: "0.1 %", 0.996: "99.6 %", 0.9949: "99.5 %", 0.99996: "99.996 %", 0.9996: "99.96 %", 0.9999999: "99.999 %", 0.98: "98 %",
	} {
		if got := percent(share); got != want {
			t.Errorf("%v is %q, want %q", share, got, want)
		}
	}
	for ratio, want := range map[float64]string{1: "1.00×", 1.919: "1.92×", 13.44: "13.4×", 1234: "1\u2009234×"} {
		if got := times(ratio); got != want {
			t.Errorf("%v is %q, want %q", ratio, got, want)
		}
	}
}
