package timeline

import (
	"cmp"
	"container/heap"
	"slices"
	"sort"
	"time"
)

// A pending is what is left of a process's use of a core, to be listed with the cores.
type pending struct {
	CoreUse
	process int
	pieces  int // that it has been cut into
}

// pendings is a heap by start.
type pendings []pending

func (h pendings) Len() int { return len(h) }
func (h pendings) Less(i, k int) bool {
	a, b := &h[i], &h[k]
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.process, b.process), cmp.Compare(a.Core, b.Core)) < 0
}
func (h pendings) Swap(i, k int) { h[i], h[k] = h[k], h[i] }
func (h *pendings) Push(x any)   { *h = append(*h, x.(pending)) }
func (h *pendings) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

const (
	// what keeps a P busy for a shorter time does not move a process to another one: no figure shows it
	leastBusy = 200 * time.Microsecond
	// in so many pieces a use is cut, each on a P that is free
	maxPieces = 2000
)

// placeProcesses lists what processes used with the cores. A P moves from core to core, and the trace
// does not have to which. That a process had a core is known, and shown on a P without a goroutine. Where GOMAXPROCS
// is below the number of cores, those that only processes had are added.
func (e *Experiment) placeProcesses() {
	var list pendings
	for i := range e.Processes {
		for _, u := range e.Processes[i].Uses {
			list = append(list, pending{CoreUse: u, process: i})
		}
	}
	if len(list) == 0 {
		return
	}
	heap.Init(&list)
	p := placing{e: e, last: map[int]int{}, until: make([]time.Duration, len(e.Cores))}
	for i := range e.Cores {
		long := slices.DeleteFunc(slices.Clone(e.Cores[i].Spans), func(s CoreSpan) bool { return s.End-s.Start < leastBusy })
		p.busy = append(p.busy, long)
	}
	for len(list) > 0 {
		u := heap.Pop(&list).(pending)
		core, end := p.choose(&u)
		if core < 0 {
			return // there are no cores
		}
		rest := u
		if u.End = min(u.End, end); u.End < rest.End {
			u.CPU = time.Duration(float64(rest.CPU) * float64(u.End-u.Start) / float64(rest.End-rest.Start))
			rest.Start, rest.CPU, rest.pieces = u.End, rest.CPU-u.CPU, u.pieces+1
			heap.Push(&list, rest)
		}
		c := &e.Cores[core]
		if n := len(c.Others); n > 0 && c.Others[n-1].Process == u.process && c.Others[n-1].End == u.Start && u.pieces > 0 {
			c.Others[n-1].End = u.End
			c.Others[n-1].CPU += u.CPU
		} else {
			c.Others = append(c.Others, ProcessSpan{u.Start, u.End, u.process, u.CPU})
		}
		p.until[core] = max(p.until[core], u.End)
		p.last[u.process] = core
	}
}

// A placing knows where processes were placed so far. Pieces come by start.
type placing struct {
	e     *Experiment
	busy  [][]CoreSpan    // of each P, without short ones
	until []time.Duration // a process has the P until then
	last  map[int]int     // the P that a process had last
}

// choose returns a P for the beginning of a use, and for how long: the one that the process had last, if it is
// free, or the one that is free for the longest time. If none is, the least one is shared until one is.
func (p *placing) choose(u *pending) (core int, end time.Duration) {
	last, had := p.last[u.process]
	if !had && u.Core >= 0 && u.Core < len(p.busy) {
		last, had = u.Core, true
	}
	best, free := -1, time.Duration(0)
	next := u.End // when a P may become free
	for i := range p.busy {
		from, to := p.free(i, u.Start)
		if from > u.Start {
			next = min(next, from)
			continue
		}
		if had && i == last && (to-u.Start >= leastBusy || to >= u.End) {
			return i, to
		}
		if to > free {
			best, free = i, to
		}
	}
	switch {
	case best >= 0 && u.pieces >= maxPieces:
		return best, u.End
	case best >= 0:
		return best, free
	case len(p.busy) < p.e.Procs: // the machine has more cores than there are Ps
		p.e.Cores = append(p.e.Cores, Core{ID: len(p.e.Cores)})
		p.busy, p.until = append(p.busy, nil), append(p.until, 0)
		return len(p.busy) - 1, u.End
	case u.pieces >= maxPieces:
		next = u.End
	}
	if !had || p.until[last] > u.Start { // not one that another process shares, if there is any
		last = p.least()
	}
	return last, max(next, u.Start+1)
}

// free returns from when on P i is free, at or after a time, and until when.
func (p *placing) free(i int, at time.Duration) (from, to time.Duration) {
	from = max(at, p.until[i])
	spans := p.busy[i]
	k := sort.Search(len(spans), func(k int) bool { return spans[k].End > from })
	for k < len(spans) && spans[k].Start <= from+leastBusy {
		from = spans[k].End
		k++
	}
	if k < len(spans) {
		return from, spans[k].Start
	}
	return from, p.e.Recorded + 1
}

// least returns the P whose process will be the first to end, -1 without Ps.
func (p *placing) least() int {
	best := -1
	for i := range p.until {
		if best < 0 || p.until[i] < p.until[best] {
			best = i
		}
	}
	return best
}

// joinProcesses appends processes that were recorded after a gap, and returns their indices.
func (e *Experiment) joinProcesses(next []Process, at time.Duration) (numbers []int) {
	for _, p := range next {
		for k := range p.Tasks {
			p.Tasks[k].Start += at
			p.Tasks[k].End += at
		}
		for k := range p.Uses {
			p.Uses[k].Start += at
			p.Uses[k].End += at
		}
		same := func(old Process) bool { return old.Pid == p.Pid && old.Name == p.Name && old.Alive }
		i := slices.IndexFunc(e.Processes, same)
		if i < 0 {
			p.Start, p.Ready, p.End = p.Start+at, p.Ready+at, p.End+at
			numbers = append(numbers, len(e.Processes))
			e.Processes = append(e.Processes, p)
			continue
		}
		old := &e.Processes[i]
		if n := len(old.Tasks); n > 0 && len(p.Tasks) > 0 {
			if was, is := &old.Tasks[n-1], p.Tasks[0]; was.Open && is.Start == at && is.Name == was.Name {
				was.End, was.Open, was.Lost = is.End, is.Open, is.Lost
				was.CPU += is.CPU
				p.Tasks = p.Tasks[1:]
			}
		}
		old.Tasks, old.Uses = append(old.Tasks, p.Tasks...), append(old.Uses, p.Uses...)
		old.End, old.Alive, old.Ended, old.Dropped = p.End+at, p.Alive, p.Ended, old.Dropped+p.Dropped
		numbers = append(numbers, i)
	}
	return numbers
}
