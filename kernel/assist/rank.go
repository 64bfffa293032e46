package assist

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A rank orders matches: by whether the case of the letters is right, what the place asks for, the nearest scope,
// how often the name is used, and the place in a list.
type rank struct {
	exact    int
	fits     int // 2 the type that is wanted, 1 a function that returns it, 0 unknown or another
	distance int
	uses     int
	order    int
}

func (a rank) compare(b rank) int {
	return cmp.Or(cmp.Compare(b.exact, a.exact), cmp.Compare(b.fits, a.fits), cmp.Compare(a.distance, b.distance),
		cmp.Compare(b.uses, a.uses), cmp.Compare(a.order, b.order))
}

func (r *request) sorted() []Match {
	slices.SortFunc(r.matches, func(a, b Match) int {
		return cmp.Or(a.rank.compare(b.rank), cmp.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)),
			cmp.Compare(a.Text, b.Text))
	})
	for i := range r.matches[:min(len(r.matches), mostSignatures)] {
		if m := &r.matches[i]; m.object != nil {
			m.Signature = signature(m.object, qualify)
		}
	}
	return r.matches
}

// suits reports how well an object fits what the place asks for.
func (r *request) suits(o types.Object) int {
	t := o.Type()
	if r.typ {
		switch o.(type) {
		case *types.TypeName:
			return 2
		case *types.PkgName:
			return 1
		}
		return 0
	}
	if o == iota {
		return 0
	}
	if r.want == nil || t == nil || t == types.Typ[types.Invalid] {
		return 0
	}
	if _, ok := o.(*types.TypeName); ok {
		return 0
	}
	if isAny(r.want) {
		return 0
	}
	if types.AssignableTo(t, r.want) {
		return 2
	}
	sig, ok := t.Underlying().(*types.Signature)
	if ok && sig.Results().Len() >= 1 && types.AssignableTo(sig.Results().At(0).Type(), r.want) {
		return 1
	}
	return 0
}

var iota = types.Universe.Lookup("iota")

// asksForType reports whether the placeholder is where a type must be.
func (r *request) asksForType() bool {
	id := r.ident()
	var at ast.Expr
	switch p := r.parent(1).(type) {
	case *ast.StarExpr, *ast.ParenExpr:
		if _, ok := r.parent(2).(*ast.Field); ok {
			return true
		}
		if _, ok := r.parent(2).(*ast.ValueSpec); ok {
			return true
		}
		return false
	case *ast.ValueSpec:
		at = p.Type
	case *ast.Field:
		at = p.Type
	case *ast.ArrayType:
		at = p.Elt
	case *ast.MapType:
		return true
	case *ast.ChanType:
		at = p.Value
	case *ast.TypeSpec:
		at = p.Type
	case *ast.TypeAssertExpr:
		at = p.Type
	case *ast.Ellipsis:
		at = p.Elt
	}
	return at == id
}

func isAny(t types.Type) bool {
	i, ok := t.Underlying().(*types.Interface)
	return ok && i.Empty()
}

// expected returns the type that is asked for at the node so many steps above the placeholder, or nil.
func (r *request) expected(steps int) types.Type {
	node := r.parent(steps)
	expr, _ := node.(ast.Expr)
	switch p := r.parent(steps + 1).(type) {
	case *ast.ParenExpr:
		return r.expected(steps + 1)
	case *ast.AssignStmt:
		if i := slices.Index(p.Rhs, expr); i >= 0 && i < len(p.Lhs) && p.Tok != token.DEFINE {
			return r.info.TypeOf(p.Lhs[i])
		}
	case *ast.ValueSpec:
		if p.Type != nil {
			return r.info.TypeOf(p.Type)
		}
	case *ast.CallExpr:
		if i := slices.Index(p.Args, expr); i >= 0 {
			return parameter(r.info.TypeOf(p.Fun), i)
		}
	case *ast.ReturnStmt:
		if i := slices.Index(p.Results, expr); i >= 0 {
			return r.returned(i)
		}
	case *ast.IfStmt, *ast.ForStmt:
		return condition(p, node)
	case *ast.SendStmt:
		if c, ok := under(r.info.TypeOf(p.Chan)).(*types.Chan); ok && p.Value == node {
			return c.Elem()
		}
	case *ast.IndexExpr:
		if m, ok := under(r.info.TypeOf(p.X)).(*types.Map); ok && p.Index == node {
			return m.Key()
		}
	case *ast.BinaryExpr:
		return r.operand(p, expr)
	case *ast.KeyValueExpr:
		if lit, ok := r.parent(steps + 2).(*ast.CompositeLit); ok && p.Value == node {
			return r.element(lit, p.Key)
		}
	case *ast.CompositeLit:
		return r.element(p, nil)
	}
	return nil
}

// condition is bool for the condition of a statement, and nil for other parts of it.
func condition(st, node ast.Node) types.Type {
	var cond ast.Expr
	switch st := st.(type) {
	case *ast.IfStmt:
		cond = st.Cond
	case *ast.ForStmt:
		cond = st.Cond
	}
	if cond != node {
		return nil
	}
	return types.Typ[types.Bool]
}

// operand is the type of the other operand.
func (r *request) operand(x *ast.BinaryExpr, node ast.Expr) types.Type {
	other := x.X
	if other == node {
		other = x.Y
	}
	t := r.info.TypeOf(other)
	if t == nil || t == types.Typ[types.Invalid] || x.Op == token.SHL || x.Op == token.SHR {
		return nil
	}
	return types.Default(t)
}

// element is the type of an element of a literal, or of the field with a key.
func (r *request) element(lit *ast.CompositeLit, key ast.Expr) types.Type {
	switch t := under(r.info.TypeOf(lit)).(type) {
	case *types.Struct:
		k, ok := key.(*ast.Ident)
		for i := range t.NumFields() {
			if ok && t.Field(i).Name() == k.Name {
				return t.Field(i).Type()
			}
		}
	case *types.Map:
		if key != nil {
			return t.Elem()
		}
	case *types.Slice:
		return t.Elem()
	case *types.Array:
		return t.Elem()
	}
	return nil
}

func under(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	return t.Underlying()
}

// parameter is the type of argument i of a call of a function, or nil.
func parameter(t types.Type, i int) types.Type {
	sig, ok := under(t).(*types.Signature)
	if !ok {
		return nil
	}
	p := sig.Params()
	if sig.Variadic() && i >= p.Len()-1 {
		if s, ok := p.At(p.Len() - 1).Type().(*types.Slice); ok {
			return s.Elem()
		}
	}
	if i >= p.Len() {
		return nil
	}
	return p.At(i).Type()
}

// returned is the type of result i of the function around the placeholder.
func (r *request) returned(i int) types.Type {
	for k := len(r.path) - 1; k >= 0; k-- {
		var t *ast.FuncType
		switch f := r.path[k].(type) {
		case *ast.FuncLit:
			t = f.Type
		case *ast.FuncDecl:
			t = f.Type
		}
		if t == nil {
			continue
		}
		if t.Results == nil {
			return nil
		}
		for _, f := range t.Results.List {
			if i -= max(1, len(f.Names)); i < 0 {
				return r.info.TypeOf(f.Type)
			}
		}
	}
	return nil
}
