package lower

import (
	"go/ast"
	"go/types"
	"strings"
)

// A callee is what a call calls.
type callee struct {
	text    string
	sig     *types.Signature
	args    []string // that come before those of the call
	recv    string   // the text of the type of the last of these
	recvT   types.Type
	session bool // a function of the text, which gets the line
	real    bool // compiled code: values have their own types
}

// callee writes what is called. recovering is true for a deferred call.
func (f *fn) callee(x ast.Expr, recovering bool) callee {
	x = ast.Unparen(x)
	sig := f.typeOf(x).Underlying().(*types.Signature)
	switch y := x.(type) {
	case *ast.Ident:
		if o, ok := f.l.Info.Uses[y].(*types.Func); ok {
			return f.static(o, f.targs(y), sig, y, recovering)
		}
	case *ast.IndexExpr, *ast.IndexListExpr:
		if id := instantiated(y); id != nil {
			if o, ok := f.l.Info.Uses[id].(*types.Func); ok {
				return f.static(o, f.targs(id), sig, y, recovering)
			}
		}
	case *ast.SelectorExpr:
		sel := f.l.Info.Selections[y]
		if sel == nil {
			if o, ok := f.l.Info.Uses[y.Sel].(*types.Func); ok {
				return f.static(o, f.targs(y.Sel), sig, y, recovering)
			}
		} else if sel.Kind() == types.MethodVal {
			return f.method(y, sel, sig, recovering)
		} else if sel.Kind() == types.MethodExpr {
			return f.methodExprCallee(y, sel, sig, recovering)
		}
	}
	f.hoist1(x)
	v := f.named(f.expr(x), f.view(f.typeOf(x)))
	f.checkNil(v, x)
	return callee{text: v, sig: sig}
}

func instantiated(x ast.Expr) *ast.Ident {
	switch x := x.(type) {
	case *ast.IndexExpr:
		x.X = ast.Unparen(x.X)
		switch y := x.X.(type) {
		case *ast.Ident:
			return y
		case *ast.SelectorExpr:
			return y.Sel
		}
	case *ast.IndexListExpr:
		switch y := ast.Unparen(x.X).(type) {
		case *ast.Ident:
			return y
		case *ast.SelectorExpr:
			return y.Sel
		}
	}
	return nil
}

// targs returns the type arguments with which a generic function is used.
func (f *fn) targs(id *ast.Ident) (ts []types.Type) {
	if inst, ok := f.l.Info.Instances[id]; ok {
		for t := range inst.TypeArgs.Types() {
			ts = append(ts, f.sub(t))
		}
	}
	return ts
}

// static is a call of a function of the session or of a package.
func (f *fn) static(o *types.Func, targs []types.Type, sig *types.Signature, at ast.Node, recovering bool) callee {
	o = f.l.source(o)
	if f.l.session(o) {
		if name := natives[o.Pkg().Path()+"."+o.Name()]; name != "" && f.l.overlaid[o.Pkg()] {
			return callee{text: name, sig: sig, real: true}
		}
		c := callee{sig: sig, session: true}
		rec := recovering && f.l.decls[o] != nil && f.l.recovers(f.l.decls[o].Body)
		c.text = f.l.variant(o, targs, nil, at, rec)
		if rec {
			c.args = []string{"\x00"}
		}
		return c
	}
	f.compiled(o, at)
	return callee{text: "op." + f.l.op(Op{Kind: OpSymbol, Object: o, Types: []types.Type{o.Signature()}}), sig: o.Signature(), real: true}
}

// compiled refuses functions of packages that interpreted code cannot call, or that would find out that it is
// interpreted.
func (f *fn) compiled(o *types.Func, at ast.Node) {
	if o.Signature().TypeParams() != nil {
		refuse(at, "the generic function %s.%s", o.Pkg().Name(), o.Name())
	}
	if why := revealing[o.Pkg().Path()+"."+o.Name()]; why != "" {
		refuse(at, "%s.%s, which %s,", o.Pkg().Name(), o.Name(), why)
	}
}

// revealing are functions whose results differ in interpreted code, and the constants and the field that make loggers
// print their caller.
var revealing = map[string]string{
	"runtime.Caller": callers, "runtime.Callers": callers, "runtime.Stack": callers, "runtime.FuncForPC": callers,
	"runtime/debug.Stack": callers, "runtime/debug.PrintStack": callers,
	"runtime.SetFinalizer": liveness, "runtime.AddCleanup": liveness, "weak.Make": liveness,
	"log.Lshortfile": callers, "log.Llongfile": callers, "log/slog.AddSource": callers,
	"runtime.ReadMemStats": amounts, "runtime.MemProfile": amounts, "testing.AllocsPerRun": amounts,
}

// method is a call of a method.
func (f *fn) method(x *ast.SelectorExpr, sel *types.Selection, sig *types.Signature, recovering bool) callee {
	f.hoist1(x.X)
	t := f.sub(sel.Recv())
	obj, path, _ := types.LookupFieldOrMethod(t, true, sel.Obj().Pkg(), x.Sel.Name)
	m, ok := obj.(*types.Func)
	if !ok {
		refuse(x, "this method")
	}
	// Embedded fields lead to the receiver.
	if len(path) > 1 {
		var s string
		if _, ok := t.Underlying().(*types.Pointer); ok {
			s = f.pointer(x.X)
		} else if f.l.Info.Types[x.X].Addressable() {
			s = strings.TrimPrefix(f.place(x.X), "*")
		} else {
			s = f.base(x.X)
		}
		s, t = f.path(s, t, path[:len(path)-1], x)
		return f.methodOf(s, func() string {
			p := f.temp("*" + f.view(t))
			f.line("%s = &%s", p, s)
			return p
		}, t, m, sig, x, recovering)
	}
	if _, ok := types.Unalias(m.Signature().Recv().Type()).(*types.Pointer); ok {
		if _, ok := t.Underlying().(*types.Pointer); !ok {
			return f.methodOf("", func() string { return f.address(x.X) }, t, m, sig, x, recovering)
		}
	}
	return f.methodOf(f.expr(x.X), nil, t, m, sig, x, recovering)
}

// methodOf is a call of method m of the value s, whose type t has it without embedding. address writes the address of
// the value.
func (f *fn) methodOf(s string, address func() string, t types.Type, m *types.Func, sig *types.Signature, x ast.Node, recovering bool) callee {
	if types.IsInterface(t) {
		s = f.named(s, f.view(t))
		f.checkNil(s, x)
		return callee{text: "op." + f.l.op(Op{Kind: OpIMethod, Types: []types.Type{t}, Text: m.Name(), Object: m}), sig: sig, args: []string{s}, recv: f.view(t), real: true}
	}
	_, wantPtr := types.Unalias(m.Signature().Recv().Type()).(*types.Pointer)
	base := t
	p, havePtr := types.Unalias(t).(*types.Pointer)
	if havePtr {
		base = p.Elem()
	}
	named, ok := types.Unalias(base).(*types.Named)
	if !ok {
		refuse(x, "this method")
	}
	if named.TypeArgs().Len() > 0 && !f.l.session(named.Obj()) {
		refuse(x, "a method of the generic type %s.%s", named.Obj().Pkg().Name(), named.Obj().Name())
	}
	switch {
	case wantPtr && !havePtr:
		s = address()
	case !wantPtr && havePtr:
		s = f.named(s, f.view(t))
		f.line("if %s == nil {", s)
		f.line("\trt.NilPointer(%s, %s)", f.at(), f.lineOf(x))
		f.line("}")
		s = f.storedValue("*"+s, f.view(base))
	default:
		s = f.storedValue(s, f.view(t))
	}
	rt := base
	if wantPtr {
		rt = types.NewPointer(base)
	}
	if f.l.session(named.Obj()) {
		c := callee{sig: sig, session: true, args: []string{s}, recv: f.view(rt), recvT: rt}
		d := f.l.decls[m.Origin()]
		rec := recovering && d != nil && f.l.recovers(d.Body)
		c.text = f.l.variant(m.Origin(), nil, named, x, rec)
		if rec {
			c.args = []string{"\x00", s}
		}
		return c
	}
	s = f.leave(s, rt)
	if !m.Exported() {
		refuse(x, "the unexported method %s", m.Name())
	}
	return callee{text: "op." + f.l.op(Op{Kind: OpMethod, Types: []types.Type{rt}, Text: m.Name()}), sig: sig, args: []string{s}, recv: f.l.typ(rt), real: true}
}

// storedValue copies a value: the receiver is evaluated before the arguments.
func (f *fn) storedValue(v, typ string) string {
	if simple(v) && !strings.HasPrefix(v, "*") {
		return v
	}
	t := f.temp(typ)
	f.line("%s = %s", t, v)
	return t
}

// methodExprCallee is a call like T.Method(x).
func (f *fn) methodExprCallee(x *ast.SelectorExpr, sel *types.Selection, sig *types.Signature, recovering bool) callee {
	v := f.named(f.methodExpr(x), f.view(sig))
	return callee{text: v, sig: sig}
}
