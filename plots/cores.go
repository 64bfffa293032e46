package plots

import (
	"fmt"
	"image/color"
	"strconv"

	"interleave/runtime/timeline"
)

// A coreFill is how one bin of a core is drawn: heights up to which it ran the experiment, that and the collector, and
// anything at all, and the shade of the goroutine that it ran most.
type coreFill struct {
	user, gc, any int8
	shade         int8
}

// drawCores draws a row for each core. A bin is as high as the part of it in which the core was busy.
func (t *tracks) drawCores(p pen, x0, x1, top float64) {
	const pitch, bar = 18.0, 14.0
	var shades [3][]column
	var gc, other []column
	for size := 1.0; ; size *= 2 {
		g := newGrid(x0, x1-x0, size, t.total)
		shades, gc, other = [3][]column{}, nil, nil
		for i, c := range t.e.Cores {
			base := top - pitch*(float64(i)+0.5) - bar/2
			fills := t.coreFills(g, c.Spans)
			layer := func(to *[]column, v func(coreFill) int8) {
				runs(g.n, func(b int) int8 { return v(fills[b]) }, func(first, end int, v int8) {
					if v > 0 {
						*to = append(*to, column{g.x(first), g.x(end), base, base + bar*float64(v)/levels})
					}
				})
			}
			layer(&other, func(f coreFill) int8 { return unless(f.any, f.gc) })
			layer(&gc, func(f coreFill) int8 { return unless(f.gc, f.user) })
			for s := range shades {
				layer(&shades[s], func(f coreFill) int8 {
					if int(f.shade) != s {
						return 0
					}
					return f.user
				})
			}
		}
		if len(other)+len(gc)+len(shades[0])+len(shades[1])+len(shades[2]) <= maxColumns || size >= 32 {
			break
		}
	}
	p.fill(t.theme.cores[timeline.CoreOther], other)
	p.fill(t.theme.cores[timeline.CoreGC], gc)
	for s, cols := range shades {
		p.fill(t.theme.shades[s], cols)
	}

	g := newGrid(x0, x1-x0, 1, t.total)
	left := x0 - t.gutter + margin + t.numberWidth()
	for i, c := range t.e.Cores {
		mid := top - pitch*(float64(i)+0.5)
		p.text(left, mid-3.8, t.coreLabels()[i], regular, labelSize, t.theme.ink)
		p.textRight(x0-labelGap, mid-3.8, t.busy(c), regular, smallSize, t.theme.muted)
		t.drawNumbers(p, g, mid, c.Spans)
	}
}

// unless is v, or nothing where another layer already reaches as high.
func unless(v, reached int8) int8 {
	if v == reached {
		return 0
	}
	return v
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
	share := 100 * sum / float64(t.total)
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

func (t *tracks) coreFills(g grid, spans []timeline.CoreSpan) []coreFill {
	type bin struct {
		kind  [3]float32
		most  float32
		shade int8
	}
	bins := make([]bin, g.n)
	for _, s := range spans {
		shade := t.shade(s.Goroutine)
		g.over(s.Start, s.End, func(b int, part float64) {
			bins[b].kind[s.Kind] += float32(part)
			if s.Kind == timeline.CoreUser && float32(part) > bins[b].most {
				bins[b].most, bins[b].shade = float32(part), shade
			}
		})
	}
	fills := make([]coreFill, g.n)
	for i, b := range bins {
		level := func(v float32) int8 {
			if v > 0.97 {
				return levels
			}
			if v <= 0 {
				return 0
			}
			return max(1, int8(v*levels+0.5))
		}
		f := coreFill{user: level(b.kind[timeline.CoreUser]), shade: b.shade}
		f.gc = max(f.user, level(b.kind[timeline.CoreUser]+b.kind[timeline.CoreGC]))
		if b.kind[timeline.CoreGC] == 0 {
			f.gc = f.user
		}
		f.any = f.gc
		if b.kind[timeline.CoreOther] > 0 {
			f.any = max(f.gc, level(b.kind[0]+b.kind[1]+b.kind[2]))
		}
		fills[i] = f
	}
	return fills
}

// drawNumbers writes the numbers of the rows that a core ran, where there is room.
func (t *tracks) drawNumbers(p pen, g grid, mid float64, spans []timeline.CoreSpan) {
	const size = 8.5
	for i := 0; i < len(spans); {
		s := spans[i]
		end := s.End
		// Pauses too short to be seen do not divide a stretch.
		for i++; i < len(spans) && spans[i].Goroutine == s.Goroutine && spans[i].Kind == s.Kind && g.wide(spans[i].Start-end) < 0.5; i++ {
			end = spans[i].End
		}
		n := t.number[s.Goroutine]
		w := g.wide(end - s.Start)
		if s.Kind != timeline.CoreUser || n == 0 || w < 12 {
			continue
		}
		text := strconv.Itoa(n)
		if textWidth(text, bold, size)+4 > w {
			continue
		}
		ink := color.NRGBA{255, 255, 255, 255}
		if t.shade(s.Goroutine) == 1 {
			ink = hex(0x06281f)
		}
		p.textCentre(g.at(s.Start)+w/2, mid-3, text, bold, size, ink)
	}
}

// drawAllCores draws many cores as one row: how many were busy.
func (t *tracks) drawAllCores(p pen, x0, x1, base float64) {
	g := newGrid(x0, x1-x0, 1, t.total)
	bins := make([][3]float32, g.n)
	for _, c := range t.e.Cores {
		for _, s := range c.Spans {
			g.over(s.Start, s.End, func(b int, part float64) { bins[b][s.Kind] += float32(part) })
		}
	}
	n := float64(max(t.e.GOMAXPROCS, len(t.e.Cores)))
	for _, top := range []timeline.CoreKind{timeline.CoreOther, timeline.CoreGC, timeline.CoreUser} {
		t.drawLayer(p, t.theme.cores[top], g, base, func(b int) float64 {
			if bins[b][top] == 0 {
				return 0
			}
			sum := float32(0)
			for k := range top + 1 {
				sum += bins[b][k]
			}
			return float64(sum) / n
		})
	}
	left := x0 - t.gutter + margin + t.numberWidth()
	p.text(left, base+foldHeight/2-4, t.coreLabels()[0], regular, labelSize, t.theme.ink)
	p.rule(x0, base, x1, base, 0.75, t.theme.faint)
}
