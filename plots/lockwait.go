package plots

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// Holds is the history of a lock. Lab's Lock, RLock, RWLock and Semaphore implement it, once they are
// watched; [Locks] combines several, and [HoldList] holds your own history.
type Holds interface {
	// EachHold calls f for every hold of the lock, and returns how many later holds were not kept.
	EachHold(f func(timeline.Hold)) (dropped int)
}

// A HoldList is a literal list of [Holds]. Holds without a Goroutine belong to one goroutine if they have the
// same Who, or, without that, the same From and Line.
type HoldList struct {
	Holds   []timeline.Hold
	Dropped int // how many are missing
}

// EachHold implements [Holds].
func (l HoldList) EachHold(f func(timeline.Hold)) (dropped int) {
	for _, h := range l.Holds {
		f(h)
	}
	return l.Dropped
}

// Locks returns the history of all of them, to show which goroutine holds one while waiting for another:
//
//	plots.LockWait(plots.Locks(left, right))
func Locks(all ...Holds) Holds {
	var l HoldList
	for _, h := range all {
		if h != nil {
			l.Dropped += h.EachHold(func(h timeline.Hold) { l.Holds = append(l.Holds, h) })
		}
	}
	return l
}

// Between returns the part of a history that was requested from begin on and before end; a zero time leaves
// that side open. So a lock that has been used in several cells can be drawn for one of them:
//
//	begin := time.Now()
//	…
//	plots.LockWait(plots.Between(lock, begin, time.Time{}))
func Between(l Holds, from, to time.Time) Holds {
	var part HoldList
	if l == nil {
		return part
	}
	part.Dropped = l.EachHold(func(h timeline.Hold) {
		if (from.IsZero() || !h.Asked.Before(from)) && (to.IsZero() || h.Asked.Before(to)) {
			part.Holds = append(part.Holds, h)
		}
	})
	return part
}

// LockWait draws which goroutines waited for a lock and which held it: a row for each goroutine, those that
// were started at the same place together, with its waits and its holds over time, those of readers and of
// writers apart. With several locks ([Locks]), waits and holds are labelled with their lock, and those of a
// second lock, while a goroutine holds a first, are drawn below. Rows, and the places where they were
// started, stand in the order in which they first asked, or, with Options.Sorted, those that waited longest
// in all first; beyond Options.MaxRows the others are folded by place, into rows that show how many waited
// and how many held. The caption sums up the waits and the holds, in goroutines' time: of two that wait for
// one second both count.
func LockWait(l Holds, o ...Options) (*Figure, error) {
	opt, err := one(o)
	if err != nil {
		return nil, fmt.Errorf("plots.LockWait: %w", err)
	}
	if l == nil {
		return nil, errors.New("plots.LockWait: no lock")
	}
	c, err := readContention(l)
	if err != nil {
		return nil, fmt.Errorf("plots.LockWait: %w", err)
	}
	th := *themes[opt.Theme] // in which what would run holds a lock
	th.states = maps.Clone(th.states)
	th.states[timeline.Running] = th.points
	names := map[timeline.State]string{timeline.Running: "holds", timeline.Locked: "waits", reads: "reads"}
	if c.reads+c.writes > 0 {
		th.states[reads] = swatch{fill: mix(th.points.fill, th.paper, 0.35), ink: th.points.fill, hatch: upright}
		if names[timeline.Running] = "writes"; c.reads+c.writes < c.holds {
			names[timeline.Running] = "holds or writes"
		}
	}
	t := &tracks{e: c.experiment(opt.Sorted), theme: &th, total: c.total, note: c.note,
		place: func(g *timeline.Goroutine) string { return g.Func }, names: names}
	f := t.figure(opt)
	words := c.words()
	f.caption = captionOf(opt.Width, false, words...)
	if c.dropped > 0 {
		f.caption = append(f.caption, captionOf(opt.Width, true, quantity.Plural(c.dropped, "later hold")+" "+quantity.Noun(c.dropped, "was", "were")+" not kept")...)
	}
	f.alt = "Who waited for a lock while who held it: " + join(words) + "."
	return f, nil
}

// reads is the state in which a figure of locks has who reads: there is no other use for it there.
const reads = timeline.Receiving

// contention is the summary of the histories of locks.
type contention struct {
	rows                           []*holder // in the order in which they first asked
	locks                          []string  // their names, each once
	engines                        []string  // of each hold
	total                          time.Duration
	waited, maxWait, held, maxHold time.Duration
	holds, waits, dropped          int
	reads, writes                  int // of holds
}

// A holder is a goroutine and what it did with locks, in as many lanes as it had to do with locks at the same
// time.
type holder struct {
	label, from string
	lanes       [][]timeline.Span
	waited      time.Duration
}

func readContention(l Holds) (*contention, error) {
	c := &contention{}
	var all []timeline.Hold
	var bad error
	c.dropped = l.EachHold(func(h timeline.Hold) {
		if h.Wait < 0 || h.Hold < 0 {
			bad = fmt.Errorf("%q waited %s and held %s", h.Who, quantity.Duration(h.Wait), quantity.Duration(h.Hold))
		}
		all = append(all, h)
	})
	switch {
	case bad != nil:
		return nil, bad
	case len(all) == 0:
		return nil, errors.New("the lock has no history: it must be watched, or a recording run, while it is used")
	}
	slices.SortStableFunc(all, func(a, b timeline.Hold) int { return a.Asked.Compare(b.Asked) })
	for _, h := range all {
		if h.Lock != "" && !slices.Contains(c.locks, h.Lock) {
			c.locks = append(c.locks, h.Lock)
		}
		c.engines = append(c.engines, h.Engine)
	}
	type key struct {
		goroutine int64
		name      string
	}
	index := map[key]*holder{}
	for _, h := range all {
		k := key{goroutine: h.Goroutine}
		label := h.Who
		if label == "" && h.From != "" {
			label = "go " + h.From
		}
		if label = cmp.Or(label, h.Line, "unknown holder"); h.Goroutine == 0 {
			k.name = label
		}
		r := index[k]
		if r == nil {
			r = &holder{label: label, from: h.From}
			index[k] = r
			c.rows = append(c.rows, r)
		}
		if r.label != label && h.From != "" { // a worker: it had one task after the other
			r.label = "go " + h.From
		}
		c.add(r, h, h.Asked.Sub(all[0].Asked))
	}
	return c, nil
}

func (c *contention) add(r *holder, h timeline.Hold, asked time.Duration) {
	got := asked + h.Wait
	gave := got + h.Hold
	lane := slices.IndexFunc(r.lanes, func(l []timeline.Span) bool { return l[len(l)-1].End <= asked })
	if lane < 0 {
		lane = len(r.lanes)
		r.lanes = append(r.lanes, nil)
	}
	holds := timeline.Running
	switch h.Mode {
	case "reading":
		holds = reads
		c.reads++
	case "writing":
		c.writes++
	}
	r.lanes[lane] = append(r.lanes[lane],
		timeline.Span{Start: asked, End: got, State: timeline.Locked, Reason: h.Lock},
		timeline.Span{Start: got, End: gave, State: holds, Reason: h.Lock})
	r.waited += h.Wait
	if c.holds++; h.Wait > 0 {
		c.waits++
	}
	c.total = max(c.total, gave)
	c.waited, c.maxWait = c.waited+h.Wait, max(c.maxWait, h.Wait)
	c.held, c.maxHold = c.held+h.Hold, max(c.maxHold, h.Hold)
}

// experiment is the history as one in which the goroutines did nothing but wait for locks and hold them.
func (c *contention) experiment(sorted bool) *timeline.Experiment {
	if sorted {
		slices.SortStableFunc(c.rows, func(a, b *holder) int { return cmp.Compare(b.waited, a.waited) })
	} else {
		place := map[string]int{}
		for i, r := range c.rows {
			if _, ok := place[r.from]; !ok {
				place[r.from] = i
			}
		}
		slices.SortStableFunc(c.rows, func(a, b *holder) int { return place[a.from] - place[b.from] })
	}
	e := &timeline.Experiment{}
	for _, r := range c.rows {
		g := timeline.Goroutine{Name: r.label, Line: "no wait", Func: r.from}
		if r.waited > 0 {
			g.Line = "waited " + quantity.Duration(r.waited)
		}
		for _, l := range r.lanes {
			g.ID, g.Spans = int64(len(e.Goroutines)), l
			e.Goroutines = append(e.Goroutines, g)
			g = timeline.Goroutine{Name: noLabel, Func: r.from}
		}
	}
	return e
}

// note returns the label of a wait or a hold: with several locks, the name of the lock.
func (c *contention) note(s timeline.Span) []string {
	d := quantity.Duration(s.Duration())
	if len(c.locks) < 2 {
		return []string{d}
	}
	return []string{s.Reason + " " + d, s.Reason, d}
}

// words returns the caption.
func (c *contention) words() []string {
	names := strings.Join(c.locks, ", ")
	if n := len(c.locks); n > 3 {
		names = fmt.Sprintf("%s and %s more locks", strings.Join(c.locks[:2], ", "), quantity.Count(n-2))
	}
	waits := "no wait"
	if c.waits > 0 {
		waits = fmt.Sprintf("%s after waiting, %s in all, at most %s", quantity.Count(c.waits), quantity.Duration(c.waited), quantity.Duration(c.maxWait))
	}
	holds := quantity.Plural(c.holds, "hold")
	if c.reads+c.writes == c.holds {
		holds = quantity.Plural(c.reads, "read") + ", " + quantity.Plural(c.writes, "write")
	}
	return []string{names, holds, waits, "held " + quantity.Duration(c.held) + " in all, at most " + quantity.Duration(c.maxHold),
		quantity.Plural(len(c.rows), "goroutine"), engines(c.engines)}
}
