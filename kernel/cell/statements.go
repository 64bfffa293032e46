package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// locals copies the package's pointers to variables into the cell's function, where they can stay in
// registers.
func (e *emitter) locals(b *strings.Builder) {
	used := map[string]bool{}
	for _, st := range e.c.body {
		e.variablesIn(st, func(u *unit, name string) { used[name] = true })
	}
	for _, p := range sortedKeys(used) {
		fmt.Fprintf(b, "%s := %s; _ = %s\n", p, p, p)
	}
}

// ownPointers copies the package's pointers into a function: it unlocks the lock that it has locked, and
// continues to use the channel that it has begun to fill, whatever is declared meanwhile (see Renew in
// package rt).
func (e *emitter) ownPointers(body *ast.BlockStmt) (s string) {
	used := map[string]bool{}
	e.variablesIn(body, func(u *unit, name string) {
		used[name] = true
	})
	for _, p := range sortedKeys(used) {
		s += fmt.Sprintf(" %s := %s; _ = %s;", p, p, p)
	}
	return s
}

// variablesIn calls f for the session's variables in a piece of code, with the names of their pointers.
func (e *emitter) variablesIn(code ast.Node, f func(u *unit, name string)) {
	ast.Inspect(code, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			o := e.c.info.Uses[id]
			if o == nil {
				o = e.c.info.Defs[id]
			}
			if _, ok := o.(*types.Var); ok && (isGlobal(o) || e.c.isCellVar(o)) {
				if u := e.unitOf(o); u != nil && !u.builtin {
					f(u, fmt.Sprintf("%sv%d_%s", own, u.home, u.names[0]))
				}
			}
		}
		return true
	})
}

// body writes the cell's statements. inits are called between them.
func (e *emitter) body(inits []initFunc) string {
	c, src := e.c, e.c.src
	done := len(e.c.steps) - len(c.after) // steps that are finished
	first := map[ast.Stmt]int{}
	for i, st := range c.after {
		first[st] = i
	}
	for i, st := range src.Body {
		in := unlabel(st)
		k, runs := first[st]
		if d, ok := in.(*ast.DeclStmt); ok && !runs {
			e.replace(d.Decl, "")
			continue
		}
		line, _ := src.Position(st.Pos())
		before := ""
		if k > 0 {
			before = e.finished(done+k) + e.callInits(inits, done+k)
		}
		e.insert(src.Offset(st.Pos()), before+fmt.Sprintf("*%s = %d; ", e.rt("Line"), line))
		if i > 0 && in == st {
			e.insert(src.Offset(st.Pos()), fmt.Sprintf("if %s != 0 { %s() }; ", e.rt("Given"), e.rt("Poll")))
		}
		if g := varDecl(in); g != nil {
			e.varDecl(g)
			continue
		}
		if a, ok := in.(*ast.AssignStmt); ok && a.Tok.String() == ":=" {
			at := src.Offset(a.TokPos)
			e.put(at, at+2, "=")
			e.ownContext(a)
		}
		if x, ok := in.(*ast.ExprStmt); ok && x.X == c.last && src.Hidden {
			if !e.statement(c.last) {
				e.insert(src.Offset(c.last.Pos()), "_ = ")
			}
		} else if ok && x.X == c.last && e.shown(c.last) {
			e.insert(src.Offset(c.last.Pos()), e.show()+"(")
			e.walk(st)
			e.edits = append(e.edits, edit{src.End(c.last), src.End(c.last), ")"})
			continue
		}
		e.walk(st)
	}
	return e.apply(src.BodyText, 0, len(src.BodyText))
}

// ownContext declares ctx for the rest of the cell when a statement at its top level does.
func (e *emitter) ownContext(a *ast.AssignStmt) {
	for _, x := range a.Lhs {
		if id, ok := x.(*ast.Ident); ok && id.Name == ctxName {
			if o := e.c.info.Defs[id]; o != nil {
				e.insert(e.src.Offset(a.Pos()), fmt.Sprintf("var %s %s; _ = %s; ", ctxName, e.spell().typ(o.Type()), ctxName))
			}
		}
	}
}

func (e *emitter) show() string { return e.rt("Show") }

// shown reports whether a cell's last expression has a value worth showing: the value of a call that prints
// has none.
func (e *emitter) shown(x ast.Expr) bool {
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	if !ok {
		return true
	}
	tv := e.c.info.Types[call]
	if tv.IsVoid() || tv.Type == nil {
		return false
	}
	name := ""
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	t, ok := tv.Type.(*types.Tuple)
	if !ok || t.Len() != 2 || t.At(0).Type().String() != "int" || t.At(1).Type().String() != "error" {
		return true
	}
	for _, p := range []string{"Print", "Fprint", "Write"} {
		if strings.HasPrefix(name, p) {
			return false
		}
	}
	return true
}

// statement reports whether an expression is valid as a statement.
func (e *emitter) statement(x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.CallExpr:
		tv := e.c.info.Types[x.Fun]
		if tv.IsBuiltin() {
			return e.c.info.Types[x].IsVoid() || e.src.Slice(x.Fun) == "copy" || e.src.Slice(x.Fun) == "recover"
		}
		return !tv.IsType()
	case *ast.UnaryExpr:
		return x.Op.String() == "<-"
	}
	return false
}

// varDecl turns a var declaration among the statements into assignments.
func (e *emitter) varDecl(g *ast.GenDecl) {
	at := e.src.Offset(g.TokPos)
	e.put(at, at+len("var"), "")
	if g.Lparen.IsValid() {
		e.put(e.src.Offset(g.Lparen), e.src.Offset(g.Lparen)+1, "")
		e.put(e.src.Offset(g.Rparen), e.src.Offset(g.Rparen)+1, "")
	}
	for _, sp := range g.Specs {
		v := sp.(*ast.ValueSpec)
		if blankOnly(v) {
			e.insert(e.src.Offset(v.Pos()), "var ")
			e.walk(v)
			continue
		}
		for _, id := range v.Names {
			e.ident(id, false)
		}
		if v.Type != nil && len(v.Values) > 0 { // the type's line ends go after the =, where they end no statement
			e.put(e.src.Offset(v.Type.Pos()), e.src.Offset(v.Values[0].Pos()), "= ")
		}
		if len(v.Values) == 0 {
			var zeros []string
			for _, id := range v.Names {
				zero := "0"
				if o := e.c.info.Defs[id]; o != nil {
					zero = e.zero(o.Type())
				}
				zeros = append(zeros, zero)
			}
			e.replace(v.Type, "= "+strings.Join(zeros, ", "))
		}
		for _, x := range v.Values {
			e.walk(x)
		}
	}
}

func blankOnly(v *ast.ValueSpec) bool {
	for _, id := range v.Names {
		if id.Name != "_" {
			return false
		}
	}
	return true
}

// effectless finds the expression that gave a variable a type that has no spelling here. Only the type of the
// expression is used, but it is evaluated, so it must have no effect.
func (e *emitter) effectless(name string) string {
	find := func(names []ast.Expr, values []ast.Expr) ast.Expr {
		if len(names) == len(values) {
			for i, x := range names {
				if id, ok := x.(*ast.Ident); ok && id.Name == name {
					return values[i]
				}
			}
		}
		return nil
	}
	for _, st := range e.c.src.Body {
		var x ast.Expr
		switch s := unlabel(st).(type) {
		case *ast.AssignStmt:
			x = find(s.Lhs, s.Rhs)
		case *ast.DeclStmt:
			for _, sp := range s.Decl.(*ast.GenDecl).Specs {
				if v, ok := sp.(*ast.ValueSpec); ok {
					var names []ast.Expr
					for _, id := range v.Names {
						names = append(names, id)
					}
					if f := find(names, v.Values); f != nil {
						x = f
					}
				}
			}
		}
		if x != nil && pure(x) {
			e.edits = nil
			e.src = e.c.src
			e.walk(x)
			return e.apply(e.src.Code, e.src.Offset(x.Pos()), e.src.End(x))
		}
	}
	return "nil"
}

// pure reports whether evaluating an expression can have no effect.
func pure(x ast.Expr) bool {
	ok := true
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr, *ast.IndexExpr, *ast.StarExpr, *ast.TypeAssertExpr, *ast.SliceExpr:
			ok = false
		case *ast.UnaryExpr:
			ok = ok && n.Op.String() != "<-"
		case *ast.FuncLit:
			return false
		}
		return ok
	})
	return ok
}
