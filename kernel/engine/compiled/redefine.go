package compiled

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"interleave/kernel/breaks"
	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/load"
	"interleave/runtime/quantity"
)

// How definitions replace earlier ones in code without gates. This file decides what may be replaced, before
// anything of the cell is loaded; package cell gives the reasons for the rules.

// facts are the compiler's facts about functions of plain cells that other packages can read.
type facts struct {
	params   map[int]map[string]int // by cell and symbol
	known    map[int]map[string]load.Function
	forwards []cell.Forward // of the cell being loaded
	looks    []string       // places in it whose loops poll the stop flag
	code     *breaks.Code   // its own
}

// A looseError lists the loops, of a cell being loaded, that cannot be stopped.
type looseError struct{ places []string }

func (e *looseError) Error() string {
	return "loops that cannot be stopped: " + strings.Join(e.places, ", ")
}

// check is called with an address in the code of a cell that is to be loaded. It refuses the cell if it has
// loops that could be stopped if they polled the stop flag.
func (e *Engine) check(path string, pc uintptr) error {
	e.facts.code = breaks.Read(pc)
	var err looseError
	for _, loop := range e.facts.code.Loose {
		loop = slices.DeleteFunc(loop, func(place string) bool { return !strings.HasPrefix(place, "cell[") })
		switch {
		case len(loop) == 0:
			e.Log.Info("a loop of a package cannot be stopped", "cell", path)
		case !slices.ContainsFunc(loop, func(place string) bool { return slices.Contains(e.facts.looks, place) }):
			err.places = append(err.places, loop...)
		}
	}
	if len(err.places) > 0 {
		return &err
	}
	return nil
}

// added is called before any code of a loaded cell runs.
func (e *Engine) added(path string) {
	breaks.Add(e.facts.code)
	e.shared.calls(path, e.facts.forwards)
	var jumps []breaks.Jump
	for _, f := range e.facts.forwards {
		if f.Body == (cell.Entry{}) || e.Inlined(f.Body) {
			continue
		}
		if from, to := e.loader.Entry(path, f.Code), e.entry(f.Body); from != 0 && to != 0 && breaks.CanJump(from) {
			jumps = append(jumps, breaks.Jump{From: from, To: to})
			e.shared.jumped(from, to)
		}
	}
	if len(jumps) > 0 {
		if err := breaks.Redirect(jumps); err != nil {
			e.Log.Warn("calls of redefined methods take a detour", "cell", path, "error", err)
		}
	}
}

// instead returns the functions that replace others, of the cell being loaded.
func (e *Engine) instead(path string) map[string]string {
	m := map[string]string{}
	for _, f := range e.facts.forwards {
		m[f.Method] = f.Code
	}
	return m
}

// factsOf returns the compiler's facts about a function. ok is false if they are unknown.
func (e *Engine) factsOf(en cell.Entry) (f load.Function, ok bool) {
	all, read := e.facts.known[en.Cell]
	if !read {
		if e.facts.known == nil {
			e.facts.known = map[int]map[string]load.Function{}
		}
		file, err := e.Tools.Archive(context.Background(), e.WorkDir, fmt.Sprint(names.PackagePrefix, en.Cell))
		if err == nil {
			all, err = load.Functions(file, e.facts.params[en.Cell])
		}
		if err != nil {
			e.Log.Warn("cannot read the compiler's facts about functions", "error", err)
		}
		e.facts.known[en.Cell] = all
	}
	f, ok = all[en.Symbol]
	return f, ok
}

// Inlined reports whether callers of a function may have copies of it.
func (e *Engine) Inlined(en cell.Entry) bool {
	f, ok := e.factsOf(en)
	return !ok || f.Inlined
}

// unfit returns the keys of definitions that must not replace earlier ones, in a cell that was built and not
// loaded.
func (e *Engine) unfit(p *cell.Plan) (keys []string) {
	if !e.Plain {
		return nil
	}
	if e.facts.params == nil {
		e.facts.params = map[int]map[string]int{}
	}
	e.facts.params[p.Package] = p.Params
	delete(e.facts.known, p.Package)
	for _, j := range p.Jumps {
		if !j.Value && !slices.Contains(keys, j.Key) && !e.fits(j) {
			keys = append(keys, j.Key)
		}
	}
	return keys
}

func (e *Engine) fits(j cell.Jump) bool {
	old, ok := e.factsOf(j.Old)
	now, is := e.factsOf(j.New)
	if j.Circle || !ok || !is || !now.Fits(old) || e.loader == nil {
		return false
	}
	at := e.entry(j.Old)
	return at != 0 && breaks.CanJump(at)
}

// redirect makes calls of earlier definitions lead to those of a loaded cell, and notes the code that
// continues to use the earlier ones.
func (e *Engine) redirect(p *cell.Plan) error {
	p.Notices = append(p.Notices, e.stale(p)...)
	to := map[uintptr]uintptr{} // a method and the function that stands in for it count as one
	for _, j := range p.Jumps {
		from := e.entry(j.Old)
		if j.Value && (from == 0 || !breaks.CanJump(from)) {
			p.Notices = append(p.Notices,
				fmt.Sprintf("values of %s from before this cell still call the old one: create them again", names.Clean(j.Key)))
			continue
		}
		to[from] = e.entry(j.New)
	}
	if len(to) == 0 {
		return nil
	}
	var jumps []breaks.Jump
	for from, to := range to {
		if to == 0 {
			return errors.New("the function that replaces another is missing")
		}
		jumps = append(jumps, breaks.Jump{From: from, To: to})
		e.shared.jumped(from, to)
	}
	return breaks.Redirect(jumps)
}

// entry returns the address of a function of a loaded cell.
func (e *Engine) entry(en cell.Entry) uintptr {
	return e.loader.Entry(fmt.Sprint(names.PackagePrefix, en.Cell), en.Symbol)
}

// symbolOf returns the symbol of a function.
func symbolOf(en cell.Entry) string { return fmt.Sprint(names.PackagePrefix, en.Cell, ".", en.Symbol) }

// stale notes the code that continues to use definitions that a plan replaces: functions that were made
// earlier, and goroutines.
func (e *Engine) stale(p *cell.Plan) (notes []string) {
	for _, s := range p.Stale {
		if len(s.Kept) == 0 {
			continue
		}
		keep := "still call the old " + names.Clean(strings.Join(s.Kept, ", "))
		if s.Function == "" {
			notes = append(notes, fmt.Sprintf("functions created by cell[%d] %s: run it again to create new ones", s.Cell, keep))
		} else {
			notes = append(notes, fmt.Sprintf("functions created by %s (cell[%d]) %s: call it again to create new ones",
				s.Function, s.Cell, keep))
		}
	}
	counts, more := e.InBodies(p.Stale)
	for i, s := range p.Stale {
		if counts[i] == 0 {
			continue
		}
		where, verb, until := fmt.Sprintf("cell[%d]", s.Cell), "run", "they return"
		if s.Function != "" {
			where = fmt.Sprintf("%s (cell[%d])", s.Function, s.Cell)
		}
		if counts[i] == 1 {
			verb, until = "runs", "it returns"
		}
		least := ""
		if more {
			least = "at least "
		}
		notes = append(notes, fmt.Sprintf("%s, %s%s, %s the old %s until %s", where, least,
			quantity.Plural(counts[i], "goroutine"), verb,
			names.Clean(strings.Join(s.Names, ", ")), until))
	}
	return notes
}
