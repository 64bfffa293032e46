package cell

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"

	"interleave/kernel/cell/names"
)

// A Literal is a function literal that captures local variables, so that its values mean nothing elsewhere, or
// uses variables of the session, whose pointers it may capture.
type Literal struct {
	Line      int
	Captured  []string // local variables, sorted
	Variables int      // how many of the session's it uses
}

// literals lists the function literals of the cell that may capture something.
func (c *checked) literals() (list []Literal) {
	look := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			lit, ok := n.(*ast.FuncLit)
			if !ok {
				return true
			}
			captured, used := map[string]bool{}, map[*types.Var]bool{}
			ast.Inspect(lit.Body, func(n ast.Node) bool {
				id, ok := n.(*ast.Ident)
				if !ok {
					return true
				}
				v, ok := c.info.Uses[id].(*types.Var)
				if ok && (isGlobal(v) || c.isCellVar(v)) && !c.isContext(v) {
					used[v] = true
				}
				if ok && !v.IsField() && !isGlobal(v) && !c.isCellVar(v) && isSession(v) &&
					(v.Pos() < lit.Pos() || v.Pos() >= lit.End()) {
					captured[names.Clean(v.Name())] = true
				}
				return true
			})
			if len(captured)+len(used) > 0 {
				line, _ := c.src.Position(lit.Pos())
				list = append(list, Literal{line, slices.Sorted(maps.Keys(captured)), len(used)})
			}
			return true
		})
	}
	for _, g := range c.decls {
		look(g)
	}
	for _, st := range c.after {
		look(st)
	}
	for _, u := range c.news {
		if u.node != nil {
			look(u.node)
		}
	}
	return list
}

// isContext reports whether v is the ctx of every cell, for which generated code has a call.
func (c *checked) isContext(v *types.Var) bool {
	u := c.old[ctxName]
	return u != nil && u.builtin && u.objs[0] == v
}
