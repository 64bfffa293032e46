package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"

	"interleave/kernel/cell/names"
)

// A placement is a checked cell with three decisions: which units the session has after it, in which package
// each is, and in which order the cell's code runs.
type placement struct {
	*checked

	final   []*unit          // of the session once the cell is part of it
	units   map[string]*unit // the same by name, without methods
	emitted []*unit          // built in the cell's package
	patched map[*unit]bool   // those that callers reach through an earlier definition

	fresh    map[string]bool // variables that have no value yet
	assigned map[string]bool // variables that the statements set as a whole
	declared []Variable
	moves    []Move

	reach *reacher
	steps []step         // the cell's code in the order in which it runs
	early map[string]int // variables that functions of the cell may read too early, and the lines that give them a value
	sets  []Setting

	closes   map[string]map[string]int // what closures in the statements use, by the variable that holds them
	captured map[string]bool           // what closures use that may run in a goroutine

	remade  map[string]bool // names whose new meaning existing closures cannot see
	notices []string
}

// place decides where everything goes.
func (c *checked) place() *placement {
	p := &placement{checked: c, patched: map[*unit]bool{}, fresh: maps.Clone(c.unset), assigned: c.assigned(),
		units: map[string]*unit{}}
	for _, u := range c.kept {
		p.keep(u)
	}
	for _, u := range c.news {
		if u.kind != blankUnit {
			p.add(u)
		}
	}
	for _, name := range sortedKeys(c.newVars) {
		u := c.newVars[name]
		if !slices.Contains(p.final, u) {
			p.final = append(p.final, u)
		}
		p.declared = append(p.declared, Variable{name, u.home, u.typ})
	}
	for _, u := range p.final {
		if u.kind != methodUnit {
			for _, name := range u.names {
				p.units[name] = u
			}
		}
		if u.lost != "" {
			p.fresh[u.names[0]] = true
		}
	}
	p.reach = c.newReacher(p.units, p.final)
	p.steps = c.stepsOf(p.reach)
	p.early = p.earlyReads()
	for i, st := range p.steps {
		for _, name := range st.sets {
			if p.fresh[name] {
				p.sets = append(p.sets, Setting{name, i + 1})
			}
		}
	}
	p.closes, p.captured = c.closures()
	p.remade = p.remadeNames()
	p.notices = slices.Concat(p.notices, p.staleValues(), p.keptMeanings(), c.unreached(), c.asideNotes(),
		c.bareDurations(), c.noProgram())
	return p
}

// keep places a unit of an earlier cell.
func (p *placement) keep(u *unit) {
	switch {
	case p.gone[u] || p.goneVar(u):
	case p.rebuild[u] != nil:
		r := p.rebuild[u]
		p.final = append(p.final, r)
		if u.kind == varUnit {
			p.keepVariable(u, r)
		} else {
			p.emitted = append(p.emitted, r)
		}
	case p.again[u] != nil:
		a := p.again[u]
		p.final = append(p.final, a)
		p.emitted = append(p.emitted, a)
		p.patched[a] = true
		if a.plain && p.cut[u.key()] {
			p.patched[a] = a.kind == methodUnit
			a.entries = nil
		}
	default:
		p.final = append(p.final, u)
	}
}

// keepVariable gives a variable u whose type is built again its new type, as r, and keeps its value if that
// fits.
func (p *placement) keepVariable(u, r *unit) {
	name := u.names[0]
	if o := p.pkg.Scope().Lookup(name); o != nil {
		r.typ, r.objs, r.uses = o.Type(), []types.Object{o}, typeNames(o.Type())
	}
	switch {
	case !mentions(r.uses, p.reset):
		p.moves = append(p.moves, Move{name, u.home, p.src.Serial})
	case p.redone[u]: // it gets its value here
		p.fresh[name] = true
	default:
		r.lost = lostWithType
		if _, result := names.ResultOf(name); !result && !p.assigned[name] {
			p.notices = append(p.notices,
				fmt.Sprintf("%s lost its value: the definition of its type changed; run cell[%d] again, or assign %[1]s",
					names.Clean(name), u.src.N))
		}
	}
}

// add places a unit of this cell. A function or method replaces an earlier one of the same signature.
func (p *placement) add(u *unit) {
	o := p.replaced[u]
	switch {
	case o == nil || mentions(u.sigUses, p.changed) || o.sig != u.sig:
	case p.takesPlace(u, o):
		if !u.plain || u.kind == methodUnit {
			u.home = o.home
		}
		if u.plain {
			u.body, u.entries, u.derefs, u.values = p.src.Serial, o.entries, o.derefs, o.values
			if p.cut[u.key()] {
				u.entries = nil
			}
		}
		p.patched[u] = true
	case u.plain && o.plain && u.kind == funcUnit && p.cut[u.key()]:
		u.values = o.values
	}
	p.emitted = append(p.emitted, u)
	if u.kind != initUnit {
		p.final = append(p.final, u)
	}
}

// takesPlace reports whether a unit can be reached through the one that it replaces, whose signature it has.
func (p *placement) takesPlace(u, o *unit) bool {
	if u.rigid() || o.rigid() {
		return false
	}
	if u.kind == methodUnit {
		return p.added[u.recv] == nil && !p.changed[u.recv]
	}
	return !p.changed[u.names[0]]
}

func (p *placement) hasInit() bool {
	return slices.ContainsFunc(p.news, func(u *unit) bool { return u.kind == initUnit })
}

// empty reports whether there is nothing to run.
func (p *placement) empty() bool { return len(p.emitted) == 0 && len(p.body) == 0 && !p.main }

// mentioned finds everything that must have the same meaning when the cell's package runs again: the
// session's units by name, the methods that the cell defines, and names with another meaning because the
// session does not have them.
func (p *placement) mentioned() (used map[string]*unit, methods []*unit, absent map[string]bool) {
	used, absent = map[string]*unit{}, maps.Clone(p.bind.absent)
	predeclared := func(o types.Object) {
		if o != nil && o.Pkg() == nil {
			absent[shadow(o.Name())] = true
		}
	}
	for _, f := range p.src.Funcs {
		ast.Inspect(f, func(nd ast.Node) bool {
			if id, ok := nd.(*ast.Ident); ok {
				predeclared(p.info.Uses[id])
			}
			return true
		})
	}
	for _, st := range p.src.Body {
		ast.Inspect(st, func(nd ast.Node) bool {
			id, ok := nd.(*ast.Ident)
			if !ok {
				return true
			}
			for _, o := range []types.Object{p.info.Uses[id], p.info.Defs[id]} {
				switch predeclared(o); {
				case o == nil || o.Pkg() == nil:
				case !isSession(o): // a dot import may have brought it
					absent[o.Name()] = true
				case isGlobal(o) || p.isCellVar(o):
					if u := p.units[o.Name()]; u != nil {
						used[o.Name()] = u
					}
				}
			}
			return true
		})
	}
	for _, f := range p.src.Funcs {
		switch {
		case f.Recv != nil && len(f.Recv.List) > 0:
			for _, u := range p.final {
				if u.kind == methodUnit && u.names[0] == f.Name.Name && u.text() == p.src.Slice(f) {
					methods = append(methods, u)
				}
			}
		case f.Name.Name != "init":
			used[f.Name.Name] = p.units[f.Name.Name]
		}
	}
	for name := range p.added {
		used[name] = p.units[name]
	}
	return used, methods, absent
}
