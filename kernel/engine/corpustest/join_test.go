package corpustest

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mark is a letter that no case contains. Names that joining adds contain it, and it is removed from the
// program's output.
const mark = "ǀ"

var marked = regexp.MustCompile(mark + `\d*`)

// A joiner makes one Go program of a case's cells: variables of the session become package variables, cells
// become functions called one after another, a function defined again becomes one that calls the version of
// the time. It is an independent check of the front end, so it shares no code with it.
type joiner struct {
	std      map[string]string // name → path of the standard packages that one name means
	importer types.Importer

	fset  *token.FileSet
	frags []*fragment

	untyped map[string]bool // variables that did not get a type, because their cell does not compile
}

// A unit is one declaration at package level.
type unit struct {
	keys     []string // the names it declares; T.m for a method
	frag     *fragment
	kind     int // the text it stands in
	off, end int
	fn       *ast.FuncDecl // of functions
	sig      string        // of functions: its type as written, without names
}

// An edit replaces part of a cell.
type edit struct {
	off, end int
	text     string
}

// A variable is a name of the session while it has one type.
type variable struct {
	name string // in the program
	typ  types.Type
}

// unjoinable is the reason why one Go program cannot do what the cells do.
type unjoinable string

func (u unjoinable) Error() string { return "not one program: " + string(u) }

// add takes one more cell. When it does not compile, the errors are returned as lines and the cell is left
// out, as a session does.
func (j *joiner) add(n int, code string) (diagnostics []string, err error) {
	f, err := split(j.fset, n, code)
	if list := (scanner.ErrorList)(nil); errors.As(err, &list) {
		for _, e := range list {
			diagnostics = append(diagnostics, fmt.Sprintf("%s: %s", e.Pos, e.Msg))
		}
		return diagnostics, nil
	}
	if err != nil {
		return nil, unjoinable(err.Error())
	}
	j.frags = append(j.frags, f)
	src, early, err := j.emit("main", true)
	if err != nil {
		j.frags = j.frags[:len(j.frags)-1]
		return nil, err
	}
	if diagnostics = append(early, j.check(src)...); len(diagnostics) > 0 {
		j.frags = j.frags[:len(j.frags)-1]
	}
	return diagnostics, nil
}

// check type-checks a program and returns its errors as lines in terms of cells.
func (j *joiner) check(src string) (lines []string) {
	file, err := parser.ParseFile(j.fset, "joined.go", src, parser.AllErrors)
	if err != nil {
		return []string{"joined program: " + err.Error()}
	}
	conf := types.Config{Importer: j.importer, Error: func(err error) {
		e := err.(types.Error)
		name, unused := strings.CutPrefix(e.Msg, "declared and not used: ")
		if !unused || !j.untyped[name] {
			lines = append(lines, fmt.Sprintf("%s: %s", j.fset.Position(e.Pos), marked.ReplaceAllString(e.Msg, "")))
		}
	}}
	conf.Check("main", j.fset, []*ast.File{file}, nil)
	return lines
}

// A sheet is the text of a first file to check, which remembers where its parts came from.
type sheet struct {
	bytes.Buffer
	parts []part
}

type part struct {
	at, off, n int
	frag       *fragment
	kind       int
}

func (s *sheet) copy(f *fragment, kind, off int, text string) {
	fmt.Fprintf(s, "/*line cell[%d]:%d:%d*/", f.n, 1+strings.Count(f.texts[kind][:off], "\n"), 1+off-(1+strings.LastIndex(f.texts[kind][:off], "\n")))
	s.parts = append(s.parts, part{s.Len(), off, len(text), f, kind})
	s.WriteString(text)
}

// origin finds the fragment and the offset in it of an offset in the sheet.
func (s *sheet) origin(at int) (p part, off int, ok bool) {
	for _, p := range s.parts {
		if at >= p.at && at < p.at+p.n {
			return p, p.off + at - p.at, true
		}
	}
	return part{}, 0, false
}

// emit writes the program. With check it takes the newest of each declaration, so that it can be type-checked
// as the session now is; otherwise it takes all versions, and fails where one program cannot have them all.
// early are errors that the program itself no longer has.
func (j *joiner) emit(pkg string, check bool) (src string, early []string, err error) {
	units := j.units()
	newest := map[string]*unit{}
	for _, u := range units {
		for _, k := range u.keys {
			if old := newest[k]; old != nil && u.fn == nil && old.text() == u.text() {
				continue // the same text again keeps what is there
			}
			newest[k] = u
		}
	}
	live := func(u *unit) bool { return u.name() == "init" || newest[u.keys[0]] == u }

	// First check: cells as nested blocks, so that go/types resolves which variable every use means, and its
	// type.
	var sh sheet
	fmt.Fprintf(&sh, "package %s\n", pkg)
	imports := j.imports()
	for _, spec := range imports {
		fmt.Fprintf(&sh, "import %s\n", spec)
	}
	for _, u := range units {
		if live(u) {
			sh.copy(u.frag, u.kind, u.off, u.text())
			sh.WriteByte('\n')
		}
	}
	sh.WriteString("func _() {\n")
	for _, f := range j.frags {
		sh.WriteString("{")
		text := []byte(f.texts[statement])
		for _, u := range units {
			if u.frag == f && u.kind == statement {
				blank(text[u.off:u.end])
			}
		}
		sh.copy(f, statement, 0, string(text))
		sh.WriteString("\n")
	}
	sh.WriteString(strings.Repeat("}", len(j.frags)) + "}\n")
	file, perr := parser.ParseFile(j.fset, "", sh.String(), parser.AllErrors)
	if perr != nil {
		return "", nil, fmt.Errorf("first check: %w\n%s", perr, sh.String())
	}
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}}
	conf := types.Config{Importer: j.importer, Error: func(err error) {
		if e := err.(types.Error); strings.HasPrefix(e.Msg, "no new variables") {
			early = append(early, fmt.Sprintf("%s: %s", j.fset.Position(e.Pos), e.Msg))
		}
	}}
	tpkg, _ := conf.Check("main", j.fset, []*ast.File{file}, info)

	// Variables: which objects are one variable of the session, and under which name the program knows it.
	e := &emission{j: j, info: info, sheet: &sh, file: file, edits: map[*fragment][]edit{}, vars: map[types.Object]*variable{},
		live: map[string]*variable{}, at: map[*fragment]map[string]*variable{}, fields: map[[2]int]bool{},
		pkg: tpkg, imported: map[string]bool{}, typeImports: map[string]string{}}
	e.variables()

	// The program.
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n", pkg)
	used := e.usedImports(units)
	for _, spec := range imports {
		if used[spec] {
			fmt.Fprintf(&b, "import %s\n", spec)
		}
	}
	for path, name := range e.typeImports {
		fmt.Fprintf(&b, "import %s %q\n", name, path)
	}
	b.WriteString(runtimeText)
	for _, v := range e.order {
		fmt.Fprintf(&b, "var %s %s\n", v.name, e.typeString(v.typ))
	}
	starts, ends := map[*fragment]string{}, map[*fragment]string{}
	for _, u := range units {
		name := u.name()
		if name == "init" || name == "main" {
			fresh := fmt.Sprintf("%s%s%d", name, mark, u.frag.n*10+len(starts[u.frag])%10)
			call := fresh + "();"
			e.edits[u.frag] = append(e.edits[u.frag], edit{u.nameAt(j), u.nameAt(j) + 4, fresh})
			if live(u) || name == "init" {
				e.write(&b, u)
			}
			if name == "init" {
				starts[u.frag] += call
			} else if ends[u.frag] = call; live(u) { // a pasted program's main runs after its variables are set
				fmt.Fprintf(&b, "func main%s() { %s() }\n", mark, fresh)
			}
			continue
		}
		versions := 0
		for _, v := range units {
			if v.keys[0] == u.keys[0] {
				versions++
			}
		}
		switch {
		case check || versions == 1:
			if live(u) {
				e.write(&b, u)
			}
		case u.fn == nil:
			if !slices.ContainsFunc(u.keys, func(k string) bool { return newest[k].text() != u.text() }) {
				if live(u) {
					e.write(&b, u)
				}
				continue
			}
			return "", nil, unjoinable("redefined: " + u.keys[0])
		default:
			start, err := e.version(&b, u, newest[u.keys[0]])
			if err != nil {
				return "", nil, err
			}
			starts[u.frag] += start
		}
	}
	for _, f := range j.frags {
		fmt.Fprintf(&b, "func cell%s%d() {\n%s\n", mark, f.n, starts[f])
		fmt.Fprintf(&b, "//line cell[%d]:1:1\n", f.n)
		text := []byte(f.texts[statement])
		for _, u := range units {
			if u.frag == f && u.kind == statement {
				blank(text[u.off:u.end])
			}
		}
		b.WriteString(e.apply(f, string(text), 0, len(text)))
		b.WriteString("\n" + ends[f] + "\n}\n")
	}
	fmt.Fprintf(&b, "//line joined.go:1:1\nfunc main() {\n")
	for _, f := range j.frags {
		fmt.Fprintf(&b, "run%s(%d, cell%s%d)\n", mark, f.n, mark, f.n)
	}
	b.WriteString("}\n")
	return b.String(), early, nil
}

func blank(text []byte) {
	for i, c := range text {
		if c != '\n' {
			text[i] = ' '
		}
	}
}

// runtimeText is what the program needs besides the cells: it writes where each cell begins, its value, and
// how it ended.
var runtimeText = strings.ReplaceAll(`
import osǀ "os"
import fmtǀ "fmt"
import stringsǀ "strings"
import runtimeǀ "runtime"

func runǀ(n int, f func()) {
	fmtǀ.Fprintf(osǀ.Stdout, "\x1ecell %d\n", n)
	fmtǀ.Fprintf(osǀ.Stderr, "\x1ecell %d\n", n)
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		fmtǀ.Fprintf(osǀ.Stdout, "\x1epanic\npanic: %v\n", v)
		var pcs [100]uintptr
		frames := runtimeǀ.CallersFrames(pcs[:runtimeǀ.Callers(1, pcs[:])])
		for {
			f, more := frames.Next()
			if i := stringsǀ.LastIndex(f.File, "cell["); i >= 0 {
				fmtǀ.Fprintf(osǀ.Stdout, "%s:%d\n", f.File[i:], f.Line)
			}
			if !more {
				return
			}
		}
	}()
	f()
}

func showErrǀ(vs ...any) {
	if n := len(vs) - 1; vs[n] == nil {
		vs = vs[:n]
	}
	if len(vs) > 0 {
		showǀ(vs...)
	}
}

func showǀ(vs ...any) {
	osǀ.Stdout.WriteString("\x1evalue\n")
	for i, v := range vs {
		if i > 0 {
			fmtǀ.Print(" ")
		}
		fmtǀ.Printf("%v", v)
	}
	fmtǀ.Println()
}
`, "ǀ", mark)

func (u *unit) text() string { return u.frag.texts[u.kind][u.off:u.end] }

func (u *unit) name() string {
	if u.fn == nil || u.fn.Recv != nil {
		return ""
	}
	return u.fn.Name.Name
}

func (u *unit) nameAt(j *joiner) int { return u.frag.offset(j.fset, u.kind, u.fn.Name.Pos()) }

// units lists the declarations of all cells in their order.
func (j *joiner) units() (units []*unit) {
	for _, f := range j.frags {
		add := func(kind int, n ast.Node, fn *ast.FuncDecl, keys ...string) {
			u := &unit{keys: keys, frag: f, kind: kind, fn: fn, off: f.offset(j.fset, kind, n.Pos()), end: f.offset(j.fset, kind, n.End())}
			if fn != nil {
				u.sig = j.signature(fn)
			}
			units = append(units, u)
		}
		for _, s := range f.body() {
			d, ok := s.(*ast.DeclStmt)
			if !ok || d.Decl.(*ast.GenDecl).Tok == token.VAR {
				continue
			}
			var keys []string
			for _, spec := range d.Decl.(*ast.GenDecl).Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					keys = append(keys, spec.Name.Name)
				case *ast.ValueSpec:
					for _, n := range spec.Names {
						keys = append(keys, n.Name)
					}
				}
			}
			add(statement, d, nil, keys...)
		}
		for _, d := range f.files[funcDecl].Decls {
			fn := d.(*ast.FuncDecl)
			key := fn.Name.Name
			if fn.Recv != nil {
				key = receiver(fn) + "." + key
			}
			add(funcDecl, fn, fn, key)
		}
	}
	return units
}

// receiver is the name of a method's receiver type.
func receiver(fn *ast.FuncDecl) string {
	t := fn.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return types.ExprString(t)
		}
	}
}

// signature is a function's type in one spelling: types of receiver, parameters and results, without names.
func (j *joiner) signature(fn *ast.FuncDecl) string {
	var b strings.Builder
	list := func(l *ast.FieldList) {
		b.WriteString("(")
		for _, t := range flat(l) {
			b.WriteString(types.ExprString(t) + ",")
		}
		b.WriteString(")")
	}
	list(fn.Recv)
	if fn.Type.TypeParams != nil {
		b.WriteString("generic ")
	}
	list(fn.Type.Params)
	list(fn.Type.Results)
	return b.String()
}

// flat returns one type for each parameter.
func flat(l *ast.FieldList) (ts []ast.Expr) {
	if l == nil {
		return nil
	}
	for _, f := range l.List {
		for range max(1, len(f.Names)) {
			ts = append(ts, f.Type)
		}
	}
	return ts
}

// imports lists the import specs that the cells write, and those of standard packages whose names they use
// without.
func (j *joiner) imports() []string {
	specs, names := map[string]bool{}, map[string]bool{}
	for _, f := range j.frags {
		for _, s := range f.files[importDecl].Imports {
			spec := s.Path.Value
			path, _ := strconv.Unquote(spec)
			name := base(path)
			if s.Name != nil {
				name = s.Name.Name
				spec = name + " " + spec
			}
			specs[spec], names[name] = true, true
		}
	}
	for _, f := range j.frags {
		for _, file := range f.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && j.std[x.Name] != "" && !names[x.Name] {
						names[x.Name] = true
						specs[strconv.Quote(j.std[x.Name])] = true
					}
				}
				return true
			})
		}
	}
	return slices.Sorted(maps.Keys(specs))
}

// base is the name a standard package has by its path.
func base(path string) string {
	elems := strings.Split(path, "/")
	if last := elems[len(elems)-1]; len(elems) == 1 || !regexp.MustCompile(`^v\d+$`).MatchString(last) {
		return last
	}
	return elems[len(elems)-2]
}
