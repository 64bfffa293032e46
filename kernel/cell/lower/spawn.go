package lower

import (
	"go/ast"
	"go/types"
	"strings"
)

// thunk writes a function value without parameters and results that makes the call x, with its function and
// arguments as they are now.
func (f *fn) thunk(x *ast.CallExpr, deferred bool) string {
	if lit, ok := ast.Unparen(x.Fun).(*ast.FuncLit); ok && len(x.Args) == 0 && f.l.Info.TypeOf(lit).(*types.Signature).Results().Len() == 0 {
		if deferred {
			f.uses(local{name: f.defers, typ: "*rt.Defers"})
			return f.closure(lit, f.defers, true)
		}
		return f.closure(lit, "", false)
	}
	g := f.l.newFn(f)
	g.sig = types.NewSignatureType(nil, nil, nil, nil, nil, false)
	if id := builtinName(f.l.Info, x.Fun); id != "" {
		return f.builtinThunk(x, id, g, deferred)
	}
	if f.l.Info.Types[x.Fun].IsType() {
		f.discard(f.whole(x))
		return f.literal(g, "", "", deferred)
	}
	var c callee
	if lit, ok := ast.Unparen(x.Fun).(*ast.FuncLit); ok {
		rec := ""
		if deferred {
			rec = f.defers
		}
		c = callee{text: f.stored(f.closure(lit, rec, deferred), f.typeOf(lit)), sig: f.typeOf(lit).(*types.Signature)}
	} else if _, isIdent := f.dynamic(x.Fun); isIdent {
		f.hoist1(x.Fun)
		t := f.typeOf(x.Fun)
		c = callee{text: f.copied(f.expr(x.Fun), f.view(t)), sig: t.Underlying().(*types.Signature)}
	} else {
		c = f.callee(x.Fun, deferred)
	}
	args := append(c.args, f.arguments(x, c)...)
	for i, a := range args {
		if a == "\x00" {
			f.uses(local{name: f.defers, typ: "*rt.Defers"})
			g.uses(local{name: f.defers, typ: "*rt.Defers"})
			args[i] = f.defers
			continue
		}
		if isNumber(a) || strings.HasPrefix(a, `"`) || a == "true" || a == "false" {
			continue
		}
		typ := f.argType(c, i, a, x)
		a, spread := strings.CutSuffix(a, "...")
		n := f.copied(a, typ)
		g.uses(local{name: n, typ: typ})
		if args[i] = n; spread {
			args[i] += "..."
		}
	}
	if !c.session && !strings.HasPrefix(c.text, "op.") {
		g.uses(local{name: c.text, typ: f.view(c.sig)})
		g.line("if %s == nil {", c.text)
		g.line("\trt.NilPointer(%s, %s)", g.at(), f.lineOf(x))
		g.line("}")
		if deferred {
			f.uses(local{name: f.defers, typ: "*rt.Defers"})
			g.uses(local{name: f.defers, typ: "*rt.Defers"})
			o := f.l.op(Op{Kind: OpGive, Types: []types.Type{f.l.view(c.sig)}})
			g.line("op.%s(%s, %s, %s)", o, f.defers, g.at(), c.text)
		}
	}
	g.unused = x
	g.invoke(x, c, args)
	return f.literal(g, "", "", deferred)
}

// dynamic reports whether a call calls a function value.
func (f *fn) dynamic(x ast.Expr) (ast.Expr, bool) {
	x = ast.Unparen(x)
	switch y := x.(type) {
	case *ast.Ident:
		_, static := f.l.Info.Uses[y].(*types.Func)
		return x, !static
	case *ast.SelectorExpr:
		if sel := f.l.Info.Selections[y]; sel != nil {
			return x, sel.Kind() == types.FieldVal
		}
		_, static := f.l.Info.Uses[y.Sel].(*types.Func)
		return x, !static
	case *ast.IndexExpr, *ast.IndexListExpr:
		if id := instantiated(y); id != nil {
			if _, static := f.l.Info.Uses[id].(*types.Func); static {
				return x, false
			}
		}
		return x, true
	}
	return x, true
}

// argType returns the text of the type of an argument that was written.
func (f *fn) argType(c callee, i int, a string, x *ast.CallExpr) string {
	k := i - len(c.args)
	if k < 0 {
		return c.recv
	}
	if c.sig.Variadic() && k >= c.sig.Params().Len()-1 && c.real && !strings.HasSuffix(a, "...") {
		e := c.sig.Params().At(c.sig.Params().Len() - 1).Type().Underlying().(*types.Slice).Elem()
		if types.IsInterface(e) && k < len(x.Args) && f.plain(x.Args[k], f.typeOf(x.Args[k])) {
			return f.view(types.Default(f.typeOf(x.Args[k])))
		}
		return f.l.typ(e)
	}
	t := c.sig.Params().At(min(k, c.sig.Params().Len()-1)).Type()
	if c.real {
		return f.l.typ(t)
	}
	return f.view(t)
}

// builtinThunk is thunk for built-in functions.
func (f *fn) builtinThunk(x *ast.CallExpr, name string, g *fn, deferred bool) string {
	switch name {
	case "recover":
		if deferred && f.recover != "" { // as if the function that defers it called it
			for _, d := range []string{f.recover, f.defers} {
				f.uses(local{name: d, typ: "*rt.Defers"})
				g.uses(local{name: d, typ: "*rt.Defers"})
			}
			g.line("rt.DeferredRecover(%s, %s)", f.recover, f.defers)
		}
		return f.literal(g, "", "", deferred)
	case "panic":
		v := f.copied(f.value(x.Args[0], types.NewInterfaceType(nil, nil)), f.view(types.NewInterfaceType(nil, nil)))
		g.uses(local{name: v, typ: f.view(types.NewInterfaceType(nil, nil))})
		g.mark(x)
		g.line("rt.Panic(%s, %s)", g.at(), v)
		return f.literal(g, "", "", deferred)
	case "close":
		t := f.typeOf(x.Args[0])
		v := f.copied(f.whole(x.Args[0]), f.view(t))
		g.uses(local{name: v, typ: f.view(t)})
		g.mark(x)
		g.line("op.%s(%s)", f.l.op(Op{Kind: OpClose, Types: []types.Type{f.l.view(t)}}), v)
		return f.literal(g, "", "", deferred)
	case "delete":
		m := f.typeOf(x.Args[0]).Underlying().(*types.Map)
		f.hoist(x.Args...)
		mv := f.copied(f.expr(x.Args[0]), f.view(m))
		k := f.copied(f.valueOf(x.Args[1], m.Key()), f.view(m.Key()))
		g.uses(local{name: mv, typ: f.view(m)})
		g.uses(local{name: k, typ: f.view(m.Key())})
		g.mark(x)
		g.line("delete(%s, %s)", mv, k)
		return f.literal(g, "", "", deferred)
	case "print", "println":
		vs, ts := f.printed(x)
		for i, v := range vs {
			g.uses(local{name: v, typ: f.l.typ(ts[i])})
		}
		g.mark(x)
		g.line("op.%s(%s)", f.l.op(Op{Kind: OpPrint, Text: name, Types: ts}), strings.Join(vs, ", "))
		return f.literal(g, "", "", deferred)
	}
	refuse(x, "%s in a go or defer statement", name)
	return ""
}

func (f *fn) goStmt(s *ast.GoStmt) {
	t := f.thunk(s.Call, false)
	f.mark(s)
	f.line("rt.Go(%s, %s)", f.at(), t)
}

func (f *fn) deferStmt(s *ast.DeferStmt) {
	if f.defersName() == "" {
		refuse(s, "this defer")
	}
	t := f.thunk(s.Call, true)
	f.uses(local{name: f.defers, typ: "*rt.Defers"})
	f.line("rt.Defer(%s, %s)", f.defers, t)
}

// defersName finds the variable with the deferred calls of the function around.
func (f *fn) defersName() string {
	if f.defers == "" && f.parent != nil && f.through != nil {
		f.defers = f.parent.defersName()
	}
	return f.defers
}
