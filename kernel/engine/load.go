package engine

import (
	"errors"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/cell/source"
	"interleave/kernel/engine/backend"
	"interleave/kernel/load"
	"interleave/kernel/session"
	"interleave/kernel/toolchain"
)

// backends returns the backends that may run cells now, in the order in which they are asked.
func (e *Engine) backends() (list []backend.Backend) {
	for _, b := range []backend.Backend{e.interp, e.compiled} {
		if e.mode == backend.Auto || e.mode == b.Mode() {
			list = append(list, b)
		}
	}
	return list
}

// check checks a piece of a cell. If the compiler may not run, it does not reuse an earlier compiled cell of
// the same text.
func (e *Engine) check(n int, text string) (*cell.Plan, error) {
	e.checking.Lock()
	defer e.checking.Unlock()
	if e.mode == backend.Yaegi {
		return e.scope.CheckAnew(n, text)
	}
	return e.scope.Check(n, text)
}

// load makes a plan ready to run in the first backend that can run it, and makes the cell part of the
// session. This is the only place where an engine is chosen.
func (e *Engine) load(r *run, p *cell.Plan, text string) (f func(), by backend.Mode, err error) {
	if p.Empty {
		e.commit(p, text)
		return func() {}, backend.Auto, nil
	}
	e.expectWorkers(p)
	for _, b := range e.backends() {
		by = b.Mode()
		if by == backend.Yaegi && p.Drive != "" { // before the interpreter gets its storage
			e.renew(p)
		}
		var prog *backend.Program
		prog, err = b.Load(r.asked, p)
		if noFiles(err) && e.reserve.free() {
			prog, err = b.Load(r.asked, p)
			e.reserve.fill()
		}
		switch {
		case errors.Is(err, backend.ErrElsewhere):
			continue
		case err != nil:
			return nil, by, err
		}
		if run := prog.Run; e.compiled.Pending() {
			prog.Run = func() {
				e.compiled.Initialise()
				run()
			}
		}
		r.cell, r.shift = prog.Cell, prog.Shift
		e.keepLiterals(p)
		if by == backend.Compiled {
			p.Commit(true)
			if prog.File != "" {
				e.record(p, text, prog.File)
			}
			e.renew(p)
			r.ranBy = by.String()
		} else {
			e.commit(p, text)
			r.ranBy = calledByYaegi
		}
		e.look()
		e.provide(p)
		return prog.Run, by, nil
	}
	if p.Drive == "" {
		return nil, by, source.Diagnostics{p.Refused}
	}
	return nil, by, source.Diagnostics{{Cell: p.N, Kind: source.Refused, Message: err.Error(),
		Hint: "Use %engine auto (or compiled) for this cell"}}
}

// home returns the package of the cell that has a type, function or constant of the session.
func (e *Engine) home(name string) (serial int, ok bool) { return e.scope.Home(name) }

func diagnosed(err error) *failure {
	var ds source.Diagnostics
	if errors.As(err, &ds) && len(ds) > 0 {
		return &failure{name: ds[0].Kind, value: ds.Error(), lines: ds.Render()}
	}
	return &failure{name: session.FailureInternal, value: err.Error()}
}

func (e *Engine) buildFailed(err error) *failure {
	var ds source.Diagnostics
	if errors.As(err, &ds) {
		return diagnosed(err)
	}
	var none *toolchain.NoPluginsError
	var stale *toolchain.StaleError
	var machine *toolchain.MachineError
	var refused *load.RefusedError
	if errors.As(err, &refused) {
		return &failure{name: session.FailureCompile, value: refused.Error()}
	}
	if errors.As(err, &none) || errors.As(err, &stale) || errors.As(err, &machine) {
		return &failure{name: session.FailureCompile, value: err.Error()}
	}
	if errors.Is(err, session.ErrInterrupted) || errors.Is(err, session.ErrShutdown) {
		return &failure{name: session.FailureInterrupted, value: "the cell was interrupted: it was being compiled", interrupted: true}
	}
	return &failure{name: session.FailureInternal,
		value: "the front end wrote code that does not build. This is a bug of Interleave; please report it with the cell.\n" +
			names.Clean(err.Error())}
}
