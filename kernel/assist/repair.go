package assist

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"

	"interleave/kernel/cell"
	"interleave/kernel/cell/source"
)

// placeholder stands for the name at the cursor. No program has it.
const placeholder = "ꗃ"

// A checked is the text of a cell, as far as it parses, with its types.
type checked struct {
	fset *token.FileSet
	src  *source.Source
	pkg  *types.Package
	info *types.Info
	path []ast.Node    // from the outermost node to the placeholder, or to the name asked for
	body *ast.FuncType // of the function that holds the cell's statements
}

// read parses and checks a text in which a name at an offset is asked for. It returns nil if nothing can be made
// of the text.
func read(v *cell.View, text string, at int) *checked {
	fset := token.NewFileSet()
	src := source.ParseLoosely(fset, 0, text)
	if src == nil {
		return nil
	}
	c := &checked{fset: fset, src: src}
	for _, f := range src.Funcs {
		c.find(f, at)
	}
	for _, st := range src.Body {
		c.find(st, at)
	}
	if c.path == nil {
		return nil
	}
	c.check(v)
	return c
}

// find sets the path to the identifier at an offset, if it is below a node.
func (c *checked) find(root ast.Node, at int) {
	var path []ast.Node
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			path = path[:len(path)-1]
			return true
		}
		path = append(path, n)
		if id, ok := n.(*ast.Ident); ok && c.src.Offset(id.Pos()) == at {
			c.path = slices.Clone(path)
		}
		return true
	})
}

// ident is the identifier at the end of the path.
func (c *checked) ident() *ast.Ident { return c.path[len(c.path)-1].(*ast.Ident) }

// parent is the node n steps above the identifier, or nil.
func (c *checked) parent(n int) ast.Node {
	if i := len(c.path) - 1 - n; i >= 0 {
		return c.path[i]
	}
	return nil
}

const cellFunc = "ꗃcell"

// check finds the types. Errors are ignored.
func (c *checked) check(v *cell.View) {
	c.checkWith(v, nil)
	if _, ok := c.path[0].(*ast.FuncDecl); !ok {
		return
	}
	// The variables of the cell's statements are the session's, so functions see them: once their types are known.
	vars := map[string]types.Type{}
	for _, st := range c.src.Body {
		for _, id := range declaredBy(st) {
			if o, ok := c.info.Defs[id].(*types.Var); ok && o.Type() != types.Typ[types.Invalid] {
				vars[o.Name()] = o.Type()
			}
		}
	}
	if len(vars) > 0 {
		c.checkWith(v, vars)
	}
}

// declaredBy lists the variables that a statement declares for the session.
func declaredBy(st ast.Stmt) (ids []*ast.Ident) {
	switch st := st.(type) {
	case *ast.AssignStmt:
		if st.Tok == token.DEFINE {
			for _, x := range st.Lhs {
				if id, ok := x.(*ast.Ident); ok {
					ids = append(ids, id)
				}
			}
		}
	case *ast.DeclStmt:
		if g, ok := st.Decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, sp := range g.Specs {
				if sp, ok := sp.(*ast.ValueSpec); ok {
					ids = append(ids, sp.Names...)
				}
			}
		}
	}
	return ids
}

// checkWith is check with variables besides those of the session.
func (c *checked) checkWith(v *cell.View, vars map[string]types.Type) {
	c.pkg = types.NewPackage("main", "main")
	for _, path := range v.Dots {
		if p, err := v.Packages.Import(path); err == nil {
			for _, name := range p.Scope().Names() {
				if ast.IsExported(name) {
					c.pkg.Scope().Insert(p.Scope().Lookup(name))
				}
			}
		}
	}
	file := &ast.File{Name: ast.NewIdent("main"), FileStart: 1, FileEnd: token.Pos(c.fset.Base() + 1)}
	body := &ast.BlockStmt{}
	declared := map[string]bool{}
	here := map[string]bool{} // types of the cell
	for _, st := range c.src.Body {
		if d, ok := st.(*ast.DeclStmt); ok {
			if g, ok := d.Decl.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				for _, sp := range g.Specs {
					here[sp.(*ast.TypeSpec).Name.Name] = true
				}
			}
		}
	}
	for _, f := range c.src.Funcs {
		detach(f, here)
		file.Decls = append(file.Decls, f)
		declared[f.Name.Name] = declared[f.Name.Name] || f.Recv == nil
	}
	for _, st := range c.src.Body {
		d, ok := st.(*ast.DeclStmt)
		if !ok {
			body.List = append(body.List, st)
			continue
		}
		if g, ok := d.Decl.(*ast.GenDecl); ok && (g.Tok == token.TYPE || g.Tok == token.CONST) {
			file.Decls = append(file.Decls, g)
			for _, sp := range g.Specs {
				switch sp := sp.(type) {
				case *ast.TypeSpec:
					declared[sp.Name.Name] = true
				case *ast.ValueSpec:
					for _, id := range sp.Names {
						declared[id.Name] = true
					}
				}
			}
			continue
		}
		body.List = append(body.List, st)
	}
	for name, t := range vars {
		if !declared[name] {
			c.pkg.Scope().Insert(types.NewVar(token.NoPos, c.pkg, name, t))
		}
	}
	for name, n := range v.Names {
		if !declared[name] && vars[name] == nil {
			c.pkg.Scope().Insert(named(n.Object, name))
		}
	}
	imports := []ast.Decl{}
	for name, path := range c.imports(v, declared) {
		imports = append(imports, &ast.GenDecl{Tok: token.IMPORT, Specs: []ast.Spec{&ast.ImportSpec{
			Name: ast.NewIdent(name), Path: &ast.BasicLit{Kind: token.STRING, Value: strconv.Quote(path)}}}})
	}
	c.body = &ast.FuncType{Params: &ast.FieldList{}}
	if len(body.List) > 0 {
		body.Lbrace, body.Rbrace = body.List[0].Pos(), body.List[len(body.List)-1].End()
	}
	file.Decls = append(append(imports, file.Decls...), &ast.FuncDecl{Name: ast.NewIdent(cellFunc),
		Type: c.body, Body: body})
	c.info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{},
		Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		Scopes: map[ast.Node]*types.Scope{}, Instances: map[*ast.Ident]types.Instance{},
	}
	conf := types.Config{Importer: v.Packages, GoVersion: "go1.26", Error: func(error) {}}
	defer func() { _ = recover() }() // what is broken may break the checker; the rest is known
	_ = types.NewChecker(&conf, c.fset, c.pkg, c.info).Files([]*ast.File{file})
}

// detach makes a function of a method of a type that the cell does not declare, to which the checker would not add
// it: the receiver becomes the first parameter.
func detach(f *ast.FuncDecl, here map[string]bool) {
	if f.Recv == nil || len(f.Recv.List) != 1 {
		return
	}
	t := f.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	if id, ok := t.(*ast.Ident); ok && !here[id.Name] {
		f.Type.Params.List = append(f.Recv.List, f.Type.Params.List...)
		f.Recv, f.Name = nil, ast.NewIdent("_")
	}
}

// named returns an object of a session under the name that users know: those that hide a predeclared name have
// another.
func named(o types.Object, name string) types.Object {
	if o.Name() == name {
		return o
	}
	switch o := o.(type) {
	case *types.Var:
		return types.NewVar(o.Pos(), o.Pkg(), name, o.Type())
	case *types.Const:
		return types.NewConst(o.Pos(), o.Pkg(), name, o.Type(), o.Val())
	case *types.Func:
		return types.NewFunc(o.Pos(), o.Pkg(), name, o.Signature())
	case *types.TypeName:
		return types.NewTypeName(o.Pos(), o.Pkg(), name, o.Type())
	}
	return o
}

// imports returns the packages that the cell mentions: imported by it or by earlier cells, or known by the name
// alone.
func (c *checked) imports(v *cell.View, declared map[string]bool) map[string]string {
	own := map[string]string{}
	for _, im := range c.src.Imports {
		path, err := strconv.Unquote(im.Path.Value)
		if err != nil || !v.Packages.Allowed(path) {
			continue
		}
		path = v.Packages.Present(path)
		name := ""
		if im.Name != nil {
			name = im.Name.Name
		} else if p, err := v.Packages.Import(path); err == nil {
			name = p.Name()
		}
		if name != "" && name != "_" && name != "." {
			own[name] = path
		}
	}
	used := map[string][]string{} // by name, the members
	look := func(root ast.Node) {
		ast.Inspect(root, func(n ast.Node) bool {
			if x, ok := n.(*ast.SelectorExpr); ok {
				if id, ok := x.X.(*ast.Ident); ok && id.Obj == nil {
					used[id.Name] = append(used[id.Name], x.Sel.Name)
				}
			}
			return true
		})
	}
	for _, f := range c.src.Funcs {
		look(f)
	}
	for _, st := range c.src.Body {
		look(st)
	}
	all := map[string]string{}
	for name, members := range used {
		if path := packageNamed(v, own, declared, name, members); path != "" {
			all[name] = path
		}
	}
	return all
}

// packageNamed returns the path of the package that a name means when its members are used, or "".
func packageNamed(v *cell.View, own map[string]string, declared map[string]bool, name string, members []string) string {
	if path := own[name]; path != "" {
		return path
	}
	if _, ok := v.Names[name]; ok || declared[name] {
		return ""
	}
	if path := v.Imports[name]; path != "" {
		return path
	}
	paths := v.Packages.Named(name)
next:
	for _, path := range paths {
		p, err := v.Packages.Import(path)
		if err != nil {
			continue
		}
		for _, m := range members {
			if !strings.HasPrefix(m, placeholder) && p.Scope().Lookup(m) == nil {
				continue next
			}
		}
		return path
	}
	if len(paths) > 0 {
		return paths[0]
	}
	return ""
}
