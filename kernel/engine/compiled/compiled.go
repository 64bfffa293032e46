// Package compiled runs cells as machine code: it builds their packages, loads them into the process, and
// makes later definitions replace earlier ones. It must not know how a cell's code is watched, stopped or
// shown.
package compiled

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"plugin"
	"sync"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/engine/backend"
	"interleave/kernel/engine/rt"
	"interleave/kernel/load"
	"interleave/kernel/toolchain"
)

// A Config configures an Engine.
type Config struct {
	Tools   *toolchain.Toolchain
	Missing error  // why cells cannot be compiled, or nil
	WorkDir string // where cells are built
	Plain   bool   // code of cells has no gates: later definitions are written over the entries of earlier ones
	// Checking is held while types are checked.
	Checking sync.Locker
	Log      *slog.Logger
	// InBodies counts the goroutines in each of some bodies of code; more reports that it has examined only some
	// goroutines.
	InBodies func([]cell.Stale) (counts []int, more bool)
}

// An Engine is the backend that compiles.
type Engine struct {
	Config
	loader *load.Loader // nil until a cell is linked into the process
	opened int
	facts  facts
	shared shared
	inits  inits
}

// New returns an engine that has loaded nothing.
func New(c Config) *Engine { return &Engine{Config: c} }

// Mode returns [backend.Compiled].
func (e *Engine) Mode() backend.Mode { return backend.Compiled }

// Opened returns the number of compiled cells in this process.
func (e *Engine) Opened() int { return e.opened }

// Load builds a checked cell and loads it. A cell in which every name still has the same meaning runs again
// without being built.
func (e *Engine) Load(ctx context.Context, p *cell.Plan) (*backend.Program, error) {
	if p.Reuse != 0 {
		c := rt.Lookup(p.Reuse)
		if c == nil {
			return nil, fmt.Errorf("cell %d is not loaded", p.Reuse)
		}
		return &backend.Program{Run: c.Run, Shift: map[int]int{p.ReuseN: p.N}}, nil
	}
	if e.Missing != nil {
		return nil, e.Missing
	}
	file, err := e.plugin(ctx, p)
	if err != nil {
		return nil, err
	}
	c := rt.Lookup(p.Package)
	run := c.Run
	if !e.Plain {
		run = func() {
			c.Patch()
			c.Run()
		}
	}
	return &backend.Program{Run: run, Cell: c, File: file}, nil
}

// plugin builds a cell and loads it. If definitions of the cell must not replace earlier ones, it amends the
// plan.
func (e *Engine) plugin(ctx context.Context, p *cell.Plan) (so string, err error) {
	for {
		if so, err = e.build(ctx, p); err != nil {
			return "", err
		}
		a := cell.Amends{Cut: e.unfit(p)}
		if len(a.Cut) == 0 {
			var loose *looseError
			if err = e.open(p, so); !errors.As(err, &loose) {
				break
			}
			a.Looks = loose.places
		}
		e.Checking.Lock()
		other, err := p.Amend(a)
		e.Checking.Unlock()
		if err == nil && other == nil {
			err = fmt.Errorf("cell %d cannot be amended: %v", p.N, a)
		}
		if err != nil {
			return "", err
		}
		*p = *other
	}
	if err == nil && e.Plain {
		err = e.redirect(p)
	}
	return so, err
}

// Extra builds a package that is not a cell's, and loads it.
func (e *Engine) Extra(ctx context.Context, name, source string, imports []string) error {
	if e.Missing != nil {
		return e.Missing
	}
	file, err := e.Tools.Build(ctx, toolchain.Package{Name: name, Source: []byte(source), Imports: imports, WorkDir: e.WorkDir})
	if err != nil {
		return err
	}
	return e.link(load.CellPrefix+name, file)
}

// build makes the file of a cell that the process loads, or finds it if an earlier process has made it.
func (e *Engine) build(ctx context.Context, p *cell.Plan) (so string, err error) {
	return e.Tools.Build(ctx, toolchain.Package{
		Name: fmt.Sprintf("c%d", p.Package), Source: []byte(p.Code), Imports: p.Imports, WorkDir: e.WorkDir,
	})
}

// open loads the file that build has made.
func (e *Engine) open(p *cell.Plan, so string) error {
	e.facts.forwards, e.facts.looks = p.Forwards, p.Amended.Looks
	for _, m := range p.Moves {
		rt.Move(m.Name, m.From, m.To)
	}
	path := fmt.Sprint(names.PackagePrefix, p.Package)
	if err := e.link(path, so); err != nil {
		return fmt.Errorf("load cell %d: %w", p.N, err)
	}
	e.shared.extras(path, p.Moves, e.instead(path))
	e.opened++
	if rt.Lookup(p.Package) == nil {
		return fmt.Errorf("load cell %d: its package did not register itself", p.N)
	}
	return nil
}

// link loads the file that Build has made into the process.
func (e *Engine) link(path, file string) error {
	if e.Tools.Index() == "" {
		_, err := plugin.Open(file)
		return err
	}
	if e.loader == nil {
		c := load.Config{Index: e.Tools.Index(), Archive: func(path string) (string, error) {
			return e.Tools.Archive(context.Background(), e.WorkDir, path)
		}, Packages: func() []string { return e.Tools.ModulePaths(e.WorkDir) }}
		if e.Plain {
			c.Check, c.Added, c.Instead = e.check, e.added, e.instead
		}
		l, err := load.Open(c)
		if err != nil {
			return err
		}
		e.loader = l
		e.shared.mu.Lock()
		e.shared.loader = l
		e.shared.mu.Unlock()
	}
	return e.loader.Load(path, file)
}
