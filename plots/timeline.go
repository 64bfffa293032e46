package plots

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"

	"interleave/runtime/timeline"
)

// Timeline draws what an experiment's goroutines did over time, one row each, coloured and hatched by state, and below them
// what each core ran: the number is that of the goroutine's row. Beyond Options.MaxRows the goroutines are folded into one
// row that shows how many were in each state. Anything shorter than a pixel is shown as a share of the row's height. The
// cost is that of walking all spans once, and a few milliseconds for each of SVG and PNG.
func Timeline(e *timeline.Experiment, o Options) (*Figure, error) {
	if e == nil {
		return nil, errors.New("plots.Timeline: no experiment")
	}
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("plots.Timeline: %w", err)
	}
	t := &tracks{e: e, theme: themes[o.Theme], total: e.Recorded}
	t.layOut(o)

	p := plot.New()
	p.BackgroundColor = nil
	p.HideY()
	p.X.Padding, p.Y.Padding = 0, 0
	p.X.Min, p.X.Max = 0, max(t.total, 1).Seconds()
	p.Y.Min, p.Y.Max = 0, 1
	p.X.LineStyle.Color, p.X.LineStyle.Width = t.theme.muted, 0.75
	p.X.Tick.LineStyle = p.X.LineStyle
	p.X.Tick.Length = 4
	p.X.Tick.Label.Font, p.X.Tick.Label.Color = face(regular, labelSize).Font, t.theme.ink
	p.X.Label.TextStyle.Font, p.X.Label.TextStyle.Color = face(regular, labelSize).Font, t.theme.ink
	p.Title.TextStyle.Font, p.Title.TextStyle.Color = face(bold, titleSize).Font, t.theme.ink
	p.X.Tick.Marker = timeTicks{about: int((o.Width - t.gutter) / 90)}
	p.Add(t)

	f := &Figure{
		plot: p, theme: t.theme, width: o.Width, title: o.Title, gutter: t.gutter, body: t.height(),
		caption: []line{{text: e.Caption()}}, alt: "Timeline of an experiment. " + e.Summary(), legend: t.legend(),
	}
	if e.Cut != "" {
		f.caption = append(f.caption, line{fmt.Sprintf("Only the first %s of %s are shown: %s.", timeline.Round(e.Recorded), timeline.Round(e.Wall), e.Cut), true})
	}
	return f, nil
}

// tracks is the plotter of a timeline.
type tracks struct {
	e      *timeline.Experiment
	theme  *theme
	total  time.Duration
	rows   []*timeline.Goroutine // drawn one by one
	folded []*timeline.Goroutine // drawn together
	number map[int64]int         // goroutine's ID → the number of its row, from 1
	pitch  float64               // from row to row
	gutter float64
	labels []string
	lines  []string // to the right of the labels, in grey
}

const (
	coreGap    = 12.0
	foldHeight = 56.0
	manyCores  = 16
	maxLabel   = 190.0
	numberGap  = 7.0
	labelGap   = 9.0
)

// layOut decides which goroutines get a row, and how wide the labels are.
func (t *tracks) layOut(o Options) {
	all := t.e.Goroutines
	n := len(all)
	if n > o.MaxRows {
		n = o.MaxRows
	}
	t.number = make(map[int64]int, n)
	for i := range all {
		if i < n {
			t.rows = append(t.rows, &all[i])
			t.number[all[i].ID] = i + 1
		} else {
			t.folded = append(t.folded, &all[i])
		}
	}
	t.pitch = 18
	if n > 20 {
		t.pitch = 16
	}

	widest := 0.0
	for i, g := range t.rows {
		label, line := g.Label(), ""
		if g.Name != "" {
			line = g.Line
		}
		t.labels, t.lines = append(t.labels, label), append(t.lines, line)
		w := textWidth(label, regular, labelSize)
		if line != "" {
			w += 6 + textWidth(line, regular, smallSize)
		}
		widest = max(widest, w)
		_ = i
	}
	for _, s := range append(t.coreLabels(), t.foldLabel()) {
		widest = max(widest, textWidth(s, regular, labelSize))
	}
	t.gutter = margin + t.numberWidth() + min(widest, maxLabel) + labelGap
}

func (t *tracks) numberWidth() float64 {
	if len(t.rows) == 0 {
		return 0
	}
	return textWidth(strconv.Itoa(len(t.rows)), regular, smallSize) + numberGap
}

func (t *tracks) foldLabel() string {
	if len(t.folded) == 0 {
		return ""
	}
	if len(t.rows) == 0 {
		return timeline.Count(len(t.folded)) + " goroutines"
	}
	return "… " + timeline.Count(len(t.folded)) + " more"
}

func (t *tracks) coreLabels() []string {
	if t.allCores() {
		return []string{fmt.Sprintf("%d cores", len(t.e.Cores))}
	}
	labels := make([]string, len(t.e.Cores))
	for i, c := range t.e.Cores {
		labels[i] = fmt.Sprintf("core %d", c.ID)
	}
	return labels
}

// allCores reports whether the cores are drawn as one row.
func (t *tracks) allCores() bool { return len(t.e.Cores) > manyCores }

func (t *tracks) height() float64 {
	h := t.pitch * float64(max(len(t.rows), 1))
	if len(t.folded) > 0 {
		h += foldHeight + 8
		if len(t.rows) == 0 {
			h -= t.pitch
		}
	}
	switch {
	case t.allCores():
		h += coreGap + foldHeight
	case len(t.e.Cores) > 0:
		h += coreGap + 18*float64(len(t.e.Cores))
	}
	return h + 5
}

func (t *tracks) legend() []entry {
	total := t.e.Totals()
	var list []entry
	for _, s := range timeline.States() {
		if total[s] > 0 {
			list = append(list, entry{t.theme.states[s], s.String()})
		}
	}
	var gc, other bool
	for _, c := range t.e.Cores {
		for _, s := range c.Spans {
			gc = gc || s.Kind == timeline.CoreGC
			other = other || s.Kind == timeline.CoreOther
		}
	}
	if gc && total[timeline.GC] == 0 {
		list = append(list, entry{t.theme.cores[timeline.CoreGC], timeline.GC.String()})
	}
	if other {
		list = append(list, entry{t.theme.cores[timeline.CoreOther], "rest of the process"})
	}
	return list
}

// Plot implements plot.Plotter.
func (t *tracks) Plot(c draw.Canvas, p *plot.Plot) {
	pen := pen{c, t.theme}
	x0, x1 := float64(c.Min.X), float64(c.Max.X)
	top, bottom := float64(c.Max.Y), float64(c.Min.Y)
	for _, tick := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		x := float64(c.X(p.X.Norm(tick.Value)))
		pen.rule(x, bottom, x, top, 0.75, t.theme.faint)
	}
	if len(t.e.Goroutines) == 0 {
		pen.textCentre((x0+x1)/2, top-t.pitch/2-4, "no goroutine of the experiment was seen", regular, labelSize, t.theme.muted)
	}

	y := top
	if len(t.rows) > 0 || len(t.folded) == 0 {
		t.drawRows(pen, x0, x1, y)
		y -= t.pitch * float64(max(1, len(t.rows)))
	}
	if len(t.folded) > 0 {
		y -= 8 + foldHeight
		t.drawFold(pen, x0, x1, y)
	}
	if len(t.e.Cores) > 0 {
		pen.rule(margin+x0-t.gutter, y-coreGap/2, x1, y-coreGap/2, 0.75, t.theme.faint)
		y -= coreGap
		if t.allCores() {
			t.drawAllCores(pen, x0, x1, y-foldHeight)
		} else {
			t.drawCores(pen, x0, x1, y)
		}
	}
}

// A budget for the number of columns in one drawing keeps files small: where it is exceeded, bins are made wider.
const maxColumns = 12_000

func (t *tracks) drawRows(p pen, x0, x1, top float64) {
	const barHeight, waitHeight = 14.0, 10.0
	bar := min(barHeight, t.pitch-3)
	var layers [stateCount][]column
	for size := 1.0; ; size *= 2 {
		n := 0
		tl := newTally(newGrid(x0, x1-x0, size, t.total))
		layers = [stateCount][]column{}
		for i, g := range t.rows {
			mid := top - t.pitch*(float64(i)+0.5)
			base := mid - bar/2
			tl.reset()
			tl.add(g.Spans)
			fills := make([]fill, tl.grid.n)
			for b := range fills {
				fills[b] = tl.at(b)
			}
			add := func(s timeline.State, y0, y1 float64) func(int, int, int8) {
				return func(first, end int, v int8) {
					layers[s] = append(layers[s], column{tl.grid.x(first), tl.grid.x(end), y0, y1})
				}
			}
			runs(len(fills), func(b int) int8 { return fills[b].blocked }, func(first, end int, v int8) {
				if v >= 0 {
					add(timeline.State(v), mid-waitHeight/2, mid+waitHeight/2)(first, end, v)
				}
			})
			heights := func(s timeline.State, level func(fill) int8) {
				runs(len(fills), func(b int) int8 { return level(fills[b]) }, func(first, end int, v int8) {
					if v > 0 {
						add(s, base, base+bar*float64(v)/levels)(first, end, v)
					}
				})
			}
			heights(timeline.Runnable, func(f fill) int8 {
				if f.ready == f.run {
					return 0
				}
				return f.ready
			})
			heights(timeline.Running, func(f fill) int8 { return f.run })
		}
		for _, l := range layers {
			n += len(l)
		}
		if n <= maxColumns || size >= 32 {
			break
		}
	}
	for s := stateCount - 1; s >= 0; s-- { // runnable, then running, on top of what was blocked
		p.fill(t.theme.states[timeline.State(s)], layers[s])
	}

	g := newGrid(x0, x1-x0, 1, t.total)
	for i := range t.rows {
		mid := top - t.pitch*(float64(i)+0.5)
		t.drawLabel(p, x0, mid, i)
		t.drawReasons(p, g, mid, t.rows[i])
	}
}

// drawLabel writes a row's number, its name and, in grey, the line where it was started.
func (t *tracks) drawLabel(p pen, x0, mid float64, i int) {
	left := x0 - t.gutter + margin
	name := left + t.numberWidth()
	p.textRight(name-numberGap, mid-3.6, strconv.Itoa(i+1), regular, smallSize, t.theme.muted)
	room := x0 - labelGap - name
	line := t.lines[i]
	lineWidth := textWidth(line, regular, smallSize)
	label := t.labels[i]
	if line != "" && textWidth(label, regular, labelSize)+6+lineWidth > room {
		line = ""
	}
	label = fit(label, room, regular, labelSize)
	p.text(name, mid-3.8, label, regular, labelSize, t.theme.ink)
	if line != "" {
		p.text(name+textWidth(label, regular, labelSize)+6, mid-3.8, line, regular, smallSize, t.theme.muted)
	}
}

// drawReasons writes into long spans why the goroutine did not run, and for how long.
func (t *tracks) drawReasons(p pen, g grid, mid float64, row *timeline.Goroutine) {
	const size, pad, least = 8.5, 3.0, 26.0
	for _, s := range row.Spans {
		w := g.wide(s.Duration())
		if w < least || !s.State.Blocked() || s.Reason == "" {
			continue
		}
		reason := s.Reason
		if s.State == timeline.Sleeping {
			reason = "sleep"
		}
		for _, text := range []string{reason + " " + short(s.Duration()), reason, short(s.Duration())} {
			tw := textWidth(text, regular, size)
			if tw+4*pad > w {
				continue
			}
			x := g.at(s.Start) + (w-tw)/2
			sw := t.theme.states[s.State]
			p.fill(swatch{fill: sw.fill}, []column{{x - pad, x + tw + pad, mid - 5, mid + 5}})
			p.text(x, mid-3, text, regular, size, t.theme.ink)
			break
		}
	}
}

// short is a duration in as few digits as tell it: 2 s, 1.5 s, 120 ms.
func short(d time.Duration) string {
	unit, name := time.Nanosecond, "ns"
	switch {
	case d >= 100*time.Second:
		return d.Round(time.Second).String()
	case d >= 995*time.Millisecond:
		unit, name = time.Second, "s"
	case d >= 995*time.Microsecond:
		unit, name = time.Millisecond, "ms"
	case d >= time.Microsecond:
		unit, name = time.Microsecond, "µs"
	}
	v := float64(d) / float64(unit)
	decimals := 0
	if v < 9.95 && unit > time.Microsecond {
		decimals = 1
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals == 1 && s[len(s)-1] == '0' {
		s = s[:len(s)-2]
	}
	return s + " " + name
}

// drawFold draws how many of the folded goroutines were in each state.
func (t *tracks) drawFold(p pen, x0, x1, base float64) {
	tl := newTally(newGrid(x0, x1-x0, 1, t.total))
	for _, g := range t.folded {
		tl.add(g.Spans)
	}
	peak := float32(0)
	for b := range tl.time {
		sum := float32(0)
		for _, v := range tl.time[b] {
			sum += v
		}
		peak = max(peak, sum)
	}
	if peak > 0 {
		order := stackOrder()
		for k := len(order) - 1; k >= 0; k-- { // from the whole down to the lowest layer, each over the last
			t.drawLayer(p, t.theme.states[order[k]], tl.grid, base, func(b int) float64 {
				sum := float32(0)
				for _, s := range order[:k+1] {
					sum += tl.time[b][s]
				}
				if tl.time[b][order[k]] == 0 {
					return 0
				}
				return float64(sum / peak)
			})
		}
	}
	left := x0 - t.gutter + margin + t.numberWidth()
	p.text(left, base+foldHeight/2+1, t.foldLabel(), regular, labelSize, t.theme.ink)
	p.text(left, base+foldHeight/2-12, "up to "+timeline.Count(int(peak+0.5))+" at once", regular, smallSize, t.theme.muted)
	p.rule(x0, base, x1, base, 0.75, t.theme.faint)
}

func stackOrder() []timeline.State { return timeline.States() }

// drawLayer draws the outline of one layer of a stack; share is from 0 to 1.
func (t *tracks) drawLayer(p pen, s swatch, g grid, base float64, share func(bin int) float64) {
	var cols []column
	runs(g.n, func(b int) int { return int(share(b)*foldHeight*4 + 0.5) }, func(first, end, v int) {
		if v > 0 {
			cols = append(cols, column{g.x(first), g.x(end), base, base + float64(v)/4})
		}
	})
	p.fill(s, cols)
}
