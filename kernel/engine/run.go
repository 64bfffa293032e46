package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"interleave/kernel/breaks"
	"interleave/kernel/cell"
	"interleave/kernel/engine/rt"
	"interleave/kernel/engine/stack"
	"interleave/kernel/session"
	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// A run is one execution of one cell. Its goroutines are known by their tags.
type run struct {
	engine *Engine
	id     uint64 // of the request
	n      int
	asked  context.Context // ends with an interrupt
	ctx    context.Context // the cell's; only stop and end end it, so that stop sees what the interrupt has met
	cancel context.CancelCauseFunc

	done    chan struct{} // closed when the cell's own goroutine has ended
	broken  chan struct{} // closed when another goroutine of the cell has panicked while the cell ran
	outcome *failure      // of the cell's own goroutine; read after done
	failed  *failure      // of another; read after broken
	once    sync.Once
	exited  chan struct{} // closed when a goroutine has called os.Exit: it never ends
	gaveUp  sync.Once     // closes exited
	over    atomic.Bool   // the cell has been answered

	mainID     atomic.Uint64   // the goroutine of main
	stopping   atomic.Bool     // its goroutines end at their next look at the stop flag, or at a breakpoint
	halt       uint32          // the same for the patched runtime: haltLoops, haltAll; atomic
	asksCtx    atomic.Bool     // its code has asked for the cell's context
	killing    atomic.Bool     // they end where they are, also in deferred calls
	deep       atomic.Int64    // until when a goroutine with a very deep stack may unwind it, in Unix nanoseconds
	line       atomic.Int64    // of interpreted code
	statements atomic.Int64    // of interpreted code that are finished
	cell       *rt.Cell        // compiled code of this run; nil when it is interpreted or was run before
	ranBy      string          // what figures say of its code
	captured   map[string]bool // names that closures of the cell use
	hideNil    bool            // a nil error at the end of the result is not shown
	shift      map[int]int     // cells whose compiled form runs under another number

	mu      sync.Mutex
	values  []any
	shown   bool
	tags    map[string]*tag         // by place
	bubbles map[int]context.Context // the cell's context in synctest bubbles, by their number
	stopped []stack.Frame           // where the stop flag ended the cell's own goroutine, or else the first of the others
}

// newRun makes a run for a piece of a cell.
func (e *Engine) newRun(ctx context.Context, c session.Cell) *run {
	r := &run{engine: e, id: c.ID, n: c.N, done: make(chan struct{}), broken: make(chan struct{}), exited: make(chan struct{}), tags: map[string]*tag{}}
	r.asked = ctx
	r.ctx, r.cancel = context.WithCancelCause(r.labelled(context.WithoutCancel(ctx), fmt.Sprintf("cell[%d]", c.N)))
	r.ctx.Done() // the channel is made on first use, which must not be in a bubble
	return r
}

// end is told when the run's cell has been answered. What goes on learns from its context why that has ended.
func (r *run) end() {
	r.over.Store(true)
	r.engine.tellLost(r)
	r.cancel(fmt.Errorf("cell[%d] has ended: what shall outlive its cell needs a context of its own, such as context.Background()", r.n))
}

const goexit = "goexit" // a failure's name

// main runs the cell's own code to its end.
func (r *run) main(f func()) {
	r.adopt(fmt.Sprintf("cell[%d]", r.n), false, 0)
	_, id := cellGoroutine()
	r.mainID.Store(id)
	returned := false
	defer func() {
		if v := recover(); v != nil {
			r.outcome = r.engine.panicked(r, v, stackAbove(1))
		} else if !returned {
			at := r.shifted(r.here(1))
			if r.stopping.Load() {
				r.mu.Lock()
				r.stopped = at
				r.mu.Unlock()
			} else {
				r.outcome = &failure{name: goexit, value: "runtime.Goexit ended the cell's goroutine", frames: at}
			}
		}
		close(r.done)
	}()
	r.engine.recorder.Main(fmt.Sprintf("cell[%d]", r.n))
	f()
	returned = true
}

// unset says which variables have no value because the run did not come to the statements that set them.
func (r *run) unset(p *cell.Plan) {
	if r.cell != nil && r.cell.Step != nil {
		r.engine.session.Unset(p.N, p.Sets, int(atomic.LoadUint32(r.cell.Step)))
	} else {
		r.engine.session.Unset(p.N, p.DriveSets, int(r.statements.Load()))
	}
}

// here is where the calling goroutine is, innermost first. Of interpreted code the stack knows nothing but that the cell's
// own goroutine runs it.
func (r *run) here(skip int) []stack.Frame {
	frames, main := callers(skip + 1)
	if line := int(r.line.Load()); main && line > 0 {
		frames = append(frames, stack.Frame{Cell: r.n, Line: line})
	}
	return frames
}

// shifted gives frames the numbers under which the user knows their cells.
func (r *run) shifted(frames []stack.Frame) []stack.Frame {
	for i, fr := range frames {
		if to, ok := r.shift[fr.Cell]; ok {
			frames[i].Cell = to
		}
	}
	return frames
}

// present gives the places in a text the numbers under which the user knows their cells.
func (r *run) present(text string) string {
	if r.shift == nil {
		return text
	}
	return stack.PlaceRE.ReplaceAllStringFunc(text, func(place string) string {
		m := stack.PlaceRE.FindStringSubmatch(place)
		if n, _ := strconv.Atoi(m[1]); r.shift[n] != 0 {
			return fmt.Sprintf("cell[%d]:%s", r.shift[n], m[2])
		}
		return place
	})
}

// files are the names of cells for the recorder, where they differ.
func (r *run) files() map[string]string {
	names := map[string]string{}
	for from, to := range r.shift {
		names[fmt.Sprintf("cell[%d]", from)] = fmt.Sprintf("cell[%d]", to)
	}
	return names
}

// test runs f, the function of synctest.Test, on a goroutine that belongs to the caller's cell.
func (e *Engine) test(place string, f func()) { e.serve(current(), place, f) }

// guard returns f for a goroutine that a standard package will start some time, and not as a child of the present one: a timer's
// has no parent.
func (e *Engine) guard(place string, f func()) func() {
	t := current()
	return func() { e.serve(t, place, f) }
}

// serve runs f on a goroutine that belongs to t.
func (e *Engine) serve(t *tag, place string, f func()) {
	var r *run
	if t != nil {
		r = t.run
		place = r.present(place)
		r.adopt(place, t.unwinding, 0)
	}
	defer func() {
		if v := recover(); v != nil {
			if r == nil {
				panic(v)
			}
			fail := e.panicked(r, v, stackAbove(1))
			fail.where = place
			r.fail(fail)
		}
	}()
	f()
}

// fail ends the run because one of its goroutines has panicked or called os.Exit; when its cell is over already, that is told
// in the cell's output.
func (r *run) fail(f *failure) {
	if r.over.Load() {
		r.engine.out.Output(r.id, session.Stderr, []byte(strings.Join(f.render(r.engine), "\n")+"\n"))
		return
	}
	r.once.Do(func() {
		r.failed = f
		close(r.broken)
	})
}

// What a run's halt says.
const (
	haltLoops = 1 // end at the next loop or call, but not in deferred calls
	haltAll   = 2 // there as well
)

// left is called by the patched runtime on a goroutine that ends at a breakpoint.
func (e *Engine) left() {
	if t := current(); t != nil {
		t.run.leave(t)
	}
}

// leave prepares the calling goroutine to end, because its run is being stopped.
func (r *run) leave(t *tag) {
	r.mu.Lock()
	first := r.stopped == nil
	r.mu.Unlock()
	if first { // as good as any other that comes here at the same time
		at := r.shifted(r.here(2))
		r.mu.Lock()
		r.stopped = at
		r.mu.Unlock()
	}
	r.adopt(t.place, true, cellAt())
}

// poll is the slow path of generated code's look at the stop flag.
func (e *Engine) poll() {
	t := current()
	if t == nil || !t.run.stopping.Load() {
		return
	}
	if t.unwinding {
		if t.run.killing.Load() { // the deferred call that is running gets no more time than others
			runtime.Goexit()
		}
		return
	}
	t.run.leave(t)
	runtime.Goexit()
}

func (e *Engine) show(values []any) {
	if t := current(); t != nil {
		t.run.mu.Lock()
		t.run.values, t.run.shown = values, true
		t.run.mu.Unlock()
	}
}

func (e *Engine) ctx() context.Context {
	if t := current(); t != nil {
		return t.run.context()
	}
	return context.Background()
}

func (e *Engine) hooks() rt.Hooks {
	return rt.Hooks{
		Poll:  e.poll,
		Begin: timeline.Started,
		Test:  e.test,
		Guard: e.guard,
		Show:  e.show,
		At: func(line, done int) {
			if t := current(); t != nil {
				t.run.line.Store(int64(line))
				t.run.statements.Store(int64(done))
				*rt.Line = uint32(line)
			}
		},
		Ctx: e.ctx,
	}
}

// How an interrupted cell ended.
const (
	graceCancel = 20 * time.Millisecond  // to end by its context, if it has asked for that
	graceStop   = 700 * time.Millisecond // to end by the stop flag, or to become fewer
	gracePanic  = 20 * time.Millisecond  // for the deferred calls of a goroutine that panics
	graceKill   = 3 * time.Second        // to come to a place where it can be ended
	graceEach   = 200 * time.Microsecond // more, in all, for each goroutine
)

// execute runs the cell's code and waits for it, walking down the staircase when it must not go on. replace is not empty
// when something burns a core and cannot be stopped.
func (r *run) execute(f func()) (fail *failure, replace string) {
	go r.main(f)
	select {
	case <-r.done:
		if r.outcome != nil && r.outcome.name == goexit { // as in a program, others may call os.Exit meanwhile
			r.settle()
		}
		for began := time.Now(); cellPanicking() && time.Since(began) < gracePanic; { // its deferred calls may have let the cell end
			runtime.Gosched()
		}
		select {
		case <-r.broken:
			fail, replace = r.stop(r.failed)
		default:
			fail = r.outcome
		}
	case <-r.broken:
		fail, replace = r.stop(r.failed)
	case <-r.asked.Done():
		fail, replace = r.stop(nil)
	}
	if r.cell != nil {
		r.cell.Over()
	}
	context.AfterFunc(r.asked, func() { r.cancel(context.Cause(r.asked)) }) // what shows the cell's values may wait for it
	return fail, replace
}

// stop ends all goroutines of the run: first by the context, then by the stop flag, and gives up on those that are merely
// blocked. It continues while their number falls. why is nil for an interrupt.
func (r *run) stop(why *failure) (*failure, string) {
	r.engine.recorder.Halt()
	var stood []stack.Frame
	if why != nil {
		r.cancel(errors.New(why.name + ": " + why.value))
	} else {
		stood = r.stood()
		r.cancel(context.Cause(r.asked))
	}
	step := "its context was cancelled"
	grace := graceCancel
	if !r.asksCtx.Load() {
		grace = 0
	}
	if !r.gone(grace) {
		step = "it was stopped at its next loop or call"
		r.stopping.Store(true)
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
	var killed time.Time // when the deadline had passed and goroutines began to be killed
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
		if quiet >= 3 || late && busy == 0 && killed.IsZero() { // one that was killed may have let another go on // seen blocked three times
			if left = r.living(); len(left) == 0 {
				break
			}
			atomic.AddUint32(&rt.Given, 1)
			step = fmt.Sprintf("%s given up: blocked and cannot be stopped", quantity.Plural(len(left), "goroutine was", "goroutines were"))
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
					return r.interrupted(why, "a goroutine that uses a core would not stop, so the session was replaced", nil, r.living()), "a goroutine would not stop: " + g.Place()
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
	if len(left) > 0 { // they say where
		stood = nil
	}
	return r.interrupted(why, step, stood, left), ""
}

// A deadline is when the goroutines of a run should have ended. It is later where the machine gives the process little time.
type deadline struct {
	end   time.Time     // whatever happens
	least int           // the smallest number of goroutines seen
	since time.Time     // when that was
	cpu   time.Duration // what the process had used then
}

// look notes how many goroutines live. fell says that they have become fewer, late that they had their time since they last did.
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

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func busyOnes(all []living) []living {
	return slices.DeleteFunc(slices.Clone(all), func(l living) bool { return !l.busy })
}

// stood is where the cell's own goroutine is; nil when it has ended.
func (r *run) stood() []stack.Frame {
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
	if line := int(r.line.Load()); line > 0 { // interpreted
		frames = append(frames, stack.Frame{Cell: r.n, Line: line})
	}
	return r.shifted(frames)
}

// doneOnce is done while it is open: a closed one would make the loop above spin.
func (r *run) doneOnce() <-chan struct{} {
	select {
	case <-r.done:
		return nil
	default:
		return r.done
	}
}

// gone waits for all goroutines of the run to end, for about d: longer while some could run and the machine gives the process little time.
// Where one has called os.Exit there is nothing to wait for.
func (r *run) gone(d time.Duration) bool {
	began, cpu := time.Now(), cpuTime()
	done := r.done
	for {
		looked := time.Now()
		n, busy := r.count()
		select {
		case <-r.exited:
			return n == 0
		case <-r.done: // others end just behind the cell's own
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

func (r *run) interrupted(why *failure, step string, stood []stack.Frame, left []living) *failure {
	f := why
	if f == nil {
		f = &failure{name: "interrupted", value: "the cell was interrupted: " + step, interrupted: true}
		r.mu.Lock()
		if f.frames = r.stopped; f.frames == nil {
			f.frames = stood
		}
		r.mu.Unlock()
	}
	f.left = r.report(left)
	return f
}

var stopCount struct {
	sync.Mutex
	n int
}

// stops counts runs that are being stopped; the flag is up while there are any.
func stops(delta int) {
	stopCount.Lock()
	defer stopCount.Unlock()
	stopCount.n += delta
	rt.SetStop(stopCount.n > 0)
}
