package lower

import (
	"go/ast"
	"go/token"
	"go/types"
)

func (f *fn) stmts(list []ast.Stmt) {
	if labels := jumped(list); len(labels) > 0 {
		f.machine(list, labels)
		return
	}
	for _, s := range list {
		f.stmt(s)
	}
}

func (f *fn) block(list []ast.Stmt) {
	f.ind++
	f.stmts(list)
	f.ind--
}

func (f *fn) stmt(s ast.Stmt) {
	from := len(f.taken)
	f.ready = map[ast.Expr]string{}
	defer f.release(from)
	switch s := s.(type) {
	case nil, *ast.EmptyStmt:
	case *ast.BlockStmt:
		f.stmts(s.List)
	case *ast.ExprStmt:
		f.exprStmt(s.X)
	case *ast.SendStmt:
		f.send(s)
	case *ast.IncDecStmt:
		op := token.ADD
		if s.Tok == token.DEC {
			op = token.SUB
		}
		f.update(s.X, op, nil, s)
	case *ast.AssignStmt:
		f.assign(s)
	case *ast.DeclStmt:
		if g := s.Decl.(*ast.GenDecl); g.Tok == token.VAR {
			for _, sp := range g.Specs {
				f.varSpec(sp.(*ast.ValueSpec))
			}
		}
	case *ast.GoStmt:
		f.goStmt(s)
	case *ast.DeferStmt:
		f.deferStmt(s)
	case *ast.ReturnStmt:
		f.returnStmt(s)
	case *ast.BranchStmt:
		f.branch(s)
	case *ast.LabeledStmt:
		switch s.Stmt.(type) {
		case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			f.control(s.Stmt, s.Label.Name)
		case *ast.BlockStmt:
			f.labelledBlock(s)
		default:
			f.stmt(s.Stmt)
		}
	case *ast.IfStmt:
		f.ifStmt(s)
	default:
		f.control(s, "")
	}
}

func (f *fn) control(s ast.Stmt, label string) {
	switch s := s.(type) {
	case *ast.ForStmt:
		f.forStmt(s, label)
	case *ast.RangeStmt:
		f.rangeStmt(s, label)
	case *ast.SwitchStmt:
		f.switchStmt(s, label)
	case *ast.TypeSwitchStmt:
		f.typeSwitch(s, label)
	case *ast.SelectStmt:
		f.selectStmt(s, label)
	default:
		refuse(s, "this statement")
	}
}

func (f *fn) exprStmt(x ast.Expr) {
	x = ast.Unparen(x)
	if c, ok := x.(*ast.CallExpr); ok {
		f.unused = c
		f.call(c)
		return
	}
	f.discard(f.whole(x))
}

func (f *fn) send(s *ast.SendStmt) {
	t := f.typeOf(s.Chan)
	f.hoist(s.Chan, s.Value)
	c := f.expr(s.Chan)
	v := f.valueOf(s.Value, chanOf(t).Elem())
	o := f.l.op(Op{Kind: OpSend, Types: []types.Type{f.l.view(t)}})
	f.mark(s)
	f.line("op.%s(l, %s, %s)", o, c, v)
}
