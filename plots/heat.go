package plots

import (
	"errors"
	"fmt"
	"math"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"

	"interleave/runtime/timeline"
)

// Cores draws how busy each core was over time: the darker, on dark paper the brighter, the busier. Rows are the cores of Go's
// scheduler, with what the whole process did on them; beside each stands the part of the time in which it worked for the experiment.
// Where the operating system told how busy its own cores were, whoever used them, the caption says so.
func Cores(e *timeline.Experiment, o ...Options) (*Figure, error) {
	if e == nil {
		return nil, errors.New("plots.Cores: no experiment")
	}
	opt, err := one(o)
	if err != nil {
		return nil, fmt.Errorf("plots.Cores: %w", err)
	}
	t := themes[opt.Theme]
	h := &heat{e: e, theme: t, pitch: 22, group: 1}
	for len(e.Cores) > h.group*opt.MaxRows {
		h.group++
	}
	n := (len(e.Cores) + h.group - 1) / h.group
	if n > 16 {
		h.pitch = 15
	}
	widest := 0.0
	for i := range n {
		widest = max(widest, textWidth(h.label(i), regular, labelSize))
	}
	h.gutter = margin + widest + 10 + textWidth("100 %", regular, smallSize) + labelGap

	p := newPlot(t)
	p.X.Min, p.X.Max = 0, max(e.Recorded, 1).Seconds()
	p.X.Tick.Marker = timeTicks{about: int((opt.Width - h.gutter) / 90)}
	if e.Recorded <= 0 {
		p.HideX()
		p.X.Tick.Marker = plot.ConstantTicks(nil)
	}
	p.Add(h)
	f := &Figure{plot: p, theme: t, width: opt.Width, title: opt.Title, gutter: h.gutter, body: h.pitch*float64(max(1, n)) + 5}
	f.caption = captionOf(opt.Width, false, e.Caption())
	f.caption = append(f.caption, captionOf(opt.Width, false, systemWords(e))...)
	if e.Cut != "" {
		f.caption = append(f.caption, captionOf(opt.Width, true, fmt.Sprintf("only the first %s of %s are shown: %s", timeline.Round(e.Recorded), timeline.Round(e.Wall), e.Cut))...)
	}
	for i, s := range t.heat {
		if n == 0 {
			break
		}
		name := fmt.Sprintf("up to %d %%", 20*(i+1))
		if i == 0 {
			name = "busy up to 20 %"
		}
		f.legend = append(f.legend, entry{swatch: s, name: name})
	}
	f.alt = "Cores over time. " + e.Caption() + "."
	for i := range n {
		f.alt += fmt.Sprintf(" %s: %s.", h.label(i), h.share(i))
	}
	return f, nil
}

// heat is the plotter of Cores. With more cores than rows, a row is the mean of a group.
type heat struct {
	e      *timeline.Experiment
	theme  *theme
	pitch  float64
	gutter float64
	group  int
}

func (h *heat) cores(i int) []timeline.Core {
	return h.e.Cores[i*h.group : min(len(h.e.Cores), (i+1)*h.group)]
}

func (h *heat) label(i int) string {
	c := h.cores(i)
	if len(c) == 1 {
		return fmt.Sprintf("core %d", c[0].ID)
	}
	return fmt.Sprintf("cores %d–%d", c[0].ID, c[len(c)-1].ID)
}

// share is the part of the time in which the row's cores worked for the experiment.
func (h *heat) share(i int) string {
	if h.e.Recorded <= 0 {
		return ""
	}
	var sum time.Duration
	for _, c := range h.cores(i) {
		for _, s := range c.Spans {
			if s.Kind == timeline.CoreUser {
				sum += s.End - s.Start
			}
		}
	}
	return wholePercent(float64(sum) / float64(h.e.Recorded) / float64(len(h.cores(i))))
}

// wholePercent never rounds something to nothing, or what lacks something to all.
func wholePercent(share float64) string {
	switch v := 100 * share; {
	case v > 0 && v < 1:
		return "<1 %"
	case v > 99 && v < 100:
		return "99 %"
	default:
		return fmt.Sprintf("%.0f %%", v)
	}
}

// Plot implements plot.Plotter.
func (h *heat) Plot(cv draw.Canvas, p *plot.Plot) {
	pen := pen{cv, h.theme}
	pen.grid(cv, p, true, false)
	x0, x1, top := float64(cv.Min.X), float64(cv.Max.X), float64(cv.Max.Y)
	if len(h.e.Cores) == 0 {
		pen.textCentre((x0+x1)/2, top-h.pitch/2-4, "no core was seen", regular, labelSize, h.theme.muted)
		return
	}
	seconds := func(v float64) time.Duration { return time.Duration(math.Round(v * 1e9)) }
	rows := (len(h.e.Cores) + h.group - 1) / h.group
	size := 3.0
	for (x1-x0)/size*float64(rows) > maxColumns {
		size *= 2
	}
	g := newGrid(x0, x1-x0, size, seconds(p.X.Min), seconds(p.X.Max-p.X.Min))
	var layers [5][]column
	for i := range rows {
		busy := make([]float64, g.n)
		for _, c := range h.cores(i) {
			for _, s := range c.Spans {
				g.over(s.Start, s.End, func(b int, part float64) { busy[b] += part / float64(len(h.cores(i))) })
			}
		}
		mid := top - h.pitch*(float64(i)+0.5)
		bar := h.pitch - 4
		runs(g.n, func(b int) int { return heatLevel(busy[b]) }, func(first, end, level int) {
			if level >= 0 {
				layers[level] = append(layers[level], column{g.x(first), g.x(end), mid - bar/2, mid + bar/2})
			}
		})
		left := x0 - h.gutter + margin
		pen.text(left, mid-3.8, h.label(i), regular, labelSize, h.theme.ink)
		pen.textRight(x0-labelGap, mid-3.8, h.share(i), regular, smallSize, h.theme.muted)
	}
	for level, cols := range layers {
		pen.fill(h.theme.heat[level], cols)
	}
}

// heatLevel is which of five shades a share has; -1 for none. A trace of work that no pixel of a bin would hold is none.
func heatLevel(share float64) int {
	if share < 0.002 {
		return -1
	}
	return min(4, max(0, int(math.Ceil(share*5-1e-6))-1))
}

// systemWords says what the operating system's cores did, as far as it told.
func systemWords(e *timeline.Experiment) string { return "" }
