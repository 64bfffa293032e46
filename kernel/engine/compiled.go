package engine

import (
	"context"
	"errors"
	"fmt"
	"plugin"

	"interleave/kernel/cell"
	"interleave/kernel/engine/rt"
	"interleave/kernel/load"
	"interleave/kernel/toolchain"
)

// compile builds a checked cell, loads it and makes it part of the session. The returned function runs its statements. A cell whose every
// name still means what it meant runs again without being built.
func (e *Engine) compile(r *run, p *cell.Plan, text string) (func(), error) {
	if p.Reuse != 0 {
		c := rt.Lookup(p.Reuse)
		if c == nil {
			return nil, fmt.Errorf("cell %d is not loaded", p.Reuse)
		}
		r.shift = map[int]int{p.ReuseN: p.N}
		p.Commit(true)
		return c.Run, nil
	}
	if e.noTools != nil {
		return nil, e.noTools
	}
	so, err := e.plugin(r.asked, p)
	if noFiles(err) && e.reserve.free() {
		so, err = e.plugin(r.asked, p)
		e.reserve.fill()
	}
	if err != nil {
		return nil, err
	}
	p.Commit(true)
	e.record(p, text, so)
	c := rt.Lookup(p.Package)
	r.cell = c
	if e.plain {
		return c.Run, nil
	}
	return func() {
		c.Patch()
		c.Run()
	}, nil
}

// plugin builds a cell and loads it. Where definitions of the cell must not take the place of earlier ones, the plan becomes another.
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
		other, err := p.Amend(a)
		if err == nil && other == nil {
			err = fmt.Errorf("cell %d cannot be amended: %v", p.N, a)
		}
		if err != nil {
			return "", err
		}
		*p = *other
	}
	if err == nil && e.plain {
		err = e.redirect(p)
	}
	return so, err
}

// build makes what the process loads of a cell, or finds it where an earlier process has made it.
func (e *Engine) build(ctx context.Context, p *cell.Plan) (so string, err error) {
	return e.tools.Build(ctx, toolchain.Package{
		Name: fmt.Sprintf("c%d", p.Package), Source: []byte(p.Code), Imports: p.Imports, WorkDir: e.cfg.WorkDir,
	})
}

// open loads what build has made.
func (e *Engine) open(p *cell.Plan, so string) error {
	e.facts.forwards, e.facts.looks = p.Forwards, p.Amended.Looks
	for _, m := range p.Moves {
		rt.Move(m.Name, m.From, m.To)
	}
	if err := e.link(fmt.Sprint(cell.PackagePrefix, p.Package), so); err != nil {
		return fmt.Errorf("load cell %d: %w", p.N, err)
	}
	e.opened++
	if rt.Lookup(p.Package) == nil {
		return fmt.Errorf("load cell %d: its package did not register itself", p.N)
	}
	return nil
}

// link loads what Build has made into the process.
func (e *Engine) link(path, file string) error {
	if e.tools.Index() == "" {
		_, err := plugin.Open(file)
		return err
	}
	if e.loader == nil {
		c := load.Config{Index: e.tools.Index(), Archive: func(path string) (string, error) {
			return e.tools.Archive(context.Background(), e.cfg.WorkDir, path)
		}}
		if e.plain {
			c.Check, c.Added, c.Instead = e.check, e.added, e.instead
		}
		l, err := load.Open(c)
		if err != nil {
			return err
		}
		e.loader = l
	}
	return e.loader.Load(path, file)
}
