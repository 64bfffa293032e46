package lower

import (
	"fmt"
	"go/types"
)

// env maps type parameters to type arguments.
type env map[*types.TypeParam]types.Type

// subst returns t with type arguments for type parameters. Types that are declared in a generic function are
// others for each instance of it.
func (l *lowerer) subst(t types.Type, e env, inst string) types.Type {
	if len(e) == 0 || t == nil {
		return t
	}
	again := func(t types.Type) types.Type { return l.subst(t, e, inst) }
	tuple := func(t *types.Tuple) *types.Tuple {
		var vars []*types.Var
		for v := range t.Variables() {
			vars = append(vars, types.NewVar(v.Pos(), v.Pkg(), v.Name(), again(v.Type())))
		}
		return types.NewTuple(vars...)
	}
	switch t := t.(type) {
	case *types.TypeParam:
		if r, ok := e[t]; ok {
			return r
		}
	case *types.Alias:
		return again(types.Unalias(t))
	case *types.Pointer:
		return types.NewPointer(again(t.Elem()))
	case *types.Slice:
		return types.NewSlice(again(t.Elem()))
	case *types.Array:
		return types.NewArray(again(t.Elem()), t.Len())
	case *types.Chan:
		return types.NewChan(t.Dir(), again(t.Elem()))
	case *types.Map:
		return types.NewMap(again(t.Key()), again(t.Elem()))
	case *types.Tuple:
		return tuple(t)
	case *types.Signature:
		return types.NewSignatureType(nil, nil, nil, tuple(t.Params()), tuple(t.Results()), t.Variadic())
	case *types.Struct:
		var fields []*types.Var
		var tags []string
		for i := range t.NumFields() {
			f := t.Field(i)
			fields = append(fields, types.NewField(f.Pos(), f.Pkg(), f.Name(), again(f.Type()), f.Embedded()))
			tags = append(tags, t.Tag(i))
		}
		return types.NewStruct(fields, tags)
	case *types.Interface:
		var ms []*types.Func
		for m := range t.Methods() {
			ms = append(ms, types.NewFunc(m.Pos(), m.Pkg(), m.Name(), again(m.Type()).(*types.Signature)))
		}
		return types.NewInterfaceType(ms, nil).Complete()
	case *types.Named:
		if t.TypeArgs().Len() > 0 {
			if l.inFunction(t.Obj()) {
				panic(&Refusal{t.Obj().Pos(), "a generic type in a generic function"})
			}
			var args []types.Type
			for a := range t.TypeArgs().Types() {
				args = append(args, again(a))
			}
			r, err := types.Instantiate(l.ctxt, t.Origin(), args, false)
			if err != nil {
				panic(err)
			}
			return r
		}
		if l.inFunction(t.Obj()) {
			k := fmt.Sprintf("%d %s", l.id(t.Obj()), inst)
			if n := l.locals[k]; n != nil {
				return n
			}
			n := types.NewNamed(types.NewTypeName(t.Obj().Pos(), t.Obj().Pkg(), t.Obj().Name(), nil), nil, nil)
			l.locals[k] = n
			n.SetUnderlying(again(t.Underlying()).Underlying())
			return n
		}
	}
	return t
}

// inFunction reports whether a type is declared in a function.
func (l *lowerer) inFunction(o types.Object) bool {
	return l.session(o) && o.Pkg() != viewPkg && o.Parent() != nil && o.Parent() != o.Pkg().Scope()
}
