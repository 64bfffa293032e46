package plots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"interleave/runtime/quantity"
)

// Timings are the times of several ways to do something. Lab's Comparison, Scaling and Stats implement it;
// [Together] combines several, and [TimingList] holds your own times.
type Timings interface {
	// EachTiming calls f for every way with the median time in nanoseconds, the ends of its interval and the
	// interval's confidence, 0 for the range of the samples. It returns the name of the work.
	EachTiming(f func(name string, median, lo, hi, confidence float64)) (title string)
}

// A TimingList is a literal list of [Timings].
type TimingList struct {
	Title    string
	Rows     []Timing
	Engine   string   // what ran the code; empty when there is only one
	Warnings []string // conditions that may have changed the times
}

// A Timing is how long one way took.
type Timing struct {
	Name       string
	Median     float64 // in nanoseconds
	Lo, Hi     float64 // ends of its interval; both 0 when it has no title
	Confidence float64 // of the interval, from 0 to 1; 0 when Lo and Hi are the range of the samples
	Floor      float64 // lower bound of Lo without other processes on the cores; 0 means Lo
}

const noMeasurement = "no measurement"

// measured reports whether the time is valid: a time of zero is not.
func (t Timing) measured() bool { return t.Median > 0 }

// EachTiming implements [Timings].
func (l TimingList) EachTiming(f func(name string, median, lo, hi, confidence float64)) (title string) {
	for _, r := range l.Rows {
		f(r.Name, r.Median, r.Lo, r.Hi, r.Confidence)
	}
	return l.Title
}

// RanBy implements [Ran].
func (l TimingList) RanBy() string { return l.Engine }

// EachWarning implements [Warned].
func (l TimingList) EachWarning(f func(warning string)) {
	for _, w := range l.Warnings {
		f(w)
	}
}

// EachFloor implements [Disturbed].
func (l TimingList) EachFloor(f func(ns float64)) {
	for _, r := range l.Rows {
		f(r.Floor)
	}
}

// Together returns the rows of all of them under one title, to compare measurements that were made one by
// one:
//
//	plots.Compare(plots.Together("sum of a slice", plain, unrolled))
//
// If they were run by different engines, each row names its own. Measurements made one after the other also
// differ by what changed on the machine in between; lab.Compare samples in turn.
func Together(title string, all ...Timings) Timings {
	var ran []string
	for _, t := range all {
		ran = append(ran, ranBy(t))
	}
	l := TimingList{Title: title, Engine: engines(ran)}
	mixed := false
	for i, t := range all {
		if t == nil {
			continue
		}
		first := len(l.Rows)
		t.EachTiming(func(name string, median, lo, hi, confidence float64) {
			if ran[i] != "" && ran[i] != l.Engine {
				name += " (" + ran[i] + ")"
				mixed = true
			}
			l.Rows = append(l.Rows, Timing{Name: name, Median: median, Lo: lo, Hi: hi, Confidence: confidence})
		})
		for k, ns := range floorsOf(t, len(l.Rows)-first) {
			l.Rows[first+k].Floor = ns
		}
		l.Warnings = append(l.Warnings, warningsOf(t)...)
	}
	if mixed {
		l.Warnings = append(l.Warnings, "the rows were run by different engines, which may explain differences")
	}
	if w := differing(all); w != "" {
		l.Warnings = append(l.Warnings, w)
	}
	return l
}

// Compare draws a bar for each way to do something, with its time and interval, and shows how many times
// faster or slower than the first one it was. That needs intervals of at least 90 % that do not overlap, even
// after subtracting what other processes may have added to the slower one ([Disturbed]); if that is much, the
// text gives the lower bound, "at least 1.5× faster". Without such intervals the text gives the ratio of the
// times, and why it is not certain. Bars stand in the order given, or, with Options.Sorted, the fastest
// first. Beyond Options.MaxRows the last are left out, which the caption mentions. The baseline is always the
// first in the given order. A median of 0 marks a failed measurement: its row shows that, and comes last
// among sorted ones.
func Compare(t Timings, o ...Options) (*Figure, error) {
	opt, err := one(o)
	if err != nil {
		return nil, fmt.Errorf("plots.Compare: %w", err)
	}
	if t == nil {
		return nil, errors.New("plots.Compare: no measurements")
	}
	var rows []Timing
	var bad error
	title := t.EachTiming(func(name string, median, lo, hi, confidence float64) {
		if !(median >= 0) || math.IsInf(median, 0) || math.IsNaN(lo) || math.IsInf(hi, 0) || math.IsNaN(hi) || lo > hi || lo < 0 {
			bad = fmt.Errorf("plots.Compare: a time of %v ns for %q (from %v to %v) is not valid", median, name, lo, hi)
		}
		rows = append(rows, Timing{Name: name, Median: median, Lo: lo, Hi: hi, Confidence: confidence})
	})
	if bad != nil {
		return nil, bad
	}
	for i, ns := range floorsOf(t, len(rows)) {
		if !(ns >= 0) {
			return nil, fmt.Errorf("plots.Compare: a lower bound of %v ns for %q is not valid: need zero or more", ns, rows[i].Name)
		}
		rows[i].Floor = ns
	}
	first := slices.IndexFunc(rows, Timing.measured)
	if first < 0 {
		return nil, errors.New("plots.Compare: no measurements")
	}
	th := themes[opt.Theme]
	base := rows[first]
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	if opt.Sorted {
		by := func(i int) float64 {
			if rows[i].measured() {
				return rows[i].Median
			}
			return math.Inf(1)
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(by(a), by(b)) })
	}
	more := ""
	if n := len(order) - opt.MaxRows; n > 0 {
		more = quantity.Count(n) + " more " + quantity.Noun(n, "is", "are") + " not shown"
		order = order[:opt.MaxRows]
	}
	b := &bars{theme: th, pitch: 28, height: 16}
	var whiskers spreads
	for _, i := range order {
		r := rows[i]
		if !r.measured() {
			b.rows = append(b.rows, bar{label: r.Name, text: noMeasurement})
			continue
		}
		row := bar{label: r.Name, value: r.Median / 1e9, lo: r.Lo / 1e9, hi: r.Hi / 1e9, swatch: th.bar, text: quantity.Nanoseconds(r.Median)}
		if r.Hi > 0 {
			whiskers.add("“"+r.Name+"”", r.Confidence)
		}
		if i == first && len(rows) > 1 {
			row.swatch = th.base
		} else if i != first {
			row.more = against(r, base)
		}
		b.rows = append(b.rows, row)
	}
	p := newPlot(th)
	b.axis(p, opt, false)
	p.X.Tick.Marker = timeTicks{about: int(b.room / 90)}
	if p.X.Max < 4e-9 { // ticks have no unit below
		p.X.Max = 4e-9
	}
	p.Add(b)

	f := &Figure{plot: p, theme: th, width: opt.Width, title: opt.Title, gutter: b.gutter, body: b.bodyHeight()}
	f.caption = captionOf(opt.Width, false, title, whiskers.words(), ranBy(t), more)
	if len(rows) > 1 {
		f.legend = []entry{{swatch: th.base, name: "baseline"}, {swatch: th.bar, name: "median"}}
		if whiskers.any() {
			f.legend = append(f.legend, entry{whisker: true, name: whiskers.legend()})
		}
	}
	f.alt = "Times of " + orWork(title) + "."
	for _, i := range order {
		if !rows[i].measured() {
			f.alt += fmt.Sprintf(" %s: %s.", rows[i].Name, noMeasurement)
			continue
		}
		f.alt += fmt.Sprintf(" %s: %s", rows[i].Name, quantity.Nanoseconds(rows[i].Median))
		if i != first {
			f.alt += ", " + against(rows[i], base)
		}
		f.alt += "."
	}
	f.alt += inWords(t)
	f.warn(t)
	return f, nil
}

// enough is the confidence that intervals need for a comparison.
const enough = 0.9

// against compares a way with the baseline. If their intervals overlap, both may take the same time.
func against(r, base Timing) string {
	ratio := fmt.Sprintf("%s the time", times(r.Median/base.Median))
	switch least := min(r.Confidence, base.Confidence); {
	case r.Hi <= 0 || base.Hi <= 0:
		return ratio + " (no interval)"
	case least <= 0:
		return ratio + " (ranges, no intervals)"
	case least < enough:
		return ratio + " (intervals below " + percent(enough) + ")"
	case r.Hi < base.floor():
		if base.disturbed() {
			return "at least " + times(base.floor()/r.Hi) + " faster"
		}
		return times(base.Median/r.Median) + " faster"
	case base.Hi < r.floor():
		if r.disturbed() {
			return "at least " + times(r.floor()/base.Hi) + " slower"
		}
		return times(r.Median/base.Median) + " slower"
	}
	return "no clear difference"
}

// floor returns the lower bound of the time without other processes on the cores.
func (t Timing) floor() float64 {
	if t.Floor > 0 {
		return min(t.Floor, t.Lo)
	}
	return t.Lo
}

// disturbed reports whether other processes may have changed the time noticeably.
func (t Timing) disturbed() bool { return t.floor() < 0.95*t.Lo }
