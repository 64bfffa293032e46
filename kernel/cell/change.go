package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// A change is one cell on its way into the session. Nothing of the session is altered by it before commit.
type change struct {
	s       *Session
	src     *source
	named   map[string]string // imports of this cell
	newDots []string
	bind    *binder

	news  []*unit // declared by this cell, but for those that are there already with the same text
	body  []ast.Stmt
	vars  []*ast.Ident
	decls []*ast.GenDecl // of body, variables that are initialised before the statements
	after []ast.Stmt     // of body, the statements that run from top to bottom
	last  ast.Expr
	main  bool // run func main after the statements

	old      map[string]*unit // the session's names before this cell
	kept     []*unit          // units that go on, perhaps built again
	gone     map[*unit]bool
	added    map[string]*unit // names that this cell declares, without variables
	replaced map[*unit]*unit  // new function or method → the one it replaces
	changed  map[string]bool  // names whose users must be looked at again
	reset    map[string]bool  // types and constants that are not what they were

	same    map[*unit]*unit       // kept unit → the cell's own of the same text
	aside   []*unit               // kept units that no longer fit
	why     map[*unit]*Diagnostic // … and the reasons
	dropped []*unit               // variables of types that no longer fit
	revived map[*unit]bool        // units that were set aside before and are tried again

	cut    map[string]bool // keys of functions and methods that calls compiled earlier must not reach
	looks  map[string]bool // lines of loops that look at the stop flag
	copied map[string]bool // keys of those of which callers may hold copies, and which are built again

	rebuild map[*unit]*unit // built again in this cell's package, with a new identity
	again   map[*unit]*unit // functions whose body alone is compiled again; their home stays
	newVars map[string]*unit
	goesOn  map[*unit]bool  // variables that the statements declare again as they are
	fresh   map[string]bool // names that the statements declare and that have no value yet

	info *types.Info
	pkg  *types.Package
}

// define finds what the cell declares and which units of the session that replaces.
func (c *change) define() {
	s, src := c.s, c.src
	units, body, vars := src.units()
	c.body, c.vars, c.old = body, vars, s.live()
	for _, u := range units {
		u.plain = s.Plain && u.canBePlain()
	}

	c.bind = &binder{pkgs: s.pkgs, imports: maps.Clone(s.imports), spelled: s.spelled, paths: map[string]bool{}, aliased: s.aliased, absent: map[string]bool{},
		earlier: map[string]bool{}, shadowed: map[string]bool{}}
	maps.Copy(c.bind.imports, c.named)
	for name := range c.old {
		if user, ok := strings.CutPrefix(name, own); ok {
			c.bind.shadowed[user] = true
			name = user
		}
		if c.named[name] == "" {
			c.bind.earlier[name] = true
			delete(c.bind.imports, name)
		}
	}
	c.shadowPredeclared(units)
	c.baseTypes(units)
	hoisted := map[string]bool{} // names the whole cell can see
	for _, u := range units {
		if u.kind != methodUnit && u.kind != initUnit {
			for _, n := range u.names {
				hoisted[n] = true
			}
		}
	}
	all := maps.Clone(hoisted)
	for _, id := range vars {
		all[id.Name] = true
	}
	var funcs, rest []ast.Node
	for _, f := range src.funcs {
		funcs = append(funcs, f)
	}
	for _, st := range src.body {
		rest = append(rest, st)
	}
	c.bind.bind(src.unbound, funcs, all)
	for _, id := range vars { // len := len(x) reads Go's own len; what follows is resolved already
		if user, ok := strings.CutPrefix(id.Name, own); ok && c.old[id.Name] == nil && !c.bind.earlier[user] {
			delete(c.bind.shadowed, user)
		}
	}
	c.decls, c.after = c.sequence(body)
	maps.Copy(hoisted, c.declNames())
	c.bind.bind(src.free, rest, hoisted)

	c.gone = map[*unit]bool{}
	c.kept = slices.Clone(s.units)
	for _, u := range units {
		if i := slices.IndexFunc(c.kept, func(o *unit) bool {
			return o.kind == u.kind && o.node != nil && o.key() == u.key() && o.text() == u.text() && sameNames(o.node, u.node)
		}); i >= 0 && u.kind != initUnit { // the same text again: the old one stays, and with it the identity of types
			c.same[c.kept[i]] = u
			continue
		}
		c.news = append(c.news, u)
	}
	for _, u := range c.news {
		c.replace(u)
	}
	for name := range c.named { // an import takes its name back from a variable
		if o := c.old[name]; o != nil && c.added[name] == nil && !c.gone[o] {
			c.drop(o, name)
		}
	}
	c.revive()
	calls := slices.ContainsFunc(src.free, func(id *ast.Ident) bool { return id.Name == "main" })
	for _, u := range units {
		if u.kind == funcUnit && u.names[0] == "main" {
			c.main = (src.program || len(c.after) == 0) && !calls
		}
	}
	if k := len(body); k > 0 {
		if e, ok := unlabel(body[k-1]).(*ast.ExprStmt); ok {
			c.last = e.X
		}
	}
}

// sameNames reports whether the names in two pieces of syntax with the same text mean the same packages and predeclared names.
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
func (c *change) baseTypes(units []*unit) {
	named := maps.Clone(c.old)
	for _, u := range units {
		if u.kind == typeUnit {
			named[u.names[0]] = u
		}
	}
	for _, u := range units {
		for range len(named) { // an alias of itself is the checker's to refuse
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

// shadowPredeclared gives names such as len, when the cell declares them, a spelling of their own.
func (c *change) shadowPredeclared(units []*unit) {
	for _, u := range units {
		if u.kind == methodUnit || u.kind == initUnit {
			continue
		}
		for i, n := range u.names {
			if !predeclaredNames[n] {
				continue
			}
			c.bind.shadowed[n] = true
			u.names[i] = shadow(n)
			switch d := u.node.(type) {
			case *ast.FuncDecl:
				c.renameAll(d.Name)
			case *ast.TypeSpec:
				c.renameAll(d.Name)
			case *ast.GenDecl:
				for _, sp := range d.Specs {
					for _, id := range sp.(*ast.ValueSpec).Names {
						if id.Name == n {
							c.renameAll(id)
						}
					}
				}
			}
		}
	}
	for _, id := range c.vars {
		if predeclaredNames[id.Name] {
			c.bind.shadowed[id.Name] = true
			c.renameAll(id)
		}
	}
}

// renameAll renames an identifier that the cell declares, and what refers to it.
func (c *change) renameAll(decl *ast.Ident) {
	name := shadow(decl.Name)
	look := func(root ast.Node) {
		fields := keysOf(root) // to the parser they may be the variable
		ast.Inspect(root, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id != decl && id.Obj != nil && id.Obj == decl.Obj && !fields[id] {
				c.bind.rename(id, name)
			}
			return true
		})
	}
	for _, st := range c.src.body {
		look(st)
	}
	for _, f := range c.src.funcs {
		look(f)
	}
	c.bind.rename(decl, name)
}

// drop removes a unit, or one name of it, from what goes on.
func (c *change) drop(o *unit, name string) {
	c.changed[name] = true
	if o.kind == constUnit && len(o.names) > 1 {
		cut := o.without(name)
		c.kept[slices.Index(c.kept, o)] = cut
		for _, n := range cut.names {
			c.old[n] = cut
		}
		delete(c.old, name)
		return
	}
	c.gone[o] = true
}

// replace finds what a new unit takes the place of.
func (c *change) replace(u *unit) {
	switch u.kind {
	case initUnit, blankUnit:
		return
	case methodUnit:
		for _, o := range c.kept {
			if o.kind == methodUnit && o.key() == u.key() {
				c.gone[o] = true
				c.replaced[u] = o
			}
		}
		if t := c.old[u.recv]; t != nil && t.kind == typeUnit && !c.gone[t] && (c.replaced[u] == nil || u.rigid()) {
			c.changed[u.recv] = true
		}
		return
	}
	for _, n := range u.names {
		c.added[n] = u
		o := c.old[n]
		if o == nil || c.gone[o] {
			continue
		}
		if o.kind == funcUnit && u.kind == funcUnit && !o.rigid() && !u.rigid() {
			c.gone[o] = true
			c.replaced[u] = o
			continue
		}
		c.drop(o, n)
		c.reset[n] = true
	}
}

// spread finds, from the names that changed, what must be built again.
func (c *change) spread() {
	c.rebuild, c.again = map[*unit]*unit{}, map[*unit]*unit{}
	c.copied = map[string]bool{}
	for _, u := range c.news {
		if o := c.replaced[u]; o != nil {
			c.copy(o)
		}
	}
	for grew := true; grew; {
		grew = false
		again := func(u *unit) {
			if c.again[u] == nil {
				cp := *u
				if cp.plain {
					cp.body = c.src.serial
					if cp.kind == funcUnit {
						cp.home = c.src.serial
					}
				}
				c.again[u] = &cp
				c.copy(u)
				grew = true
			}
		}
		mark := func(u *unit, names ...string) {
			cp := *u
			cp.home, cp.body, cp.entries, cp.derefs, cp.values, cp.aside = c.src.serial, 0, nil, nil, nil, nil
			c.rebuild[u] = &cp
			delete(c.again, u)
			for _, n := range names {
				c.changed[n] = true
			}
			grew = true
		}
		for _, u := range c.kept {
			if c.gone[u] || c.rebuild[u] != nil || c.goneVar(u) {
				continue
			}
			hit := mentions(u.uses, c.changed) || mentions(u.holds, c.copied) || mentions(u.static, c.cut)
			if c.revived[u] {
				if u.kind == methodUnit {
					mark(u, u.recv)
				} else {
					mark(u, u.names...)
				}
				continue
			}
			switch u.kind {
			case typeUnit:
				if hit || c.changed[u.names[0]] {
					if mentions(u.uses, c.reset) {
						c.reset[u.names[0]] = true
					}
					mark(u, u.names...)
				}
			case methodUnit:
				switch {
				case c.changed[u.recv]:
					mark(u)
				case hit && (u.rigid() || mentions(u.sigUses, c.changed)):
					mark(u, u.recv)
				case hit:
					again(u)
				}
			case funcUnit:
				switch {
				case hit && (u.rigid() || mentions(u.sigUses, c.changed)):
					mark(u, u.names...)
				case hit:
					again(u)
				}
			case constUnit:
				if hit {
					for _, n := range u.names {
						c.reset[n] = true
					}
					mark(u, u.names...)
				}
			case varUnit:
				if hit {
					mark(u, u.names...)
				}
			}
		}
	}
	// a type may have been met before the one it mentions was found to be reset
	for grew := true; grew; {
		grew = false
		for u := range c.rebuild {
			if (u.kind == typeUnit || u.kind == constUnit) && !c.reset[u.names[0]] && mentions(u.uses, c.reset) {
				for _, n := range u.names {
					c.reset[n] = true
				}
				grew = true
			}
		}
	}
}

// goneVar reports whether a unit's name, or that of the type whose method it is, is taken by a variable of this cell.
func (c *change) goneVar(u *unit) bool {
	if u.kind == methodUnit {
		return c.newVars[u.recv] != nil
	}
	if c.goesOn[u] {
		return false
	}
	v := c.newVars[u.names[0]]
	return v != nil && v != u
}

// looked lists the units that the checker looks at.
func (c *change) looked() (units []*unit, asFunc map[*unit]bool) {
	asFunc = map[*unit]bool{}
	for _, u := range c.kept {
		if r := c.rebuild[u]; r != nil && u.kind != varUnit {
			units = append(units, r)
		} else if a := c.again[u]; a != nil {
			units = append(units, a)
			asFunc[a] = a.kind == methodUnit
		}
	}
	for _, u := range c.news {
		units = append(units, u)
		if u.kind == methodUnit && c.replaced[u] != nil && c.added[u.recv] == nil && !c.changed[u.recv] {
			asFunc[u] = true
		}
	}
	return units, asFunc
}

// resolve checks the cell, looking at more of the session until nothing further is touched.
func (c *change) resolve() Diagnostics {
	for {
		c.spread()
		before := len(c.changed)
		errs := c.check()
		switch {
		case len(errs) > 0:
			if !c.setAside(errs) {
				return c.diagnose(errs)
			}
		case len(c.changed) == before:
			return c.lost()
		}
	}
}

func (c *change) check() []types.Error {
	s := c.s
	c.info = newInfo()
	units, asFunc := c.looked()
	given := map[string][]types.Object{}
	vars := map[string]types.Type{}
	paths := maps.Clone(c.bind.paths)
	dots := append(slices.Clone(s.dots), c.newDots...)
	for _, u := range c.kept {
		switch {
		case c.gone[u] || u.kind == methodUnit && c.again[u] == nil && c.rebuild[u] == nil:
		case c.rebuild[u] != nil && u.kind == varUnit:
			vars[u.names[0]] = u.typ
		case c.rebuild[u] != nil || c.again[u] != nil:
			maps.Copy(paths, c.packages(u))
		default:
			for _, o := range u.objs {
				given[o.Name()] = append(given[o.Name()], o)
			}
		}
	}
	declares := map[string]bool{}
	isVar := map[token.Pos]bool{}
	for _, st := range c.body {
		if a, ok := unlabel(st).(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
			for _, x := range a.Lhs {
				isVar[x.Pos()] = true
			}
		}
	}
	for _, id := range c.vars {
		declares[id.Name] = true
		isVar[id.Pos()] = true
	}
	for name := range c.declNames() {
		delete(declares, name)
		delete(given, name)
		delete(vars, name)
	}
	// Functions that mention a variable which the statements declare are looked at when its type is known.
	late := false
	for _, u := range units {
		late = late || mentions(u.uses, declares)
	}
	for _, id := range c.src.unbound {
		late = late || declares[id.Name]
	}
	r := &round{s: s, units: units, asFunc: asFunc, bodies: !late, given: given, vars: vars, decls: c.decls, body: c.after, last: c.last, paths: paths, dots: dots}
	out := r.run(c.info)
	c.pkg = out.pkg
	errs := slices.DeleteFunc(out.errs, func(e types.Error) bool {
		return isVar[e.Pos] && strings.HasPrefix(e.Msg, "declared and not used")
	})
	errs = append(errs, c.contextSet()...)
	for _, id := range c.vars {
		if u := c.added[id.Name]; u != nil && declares[id.Name] {
			errs = append(errs, types.Error{Fset: s.fset, Pos: id.Pos(), Msg: id.Name + " redeclared in this cell"})
		}
	}
	if len(errs) > 0 {
		return errs
	}
	changed := c.variables()
	if late {
		given = maps.Clone(given)
		for name := range changed {
			delete(given, name)
		}
		for name, u := range c.newVars {
			if u.src == c.src && u.home == c.src.serial {
				vars[name] = u.typ
			}
		}
		for name := range c.declNames() {
			delete(vars, name)
		}
		r = &round{s: s, units: units, asFunc: asFunc, bodies: true, given: given, vars: vars, decls: c.decls, paths: paths, dots: dots}
		out = r.run(c.info)
		if len(out.errs) > 0 {
			return out.errs
		}
		c.pkg = out.pkg
		for name, u := range c.newVars {
			if o := c.pkg.Scope().Lookup(name); o != nil && u.home == c.src.serial && u.src == c.src {
				u.typ, u.objs = o.Type(), []types.Object{o}
			}
		}
	}
	for name := range changed {
		if c.usedBySession(name) {
			c.changed[name] = true
		}
	}
	c.describe(units, asFunc)
	return nil
}

// contextSet finds assignments to the predeclared ctx, which is not a variable, and declarations that make something else of
// it: they would be forgotten with the cell, as those of contexts are meant to.
func (c *change) contextSet() (errs []types.Error) {
	isTop := map[ast.Node]bool{}
	for _, st := range c.body {
		isTop[unlabel(st)] = true
	}
	look := func(n ast.Node) bool {
		var targets []ast.Expr
		switch s := n.(type) {
		case *ast.AssignStmt:
			targets = s.Lhs
		case *ast.UnaryExpr:
			if s.Op == token.AND {
				targets = []ast.Expr{s.X}
			}
		}
		for _, x := range targets {
			if id, ok := x.(*ast.Ident); ok && id.Name == ctxName {
				if o := c.info.Defs[id]; o != nil && isTop[n] && !types.Implements(o.Type(), c.old[ctxName].objs[0].Type().Underlying().(*types.Interface)) {
					errs = append(errs, types.Error{Fset: c.s.fset, Pos: id.Pos(), Msg: "ctx is the cell's own context: what is none needs another name"})
				}
				if u := c.old[ctxName]; u != nil && u.builtin && c.info.Uses[id] == u.objs[0] {
					errs = append(errs, types.Error{Fset: c.s.fset, Pos: id.Pos(), Msg: "ctx is the cell's own context and cannot be set: declare another with :="})
				}
			}
		}
		return true
	}
	for _, st := range c.body {
		ast.Inspect(st, look)
	}
	for _, f := range c.src.funcs {
		ast.Inspect(f, look)
	}
	return errs
}

func (c *change) usedBySession(name string) bool {
	return slices.ContainsFunc(c.kept, func(u *unit) bool { return !c.gone[u] && u.uses[name] })
}

// variables makes a unit for every variable that the statements declare, or finds the storage that it goes on using. The
// names that now mean something else are returned.
func (c *change) variables() (changed map[string]bool) {
	changed, c.fresh = map[string]bool{}, map[string]bool{}
	c.newVars, c.goesOn = map[string]*unit{}, map[*unit]bool{}
	for _, id := range c.vars {
		v, ok := c.info.Defs[id].(*types.Var)
		if !ok || c.newVars[id.Name] != nil {
			continue
		}
		if o := c.old[id.Name]; o != nil && !c.gone[o] {
			if o.kind == varUnit {
				if c.sameType(o, id, v) {
					c.goesOn[o] = true
					if c.rebuild[o] == nil {
						c.newVars[id.Name] = o
					} else {
						c.newVars[id.Name] = c.rebuild[o]
					}
					continue
				}
			}
			changed[id.Name] = true
			if o.kind == constUnit && len(o.names) > 1 {
				c.drop(o, id.Name)
			}
		}
		c.fresh[id.Name] = true
		c.newVars[id.Name] = &unit{kind: varUnit, names: []string{id.Name}, src: c.src, home: c.src.serial, typ: v.Type(),
			objs: []types.Object{types.NewVar(id.Pos(), c.pkg, id.Name, v.Type())}, uses: typeNames(v.Type())}
	}
	return changed
}

// sameType reports whether a variable that the cell declares has the type of the session's variable of that name.
func (c *change) sameType(o *unit, id *ast.Ident, v *types.Var) bool {
	g, ok := c.pkg.Scope().Lookup(id.Name).(*types.Var)
	switch {
	case !ok:
		return false
	case g != v:
		return types.Identical(g.Type(), v.Type())
	case c.rebuild[o] == nil:
		return types.Identical(o.typ, v.Type())
	}
	// The old variable took no part in this check. Its type was made in another, but is spelled in the same way.
	return (&speller{}).typ(o.typ) == (&speller{}).typ(v.Type())
}

// packages lists the packages that a unit mentions.
func (c *change) packages(u *unit) map[string]bool {
	m := map[string]bool{}
	for path := range c.s.aliases(u) {
		m[path] = true
	}
	return m
}

// aliases finds package aliases in a unit's syntax.
func (s *Session) aliases(u *unit) map[string]bool {
	m := map[string]bool{}
	if u.node == nil {
		return m
	}
	ast.Inspect(u.node, func(n ast.Node) bool {
		if x, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := x.X.(*ast.Ident); ok {
				if path, ok := s.pathOf(id.Name); ok {
					m[path] = true
				}
			}
		}
		return true
	})
	return m
}

func (s *Session) pathOf(name string) (string, bool) {
	if !strings.HasPrefix(name, own+"_") {
		return "", false
	}
	path, ok := s.aliased[name]
	return path, ok
}

// describe records on each unit that was looked at what the check told of it, and finds signatures that changed.
func (c *change) describe(units []*unit, asFunc map[*unit]bool) {
	for _, u := range units {
		u.objs = nil
		u.uses, u.methods = c.usesOf(u.node)
		for _, n := range u.names {
			if o := c.pkg.Scope().Lookup(n); o != nil && u.kind != methodUnit && u.kind != initUnit {
				u.objs = append(u.objs, o)
			}
		}
		f, ok := u.node.(*ast.FuncDecl)
		if !ok {
			continue
		}
		sig := c.signature(u, f, asFunc[u])
		if sig == nil {
			continue
		}
		sp := &speller{seen: map[string]bool{}}
		u.sig = sp.typ(types.NewSignatureType(nil, nil, nil, sig.Params(), sig.Results(), sig.Variadic()))
		if r := sig.Recv(); r != nil {
			u.sig = "(" + sp.typ(r.Type()) + ") " + u.sig
			_, u.ofPointer = types.Unalias(r.Type()).(*types.Pointer)
		}
		if sig.TypeParams() != nil {
			u.sig = "generic " + c.src.text
		}
		u.sigUses = sp.seen
		if c.isAgain(u) && c.cut[u.key()] {
			if u.kind == funcUnit {
				c.changed[u.names[0]] = true
			} else if u.alone() {
				c.changed[u.recv] = true
			}
		}
		if o := c.replaced[u]; o != nil && (o.sig != u.sig || c.cut[u.key()] && (u.kind == funcUnit || o.alone()) || o.derefs != nil && u.alone() || mentions(u.sigUses, c.changed)) {
			if u.kind == methodUnit && c.added[u.recv] == nil {
				c.changed[u.recv] = true
			} else if u.kind == funcUnit {
				c.changed[u.names[0]] = true
			}
		}
	}
}

// signature returns a function's type; of a method that was checked as a function, with its receiver back in place.
func (c *change) signature(u *unit, f *ast.FuncDecl, asFunc bool) *types.Signature {
	if !asFunc {
		if o, ok := c.info.Defs[f.Name].(*types.Func); ok {
			return o.Signature()
		}
		return nil
	}
	o, ok := c.pkg.Scope().Lookup(methodFunc(u)).(*types.Func)
	if !ok {
		return nil
	}
	sig := o.Signature()
	var rest []*types.Var
	for i := 1; i < sig.Params().Len(); i++ {
		rest = append(rest, sig.Params().At(i))
	}
	return types.NewSignatureType(sig.Params().At(0), nil, nil, types.NewTuple(rest...), sig.Results(), sig.Variadic())
}

// plan decides where everything goes and writes the code.
func (c *change) plan() *Plan {
	s, n := c.s, c.src.serial
	p := &Plan{N: c.src.n, Package: n}
	patched := map[*unit]bool{} // compiled here, called through the first definition
	assigned := c.assigned()
	var emitted []*unit
	final := make([]*unit, 0, len(c.kept)+len(c.news))
	for _, u := range c.kept {
		switch {
		case c.gone[u] || c.goneVar(u):
		case c.rebuild[u] != nil:
			r := c.rebuild[u]
			final = append(final, r)
			if u.kind != varUnit {
				emitted = append(emitted, r)
				continue
			}
			if o := c.pkg.Scope().Lookup(u.names[0]); o != nil {
				r.typ, r.objs, r.uses = o.Type(), []types.Object{o}, typeNames(o.Type())
			}
			switch {
			case !mentions(r.uses, c.reset):
				p.Moves = append(p.Moves, Move{u.names[0], u.home, n})
			case c.goesOn[u]: // it gets its value here
				c.fresh[u.names[0]] = true
			default:
				r.lost = lostWithType
				if !assigned[u.names[0]] {
					p.Notices = append(p.Notices, fmt.Sprintf("%s lost its value: the definition of its type changed; run cell[%d] again, or assign %[1]s", Clean(u.names[0]), u.src.n))
				}
			}
		case c.again[u] != nil:
			final = append(final, c.again[u])
			emitted = append(emitted, c.again[u])
			if a := c.again[u]; a.plain {
				if patched[a] = !c.cut[u.key()] || a.kind == methodUnit; c.cut[u.key()] {
					a.entries = nil
				}
			} else {
				patched[a] = true
			}
		default:
			final = append(final, u)
		}
	}
	for _, u := range c.news {
		if u.kind == blankUnit {
			continue
		}
		if o := c.replaced[u]; o != nil && !u.rigid() && !o.rigid() && o.sig == u.sig && !mentions(u.sigUses, c.changed) &&
			(u.kind == funcUnit || c.added[u.recv] == nil && !c.changed[u.recv]) && (u.kind == methodUnit || !c.changed[u.names[0]]) {
			if !u.plain || u.kind == methodUnit {
				u.home = o.home
			}
			if u.plain {
				u.body, u.entries, u.derefs, u.values = c.src.serial, o.entries, o.derefs, o.values
				if c.cut[u.key()] {
					u.entries = nil
				}
			}
			patched[u] = true
		} else if o != nil && u.plain && o.plain && u.kind == funcUnit && o.sig == u.sig && c.cut[u.key()] && !mentions(u.sigUses, c.changed) {
			u.values = o.values
		}
		emitted = append(emitted, u)
		if u.kind != initUnit {
			final = append(final, u)
		}
	}
	for _, name := range sortedKeys(c.newVars) {
		u := c.newVars[name]
		if !slices.Contains(final, u) {
			final = append(final, u)
		}
		p.Declared = append(p.Declared, Variable{name, u.home, u.typ})
	}
	c.stale(p, final)
	c.left(p, final, patched)

	e := &emitter{c: c, units: map[string]*unit{}, patched: patched, imports: map[string]bool{}, pointers: map[string]Variable{}, plainly: newPlainly()}
	for _, u := range final {
		e.count(u)
		if u.kind == methodUnit {
			e.methods[u.key()] = u
		} else {
			for _, name := range u.names {
				e.units[name] = u
			}
		}
		if u.lost != "" {
			c.fresh[u.names[0]] = true
		}
	}
	reach := c.newReacher(e.units, final)
	e.steps = c.steps(reach)
	e.early = c.early(reach, e.steps, c.fresh, emitted, patched)
	e.reach = reach
	for i, st := range e.steps {
		for _, name := range st.sets {
			if c.fresh[name] {
				p.Sets = append(p.Sets, Setting{name, i + 1})
			}
		}
	}
	p.Again = p.Declared
	p.Lasting = len(p.Declared)+len(c.named)+len(c.newDots) > 0
	p.Empty = len(emitted) == 0 && len(c.body) == 0 && !c.main
	if !p.Empty {
		p.Code = e.emit(emitted)
		p.Imports = sortedKeys(e.imports)
		p.Params, p.Jumps, p.Forwards = e.params, e.jumps, e.forwards
		p.Stale = c.staleBodies()
	}
	for _, k := range sortedKeys(e.pointers) {
		p.Vars = append(p.Vars, e.pointers[k])
	}
	p.HideNil, p.Tracer = c.endsInError(), c.tracer()
	if len(emitted) == 0 && len(p.Moves) == 0 && !c.main && !p.Empty {
		c.drive(e, p)
	} else if !p.Empty {
		p.Refused = c.refuseDefinition(emitted)
	}

	for _, f := range c.src.funcs {
		ast.Inspect(f, func(nd ast.Node) bool {
			if id, ok := nd.(*ast.Ident); ok {
				if o := c.info.Uses[id]; o != nil && o.Pkg() == nil {
					c.bind.absent[shadow(o.Name())] = true
				}
			}
			return true
		})
	}
	used := map[string]*unit{}
	for _, st := range c.src.body {
		ast.Inspect(st, func(nd ast.Node) bool {
			if id, ok := nd.(*ast.Ident); ok {
				for _, o := range []types.Object{c.info.Uses[id], c.info.Defs[id]} {
					switch {
					case o == nil:
					case o.Pkg() == nil:
						c.bind.absent[shadow(o.Name())] = true
					case !isSession(o): // perhaps by a dot import
						c.bind.absent[o.Name()] = true
					case isGlobal(o) || c.isCellVar(o):
						if u := e.units[o.Name()]; u != nil {
							used[o.Name()] = u
						}
					}
				}
			}
			return true
		})
	}
	again := len(p.Moves) == 0 && !c.hasInit()
	var methods []*unit // that the cell defines
	for _, f := range c.src.funcs {
		switch {
		case f.Recv != nil && len(f.Recv.List) > 0:
			for _, u := range final {
				if u.kind == methodUnit && u.names[0] == f.Name.Name && u.text() == c.src.slice(f) {
					methods = append(methods, u)
				}
			}
		case f.Name.Name != "init":
			used[f.Name.Name] = e.units[f.Name.Name]
		}
	}
	for name := range c.added {
		used[name] = e.units[name]
	}
	p.Notices = append(p.Notices, c.unreached()...)
	remaining := c.remaining()
	p.Notices = append(append(p.Notices, c.asideNotes()...), c.bareDurations()...)
	by, captured := c.closures()
	p.Captured = captured
	whole := c.whole()
	p.commit = func(compiled bool) {
		closeOver(final, by, whole)
		for i, u := range final {
			if u.kind == varUnit && u.lost != "" && assigned[u.names[0]] {
				cp := *u
				cp.lost = ""
				final[i] = &cp
				if used[u.names[0]] == u {
					used[u.names[0]] = &cp
				}
			}
		}
		if compiled && e.isPlain() {
			e.final = final
			e.committed()
		}
		s.units, s.aside = final, remaining
		if len(c.named) > 0 || len(c.newDots) > 0 {
			s.stamp++
		}
		maps.Copy(s.imports, c.named)
		for name := range c.newVars { // a variable hides an import of its name
			delete(s.imports, name)
		}
		for name := range c.added {
			delete(s.imports, name)
		}
		for _, path := range c.newDots {
			if !slices.Contains(s.dots, path) {
				s.dots = append(s.dots, path)
			}
		}
		if again && compiled {
			s.ran[c.src.text] = &reusable{n: c.src.n, serial: n, stamp: s.stamp, used: used, methods: methods, copies: e.runs, absent: c.bind.absent, vars: p.Vars, again: p.Again, captured: captured, hideNil: p.HideNil, tracer: p.Tracer}
		}
	}
	return p
}

func (c *change) hasInit() bool {
	return slices.ContainsFunc(c.news, func(u *unit) bool { return u.kind == initUnit })
}

// isCellVar reports whether an object is a variable that the cell's statements declare at their top level.
func (c *change) isCellVar(o types.Object) bool {
	if _, ok := o.(*types.Var); !ok || !isSession(o) {
		return false
	}
	for _, id := range c.vars {
		if c.info.Defs[id] == o {
			return true
		}
	}
	return false
}

// assigned lists the variables that the cell's own statements set as a whole.
func (c *change) assigned() map[string]bool {
	m := map[string]bool{}
	for name := range c.newVars {
		m[name] = true
	}
	for _, st := range c.body {
		if a, ok := unlabel(st).(*ast.AssignStmt); ok && a.Tok == token.ASSIGN {
			for _, x := range a.Lhs {
				if id, ok := x.(*ast.Ident); ok {
					m[id.Name] = true
				}
			}
		}
	}
	return m
}

// stale tells of variables that may hold, in an interface, a value of a type that was built again: the value keeps the
// type it was made with.
func (c *change) stale(p *Plan, final []*unit) {
	var rebuilt []*types.TypeName
	for u := range c.rebuild {
		if u.kind == typeUnit && len(u.objs) == 1 {
			if tn, ok := u.objs[0].(*types.TypeName); ok && !types.IsInterface(tn.Type()) {
				rebuilt = append(rebuilt, tn)
			}
		}
	}
	slices.SortFunc(rebuilt, func(a, b *types.TypeName) int { return strings.Compare(a.Name(), b.Name()) })
	for _, u := range final {
		if u.kind != varUnit || c.newVars[u.names[0]] == u && u.home == c.src.serial && c.rebuildOf(u) == nil {
			continue
		}
		for _, tn := range rebuilt {
			if holds(u.typ, tn.Type(), map[types.Type]bool{}) {
				p.Notices = append(p.Notices, fmt.Sprintf("%s may hold values of %s from before this cell, which are of another type: assign it again", Clean(u.names[0]), Clean(tn.Name())))
				break
			}
		}
	}
}

func (c *change) rebuildOf(u *unit) *unit {
	for o, r := range c.rebuild {
		if r == u {
			return o
		}
	}
	return nil
}

// holds reports whether a value of type t can hold a value of type v in an interface. What packages keep in their own types is not
// looked at, but for those that are there to keep values of any type.
func holds(t, v types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	if n, ok := t.(*types.Named); ok && n.Obj().Pkg() != nil && !isSession(n.Obj()) && !types.IsInterface(n) {
		return containers[n.Obj().Pkg().Path()+"."+n.Obj().Name()]
	}
	switch u := t.Underlying().(type) {
	case *types.Interface:
		if n, ok := v.(*types.Named); ok && n.TypeParams() != nil {
			return u.NumMethods() == 0
		}
		return types.Implements(v, u) || types.Implements(types.NewPointer(v), u)
	case *types.Pointer:
		return holds(u.Elem(), v, seen)
	case *types.Slice:
		return holds(u.Elem(), v, seen)
	case *types.Array:
		return holds(u.Elem(), v, seen)
	case *types.Map:
		return holds(u.Key(), v, seen) || holds(u.Elem(), v, seen)
	case *types.Chan:
		return holds(u.Elem(), v, seen)
	case *types.Struct:
		for f := range u.Fields() {
			if holds(f.Type(), v, seen) {
				return true
			}
		}
	}
	return false
}

// HoldsLock reports whether the variable itself, not what it points to, is or has a lock, a WaitGroup or the like.
func (v Variable) HoldsLock() bool { return holdsLock(v.Type) }

// holdsLock reports whether a value of a type has a lock, a WaitGroup or the like in it, which goroutines may use at any time.
func holdsLock(t types.Type) bool {
	if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "sync" {
		_, ok := n.Underlying().(*types.Struct)
		return ok
	}
	switch u := t.Underlying().(type) {
	case *types.Array:
		return holdsLock(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if holdsLock(f.Type()) {
				return true
			}
		}
	}
	return false
}

var containers = map[string]bool{"sync.Map": true, "sync.Pool": true, "sync/atomic.Value": true, "container/list.List": true, "container/list.Element": true,
	"container/ring.Ring": true}

// endsInError reports whether the value of the cell's last expression, or the last of its values, is an error.
func (c *change) endsInError() bool {
	if c.last == nil || c.src.hidden {
		return false
	}
	t := c.info.Types[c.last].Type
	if tuple, ok := t.(*types.Tuple); ok && tuple.Len() > 0 {
		t = tuple.At(tuple.Len() - 1).Type()
	}
	return t != nil && types.Identical(t, types.Universe.Lookup("error").Type())
}
