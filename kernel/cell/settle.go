package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"

	"interleave/kernel/cell/source"
)

// A checked cell is a definition that the type checker has accepted, with all units of the session that must
// be built again for it.
type checked struct {
	*definition
	outline // begins as the definition's

	aside []*unit                      // kept units that no longer fit
	why   map[*unit]*source.Diagnostic // … and the reasons

	rebuild map[*unit]*unit // built again in this cell's package, with a new identity
	again   map[*unit]*unit // functions whose body alone is compiled again; their home stays
	copied  map[string]bool // keys of functions that are built again and of which callers may hold copies

	newVars map[string]*unit
	redone  map[*unit]bool  // variables that the statements declare again with the same type
	unset   map[string]bool // names that the statements declare and that have no value yet

	info *types.Info
	pkg  *types.Package
}

// settle type-checks the cell, and more and more of the session until no further unit is affected.
func (d *definition) settle() (*checked, source.Diagnostics) {
	c := &checked{definition: d, outline: d.outline.clone(), why: map[*unit]*source.Diagnostic{}, newVars: map[string]*unit{},
		unset: map[string]bool{}}
	for {
		c.spread()
		before := len(c.changed)
		errs := c.check()
		switch {
		case len(errs) > 0:
			if !c.setAside(errs) {
				return nil, c.diagnose(errs)
			}
		case len(c.changed) == before:
			return c, c.lost()
		}
	}
}

// spread finds, from the names that changed, the units that must be built again, and makes them.
func (c *checked) spread() {
	in := &spreading{revived: c.revived, changed: c.changed, reset: c.reset, cut: c.cut,
		copied: func(u *unit) bool { return u.plain && c.s.inlined(u) }}
	for _, u := range c.kept {
		if !c.gone[u] && !c.goneVar(u) {
			in.units = append(in.units, u)
		}
	}
	for _, u := range c.news {
		if o := c.replaced[u]; o != nil {
			in.replaced = append(in.replaced, o)
		}
	}
	x := in.spread()
	c.changed, c.reset, c.copied = x.changed, x.reset, x.copied
	c.rebuild, c.again = map[*unit]*unit{}, map[*unit]*unit{}
	serial := c.src.Serial
	for u := range x.rebuild {
		cp := *u
		cp.home, cp.body, cp.entries, cp.derefs, cp.values, cp.aside = serial, 0, nil, nil, nil, nil
		c.rebuild[u] = &cp
	}
	for u := range x.again {
		cp := *u
		if cp.plain {
			cp.body = serial
			if cp.kind == funcUnit {
				cp.home = serial
			}
		}
		c.again[u] = &cp
	}
}

// goneVar reports whether a variable of this cell takes a unit's name, or that of the type whose method it
// is.
func (c *checked) goneVar(u *unit) bool {
	if u.kind == methodUnit {
		return c.newVars[u.recv] != nil
	}
	if c.redone[u] {
		return false
	}
	v := c.newVars[u.names[0]]
	return v != nil && v != u
}

// looked lists the units that are checked from their syntax.
func (c *checked) looked() (units []*unit, asFunc map[*unit]bool) {
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

// An environment is what a round of the type checker finds around the syntax that it checks.
type environment struct {
	given map[string][]types.Object // finished objects by name
	vars  map[string]types.Type     // variables whose type is built again
	paths map[string]bool           // packages
	dots  []string
}

// without returns an environment that lacks the given objects of these names.
func (env environment) without(names map[string]bool) environment {
	env.given = maps.Clone(env.given)
	for name := range names {
		delete(env.given, name)
	}
	return env
}

// environment collects the units of the session outside those that are checked from their syntax.
func (c *checked) environment() environment {
	env := environment{map[string][]types.Object{}, map[string]types.Type{}, maps.Clone(c.bind.paths), nil}
	for _, path := range slices.Concat(c.s.dots, c.newDots) {
		env.dots = append(env.dots, c.s.pkgs.Present(path))
	}
	for _, u := range c.kept {
		switch {
		case c.gone[u] || u.kind == methodUnit && c.again[u] == nil && c.rebuild[u] == nil:
		case c.rebuild[u] != nil && u.kind == varUnit:
			env.vars[u.names[0]] = u.typ
		case c.rebuild[u] != nil || c.again[u] != nil:
			maps.Copy(env.paths, c.s.aliases(u))
		default:
			for _, o := range u.objs {
				env.given[o.Name()] = append(env.given[o.Name()], o)
			}
		}
	}
	for name := range c.declNames() {
		delete(env.given, name)
		delete(env.vars, name)
	}
	return env
}

// check runs the type checker on the cell and on what is built again: once, or, when functions mention a
// variable that the statements declare, first for the types of the variables and then for the functions.
func (c *checked) check() []types.Error {
	c.info = newInfo()
	units, asFunc := c.looked()
	env := c.environment()
	declares := c.declares()
	late := slices.ContainsFunc(units, func(u *unit) bool { return mentions(u.uses, declares) }) ||
		slices.ContainsFunc(c.src.Unbound, func(id *ast.Ident) bool { return declares[id.Name] })

	r := &round{s: c.s, units: units, asFunc: asFunc, bodies: !late, environment: env, decls: c.decls, body: c.after,
		last: c.last}
	out := r.run(c.info)
	c.pkg = out.pkg
	declared := c.declaredAt()
	errs := slices.DeleteFunc(out.errs, func(e types.Error) bool {
		return declared[e.Pos] && strings.HasPrefix(e.Msg, "declared and not used")
	})
	errs = append(errs, c.contextSet()...)
	for _, id := range c.vars {
		if u := c.added[id.Name]; u != nil && declares[id.Name] {
			errs = append(errs, types.Error{Fset: c.s.fset, Pos: id.Pos(), Msg: id.Name + " redeclared in this cell"})
		}
	}
	if len(errs) > 0 {
		return errs
	}
	changed := c.variables()
	if late {
		if errs := c.checkFunctions(units, asFunc, env.without(changed)); len(errs) > 0 {
			return errs
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

// checkFunctions is the second round, with the types of the variables that the statements declare.
func (c *checked) checkFunctions(units []*unit, asFunc map[*unit]bool, env environment) []types.Error {
	isNew := func(u *unit) bool { return u.src == c.src && u.home == c.src.Serial }
	for name, u := range c.newVars {
		if isNew(u) {
			env.vars[name] = u.typ
		}
	}
	for name := range c.declNames() {
		delete(env.vars, name)
	}
	r := &round{s: c.s, units: units, asFunc: asFunc, bodies: true, environment: env, decls: c.decls}
	out := r.run(c.info)
	if len(out.errs) > 0 {
		return out.errs
	}
	c.pkg = out.pkg
	for name, u := range c.newVars {
		if o := c.pkg.Scope().Lookup(name); o != nil && isNew(u) {
			u.typ, u.objs = o.Type(), []types.Object{o}
		}
	}
	return nil
}

// declares returns the variables that the statements declare, without those that are initialised before them.
func (c *checked) declares() map[string]bool {
	names := map[string]bool{}
	for _, id := range c.vars {
		names[id.Name] = true
	}
	for name := range c.declNames() {
		delete(names, name)
	}
	return names
}

// declaredAt returns the positions at which statements at the top level declare variables, which later cells
// may use.
func (c *checked) declaredAt() map[token.Pos]bool {
	at := map[token.Pos]bool{}
	for _, st := range c.body {
		if a, ok := unlabel(st).(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
			for _, x := range a.Lhs {
				at[x.Pos()] = true
			}
		}
	}
	for _, id := range c.vars {
		at[id.Pos()] = true
	}
	return at
}

// contextSet finds assignments to the predeclared ctx, which is not a variable, and declarations that give it
// another type: they would be forgotten with the cell, as declarations of contexts are intended to be.
func (c *checked) contextSet() (errs []types.Error) {
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
				if o := c.info.Defs[id]; o != nil && isTop[n] &&
					!types.Implements(o.Type(), c.old[ctxName].objs[0].Type().Underlying().(*types.Interface)) {
					errs = append(errs, types.Error{Fset: c.s.fset, Pos: id.Pos(),
						Msg: "ctx is the cell's context; choose another name for this value"})
				}
				if u := c.old[ctxName]; u != nil && u.builtin && c.info.Uses[id] == u.objs[0] {
					errs = append(errs, types.Error{Fset: c.s.fset, Pos: id.Pos(),
						Msg: "ctx is the cell's context and cannot be assigned; declare another variable with :="})
				}
			}
		}
		return true
	}
	for _, st := range c.body {
		ast.Inspect(st, look)
	}
	for _, f := range c.src.Funcs {
		ast.Inspect(f, look)
	}
	return errs
}

// describe records on each unit that was checked the results of the check, and finds signatures that changed.
func (c *checked) describe(units []*unit, asFunc map[*unit]bool) {
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
			u.sig = "generic " + c.src.Text
		}
		u.sigUses = sp.seen
		if c.isAgain(u) && c.cut[u.key()] {
			if u.kind == funcUnit {
				c.changed[u.names[0]] = true
			} else if u.alone() {
				c.changed[u.recv] = true
			}
		}
		if o := c.replaced[u]; o != nil && (o.sig != u.sig || c.cut[u.key()] && (u.kind == funcUnit || o.alone()) ||
			o.derefs != nil && u.alone() || mentions(u.sigUses, c.changed)) {
			if u.kind == methodUnit && c.added[u.recv] == nil {
				c.changed[u.recv] = true
			} else if u.kind == funcUnit {
				c.changed[u.names[0]] = true
			}
		}
	}
}

// signature returns a function's type, and for a method that was checked as a function, puts the receiver
// back in place.
func (c *checked) signature(u *unit, f *ast.FuncDecl, asFunc bool) *types.Signature {
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
