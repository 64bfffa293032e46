package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Scaling is how long some work takes with several numbers of workers. Lab's Scaling is one; for numbers of one's own there
// is [Sweep].
type Scaling interface {
	// EachPoint calls f for every number of workers with the median time of the work in nanoseconds, the ends of its interval
	// and the interval's confidence, 0 for the range of the samples. It returns what was measured, and what axis counts:
	// "workers", "cores".
	EachPoint(f func(workers int, median, lo, hi, confidence float64)) (name, axis string)
}

// A Sweep is a [Scaling] written down.
type Sweep struct {
	Name   string
	Axis   string // what is counted; empty means workers
	Points []SweepPoint
	Engine string // what ran the code; empty when there is but one way
}

// A SweepPoint is the measurement for one number of workers.
type SweepPoint struct {
	Workers    int
	Median     float64 // in nanoseconds
	Lo, Hi     float64 // ends of its interval; both 0 when there is none
	Confidence float64 // of the interval, from 0 to 1
}

// EachPoint implements [Scaling].
func (s Sweep) EachPoint(f func(workers int, median, lo, hi, confidence float64)) (name, axis string) {
	for _, p := range s.Points {
		f(p.Workers, p.Median, p.Lo, p.Hi, p.Confidence)
	}
	return s.Name, s.Axis
}

// RanBy implements [Ran].
func (s Sweep) RanBy() string { return s.Engine }

// Speedup draws how many times faster the work is than with the smallest number of workers: what was measured, with its
// intervals, what would be ideal, and, from two numbers of workers on, Amdahl's law, and from three on, the Universal Scalability
// Law. Both begin at the smallest number, and are fitted to the other times by least squares of the relative errors. Their
// parameters are in the caption: the serial part and the limit that it sets; contention σ, coherence κ and the number of workers
// beyond which more are slower. Where some number is clearly slower than the smallest, which Amdahl's law cannot explain, the
// caption says that in its place. Interval ends count from the median of the smallest number; its own interval is drawn at that number.
func Speedup(s Scaling, o ...Options) (*Figure, error) {
	opt, err := one(o)
	if err != nil {
		return nil, fmt.Errorf("plots.Speedup: %w", err)
	}
	c, err := readScaling(s)
	if err != nil {
		return nil, fmt.Errorf("plots.Speedup: %w", err)
	}
	t := themes[opt.Theme]
	c.theme = t
	first, last := c.points[0], c.points[len(c.points)-1]
	ratio := last.n / first.n

	p := newPlot(t)
	const body = 330.0
	c.top = min(ratio, max(2, 1.3*c.most))*1.04 + 0.05
	wide := opt.Width - 60 - 2*margin // about what remains for the data
	if ratio >= 32 {
		p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
		p.X.Min, p.X.Max = first.n/1.08, last.n*1.08
		p.Y.Min, p.Y.Max = min(1, c.least)/1.15, c.top
		at := func(v float64) float64 { return p.X.Scale.Normalize(p.X.Min, p.X.Max, v) * wide }
		p.X.Tick.Marker = sparse(c.workerTicks(), at)
		var y fixedTicks
		for v := math.Exp2(math.Floor(math.Log2(p.Y.Min))); v <= p.Y.Max; v *= 2 {
			y = append(y, plot.Tick{Value: v, Label: shortNumber(v) + "×"})
		}
		showY(p, y)
	} else {
		edge := max(0.15, 0.03*(last.n-first.n))
		p.X.Min, p.X.Max = first.n-edge, last.n+edge
		p.Y.Min, p.Y.Max = 0, c.top
		at := func(v float64) float64 { return (v - p.X.Min) / (p.X.Max - p.X.Min) * wide }
		p.X.Tick.Marker = sparse(c.workerTicks(), at)
		var y fixedTicks
		step := niceStep(c.top/6, 0)
		for i := 0.0; i*step <= c.top; i++ {
			y = append(y, plot.Tick{Value: i * step, Label: shortNumber(i*step) + "×"})
		}
		y[0].Label = "0"
		showY(p, y)
	}
	p.X.Label.Text = c.axis
	p.Add(c)

	f := &Figure{plot: p, theme: t, width: opt.Width, title: opt.Title, gutter: margin, body: body}
	over := "speedup over 1 " + singular(c.axis)
	if first.n != 1 {
		over = fmt.Sprintf("speedup over %s %s", shortNumber(first.n), c.axis)
	}
	f.caption = captionOf(opt.Width, false, c.name, over, c.spreads.words(), ranBy(s))
	amdahl, usl := c.words()
	f.caption = append(f.caption, captionOf(opt.Width, false, amdahl)...)
	f.caption = append(f.caption, captionOf(opt.Width, false, usl)...)
	dot := t.points
	f.legend = []entry{{name: "measured", mark: &dot, whisker: c.spreads.any()}, {name: "ideal", line: &t.ideal}}
	if c.amdahl != nil {
		f.legend = append(f.legend, entry{name: "Amdahl", line: &t.amdahl})
	}
	if c.usl != nil {
		f.legend = append(f.legend, entry{name: "USL", line: &t.usl})
	}
	f.alt = fmt.Sprintf("Speedup of %s: %s with %s %s.", orWork(c.name), times(last.speedup), shortNumber(last.n), c.axis)
	for _, fit := range []string{amdahl, usl} {
		if fit != "" {
			f.alt += " " + fit + "."
		}
	}
	f.alt += inWords(s)
	return f, nil
}

// scaling is the plotter of Speedup.
type scaling struct {
	theme       *theme
	name, axis  string
	points      []scalingPoint // by n
	spreads     spreads
	least, most float64       // of all speedups and their intervals
	top         float64       // of the vertical axis
	amdahl, usl *law          // nil when there are too few points, or when it cannot be that
	slowest     *scalingPoint // the one most clearly slower than the first; nil when none is
}

type scalingPoint struct{ n, time, speedup, lo, hi, confidence float64 }

func readScaling(s Scaling) (*scaling, error) {
	if s == nil {
		return nil, errors.New("no measurements")
	}
	c := new(scaling)
	var bad error
	c.name, c.axis = s.EachPoint(func(workers int, median, lo, hi, confidence float64) {
		switch {
		case workers < 1:
			bad = fmt.Errorf("%d workers cannot be measured", workers)
		case !(median > 0) || math.IsInf(median, 0) || math.IsNaN(lo) || math.IsNaN(hi) || lo < 0 || hi < 0:
			bad = fmt.Errorf("a time of %v ns with %s (from %v to %v) is none", median, counted(workers, "worker"), lo, hi)
		}
		c.points = append(c.points, scalingPoint{n: float64(workers), time: median, lo: lo, hi: hi, confidence: confidence})
	})
	if bad != nil {
		return nil, bad
	}
	if len(c.points) == 0 {
		return nil, errors.New("no measurements")
	}
	if c.axis == "" {
		c.axis = "workers"
	}
	slices.SortStableFunc(c.points, func(a, b scalingPoint) int { return int(a.n - b.n) })
	base := c.points[0].time
	c.least, c.most = 1, 1
	var n, time []float64
	distinct := 0
	for i := range c.points {
		p := &c.points[i]
		if i == 0 || p.n != c.points[i-1].n {
			distinct++
		}
		n, time = append(n, p.n), append(time, p.time)
		p.speedup = base / p.time
		if p.lo > 0 && p.hi >= p.lo {
			p.lo, p.hi = base/p.hi, base/p.lo
			c.spreads.add(counted(int(p.n), singular(c.axis)), p.confidence)
		} else {
			p.lo, p.hi = p.speedup, p.speedup
		}
		c.least, c.most = min(c.least, p.lo), max(c.most, p.hi)
		if p.n > c.points[0].n && p.hi < c.points[0].lo && (c.slowest == nil || p.speedup < c.slowest.speedup) {
			c.slowest = p
		}
	}
	if distinct >= 2 && c.slowest == nil {
		l := fitLaw(n, time, false)
		c.amdahl = &l
	}
	if distinct >= 3 {
		l := fitLaw(n, time, true)
		c.usl = &l
	}
	return c, nil
}

// words says what the laws found.
func (c *scaling) words() (amdahl, usl string) {
	if p := c.slowest; p != nil {
		amdahl = fmt.Sprintf("More %s make it slower, %s with %s: Amdahl's law, which never falls, does not apply", c.axis, times(p.speedup), shortNumber(p.n))
	} else if l := c.amdahl; l != nil {
		amdahl = "Amdahl: serial part " + percent(l.contention())
		if s := l.contention(); s > 0.0005 {
			amdahl += fmt.Sprintf(", at most %s", times(c.speedup(l, math.Inf(1))))
		}
		amdahl += l.quality()
	}
	if l := c.usl; l != nil {
		usl = fmt.Sprintf("USL: contention σ %s, coherence κ %s", percent(l.contention()), percent(l.coherence()))
		if n := l.best(); !math.IsInf(n, 0) && n < 1e6 {
			n = max(1, math.Round(n))
			axis := c.axis
			if n == 1 {
				axis = singular(axis)
			}
			usl += fmt.Sprintf(", best with %s %s", thousands(n), axis)
		}
		usl += l.quality()
	}
	return amdahl, usl
}

// quality says how well the law fits. With as many parameters as points it does wherever its bounds let it, which says nothing.
func (l *law) quality() string {
	switch {
	case l.off < 0.0005 && l.parameters >= l.points:
		return fmt.Sprintf(" (from %d points, so it cannot but fit)", l.points+1)
	case l.off < 0.0005:
		return ""
	}
	return fmt.Sprintf(" (off by %s)", percent(l.off))
}

// speedup is what a law says of n workers, counted as the points are.
func (c *scaling) speedup(l *law, n float64) float64 {
	if math.IsInf(n, 0) {
		if l.c > 0 {
			return 0
		}
		return c.points[0].time / l.b
	}
	return c.points[0].time / l.time(n)
}

func (c *scaling) workerTicks() (ticks []plot.Tick) {
	for i, p := range c.points {
		if i == 0 || p.n != c.points[i-1].n {
			ticks = append(ticks, plot.Tick{Value: p.n, Label: thousands(p.n)})
		}
	}
	return ticks
}

// Plot implements plot.Plotter.
func (c *scaling) Plot(cv draw.Canvas, p *plot.Plot) {
	pen := pen{cv, c.theme}
	pen.grid(cv, p, true, true)
	trX, trY := p.Transforms(&cv)
	first, last := c.points[0].n, c.points[len(c.points)-1].n
	curve := func(k lineKind, f func(n float64) float64) {
		const steps = 240
		var line []vg.Point
		for i := range steps + 1 {
			part := float64(i) / steps
			n := first + (last-first)*part
			if _, log := p.X.Scale.(plot.LogScale); log {
				n = first * math.Pow(last/first, part)
			}
			y := f(n)
			if !(y >= p.Y.Min) || y > p.Y.Max {
				if len(line) > 0 { // to the edge
					y = min(max(y, p.Y.Min), p.Y.Max)
					line = append(line, vg.Point{X: trX(n), Y: trY(y)})
				}
				break
			}
			line = append(line, vg.Point{X: trX(n), Y: trY(y)})
		}
		if len(line) > 1 {
			cv.StrokeLines(k.style(), line)
		}
	}
	curve(c.theme.ideal, func(n float64) float64 { return n / first })
	if c.amdahl != nil {
		curve(c.theme.amdahl, func(n float64) float64 { return c.speedup(c.amdahl, n) })
	}
	if c.usl != nil {
		curve(c.theme.usl, func(n float64) float64 { return c.speedup(c.usl, n) })
	}
	for _, m := range c.points {
		x := float64(trX(m.n))
		if m.hi > m.lo {
			pen.whisker(x, float64(trY(max(m.lo, p.Y.Min))), x, float64(trY(min(m.hi, p.Y.Max))), 4, c.theme.points.fill)
		}
	}
	for _, m := range c.points {
		pen.dot(float64(trX(m.n)), float64(trY(min(max(m.speedup, p.Y.Min), p.Y.Max))), 3.6, c.theme.points.fill)
	}
}

// shortNumber writes a number without zeros behind the point.
func shortNumber(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

func singular(s string) string {
	if n := len(s); n > 1 && s[n-1] == 's' {
		return s[:n-1]
	}
	return s
}

func orWork(name string) string {
	if name == "" {
		return "some work"
	}
	return name
}
