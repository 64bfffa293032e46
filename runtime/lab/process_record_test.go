package lab_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// computeFor works until it has used so many milliseconds of processor time, which it cannot know exactly.
func computeFor(ctx context.Context, n int) (int, error) {
	return n, lab.Compute(ctx, time.Duration(n)*time.Millisecond)
}

func computeForEver() {
	for spun := 0; ; spun++ {
	}
}

// TestRecordedProcesses: a recording has what processes did, from their own notes.
func TestRecordedProcesses(t *testing.T) {
	ctx := t.Context()
	pool, err := lab.NewProcPool(ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := lab.Map(ctx, pool, []int{1, 1}, computeFor); err != nil { // not recorded
		t.Fatal(err)
	}
	e, err := timeline.Record(ctx, func() {
		if _, err := lab.Map(ctx, pool, []int{60, 60}, computeFor); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Processes) == 0 {
		t.Fatalf("no processes:\n%s", e.Summary())
	}
	pids := map[int]bool{}
	for _, pid := range pool.Pids() {
		pids[pid] = true
	}
	items, used := 0, time.Duration(0)
	for i := range e.Processes {
		p := &e.Processes[i]
		if !pids[p.Pid] || !strings.HasPrefix(p.Name, "worker ") || !p.Alive || p.Ended != "" || p.Start != 0 || p.Ready != 0 || p.End != e.Recorded {
			t.Errorf("%+v", p)
		}
		for k, task := range p.Tasks {
			items += task.Items
			if task.Name != "lab_test.computeFor" || task.Open || task.Lost || task.End <= task.Start || k > 0 && task.Start < p.Tasks[k-1].End {
				t.Errorf("%+v", task)
			}
			used += task.CPU
		}
		if cores := p.CoresUsed(); len(cores) == 0 {
			t.Errorf("%s ran on no core: %+v", p.Label(), p.Uses)
		}
		for _, u := range p.Uses {
			if u.Start < 0 || u.End > e.Recorded || u.CPU > u.End-u.Start || u.CPU <= 0 {
				t.Errorf("%+v", u)
			}
		}
	}
	if items != 2 || used < 110*time.Millisecond || e.ProcessCPU() < used {
		t.Errorf("%d items, %v for tasks of %v", items, used, e.ProcessCPU())
	}
	listed := time.Duration(0)
	for _, c := range e.Cores {
		for _, s := range c.Others {
			listed += s.CPU
		}
	}
	if d := (listed - e.ProcessCPU()).Abs(); d > time.Millisecond {
		t.Errorf("cores list %v, processes have used %v", listed, e.ProcessCPU())
	}
	for _, g := range e.Goroutines {
		if strings.Contains(g.Func, "remote") {
			t.Errorf("a goroutine of the connection is in the experiment: %+v", g)
		}
	}
}

// TestRecordedKill: a process that is killed has a row, with the task that it ran, and one that works on is in the
// next recording, too.
func TestRecordedKill(t *testing.T) {
	ctx := t.Context()
	var p *lab.Process
	busy := func(e *timeline.Experiment) time.Duration {
		t.Helper()
		if len(e.Processes) != 1 || len(e.Processes[0].Tasks) != 1 || e.Processes[0].Pid != p.Pid() {
			t.Fatalf("%+v", e.Processes)
		}
		return e.Processes[0].Tasks[0].CPU
	}
	used := func(d time.Duration) { // so much more processor time, as the system counts it
		begin, _, err := p.Usage()
		for now := begin; now < begin+d && err == nil; now, _, err = p.Usage() {
			time.Sleep(5 * time.Millisecond)
		}
		if err != nil {
			t.Error(err)
		}
	}
	first, err := timeline.Record(ctx, func() {
		var err error
		if p, err = lab.Spawn(ctx, computeForEver); err != nil {
			t.Error(err)
			return
		}
		used(250 * time.Millisecond)
	})
	if err != nil || p == nil {
		t.Fatal(err)
	}
	if cpu, task := busy(first), first.Processes[0].Tasks[0]; !task.Open || task.Lost || cpu <= 0 || !first.Processes[0].Alive {
		t.Errorf("the first has %v of processor time: %+v", cpu, first.Processes[0])
	}
	second, err := timeline.Record(ctx, func() {
		used(100 * time.Millisecond)
		p.Kill()
		var died *lab.WorkerError
		if err := p.Wait(ctx); !errors.As(err, &died) {
			t.Errorf("got %v", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	cpu, last := busy(second), &second.Processes[0]
	if task := last.Tasks[0]; !task.Lost || task.Open || task.Start != 0 || last.Alive || last.Ended != "was ended by Kill" || cpu < 80*time.Millisecond {
		t.Errorf("the second has %v of processor time: %+v", cpu, last)
	}
	third, err := timeline.Record(ctx, func() {})
	if err != nil || len(third.Processes) != 0 {
		t.Errorf("the third has %+v, %v", third.Processes, err)
	}
}
