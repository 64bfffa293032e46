package plots

import (
	"cmp"
	"slices"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// A fold is one row for goroutines that were started at one place.
type fold struct {
	place string // empty when there is only one fold
	rows  []*timeline.Goroutine
}

// maxFolds is how many places have a row of their own; the last is for all others together where there are
// more.
const maxFolds = 4

// fold groups the goroutines without a row of their own, the places with the most goroutines first.
func (t *tracks) fold(all []timeline.Goroutine) {
	index := map[string]int{}
	for i := range all {
		place := cmp.Or(t.place(&all[i]), "elsewhere")
		k, ok := index[place]
		if !ok {
			k = len(t.folds)
			index[place] = k
			t.folds = append(t.folds, fold{place: place})
		}
		t.folds[k].rows = append(t.folds[k].rows, &all[i])
	}
	slices.SortStableFunc(t.folds, func(a, b fold) int { return len(b.rows) - len(a.rows) })
	if len(t.folds) > maxFolds {
		last := fold{place: "elsewhere"}
		for _, f := range t.folds[maxFolds-1:] {
			last.rows = append(last.rows, f.rows...)
		}
		t.folds = append(t.folds[:maxFolds-1], last)
	}
	if len(t.folds) == 1 {
		t.folds[0].place = ""
	}
}

func (t *tracks) foldLabel(i int) string {
	count := 0
	for _, g := range t.folds[i].rows {
		if g.Name != noLabel {
			count++
		}
	}
	n := quantity.Count(count)
	if len(t.rows) == 0 {
		return quantity.Plural(count, "goroutine")
	}
	return "… " + n + " more"
}

// words returns the text below a fold's label.
func (f *fold) words(peak int) string {
	s := "up to " + quantity.Count(peak) + " at once"
	if f.place != "" {
		s = f.place + ", " + s
	}
	return s
}

// drawFold draws how many of a fold's goroutines were in each state.
func (t *tracks) drawFold(p pen, v view, x0, base float64, i int) {
	tl := newTally(v.grid(x0, 1))
	for _, g := range t.folds[i].rows {
		tl.addMany(g.Spans)
	}
	tl.sum()
	peak := float32(0)
	for b := range tl.time {
		sum := float32(0)
		for _, v := range tl.time[b] {
			sum += v
		}
		peak = max(peak, sum)
	}
	if peak > 0 {
		order := timeline.States()
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
	left, right, label, small := x0-t.gutter+margin+t.numberWidth(), x0-labelGap, base+foldHeight/2+1, base+foldHeight/2-12
	if t.above > 0 {
		left, right, label, small = x0, x0+v.width, base+foldHeight+17, base+foldHeight+4
	}
	p.text(left, label, t.foldLabel(i), regular, labelSize, t.theme.ink)
	p.text(left, small, fit(t.folds[i].words(int(peak+0.5)), right-left, regular, smallSize), regular, smallSize, t.theme.muted)
	p.rule(x0, base, x0+v.width, base, 0.75, t.theme.faint)
}

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
