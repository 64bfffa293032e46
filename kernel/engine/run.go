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
	r.cancel(fmt.Errorf("cell[%d] has ended; pass context.Background() to work that must outlive its cell", r.n))
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
