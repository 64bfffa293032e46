package engine

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"interleave/kernel/assist"
	"interleave/kernel/cell/source"
	"interleave/kernel/session"
	"interleave/runtime/timeline"
)

// An execution is one run of one cell.
type execution struct {
	e         *Engine
	run       *run   // of the current piece of Go code
	past      []*run // of earlier pieces: magics cut a cell into several
	ctx       context.Context
	cell      session.Cell
	done      *session.Done
	exited    bool              // os.Exit(0) has ended the cell
	quiet     bool              // nothing is shown: a user expression
	depth     int               // of files that run others
	diverting *captured         // takes what the cell shows; nil: the front end does
	page      assist.Inspection // what help lines have asked for
	left      []func()          // show what is still running when the cell's contexts have ended
}

// end marks everything that goroutines of the cell write from now on as late, ends the cell's contexts, and
// shows what is still running then.
func (x *execution) end() {
	for _, r := range append(x.past, x.run) {
		r.end()
	}
	for _, show := range x.left {
		show()
	}
}

func (x *execution) failed(f *failure) {
	if x.diverting != nil {
		x.release()
	}
	x.done.OK = false
	x.done.Interrupted = x.done.Interrupted || f.interrupted
	if !x.quiet {
		x.e.out.Emit(f.event(x.e, x.cell.ID))
	}
}

// segments runs the pieces of a cell. If a piece is neither Go nor a magic, no piece runs.
func (x *execution) segments(segs []source.Segment) {
	if !x.acceptable(segs) {
		return
	}
	var code []string // Go code of the pieces
	var tests []source.Segment
	for _, s := range segs {
		if !x.done.OK || x.exited || x.ctx.Err() != nil && x.interruptedBetween() {
			return
		}
		switch s.Kind {
		case source.GoCode:
			code = append(code, s.Text)
			x.code(s.Text)
		case source.ShellLine:
			x.shell(x.expand(s.Args))
		case source.HelpLine:
			x.about(s)
		default:
			if s.Name == "test" && s.Kind == source.LineMagic {
				s.Args = x.expand(s.Args)
				tests = append(tests, s)
				continue
			}
			x.magic(s)
		}
	}
	for _, s := range tests {
		if x.done.OK && !x.exited {
			x.test(s, code)
		}
	}
}

// acceptable refuses a cell of several pieces for errors that can be found before the first piece runs: in
// the syntax of all its Go code, the names of its magics, and the types in code that only shell commands
// precede.
func (x *execution) acceptable(segs []source.Segment) bool {
	if len(segs) < 2 {
		return true
	}
	first := true // no earlier piece has changed the session
	for _, s := range segs {
		var err error
		switch s.Kind {
		case source.GoCode:
			if err = source.Check(x.cell.N, s.Text); err == nil && first {
				err = x.fetch(s.Text)
			}
			if err == nil && first {
				x.e.checking.Lock()
				_, err = x.e.scope.Check(x.cell.N, s.Text)
				x.e.checking.Unlock()
			}
			first = false
		case source.ShellLine, source.HelpLine:
		default:
			if !x.known(s) {
				return false
			}
			if s.Name == "restart" {
				x.refuse(s, "%restart ends the session, and with it the rest of this cell", "Write it in a cell of its own")
				return false
			}
			first = false
		}
		if err != nil {
			x.failed(x.e.buildFailed(err))
			return false
		}
	}
	return true
}

func (x *execution) interruptedBetween() bool {
	x.failed(&failure{name: session.FailureInterrupted, value: "the cell was interrupted", interrupted: true})
	return true
}

// code runs Go code: check, choose an engine, run, show.
func (x *execution) code(text string) {
	e := x.e
	if strings.TrimSpace(text) == "" {
		return
	}
	if err := x.fetch(text); err != nil {
		x.failed(e.buildFailed(err))
		return
	}
	p, err := e.check(x.cell.N, text)
	if err == nil {
		err = x.broken(p)
	}
	if err != nil {
		x.failed(diagnosed(err))
		return
	}
	if p.Empty {
		e.commit(p, text)
		return
	}
	x.next().hideNil = p.HideNil
	f, engine, err := e.load(x.run, p, text)
	if err != nil {
		x.failed(e.buildFailed(err))
		return
	}
	x.done.Engine = engine.String()
	x.notes(append(p.Notices, e.outdated(p)...))
	x.run.captured = p.Captured
	if x.perform(f, p.Tracer); !x.done.OK {
		x.run.unset(p)
		e.abandon(x.run, p)
		x.dropUninitialised()
	} else if x.cell.StoreHistory && !x.quiet {
		e.keep(x.cell.N, p, x.run.result)
	}
	x.run.result = nil
}

// next begins the run of another piece of code.
func (x *execution) next() *run {
	x.past = append(x.past, x.run)
	x.run = x.e.newRun(x.ctx, x.cell)
	return x.run
}

// notes shows the notes of a plan.
func (x *execution) notes(notes []string) {
	for _, n := range notes {
		x.e.out.Output(x.cell.ID, session.Stderr, []byte(bold+"note: "+reset+n+"\n"))
	}
}

// perform runs the cell's code under the recorder and shows the results, a failure last, where readers look
// for it. A cell that takes the execution tracer itself, through the function tracer, is not recorded.
func (x *execution) perform(f func(), tracer string) {
	e, r := x.e, x.run
	names := r.files()
	e.files.Store(&names)
	plot := e.plot && !x.cell.Silent && !x.quiet
	if plot && tracer != "" {
		x.notes([]string{"no figure: this cell calls " + tracer + ", and the execution tracer serves one at a time"})
	}
	armed := plot && tracer == "" && e.recorder.Arm() == nil
	fail, replace := r.execute(f)
	e.reportUnawaited(r)
	silent := x.beat()
	var exp *timeline.Experiment
	if armed {
		var err error
		if exp, err = e.recorder.Stop(); err != nil {
			e.out.Output(x.cell.ID, session.Stderr, []byte("no figure: "+err.Error()+"\n"))
		}
	}
	x.done.Replace = replace
	if exp != nil && replace == "" { // also of a failed cell: the figure shows a deadlock best
		exp.Engine = r.ranBy
		x.figure(exp)
		if exp.Benchmark {
			x.notes([]string{"a benchmark of package testing ran while this cell was recorded, " +
				"which slows hand-overs between goroutines " +
				"up to three times: run it in a cell of its own, or use lab.Bench"})
		}
	}
	silent()
	if fail != nil && fail.exitedZero {
		x.exited = true
		return
	}
	if fail != nil {
		if exp != nil && len(fail.left) == 0 { // otherwise the failure lists them
			x.leftBehind(r, exp)
		}
		x.failed(fail)
		return
	}
	r.mu.Lock()
	values, shown := r.values, r.shown
	r.values, r.shown = nil, false
	r.mu.Unlock()
	if shown && !x.cell.Silent && !x.quiet {
		r.result = values
		x.result(values)
	}
	if exp != nil || armed { // measured code may have started some
		x.left = append(x.left, func() { x.leftBehind(r, exp) })
	}
	if x.quiet {
		r.values, r.shown = values, shown
	}
	if x.ctx.Err() != nil { // report the result of the interrupt
		x.failed(&failure{name: session.FailureInterrupted, value: "the cell was interrupted while its result was being displayed",
			interrupted: true})
	}
}

// beat reports repeatedly that the process is alive while it draws the figure: with very many goroutines that
// takes seconds, in which an interrupt must not replace the session. It returns a function that stops it.
func (x *execution) beat() (silent func()) {
	end := make(chan struct{})
	go func() {
		tick := time.NewTicker(time.Second / 2)
		defer tick.Stop()
		for range beatsMost {
			select {
			case <-tick.C:
				x.e.out.Alive()
			case <-end:
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(end) })
}

// beatsMost is the largest number of beats, one each half second.
const beatsMost = 120

// expression evaluates one of Jupyter's user expressions. Its failure does not fail the cell.
func (e *Engine) expression(ctx context.Context, c session.Cell, code string, ok bool) session.Expression {
	if !ok {
		return session.Expression{Failed: &session.Failed{Name: session.FailureSkipped, Value: "the cell failed", Traceback: []string{}}}
	}
	sub := c
	sub.Code = code
	r := e.newRun(ctx, sub)
	done := session.Done{OK: true}
	x := &execution{e: e, run: r, ctx: ctx, cell: sub, done: &done, quiet: true}
	var fail *failure
	p, err := e.check(c.N, code)
	var f func()
	if err != nil {
		fail = diagnosed(err)
	} else if f, _, err = e.load(r, p, code); err != nil {
		fail = e.buildFailed(err)
	} else if fail, _ = r.execute(f); fail != nil {
		r.unset(p)
	}
	r.end()
	if fail != nil && !fail.exitedZero {
		ev := fail.event(e, 0)
		return session.Expression{Failed: &ev}
	}
	var shown session.Expression
	x.showing(func() { shown.Data, shown.Metadata, _ = x.bundle(r.values) })
	return shown
}

// texts holds the code of cells by number, for tracebacks. Goroutines that outlived their cell read it, too.
type texts struct {
	mu sync.Mutex
	m  map[int]string
}

func (t *texts) set(n int, code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = map[int]string{}
	}
	t.m[n] = code
}

// all returns the texts of all cells.
func (t *texts) all() map[int]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.m)
}

// last returns the highest number of a cell.
func (t *texts) last() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k := range t.m {
		n = max(n, k)
	}
	return n
}

func (t *texts) of(n int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[n]
}
