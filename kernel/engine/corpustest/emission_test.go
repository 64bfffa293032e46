package corpustest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// An emission is one version of the program: the result of the first check, and the edits that follow from
// it.
type emission struct {
	j     *joiner
	pkg   *types.Package
	info  *types.Info
	sheet *sheet
	file  *ast.File

	edits map[*fragment][]edit
	vars  map[types.Object]*variable         // what an object of the first check is in the program
	live  map[string]*variable               // by the session's name, at the cell at hand
	at    map[*fragment]map[string]*variable // live after each cell
	order []*variable

	fields      map[[2]int]bool   // cell and offset of keys in struct literals, which are no variables
	imported    map[string]bool   // paths that statements and newest declarations use
	typeImports map[string]string // paths that only variables' types need → name
}

// origin returns the cell and offset an identifier of the first check was written at.
func (e *emission) origin(pos token.Pos) (part, int, bool) {
	return e.sheet.origin(e.j.fset.File(pos).Offset(pos))
}

// directive restores the position after an edit.
func directive(f *fragment, off int) string {
	text := f.texts[statement]
	return fmt.Sprintf("/*line cell[%d]:%d:%d*/", f.n, 1+strings.Count(text[:off], "\n"), off-strings.LastIndex(text[:off], "\n"))
}

func (e *emission) edit(f *fragment, off, end int, text string) {
	if len(text) != end-off {
		text += directive(f, end)
	}
	e.edits[f] = append(e.edits[f], edit{off, end, text})
}

// variables finds the session's variables and edits every use of them.
func (e *emission) variables() {
	var blocks []*ast.BlockStmt
	for b := e.file.Decls[len(e.file.Decls)-1].(*ast.FuncDecl).Body; len(blocks) < len(e.j.frags); {
		b = b.List[len(b.List)-1].(*ast.BlockStmt)
		blocks = append(blocks, b)
	}
	for i, f := range e.j.frags {
		stmts := blocks[i].List
		if i+1 < len(blocks) {
			stmts = stmts[:len(stmts)-1]
		}
		for k, s := range stmts {
			for l, ok := s.(*ast.LabeledStmt); ok; l, ok = s.(*ast.LabeledStmt) {
				s = l.Stmt
			}
			e.statement(f, s, k == len(stmts)-1)
		}
		e.at[f] = map[string]*variable{}
		for n, v := range e.live {
			e.at[f][n] = v
		}
	}
	for id, obj := range e.info.Uses {
		p, off, ok := e.origin(id.Pos())
		if !ok {
			continue
		}
		if v, isVar := obj.(*types.Var); isVar && v.IsField() {
			e.fields[[2]int{p.frag.n, off}] = true
		}
		if name, isPkg := obj.(*types.PkgName); isPkg {
			e.imported[name.Imported().Path()] = true
		}
		if fn, isFunc := obj.(*types.Func); isFunc && fn.Pkg() == e.pkg && fn.Name() == "main" && fn.Signature().Recv() == nil {
			e.edit(p.frag, off, off+len(id.Name), "main"+mark)
		}
		if v := e.vars[obj]; v != nil && p.kind == statement {
			e.edit(p.frag, off, off+len(id.Name), v.name)
		}
	}
	for id, obj := range e.info.Defs {
		if v := e.vars[obj]; obj != nil && v != nil {
			if p, off, ok := e.origin(id.Pos()); ok {
				e.edit(p.frag, off, off+len(id.Name), v.name)
			}
		}
	}
	// Functions: by name, since the first check knows cell variables only inside cells.
	for _, f := range e.j.frags {
		for _, id := range f.files[funcDecl].Unresolved {
			off := f.offset(e.j.fset, funcDecl, id.Pos())
			if v := e.at[f][id.Name]; v != nil && !e.fields[[2]int{f.n, off}] {
				e.edit(f, off, off+len(id.Name), v.name)
			}
		}
	}
}

// declare makes id's object a variable of the session, or the one that already has its name and type.
func (e *emission) declare(id *ast.Ident) bool {
	obj := e.info.Defs[id]
	if id.Name == "_" || obj == nil {
		return true
	}
	if b, ok := obj.Type().(*types.Basic); ok && b.Kind() == types.Invalid {
		return false
	}
	v := e.live[id.Name]
	if v == nil || !types.Identical(v.typ, obj.Type()) {
		v = &variable{fmt.Sprintf("%s%s%d", id.Name, mark, len(e.order)), obj.Type()}
		e.order = append(e.order, v)
		e.live[id.Name] = v
	}
	e.vars[obj] = v
	return true
}

// statement edits one statement at the top of a cell.
func (e *emission) statement(f *fragment, s ast.Stmt, last bool) {
	at := func(pos token.Pos) int { _, off, _ := e.origin(pos); return off }
	switch s := s.(type) {
	case *ast.AssignStmt:
		if s.Tok != token.DEFINE {
			return
		}
		all := true
		for _, l := range s.Lhs {
			if obj := e.info.Defs[l.(*ast.Ident)]; obj != nil && obj.Type() == types.Typ[types.Invalid] {
				all = false // it does not compile: leave it as it is
				e.j.untyped[l.(*ast.Ident).Name] = true
			}
		}
		if !all {
			return
		}
		for _, l := range s.Lhs {
			e.declare(l.(*ast.Ident))
		}
		e.edit(f, at(s.TokPos), at(s.TokPos)+2, " =")
	case *ast.DeclStmt:
		d := s.Decl.(*ast.GenDecl)
		if d.Tok != token.VAR {
			return
		}
		e.edit(f, at(d.Pos()), at(d.Pos())+3, "   ")
		if d.Lparen.IsValid() {
			e.edit(f, at(d.Lparen), at(d.Lparen)+1, " ")
			e.edit(f, at(d.Rparen), at(d.Rparen)+1, " ")
		}
		for _, spec := range d.Specs {
			spec := spec.(*ast.ValueSpec)
			var zeros []string
			for i, n := range spec.Names {
				e.declare(n)
				if i > 0 && spec.Type != nil {
					zeros = append(zeros, ", *new("+e.source(f, spec.Type)+")")
				}
			}
			if spec.Type == nil {
				continue
			}
			off, end := at(spec.Type.Pos()), at(spec.Type.End()-1)+1
			if spec.Values == nil { // the type stays where it is: errors in it have its place
				e.edit(f, off, off, "= *new(")
				e.edit(f, end, end, ")"+strings.Join(zeros, ""))
			} else {
				gap := strings.Repeat(" ", end-off)
				if strings.Contains(f.texts[statement][off:end], "\n") {
					gap = "" // blanks and the line ends between them would end the statement
				}
				e.edit(f, off, end, gap)
				if spec.Names[0].Name == "_" && len(spec.Names) == 1 { // var _ T = v asserts something about v
					v := spec.Values[0]
					e.edit(f, at(v.Pos()), at(v.Pos()), "("+e.source(f, spec.Type)+")(")
					e.edit(f, at(v.End()-1)+1, at(v.End()-1)+1, ")")
				}
			}
		}
	case *ast.ExprStmt:
		if !last || e.silent(s.X) {
			return
		}
		if off := at(s.X.Pos()); f.hidden {
			e.edits[f] = append(e.edits[f], edit{off, off, "_ = " + directive(f, off)})
			return
		}
		off, end := at(s.X.Pos()), at(s.X.End()-1)+1
		show := "show"
		t := e.info.Types[s.X].Type
		if tuple, ok := t.(*types.Tuple); ok {
			t = tuple.At(tuple.Len() - 1).Type()
		}
		if t != nil && types.Identical(t, types.Universe.Lookup("error").Type()) {
			show = "showErr" // a nil error is not shown
		}
		e.edits[f] = append(e.edits[f], edit{off, off, show + mark + "(" + directive(f, off)}, edit{end, end, ")" + directive(f, end)})
	}
}

// silent reports whether an expression at the end of a cell shows nothing: a call without results, or of
// fmt.Print and its kin.
func (e *emission) silent(x ast.Expr) bool {
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	if !ok {
		return false
	}
	if tv := e.info.Types[call]; tv.IsVoid() || tv.Type == nil {
		return true
	}
	if t, ok := e.info.Types[call].Type.(*types.Tuple); ok && t.Len() == 0 {
		return true
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	fn, ok := e.info.Uses[sel.Sel].(*types.Func)
	return ok && fn.Pkg() != nil && fn.Pkg().Path() == "fmt" && fn.Signature().Recv() == nil &&
		(strings.HasPrefix(fn.Name(), "Print") || strings.HasPrefix(fn.Name(), "Fprint"))
}

func (e *emission) source(f *fragment, n ast.Node) string {
	_, off, _ := e.origin(n.Pos())
	_, end, _ := e.origin(n.End() - 1)
	return f.texts[statement][off : end+1]
}

// apply returns text[off:end] of a cell with the edits made.
func (e *emission) apply(f *fragment, text string, off, end int) string {
	list := slices.Clone(e.edits[f])
	slices.SortStableFunc(list, func(a, b edit) int { return a.off - b.off })
	var b strings.Builder
	at := off
	for _, d := range list {
		if d.off < at || d.end > end || strings.TrimSpace(text[d.off:d.end]) == "" && d.end > d.off {
			continue
		}
		b.WriteString(text[at:d.off] + d.text)
		at = d.end
	}
	return b.String() + text[at:end]
}

func (e *emission) write(b *bytes.Buffer, u *unit) {
	text := u.frag.texts[u.kind]
	col := u.off - strings.LastIndex(text[:u.off], "\n")
	fmt.Fprintf(b, "//line cell[%d]:%d:%d\n%s\n", u.frag.n, 1+strings.Count(text[:u.off], "\n"), col, e.apply(u.frag, text, u.off, u.end))
}

// version writes one of several definitions of a function under a name of its own, and with the newest the
// function that calls the current one. It returns the statement that makes this one current.
func (e *emission) version(b *bytes.Buffer, u, newest *unit) (start string, err error) {
	key := u.keys[0]
	if u.sig != newest.sig {
		return "", unjoinable("redefined with another signature: " + key)
	}
	if u.fn.Type.TypeParams != nil || u.fn.Recv != nil && strings.Contains(types.ExprString(u.fn.Recv.List[0].Type), "[") {
		return "", unjoinable("a generic function redefined: " + key)
	}
	current := strings.ReplaceAll(key, ".", mark) + mark + "current"
	mine := fmt.Sprintf("%s%s%d", strings.ReplaceAll(key, ".", mark), mark, u.frag.n)
	text := u.frag.texts[u.kind]
	at := func(pos token.Pos) int { return u.frag.offset(e.j.fset, u.kind, pos) }
	params := e.apply(u.frag, text, at(u.fn.Type.Params.Pos()), at(u.fn.Type.Params.End()))
	rest := e.apply(u.frag, text, at(u.fn.Type.Params.End()), u.end)
	if u.fn.Recv != nil {
		recv := text[at(u.fn.Recv.Pos())+1 : at(u.fn.Recv.End())-1]
		if len(u.fn.Recv.List[0].Names) == 0 {
			recv = "_ " + recv
		}
		if named := u.fn.Type.Params.List; len(named) > 0 && len(named[0].Names) == 0 {
			return "", unjoinable("unnamed parameters in " + key)
		}
		params = "(" + recv + ", " + strings.TrimPrefix(params, "(")
	}
	fmt.Fprintf(b, "func %s%s%s%s\n", mine, params, directive(u.frag, at(u.fn.Type.Params.End())), rest)
	if u == newest {
		var decl, args, all []string
		for i, t := range flat(u.fn.Type.Params) {
			decl = append(decl, fmt.Sprintf("p%d %s", i, types.ExprString(t)))
			arg := fmt.Sprintf("p%d", i)
			if _, ok := t.(*ast.Ellipsis); ok {
				arg += "..."
			}
			args = append(args, arg)
			all = append(all, types.ExprString(t))
		}
		var results []string
		for _, t := range flat(u.fn.Type.Results) {
			results = append(results, types.ExprString(t))
		}
		res := "(" + strings.Join(results, ", ") + ")"
		recv, ret := "", ""
		if u.fn.Recv != nil {
			t := types.ExprString(u.fn.Recv.List[0].Type)
			recv = "(recv " + t + ") "
			args = append([]string{"recv"}, args...)
			all = append([]string{t}, all...)
		}
		if len(results) > 0 {
			ret = "return "
		}
		fmt.Fprintf(b, "func %s%s(%s) %s { %s%s(%s) }\n", recv, u.fn.Name.Name, strings.Join(decl, ", "), res, ret, current, strings.Join(args, ", "))
		fmt.Fprintf(b, "var %s func(%s) %s\n", current, strings.Join(all, ", "), res)
	}
	return current + " = " + mine + ";", nil
}

// usedImports returns the import specs that the program needs.
func (e *emission) usedImports(units []*unit) map[string]bool {
	for _, u := range units { // older versions of functions were not in the first check
		if u.fn != nil {
			ast.Inspect(u.fn, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil && e.at[u.frag][x.Name] == nil {
						e.imported[e.j.std[x.Name]] = true
					}
				}
				return true
			})
		}
	}
	used := map[string]bool{}
	for _, spec := range e.file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		text := spec.Path.Value
		if spec.Name != nil {
			text = spec.Name.Name + " " + text
			if spec.Name.Name == "." || spec.Name.Name == "_" {
				e.imported[path] = true
			}
		}
		used[text] = e.imported[path]
	}
	for _, v := range e.order { // names of packages in types are written with the mark
		e.typeString(v.typ)
	}
	return used
}

func (e *emission) typeString(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == e.pkg {
			return ""
		}
		name := p.Name() + mark
		if !slices.Contains([]string{"os", "fmt", "strings", "runtime"}, p.Path()) {
			e.typeImports[p.Path()] = name
		}
		return name
	})
}
