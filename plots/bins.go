package plots

import (
	"time"

	"interleave/runtime/timeline"
)

// A grid cuts the time that is shown into bins of equal width, of which a drawing knows no finer detail.
type grid struct {
	x0, width   float64       // of the data, in pixels
	from, total time.Duration // the time at x0, and what width stands for
	n           int
}

// newGrid makes bins of at least size pixels.
func newGrid(x0, width, size float64, from, total time.Duration) grid {
	return grid{x0, width, from, max(total, 1), max(1, int(width/size))}
}

func (g grid) x(bin int) float64            { return g.x0 + g.width*float64(bin)/float64(g.n) }
func (g grid) bins(d time.Duration) float64 { return float64(d) / float64(g.total) * float64(g.n) }
func (g grid) at(t time.Duration) float64   { return g.x0 + g.width*float64(t-g.from)/float64(g.total) }
func (g grid) wide(d time.Duration) float64 { return g.width * float64(d) / float64(g.total) }

// clip returns the visible part of a period of time; it is empty when end is not after start.
func (g grid) clip(start, end time.Duration) (time.Duration, time.Duration) {
	return max(start, g.from), min(end, g.from+g.total)
}

// place returns the ends of a period of time, in bins, and in which bins they are.
func (g grid) place(start, end time.Duration) (a, b float64, first, last int, ok bool) {
	start, end = g.clip(start, end)
	if end <= start {
		return 0, 0, 0, 0, false
	}
	a, b = g.bins(start-g.from), g.bins(end-g.from)
	return a, b, min(int(a), g.n-1), min(int(b), g.n-1), true
}

// over calls f with every bin that a period of time touches and with the part of that bin, from 0 to 1, that
// it covers.
func (g grid) over(start, end time.Duration, f func(bin int, part float64)) {
	a, b, first, last, ok := g.place(start, end)
	if !ok {
		return
	}
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
	short []bool                // something shorter than the bin happened in it
	steps [][stateCount]float32 // by how much more a bin has of a state than the one before; nil until addMany
}

func newTally(g grid) *tally {
	return &tally{grid: g, time: make([][stateCount]float32, g.n), short: make([]bool, g.n)}
}

func (t *tally) reset() {
	clear(t.time)
	clear(t.short)
}

func (t *tally) add(spans []timeline.Span) {
	for _, s := range spans {
		short := t.grid.bins(s.Duration()) < 1
		t.grid.over(s.Start, s.End, func(bin int, part float64) {
			t.time[bin][s.State] += float32(part)
			t.short[bin] = t.short[bin] || short
		})
	}
}

// addMany is add for thousands of goroutines: of a long span it only touches the ends, and sum does the rest.
// It does not mark short spans.
func (t *tally) addMany(spans []timeline.Span) {
	if t.steps == nil {
		t.steps = make([][stateCount]float32, t.grid.n+1)
	}
	for _, s := range spans {
		a, b, first, last, ok := t.grid.place(s.Start, s.End)
		if !ok {
			continue
		}
		if first == last {
			t.time[first][s.State] += float32(b - a)
			continue
		}
		t.time[first][s.State] += float32(float64(first+1) - a)
		t.time[last][s.State] += float32(b - float64(last))
		t.steps[first+1][s.State]++
		t.steps[last][s.State]--
	}
}

// sum completes what addMany began. Call it once.
func (t *tally) sum() {
	var level [stateCount]float32
	for b := range t.time {
		for s := range level {
			level[s] += t.steps[b][s]
			t.time[b][s] += level[s]
		}
	}
}

// A fill is how one bin of one row is drawn: so many levels of running, up to so many of running or runnable,
// on a background of the reason why it was blocked most of the time.
type fill struct {
	run, ready int8 // ready includes run
	blocked    int8 // a state, or -1
}

var nothing = fill{blocked: -1}

// at decides how a bin is drawn. Where nothing is shorter than the bin, the state that fills most of it wins;
// else the shares are shown as heights, and nothing that ran is too short to be seen.
func (t *tally) at(bin int) fill {
	share := &t.time[bin]
	var alive, most, longest float32
	top, wait := -1, int8(-1)
	for s, v := range share {
		alive += v
		if v > most {
			most, top = v, s
		}
		if v > longest && timeline.State(s).Blocked() {
			longest, wait = v, int8(s)
		}
	}
	if !t.short[bin] {
		switch {
		case alive < 0.5:
			return nothing
		case top == int(timeline.Running):
			return fill{levels, levels, -1}
		case top == int(timeline.Runnable):
			return fill{0, levels, -1}
		}
		return fill{0, 0, int8(top)}
	}
	run, ready := share[timeline.Running], share[timeline.Running]+share[timeline.Runnable]
	f := fill{run: heightOf(run), blocked: wait}
	if f.ready = f.run; ready > run {
		f.ready = max(f.run, int8(ready*levels+0.5))
	}
	if wait < 0 && f.ready == 0 && ready > 0 {
		f.ready = 1
	}
	return f
}

// fills decides for all bins. A short event in a long quiet period has no visible share: it becomes a line as
// high as the row, which marks the moment.
func (t *tally) fills() []fill {
	marks := moments(t.short, func(b int) float32 { return t.time[b][timeline.Running] })
	out := make([]fill, t.grid.n)
	for b := range out {
		if out[b] = t.at(b); marks[b] {
			out[b] = fill{levels, levels, -1}
		}
	}
	return out
}

// moments finds what happened alone: one or two bins with short things in them and none beside. It returns
// the bins that mark such moments, those with the most of weight, and strikes them and their neighbours from
// short. A moment without weight is left as it is.
func moments(short []bool, weight func(bin int) float32) map[int]bool {
	marks := map[int]bool{}
	for b := 0; b < len(short); {
		first := b
		for b < len(short) && short[b] {
			b++
		}
		if n := b - first; n == 1 || n == 2 {
			best := first
			if n == 2 && weight(first+1) > weight(first) {
				best = first + 1
			}
			if weight(best) > 0 {
				marks[best] = true
				short[first], short[b-1] = false, false
			}
		}
		b++
	}
	return marks
}

// heightOf returns a share in levels: zero only for no share, and all levels only for nearly everything.
func heightOf(share float32) int8 {
	switch {
	case share <= 0:
		return 0
	case share > 0.95:
		return levels
	}
	return min(levels-1, max(1, int8(share*levels+0.5)))
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
