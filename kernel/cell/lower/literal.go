package lower

import (
	"go/ast"
	"go/constant"
	"go/types"
)

func (f *fn) hoistLiteral(x *ast.CompositeLit) {
	_, isStruct := core(f.typeOf(x)).(*types.Struct)
	for _, e := range x.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if !isStruct {
				f.hoist1(kv.Key)
			}
			e = kv.Value
		}
		f.hoist1(e)
	}
}

// core returns the type that decides how a composite literal or an operation works.
func core(t types.Type) types.Type {
	u := t.Underlying()
	if p, ok := u.(*types.Pointer); ok {
		return p.Elem().Underlying()
	}
	return u
}

// composite writes a composite literal and returns a variable with its value.
func (f *fn) composite(x *ast.CompositeLit) string {
	t := f.typeOf(x)
	if p, ok := t.Underlying().(*types.Pointer); ok { // an element of a literal without its type: &T
		v := f.compositeOf(x, p.Elem())
		n := f.temp(f.view(t))
		f.line("%s = new(%s)", n, f.view(p.Elem()))
		f.line("*%s = %s", n, v)
		f.ready[x] = n
		return n
	}
	f.ready[x] = f.compositeOf(x, t)
	return f.ready[x]
}

func (f *fn) compositeOf(x *ast.CompositeLit, t types.Type) string {
	v := f.temp(f.view(t))
	switch u := t.Underlying().(type) {
	case *types.Struct:
		f.line("%s = %s", v, f.zero(f.view(t)))
		for i, e := range x.Elts {
			var val ast.Expr = e
			k := i
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				val = kv.Value
				for j := range u.NumFields() {
					if u.Field(j).Name() == kv.Key.(*ast.Ident).Name {
						k = j
					}
				}
			}
			s := f.value(val, u.Field(k).Type())
			if u.Field(k).Name() == "_" {
				f.discard(s)
				continue
			}
			name, ft := f.fieldName(t, u, k, x), u.Field(k).Type()
			if f.opaque(t) {
				s = f.leave(s, ft)
			}
			f.line("%s.%s = %s", v, name, s)
		}
	case *types.Slice, *types.Array:
		var elem types.Type
		if a, ok := u.(*types.Array); ok {
			elem = a.Elem()
			f.line("%s = %s", v, f.zero(f.view(t)))
		} else {
			elem = u.(*types.Slice).Elem()
			i, most := int64(0), int64(0)
			for _, e := range x.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					i, _ = constant.Int64Val(constant.ToInt(f.l.Info.Types[kv.Key].Value))
				}
				i++
				most = max(most, i)
			}
			f.line("%s = make(%s, %d)", v, f.view(t), most)
		}
		i := int64(0)
		for _, e := range x.Elts {
			val := e
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				i, _ = constant.Int64Val(constant.ToInt(f.l.Info.Types[kv.Key].Value))
				val = kv.Value
			}
			f.line("%s[%d] = %s", v, i, f.element(val, elem))
			i++
		}
	case *types.Map:
		f.line("%s = make(%s)", v, f.view(t))
		for _, e := range x.Elts {
			kv := e.(*ast.KeyValueExpr)
			f.hoist(kv.Key)
			k := f.atom(f.element(kv.Key, u.Key()), f.view(u.Key()))
			s := f.element(kv.Value, u.Elem())
			f.mark(kv)
			f.hashed(k, u, "-1")
			f.line("%s[%s] = %s", v, k, s)
		}
	default:
		refuse(x, "this literal")
	}
	return v
}

// element writes an element of a literal, which may be a literal without its type.
func (f *fn) element(x ast.Expr, t types.Type) string {
	if c, ok := x.(*ast.CompositeLit); ok && c.Type == nil {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			v := f.compositeOf(c, p.Elem())
			n := f.temp(f.view(t))
			f.line("%s = new(%s)", n, f.view(p.Elem()))
			f.line("*%s = %s", n, v)
			return n
		}
		return f.compositeOf(c, t)
	}
	return f.value(x, t)
}

// opaque reports whether the text uses a struct type's own fields.
func (f *fn) opaque(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && !f.l.session(n.Obj())
}

func (f *fn) fieldName(t types.Type, u *types.Struct, i int, at ast.Node) string {
	if f.opaque(t) {
		if !u.Field(i).Exported() {
			refuse(at, "the unexported field %s", u.Field(i).Name())
		}
		return u.Field(i).Name()
	}
	return viewField(i, u.Field(i).Name())
}

// discard writes a statement that evaluates a value.
func (f *fn) discard(v string) {
	if !simple(v) {
		f.line("_ = %s", v)
	}
}
