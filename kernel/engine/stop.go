package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"interleave/kernel/breaks"
	"interleave/kernel/engine/rt"
	"interleave/kernel/engine/stack"
	"interleave/kernel/session"
	"interleave/runtime/quantity"
	"interleave/runtime/remote"
)

// Time for each step of stopping a cell.
const (
	graceCancel = 20 * time.Millisecond  // to end by its context, if it has used that
	graceStop   = 700 * time.Millisecond // to end by the stop flag, or to become fewer
	gracePanic  = 20 * time.Millisecond  // for the deferred calls of a goroutine that panics
	graceKill   = 3 * time.Second        // to reach a place where it can be ended
	graceEach   = 200 * time.Microsecond // additional, in total, for each goroutine
)

// cancelFor cancels the run's context. For an interrupt it returns where the cell is.
func (r *run) cancelFor(why *failure) (frames []stack.Frame) {
	if why != nil {
		r.cancel(errors.New(why.name + ": " + why.value))
		return nil
	}
	frames = r.mainFrames()
	r.cancel(context.Cause(r.asked))
	return frames
}

// stop ends all goroutines of the run: first by the context, then by the stop flag, and gives up on those
// that are merely blocked. It continues while their number falls. why is nil for an interrupt.
func (r *run) stop(why *failure) (*failure, string) {
	if !r.beside {
		r.engine.recorder.Halt()
	}
	frames := r.cancelFor(why)
	remote.Hurry()
	step := "its context was cancelled"
	grace := graceCancel
	if !r.asksCtx.Load() {
		grace = 0
	}
	if !r.awaitAll(grace) {
		step = "it was stopped at its next loop or call"
		r.stopping.Store(true)
		r.release()
		atomic.StoreUint32(&r.halt, haltLoops)
		stops(1)
		defer stops(-1)
		if r.engine.plain {
			breaks.Up()
			defer breaks.Down()
			deep := time.AfterFunc(graceStop/2, func() { atomic.StoreUint32(&r.halt, haltAll) })
			defer deep.Stop()
		}
	}
	var left []living
	var d deadline
	var killed time.Time // when the deadline had passed and killing began
	var calls uint64
	for quiet := 0; ; {
		began := time.Now()
		n, busy := r.count()
		last := calls
		calls = r.calls()
		if n == 0 {
			break
		}
		r.engine.out.Alive()
		fell, late := d.look(n)
		late = late && time.Now().UnixNano() > r.deep.Load() || !killed.IsZero()
		if fell && !killed.IsZero() {
			killed = time.Now()
		}
		if quiet++; fell || busy > 0 || calls != last && quiet > 1 || r.engine.out.Writing() {
			quiet = 0
		}
		// Seen blocked three times, or late: but a goroutine that was killed may have unblocked another.
		if quiet >= 3 || late && busy == 0 && killed.IsZero() {
			if left = r.living(); len(left) == 0 {
				break
			}
			atomic.AddUint32(&rt.Given, 1)
			them := "them"
			if len(left) == 1 {
				them = "it"
			}
			step = fmt.Sprintf("%s given up: blocked and cannot be stopped; restart the kernel to end %s",
				quantity.Plural(len(left), "goroutine was", "goroutines were"), them)
			break
		}
		pause := 2 * time.Millisecond << min(quiet, 3)
		if late {
			switch left = busyOnes(r.living()); {
			case killed.IsZero():
				killed = time.Now()
				step = "it was ended by force"
				r.killing.Store(true)
				atomic.StoreUint32(&r.halt, haltAll)
			case time.Since(killed) > graceKill:
				for _, g := range r.look(sample(left, 1)) {
					return r.interrupted(why, "a goroutine that uses a core would not stop"+r.remedy(),
						nil, r.living()), "a goroutine would not stop: " + g.Place()
				}
			}
			for _, l := range left {
				cellKill(l.g, l.id)
				pause = time.Millisecond
			}
			left = nil
		}
		wait := time.NewTimer(max(pause, 4*time.Since(began)))
		select {
		case <-wait.C:
		case <-r.doneOnce():
			wait.Stop()
		}
	}
	if len(left) > 0 { // the report shows their places
		frames = nil
	}
	return r.interrupted(why, step, frames, left), ""
}

// A deadline is the time by which the goroutines of a run should have ended. It is later if the machine gives
// the process little time.
type deadline struct {
	end   time.Time     // the latest time
	least int           // the smallest number of goroutines seen
	since time.Time     // when least was reached
	cpu   time.Duration // processor time of the process at since
}

// look records how many goroutines are left. fell reports that their number has fallen, late that they have
// had their time since it last fell.
func (d *deadline) look(n int) (fell, late bool) {
	now := time.Now()
	first := d.end.IsZero()
	if first {
		d.end = now.Add(5*graceStop + time.Duration(n)*graceEach)
	}
	if first || n < d.least {
		d.least, d.since, d.cpu = n, now, cpuTime()
		return !first, now.After(d.end)
	}
	took := now.Sub(d.since)
	return false, took > graceStop && (took > 5*graceStop || cpuTime()-d.cpu > graceStop/2) || now.After(d.end)
}

func busyOnes(all []living) []living {
	return slices.DeleteFunc(slices.Clone(all), func(l living) bool { return !l.busy })
}

// mainFrames returns where the cell's own goroutine is, nil if it has ended.
func (r *run) mainFrames() []stack.Frame {
	var main []living
	r.each(func(l living) {
		if l.main {
			main = append(main, l)
		}
	})
	seen := r.look(main)
	if len(seen) == 0 {
		return nil
	}
	frames := stack.Frames(seen[0].Text)
	if line := int(r.line.Load()); line > 0 { // of interpreted code
		frames = append(frames, stack.Frame{Cell: r.n, Line: line})
	}
	return r.renumber(frames)
}

// doneOnce returns done while it is open: a closed channel would make the loop above spin.
func (r *run) doneOnce() <-chan struct{} {
	select {
	case <-r.done:
		return nil
	default:
		return r.done
	}
}

// awaitAll waits for all goroutines of the run to end, for about d: longer while some could run and the machine
// gives the process little time. After a call of os.Exit it does not wait.
func (r *run) awaitAll(d time.Duration) bool {
	began, cpu := time.Now(), cpuTime()
	done := r.done
	for {
		looked := time.Now()
		n, busy := r.count()
		select {
		case <-r.exited:
			return n == 0
		case <-r.done: // others end right after the cell's own
			if done = nil; n == 0 {
				return true
			}
		default:
		}
		if took := time.Since(began); took > d && (busy == 0 || took > 5*d || cpuTime()-cpu > d/2) {
			return false
		}
		select {
		case <-done:
		case <-r.exited:
		case <-time.After(max(time.Millisecond, 4*time.Since(looked))):
		}
	}
}

func (r *run) interrupted(why *failure, step string, frames []stack.Frame, left []living) *failure {
	f := why
	if f == nil {
		what := "the cell"
		if r.beside {
			what = "a function of the cell that a message has called"
		}
		f = &failure{name: session.FailureInterrupted, value: what + " was interrupted: " + step, interrupted: true}
		r.mu.Lock()
		if f.frames = r.stopped; f.frames == nil {
			f.frames = frames
		}
		r.mu.Unlock()
	}
	f.left = r.report(left)
	return f
}

// remedy is what happens when a goroutine of the run does not stop.
func (r *run) remedy() string {
	if r.beside {
		return ": restart the kernel"
	}
	return ", so the session was replaced"
}

var stopCount struct {
	sync.Mutex
	n int
}

// stops counts runs that are being stopped; the flag is set while there are any.
func stops(delta int) {
	stopCount.Lock()
	defer stopCount.Unlock()
	stopCount.n += delta
	rt.SetStop(stopCount.n > 0)
}
