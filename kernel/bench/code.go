package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"
)

// The same text runs as a cell and under go test -bench. Both run in turn, so that other load on the machine
// affects both; for each, the fastest of several rounds counts.

const (
	codeRounds = 7
	codeTime   = "100ms" // -benchtime
)

// A pace is what a benchmark reports.
type pace struct {
	ns     float64
	allocs int
}

// A codeRow is the result of one program.
type codeRow struct {
	name      string
	cell, go_ pace
}

func (r codeRow) ratio() float64 { return r.cell.ns / r.go_.ns }

// code measures all programs, or those whose name contains only.
func code(k kind, only string, progress func(string)) (rows []codeRow, err error) {
	dir, err := os.MkdirTemp("", "bench-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module bench\n\ngo 1.26\n"), 0o666); err != nil {
		return nil, err
	}
	benchmarks, err := txtar.ParseFile("kernel/bench/testdata/programs.txt")
	if err != nil {
		return nil, err
	}
	for i, f := range benchmarks.Files {
		if !strings.Contains(f.Name, only) {
			continue
		}
		r := codeRow{name: f.Name}
		if err := r.measure(k, filepath.Join(dir, fmt.Sprint("p", i)), f.Data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		rows = append(rows, r)
		progress(r.String())
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("no program has %q in its name: kernel/bench/testdata/programs.txt holds them", only)
	}
	return rows, nil
}

func (r *codeRow) measure(k kind, dir string, text []byte) error {
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	test := append([]byte("package it\n\n"), text...)
	if err := os.WriteFile(filepath.Join(dir, "it_test.go"), test, 0o666); err != nil {
		return err
	}
	build := exec.Command("go", "test", "-c", "-o", "it.test", ".")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go test -c: %w\n%s", err, out)
	}
	session, _, err := begin(k)
	if err != nil {
		return err
	}
	defer session.end()
	flags := fmt.Sprintf("import (\"flag\"; \"testing\")\ntesting.Init()\nflag.Set(\"test.benchtime\", %q)", codeTime)
	for _, cell := range []string{"%plot off", string(text), flags} {
		if _, err := session.run(cell); err != nil {
			return err
		}
	}
	for range codeRounds {
		run := exec.Command("./it.test", "-test.run=^$", "-test.bench=.", "-test.benchmem", "-test.benchtime="+codeTime)
		run.Dir = dir
		out, err := run.CombinedOutput()
		if err != nil {
			return fmt.Errorf("go test -bench: %w\n%s", err, out)
		}
		if err := r.go_.read(out); err != nil {
			return err
		}
		ran, err := session.run("r := testing.Benchmark(BenchmarkIt)\nfmt.Println(r.String(), r.MemString())")
		if err != nil {
			return err
		}
		if err := r.cell.read([]byte(ran.stdout)); err != nil {
			return err
		}
	}
	return nil
}

var paceRE = regexp.MustCompile(`([0-9.]+) ns/op\s+\d+ B/op\s+(\d+) allocs/op`)

// read parses the output of a benchmark, and keeps the result if it is the fastest so far.
func (p *pace) read(out []byte) error {
	m := paceRE.FindSubmatch(bytes.TrimSpace(out))
	if m == nil {
		return fmt.Errorf("no result of a benchmark in %q", out)
	}
	ns, err := strconv.ParseFloat(string(m[1]), 64)
	if err == nil && (p.ns == 0 || ns < p.ns) {
		p.ns = ns
		p.allocs, err = strconv.Atoi(string(m[2]))
	}
	return err
}

func (r codeRow) String() string {
	return fmt.Sprintf("| %s | %.4g ns | %.4g ns | %.2f × | %d | %d |", r.name, r.cell.ns, r.go_.ns,
		r.ratio(), r.cell.allocs, r.go_.allocs)
}

// codeTable writes the rows as Markdown, with a summary.
func codeTable(rows []codeRow) string {
	var b strings.Builder
	b.WriteString("| program | cell | go test -bench | ratio | allocations | |\n|---|---:|---:|---:|---:|---:|\n")
	sum, worst, same := 0.0, 0.0, 0
	for _, r := range rows {
		fmt.Fprintln(&b, r)
		sum += math.Log(r.ratio())
		worst = max(worst, r.ratio())
		if r.cell.allocs == r.go_.allocs {
			same++
		}
	}
	fmt.Fprintf(&b,
		"\n%s, %d programs: geometric mean %.3f ×, worst %.2f ×; the same number of allocations in %d.\n",
		runtime.Version(), len(rows), math.Exp(sum/float64(len(rows))), worst, same)
	return b.String()
}
