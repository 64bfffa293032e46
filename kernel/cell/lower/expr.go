package lower

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// hoist writes the calls in an expression, and what else has effects, before the expression: in the order in
// which they stand, as the compiler does.
func (f *fn) hoist(xs ...ast.Expr) {
	for _, x := range xs {
		f.hoist1(x)
	}
}

func (f *fn) hoist1(x ast.Expr) {
	if x == nil {
		return
	}
	tv := f.l.Info.Types[x]
	if tv.Value != nil || tv.IsType() {
		return
	}
	if _, ok := f.ready[x]; ok {
		return
	}
	switch x := x.(type) {
	case *ast.ParenExpr:
		f.hoist1(x.X)
	case *ast.SelectorExpr:
		if _, ok := f.l.Info.Selections[x]; ok {
			f.hoist1(x.X)
		}
	case *ast.StarExpr:
		f.hoist1(x.X)
	case *ast.UnaryExpr:
		f.hoist1(x.X)
		if x.Op == token.ARROW {
			f.ready[x] = f.receive(x)
		}
	case *ast.BinaryExpr:
		if x.Op == token.LAND || x.Op == token.LOR {
			f.ready[x] = f.shortCircuit(x)
			return
		}
		f.hoist(x.X, x.Y)
	case *ast.IndexExpr:
		if f.l.Info.Types[x.X].IsValue() {
			if _, ok := f.typeOf(x.X).Underlying().(*types.Signature); !ok {
				f.hoist(x.X, x.Index)
			}
		}
	case *ast.SliceExpr:
		f.hoist(x.X, x.Low, x.High, x.Max)
		f.ready[x] = f.slice(x)
	case *ast.TypeAssertExpr:
		f.hoist1(x.X)
		f.ready[x] = f.assert(x)
	case *ast.CompositeLit:
		f.hoistLiteral(x)
	case *ast.KeyValueExpr:
		f.hoist(x.Key, x.Value)
	case *ast.CallExpr:
		if f.pureCall(x) {
			for _, a := range x.Args {
				f.hoist1(a)
			}
			return
		}
		vals, ts := f.call(x)
		if len(vals) == 1 {
			f.ready[x] = f.stored(vals[0], ts[0])
		}
	}
}

// calls reports whether an expression has calls or receives, so that it is evaluated even where only its type matters.
func (f *fn) calls(x ast.Expr) (yes bool) {
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			yes = yes || f.l.Info.Types[n].Value == nil && !f.l.Info.Types[n.Fun].IsType()
		case *ast.UnaryExpr:
			yes = yes || n.Op == token.ARROW
		}
		return !yes
	})
	return yes
}

// pureCall reports whether a call is an operation without effects: a conversion between numbers, or a length.
func (f *fn) pureCall(x *ast.CallExpr) bool {
	tv := f.l.Info.Types[x.Fun]
	if tv.IsType() {
		to, from := f.sub(tv.Type).Underlying(), f.typeOf(x.Args[0]).Underlying()
		b1, ok1 := to.(*types.Basic)
		b2, ok2 := from.(*types.Basic)
		return ok1 && ok2 && b1.Kind() != types.UnsafePointer && b2.Kind() != types.UnsafePointer
	}
	if id, ok := ast.Unparen(x.Fun).(*ast.Ident); ok && tv.IsBuiltin() {
		return id.Name == "len" || id.Name == "cap"
	}
	return false
}

// whole hoists and writes an expression.
func (f *fn) whole(x ast.Expr) string {
	f.hoist1(x)
	return f.expr(x)
}

// value writes an expression as a value of a type that it is assigned to.
func (f *fn) value(x ast.Expr, to types.Type) string {
	f.hoist1(x)
	return f.valueOf(x, to)
}

// valueOf is value for an expression that was hoisted.
func (f *fn) valueOf(x ast.Expr, to types.Type) string {
	tv := f.l.Info.Types[x]
	if tv.Value != nil {
		if types.IsInterface(to) {
			from := types.Default(f.typeOf(x))
			return f.convert(f.constant(tv.Value, from, x), from, to, x)
		}
		return f.constant(tv.Value, to, x)
	}
	if tv.IsNil() {
		return f.zero(f.view(to))
	}
	from := f.typeOf(x)
	if b, ok := from.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		if types.IsInterface(to) {
			from = types.Default(b)
		} else {
			return f.expr(x) // a comparison, or a shift that has the type of its context
		}
	}
	return f.convert(f.expr(x), from, to, x)
}

// convert writes a conversion that assigning a value of type from to a variable of type to makes.
func (f *fn) convert(v string, from, to types.Type, at ast.Node) string {
	if types.IsInterface(to) {
		if f.l.key(from.Underlying()) == f.l.key(to.Underlying()) && types.IsInterface(from) {
			if f.l.key(f.l.view(from)) == f.l.key(f.l.view(to)) {
				return v
			}
		}
		o := f.l.op(Op{Kind: OpIface, Types: []types.Type{f.l.view(from), from, to}})
		return f.stored(fmt.Sprintf("op.%s(%s)", o, v), to)
	}
	return f.same(v, f.l.view(from), f.l.view(to))
}

// same writes a value of one type of the text as another with the same layout.
func (f *fn) same(v string, from, to types.Type) string {
	if f.l.key(from) == f.l.key(to) {
		return v
	}
	if _, ok := from.Underlying().(*types.Basic); ok {
		return f.l.typ(to) + "(" + v + ")"
	}
	return f.storedAs(fmt.Sprintf("op.%s(%s)", f.l.op(Op{Kind: OpCast, Types: []types.Type{from, to}}), v), f.l.typ(to))
}

// leave writes a value as compiled code gets it, arrive one that comes from there.
func (f *fn) leave(v string, t types.Type) string { return f.same(v, f.l.view(t), t) }

func (f *fn) arrive(v string, t types.Type) string { return f.same(v, t, f.l.view(t)) }

// stored puts a call's result, of the view of a type, into a variable.
func (f *fn) stored(call string, t types.Type) string { return f.storedAs(call, f.view(t)) }

func (f *fn) storedAs(call, typ string) string {
	if simple(call) {
		return call
	}
	t := f.temp(typ)
	f.set(t, typ, call)
	return t
}

// simple reports whether a text is a name or the value in a box.
func simple(s string) bool {
	return !strings.ContainsAny(strings.TrimPrefix(s, "*"), "(){}[]+-*/&|^<>=!%. \"`'")
}

// expr writes an expression that was hoisted. Its value has the view of the expression's type.
func (f *fn) expr(x ast.Expr) string {
	if s, ok := f.ready[x]; ok {
		return s
	}
	tv := f.l.Info.Types[x]
	if tv.Value != nil {
		return f.constant(tv.Value, f.typeOf(x), x)
	}
	switch x := x.(type) {
	case *ast.ParenExpr:
		return f.expr(x.X)
	case *ast.Ident:
		return f.ident(x)
	case *ast.FuncLit:
		f.ready[x] = f.stored(f.funcLit(x), f.typeOf(x))
		return f.ready[x]
	case *ast.SelectorExpr:
		return f.selector(x)
	case *ast.StarExpr:
		p := f.pointer(x.X)
		return "*" + p
	case *ast.UnaryExpr:
		return f.unary(x)
	case *ast.BinaryExpr:
		return f.binary(x)
	case *ast.IndexExpr:
		return f.index(x)
	case *ast.IndexListExpr:
		return f.function(x)
	case *ast.CompositeLit:
		return f.composite(x)
	case *ast.CallExpr:
		if f.pureCall(x) {
			return f.pure(x)
		}
		vals, ts := f.call(x)
		if len(vals) != 1 {
			refuse(x, "this call")
		}
		f.ready[x] = f.stored(vals[0], ts[0])
		return f.ready[x]
	case *ast.SliceExpr, *ast.TypeAssertExpr:
		f.hoist1(x)
		return f.ready[x]
	}
	refuse(x, "this expression")
	return ""
}

func (f *fn) ident(x *ast.Ident) string {
	o := f.l.Info.ObjectOf(x)
	switch o := o.(type) {
	case *types.Nil:
		return f.zero(f.view(f.typeOf(x)))
	case *types.Var:
		if v := f.lookup(o); v != nil {
			if v.boxed {
				return "*" + v.name
			}
			return v.name
		}
		if f.l.session(o) {
			return "*" + f.l.global(o)
		}
	case *types.Func:
		return f.function(x)
	}
	refuse(x, "the name %s", x.Name)
	return ""
}

// named puts a value into a variable unless it is in one.
func (f *fn) named(v, typ string) string {
	if simple(v) && !strings.HasPrefix(v, "*") && !isNumber(v) {
		return v
	}
	t := f.temp(typ)
	f.line("%s = %s", t, v)
	return t
}

// atom is named for values that may also be constants.
func (f *fn) atom(v, typ string) string {
	if isNumber(v) || strings.HasPrefix(v, `"`) && !strings.Contains(v, "+") {
		return v
	}
	return f.named(v, typ)
}

func (f *fn) assert(x *ast.TypeAssertExpr) string {
	from, to := f.typeOf(x.X), f.typeOf(x.Type)
	v := f.expr(x.X)
	return f.assertTo(v, from, to, x)
}

func (f *fn) assertTo(v string, from, to types.Type, at ast.Node) string {
	o := f.l.op(Op{Kind: OpAssert, Types: []types.Type{from, to, f.l.view(to)}})
	f.mark(at)
	return f.stored(fmt.Sprintf("op.%s(l, %s)", o, v), to)
}
