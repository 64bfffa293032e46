package lab

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// A LitmusTest asks what can happen when several actors work on the same state at the same time. One without
// synchronisation shows what the hardware and the compiler do with a data race; the race detector will
// rightly object to it.
type LitmusTest[S any] struct {
	Name   string
	Setup  func() *S          // makes a fresh state; nil means new(S)
	Actors []func(*S)         // run at the same time, each once for each state
	Result func(*S) string    // what came out of it, once all actors are done
	Expect map[string]Verdict // the verdicts on results
}

// A Verdict is the judgement of a result.
type Verdict int

const (
	Unforeseen  Verdict = iota // not mentioned in Expect
	Acceptable                 // what everybody expects
	Interesting                // allowed, and surprising
	Forbidden                  // must not be seen
)

func (v Verdict) String() string {
	if names := [...]string{"unforeseen", "acceptable", "interesting", "forbidden"}; v >= 0 && int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("Verdict(%d)", int(v))
}

// A LitmusTable is how often each result was seen.
type LitmusTable struct {
	Name string
	Runs int
	Took time.Duration
	Rows []LitmusRow // the most frequent first; expected results that were never seen last

	Engine   string   // what ran the code, see timeline.Engine
	Warnings []string // conditions that make results which need all actors at the same time rare or missing
}

// A LitmusRow is one result.
type LitmusRow struct {
	Result  string
	Count   int
	Share   float64 // of all runs
	Verdict Verdict
}

// Litmus runs the test so many times, and counts the results. States are worked on in batches, through which
// all actors go side by side, so that they meet often. It needs as many cores as actors to see much. The test
// is not recorded for the notebook's figure.
func Litmus[S any](ctx context.Context, test LitmusTest[S], runs int) (LitmusTable, error) {
	if test.Result == nil {
		return LitmusTable{}, misuse("lab.Litmus", "nil Result")
	}
	for i, a := range test.Actors {
		if a == nil {
			return LitmusTable{}, misuse("lab.Litmus", "actor %d of %d is nil", i, len(test.Actors))
		}
	}
	setup := test.Setup
	if setup == nil {
		setup = func() *S { return new(S) }
	}
	states := make([]*S, litmusBatch)
	return litmus(ctx, test.Name, test.Expect, runs, litmusWork{
		engine: timeline.Engine(test.Result),
		actors: len(test.Actors),
		setup: func(n int) {
			for i := range n {
				states[i] = setup()
			}
		},
		act: func(actor, n int) {
			f := test.Actors[actor]
			for _, s := range states[:n] {
				f(s)
			}
		},
		result: func(i int) string { return test.Result(states[i]) },
	})
}

const litmusBatch = 2000

// litmusWork is a test without its type: what to do with the first n states of a batch.
type litmusWork struct {
	engine string
	actors int
	setup  func(n int)
	act    func(actor, n int)
	result func(i int) string
}

func litmus(ctx context.Context, name string, expect map[string]Verdict, runs int, w litmusWork) (LitmusTable, error) {
	t := LitmusTable{Name: name, Engine: w.engine}
	switch err := checkContext("lab.Litmus", ctx); {
	case err != nil:
		return t, err
	case w.actors == 0:
		return t, misuse("lab.Litmus", "no Actors: need at least 2")
	case w.actors < 2:
		return t, misuse("lab.Litmus", "%s: need at least 2", quantity.Plural(w.actors, "actor"))
	case runs < 1:
		return t, misuse("lab.Litmus", "%d runs: need at least 1", runs)
	}
	from := here(2)
	over := watchOver(ctx, "lab.Litmus", &from, systemInstruments())
	defer over.end()
	begin := time.Now()
	counts := map[string]int{}
	for t.Runs < runs {
		n := min(litmusBatch, runs-t.Runs)
		if err := guard(&from, func() error { w.setup(n); return nil }); err != nil {
			return t, err
		}
		var here atomic.Int32
		if err := each(ctx, "lab.Litmus", w.actors, func(ctx context.Context, actor int) error {
			// All begin at the same moment. Spinning is what makes it the same; yielding lets them come at
			// all when cores are few.
			here.Add(1)
			for spins := 0; int(here.Load()) < w.actors; spins++ {
				if spins > 100 {
					runtime.Gosched()
				}
			}
			w.act(actor, n)
			return canceled(ctx)
		}); err != nil {
			return t, err
		}
		if err := guard(&from, func() error {
			for i := range n {
				counts[w.result(i)]++
			}
			return nil
		}); err != nil {
			return t, err
		}
		t.Runs += n
	}
	t.Took = time.Since(begin)
	t.Warnings = together(over, w.actors)
	for result := range expect {
		counts[result] += 0 // expected and never seen is a result, too
	}
	for result, n := range counts {
		t.Rows = append(t.Rows, LitmusRow{result, n, float64(n) / float64(t.Runs), expect[result]})
	}
	slices.SortFunc(t.Rows, func(a, b LitmusRow) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Result, b.Result)
	})
	return t, nil
}

// together lists why actors may have met less often than they should.
func together(w *watch, actors int) (warnings []string) {
	w.look()
	if cores := min(float64(w.procs), usableCores()); cores < float64(actors) {
		warnings = append(warnings, fmt.Sprintf("%d actors on %s take turns: results that need all of them at the same time are rare or missing",
			actors, quantity.Plural(int(cores), "core")))
	}
	if took := w.took(1); took != "" {
		warnings = append(warnings, took+": the actors met less often")
	}
	return append(warnings, w.warnings()...)
}

// Seen returns how often results with this verdict were seen.
func (t LitmusTable) Seen(v Verdict) (n int) {
	for _, r := range t.Rows {
		if r.Verdict == v {
			n += r.Count
		}
	}
	return n
}

func (t LitmusTable) grid() grid {
	g := grid{{"result", "seen", "share", "verdict"}}
	for _, r := range t.Rows {
		g = append(g, []string{r.Result, fmt.Sprint(r.Count), fmt.Sprintf("%.3g %%", 100*r.Share), r.Verdict.String()})
	}
	return g
}

// String is the table in text.
func (t LitmusTable) String() string { return titled(t.Name, t.grid().text(t.RanBy(), t.Warnings...)) }

// Markdown is the table for a notebook.
func (t LitmusTable) Markdown() string {
	return titledMarkdown(t.Name, t.grid().markdown(t.RanBy(), t.Warnings...))
}
