package cell

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"

	"interleave/kernel/cell/names"
)

// A Literal is a function literal that captures local variables, so that its values mean nothing elsewhere.
type Literal struct {
	Line     int
	Captured []string // sorted
}

// literals lists the function literals of the cell that capture variables.
func (c *checked) literals() (list []Literal) {
	look := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			lit, ok := n.(*ast.FuncLit)
			if !ok {
				return true
			}
			captured := map[string]bool{}
			ast.Inspect(lit.Body, func(n ast.Node) bool {
				id, ok := n.(*ast.Ident)
				if !ok {
					return true
				}
				v, ok := c.info.Uses[id].(*types.Var)
				if ok && !v.IsField() && !isGlobal(v) && !c.isCellVar(v) && isSession(v) &&
					(v.Pos() < lit.Pos() || v.Pos() >= lit.End()) {
					captured[names.Clean(v.Name())] = true
				}
				return true
			})
			if len(captured) > 0 {
				line, _ := c.src.Position(lit.Pos())
				list = append(list, Literal{line, slices.Sorted(maps.Keys(captured))})
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
