package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"

	"interleave/kernel/cell/names"
)

// An Assigner is a function of a cell, which may assign variables of the session, itself or by functions that it
// mentions. In another process it changes that process's copies.
type Assigner struct {
	Line  int
	Name  string   // such as bump or counter.Bump, as Calls have it; empty for function literals
	Sets  []string // the variables, sorted; what they hold or point to counts
	Calls []string // functions and methods of the session, sorted
}

// assigners lists the functions of the cell, and the function literals that assign variables or mention functions.
func (c *checked) assigners() (list []Assigner) {
	look := func(n ast.Node, name string) {
		a := Assigner{Name: name, Sets: c.setsWithin(n), Calls: c.mentions(n)}
		a.Line, _ = c.src.Position(n.Pos())
		if name != "" || len(a.Sets)+len(a.Calls) > 0 {
			list = append(list, a)
		}
	}
	literals := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			if lit, ok := n.(*ast.FuncLit); ok {
				look(lit, "")
			}
			return true
		})
	}
	for _, g := range c.decls {
		literals(g)
	}
	for _, st := range c.after {
		literals(st)
	}
	for _, u := range c.news {
		if u.node == nil {
			continue
		}
		if f, ok := u.node.(*ast.FuncDecl); ok && f.Body != nil {
			name := f.Name.Name
			if f.Recv != nil {
				name = methodKey(c.info.Defs[f.Name])
			}
			look(f, name)
		}
		literals(u.node)
	}
	return list
}

// setsWithin lists the session variables that a function assigns, or a part of them.
func (c *checked) setsWithin(n ast.Node) []string {
	sets := map[string]bool{}
	set := func(x ast.Expr) {
		if id := root(x); id != nil {
			if o, ok := c.info.Uses[id].(*types.Var); ok && !o.IsField() && (isGlobal(o) || c.isCellVar(o)) {
				sets[names.Clean(o.Name())] = true
			}
		}
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.AssignStmt:
			if x.Tok != token.DEFINE {
				for _, l := range x.Lhs {
					set(l)
				}
			}
		case *ast.IncDecStmt:
			set(x.X)
		case *ast.RangeStmt:
			if x.Tok == token.ASSIGN {
				set(x.Key)
				set(x.Value)
			}
		case *ast.CallExpr: // of built-in functions that change their first argument
			if id, ok := ast.Unparen(x.Fun).(*ast.Ident); ok && c.info.Types[x.Fun].IsBuiltin() && len(x.Args) > 0 {
				switch id.Name {
				case "delete", "clear", "copy":
					set(x.Args[0])
				}
			}
		}
		return true
	})
	return slices.Sorted(maps.Keys(sets))
}

// mentions lists the functions and methods of the session that a piece of the cell mentions.
func (c *checked) mentions(n ast.Node) []string {
	found := map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			f, ok := c.info.Uses[id].(*types.Func)
			switch {
			case !ok:
			case isGlobal(f):
				found[f.Name()] = true
			default:
				if key := methodKey(f.Origin()); key != "" {
					found[key] = true
				}
			}
		}
		return true
	})
	return slices.Sorted(maps.Keys(found))
}
