// Package engine runs checked cells inside the session process: it knows both engines, the session's
// variables, panics, interrupts and the display of values. It must not know Jupyter, ZeroMQ or the
// supervisor; package cell knows the language, package session the boundary.
//
// session.Serve drives the Engine. The steps of one cell: its text is cut into segments (source.Segments), Go
// code is checked (cell.Scope.Check), a backend makes the plan ready (package interpreted or compiled;
// load.go chooses), and the code runs on its own goroutine, which a run (run.go) watches and ends (stop.go).
// Its results go to the session's stream of events (show.go).
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"interleave/kernel/breaks"
	"interleave/kernel/cell"
	"interleave/kernel/cell/source"
	"interleave/kernel/engine/backend"
	"interleave/kernel/engine/compiled"
	"interleave/kernel/engine/interpreted"
	"interleave/kernel/engine/rt"
	"interleave/kernel/engine/workers"
	"interleave/kernel/modules"
	"interleave/kernel/session"
	"interleave/kernel/toolchain"
	"interleave/kernel/toolchain/itabs"
	"interleave/kernel/toolchain/patched"
	"interleave/kernel/toolchain/writes"
	"interleave/runtime/host"
	"interleave/runtime/lab"
	"interleave/runtime/timeline"
)

// A Config configures an Engine.
type Config struct {
	Toolchain string // directory made by toolchain.Prepare
	WorkDir   string // where cells are built; survives the session process, not the kernel
	// how code of cells is written: "gated", or, where possible, "plain"; "" is like "plain", but logs no
	// warning where plain code is impossible
	Code string
	Pins string // versions of modules, as %get -pin takes them
	Log  *slog.Logger
}

// An Engine is the session's evaluator. Calls of Eval and Restore never overlap; Complete and Inspect may be
// called at any time.
type Engine struct {
	cfg        Config
	tools      *toolchain.Toolchain
	plain      bool // code of cells has no gates, and package breaks stops it
	packages   *packages
	modules    *modules.Session
	scope      *cell.Scope
	view       atomic.Pointer[cell.View] // what scope declares, for questions
	checking   sync.Mutex                // held by who checks types: to import a package changes those that it mentions
	compiled   *compiled.Engine
	interp     *interpreted.Engine
	recorder   timeline.Recorder
	keeper     *keeper
	files      atomic.Pointer[map[string]string] // the present names of files of cells
	out        *session.Out
	texts      texts
	outputs    outputs
	stdin      stdin
	results    results
	unawaited  unawaited
	tidier     tidier
	reserve    reserve
	shower     atomic.Pointer[shower] // shows the values that a cell has left; nil while code runs
	mode       backend.Mode
	plot       bool
	lastFolder string // for %cd -
	tableCount int    // packages with symbols of modules that were written
	narrow     bool   // figures are drawn for a phone
	restored   bool   // no cell has run since Restore

	captured  atomic.Pointer[captured] // what display.Capture returns
	literals  sync.Map                 // number of a cell → []cell.Literal
	workers   *workers.Session
	abandoned []abandoned
	starter   starter

	commOut atomic.Pointer[session.Out] // where comms write; they may be there before the first cell

	mu      sync.Mutex
	running *run
	beside  map[*run]context.CancelCauseFunc // runs of callbacks
}

// New returns an engine. Without a toolchain that can build plugins, cells that need the compiler are refused
// with the reason; everything else works.
func New(cfg Config) (*Engine, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{cfg: cfg, plot: true, keeper: newKeeper()}
	var missing error // why cells cannot be compiled
	tools, err := toolchain.Open(cfg.Toolchain)
	var stale *toolchain.StaleError
	var none *toolchain.NoPluginsError
	switch {
	case errors.As(err, &stale), errors.As(err, &none):
		missing = err
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
	e.modules = modules.New(modules.Config{Tools: tools, WorkDir: cfg.WorkDir, Kernel: hostModules()})
	if err := e.pin(cfg.Pins); err != nil {
		cfg.Log.Warn("versions of modules", "error", err)
	}
	e.packages = newPackages(types, tools, e.modules)
	e.scope = cell.New(e.packages)
	e.plain = cfg.Code != "gated" && tools.Plain() && breaks.Available()
	if cfg.Code == "plain" && !e.plain {
		cfg.Log.Warn("cells are compiled to gated code: plain code needs Linux on amd64, "+
			"linking in memory, and a self-test that passes", "self-test", tools.NotPlain())
	}
	e.compiled = compiled.New(compiled.Config{Tools: tools, Missing: missing, WorkDir: cfg.WorkDir, Plain: e.plain, Checking: &e.checking,
		Log: cfg.Log, InBodies: e.inBodies})
	e.scope.Plain, e.scope.Inlined = e.plain, e.compiled.Inlined
	e.look()
	e.interp = interpreted.New(e.home, e.moduleTable)
	rt.SetHooks(e.hooks())
	lab.OnPanic(e.onPanic)
	e.workers = &workers.Session{Source: e.compiled, Worker: e.worker, Missing: e.noWorkers(), Captured: e.capturedIn, Note: e.noteOnce}
	host.Set(e.host())
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
	freshArguments()
	return e, nil
}

// host is what the libraries of cells ask of the program that runs them.
func (e *Engine) host() host.Host {
	return host.Host{
		Show: e.display,
		Ask:  e.ask,
		Call: e.callMethods,
		Comm: e.sendComm,
		Offers: func(target string) bool {
			t := current()
			return t != nil && slices.Contains(t.run.targets, target)
		},
		Callback: e.callback,
		Engine:   ranBy,
		Doubt:    e.doubt,
		Places:   e.places,
		Files: func() map[string]string {
			if names := e.files.Load(); names != nil {
				return *names
			}
			return nil
		},
		Origin:   cellAt,
		Carry:    e.guard,
		Outside:  e.keeper.do,
		Writer:   e.writer,
		Captured: e.takeCaptured,
		Code:     e.workers,
		Expect: func(yes bool) {
			if yes {
				setCellGoHook(timeline.Started)
			} else {
				setCellGoHook(nil)
			}
		},
	}
}

// Eval runs one cell.
func (e *Engine) Eval(ctx context.Context, c session.Cell, out *session.Out) session.Done {
	e.tidier.busy()
	defer e.tidier.idle()
	e.starter.busy()
	defer e.starter.idle(e)
	if e.out != out {
		e.out = out
		e.commOut.Store(out)
		writes.Keep()
		e.reserve.fill() // after Keep: cells may use descriptors that the reserve frees
	}
	rt.Line = out.Line()
	patched.NextRun()
	freshArguments()
	if e.restored { // report losses once
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
	defer x.end()
	defer x.unread()
	defer e.look()
	x.refresh()
	x.segments(source.Segments(c.Code))
	for name, code := range c.Expressions {
		if done.Expressions == nil {
			done.Expressions = map[string]session.Expression{}
		}
		done.Expressions[name] = e.expression(ctx, c, code, done.OK)
	}
	return done
}

func (e *Engine) setRunning(r *run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running = r
}
