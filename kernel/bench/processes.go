package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"interleave/runtime/quantity"
)

// Processes are started from cells of a session that has compiled others before, as sessions have.
const (
	processCells  = 30
	processRounds = 7
)

// A processRow is what one start takes.
type processRow struct {
	what   string
	times  []time.Duration // of a cell, or of Python
	python []time.Duration // the same by multiprocessing with the method spawn
}

// Cells that start processes and print how long it took, in nanoseconds. Before each one of the reserve, the
// session is idle for long enough to have some.
const (
	processFunctions = `func seven() int { return 7 }
func same(_ context.Context, x int) (int, error) { return x, nil }`

	spawnCell = `start := time.Now()
p, err := lab.Spawn(ctx, seven)
if err == nil {
	err = p.Wait(ctx)
}
fmt.Println(time.Since(start).Nanoseconds(), err)`

	poolCell = `start := time.Now()
pool, err := lab.NewProcPool(ctx, 2)
if err == nil {
	_, err = lab.Map(ctx, pool, []int{1, 2}, same, lab.Chunk(1))
}
fmt.Println(time.Since(start).Nanoseconds(), err)
pool.Close()`

	rest = "time.Sleep(1200 * time.Millisecond)"
)

// pythonStarts prints the same two times. A process that spawn starts imports this file again.
const pythonStarts = `import multiprocessing, time

def seven():
    return 7

def same(x):
    return x

if __name__ == "__main__":
    import multiprocessing.pool, multiprocessing.popen_spawn_posix, multiprocessing.queues
    context = multiprocessing.get_context("spawn")
    start = time.perf_counter_ns()
    p = context.Process(target=seven)
    p.start()
    p.join()
    print(time.perf_counter_ns() - start)
    start = time.perf_counter_ns()
    pool = context.Pool(2)
    pool.map(same, [1, 2], 1)
    print(time.perf_counter_ns() - start)
    pool.terminate()
`

// processes measures starts of processes, cold and from the reserve, beside Python.
func processes(ours kind, python, script string, progress func(string)) (rows []processRow, err error) {
	for _, what := range []string{"a process", "a pool of 2 to its first results"} {
		rows = append(rows, processRow{what: what + ", no process in reserve"}, processRow{what: what + ", from the reserve"}, processRow{what: "… the whole cell, none in reserve"})
	}
	for i := range processRounds {
		for k, cell := range []string{spawnCell, poolCell} {
			if err := firstAndNext(ours, cell, rows[3*k:3*k+3]); err != nil {
				return nil, err
			}
		}
		if python != "" {
			out, err := exec.CommandContext(context.Background(), python, script).Output()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", python, err)
			}
			for k, line := range strings.Fields(string(out)) {
				n, err := strconv.ParseInt(line, 10, 64)
				if err != nil || k > 1 {
					return nil, fmt.Errorf("%s printed %q", python, out)
				}
				for _, r := range []*processRow{&rows[3*k], &rows[3*k+1]} {
					r.python = append(r.python, time.Duration(n))
				}
			}
		}
		progress(fmt.Sprintf("round %d of %d", i+1, processRounds))
	}
	return rows, nil
}

// firstAndNext measures a first start, one when the session has been idle, and the whole cell of the first. No
// process is in reserve before the first cell, which begins to start them while it is compiled.
func firstAndNext(ours kind, cell string, rows []processRow) error {
	k, _, err := begin(ours)
	if err != nil {
		return err
	}
	defer k.end()
	cells := []string{"%plot off", processFunctions}
	for i := range processCells {
		cells = append(cells, declaring(i))
	}
	for _, c := range cells {
		if _, err := k.run(c); err != nil {
			return err
		}
	}
	for i := range rows[:2] {
		took, whole, err := k.printed(cell)
		if err != nil {
			return err
		}
		rows[i].times = append(rows[i].times, took)
		if i == 0 {
			rows[2].times = append(rows[2].times, whole)
		}
		if _, err := k.run(rest); err != nil {
			return err
		}
	}
	return nil
}

// printed runs a cell that prints a time in nanoseconds, and <nil>. whole is how long the cell took, which includes
// its compilation.
func (k *kernel) printed(cell string) (took, whole time.Duration, err error) {
	r, err := k.run(cell)
	if err != nil {
		return 0, 0, err
	}
	ns, rest, _ := strings.Cut(strings.TrimSpace(r.stdout), " ")
	n, err := strconv.ParseInt(ns, 10, 64)
	if err != nil || rest != "<nil>" {
		return 0, 0, fmt.Errorf("the cell printed %q", r.stdout)
	}
	return time.Duration(n), r.took, nil
}

// processesTable writes the rows as Markdown.
func processesTable(rows []processRow) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| start, from a cell of a session with %d compiled cells | time | Python, spawn | ratio |\n|---|---:|---:|---:|\n", processCells)
	for _, r := range rows {
		ours := median(r.times)
		theirs, ratio := "", ""
		if len(r.python) > 0 {
			p := median(r.python)
			theirs, ratio = quantity.Duration(p), fmt.Sprintf("%.2f", float64(ours)/float64(p))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.what, quantity.Duration(ours), theirs, ratio)
	}
	return b.String()
}
