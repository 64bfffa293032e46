package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"

	"interleave/kernel/cell/names"
)

// The order in which a cell's variables get their values. A cell whose variable declarations all precede its
// statements is like the top level of a file: its variables are initialised in the order of their
// dependencies, as the language specification requires, then its init functions run, then its statements. If
// there are statements between declarations, the cell runs from top to bottom, and an init function runs as
// soon as the variables that it reads have their values.
//
// A function may read a variable of its cell that has no value yet, when a statement above the variable's
// calls it. Such a read is an error, and never yields a zero. Which functions a statement may call is not
// fully known, so that the check is made when the code runs; it is compiled into the functions of the cell
// only for those variables that may need it.

// An initializer is a part of a variable declaration with its own value: a, or a and b in var a, b = f().
type initializer struct {
	spec  *ast.ValueSpec
	names []*ast.Ident
	value ast.Expr
}

// A step is a part of the cell's code that is either finished or not when the cell fails.
type step struct {
	init *initializer // nil for a statement
	stmt ast.Stmt
	line int
	sets []string // the variables that have a value when it is finished
}

// sequence divides the cell's top level into declarations whose variables are initialised first, in the order
// of their dependencies, and statements. When the cell must run from top to bottom there are only statements.
func (d *definition) sequence(body []ast.Stmt) (decls []*ast.GenDecl, after []ast.Stmt) {
	declared := map[string]bool{}
	for _, st := range body {
		g := varDecl(st)
		switch {
		case g == nil:
			after = append(after, st)
			continue
		case slices.ContainsFunc(after, func(st ast.Stmt) bool { _, empty := st.(*ast.EmptyStmt); return !empty }):
			return nil, body
		}
		decls = append(decls, g)
		for _, sp := range g.Specs {
			v := sp.(*ast.ValueSpec)
			own := map[string]bool{}
			for _, id := range v.Names {
				own[id.Name], declared[id.Name] = true, true
			}
			for _, x := range v.Values { // var x = x + 1 reads the x of an earlier cell, but not in a program
				if old := mentioned(x, own); old != "" && !d.src.Program && d.old[old] != nil && d.old[old].kind == varUnit {
					return nil, body
				}
			}
		}
	}
	for _, st := range after { // x := 2 below var x = 1 is an error that only one scope for both can find
		for _, id := range defined(unlabel(st)) {
			if declared[id.Name] {
				return nil, body
			}
		}
	}
	return decls, after
}

// varDecl returns the declaration if a statement declares variables with var.
func varDecl(st ast.Stmt) *ast.GenDecl {
	if d, ok := st.(*ast.DeclStmt); ok {
		if g := d.Decl.(*ast.GenDecl); g.Tok == token.VAR {
			return g
		}
	}
	return nil
}

// mentioned returns one of the names that an expression mentions, or an empty string.
func mentioned(x ast.Expr, names map[string]bool) (name string) {
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if name == "" {
				name = mentioned(n.X, names)
			}
			return false
		case *ast.Ident:
			if names[n.Name] {
				name = n.Name
			}
		}
		return name == ""
	})
	return name
}

// declNames returns the names of the declarations that are initialised first.
func (d *definition) declNames() map[string]bool {
	names := map[string]bool{}
	for _, g := range d.decls {
		for _, sp := range g.Specs {
			for _, id := range sp.(*ast.ValueSpec).Names {
				names[id.Name] = true
			}
		}
	}
	return names
}

// stepsOf lists the cell's code in the order in which it runs. It needs to know what the units use.
func (c *checked) stepsOf(r *reacher) (steps []step) {
	line := func(n ast.Node) int {
		l, _ := c.src.Position(n.Pos())
		return l
	}
	for _, in := range c.initOrder(r) {
		st := step{init: in, line: line(in.value)}
		for _, id := range in.names {
			st.sets = append(st.sets, id.Name)
		}
		steps = append(steps, st)
	}
	for _, s := range c.after {
		steps = append(steps, step{stmt: s, line: line(s), sets: stmtSets(s)})
	}
	return steps
}

// stmtSets lists the variables that a statement sets as a whole.
func stmtSets(s ast.Stmt) (names []string) {
	if a, ok := unlabel(s).(*ast.AssignStmt); ok && (a.Tok == token.DEFINE || a.Tok == token.ASSIGN) {
		for _, x := range a.Lhs {
			if id, ok := x.(*ast.Ident); ok {
				names = append(names, id.Name)
			}
		}
	}
	if g := varDecl(s); g != nil {
		for _, sp := range g.Specs {
			for _, id := range sp.(*ast.ValueSpec).Names {
				names = append(names, id.Name)
			}
		}
	}
	return names
}

// A dependency is a variable of the cell, with the variables that it waits for.
type dependency struct {
	at    token.Pos
	init  *initializer // nil if it has none
	needs map[string]bool
	done  bool
}

// initOrder orders the initializers of c.decls as Go's compiler does: those without code come first. Then, of the
// variables that wait for no other, it takes the first in the order of the text, again and again. A variable without its own value takes
// part, too: code that mentions it comes after everything that is declared above it and waits for nothing.
// Functions of earlier cells count, although the type checker does not look into them. If they close a
// circle, the order of the text decides.
func (c *checked) initOrder(r *reacher) (order []*initializer) {
	if len(c.decls) == 0 {
		return nil
	}
	var all []*dependency
	owner := map[string]*dependency{}
	add := func(id *ast.Ident, d *dependency) {
		d.at = id.Pos()
		all = append(all, d)
		if id.Name != "_" {
			owner[id.Name] = d
		}
	}
	for _, g := range c.decls {
		for _, sp := range g.Specs {
			v := sp.(*ast.ValueSpec)
			if len(v.Values) == 0 {
				for _, id := range v.Names {
					add(id, new(dependency))
				}
			}
			for i, x := range v.Values {
				in := &initializer{spec: v, names: v.Names, value: x}
				if len(v.Values) == len(v.Names) {
					in.names = v.Names[i : i+1]
				}
				needs := r.from(x, byName)
				for _, id := range in.names {
					add(id, &dependency{init: in, needs: needs})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *dependency) int { return int(a.at - b.at) })
	emitted := map[*initializer]bool{}
	for range all {
		next := slices.IndexFunc(all, func(d *dependency) bool {
			if d.done {
				return false
			}
			for name := range d.needs {
				if o := owner[name]; o != nil && !o.done && o != d && (o.init == nil || o.init != d.init) {
					return false
				}
			}
			return true
		})
		if next < 0 {
			next = slices.IndexFunc(all, func(d *dependency) bool { return !d.done })
		}
		d := all[next]
		if d.done = true; d.init != nil && !emitted[d.init] {
			emitted[d.init] = true
			order = append(order, d.init)
		}
	}
	var first, later []*initializer
	for _, in := range order {
		if c.static(in.value) {
			first = append(first, in)
		} else {
			later = append(later, in)
		}
	}
	return append(first, later...)
}

// static reports whether Go's compiler puts a value into the program's data, so that it is there before any code
// runs. Code that the order does not count, such as a method that is called through an interface, sees it.
func (c *checked) static(x ast.Expr) bool {
	if t := c.info.Types[x]; t.Value != nil || t.IsNil() {
		return true
	}
	switch x := x.(type) {
	case *ast.ParenExpr:
		return c.static(x.X)
	case *ast.FuncLit:
		return true
	case *ast.Ident:
		_, ok := c.info.Uses[x].(*types.Func)
		return ok
	case *ast.UnaryExpr:
		lit, ok := ast.Unparen(x.X).(*ast.CompositeLit)
		return ok && x.Op == token.AND && c.static(lit)
	case *ast.CompositeLit:
		t := c.info.Types[x].Type
		if p, ok := t.Underlying().(*types.Pointer); ok { // &T is left out in a literal of pointers
			t = p.Elem()
		}
		if _, isMap := t.Underlying().(*types.Map); isMap {
			return false
		}
		for _, e := range x.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				e = kv.Value
			}
			if !c.static(e) {
				return false
			}
		}
		return true
	}
	return false
}

// textual reports whether initializers are in the order of the text.
func textual(steps []step) bool {
	last := token.NoPos
	for _, st := range steps {
		if st.init != nil {
			if st.init.value.Pos() < last {
				return false
			}
			last = st.init.value.Pos()
		}
	}
	return true
}

// A reacher finds the variables of the session that code may read or write, directly or through the functions
// and methods that it mentions.
type reacher struct {
	c       *checked
	units   map[string]*unit // once this cell is part of the session
	methods map[string]*unit // by key
	ofType  map[string][]*unit
}

func (c *checked) newReacher(units map[string]*unit, final []*unit) *reacher {
	r := &reacher{c: c, units: units, methods: map[string]*unit{}, ofType: map[string][]*unit{}}
	for _, u := range final {
		if u.kind == methodUnit {
			r.methods[u.key()] = u
			r.ofType[u.recv] = append(r.ofType[u.recv], u)
		}
	}
	return r
}

// A reach is the kind of references that a reacher follows.
type reach int

const (
	byName   reach = iota // functions, and methods that are called or mentioned with a known receiver
	byType                // also the methods of every type that is mentioned, which may be called through interfaces
	byValues              // also what variables may hold: one that may hold functions reaches everything
)

// from returns the variables that a piece of the cell may reach, nil if it may reach all.
func (r *reacher) from(n ast.Node, how reach) map[string]bool {
	uses, methods := r.c.usesOf(n)
	return r.reached(uses, methods, how)
}

// reached is like from, for names and methods.
func (r *reacher) reached(uses, methods map[string]bool, how reach) map[string]bool {
	vars, seen := map[string]bool{}, map[*unit]bool{}
	var visit func(uses, methods map[string]bool) bool
	enter := func(u *unit) bool {
		if u == nil || seen[u] {
			return true
		}
		seen[u] = true
		return visit(u.uses, u.methods)
	}
	visit = func(uses, methods map[string]bool) bool {
		for name := range uses {
			u := r.units[name]
			if u == nil || u.builtin {
				continue
			}
			switch u.kind {
			case varUnit:
				vars[name] = true
				if how == byValues && mayCall(u.typ, map[types.Type]bool{}) {
					return false
				}
				continue
			case typeUnit:
				if how >= byType {
					for _, m := range r.ofType[name] {
						if !enter(m) {
							return false
						}
					}
				}
			}
			if !enter(u) {
				return false
			}
		}
		for key := range methods {
			if !enter(r.methods[key]) {
				return false
			}
		}
		return true
	}
	if !visit(uses, methods) {
		return nil
	}
	return vars
}

// usesOf finds the session's names and methods that a piece of syntax mentions.
func (c *checked) usesOf(n ast.Node) (uses, methods map[string]bool) {
	uses, methods = map[string]bool{}, map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.Ident:
			if o := c.info.Uses[x]; isGlobal(o) || c.isCellVar(o) {
				uses[o.Name()] = true
			}
		case *ast.SelectorExpr:
			if sel := c.info.Selections[x]; sel != nil {
				if key := methodKey(sel.Obj()); key != "" {
					methods[key] = true
				}
			}
		}
		return true
	})
	return uses, methods
}

// methodKey returns the key of a method's unit, empty for anything but a method of a session type.
func methodKey(o types.Object) string {
	f, ok := o.(*types.Func)
	if !ok || f.Signature().Recv() == nil {
		return ""
	}
	t := f.Signature().Recv().Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok && isGlobal(n.Obj()) {
		return n.Obj().Name() + "." + f.Name()
	}
	return ""
}

// mayCall reports whether a value of a type may hold functions of the session: functions, interfaces, and the
// contents of types of packages.
func mayCall(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	if n, ok := types.Unalias(t).(*types.Named); ok && isGlobal(n.Obj()) && n.NumMethods() > 0 {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Kind() == types.UnsafePointer
	case *types.Pointer:
		return mayCall(u.Elem(), seen)
	case *types.Slice:
		return mayCall(u.Elem(), seen)
	case *types.Array:
		return mayCall(u.Elem(), seen)
	case *types.Map:
		return mayCall(u.Key(), seen) || mayCall(u.Elem(), seen)
	case *types.Chan:
		return mayCall(u.Elem(), seen)
	case *types.Struct:
		for f := range u.Fields() {
			if mayCall(f.Type(), seen) {
				return true
			}
		}
		return false
	}
	return true
}

// earlyReads finds the variables that functions may read before their first value, and the lines that give it.
func (p *placement) earlyReads() map[string]int {
	need := map[string]int{}
	inFuncs, inPatched := map[string]bool{}, map[string]bool{}
	for _, u := range p.emitted {
		if u.kind == funcUnit || u.kind == methodUnit || u.kind == initUnit {
			maps.Copy(inFuncs, u.uses)
			if p.patched[u] { // code of earlier cells may call it at any time
				maps.Copy(inPatched, u.uses)
			}
		}
	}
	given, reached, anything := map[string]bool{}, map[string]bool{}, false
	for _, st := range p.steps {
		if st.init != nil {
			anything = p.reachFrom(p.reach, st.init.value, reached) || anything
		} else {
			anything = p.reachFrom(p.reach, st.stmt, reached) || anything
		}
		for _, name := range st.sets {
			if !p.fresh[name] || !inFuncs[name] || given[name] {
				continue
			}
			given[name] = true
			ordered := st.init != nil // the language defines its order
			if inPatched[name] || !ordered && (anything || reached[name]) {
				need[name] = st.line
			}
		}
	}
	return need
}

// reachFrom adds the variables that a piece of the cell may reach, and reports whether that is all of them.
func (c *checked) reachFrom(r *reacher, n ast.Node, reached map[string]bool) bool {
	vars := r.from(n, byValues)
	maps.Copy(reached, vars)
	return vars == nil
}

// declaredBelow explains that a statement further down in the cell declares a name.
func (c *checked) declaredBelow(name string, at token.Pos) string {
	for _, id := range c.vars {
		if id.Name == name && id.Pos() > at {
			line, _ := c.src.Position(id.Pos())
			return fmt.Sprintf("%s is declared below, in line %d: the statements of a cell run from top to bottom",
				names.Clean(strings.TrimPrefix(name, own)), line)
		}
	}
	return ""
}
