package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"interleave/kernel/wire"
	"interleave/runtime/quantity"
)

// Completion and inspection are measured in a session that has run many cells, at rest and while a cell keeps all
// cores busy.
const (
	questionCells = 500
	questionTurns = 200
)

// A questionRow is what one kind of question takes.
type questionRow struct {
	what         string
	ours, theirs []time.Duration // nil: not measured
}

// A questioner is a kernel's side of it: cells that declare, the code that is completed and inspected, and a cell that
// keeps all cores busy until it is interrupted.
type questioner struct {
	cell     func(i int) string
	complete []string
	inspect  []string
	busy     string
}

var askGo = questioner{
	cell: declaring,
	complete: []string{
		"add17", "total := 0\nfor i := range 10 {\n\ttotal += add4", "strings.To", "ctx.", "x := []int{add30(1, ",
	},
	inspect: []string{"add17", "strings.Repeat(\"x\", ", "add30(1, "},
	busy:    "for range 8 {\n\tgo func() { for {} }()\n}\nfor {}",
}

var askPython = questioner{
	cell: func(i int) string {
		return fmt.Sprintf("def add%d(a, b):\n    return a + b + %[1]d\nadd%[1]d(1, 2)", i)
	},
	complete: []string{"add17", "total = 0\nfor i in range(10):\n    total += add4", "str.ti", "print.__", "x = [add30(1, "},
	inspect:  []string{"add17", "str.replace", "add30(1, "},
}

// questions measures both kernels; theirs may be nil. ipykernel answers nothing while a cell runs.
func questions(ours kind, theirs *kind, progress func(string)) (rows []questionRow, err error) {
	for _, what := range []string{"", " while a cell uses all cores"} {
		rows = append(rows, questionRow{what: "completion" + what}, questionRow{what: "inspection" + what})
	}
	for i, k := range []*kind{&ours, theirs} {
		if k == nil {
			continue
		}
		q := []questioner{askGo, askPython}[i]
		progress(fmt.Sprintf("%s: %d cells", k.name, questionCells))
		times, err := q.measure(*k)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		for n, t := range times {
			if i == 0 {
				rows[n].ours = t
			} else {
				rows[n].theirs = t
			}
		}
	}
	return rows, nil
}

func (q questioner) measure(of kind) (times [][]time.Duration, err error) {
	k, _, err := begin(of)
	if err != nil {
		return nil, err
	}
	defer k.end()
	for i := range questionCells {
		if _, err := k.run(q.cell(i)); err != nil {
			return nil, err
		}
	}
	ask := func() error {
		for n, texts := range [][]string{q.complete, q.inspect} {
			t, err := k.ask(texts, n == 1)
			if err != nil {
				return err
			}
			times = append(times, t)
		}
		return nil
	}
	if err := ask(); err != nil || q.busy == "" {
		return times, err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := k.run(q.busy)
		ended <- err
	}()
	time.Sleep(2 * time.Second) // until it is compiled, and all its goroutines run
	err = ask()
	if stop := k.client.Interrupt(context.Background()); stop != nil {
		return nil, errors.Join(err, stop)
	}
	if <-ended == nil {
		return nil, errors.New("the cell that was to keep all cores busy has ended by itself")
	}
	return times, err
}

// ask asks about texts in turn, with the cursor at the end.
func (k *kernel) ask(texts []string, inspect bool) (times []time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for i := range questionTurns {
		text := texts[i%len(texts)]
		var c wire.Content = wire.CompleteRequest{Code: text, CursorPos: len(text)}
		if inspect {
			c = wire.InspectRequest{Code: text, CursorPos: len(text)}
		}
		began := time.Now()
		reply, err := k.client.Request(ctx, wire.Shell, c, nil)
		if err != nil {
			return nil, err
		}
		times = append(times, time.Since(began))
		if a, err := wire.As[wire.CompleteReply](reply); !inspect && (err != nil || len(a.Matches) == 0) {
			return nil, fmt.Errorf("nothing completes %q (%v)", text, err)
		}
		if a, err := wire.As[wire.InspectReply](reply); inspect && (err != nil || !a.Found) {
			return nil, fmt.Errorf("nothing is known of %q (%v)", text, err)
		}
	}
	slices.Sort(times)
	return times, nil
}

// questionsTable writes the rows as Markdown.
func questionsTable(rows []questionRow, version string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| in a session of %d cells | p50 | p95 | %s p50 | p95 |\n", questionCells, version)
	b.WriteString("|---|---:|---:|---:|---:|\n")
	at := func(t []time.Duration, percent int) string {
		if t == nil {
			return "no answer"
		}
		return quantity.Duration(t[len(t)*percent/100])
	}
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.what,
			at(r.ours, 50), at(r.ours, 95), at(r.theirs, 50), at(r.theirs, 95))
	}
	return b.String()
}
