package plots

import (
	"math"
	"time"

	"interleave/runtime/timeline"
)

// A grid cuts the time of an experiment into bins of equal width, of which a drawing knows no finer detail.
type grid struct {
	x0, width float64       // of the data, in pixels
	total     time.Duration // what width stands for
	n         int
}

// newGrid makes bins of at least size pixels.
func newGrid(x0, width, size float64, total time.Duration) grid {
	return grid{x0, width, max(total, 1), max(1, int(width/size))}
}

func (g grid) x(bin int) float64            { return g.x0 + g.width*float64(bin)/float64(g.n) }
func (g grid) bin(t time.Duration) float64  { return float64(t) / float64(g.total) * float64(g.n) }
func (g grid) at(t time.Duration) float64   { return g.x0 + g.width*float64(t)/float64(g.total) }
func (g grid) wide(d time.Duration) float64 { return g.width * float64(d) / float64(g.total) }

// over calls f with every bin that a stretch of time touches and with the part of that bin, from 0 to 1, that it covers.
func (g grid) over(start, end time.Duration, f func(bin int, part float64)) {
	a, b := g.bin(start), g.bin(end)
	first, last := min(int(a), g.n-1), min(int(b), g.n-1)
	if first == last {
		f(first, b-a)
		return
	}
	f(first, float64(first+1)-a)
	for i := first + 1; i < last; i++ {
		f(i, 1)
	}
	if part := b - float64(last); part > 0 {
		f(last, part)
	}
}

const (
	stateCount = int(timeline.Other) + 1
	levels     = 6 // heights in which a bin can be filled
)

// A tally is the time that was spent in each state, bin by bin, in units of a bin.
type tally struct {
	grid  grid
	time  [][stateCount]float32
	short []bool // something shorter than the bin happened in it
}

func newTally(g grid) *tally {
	return &tally{g, make([][stateCount]float32, g.n), make([]bool, g.n)}
}

func (t *tally) reset() {
	clear(t.time)
	clear(t.short)
}

func (t *tally) add(spans []timeline.Span) {
	for _, s := range spans {
		short := t.grid.bin(s.End-s.Start) < 1
		t.grid.over(s.Start, s.End, func(bin int, part float64) {
			t.time[bin][s.State] += float32(part)
			t.short[bin] = t.short[bin] || short
		})
	}
}

// A fill is how one bin of one row is drawn: so many levels of running, up to so many of running or runnable, on a
// background of the reason why it was blocked most of the time.
type fill struct {
	run, ready int8 // ready includes run
	blocked    int8 // a state, or -1
}

// at decides how a bin is drawn. Where nothing is shorter than the bin, the state that fills most of it wins; else the
// shares are shown as heights, and nothing that ran is too short to be seen.
func (t *tally) at(bin int) fill {
	share := &t.time[bin]
	var alive, most float32
	top, wait := -1, int8(-1)
	var longest float32
	for s, v := range share {
		alive += v
		if v > most {
			most, top = v, s
		}
		if v > longest && timeline.State(s).Blocked() {
			longest, wait = v, int8(s)
		}
	}
	if top < 0 {
		return fill{blocked: -1}
	}
	if !t.short[bin] {
		switch {
		case alive < 0.5:
			return fill{blocked: -1}
		case top == int(timeline.Running):
			return fill{levels, levels, -1}
		case top == int(timeline.Runnable):
			return fill{0, levels, -1}
		}
		return fill{0, 0, int8(top)}
	}
	up := func(v float32) int8 { return int8(min(levels, math.Ceil(float64(v)*levels-1e-3))) }
	f := fill{blocked: wait}
	f.run = up(share[timeline.Running])
	f.ready = max(f.run, int8(math.Round(float64(share[timeline.Running]+share[timeline.Runnable])*levels)))
	if f.run == 0 && f.ready == 0 && share[timeline.Runnable] > 0 && wait < 0 {
		f.ready = 1
	}
	return f
}

// runs calls f with each longest stretch of bins that are drawn alike, empty ones left out.
func runs[T comparable](n int, at func(int) T, f func(first, end int, v T)) {
	for i := 0; i < n; {
		v, first := at(i), i
		for i++; i < n && at(i) == v; i++ {
		}
		f(first, i, v)
	}
}
