package corpustest

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"interleave/install/hosttest"
	"interleave/kernel/session"
	"interleave/kernel/toolchain"
)

// A watched session is one of the real host whose events are looked at as they are, figures too.
type watched struct {
	*session.Client
	t     *testing.T
	cells uint64
}

func watch(t *testing.T) *watched {
	t.Helper()
	host := hosttest.Host(t)
	work := t.TempDir()
	s, err := session.Start(context.Background(), session.Config{
		Command: func() *exec.Cmd {
			return exec.Command(host, append([]string{"session", "-toolchain", toolchain.DirOf(host), "-work", work}, hosttest.Session()...)...)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &watched{Client: s, t: t}
}

// told is what a cell showed, one thing a line, in order: "figure: …", "display: …", "result: …", "failed: …", "stderr: …".
type told struct {
	things []string
	done   session.Done
}

func (s told) String() string { return strings.Join(s.things, "\n") }

// one returns what follows the kind in the things of that kind, which are joined.
func (s told) of(kind string) (all string) {
	for _, x := range s.things {
		if rest, ok := strings.CutPrefix(x, kind+": "); ok {
			all += rest
		}
	}
	return all
}

// before reports whether things of both kinds were shown, and in this order.
func (s told) before(first, second string) bool {
	return regexp.MustCompile(`(?s)(^|\n)` + first + `: .*\n` + second + `: `).MatchString(s.String())
}

// run runs a cell to its end, and interrupts it when it has printed "ready".
func (w *watched) run(code string) (s told) {
	w.t.Helper()
	return w.runWith(code, nil)
}

// runWith also evaluates user expressions behind the cell.
func (w *watched) runWith(code string, expressions map[string]string) (s told) {
	w.t.Helper()
	w.cells++
	if err := w.Run(session.Cell{ID: w.cells, N: int(w.cells), Code: code, StoreHistory: true, Expressions: expressions}); err != nil {
		w.t.Fatal(err)
	}
	text := func(b session.Bundle) (t string) {
		if err := json.Unmarshal(b["text/plain"], &t); err != nil {
			w.t.Errorf("text/plain: %v", err)
		}
		return t
	}
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		var ev session.Event
		select {
		case ev = <-w.Events():
		case <-late.C:
			w.t.Fatalf("the cell does not end:\n%s\n%s", code, s)
		}
		kind, what := "", ""
		switch ev := ev.(type) {
		case session.Output:
			kind, what = string(ev.Stream), ev.Text
			if strings.Contains(ev.Text, "ready\n") {
				w.Interrupt()
			}
		case session.Display:
			kind, what = "display", text(ev.Data)
			if len(ev.Data["image/svg+xml"]) > 0 {
				kind = "figure"
			}
		case session.Result:
			kind, what = "result", text(ev.Data)
		case session.Failed:
			kind, what = "failed", strings.Join(ev.Traceback, "\n")
		case session.Done:
			s.done = ev
			return s
		default:
			continue
		}
		s.things = append(s.things, kind+": "+ansi.ReplaceAllString(what, ""))
	}
}

// Whatever ends a cell, what its goroutines did is drawn, up to there, and the failure comes last.
func TestFailedCellsAreDrawn(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for _, c := range []struct{ name, code, figure, failed string }{
		{"panic of a goroutine", "ch := make(chan int)\ngo func() { panic(\"boom\") }()\n<-ch", "2 goroutines", "panic: boom\n"},
		{"own panic", "done := make(chan int)\ngo close(done)\n<-done\npanic(\"own\")", "2 goroutines", "panic: own\n"},
		{"deadlock", "a, b := make(chan int), make(chan int)\ngo func() { <-a; b <- 1 }()\nfmt.Println(\"ready\")\n<-b", "2 goroutines", "the cell was interrupted: "},
		{"context", "go func() { <-ctx.Done() }()\nfmt.Println(\"ready\")\n<-ctx.Done()", "2 goroutines", "the cell was interrupted: "},
		{"exit", "go func() { <-ctx.Done() }()\nos.Exit(3)", "2 goroutines", "exit: os.Exit(3)\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			s := w.run(c.code)
			// The goroutine of the cell is given up as well unless the interrupt came before it waited.
			if c.name == "deadlock" && !strings.Contains(s.of("failed"), "given up: blocked and cannot be stopped") {
				t.Errorf("the goroutine that waits was not given up\n%s", s)
			}
			if s.done.OK || !strings.Contains(s.of("figure"), c.figure) || !strings.HasPrefix(s.of("failed"), c.failed) || !s.before("figure", "failed") {
				t.Errorf("want a figure with %q, then %q\n%s", c.figure, c.failed, s)
			}
		})
	}
	t.Run("to the failure", func(t *testing.T) { // not to the end of those who were stopped
		w.t = t
		const stopping = 80 * time.Millisecond // at least, for those who do not obey
		least := time.Hour                     // of some, for a machine that has much else to do
		for range 10 {
			s := w.run("go func() { panic(\"boom\") }()\nselect {}")
			m := regexp.MustCompile(` wall ([^·]+?)(?: from the first goroutine[^·]*)? ·`).FindStringSubmatch(s.of("figure"))
			if m == nil {
				t.Fatal(s)
			}
			wall, err := time.ParseDuration(strings.NewReplacer(" ", "", "\u2009", "").Replace(m[1]))
			if err != nil {
				t.Fatal(err)
			}
			if least = min(least, wall); least < stopping/2 {
				return
			}
		}
		t.Errorf("a panic in the first line is drawn with %v at least", least)
	})
	t.Run("nothing concurrent", func(t *testing.T) {
		w.t = t
		if s := w.run("panic(\"alone\")"); s.of("figure") != "" || s.of("failed") == "" {
			t.Error(s)
		}
	})
	w.t = t
}

// A cell that obeys its context is interrupted at a line, too.
func TestInterruptedAtALine(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for _, c := range []struct{ code, at string }{ // the interrupt may come before the wait, so the word that calls it stands in the same line
		{"l1 := lab.NewLock()\nl1.Lock(ctx)\nfmt.Println(\"ready\"); l1.Lock(ctx)", "cell[1]:3\n   3 | fmt.Println(\"ready\"); l1.Lock(ctx)"},
		{"q := lab.NewQueue[int](1)\nfunc take() (int, error) {\n\tfmt.Println(\"ready\"); return q.Get(ctx)\n}\ntake()", "cell[2]:3 in take\n"},
		{"%engine yaegi\nx := 1\nfmt.Println(\"ready\"); lab.Sleep(ctx, time.Hour)", "cell[3]:3\n"},
	} {
		s := w.run(c.code)
		// On which step of the staircase it ended depends on how busy the machine is; where it stood does not.
		if how, at, _ := strings.Cut(s.of("failed"), "\n"); !strings.HasPrefix(how, "the cell was interrupted: ") || !strings.HasPrefix(at, c.at) {
			t.Errorf("want the place %q\n%s", c.at, s)
		}
	}
}

// What goes on after its cell is told, also when it uses a core, and what ends is not.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	w := watch(t)
	s := w.run("go func() {\n\tfor ctx := context.Background(); ctx.Err() == nil; {\n\t}\n}()\ntime.Sleep(50 * time.Millisecond)")
	if got := s.of("display"); !strings.HasPrefix(got, "1 goroutine is still running after this cell:\n  go cell[1]:1: ") || !strings.Contains(got, " at cell[1]:2\n") || !strings.Contains(got, "for ctx.Err() == nil") {
		t.Error(s)
	}
	s = w.run("var wg sync.WaitGroup\nfor range 4 {\n\twg.Go(func() {\n\t\tfor range 20_000_000 {\n\t\t}\n\t})\n}\nwg.Wait()")
	if got := s.of("display"); got != "" || s.of("figure") == "" {
		t.Error(s)
	}
}

// However many go on, and however little of them was recorded, their number is right; given up, they are told in few lines.
func TestManyGoOn(t *testing.T) {
	t.Parallel()
	w := watch(t)
	s := w.run("gate := make(chan struct{})\nfor range 100_000 {\n\tgo func() { <-gate }()\n}\n1")
	if got := s.of("display"); !strings.HasPrefix(got, "100\u2009000 goroutines are still running after this cell:\n") || !strings.Contains(got, "… and 99\u2009995 more") || s.of("result") != "1" || !s.done.OK {
		t.Error(s)
	}
	w.run("close(gate)\nfor runtime.NumGoroutine() > 1000 {\n\truntime.Gosched()\n}")
	s = w.run("hold := make(chan struct{})\nfor range 100_000 {\n\tgo func() { <-hold }()\n}\nfmt.Println(\"ready\")\n<-hold")
	got := s.of("failed")
	if !strings.Contains(got, "100\u2009001 goroutines were given up: blocked and cannot be stopped") || !strings.Contains(got, " goroutines [chan receive] started at cell[3]:3, seen at cell[3]:3") || strings.Count(got, "\n") > 8 {
		t.Error(s)
	}
}

// An interrupt that finds the code at its end is told, whatever the cell is doing.
func TestInterruptedWhileShown(t *testing.T) {
	t.Parallel()
	w := watch(t)
	// The String method runs when the code has ended: the interrupt comes before it returns.
	s := w.run("type slow struct{ ctx context.Context }\nfunc (s slow) String() string {\n\tfmt.Println(\"ready\")\n\t<-s.ctx.Done()\n\treturn \"shown\"\n}\nslow{ctx}")
	if s.done.OK || !s.done.Interrupted || s.of("result") != "shown" || !strings.Contains(s.of("failed"), "interrupted while its result was being displayed") {
		t.Errorf("%+v\n%s", s.done, s)
	}
}

// A result is bounded, what is printed is not.
func TestLargeResult(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for _, code := range []string{"make([]int, 1_000_000)", "strings.Repeat(\"x\", 5_000_000)", "func() (string, int) { return strings.Repeat(\"x\", 5_000_000), 1 }()"} {
		if got := w.run(code).of("result"); len(got) > 100_200 || !strings.Contains(got, "; fmt.Println shows all …") {
			t.Errorf("%s shows %d bytes", code, len(got))
		}
	}
	if got := w.run("fmt.Println(strings.Repeat(\"x\", 500_000))").of("stdout"); len(got) != 500_001 {
		t.Errorf("of 500001 bytes printed %d are shown", len(got))
	}
}

// What ends with its cell is not listed as alive after it.
func TestEndsWithItsCell(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for _, code := range []string{
		"lab.Go(ctx, func(ctx context.Context) (int, error) { return 0, lab.Sleep(ctx, time.Hour) })",
		"go func() { <-ctx.Done() }()",
		"for range 1000 {\n\tgo func() {\n\t\tselect {\n\t\tcase <-ctx.Done():\n\t\tcase <-time.After(time.Hour):\n\t\t}\n\t}()\n}",
	} {
		if s := w.run(code); s.of("display") != "" || s.of("figure") == "" || !s.done.OK {
			t.Errorf("%s\n%s", code, s)
		}
	}
	s := w.run("go func() { <-ctx.Done(); select {} }()\nlab.Go(ctx, func(ctx context.Context) (int, error) { return 0, lab.Sleep(ctx, time.Hour) })")
	if got := s.of("display"); !strings.HasPrefix(got, "1 goroutine is still running after this cell:\n  go cell[4]:1: ") {
		t.Error(s)
	}
}

// %%timeit measures by lab.Bench: the median with its interval, samples, the engine and allocations. What is wrong in it
// has its own line.
func TestTimeit(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.run("func sum(xs []int) (s int) {\n\tfor _, x := range xs {\n\t\ts += x\n\t}\n\treturn s\n}\nxs := make([]int, 100)\nvar sink []byte")
	report := regexp.MustCompile(`^(.+): [0-9.]+ [µmn]?s (?:\(\d+ %: [^)]*\)|\(from [^)]*\)), \d+ samples? of .+ calls?, compiled(?:, (.*))?(?:\n|$)`)
	for _, c := range []struct{ code, name, allocations string }{
		{"%%timeit\nsum(xs)", "one round", ""},
		{"%timeit sum(xs)\nfmt.Println()", "sum(xs)", ""},
		{"// a comment\n%%timeit\nsink = make([]byte, 1<<10)", "one round", "1 allocation of 1.02 kB"},
		{"%%timeit\ntotal := 0\nfor i := range 10 {\n\ttotal += i\n}\ntotal", "one round", ""},
		{"%timeit time.Sleep(time.Millisecond)", "time.Sleep(time.Millisecond)", ""},
	} {
		s := w.run(c.code)
		if m := report.FindStringSubmatch(s.of("stdout")); m == nil || m[1] != c.name || m[2] != c.allocations || s.of("figure") != "" {
			t.Errorf("%s\n%s", c.code, s)
		}
	}
	for code, want := range map[string]string{
		"%%timeit\nx := 1\n\nnosuch(x)":          ":4:1: undefined: nosuch",
		"%%timeit -n 3\nsum(xs)":                 "there are no options",
		"%%timeit\n":                             "there is nothing to measure",
		"x := 1\n%timeit sum(xs, x)\n_ = x":      ":2:17: too many arguments in call to sum have ([]int, int) want ([]int)\n   2 | %timeit sum(xs, x)\n     |                 ^",
		"%%timeit\nif xs[0] == 0 { return }":     "no round is whole",
		"%%timeit\nbreak":                        "no round is whole",
		"%%timeit\npanic(\"in the statements\")": "panic: in the statements",
	} {
		s := w.run(code)
		if !strings.Contains(s.of("failed"), want) {
			t.Errorf("%s: want %q\n%s", code, want, s)
		}
	}
}

// %load has the file's text in place of the cell, below a comment; it and %time do what they say.
func TestLoadAndTime(t *testing.T) {
	t.Parallel()
	w := watch(t)
	file := filepath.Join(t.TempDir(), "code.go")
	if err := os.WriteFile(file, []byte("x := 1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := w.run("%load " + file)
	if !s.done.OK || s.done.Next != "// %load "+file+"\nx := 1" || !s.done.Instead {
		t.Errorf("%+v", s.done)
	}
	for code, want := range map[string]string{
		"%load":               "which file?",
		"%load " + file + "o": "Did you mean " + file,
		"%load a.ipynb":       "no such file",
		"%time":               "there is nothing to run",
		"%capture x":          "Write %%capture NAME",
		"%restart\n1":         "Write it in a cell of its own",
		"%forget whom":        "]:1:1: nothing is declared with the name whom",
		"1\n%forget\n":        "which names?",
		"%%capture 1":         "is not the name of a variable",
		"%lsmagic":            "%help lists all magics",
		"%restrt":             "Did you mean %restart?",
	} {
		if s := w.run(code); !strings.Contains(s.of("failed"), want) {
			t.Errorf("%s: want %q\n%s", code, want, s)
		}
	}
	if s := w.run("%time 6 * 7"); s.of("result") != "42" || !regexp.MustCompile(`^wall .* · CPU .* · engine \w+ · building included\n$`).MatchString(s.of("stdout")) {
		t.Error(s)
	}
}

// %restart begins anew, in a new process, with the settings of the kernel as they were.
func TestRestart(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.run("%plot off")
	before := w.run("x := 1\nfunc f() int { return x }\nos.Getpid()").of("result")
	if s := w.run("%restart"); !s.done.OK {
		t.Error(s)
	}
	if s := w.run("%who"); s.of("stdout") != "Nothing is declared.\n" {
		t.Error(s)
	}
	if s := w.run("%plot"); s.of("stdout") != "plot: off\n" {
		t.Error(s)
	}
	if after := w.run("os.Getpid()").of("result"); after == before || after == "" {
		t.Errorf("process %s, before %s", after, before)
	}
}

// A user expression is refused with the name and the sentence with which the cell itself is refused: there is one choice of an engine.
func TestExpressionsChooseTheEngineAsCellsDo(t *testing.T) {
	t.Parallel()
	w := watch(t)
	const code = "func() int { return 1 }()"
	if s := w.run(code); !s.done.OK || s.of("result") != "1" {
		t.Fatal(s)
	}
	w.run("%engine yaegi")
	cell := w.run(code)
	s := w.runWith("n := 5", map[string]string{"a": code, "b": "n + 1"})
	a := s.done.Expressions["a"].Failed
	if cell.done.OK || a == nil || a.Name != "refused" || !strings.Contains(a.Value, "outside what the interpreter is proven to run correctly") ||
		!strings.Contains(cell.of("failed"), strings.SplitN(a.Value, ": ", 2)[1]) {
		t.Errorf("the cell: %s\nthe expression: %+v", cell, a)
	}
	if b := s.done.Expressions["b"]; b.Failed != nil || string(b.Data["text/plain"]) != `"6"` {
		t.Errorf("n + 1 is %+v", b)
	}
	w.run("%engine auto")
	if s := w.runWith("n = 7", map[string]string{"a": code, "b": "n"}); s.done.Expressions["a"].Failed != nil || string(s.done.Expressions["a"].Data["text/plain"]) != `"1"` {
		t.Errorf("with every engine the expression is %+v", s.done.Expressions["a"])
	}
}
