package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"interleave/kernel/cell/names"
)

// variables makes a unit for every variable that the statements declare, or finds its existing storage. It
// returns the names with a new meaning.
func (c *checked) variables() (changed map[string]bool) {
	changed, c.unset = map[string]bool{}, map[string]bool{}
	c.newVars, c.redone = map[string]*unit{}, map[*unit]bool{}
	for _, id := range c.vars {
		v, ok := c.info.Defs[id].(*types.Var)
		if !ok || c.newVars[id.Name] != nil {
			continue
		}
		if o := c.old[id.Name]; o != nil && !c.gone[o] {
			if o.kind == varUnit {
				if c.sameType(o, id, v) {
					c.redone[o] = true
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
		c.unset[id.Name] = true
		c.newVars[id.Name] = &unit{kind: varUnit, names: []string{id.Name}, src: c.src, home: c.src.Serial, typ: v.Type(),
			objs: []types.Object{types.NewVar(id.Pos(), c.pkg, id.Name, v.Type())}, uses: typeNames(v.Type())}
	}
	return changed
}

// sameType reports whether a variable that the cell declares has the type of the session's variable of that
// name.
func (c *checked) sameType(o *unit, id *ast.Ident, v *types.Var) bool {
	g, ok := c.pkg.Scope().Lookup(id.Name).(*types.Var)
	switch {
	case !ok:
		return false
	case g != v:
		return types.Identical(g.Type(), v.Type())
	case c.rebuild[o] == nil:
		return types.Identical(o.typ, v.Type())
	}
	// The old variable took no part in this check. Another check made its type, but it is spelled in the same
	// way.
	return (&speller{}).typ(o.typ) == (&speller{}).typ(v.Type())
}

func (c *checked) usedBySession(name string) bool {
	return slices.ContainsFunc(c.kept, func(u *unit) bool { return !c.gone[u] && u.uses[name] })
}

// aliases lists the packages that a unit mentions.
func (s *Scope) aliases(u *unit) map[string]bool {
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

func (s *Scope) pathOf(name string) (string, bool) {
	if !strings.HasPrefix(name, own+"_") {
		return "", false
	}
	path, ok := s.aliased[name]
	return path, ok
}

// isCellVar reports whether an object is a variable that the cell's statements declare at their top level.
func (c *checked) isCellVar(o types.Object) bool {
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
func (c *checked) assigned() map[string]bool {
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

// Using lists the names whose declarations use a package with one of some paths, or are variables of its types.
func (s *Scope) Using(match func(path string) bool) (list []string) {
	for _, u := range s.units {
		uses := false
		for path := range s.aliases(u) {
			uses = uses || match(path)
		}
		if u.typ != nil {
			types.TypeString(u.typ, func(p *types.Package) string {
				uses = uses || match(p.Path())
				return ""
			})
		}
		if uses && len(u.names) > 0 {
			list = append(list, names.Clean(u.key()))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
