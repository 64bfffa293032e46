// Package timeline knows what goroutines and cores did during an experiment: it records Go's execution tracer
// and reads the trace into plain data. It must not know cells, kernels or drawings: what makes a row, a
// colour or a MIME type is decided elsewhere.
//
// In an ordinary program, [Record] is enough:
//
//	e, err := timeline.Record(ctx, func() { … })
//	fmt.Print(e.Summary())
//
// A notebook arms a [Recorder] before each cell. Nothing is recorded, and nothing costs anything, until
// something in the cell calls [Started]; from there on the tracer runs until [Recorder.Stop].
package timeline

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// An Experiment is what was seen between the start and the end of a recording. All times in it count from
// Start.
type Experiment struct {
	Start      time.Time     // when recording began
	Lead       time.Duration // how long the recorder had been armed by then: what came before the first goroutine
	Wall       time.Duration // from Start to Stop, by the clock, without the gaps
	Recorded   time.Duration // how much of Wall the spans cover; less than Wall when the recording was cut
	CPU        time.Duration // user and system time of the whole process over Wall; 0 if unknown
	GOMAXPROCS int           // the highest value seen while recording
	Procs      int           // logical processors of the machine
	// what ran the code: the [Engine] of the goroutine that ended the recording; empty when there is only one
	Engine string

	Goroutines []Goroutine // the experiment's own, in order of their start
	Cores      []Core      // one for each P, idle ones too, by ID
	Events     []Event     // events of the experiment's goroutines from package runtime/trace, by start
	Left       []Leftover  // goroutines that the experiment started and that outlived it, in order of their start

	Processes []Process // other processes that worked for the experiment, in order of their first tasks

	SystemCores []SystemCore // the machine's cores over Wall, used by any process, by ID; nil if unknown

	Gaps []Gap // pauses for measurements, in order

	Benchmark bool // a benchmark of package testing ran in it, and was slowed by the recording

	Cut     string // why the recording ends before the experiment does; empty when it does not
	Bubble  bool   // a bubble of testing/synctest took part: times here are real, not the bubble's
	Dropped int    // events beyond the 100 000 that are kept in Events
}

// A Goroutine is one row of an experiment.
type Goroutine struct {
	ID     int64
	Parent int64 // the goroutine that created it; 0 when a timer did, or when it is older than the recording
	// as given by [Name] or by the goroutine's first region; else Func without package, unless it is a
	// closure
	Name string
	Func string // the outermost function of the user's in it, with its package; empty when never seen
	// where it was created, as file:line, or where its creator was when a library did it alone; empty when it
	// is older than the recording
	Line  string
	Start time.Duration
	End   time.Duration
	Main  bool   // one of the goroutines that ran the experiment itself
	Alive bool   // had not ended when the recording did, though it may have been about to
	Spans []Span // without gaps from Start to End
}

// Label is the shortest text that identifies the goroutine: its name, or else the line that started it.
func (g *Goroutine) Label() string {
	switch {
	case g.Name != "":
		return g.Name
	case g.Line != "":
		return "go " + g.Line
	case g.Main:
		return "main"
	}
	return "goroutine " + strconv.FormatInt(g.ID, 10)
}

// A Span is a period of time that a goroutine spent in one state.
type Span struct {
	Start, End time.Duration
	State      State
	Proc       int32 // the P it ran on; -1 unless running
	// why it did not run, in the words of Go: "chan receive", "Mutex.Lock", "lab.Gather"; empty when running
	Reason string
	Line   string // the user's line where it stopped, as file:line; empty when not known
}

// Duration is how long the span lasted.
func (s Span) Duration() time.Duration { return s.End - s.Start }

// A Core is one P of Go's scheduler: the right to run Go code, of which there are GOMAXPROCS.
type Core struct {
	ID    int
	Spans []CoreSpan // in order; the core was idle between them, as far as this process is concerned
	// when one of Processes kept a core busy, by start. A P is not a core of the machine: each is listed with one
	// that had no goroutine then, as long as there was any, and only else with one that had
	Others []ProcessSpan
}

// A ProcessSpan is a period of time in which another process used a core.
type ProcessSpan struct {
	Start, End time.Duration
	Process    int           // index into Processes
	CPU        time.Duration // its processor time, at most the length of the period
}

// A CoreSpan is a period of time that a core spent on one goroutine.
type CoreSpan struct {
	Start, End time.Duration
	Kind       CoreKind
	Goroutine  int64 // what it ran; of a garbage collection, the collector's worker
}

// A CoreKind is what a core worked for.
type CoreKind uint8

const (
	CoreUser  CoreKind = iota // a goroutine of the experiment
	CoreGC                    // the garbage collector
	CoreOther                 // anything else in the process: Go's runtime, goroutines from before, the recorder
)

// An Event is an entry that a goroutine wrote through package runtime/trace.
type Event struct {
	Kind       EventKind
	Goroutine  int64
	Task       uint64 // the task it belongs to, or 0
	Name       string // a log's category, a region's or a task's type
	Text       string // a log's message
	Start, End time.Duration
	Open       bool // it had not ended when the recording did: End is as far as recorded
}

// An EventKind distinguishes logs, regions and tasks.
type EventKind uint8

const (
	EventLog    EventKind = iota // a point in time: Start equals End
	EventRegion                  // a stretch of one goroutine
	EventTask                    // a stretch that any number of goroutines worked on
)

// Totals is the time spent in each state, indexed by [State].
type Totals [stateCount]time.Duration

// Blocked is the time spent neither running nor waiting for a core.
func (t Totals) Blocked() time.Duration {
	var sum time.Duration
	for s, d := range t {
		if State(s).Blocked() {
			sum += d
		}
	}
	return sum
}

// Totals sums the goroutine's time by state.
func (g *Goroutine) Totals() Totals {
	var t Totals
	for _, s := range g.Spans {
		t[s.State] += s.End - s.Start
	}
	return t
}

// Totals sums the time of all goroutines by state.
func (e *Experiment) Totals() Totals {
	var t Totals
	for i := range e.Goroutines {
		for _, s := range e.Goroutines[i].Spans {
			t[s.State] += s.End - s.Start
		}
	}
	return t
}

// Parallelism is the mean number of the experiment's goroutines that ran at the same time, at most GOMAXPROCS,
// and of the cores that its processes kept busy, both together at most Procs. Where GOMAXPROCS is more than Procs, goroutines that Go has
// running take turns on the machine's cores, which it does not see.
func (e *Experiment) Parallelism() float64 {
	if e.Recorded <= 0 {
		return 0
	}
	own, others := e.Totals()[Running], e.ProcessCPU()
	if all := time.Duration(e.Procs) * e.Recorded; e.Procs > 0 { // a goroutine may have a P whose core a process has
		others = max(0, min(others, all-own))
	}
	return float64(own+others) / float64(e.Recorded)
}

// Peak is the greatest number of the experiment's goroutines that were in any of the states at the same time;
// with no state given, that existed at the same time.
func (e *Experiment) Peak(states ...State) int {
	type edge struct {
		at   time.Duration
		step int
	}
	var edges []edge
	for i := range e.Goroutines {
		g := &e.Goroutines[i]
		if len(states) == 0 {
			edges = append(edges, edge{g.Start, 1}, edge{g.End, -1})
			continue
		}
		for _, s := range g.Spans {
			if slices.Contains(states, s.State) {
				edges = append(edges, edge{s.Start, 1}, edge{s.End, -1})
			}
		}
	}
	// An end and a start at the same instant are a hand-over, so ends count first.
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.step, b.step))
	})
	n, most := 0, 0
	for _, e := range edges {
		n += e.step
		most = max(most, n)
	}
	return most
}
