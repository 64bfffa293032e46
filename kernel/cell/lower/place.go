package lower

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"strconv"
	"strings"
)

// pointer writes a pointer that is dereferenced, after a check for nil.
func (f *fn) pointer(x ast.Expr) string {
	p := f.named(f.expr(x), f.view(f.typeOf(x)))
	f.checkNil(p, x)
	return p
}

func (f *fn) checkNil(p string, at ast.Node) {
	if fields := strings.SplitN(p, ".", 2); fields[0] == "op" {
		return
	}
	f.line("if %s == nil {", p)
	f.line("\trt.NilPointer(%s, %s)", f.at(), f.lineOf(at))
	f.line("}")
}

// base writes what a field is selected from: a struct, or a pointer to one that is not nil.
func (f *fn) base(x ast.Expr) string {
	t := f.typeOf(x)
	if _, ok := t.Underlying().(*types.Pointer); ok {
		return f.pointer(x)
	}
	s := f.expr(x)
	if strings.HasPrefix(s, "*") {
		return s[1:]
	}
	return s
}

// fields writes the selection of a field along a path. t is the type of the text in front.
func (f *fn) fields(s string, t types.Type, path []int, at ast.Node) (string, types.Type) {
	for _, i := range path {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		st := t.Underlying().(*types.Struct)
		field := st.Field(i)
		if n, ok := types.Unalias(t).(*types.Named); ok && !f.l.session(n.Obj()) {
			if !field.Exported() {
				refuse(at, "the unexported field %s", field.Name())
			}
			s += "." + field.Name()
			t = field.Type()
			if f.l.differs(t) {
				s = f.arrive(s, t)
			}
		} else {
			s += "." + viewField(i, field.Name())
			t = field.Type()
		}
	}
	return s, t
}

// path writes a selection along embedded fields, with a check for nil before each pointer is followed.
func (f *fn) path(s string, t types.Type, path []int, at ast.Node) (string, types.Type) {
	for k, i := range path {
		s, t = f.fields(s, t, []int{i}, at)
		if p, ok := t.Underlying().(*types.Pointer); ok && k < len(path)-1 {
			s = f.named(s, f.view(p))
			f.checkNil(s, at)
		}
	}
	return s, t
}

func (f *fn) selector(x *ast.SelectorExpr) string {
	sel := f.l.Info.Selections[x]
	if sel == nil {
		switch o := f.l.Info.Uses[x.Sel].(type) {
		case *types.Var:
			if f.l.session(o) {
				return "*" + f.l.global(o)
			}
			v := "*op." + f.l.op(Op{Kind: OpVar, Object: o, Types: []types.Type{o.Type()}})
			return f.arrive(v, o.Type())
		case *types.Func:
			return f.function(x)
		}
		refuse(x, "this selector")
	}
	switch sel.Kind() {
	case types.FieldVal:
		recv, path := f.selection(x, sel)
		s, _ := f.path(f.base(x.X), recv, path, x)
		return s
	case types.MethodVal:
		return f.methodValue(x)
	}
	return f.methodExpr(x)
}

// selection returns the type and path of a selection in this instance of the function.
func (f *fn) selection(x *ast.SelectorExpr, sel *types.Selection) (types.Type, []int) {
	recv := f.sub(sel.Recv())
	if len(f.env) == 0 {
		return recv, sel.Index()
	}
	_, path, _ := types.LookupFieldOrMethod(recv, true, f.l.Pkg, x.Sel.Name)
	if path == nil {
		if p, ok := recv.Underlying().(*types.Pointer); ok {
			_, path, _ = types.LookupFieldOrMethod(p.Elem(), true, f.l.Pkg, x.Sel.Name)
		}
	}
	if path == nil {
		return recv, sel.Index()
	}
	return recv, path
}

// address writes the address of an expression.
func (f *fn) address(x ast.Expr) string {
	x = ast.Unparen(x)
	if _, ok := x.(*ast.CompositeLit); ok {
		t := f.typeOf(x)
		p := f.temp("*" + f.view(t))
		v := f.expr(x)
		f.line("%s = new(%s)", p, f.view(t))
		f.line("*%s = %s", p, v)
		return p
	}
	s := f.place(x)
	if strings.HasPrefix(s, "*") && simple(s) {
		return s[1:]
	}
	if strings.HasPrefix(s, "*op.") {
		return s[1:]
	}
	t := f.temp("*" + f.view(f.typeOf(x)))
	f.line("%s = &%s", t, s)
	return t
}

// place writes an expression that can be assigned to, or whose address can be taken.
func (f *fn) place(x ast.Expr) string {
	x = ast.Unparen(x)
	f.hoist1(x)
	switch x := x.(type) {
	case *ast.Ident:
		return f.ident(x)
	case *ast.StarExpr:
		return "*" + f.pointer(x.X)
	case *ast.SelectorExpr:
		if sel := f.l.Info.Selections[x]; sel != nil {
			recv, path := f.selection(x, sel)
			var s string
			if _, ok := recv.Underlying().(*types.Pointer); ok {
				s = f.pointer(x.X)
			} else {
				s = strings.TrimPrefix(f.place(x.X), "*")
			}
			s, _ = f.path(s, recv, path, x)
			return s
		}
		return f.selector(x)
	case *ast.IndexExpr:
		return f.index(x)
	}
	refuse(x, "assignment to this expression")
	return ""
}

// index writes an index expression, after a check of the bounds.
func (f *fn) index(x *ast.IndexExpr) string {
	if f.l.Info.Types[x.Index].IsType() {
		return f.function(x)
	}
	t := f.typeOf(x.X)
	switch u := t.Underlying().(type) {
	case *types.Map:
		m := f.expr(x.X)
		k := f.valueOf(x.Index, u.Key())
		return f.mapIndex(m, k, u, x)
	case *types.Array:
		s := f.expr(x.X)
		if strings.HasPrefix(s, "*") {
			s = "(" + s + ")"
		} else if !simple(s) {
			if _, ok := ast.Unparen(x.X).(*ast.CompositeLit); ok {
				s = f.named(s, f.view(t))
			}
		}
		return s + "[" + f.bound(x.Index, strconv.FormatInt(u.Len(), 10), x) + "]"
	case *types.Pointer:
		n := u.Elem().Underlying().(*types.Array).Len()
		return "(*" + f.pointer(x.X) + ")[" + f.bound(x.Index, strconv.FormatInt(n, 10), x) + "]"
	case *types.Slice, *types.Basic:
		s := f.atom(f.expr(x.X), f.view(t))
		return s + "[" + f.bound(x.Index, "len("+s+")", x) + "]"
	}
	refuse(x, "this index expression")
	return ""
}

// mapIndex writes a read of a map.
func (f *fn) mapIndex(m, k string, t *types.Map, at ast.Node) string {
	m, k = f.named(m, f.view(t)), f.atom(k, f.view(t.Key()))
	f.mark(at)
	f.hashed(k, t, "len("+m+")")
	return m + "[" + k + "]"
}

// hashed writes the check that a key has a hash, where that depends on the value. keys is the number of keys that the
// map has, -1 for an assignment.
func (f *fn) hashed(k string, t *types.Map, keys string) {
	if holdsInterface(t.Key()) {
		f.line("op.%s(%s, %s, %s)", f.l.op(Op{Kind: OpHash, Types: []types.Type{f.l.view(t.Key())}}), f.at(), k, keys)
	}
}

func holdsInterface(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Interface:
		return true
	case *types.Array:
		return holdsInterface(u.Elem())
	case *types.Struct:
		for v := range u.Fields() {
			if holdsInterface(v.Type()) {
				return true
			}
		}
	}
	return false
}

// bound writes an index and the check that it is below a length.
func (f *fn) bound(x ast.Expr, length string, at ast.Node) string {
	t := f.typeOf(x)
	if tv := f.l.Info.Types[x]; tv.Value != nil {
		n, _ := constant.Int64Val(constant.ToInt(tv.Value))
		if isNumber(length) {
			return strconv.FormatInt(n, 10)
		}
		f.line("if %d >= %s {", n, length)
		f.line("\trt.Index(%s, %s, %d, %s)", f.at(), f.lineOf(at), n, length)
		f.line("}")
		return strconv.FormatInt(n, 10)
	}
	i := f.named(f.expr(x), f.view(t))
	b := t.Underlying().(*types.Basic)
	if b.Info()&types.IsUnsigned != 0 {
		if b.Kind() == types.Uint8 && isNumber(length) && len(length) > 3 || length == "256" && b.Kind() == types.Uint8 {
			return f.named("int("+i+")", "int")
		}
		j := f.temp("int")
		f.line("if uint64(%s) > 9223372036854775807 {", i)
		f.line("\trt.IndexU(%s, %s, uint64(%s), %s)", f.at(), f.lineOf(at), i, length)
		f.line("}")
		f.line("%s = int(%s)", j, i)
		i = j
	} else if b.Kind() != types.Int {
		i = f.named("int("+i+")", "int")
	}
	f.line("if %s < 0 || %s >= %s {", i, i, length)
	f.line("\trt.Index(%s, %s, %s, %s)", f.at(), f.lineOf(at), i, length)
	f.line("}")
	return i
}

// slice writes a slice expression.
func (f *fn) slice(x *ast.SliceExpr) string {
	t := f.typeOf(x.X)
	var v string
	from := f.l.view(t)
	if a, ok := t.Underlying().(*types.Array); ok {
		v = f.address(x.X)
		from = types.NewPointer(f.l.view(a))
	} else {
		v = f.expr(x.X)
	}
	var vals []string
	signs := []int{0, 0, 0}
	for i, e := range []ast.Expr{x.Low, x.High, x.Max} {
		if e == nil {
			vals = append(vals, "0")
			continue
		}
		signs[i] = signedBound
		if tv := f.l.Info.Types[e]; tv.Value != nil {
			vals = append(vals, f.valueOrInt(e))
			continue
		}
		b := f.typeOf(e).Underlying().(*types.Basic)
		if b.Info()&types.IsUnsigned != 0 {
			signs[i] = unsignedBound
		}
		v := f.named(f.expr(e), f.view(f.typeOf(e)))
		if b.Kind() != types.Int {
			v = f.named("int("+v+")", "int")
		}
		vals = append(vals, v)
	}
	to := f.l.view(f.typeOf(x))
	o := f.l.op(Op{Kind: OpSlice, Types: []types.Type{from, to}, Path: signs})
	f.mark(x)
	return f.storedAs(fmt.Sprintf("op.%s(l, %s, %s)", o, v, strings.Join(vals, ", ")), f.l.typ(to))
}

// How a slice expression has a bound, in Op.Path: not, or as an int with the bits of a signed or unsigned integer.
const (
	signedBound = 1 + iota
	unsignedBound
)

// valueOrInt writes an integer expression as an int.
func (f *fn) valueOrInt(x ast.Expr) string {
	if tv := f.l.Info.Types[x]; tv.Value != nil {
		n, _ := constant.Int64Val(constant.ToInt(tv.Value))
		return strconv.FormatInt(n, 10)
	}
	s := f.expr(x)
	b := f.typeOf(x).Underlying().(*types.Basic)
	switch b.Kind() {
	case types.Int, types.UntypedInt:
		return s
	case types.Uint, types.Uint64, types.Uintptr:
		s = f.named(s, b.Name())
		f.line("if uint64(%s) > 9223372036854775807 {", s)
		f.line("\trt.IndexU(%s, %s, uint64(%s), 0)", f.at(), f.lineOf(x), s)
		f.line("}")
	}
	return f.named("int("+s+")", "int")
}
