package timeline

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"golang.org/x/exp/trace"
)

// finish closes what is open, keeps what belongs to the experiment, and turns the trace's time into the
// experiment's.
func (r *reader) finish(e *Experiment) {
	for i := range r.gs {
		if r.gs[i].end < 0 {
			r.closeSpan(int32(i), r.last)
		}
	}
	for _, p := range r.procs {
		p.release(r.last)
	}
	r.adopt()
	e.Recorded = max(0, time.Duration(r.last-r.t0))
	if e.Cut == "" {
		e.Wall = max(e.Wall, e.Recorded) // the marks lie microseconds away from the readings of the clock
	}
	e.GOMAXPROCS = max(e.GOMAXPROCS, r.threads)
	since := func(t time.Duration) time.Duration {
		return min(max(0, t-time.Duration(r.t0)), e.Recorded)
	}

	e.Goroutines = r.rows(e, since, e.Recorded)
	e.Cores = r.cores(e.GOMAXPROCS, since)
	for i := range r.cfg.others {
		e.Processes = append(e.Processes, r.cfg.others[i].process(time.Duration(r.t0)+r.ahead, time.Duration(r.last)+r.ahead))
	}
	e.placeProcesses()
	e.Events, e.Dropped, e.Bubble = r.ownEvents(since, e.Recorded), r.lost, r.bubble
}

// rows makes the experiment's goroutines: the main ones first, then by start.
func (r *reader) rows(e *Experiment, since func(time.Duration) time.Duration, recorded time.Duration) []Goroutine {
	first, end, all := r.sortSpans(since)
	n := 0
	for i := range r.gs {
		if r.gs[i].member {
			n++
		}
	}
	rows := make([]Goroutine, 0, n)
	named := map[string][2]string{} // the function, and the row's name after it, by root
	for i := range r.gs {
		g := &r.gs[i]
		if !g.member || g.hidden {
			continue
		}
		names, known := named[g.root]
		if !known {
			fn := r.cfg.Func(g.root)
			names = [2]string{fn, rowName(fn)}
			named[g.root] = names
		}
		row := Goroutine{
			ID: int64(g.id), Parent: g.parent, Name: g.name, Func: names[0], Line: g.line, Main: g.main, Alive: g.end < 0,
			Start: since(time.Duration(g.born)), End: recorded, Spans: all[first[i]:end[i]:end[i]],
		}
		if !row.Alive {
			row.End = since(time.Duration(g.end))
		}
		if row.Name == "" {
			row.Name = names[1]
		}
		if row.Name == "" && g.base == coroutine {
			row.Name = namePull
		}
		e.Benchmark = e.Benchmark || strings.HasPrefix(g.base, benchmarkFunc)
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b Goroutine) int {
		if a.Main != b.Main {
			if a.Main {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID))
	})
	return rows
}

// sortSpans lays the spans of each of the experiment's goroutines side by side in one allocation: those of
// goroutine i are all[first[i]:end[i]].
func (r *reader) sortSpans(since func(time.Duration) time.Duration) (first, end []int, all []Span) {
	first = make([]int, len(r.gs)+1)
	for i := range r.spans {
		if g := r.spans[i].g; r.gs[g].member {
			first[g+1]++
		}
	}
	for i := range r.gs {
		first[i+1] += first[i]
	}
	end = slices.Clone(first[:len(r.gs)])
	all = make([]Span, first[len(r.gs)])
	for i := range r.spans {
		f := &r.spans[i]
		if !r.gs[f.g].member {
			continue
		}
		w := &r.whys[f.why]
		s := Span{
			Start: since(time.Duration(f.start)), End: since(time.Duration(f.end)),
			State: f.state, Proc: f.proc, Reason: w.reason, Line: w.line,
		}
		if s.Reason == reasonBefore && r.gs[f.g].base == coroutine { // only the other of the two could wake it
			s.State, s.Reason = Waiting, namePull
		}
		if s.End > s.Start { // what was before the start mark has no length left
			all[end[f.g]] = s
			end[f.g]++
		}
	}
	for i := range r.gs {
		if r.gs[i].split {
			slices.SortStableFunc(all[first[i]:end[i]], func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
		}
	}
	return first, end, all
}

// cores lists what each core ran. Idle cores are listed, too: that they were idle is part of the experiment.
func (r *reader) cores(n int, since func(time.Duration) time.Duration) []Core {
	if n > 0 {
		r.proc(trace.ProcID(n - 1))
	}
	var cores []Core
	for _, p := range r.procs {
		c := Core{ID: p.id, Spans: p.spans[:0]}
		for _, s := range p.spans {
			g := &r.gs[s.Goroutine]
			s.Start, s.End, s.Goroutine = since(s.Start), since(s.End), int64(g.id)
			switch {
			case s.End <= s.Start:
				continue
			case g.member && !g.hidden:
				s.Kind = CoreUser
			case isCollector(g.base):
				s.Kind = CoreGC
			default:
				s.Kind = CoreOther
			}
			c.Spans = append(c.Spans, s)
		}
		cores = append(cores, c)
	}
	return cores
}

// ownEvents keeps the events of the experiment's own goroutines.
func (r *reader) ownEvents(since func(time.Duration) time.Duration, end time.Duration) []Event {
	kept := r.events[:0]
	for _, e := range r.events {
		i, ok := r.byID.find(trace.GoID(e.Goroutine))
		if !ok || !r.gs[i].member {
			continue
		}
		e.Open = e.End < 0
		e.Start, e.End = since(e.Start), since(e.End)
		if e.Open {
			e.End = end
		}
		kept = append(kept, e)
	}
	return kept
}
