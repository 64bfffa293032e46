package plots

import (
	"errors"
	"fmt"
	"math"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// Counters draws how the numbers of an experiment changed, one row for each: the depth of a queue, the
// workers of a pool that ran and the tasks that waited for one, the holders of a semaphore. Each row has a
// scale of its own, from zero to the greatest value, which is written beside it. Where a number changes more
// often than pixels can show, the row is filled to its least value and pale up to its greatest. Beyond
// Options.MaxRows counters are left out, which the caption mentions.
func Counters(e *timeline.Experiment, o ...Options) (*Figure, error) {
	if e == nil {
		return nil, errors.New("plots.Counters: no experiment")
	}
	opt, err := one(o)
	if err != nil {
		return nil, fmt.Errorf("plots.Counters: %w", err)
	}
	t := themes[opt.Theme]
	c := &counters{theme: t, rows: e.Counters(), total: e.Recorded}
	more := ""
	if n := len(c.rows) - opt.MaxRows; n > 0 {
		more = quantity.Plural(n, "more counter") + " " + quantity.Noun(n, "is", "are") + " not shown"
		c.rows = c.rows[:opt.MaxRows]
	}
	widest := 0.0
	for i := range c.rows {
		widest = max(widest, textWidth(c.rows[i].Name, regular, labelSize), textWidth(c.extent(i), regular, smallSize))
	}
	c.gutter = margin + min(widest, maxLabel, 0.45*opt.Width) + labelGap
	if opt.Width < narrow {
		c.gutter, c.above = margin, aboveLabel
	}

	p := newPlot(t)
	p.X.Min, p.X.Max = 0, max(c.total, 1).Seconds()
	p.X.Tick.Marker = timeTicks{about: int((opt.Width - c.gutter) / 90)}
	if c.above > 0 {
		p.X.Tick.Marker = within{p.X.Tick.Marker, opt.Width - c.gutter - margin}
	}
	if c.total <= 0 {
		p.HideX()
		p.X.Tick.Marker = plot.ConstantTicks(nil)
	}
	p.Add(c)

	f := &Figure{plot: p, theme: t, width: opt.Width, title: opt.Title, gutter: c.gutter, body: (counterPitch+c.above)*float64(max(1, len(c.rows))) + 4}
	f.caption = captionOf(opt.Width, false, e.Caption(), more)
	if e.Dropped > 0 {
		f.caption = append(f.caption, captionOf(opt.Width, true, quantity.Plural(e.Dropped, "later event")+" "+quantity.Noun(e.Dropped, "was", "were")+" dropped")...)
	}
	f.alt = "Counters of an experiment."
	for i := range c.rows {
		f.alt += fmt.Sprintf(" %s: %s.", c.rows[i].Name, c.extent(i))
	}
	if c.ragged(opt.Width - c.gutter - margin) {
		f.legend = []entry{{swatch: t.points, name: "least value"}, {swatch: c.pale(), name: "up to the greatest"}}
	}
	return f, nil
}

const (
	counterPitch  = 46.0
	counterHeight = 36.0
)

// counters is the plotter of Counters.
type counters struct {
	theme  *theme
	rows   []timeline.Counter
	total  time.Duration
	gutter float64
	above  float64 // height of a label above its row; 0 when it stands left of it
}

func (c *counters) extent(i int) string {
	return fmt.Sprintf("at most %s, mean %s", quantity.Count(c.rows[i].Max()), meanOf(c.rows[i].Mean()))
}

func meanOf(v float64) string {
	if v != 0 && math.Abs(v) < 0.995 {
		return fmt.Sprintf("%.2f", v)
	}
	if math.Abs(v) < 99.95 {
		return fmt.Sprintf("%.1f", v)
	}
	return thousands(v)
}

func (c *counters) pale() swatch {
	return swatch{fill: mix(c.theme.bar.fill, c.theme.paper, 0.4)}
}

// extremes is the least and the greatest value in each bin; both are NaN before the first point and after the
// last. Of a single step within a bin the longer side counts, so that steps are sharp.
func extremes(k *timeline.Counter, g grid) (least, most []float64) {
	type bin struct {
		least, most, longest float64
		part                 float64 // of longest
		values               int
	}
	bins := make([]bin, g.n)
	for i, p := range k.Points {
		end := k.Until
		if i+1 < len(k.Points) {
			end = k.Points[i+1].At
		}
		v := float64(p.Value)
		g.over(p.At, end, func(at int, part float64) {
			b := &bins[at]
			if part < 1e-9 { // only a rounding error
				return
			}
			if b.values == 0 {
				b.least, b.most = v, v
			}
			b.values++
			b.least, b.most = min(b.least, v), max(b.most, v)
			if part > b.part {
				b.longest, b.part = v, part
			}
		})
	}
	least, most = make([]float64, g.n), make([]float64, g.n)
	for i, b := range bins {
		switch b.values {
		case 0:
			least[i], most[i] = math.NaN(), math.NaN()
		case 1, 2:
			least[i], most[i] = b.longest, b.longest
		default:
			least[i], most[i] = b.least, b.most
		}
	}
	return least, most
}

// grid returns bins that are as fine as possible for the number of rows without a large drawing.
func (c *counters) grid(x0, width float64, from, total time.Duration) grid {
	size := 1.0
	for width/size*float64(len(c.rows)) > maxColumns/2 {
		size *= 2
	}
	return newGrid(x0, width, size, from, total)
}

// ragged reports whether some counter changes too often to be drawn as one line.
func (c *counters) ragged(width float64) bool {
	for i := range c.rows {
		least, most := extremes(&c.rows[i], c.grid(0, width, 0, c.total))
		for b := range least {
			if most[b] > least[b] {
				return true
			}
		}
	}
	return false
}

// Plot implements plot.Plotter.
func (c *counters) Plot(cv draw.Canvas, p *plot.Plot) {
	pen := pen{cv, c.theme}
	pen.grid(cv, p, true, false)
	x0, x1, top := float64(cv.Min.X), float64(cv.Max.X), float64(cv.Max.Y)
	if len(c.rows) == 0 {
		pen.textCentre((x0+x1)/2, top-counterPitch/2-4, "the experiment has no counters", regular, labelSize, c.theme.muted)
		return
	}
	seconds := func(v float64) time.Duration { return time.Duration(math.Round(v * 1e9)) }
	g := c.grid(x0, x1-x0, seconds(p.X.Min), seconds(p.X.Max-p.X.Min))
	for i := range c.rows {
		base := top - (counterPitch+c.above)*float64(i+1) + 4
		k := &c.rows[i]
		least, most := extremes(k, g)
		lowest, highest := 0.0, 1.0
		for _, q := range k.Points {
			lowest, highest = min(lowest, float64(q.Value)), max(highest, float64(q.Value))
		}
		y := func(v float64) float64 { return base + counterHeight*(v-lowest)/(highest-lowest) }
		zero := y(0)
		fill := func(s swatch, values []float64) {
			var cols []column
			runs(g.n, func(b int) float64 { return values[b] }, func(first, end int, v float64) {
				if v != 0 && !math.IsNaN(v) {
					cols = append(cols, column{g.x(first), g.x(end), min(zero, y(v)), max(zero, y(v))})
				}
			})
			pen.fill(s, cols)
		}
		fill(c.pale(), most)
		fill(c.theme.bar, least)
		pen.rule(x0, zero, x1, zero, 0.75, c.theme.faint)
		c.outline(pen, g, most, y)
		if c.above > 0 {
			extent := c.extent(i)
			name := fit(k.Name, x1-x0-textWidth(extent, regular, smallSize)-labelGap, regular, labelSize)
			pen.text(x0, base+counterHeight+4, name, regular, labelSize, c.theme.ink)
			pen.textRight(x1, base+counterHeight+4, extent, regular, smallSize, c.theme.muted)
			continue
		}
		room := c.gutter - margin - labelGap
		pen.textRight(x0-labelGap, base+counterHeight/2+2, fit(k.Name, room, regular, labelSize), regular, labelSize, c.theme.ink)
		pen.textRight(x0-labelGap, base+counterHeight/2-11, fit(c.extent(i), room, regular, smallSize), regular, smallSize, c.theme.muted)
	}
}

// outline draws the greatest values as steps, so that a counter at zero is seen as one.
func (c *counters) outline(p pen, g grid, values []float64, y func(float64) float64) {
	var line []vg.Point
	flush := func() {
		if len(line) > 1 {
			p.StrokeLines(draw.LineStyle{Color: c.theme.bar.fill, Width: 1.2}, line)
		}
		line = nil
	}
	runs(g.n, func(b int) step {
		if math.IsNaN(values[b]) {
			return step{none: true}
		}
		return step{v: values[b]}
	}, func(first, end int, s step) {
		if s.none {
			flush()
			return
		}
		line = append(line, vg.Point{X: vg.Length(g.x(first)), Y: vg.Length(y(s.v))}, vg.Point{X: vg.Length(g.x(end)), Y: vg.Length(y(s.v))})
	})
	flush()
}

// A step is a value that may be missing: NaN is not comparable to itself.
type step struct {
	v    float64
	none bool
}
