package lab

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"interleave/runtime/internal/clock"
	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// instruments are the sources of a measurement besides the clock. Tests replace them.
type instruments struct {
	read      func() counters
	recording func() bool
	computing func() int           // the number of other goroutines that are running
	step      func() time.Duration // of the clock
	empty     func() float64       // the nanoseconds of a call that does nothing
	virtual   bool                 // in a bubble of testing/synctest, whose clock does not depend on the machine
}

func systemInstruments() instruments {
	if virtualTime() {
		return instruments{read: func() counters { return counters{at: time.Now()} }, recording: func() bool { return false }, computing: func() int { return 0 }, virtual: true}
	}
	return instruments{read: readCounters, recording: timeline.Recording, computing: computing, step: clockStep, empty: emptyCall}
}

// virtualTime reports whether the calling goroutine is in a bubble of testing/synctest, whose clock begins in
// the year 2000.
func virtualTime() bool { return time.Until(clock.System()).Abs() > time.Hour }

// computing returns the smallest number of other goroutines that were running or runnable in several looks
// over some 15 milliseconds: a goroutine with a short task is gone by then, also on a busy machine. It
// returns at once when a look finds none.
func computing() int {
	counts := []metrics.Sample{{Name: "/sched/goroutines/running:goroutines"}, {Name: "/sched/goroutines/runnable:goroutines"}}
	least := math.MaxInt
	for wait := 250 * time.Microsecond; wait < 10*time.Millisecond; wait *= 2 {
		time.Sleep(wait)
		metrics.Read(counts)
		n := -1
		for _, c := range counts {
			if c.Value.Kind() == metrics.KindUint64 {
				n += int(c.Value.Uint64())
			}
		}
		if least = min(least, n); least <= 0 {
			return 0
		}
	}
	return least
}

// collect collects garbage if the next collection is due soon, so that a measurement does not pay for garbage
// of earlier code. Otherwise it does nothing, since a collection takes long when the heap is large.
func collect() {
	now := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/goal:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(now)
	var bytes [3]uint64
	for i, m := range now {
		if m.Value.Kind() == metrics.KindUint64 {
			bytes[i] = m.Value.Uint64()
		}
	}
	if live, goal, objects := bytes[0], bytes[1], bytes[2]; live == 0 || objects > live+(goal-min(live, goal))/4 {
		runtime.GC()
	}
}

// measurements counts all measurements of the process, so that each can find out whether it ran alone.
var measurements struct{ active, begun atomic.Int64 }

// A watch accompanies a measurement: it pauses the recorder and notes what else happens in the process and on
// the machine.
type watch struct {
	instruments
	end    func() // must be called
	number int64  // of this measurement

	procs, otherProcs int // the expected GOMAXPROCS; another value that was found, or 0
	traced, together  bool
	busy              int // other goroutines that were running before it began
	begin, last       counters
}

// unrecorded pauses the recorder for a call at the given place. In a bubble of testing/synctest there is no
// need: recording takes none of its time.
func unrecorded(ctx context.Context, call string, from *site) (resume func()) {
	if virtualTime() {
		return func() {}
	}
	if at := from.String(); at != unknownLine {
		call += " at " + filepath.Base(at)
	}
	return timeline.Pause(ctx, call)
}

// watchOver begins a watch for a measurement by the given call at the given place. The caller must call end.
func watchOver(ctx context.Context, call string, from *site, in instruments) *watch {
	w := &watch{instruments: in, procs: runtime.GOMAXPROCS(0)}
	resume := unrecorded(ctx, call, from)
	w.together = measurements.active.Add(1) > 1
	left := sync.OnceFunc(func() { measurements.active.Add(-1) })
	release := context.AfterFunc(ctx, left) // a measured function may never return
	w.end = func() {
		release()
		left()
		resume()
	}
	w.number = measurements.begun.Add(1)
	w.busy = in.computing()
	w.begin = in.read()
	w.last = w.begin
	w.traced = in.recording()
	return w
}

// look returns the load since the last look and checks the conditions that must hold throughout.
func (w *watch) look() load {
	w.traced = w.traced || w.recording()
	w.together = w.together || measurements.begun.Load() != w.number
	if n := runtime.GOMAXPROCS(0); n != w.procs {
		w.otherProcs = n
	}
	now := w.read()
	l := now.since(w.last)
	w.last = now
	return l
}

// others returns the shares of the cores' time that other processes and the hypervisor took since the watch
// began; 0 when the time was too short to measure them.
func (w *watch) others() (processes, hypervisor float64) {
	l := w.last.since(w.begin)
	return l.share(l.others), l.share(l.stolen)
}

// Shares from which on the load is reported: smaller ones are within the error of the system's counters, or
// do not matter.
const (
	muchUsed   = 0.1
	muchStolen = 0.02
)

// took describes the load of other processes on the cores; it is empty when that was little. slower is the
// largest factor by which it may have slowed the measured code.
func (w *watch) took(slower float64) string {
	processes, hypervisor := w.others()
	l := w.last.since(w.begin)
	var words []string
	if processes >= muchUsed || slower > 1.05 && processes >= muchStolen {
		words = append(words, fmt.Sprintf("other processes used %.0f %% of the %s", 100*processes, quantity.Plural(l.cores, "core")))
	}
	if hypervisor >= muchStolen {
		words = append(words, fmt.Sprintf("the hypervisor took %.0f %% of the cores' time", 100*hypervisor))
	}
	if l.took > 0 && float64(l.throttled) >= muchStolen*float64(l.took) {
		words = append(words, fmt.Sprintf("the container's CPU limit stopped this process for %s", quantity.Duration(l.throttled)))
	}
	if len(words) == 0 && slower > 1.05 {
		words = append(words, "threads of this process had to wait for cores")
	}
	return strings.Join(words, " and ")
}

// warnings lists what may have spoilt the measurement, other than the load.
func (w *watch) warnings() (all []string) {
	processes, _ := w.others()
	if w.traced {
		all = append(all, "the execution tracer ran while this was measured, which makes hand-overs between goroutines up to three times as slow")
	}
	if w.otherProcs != 0 {
		all = append(all, fmt.Sprintf("GOMAXPROCS changed from %d to %d meanwhile", w.procs, w.otherProcs))
	}
	switch {
	case w.virtual:
		return nil
	case w.together:
		all = append(all, "another measurement ran at the same time")
	case w.busy > 0 && processes < 0.5: // else a goroutine may have been without a core all the time
		all = append(all, fmt.Sprintf("%s %s running when this began", quantity.Plural(w.busy, "other goroutine"), quantity.Noun(w.busy, "was", "were")))
	}
	return all
}
