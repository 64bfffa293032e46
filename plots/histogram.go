package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"

	"interleave/runtime/quantity"
)

// Samples are single times of some work. Lab's Stats implement it; [Durations] holds your own times.
type Samples interface {
	// EachSample calls f with every time, in nanoseconds. It returns the name of the work.
	EachSample(f func(ns float64)) (name string)
}

// Durations are a literal list of [Samples].
type Durations []time.Duration

// EachSample implements [Samples].
func (d Durations) EachSample(f func(ns float64)) (name string) {
	for _, v := range d {
		f(float64(v))
	}
	return ""
}

// Histogram draws how often times of each length were seen, with marks at the percentiles 50, 90 and 99. A
// percentile is the least time that so many of the samples did not exceed, or, where they are exactly so
// many, the mean of that and the next one: p50 is the median that lab's Stats have. One that needs more
// samples than there are is left out: ten for p90, a hundred for p99. Where the longest time is more than
// fifty times the shortest, the axis is logarithmic.
func Histogram(s Samples, o ...Options) (*Figure, error) {
	opt, err := one(o)
	if err != nil {
		return nil, fmt.Errorf("plots.Histogram: %w", err)
	}
	if s == nil {
		return nil, errors.New("plots.Histogram: no samples")
	}
	var bad error
	var times []float64
	name := s.EachSample(func(ns float64) {
		if !(ns >= 0) || math.IsInf(ns, 0) {
			bad = fmt.Errorf("plots.Histogram: %v ns is not a valid time", ns)
		}
		times = append(times, ns)
	})
	if bad != nil {
		return nil, bad
	}
	if len(times) == 0 {
		return nil, errors.New("plots.Histogram: no samples")
	}
	t := themes[opt.Theme]
	h := &histogram{distribution: newDistribution(times), theme: t}
	p := newPlot(t)
	p.X.Min, p.X.Max = h.lo, h.hi
	wide := opt.Width - 60 - 2*margin
	if h.log {
		p.X.Scale = plot.LogScale{}
		p.X.Tick.Marker = sparse(logTimes(h.lo, h.hi), func(v float64) float64 { return p.X.Scale.Normalize(h.lo, h.hi, v) * wide })
	} else {
		ticks := timeTicks{about: int(wide / 90)}.Ticks(h.lo, h.hi)
		p.X.Tick.Marker = sparse(ticks, func(v float64) float64 { return (v - h.lo) / (h.hi - h.lo) * wide })
	}
	const body = 230.0
	h.head = markHeight*float64(len(h.marks)) + 6
	p.Y.Max = float64(h.most) * body / (body - h.head)
	showY(p, countTicks(4, float64(h.most)))
	p.Add(h)

	f := &Figure{plot: p, theme: t, width: opt.Width, title: opt.Title, gutter: margin, body: body}
	words := []string{name, quantity.Plural(len(times), "sample"), "from " + quantity.Nanoseconds(h.times[0]) + " to " + quantity.Nanoseconds(h.times[len(times)-1]), "mean " + quantity.Nanoseconds(h.mean)}
	for _, m := range h.marks {
		words = append(words, m.name+" "+quantity.Nanoseconds(m.ns))
	}
	if ran := ranBy(s); ran != "" {
		words = append(words, ran)
	}
	f.caption = captionOf(opt.Width, false, words...)
	f.legend = []entry{{swatch: t.bar, name: "samples in each " + h.binWidth()}}
	f.alt = fmt.Sprintf("Histogram of times: %s.", join(words))
	f.warn(s)
	return f, nil
}

// A distribution is times in bins of equal width on an axis that may be logarithmic.
type distribution struct {
	times  []float64 // in nanoseconds, sorted
	log    bool
	lo, hi float64 // of the axis, in seconds
	bins   []int
	most   int // in a bin
	marks  []percentile
	mean   float64
}

type percentile struct {
	name string
	ns   float64
}

// newDistribution takes the times for itself.
func newDistribution(times []float64) *distribution {
	slices.Sort(times)
	d := &distribution{times: times}
	n := len(times)
	least, most := times[0], times[n-1]
	for _, v := range times {
		d.mean += v / float64(n)
	}
	d.log = least > 1e-6 && most > 50*least // no work takes a millionth of a nanosecond
	switch {
	case d.log:
		d.lo, d.hi = least/1.05, most*1.05
	case most == least:
		d.lo, d.hi = 0.9*least, 1.1*least+1
	default:
		pad := (most - least) / 20
		if d.lo, d.hi = least-pad, most+pad; least < 4*pad*5 { // an axis near zero begins at zero
			d.lo = 0
		}
	}
	d.lo, d.hi = max(0, d.lo)/1e9, d.hi/1e9
	// As many bins as keep each wide enough to hold some: the width of Freedman and Diaconis, within what can
	// be seen.
	count := 60.0
	if iqr := d.place(d.quantile(0.75)) - d.place(d.quantile(0.25)); iqr > 0 {
		count = 1 / (2 * iqr / math.Cbrt(float64(n)))
	}
	if most == least {
		count = 21 // with the one that counts in the middle
	}
	d.bins = make([]int, int(min(80, max(12, count))))
	for _, v := range times {
		d.bins[min(len(d.bins)-1, int(d.place(v)*float64(len(d.bins))))]++
	}
	d.most = slices.Max(d.bins)
	for _, q := range []struct {
		name   string
		q      float64
		needed int
	}{{"p50", 0.5, 1}, {"p90", 0.9, 10}, {"p99", 0.99, 100}} {
		if n >= q.needed {
			d.marks = append(d.marks, percentile{q.name, d.quantile(q.q)})
		}
	}
	return d
}

// binWidth returns the width of the bins: a time, or a factor on a logarithmic axis.
func (d *distribution) binWidth() string {
	n := float64(len(d.bins))
	if d.log {
		return fmt.Sprintf("×%.3g", math.Pow(d.hi/d.lo, 1/n))
	}
	return quantity.Nanoseconds((d.hi - d.lo) / n * 1e9)
}

// place is where on the axis a time is, from 0 to 1.
func (d *distribution) place(ns float64) float64 {
	v := ns / 1e9
	if d.log {
		return math.Log(v/d.lo) / math.Log(d.hi/d.lo)
	}
	return (v - d.lo) / (d.hi - d.lo)
}

// quantile is the least of the times that a part q of them do not exceed; when that part is a whole number of
// them, the mean of it and the next.
func (d *distribution) quantile(q float64) float64 {
	n := q * float64(len(d.times))
	if whole := math.Round(n); math.Abs(n-whole) < 1e-9*n && whole >= 1 && int(whole) < len(d.times) {
		i := int(whole)
		return d.times[i-1] + (d.times[i]-d.times[i-1])/2
	}
	return d.times[max(0, int(math.Ceil(n))-1)]
}

// histogram is the plotter of Histogram.
type histogram struct {
	*distribution
	theme *theme
	head  float64 // above the bins, for the marks' names
}

const markHeight = 14.0

// Plot implements plot.Plotter.
func (h *histogram) Plot(c draw.Canvas, p *plot.Plot) {
	pen := pen{c, h.theme}
	pen.grid(c, p, false, true)
	x0, x1, base, top := float64(c.Min.X), float64(c.Max.X), float64(c.Min.Y), float64(c.Max.Y)
	h.draw(pen, h.theme.bar, x0, x1, base, top-h.head)
	h.drawMarks(pen, x0, x1, base, top)
}

// draw draws the bins between x0 and x1; the fullest reaches top.
func (d *distribution) draw(p pen, s swatch, x0, x1, base, top float64) {
	var cols []column
	for i, n := range d.bins {
		if n == 0 {
			continue
		}
		at := func(i int) float64 { return x0 + (x1-x0)*float64(i)/float64(len(d.bins)) }
		height := max(1.2, (top-base)*float64(n)/float64(d.most)) // one in a million is seen, too
		cols = append(cols, column{at(i) + 0.5, at(i+1) - 0.5, base, base + height})
	}
	p.fill(s, cols)
}

// drawMarks draws the percentiles, each with its name on a line of its own below top. All names stand to the
// right of their marks, the first highest, or all to the left, the last highest: then no name crosses a mark.
// Where neither has room, each stands where it fits, on paper of its own.
func (d *distribution) drawMarks(p pen, x0, x1, base, top float64) {
	n := len(d.marks)
	at, texts := make([]float64, n), make([]string, n)
	right, left := true, true
	fits := func(i int) (right, left bool) {
		w := textWidth(texts[i], regular, labelSize) + 5
		return at[i]+w <= x1, at[i]-w >= x0
	}
	for i, m := range d.marks {
		at[i], texts[i] = x0+(x1-x0)*d.place(m.ns), m.name+" "+quantity.Nanoseconds(m.ns)
		r, l := fits(i)
		right, left = right && r, left && l
	}
	line := func(i int) float64 {
		if !right && left {
			i = n - 1 - i
		}
		return top - markHeight*float64(i+1) + 4
	}
	for i := range d.marks {
		p.rule(at[i], base, at[i], line(i)+8, 1.2, p.theme.ink)
	}
	for i := range d.marks {
		x, w := at[i]+5, textWidth(texts[i], regular, labelSize)
		if r, _ := fits(i); !r || !right && left {
			x = at[i] - 5 - w
		}
		if !right && !left {
			p.fill(swatch{fill: p.theme.paper}, []column{{x - 2, x + w + 2, line(i) - 2, line(i) + 9}})
		}
		p.text(x, line(i), texts[i], regular, labelSize, p.theme.ink)
	}
}

// logTimes marks an axis in seconds at powers of ten, and at twice and five times as much where there are few
// of these.
func logTimes(lo, hi float64) (ticks []plot.Tick) {
	factors := []float64{1}
	if hi/lo < 3000 {
		factors = []float64{1, 2, 5}
	}
	for ten := math.Pow(10, math.Floor(math.Log10(lo))); ten <= hi; ten *= 10 {
		for _, f := range factors {
			if v := f * ten; v >= lo && v <= hi {
				ticks = append(ticks, plot.Tick{Value: v, Label: shortTime(v)})
			}
		}
	}
	return ticks
}

// shortTime writes a round number of seconds.
func shortTime(v float64) string {
	return quantity.Nanoseconds(v * 1e9)
}

func join(words []string) (s string) {
	for _, w := range words {
		if w != "" && s != "" {
			s += ", "
		}
		s += w
	}
	return s
}
