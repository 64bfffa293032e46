package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"time"

	"interleave/runtime/timeline"
)

// instruments is what a measurement looks at besides the clock: tests have their own.
type instruments struct {
	read      func() counters
	recording func() bool
	computing func() int           // how many other goroutines compute
	step      func() time.Duration // of the clock
	empty     func() float64       // how many nanoseconds a call takes that does nothing
	virtual   bool                 // the clock is that of a bubble of testing/synctest: what the machine does has no bearing on it
}

func systemInstruments() instruments {
	if virtualTime() {
		return instruments{read: func() counters { return counters{at: time.Now()} }, recording: func() bool { return false }, computing: func() int { return 0 }, virtual: true}
	}
	return instruments{read: readCounters, recording: timeline.Recording, computing: computing, step: clockStep, empty: emptyCall}
}

// virtualTime reports whether the calling goroutine's clock is not the system's: that of a bubble of testing/synctest begins in the year
// 2000.
func virtualTime() bool { return time.Until(systemTime()).Abs() > time.Hour }

// computing looks three times within a millisecond how many goroutines of this process run, or could, beside the calling one, and
// returns the least: one that merely had something to do is gone then.
func computing() int {
	counts := []metrics.Sample{{Name: "/sched/goroutines/running:goroutines"}, {Name: "/sched/goroutines/runnable:goroutines"}}
	least := -1
	for range 3 {
		time.Sleep(300 * time.Microsecond)
		metrics.Read(counts)
		n := -1
		for _, c := range counts {
			if c.Value.Kind() == metrics.KindUint64 {
				n += int(c.Value.Uint64())
			}
		}
		if n <= 0 {
			return 0
		}
		if least < 0 || n < least {
			least = n
		}
	}
	return least
}

// collect ends what the collector has begun, and collects what others have left when that is so much that it would soon do so by itself:
// what is measured should not pay for it. With much in memory a collection takes long, so that none is made without need.
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

// measurements counts those of the process, so that each knows whether it was alone.
var measurements struct{ active, begun atomic.Int64 }

// A watch stands over a measurement: it keeps the recorder away meanwhile, and knows what else happened.
type watch struct {
	instruments
	resume func()
	number int64 // of this measurement

	procs, otherProcs int // GOMAXPROCS as it should be, and as it was found once
	traced, together  bool
	busy              int // goroutines that computed before it began
	begin, last       counters
}

// watchOver begins a watch; the caller must call end. call and from say what measures.
func watchOver(ctx context.Context, call string, from *site, in instruments) *watch {
	why := call
	if at := from.String(); at != unknownLine {
		why += " at " + filepath.Base(at)
	}
	w := &watch{instruments: in, resume: timeline.Pause(ctx, why), procs: runtime.GOMAXPROCS(0)}
	w.together = measurements.active.Add(1) > 1
	w.number = measurements.begun.Add(1)
	w.busy = in.computing()
	w.begin = in.read()
	w.last = w.begin
	w.traced = in.recording()
	return w
}

func (w *watch) end() {
	measurements.active.Add(-1)
	w.resume()
}

// look returns what was counted since the last look, and takes note of what should not be.
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

// others is what other processes and the hypervisor took of the cores' time since the watch began, each as a part of it; 0 when that
// was too short to tell.
func (w *watch) others() (processes, hypervisor float64) {
	l := w.last.since(w.begin)
	return l.share(l.others), l.share(l.stolen)
}

// The load is mentioned where it is at least that: less is within what the system's way to count may be wrong by, or does not matter.
const (
	muchUsed   = 0.1
	muchStolen = 0.02
)

// took says what others took of the cores; it is empty when that was little. slower is how much slower it may have made what was
// measured, at most.
func (w *watch) took(slower float64) string {
	processes, hypervisor := w.others()
	l := w.last.since(w.begin)
	var words []string
	if processes >= muchUsed || slower > 1.05 && processes >= muchStolen {
		words = append(words, fmt.Sprintf("other processes used %.0f %% of the %s", 100*processes, plural(l.cores, "core")))
	}
	if hypervisor >= muchStolen {
		words = append(words, fmt.Sprintf("the hypervisor kept %.0f %% of the cores' time for others", 100*hypervisor))
	}
	if l.took > 0 && float64(l.throttled) >= muchStolen*float64(l.took) {
		words = append(words, fmt.Sprintf("the container's limit kept this process waiting for %v", roundTime(l.throttled)))
	}
	if len(words) == 0 && slower > 1.05 {
		words = append(words, "threads of this process had to wait for cores")
	}
	return strings.Join(words, " and ")
}

// warnings says what may have spoilt the measurement, but for what others took.
func (w *watch) warnings() (all []string) {
	if w.traced {
		all = append(all, "the execution tracer ran while this was measured, which makes hand-overs between goroutines up to three times as slow")
	}
	if w.otherProcs != 0 {
		all = append(all, fmt.Sprintf("GOMAXPROCS was %d for a while, not %d", w.otherProcs, w.procs))
	}
	switch {
	case w.virtual:
		return nil
	case w.together:
		all = append(all, "another measurement ran at the same time")
	case w.busy > 0:
		all = append(all, fmt.Sprintf("%s of this process computed when this began", plural(w.busy, "other goroutine")))
	}
	return all
}
