package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"interleave/runtime/quantity"
)

// The interpreter is measured beside the compiler and beside yaegi alone, which runs the same text without this
// project's front end.

const (
	yaegiRounds = 3             // calls of each program, of which the fastest counts
	yaegiFirst  = 40            // definitions with their first call
	refusedMark = ": refused: " // in errors of cells that the engine does not accept
)

var yaegiImports = []string{"sync", "sync/atomic"}

// A yaegiProgram is definitions and a call whose value is known. Gophernotes' times are those of issue 12.
type yaegiProgram struct {
	name, defs, call, want string
	gophernotes            time.Duration
}

var yaegiPrograms = []yaegiProgram{
	{"fib(30)", `func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}`, "fib(30)", "832040", 95 * time.Millisecond},
	{"sum of 10⁷", `func sum(n int) int {
	s := 0
	for i := 0; i < n; i++ {
		s += i
	}
	return s
}`, "sum(10000000)", "49999995000000", 163 * time.Millisecond},
	{"sieve of 5·10⁶", `func sieve(n int) int {
	composite := make([]bool, n+1)
	c := 0
	for i := 2; i <= n; i++ {
		if composite[i] {
			continue
		}
		c++
		for j := i * i; j <= n; j += i {
			composite[j] = true
		}
	}
	return c
}`, "sieve(5000000)", "348513", 481 * time.Millisecond},
	{"mutex and counter, 10⁶", `func locked(n int) int {
	var mu sync.Mutex
	c := 0
	for i := 0; i < n; i++ {
		mu.Lock()
		c++
		mu.Unlock()
	}
	return c
}`, "locked(1000000)", "1000000", 0},
	{"ping-pong over channels, 10⁵", `func pingpong(n int) int {
	a, b := make(chan int), make(chan int)
	go func() {
		for v := range a {
			b <- v + 1
		}
		close(b)
	}()
	s := 0
	for i := 0; i < n; i++ {
		a <- i
		s += <-b
	}
	close(a)
	return s
}`, "pingpong(100000)", "5000050000", 0},
	{"defer, 10⁵", `func guarded(mu *sync.Mutex, c *int) {
	mu.Lock()
	defer mu.Unlock()
	*c++
}

func defers(n int) int {
	var mu sync.Mutex
	c := 0
	for i := 0; i < n; i++ {
		guarded(&mu, &c)
	}
	return c
}`, "defers(100000)", "100000", 0},
	{"calls of a closure, 10⁶", `func closures(n int) int {
	s := 0
	add := func(v int) { s += v }
	for i := 0; i < n; i++ {
		add(i)
	}
	return s
}`, "closures(1000000)", "499999500000", 0},
	{"updates of a map, 10⁶", `func counts(n int) int {
	m := map[int]int{}
	for i := 0; i < n; i++ {
		m[i%1000]++
	}
	return m[7]
}`, "counts(1000000)", "1000", 0},
	{"goroutines, started and awaited, 10⁵", `func spawned(n int) int {
	var wg sync.WaitGroup
	s := int64(0)
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			atomic.AddInt64(&s, 1)
		}()
	}
	wg.Wait()
	return int(s)
}`, "spawned(100000)", "100000", 0},
}

// firstCell is the i-th definition with its first call.
func firstCell(i int) (defs, call, want string) {
	defs = fmt.Sprintf("func first%d(n int) int { return n*%[1]d + 1 }", i)
	return defs, fmt.Sprintf("first%d(2)", i), fmt.Sprint(2*i + 1)
}

// A pathTime is what one way of running a program took, or why it has no time.
type pathTime struct {
	took time.Duration
	why  string // "refused", "wrong: …" or "failed: …"
}

// A yaegiRow is one program in each way.
type yaegiRow struct {
	what                   string
	raw, lowered, compiled pathTime
	gophernotes            time.Duration
}

// runYaegi measures the interpreter.
func runYaegi() error {
	ours, err := host("")
	if err != nil {
		return err
	}
	progress := func(s string) { fmt.Fprintln(os.Stderr, s) }
	rows, err := interpreted(ours, progress)
	if err != nil {
		return err
	}
	grown, err := interpretedMemory(ours, progress)
	if err != nil {
		return err
	}
	_, err = fmt.Print(yaegiTable(rows), "\n", growthTable(grown))
	return err
}

// interpreted measures all programs in the three ways.
func interpreted(of kind, progress func(string)) ([]yaegiRow, error) {
	dir, err := os.MkdirTemp("", "bench-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	raw, err := buildRaw(dir)
	if err != nil {
		return nil, err
	}
	sessions := map[string]*kernel{}
	for _, engine := range []string{"yaegi", "compiled"} {
		k, _, err := begin(of)
		if err != nil {
			return nil, err
		}
		defer k.end()
		for _, cell := range []string{"%plot off", "%engine " + engine} {
			if _, err := k.run(cell); err != nil {
				return nil, err
			}
		}
		sessions[engine] = k
	}
	first := yaegiRow{what: fmt.Sprintf("a definition and its first call, median of %d", yaegiFirst)}
	if first.raw, err = rawFirst(raw); err != nil {
		return nil, err
	}
	first.lowered, first.compiled = firstCalls(sessions["yaegi"]), firstCalls(sessions["compiled"])
	rows := []yaegiRow{first}
	progress(first.String())
	for _, p := range yaegiPrograms {
		r := yaegiRow{what: p.name, gophernotes: p.gophernotes}
		r.raw = p.raw(raw)
		r.lowered, r.compiled = p.inCells(sessions["yaegi"]), p.inCells(sessions["compiled"])
		rows = append(rows, r)
		progress(r.String())
	}
	return rows, nil
}

// buildRaw builds the program that runs yaegi alone.
func buildRaw(dir string) (string, error) {
	bin := filepath.Join(dir, "rawyaegi")
	build := exec.Command("go", "build", "-o", bin, "./kernel/bench/testdata/rawyaegi")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build rawyaegi: %w\n%s", err, out)
	}
	return bin, nil
}

type rawResult struct {
	First, Best time.Duration
	Value       string
}

// runRaw runs cells of definitions and a call with yaegi alone.
func runRaw(bin string, cells [][2]string, rounds int) (results []rawResult, err error) {
	type cell struct{ Defs, Call string }
	work := struct {
		Imports []string
		Cells   []cell
		Rounds  int
	}{Imports: yaegiImports, Rounds: rounds}
	for _, c := range cells {
		work.Cells = append(work.Cells, cell{c[0], c[1]})
	}
	in, err := json.Marshal(work)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, bin)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("yaegi alone: %w: %w\n%s", err, ctx.Err(), stderr.String())
	}
	return results, json.Unmarshal(out, &results)
}

func rawFirst(bin string) (pathTime, error) {
	var cells [][2]string
	for i := range yaegiFirst {
		defs, call, _ := firstCell(i)
		cells = append(cells, [2]string{defs, call})
	}
	results, err := runRaw(bin, cells, 1)
	if err != nil {
		return pathTime{}, err
	}
	var took []time.Duration
	for i, r := range results {
		if _, _, want := firstCell(i); r.Value != want {
			return pathTime{why: fmt.Sprintf("wrong: %s, not %s", r.Value, want)}, nil
		}
		took = append(took, r.First)
	}
	return pathTime{took: median(took)}, nil
}

// raw runs the program with yaegi alone. What yaegi gets wrong is a result, not an error.
func (p yaegiProgram) raw(bin string) pathTime {
	results, err := runRaw(bin, [][2]string{{p.defs, p.call}}, yaegiRounds)
	switch {
	case err != nil:
		return pathTime{why: "failed: " + firstLine(err.Error())}
	case results[0].Value != p.want:
		return pathTime{why: fmt.Sprintf("wrong: %s, not %s", results[0].Value, p.want)}
	}
	return pathTime{took: results[0].Best}
}

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// failed is the result of a cell that has failed.
func failed(err error) pathTime {
	if strings.Contains(err.Error(), refusedMark) {
		return pathTime{why: "refused"}
	}
	return pathTime{why: "failed: " + firstLine(err.Error())}
}

// firstCalls measures cells of a definition and its first call, as a client sees them.
func firstCalls(k *kernel) pathTime {
	var took []time.Duration
	for i := range yaegiFirst {
		defs, call, want := firstCell(i)
		r, err := k.run(defs + "\nfmt.Println(" + call + ")")
		if err != nil {
			return failed(err)
		}
		if strings.TrimSpace(r.stdout) != want {
			return pathTime{why: fmt.Sprintf("wrong: %s, not %s", r.stdout, want)}
		}
		took = append(took, r.took)
	}
	return pathTime{took: median(took)}
}

// inCells runs the program as a cell of definitions, and its calls as cells of straight lines.
func (p yaegiProgram) inCells(k *kernel) pathTime {
	if _, err := k.run(p.defs); err != nil {
		return failed(err)
	}
	best := pathTime{took: limit}
	for round := range yaegiRounds {
		// Names of its own in each round: a cell that is run again may use what was made ready before.
		r, err := k.run(fmt.Sprintf("began%d := time.Now()\nvalue%[1]d := %s\n"+
			"fmt.Println(\"took\", time.Since(began%[1]d).Seconds(), value%[1]d)", round, p.call))
		if err != nil {
			return failed(err)
		}
		took, err := parseTook(r.stdout)
		if err != nil {
			return failed(err)
		}
		if fields := strings.Fields(r.stdout); fields[len(fields)-1] != p.want {
			return pathTime{why: fmt.Sprintf("wrong: %s, not %s", fields[len(fields)-1], p.want)}
		}
		best.took = min(best.took, took)
	}
	return best
}

func (p pathTime) String() string {
	if p.why != "" {
		return p.why
	}
	return quantity.Number(ms(p.took)) + " ms"
}

// ratio is how many times longer p takes than q.
func (p pathTime) ratio(q pathTime) string {
	if p.why != "" || q.why != "" || q.took == 0 {
		return "–"
	}
	return quantity.Number(float64(p.took)/float64(q.took)) + " ×"
}

func (r yaegiRow) String() string {
	theirs := "–"
	if r.gophernotes > 0 {
		theirs = quantity.Number(ms(r.gophernotes)) + " ms"
	}
	cols := []string{r.what, r.raw.String(), r.lowered.String(), r.compiled.String(),
		r.lowered.ratio(r.raw), r.lowered.ratio(r.compiled), theirs}
	return "| " + strings.Join(cols, " | ") + " |"
}

// yaegiTable writes the times as Markdown.
func yaegiTable(rows []yaegiRow) string {
	var b strings.Builder
	b.WriteString("| program | yaegi alone | `%engine yaegi` | compiled | " +
		"beside yaegi alone | beside compiled | gophernotes |\n" +
		"|---|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range rows {
		fmt.Fprintln(&b, r)
	}
	fmt.Fprintf(&b, "\nThe fastest of %d calls. Gophernotes' times are from issue 12, of a quiet machine of this kind. "+
		"A definition and its first call are one cell, from its request to its reply; for yaegi alone "+
		"they are two calls in its process.\n", yaegiRounds)
	return b.String()
}
