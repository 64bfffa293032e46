package lower

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

func (f *fn) switchStmt(s *ast.SwitchStmt, label string) {
	if s.Init != nil {
		f.stmt(s.Init)
	}
	tag, tagT := "", types.Type(types.Typ[types.Bool])
	if s.Tag != nil {
		tagT = types.Default(f.typeOf(s.Tag))
		if b, ok := tagT.(*types.Basic); ok && b.Kind() == types.UntypedNil {
			refuse(s, "this switch")
		}
		tag = f.copied(f.value(s.Tag, tagT), f.view(tagT))
	}
	t := &target{label: label, pseudo: true}
	falls := false
	var clauses []*ast.CaseClause
	def := -1
	for i, c := range s.Body.List {
		cc := c.(*ast.CaseClause)
		clauses = append(clauses, cc)
		if cc.List == nil {
			def = i
		}
		if fallsThrough(cc.Body) {
			falls = true
		}
	}
	body := f.nested(t, func() {
		which := f.temp("int")
		f.line("%s = %d", which, def)
		f.choose(clauses, 0, which, tag, tagT, s)
		for i, cc := range clauses {
			list := cc.Body
			ft := fallsThrough(list)
			if ft {
				list = list[:len(list)-1]
			}
			kw := "if"
			if i > 0 && !falls {
				kw = "} else if"
			}
			f.line("%s %s == %d {", kw, which, i)
			f.block(list)
			if falls {
				if ft {
					f.line("\t%s = %d", which, i+1)
				}
				f.line("}")
			}
		}
		if len(clauses) > 0 && !falls {
			f.line("}")
		}
	})
	f.once(t, body)
}

// fallsThrough reports whether a clause ends in fallthrough.
func fallsThrough(list []ast.Stmt) bool {
	if len(list) == 0 {
		return false
	}
	b, ok := list[len(list)-1].(*ast.BranchStmt)
	return ok && b.Tok == token.FALLTHROUGH
}

// choose writes the comparisons of a switch one after the other.
func (f *fn) choose(clauses []*ast.CaseClause, from int, which, tag string, tagT types.Type, s *ast.SwitchStmt) {
	for i := from; i < len(clauses); i++ {
		for _, x := range clauses[i].List {
			f.ready = map[ast.Expr]string{}
			c := ""
			if tag == "" && !types.IsInterface(f.typeOf(x)) {
				c = f.whole(x)
			} else if tag == "" {
				c = f.equalTag("true", tagT, x)
			} else {
				c = f.equalTag(tag, tagT, x)
			}
			f.line("if %s {", c)
			f.line("\t%s = %d", which, i)
			f.line("} else {")
			f.ind++
		}
	}
	for i := from; i < len(clauses); i++ {
		for range clauses[i].List {
			f.ind--
			f.line("}")
		}
	}
}

func (f *fn) equalTag(tag string, tagT types.Type, x ast.Expr) string {
	f.hoist1(x)
	if f.l.Info.Types[x].IsNil() {
		return "(" + tag + " == nil)"
	}
	t := tagT
	xt := f.typeOf(x)
	v := tag
	if types.IsInterface(xt) && !types.IsInterface(tagT) {
		v, t = f.convert(tag, tagT, xt, x), xt
	} else if types.IsInterface(xt) && types.IsInterface(t) && !types.AssignableTo(xt, t) {
		v, t = f.convert(tag, tagT, xt, x), xt
	}
	w := f.valueOf(x, t)
	if u, ok := t.Underlying().(*types.Basic); ok && u.Kind() != types.UnsafePointer && u.Info()&types.IsComplex == 0 {
		return "(" + v + " == " + w + ")"
	}
	o := f.l.op(Op{Kind: OpEqual, Types: []types.Type{f.l.view(t), t}})
	f.mark(x)
	return f.storedAs(fmt.Sprintf("op.%s(l, %s, %s)", o, v, w), "bool")
}

func (f *fn) typeSwitch(s *ast.TypeSwitchStmt, label string) {
	if s.Init != nil {
		f.stmt(s.Init)
	}
	var x ast.Expr
	bound := false
	switch a := s.Assign.(type) {
	case *ast.AssignStmt:
		x, bound = a.Rhs[0].(*ast.TypeAssertExpr).X, true
	case *ast.ExprStmt:
		x = ast.Unparen(a.X).(*ast.TypeAssertExpr).X
	}
	it := f.typeOf(x)
	v := f.copied(f.whole(x), f.view(it))
	ts := []types.Type{it}
	var of []int
	def := -1
	for i, c := range s.Body.List {
		cc := c.(*ast.CaseClause)
		if cc.List == nil {
			def = i
		}
		for _, tx := range cc.List {
			if f.l.Info.Types[tx].IsNil() {
				ts = append(ts, nil)
			} else {
				ts = append(ts, f.typeOf(tx))
			}
			of = append(of, i)
		}
	}
	t := &target{label: label, pseudo: true}
	body := f.nested(t, func() {
		which, n := f.temp("int"), f.temp("int")
		f.line("%s = op.%s(%s)", n, f.l.op(Op{Kind: OpSwitch, Types: ts}), v)
		f.clauseOf(which, n, of, def)
		for i, c := range s.Body.List {
			cc := c.(*ast.CaseClause)
			kw := "if"
			if i > 0 {
				kw = "} else if"
			}
			f.line("%s %s == %d {", kw, which, i)
			f.ind++
			if o := f.l.Info.Implicits[cc]; bound && o != nil {
				ot := f.sub(o.Type())
				val := v
				if len(cc.List) == 1 && !f.l.Info.Types[cc.List[0]].IsNil() {
					val = f.assertTo(v, it, ot, cc)
				}
				f.define(o, val)
			}
			f.stmts(cc.Body)
			f.ind--
		}
		if len(s.Body.List) > 0 {
			f.line("}")
		}
	})
	f.once(t, body)
}

// clauseOf writes which clause an operation has chosen: of[k] when its result n is k, and def otherwise.
func (f *fn) clauseOf(which, n string, of []int, def int) {
	f.line("%s = %d", which, def)
	for k, i := range of {
		f.line("if %s == %d {", n, k)
		f.line("\t%s = %d", which, i)
		f.line("}")
	}
}

func (f *fn) selectStmt(s *ast.SelectStmt, label string) {
	var args []string
	var ts []types.Type
	var dirs []bool
	block := true
	type recv struct {
		v, ok  string
		clause int
	}
	var recvs []recv
	var index []int // of the clause of each operation
	def := -1
	var results []string
	for i, c := range s.Body.List {
		cc := c.(*ast.CommClause)
		switch a := cc.Comm.(type) {
		case nil:
			block, def = false, i
			continue
		case *ast.SendStmt:
			t := f.typeOf(a.Chan)
			f.hoist(a.Chan, a.Value)
			args = append(args, f.copied(f.expr(a.Chan), f.view(t)), f.copied(f.valueOf(a.Value, chanOf(t).Elem()), f.view(chanOf(t).Elem())))
			ts, dirs = append(ts, f.l.view(t)), append(dirs, true)
		default:
			var u *ast.UnaryExpr
			switch a := a.(type) {
			case *ast.ExprStmt:
				u = ast.Unparen(a.X).(*ast.UnaryExpr)
			case *ast.AssignStmt:
				u = ast.Unparen(a.Rhs[0]).(*ast.UnaryExpr)
			}
			t := f.typeOf(u.X)
			f.hoist1(u.X)
			args = append(args, f.copied(f.expr(u.X), f.view(t)))
			ts, dirs = append(ts, f.l.view(t)), append(dirs, false)
			recvs = append(recvs, recv{f.temp(f.view(chanOf(t).Elem())), "", i})
			results = append(results, recvs[len(recvs)-1].v)
		}
		index = append(index, i)
	}
	n, ok := f.temp("int"), f.temp("bool")
	o := f.l.op(Op{Kind: OpSelect, Types: ts, Dirs: dirs, Text: fmt.Sprint(block)})
	f.mark(s)
	all := append([]string{n}, results...)
	all = append(all, ok)
	f.line("%s = op.%s(%s)", strings.Join(all, ", "), o, strings.Join(append([]string{f.at()}, args...), ", "))
	t := &target{label: label, pseudo: true}
	body := f.nested(t, func() {
		which := f.temp("int")
		f.clauseOf(which, n, index, def)
		for i, c := range s.Body.List {
			cc := c.(*ast.CommClause)
			kw := "if"
			if i > 0 {
				kw = "} else if"
			}
			f.line("%s %s == %d {", kw, which, i)
			f.ind++
			if a, isA := cc.Comm.(*ast.AssignStmt); isA {
				for _, r := range recvs {
					if r.clause == i {
						f.received(a, r.v, ok)
					}
				}
			}
			f.stmts(cc.Body)
			f.ind--
		}
		if len(s.Body.List) > 0 {
			f.line("}")
		}
	})
	f.once(t, body)
}

// received assigns what a clause of a select received.
func (f *fn) received(a *ast.AssignStmt, v, ok string) {
	elem := chanOf(f.typeOf(ast.Unparen(a.Rhs[0]).(*ast.UnaryExpr).X)).Elem()
	from := []types.Type{elem, types.Typ[types.Bool]}
	for i, x := range a.Lhs {
		val := []string{v, ok}[i]
		if o := f.isNew(x); o != nil {
			f.define(o, val)
		} else if !blank(x) {
			f.destination(x)(f.convert(val, from[i], f.typeOf(x), a))
		}
	}
}
