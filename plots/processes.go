package plots

import (
	"fmt"
	"strings"
	"time"

	"gonum.org/v1/plot/vg"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// maxProcesses is how many processes have a row of their own; those after them have one together.
const maxProcesses = 12

// A processRow is a row for a process, or the last one for several.
type processRow struct {
	label, line string
	list        []*timeline.Process
}

// layOutProcesses gives the processes their rows. Their numbers follow those of the goroutines.
func (t *tracks) layOutProcesses() {
	all := t.e.Processes
	goroutines := len(t.number)
	for i := range all {
		p := &all[i]
		if n := len(t.procs); n == maxProcesses && len(all) > maxProcesses+1 {
			t.procs = append(t.procs, processRow{label: fmt.Sprintf("… %s more processes", quantity.Count(len(all)-n))})
		}
		if n := len(t.procs); n > maxProcesses && len(all) > maxProcesses+1 {
			t.procs[n-1].list = append(t.procs[n-1].list, p)
			continue
		}
		r := processRow{label: p.Label(), list: []*timeline.Process{p}}
		if p.Name != "" {
			r.line = fmt.Sprintf("pid %d", p.Pid)
		}
		t.procs = append(t.procs, r)
		t.number[processID(i)] = goroutines + len(t.procs)
	}
}

// processID stands for a process where cores have numbers of goroutines.
func processID(i int) int64 { return -1 - int64(i) }

// processesHeight is the height of the processes' rows, with the gap above them.
func (t *tracks) processesHeight() float64 {
	if len(t.procs) == 0 {
		return 0
	}
	return coreGap + t.pitch*float64(len(t.procs))
}

// What the background of a bin shows.
const (
	noTask int8 = iota
	starting
	inTask
)

// A processFill is how one bin of a process's row is drawn: up to which height it was on a core, and on what.
type processFill struct{ busy, back int8 }

// processFills determines how each bin of a row is drawn. Of several processes it shows the mean.
func (r *processRow) processFills(g grid) func(bin int) processFill {
	type share struct {
		cpu, task, start float32
		short, cut       bool
	}
	bins := make([]share, g.n)
	n := float32(len(r.list))
	for _, p := range r.list {
		g.over(p.Start, p.Ready, func(b int, part float64) { bins[b].start += float32(part) / n })
		last := time.Duration(-1)
		for _, task := range p.Tasks {
			width := g.bins(task.End - task.Start)
			g.over(task.Start, task.End, func(b int, part float64) {
				bins[b].task += float32(part) / n
				bins[b].short = bins[b].short || width < 1
			})
			// a line of paper between tasks that follow each other
			follows := len(r.list) == 1 && last >= 0 && g.bins(task.Start-last) < 2
			if _, _, first, _, ok := g.place(task.Start, task.End); ok && follows && width >= 5 {
				bins[first].cut = true
			}
			last = task.End
		}
		for _, u := range p.Uses {
			busy := float32(u.CPU) / float32(u.End-u.Start)
			g.over(u.Start, u.End, func(b int, part float64) { bins[b].cpu += float32(part) * busy / n })
		}
	}
	return func(bin int) processFill {
		v := &bins[bin]
		f := processFill{}
		switch {
		case v.cut:
			return f
		case v.task >= 0.5:
			f.back = inTask
		case v.start >= 0.5:
			f.back = starting
		}
		if v.cpu >= 0.5/levels || v.short {
			if f.busy = heightOf(v.cpu); v.cpu > nearlyAll {
				f.busy = levels
			}
		}
		return f
	}
}

// nearlyAll is the part of a bin from which a process is shown to have had a core all the time: the system takes
// a few percent for itself.
const nearlyAll = 0.9

// processLayers is what has to be filled for the processes' rows, in the coordinates of rowLayers.
type processLayers struct{ starting, task, busy []column }

func (t *tracks) processLayers(v view) (l processLayers) {
	bar := min(rowBar, t.pitch-t.above-3)
	for size := 1.0; ; size *= 2 {
		g := v.grid(0, size)
		l = processLayers{}
		n := 0
		for i := range t.procs {
			base := -t.middle(i) - bar/2
			fills := t.procs[i].processFills(g)
			add := func(to *[]column, first, end int, height float64) {
				*to = append(*to, column{g.x(first), g.x(end), base, base + height})
				n++
			}
			runs(g.n, func(b int) int8 { return fills(b).back }, func(first, end int, back int8) {
				switch back {
				case inTask:
					add(&l.task, first, end, bar)
				case starting:
					add(&l.starting, first, end, bar)
				}
			})
			runs(g.n, func(b int) int8 { return fills(b).busy }, func(first, end int, busy int8) {
				if busy > 0 {
					add(&l.busy, first, end, bar*float64(busy)/levels)
				}
			})
		}
		if n <= maxColumns || size >= 32 {
			return l
		}
	}
}

// drawProcesses draws a row for each process.
func (t *tracks) drawProcesses(p pen, v view, x0, top float64) {
	g := v.grid(x0, 1)
	bar := min(rowBar, t.pitch-t.above-3)
	for i := range t.procs { // while it lives
		for _, proc := range t.procs[i].list {
			if from, to := g.clip(proc.Start, proc.End); to > from {
				p.rule(g.at(from), top-t.middle(i), g.at(to), top-t.middle(i), 1, t.theme.muted)
			}
		}
	}
	l := t.processLayers(v)
	p.fill(t.theme.starting, shift(l.starting, x0, top))
	p.fill(t.theme.task, shift(l.task, x0, top))
	p.fill(t.theme.procs[0], shift(l.busy, x0, top))
	for i, r := range t.procs {
		mid := top - t.middle(i)
		t.drawRowLabel(p, v, x0, mid, t.number[processID(i)], r.label, r.line)
		if len(r.list) == 1 {
			t.drawTaskNotes(p, g, mid, r.list[0])
		}
		for _, proc := range r.list {
			if proc.Ended != "" {
				t.drawEnd(p, g, mid, bar, proc, len(r.list) == 1)
			}
		}
	}
}

// drawEnd marks the end of a process that ended early.
func (t *tracks) drawEnd(p pen, g grid, mid, bar float64, proc *timeline.Process, words bool) {
	x := g.at(proc.End)
	p.StrokeLine2(t.theme.lost.style(), vg.Length(x), vg.Length(mid-bar/2-1), vg.Length(x), vg.Length(mid+bar/2+1))
	if words && roomBeside(g, proc) {
		p.text(x+5, mid-3, proc.Ended, regular, noteSize, t.theme.warn)
	}
}

// roomBeside reports whether there is room after the end of a process for how it ended.
func roomBeside(g grid, proc *timeline.Process) bool {
	return textWidth(proc.Ended, regular, noteSize) <= g.x0+g.width-g.at(proc.End)-5
}

const noteSize = 8.5

// drawTaskNotes writes the names of long tasks.
func (t *tracks) drawTaskNotes(p pen, g grid, mid float64, proc *timeline.Process) {
	const size, pad = noteSize, 3.0
	for _, task := range proc.Tasks {
		from, to := g.clip(task.Start, task.End)
		w := g.wide(to - from)
		on := t.theme.procs[0].fill
		if float64(task.CPU) < 0.6*float64(task.End-task.Start) {
			on = t.theme.task.fill
		}
		words := taskWords(task)
		if task.Lost && proc.Ended != "" && !roomBeside(g, proc) {
			words = append([]string{words[0] + ", " + proc.Ended, words[1] + ", " + proc.Ended}, words...)
		}
		for _, text := range words {
			tw := textWidth(text, regular, size)
			if tw+4*pad > w {
				continue
			}
			x := g.at(from) + (w-tw)/2
			p.fill(swatch{fill: on}, []column{{x - pad, x + tw + pad, mid - waitBar/2, mid + waitBar/2}})
			p.text(x, mid-3, text, regular, size, t.theme.on(on))
			break
		}
	}
}

// taskWords returns labels for a task, of which the first that fits is drawn.
func taskWords(task timeline.ProcessTask) []string {
	name, _, _ := strings.Cut(task.Name, " (") // without its place
	long := name
	if task.Items > 1 {
		long += " × " + quantity.Count(task.Items)
	}
	return []string{long + " " + quantity.Duration(task.End-task.Start), long, name}
}

// processLegend explains what can be seen of processes.
func (t *tracks) processLegend(v view) (list []entry) {
	if len(t.procs) == 0 {
		return nil
	}
	l := t.processLayers(v)
	list = append(list, entry{swatch: t.theme.procs[0], name: "another process on a core"})
	if visible(l.task) && t.offCore() {
		list = append(list, entry{swatch: t.theme.task, name: "its task, not on a core"})
	}
	if visible(l.starting) {
		list = append(list, entry{swatch: t.theme.starting, name: "it starts"})
	}
	for i := range t.e.Processes {
		if t.e.Processes[i].Ended != "" {
			return append(list, entry{line: &t.theme.lost, name: "it ended early"})
		}
	}
	return list
}

// offCore reports whether a task was without a core for a time that can be seen.
func (t *tracks) offCore() bool {
	for i := range t.e.Processes {
		for _, task := range t.e.Processes[i].Tasks {
			length := task.End - task.Start
			if length-task.CPU > t.total/200 && float64(task.CPU) < nearlyAll*float64(length) {
				return true
			}
		}
	}
	return false
}
