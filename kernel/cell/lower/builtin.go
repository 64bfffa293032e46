package lower

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

func builtinName(info *types.Info, x ast.Expr) string {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		if b, ok := info.Uses[x].(*types.Builtin); ok {
			return b.Name()
		}
	case *ast.SelectorExpr:
		if b, ok := info.Uses[x.Sel].(*types.Builtin); ok {
			return "unsafe." + b.Name()
		}
	}
	return ""
}

// builtin writes a call of a built-in function.
func (f *fn) builtin(x *ast.CallExpr, name string) ([]string, []types.Type) {
	if len(x.Args) == 1 && isTuple(f.typeOf(x.Args[0])) && name != "print" && name != "println" {
		refuse(x, "%s of the results of a call", name)
	}
	t := f.typeOf(x)
	one := func(v string) ([]string, []types.Type) { return []string{v}, []types.Type{t} }
	switch name {
	case "len", "cap":
		f.hoist(x.Args...)
		return one(f.pure(x))
	case "panic":
		f.hoist(x.Args...)
		v := f.valueOf(x.Args[0], types.NewInterfaceType(nil, nil))
		f.mark(x)
		f.line("rt.Panic(%s, %s)", f.at(), v)
		return nil, nil
	case "recover":
		if f.recover == "" {
			return one(f.zero(f.view(t)))
		}
		f.uses(local{name: f.recover, typ: "*rt.Defers"})
		return one(f.stored(fmt.Sprintf("rt.Recover(%s)", f.recover), t))
	case "print", "println":
		vs, ts := f.printed(x)
		f.mark(x)
		f.line("op.%s(%s)", f.l.op(Op{Kind: OpPrint, Text: name, Types: ts}), strings.Join(vs, ", "))
		return nil, nil
	case "new":
		if !f.l.Info.Types[x.Args[0]].IsType() {
			e := t.Underlying().(*types.Pointer).Elem()
			v := f.value(x.Args[0], e)
			p := f.temp(f.view(t))
			f.line("%s = new(%s)", p, f.view(e))
			f.line("*%s = %s", p, v)
			return one(p)
		}
		return one(f.stored("new("+f.view(f.typeOf(x.Args[0]))+")", t))
	case "make":
		return one(f.makeCall(x, t))
	case "append":
		return one(f.appendCall(x, t))
	case "copy":
		f.hoist(x.Args...)
		a, b := f.typeOf(x.Args[0]), f.typeOf(x.Args[1])
		o := f.l.op(Op{Kind: OpCopy, Types: []types.Type{f.l.view(a), f.l.view(types.Default(b))}})
		return one(f.stored(fmt.Sprintf("op.%s(%s, %s)", o, f.expr(x.Args[0]), f.valueOf(x.Args[1], types.Default(b))), t))
	case "delete":
		f.hoist(x.Args...)
		m := f.typeOf(x.Args[0]).Underlying().(*types.Map)
		mv := f.named(f.expr(x.Args[0]), f.view(m))
		k := f.atom(f.valueOf(x.Args[1], m.Key()), f.view(m.Key()))
		f.mark(x)
		f.hashed(k, m, "len("+mv+")")
		f.line("delete(%s, %s)", mv, k)
		return nil, nil
	case "clear":
		f.hoist(x.Args...)
		a := f.typeOf(x.Args[0])
		f.line("op.%s(%s)", f.l.op(Op{Kind: OpClear, Types: []types.Type{f.l.view(a)}}), f.expr(x.Args[0]))
		return nil, nil
	case "close":
		f.hoist(x.Args...)
		v := f.expr(x.Args[0])
		f.mark(x)
		f.line("op.%s(%s)", f.l.op(Op{Kind: OpClose, Types: []types.Type{f.l.view(f.typeOf(x.Args[0]))}}), v)
		return nil, nil
	case "min", "max":
		f.hoist(x.Args...)
		o := f.l.op(Op{Kind: OpMinMax, Text: name, Types: []types.Type{f.l.view(t)}})
		v := f.valueOf(x.Args[0], t)
		for _, a := range x.Args[1:] {
			v = f.stored(fmt.Sprintf("op.%s(%s, %s)", o, v, f.valueOf(a, t)), t)
		}
		return one(f.storedValue(v, f.view(t)))
	case "real", "imag", "complex":
		f.hoist(x.Args...)
		if name == "complex" {
			part := types.Typ[types.Float64]
			if t.Underlying().(*types.Basic).Kind() == types.Complex64 {
				part = types.Typ[types.Float32]
			}
			o := f.l.op(Op{Kind: OpArith, Text: name, Types: []types.Type{part, f.l.view(t)}})
			return one(f.stored(fmt.Sprintf("op.%s(%s, %s)", o, f.valueOf(x.Args[0], part), f.valueOf(x.Args[1], part)), t))
		}
		a := types.Default(f.typeOf(x.Args[0]))
		o := f.l.op(Op{Kind: OpArith, Text: name, Types: []types.Type{f.l.view(a), f.l.view(t)}})
		return one(f.stored(fmt.Sprintf("op.%s(%s)", o, f.valueOf(x.Args[0], a)), t))
	}
	if name, ok := strings.CutPrefix(name, "unsafe."); ok {
		return one(f.unsafeCall(x, name, t))
	}
	refuse(x, "%s", name)
	return nil, nil
}

// unsafeCall writes a call of a function of package unsafe. The views of types have their layouts.
func (f *fn) unsafeCall(x *ast.CallExpr, name string, t types.Type) string {
	if name == "Sizeof" || name == "Alignof" {
		o := f.l.op(Op{Kind: OpUnsafe, Text: name, Types: []types.Type{f.l.view(types.Default(f.typeOf(x.Args[0])))}})
		return f.stored("op."+o+"()", t)
	}
	if name == "Offsetof" {
		refuse(x, "unsafe.Offsetof of a type parameter's field")
	}
	f.hoist(x.Args...)
	var vals []string
	var ts []types.Type
	for i, a := range x.Args {
		at := types.Default(f.typeOf(a))
		if f.l.Info.Types[a].IsNil() {
			at = types.NewPointer(types.Typ[types.Byte]) // of String
		}
		v := f.valueOf(a, at)
		if i == 1 && !isNumber(v) { // a length
			v = f.named("int("+f.named(v, f.view(at))+")", "int")
		}
		if i == 0 {
			ts = append(ts, f.l.view(at))
		}
		vals = append(vals, v)
	}
	o := f.l.op(Op{Kind: OpUnsafe, Text: name, Types: append(ts, f.l.view(t))})
	f.mark(x)
	return f.stored(fmt.Sprintf("op.%s(%s)", o, strings.Join(vals, ", ")), t)
}

// printed writes the arguments of print and println.
func (f *fn) printed(x *ast.CallExpr) (vs []string, ts []types.Type) {
	if len(x.Args) == 1 && isTuple(f.typeOf(x.Args[0])) {
		vs, ts = f.multi(x.Args[0])
		for i := range ts {
			ts[i] = f.l.view(ts[i])
		}
		return vs, ts
	}
	f.hoist(x.Args...)
	for _, a := range x.Args {
		t := f.typeOf(a)
		if b, ok := t.(*types.Basic); ok {
			switch b.Kind() {
			case types.UntypedNil:
				refuse(x, "print of nil")
			case types.UntypedInt, types.UntypedRune:
				t = types.Typ[types.Int64]
			default:
				t = types.Default(t)
			}
		}
		vs, ts = append(vs, f.copied(f.valueOf(a, t), f.view(t))), append(ts, f.l.view(t))
	}
	return vs, ts
}

func (f *fn) makeCall(x *ast.CallExpr, t types.Type) string {
	size := func(i int) string {
		if i >= len(x.Args) {
			return "-1"
		}
		f.hoist1(x.Args[i])
		tv := f.l.Info.Types[x.Args[i]]
		if tv.Value == nil {
			which := i
			if _, ok := t.Underlying().(*types.Chan); ok {
				which = 3
			}
			if b, ok := f.typeOf(x.Args[i]).Underlying().(*types.Basic); ok {
				n := f.named(f.expr(x.Args[i]), b.Name())
				if b.Info()&types.IsUnsigned != 0 {
					f.line("if uint64(%s) > 9223372036854775807 {", n)
					f.line("\trt.Size(-1, %d)", which)
					f.line("}")
				}
				n = f.named("int("+n+")", "int")
				m := f.temp("int")
				f.mark(x)
				f.line("%s = rt.Size(%s, %d)", m, n, which)
				return m
			}
		}
		return f.valueOrInt(x.Args[i])
	}
	if _, ok := t.Underlying().(*types.Map); ok {
		for _, a := range x.Args[1:] {
			f.discard(f.whole(a))
		}
		return f.stored("make("+f.view(t)+")", t)
	}
	a, b := size(1), size(2)
	o := f.l.op(Op{Kind: OpMake, Types: []types.Type{f.l.view(t)}})
	f.mark(x)
	return f.stored(fmt.Sprintf("op.%s(l, %s, %s)", o, a, b), t)
}

func (f *fn) appendCall(x *ast.CallExpr, t types.Type) string {
	f.hoist(x.Args...)
	elem := t.Underlying().(*types.Slice).Elem()
	s := f.valueOf(x.Args[0], t)
	if x.Ellipsis.IsValid() {
		from := f.typeOf(x.Args[1])
		if f.l.Info.Types[x.Args[1]].IsNil() {
			return f.storedValue(s, f.view(t))
		}
		from = types.Default(from)
		v := f.valueOf(x.Args[1], from)
		o := f.l.op(Op{Kind: OpAppend, Types: []types.Type{f.l.view(t), f.l.view(from)}})
		return f.stored(fmt.Sprintf("op.%s(%s, %s)", o, s, v), t)
	}
	if len(x.Args) == 1 {
		return f.storedValue(s, f.view(t))
	}
	if f.l.key(elem) == f.l.key(t) { // which the interpreter takes for a slice of elements
		typ := f.view(t)
		v := f.temp(typ)
		f.line("%s = make(%s, %d)", v, typ, len(x.Args)-1)
		for i, a := range x.Args[1:] {
			f.line("%s[%d] = %s", v, i, f.valueOf(a, elem))
		}
		o := f.l.op(Op{Kind: OpAppend, Types: []types.Type{f.l.view(t), f.l.view(t)}})
		return f.stored(fmt.Sprintf("op.%s(%s, %s)", o, s, v), t)
	}
	var vs []string
	for _, a := range x.Args[1:] {
		vs = append(vs, f.named(f.valueOf(a, elem), f.view(elem)))
	}
	return f.stored("append("+f.named(s, f.view(t))+", "+strings.Join(vs, ", ")+")", t)
}
