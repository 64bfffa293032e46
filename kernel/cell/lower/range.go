package lower

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

var one = constant.MakeInt64(1)

// rangesOverFunc reports whether a function body has a loop over a function, outside of its literals.
func (l *lowerer) rangesOverFunc(f *fn, body *ast.BlockStmt) (yes bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.RangeStmt:
			if _, ok := f.typeOf(n.X).Underlying().(*types.Signature); ok {
				yes = true
			}
		}
		return !yes
	})
	return yes
}

// iterated gives the variables of a range clause the values of an iteration.
func (f *fn) iterated(s *ast.RangeStmt, vals []string, ts []types.Type) {
	var sets []func()
	for i, x := range []ast.Expr{s.Key, s.Value} {
		if x == nil || blank(x) || i >= len(vals) {
			continue
		}
		if s.Tok == token.DEFINE {
			o := f.l.Info.Defs[x.(*ast.Ident)]
			f.define(o, f.convert(vals[i], ts[i], f.sub(o.Type()), s))
			continue
		}
		f.ready = map[ast.Expr]string{}
		set := f.destination(x)
		v := f.convert(vals[i], ts[i], f.typeOf(x), s)
		sets = append(sets, func() { set(v) })
	}
	for _, set := range sets {
		set()
	}
}

func (f *fn) rangeStmt(s *ast.RangeStmt, label string) {
	t := f.typeOf(s.X)
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Info()&types.IsString != 0 {
			f.rangeString(s, label)
			return
		}
		f.rangeInt(s, label)
	case *types.Slice, *types.Array, *types.Pointer:
		f.rangeSlice(s, label, t)
	case *types.Map:
		f.rangeMap(s, label, u)
	case *types.Chan:
		f.rangeChan(s, label, u)
	case *types.Signature:
		f.rangeFunc(s, label, u)
	default:
		refuse(s, "a loop over this")
	}
}

// counted writes a loop in which i counts from 0 to below n.
func (f *fn) counted(label, i, n, one string, s *ast.RangeStmt, each func()) {
	t := &target{label: label, loop: true, post: func() { f.line("%s = %s + %s", i, i, one) }}
	body := f.nested(t, func() {
		f.poll()
		each()
		f.stmts(s.Body.List)
		t.post()
	})
	f.loop(t, fmt.Sprintf("for %s < %s", i, n), body)
}

func (f *fn) rangeInt(s *ast.RangeStmt, label string) {
	t := types.Default(f.typeOf(s.X))
	if s.Key != nil && !blank(s.Key) {
		if o := f.isNew(s.Key); o != nil && s.Tok == token.DEFINE {
			t = f.sub(o.Type())
		} else if s.Tok == token.ASSIGN {
			t = f.typeOf(s.Key)
		}
	}
	typ := f.view(t)
	n := f.copied(f.value(s.X, t), typ)
	i := f.temp(typ)
	f.line("%s = %s", i, f.constant(constant.MakeInt64(0), t, s))
	f.counted(label, i, n, f.constant(one, t, s), s, func() { f.iterated(s, []string{i}, []types.Type{t}) })
}

func (f *fn) rangeSlice(s *ast.RangeStmt, label string, t types.Type) {
	var elem types.Type
	v, n := "", ""
	needs := s.Value != nil && !blank(s.Value)
	switch u := t.Underlying().(type) {
	case *types.Slice:
		elem = u.Elem()
		v = f.copied(f.whole(s.X), f.view(t))
		n = f.copied("len("+v+")", "int")
	case *types.Array:
		elem, n = u.Elem(), strconv.FormatInt(u.Len(), 10)
		if needs {
			v = f.copied(f.whole(s.X), f.view(t))
		} else if f.calls(s.X) { // otherwise it is not evaluated
			f.discard(f.whole(s.X))
		}
	case *types.Pointer:
		a := u.Elem().Underlying().(*types.Array)
		elem, n = a.Elem(), strconv.FormatInt(a.Len(), 10)
		p := f.copied(f.whole(s.X), f.view(t))
		v = "(*" + p + ")"
		if needs && a.Len() > 0 {
			f.checkNil(p, s.X)
		}
	}
	i := f.temp("int")
	f.line("%s = 0", i)
	f.counted(label, i, n, "1", s, func() {
		vals, ts := []string{i}, []types.Type{types.Typ[types.Int]}
		if needs {
			vals, ts = append(vals, v+"["+i+"]"), append(ts, elem)
		}
		f.iterated(s, vals, ts)
	})
}

func (f *fn) rangeString(s *ast.RangeStmt, label string) {
	str := f.copied(f.value(s.X, types.Default(f.typeOf(s.X))), "string")
	i, r, next := f.temp("int"), f.temp("int32"), f.temp("int")
	f.line("%s = 0", i)
	t := &target{label: label, loop: true, post: func() { f.line("%s = %s", i, next) }}
	body := f.nested(t, func() {
		f.poll()
		f.line("%s, %s = rt.Rune(%s, %s)", r, next, str, i)
		f.iterated(s, []string{i, r}, []types.Type{types.Typ[types.Int], types.Typ[types.Int32]})
		f.stmts(s.Body.List)
		t.post()
	})
	f.loop(t, fmt.Sprintf("for %s < len(%s)", i, str), body)
}

func (f *fn) rangeMap(s *ast.RangeStmt, label string, m *types.Map) {
	v := f.copied(f.whole(s.X), f.view(m))
	k, e, ok := f.temp(f.view(m.Key())), f.temp(f.view(m.Elem())), f.temp("bool")
	it := f.temp("*rt.MapIter")
	f.line("%s = op.%s(%s)", it, f.l.op(Op{Kind: OpMapIter, Types: []types.Type{f.l.view(m)}}), v)
	next := f.l.op(Op{Kind: OpMapNext, Types: []types.Type{f.l.view(m)}})
	t := &target{label: label, loop: true}
	body := f.nested(t, func() {
		f.line("%s, %s, %s = op.%s(%s)", k, e, ok, next, it)
		f.line("if !%s {", ok)
		f.line("\tbreak")
		f.line("}")
		f.poll()
		f.iterated(s, []string{k, e}, []types.Type{m.Key(), m.Elem()})
		f.stmts(s.Body.List)
	})
	f.loop(t, "for", body)
}

func (f *fn) rangeChan(s *ast.RangeStmt, label string, c *types.Chan) {
	t := f.typeOf(s.X)
	v := f.copied(f.whole(s.X), f.view(t))
	e, ok := f.temp(f.view(c.Elem())), f.temp("bool")
	o := f.l.op(Op{Kind: OpRecv2, Types: []types.Type{f.l.view(t)}})
	tg := &target{label: label, loop: true}
	body := f.nested(tg, func() {
		f.mark(s)
		f.line("%s, %s = op.%s(l, %s)", e, ok, o, v)
		f.line("if !%s {", ok)
		f.line("\tbreak")
		f.line("}")
		f.iterated(s, []string{e}, []types.Type{c.Elem()})
		f.stmts(s.Body.List)
	})
	f.loop(tg, "for", body)
}

// rangeFunc writes a loop over a function: the body becomes a literal that returns whether to continue. How it
// was left is in a box.
func (f *fn) rangeFunc(s *ast.RangeStmt, label string, sig *types.Signature) {
	it := f.copied(f.whole(s.X), f.view(f.typeOf(s.X)))
	f.checkNil(it, s.X)
	yield := sig.Params().At(0).Type().Underlying().(*types.Signature)
	code := f.temp("*int")
	state := f.temp("*int")
	f.line("%s = new(int)", code)
	f.line("%s = new(int)", state)
	g := f.l.newFn(f)
	g.sig = yield
	g.results, g.recover = f.results, f.recover
	g.through = &through{code: code, state: state}
	g.targets = []*target{{label: label, loop: true, yield: state}}
	var params []string
	var vals []string
	var ts []types.Type
	for i := range yield.Params().Len() {
		p := g.name("y")
		pt := yield.Params().At(i).Type()
		params = append(params, p+" "+f.view(pt))
		vals, ts = append(vals, p), append(ts, pt)
	}
	g.uses(local{name: code, typ: "*int"})
	g.uses(local{name: state, typ: "*int"})
	g.line("if *%s != 0 {", state)
	g.line("\trt.RangeState(%s, *%s)", g.at(), state)
	g.line("}")
	g.line("*%s = -1", state)
	g.poll()
	g.iterated(s, vals, ts)
	g.stmts(s.Body.List)
	g.line("*%s = 0", state)
	g.line("return true")
	m := f.literal(g, strings.Join(params, ", "), " bool", false)
	body := f.copied(m, f.view(yield))
	f.mark(s)
	f.line("%s(%s)", it, body)
	f.line("if *%s == -1 {", state)
	f.line("\trt.RangeState(%s, -1)", f.at())
	f.line("}")
	f.line("*%s = 2", state)
	f.polls = f.polls || g.polls
	for _, e := range g.through.exits {
		f.line("if *%s == %d {", code, e.code)
		f.ind++
		e.emit(f)
		f.ind--
		f.line("}")
	}
}

// leaveWith writes the end of a loop body that leaves the loop.
func (f *fn) leaveWith(emit func(*fn)) {
	n := len(f.through.exits) + 1
	f.through.exits = append(f.through.exits, exit{n, emit})
	f.line("*%s = %d", f.through.code, n)
	f.line("*%s = 1", f.through.state)
	f.line("return false")
}

func (f *fn) returnThrough(s *ast.ReturnStmt) {
	sig := f.resultSig()
	if f.results == nil {
		f.results = []local{}
	}
	f.setResults(s, sig)
	f.leaveWith(func(o *fn) { o.finish() })
}

// finish returns the results, or leaves the loop body that f is.
func (f *fn) finish() {
	if f.through != nil {
		f.leaveWith(func(p *fn) { p.finish() })
		return
	}
	if f.sig.Results().Len() == 0 {
		f.line("return")
		return
	}
	f.returnResults()
}

// branchThrough writes break and continue whose target is outside of the loop body that f is, or the loop.
func (f *fn) branchThrough(s *ast.BranchStmt) {
	f.leaveWith(func(o *fn) { o.branch(s) })
}
