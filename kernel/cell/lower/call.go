package lower

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// call writes a call, with its arguments, and returns its results and their types.
func (f *fn) call(x *ast.CallExpr) ([]string, []types.Type) {
	tv := f.l.Info.Types[x.Fun]
	if tv.IsType() {
		return []string{f.conversion(x, f.sub(tv.Type))}, []types.Type{f.sub(tv.Type)}
	}
	if id := builtinName(f.l.Info, x.Fun); id != "" {
		return f.builtin(x, id)
	}
	c := f.callee(x.Fun, false)
	args := append(c.args, f.arguments(x, c)...)
	return f.invoke(x, c, args)
}

// invoke writes the call of c and puts its results into variables.
func (f *fn) invoke(x ast.Node, c callee, args []string) ([]string, []types.Type) {
	if c.session {
		f.polls = true
		args = append([]string{f.at()}, f.signed(c, args)...)
	} else {
		f.mark(x)
	}
	call := c.text + "(" + strings.Join(args, ", ") + ")"
	var ts []types.Type
	var raw []string
	if f.unused == x {
		f.line("%s", call)
		return nil, nil
	}
	for r := range c.sig.Results().Variables() {
		ts = append(ts, r.Type())
		typ := f.view(r.Type())
		if c.real {
			typ = f.l.typ(r.Type())
		}
		raw = append(raw, f.temp(typ))
	}
	if len(raw) == 0 {
		f.line("%s", call)
		return nil, nil
	}
	if len(raw) == 1 {
		typ := f.view(ts[0])
		if c.real {
			typ = f.l.typ(ts[0])
		}
		f.set(raw[0], typ, call)
	} else {
		f.line("%s = %s", strings.Join(raw, ", "), call)
	}
	if c.real {
		for i := range raw {
			raw[i] = f.arrive(raw[i], ts[i])
		}
	}
	return raw, ts
}

// arguments writes the arguments of a call, as the callee gets them.
func (f *fn) arguments(x *ast.CallExpr, c callee) []string {
	var vals []string
	var from []types.Type
	var exprs []ast.Expr
	if len(x.Args) == 1 && isTuple(f.typeOf(x.Args[0])) {
		vals, from = f.multi(x.Args[0])
	} else {
		f.hoist(x.Args...)
		for _, a := range x.Args {
			exprs = append(exprs, a)
			from = append(from, f.typeOf(a))
		}
	}
	params := c.sig.Params()
	n := params.Len()
	one := func(i int, to types.Type, loose bool) string {
		var v string
		if exprs != nil {
			if loose && f.plain(exprs[i], from[i]) {
				return f.expr(exprs[i])
			}
			v = f.valueOf(exprs[i], to)
		} else {
			v = f.convert(vals[i], from[i], to, x)
		}
		if c.real {
			v = f.leave(v, to)
		}
		return v
	}
	var out []string
	fixed := n
	if c.sig.Variadic() && !x.Ellipsis.IsValid() {
		fixed = n - 1
	}
	for i := range fixed {
		out = append(out, one(i, params.At(i).Type(), false))
	}
	if fixed == n {
		if c.sig.Variadic() && !c.session {
			out[n-1] += "..."
		}
		return out
	}
	slice := params.At(n - 1).Type()
	elem := slice.Underlying().(*types.Slice).Elem()
	var rest []string
	for i := fixed; i < len(from); i++ {
		rest = append(rest, one(i, elem, c.real))
	}
	if c.real && len(rest) > 0 {
		return append(out, rest...)
	}
	spread := ""
	if !c.session {
		spread = "..."
	}
	typ := f.view(slice)
	if c.real {
		typ = f.l.typ(slice)
	}
	if len(rest) == 0 {
		return append(out, f.zero(typ)+spread)
	}
	s := f.temp(typ)
	f.line("%s = make(%s, %d)", s, typ, len(rest))
	for i, v := range rest {
		f.line("%s[%d] = %s", s, i, v)
	}
	return append(out, s+spread)
}

// plain reports whether compiled code that takes an interface can be given an expression as it is.
func (f *fn) plain(x ast.Expr, t types.Type) bool {
	tv := f.l.Info.Types[x]
	if tv.IsNil() || types.IsInterface(t) {
		return false
	}
	if b, ok := t.(*types.Basic); ok {
		switch b.Kind() {
		case types.Int, types.String, types.Bool, types.Float64:
			return true
		}
		return tv.Value == nil && b.Info()&types.IsUntyped == 0 && b.Kind() != types.UnsafePointer
	}
	return false
}

func isTuple(t types.Type) bool {
	_, ok := t.(*types.Tuple)
	return ok
}

// multi writes an expression with several results.
func (f *fn) multi(x ast.Expr) ([]string, []types.Type) {
	switch y := ast.Unparen(x).(type) {
	case *ast.CallExpr:
		return f.call(y)
	case *ast.TypeAssertExpr:
		f.hoist1(y.X)
		from, to := f.typeOf(y.X), f.typeOf(y.Type)
		v, ok := f.temp(f.view(to)), f.temp("bool")
		o := f.l.op(Op{Kind: OpAssert2, Types: []types.Type{from, to, f.l.view(to)}})
		f.line("%s, %s = op.%s(%s)", v, ok, o, f.expr(y.X))
		return []string{v, ok}, []types.Type{to, types.Typ[types.Bool]}
	case *ast.IndexExpr:
		m := f.typeOf(y.X).Underlying().(*types.Map)
		f.hoist(y.X, y.Index)
		v, ok := f.temp(f.view(m.Elem())), f.temp("bool")
		mv := f.named(f.expr(y.X), f.view(m))
		k := f.atom(f.valueOf(y.Index, m.Key()), f.view(m.Key()))
		f.mark(y)
		f.hashed(k, m, "len("+mv+")")
		f.line("%s = %s", v, f.zero(f.view(m.Elem()))) // the interpreter leaves it as it is for a missing key
		f.line("%s, %s = %s[%s]", v, ok, mv, k)
		return []string{v, ok}, []types.Type{m.Elem(), types.Typ[types.Bool]}
	case *ast.UnaryExpr:
		if y.Op == token.ARROW {
			c := chanOf(f.typeOf(y.X))
			f.hoist1(y.X)
			v, ok := f.temp(f.view(c.Elem())), f.temp("bool")
			o := f.l.op(Op{Kind: OpRecv2, Types: []types.Type{f.l.view(f.typeOf(y.X))}})
			f.mark(y)
			f.line("%s, %s = op.%s(l, %s)", v, ok, o, f.expr(y.X))
			return []string{v, ok}, []types.Type{c.Elem(), types.Typ[types.Bool]}
		}
	}
	refuse(x, "this expression with several values")
	return nil, nil
}

func chanOf(t types.Type) *types.Chan {
	c, ok := t.Underlying().(*types.Chan)
	if !ok {
		panic(&Refusal{0, "a channel of a type parameter"})
	}
	return c
}

func (f *fn) receive(x *ast.UnaryExpr) string {
	t := f.typeOf(x.X)
	o := f.l.op(Op{Kind: OpRecv, Types: []types.Type{f.l.view(t)}})
	v := f.expr(x.X)
	f.mark(x)
	return f.stored(fmt.Sprintf("op.%s(l, %s)", o, v), chanOf(t).Elem())
}

const (
	callers  = "can ask for the code that calls it"
	liveness = "depends on when the last use of a value was"
	amounts  = "measures what compiled code allocates"
)

// signed passes arguments by pointer that may hold a negative zero: the interpreter passes positive ones instead.
func (f *fn) signed(c callee, args []string) []string {
	out := append([]string(nil), args...)
	for i, a := range args {
		t := c.recvT
		if k := i - len(c.args); k >= 0 {
			t = c.sig.Params().At(k).Type()
		} else if a != c.args[i] || i < len(c.args)-1 {
			continue
		}
		if t == nil || !f.l.holdsFloat(t) {
			continue
		}
		if !simple(a) || strings.HasPrefix(a, "*") {
			a = f.copied(a, f.view(t))
		}
		out[i] = "&" + a
	}
	return out
}

// holdsFloat reports whether a value of a type may hold a negative zero, outside of pointers.
func (l *lowerer) holdsFloat(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&(types.IsFloat|types.IsComplex) != 0
	case *types.Array:
		return l.holdsFloat(u.Elem())
	case *types.Struct:
		for v := range u.Fields() {
			if l.holdsFloat(v.Type()) {
				return true
			}
		}
	}
	return false
}
