package lower

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// function writes a declared function as a value.
func (f *fn) function(x ast.Expr) string {
	sig := f.typeOf(x).Underlying().(*types.Signature)
	var id *ast.Ident
	switch y := ast.Unparen(x).(type) {
	case *ast.Ident:
		id = y
	case *ast.SelectorExpr:
		id = y.Sel
	default:
		id = instantiated(y)
	}
	o, ok := f.l.Info.Uses[id].(*types.Func)
	if !ok {
		refuse(x, "this function")
	}
	o = f.l.source(o)
	if !f.l.session(o) {
		f.compiled(o, x)
		return f.arrive("op."+f.l.op(Op{Kind: OpSymbol, Object: o, Types: []types.Type{o.Signature()}}), o.Signature())
	}
	if d := f.l.decls[o]; d != nil && f.l.recovers(d.Body) {
		name := f.l.variant(o, f.targs(id), nil, x, true)
		return f.bind(callee{text: name, sig: sig, args: []string{"\x00"}, session: true}, sig)
	}
	name := f.l.funcName(o, f.targs(id), x)
	key := "value " + name
	maker, ok := f.l.done[key]
	if !ok {
		maker = f.l.unique("Value" + name[1:])
		f.l.done[key] = maker
		f.l.add(maker, fmt.Sprintf("func %s() %s {\n\treturn %s\n}\n", maker, f.view(sig), f.wrapper(name, sig, nil, false)))
	}
	return f.stored(maker+"()", sig)
}

// methodValue writes x.Method without a call.
func (f *fn) methodValue(x *ast.SelectorExpr) string {
	sel := f.l.Info.Selections[x]
	sig := f.typeOf(x).Underlying().(*types.Signature)
	return f.bind(f.method(x, sel, sig, true), sig)
}

// bind writes a function value that calls c with its first arguments as they are now.
func (f *fn) bind(c callee, sig *types.Signature) string {
	f.l.lits++
	name := f.l.unique(fmt.Sprintf("bound%d", f.l.lits))
	var ps, as, bound []string
	before, tok := "", ""
	for _, a := range c.args {
		switch {
		case a == "\x00":
			tok = f.token()
			ps, as = append(ps, "tok *rt.Token"), append(as, tok)
		case c.recvT != nil && f.l.holdsFloat(c.recvT):
			before = fmt.Sprintf("\tvar b %s\n\tb = *p\n", c.recv)
			ps, as, bound = append(ps, "p *"+c.recv), append(as, "&"+f.copied(a, c.recv)), append(bound, "&b")
		default:
			ps, as, bound = append(ps, "b "+c.recv), append(as, a), append(bound, "b")
		}
	}
	if c.real {
		o := f.l.op(Op{Kind: OpCall, Text: "bind " + strings.TrimPrefix(c.text, "op."), Types: []types.Type{sig}})
		return f.arrive(f.storedAs(fmt.Sprintf("op.%s(%s)", o, strings.Join(as, ", ")), f.l.typ(sig)), sig)
	}
	f.l.add(name, fmt.Sprintf("func %s(%s) %s {\n%s\treturn %s\n}\n", name, strings.Join(ps, ", "), f.view(sig), before,
		f.wrapper(c.text, sig, bound, tok != "")))
	v := name + "(" + strings.Join(as, ", ") + ")"
	if tok != "" {
		v = f.withToken(tok, v, sig)
	}
	return f.stored(v, sig)
}

// methodExpr writes T.Method as a function value.
func (f *fn) methodExpr(x *ast.SelectorExpr) string {
	sel := f.l.Info.Selections[x]
	sig := f.typeOf(x).Underlying().(*types.Signature)
	recv := sig.Params().At(0).Type()
	obj, path, _ := types.LookupFieldOrMethod(recv, true, sel.Obj().Pkg(), x.Sel.Name)
	m, ok := obj.(*types.Func)
	if !ok {
		refuse(x, "this method expression")
	}
	base := recv
	p, isPtr := types.Unalias(base).(*types.Pointer)
	if isPtr {
		base = p.Elem()
	}
	named, isNamed := types.Unalias(base).(*types.Named)
	_, wantPtr := types.Unalias(m.Signature().Recv().Type()).(*types.Pointer)
	if len(path) == 1 && isNamed && f.l.session(named.Obj()) && !types.IsInterface(named) && wantPtr == isPtr {
		name := f.l.variant(m.Origin(), nil, named, x, false)
		if f.l.recovers(f.l.decls[m.Origin()].Body) {
			refuse(x, "a method with recover as a value")
		}
		key := "value " + name
		maker, ok := f.l.done[key]
		if !ok {
			maker = f.l.unique("Value" + name[1:])
			f.l.done[key] = maker
			f.l.add(maker, fmt.Sprintf("func %s() %s {\n\treturn %s\n}\n", maker, f.view(sig), f.wrapper(name, sig, nil, false)))
		}
		return f.stored(maker+"()", sig)
	}
	if types.IsInterface(recv) {
		o := f.l.op(Op{Kind: OpIMethod, Types: []types.Type{recv}, Text: m.Name(), Object: m})
		return f.arrive(f.storedAs("op."+o, f.l.typ(sig)), sig)
	}
	g := f.l.newFn(f)
	g.sig = sig
	var params, args []string
	for i := range sig.Params().Len() {
		p := g.name("p")
		params, args = append(params, p+" "+g.paramType(sig, i)), append(args, p)
	}
	s, t := args[0], recv
	rest := types.NewSignatureType(nil, nil, nil, types.NewTuple(tupleVars(sig.Params())[1:]...), sig.Results(), sig.Variadic())
	if len(path) > 1 {
		if isPtr {
			g.checkNil(s, x)
		}
		s, t = g.path(s, t, path[:len(path)-1], x)
	}
	c := g.methodOf(s, func() string {
		p := g.temp("*" + g.view(t))
		g.line("%s = &%s", p, s)
		return p
	}, t, m, rest, x, false)
	if c.session {
		if d := f.l.decls[m.Origin()]; d != nil && f.l.recovers(d.Body) {
			refuse(x, "a method with recover as a value")
		}
	}
	for i, a := range args[1:] {
		if c.real {
			a = g.leave(a, rest.Params().At(i).Type())
		}
		if sig.Variadic() && i == len(args)-2 && !c.session {
			a += "..."
		}
		c.args = append(c.args, a)
	}
	vals, _ := g.invoke(x, c, c.args)
	g.line("return %s", strings.Join(vals, ", "))
	return f.stored(f.literal(g, strings.Join(params, ", "), g.resultTypes(), false), sig)
}

func tupleVars(t *types.Tuple) (vars []*types.Var) {
	for v := range t.Variables() {
		vars = append(vars, v)
	}
	return vars
}
