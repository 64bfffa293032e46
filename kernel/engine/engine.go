// Package engine runs checked cells inside the session process: it knows both engines, the session's variables, panics,
// interrupts and what is shown of a value.
// It must not know Jupyter, ZeroMQ or the supervisor; package cell knows the language, package session the boundary.
//
// Engine is what session.Serve drives. One cell takes this way: its text is cut into segments (cell.Segments), Go code is
// checked (cell.Session.Check), the plan is run by the interpreter (interp.go) or compiled and loaded (compiled.go), on a
// goroutine of its own that a run (run.go) watches; what it shows goes to the session's stream of events (show.go).
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"interleave/kernel/breaks"
	"interleave/kernel/cell"
	"interleave/kernel/engine/rt"
	"interleave/kernel/load"
	"interleave/kernel/session"
	"interleave/kernel/toolchain"
	"interleave/kernel/toolchain/itabs"
	"interleave/kernel/toolchain/patched"
	"interleave/kernel/toolchain/writes"
	"interleave/runtime/display"
	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// A Config says what an Engine works with.
type Config struct {
	Toolchain string // directory that toolchain.Prepare made
	WorkDir   string // where cells are built; survives the session process, not the kernel
	Code      string // how code of cells is written: "gated", or, where that can be, "plain"; "" is plain, too, and does not complain where it cannot be
	Log       *slog.Logger
}

// An Engine is the session's evaluator. Its calls never overlap.
type Engine struct {
	cfg      Config
	tools    *toolchain.Toolchain
	noTools  error // why cells cannot be compiled
	plain    bool  // code of cells has no gates, and package breaks stops it
	packages *packages
	session  *cell.Session
	interp   *interp
	recorder timeline.Recorder
	keeper   *keeper
	out      *session.Out
	texts    texts
	outputs  outputs
	stdin    stdin
	lost     lost
	tidier   tidier
	reserve  reserve
	shower   atomic.Pointer[shower] // shows what a cell has left; nil while code runs
	mode     string                 // auto, yaegi or compiled
	plot     bool
	narrow   bool // figures are drawn for a phone
	restored bool // no cell has run since Restore

	abandoned []abandoned
	loader    *load.Loader // nil until a cell is linked into the process
	starter   starter
	opened    int // compiled cells that are in this process
	facts     facts

	mu      sync.Mutex
	running *run
}

// New returns an engine. Without a toolchain that can build plugins, cells that need the compiler are refused with the
// reason; everything else works.
func New(cfg Config) (*Engine, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{cfg: cfg, mode: "auto", plot: true, keeper: newKeeper()}
	tools, err := toolchain.Open(cfg.Toolchain)
	var stale *toolchain.StaleError
	var none *toolchain.NoPluginsError
	switch {
	case errors.As(err, &stale), errors.As(err, &none):
		e.noTools = err
	case err != nil:
		return nil, err
	}
	if tools == nil {
		return nil, fmt.Errorf("open the toolchain: %w", err)
	}
	e.tools = tools
	types, err := tools.Types()
	if err != nil {
		return nil, err
	}
	e.packages = newPackages(types)
	e.session = cell.New(e.packages)
	e.plain = cfg.Code != "gated" && tools.Plain() && breaks.Available()
	if cfg.Code == "plain" && !e.plain {
		cfg.Log.Warn("code of cells is gated: plain code needs Linux on amd64, cells that are linked in memory, and a self-test that it passes", "self-test", tools.NotPlain())
	}
	e.session.Plain, e.session.Inlined = e.plain, e.inlined
	e.interp = newInterp(e)
	rt.SetHooks(e.hooks())
	lab.OnPanic(e.onPanic)
	lab.SetHost(lab.Host{Places: e.places, Carry: e.guard, Origin: cellAt, Doubt: e.doubt})
	display.SetSink(e.display)
	display.SetCaller(e.callMethods)
	timeline.SetEngine(ranBy)
	timeline.SetOutside(e.keeper.do)
	timeline.SetExpecting(func(yes bool) {
		if yes {
			setCellGoHook(timeline.Started)
		} else {
			setCellGoHook(nil)
		}
	})
	display.SetAsker(func(ctx context.Context, prompt string, password bool) (string, error) {
		return e.out.Input(ctx, prompt, password)
	})
	captureOutput(e)
	itabs.Hook()
	provideInput(e)
	setExitHook(e.exit)
	setCellOverflowHook(e.overflowed)
	setCellPanicHook(e.uncaught)
	if e.plain {
		breaks.OnLeave(e.left)
	}
	e.outputs = keepOutputs()
	e.starter.idle(e)
	os.Args = os.Args[:1] // cells are not interested in ours
	flag.CommandLine.Init("cell", flag.ExitOnError)
	return e, nil
}

// packages is what cells may import.
type packages struct {
	*toolchain.Types
	byName map[string][]string
	paths  map[string]bool
}

// preferred orders packages that share a name: those most cells mean come first.
var preferred = []string{"math/rand/v2", "math/rand", "crypto/rand", "text/template", "html/template", "text/scanner", "go/scanner",
	"runtime/pprof", "net/http/pprof", "runtime/trace", "hash/maphash", "encoding/hex", "net/http/httptest"}

func newPackages(t *toolchain.Types) *packages {
	p := &packages{Types: t, byName: map[string][]string{}, paths: map[string]bool{}}
	for _, im := range t.Packages() {
		p.paths[im.Path] = true
		p.byName[im.Name] = append(p.byName[im.Name], im.Path)
	}
	rank := func(path string) int {
		if i := slices.Index(preferred, path); i >= 0 {
			return i
		}
		return len(preferred) + strings.Count(path, "/")*10 + len(path)/10
	}
	for _, paths := range p.byName {
		slices.SortFunc(paths, func(a, b string) int { return rank(a) - rank(b) })
	}
	return p
}

func (p *packages) Named(name string) []string { return p.byName[name] }
func (p *packages) Allowed(path string) bool   { return p.paths[path] }

// Eval runs one cell.
func (e *Engine) Eval(ctx context.Context, c session.Cell, out *session.Out) session.Done {
	e.tidier.busy()
	defer e.tidier.idle()
	e.starter.busy()
	defer e.starter.idle(e)
	if e.out != out {
		e.out = out
		writes.Keep()
		e.reserve.fill() // behind Keep: what it gives back may be the cells'
	}
	rt.Line = out.Line()
	patched.NextRun()
	if e.restored { // what was lost is told once
		e.restored = false
		if b, err := json.Marshal(record{Lost: true}); err == nil {
			out.Record(c.ID, b)
		}
	}
	done := session.Done{Cell: c.ID, OK: true}
	e.outputs.repair()
	e.texts.set(c.N, strings.ReplaceAll(c.Code, "\r\n", "\n"))
	r := e.newRun(ctx, c)
	e.setRunning(r)
	defer e.setRunning(nil)
	x := &execution{e: e, run: r, ctx: ctx, cell: c, done: &done}
	defer x.over()
	x.segments(cell.Segments(c.Code))
	for name, code := range c.Expressions {
		if done.Expressions == nil {
			done.Expressions = map[string]session.Expression{}
		}
		done.Expressions[name] = e.expression(ctx, c, code, done.OK)
	}
	return done
}

// texts are cells' codes by number, for tracebacks. Goroutines that outlived their cell read them too.
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

func (t *texts) of(n int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[n]
}

func (e *Engine) setRunning(r *run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running = r
}

// execution is one cell being run.
type execution struct {
	e      *Engine
	run    *run   // of the piece of Go code at hand
	past   []*run // of earlier pieces: magics cut a cell into several
	ctx    context.Context
	cell   session.Cell
	done   *session.Done
	exited bool     // os.Exit(0) has ended the cell
	quiet  bool     // nothing is shown: a user expression
	left   []func() // show what is still running when the cell's contexts have ended
}

// over says that what goroutines of the cell write from now on comes late, ends the cell's contexts, and shows what is still running then.
func (x *execution) over() {
	for _, r := range append(x.past, x.run) {
		r.end()
	}
	for _, show := range x.left {
		show()
	}
}

func (x *execution) failed(f *failure) {
	x.done.OK = false
	x.done.Interrupted = x.done.Interrupted || f.interrupted
	if !x.quiet {
		x.e.out.Emit(f.event(x.e, x.cell.ID))
	}
}

// segments runs the pieces of a cell. Nothing of it runs when some of it is no Go or no magic.
func (x *execution) segments(segs []cell.Segment) {
	if !x.acceptable(segs) {
		return
	}
	for _, s := range segs {
		if !x.done.OK || x.exited || x.ctx.Err() != nil && x.interruptedBetween() {
			return
		}
		switch s.Kind {
		case cell.GoCode:
			x.code(s.Text)
		case cell.ShellLine:
			x.shell(s.Args)
		default:
			x.magic(s)
		}
	}
}

// acceptable refuses a cell of several pieces for what can be known before the first of them runs: the syntax of all its Go code and
// the names of its magics, and the types in the code that only shell commands precede.
func (x *execution) acceptable(segs []cell.Segment) bool {
	if len(segs) < 2 {
		return true
	}
	first := true // no piece before has changed the session
	for _, s := range segs {
		var err error
		switch s.Kind {
		case cell.GoCode:
			if err = cell.Parse(x.cell.N, s.Text); err == nil && first {
				_, err = x.e.session.Check(x.cell.N, s.Text)
			}
			first = false
		case cell.ShellLine:
		default:
			if _, ok := x.lookup(s); !ok {
				return false
			}
			first = false
		}
		if err != nil {
			x.failed(diagnosed(err))
			return false
		}
	}
	return true
}

func (x *execution) interruptedBetween() bool {
	x.failed(&failure{name: "interrupted", value: "the cell was interrupted", interrupted: true})
	return true
}

// code runs Go code: check, choose an engine, run, show.
func (x *execution) code(text string) {
	e := x.e
	if strings.TrimSpace(text) == "" {
		return
	}
	check := e.session.Check
	if e.mode == "yaegi" {
		check = e.session.CheckAnew
	}
	p, err := check(x.cell.N, text)
	if err != nil {
		x.failed(diagnosed(err))
		return
	}
	if p.Empty {
		e.commit(p, text)
		return
	}
	x.past = append(x.past, x.run)
	x.run = e.newRun(x.ctx, x.cell)
	x.run.hideNil = p.HideNil
	var f func()
	switch {
	case e.mode != "compiled" && p.Drive != "" && p.Reuse == 0:
		e.renew(p) // before the interpreter is given its storage
		f, err = e.interp.load(p, text)
		x.done.Engine = "yaegi"
		if errors.Is(err, errUnknownSymbol) && e.mode == "auto" { // the tables lack something: the compiler knows it
			f, err = e.compile(x.run, p, text)
			x.done.Engine = "compiled"
		}
	case e.mode == "yaegi":
		x.failed(&failure{name: "refused", value: p.Refused.String(), lines: cell.Diagnostics{p.Refused}.Render()})
		return
	default:
		f, err = e.compile(x.run, p, text)
		x.done.Engine = "compiled"
	}
	if err != nil {
		x.failed(e.buildFailed(err))
		return
	}
	if x.done.Engine == "compiled" {
		e.renew(p)
	}
	if x.run.ranBy = x.done.Engine; x.run.ranBy == "yaegi" {
		x.run.ranBy = calledByYaegi
	}
	x.notes(append(p.Notices, e.outdated(p)...))
	x.run.captured = p.Captured
	if x.perform(f, p.Tracer); !x.done.OK {
		x.run.unset(p)
		e.abandon(x.run, p)
	}
}

// notes shows the user what a plan does besides.
func (x *execution) notes(notes []string) {
	for _, n := range notes {
		x.e.out.Output(x.cell.ID, session.Stderr, []byte(bold+"note: "+reset+n+"\n"))
	}
}

// perform runs the cell's code under the recorder and shows what came of it, a failure last, where readers look for it. A cell
// that takes the execution tracer itself, by the function tracer, is left alone with it.
func (x *execution) perform(f func(), tracer string) {
	e, r := x.e, x.run
	timeline.SetFiles(r.files())
	plot := e.plot && !x.cell.Silent && !x.quiet
	if plot && tracer != "" {
		x.notes([]string{"no figure: this cell calls " + tracer + ", and the execution tracer serves one at a time"})
	}
	armed := plot && tracer == "" && e.recorder.Arm() == nil
	fail, replace := r.execute(f)
	e.tellLost(r)
	silent := x.beat()
	var exp *timeline.Experiment
	if armed {
		var err error
		if exp, err = e.recorder.Stop(); err != nil {
			e.out.Output(x.cell.ID, session.Stderr, []byte("no figure: "+err.Error()+"\n"))
		}
	}
	x.done.Replace = replace
	if exp != nil && replace == "" { // of what failed too: a deadlock is best seen
		exp.Engine = r.ranBy
		x.figure(exp)
		if exp.Benchmark {
			x.notes([]string{"a benchmark of package testing ran while this cell was recorded, which slows hand-overs between goroutines " +
				"up to three times: run it in a cell of its own, or use lab.Bench"})
		}
	}
	silent()
	if fail != nil && fail.fine {
		x.exited = true
		return
	}
	if fail != nil {
		if exp != nil && len(fail.left) == 0 { // otherwise it tells them
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
		x.result(values)
	}
	if exp != nil || armed { // measured code may have started some
		x.left = append(x.left, func() { x.leftBehind(r, exp) })
	}
	if x.quiet {
		r.values, r.shown = values, shown
	}
	if x.ctx.Err() != nil { // whoever interrupts is told what became of it
		x.failed(&failure{name: "interrupted", value: "the cell was interrupted when its code had ended, while what it shows was made", interrupted: true})
	}
}

// beat says again and again that the process is alive while it makes the figure: of very many goroutines that takes seconds, in
// which an interrupt must not replace the session. It returns what stops it.
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

// beatsMost is for how many half seconds.
const beatsMost = 120

// expression evaluates one of Jupyter's user expressions. Its failure is its own.
func (e *Engine) expression(ctx context.Context, c session.Cell, code string, ok bool) session.Expression {
	if !ok {
		return session.Expression{Failed: &session.Failed{Name: "skipped", Value: "the cell failed", Traceback: []string{}}}
	}
	sub := c
	sub.Code = code
	r := e.newRun(ctx, sub)
	done := session.Done{OK: true}
	x := &execution{e: e, run: r, ctx: ctx, cell: sub, done: &done, quiet: true}
	var fail *failure
	p, err := e.session.Check(c.N, code)
	var f func()
	if err != nil {
		fail = diagnosed(err)
	} else if f, err = e.load(r, p, code); err != nil {
		fail = e.buildFailed(err)
	} else if fail, _ = r.execute(f); fail != nil {
		r.unset(p)
	}
	r.end()
	if fail != nil && !fail.fine {
		ev := fail.event(e, 0)
		return session.Expression{Failed: &ev}
	}
	var shown session.Expression
	x.showing(func() { shown.Data, shown.Metadata, _ = x.bundle(r.values) })
	return shown
}

// load prepares a plan in whichever engine may run it.
func (e *Engine) load(r *run, p *cell.Plan, text string) (func(), error) {
	if p.Empty {
		e.commit(p, text)
		return func() {}, nil
	}
	if p.Drive != "" && p.Reuse == 0 && e.mode != "compiled" {
		if f, err := e.interp.load(p, text); !errors.Is(err, errUnknownSymbol) || e.mode == "yaegi" {
			return f, err
		}
	}
	if e.mode == "yaegi" {
		return nil, cell.Diagnostics{p.Refused}
	}
	return e.compile(r, p, text)
}

func diagnosed(err error) *failure {
	var ds cell.Diagnostics
	if errors.As(err, &ds) && len(ds) > 0 {
		return &failure{name: ds[0].Kind, value: ds.Error(), lines: ds.Render()}
	}
	return &failure{name: "internal error", value: err.Error()}
}

func (e *Engine) buildFailed(err error) *failure {
	var ds cell.Diagnostics
	if errors.As(err, &ds) {
		return diagnosed(err)
	}
	var none *toolchain.NoPluginsError
	var stale *toolchain.StaleError
	var machine *toolchain.MachineError
	if errors.As(err, &none) || errors.As(err, &stale) || errors.As(err, &machine) {
		return &failure{name: "cannot compile", value: err.Error()}
	}
	if errors.Is(err, session.ErrInterrupted) || errors.Is(err, session.ErrShutdown) {
		return &failure{name: "interrupted", value: "the cell was interrupted: it was being compiled", interrupted: true}
	}
	return &failure{name: "internal error", value: "the front end wrote code that does not build. This is a bug of Interleave; please report it with the cell.\n" + cell.Clean(err.Error())}
}

// A record is what brings a cell's declarations back in a new process.
type record struct {
	N       int
	Package int
	Code    string
	Plugin  string // empty when the interpreter ran the cell
	Mode    string
	Plot    bool
	Amends  cell.Amends
	Forget  []string `json:",omitempty"` // instead of Code: names to forget
	Narrow  bool     `json:",omitempty"` // figures for a phone
	Setting bool     `json:",omitempty"` // only the mode changed
	Reset   bool     `json:",omitempty"` // everything before is forgotten
	Lost    bool     `json:",omitempty"` // the variables declared before went with an earlier process
}

// commit makes a cell of which nothing was compiled part of the session, and of the next process's.
func (e *Engine) commit(p *cell.Plan, text string) {
	p.Commit(false)
	if p.Lasting {
		e.record(p, text, "")
	}
}

func (e *Engine) record(p *cell.Plan, text, plugin string) {
	b, err := json.Marshal(record{N: p.N, Package: p.Package, Code: text, Plugin: plugin, Mode: e.mode, Plot: e.plot, Narrow: e.narrow, Forget: p.Forget, Amends: p.Amended})
	if err != nil {
		return
	}
	e.out.Record(e.runningID(), b)
}

func (e *Engine) runningID() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running != nil {
		return e.running.id
	}
	return 0
}

// Restore declares again what an earlier process had declared. Its variables are gone.
func (e *Engine) Restore(records [][]byte) (lost, failed []string) {
	e.starter.busy()
	defer e.starter.idle(e)
	for _, b := range records {
		var rec record
		if err := json.Unmarshal(b, &rec); err != nil {
			failed = append(failed, "a record that cannot be read: "+err.Error())
			continue
		}
		if rec.Lost {
			e.session.Lose()
			continue
		}
		e.texts.set(rec.N, rec.Code)
		e.mode, e.plot, e.narrow = rec.Mode, rec.Plot, rec.Narrow
		if rec.Reset {
			e.forget()
		}
		if rec.Setting || rec.Reset {
			continue
		}
		e.session.Next(rec.Package)
		p, err := e.plan(rec)
		if err != nil {
			failed = append(failed, fmt.Sprintf("cell[%d]: %v", rec.N, err))
			continue
		}
		if rec.Plugin != "" && p.Reuse == 0 {
			if _, err := e.plugin(context.Background(), p); err != nil {
				failed = append(failed, fmt.Sprintf("cell[%d]: %v", rec.N, err))
				continue
			}
			c := rt.Lookup(p.Package)
			if !e.plain {
				c.Patch()
			}
			c.Over()
		}
		p.Commit(rec.Plugin != "")
		if rec.Plugin == "" {
			e.interp.declare(p)
		}
	}
	e.restored = true
	return e.session.Lose(), failed
}

// plan checks what a record holds.
func (e *Engine) plan(rec record) (p *cell.Plan, err error) {
	if len(rec.Forget) > 0 {
		p, err = e.session.Forget(rec.N, rec.Forget)
	} else {
		p, err = e.session.Check(rec.N, rec.Code)
	}
	if err != nil || p.Reuse != 0 {
		return p, err
	}
	if other, err := p.Amend(rec.Amends); other != nil || err != nil {
		return other, err
	}
	return p, nil
}

// forget drops everything that was declared.
func (e *Engine) forget() {
	e.session = e.session.Fresh()
	e.interp = newInterp(e)
}
