package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"interleave/runtime/quantity"
)

// A Scaling holds the times of some work with several numbers of workers. Lab's Scaling implements it;
// [Sweep] holds your own numbers.
type Scaling interface {
	// EachPoint calls f for every number of workers with the median time of the work in nanoseconds, the ends
	// of its interval and the interval's confidence, 0 for the range of the samples. It returns what was
	// measured, and what axis counts: "workers", "cores".
	EachPoint(f func(workers int, median, lo, hi, confidence float64)) (name, axis string)
}

// Filling is implemented by a [Scaling] that knows how many workers keep all cores busy. Lab's Scaling
// computes it from the CPU time of one worker.
type Filling interface {
	// FullAt is the number of workers beyond which all usable cores are busy, so that more workers cannot
	// help; 0 when it is unknown, or when workers hardly compute.
	FullAt() float64
}

// A Sweep is a literal [Scaling].
type Sweep struct {
	Name   string
	Axis   string // what is counted; empty means workers
	Points []SweepPoint
	Engine string // what ran the code; empty when there is only one
	// number of workers that keep all cores busy: for work that only computes, the number of cores. 0 when
	// not known
	Full     float64
	Warnings []string // conditions that may have changed the times
}

// A SweepPoint is the measurement for one number of workers.
type SweepPoint struct {
	Workers    int
	Median     float64 // in nanoseconds
	Lo, Hi     float64 // ends of its interval; both 0 when it has no title
	Confidence float64 // of the interval, from 0 to 1; 0 when Lo and Hi are the range of the samples
	Floor      float64 // lower bound of Lo without other processes on the cores; 0 means Lo
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

// FullAt implements [Filling].
func (s Sweep) FullAt() float64 { return s.Full }

// EachWarning implements [Warned].
func (s Sweep) EachWarning(f func(warning string)) {
	for _, w := range s.Warnings {
		f(w)
	}
}

// EachFloor implements [Disturbed].
func (s Sweep) EachFloor(f func(ns float64)) {
	for _, p := range s.Points {
		f(p.Floor)
	}
}

// Speedup draws how many times faster the work is than with the smallest number of workers: what was
// measured, with its intervals, what would be ideal, and, from two numbers of workers on, Amdahl's law, and
// from three on, the Universal Scalability Law. Both begin at the smallest number, and are fitted to the
// other times by least squares of the relative errors. Their parameters are in the caption: the serial part
// and the limit that it sets; contention σ, coherence κ and the number of workers beyond which more are
// slower. The range after the serial part follows from the intervals: it is fitted to the upper end of the
// first time and the lower ends of the others, and the other way round. Interval ends count from the median
// of the smallest number; its own interval is drawn at that number.
//
// The laws do not consider the number of cores. If it is known how many workers keep all cores busy
// ([Filling]), points beyond are drawn hollow and are not fitted, since even perfectly parallel work does not
// become faster there. A law is shown without numbers and curve, and the caption gives the reason, when
//   - it misses one of the points by more than 10 % of the time;
//   - others may have added more than 10 % to one of the times ([Disturbed]);
//   - the range of the serial part is wider than 50 %;
//   - Amdahl's law cannot apply, because some number of workers is clearly slower than the smallest.
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
	words := c.words()
	for _, w := range words {
		f.caption = append(f.caption, captionOf(opt.Width, false, w)...)
	}
	dot := t.points
	f.legend = []entry{{name: "measured", mark: &dot, whisker: c.spreads.any()}}
	if c.beyond() > 0 {
		f.legend = append(f.legend, entry{name: "beyond the cores", mark: &dot, hollow: true})
	}
	f.legend = append(f.legend, entry{name: "ideal", line: &t.ideal})
	if c.amdahl != nil {
		f.legend = append(f.legend, entry{name: "Amdahl", line: &t.amdahl})
	}
	if c.usl != nil {
		f.legend = append(f.legend, entry{name: "USL", line: &t.usl})
	}
	f.alt = fmt.Sprintf("Speedup of %s: %s with %s %s.", orWork(c.name), times(last.speedup), shortNumber(last.n), c.axis)
	for _, w := range words {
		f.alt += " " + w + "."
	}
	f.alt += inWords(s)
	f.warn(s)
	return f, nil
}

// scaling is the plotter of Speedup.
type scaling struct {
	theme       *theme
	name, axis  string
	points      []scalingPoint // by n
	full        float64        // number of workers that keep all cores busy; infinite when not known
	spreads     spreads
	least, most float64       // of all speedups and their intervals
	top         float64       // of the vertical axis
	amdahl, usl *law          // nil when there are too few points, or when it cannot be that
	why         [2]string     // why Amdahl's law, and USL, has no numbers
	serial      [2]float64    // the range of Amdahl's serial part; both negative when the intervals do not determine it
	slowest     *scalingPoint // the point most clearly slower than the first, or nil
}

type scalingPoint struct {
	n, time    float64
	least      float64 // lower bound of the time without other processes
	speedup    float64
	lo, hi     float64 // of the speedup
	confidence float64
	beyond     bool // the cores
}

// beyond is the number of points beyond the cores.
func (c *scaling) beyond() (n int) {
	for i := range c.points {
		if c.points[i].beyond {
			n++
		}
	}
	return n
}

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
			bad = fmt.Errorf("a time of %v ns with %s (from %v to %v) is not valid", median, quantity.Plural(workers, "worker"), lo, hi)
		}
		c.points = append(c.points, scalingPoint{n: float64(workers), time: median, lo: lo, hi: hi, confidence: confidence})
	})
	if bad != nil {
		return nil, bad
	}
	if len(c.points) == 0 {
		return nil, errors.New("no measurements")
	}
	for i, ns := range floorsOf(s, len(c.points)) {
		if !(ns >= 0) {
			return nil, fmt.Errorf("a lower bound of %v ns with %s is not valid: need zero or more", ns, quantity.Plural(int(c.points[i].n), "worker"))
		}
		c.points[i].least = ns
	}
	c.full = math.Inf(1)
	if f, ok := s.(Filling); ok && f.FullAt() > 0 {
		c.full = f.FullAt()
	}
	if c.axis == "" {
		c.axis = "workers"
	}
	slices.SortStableFunc(c.points, func(a, b scalingPoint) int { return int(a.n - b.n) })
	base := c.points[0].time
	c.least, c.most = 1, 1
	for i := range c.points {
		p := &c.points[i]
		p.speedup = base / p.time
		p.beyond = p.n > c.points[0].n && p.n > c.full
		if p.lo > 0 && p.hi >= p.lo {
			if p.least <= 0 {
				p.least = p.lo
			}
			p.least = min(p.least, p.lo)
			p.lo, p.hi = base/p.hi, base/p.lo
			c.spreads.add(quantity.Plural(int(p.n), singular(c.axis)), p.confidence)
		} else {
			p.least = p.time
			p.lo, p.hi = p.speedup, p.speedup
		}
		c.least, c.most = min(c.least, p.lo), max(c.most, p.hi)
		if p.n > c.points[0].n && !p.beyond && base/p.least < c.points[0].lo && (c.slowest == nil || p.speedup < c.slowest.speedup) {
			c.slowest = p
		}
	}
	c.fit()
	return c, nil
}

// Limits within which a law is shown with numbers.
const (
	maxMiss    = 0.1 // of the time, at any point
	maxTaken   = 0.1 // of the time, added by others
	maxUnknown = 0.5 // between the ends of the serial part's range
)

// fit fits the laws to the points up to the number of cores.
func (c *scaling) fit() {
	base := c.points[0]
	var n, time, short, long []float64
	distinct, wide := 0, true
	for i, p := range c.points {
		if p.beyond {
			break
		}
		if i == 0 || p.n != c.points[i-1].n {
			distinct++
		}
		n, time = append(n, p.n), append(time, p.time)
		short, long = append(short, base.time/p.hi), append(long, base.time/p.lo)
		wide = wide && p.hi > p.lo
		if lo := base.time / p.hi; p.least < (1-maxTaken)*lo {
			c.why = [2]string{"other processes may have changed the times by more than 10 %: no law is fitted", ""}
		}
	}
	c.serial = [2]float64{-1, -1}
	if c.why[0] != "" {
		return
	}
	if distinct >= 2 && c.slowest == nil {
		l := fitLaw(n, time, false)
		if wide { // from the upper end of the first time and the lower ends of the others, and the other way round
			serial := func(first float64, rest []float64) float64 {
				l := fitLaw(n, append([]float64{first}, rest[1:]...), false)
				return l.contention()
			}
			c.serial = [2]float64{serial(long[0], short), serial(short[0], long)}
		}
		switch at, miss := l.worst(n, time); {
		case miss > maxMiss:
			c.why[0] = fmt.Sprintf("Amdahl's law does not fit: it is off by %s with %s", percent(miss), quantity.Plural(int(at), singular(c.axis)))
		case c.serial[1]-c.serial[0] > maxUnknown:
			c.why[0] = fmt.Sprintf("the times are too uncertain for Amdahl's law: the serial part may be anything from %s to %s", percent(c.serial[0]), percent(c.serial[1]))
		default:
			c.amdahl = &l
		}
	}
	if distinct >= 3 {
		l := fitLaw(n, time, true)
		if at, miss := l.worst(n, time); miss > maxMiss {
			c.why[1] = fmt.Sprintf("USL does not fit: it is off by %s with %s", percent(miss), quantity.Plural(int(at), singular(c.axis)))
		} else {
			c.usl = &l
		}
	}
}

// flatFrom is the number of workers from which on the speedup stays the same; 0 when there is no such number.
func (c *scaling) flatFrom() float64 {
	last := len(c.points) - 1
	from := last
	for from > 0 && math.Abs(c.points[from-1].speedup/c.points[last].speedup-1) < maxMiss {
		from--
	}
	if from == last || from == 0 {
		return 0
	}
	return c.points[from].n
}

// words describes the fitted laws, or why they are not shown.
func (c *scaling) words() (all []string) {
	if n := c.beyond(); n > 0 {
		axis := c.axis
		if full := math.Floor(c.full); full == 1 {
			axis = singular(axis)
		}
		points := "the hollow point is"
		if n > 1 {
			points = "the hollow points are"
		}
		all = append(all, fmt.Sprintf("Beyond %s %s all cores are busy: %s not fitted", thousands(max(1, math.Floor(c.full))), axis, points))
	}
	if p := c.slowest; p != nil {
		all = append(all, fmt.Sprintf("More %s make it slower, %s with %s: Amdahl's law, which never falls, does not apply", c.axis, times(p.speedup), shortNumber(p.n)))
	}
	if l := c.amdahl; l != nil {
		t := "Amdahl: serial part " + percent(l.contention())
		most, unbounded := c.speedup(l, math.Inf(1)), l.contention() <= 0.0005
		if lo, hi := percent(max(0, c.serial[0])), percent(c.serial[1]); c.serial[0] >= 0 && lo != hi {
			t += fmt.Sprintf(" (%s to %s)", lo, hi)
		}
		if !unbounded {
			t += ", at most " + times(most)
		}
		all = append(all, t+l.quality())
	}
	if l := c.usl; l != nil {
		t := fmt.Sprintf("USL: contention σ %s, coherence κ %s", percent(l.contention()), percent(l.coherence()))
		if n := l.best(); !math.IsInf(n, 0) && n < 1e6 {
			n = max(1, math.Round(n))
			axis := c.axis
			if n == 1 {
				axis = singular(axis)
			}
			t += fmt.Sprintf(", best with %s %s", thousands(n), axis)
		}
		all = append(all, t+l.quality())
	}
	if c.why[0] == c.why[1] && c.why[0] != "" {
		c.why[1] = ""
	}
	for _, w := range c.why {
		if w != "" {
			all = append(all, strings.ToUpper(w[:1])+w[1:])
		}
	}
	if n := c.flatFrom(); n > 0 && c.beyond() == 0 && c.amdahl == nil && c.usl == nil {
		all = append(all, fmt.Sprintf("No faster beyond %s %s, as when all cores are busy", thousands(n), c.axis))
	}
	return all
}

// quality describes how well the law fits. With as many parameters as points it fits wherever its bounds
// allow it, which proves nothing.
func (l *law) quality() string {
	switch {
	case l.off < 0.0005 && l.parameters >= l.points:
		return fmt.Sprintf(" (from %d points, so it always fits)", l.points+1)
	case l.off < 0.0005:
		return ""
	}
	return fmt.Sprintf(" (off by %s)", percent(l.off))
}

// speedup returns the speedup with n workers by a law, relative to the first point.
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
	fitted := c.points[len(c.points)-1-c.beyond()].n
	curve := func(k lineKind, last float64, f func(n float64) float64) {
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
	curve(c.theme.ideal, last, func(n float64) float64 { return min(n, max(first, c.full)) / first })
	if c.amdahl != nil {
		curve(c.theme.amdahl, fitted, func(n float64) float64 { return c.speedup(c.amdahl, n) })
	}
	if c.usl != nil {
		curve(c.theme.usl, fitted, func(n float64) float64 { return c.speedup(c.usl, n) })
	}
	for _, m := range c.points {
		x := float64(trX(m.n))
		if m.hi > m.lo {
			pen.whisker(x, float64(trY(max(m.lo, p.Y.Min))), x, float64(trY(min(m.hi, p.Y.Max))), 4, c.theme.points.fill)
		}
	}
	for _, m := range c.points {
		x, y := float64(trX(m.n)), float64(trY(min(max(m.speedup, p.Y.Min), p.Y.Max)))
		if m.beyond {
			pen.ring(x, y, 3.6, c.theme.points.fill)
		} else {
			pen.dot(x, y, 3.6, c.theme.points.fill)
		}
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
