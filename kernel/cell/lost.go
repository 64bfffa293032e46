package cell

import (
	"fmt"
	"go/ast"
	"maps"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/source"
)

// A variable may have no value: its session has died, its type was defined again differently, or the cell
// that should have set it failed before. Code that would read it is refused, so that no code sees a zero that
// no code has written.

const (
	lostWithSession = "was lost when the session ended"
	lostWithType    = "lost its value when the definition of its type changed"
)

// Lose marks all variables as lost with their session, and returns their names. A cell that reads one before
// it is set again is refused.
func (s *Scope) Lose() (list []string) {
	for i, u := range s.units {
		if u.kind == varUnit && u.lost == "" && !u.builtin {
			c := *u
			c.lost = lostWithSession
			s.units[i] = &c
			list = append(list, names.Clean(u.names[0]))
		}
	}
	return list
}

// Unset marks variables of cell n as having no value: those of sets whose step is not finished. A cell that
// reads one before it is set is refused.
func (s *Scope) Unset(n int, sets []Setting, done int) {
	has := map[string]bool{} // a later step may set it again
	for _, set := range sets {
		has[set.Name] = has[set.Name] || set.Step <= done
	}
	for _, set := range sets {
		if has[set.Name] {
			continue
		}
		for i, u := range s.units {
			if u.kind == varUnit && u.names[0] == set.Name {
				c := *u
				c.lost = fmt.Sprintf("has no value: cell[%d] ended before it was set", n)
				s.units[i] = &c
			}
		}
	}
}

// lost finds the variables without a value that the cell reads, itself or through a function it calls.
func (c *checked) lost() (diags source.Diagnostics) {
	units, list, why := c.prospect()
	if len(why) == 0 {
		return nil
	}
	r := c.newReacher(units, list)
	assigned := c.declNames()
	told := map[string]bool{}
	how := byType
	own := map[string]bool{} // what the current statement sets
	read := func(at ast.Node, uses, methods map[string]bool) {
		vars := r.reached(uses, methods, how)
		// a function that calls methods may create its own value: not certain
		if how == byType && len(own) > 0 {
			for name := range own {
				if !r.reached(uses, methods, byName)[name] {
					delete(vars, name)
				}
			}
		}
		for _, name := range sortedKeys(vars) {
			if why[name] == "" || assigned[name] || told[name] {
				continue
			}
			told[name] = true
			d := source.Diagnostic{Cell: c.src.N, Kind: source.TypeError, Message: names.Clean(name) + " " + why[name],
				Hint: fmt.Sprintf("Run cell[%d] again, or assign %s", units[name].src.N, names.Clean(name))}
			if n, ok := names.ResultOf(name); ok {
				d.Hint = fmt.Sprintf("Run the code of cell[%d] again, which gives another number", n)
			}
			d.Line, d.Column = c.src.Position(at.Pos())
			diags = append(diags, d)
		}
	}
	look := func(n ast.Node) {
		targets := wholeTargets(n)
		if how = byName; c.calls(n) { // through interfaces it may call every method of the types that it mentions
			how = byType
		}
		ast.Inspect(n, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.Ident:
				if o := c.info.Uses[x]; isGlobal(o) && !targets[x] {
					read(x, map[string]bool{o.Name(): true}, nil)
				}
			case *ast.SelectorExpr:
				if sel := c.info.Selections[x]; sel != nil {
					if key := methodKey(sel.Obj()); key != "" {
						read(x, nil, map[string]bool{key: true})
					}
				}
			}
			return true
		})
	}
	for _, g := range c.decls {
		look(g)
	}
	for _, st := range c.after {
		clear(own)
		for _, name := range stmtSets(st) {
			own[name] = true
		}
		look(st)
		maps.Copy(assigned, own)
	}
	clear(own)
	how = byType
	for _, u := range c.news { // they run with the cell
		f, ok := u.node.(*ast.FuncDecl)
		if ok && (u.kind == initUnit || c.main && u.kind == funcUnit && u.names[0] == "main") {
			uses, methods := c.usesOf(f)
			read(f.Name, uses, methods)
		}
	}
	return diags
}

// calls reports whether a piece of the cell calls anything but conversions and built-in functions.
func (c *checked) calls(n ast.Node) (yes bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if x, ok := n.(*ast.CallExpr); ok {
			tv := c.info.Types[x.Fun]
			yes = yes || !tv.IsType() && !tv.IsBuiltin()
		}
		return !yes
	})
	return yes
}

// prospect returns the session as it will be with this cell, without the cell's own variables, and why
// variables have no value.
func (c *checked) prospect() (units map[string]*unit, list []*unit, why map[string]string) {
	units, why = map[string]*unit{}, map[string]string{}
	for _, u := range c.kept {
		switch {
		case c.gone[u]:
			continue
		case c.rebuild[u] != nil:
			if u.kind == varUnit && u.lost == "" && mentions(u.uses, c.reset) {
				why[u.names[0]] = lostWithType
			}
			u = c.rebuild[u]
		case c.again[u] != nil:
			u = c.again[u]
		}
		list = append(list, u)
		if u.kind == varUnit && u.lost != "" {
			why[u.names[0]] = u.lost
		}
	}
	list = append(list, c.news...)
	for _, u := range list {
		if u.kind != methodUnit && u.kind != initUnit {
			for _, n := range u.names {
				units[n] = u
			}
		}
	}
	// another variable with that name
	maps.DeleteFunc(why, func(name string, _ string) bool { return c.unset[name] && c.newVars[name] != units[name] })
	return units, list, why
}

// wholeTargets returns the variables that an assignment sets as a whole, which does not read them.
func wholeTargets(n ast.Node) map[*ast.Ident]bool {
	m := map[*ast.Ident]bool{}
	st, ok := n.(ast.Stmt)
	if !ok {
		return m
	}
	if a, ok := unlabel(st).(*ast.AssignStmt); ok && a.Tok.String() == "=" {
		for _, x := range a.Lhs {
			if id, ok := x.(*ast.Ident); ok {
				m[id] = true
			}
		}
	}
	return m
}
