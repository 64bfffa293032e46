package cell

import (
	"go/ast"
	"go/token"
	"go/types"
)

func (d *driver) expr(x ast.Expr) bool {
	tv := d.c.info.Types[x]
	if tv.Value != nil {
		if _, ok := constantText(tv, nil); !ok {
			return d.refuse(x, "this constant")
		}
		return d.accept(x, constantValue)
	}
	switch x := x.(type) {
	case *ast.ParenExpr:
		return d.expr(x.X) && d.accept(x, d.accepted[x.X])
	case *ast.Ident:
		if o, ok := d.c.info.Uses[x].(*types.Var); ok && (isGlobal(o) || d.c.isCellVar(o)) {
			return !d.hidden(o.Type(), x) && d.accept(x, sessionVariable)
		}
		return d.refuse(x, "this name")
	case *ast.SelectorExpr:
		return d.selector(x)
	case *ast.CallExpr:
		return d.call(x, false)
	case *ast.BinaryExpr:
		return d.binary(x)
	case *ast.UnaryExpr:
		entry, ok := map[token.Token]string{token.SUB: arithmetic, token.NOT: comparison}[x.Op]
		if !ok {
			return d.refuse(x, "the operator "+x.Op.String())
		}
		return plain(d.c.info.Types[x.X].Type) && d.expr(x.X) && d.accept(x, entry) ||
			d.refuse(x, "an operation on this type")
	case *ast.IndexExpr:
		m, ok := d.c.info.Types[x.X].Type.(*types.Map)
		if !ok || !plain(m.Key()) || !plain(m.Elem()) {
			return d.refuse(x, "an index expression")
		}
		if _, ok := d.c.info.Types[x].Type.(*types.Tuple); ok {
			return d.refuse(x, "the comma-ok form")
		}
		return d.expr(x.X) && d.expr(x.Index) && d.accept(x, mapIndex)
	case *ast.CompositeLit:
		return d.literal(x)
	}
	return d.refuse(x, describeExpr(x))
}

func (d *driver) binary(x *ast.BinaryExpr) bool {
	var entry string
	switch x.Op {
	case token.ADD, token.SUB, token.MUL:
		entry = arithmetic
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ, token.LAND, token.LOR:
		entry = comparison
	default:
		return d.refuse(x, "the operator "+x.Op.String())
	}
	if !plain(d.c.info.Types[x.X].Type) || !plain(d.c.info.Types[x.Y].Type) {
		return d.refuse(x, "an operation on this type")
	}
	return d.expr(x.X) && d.expr(x.Y) && d.accept(x, entry)
}

func describeExpr(x ast.Expr) string {
	switch x.(type) {
	case *ast.FuncLit:
		return "a function literal"
	case *ast.TypeAssertExpr:
		return "a type assertion"
	case *ast.SliceExpr:
		return "a slice expression"
	case *ast.StarExpr:
		return "a dereference"
	}
	return "this expression"
}

func (d *driver) selector(x *ast.SelectorExpr) bool {
	if sel := d.c.info.Selections[x]; sel != nil {
		if sel.Kind() != types.FieldVal || len(sel.Index()) != 1 || !sel.Obj().Exported() ||
			!d.c.info.Types[x.X].Addressable() || !plain(sel.Type()) {
			return d.refuse(x, "this selector")
		}
		if _, ok := sel.Recv().Underlying().(*types.Struct); !ok {
			return d.refuse(x, "this selector")
		}
		return d.expr(x.X) && d.accept(x, field)
	}
	if v, ok := d.c.info.Uses[x.Sel].(*types.Var); ok && v.Pkg() != nil && !isSession(v) {
		if _, ok := v.Type().Underlying().(*types.Signature); !ok {
			return d.accept(x, packageVariable)
		}
	}
	return d.refuse(x, "this selector")
}

// call accepts calls of compiled code: functions of packages and of the session, exported methods. discarded
// allows a call without a result or with several.
func (d *driver) call(x *ast.CallExpr, discarded bool) bool {
	tv := d.c.info.Types[x.Fun]
	if tv.IsType() {
		return d.conversion(x, tv.Type)
	}
	if tv.IsBuiltin() {
		if id, ok := ast.Unparen(x.Fun).(*ast.Ident); ok && id.Name == "len" {
			switch d.c.info.Types[x.Args[0]].Type.Underlying().(type) {
			case *types.Slice, *types.Map, *types.Basic:
				return d.expr(x.Args[0]) && d.accept(x, length)
			}
		}
		return d.refuse(x, "this built-in function")
	}
	sig, ok := tv.Type.Underlying().(*types.Signature)
	if !ok || sig.TypeParams() != nil || x.Ellipsis.IsValid() {
		return d.refuse(x, "this call")
	}
	// yaegi passes an empty slice for no arguments, not a nil one.
	if sig.Variadic() && len(x.Args) == sig.Params().Len()-1 && !d.prints(x) {
		return d.refuse(x, "a call of a variadic function without variadic arguments")
	}
	entry := d.callee(x)
	if entry == "" {
		return false
	}
	if !discarded && sig.Results().Len() != 1 {
		return d.refuse(x, "a call with several results inside an expression")
	}
	return d.arguments(x, sig) && d.accept(x, entry)
}

// callee returns the entry for the function that a call names, empty when the interpreter may not call it.
func (d *driver) callee(x *ast.CallExpr) (entry string) {
	const value = "a call of a function value or generic function"
	f := ast.Unparen(x.Fun)
	switch f := f.(type) {
	case *ast.Ident:
		o, ok := d.c.info.Uses[f].(*types.Func)
		if _, inst := d.c.info.Instances[f]; !ok || inst || !isGlobal(o) {
			d.refuse(x, value)
			return ""
		}
		entry = functionCall
	case *ast.SelectorExpr:
		o, ok := d.c.info.Uses[f.Sel].(*types.Func)
		if _, inst := d.c.info.Instances[f.Sel]; !ok || inst || o.Signature().TypeParams() != nil {
			d.refuse(x, value)
			return ""
		}
		if looksAtCallers(o) {
			d.refuse(x, "a call that asks who calls it")
			return ""
		}
		entry = packageCall
		if sel := d.c.info.Selections[f]; sel != nil {
			if !d.receiver(x, f, sel) {
				return ""
			}
			entry = methodCall
		}
		d.accepted[f.Sel] = entry
	default:
		d.refuse(x, "this call")
		return ""
	}
	for y := x.Fun; ; y = y.(*ast.ParenExpr).X {
		if d.accepted[y] = entry; y == f {
			return entry
		}
	}
}

// receiver accepts calls of exported methods on variables of a named type.
func (d *driver) receiver(x *ast.CallExpr, f *ast.SelectorExpr, sel *types.Selection) bool {
	if !sel.Obj().Exported() || sel.Kind() != types.MethodVal || len(sel.Index()) != 1 {
		return d.refuse(x, "a call of this method")
	}
	recv := sel.Recv()
	if p, ok := recv.(*types.Pointer); ok {
		recv = p.Elem()
	}
	n, ok := recv.(*types.Named)
	if !ok || n.TypeArgs().Len() > 0 || types.IsInterface(n) {
		return d.refuse(x, "a call of this method")
	}
	id, ok := f.X.(*ast.Ident)
	return ok && d.expr(id) || d.refuse(x, "a method call on anything but a variable")
}

// arguments accepts arguments of the type of their parameter, and those that are converted to an interface.
func (d *driver) arguments(x *ast.CallExpr, sig *types.Signature) bool {
	for i, a := range x.Args {
		if _, ok := d.c.info.Types[a].Type.(*types.Tuple); ok {
			return d.refuse(a, "passing several results on")
		}
		if !d.expr(a) {
			return false
		}
		want := sig.Params().At(min(i, sig.Params().Len()-1)).Type()
		if sig.Variadic() && i >= sig.Params().Len()-1 {
			want = want.(*types.Slice).Elem()
		}
		have := d.c.info.Types[a].Type
		if b, ok := have.(*types.Basic); ok && b.Kind() == types.UntypedNil {
			return d.refuse(a, "a nil argument")
		}
		if _, sig := want.Underlying().(*types.Signature); sig {
			return d.refuse(a, "a function as argument")
		}
		if types.Identical(have, want) {
			continue
		}
		i, ok := want.Underlying().(*types.Interface)
		if !ok || types.IsInterface(have) && i.NumMethods() > 0 {
			return d.refuse(a, "an argument that is converted")
		}
	}
	return true
}

// looksAtCallers reports whether a function may show its caller, which is the interpreter in interpreted
// code. Loggers can be configured to do so.
func looksAtCallers(f *types.Func) bool {
	if f.Pkg() == nil {
		return false
	}
	switch f.Pkg().Path() {
	case "log", "log/slog":
		return true
	case "runtime":
		return f.Name() == "Caller" || f.Name() == "Callers" || f.Name() == "Stack"
	case "runtime/debug":
		return f.Name() == "Stack" || f.Name() == "PrintStack"
	}
	return false
}

// prints reports whether a call is one of package fmt, which treats a nil slice and an empty one alike.
func (d *driver) prints(x *ast.CallExpr) bool {
	f, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	o := d.c.info.Uses[f.Sel]
	return o != nil && o.Pkg() != nil && o.Pkg().Path() == "fmt"
}

func (d *driver) conversion(x *ast.CallExpr, t types.Type) bool {
	to, ok1 := t.(*types.Basic)
	from, ok2 := d.c.info.Types[x.Args[0]].Type.(*types.Basic)
	if !ok1 || !ok2 {
		return d.refuse(x, "this conversion")
	}
	for _, b := range []*types.Basic{to, from} {
		if b.Kind() != types.Int && b.Kind() != types.Float64 {
			return d.refuse(x, "this conversion")
		}
	}
	return d.expr(x.Args[0]) && d.accept(x, conversion)
}

func (d *driver) literal(x *ast.CompositeLit) bool {
	switch t := d.c.info.Types[x].Type.(type) {
	case *types.Slice:
		if !plain(t.Elem()) {
			return d.refuse(x, "this literal")
		}
		for _, e := range x.Elts {
			if _, keyed := e.(*ast.KeyValueExpr); keyed || !d.expr(e) {
				return d.refuse(x, "this literal")
			}
		}
		return d.accept(x, basicLiteral)
	case *types.Map:
		if !plain(t.Elem()) || !plain(t.Key()) {
			return d.refuse(x, "this literal")
		}
		for _, e := range x.Elts {
			kv := e.(*ast.KeyValueExpr)
			if !d.expr(kv.Key) || !d.expr(kv.Value) {
				return false
			}
		}
		return d.accept(x, basicLiteral)
	}
	return d.refuse(x, "this literal")
}
