package lower

import (
	"fmt"
	"go/token"
	"go/types"
)

// viewPkg is the package of the views of named types.
var viewPkg = types.NewPackage("view", "view")

// view returns the type that interpreted code uses for values of t, which has the same layout. Named types are
// seen as what they are made of, except recursive ones and structs and interfaces of compiled packages.
func (l *lowerer) view(t types.Type) types.Type {
	k := l.key(t)
	if v := l.views[k]; v != nil {
		return v
	}
	v := l.makeView(t, k)
	l.views[k] = v
	return v
}

func (l *lowerer) makeView(t types.Type, k string) types.Type {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		u := t.Underlying()
		if _, ok := u.(*types.Interface); ok {
			return t
		}
		if !l.session(t.Obj()) {
			if _, ok := u.(*types.Struct); ok {
				return t
			}
			if b, ok := u.(*types.Basic); ok {
				return types.Typ[b.Kind()]
			}
			if !l.recursive(t) {
				return l.view(u)
			}
			return t
		}
		if !l.recursive(t) {
			return l.view(u)
		}
		// The name is only for the recursion.
		n := types.NewNamed(types.NewTypeName(token.NoPos, viewPkg, "V"+fmt.Sprint(len(l.views))+"_"+clean(t.Obj().Name()), nil), nil, nil)
		l.views[k] = n
		n.SetUnderlying(l.view(u).Underlying())
		return n
	case *types.Pointer:
		return types.NewPointer(l.view(t.Elem()))
	case *types.Slice:
		return types.NewSlice(l.view(t.Elem()))
	case *types.Array:
		return types.NewArray(l.view(t.Elem()), t.Len())
	case *types.Chan:
		return types.NewChan(t.Dir(), l.view(t.Elem()))
	case *types.Map:
		return types.NewMap(l.view(t.Key()), l.view(t.Elem()))
	case *types.Tuple:
		return l.viewTuple(t)
	case *types.Signature:
		return types.NewSignatureType(nil, nil, nil, l.viewTuple(t.Params()), l.viewTuple(t.Results()), t.Variadic())
	case *types.Basic:
		if t.Info()&types.IsUntyped != 0 {
			return types.Default(t)
		}
		return types.Typ[t.Kind()]
	case *types.Struct:
		var fields []*types.Var
		for i := range t.NumFields() {
			f := t.Field(i)
			fields = append(fields, types.NewField(token.NoPos, viewPkg, viewField(i, f.Name()), l.view(f.Type()), false))
		}
		return types.NewStruct(fields, nil)
	}
	return t
}

// viewField returns the name of a field in a view. Blank fields stay blank, since they take no part in
// comparisons and hashes.
func viewField(i int, name string) string {
	if name == "_" {
		return "_"
	}
	return fmt.Sprintf("F%d_%s", i, clean(name))
}

func (l *lowerer) viewTuple(t *types.Tuple) *types.Tuple {
	var vars []*types.Var
	for v := range t.Variables() {
		vars = append(vars, types.NewParam(token.NoPos, nil, "", l.view(v.Type())))
	}
	return types.NewTuple(vars...)
}

// recursive reports whether a named type occurs in itself.
func (l *lowerer) recursive(t *types.Named) bool {
	target := l.key(t)
	seen := map[string]bool{}
	var in func(t types.Type) bool
	tuple := func(t *types.Tuple) bool {
		for v := range t.Variables() {
			if in(v.Type()) {
				return true
			}
		}
		return false
	}
	in = func(t types.Type) bool {
		switch t := types.Unalias(t).(type) {
		case *types.Named:
			k := l.key(t)
			if k == target {
				return true
			}
			if seen[k] {
				return false
			}
			seen[k] = true
			if _, ok := t.Underlying().(*types.Interface); ok {
				return false
			}
			if !l.session(t.Obj()) {
				if _, ok := t.Underlying().(*types.Struct); ok {
					return false
				}
			}
			return in(t.Underlying())
		case *types.Pointer:
			return in(t.Elem())
		case *types.Slice:
			return in(t.Elem())
		case *types.Array:
			return in(t.Elem())
		case *types.Chan:
			return in(t.Elem())
		case *types.Map:
			return in(t.Key()) || in(t.Elem())
		case *types.Signature:
			return tuple(t.Params()) || tuple(t.Results())
		case *types.Struct:
			for f := range t.Fields() {
				if in(f.Type()) {
					return true
				}
			}
		}
		return false
	}
	return in(t.Underlying())
}

// differs reports whether interpreted code sees values of a type with another type.
func (l *lowerer) differs(t types.Type) bool { return l.key(t) != l.key(l.view(t)) }
