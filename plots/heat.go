package plots

import (
	"errors"
	"fmt"
	"math"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// Cores draws how busy each core was over time: the darker, on dark paper the brighter, the busier. The first
// rows are the cores of Go's scheduler, with what the whole process did on them, and the processes that worked for
// the experiment, called P where they are more than the machine's; beside each stands the part of the time in which it worked for the experiment. If the
// operating system reported them, for long enough to be reliable, the cores of the machine follow, with the
// work of all processes. With more cores than Options.MaxRows a row is the mean of several neighbours.
func Cores(e *timeline.Experiment, o ...Options) (*Figure, error) {
	if e == nil {
		return nil, errors.New("plots.Cores: no experiment")
	}
	opt, err := one(o)
	if err != nil {
		return nil, fmt.Errorf("plots.Cores: %w", err)
	}
	t := themes[opt.Theme]
	h := &heat{theme: t, pitch: 22}
	h.addCores(e, opt.MaxRows)
	system := h.addSystem(e, opt.MaxRows)
	if len(h.rows) > 16 {
		h.pitch = 15
	}
	widest := 0.0
	for _, r := range h.rows {
		widest = max(widest, textWidth(r.label, regular, labelSize))
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
	f := &Figure{plot: p, theme: t, width: opt.Width, title: opt.Title, gutter: h.gutter, body: h.height()}
	f.caption = captionOf(opt.Width, false, e.Caption())
	f.caption = append(f.caption, captionOf(opt.Width, false, system)...)
	if e.Cut != "" {
		f.caption = append(f.caption, captionOf(opt.Width, true, fmt.Sprintf("only the first %s of %s are shown: %s", quantity.Duration(e.Recorded), quantity.Duration(e.Wall), e.Cut))...)
	}
	if len(h.rows) > 0 {
		for i, s := range t.heat {
			name := fmt.Sprintf("up to %d %%", 20*(i+1))
			if i == 0 {
				name = "busy up to 20 %"
			}
			f.legend = append(f.legend, entry{swatch: s, name: name})
		}
	}
	f.alt = "Cores over time. " + e.Caption() + "."
	for _, r := range h.rows {
		f.alt += fmt.Sprintf(" %s: %s.", r.label, r.share)
	}
	return f, nil
}

// heat is the plotter of Cores.
type heat struct {
	theme  *theme
	rows   []heatRow
	second int // the first of the rows that stand apart; 0 when none do
	pitch  float64
	gutter float64
}

// A heatRow is one core, or the mean of several.
type heatRow struct {
	label, share string
	each         func(f func(start, end time.Duration, busy float64)) // with busy from 0 to 1
}

func (h *heat) height() float64 {
	n := h.pitch*float64(max(1, len(h.rows))) + 5
	if h.second > 0 {
		n += coreGap
	}
	return n
}

// groups cuts n cores into as few neighbours each as make at most so many rows.
func groups(n, rows int, f func(from, to int)) {
	size := max(1, (n+rows-1)/rows)
	for from := 0; from < n; from += size {
		f(from, min(n, from+size))
	}
}

func coreName(what string, first, last int) string {
	if first == last {
		return fmt.Sprintf("%s %d", what, first)
	}
	return fmt.Sprintf("%ss %d–%d", what, first, last)
}

func (h *heat) addCores(e *timeline.Experiment, rows int) {
	groups(len(e.Cores), rows, func(from, to int) {
		cores := e.Cores[from:to]
		n := float64(len(cores))
		r := heatRow{label: coreName(coreWord(e), cores[0].ID, cores[len(cores)-1].ID), each: func(f func(start, end time.Duration, busy float64)) {
			for _, c := range cores {
				for _, s := range c.Spans {
					f(s.Start, s.End, 1/n)
				}
				for _, s := range c.Others {
					f(s.Start, s.End, float64(s.CPU)/float64(max(1, s.End-s.Start))/n)
				}
			}
		}}
		var sum time.Duration
		for _, c := range cores {
			for _, s := range c.Spans {
				if s.Kind == timeline.CoreUser {
					sum += s.End - s.Start
				}
			}
			for _, s := range c.Others {
				sum += s.CPU
			}
		}
		if e.Recorded > 0 {
			r.share = wholePercent(min(1, float64(sum)/float64(e.Recorded)/n))
		}
		h.rows = append(h.rows, r)
	})
}

// addSystem adds the data of the operating system, if they are reliable, and returns the text about them.
func (h *heat) addSystem(e *timeline.Experiment, rows int) string {
	if len(e.SystemCores) == 0 {
		return ""
	}
	var stolen, all time.Duration
	worst := 0.0
	for i := range e.SystemCores {
		c := &e.SystemCores[i]
		_, wrong := c.Share()
		worst = max(worst, wrong)
		for _, s := range c.Samples {
			stolen += s.Stolen
			all += s.End - s.Start
		}
	}
	if worst > 0.1 {
		return fmt.Sprintf("too short to show the machine's cores: the operating system counts in ticks of %s", quantity.Duration(timeline.SystemTick))
	}
	h.second = len(h.rows)
	groups(len(e.SystemCores), rows, func(from, to int) {
		cores := e.SystemCores[from:to]
		n := float64(len(cores))
		r := heatRow{label: coreName("machine core", cores[0].ID, cores[len(cores)-1].ID), each: func(f func(start, end time.Duration, busy float64)) {
			for _, c := range cores {
				for _, s := range c.Samples {
					if s.End > s.Start {
						f(s.Start, s.End, min(1, float64(s.Busy)/float64(s.End-s.Start))/n)
					}
				}
			}
		}}
		sum := 0.0
		for i := range cores {
			busy, _ := cores[i].Share()
			sum += busy
		}
		r.share = wholePercent(sum / n)
		h.rows = append(h.rows, r)
	})
	words := fmt.Sprintf("machine cores: all processes together, as the operating system counts, ± %s", percent(worst))
	if all > 0 && float64(stolen)/float64(all) >= 0.01 {
		words += fmt.Sprintf("; the machine's host kept %s of them for others", percent(float64(stolen)/float64(all)))
	}
	return words
}

// wholePercent never rounds a positive share to 0 %, or a share below one to 100 %.
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
	if len(h.rows) == 0 {
		pen.textCentre((x0+x1)/2, top-h.pitch/2-4, "no core was seen", regular, labelSize, h.theme.muted)
		return
	}
	seconds := func(v float64) time.Duration { return time.Duration(math.Round(v * 1e9)) }
	size := 3.0
	for (x1-x0)/size*float64(len(h.rows)) > maxColumns {
		size *= 2
	}
	g := newGrid(x0, x1-x0, size, seconds(p.X.Min), seconds(p.X.Max-p.X.Min))
	var layers [5][]column
	left := x0 - h.gutter + margin
	for i, r := range h.rows {
		if i == h.second && i > 0 {
			pen.rule(left, top-h.pitch*float64(i)-coreGap/2, x1, top-h.pitch*float64(i)-coreGap/2, 0.75, h.theme.faint)
			top -= coreGap
		}
		busy := make([]float64, g.n)
		r.each(func(start, end time.Duration, share float64) {
			g.over(start, end, func(b int, part float64) { busy[b] += part * share })
		})
		mid := top - h.pitch*(float64(i)+0.5)
		bar := h.pitch - 4
		runs(g.n, func(b int) int { return heatLevel(busy[b]) }, func(first, end, level int) {
			if level >= 0 {
				layers[level] = append(layers[level], column{g.x(first), g.x(end), mid - bar/2, mid + bar/2})
			}
		})
		pen.text(left, mid-3.8, r.label, regular, labelSize, h.theme.ink)
		pen.textRight(x0-labelGap, mid-3.8, r.share, regular, smallSize, h.theme.muted)
	}
	for level, cols := range layers {
		pen.fill(h.theme.heat[level], cols)
	}
}

// heatLevel returns which of five shades a share has, or -1. Work of less than a pixel of a bin has no shade.
func heatLevel(share float64) int {
	if share < 0.002 {
		return -1
	}
	return min(4, max(0, int(math.Ceil(share*5-1e-6))-1))
}
