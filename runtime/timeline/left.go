package timeline

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/exp/trace"

	"interleave/runtime/quantity"
)

// A Leftover is a goroutine that an experiment started and that outlived it.
type Leftover struct {
	ID     int64
	Name   string // as [Goroutine.Label]
	Line   string // where it was started, as file:line
	State  State
	Reason string // why it does not run, in the words of Go; empty when it does, or could
	At     string // the user's line where it is, as file:line; empty when not known
	// how long it had been so when the recording ended; 0 when it changed since, or the recording was cut
	For time.Duration
	// all this is as far as recorded: the recording was cut, and what came of the goroutine since is not
	// known
	Cut bool
}

// String describes it in one line: worker, started at cell[3]:4: chan receive at cell[3]:6.
func (l Leftover) String() string {
	s := l.Name
	if l.Line != "" && !strings.HasSuffix(l.Name, l.Line) {
		s += ", started at " + l.Line
	}
	s += ": " + cmp.Or(l.Reason, l.State.String())
	if l.At != "" {
		s += " at " + l.At
	}
	if l.For > 0 {
		s += " for " + quantity.Duration(l.For)
	}
	if l.Cut {
		s += ", as far as recorded"
	}
	return s
}

// maxDumped is the number of goroutines in the process up to which their stacks are looked at, since that
// stops all of them: for about a microsecond each.
const (
	maxDumped = 5000
	maxDump   = 8 << 20 // bytes
)

// leftovers lists the experiment's goroutines that outlived it. The recording ends while goroutines run: one
// that was about to end then has ended by now, as the stacks of the process show. With too many goroutines
// for that, only the recording is used.
func (e *Experiment) leftovers() []Leftover {
	var left []Leftover
	for i := range e.Goroutines {
		g := &e.Goroutines[i]
		if !g.Alive || g.Main || g.Line == "" {
			continue
		}
		l := Leftover{ID: g.ID, Name: g.Label(), Line: g.Line}
		if n := len(g.Spans); n > 0 {
			s := g.Spans[n-1]
			l.State, l.At = s.State, s.Line
			if l.Cut = e.Cut != ""; !l.Cut {
				l.For = s.Duration()
			}
			if s.State.Blocked() {
				l.Reason = s.Reason
			}
		}
		left = append(left, l)
	}
	if len(left) == 0 || runtime.NumGoroutine() > maxDumped {
		return left
	}
	for range 10 { // so that goroutines that are about to end can do so
		runtime.Gosched()
	}
	now, ok := readDump(dump())
	if !ok {
		return left
	}
	alive := left[:0]
	for _, l := range left {
		at, ok := now[l.ID]
		if !ok {
			continue
		}
		if state, reason := at.now(); state != l.State || e.Cut != "" {
			l.State, l.Reason, l.At, l.For, l.Cut = state, reason, at.line, 0, false
		}
		l.At = cmp.Or(l.At, at.line)
		alive = append(alive, l)
	}
	return alive
}

// dump is the stacks of all goroutines, cut at maxDump bytes.
func dump() []byte {
	for size := 64 << 10; ; size *= 2 {
		b := make([]byte, size)
		if n := runtime.Stack(b, true); n < size || size >= maxDump {
			return b[:n]
		}
	}
}

// A dumped is a goroutine as a dump describes it.
type dumped struct {
	site
	status string // "chan receive", "running" …
}

// readDump reads a dump of stacks. It is not ok when the dump was cut.
func readDump(b []byte) (all map[int64]dumped, ok bool) {
	all = map[int64]dumped{}
	for part := range bytes.SplitSeq(b, []byte("\n\n")) {
		head, rest, _ := strings.Cut(string(part), "\n")
		id, status, found := dumpHead(head)
		if !found {
			return all, false
		}
		all[id] = dumped{site: readFrames(dumpFrames(rest)), status: status}
	}
	return all, len(b) < maxDump
}

// dumpHead reads "goroutine 12 [chan receive, 2 minutes labels:{…}]:". Labels are there when GODEBUG asks for
// them.
func dumpHead(line string) (id int64, status string, ok bool) {
	line, ok = strings.CutPrefix(line, "goroutine ")
	if !ok {
		return 0, "", false
	}
	number, line, _ := strings.Cut(line, " ")
	id, err := strconv.ParseInt(number, 10, 64)
	_, line, ok = strings.Cut(line, "[")
	status, closed := strings.CutSuffix(strings.TrimRight(line, "\n"), "]:")
	status, _, _ = strings.Cut(status, " labels:{")
	status, _, _ = strings.Cut(status, ", ")
	return id, status, ok && closed && err == nil
}

// dumpFrames reads the pairs of lines of one goroutine's stack, the innermost call first.
func dumpFrames(text string) func(yield func(trace.StackFrame) bool) {
	return func(yield func(trace.StackFrame) bool) {
		var f trace.StackFrame
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			place, ok := strings.CutPrefix(line, "\t")
			if !ok {
				if strings.HasPrefix(line, "created by ") {
					return
				}
				f.Func = line
				if i := strings.LastIndexByte(line, '('); i > 0 {
					f.Func = line[:i]
				}
				continue
			}
			place, _, _ = strings.Cut(place, " +0x")
			i := strings.LastIndexByte(place, ':')
			if i < 0 {
				continue
			}
			f.File = place[:i]
			f.Line, _ = strconv.ParseUint(place[i+1:], 10, 64)
			if !yield(f) {
				return
			}
		}
	}
}

// now converts the state in a dump to the tracer's terms, which this package uses.
func (d *dumped) now() (State, string) {
	s := strings.TrimSuffix(d.status, " (durable)") // in a synctest bubble
	switch {
	case s == "running":
		return Running, ""
	case s == "runnable":
		return Runnable, ""
	case s == "syscall":
		return systemCall(&d.site)
	case s == "IO wait":
		s = "network"
	case s == "sync.Cond.Wait":
		s = "sync.(*Cond).Wait"
	case strings.HasPrefix(s, "sync."), s == "semacquire":
		s = "sync"
	case isCollecting(s):
		s = "wait until GC ends"
	case strings.HasPrefix(s, "synctest."):
		s = "synctest"
	case strings.HasSuffix(s, "(nil chan)"), s == "select (no cases)", s == "panicwait":
		s = "forever"
	}
	return blocked(s, &d.site)
}

// isCollecting reports whether a dump's word for a state is one for work of Go's runtime that stops a
// goroutine for a moment.
func isCollecting(status string) bool {
	for _, p := range []string{"GC ", "wait for GC cycle", "garbage collection", "preempted", "stopping the world", "flushing proc caches",
		"trace ", "page trace flush", "dumping heap", "copystack"} {
		if strings.HasPrefix(status, p) {
			return true
		}
	}
	return false
}

// leftWords lists in one line what was left behind, with the names of the first few.
func (e *Experiment) leftWords() string {
	if len(e.Left) == 0 {
		return ""
	}
	const few = 3
	what := quantity.Plural(len(e.Left), "goroutine")
	var names []string
	for i, l := range e.Left {
		if i == few {
			names = append(names, fmt.Sprintf("and %s more", quantity.Count(len(e.Left)-few)))
			break
		}
		names = append(names, l.String())
	}
	head := "left behind"
	if e.Cut != "" { // there may be more
		head += ", as far as recorded"
	}
	return head + ": " + what + ": " + strings.Join(names, "; ")
}
