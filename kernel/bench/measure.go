package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"interleave/runtime/quantity"
)

// A figure is one line of the table: the same quantity of each kernel, lower is better unless it is a rate.
type figure struct {
	what string
	unit string // "ms" or "MB/s"
	aim  string
	// native means that the other side is a plain Go program, not ipykernel.
	native bool
	ours   float64
	theirs float64 // 0: not measured
	note   string
}

const (
	starts      = 10
	driveCells  = 500
	definitions = 12
	redefined   = 500
)

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(ds []time.Duration) time.Duration {
	ds = slices.Sorted(slices.Values(ds))
	return ds[len(ds)/2]
}

// startTimes starts kernels one after another.
func startTimes(k kind, n int) (info, result time.Duration, err error) {
	var infos, results []time.Duration
	for range n {
		r, b, err := begin(k)
		if err != nil {
			return 0, 0, err
		}
		r.end()
		infos, results = append(infos, b.info), append(results, b.result)
	}
	return median(infos), median(results), nil
}

// cells are the times of cells of one kind.
type cells struct{ p50, firstHundred, lastHundred time.Duration }

// drive runs small cells and returns the median of all, and of the first and the last hundred.
func (k *kernel) drive(l language, n int) (c cells, engine string, err error) {
	if _, err := k.run(l.prepare); err != nil {
		return c, "", err
	}
	var took []time.Duration
	for range n {
		r, err := k.run(l.step)
		if err != nil {
			return c, "", err
		}
		if engine != "" && r.engine != engine {
			return c, "", fmt.Errorf("%q ran in two engines, %s and %s", l.step, engine, r.engine)
		}
		engine = r.engine
		took = append(took, r.took)
	}
	h := min(100, n)
	return cells{median(took), median(took[:h]), median(took[n-h:])}, engine, nil
}

// define runs cells with definitions, each once and then once again.
func (k *kernel) define(l language, n int) (first, again time.Duration, err error) {
	var firsts, agains []time.Duration
	for i := range n {
		for _, took := range []*[]time.Duration{&firsts, &agains} {
			r, err := k.run(l.define(i))
			if err != nil {
				return 0, 0, err
			}
			*took = append(*took, r.took)
		}
	}
	return median(firsts), median(agains), nil
}

// redefine repeatedly redefines a function that many others call.
func (k *kernel) redefine(l language, callers int) (time.Duration, error) {
	if _, err := k.run(l.callers(callers)); err != nil {
		return 0, err
	}
	if _, err := k.run(l.callAll); err != nil {
		return 0, err
	}
	var took []time.Duration
	for i := range 5 {
		r, err := k.run(l.helper(i + 1))
		if err != nil {
			return 0, err
		}
		took = append(took, r.took)
	}
	return median(took), nil
}

// output runs a cell that writes outputBytes several times, and returns the median rate in MB/s and the most
// bytes that were lost.
func (k *kernel) output(l language) (rate float64, lost int, err error) {
	var rates []float64
	for range 5 {
		r, err := k.run(l.output)
		if err != nil {
			return 0, 0, err
		}
		rates = append(rates, outputBytes/1e6/r.took.Seconds())
		lost = max(lost, outputBytes-len(r.stdout))
	}
	slices.Sort(rates)
	return rates[len(rates)/2], lost, nil
}

// native times the same code in a program made by go build.
func native(code string) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "bench-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	fn, body, _ := strings.Cut(code, "\n}\n{\n")
	src := "package main\n\nimport (\n\t\"fmt\"\n\t\"time\"\n)\n\n" + fn + "\n}\n\nfunc main() {\n" + body + "\n"
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(src), 0o666); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", "main", file)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "main")).Output()
	if err != nil {
		return 0, err
	}
	return parseTook(string(out))
}

// each measures one quantity of both kernels; theirs may be nil.
func each(ours, theirs *kernel, f func(*kernel) (float64, error)) (a, b float64, err error) {
	if a, err = f(ours); err != nil || theirs == nil {
		return a, 0, err
	}
	b, err = f(theirs)
	return a, b, err
}

// measure makes the whole table. theirs may be nil.
func measure(ours kind, theirs *kind, progress func(string)) (figures []figure, err error) {
	add := func(f figure) {
		figures = append(figures, f)
		progress(f.String())
	}
	infoA, resultA, err := startTimes(ours, starts)
	if err != nil {
		return nil, err
	}
	var infoB, resultB time.Duration
	if theirs != nil {
		if infoB, resultB, err = startTimes(*theirs, starts); err != nil {
			return nil, err
		}
	}
	add(figure{what: "process start → kernel_info_reply", unit: "ms", aim: "≤ 40 ms", ours: ms(infoA), theirs: ms(infoB)})
	add(figure{what: "process start → first result", unit: "ms", aim: "≤ 100 ms", ours: ms(resultA), theirs: ms(resultB)})

	a, _, err := begin(ours)
	if err != nil {
		return nil, err
	}
	defer a.end()
	languages := map[*kernel]language{a: ours.code}
	var b *kernel
	if theirs != nil {
		if b, _, err = begin(*theirs); err != nil {
			return nil, err
		}
		defer b.end()
		languages[b] = theirs.code
	}

	drives := map[*kernel]cells{}
	engine := ""
	x, y, err := each(a, b, func(k *kernel) (float64, error) {
		c, e, err := k.drive(languages[k], driveCells)
		drives[k] = c
		if k == a {
			engine = e
		}
		return ms(c.p50), err
	})
	if err != nil {
		return nil, err
	}
	add(figure{
		what: fmt.Sprintf("small cell, round trip p50 of %d (%s)", driveCells, engine),
		unit: "ms", aim: "≤ 1.5 ms", ours: x, theirs: y,
	})
	add(figure{
		what: "… of the last hundred",
		unit: "ms", aim: "not growing", ours: ms(drives[a].lastHundred), theirs: ms(drives[b].lastHundred),
		note: fmt.Sprintf("first hundred %s", quantity.Duration(drives[a].firstHundred)),
	})

	again := map[*kernel]time.Duration{}
	x, y, err = each(a, b, func(k *kernel) (float64, error) {
		f, g, err := k.define(languages[k], definitions)
		again[k] = g
		return ms(f), err
	})
	if err != nil {
		return nil, err
	}
	add(figure{what: "cell with a definition, first time", unit: "ms", aim: "≤ 250 ms", ours: x, theirs: y})
	add(figure{what: "… the same cell again", unit: "ms", aim: "≤ 10 ms", ours: ms(again[a]), theirs: ms(again[b])})

	x, y, err = each(a, b, func(k *kernel) (float64, error) {
		d, err := k.redefine(languages[k], redefined)
		return ms(d), err
	})
	if err != nil {
		return nil, err
	}
	add(
		figure{
			what:   fmt.Sprintf("function redefined under %d callers", redefined),
			unit:   "ms",
			aim:    "≤ 250 ms",
			ours:   x,
			theirs: y,
		},
	)

	for _, w := range []struct {
		what, aim string
		code      func(language) string
	}{
		{"fib(30)", "≤ 1.3 × go build", func(l language) string { return l.fib }},
		{"sum of 10⁷", "≤ 2.2 × go build", func(l language) string { return l.sum }},
		{"sieve of 5·10⁶", "≤ 1.5 × go build", func(l language) string { return l.sieve }},
	} {
		x, y, err := each(a, b, func(k *kernel) (float64, error) {
			d, err := k.timed(w.code(languages[k]))
			return ms(d), err
		})
		if err != nil {
			return nil, err
		}
		n, err := native(w.code(golang))
		if err != nil {
			return nil, err
		}
		add(
			figure{what: w.what + " in a cell, beside go build", unit: "ms", aim: w.aim, native: true, ours: x, theirs: ms(n)},
		)
		if b != nil {
			add(figure{what: w.what + " in a cell", unit: "ms", ours: x, theirs: y})
		}
	}

	lost := map[*kernel]int{}
	x, y, err = each(a, b, func(k *kernel) (float64, error) {
		r, l, err := k.output(languages[k])
		lost[k] = l
		return r, err
	})
	if err != nil {
		return nil, err
	}
	f := figure{
		what:   "50 MB of output",
		unit:   "MB/s",
		aim:    "≥ 150 MB/s, nothing lost",
		ours:   x,
		theirs: y,
		note:   fmt.Sprintf("lost %d bytes", lost[a]),
	}
	if b != nil && lost[b] != 0 {
		f.note += fmt.Sprintf(", ipykernel %d", lost[b])
	}
	add(f)
	return figures, nil
}
