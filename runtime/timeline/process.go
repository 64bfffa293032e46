package timeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"interleave/runtime/quantity"
)

// A Process is another process that did work for the experiment, such as one of lab's pool. What it did is
// known from its own notes, on the experiment's clock: all processes of a machine have one monotonic clock.
// A process that lived longer than the experiment is in it with the part that lies in it.
type Process struct {
	Name  string // such as "worker 0"
	Pid   int
	Start time.Duration // when it was started
	Ready time.Duration // until then it started: it could begin no task; at most End
	End   time.Duration
	Alive bool   // had not ended when the recording did
	Ended string // how it ended, unless its program ended it: "was ended by signal 9 (killed)"; else empty

	Tasks   []ProcessTask // by start; one at a time
	Uses    []CoreUse     // the processor time that it had, by start; those of different cores may overlap
	Dropped int           // tasks beyond the 10 000 that are kept in Tasks
}

// A ProcessTask is a function that a process called, for one item or for several in a row.
type ProcessTask struct {
	Name       string // the function's, such as "slow (cell[3]:2)"
	Items      int    // how many arguments it was called for, one after the other
	Start, End time.Duration
	CPU        time.Duration // the processor time of the process meanwhile
	Open       bool          // it had not ended when the recording did: End is as far as recorded
	Lost       bool          // its process ended while it ran
}

// A CoreUse is processor time that a process had on one of the machine's cores in a period.
type CoreUse struct {
	Start, End time.Duration
	CPU        time.Duration // at most the length of the period
	Core       int           // the machine's number of it, -1 if it is not known; see [SystemCore]
}

// Label is the shortest text that identifies the process: its name, or else its number.
func (p *Process) Label() string {
	if p.Name != "" {
		return p.Name
	}
	return "pid " + strconv.Itoa(p.Pid)
}

// CPU is the processor time that the process had during the experiment, that for its start included.
func (p *Process) CPU() (sum time.Duration) {
	for _, u := range p.Uses {
		sum += u.CPU
	}
	return sum
}

// CoresUsed returns the machine's numbers of the cores on which the process had at least a hundredth of its
// processor time, in order. It is empty if they are not known.
func (p *Process) CoresUsed() []int {
	return coresUsed([]Process{*p})
}

func coresUsed(all []Process) (cores []int) {
	had := map[int]time.Duration{}
	var sum time.Duration
	for i := range all {
		for _, u := range all[i].Uses {
			had[u.Core] += u.CPU
			sum += u.CPU
		}
	}
	for c, d := range had {
		if c >= 0 && d >= sum/100 {
			cores = append(cores, c)
		}
	}
	slices.Sort(cores)
	return cores
}

// ProcessCPU is the processor time of all processes that worked for the experiment, beside CPU of this one.
func (e *Experiment) ProcessCPU() (sum time.Duration) {
	for i := range e.Processes {
		sum += e.Processes[i].CPU()
	}
	return sum
}

// processWords describes what the processes did, in a line; it is empty if there were none.
func (e *Experiment) processWords() string {
	if len(e.Processes) == 0 {
		return ""
	}
	tasks := 0
	var lost []string
	for i := range e.Processes {
		p := &e.Processes[i]
		tasks += len(p.Tasks) + p.Dropped
		if p.Ended != "" {
			lost = append(lost, fmt.Sprintf("%s (pid %d) %s", p.Label(), p.Pid, p.Ended))
		}
	}
	s := fmt.Sprintf("%s ran %s with %s of CPU time", quantity.Plural(len(e.Processes), "process", "processes"),
		quantity.Plural(tasks, "task"), quantity.Duration(e.ProcessCPU()))
	if cores := coresUsed(e.Processes); len(cores) > 0 {
		s += " on " + coreList(cores)
	}
	if len(lost) > maxLost {
		lost = append(lost[:maxLost], fmt.Sprintf("and %s more", quantity.Count(len(lost)-maxLost)))
	}
	return strings.Join(append([]string{s}, lost...), "; ")
}

const maxLost = 3

// coreList spells numbers of cores: "core 1", "cores 0 and 1", "cores 0 to 7".
func coreList(cores []int) string {
	first, last := cores[0], cores[len(cores)-1]
	switch n := len(cores); {
	case n == 1:
		return "core " + strconv.Itoa(first)
	case n == 2:
		return fmt.Sprintf("cores %d and %d", first, last)
	case last-first == n-1:
		return fmt.Sprintf("cores %d to %d", first, last)
	}
	return quantity.Plural(len(cores), "core")
}
