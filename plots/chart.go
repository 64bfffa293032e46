package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// one is the options of a call that may leave them out.
func one(o []Options) (Options, error) {
	switch len(o) {
	case 0:
		return Options{}.withDefaults()
	case 1:
		return o[0].withDefaults()
	}
	return Options{}, errors.New("more than one Options")
}

// newPlot is an empty plot whose axes are drawn as in all figures, without the vertical one.
func newPlot(t *theme) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.TextStyle.Font, p.Title.TextStyle.Color = face(bold, titleSize).Font, t.ink
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 0
		a.LineStyle.Color, a.LineStyle.Width = t.muted, 0.75
		a.Tick.LineStyle = a.LineStyle
		a.Tick.Length = 4
		a.Tick.Label.Font, a.Tick.Label.Color = face(regular, labelSize).Font, t.ink
		a.Label.TextStyle.Font, a.Label.TextStyle.Color = face(regular, labelSize).Font, t.ink
	}
	p.HideY()
	p.Y.Min, p.Y.Max = 0, 1
	return p
}

// showY gives a plot its vertical axis.
func showY(p *plot.Plot, ticks plot.Ticker) {
	p.Y.LineStyle.Width, p.Y.Tick.Length = p.X.LineStyle.Width, 4
	p.Y.Tick.Marker = ticks
	p.Y.Tick.LineStyle = p.X.Tick.LineStyle
	p.Y.Tick.Label = p.X.Tick.Label
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = draw.XRight, draw.YCenter
}

// captionOf breaks the parts of a caption into lines: between parts where it can, within one where it must.
func captionOf(width float64, warn bool, parts ...string) (lines []line) {
	const dot = " · "
	width -= 2 * margin
	var whole []string
	for _, p := range parts {
		if p != "" {
			whole = append(whole, p)
		}
	}
	if len(whole) == 0 {
		return nil
	}
	for _, text := range wrap(strings.Join(whole, dot), dot, width, regular, textSize) {
		for _, text := range wrap(text, " ", width, regular, textSize) {
			lines = append(lines, line{text, warn})
		}
	}
	return lines
}

// fixedTicks are marks at given places.
type fixedTicks []plot.Tick

func (t fixedTicks) Ticks(lo, hi float64) (in []plot.Tick) {
	for _, tick := range t {
		if tick.Value >= lo && tick.Value <= hi {
			in = append(in, tick)
		}
	}
	return in
}

// sparse leaves out the labels that would touch: at returns the place of a value on the axis, in pixels.
func sparse(ticks []plot.Tick, at func(v float64) float64) fixedTicks {
	free := math.Inf(-1)
	out := fixedTicks{}
	for _, t := range ticks {
		w := textWidth(t.Label, regular, labelSize)
		if x := at(t.Value); x-w/2 >= free {
			free = x + w/2 + 8
			out = append(out, t)
		}
	}
	return out
}

// countTicks marks whole numbers, about so many of them, up to most.
func countTicks(about int, most float64) (ticks fixedTicks) {
	step := max(1, niceStep(most/float64(max(1, about)), 0))
	for i := 0.0; i*step <= most*(1+1e-9); i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: thousands(i * step)})
	}
	return ticks
}

// grid draws faint lines through the marks of the axes that are shown.
func (p pen) grid(c draw.Canvas, pl *plot.Plot, vertical, horizontal bool) {
	trX, trY := pl.Transforms(&c)
	if vertical {
		for _, t := range pl.X.Tick.Marker.Ticks(pl.X.Min, pl.X.Max) {
			x := float64(trX(t.Value))
			p.rule(x, float64(c.Min.Y), x, float64(c.Max.Y), 0.75, p.theme.faint)
		}
	}
	if horizontal {
		for _, t := range pl.Y.Tick.Marker.Ticks(pl.Y.Min, pl.Y.Max) {
			y := float64(trY(t.Value))
			p.rule(float64(c.Min.X), y, float64(c.Max.X), y, 0.75, p.theme.faint)
		}
	}
}

// A whisker is an interval, drawn as a line with two ends.
func (p pen) whisker(x0, y0, x1, y1, end float64, ink color.Color) {
	const width = 1.4
	p.rule(x0, y0, x1, y1, width, ink)
	if y0 == y1 {
		p.rule(x0, y0-end, x0, y0+end, width, ink)
		p.rule(x1, y1-end, x1, y1+end, width, ink)
		return
	}
	p.rule(x0-end, y0, x0+end, y0, width, ink)
	p.rule(x1-end, y1, x1+end, y1, width, ink)
}

// A dot with a rim of paper, so that it stands out from lines.
func (p pen) dot(x, y, r float64, ink color.Color) {
	at := vg.Point{X: vg.Length(x), Y: vg.Length(y)}
	for _, d := range []struct {
		r   float64
		ink color.Color
	}{{r + 1.2, p.theme.paper}, {r, ink}} {
		p.SetColor(d.ink)
		var path vg.Path
		path.Move(vg.Point{X: at.X + vg.Length(d.r), Y: at.Y})
		path.Arc(at, vg.Length(d.r), 0, 2*math.Pi)
		path.Close()
		p.Fill(path)
	}
}

// A ring is a hollow dot.
func (p pen) ring(x, y, r float64, ink color.Color) {
	p.dot(x, y, r, ink)
	p.dot(x, y, r-2.6, p.theme.paper)
}

// A lineKind is how a curve is drawn: the patterns differ as much as the colours, so that they can be
// distinguished in grey.
type lineKind struct {
	ink   color.NRGBA
	width float64
	dash  []vg.Length
}

func (k lineKind) style() draw.LineStyle {
	return draw.LineStyle{Color: k.ink, Width: vg.Length(k.width), Dashes: k.dash}
}

// percent formats a share, with two digits where it is small.
func percent(share float64) string {
	switch v := 100 * share; {
	case v == 0:
		return "0 %"
	case v < 0.001:
		return "<0.001 %"
	case v < 9.95:
		return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.*f", int(max(0, 1-math.Floor(math.Log10(v)))), v), "0"), ".") + " %"
	case v > 99 && v < 100-1e-9: // never all when something is missing
		return fmt.Sprintf("%.*f %%", int(min(3, max(1, math.Ceil(-math.Log10(100-v)+0.3)))), min(v, 99.999))
	default:
		return fmt.Sprintf("%.0f %%", v)
	}
}

// times writes a ratio: 1.92×, 13.4×, 120×.
func times(ratio float64) string {
	switch {
	case ratio < 9.995:
		return fmt.Sprintf("%.2f×", ratio)
	case ratio < 99.95:
		return fmt.Sprintf("%.1f×", ratio)
	}
	return thousands(math.Round(ratio)) + "×"
}
