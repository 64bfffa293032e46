package lower

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

func blank(x ast.Expr) bool {
	id, ok := ast.Unparen(x).(*ast.Ident)
	return ok && id.Name == "_"
}

// put writes an assignment to an expression, whose operands are evaluated already when it came from place.
func (f *fn) put(place, v string) { f.line("%s = %s", place, v) }

// update writes x op= y, or x op= 1 without y.
func (f *fn) update(x ast.Expr, op token.Token, y ast.Expr, at ast.Node) {
	t := f.typeOf(x)
	if ix, ok := ast.Unparen(x).(*ast.IndexExpr); ok {
		if m, ok := f.typeOf(ix.X).Underlying().(*types.Map); ok {
			f.hoist(ix.X, ix.Index)
			mv := f.named(f.expr(ix.X), f.view(m))
			k := f.keyOf(ix.Index, m)
			if y != nil {
				f.hoist1(y)
			}
			old := f.temp(f.view(t))
			f.mark(at)
			f.hashed(k, m, "-1")
			f.line("%s = %s[%s]", old, mv, k)
			v := f.updated(old, t, op, y, at)
			f.mark(at)
			f.line("%s[%s] = %s", mv, k, f.named(v, f.view(t)))
			return
		}
	}
	p := f.place(x)
	if y != nil {
		f.hoist1(y)
	}
	f.put(p, f.updated(p, t, op, y, at))
}

// keyOf writes the key of a map in a variable of its own, since the map is used more than once.
func (f *fn) keyOf(x ast.Expr, m *types.Map) string {
	k := f.valueOf(x, m.Key())
	if isNumber(k) || strings.HasPrefix(k, `"`) {
		return k
	}
	t := f.temp(f.view(m.Key()))
	f.line("%s = %s", t, k)
	return t
}

func (f *fn) updated(old string, t types.Type, op token.Token, y ast.Expr, at ast.Node) string {
	if op == token.SHL || op == token.SHR {
		return f.shift(old, t, op, y, at)
	}
	v := ""
	if y == nil {
		v = f.constant(one, t, at)
	} else {
		v = f.valueOf(y, t)
	}
	return f.operate(old, v, op, t, at)
}

func (f *fn) assign(s *ast.AssignStmt) {
	if s.Tok != token.ASSIGN && s.Tok != token.DEFINE {
		f.update(s.Lhs[0], s.Tok+(token.ADD-token.ADD_ASSIGN), s.Rhs[0], s)
		return
	}
	if len(s.Lhs) > 1 && len(s.Rhs) == 1 {
		f.assignMulti(s)
		return
	}
	if len(s.Lhs) == 1 {
		f.assignOne(s.Lhs[0], s.Rhs[0])
		return
	}
	// Operands on the left first, then all values, then the assignments in order.
	type dest struct {
		set func(v string)
		t   types.Type
	}
	var dests []dest
	for _, x := range s.Lhs {
		if o := f.isNew(x); o != nil {
			dests = append(dests, dest{func(v string) { f.define(o, v) }, f.sub(o.Type())})
			continue
		}
		if blank(x) {
			dests = append(dests, dest{func(v string) {}, nil})
			continue
		}
		dests = append(dests, dest{f.destination(x), f.typeOf(x)})
	}
	f.hoist(s.Rhs...)
	var vals []string
	for i, x := range s.Rhs {
		t := dests[i].t
		if t == nil {
			t = types.Default(f.typeOf(x))
		}
		v := f.valueOf(x, t)
		tmp := f.temp(f.view(t))
		f.line("%s = %s", tmp, v)
		vals = append(vals, tmp)
	}
	for i := range dests {
		dests[i].set(vals[i])
	}
}

// isNew returns the variable that an identifier on the left of := declares.
func (f *fn) isNew(x ast.Expr) types.Object {
	if id, ok := x.(*ast.Ident); ok && id.Name != "_" {
		return f.l.Info.Defs[id]
	}
	return nil
}

// destination evaluates the operands of an expression that is assigned to later.
func (f *fn) destination(x ast.Expr) func(v string) {
	x = ast.Unparen(x)
	if y, ok := x.(*ast.IndexExpr); ok {
		if m, ok := f.typeOf(y.X).Underlying().(*types.Map); ok {
			f.hoist(y.X, y.Index)
			mv := f.copied(f.expr(y.X), f.view(m))
			k := f.keyOf(y.Index, m)
			return func(v string) {
				f.mark(y)
				f.hashed(k, m, "-1")
				f.line("%s[%s] = %s", mv, k, v)
			}
		}
	}
	check, place := f.later(x)
	return func(v string) {
		check()
		f.put(place, v)
	}
}

// later evaluates the operands of an expression that is assigned to, without looking whether they are nil or in
// bounds: check does that.
func (f *fn) later(x ast.Expr) (check func(), place string) {
	x = ast.Unparen(x)
	pointed := func(e ast.Expr) (func(), string) {
		f.hoist1(e)
		p := f.copied(f.expr(e), f.view(f.typeOf(e)))
		return func() { f.checkNil(p, e) }, p
	}
	switch y := x.(type) {
	case *ast.StarExpr:
		check, p := pointed(y.X)
		return check, "*" + p
	case *ast.SelectorExpr:
		sel := f.l.Info.Selections[y]
		if sel == nil {
			break
		}
		recv, path := f.selection(y, sel)
		if len(path) != 1 || f.opaque(elemOf(recv)) {
			break
		}
		var s string
		if _, ok := recv.Underlying().(*types.Pointer); ok {
			check, s = pointed(y.X)
		} else {
			check, s = f.later(y.X)
			s = strings.TrimPrefix(s, "*")
		}
		s, _ = f.fields(s, recv, path, y)
		return check, s
	case *ast.IndexExpr:
		f.hoist(y.X, y.Index)
		switch u := f.typeOf(y.X).Underlying().(type) {
		case *types.Slice:
			s := f.copied(f.expr(y.X), f.view(u))
			i := f.boundLater(y.Index)
			return func() { f.checkBound(i, "len("+s+")", y) }, s + "[" + i + "]"
		case *types.Array:
			first, s := f.later(y.X)
			if strings.HasPrefix(s, "*") {
				s = "(" + s + ")"
			}
			i := f.boundLater(y.Index)
			return func() {
				first()
				f.checkBound(i, strconv.FormatInt(u.Len(), 10), y)
			}, s + "[" + i + "]"
		case *types.Pointer:
			first, p := pointed(y.X)
			i := f.boundLater(y.Index)
			n := u.Elem().Underlying().(*types.Array).Len()
			return func() {
				first()
				f.checkBound(i, strconv.FormatInt(n, 10), y)
			}, "(*" + p + ")[" + i + "]"
		}
	}
	p := f.place(x)
	return func() {}, p
}

func elemOf(t types.Type) types.Type {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

func (f *fn) copied(v, typ string) string {
	t := f.temp(typ)
	f.line("%s = %s", t, v)
	return t
}

// boundLater writes an index that is checked when it is used.
func (f *fn) boundLater(x ast.Expr) string {
	return f.copied(f.valueOrInt(x), "int")
}

func (f *fn) checkBound(i, length string, at ast.Node) {
	f.line("if %s < 0 || %s >= %s {", i, i, length)
	f.line("\trt.Index(%s, %s, %s, %s)", f.at(), f.lineOf(at), i, length)
	f.line("}")
}

func (f *fn) assignOne(x, y ast.Expr) {
	if o := f.isNew(x); o != nil {
		f.define(o, f.value(y, f.sub(o.Type())))
		return
	}
	if blank(x) {
		t := f.typeOf(y)
		if b, ok := t.(*types.Basic); ok && b.Kind() == types.UntypedNil {
			return
		}
		f.discard(f.value(y, types.Default(t)))
		return
	}
	if ix, ok := ast.Unparen(x).(*ast.IndexExpr); ok {
		if m, ok := f.typeOf(ix.X).Underlying().(*types.Map); ok {
			f.hoist(ix.X, ix.Index, y)
			mv := f.named(f.expr(ix.X), f.view(m))
			k := f.atom(f.valueOf(ix.Index, m.Key()), f.view(m.Key()))
			v := f.valueOf(y, m.Elem())
			f.mark(x)
			f.hashed(k, m, "-1")
			f.line("%s[%s] = %s", mv, k, v)
			return
		}
	}
	f.hoistPlace(x)
	f.hoist1(y)
	v := f.valueOf(y, f.typeOf(x))
	p := f.place(x)
	if sel, ok := ast.Unparen(x).(*ast.SelectorExpr); ok {
		if s := f.l.Info.Selections[sel]; s != nil {
			t := f.sub(s.Recv())
			if q, ok := t.Underlying().(*types.Pointer); ok {
				t = q.Elem()
			}
			if len(s.Index()) == 1 && f.opaque(t) {
				v = f.leave(v, f.typeOf(x))
			}
		} else if o, ok := f.l.Info.Uses[sel.Sel].(*types.Var); ok && !f.l.session(o) {
			v = f.leave(v, o.Type())
		}
	}
	f.put(p, v)
}

// hoistPlace writes the calls in an expression that is assigned to.
func (f *fn) hoistPlace(x ast.Expr) {
	switch y := ast.Unparen(x).(type) {
	case *ast.IndexExpr:
		f.hoist(y.X, y.Index)
	case *ast.SelectorExpr:
		if f.l.Info.Selections[y] != nil {
			f.hoist1(y.X)
		}
	case *ast.StarExpr:
		f.hoist1(y.X)
	}
}

func (f *fn) assignMulti(s *ast.AssignStmt) {
	sets := make([]func(string), len(s.Lhs))
	ts := make([]types.Type, len(s.Lhs))
	for i, x := range s.Lhs {
		switch o := f.isNew(x); {
		case o != nil:
			sets[i], ts[i] = func(v string) { f.define(o, v) }, f.sub(o.Type())
		case blank(x):
		default:
			sets[i], ts[i] = f.destination(x), f.typeOf(x)
		}
	}
	vals, from := f.multi(s.Rhs[0])
	for i := range sets {
		if sets[i] != nil {
			sets[i](f.convert(vals[i], from[i], ts[i], s))
		}
	}
}

func (f *fn) varSpec(v *ast.ValueSpec) {
	if len(v.Values) == 1 && len(v.Names) > 1 {
		vals, from := f.multi(v.Values[0])
		for i, id := range v.Names {
			if id.Name == "_" {
				continue
			}
			o := f.l.Info.Defs[id]
			f.define(o, f.convert(vals[i], from[i], f.sub(o.Type()), v))
		}
		return
	}
	if len(v.Values) == 0 {
		for _, id := range v.Names {
			if id.Name != "_" {
				f.define(f.l.Info.Defs[id], "")
			}
		}
		return
	}
	f.hoist(v.Values...)
	var vals []string
	for i, id := range v.Names {
		o := f.l.Info.Defs[id]
		t := types.Default(f.typeOf(v.Values[i]))
		if o != nil {
			t = f.sub(o.Type())
		} else if v.Type != nil {
			t = f.typeOf(v.Type)
		}
		if b, ok := t.(*types.Basic); ok && b.Kind() == types.UntypedNil {
			vals = append(vals, "")
			continue
		}
		val := f.valueOf(v.Values[i], t)
		if len(v.Names) > 1 {
			val = f.copied(val, f.view(t))
		}
		vals = append(vals, val)
	}
	for i, id := range v.Names {
		if id.Name == "_" {
			f.discard(vals[i])
			continue
		}
		f.define(f.l.Info.Defs[id], vals[i])
	}
}
