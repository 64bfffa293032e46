package plots_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"interleave/plots"
	"interleave/runtime/timeline"
)

// processes is a cell that maps on two processes, beside a goroutine that computes and a process that is killed.
func processes() *timeline.Experiment {
	const at = ms
	e := &timeline.Experiment{Wall: 400 * ms, Recorded: 400 * ms, CPU: 210 * ms, GOMAXPROCS: 2, Procs: 2, Engine: "compiled"}
	goroutine := func(id int64, name, line string, spans ...timeline.Span) {
		e.Goroutines = append(e.Goroutines, timeline.Goroutine{ID: id, Name: name, Line: line, Main: id == 1, Start: spans[0].Start,
			End: spans[len(spans)-1].End, Spans: spans})
	}
	waits := func(from, to time.Duration, why string) timeline.Span {
		return timeline.Span{Start: from * at, End: to * at, State: timeline.Waiting, Proc: -1, Reason: why}
	}
	goroutine(1, "cell[3]", "", timeline.Span{End: 2 * at}, waits(2, 400, "lab.Map"))
	goroutine(2, "processes caller 0", "cell[3]:2", waits(2, 250, "another process"))
	goroutine(3, "processes caller 1", "cell[3]:2", waits(2, 400, "another process"))
	goroutine(4, "", "cell[3]:4", timeline.Span{Start: 200 * at, End: 400 * at, Proc: 1})
	use := func(from, to time.Duration, share float64, core int) timeline.CoreUse {
		return timeline.CoreUse{Start: from * at, End: to * at, CPU: time.Duration(share * float64((to-from)*at)), Core: core}
	}
	task := func(name string, items int, from, to time.Duration, share float64) timeline.ProcessTask {
		return timeline.ProcessTask{Name: name, Items: items, Start: from * at, End: to * at, CPU: time.Duration(share * float64((to-from)*at))}
	}
	e.Processes = []timeline.Process{
		{Name: "worker 0", Pid: 4711, Ready: 20 * at, End: 400 * at, Alive: true,
			Tasks: []timeline.ProcessTask{task("slow (cell[2]:1)", 12, 30, 150, 1), task("slow (cell[2]:1)", 8, 150, 250, 1)},
			Uses:  []timeline.CoreUse{use(0, 20, 0.5, -1), use(30, 250, 1, 0)}},
		{Name: "worker 1", Pid: 4712, Ready: 22 * at, End: 400 * at, Alive: true,
			Tasks: []timeline.ProcessTask{task("slow (cell[2]:1)", 1, 31, 200, 1), task("slow (cell[2]:1)", 1, 201, 400, 0.6)},
			Uses:  []timeline.CoreUse{use(0, 22, 0.5, -1), use(31, 200, 1, 1), use(201, 400, 0.6, 1)}},
		{Name: "process", Pid: 4713, Start: 60 * at, Ready: 120 * at, End: 300 * at, Ended: "was ended by signal 9 (killed)",
			Tasks: []timeline.ProcessTask{task("nap (cell[2]:9)", 1, 125, 300, 0)}},
	}
	e.Processes[2].Tasks[0].Lost = true
	busy := func(from, to time.Duration, process int, share float64) timeline.ProcessSpan {
		return timeline.ProcessSpan{Start: from * at, End: to * at, Process: process, CPU: time.Duration(share * float64((to-from)*at))}
	}
	e.Cores = []timeline.Core{
		{ID: 0, Spans: []timeline.CoreSpan{{End: 2 * at, Goroutine: 1}, {Start: 300 * at, End: 330 * at, Kind: timeline.CoreGC}},
			Others: []timeline.ProcessSpan{busy(2, 20, 0, 0.5), busy(30, 250, 0, 1), busy(251, 300, 1, 0.6)}},
		{ID: 1, Spans: []timeline.CoreSpan{{Start: 200 * at, End: 400 * at, Goroutine: 4}},
			Others: []timeline.ProcessSpan{busy(0, 22, 1, 0.5), busy(31, 200, 1, 1), busy(201, 251, 1, 0.6), busy(300, 400, 1, 0.6)}},
	}
	return e
}

// manyProcesses has more processes than rows for them, with short tasks, on many cores.
func manyProcesses() *timeline.Experiment {
	e := manyCores()
	for i := range 40 {
		p := timeline.Process{Name: "process", Pid: 100 + i, Start: time.Duration(i) * ms / 2, Ready: time.Duration(i+2) * ms / 2, End: 50 * ms, Alive: true}
		for k := range 60 {
			from := p.Ready + time.Duration(k)*500*time.Microsecond
			p.Tasks = append(p.Tasks, timeline.ProcessTask{Name: "f", Items: 1, Start: from, End: from + 300*time.Microsecond, CPU: 300 * time.Microsecond})
			p.Uses = append(p.Uses, timeline.CoreUse{Start: from, End: from + 300*time.Microsecond, CPU: 300 * time.Microsecond, Core: i % 32})
			e.Cores[i%32].Others = append(e.Cores[i%32].Others, timeline.ProcessSpan{Start: from, End: from + 300*time.Microsecond, Process: i, CPU: 300 * time.Microsecond})
		}
		e.Processes = append(e.Processes, p)
	}
	return e
}

// TestProcessWords: the figure says what the processes did.
func TestProcessWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		e    *timeline.Experiment
		o    plots.Options
		want []string
	}{
		{processes(), plots.Options{}, []string{
			"wall 400 ms · CPU 739 ms, of it 529 ms in 3 other processes · parallelism 1.83 · GOMAXPROCS 2 · 4 goroutines · compiled",
			"worker 0", "pid 4711", "worker 1", "process", "5", "6", "7", "slow × 12 120 ms", "slow × 8 100 ms", "slow 169 ms", "slow 199 ms", "nap 175 ms",
			"was ended by signal 9 (killed)", "another process on a core", "its task, not on a core", "it starts", "it ended early"}},
		{processes(), plots.Options{Width: 420}, []string{"worker 1", "pid 4712", "another process on a core"}},
		{manyProcesses(), plots.Options{}, []string{"… 28 more processes", "another process on a core", "32 cores"}},
	} {
		_, _, words := parse(t, figure(t, c.e, c.o).SVG())
		var texts []string
		for _, w := range words {
			texts = append(texts, w.text)
		}
		for _, s := range c.want {
			if !slices.Contains(texts, s) {
				t.Errorf("no text %q in %v", s, texts)
			}
		}
	}
	f, err := plots.Cores(processes())
	if err != nil {
		t.Fatal(err)
	}
	// core 0: 9 ms + 220 ms + 29.4 ms of processes, 2 ms of a goroutine, in 400 ms
	if alt := f.Alt(); !strings.Contains(alt, "core 0: 65 %.") {
		t.Error(alt)
	}
}

// TestProcessEnd: how a process ended is written beside its end, or, where there is no room, in its task.
func TestProcessEnd(t *testing.T) {
	t.Parallel()
	for end, want := range map[time.Duration]string{300: "was ended by signal 9 (killed)", 390: "nap 265 ms, was ended by signal 9 (killed)"} {
		e := processes()
		e.Processes[2].End, e.Processes[2].Tasks[0].End = end*ms, end*ms
		_, _, words := parse(t, figure(t, e, plots.Options{}).SVG())
		if !slices.ContainsFunc(words, func(w word) bool { return w.text == want }) {
			t.Errorf("ended at %v: no text %q in %s", end, want, fmt.Sprint(words))
		}
	}
}
