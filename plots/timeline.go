package plots

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// Timeline draws what an experiment's goroutines did over time, one row each, coloured and hatched by state,
// and below them what each core ran: the number is that of the goroutine's row. With GOMAXPROCS above the
// number of the machine's cores these rows are called P, as in Go's scheduler. Beyond Options.MaxRows the
// goroutines are folded by the place where they were started, into up to four rows that show how many were in
// each state; of more than a hundred, unless MaxRows is given, only a dozen have a row. A dashed line marks a
// measurement, which is left out. Other processes that worked for the experiment have rows between the two, with
// their tasks, as high as the part of the time that they had a core. Anything shorter than a pixel is shown as a share of the row's height. The
// cost is that of walking all spans once, and a few milliseconds for each of SVG and PNG.
func Timeline(e *timeline.Experiment, opt ...Options) (*Figure, error) {
	if e == nil {
		return nil, errors.New("plots.Timeline: no experiment")
	}
	o, err := one(opt)
	if err != nil {
		return nil, fmt.Errorf("plots.Timeline: %w", err)
	}
	if given := len(opt) > 0 && opt[0].MaxRows > 0; !given && len(e.Goroutines) > crowd {
		o.MaxRows = crowdRows
	}
	t := &tracks{e: e, theme: themes[o.Theme], total: e.Recorded, note: reason, place: func(g *timeline.Goroutine) string { return g.Line }}
	f := t.figure(o)
	f.alt = "Timeline of an experiment. " + e.Summary()
	f.caption = captionOf(o.Width, false, e.Caption())
	if e.Cut != "" {
		cut := fmt.Sprintf("Only the first %s of %s are shown: %s.", quantity.Duration(e.Recorded), quantity.Duration(e.Wall), e.Cut)
		f.caption = append(f.caption, captionOf(o.Width, true, cut)...)
	}
	return f, nil
}

// figure lays the rows out and draws them over a time axis. The caller adds the caption and the alternative
// text.
func (t *tracks) figure(o Options) *Figure {
	t.layOut(o)
	p := newPlot(t.theme)
	p.X.Min, p.X.Max = 0, max(t.total, 1).Seconds()
	p.X.Tick.Marker = timeTicks{about: int((o.Width - t.gutter) / 90)}
	if t.above > 0 { // the first label would begin left of the figure, the last end right of it
		p.X.Tick.Marker = within{p.X.Tick.Marker, o.Width - t.gutter - margin}
	}
	if t.total <= 0 {
		p.HideX()
		p.X.Tick.Marker = plot.ConstantTicks(nil)
	}
	p.Add(t)
	return &Figure{
		plot: p, theme: t.theme, width: o.Width, title: o.Title, gutter: t.gutter, body: t.height(),
		legend: t.legend(view{o.Width - t.gutter - margin, 0, t.total}),
	}
}

// tracks is the plotter of a timeline.
type tracks struct {
	e      *timeline.Experiment
	theme  *theme
	total  time.Duration
	rows   []*timeline.Goroutine // drawn one by one
	folds  []fold                // the others, drawn together
	procs  []processRow
	number map[int64]int // goroutine's ID → the number of its row, from 1
	pitch  float64       // from row to row
	above  float64       // height of a label above its row; 0 when it stands left of it
	gutter float64
	labels []string
	lines  []string                         // to the right of the labels, in grey
	names  map[timeline.State]string        // in the legend, where they are not the states' own
	place  func(*timeline.Goroutine) string // where it was started, by which goroutines are folded
	note   func(timeline.Span) []string     // labels of a span, of which the first that fits is drawn
}

// noLabel is the name of a row that continues the one above it.
const noLabel = " "

// A view is what part of the time is drawn, and how wide.
type view struct {
	width       float64
	from, total time.Duration
}

func (v view) grid(x0, size float64) grid { return newGrid(x0, v.width, size, v.from, v.total) }

const (
	coreGap    = 12.0
	foldHeight = 56.0
	manyCores  = 16
	crowd      = 100 // goroutines above which only some have a row
	crowdRows  = 12
	maxLabel   = 190.0
	numberGap  = 7.0
	labelGap   = 9.0
	narrow     = 520.0 // in narrower figures labels stand above their rows
	aboveLabel = 14.0
)

// middle is how far below the top of the rows the middle of row i's bar lies.
func (t *tracks) middle(i int) float64 {
	return t.pitch*float64(i) + t.above + (t.pitch-t.above)/2
}

// layOut decides which goroutines get a row, and how wide the labels are.
func (t *tracks) layOut(o Options) {
	all := t.e.Goroutines
	n := len(all)
	if n > o.MaxRows {
		for n = o.MaxRows; n > 0 && all[n].Name == noLabel; n-- { // rows that belong together are not separated
		}
	}
	t.number = make(map[int64]int, n)
	for i := range all {
		if i < n {
			t.rows = append(t.rows, &all[i])
			if all[i].Name != noLabel {
				t.number[all[i].ID] = len(t.number) + 1
			}
		}
	}
	t.fold(all[n:])
	t.layOutProcesses()
	t.pitch = 18
	if n > 20 {
		t.pitch = 16
	}
	if o.Width < narrow {
		t.above = aboveLabel
		t.pitch += t.above
	}

	widest := 0.0
	for _, g := range t.rows {
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
	}
	for _, r := range t.procs {
		widest = max(widest, textWidth(r.label, regular, labelSize)+6+textWidth(r.line, regular, smallSize))
	}
	for _, s := range t.coreLabels() {
		widest = max(widest, textWidth(s, regular, labelSize)+10+textWidth("100 %", regular, smallSize))
	}
	for i := range t.folds {
		widest = max(widest, textWidth(t.foldLabel(i), regular, labelSize), textWidth(t.folds[i].words(100_000), regular, smallSize))
	}
	t.gutter = margin + t.numberWidth() + min(widest, maxLabel) + labelGap
	if t.above > 0 {
		t.gutter = margin
	}
}

// labelsAt is where the labels of the row whose bar has its middle at mid begin and end, and their baseline.
func (t *tracks) labelsAt(v view, x0, mid float64) (left, right, base float64) {
	if t.above > 0 {
		return x0 + t.numberWidth(), x0 + v.width, mid + (t.pitch-t.above)/2 + 2
	}
	return x0 - t.gutter + margin + t.numberWidth(), x0 - labelGap, mid - 3.8
}

func (t *tracks) numberWidth() float64 {
	rows := len(t.rows) + len(t.procs)
	if rows == 0 {
		return 0
	}
	return textWidth(strconv.Itoa(rows), regular, smallSize) + numberGap
}

func (t *tracks) coreLabels() []string {
	if t.allCores() {
		return []string{quantity.Plural(len(t.e.Cores), coreWord(t.e))}
	}
	labels := make([]string, len(t.e.Cores))
	for i, c := range t.e.Cores {
		labels[i] = fmt.Sprintf("%s %d", coreWord(t.e), c.ID)
	}
	return labels
}

// allCores reports whether the cores are drawn as one row.
func (t *tracks) allCores() bool { return len(t.e.Cores) > manyCores }

func (t *tracks) height() float64 {
	h := t.pitch * float64(max(len(t.rows), 1))
	h += (foldHeight + 8 + t.foldLabels()) * float64(len(t.folds))
	if len(t.folds) > 0 && len(t.rows) == 0 {
		h -= t.pitch
	}
	h += t.processesHeight()
	switch {
	case t.allCores():
		h += coreGap + t.above + foldHeight
	case len(t.e.Cores) > 0:
		h += coreGap + (corePitch+t.above)*float64(len(t.e.Cores))
	}
	return h + 5
}

// foldLabels is the height of a fold's two labels above it.
func (t *tracks) foldLabels() float64 { return 2 * t.above }

// legend explains what can be seen: a state may be too rare for that.
func (t *tracks) legend(v view) []entry {
	var seen [stateCount]bool
	for s, cols := range t.rowLayers(v) {
		seen[s] = len(cols) > 0
	}
	var folded timeline.Totals
	for _, f := range t.folds {
		for _, g := range f.rows {
			for s, d := range g.Totals() {
				folded[s] += d
			}
		}
	}
	all := folded[timeline.Running] + folded[timeline.Runnable] + folded.Blocked()
	for s, d := range folded {
		seen[s] = seen[s] || d > all/500
	}
	var cores [int(timeline.CoreOther) + 1]bool
	if t.allCores() {
		for _, c := range t.e.Cores {
			for _, s := range c.Spans {
				cores[s.Kind] = true
			}
		}
	} else {
		l := t.coreLayers(v)
		cores = [int(timeline.CoreOther) + 1]bool{timeline.CoreGC: visible(l.gc), timeline.CoreOther: visible(l.other)}
	}

	var list []entry
	for _, s := range timeline.States() {
		if seen[s] {
			list = append(list, entry{swatch: t.theme.states[s], name: cmp.Or(t.names[s], s.String())})
		}
	}
	if cores[timeline.CoreGC] && !seen[timeline.GC] {
		list = append(list, entry{swatch: t.theme.cores[timeline.CoreGC], name: timeline.GC.String()})
	}
	if cores[timeline.CoreOther] {
		list = append(list, entry{swatch: t.theme.cores[timeline.CoreOther], name: "rest of the process"})
	}
	list = append(list, t.processLegend(v)...)
	if len(t.breaks()) > 0 {
		list = append(list, entry{line: &t.theme.gap, name: "measured here, not recorded"})
	}
	return list
}

// breaks returns the places of gaps in the recording.
func (t *tracks) breaks() (at []time.Duration) {
	for _, g := range t.e.Gaps {
		if g.At > 0 && g.At < t.total {
			at = append(at, g.At)
		}
	}
	return at
}

// visible reports whether columns are more than specks.
func visible(cols []column) bool {
	sum := 0.0
	for _, c := range cols {
		sum += c.x1 - c.x0
	}
	return sum >= 3
}

// Plot implements plot.Plotter.
func (t *tracks) Plot(c draw.Canvas, p *plot.Plot) {
	pen := pen{c, t.theme}
	x0, x1 := float64(c.Min.X), float64(c.Max.X)
	seconds := func(v float64) time.Duration { return time.Duration(math.Round(v * 1e9)) }
	v := view{x1 - x0, seconds(p.X.Min), seconds(p.X.Max - p.X.Min)}
	top, bottom := float64(c.Max.Y), float64(c.Min.Y)
	for _, tick := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		x := float64(c.X(p.X.Norm(tick.Value)))
		pen.rule(x, bottom, x, top, 0.75, t.theme.faint)
	}
	t.drawBreaks(pen, v, x0, bottom, top)
	if len(t.e.Goroutines) == 0 {
		pen.textCentre((x0+x1)/2, top-t.pitch/2-4, "no goroutine of the experiment was seen", regular, labelSize, t.theme.muted)
	}

	y := top
	if len(t.rows) > 0 || len(t.folds) == 0 {
		t.drawRows(pen, v, x0, y)
		y -= t.pitch * float64(max(1, len(t.rows)))
	}
	for i := range t.folds {
		y -= 8 + t.foldLabels() + foldHeight
		t.drawFold(pen, v, x0, y, i)
	}
	if len(t.procs) > 0 {
		pen.rule(margin+x0-t.gutter, y-coreGap/2, x1, y-coreGap/2, 0.75, t.theme.faint)
		t.drawProcesses(pen, v, x0, y-coreGap)
		y -= t.processesHeight()
	}
	if len(t.e.Cores) > 0 {
		pen.rule(margin+x0-t.gutter, y-coreGap/2, x1, y-coreGap/2, 0.75, t.theme.faint)
		y -= coreGap
		if t.allCores() {
			t.drawAllCores(pen, v, x0, y-t.above-foldHeight)
		} else {
			t.drawCores(pen, v, x0, y)
		}
	}
}

// drawBreaks draws a line from y0 to y1 at each gap.
func (t *tracks) drawBreaks(p pen, v view, x0, y0, y1 float64) {
	for _, at := range t.breaks() {
		x := vg.Length(x0 + float64(at-v.from)/float64(max(v.total, 1))*v.width)
		p.StrokeLine2(t.theme.gap.style(), x, vg.Length(y0), x, vg.Length(y1))
	}
}

// maxColumns bounds the shapes in a part of the drawing, and so its size: where there are more, bins are made
// wider.
const maxColumns = 6000

const (
	rowBar  = 14.0 // height of what ran, or could have
	waitBar = 10.0 // height of what was blocked, and of the shares in a bin where anything was
)

// rowLayers is what has to be filled for each state. Columns count x from the data's left edge and y from the
// top of the rows, downwards negative. Layers are to be painted from the last state to the first.
func (t *tracks) rowLayers(v view) (layers [stateCount][]column) {
	bar := min(rowBar, t.pitch-t.above-3)
	for size := 1.0; ; size *= 2 {
		g := v.grid(0, size)
		tl := newTally(g)
		layers = [stateCount][]column{}
		n := 0
		for i, row := range t.rows {
			mid := -t.middle(i)
			tl.reset()
			tl.add(row.Spans)
			fills := tl.fills()
			runs(g.n, func(b int) fill { return fills[b] }, func(first, end int, f fill) {
				add := func(s timeline.State, base, height float64) {
					l := layers[s]
					x0, x1, y1 := g.x(first), g.x(end), base+height
					if k := len(l) - 1; k >= 0 && l[k] == (column{l[k].x0, x0, base, y1}) {
						l[k].x1 = x1 // only another layer changed
						return
					}
					layers[s] = append(l, column{x0, x1, base, y1})
					n++
				}
				base, height := mid-bar/2, bar
				if f.blocked >= 0 {
					base, height = mid-waitBar/2, waitBar
					add(timeline.State(f.blocked), base, height)
				}
				if f.ready > f.run {
					add(timeline.Runnable, base, height*float64(f.ready)/levels)
				}
				if f.run > 0 {
					add(timeline.Running, base, height*float64(f.run)/levels)
				}
			})
		}
		if n <= maxColumns || size >= 32 {
			return layers
		}
	}
}

// shift moves columns to their place on the canvas.
func shift(cols []column, dx, dy float64) []column {
	moved := make([]column, len(cols))
	for i, c := range cols {
		moved[i] = column{c.x0 + dx, c.x1 + dx, c.y0 + dy, c.y1 + dy}
	}
	return moved
}

func (t *tracks) drawRows(p pen, v view, x0, top float64) {
	layers := t.rowLayers(v)
	for s := stateCount - 1; s >= 0; s-- {
		p.fill(t.theme.states[timeline.State(s)], shift(layers[s], x0, top))
	}
	t.drawBreaks(p, v, x0, top-t.pitch*float64(len(t.rows)), top) // over the bars, and below their labels
	for i := range t.rows {
		t.drawRowLabel(p, v, x0, top-t.middle(i), t.number[t.rows[i].ID], t.labels[i], t.lines[i])
	}
	t.drawNotes(p, v.grid(x0, 1), top)
}

// drawRowLabel writes a row's number, if it has one, its name and, in grey, the line where it was started.
func (t *tracks) drawRowLabel(p pen, v view, x0, mid float64, n int, label, line string) {
	name, right, base := t.labelsAt(v, x0, mid)
	if n > 0 {
		p.textRight(name-numberGap, base+0.2, strconv.Itoa(n), regular, smallSize, t.theme.muted)
	}
	room := right - name
	lineWidth := textWidth(line, regular, smallSize)
	if line != "" && textWidth(label, regular, labelSize)+6+lineWidth > room {
		line = ""
	}
	label = fit(label, room, regular, labelSize)
	p.text(name, base, label, regular, labelSize, t.theme.ink)
	if line != "" {
		p.text(name+textWidth(label, regular, labelSize)+6, base, line, regular, smallSize, t.theme.muted)
	}
}

// reason returns labels for a span, of which the first that fits is drawn: why the goroutine did not run, and
// for how long.
func reason(s timeline.Span) []string {
	if !s.State.Blocked() || s.Reason == "" {
		return nil
	}
	why := s.Reason
	if s.State == timeline.Sleeping {
		why = "sleep"
	}
	return []string{why + " " + quantity.Duration(s.Duration()), why, quantity.Duration(s.Duration())}
}

// drawNotes writes the labels of long spans.
func (t *tracks) drawNotes(p pen, g grid, top float64) {
	const size, pad, least = 8.5, 3.0, 26.0
	type note struct {
		x, y float64
		text string
		on   color.NRGBA
	}
	var notes []note
	var clear [stateCount][]column
	for i, row := range t.rows {
		mid := top - t.middle(i)
		for _, s := range row.Spans {
			from, to := g.clip(s.Start, s.End)
			w := g.wide(to - from)
			if w < least {
				continue
			}
			for _, text := range t.note(s) {
				tw := textWidth(text, regular, size)
				if tw+4*pad > w {
					continue
				}
				x := g.at(from) + (w-tw)/2
				clear[s.State] = append(clear[s.State], column{x - pad, x + tw + pad, mid - waitBar/2, mid + waitBar/2})
				notes = append(notes, note{x, mid - 3, text, t.theme.states[s.State].fill})
				break
			}
		}
	}
	for s, cols := range clear {
		p.fill(swatch{fill: t.theme.states[timeline.State(s)].fill}, cols)
	}
	for _, n := range notes {
		p.text(n.x, n.y, n.text, regular, size, t.theme.on(n.on))
	}
}
