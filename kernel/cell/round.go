package cell

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

const (
	showName = own + "show"
	cellFunc = own + "cell"
)

// A round is one run of the type checker over some units and, perhaps, the cell's statements. The rest of the
// session takes part as finished objects, so that the cost of a round depends on the new code and not on the
// size of the session.
type round struct {
	s      *Scope
	units  []*unit        // checked from their syntax
	asFunc map[*unit]bool // methods whose type is not checked: checked as functions with the receiver first
	bodies bool           // check function bodies too
	environment
	body  []ast.Stmt     // may be nil
	decls []*ast.GenDecl // variables that the cell initialises before its statements
	last  ast.Expr       // the value to show
}

// An outcome is the result of a round. Its info covers what the round has checked.
type outcome struct {
	pkg  *types.Package
	info *types.Info
	errs []types.Error
}

func newInfo() *types.Info {
	return &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Implicits: map[ast.Node]types.Object{},
		Instances: map[*ast.Ident]types.Instance{},
	}
}

func (r *round) run(info *types.Info) outcome {
	// All rounds share one package and its one scope, emptied here: the checker compares both by pointer to find
	// out whether an object belongs to its package.
	pkg := r.s.pkg
	*pkg.Scope() = *types.NewScope(types.Universe, token.NoPos, token.NoPos, "session")
	for _, objs := range r.given {
		for _, o := range objs {
			pkg.Scope().Insert(o)
		}
	}
	show := types.NewSignatureType(nil, nil, nil,
		types.NewTuple(types.NewVar(0, pkg, "v", types.NewSlice(types.Universe.Lookup("any").Type()))), nil, true)
	pkg.Scope().Insert(types.NewFunc(0, pkg, showName, show))

	file := &ast.File{Name: ast.NewIdent("main"), FileStart: 1, FileEnd: token.Pos(r.s.fset.Base() + 1)}
	file.Decls = importSpecs(r.paths)
	for _, u := range r.units {
		switch n := u.node.(type) {
		case *ast.FuncDecl:
			file.Decls = append(file.Decls, r.function(u, n))
		case *ast.TypeSpec:
			file.Decls = append(file.Decls, &ast.GenDecl{Tok: token.TYPE, TokPos: n.Pos(), Specs: []ast.Spec{n}})
		case *ast.GenDecl:
			file.Decls = append(file.Decls, n)
		}
	}
	for _, name := range sortedKeys(r.vars) {
		t := r.vars[name]
		if len(typeNames(t)) == 0 { // works also for types without a spelling
			pkg.Scope().Insert(types.NewVar(0, pkg, name, t))
			continue
		}
		x, err := parser.ParseExpr((&speller{}).typ(t))
		if err != nil {
			panic("cell: spelled a type that does not parse: " + err.Error())
		}
		file.Decls = append(file.Decls, &ast.GenDecl{Tok: token.VAR,
			Specs: []ast.Spec{&ast.ValueSpec{Names: []*ast.Ident{ast.NewIdent(name)}, Type: x}}})
	}
	for _, d := range r.decls {
		file.Decls = append(file.Decls, d)
	}
	if len(r.body) > 0 {
		body := r.body
		if k := len(body) - 1; r.last != nil && k >= 0 {
			if _, call := ast.Unparen(r.last).(*ast.CallExpr); !call {
				body = slices.Clone(body)
				body[k] = relabel(body[k], &ast.ExprStmt{X: &ast.CallExpr{Fun: ast.NewIdent(showName), Lparen: r.last.Pos(),
					Args: []ast.Expr{r.last}, Rparen: r.last.End()}})
			}
		}
		file.Decls = append(file.Decls, &ast.FuncDecl{Name: ast.NewIdent(cellFunc),
			Type: &ast.FuncType{Params: &ast.FieldList{}}, Body: &ast.BlockStmt{List: body}})
	}
	r.dotImports(file.Decls)
	namesElsewhere(file.Decls)
	out := outcome{pkg: pkg, info: info}
	conf := types.Config{Importer: r.s.pkgs, GoVersion: "go1.26", Error: func(err error) {
		e := err.(types.Error)
		if strings.Contains(e.Msg, "imported and not used") || strings.Contains(e.Msg, "imported as") {
			return
		}
		if r.last != nil && e.Pos == r.last.Pos() && strings.HasSuffix(e.Msg, "is not used") {
			return // len(x) and string(b) at the end of a cell are shown
		}
		// the user did not call show
		if r.last != nil && strings.HasPrefix(e.Msg, "in call to "+showName+", cannot infer") {
			e.Pos, e.Msg = r.last.Pos(), "cannot use generic function "+types.ExprString(r.last)+" without instantiation"
		}
		out.errs = append(out.errs, e)
	}}
	types.NewChecker(&conf, r.s.fset, pkg, info).Files([]*ast.File{file})
	return out
}

// dotImports declares the names of dot imports, except those that the session declares itself. The checker,
// which works on files, would reject both together.
func (r *round) dotImports(decls []ast.Decl) {
	declared := map[string]bool{}
	for _, d := range decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			declared[d.Name.Name] = d.Recv == nil
		case *ast.GenDecl:
			for _, sp := range d.Specs {
				switch sp := sp.(type) {
				case *ast.TypeSpec:
					declared[sp.Name.Name] = true
				case *ast.ValueSpec:
					for _, id := range sp.Names {
						declared[id.Name] = true
					}
				}
			}
		}
	}
	for _, path := range r.dots {
		p, err := r.s.pkgs.Import(path)
		if err != nil {
			continue // it was imported when it was declared
		}
		for _, name := range p.Scope().Names() {
			if ast.IsExported(name) && !declared[name] {
				r.s.pkg.Scope().Insert(p.Scope().Lookup(name)) // if the name exists already, it stays
			}
		}
	}
}

// namesElsewhere puts parentheses around the name of a type that alone defines another type, as in type B A,
// if the name is not declared in this file: the checker's search for cycles expects every name of the package
// to be (go/types of Go 1.26, directCycle).
func namesElsewhere(decls []ast.Decl) {
	here := map[string]bool{}
	for _, d := range decls {
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.TYPE {
			for _, sp := range d.Specs {
				here[sp.(*ast.TypeSpec).Name.Name] = true
			}
		}
	}
	for i, d := range decls {
		d, ok := d.(*ast.GenDecl)
		if !ok || d.Tok != token.TYPE {
			continue
		}
		c := *d
		c.Specs = slices.Clone(d.Specs)
		for k, sp := range c.Specs {
			sp := *sp.(*ast.TypeSpec)
			if id, ok := sp.Type.(*ast.Ident); ok && !here[id.Name] {
				sp.Type = &ast.ParenExpr{Lparen: id.Pos(), X: id, Rparen: id.End()}
				c.Specs[k] = &sp
			}
		}
		decls[i] = &c
	}
}

// relabel replaces a labelled statement by another.
func relabel(old, st ast.Stmt) ast.Stmt {
	if l, ok := old.(*ast.LabeledStmt); ok {
		c := *l
		c.Stmt = relabel(l.Stmt, st)
		return &c
	}
	return st
}

// function returns the declaration that the checker sees: without its body in a round that checks only
// signatures, and with the receiver as first parameter when its type is a finished object.
func (r *round) function(u *unit, f *ast.FuncDecl) ast.Decl {
	if r.asFunc[u] {
		c := *f
		t := *f.Type
		recv := f.Recv.List[0]
		t.Params = &ast.FieldList{Opening: f.Type.Params.Opening, Closing: f.Type.Params.Closing}
		if len(recv.Names) == 0 && len(f.Type.Params.List) > 0 && len(f.Type.Params.List[0].Names) > 0 {
			recv = &ast.Field{Names: []*ast.Ident{{NamePos: recv.Pos(), Name: "_"}}, Type: recv.Type}
		} else if len(recv.Names) > 0 && len(f.Type.Params.List) > 0 && len(f.Type.Params.List[0].Names) == 0 {
			recv = &ast.Field{Type: recv.Type} // then the body cannot name the receiver: name the others
			t.Params.List = append(t.Params.List, f.Recv.List[0])
			for _, p := range f.Type.Params.List {
				t.Params.List = append(t.Params.List, &ast.Field{Names: []*ast.Ident{{NamePos: p.Pos(), Name: "_"}}, Type: p.Type})
			}
		}
		if len(t.Params.List) == 0 {
			t.Params.List = append([]*ast.Field{recv}, f.Type.Params.List...)
		}
		c.Recv, c.Type = nil, &t
		c.Name = &ast.Ident{NamePos: f.Name.NamePos, Name: methodFunc(u)}
		f = &c
	}
	if r.bodies || f.Body == nil {
		return f
	}
	c := *f
	c.Body = nil
	if u.generic || u.kind == initUnit || f.Name.Name == "main" {
		c.Body = &ast.BlockStmt{Lbrace: f.Body.Lbrace, Rbrace: f.Body.Rbrace, List: []ast.Stmt{
			&ast.ExprStmt{X: &ast.CallExpr{Fun: &ast.Ident{NamePos: f.Body.Lbrace, Name: "panic"},
				Args: []ast.Expr{&ast.BasicLit{ValuePos: f.Body.Lbrace, Kind: token.INT, Value: "0"}}}}}}
	}
	return &c
}

// methodFunc returns the plain function that holds a newer body of a function or method.
func methodFunc(u *unit) string { return own + u.recv + newer + u.names[0] }
