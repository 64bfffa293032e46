package plots

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"interleave/runtime/timeline"
)

// TestContention: whatever locks went through, all of it is drawn, each goroutine has rows of its own, nothing lies over anything
// else, and what began at one place stands together.
func TestContention(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(11, 12))
	for round := range 200 {
		var l HoldList
		goroutines, locks := 1+rnd.Int64N(8), 1+rnd.IntN(3)
		var all time.Duration
		for range 1 + rnd.IntN(60) {
			g := 1 + rnd.Int64N(goroutines)
			h := timeline.Hold{Lock: fmt.Sprint("lock ", rnd.IntN(locks)), Goroutine: g, From: fmt.Sprint("cell[1]:", g%3), Asked: time.Unix(0, rnd.Int64N(1e6)),
				Wait: time.Duration(rnd.Int64N(2e4)), Hold: time.Duration(rnd.Int64N(3e4))}
			if rnd.IntN(3) == 0 {
				h.Wait = 0
			}
			all += h.Wait + h.Hold
			l.Holds = append(l.Holds, h)
		}
		c, err := readContention(l)
		if err != nil {
			t.Fatal(err)
		}
		var places []string
		for _, g := range c.experiment(false).Goroutines {
			for i, s := range g.Spans {
				if s.End < s.Start || i > 0 && s.Start < g.Spans[i-1].End {
					t.Fatalf("round %d: %+v after %+v", round, s, g.Spans[i-1])
				}
				all -= s.Duration()
			}
			if g.Label() != noLabel {
				places = append(places, g.Label())
			}
		}
		places = slices.Compact(places)
		if slices.Sort(places); len(slices.Compact(slices.Clone(places))) < len(places) {
			t.Fatalf("round %d: a place stands in several: %q", round, places)
		}
		if all != 0 {
			t.Fatalf("round %d: %v of waits and holds are not drawn", round, all)
		}
		waited := time.Duration(1 << 60)
		for _, g := range c.rows {
			waited = min(waited, g.waited)
		}
		c.experiment(true)
		if last := c.rows[len(c.rows)-1]; last.waited != waited {
			t.Fatalf("round %d: who waited least stands last: %v, want %v", round, last.waited, waited)
		}
	}
}

// TestHolders: goroutines are told apart by their number, else by name; a worker that had several tasks is called after its line.
func TestHolders(t *testing.T) {
	t.Parallel()
	at := time.Unix(1, 0)
	for name, c := range map[string]struct {
		holds []timeline.Hold
		want  []string
	}{
		"one line":   {[]timeline.Hold{{Goroutine: 1, From: "a.go:1"}, {Goroutine: 2, From: "a.go:1"}, {Goroutine: 1, From: "a.go:1"}}, []string{"go a.go:1", "go a.go:1"}},
		"one name":   {[]timeline.Hold{{Goroutine: 1, Who: "x"}, {Goroutine: 2, Who: "x"}}, []string{"x", "x"}},
		"no number":  {[]timeline.Hold{{Who: "x"}, {Who: "y"}, {Who: "x"}, {Line: "b.go:2"}, {}}, []string{"x", "y", "b.go:2", "unknown holder"}},
		"two tasks":  {[]timeline.Hold{{Goroutine: 1, Who: "x", From: "a.go:1"}, {Goroutine: 1, Who: "y", From: "a.go:1"}}, []string{"go a.go:1"}},
		"two places": {[]timeline.Hold{{Goroutine: 1, From: "a.go:1"}, {Goroutine: 2, From: "a.go:9"}, {Goroutine: 3, From: "a.go:1"}}, []string{"go a.go:1", "go a.go:1", "go a.go:9"}},
	} {
		for i := range c.holds {
			c.holds[i].Asked, c.holds[i].Hold = at.Add(time.Duration(i)*time.Second), time.Second
		}
		got, err := readContention(HoldList{Holds: c.holds})
		if err != nil {
			t.Fatal(err)
		}
		var labels []string
		for _, g := range got.experiment(false).Goroutines {
			labels = append(labels, g.Label())
		}
		if !slices.Equal(labels, c.want) {
			t.Errorf("%s: %q, want %q", name, labels, c.want)
		}
	}
}
