package plots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"

	"interleave/runtime/timeline"
)

// Holds is the history of a lock. Lab's Lock, RLock, RWLock and Semaphore are such, once they are watched; for a history of one's
// own there is [HoldList].
type Holds interface {
	// EachHold calls f for every time that somebody held the lock: who, empty when not known, and on which line; when they asked,
	// how long they waited and how long they then held it. It returns the lock's name and how many holds were not kept.
	EachHold(f func(who, line string, asked time.Time, wait, hold time.Duration)) (name string, dropped int)
}

// A HoldList is [Holds] written down.
type HoldList struct {
	Name    string
	Holds   []Hold
	Dropped int // how many are missing
}

// A Hold is one time that somebody held a lock.
type Hold struct {
	Who, Line string
	Asked     time.Time
	Wait      time.Duration // from asking to getting
	Hold      time.Duration // from getting to giving back
}

// EachHold implements [Holds].
func (l HoldList) EachHold(f func(who, line string, asked time.Time, wait, hold time.Duration)) (name string, dropped int) {
	for _, h := range l.Holds {
		f(h.Who, h.Line, h.Asked, h.Wait, h.Hold)
	}
	return l.Name, l.Dropped
}

// LockWait draws who held a lock and who waited for it: a row for each task, or, of what ran outside of tasks, for each line that
// took the lock, with its waits and its holds over time, and above them how waits and holds are distributed. Rows stand in the
// order in which they first asked, or, with Options.Sorted, those that waited longest in all first; beyond Options.MaxRows they
// are folded into one.
func LockWait(l Holds, o ...Options) (*Figure, error) {
	opt, err := one(o)
	if err != nil {
		return nil, fmt.Errorf("plots.LockWait: %w", err)
	}
	if l == nil {
		return nil, errors.New("plots.LockWait: no lock")
	}
	t := themes[opt.Theme]
	w := &lockWait{theme: t}
	name, dropped, err := w.read(l)
	if err != nil {
		return nil, err
	}
	if opt.Sorted {
		slices.SortStableFunc(w.rows, func(a, b *lockRow) int { return cmp.Compare(b.waited, a.waited) })
	}
	if n := len(w.rows) - opt.MaxRows; n > 0 {
		rest := &lockRow{label: fmt.Sprintf("… %s more", thousands(float64(n+1)))}
		for _, r := range w.rows[opt.MaxRows-1:] {
			rest.holds = append(rest.holds, r.holds...)
			rest.waited += r.waited
			rest.held += r.held
		}
		w.rows = append(w.rows[:opt.MaxRows-1], rest)
	}
	w.layOut(opt)

	p := newPlot(t)
	p.X.Min, p.X.Max = 0, max(w.total, 1).Seconds()
	p.X.Tick.Marker = timeTicks{about: int((opt.Width - w.gutter) / 90)}
	p.Add(w)

	f := &Figure{plot: p, theme: t, width: opt.Width, title: opt.Title, gutter: w.gutter, body: w.height()}
	taken := thousands(float64(w.count)) + " holds"
	if w.count == 1 {
		taken = "1 hold"
	}
	words := []string{name, taken, "waited " + timeline.Round(w.waited) + " in all, at most " + timeline.Round(w.maxWait),
		"held " + timeline.Round(w.held) + ", at most " + timeline.Round(w.maxHold)}
	f.caption = captionOf(opt.Width, false, words...)
	if dropped > 0 {
		f.caption = append(f.caption, captionOf(opt.Width, true, fmt.Sprintf("%s later holds were not kept", thousands(float64(dropped))))...)
	}
	f.legend = []entry{{swatch: t.states[timeline.Running], name: "held it"}}
	if w.waits != nil {
		f.legend = append(f.legend, entry{swatch: t.states[timeline.Locked], name: "waited for it"})
	}
	f.alt = "History of a lock: " + join(words) + "."
	return f, nil
}

// lockWait is the plotter of LockWait.
type lockWait struct {
	theme                          *theme
	rows                           []*lockRow
	total                          time.Duration
	waited, maxWait, held, maxHold time.Duration
	count                          int
	waits, holds                   *distribution // nil when there is nothing to show
	gutter, width, pitch           float64
}

type lockRow struct {
	label        string
	holds        []lockHold
	waited, held time.Duration
}

// A lockHold is a hold in the figure's time.
type lockHold struct{ asked, got, gave time.Duration }

func (w *lockWait) read(l Holds) (name string, dropped int, err error) {
	var all []Hold
	name, dropped = l.EachHold(func(who, line string, asked time.Time, wait, hold time.Duration) {
		if wait < 0 || hold < 0 {
			err = fmt.Errorf("plots.LockWait: %q waited %v and held %v", who, wait, hold)
		}
		all = append(all, Hold{who, line, asked, wait, hold})
	})
	if err != nil {
		return name, dropped, err
	}
	if len(all) == 0 {
		return name, dropped, errors.New("plots.LockWait: the lock has no history: it must be watched, or a recording run, while it is used")
	}
	slices.SortStableFunc(all, func(a, b Hold) int { return a.Asked.Compare(b.Asked) })
	start := all[0].Asked
	index := map[string]*lockRow{}
	var waits, holds []float64
	for _, h := range all {
		key := cmp.Or(h.Who, h.Line, "somebody")
		r := index[key]
		if r == nil {
			r = &lockRow{label: key}
			index[key] = r
			w.rows = append(w.rows, r)
		}
		asked := h.Asked.Sub(start)
		r.holds = append(r.holds, lockHold{asked, asked + h.Wait, asked + h.Wait + h.Hold})
		r.waited += h.Wait
		r.held += h.Hold
		w.total = max(w.total, asked+h.Wait+h.Hold)
		w.waited += h.Wait
		w.held += h.Hold
		w.maxWait, w.maxHold = max(w.maxWait, h.Wait), max(w.maxHold, h.Hold)
		if h.Wait > 0 {
			waits = append(waits, float64(h.Wait))
		}
		holds = append(holds, float64(h.Hold))
	}
	w.count = len(all)
	if len(waits) > 0 {
		w.waits = newDistribution(waits)
	}
	w.holds = newDistribution(holds)
	return name, dropped, nil
}

func (w *lockWait) layOut(o Options) {
	widest := 0.0
	for _, r := range w.rows {
		widest = max(widest, textWidth(r.label, regular, labelSize))
	}
	w.gutter = margin + min(widest, maxLabel, 0.4*o.Width) + labelGap
	w.width = o.Width
	w.pitch = 18
	if len(w.rows) > 20 {
		w.pitch = 16
	}
}

const (
	panelHeight = 84.0 // of a distribution, with its marks and without its axis
	panelAxis   = 20.0
	panelHead   = 18.0
	panelGap    = 18.0 // between the distributions, and between them and the rows
)

// beside reports whether both distributions fit into one line.
func (w *lockWait) beside() bool { return w.width >= 560 }

func (w *lockWait) height() float64 {
	h := panelHead + panelHeight + panelAxis
	if !w.beside() {
		h *= 2
	}
	return h + panelGap + w.pitch*float64(len(w.rows)) + 5
}

// Plot implements plot.Plotter.
func (w *lockWait) Plot(cv draw.Canvas, p *plot.Plot) {
	pen := pen{cv, w.theme}
	x0, x1, top := float64(cv.Min.X), float64(cv.Max.X), float64(cv.Max.Y)
	left := x0 - w.gutter + margin
	mid, y := (left+x1)/2, top
	locked, running := w.theme.states[timeline.Locked], w.theme.states[timeline.Running]
	if w.beside() {
		w.panel(pen, left, mid-panelGap/2, y, "waits", w.waits, locked)
		w.panel(pen, mid+panelGap/2, x1, y, "holds", w.holds, running)
	} else {
		w.panel(pen, left, x1, y, "waits", w.waits, locked)
		y -= panelHead + panelHeight + panelAxis
		w.panel(pen, left, x1, y, "holds", w.holds, running)
	}
	y -= panelHead + panelHeight + panelAxis + panelGap
	pen.rule(left, y+panelGap/3, x1, y+panelGap/3, 0.75, w.theme.faint)

	trX, _ := p.Transforms(&cv)
	for _, tick := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		x := float64(trX(tick.Value))
		pen.rule(x, float64(cv.Min.Y), x, y, 0.75, w.theme.faint)
	}
	seconds := func(v float64) time.Duration { return time.Duration(math.Round(v * 1e9)) }
	size := 1.0
	for (x1-x0)/size*float64(len(w.rows)) > maxColumns {
		size *= 2
	}
	g := newGrid(x0, x1-x0, size, seconds(p.X.Min), seconds(p.X.Max-p.X.Min))
	var waited, held []column
	for i, r := range w.rows {
		at := y - w.pitch*(float64(i)+0.5)
		wait, hold := make([]float64, g.n), make([]float64, g.n)
		for _, h := range r.holds {
			g.over(h.asked, h.got, func(b int, part float64) { wait[b] += part })
			g.over(h.got, h.gave, func(b int, part float64) { hold[b] += part })
		}
		runs(g.n, func(b int) bool { return wait[b] > 0 }, func(first, end int, some bool) {
			if some {
				waited = append(waited, column{g.x(first), g.x(end), at - waitBar/2, at + waitBar/2})
			}
		})
		bar := min(rowBar, w.pitch-3)
		runs(g.n, func(b int) int8 {
			if wait[b] > 0 { // both in a bin: as high as the part that was held
				return heightOf(float32(min(1, hold[b])))
			}
			return levels * int8(math.Ceil(min(1, hold[b])))
		}, func(first, end int, height int8) {
			if height > 0 {
				held = append(held, column{g.x(first), g.x(end), at - bar/2, at - bar/2 + bar*float64(height)/levels})
			}
		})
		label := fit(r.label, w.gutter-margin-labelGap, regular, labelSize)
		pen.text(left, at-3.8, label, regular, labelSize, w.theme.ink)
	}
	pen.fill(locked, waited)
	pen.fill(running, held)
}

// panel draws a distribution between x0 and x1, below top, with an axis of its own.
func (w *lockWait) panel(p pen, x0, x1, top float64, name string, d *distribution, s swatch) {
	p.text(x0, top-11, name, bold, labelSize, w.theme.ink)
	base := top - panelHead - panelHeight
	p.rule(x0, base, x1, base, 0.75, w.theme.muted)
	if d == nil {
		p.textCentre((x0+x1)/2, base+panelHeight/2-4, "nobody had to wait", regular, labelSize, w.theme.muted)
		return
	}
	head := markHeight*float64(len(d.marks)) + 2
	d.draw(p, s, x0, x1, base, base+panelHeight-head)
	d.drawMarks(p, x0, x1, base, base+panelHeight)
	ticks := timeTicks{about: int((x1 - x0) / 90)}.Ticks(d.lo, d.hi)
	if d.log {
		ticks = logTimes(d.lo, d.hi)
	}
	at := func(v float64) float64 { return x0 + (x1-x0)*d.place(v*1e9) }
	for _, t := range sparse(ticks, at) {
		x := at(t.Value)
		p.rule(x, base, x, base-4, 0.75, w.theme.muted)
		half := textWidth(t.Label, regular, smallSize) / 2
		p.textCentre(min(max(x, x0+half), x1-half), base-14, t.Label, regular, smallSize, w.theme.ink)
	}
}
