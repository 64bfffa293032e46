package timeline

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/exp/trace"

	"interleave/runtime/quantity"
)

// A reader turns a trace's events into an experiment. It follows every goroutine of the process, since one
// may turn out to belong to the experiment late, and leaves the strangers out at the end.
type reader struct {
	cfg    Config
	mains  []origin
	t0     trace.Time // the start mark; the trace's first event until that is seen
	last   trace.Time
	marked bool // the start mark was seen
	done   bool // the stop mark was seen

	gs      []goroutine
	byID    ids        // index into gs
	spans   []flatSpan // in order of their ends; without pointers, since there are many
	whys    []why
	whyNo   map[why]int32         // index into whys
	procs   []*proc               // by ID
	sites   map[trace.Stack]*site // of the current generation
	waits   map[wait]waited
	turns   int // how many turns of a core to make room for
	events  []Event
	tasks   map[trace.TaskID]int // index into events of those that have not ended
	lost    int
	bubble  bool          // a goroutine waited for a synctest bubble
	ahead   time.Duration // of CLOCK_MONOTONIC to the trace's; Go's tracer reads that clock, as processes do
	threads int           // the highest GOMAXPROCS that the trace has
}

// A flatSpan is a span and whose it is.
type flatSpan struct {
	start, end trace.Time
	g          int32
	why        int32 // index into whys
	proc       int32
	state      State
}

// A why is the reason for a goroutine's stop, and the place.
type why struct{ reason, line string }

type goroutine struct {
	id      trace.GoID
	parent  int64
	base    string // the outermost function: identifies Go's own goroutines
	root    string // the user's outermost function
	line    string
	name    string
	born    trace.Time
	end     trace.Time
	since   trace.Time // of the current state
	state   trace.GoState
	proc    int32
	reason  string
	place   *site
	regions []int // indexes into events of those that are open
	fresh   bool  // created while recording
	member  bool
	main    bool
	cell    bool // code of a cell was seen in it
	hidden  bool // it has no row: it only waits for another
	split   bool // its spans are not in order
	wait    int  // index into spans, plus one, of the last time that it was blocked
	wanted  bool // it is older than the recording, and the experiment woke it
}

type proc struct {
	id    int
	g     int32 // index of the goroutine it runs, or -1
	since trace.Time
	spans []CoreSpan // Goroutine holds the index until the end
}

const maxEvents = 100_000

// read fills e from a trace. Of a trace that ends early, or cannot be read to its end, the part before is
// used.
func (e *Experiment) read(data []byte, cfg Config, mains []origin) error {
	begun := time.Now()
	tr, err := trace.NewReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	r := &reader{
		cfg: cfg, mains: mains,
		sites: map[trace.Stack]*site{}, tasks: map[trace.TaskID]int{},
		whys: make([]why, 1), whyNo: map[why]int32{{}: 0}, waits: map[wait]waited{},
	}
	// A state's change takes about five bytes of trace, a goroutine's life at least twenty.
	r.spans = make([]flatSpan, 0, min(cfg.MaxSpans, len(data)/5+64))
	r.gs = make([]goroutine, 0, min(cfg.MaxSpans, len(data)/20+64))
	// A core switches to another goroutine at most once in ten bytes.
	r.turns = min(cfg.MaxSpans, len(data)/10) / runtime.GOMAXPROCS(0)
	cut := ""
	for n := 0; !r.done; n++ {
		ev, err := tr.ReadEvent()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if n < 2 {
				return err
			}
			cut = unreadable(err)
			break
		}
		if n&0xfff == 0xfff && time.Since(begun) > cfg.MaxRead {
			cut = fmt.Sprintf("reading it took more than %s", quantity.Duration(cfg.MaxRead))
			break
		}
		if len(r.spans) >= cfg.MaxSpans {
			cut = fmt.Sprintf("it has more than %s changes of state", quantity.Count(cfg.MaxSpans))
			break
		}
		r.event(&ev)
	}
	if r.done && cfg.earlier != nil {
		r.rest(tr)
	}
	if cut == "" && !r.done {
		cut = "the tracer was stopped by other code"
	}
	if e.Cut == "" {
		e.Cut = cut
	}
	r.finish(e)
	return nil
}

var regionRE = regexp.MustCompile(`^misuse of region .* region end \{\d+ (.*)\} when .* start event is \{\d+ (.*)\}$`)

// unreadable explains why a trace cannot be read to its end, with the remedy where there is one.
func unreadable(err error) string {
	if m := regionRE.FindStringSubmatch(err.Error()); m != nil { // the trace's reader gives up there
		return fmt.Sprintf("region %q was ended before region %q, which began later in the same goroutine; end %q first", m[1], m[2], m[2])
	}
	return fmt.Sprintf("the rest of the trace cannot be read: %v", err)
}

func (r *reader) event(ev *trace.Event) {
	at := ev.Time()
	if r.t0 == 0 {
		r.t0 = at
	}
	r.last = at
	switch ev.Kind() {
	case trace.EventSync:
		clear(r.sites) // handles of stacks hold for one generation
		if c := ev.Sync().ClockSnapshot; c != nil && r.ahead == 0 {
			r.ahead = time.Duration(c.Mono) - time.Duration(c.Trace)
		}
	case trace.EventStateTransition:
		t := ev.StateTransition()
		switch t.Resource.Kind {
		case trace.ResourceGoroutine:
			r.goroutine(ev, &t)
		case trace.ResourceProc:
			if _, to := t.Proc(); to != trace.ProcRunning {
				r.proc(t.Resource.Proc()).release(at)
			}
		}
	case trace.EventMetric:
		if m := ev.Metric(); m.Name == "/sched/gomaxprocs:threads" {
			r.threads = max(r.threads, int(m.Value.Uint64()))
		}
	case trace.EventLog:
		r.log(ev)
	case trace.EventRegionBegin:
		r.regionBegin(ev)
	case trace.EventRegionEnd:
		g := &r.gs[r.index(ev.Goroutine())]
		if n := len(g.regions); n > 0 {
			r.events[g.regions[n-1]].End = time.Duration(at)
			g.regions = g.regions[:n-1]
		}
	case trace.EventTaskBegin:
		t := ev.Task()
		if i := r.keep(ev, Event{Kind: EventTask, Task: uint64(t.ID), Name: t.Type}); i >= 0 {
			r.events[i].End = -1
			r.tasks[t.ID] = i
		}
	case trace.EventTaskEnd:
		if i, ok := r.tasks[ev.Task().ID]; ok {
			r.events[i].End = time.Duration(at)
			delete(r.tasks, ev.Task().ID)
		}
	}
}

func (r *reader) log(ev *trace.Event) {
	l := ev.Log()
	i := r.index(ev.Goroutine())
	switch {
	case l.Category == categoryMark && l.Message == markStart:
		r.t0, r.marked = ev.Time(), true
		if len(r.mains) == 0 {
			r.gs[i].main, r.gs[i].member = true, true
		}
	case l.Category == categoryMark && l.Message == markStop:
		r.done = true
	case l.Category == categoryTurn:
		if d, err := strconv.ParseInt(l.Message, 10, 64); err == nil {
			r.turn(i, ev.Time()-trace.Time(d))
		}
	case l.Category == categoryName:
		r.gs[i].name = l.Message
		r.gs[i].member = r.gs[i].member || !r.gs[i].fresh
	default:
		task := l.Task
		if task == trace.NoTask {
			task = trace.BackgroundTask
		}
		r.keep(ev, Event{Kind: EventLog, Task: uint64(task), Name: l.Category, Text: l.Message})
	}
}

// turn splits a goroutine's last wait: from since on the goroutine waited for its turn alone.
func (r *reader) turn(i int32, since trace.Time) {
	g := &r.gs[i]
	if g.wait == 0 {
		return
	}
	s := r.spans[g.wait-1]
	if since = max(since, s.start); since >= s.end {
		return
	}
	r.spans[g.wait-1].end = since
	s.start, s.state, s.why = since, Waiting, r.why(reasonTurn, r.whys[s.why].line)
	r.spans = append(r.spans, s)
	g.split, g.wait = true, 0
}

func (r *reader) regionBegin(ev *trace.Event) {
	i, reg := r.index(ev.Goroutine()), ev.Region()
	g := &r.gs[i]
	if g.name == "" {
		g.name = reg.Type
	}
	if k := r.keep(ev, Event{Kind: EventRegion, Task: uint64(reg.Task), Name: reg.Type}); k >= 0 {
		r.events[k].End = -1
		g.regions = append(g.regions, k)
	}
}

// keep stores an event of the running goroutine, or counts it as lost. Times in it are the trace's until
// finish.
func (r *reader) keep(ev *trace.Event, e Event) int {
	if len(r.events) >= maxEvents {
		r.lost++
		return -1
	}
	e.Goroutine = int64(ev.Goroutine())
	e.Start = time.Duration(ev.Time())
	e.End = e.Start
	r.events = append(r.events, e)
	return len(r.events) - 1
}

// index finds a goroutine, or takes note of one that is older than the recording.
func (r *reader) index(id trace.GoID) int32 {
	if i, ok := r.byID.find(id); ok {
		return i
	}
	i := int32(len(r.gs))
	r.byID.add(id, i)
	name, main := r.origin(id)
	r.gs = append(r.gs, goroutine{id: id, proc: -1, place: nowhere, name: name, main: main, member: main || r.cfg.earlier[int64(id)], born: r.t0, since: r.t0, end: -1})
	return i
}

// origin looks a goroutine up among those that run the experiment itself.
func (r *reader) origin(id trace.GoID) (name string, ok bool) {
	for _, o := range r.mains {
		if o.id == int64(id) {
			return o.name, true
		}
	}
	return "", false
}

func (r *reader) proc(id trace.ProcID) *proc {
	for int(id) >= len(r.procs) { // Ps are numbered from zero
		r.procs = append(r.procs, &proc{id: len(r.procs), g: -1, spans: make([]CoreSpan, 0, r.turns)})
	}
	return r.procs[id]
}

func (p *proc) release(at trace.Time) {
	if p.g >= 0 && at > p.since {
		p.spans = append(p.spans, CoreSpan{Start: time.Duration(p.since), End: time.Duration(at), Goroutine: int64(p.g)})
	}
	p.g = -1
}

func (p *proc) take(g int32, at trace.Time) {
	if p.g == g {
		return
	}
	p.release(at)
	p.g, p.since = g, at
}

var nowhere = new(site)

func (r *reader) site(s trace.Stack) *site {
	if s == trace.NoStack {
		return nowhere
	}
	at := r.sites[s]
	if at == nil {
		v := readSite(s)
		at = &v
		r.sites[s] = at
	}
	return at
}

// goroutine follows one goroutine from one state to the next.
func (r *reader) goroutine(ev *trace.Event, t *trace.StateTransition) {
	at, id := ev.Time(), t.Resource.Goroutine()
	from, to := t.Goroutine()
	if from == to {
		return // a new generation repeats what is known
	}
	if from == trace.GoNotExist {
		r.create(ev, t)
		return
	}
	i := r.index(id)
	g := &r.gs[i]
	place := r.site(t.Stack)
	if place != nowhere {
		g.learn(place)
	}
	if from == trace.GoUndetermined {
		// The first event of a goroutine shows its state since the beginning of the recording.
		g.since, g.state = r.t0, to
	} else {
		r.closeSpan(i, at)
		g.since, g.state = at, to
	}
	g.place, g.reason = place, t.Reason
	if from == trace.GoRunning && to == trace.GoWaiting && g.reason == "" {
		g.reason = reasonCoroutine
	}

	switch to {
	case trace.GoRunning:
		if p := ev.Proc(); p != trace.NoProc {
			g.proc = int32(p)
			r.proc(p).take(i, g.since)
		}
		return
	case trace.GoSyscall:
		if s, _ := systemCall(place); s != IO { // until a child ends, nothing runs
			return // it keeps its core until that is taken away, which is an event of the core's
		}
	case trace.GoNotExist:
		g.end = at
	case trace.GoRunnable:
		if from == trace.GoWaiting {
			r.woken(g, ev.Goroutine())
		}
	}
	if g.proc >= 0 {
		if p := r.proc(trace.ProcID(g.proc)); p.g == i {
			p.release(at)
		}
	}
}

// woken remembers when one of the experiment's goroutines wakes one from before. That may be a worker that an
// earlier cell left waiting: it takes part if code of a cell is seen in it, now or later.
func (r *reader) woken(g *goroutine, by trace.GoID) {
	if g.fresh || g.member || by == trace.NoGoroutine {
		return
	}
	if k, ok := r.byID.find(by); ok && r.gs[k].member {
		g.wanted = true
		g.member = g.cell
	}
}

// adopt lets those take part whose creators turned out to take part only after they had created them.
func (r *reader) adopt() {
	for again := true; again; {
		again = false
		for i := range r.gs {
			g := &r.gs[i]
			if !g.fresh || g.member || g.parent == 0 || isRuntime(g.base) {
				continue
			}
			if k, ok := r.byID.find(trace.GoID(g.parent)); ok && r.gs[k].member {
				g.member, again = true, true
			}
		}
	}
}

func (r *reader) create(ev *trace.Event, t *trace.StateTransition) {
	at, id := ev.Time(), t.Resource.Goroutine()
	_, to := t.Goroutine()
	begin := r.site(t.Stack)
	by := r.site(ev.Stack())
	// Numbers of goroutines are never used twice, but a trace may mention one before its creation.
	i, known := r.byID.find(id)
	if !known {
		i = int32(len(r.gs))
		r.byID.addNew(id, i)
		r.gs = append(r.gs, goroutine{})
	}
	g := &r.gs[i]
	*g = goroutine{id: id, proc: -1, place: nowhere, base: begin.base, fresh: true, born: at, since: at, end: -1, state: to, line: by.line}
	if g.hidden = isShell(g.base); g.base == coroutine {
		g.reason = reasonCoroutine
	}
	g.name, g.main = r.origin(id)
	if !isLibrary(begin.base) {
		g.root = begin.base
	}
	if p := ev.Goroutine(); p != trace.NoGoroutine {
		k := r.index(p)
		g = &r.gs[i] // index may have moved it
		g.parent = int64(p)
		g.member = r.gs[k].member
		if !by.user { // what a library starts for itself, the user's call of the library did
			g.line = cmp.Or(r.gs[k].line, g.line)
		}
	} else {
		g.member = r.marked && !isLibrary(begin.base) // a timer's function
	}
	g.member = g.member && !isRuntime(begin.base) || g.main
}

// learn takes the facts about the whole goroutine from a stack.
func (g *goroutine) learn(s *site) {
	g.hidden = g.hidden || s.shell
	g.cell = g.cell || s.cell
	g.member = g.member || g.cell && g.wanted
	if g.root == "" || s.cell && !g.fresh {
		g.root = cmp.Or(s.root, g.root)
	}
	if g.base == "" {
		g.base = s.base
	}
}

// closeSpan ends the goroutine's current span.
func (r *reader) closeSpan(i int32, at trace.Time) {
	g := &r.gs[i]
	if at <= g.since {
		return
	}
	s := flatSpan{start: g.since, end: at, g: i, proc: -1}
	switch g.state {
	case trace.GoRunning:
		s.proc = g.proc
	case trace.GoRunnable:
		s.state, s.why = Runnable, r.why(g.reason, g.place.line)
	case trace.GoWaiting, trace.GoSyscall:
		w := r.wait(wait{g.reason, g.place, g.state == trace.GoSyscall})
		s.state, s.why = w.state, w.why
		g.wait = len(r.spans) + 1
	default:
		return
	}
	r.spans = append(r.spans, s)
}

// A wait holds all data about what a goroutine waited for. There are few different ones, and each happens
// often.
type wait struct {
	reason  string
	place   *site
	syscall bool
}

// A waited is a wait in the terms of this package.
type waited struct {
	state State
	why   int32
}

func (r *reader) wait(w wait) waited {
	v, known := r.waits[w]
	if !known {
		r.bubble = r.bubble || w.reason == "synctest"
		state, reason := systemCall(w.place)
		if !w.syscall {
			state, reason = blocked(w.reason, w.place)
		}
		v = waited{state, r.why(reason, w.place.line)}
		r.waits[w] = v
	}
	return v
}

func (r *reader) why(reason, line string) int32 {
	if reason == "" && line == "" {
		return 0
	}
	w := why{reason, line}
	n, ok := r.whyNo[w]
	if !ok {
		n = int32(len(r.whys))
		r.whys = append(r.whys, w)
		r.whyNo[w] = n
	}
	return n
}
