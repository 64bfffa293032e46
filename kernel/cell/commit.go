package cell

import (
	"maps"
	"slices"
)

// commit makes a cell part of the session, with the facts about the code that was written for it; w is nil if
// no code was. This is the only place where a session changes: all steps before return values of their own.
func (p *placement) commit(plan *Plan, w *emission, compiled bool) {
	s := p.s
	used, methods, absent := p.mentioned()
	aside := p.remaining()
	closeOver(p.final, p.closes, p.whole())
	for i, u := range p.final {
		if u.kind == varUnit && u.lost != "" && p.assigned[u.names[0]] {
			cp := *u
			cp.lost = ""
			p.final[i] = &cp
			if used[u.names[0]] == u {
				used[u.names[0]] = &cp
			}
		}
	}
	if w != nil {
		for u, code := range w.written {
			u.compiled = *code
		}
		if compiled && s.Plain {
			p.commitPlain(w)
		}
	}
	s.units, s.aside = p.final, aside
	if len(p.named) > 0 || len(p.newDots) > 0 {
		s.stamp++
	}
	maps.Copy(s.imports, p.named)
	for name := range p.newVars { // a variable hides an import of its name
		delete(s.imports, name)
	}
	for name := range p.added {
		delete(s.imports, name)
	}
	for _, path := range p.newDots {
		if !slices.Contains(s.dots, path) {
			s.dots = append(s.dots, path)
		}
	}
	if compiled && w != nil && len(p.moves) == 0 && !p.hasInit() && !p.relative {
		s.ran[p.src.Text] = &reusable{n: p.src.N, serial: p.src.Serial, stamp: s.stamp, used: used, methods: methods,
			copies: w.runs, absent: absent,
			vars: plan.Vars, again: plan.Again, captured: p.captured, hideNil: plan.HideNil, tracer: plan.Tracer,
			result: plan.Result, noResult: plan.NoResult}
	}
	s.tidy(p.src)
}

// commitPlain records of which functions plain code holds copies, and where calls that were compiled into it
// arrive.
func (p *placement) commitPlain(w *emission) {
	s, serial := p.s, p.src.Serial
	maps.Copy(s.valued, w.valued)
	for _, u := range s.units {
		if len(u.holds)+len(u.inKept) > 0 && !slices.Contains(p.final, u) {
			s.former = append(s.former, u)
		}
	}
	for _, u := range w.asValues {
		var list []Entry
		if u.values != nil {
			list = *u.values
		}
		list = append(slices.Clone(list), Entry{serial, own + "d_" + u.names[0]})
		u.values = &list
	}
	for _, u := range w.twins {
		list := append(slices.Clone(*u.entries), Entry{serial, twinPrefix + u.names[0]})
		*u.entries = list
	}
	for _, b := range s.bodies {
		if b.src.Text == p.src.Text { // its definitions are made again
			b.keeps, b.inKept = nil, nil
		}
	}
	if b := w.stmts; len(b.holds)+len(b.static) > 0 {
		s.bodies[serial] = &unit{src: p.src, compiled: b}
	}
}
