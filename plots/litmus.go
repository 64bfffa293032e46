package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"

	"interleave/runtime/quantity"
)

// Outcomes is how often each result of a litmus test was seen. Lab's LitmusTable implements it; [Tally] holds
// your own counts.
type Outcomes interface {
	// EachOutcome calls f for every result with the number of runs that had it and its verdict: "acceptable",
	// "interesting", "forbidden" or "unforeseen". It returns the test's name.
	EachOutcome(f func(result string, count int, verdict string)) (name string)
}

// A Tally is a literal list of [Outcomes].
type Tally struct {
	Name     string
	Rows     []Outcome
	Engine   string   // what ran the code; empty when there is only one
	Warnings []string // conditions that may have changed the counts
}

// An Outcome is one result: how often it was seen, and its verdict.
type Outcome struct {
	Result  string
	Count   int
	Verdict string
}

// EachOutcome implements [Outcomes].
func (t Tally) EachOutcome(f func(result string, count int, verdict string)) (name string) {
	for _, r := range t.Rows {
		f(r.Result, r.Count, r.Verdict)
	}
	return t.Name
}

// RanBy implements [Ran].
func (t Tally) RanBy() string { return t.Engine }

// EachWarning implements [Warned].
func (t Tally) EachWarning(f func(warning string)) {
	for _, w := range t.Warnings {
		f(w)
	}
}

const (
	acceptable  = "acceptable"
	interesting = "interesting"
	forbidden   = "forbidden"
	unforeseen  = "unforeseen"
)

// Litmus draws a bar for each result of a litmus test, coloured and hatched by its verdict. If some results
// are far rarer than others the axis is logarithmic, since the rare ones matter. Beyond Options.MaxRows the
// rarest are summed up in the caption.
func Litmus(t Outcomes, o ...Options) (*Figure, error) {
	opt, err := one(o)
	if err != nil {
		return nil, fmt.Errorf("plots.Litmus: %w", err)
	}
	if t == nil {
		return nil, errors.New("plots.Litmus: no outcomes")
	}
	th := themes[opt.Theme]
	b := &bars{theme: th, pitch: 24, height: 16}
	runs, seen, kinds := 0, map[string]int{}, map[string]bool{}
	least, most := math.Inf(1), 0.0
	var bad error
	var rows []Outcome
	name := t.EachOutcome(func(result string, count int, verdict string) {
		switch _, known := th.verdicts[verdict]; {
		case count < 0:
			bad = fmt.Errorf("plots.Litmus: %q was seen %d times", result, count)
		case !known:
			bad = fmt.Errorf("plots.Litmus: %q is judged %q; need acceptable, interesting, forbidden or unforeseen", result, verdict)
		}
		runs += count
		seen[verdict] += count
		rows = append(rows, Outcome{result, count, verdict})
	})
	if bad != nil {
		return nil, bad
	}
	if len(rows) == 0 {
		return nil, errors.New("plots.Litmus: no outcomes")
	}
	slices.SortStableFunc(rows, func(a, b Outcome) int { return b.Count - a.Count })
	more := ""
	if n := len(rows) - opt.MaxRows; n > 0 {
		sum := 0
		for _, r := range rows[opt.MaxRows:] {
			sum += r.Count
		}
		more = fmt.Sprintf("%s in %s %s not shown", quantity.Plural(n, "more result"), quantity.Plural(sum, "run"), quantity.Noun(n, "is", "are"))
		rows = rows[:opt.MaxRows]
	}
	for _, r := range rows {
		kinds[r.Verdict] = true
		v := float64(r.Count)
		if v > 0 {
			least = min(least, v)
		}
		most = max(most, v)
		text := thousands(v)
		share := percent(v / float64(max(1, runs)))
		if r.Count == 0 {
			text, share = "never seen", r.Verdict // which has no bar to show it
		}
		label := r.Result
		if label == "" {
			label = `""`
		}
		b.rows = append(b.rows, bar{label: label, value: v, swatch: th.verdicts[r.Verdict], text: text, more: share})
	}
	p := newPlot(th)
	b.axis(p, opt, least < most/50)
	p.X.Label.Text = "runs"
	if b.log {
		p.X.Label.Text = "runs, logarithmic"
	}
	p.Add(b)

	f := &Figure{plot: p, theme: th, width: opt.Width, title: opt.Title, gutter: b.gutter, body: b.bodyHeight()}
	all := quantity.Plural(runs, "run")
	f.caption = captionOf(opt.Width, false, name, all, ranBy(t), more)
	if n := seen[forbidden]; n > 0 {
		f.caption = append(f.caption, captionOf(opt.Width, true, fmt.Sprintf("forbidden results were seen in %s, %s of all", quantity.Plural(n, "run"), percent(float64(n)/float64(runs))))...)
	}
	var words []string
	for _, v := range []string{acceptable, interesting, forbidden, unforeseen} {
		if kinds[v] {
			f.legend = append(f.legend, entry{swatch: th.verdicts[v], name: v})
			words = append(words, fmt.Sprintf("%s %s", v, quantity.Count(seen[v])))
		}
	}
	f.alt = fmt.Sprintf("Litmus test %s: %s. %s.", name, all, strings.Join(words, ", ")) + inWords(t)
	f.warn(t)
	return f, nil
}

var _ plot.Plotter = (*bars)(nil)
