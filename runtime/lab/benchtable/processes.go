package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"interleave/runtime/lab"
	"interleave/runtime/quantity"
)

// load is how much the rows about processes do.
type load struct {
	rounds int
	trips  int // calls, one after the other
	tasks  int // of a map
	bytes  int // that travel there and back
	locks  int // that a process takes
	turns  int // of a loop that computes
	pyturn int // the same in Python, which takes longer
}

// A procContest is one measurement of lab's processes beside others. It gives one number, or one for each of
// its rows.
type procContest struct {
	key    string // what the script calls it
	rows   []string
	count  int // how much of it
	python int // how much of it in Python, if that differs
	lab    func(ctx context.Context, count int) ([]float64, error)
	others []opponent
	factor bool // the numbers are factors, instead of nanoseconds
}

// An opponent is what lab is measured beside: a way of the script, or a function.
type opponent struct {
	name string
	way  string
	run  func(ctx context.Context, count int) ([]float64, error)
}

var (
	joblib  = opponent{name: "joblib.Parallel", way: "joblib"}
	methods = []opponent{
		{name: "Pool, fork", way: "pool/fork"},
		{name: "Pool, spawn", way: "pool/spawn"},
		{name: "Pool, forkserver", way: "pool/forkserver"},
		{name: "ProcessPoolExecutor", way: "executor"},
		joblib,
	}
	starts = []opponent{
		{name: "Process, fork", way: "process/fork"},
		{name: "Process, spawn", way: "process/spawn"},
		{name: "Process, forkserver", way: "process/forkserver"},
	}
	submit     = opponent{name: "ProcessPoolExecutor.submit", way: "executor"}
	calls      = []opponent{{name: "Pool.apply", way: "pool"}, submit, joblib}
	asyncCalls = []opponent{{name: "Pool.apply_async", way: "pool"}, submit}
	maps       = []opponent{{name: "Pool.map", way: "pool"}, {name: "ProcessPoolExecutor.map", way: "executor"}, joblib}
)

func procContests(l load) []procContest {
	n := quantity.Count(l.tasks)
	return []procContest{
		{key: "cold", rows: []string{"start of a pool of 2 to its first results"}, lab: coldPool, others: methods},
		{key: "process", rows: []string{"start of a process to its result and its end"}, lab: oneProcess, others: starts},
		{key: "trips", rows: []string{"one call there and back, p50", "… p95"}, count: l.trips, lab: roundTrips, others: calls},
		{
			key: "submits", rows: []string{n + " tiny tasks, submitted one by one"}, count: l.tasks,
			lab: submits, others: asyncCalls,
		},
		{key: "one", rows: []string{"… mapped, chunks of 1"}, count: l.tasks, lab: tinyTasks(lab.Chunk(1)), others: maps},
		{key: "default", rows: []string{"… mapped, default chunks"}, count: l.tasks, lab: tinyTasks(), others: maps},
		{
			key: "data", rows: []string{quantity.Bytes(l.bytes) + " there and back"}, count: l.bytes,
			lab: thereAndBack, others: calls,
		},
		{
			key: "speedup", rows: []string{"speed-up of two calls that compute"}, count: l.turns, python: l.pyturn, factor: true,
			lab: speedup, others: slices.Concat(maps, []opponent{{name: "goroutines", run: speedupOfGoroutines}}),
		},
		{
			key: "lock", rows: []string{"a lock and an increment in shared memory", "… while another process does the same"},
			count: l.locks, python: l.locks / 20, lab: lockAndAdd, others: []opponent{{name: "Value", way: "process/fork"}},
		},
	}
}

//go:embed processes.py
var procScript []byte

// processTable writes a table of what lab's processes take beside Python's. All samples of a row are taken in
// turn, and the median counts. Each of Python's samples has a Python of its own, so that it is as cold or as
// warm as lab's; its start is not counted.
func processTable(ctx context.Context, c config) error {
	dir, err := os.MkdirTemp("", "benchtable")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "processes.py") // workers of spawn and forkserver read it again
	if err := os.WriteFile(file, procScript, 0o600); err != nil {
		return err
	}
	version := pythonVersion(ctx, c.python)
	fmt.Fprintf(c.out, "\nProcesses, beside %s. %s, %s, median of %d rounds.\n\n",
		version, runtime.Version(), lab.CPUs(), c.load.rounds)
	fmt.Fprint(c.out, "| what | lab | beside | takes | beside : lab |\n|---|---:|---|---:|---:|\n")
	for _, k := range procContests(c.load) {
		if version == noPython {
			k.others = slices.DeleteFunc(slices.Clone(k.others), func(o opponent) bool { return o.run == nil })
		}
		if err := k.write(ctx, c, file); err != nil {
			return err
		}
	}
	fmt.Fprint(c.out, "\nWith chunks of 1, Python sends each task in a message of its own; lab sends as many in one as take 2 ms.\n")
	return nil
}

const noPython = "no Python"

// pythonVersion returns the name of a Python with its version.
func pythonVersion(ctx context.Context, python string) string {
	if python == "" {
		return noPython
	}
	out, err := exec.CommandContext(ctx, python, "-c", "import platform; print('Python', platform.python_version(), end='')").Output()
	if err != nil {
		return noPython
	}
	return string(out)
}

// write measures and writes the rows.
func (k procContest) write(ctx context.Context, c config, file string) error {
	ours := make([][]float64, len(k.rows)) // one list of samples for each row
	theirs := make([][][]float64, len(k.others))
	missing := make([]string, len(k.others))
	for i := range theirs {
		theirs[i] = make([][]float64, len(k.rows))
	}
	for range c.load.rounds {
		runtime.GC()
		got, err := k.lab(ctx, k.count)
		if err := keep(ours, got, err); err != nil {
			return fmt.Errorf("%s: lab: %w", k.rows[0], err)
		}
		for i, o := range k.others {
			if missing[i] != "" {
				continue
			}
			var why missingError
			got, err := o.sample(ctx, c, file, k)
			if errors.As(err, &why) {
				missing[i] = string(why)
			} else if err := keep(theirs[i], got, err); err != nil {
				return fmt.Errorf("%s: %s: %w", k.rows[0], o.name, err)
			}
		}
	}
	text := quantity.Nanoseconds
	if k.factor {
		text = func(x float64) string { return fmt.Sprintf("%.2f ×", x) }
	}
	for r, row := range k.rows {
		own := median(ours[r])
		for i, o := range k.others {
			if missing[i] != "" {
				fmt.Fprintf(c.out, "| %s | %s | %s | %s | |\n", row, text(own), o.name, missing[i])
				continue
			}
			other := median(theirs[i][r])
			fmt.Fprintf(c.out, "| %s | %s | %s | %s | %.3g |\n", row, text(own), o.name, text(other), other/own)
		}
		if len(k.others) == 0 {
			fmt.Fprintf(c.out, "| %s | %s | | | |\n", row, text(own))
		}
	}
	return nil
}

// keep adds the numbers of a sample to the lists of rows.
func keep(lists [][]float64, got []float64, err error) error {
	if err == nil && len(got) != len(lists) {
		err = fmt.Errorf("%d numbers, want %d", len(got), len(lists))
	}
	if err != nil {
		return err
	}
	for i, x := range got {
		lists[i] = append(lists[i], x)
	}
	return nil
}

func median(xs []float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	return (xs[len(xs)/2] + xs[(len(xs)-1)/2]) / 2
}

// A missingError names what a Python lacks.
type missingError string

func (e missingError) Error() string { return string(e) }

// sample measures the opponent once.
func (o opponent) sample(ctx context.Context, c config, file string, k procContest) ([]float64, error) {
	if o.run != nil {
		runtime.GC()
		return o.run(ctx, k.count)
	}
	count := k.count
	if k.python > 0 {
		count = k.python
	}
	cmd := exec.CommandContext(ctx, c.python, file, k.key, o.way, strconv.Itoa(count))
	cmd.Stderr = c.log
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", c.python, err)
	}
	var answer struct {
		Numbers []float64
		Missing missingError
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", c.python, err)
	}
	if answer.Missing != "" {
		return nil, answer.Missing
	}
	return answer.Numbers, nil
}
