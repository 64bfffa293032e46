package timeline

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"golang.org/x/exp/trace"
)

// parts reads the runs of one recorder, between which there were pauses, as one experiment, whose time stops
// in the gaps.
func parts(cfg Config, mains []origin, runs []*run, gaps []gap) (*Experiment, error) {
	var e *Experiment
	ends := make([]time.Duration, 0, len(runs)) // of the runs, in the experiment's time
	begun := time.Now()
	for _, n := range runs {
		cfg := cfg
		if e != nil {
			cfg.earlier = e.living()
			cfg.MaxRead = max(cfg.MaxRead-time.Since(begun), time.Millisecond)
		}
		part, err := n.end(cfg, mains)
		switch {
		case err != nil && e == nil:
			return nil, err
		case err != nil:
			e.Cut = err.Error()
		case e == nil:
			e = part
			if len(mains) == 0 { // another goroutine may have resumed the recording
				for _, g := range e.Goroutines {
					if g.Main {
						mains = append(mains, origin{g.ID, g.Name})
					}
				}
			}
		default:
			e.join(part)
		}
		ends = append(ends, e.Recorded)
		if e.Cut != "" {
			break
		}
	}
	for _, g := range gaps {
		at := time.Duration(0)
		switch {
		case g.runs > len(ends):
			continue // after the cut
		case g.runs > 0:
			at = ends[g.runs-1]
		}
		e.Gaps = append(e.Gaps, Gap{At: at, Took: g.took, Why: strings.Join(g.whys, " and ")})
	}
	e.Left = e.leftovers()
	return e, nil
}

// join appends what was recorded after a gap. A wait that lasts through the gap stays one span.
func (e *Experiment) join(next *Experiment) {
	at := e.Recorded
	index := make(map[int64]int, len(e.Goroutines))
	for i := range e.Goroutines {
		index[e.Goroutines[i].ID] = i
	}
	lived := make([]bool, len(e.Goroutines))
	for _, g := range next.Goroutines {
		for k := range g.Spans {
			g.Spans[k].Start += at
			g.Spans[k].End += at
		}
		i, known := index[g.ID]
		if !known {
			g.Start += at
			g.End += at
			e.Goroutines = append(e.Goroutines, g)
			continue
		}
		lived[i] = true
		old := &e.Goroutines[i]
		old.Name, old.Func = cmp.Or(old.Name, g.Name), cmp.Or(old.Func, g.Func)
		old.End, old.Alive = g.End+at, g.Alive
		if n := len(old.Spans); n > 0 && len(g.Spans) > 0 {
			last, first := &old.Spans[n-1], g.Spans[0]
			if last.State.Blocked() && (first.State == Other || first.State == last.State && first.Reason == last.Reason && first.Line == last.Line) {
				last.End = first.End
				g.Spans = g.Spans[1:]
			}
		}
		old.Spans = append(old.Spans, g.Spans...)
	}
	for i := range lived {
		if !lived[i] { // it ended in the gap
			e.Goroutines[i].Alive = false
		}
	}
	numbers := e.joinProcesses(next.Processes, at)
	for _, c := range next.Cores {
		for k := range c.Spans {
			c.Spans[k].Start += at
			c.Spans[k].End += at
		}
		for k := range c.Others {
			o := &c.Others[k]
			o.Start, o.End, o.Process = o.Start+at, o.End+at, numbers[o.Process]
		}
		if c.ID < len(e.Cores) { // they are numbered from zero
			e.Cores[c.ID].Spans = append(e.Cores[c.ID].Spans, c.Spans...)
			e.Cores[c.ID].Others = append(e.Cores[c.ID].Others, c.Others...)
		} else {
			e.Cores = append(e.Cores, c)
		}
	}
	for _, ev := range next.Events {
		ev.Start += at
		ev.End += at
		e.Events = append(e.Events, ev)
	}
	for _, c := range next.SystemCores {
		for k := range c.Samples {
			c.Samples[k].Start += at
			c.Samples[k].End += at
		}
		if i := slices.IndexFunc(e.SystemCores, func(old SystemCore) bool { return old.ID == c.ID }); i >= 0 {
			e.SystemCores[i].Samples = append(e.SystemCores[i].Samples, c.Samples...)
		}
	}
	e.Wall += next.Wall
	e.CPU += next.CPU
	e.Recorded += next.Recorded
	e.GOMAXPROCS = max(e.GOMAXPROCS, next.GOMAXPROCS)
	e.Benchmark = e.Benchmark || next.Benchmark
	e.Cut, e.Dropped = next.Cut, e.Dropped+next.Dropped
}

// living is the goroutines that lived when the recording ended.
func (e *Experiment) living() map[int64]bool {
	ids := map[int64]bool{}
	for i := range e.Goroutines {
		if e.Goroutines[i].Alive {
			ids[e.Goroutines[i].ID] = true
		}
	}
	return ids
}

// rest finds goroutines of the experiment that did nothing since the gap: the tracer lists them after
// everything else.
func (r *reader) rest(tr *trace.Reader) {
	for {
		ev, err := tr.ReadEvent()
		if err != nil {
			return
		}
		switch ev.Kind() {
		case trace.EventSync:
			clear(r.sites)
		case trace.EventStateTransition:
			t := ev.StateTransition()
			if t.Resource.Kind != trace.ResourceGoroutine {
				continue
			}
			id := t.Resource.Goroutine()
			if _, known := r.byID.find(id); known || !r.cfg.earlier[int64(id)] {
				continue
			}
			g := &r.gs[r.index(id)]
			g.place = r.site(t.Stack)
			g.learn(g.place)
			_, g.state = t.Goroutine()
		}
	}
}
