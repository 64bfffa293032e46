package timeline

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A ProcessLog is where a program notes what another process does for it, so that recordings show it. Package
// lab makes one for each process that it starts. Times given to it are those of CLOCK_MONOTONIC, which all
// processes of a machine share.
//
// Nothing is kept while there is no recording. Its methods may be called from several goroutines.
type ProcessLog struct {
	name  string
	pid   int
	state func() ProcessState

	// guarded by logs
	tasks   []*TaskLog // by start; those that have ended are dropped when a recording has ended
	uses    []CoreUse
	last    map[int]int // index into uses, plus one, of the last on a core
	dropped int
	at      time.Duration // of the last note
	used    time.Duration // the processor time of the process by then; 0 if unknown
}

// A ProcessState is when a process did what, by CLOCK_MONOTONIC, and what it has used.
type ProcessState struct {
	Started  time.Duration
	Ready    time.Duration // when it could begin a task; 0 before
	StartCPU time.Duration // the processor time that it had used by then
	Ended    time.Duration // 0 while it lives
	How      string        // how it ended, unless its program ended it: "ended with status 3", see [Process]
	CPU      time.Duration // what it has used so far; 0 if it is not known
}

// A TaskNote is what is known of a task, or of a part of it, by CLOCK_MONOTONIC.
type TaskNote struct {
	Begin  time.Duration // when the function was called
	Before time.Duration // the processor time of the process since the task before, if that is known
	At     time.Duration // when the note was taken
	Used   time.Duration // the processor time of the process by then, since it was started
	Uses   []CoreUse     // since the note before, or since Begin
}

// A TaskLog is where a program notes what a process does for one task.
type TaskLog struct {
	log    *ProcessLog
	task   ProcessTask // Start is 0 until it is known, End until the task has ended
	sent   time.Duration
	before TaskNote
}

// logs is what recordings know of processes.
var logs struct {
	recording atomic.Bool
	sync.Mutex
	all map[*ProcessLog]bool // those with tasks
}

const (
	maxTasks = 10_000 // of a process
	maxUses  = 4096   // of a process; when there are more, two that follow each other become one
)

// NewProcessLog returns a log for a process that was started. state is called when a recording ends; it must
// not wait for calls of this package.
func NewProcessLog(name string, pid int, state func() ProcessState) *ProcessLog {
	return &ProcessLog{name: name, pid: pid, state: state}
}

// Begin notes that the process is given a task, and returns where the rest is noted. If there is no recording
// it returns nil, which costs an atomic load. items is for how many arguments the function is called; now reads
// CLOCK_MONOTONIC.
func (l *ProcessLog) Begin(name string, items int, now func() time.Duration) *TaskLog {
	if l == nil || !logs.recording.Load() {
		return nil
	}
	t := &TaskLog{log: l, task: ProcessTask{Name: name, Items: items}, sent: now()}
	logs.Lock()
	defer logs.Unlock()
	if len(l.tasks) >= maxTasks {
		l.dropped++
		return t // of which the uses are kept
	}
	if logs.all == nil {
		logs.all = map[*ProcessLog]bool{}
	}
	logs.all[l] = true
	l.tasks = append(l.tasks, t)
	return t
}

// Note adds what is known since the last note.
func (t *TaskLog) Note(n TaskNote) {
	logs.Lock()
	defer logs.Unlock()
	l := t.log
	if t.task.Start == 0 {
		t.task.Start = n.Begin
		t.before = TaskNote{Begin: n.Begin, Before: n.Before, At: l.at}
	}
	if n.At >= l.at { // of a process that has ended the beginning of its task is noted once more
		l.at, l.used = n.At, n.Used
	}
	for _, u := range n.Uses {
		if logs.recording.Load() {
			t.task.CPU += l.add(u)
		}
	}
}

// End notes that the task has ended at a time, or, with lost, that its process has. A task that had not begun
// when its process ended has the time 0, and is forgotten.
func (t *TaskLog) End(at time.Duration, lost bool) {
	logs.Lock()
	defer logs.Unlock()
	l := t.log
	if at == 0 {
		l.tasks = slices.DeleteFunc(l.tasks, func(u *TaskLog) bool { return u == t })
	}
	t.task.End, t.task.Lost = at, lost
	if !logs.recording.Load() {
		l.forget()
	}
}

// forget drops what no later recording needs. logs is locked.
func (l *ProcessLog) forget() {
	l.tasks = slices.DeleteFunc(l.tasks, func(t *TaskLog) bool { return t.task.End > 0 })
	l.uses, l.last, l.dropped = nil, nil, 0
	if len(l.tasks) == 0 {
		delete(logs.all, l)
	}
}

// add keeps a use, as part of the one before if that was like it, and returns its processor time. logs is locked.
func (l *ProcessLog) add(u CoreUse) (kept time.Duration) {
	length := u.End - u.Start
	if length <= 0 || u.CPU <= 0 {
		return 0
	}
	for ; u.CPU > length+length/8; u.CPU -= length { // several threads, of which the cores are not known
		l.uses = append(l.uses, CoreUse{u.Start, u.End, length, -1})
		kept += length
	}
	u.CPU = min(u.CPU, length) // the clocks are not read at the same moment
	kept += u.CPU
	if i := l.last[u.Core]; i > 0 && l.uses[i-1].End == u.Start {
		w := &l.uses[i-1]
		if share, was := u.share(), w.share(); share-was < 0.15 && was-share < 0.15 {
			w.End = u.End
			w.CPU += u.CPU
			return kept
		}
	}
	l.uses = append(l.uses, u)
	if len(l.uses) > maxUses {
		l.uses, l.last = halve(l.uses), nil
		return kept
	}
	if l.last == nil {
		l.last = map[int]int{}
	}
	l.last[u.Core] = len(l.uses)
	return kept
}

func (u *CoreUse) share() float64 { return float64(u.CPU) / float64(max(u.End-u.Start, 1)) }

// halve makes one use of two that follow each other on a core.
func halve(uses []CoreUse) (out []CoreUse) {
	half := map[int]int{} // index into out, plus one, by core
	for _, u := range uses {
		if i := half[u.Core]; i > 0 {
			out[i-1].End = max(out[i-1].End, u.End)
			out[i-1].CPU += u.CPU
			half[u.Core] = 0
			continue
		}
		out = append(out, u)
		half[u.Core] = len(out)
	}
	return out
}

// watchProcesses begins to keep what is noted.
func watchProcesses() { logs.recording.Store(true) }

// seenProcesses ends that, and returns what was noted, by CLOCK_MONOTONIC.
func seenProcesses() (all []seen) {
	logs.Lock()
	logs.recording.Store(false)
	var list []*ProcessLog
	for l := range logs.all {
		s := seen{uses: slices.Clone(l.uses), at: l.at, used: l.used}
		s.Name, s.Pid, s.Dropped = l.name, l.pid, l.dropped
		for _, t := range l.tasks {
			s.tasks = append(s.tasks, *t)
			t.task.CPU = 0 // a later recording has its own part
		}
		all, list = append(all, s), append(list, l)
		l.forget()
	}
	logs.Unlock()
	for i, l := range list {
		all[i].state = l.state()
	}
	slices.SortFunc(all, func(a, b seen) int {
		return cmp.Or(cmp.Compare(a.first(), b.first()), cmp.Compare(a.Pid, b.Pid))
	})
	return all
}

// first is when the process was given its first task. It may have been started long before, and kept in reserve.
func (s *seen) first() time.Duration {
	if len(s.tasks) == 0 {
		return s.state.Started
	}
	return s.tasks[0].sent
}

// A seen is a process as it was when the recording ended.
type seen struct {
	Process // without times
	tasks   []TaskLog
	uses    []CoreUse
	at      time.Duration // of the last note
	used    time.Duration // the processor time of the process by then; 0 if unknown
	state   ProcessState
}

// process returns the process on the clock of an experiment that lasted from one time to another, by
// CLOCK_MONOTONIC.
func (s *seen) process(from, end time.Duration) Process {
	since := func(t time.Duration) time.Duration { return min(max(from, t), end) - from }
	st := &s.state
	p := s.Process
	ended := st.Ended
	if p.Alive = ended == 0 || ended > end; p.Alive {
		ended = end
	} else {
		p.Ended = st.How
	}
	ready := st.Ready
	if ready == 0 {
		ready = ended
	}
	p.Start, p.Ready, p.End = since(st.Started), since(ready), since(ended)
	uses := append(slices.Clip(s.uses), CoreUse{st.Started, ready, min(st.StartCPU, ready-st.Started), -1})
	for _, t := range s.tasks {
		if t.task.Start == 0 { // it was lost, or is quite new
			t.task.Start = max(t.sent, s.at, ready)
		}
		if sent := max(t.sent, t.before.At, ready); sent < t.task.Start {
			uses = append(uses, CoreUse{sent, t.task.Start, min(t.before.Before, t.task.Start-sent), -1})
		}
		if t.task.Open = t.task.End == 0; t.task.Open {
			t.task.End = ended
		}
		if t.task.Open || t.task.Lost { // what was not noted any more
			at, was := max(s.at, t.task.Start), s.used
			if was == 0 {
				was = st.StartCPU
			}
			if cpu := min(st.CPU-was, t.task.End-at); cpu > 0 {
				uses = append(uses, CoreUse{at, t.task.End, cpu, lastCore(s.uses)})
				t.task.CPU += cpu
			}
		}
		if t.task.End < from || t.task.Start > end {
			continue
		}
		t.task.Start, t.task.End = since(t.task.Start), since(t.task.End)
		p.Tasks = append(p.Tasks, t.task)
	}
	for _, u := range uses {
		length := u.End - u.Start
		was := u
		u.Start, u.End = since(u.Start), since(u.End)
		if u.CPU > 0 && u.End > u.Start && length > 0 {
			u.CPU = time.Duration(float64(was.CPU) * (float64(u.End-u.Start) / float64(length)))
			p.Uses = append(p.Uses, u)
		}
	}
	slices.SortStableFunc(p.Uses, func(a, b CoreUse) int { return cmp.Compare(a.Start, b.Start) })
	return p
}

func lastCore(uses []CoreUse) int {
	if len(uses) == 0 {
		return -1
	}
	return uses[len(uses)-1].Core
}
