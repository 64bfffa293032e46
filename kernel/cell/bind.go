package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/source"
)

// runtimePath is the package that generated code calls.
const runtimePath = "interleave/kernel/engine/rt"

// Packages describes the packages that a cell may import.
type Packages interface {
	types.Importer
	// Named lists the import paths of packages with this name, the most wanted first.
	Named(name string) []string
	// Allowed reports whether cells may import the path.
	Allowed(path string) bool
	// Present returns the path under which a package is imported now: code on disk that has been edited is
	// another package than before. All other paths are returned as they are. Allowed and Named are about paths as
	// users write them, Import about what Present returns.
	Present(path string) string
}

// A binder decides, when a cell is defined, the meaning of its free names: a package is bound to one unique
// import name, a session name that hides a predeclared one to another. A later cell's `fmt := 1` or `len :=
// 7` then changes nothing for existing code.
type binder struct {
	pkgs     Packages
	earlier  map[string]bool   // the names of earlier cells only
	imports  map[string]string // name → path, by import declarations of this and earlier cells
	spelled  map[*ast.Ident]string
	paths    map[string]bool // paths bound
	aliased  map[string]string
	absent   map[string]bool // names with another meaning because the session does not declare them
	shadowed map[string]bool // session names that hide predeclared ones
}

// shadow returns the name, inside the checker, of a session name that hides a predeclared one.
func shadow(name string) string { return own + name }

func (b *binder) rename(id *ast.Ident, name string) {
	if _, ok := b.spelled[id]; !ok {
		b.spelled[id] = id.Name
	}
	id.Name = name
}

// bind renames free identifiers of one part of the cell. own are the names, besides earlier ones, that the
// part can see.
func (b *binder) bind(free []*ast.Ident, roots []ast.Node, own map[string]bool) {
	unresolved := make(map[*ast.Ident]bool, len(free))
	for _, id := range free {
		unresolved[id] = true
	}
	members := map[string][]string{}   // package name → members used
	heads := map[string][]*ast.Ident{} // package name → its identifiers
	for _, root := range roots {
		keys := keysOf(root)
		ast.Inspect(root, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.SelectorExpr:
				if id, ok := x.X.(*ast.Ident); ok && unresolved[id] && !own[id.Name] &&
					(b.imports[id.Name] != "" || !b.earlier[id.Name]) {
					members[id.Name] = append(members[id.Name], x.Sel.Name)
					heads[id.Name] = append(heads[id.Name], id)
				}
			case *ast.Ident:
				field, key := keys[x]
				if (unresolved[x] || key && x.Obj == nil) && !field && b.shadowed[x.Name] {
					b.rename(x, shadow(x.Name))
				}
			}
			return true
		})
	}
	for name, ids := range heads {
		path := b.imports[name]
		if path == "" {
			path = b.choose(name, members[name])
			if path == "" {
				continue
			}
			b.absent[name] = true
		}
		b.paths[path] = true
		b.aliased[names.Alias(path)] = path
		for _, id := range ids {
			b.rename(id, names.Alias(path))
		}
	}
}

// keysOf finds the keys of literals, and reports for each whether it names a field. All do except keys of
// maps and arrays, as far as the literal shows its type. The parser does not list keys as unresolved names.
func keysOf(root ast.Node) (fields map[*ast.Ident]bool) {
	fields = map[*ast.Ident]bool{}
	ast.Inspect(root, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		field := true
		switch lit.Type.(type) {
		case *ast.MapType, *ast.ArrayType:
			field = false
		}
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if id, ok := kv.Key.(*ast.Ident); ok {
					fields[id] = field
				}
			}
		}
		return true
	})
	return fields
}

// choose returns the package that a name means when no import declares it: the first of that name that has
// all used members.
func (b *binder) choose(name string, used []string) string {
	paths := b.pkgs.Named(name)
next:
	for _, path := range paths {
		if len(paths) == 1 {
			break
		}
		p, err := b.pkgs.Import(path)
		if err != nil {
			continue
		}
		for _, m := range used {
			if p.Scope().Lookup(m) == nil {
				continue next
			}
		}
		return path
	}
	if len(paths) == 0 {
		return ""
	}
	return paths[0]
}

// importDecls reads the cell's import declarations.
func (s *Scope) importDecls(src *source.Source) (named map[string]string, dots []string, diags source.Diagnostics) {
	named = map[string]string{}
	for _, im := range src.Imports {
		path, err := strconv.Unquote(im.Path.Value)
		refuse := func(msg, hint string) {
			d := source.Diagnostic{Cell: src.N, Kind: source.TypeError, Message: msg, Hint: hint}
			d.Line, d.Column = src.Position(im.Path.Pos())
			diags = append(diags, d)
		}
		switch {
		case err != nil:
			refuse("this import path is not a string", "")
			continue
		case path == "C":
			refuse(`import "C": cells cannot hold C code`, "Put cgo code into a program of its own and run it with !go run")
			continue
		case !s.pkgs.Allowed(path):
			msg := fmt.Sprintf("import %q: no such package in the standard library", path)
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
				msg = fmt.Sprintf("import %q: cells cannot import this package", path)
			}
			refuse(msg, "Cells can import the standard library, lab, display, timeline, plots, and packages of modules; "+
				"%get ./folder makes a module on disk known")
			continue
		}
		p, err := s.pkgs.Import(s.pkgs.Present(path))
		if err != nil {
			refuse(fmt.Sprintf("import %q: %v", path, err), "")
			continue
		}
		switch {
		case im.Name == nil:
			named[p.Name()] = path
		case im.Name.Name == ".":
			dots = append(dots, path)
		case im.Name.Name == "_":
			named["_ "+path] = path
		default:
			named[im.Name.Name] = path
		}
	}
	return named, dots, diags
}

// importSpecs declares packages in the checker's file, each under its alias.
func importSpecs(paths map[string]bool) (decls []ast.Decl) {
	for _, p := range sortedKeys(paths) {
		decls = append(decls, &ast.GenDecl{Tok: token.IMPORT, Specs: []ast.Spec{&ast.ImportSpec{
			Name: ast.NewIdent(names.Alias(p)), Path: &ast.BasicLit{Kind: token.STRING, Value: strconv.Quote(p)}}}})
	}
	return decls
}

var predeclaredNames = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range types.Universe.Names() {
		m[n] = true
	}
	return m
}()
