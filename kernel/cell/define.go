package cell

import (
	"go/ast"
	"maps"
	"slices"
	"strings"

	"interleave/kernel/cell/source"
)

// An outline lists declarations by name: of earlier cells, and of the cell that is being checked. Each step
// has its own.
type outline struct {
	old     map[string]*unit // the session's names before this cell
	kept    []*unit          // units of earlier cells that stay, or are built again
	gone    map[*unit]bool   // those of kept that turned out not to stay
	news    []*unit          // declared by this cell, without those that the session has with the same text
	added   map[string]*unit // the names of news
	same    map[*unit]*unit  // kept unit → the cell's own of the same text
	changed map[string]bool  // names whose users must be checked again
	reset   map[string]bool  // types and constants that have changed
	dropped []*unit          // variables of types that are no longer declared
}

// clone returns an outline that can be changed.
func (o *outline) clone() outline {
	return outline{
		old: maps.Clone(o.old), kept: slices.Clone(o.kept), gone: maps.Clone(o.gone), news: slices.Clone(o.news),
		added: maps.Clone(o.added), same: maps.Clone(o.same), changed: maps.Clone(o.changed), reset: maps.Clone(o.reset),
		dropped: slices.Clone(o.dropped),
	}
}

// A definition is a cell's text with its names bound: its declarations, and the units of the session that
// they replace. Types are not known yet.
type definition struct {
	s       *Scope
	src     *source.Source
	named   map[string]string // imports of this cell
	newDots []string
	bind    *binder

	body  []ast.Stmt
	vars  []*ast.Ident
	decls []*ast.GenDecl // of body, variables that are initialised before the statements
	after []ast.Stmt     // of body, the statements that run from top to bottom
	last  ast.Expr
	main  bool // run func main after the statements

	outline
	replaced map[*unit]*unit // new function or method → the one it replaces
	revived  map[*unit]bool  // units that were set aside before and are tried again

	relative bool               // its text means other results of cells each time
	refused  source.Diagnostics // results that it mentions and that there are not

	cut   map[string]bool // keys of functions and methods that calls compiled earlier must not reach
	looks map[string]bool // lines of loops that poll the stop flag
}

// define finds the cell's declarations and the units of the session that they replace.
func (s *Scope) define(src *source.Source, named map[string]string, dots []string, a Amends) *definition {
	units, body, vars := unitsOf(src)
	d := &definition{s: s, src: src, named: named, newDots: dots, body: body, vars: vars, replaced: map[*unit]*unit{},
		revived: map[*unit]bool{}}
	d.outline = outline{
		old: s.live(), kept: slices.Clone(s.units), gone: map[*unit]bool{}, added: map[string]*unit{},
		same:    map[*unit]*unit{},
		changed: map[string]bool{}, reset: map[string]bool{},
	}
	d.amend(a)
	for _, u := range units {
		u.plain = s.Plain && u.canBePlain()
	}
	d.bindNames(units)
	d.match(units)
	for _, u := range d.news {
		d.replace(u)
	}
	for name := range named { // an import takes its name back from a variable
		if o := d.old[name]; o != nil && d.added[name] == nil && !d.gone[o] {
			d.drop(o, name)
		}
	}
	d.revive()
	calls := slices.ContainsFunc(src.Free, func(id *ast.Ident) bool { return id.Name == "main" })
	for _, u := range units {
		if u.kind == funcUnit && u.names[0] == "main" {
			d.main = (src.Package == "main" || !src.Program && len(d.after) == 0) && !calls
		}
	}
	if k := len(body); k > 0 {
		if e, ok := unlabel(body[k-1]).(*ast.ExprStmt); ok {
			d.last = e.X
		}
	}
	return d
}

// bindNames decides the meaning of names that the cell's text leaves open, and the order in which its
// variables are initialised.
func (d *definition) bindNames(units []*unit) {
	s, src := d.s, d.src
	d.bind = &binder{pkgs: s.pkgs, imports: map[string]string{}, spelled: src.Spelled, paths: map[string]bool{},
		aliased: s.aliased,
		absent:  map[string]bool{}, earlier: map[string]bool{}, shadowed: map[string]bool{}}
	for name, path := range s.imports {
		d.bind.imports[name] = s.pkgs.Present(path)
	}
	for name, path := range d.named {
		d.bind.imports[name] = s.pkgs.Present(path)
	}
	for name := range d.old {
		if user, ok := strings.CutPrefix(name, own); ok {
			d.bind.shadowed[user] = true
			name = user
		}
		if d.named[name] == "" {
			d.bind.earlier[name] = true
			delete(d.bind.imports, name)
		}
	}
	d.resultsIn(units)
	d.shadowPredeclared(units)
	d.baseTypes(units)
	hoisted := map[string]bool{} // names that the whole cell can see
	for _, u := range units {
		if u.kind != methodUnit && u.kind != initUnit {
			for _, n := range u.names {
				hoisted[n] = true
			}
		}
	}
	all := maps.Clone(hoisted)
	for _, id := range d.vars {
		all[id.Name] = true
	}
	var funcs, rest []ast.Node
	for _, f := range src.Funcs {
		funcs = append(funcs, f)
	}
	for _, st := range src.Body {
		rest = append(rest, st)
	}
	d.bind.bind(src.Unbound, funcs, all)
	for _, id := range d.vars { // len := len(x) reads Go's own len; later uses are resolved already
		if user, ok := strings.CutPrefix(id.Name, own); ok && d.old[id.Name] == nil && !d.bind.earlier[user] {
			delete(d.bind.shadowed, user)
		}
	}
	d.decls, d.after = d.sequence(d.body)
	maps.Copy(hoisted, d.declNames())
	d.bind.bind(src.Free, rest, hoisted)
}

// match separates the cell's units into new ones and those that the session has with the same text. The
// latter stay, and with them the identity of types.
func (d *definition) match(units []*unit) {
	for _, u := range units {
		if i := slices.IndexFunc(d.kept, func(o *unit) bool {
			return o.kind == u.kind && o.node != nil && o.key() == u.key() && o.text() == u.text() && sameNames(o.node, u.node)
		}); i >= 0 && u.kind != initUnit {
			d.same[d.kept[i]] = u
			continue
		}
		d.news = append(d.news, u)
	}
}

// sameNames reports whether the names in two pieces of syntax with the same text mean the same packages and
// predeclared names.
func sameNames(a, b ast.Node) bool {
	names := func(n ast.Node) (list []string) {
		ast.Inspect(n, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				list = append(list, id.Name)
			}
			return true
		})
		return list
	}
	return slices.Equal(names(a), names(b))
}

// baseTypes makes methods of a type's alias methods of the type.
func (d *definition) baseTypes(units []*unit) {
	named := maps.Clone(d.old)
	for _, u := range units {
		if u.kind == typeUnit {
			named[u.names[0]] = u
		}
	}
	for _, u := range units {
		for range len(named) { // the checker refuses an alias of itself
			t := named[u.recv]
			if u.kind != methodUnit || t == nil {
				break
			}
			spec, ok := t.node.(*ast.TypeSpec)
			if !ok || !spec.Assign.IsValid() {
				break
			}
			u.recv = receiverName(spec.Type)
		}
	}
}

// shadowPredeclared gives names such as len their own spelling when the cell declares them.
func (d *definition) shadowPredeclared(units []*unit) {
	for _, u := range units {
		if u.kind == methodUnit || u.kind == initUnit {
			continue
		}
		for i, n := range u.names {
			if !predeclaredNames[n] {
				continue
			}
			d.bind.shadowed[n] = true
			u.names[i] = shadow(n)
			switch x := u.node.(type) {
			case *ast.FuncDecl:
				d.renameAll(x.Name)
			case *ast.TypeSpec:
				d.renameAll(x.Name)
			case *ast.GenDecl:
				for _, sp := range x.Specs {
					for _, id := range sp.(*ast.ValueSpec).Names {
						if id.Name == n {
							d.renameAll(id)
						}
					}
				}
			}
		}
	}
	for _, id := range d.vars {
		if predeclaredNames[id.Name] {
			d.bind.shadowed[id.Name] = true
			d.renameAll(id)
		}
	}
}

// renameAll renames an identifier that the cell declares, and all references to it.
func (d *definition) renameAll(decl *ast.Ident) {
	name := shadow(decl.Name)
	look := func(root ast.Node) {
		fields := keysOf(root) // the parser may resolve them to the variable
		ast.Inspect(root, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id != decl && id.Obj != nil && id.Obj == decl.Obj && !fields[id] {
				d.bind.rename(id, name)
			}
			return true
		})
	}
	for _, st := range d.src.Body {
		look(st)
	}
	for _, f := range d.src.Funcs {
		look(f)
	}
	d.bind.rename(decl, name)
}

// drop removes a unit, or one name of it, from the units that stay.
func (o *outline) drop(u *unit, name string) {
	o.changed[name] = true
	if u.kind == constUnit && len(u.names) > 1 {
		cut := u.without(name)
		o.kept[slices.Index(o.kept, u)] = cut
		for _, n := range cut.names {
			o.old[n] = cut
		}
		delete(o.old, name)
		return
	}
	o.gone[u] = true
}

// replace finds the units that a new unit replaces.
func (d *definition) replace(u *unit) {
	switch u.kind {
	case initUnit, blankUnit:
		return
	case methodUnit:
		for _, o := range d.kept {
			if o.kind == methodUnit && o.key() == u.key() {
				d.gone[o] = true
				d.replaced[u] = o
			}
		}
		if t := d.old[u.recv]; t != nil && t.kind == typeUnit && !d.gone[t] && (d.replaced[u] == nil || u.rigid()) {
			d.changed[u.recv] = true
		}
		return
	}
	for _, n := range u.names {
		d.added[n] = u
		o := d.old[n]
		if o == nil || d.gone[o] {
			continue
		}
		if o.kind == funcUnit && u.kind == funcUnit && !o.rigid() && !u.rigid() {
			d.gone[o] = true
			d.replaced[u] = o
			continue
		}
		d.drop(o, n)
		d.reset[n] = true
	}
}
