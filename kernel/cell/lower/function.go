package lower

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// function writes a declared function or an instance of a generic one, and returns its name.
func (l *lowerer) function(name string, e env, d *ast.FuncDecl, recvArgs types.Type) string {
	name = l.unique("f_" + clean(name))
	l.body(name, e, d, "")
	return name
}

// body writes a function whose calls of recover work on the calls in the variable recoverOf, if it is given.
func (l *lowerer) body(name string, e env, d *ast.FuncDecl, recoverOf string) {
	if d.Body == nil {
		refuse(d, "a function without body")
	}
	f := l.newFn(nil)
	f.env, f.inst = e, name
	f.overlay = l.Info.Defs[d.Name].Pkg() != l.Pkg
	sig := l.Info.Defs[d.Name].Type().(*types.Signature)
	f.sig = f.sub(types.NewSignatureType(nil, nil, nil, sig.Params(), sig.Results(), sig.Variadic())).(*types.Signature)
	params := []string{"l *int"}
	if recoverOf != "" {
		f.own[recoverOf], f.names[recoverOf] = true, true
		params = append(params, recoverOf+" *rt.Defers")
		f.recover = recoverOf
	}
	if r := sig.Recv(); r != nil {
		params = append(params, f.param(r, f.sub(r.Type())))
	}
	for i := range sig.Params().Len() {
		params = append(params, f.param(sig.Params().At(i), f.sig.Params().At(i).Type()))
	}
	f.content(d.Type, d.Body, sig)
	res := f.resultTypes()
	l.write(name, "("+strings.Join(params, ", ")+")"+res, f)
}

func (f *fn) resultTypes() string {
	var ts []string
	for r := range f.sig.Results().Variables() {
		ts = append(ts, f.view(r.Type()))
	}
	switch len(ts) {
	case 0:
		return ""
	case 1:
		return " " + ts[0]
	}
	return " (" + strings.Join(ts, ", ") + ")"
}

// param returns the declaration of a parameter. The statements that box it become part of the body.
func (f *fn) param(o *types.Var, t types.Type) string {
	name := f.name(o.Name())
	typ := f.view(t)
	passed, star := typ, ""
	if f.parent == nil && f.l.holdsFloat(t) {
		passed, star = "*"+typ, "*"
	}
	if o.Name() == "" || o.Name() == "_" {
		return name + " " + passed
	}
	v := &local{name: name, typ: typ}
	f.vars[o] = v
	switch {
	case f.l.captured[o]:
		v.boxed, v.name = true, f.name(o.Name())
		f.declared = append(f.declared, fmt.Sprintf("var %s *%s", v.name, typ))
		f.line("%s = new(%s)", v.name, typ)
		f.line("*%s = %s%s", v.name, star, name)
	case star != "":
		v.name = f.name(o.Name())
		f.declared = append(f.declared, fmt.Sprintf("var %s %s", v.name, typ))
		f.line("%s = *%s", v.name, name)
	}
	return name + " " + passed
}

// content writes the statements of a function, whose parameters are known.
func (f *fn) content(ft *ast.FuncType, body *ast.BlockStmt, sig *types.Signature) {
	deferring := hasDefer(body)
	named := sig.Results().Len() > 0 && sig.Results().At(0).Name() != ""
	boxed := deferring || f.l.rangesOverFunc(f, body)
	if n := sig.Results().Len(); n > 0 && (named || boxed) {
		for i := range n {
			r := sig.Results().At(i)
			v := &local{name: f.name("r_" + r.Name()), typ: f.view(f.sig.Results().At(i).Type()), boxed: boxed || f.l.captured[r]}
			typ := v.typ
			if v.boxed {
				typ = "*" + typ
			}
			f.declared = append(f.declared, fmt.Sprintf("var %s %s", v.name, typ))
			if v.boxed {
				f.line("%s = new(%s)", v.name, v.typ)
			}
			if r.Name() != "" && r.Name() != "_" {
				f.vars[r] = v
			}
			f.results = append(f.results, *v)
		}
	}
	poll := f.b.Len()
	if !deferring {
		f.stmts(body.List)
		f.end(body)
	} else {
		d := f.keep("d", "*rt.Defers")
		f.line("%s = rt.NewDefers()", d)
		g := f.l.newFn(f)
		g.results, g.defers, g.recover = f.results, d, f.recover
		g.sig = types.NewSignatureType(nil, nil, nil, nil, nil, false)
		if f.results == nil {
			g.results = []local{}
		}
		g.stmts(body.List)
		m := f.literal(g, "", "", true)
		f.line("rt.RunDefers(%s, %s, %s)", f.at(), d, m)
		f.returnResults()
		f.polls = f.polls || g.polls
	}
	if f.polls && f.parent == nil {
		text := f.b.String()
		f.b.Reset()
		f.b.WriteString(text[:poll])
		f.poll()
		f.b.WriteString(text[poll:])
	}
}

// poll writes the check of the stop flag.
func (f *fn) poll() {
	f.line("if *rt.Stop {")
	f.line("\trt.Poll(%s)", f.at())
	f.line("}")
}

// end writes what is missing behind the last statement.
func (f *fn) end(body *ast.BlockStmt) {
	if f.sig == nil || f.sig.Results().Len() == 0 {
		return
	}
	if n := len(body.List); n > 0 {
		if _, ok := body.List[n-1].(*ast.ReturnStmt); ok {
			return
		}
	}
	f.line("rt.Unreachable()")
	var zeros []string
	for r := range f.sig.Results().Variables() {
		zeros = append(zeros, f.zero(f.view(r.Type())))
	}
	f.line("return %s", strings.Join(zeros, ", "))
}

// returnResults returns what the variables for the results hold.
func (f *fn) returnResults() {
	var out []string
	for _, r := range f.results {
		if r.boxed {
			out = append(out, "*"+r.name)
		} else {
			out = append(out, r.name)
		}
	}
	f.line("return %s", strings.Join(out, ", "))
}

// literal writes the function that makes g, a literal of f, and returns the call of it. inner is true when the
// literal is only called by the goroutine that makes it.
func (f *fn) literal(g *fn, params, results string, inner bool) string {
	l := f.l
	l.lits++
	name := l.unique(fmt.Sprintf("lit%d", l.lits))
	var ps, as []string
	here, before := "", ""
	if g.needL {
		if inner {
			ps, as = append(ps, "l *int"), append(as, f.at())
			g.captured["l"] = true
		} else {
			here = "\tl := rt.Here()\n"
		}
	}
	for _, c := range g.captures {
		if c.name == "l" {
			continue
		}
		if l.floats[c.typ] {
			ps, as = append(ps, c.name+"_p *"+c.typ), append(as, "&"+c.name)
			before += fmt.Sprintf("\tvar %s %s\n\t%[1]s = *%[1]s_p\n", c.name, c.typ)
			continue
		}
		ps, as = append(ps, c.name+" "+c.typ), append(as, c.name)
	}
	typ := "rt.Func"
	if g.sig != nil && (g.sig.Params().Len() > 0 || g.sig.Results().Len() > 0) {
		typ = f.view(g.sig)
	}
	l.add(name, fmt.Sprintf("func %s(%s) %s {\n%s\treturn func(%s)%s {\n%s%s%s}\n}\n", name, strings.Join(ps, ", "), typ,
		before, params, results, here, g.head(), g.b.String()))
	return name + "(" + strings.Join(as, ", ") + ")"
}

// funcLit writes a function literal and returns the text of its value.
func (f *fn) funcLit(x *ast.FuncLit) string { return f.closure(x, "", false) }

// closure writes a literal. recoverOf is the variable with the deferred calls that it belongs to when it is
// itself deferred.
func (f *fn) closure(x *ast.FuncLit, recoverOf string, inner bool) string {
	g := f.l.newFn(f)
	sig := f.l.Info.TypeOf(x).(*types.Signature)
	g.sig = f.sub(sig).(*types.Signature)
	tok := ""
	if recoverOf != "" {
		g.recover = recoverOf
	} else if f.l.recovers(x.Body) { // it may be deferred later, as a value
		tok = f.token()
		g.uses(local{name: tok, typ: "*rt.Token"})
		g.recover = g.keep("rec", "*rt.Defers")
		g.line("%s = rt.Take(%s, %s)", g.recover, tok, g.at())
	}
	var params []string
	for i := range sig.Params().Len() {
		p := g.param(sig.Params().At(i), g.sig.Params().At(i).Type())
		if sig.Variadic() && i == sig.Params().Len()-1 {
			p = strings.Replace(p, " []", " ...", 1)
		}
		params = append(params, p)
	}
	g.content(x.Type, x.Body, sig)
	lit := f.literal(g, strings.Join(params, ", "), g.resultTypes(), inner)
	if tok != "" {
		lit = f.withToken(tok, lit, g.sig)
	}
	return lit
}

// token writes a new token: by it a deferred function value finds the calls whose panic it can recover.
func (f *fn) token() string {
	t := f.temp("*rt.Token")
	f.line("%s = rt.NewToken()", t)
	return t
}

// withToken writes a function value that has a token.
func (f *fn) withToken(tok, v string, sig *types.Signature) string {
	o := f.l.op(Op{Kind: OpToken, Types: []types.Type{f.l.view(sig)}})
	return fmt.Sprintf("op.%s(%s, %s)", o, tok, f.stored(v, sig))
}

// funcName returns the name of a function of the session for type arguments, and writes it once.
func (l *lowerer) funcName(o *types.Func, targs []types.Type, at ast.Node) string {
	return l.variant(o, targs, nil, at, false)
}

// variant returns the name of a function or method. With recovering its calls of recover work on deferred calls
// that it gets.
func (l *lowerer) variant(o *types.Func, targs []types.Type, recv *types.Named, at ast.Node, recovering bool) string {
	d := l.decls[o]
	if d == nil {
		refuse(at, "the function %s", o.Name())
	}
	e := env{}
	base := o.Name()
	sig := o.Type().(*types.Signature)
	if recv != nil {
		base = recv.Obj().Name() + "_" + o.Name()
		for i := range sig.RecvTypeParams().Len() {
			e[sig.RecvTypeParams().At(i)] = recv.TypeArgs().At(i)
			targs = append(targs, recv.TypeArgs().At(i))
		}
	} else {
		for i := range sig.TypeParams().Len() {
			e[sig.TypeParams().At(i)] = targs[i]
		}
	}
	k := fmt.Sprintf("%d %t", l.id(o), recovering)
	for _, t := range targs {
		k += " " + l.key(t)
	}
	if n, ok := l.done[k]; ok {
		return n
	}
	if len(l.done) > 4000 {
		refuse(at, "so many instances of generic functions")
	}
	name := l.unique("f_" + clean(base))
	l.done[k] = name
	rec := ""
	if recovering {
		rec = "rec"
	}
	l.queue = append(l.queue, func() { l.body(name, e, d, rec) })
	return name
}

// methodMaker writes a function that returns a method's implementation as a function value with the receiver
// first.
func (l *lowerer) methodMaker(t *types.Named, m *types.Func) string {
	if l.recovers(l.decls[m].Body) {
		refuse(l.decls[m], "recover in a method of a type whose values become interface values")
	}
	fnName := l.variant(m, nil, t, nil, false)
	sig := m.Type().(*types.Signature)
	e := env{}
	for i := range sig.RecvTypeParams().Len() {
		e[sig.RecvTypeParams().At(i)] = t.TypeArgs().At(i)
	}
	recv := l.subst(sig.Recv().Type(), e, fnName)
	f := l.newFn(nil)
	f.env, f.inst = e, fnName
	s := f.sub(types.NewSignatureType(nil, nil, nil, sig.Params(), sig.Results(), sig.Variadic())).(*types.Signature)
	vars := []*types.Var{types.NewParam(token.NoPos, nil, "", recv)}
	for v := range s.Params().Variables() {
		vars = append(vars, types.NewParam(token.NoPos, nil, "", v.Type()))
	}
	whole := types.NewSignatureType(nil, nil, nil, types.NewTuple(vars...), s.Results(), s.Variadic())
	name := l.unique("Method" + fnName[1:])
	l.add(name, fmt.Sprintf("func %s() %s {\n\treturn %s\n}\n", name, f.view(whole), f.wrapper(fnName, whole, nil, false)))
	return name
}

// wrapper returns the text of a literal that calls a function of the text. bound are names of variables that
// stand for the first arguments. A function that recovers finds what by the token tok.
func (f *fn) wrapper(fnName string, sig *types.Signature, bound []string, recovering bool) string {
	var ps []string
	as := append([]string{"rt.Here()"}, bound...)
	first := ""
	if recovering {
		first = "l := rt.Here()\n\t\trec := rt.Take(tok, l)\n\t\t"
		as = append([]string{"l", "rec"}, bound...)
	}
	for i := range sig.Params().Len() {
		p := fmt.Sprintf("p%d", i)
		ps = append(ps, p+" "+f.paramType(sig, i))
		if f.l.holdsFloat(sig.Params().At(i).Type()) {
			p = "&" + p
		}
		as = append(as, p)
	}
	g := &fn{l: f.l, sig: sig}
	call := fnName + "(" + strings.Join(as, ", ") + ")"
	head := "func(" + strings.Join(ps, ", ") + ")" + g.resultTypes() + " {\n\t\t" + first
	switch sig.Results().Len() {
	case 0:
		return head + call + "\n\t}"
	}
	var rs []string
	decl := ""
	for i := range sig.Results().Len() {
		r := fmt.Sprintf("r%d", i)
		rs = append(rs, r)
		decl += fmt.Sprintf("var %s %s\n\t\t", r, f.view(sig.Results().At(i).Type()))
	}
	return head + decl + strings.Join(rs, ", ") + " = " + call + "\n\t\treturn " + strings.Join(rs, ", ") + "\n\t}"
}

// paramType returns the text of a parameter's type in a literal.
func (f *fn) paramType(sig *types.Signature, i int) string {
	t := f.view(sig.Params().At(i).Type())
	if sig.Variadic() && i == sig.Params().Len()-1 {
		return "..." + strings.TrimPrefix(t, "[]")
	}
	return t
}
