package cell

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
	"strings"

	"interleave/kernel/cell/source"
)

// DriveVars is the name under which interpreted code reaches the session's variables, DriveVarsPath its
// import path.
const (
	DriveVars     = own + "vars"
	DriveVarsPath = "interleave/vars"
)

// drive writes the statements for the interpreter, if it may run them.
func (p *placement) drive(e *emitter, plan *Plan) {
	d := &driver{c: p, e: e, set: FaithfulSet, accepted: map[ast.Node]string{}}
	if !d.all() {
		plan.Refused = p.s.excerpts(source.Diagnostics{*d.refused}, p.src)[0]
		return
	}
	w := newEmitter(p)
	w.src, w.drive = p.src, true
	var b strings.Builder
	for i, st := range p.body {
		line, _ := p.src.Position(st.Pos())
		fmt.Fprintf(&b, "%s(%d, %d)\n", w.rt("At"), line, i)
		b.WriteString(w.driveStmt(st, i == len(p.body)-1))
		b.WriteString("\n")
	}
	plan.Drive, plan.Drives, plan.Faithful = b.String(), sortedKeys(w.imports), d.entries()
	// The interpreter counts statements, in which a declaration may set several variables.
	for i, st := range p.body {
		for _, name := range stmtSets(st) {
			if p.fresh[name] {
				plan.DriveSets = append(plan.DriveSets, Setting{name, i + 1})
			}
		}
	}
}

// constantText writes a constant in a form that the interpreter reads correctly: its value, converted to its
// type.
func constantText(tv types.TypeAndValue, sp *speller) (string, bool) {
	t := types.Default(tv.Type)
	b, ok := t.Underlying().(*types.Basic)
	if !ok {
		return "", false
	}
	var s string
	switch {
	case b.Info()&types.IsBoolean != 0:
		s = strconv.FormatBool(constant.BoolVal(tv.Value))
	case b.Info()&types.IsString != 0:
		s = strconv.Quote(constant.StringVal(tv.Value))
	case b.Info()&types.IsInteger != 0:
		i, exact := constant.Int64Val(constant.ToInt(tv.Value))
		if !exact {
			return "", false
		}
		s = strconv.FormatInt(i, 10)
		if i == -1<<63 {
			return "", false
		}
	case b.Info()&types.IsFloat != 0:
		f, _ := constant.Float64Val(constant.ToFloat(tv.Value))
		s = strconv.FormatFloat(f, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		if strings.ContainsAny(s, "IN") {
			return "", false
		}
	default:
		return "", false
	}
	if t, ok := t.(*types.Basic); ok {
		switch t.Kind() {
		case types.Int, types.Float64, types.String, types.Bool:
			return s, true
		}
	}
	if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil && !n.Obj().Exported() && !isGlobal(n.Obj()) {
		return "", false
	}
	if sp == nil {
		sp = &speller{}
	}
	return sp.typ(t) + "(" + s + ")", true
}

// driveStmt writes one statement.
func (e *emitter) driveStmt(st ast.Stmt, last bool) string {
	src := e.src
	text := func(n ast.Node) string {
		return e.apply(src.Code, src.Offset(n.Pos()), src.End(n))
	}
	switch s := st.(type) {
	case *ast.ExprStmt:
		e.driveExpr(s.X)
		if x := text(s); last && s.X == e.c.last && !src.Hidden && e.shown(s.X) {
			return e.rt("Show") + "(" + x + ")"
		} else {
			return x
		}
	case *ast.DeclStmt:
		var out []string
		for _, sp := range s.Decl.(*ast.GenDecl).Specs {
			v := sp.(*ast.ValueSpec)
			for i, id := range v.Names {
				e.ident(id, false)
				to := text(id)
				e.driveExpr(v.Values[i])
				out = append(out, to+" = "+text(v.Values[i]))
			}
		}
		return strings.Join(out, "\n")
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			at := src.Offset(s.TokPos)
			e.put(at, at+2, "=")
		}
		for _, x := range s.Lhs {
			e.driveExpr(x)
		}
		for _, x := range s.Rhs {
			e.driveExpr(x)
		}
	case *ast.IncDecStmt:
		e.driveExpr(s.X)
	}
	return text(st)
}

func (e *emitter) driveExpr(x ast.Expr) {
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			e.selected[n.Sel] = true
		case *ast.Ident:
			if tv := e.c.info.Types[n]; tv.Value == nil {
				e.ident(n, false)
				return true
			}
		}
		if y, ok := n.(ast.Expr); ok {
			if tv, ok := e.c.info.Types[y]; ok && tv.Value != nil {
				s, _ := constantText(tv, e.spell())
				e.replace(y, s)
				return false
			}
		}
		return true
	})
}
