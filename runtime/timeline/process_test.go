package timeline

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const second = time.Second

// a pool's worker, by CLOCK_MONOTONIC: started at 99 s, before the experiment, which lasts from 100 s to 110 s.
func worker() seen {
	s := seen{state: ProcessState{Started: 99 * second, Ready: 101 * second, StartCPU: second, CPU: 7 * second}}
	s.Name, s.Pid = "worker 0", 4711
	s.tasks = []TaskLog{
		{task: ProcessTask{Name: "past", Start: 90 * second, End: 95 * second}},
		{task: ProcessTask{Name: "load", Items: 3, Start: 102 * second, End: 104 * second, CPU: 2 * second}, sent: 100 * second, before: TaskNote{Before: 400 * time.Millisecond}},
		{task: ProcessTask{Name: "slow", Items: 1, Start: 105 * second}, sent: 105 * second, before: TaskNote{At: 104 * second}},
	}
	s.uses = []CoreUse{{102 * second, 104 * second, 2 * second, 1}, {105 * second, 107 * second, second, 0}}
	s.at, s.used = 107*second, 5*second
	return s
}

// TestProcess maps notes to the experiment's clock.
func TestProcess(t *testing.T) {
	t.Parallel()
	s := worker()
	p := s.process(100*second, 110*second)
	want := Process{
		Name: "worker 0", Pid: 4711, Ready: second, End: 10 * second, Alive: true,
		Tasks: []ProcessTask{
			{Name: "load", Items: 3, Start: 2 * second, End: 4 * second, CPU: 2 * second},
			// until 107 s it was noted; of the rest only the time of the process is known: 7 s - 5 s
			{Name: "slow", Items: 1, Start: 5 * second, End: 10 * second, CPU: 2 * second, Open: true},
		},
		Uses: []CoreUse{
			{0, second, second / 2, -1},                      // half of its start lies in the experiment
			{second, 2 * second, 400 * time.Millisecond, -1}, // it loads code
			{2 * second, 4 * second, 2 * second, 1},          // load
			{5 * second, 7 * second, second, 0},              // slow
			{7 * second, 10 * second, 2 * second, 0},         // as far as it was not noted
		},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got\n%+v, want\n%+v", p, want)
	}
	if got, want := p.CPU(), 5900*time.Millisecond; got != want {
		t.Errorf("%v of processor time, want %v", got, want)
	}
	if got := p.CoresUsed(); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("cores %v", got)
	}

	s = worker() // killed at 109 s, when it had used 6.5 s
	s.tasks[2].task.End, s.tasks[2].task.Lost = 109*second, true
	s.state.Ended, s.state.How, s.state.CPU = 109*second, "was ended by signal 9 (killed)", 6500*time.Millisecond
	p = s.process(100*second, 110*second)
	if last := p.Tasks[1]; p.Alive || p.End != 9*second || p.Ended == "" || !last.Lost || last.Open || last.End != 9*second || p.Uses[4].CPU != 1500*time.Millisecond {
		t.Errorf("killed: %+v", p)
	}
	p = s.process(100*second, 108*second) // after the experiment
	if last := p.Tasks[1]; !p.Alive || p.Ended != "" || p.End != 8*second || last.End != 8*second {
		t.Errorf("killed later: %+v", p)
	}

	s = worker() // killed before it had sent a note of its first task
	s.tasks, s.uses, s.at, s.used = []TaskLog{{task: ProcessTask{Name: "first", End: 103 * second, Lost: true}, sent: 100 * second}}, nil, 0, 0
	s.state.Ended, s.state.CPU = 103*second, 2*second
	p = s.process(100*second, 110*second)
	if want := (ProcessTask{Name: "first", Start: second, End: 3 * second, CPU: second, Lost: true}); len(p.Tasks) != 1 || p.Tasks[0] != want {
		t.Errorf("killed at once: %+v", p)
	}

	s = seen{state: ProcessState{Started: 105 * second}} // it never was ready
	if p = s.process(100*second, 110*second); p.Start != 5*second || p.Ready != 10*second || !p.Alive {
		t.Errorf("still starting: %+v", p)
	}
}

// TestProcessUses joins what belongs together, and keeps the sum where there is too much.
func TestProcessUses(t *testing.T) {
	t.Parallel()
	l := new(ProcessLog)
	at := func(i int) time.Duration { return time.Duration(i) * 5 * time.Millisecond }
	for i := range 100 {
		l.add(CoreUse{at(i), at(i + 1), 5 * time.Millisecond, 0})
		l.add(CoreUse{at(i), at(i + 1), time.Duration(i%2) * 4 * time.Millisecond, 1})
	}
	l.add(CoreUse{at(100), at(101), 10 * time.Millisecond, 1}) // two threads
	if len(l.uses) != 1+50+2 || l.uses[0] != (CoreUse{0, at(100), at(100), 0}) {
		t.Errorf("%d uses, the first is %+v", len(l.uses), l.uses[0])
	}
	if last := l.uses[len(l.uses)-1]; last.CPU != 5*time.Millisecond || last.Core != 1 {
		t.Errorf("of two threads: %+v", last)
	}
	l = new(ProcessLog)
	sum := time.Duration(0)
	for i := range 3 * maxUses {
		use := CoreUse{at(i), at(i) + time.Millisecond, time.Millisecond / time.Duration(1+i%3), i % 2}
		sum += use.CPU
		l.add(use)
	}
	for _, u := range l.uses {
		if sum -= u.CPU; u.CPU > u.End-u.Start {
			t.Fatalf("%+v", u)
		}
	}
	if len(l.uses) > maxUses || sum != 0 {
		t.Errorf("%d uses, %v are missing", len(l.uses), sum)
	}
}

// TestPlaceProcesses lists uses with Ps that have no goroutine, as long as there are some.
func TestPlaceProcesses(t *testing.T) {
	t.Parallel()
	full := func(from, to int, core int) CoreUse {
		return CoreUse{time.Duration(from) * second, time.Duration(to) * second, time.Duration(to-from) * second, core}
	}
	runs := func(from, to int) CoreSpan {
		return CoreSpan{Start: time.Duration(from) * second, End: time.Duration(to) * second}
	}
	for _, c := range []struct {
		name  string
		procs int
		cores [][]CoreSpan
		uses  [][]CoreUse // by process
		want  [][]ProcessSpan
	}{
		{"its own core, if that is free", 2, [][]CoreSpan{nil, nil}, [][]CoreUse{{full(0, 4, 1)}, {full(0, 4, 0)}},
			[][]ProcessSpan{{{0, 4 * second, 1, 4 * second}}, {{0, 4 * second, 0, 4 * second}}}},
		{"another one, if a goroutine has it", 2, [][]CoreSpan{{runs(0, 10)}, nil}, [][]CoreUse{{full(0, 4, 0), full(4, 8, 0)}},
			[][]ProcessSpan{nil, {{0, 4 * second, 0, 4 * second}, {4 * second, 8 * second, 0, 4 * second}}}},
		{"to and fro", 2, [][]CoreSpan{{runs(0, 2), runs(4, 10)}, {runs(2, 4)}}, [][]CoreUse{{full(0, 10, 0)}},
			[][]ProcessSpan{{{2 * second, 4 * second, 0, 2 * second}}, {{0, 2 * second, 0, 2 * second}, {4 * second, 10 * second, 0, 6 * second}}}},
		{"shared, if there are only goroutines", 1, [][]CoreSpan{{runs(0, 6)}}, [][]CoreUse{{full(2, 8, 0)}},
			[][]ProcessSpan{{{2 * second, 8 * second, 0, 6 * second}}}},
		{"two processes share with two goroutines", 2, [][]CoreSpan{{runs(0, 10)}, {runs(0, 10)}}, [][]CoreUse{{full(0, 4, 1)}, {full(0, 4, 1)}},
			[][]ProcessSpan{{{0, 4 * second, 1, 4 * second}}, {{0, 4 * second, 0, 4 * second}}}},
		{"cores that Go does not use", 2, [][]CoreSpan{{runs(0, 4)}}, [][]CoreUse{{full(0, 4, 0)}},
			[][]ProcessSpan{nil, {{0, 4 * second, 0, 4 * second}}}},
		{"moments do not count", 1, [][]CoreSpan{{{Start: second, End: second + 20*time.Microsecond}}}, [][]CoreUse{{full(0, 4, -1)}},
			[][]ProcessSpan{{{0, 4 * second, 0, 4 * second}}}},
	} {
		e := &Experiment{Recorded: 10 * second, Procs: c.procs, GOMAXPROCS: len(c.cores)}
		for i, spans := range c.cores {
			e.Cores = append(e.Cores, Core{ID: i, Spans: spans})
		}
		for _, uses := range c.uses {
			e.Processes = append(e.Processes, Process{Uses: uses})
		}
		e.placeProcesses()
		var got [][]ProcessSpan
		for i, core := range e.Cores {
			got = append(got, core.Others)
			if core.ID != i {
				t.Errorf("%s: core %d has the number %d", c.name, i, core.ID)
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got\n%v, want\n%v", c.name, got, c.want)
		}
	}
}

// TestJoinProcesses continues processes after a gap.
func TestJoinProcesses(t *testing.T) {
	t.Parallel()
	part := func(tasks ...ProcessTask) Process {
		return Process{Name: "worker 0", Pid: 1, End: 4 * second, Alive: true, Tasks: tasks, Uses: []CoreUse{{0, second, second, 0}}}
	}
	e := &Experiment{Recorded: 4 * second, Cores: []Core{{}}, Processes: []Process{part(ProcessTask{Name: "f", Start: second, End: 4 * second, CPU: second, Open: true})}}
	next := &Experiment{Recorded: 4 * second, Cores: []Core{{Others: []ProcessSpan{{0, second, 1, second}}}}, Processes: []Process{
		{Name: "process", Pid: 2, Start: second, End: 2 * second},
		part(ProcessTask{Name: "f", End: 2 * second, CPU: 2 * second}, ProcessTask{Name: "g", Start: 3 * second, End: 4 * second}),
	}}
	e.join(next)
	want := []ProcessTask{{Name: "f", Start: second, End: 6 * second, CPU: 3 * second}, {Name: "g", Start: 7 * second, End: 8 * second}}
	if len(e.Processes) != 2 || !reflect.DeepEqual(e.Processes[0].Tasks, want) || e.Processes[0].End != 8*second || e.Processes[1].Start != 5*second {
		t.Errorf("%+v", e.Processes)
	}
	if got := e.Cores[0].Others; len(got) != 1 || got[0] != (ProcessSpan{4 * second, 5 * second, 0, second}) {
		t.Errorf("on the core: %+v", got)
	}
}

func TestProcessWords(t *testing.T) {
	t.Parallel()
	e := &Experiment{Wall: 10 * second, Recorded: 10 * second, CPU: second, GOMAXPROCS: 2}
	s := worker()
	e.Processes = append(e.Processes, s.process(100*second, 110*second), Process{Name: "process", Pid: 5, Ended: "ended with status 3"})
	e.Goroutines = []Goroutine{{Spans: []Span{
		{End: 9 * second, State: Waiting, Reason: reasonProcess}, {Start: 9 * second, End: 10 * second, State: Sleeping, Reason: "sleep"},
	}}}
	got := e.Summary()
	for _, want := range []string{
		"wall 10 s · CPU 6.9 s, of it 5.9 s in 2 other processes · parallelism 0.59 · GOMAXPROCS 2 · 1 goroutine",
		"2 processes ran 2 tasks with 5.9 s of CPU time on cores 0 and 1; process (pid 5) ended with status 3\n",
		"longest wait: 1 s in sleep",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%swant %q", got, want)
		}
	}
	e.Procs, e.Goroutines[0].Spans[0] = 1, Span{End: 9 * second}
	if got := e.Parallelism(); got != 1 {
		t.Errorf("with a goroutine that has a P meanwhile: parallelism %v on one core", got)
	}
	for _, c := range []struct {
		cores []int
		want  string
	}{{[]int{3}, "core 3"}, {[]int{0, 2}, "cores 0 and 2"}, {[]int{2, 3, 4}, "cores 2 to 4"}, {[]int{0, 2, 5}, "3 cores"}} {
		if got := coreList(c.cores); got != c.want {
			t.Errorf("%v: %q", c.cores, got)
		}
	}
}
