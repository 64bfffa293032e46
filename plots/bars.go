package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"

	"interleave/runtime/quantity"
)

// bars is the plotter of horizontal bars, one to a row, with a label to the left and words after their ends.
type bars struct {
	theme  *theme
	rows   []bar
	pitch  float64 // from row to row
	height float64 // of a bar
	gutter float64
	log    bool // the axis is logarithmic, and bars begin at its left end
	room   float64
}

// A bar is one row.
type bar struct {
	label      string
	value      float64
	lo, hi     float64 // an interval; no interval when both are 0
	swatch     swatch
	text, more string // behind the bar's end; more is left out where it does not fit
}

func (b *bars) bodyHeight() float64 { return b.pitch*float64(len(b.rows)) + 8 }

// textGap is between the bar's end, or that of its interval, and the words behind it.
const textGap = 7.0

func (r *bar) end() float64 { return max(r.value, r.hi) }

// words returns the text after the bar, as far as there is room.
func (b *bars) words(r *bar) string {
	if s := r.text + " · " + r.more; r.more != "" && textWidth(s, regular, labelSize) < 0.6*b.room {
		return s
	}
	return r.text
}

// axis decides the widths of labels and the extent of the axis, so that the words behind the bars find their
// place.
func (b *bars) axis(p *plot.Plot, o Options, log bool) {
	widest := 0.0
	for i := range b.rows {
		widest = max(widest, textWidth(b.rows[i].label, regular, labelSize))
	}
	b.gutter = margin + min(widest, maxLabel, 0.4*o.Width) + labelGap
	b.room = o.Width - b.gutter - margin
	b.log = log
	most := 0.0
	for i := range b.rows {
		most = max(most, b.rows[i].end())
	}
	if most <= 0 {
		most = 1
	}
	p.X.Min, p.X.Max = 0, most
	part := func(v, end float64) float64 { return v / end }
	if log {
		p.X.Min = 0.5 // a single run has a bar, too
		p.X.Scale = plot.LogScale{}
		part = func(v, end float64) float64 {
			if v <= p.X.Min {
				return 0
			}
			return math.Log(v/p.X.Min) / math.Log(end/p.X.Min)
		}
	}
	for i := range b.rows {
		r := &b.rows[i]
		free := b.room - textGap - textWidth(b.words(r), regular, labelSize)
		if r.end() <= p.X.Min || free <= 0 {
			continue
		}
		if share := free / b.room; part(r.end(), p.X.Max) > share {
			if log {
				p.X.Max = p.X.Min * math.Exp(math.Log(r.end()/p.X.Min)/share)
			} else {
				p.X.Max = r.end() / share
			}
		}
	}
	if !log {
		p.X.Tick.Marker = sparse(countTicks(int(b.room/90), p.X.Max), func(v float64) float64 { return v / p.X.Max * b.room })
		return
	}
	var ticks []plot.Tick
	for v := 1.0; v <= p.X.Max; v *= 10 {
		ticks = append(ticks, plot.Tick{Value: v, Label: thousands(v)})
	}
	p.X.Tick.Marker = sparse(ticks, func(v float64) float64 { return part(v, p.X.Max) * b.room })
}

// Plot implements plot.Plotter.
func (b *bars) Plot(c draw.Canvas, p *plot.Plot) {
	pen := pen{c, b.theme}
	pen.grid(c, p, true, false)
	trX, _ := p.Transforms(&c)
	x0, top := float64(c.Min.X), float64(c.Max.Y)
	at := func(v float64) float64 {
		if v <= p.X.Min {
			return x0
		}
		return float64(trX(v))
	}
	for i := range b.rows {
		r := &b.rows[i]
		mid := top - 4 - b.pitch*(float64(i)+0.5)
		label := fit(r.label, b.gutter-margin-labelGap, regular, labelSize)
		pen.textRight(x0-labelGap, mid-3.8, label, regular, labelSize, b.theme.ink)
		end := at(r.value)
		if r.value > 0 {
			pen.fill(r.swatch, []column{{x0, max(end, x0+1), mid - b.height/2, mid + b.height/2}})
		}
		if r.hi > 0 {
			lo, hi := at(r.lo), at(r.hi)
			pen.whisker(lo, mid, hi, mid, 4, b.theme.ink)
			end = max(end, hi)
		}
		pen.text(end+textGap, mid-3.8, b.words(r), regular, labelSize, b.theme.ink)
	}
	pen.rule(x0, float64(c.Min.Y), x0, top, 0.75, b.theme.muted)
}

// thousands writes a whole number with its thousands apart.
func thousands(v float64) string { return quantity.Count(int(math.Round(v))) }
