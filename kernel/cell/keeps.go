package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
)

// A closure is compiled with the meaning that its names have at that time. It follows a function that is
// defined again with the same signature, and a variable that is declared again with the same type. Everything
// else stays as it was in the closure, and in a method value. A note names closures that are known to exist:
// in a variable, or in a goroutine that is still running.

// closures finds the names that closures in the cell's statements use: by the variable that holds them, with
// the cell's number; and those of closures that may run in a goroutine.
func (c *checked) closures() (by map[string]map[string]int, all map[string]bool) {
	by, all = map[string]map[string]int{}, map[string]bool{}
	give := func(target, value ast.Expr) {
		id := root(target)
		if id == nil {
			return
		}
		uses := c.captures(value)
		if o := c.info.ObjectOf(id); len(uses) == 0 || !isGlobal(o) && !c.isCellVar(o) {
			return
		}
		if by[id.Name] == nil {
			by[id.Name] = map[string]int{}
		}
		for n := range uses {
			by[id.Name][n] = c.src.N
		}
	}
	var byName bool // whether a go statement starts a function by its name
	var direct []ast.Expr
	pair := func(targets, values []ast.Expr) {
		for i, t := range targets {
			if len(values) == len(targets) {
				give(t, values[i])
			} else if len(values) > 0 {
				give(t, values[0])
			}
		}
	}
	for _, st := range c.body {
		ast.Inspect(st, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				if _, ok := ast.Unparen(n.Call.Fun).(*ast.FuncLit); !ok {
					byName = true
				}
			case *ast.FuncLit:
				if !slices.Contains(direct, ast.Expr(n)) {
					maps.Copy(all, c.captures(n))
				}
			case *ast.AssignStmt:
				direct = append(direct, n.Rhs...)
				pair(n.Lhs, n.Rhs)
			case *ast.ValueSpec:
				var names []ast.Expr
				for _, id := range n.Names {
					names = append(names, id)
				}
				direct = append(direct, n.Values...)
				pair(names, n.Values)
			}
			return true
		})
	}
	if byName {
		for _, x := range direct {
			maps.Copy(all, c.captures(x))
		}
	}
	return by, all
}

// root returns the variable that an assignment to x changes.
func root(x ast.Expr) *ast.Ident {
	for {
		switch y := ast.Unparen(x).(type) {
		case *ast.Ident:
			return y
		case *ast.IndexExpr:
			x = y.X
		case *ast.SelectorExpr:
			x = y.X
		case *ast.StarExpr:
			x = y.X
		default:
			return nil
		}
	}
}

// captures lists the session's names, and the names of the types of all values, in the function literals and
// function values of an expression.
func (c *checked) captures(x ast.Expr) map[string]bool {
	uses := map[string]bool{}
	called := map[ast.Expr]bool{}
	add := func(o types.Object) {
		if o != nil && (isGlobal(o) || c.isCellVar(o)) {
			uses[o.Name()] = true
		}
	}
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			ast.Inspect(n, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					add(c.info.Uses[id])
				}
				if e, ok := n.(ast.Expr); ok {
					if tv := c.info.Types[e]; tv.IsValue() {
						sessionTypes(tv.Type, uses)
					}
				}
				return true
			})
			return false
		case *ast.CallExpr:
			called[ast.Unparen(n.Fun)] = true
		case *ast.SelectorExpr:
			if s := c.info.Selections[n]; s != nil && s.Kind() == types.MethodVal && !called[n] {
				sessionTypes(s.Recv(), uses)
			}
		case *ast.Ident:
			if f, ok := c.info.Uses[n].(*types.Func); ok && !called[n] && !c.follows(f) {
				add(f)
			}
		}
		return true
	})
	return uses
}

// sessionTypes adds the names of the session's types that occur in a type.
func sessionTypes(t types.Type, names map[string]bool) {
	switch t := t.(type) {
	case *types.Named:
		if isGlobal(t.Obj()) {
			names[t.Obj().Name()] = true
		}
		for a := range t.TypeArgs().Types() {
			sessionTypes(a, names)
		}
	case *types.Alias:
		if isGlobal(t.Obj()) {
			names[t.Obj().Name()] = true
		}
		sessionTypes(types.Unalias(t), names)
	case *types.Map:
		sessionTypes(t.Key(), names)
		sessionTypes(t.Elem(), names)
	case *types.Signature:
		sessionTypes(t.Params(), names)
		sessionTypes(t.Results(), names)
	case *types.Tuple:
		for v := range t.Variables() {
			sessionTypes(v.Type(), names)
		}
	case *types.Struct:
		for f := range t.Fields() {
			sessionTypes(f.Type(), names)
		}
	case interface{ Elem() types.Type }: // pointers, slices, arrays and channels
		sessionTypes(t.Elem(), names)
	}
}

// closeOver records which closures a cell's statements have given to variables. whole are the variables that
// were assigned as a whole.
func closeOver(units []*unit, by map[string]map[string]int, whole map[string]bool) {
	for _, u := range units {
		if u.kind != varUnit {
			continue
		}
		uses := by[u.names[0]]
		switch {
		case whole[u.names[0]]:
			u.closes = uses
		case len(uses) > 0:
			merged := maps.Clone(u.closes)
			if merged == nil {
				merged = map[string]int{}
			}
			maps.Copy(merged, uses)
			u.closes = merged
		}
	}
}

// appends reports whether an assignment keeps the old value of its variable: x = append(x, …).
func appends(target, value ast.Expr) bool {
	id, ok := ast.Unparen(target).(*ast.Ident)
	call, is := ast.Unparen(value).(*ast.CallExpr)
	if !ok || !is || len(call.Args) == 0 {
		return false
	}
	first := root(call.Args[0])
	return first != nil && first.Name == id.Name
}

// whole lists the variables to which the cell's own statements assign another value as a whole, with nothing
// of the old one.
func (c *checked) whole() map[string]bool {
	m := c.assigned()
	for _, st := range c.body {
		if a, ok := unlabel(st).(*ast.AssignStmt); ok && a.Tok == token.ASSIGN {
			for i, x := range a.Lhs {
				if id, ok := x.(*ast.Ident); ok && len(a.Rhs) == len(a.Lhs) && appends(x, a.Rhs[i]) && c.newVars[id.Name] == nil {
					delete(m, id.Name)
				}
			}
		}
	}
	return m
}

// follows reports whether values of a function always reach its newest definition.
func (c *checked) follows(f *types.Func) bool {
	for _, u := range slices.Concat(c.news, c.kept) {
		if u.kind == funcUnit && u.names[0] == f.Name() {
			return u.plain && !u.alone()
		}
	}
	return false
}
