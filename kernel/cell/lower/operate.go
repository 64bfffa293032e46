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

// apart writes statements that do not become part of the function yet, and returns them.
func (f *fn) apart(write func()) (statements string) {
	outer := f.b
	f.b = strings.Builder{}
	write()
	statements = f.b.String()
	f.b = outer
	return statements
}

func (f *fn) shortCircuit(x *ast.BinaryExpr) string {
	a, b := f.whole(x.X), ""
	f.ind++
	second := f.apart(func() { b = f.whole(x.Y) })
	f.ind--
	if second == "" {
		return "(" + a + " " + x.Op.String() + " " + b + ")"
	}
	t := f.temp("bool")
	f.line("%s = %s", t, a)
	if x.Op == token.LAND {
		f.line("if %s {", t)
	} else {
		f.line("if !%s {", t)
	}
	f.b.WriteString(second)
	f.line("\t%s = %s", t, b)
	f.line("}")
	return t
}

func (f *fn) isComplex(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsComplex != 0
}

func (f *fn) unary(x *ast.UnaryExpr) string {
	switch x.Op {
	case token.AND:
		return f.address(x.X)
	case token.ARROW:
		f.hoist1(x)
		return f.ready[x]
	case token.ADD:
		return f.expr(x.X)
	}
	t := f.typeOf(x)
	if f.isComplex(t) {
		return f.arith(x.Op, t, f.zero(f.view(t)), f.expr(x.X))
	}
	if x.Op == token.SUB {
		if b := t.Underlying().(*types.Basic); b.Info()&types.IsFloat != 0 { // the sign of zero
			return "(" + f.view(t) + "(-1.0) * " + f.expr(x.X) + ")"
		}
		return "(" + f.constant(constant.MakeInt64(0), t, x) + " - " + f.expr(x.X) + ")"
	}
	if x.Op == token.XOR {
		return "(^" + f.expr(x.X) + ")"
	}
	return "(" + x.Op.String() + f.expr(x.X) + ")"
}

func (f *fn) arith(op token.Token, t types.Type, a, b string) string {
	o := f.l.op(Op{Kind: OpArith, Text: op.String(), Types: []types.Type{f.l.view(t)}})
	return f.stored(fmt.Sprintf("op.%s(%s, %s)", o, a, b), t)
}

// pure writes a call without effects.
func (f *fn) pure(x *ast.CallExpr) string {
	tv := f.l.Info.Types[x.Fun]
	if tv.IsType() {
		return f.basicConversion(x, f.sub(tv.Type))
	}
	name := ast.Unparen(x.Fun).(*ast.Ident).Name
	t := f.typeOf(x.Args[0])
	switch u := t.Underlying().(type) {
	case *types.Array:
		f.discard(f.expr(x.Args[0])) // it has a call
		return strconv.FormatInt(u.Len(), 10)
	case *types.Pointer:
		return strconv.FormatInt(u.Elem().Underlying().(*types.Array).Len(), 10)
	}
	return name + "(" + f.atom(f.expr(x.Args[0]), f.view(t)) + ")"
}

func (f *fn) basicConversion(x *ast.CallExpr, to types.Type) string {
	a := x.Args[0]
	if tv := f.l.Info.Types[a]; tv.Value != nil {
		from := types.Default(f.typeOf(a))
		b, ok := to.Underlying().(*types.Basic)
		if ok && b.Info()&types.IsString == 0 || from.Underlying().(*types.Basic).Info()&types.IsString != 0 {
			return f.constant(tv.Value, to, a) // a type argument: otherwise the conversion is a constant
		}
		return f.view(to) + "(" + f.named(f.constant(tv.Value, from, a), f.view(from)) + ")"
	}
	from := f.typeOf(a)
	s := f.expr(a)
	if f.l.key(f.l.view(from)) == f.l.key(f.l.view(to)) {
		return s
	}
	b1, b2 := from.Underlying().(*types.Basic), to.Underlying().(*types.Basic)
	if b1.Info()&types.IsUntyped != 0 && b1.Kind() != types.UntypedNil {
		return s
	}
	if b1.Info()&types.IsFloat != 0 && b2.Info()&types.IsInteger != 0 || b1.Info()&types.IsComplex != 0 {
		o := f.l.op(Op{Kind: OpConvert, Types: []types.Type{f.l.view(from), f.l.view(to), f.l.view(to)}})
		return f.stored(fmt.Sprintf("op.%s(%s, %s)", o, f.at(), s), to)
	}
	return f.view(to) + "(" + f.named(s, f.view(from)) + ")"
}

func (f *fn) binary(x *ast.BinaryExpr) string {
	switch x.Op {
	case token.LAND, token.LOR:
		return "(" + f.expr(x.X) + " " + x.Op.String() + " " + f.expr(x.Y) + ")"
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
		return f.compare(x)
	case token.SHL, token.SHR:
		t := f.shiftType(x)
		return f.shift(f.valueOf(x.X, t), t, x.Op, x.Y, x)
	}
	t := f.typeOf(x)
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		t = types.Default(t)
	}
	return f.operate(f.valueOf(x.X, t), f.valueOf(x.Y, t), x.Op, t, x)
}

// shiftType returns the type of a shift.
func (f *fn) shiftType(x *ast.BinaryExpr) types.Type {
	t := f.typeOf(x)
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		return types.Typ[types.Int]
	}
	return t
}

func (f *fn) shift(a string, t types.Type, op token.Token, y ast.Expr, at ast.Node) string {
	var n string
	if tv := f.l.Info.Types[y]; tv.Value != nil {
		k, _ := constant.Uint64Val(constant.ToInt(tv.Value))
		n = fmt.Sprintf("uint(%d)", k)
	} else {
		ty := f.typeOf(y)
		n = f.named(f.expr(y), f.view(ty))
		if ty.Underlying().(*types.Basic).Info()&types.IsUnsigned == 0 {
			f.line("if %s < 0 {", n)
			f.line("\trt.NegativeShift(%s, %s)", f.at(), f.lineOf(at))
			f.line("}")
		}
		n = "uint64(" + n + ")"
		n = f.named(n, "uint64")
	}
	return "(" + f.named(a, f.view(t)) + " " + op.String() + " " + n + ")"
}

// operate writes an arithmetic operation on values of a type.
func (f *fn) operate(a, b string, op token.Token, t types.Type, at ast.Node) string {
	if f.isComplex(t) {
		return f.arith(op, t, a, b)
	}
	u, ok := t.Underlying().(*types.Basic)
	if !ok {
		refuse(at, "this operation")
	}
	if (op == token.QUO || op == token.REM) && u.Info()&types.IsInteger != 0 {
		b = f.atom(b, f.view(t))
		if !isNumber(b) {
			f.line("if %s == 0 {", b)
			f.line("\trt.Divide(%s, %s)", f.at(), f.lineOf(at))
			f.line("}")
		}
	}
	if op == token.QUO && u.Info()&types.IsFloat != 0 {
		a, b = f.named(a, f.view(t)), f.named(b, f.view(t))
	}
	if op == token.AND_NOT {
		return "(" + a + " & (^" + b + "))"
	}
	return "(" + a + " " + op.String() + " " + b + ")"
}

// compare writes a comparison.
func (f *fn) compare(x *ast.BinaryExpr) string {
	a, b := f.typeOf(x.X), f.typeOf(x.Y)
	nilA, nilB := f.l.Info.Types[x.X].IsNil(), f.l.Info.Types[x.Y].IsNil()
	if nilA && nilB {
		refuse(x, "this comparison")
	}
	if nilA || nilB {
		y, t := x.X, a
		if nilA {
			y, t = x.Y, b
		}
		return "(" + f.named(f.expr(y), f.view(t)) + " " + x.Op.String() + " nil)"
	}
	t := a
	untyped := func(t types.Type) bool {
		b, ok := t.(*types.Basic)
		return ok && b.Info()&types.IsUntyped != 0
	}
	switch {
	case untyped(a) && untyped(b):
		t = types.Default(a)
		if x, ok := types.Default(b).(*types.Basic); ok && x.Info()&(types.IsFloat|types.IsComplex) != 0 {
			t = x
		}
	case untyped(a), types.IsInterface(b) && !types.IsInterface(a):
		t = b
	case types.IsInterface(a) && types.IsInterface(b) && !types.AssignableTo(b, a):
		t = b
	}
	v, w := f.valueOf(x.X, t), f.valueOf(x.Y, t)
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Kind() != types.UnsafePointer && u.Info()&types.IsComplex == 0 {
			return "(" + v + " " + x.Op.String() + " " + w + ")"
		}
	}
	o := f.l.op(Op{Kind: OpEqual, Types: []types.Type{f.l.view(t), t}})
	f.mark(x)
	s := f.storedAs(fmt.Sprintf("op.%s(l, %s, %s)", o, v, w), "bool")
	if x.Op == token.NEQ {
		return "(!" + s + ")"
	}
	return s
}
