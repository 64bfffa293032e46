package plots

import (
	"fmt"
	"image/color"
	"strconv"

	"interleave/runtime/timeline"
)

const (
	corePitch = 18.0
	coreBar   = 14.0
	// what a core worked for: the kinds of package timeline, and other processes
	coreProcess = int(timeline.CoreOther) + 1
	coreKinds   = coreProcess + 1
)

// coreWord is the name of a [timeline.Core]: "core" while each can have a core of the machine. When there are
// more, some wait while Go considers them running.
func coreWord(e *timeline.Experiment) string {
	if e.Procs > 0 && e.GOMAXPROCS > e.Procs {
		return "P"
	}
	return "core"
}

// coreLayers is what has to be filled for the cores' rows, in the coordinates of rowLayers and from the back
// to the front.
type coreLayers struct {
	other, gc     []column
	procs, shades [3][]column
}

// A coreFill is how one bin of a core is drawn: heights up to which it ran the experiment, that and another
// process, those and the collector, and anything at all, and the shades of the goroutine and of the process that
// it ran most.
type coreFill struct {
	user, proc, gc, any int8
	shade, procShade    int8
}

func (t *tracks) coreLayers(v view) (l coreLayers) {
	for size := 1.0; ; size *= 2 {
		g := v.grid(0, size)
		l = coreLayers{}
		n := 0
		for i, c := range t.e.Cores {
			base := -t.coreMiddle(i) - coreBar/2
			runs(g.n, coreFills(g, c, t.shade), func(first, end int, f coreFill) {
				add := func(to *[]column, height int8) {
					*to = append(*to, column{g.x(first), g.x(end), base, base + coreBar*float64(height)/levels})
					n++
				}
				if f.any > f.gc {
					add(&l.other, f.any)
				}
				if f.gc > f.proc {
					add(&l.gc, f.gc)
				}
				if f.proc > f.user {
					add(&l.procs[f.procShade], f.proc)
				}
				if f.user > 0 {
					add(&l.shades[f.shade], f.user)
				}
			})
		}
		if n <= maxColumns || size >= 32 {
			return l
		}
	}
}

// coreMiddle is how far below the top of the cores' rows the middle of core i's bar lies.
func (t *tracks) coreMiddle(i int) float64 {
	return (corePitch+t.above)*float64(i) + t.above + corePitch/2
}

// drawCores draws a row for each core. A bin is as high as the part of it in which the core was busy.
func (t *tracks) drawCores(p pen, v view, x0, top float64) {
	l := t.coreLayers(v)
	p.fill(t.theme.cores[timeline.CoreOther], shift(l.other, x0, top))
	p.fill(t.theme.cores[timeline.CoreGC], shift(l.gc, x0, top))
	for s, cols := range l.procs {
		p.fill(t.theme.procs[s], shift(cols, x0, top))
	}
	for s, cols := range l.shades {
		p.fill(t.theme.shades[s], shift(cols, x0, top))
	}
	g := v.grid(x0, 1)
	labels := t.coreLabels()
	for i, c := range t.e.Cores {
		mid := top - t.coreMiddle(i)
		left, right, base := x0-t.gutter+margin+t.numberWidth(), x0-labelGap, mid-3.8
		if t.above > 0 {
			left, right, base = x0, x0+v.width, mid+corePitch/2+2
		}
		p.text(left, base, labels[i], regular, labelSize, t.theme.ink)
		p.textRight(right, base, t.busy(c), regular, smallSize, t.theme.muted)
		t.drawNumbers(p, g, mid, ownSpans(c))
		t.drawNumbers(p, g, mid, processSpans(c))
	}
}

// busy is the part of the time in which a core did anything.
func (t *tracks) busy(c timeline.Core) string {
	if t.total <= 0 {
		return ""
	}
	var sum float64
	for _, s := range c.Spans {
		sum += float64(s.End - s.Start)
	}
	for _, s := range c.Others {
		sum += float64(s.CPU)
	}
	share := min(100, 100*sum/float64(t.total))
	switch {
	case share > 0 && share < 1:
		return "<1 %"
	case share > 99 && share < 100:
		return "99 %"
	}
	return fmt.Sprintf("%.0f %%", share)
}

// shade is the shade in which a goroutine is shown on a core.
func (t *tracks) shade(id int64) int8 {
	return int8(t.number[id] % 3)
}

// ownSpans returns a core's spans without what it shared with processes.
func ownSpans(c timeline.Core) []timeline.CoreSpan {
	if len(c.Others) == 0 {
		return c.Spans
	}
	var list []timeline.CoreSpan
	k := 0
	for _, s := range c.Spans {
		for k < len(c.Others) && c.Others[k].End <= s.Start {
			k++
		}
		for i := k; i < len(c.Others) && c.Others[i].Start < s.End; i++ {
			o := c.Others[i]
			if float64(o.CPU) < 0.5/levels*float64(o.End-o.Start) { // it is not drawn
				continue
			}
			if o.Start > s.Start {
				before := s
				before.End = o.Start
				list = append(list, before)
			}
			s.Start = max(s.Start, o.End)
		}
		if s.Start < s.End {
			list = append(list, s)
		}
	}
	return list
}

// processSpans returns where a core mostly ran a process, as spans.
func processSpans(c timeline.Core) (list []timeline.CoreSpan) {
	for _, s := range c.Others {
		if n := len(list); n > 0 && s.Start < list[n-1].End { // of two at once none is named
			list[n-1].Goroutine = 0
			list[n-1].End = max(list[n-1].End, s.End)
			continue
		}
		span := timeline.CoreSpan{Start: s.Start, End: s.End}
		if float64(s.CPU) > 0.7*float64(s.End-s.Start) {
			span.Goroutine = processID(s.Process)
		}
		list = append(list, span)
	}
	return list
}

// coreFills determines how each bin of a core is drawn. As with rows, shares become heights only where
// something is shorter than the bin; and work outside of the experiment must fill at least a level, since
// other parts of the process always run a little. Of processes the processor time is known, of goroutines
// only that they had a P: where both add up to more than there is, goroutines had what is left.
func coreFills(g grid, c timeline.Core, shade func(int64) int8) func(bin int) coreFill {
	type share struct {
		kind             [coreKinds]float32
		most, mostProc   float32
		shade, procShade int8
	}
	bins, tiny := make([]share, g.n), make([]bool, g.n)
	for _, s := range c.Spans {
		shade := shade(s.Goroutine)
		short := g.bins(s.End-s.Start) < 1 && s.Kind == timeline.CoreUser
		g.over(s.Start, s.End, func(b int, part float64) {
			v := &bins[b]
			v.kind[s.Kind] += float32(part)
			tiny[b] = tiny[b] || short
			if s.Kind == timeline.CoreUser && float32(part) > v.most {
				v.most, v.shade = float32(part), shade
			}
		})
	}
	marks := moments(tiny, func(b int) float32 { return bins[b].kind[timeline.CoreUser] })
	for _, s := range c.Others {
		shade, busy := shade(processID(s.Process)), float64(s.CPU)/float64(max(1, s.End-s.Start))
		g.over(s.Start, s.End, func(b int, part float64) {
			v := &bins[b]
			v.kind[coreProcess] += float32(part * busy)
			if float32(part*busy) > v.mostProc {
				v.mostProc, v.procShade = float32(part*busy), shade
			}
		})
	}
	return func(bin int) coreFill {
		v := &bins[bin]
		user, gc, other := v.kind[timeline.CoreUser], v.kind[timeline.CoreGC], v.kind[timeline.CoreOther]
		proc := v.kind[coreProcess]
		if proc >= 0.5/levels {
			return sharedFill(user, proc, gc, other, v.shade, v.procShade)
		}
		if marks[bin] {
			return coreFill{levels, levels, levels, levels, v.shade, 0}
		}
		if !tiny[bin] {
			switch all := user + gc + other; {
			case all < 0.5:
				return coreFill{}
			case user >= all/2:
				return coreFill{levels, levels, levels, levels, v.shade, 0}
			case gc >= all/2:
				return coreFill{0, 0, levels, levels, 0, 0}
			case other >= all/2:
				return coreFill{0, 0, 0, levels, 0, 0}
			}
		}
		f := coreFill{user: heightOf(user), shade: v.shade}
		f.proc, f.gc, f.any = f.user, f.user, f.user
		if gc >= 1.0/levels {
			f.gc = max(f.user, heightOf(user+gc))
			f.any = f.gc
		}
		if other >= 1.0/levels {
			f.any = max(f.gc, heightOf(user+gc+other))
		}
		return f
	}
}

// sharedFill is a bin in which a process used the core.
func sharedFill(user, proc, gc, other float32, shade, procShade int8) coreFill {
	if proc > nearlyAll && user+gc+other < 1-nearlyAll {
		return coreFill{0, levels, levels, levels, shade, procShade}
	}
	proc = min(proc, 1)
	if here := user + gc + other; here > 1-proc {
		k := (1 - proc) / here
		user, gc, other = k*user, k*gc, k*other
	}
	height := func(v float32) int8 { return int8(min(levels, levels*v+0.5)) }
	all := user + proc + gc + other
	return coreFill{height(user), height(user + proc), height(all - other), height(all), shade, procShade}
}

// drawNumbers writes the numbers of the rows that a core ran, where there is room.
func (t *tracks) drawNumbers(p pen, g grid, mid float64, spans []timeline.CoreSpan) {
	const size = 8.5
	for i := 0; i < len(spans); {
		s := spans[i]
		end, busy := s.End, s.End-s.Start
		// A period that is too short to be seen does not divide another one.
		i++
		for k := i; k < len(spans) && g.wide(spans[k].Start-end) < 1; k++ {
			if spans[k].Goroutine == s.Goroutine {
				end, i = spans[k].End, k+1
				busy += spans[k].End - spans[k].Start
			} else if g.wide(spans[k].End-spans[k].Start) >= 1 {
				break
			}
		}
		n := t.number[s.Goroutine]
		from, to := g.clip(s.Start, end)
		w := g.wide(to - from)
		if s.Kind != timeline.CoreUser || n == 0 || w < 10 || float64(busy) < 0.9*float64(end-s.Start) {
			continue
		}
		text := strconv.Itoa(n)
		if textWidth(text, bold, size)+4 > w {
			continue
		}
		ink := color.NRGBA{255, 255, 255, 255}
		switch shade := t.shade(s.Goroutine); {
		case s.Goroutine < 0: // a process, whose swatch has a hatch
			half := textWidth(text, bold, size)/2 + 2
			x := g.at(from) + w/2
			p.fill(swatch{fill: t.theme.procs[shade].fill}, []column{{x - half, x + half, mid - waitBar/2, mid + waitBar/2}})
		case shade == 1:
			ink = hex(0x06281f)
		}
		p.textCentre(g.at(from)+w/2, mid-3, text, bold, size, ink)
	}
}

// drawAllCores draws many cores as one row: how many were busy.
func (t *tracks) drawAllCores(p pen, v view, x0, base float64) {
	g := v.grid(x0, 1)
	bins := make([][coreKinds]float32, g.n)
	for _, c := range t.e.Cores {
		for _, s := range c.Spans {
			g.over(s.Start, s.End, func(b int, part float64) { bins[b][s.Kind] += float32(part) })
		}
		for _, s := range c.Others {
			busy := float64(s.CPU) / float64(max(1, s.End-s.Start))
			g.over(s.Start, s.End, func(b int, part float64) { bins[b][coreProcess] += float32(part * busy) })
		}
	}
	n := float64(max(t.e.GOMAXPROCS, len(t.e.Cores)))
	swatches := map[int]swatch{coreProcess: t.theme.procs[0]}
	for k, s := range t.theme.cores {
		swatches[int(k)] = s
	}
	order := []int{int(timeline.CoreUser), coreProcess, int(timeline.CoreGC), int(timeline.CoreOther)}
	for i := len(order) - 1; i >= 0; i-- { // from the whole down to the lowest layer, each over the last
		t.drawLayer(p, swatches[order[i]], g, base, func(b int) float64 {
			if bins[b][order[i]] == 0 {
				return 0
			}
			sum := float32(0)
			for _, k := range order[:i+1] {
				sum += bins[b][k]
			}
			return min(1, float64(sum)/n)
		})
	}
	left, label := x0-t.gutter+margin+t.numberWidth(), base+foldHeight/2-4
	if t.above > 0 {
		left, label = x0, base+foldHeight+3
	}
	p.text(left, label, t.coreLabels()[0], regular, labelSize, t.theme.ink)
	p.rule(x0, base, x0+v.width, base, 0.75, t.theme.faint)
}
