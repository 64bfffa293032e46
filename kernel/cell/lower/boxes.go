package lower

import (
	"go/ast"
	"go/token"
	"go/types"
)

// boxes finds the variables that need a box: those that a literal captures, and those whose address is taken.
func (l *lowerer) boxes(root ast.Node) {
	var outer []ast.Node // the function literals around
	declared := map[types.Object]int{}
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			outer = append(outer, n)
			if hasDefer(n.Body) {
				defer l.deferring(nil, n.Type, declared)
			}
			ast.Inspect(n.Type, visit)
			ast.Inspect(n.Body, visit)
			outer = outer[:len(outer)-1]
			return false
		case *ast.Ident:
			l.mentioned(n, declared, len(outer))
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				l.addressed(n.X)
			}
		case *ast.SliceExpr:
			if t := l.Info.TypeOf(n.X); t != nil {
				switch t.Underlying().(type) {
				case *types.Array, *types.Interface:
					l.addressed(n.X)
				}
			}
		case *ast.SelectorExpr:
			if s := l.Info.Selections[n]; s != nil && s.Kind() == types.MethodVal {
				// A pointer method of a variable takes its address.
				if sig := s.Obj().Type().(*types.Signature); sig.Recv() != nil {
					l.addressed(n.X)
				}
			}
		case *ast.RangeStmt:
			switch l.Info.TypeOf(n.X).Underlying().(type) {
			case *types.Signature, *types.Interface: // the body becomes a function
				ast.Inspect(n.X, visit)
				outer = append(outer, n)
				for _, x := range []ast.Expr{n.Key, n.Value} {
					if x != nil {
						ast.Inspect(x, visit)
					}
				}
				ast.Inspect(n.Body, visit)
				outer = outer[:len(outer)-1]
				return false
			}
		case *ast.CaseClause:
			if o, ok := l.Info.Implicits[n].(*types.Var); ok {
				declared[o] = len(outer)
			}
		case *ast.FuncDecl:
			if hasDefer(n.Body) {
				l.deferring(n.Recv, n.Type, declared)
			}
		}
		return true
	}
	ast.Inspect(root, visit)
}

// mentioned records where a variable is declared, and boxes one that is used in a literal below. depth is the number of
// literals around.
func (l *lowerer) mentioned(n *ast.Ident, declared map[types.Object]int, depth int) {
	if o := l.Info.Uses[n]; o != nil && o.Pkg() != nil {
		if _, isFunc := o.(*types.Func); !isFunc {
			if why := revealing[o.Pkg().Path()+"."+o.Name()]; why != "" {
				refuse(n, "%s.%s, which %s,", o.Pkg().Name(), o.Name(), why)
			}
		}
	}
	if o, ok := l.Info.Defs[n].(*types.Var); ok && o != nil {
		declared[o] = depth
	}
	if o, ok := l.Info.Uses[n].(*types.Var); ok && !o.IsField() {
		if d, ok := declared[o]; ok && d < depth {
			l.captured[o] = true
		}
	}
}

// addressed boxes the variable that an expression is a part of.
func (l *lowerer) addressed(x ast.Expr) {
	for {
		switch y := ast.Unparen(x).(type) {
		case *ast.SelectorExpr:
			if s := l.Info.Selections[y]; s == nil || s.Indirect() && s.Kind() == types.FieldVal {
				return
			}
			x = y.X
			continue
		case *ast.IndexExpr:
			if t := l.Info.TypeOf(y.X); t != nil {
				_, array := t.Underlying().(*types.Array)
				_, param := t.(*types.TypeParam) // which may stand for an array
				if array || param {
					x = y.X
					continue
				}
			}
		case *ast.Ident:
			if v, ok := l.Info.ObjectOf(y).(*types.Var); ok {
				l.captured[v] = true
			}
		}
		return
	}
}

// deferring boxes parameters and results of a function whose body becomes a literal.
func (l *lowerer) deferring(recv *ast.FieldList, t *ast.FuncType, declared map[types.Object]int) {
	for _, fl := range []*ast.FieldList{recv, t.Params, t.Results} {
		if fl == nil {
			continue
		}
		for _, f := range fl.List {
			for _, id := range f.Names {
				if o := l.Info.Defs[id]; o != nil {
					l.captured[o] = true
					declared[o] = 0
				}
			}
		}
	}
}

// hasDefer reports whether a function body defers calls, outside of its literals.
func hasDefer(body *ast.BlockStmt) (yes bool) {
	if body == nil {
		return false
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.DeferStmt:
			yes = true
		}
		return !yes
	})
	return yes
}

// recovers reports whether a function body calls recover, outside of its literals.
func (l *lowerer) recovers(body *ast.BlockStmt) (yes bool) {
	if body == nil {
		return false
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if id, ok := ast.Unparen(n.Fun).(*ast.Ident); ok && id.Name == "recover" {
				_, b := l.Info.Uses[id].(*types.Builtin)
				yes = yes || b
			}
		}
		return !yes
	})
	return yes
}
