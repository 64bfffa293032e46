package assist

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
)

// A Config is what questions are answered from. Functions may be nil.
type Config struct {
	View *cell.View
	// Importable lists the packages that cells may import.
	Importable []Package
	// Magics are the session's, with what they do.
	Magics []Magic
	// Keys returns keys of a live map of the session, spelled as in Go, if they can be read now.
	Keys func(name string) []string
	// Files lists what is in a folder; names of folders end in a slash.
	Files func(dir string) []string
	// Source returns the text of a file of a package, by the name that positions have.
	Source func(file string) (text string, ok bool)
	// Position returns where an object of a package is declared.
	Position func(token.Pos) token.Position
	// Value describes the value of a session variable; "" if nothing is known.
	Value func(n cell.Name) string
}

// A Package is one that cells may import.
type Package struct{ Path, Name string }

// A Magic is a command to the session.
type Magic struct {
	Name  string
	Cell  bool // it takes the rest of the cell
	Usage string
	Help  string
	Args  []string // that it may have
	Code  bool     // its argument, or the rest of the cell, is Go code
}

// A Match is one way to complete a name.
type Match struct {
	Text      string
	Type      string // what IPython calls it: function, instance, module, class, keyword, path, magic, statement
	Signature string // of the first mostSignatures

	rank   rank
	object types.Object // or nil
}

// mostSignatures is how many matches have a signature: front ends show few, and each takes a while.
const mostSignatures = 100

// A Completion is what may stand in place of a piece of a text.
type Completion struct {
	From, To int // bytes
	Matches  []Match
}

// Complete lists what the name at a byte offset of a cell may become, the best first.
func Complete(c Config, text string, cursor int) Completion {
	code, other := c.goAt(text, cursor)
	if other != nil {
		return c.command(text, cursor, other)
	}
	if line := lineBefore(code, cursor); strings.HasPrefix(strings.TrimLeft(line, " \t"), "%") { // not yet a magic
		return c.command(text, cursor, nil)
	}
	p := placeOf(code, cursor)
	switch {
	case p.nothing:
		return Completion{From: cursor, To: cursor}
	case p.importing:
		return c.importPaths(p)
	case p.quoted:
		return c.quoted(p)
	}
	r := &request{Config: c, place: p, prefix: code[p.from:cursor], seen: map[string]bool{}}
	for _, text := range p.repaired(placeholder) {
		if r.checked = read(c.View, text, p.from); r.checked != nil {
			break
		}
	}
	if r.checked != nil {
		r.candidates()
	} else if !p.dot {
		r.session()
		r.words()
	}
	return Completion{From: p.from, To: p.to, Matches: r.sorted()}
}

func lineBefore(text string, cursor int) string {
	return text[strings.LastIndexByte(text[:cursor], '\n')+1 : cursor]
}

// A request is a question about Go code.
type request struct {
	Config
	place
	*checked
	prefix  string
	want    types.Type // what the place asks for, or nil
	typ     bool       // the place asks for a type
	matches []Match
	seen    map[string]bool
}

// fits reports how well a name fits what was written: 0 not at all, 1 letters of another case, 2 exactly.
func fits(prefix, name string) int {
	switch {
	case strings.HasPrefix(name, prefix):
		return 2
	case len(name) < len(prefix):
		return 0
	}
	if begin := name[:len(prefix)]; strings.EqualFold(begin, prefix) && utf8.ValidString(begin) {
		return 1
	}
	return 0
}

// add adds a match, if the name fits and is not there yet.
func (r *request) add(m Match, distance int) {
	f := fits(r.prefix, m.Text)
	if f == 0 || r.seen[m.Text] || strings.Contains(m.Text, names.Letter) || strings.HasPrefix(m.Text, placeholder) || m.Text == "_" {
		return
	}
	r.seen[m.Text] = true
	m.rank.exact, m.rank.distance, m.rank.uses = f, distance, r.View.Uses[m.Text]
	r.matches = append(r.matches, m)
}

// object adds an object under a name.
func (r *request) object(name string, o types.Object, distance int) {
	if fits(r.prefix, name) == 0 || r.seen[name] {
		return
	}
	m := Match{Text: name, Type: kindOf(o), object: o}
	m.rank.fits = r.suits(o)
	if _, method := o.(*types.Func); method {
		m.rank.order = 1
	}
	r.add(m, distance)
}

// kindOf is what Jupyter's front ends call an object.
func kindOf(o types.Object) string {
	switch o := o.(type) {
	case *types.Func, *types.Builtin:
		return "function"
	case *types.TypeName:
		return "class"
	case *types.PkgName:
		return "module"
	case *types.Var:
		if o.IsField() {
			return "property"
		}
	case *types.Label:
		return "statement"
	}
	return "instance"
}

// candidates adds what can stand at the placeholder.
func (r *request) candidates() {
	id := r.ident()
	switch x := r.parent(1).(type) {
	case *ast.SelectorExpr:
		if x.Sel == id {
			r.want = r.expected(1)
			r.members(x.X)
			return
		}
	case *ast.BranchStmt:
		if x.Label == id {
			r.labels(x)
			return
		}
	case *ast.KeyValueExpr:
		if lit, ok := r.parent(2).(*ast.CompositeLit); ok && x.Key == id && r.fields(lit) {
			return
		}
	case *ast.CompositeLit:
		if slices.Contains(x.Elts, ast.Expr(id)) && r.fields(x) && len(x.Elts) > 1 {
			return
		}
	}
	r.want, r.typ = r.expected(0), r.asksForType()
	r.scopes(id)
	r.session()
	r.words()
}

// members adds the members of what is before a dot.
func (r *request) members(x ast.Expr) {
	if id, ok := ast.Unparen(x).(*ast.Ident); ok {
		if p, ok := r.info.Uses[id].(*types.PkgName); ok {
			for _, name := range p.Imported().Scope().Names() {
				if ast.IsExported(name) {
					r.object(name, p.Imported().Scope().Lookup(name), 0)
				}
			}
			return
		}
	}
	tv, ok := r.info.Types[x]
	if !ok || tv.Type == nil {
		return
	}
	t := tv.Type
	if tup, ok := t.(*types.Tuple); ok && tup.Len() == 1 {
		t = tup.At(0).Type()
	}
	visible := func(o types.Object) bool { return o.Exported() || o.Pkg() != nil && o.Pkg().Path() == r.pkg.Path() }
	all := t
	if _, ptr := t.Underlying().(*types.Pointer); !ptr && !types.IsInterface(t) && (tv.Addressable() || !tv.IsValue()) {
		all = types.NewPointer(t) // its methods, too
	}
	if tv.IsType() {
		all = t
	}
	set := types.NewMethodSet(all)
	for i := range set.Len() {
		s := set.At(i)
		if visible(s.Obj()) {
			r.object(s.Obj().Name(), s.Obj(), len(s.Index())-1)
		}
	}
	if tv.IsValue() {
		r.structFields(t, visible)
	}
}

// structFields adds the fields of a struct and of those embedded in it, the nearest first.
func (r *request) structFields(t types.Type, visible func(types.Object) bool) {
	seen := map[types.Type]bool{}
	level := []types.Type{t}
	for depth := 0; len(level) > 0 && depth < 8; depth++ {
		var next []types.Type
		for _, t := range level {
			if p, ok := t.Underlying().(*types.Pointer); ok {
				t = p.Elem()
			}
			if seen[t] {
				continue
			}
			seen[t] = true
			st, ok := t.Underlying().(*types.Struct)
			if !ok {
				continue
			}
			for i := range st.NumFields() {
				f := st.Field(i)
				if visible(f) {
					r.object(f.Name(), f, depth)
				}
				if f.Embedded() {
					next = append(next, f.Type())
				}
			}
		}
		level = next
	}
}

// fields adds the keys of a literal's struct that it does not have yet, and reports whether it is one.
func (r *request) fields(lit *ast.CompositeLit) bool {
	t := r.info.TypeOf(lit)
	if t == nil {
		return false
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	st, ok := t.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	has, keyed := map[string]bool{}, false
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			keyed = true
			if k, ok := kv.Key.(*ast.Ident); ok {
				has[k.Name] = true
			}
		}
	}
	colon := ": "
	if rest := strings.TrimLeft(r.text[r.to:], " \t"); strings.HasPrefix(rest, ":") {
		colon = ""
	}
	for i := range st.NumFields() {
		f := st.Field(i)
		if has[f.Name()] || !f.Exported() && (f.Pkg() == nil || f.Pkg().Path() != r.pkg.Path()) {
			continue
		}
		m := Match{Text: f.Name() + colon, Type: "property", object: f}
		m.rank.fits = 2
		m.rank.order = i
		r.add(m, 0)
	}
	return keyed || len(lit.Elts) <= 1 && st.NumFields() > 0
}

// labels adds the labels that a branch can name.
func (r *request) labels(b *ast.BranchStmt) {
	for i, n := range r.path {
		l, ok := n.(*ast.LabeledStmt)
		if ok && b.Tok != token.GOTO {
			r.add(Match{Text: l.Label.Name, Type: "statement"}, len(r.path)-i)
		}
	}
	if b.Tok != token.GOTO {
		return
	}
	nodes := r.path[:1]
	if _, ok := nodes[0].(*ast.FuncDecl); !ok {
		nodes = nil
		for _, st := range r.src.Body {
			nodes = append(nodes, st)
		}
	}
	for _, n := range nodes {
		ast.Inspect(n, func(n ast.Node) bool {
			if l, ok := n.(*ast.LabeledStmt); ok {
				r.add(Match{Text: l.Label.Name, Type: "statement"}, 0)
			}
			return true
		})
	}
}

// scopes adds the names of the cell that can be seen at an identifier.
func (r *request) scopes(id *ast.Ident) {
	distance := 0
	look := func(s *types.Scope) {
		if s == nil {
			return
		}
		for _, name := range s.Names() {
			o := s.Lookup(name)
			if _, visible := s.LookupParent(name, id.Pos()); visible != nil && name != cellFunc {
				r.object(name, o, distance)
			}
		}
		distance++
	}
	for i := len(r.path) - 1; i >= 0; i-- {
		n := r.path[i]
		switch f := n.(type) {
		case *ast.FuncDecl:
			look(r.info.Scopes[f.Type])
		case *ast.FuncLit:
			look(r.info.Scopes[f.Type])
		default:
			look(r.info.Scopes[n])
		}
	}
	look(r.info.Scopes[r.body])
	// of the cell, but not of the session
	for _, name := range r.pkg.Scope().Names() {
		if o := r.pkg.Scope().Lookup(name); name != cellFunc && r.src.Offset(o.Pos()) >= 0 && r.View.Names[name].Object != o {
			r.object(name, o, distance)
		}
	}
}

const (
	ofSession = 20 // distances of what is not in the cell
	ofPackage = 30
	ofGo      = 40
	unused    = 50
)

// session adds what the session declares and imports.
func (r *request) session() {
	for name, n := range r.View.Names {
		r.object(name, n.Object, ofSession)
	}
	for name, path := range r.View.Imports {
		if name != "_" && !strings.HasPrefix(name, "_ ") {
			r.add(Match{Text: name, Type: "module", Signature: "package " + path}, ofPackage)
		}
	}
	for _, path := range r.View.Dots {
		if p, err := r.View.Packages.Import(path); err == nil {
			for _, name := range p.Scope().Names() {
				if ast.IsExported(name) {
					r.object(name, p.Scope().Lookup(name), ofPackage)
				}
			}
		}
	}
}

// words adds what Go predeclares, its keywords, and packages that a cell may name.
func (r *request) words() {
	for _, name := range types.Universe.Names() {
		r.object(name, types.Universe.Lookup(name), ofGo)
	}
	if r.checked == nil || r.begins() {
		for t := token.BREAK; t <= token.VAR; t++ {
			r.add(Match{Text: t.String(), Type: "keyword"}, ofGo)
		}
	} else {
		for _, word := range []string{"func", "struct", "map", "chan", "interface"} {
			r.add(Match{Text: word, Type: "keyword"}, ofGo)
		}
	}
	for _, p := range r.Importable {
		if paths := r.View.Packages.Named(p.Name); len(paths) > 0 && paths[0] == p.Path && p.Name != "main" {
			r.add(Match{Text: p.Name, Type: "module", Signature: "package " + p.Path}, unused)
		}
	}
}

// begins reports whether a statement can begin at the placeholder.
func (r *request) begins() bool {
	_, ok := r.parent(1).(*ast.ExprStmt)
	return ok
}

// importPaths completes an import path.
func (c Config) importPaths(p place) Completion {
	prefix := p.text[p.from:p.cursor]
	out := Completion{From: p.from, To: p.cursor}
	for _, im := range c.Importable {
		if strings.HasPrefix(im.Path, prefix) {
			out.Matches = append(out.Matches, Match{Text: im.Path, Type: "module", Signature: "package " + im.Name})
		}
	}
	slices.SortFunc(out.Matches, func(a, b Match) int {
		return cmp.Or(cmp.Compare(strings.Count(a.Text, "/"), strings.Count(b.Text, "/")), cmp.Compare(a.Text, b.Text))
	})
	return out
}

// quoted completes what is in a string: a key of a live map, or a file name.
func (c Config) quoted(p place) Completion {
	written := p.text[p.from:p.cursor]
	before := strings.TrimRight(p.text[:p.from-1], " \t")
	if name, ok := strings.CutSuffix(before, "["); ok && c.Keys != nil {
		from, to := wordAt(name, len(name))
		out := Completion{From: p.from, To: p.cursor}
		for _, key := range c.Keys(name[from:to]) {
			if inner := strings.Trim(key, `"`); strings.HasPrefix(inner, written) {
				out.Matches = append(out.Matches, Match{Text: inner, Type: "instance", Signature: "key of " + name[from:to]})
			}
		}
		if len(out.Matches) > 0 {
			return out
		}
	}
	return c.files(written, p.cursor)
}

// files completes a file name that ends at the cursor.
func (c Config) files(written string, cursor int) Completion {
	dir, base := filepath.Split(written)
	out := Completion{From: cursor - len(base), To: cursor}
	if c.Files == nil {
		return out
	}
	for _, f := range c.Files(dir) {
		if strings.HasPrefix(f, base) && (base != "" || !strings.HasPrefix(f, ".")) {
			out.Matches = append(out.Matches, Match{Text: f, Type: "path"})
		}
	}
	return out
}
