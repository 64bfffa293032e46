package engine

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"interleave/kernel/cell"
	"interleave/kernel/engine/rt"
	"interleave/kernel/engine/stack"
	"interleave/kernel/session"
	"interleave/runtime/timeline"
)

// A run is one execution of one cell. Tags identify its goroutines.
type run struct {
	engine *Engine
	id     uint64 // of the request
	n      int
	asked  context.Context // ends with an interrupt
	ctx    context.Context // the cell's; only stop and end cancel it, so that stop sees the state at the interrupt
	cancel context.CancelCauseFunc

	done    chan struct{} // closed when the cell's own goroutine has ended
	broken  chan struct{} // closed when another goroutine of the cell has panicked while the cell ran
	outcome *failure      // of the cell's own goroutine; read after done
	failed  *failure      // of another; read after broken
	once    sync.Once
	exited  chan struct{} // closed when a goroutine has called os.Exit, which never returns
	gaveUp  sync.Once     // closes exited
	replied atomic.Bool   // the cell's reply was sent
	beside  bool          // it is a callback, which runs beside the cells
	targets []string      // of comms that the cell's client has opened

	released chan struct{} // closed when a goroutine whose context has ended can find out why: it is stopped, or replied is set
	freed    sync.Once     // closes released

	mainID   atomic.Uint64 // the goroutine of main
	stopping atomic.Bool   // its goroutines end at their next poll of the stop flag, or at a breakpoint
	halt     uint32        // the same for the patched runtime: haltLoops, haltAll; atomic
	noted    sync.Map      // notes that it has shown while it ran
	asksCtx  atomic.Bool   // its code has used the cell's context
	killing  atomic.Bool   // they end at once, also in deferred calls
	// when the time of a goroutine with a very deep stack for unwinding it ends, in Unix nanoseconds
	deep       atomic.Int64
	line       atomic.Int64    // of interpreted code
	statements atomic.Int64    // finished ones, of interpreted code
	cell       *rt.Cell        // compiled code of this run; nil when it is interpreted or was run before
	ranBy      string          // the engine of its code, for figures
	captured   map[string]bool // names that closures of the cell use
	hideNil    bool            // a nil error at the end of the result is not shown
	shift      map[int]int     // cells whose compiled form runs under another number

	mu      sync.Mutex
	values  []any
	result  []any // that was shown
	shown   bool
	tags    map[string]*tag         // by place
	bubbles map[int]context.Context // the cell's context in synctest bubbles, by their number
	stopped []stack.Frame           // where the stop flag ended the cell's own goroutine, or else the first other one
}

// newRun makes a run for a piece of a cell.
func (e *Engine) newRun(ctx context.Context, c session.Cell) *run {
	r := &run{engine: e, id: c.ID, n: c.N, targets: c.Targets, done: make(chan struct{}), broken: make(chan struct{}),
		exited: make(chan struct{}), released: make(chan struct{}), tags: map[string]*tag{}}
	r.asked = ctx
	r.ctx, r.cancel = context.WithCancelCause(r.labelled(context.WithoutCancel(ctx), fmt.Sprintf("cell[%d]", c.N)))
	r.ctx.Done() // the channel is made on first use, which must not be in a bubble
	return r
}

// end cancels the cell's context after its reply was sent. Goroutines that still run find the reason in the
// context.
func (r *run) end() {
	r.replied.Store(true)
	r.engine.reportUnawaited(r)
	r.release()
	r.cancel(fmt.Errorf("cell[%d] has ended; pass context.Background() to work that must outlive its cell", r.n))
}

func (r *run) release() { r.freed.Do(func() { close(r.released) }) }

const goexit = "goexit" // a failure's name

// main runs the cell's own code to its end.
func (r *run) main(f func()) {
	r.adopt(fmt.Sprintf("cell[%d]", r.n), false, 0)
	_, id := cellGoroutine()
	r.mainID.Store(id)
	returned := false
	defer func() {
		if v := recover(); v != nil {
			r.outcome = r.engine.panicked(r, v, r.engine.stackAbove(1))
		} else if !returned {
			at := r.renumber(r.callerFrames(1))
			if r.stopping.Load() {
				r.mu.Lock()
				if r.stopped == nil { // else another goroutine has ended before, for which this one waited
					r.stopped = at
				}
				r.mu.Unlock()
			} else {
				r.outcome = &failure{name: goexit, value: "runtime.Goexit ended the cell's goroutine", frames: at}
			}
		}
		close(r.done)
	}()
	if !r.beside { // a recording is that of the running cell
		r.engine.recorder.Main(fmt.Sprintf("cell[%d]", r.n))
	}
	f()
	returned = true
}

// unset marks variables that have no value because the run did not reach the statements that set them.
func (r *run) unset(p *cell.Plan) {
	if r.cell != nil && r.cell.Step != nil {
		r.engine.scope.Unset(p.N, p.Sets, int(atomic.LoadUint32(r.cell.Step)))
	} else {
		r.engine.scope.Unset(p.N, p.DriveSets, int(r.statements.Load()))
	}
}

// callerFrames returns where the calling goroutine is, innermost first. Stacks do not show interpreted code, which
// only the cell's own goroutine runs.
func (r *run) callerFrames(skip int) []stack.Frame {
	frames, main := callers(skip + 1)
	if line := int(r.line.Load()); main && line > 0 {
		frames = append(frames, stack.Frame{Cell: r.n, Line: line})
	}
	return frames
}

// renumber replaces the cell numbers of frames by those that the user knows.
func (r *run) renumber(frames []stack.Frame) []stack.Frame {
	for i, fr := range frames {
		if to, ok := r.shift[fr.Cell]; ok {
			frames[i].Cell = to
		}
	}
	return frames
}

// renumberText replaces the cell numbers of places in a text by those that the user knows.
func (r *run) renumberText(text string) string {
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

// files returns the names of cells for the recorder, where they differ.
func (r *run) files() map[string]string {
	names := map[string]string{}
	for from, to := range r.shift {
		names[fmt.Sprintf("cell[%d]", from)] = fmt.Sprintf("cell[%d]", to)
	}
	return names
}

// test runs f, the function of synctest.Test, on a goroutine that belongs to the caller's cell.
func (e *Engine) test(place string, f func()) { e.serve(current(), place, f) }

// guard returns f for a goroutine that a standard package will start later, and not as a child of the current
// one: a timer's has no parent.
func (e *Engine) guard(place string, f func()) func() {
	t := current()
	return func() { e.serve(t, place, f) }
}

// serve runs f on a goroutine that belongs to t.
func (e *Engine) serve(t *tag, place string, f func()) {
	var r *run
	if t != nil {
		r = t.run
		place = r.renumberText(place)
		r.adopt(place, t.unwinding, 0)
	}
	defer func() {
		if v := recover(); v != nil {
			if r == nil {
				panic(v)
			}
			fail := e.panicked(r, v, e.stackAbove(1))
			fail.where = place
			r.fail(fail)
		}
	}()
	f()
}

// fail ends the run because one of its goroutines has panicked or called os.Exit. If its cell is over
// already, it reports the failure in the cell's output.
func (r *run) fail(f *failure) {
	if r.replied.Load() {
		r.engine.out.Output(r.id, session.Stderr, []byte(strings.Join(f.render(r.engine), "\n")+"\n"))
		return
	}
	r.once.Do(func() {
		r.failed = f
		close(r.broken)
	})
}

// The values of a run's halt.
const (
	haltLoops = 1 // end at the next loop or call, but not in deferred calls
	haltAll   = 2 // also in deferred calls
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
	if first { // any goroutine that comes here at the same time will do
		at := r.renumber(r.callerFrames(2))
		r.mu.Lock()
		r.stopped = at
		r.mu.Unlock()
	}
	r.adopt(t.place, true, cellAt())
}

// poll is called by generated code that finds the stop flag set.
func (e *Engine) poll() {
	t := current()
	if t == nil || !t.run.stopping.Load() {
		return
	}
	if t.unwinding {
		if t.run.killing.Load() { // the running deferred call gets the same time as others
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
				if rt.Given != 0 { // the run may be one that was stopped while this goroutine was blocked
					e.poll()
				}
			}
		},
		Ctx: e.ctx,
	}
}

// execute runs the cell's code, waits for it, and stops it step by step when it must not continue. replace is
// not empty if code uses a core and cannot be stopped.
func (r *run) execute(f func()) (fail *failure, replace string) {
	go r.main(f)
	select {
	case <-r.done:
		if r.outcome != nil && r.outcome.name == goexit { // as in a program, others may call os.Exit meanwhile
			r.settle()
		}
		// its deferred calls may have let the cell end
		for began := time.Now(); cellPanicking() && time.Since(began) < gracePanic; {
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
	// code that shows the cell's values may wait for it
	context.AfterFunc(r.asked, func() { r.cancel(context.Cause(r.asked)) })
	return fail, replace
}
