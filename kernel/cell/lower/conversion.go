package lower

import (
	"fmt"
	"go/ast"
	"go/types"
)

// conversion writes a conversion that is not one between basic types.
func (f *fn) conversion(x *ast.CallExpr, to types.Type) string {
	a := x.Args[0]
	tv := f.l.Info.Types[a]
	f.hoist1(a)
	if tv.IsNil() {
		return f.zero(f.view(to))
	}
	if f.pureCall(x) {
		return f.pure(x)
	}
	from := f.typeOf(a)
	if types.IsInterface(to) {
		return f.valueOf(a, to)
	}
	if tv.Value != nil {
		from = types.Default(from)
	}
	v := f.expr(a)
	if tv.Value != nil {
		v = f.constant(tv.Value, from, a)
	}
	if isUnsafe(from) || isUnsafe(to) { // pointers and integers have the same bits
		o := f.l.op(Op{Kind: OpCast, Types: []types.Type{f.l.view(from), f.l.view(to)}})
		return f.stored(fmt.Sprintf("op.%s(%s)", o, v), to)
	}
	if types.ConvertibleTo(from, to) && f.l.key(f.l.view(from)) == f.l.key(f.l.view(to)) {
		return f.storedValue(v, f.view(to))
	}
	if sameShape(from, to) {
		return f.same(v, f.l.view(from), f.l.view(to))
	}
	o := f.l.op(Op{Kind: OpConvert, Types: []types.Type{f.l.view(from), f.l.view(to), f.l.view(to)}})
	f.mark(x)
	return f.stored(fmt.Sprintf("op.%s(l, %s)", o, v), to)
}

// sameShape reports whether a conversion leaves the bits as they are.
func sameShape(from, to types.Type) bool {
	if types.IdenticalIgnoreTags(from.Underlying(), to.Underlying()) {
		return true
	}
	p, ok1 := from.Underlying().(*types.Pointer)
	q, ok2 := to.Underlying().(*types.Pointer)
	if ok1 && ok2 {
		return types.IdenticalIgnoreTags(p.Elem().Underlying(), q.Elem().Underlying())
	}
	_, ok1 = from.Underlying().(*types.Chan)
	_, ok2 = to.Underlying().(*types.Chan)
	return ok1 && ok2
}

func isUnsafe(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == types.UnsafePointer
}
