package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"sort"
	"strings"
)

// An emitter writes the Go package of one cell. It never prints syntax: it edits the cells' own text at the places where
// a name must be spelled otherwise, so that every line stays where the user wrote it.
type emitter struct {
	c        *placement
	imports  map[string]bool
	pointers map[string]Variable // variables used, by the name of their pointer
	inFunc   bool                // a function or method is being written
	written  map[*unit]*compiled

	plainly

	unit     *unit // that is being written
	src      *source
	edits    []edit
	selected map[*ast.Ident]bool
	drive    bool // write for the interpreter
}

// An emission is the package of a cell, and what is known of its code.
type emission struct {
	text     string
	imports  []string
	vars     []Variable // session variables that the cell declares or uses
	params   map[string]int
	jumps    []Jump
	forwards []Forward

	written  map[*unit]*compiled
	stmts    compiled         // of the cell's statements
	runs     map[string]*unit // functions and methods of which the statements hold copies
	twins    map[string]*unit // functions for which the cell has a twin
	asValues map[string]*unit // functions that the cell has values of
	valued   map[string]bool  // functions that are named as values
}

func newEmitter(p *placement) *emitter {
	e := &emitter{c: p, imports: map[string]bool{}, pointers: map[string]Variable{}, written: map[*unit]*compiled{}, plainly: newPlainly(), selected: map[*ast.Ident]bool{}}
	for _, u := range p.final {
		for k := range u.holds {
			e.copies[k]++
		}
		if u.kind == methodUnit {
			e.methods[u.key()] = u
		}
	}
	return e
}

type edit struct {
	from, to int
	text     string
}

func (e *emitter) put(from, to int, text string) { e.edits = append(e.edits, edit{from, to, text}) }

func (e *emitter) replace(n ast.Node, text string) {
	e.put(e.src.offset(n.Pos()), e.src.end(n), text)
}

// insert puts text before the edits that begin at the same place.
func (e *emitter) insert(at int, text string) { e.put(at, at, text) }

// apply returns text[from:to] with the edits made. Edits inside a replaced stretch are dropped; a replaced stretch keeps
// its line ends.
func (e *emitter) apply(text string, from, to int) string {
	sort.SliceStable(e.edits, func(i, j int) bool {
		a, b := e.edits[i], e.edits[j]
		if a.from != b.from {
			return a.from < b.from
		}
		return a.to == a.from && b.to != b.from
	})
	var b strings.Builder
	at := from
	for _, d := range e.edits {
		if d.from < at || d.to > to {
			continue
		}
		b.WriteString(text[at:d.from])
		b.WriteString(d.text)
		if lost := strings.Count(text[d.from:d.to], "\n") - strings.Count(d.text, "\n"); lost > 0 {
			b.WriteString(strings.Repeat("\n", lost))
		}
		at = d.to
	}
	b.WriteString(text[at:to])
	e.edits = nil
	return b.String()
}

// use imports a package and returns the name it has here.
func (e *emitter) use(path string) string {
	e.imports[path] = true
	if strings.HasPrefix(path, PackagePrefix) {
		return own + path[strings.LastIndexByte(path, '/')+1:]
	}
	return alias(path)
}

func (e *emitter) rt(name string) string { return e.use(runtimePath) + "." + name }

// spell returns a speller for the code being written.
func (e *emitter) spell() *speller {
	return &speller{global: func(o *types.TypeName) string { return e.global(o) }, pkg: e.use, member: mangle}
}

// global spells a function, type or constant of the session.
func (e *emitter) global(o types.Object) string {
	name := o.Name()
	u := e.c.units[name]
	if old := e.c.old[name]; old != nil && slices.Contains(old.objs, o) { // x := x() calls the x of an earlier cell
		u = old
	}
	return e.at(u, name)
}

// at spells a function, type or constant in the package that has it.
func (e *emitter) at(u *unit, name string) string {
	if u == nil || u.home == e.c.src.serial {
		return mangle(name)
	}
	return e.use(fmt.Sprint(PackagePrefix, u.home)) + "." + mangle(name)
}

// variable spells a session variable: a dereferenced pointer to its storage.
func (e *emitter) variable(u *unit) string {
	if u.builtin {
		return e.rt("Ctx") + "()"
	}
	name := fmt.Sprintf("%sv%d_%s", own, u.home, u.names[0])
	e.pointers[name] = Variable{u.names[0], u.home, u.typ}
	if e.drive {
		return "(*" + DriveVars + "." + name + ")"
	}
	if line, ok := e.c.early[u.names[0]]; ok && e.inFunc && e.c.newVars[u.names[0]] == u {
		return fmt.Sprintf("(*%s(%s, &%s, %q, %d, %d))", e.rt("Set"), name, setFlag(u.names[0]), Clean(u.names[0]), e.c.src.n, line)
	}
	return "(*" + name + ")"
}

// unitOf finds the variable an object stands for: the statements of a cell may read the old one of a name while they
// declare a new one.
func (e *emitter) unitOf(o types.Object) *unit {
	if e.c.isCellVar(o) {
		return e.c.newVars[o.Name()]
	}
	if u := e.c.old[o.Name()]; u != nil && u.kind == varUnit {
		for _, x := range u.objs {
			if x == o {
				return u
			}
		}
	}
	return e.c.units[o.Name()]
}

// ident puts the edit that an identifier needs.
func (e *emitter) ident(id *ast.Ident, embedded bool) {
	written, ok := e.src.spelled[id]
	if !ok && e.unit != nil {
		written, ok = e.unit.blanked[id]
	}
	if !ok {
		written = id.Name
	}
	set := func(s string) {
		if s != written {
			at := e.src.offset(id.Pos())
			e.put(at, at+len(written), s)
		}
	}
	o := e.c.info.Uses[id]
	if o == nil {
		o = e.c.info.Defs[id]
	}
	switch x := o.(type) {
	case nil:
		return
	case *types.PkgName:
		set(e.use(x.Imported().Path()))
		return
	}
	switch {
	case o.Pkg() == nil:
		if embedded {
			set(e.rt(Letter + o.Name()))
		}
	case !isSession(o):
		if o.Parent() == o.Pkg().Scope() && !e.selected[id] { // came by a dot import
			set(e.use(o.Pkg().Path()) + "." + o.Name())
		}
	case e.c.isCellVar(o):
		set(e.variable(e.unitOf(o)))
	case isGlobal(o):
		if _, ok := o.(*types.Var); ok {
			set(e.variable(e.unitOf(o)))
		} else if o.Name() != "_" {
			set(e.global(o))
		}
	default:
		switch x := o.(type) {
		case *types.Var:
			if x.IsField() {
				set(mangle(id.Name))
			}
		case *types.Func:
			if x.Signature().Recv() != nil {
				set(mangle(id.Name))
			}
		case *types.TypeName:
			if _, ok := x.Type().(*types.TypeParam); !ok {
				set(mangle(id.Name))
			}
		case *types.Const: // of a group, and defined anew by a later cell
			set(id.Name)
		}
	}
}

// walk puts the edits that a piece of syntax needs.
func (e *emitter) walk(n ast.Node) {
	if e.isPlain() {
		e.sortCalls(n)
	}
	embedded := map[*ast.Ident]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.SelectorExpr:
			e.selected[x.Sel] = true
		case *ast.StructType:
			for _, f := range x.Fields.List {
				if f.Names == nil {
					if id, ok := deref(f.Type).(*ast.Ident); ok {
						embedded[id] = true
					}
				}
			}
		case *ast.Ident:
			if e.isPlain() {
				e.mention(x)
			}
			e.ident(x, embedded[x])
		case *ast.FuncLit:
			e.enter(x.Body, nil)
		case *ast.ForStmt:
			e.pollLoop(x, x.Body)
		case *ast.RangeStmt:
			e.pollLoop(x, x.Body)
		case *ast.BranchStmt:
			e.pollGoto(x)
		case *ast.CallExpr:
			if e.isPlain() {
				e.plainCall(x)
			}
			e.guard(x)
			e.print(x)
		}
		return true
	})
}

// parts is a cell's package while it is written.
type parts struct {
	decls   strings.Builder // the units
	stubs   strings.Builder // pointers that later definitions set
	patches strings.Builder // sets those of earlier definitions
	symbols strings.Builder // what the interpreter can reach
	inits   []initFunc
}

// emit writes the cell's package: the units that are built here, then the statements.
func (e *emitter) emit() *emission {
	c := e.c
	var p parts
	for _, u := range c.emitted {
		e.writeUnit(u, &p)
	}
	e.src, e.unit = c.src, nil
	run := e.run(p.inits)
	e.endStatements()
	tail := e.tail(&p)
	text := e.head() + p.decls.String() + run + tail
	w := &emission{text: text, imports: sortedKeys(e.imports), params: e.params, jumps: e.jumps, forwards: e.forwards,
		written: e.written, stmts: e.stmts, runs: e.runs, twins: e.twins, asValues: e.asValues, valued: e.valued}
	for _, k := range sortedKeys(e.pointers) {
		w.vars = append(w.vars, e.pointers[k])
	}
	return w
}

// run writes the function that runs the cell.
func (e *emitter) run(inits []initFunc) string {
	c := e.c
	var b strings.Builder
	fmt.Fprintf(&b, "func %s() {\n", cellFunc)
	e.begin()
	first := e.initializers() + e.callInits(inits, len(c.steps)-len(c.after))
	body := e.body(inits)
	e.locals(&b)
	fmt.Fprintf(&b, "%s\n%s//line cell[%d]:1\n%s\n", e.prologue(c.body), first, c.src.n, body)
	if n := len(c.steps); n > 0 {
		b.WriteString(e.finished(n))
	}
	if len(c.after) > 0 {
		b.WriteString(e.callInits(inits, len(c.steps)))
	}
	if c.main {
		fmt.Fprintf(&b, "%s()\n", e.at(c.units["main"], "main"))
	}
	b.WriteString("}\n")
	return b.String()
}

// tail writes what the front end adds behind the cell's own code: pointers to variables and to later definitions, and the registration.
func (e *emitter) tail(p *parts) string {
	c := e.c
	var tail strings.Builder
	fmt.Fprintf(&tail, "//line interleave.go:1\n%s", p.stubs.String())
	e.writeTwins(&tail)
	e.writeValues(&tail)
	gate := "nil"
	if p.stubs.Len() > 0 {
		fmt.Fprintf(&tail, "var %s uint32\n", gateVar)
		gate = "&" + gateVar
	}
	for _, name := range sortedKeys(e.pointers) {
		tail.WriteString(e.pointer(name))
	}
	early := ""
	for _, name := range sortedKeys(c.early) {
		fmt.Fprintf(&tail, "var %s uint32\n", setFlag(name))
		early += "&" + setFlag(name) + ", "
	}
	if early != "" {
		early = "Early: []*uint32{" + early + "}, "
	}
	steps := "nil"
	if e.counted() {
		fmt.Fprintf(&tail, "var %s uint32\n", stepVar)
		steps = "&" + stepVar
	}
	follow := ""
	for _, name := range sortedKeys(e.pointers) {
		if v := e.pointers[name]; !incomplete(v.Type) {
			follow += fmt.Sprintf("%s(%q, %d, &%s)\n", e.rt("Follow"), v.Name, v.Gen, name)
		}
	}
	fmt.Fprintf(&tail, "func init() {\n%s%s(&%s{N: %d, Run: %s, Gate: %s, Step: %s, %sPatch: func() {\n%s}, Symbols: map[string]any{%s}})\n}\n",
		follow, e.rt("Register"), e.rt("Cell"), c.src.serial, cellFunc, gate, steps, early, p.patches.String(), p.symbols.String())
	return tail.String()
}

// head writes the imports, once it is known which there are.
func (e *emitter) head() string {
	var head strings.Builder
	fmt.Fprintf(&head, "package %s\n\n", PackageName)
	for _, path := range sortedKeys(e.imports) {
		fmt.Fprintf(&head, "import %s %q\n", e.use(path), path)
	}
	for _, path := range blankImports(e.c.named) {
		if !e.imports[path] {
			fmt.Fprintf(&head, "import _ %q\n", path)
			e.imports[path] = true
		}
	}
	return head.String()
}

// writeUnit writes one declaration.
func (e *emitter) writeUnit(u *unit, p *parts) {
	e.src, e.unit = u.src, u
	line, _ := u.src.position(u.node.Pos())
	prefix, before, behind := "", "", ""
	switch d := u.node.(type) {
	case *ast.TypeSpec:
		prefix = "type "
		if !u.generic && !constraint(u) {
			fmt.Fprintf(&p.symbols, "%q: (*%s)(nil), ", "type "+u.names[0], mangle(u.names[0]))
		}
	case *ast.FuncDecl:
		e.begin()
		if u.plain {
			before, behind = e.plainFunction(u, d, p)
		} else {
			e.function(u, d, p)
		}
		lines := pragmas(d)
		if line > len(lines) {
			line -= len(lines)
			for _, l := range lines {
				prefix += l + "\n"
			}
		}
	}
	_, e.inFunc = u.node.(*ast.FuncDecl)
	e.walk(u.node)
	e.inFunc = false
	if _, ok := u.node.(*ast.FuncDecl); ok && e.isPlain() {
		e.end(u)
	}
	text := e.apply(u.src.code, u.src.offset(u.node.Pos()), u.src.end(u.node))
	fmt.Fprintf(&p.decls, "%s//line cell[%d]:%d\n%s%s\n%s", before, u.src.n, line, prefix, text, behind)
}

// function puts the edits that make a function one that can be replaced, or that replaces another.
func (e *emitter) function(u *unit, d *ast.FuncDecl, p *parts) {
	switch {
	case u.kind == initUnit:
		name := fmt.Sprintf("%sinit%d", own, len(p.inits)+1)
		p.inits = append(p.inits, initFunc{name, e.initStep(u)})
		e.replace(d.Name, name)
		e.enter(d.Body, nil)
	case e.c.patched[u]:
		name := methodFunc(u)
		if u.kind == funcUnit {
			e.replace(d.Name, name)
		} else {
			e.receiverFirst(u, d, name, true)
		}
		fmt.Fprintf(&p.patches, "%s.%s = %s; %s(%d)\n", e.use(fmt.Sprint(PackagePrefix, u.home)), patchName(u), name, e.rt("Replaced"), u.home)
		e.enter(d.Body, nil)
	case u.rigid() || d.Body == nil:
		e.enter(d.Body, nil)
	default:
		args := e.nameParams(d)
		sig := e.c.signature(u, d, false)
		p.stubs.WriteString(e.stub(u, sig))
		e.enter(d.Body, &jump{patchName(u), args, sig})
	}
	if u.kind == funcUnit && !u.generic && !e.c.patched[u] {
		fmt.Fprintf(&p.symbols, "%q: %s, ", u.names[0], mangle(u.names[0]))
	}
}

func blankImports(named map[string]string) (paths []string) {
	for _, n := range sortedKeys(named) {
		if strings.HasPrefix(n, "_ ") {
			paths = append(paths, named[n])
		}
	}
	return paths
}

// constraint reports whether a type can only be a constraint, which has no values.
func constraint(u *unit) bool {
	for _, o := range u.objs {
		if i, ok := o.Type().Underlying().(*types.Interface); ok && !i.IsMethodSet() {
			return true
		}
	}
	return false
}

// pragmas are the compiler directives above a function.
func pragmas(d *ast.FuncDecl) (lines []string) {
	if d.Doc != nil {
		for _, c := range d.Doc.List {
			switch c.Text {
			case "//go:noinline", "//go:nosplit", "//go:norace", "//go:nocheckptr", "//go:uintptrescapes":
				lines = append(lines, c.Text)
			}
		}
	}
	return lines
}

// pointer declares a package's pointer to a session variable.
func (e *emitter) pointer(name string) string {
	v := e.pointers[name]
	if !e.hidden(v.Type) {
		t := e.spell().typ(v.Type)
		if incomplete(v.Type) {
			return fmt.Sprintf("var %s_at %s\nvar %[1]s = (*%[2]s)(%s(%q, %d, &%[1]s_at))\n", name, t, e.rt("VarAt"), v.Name, v.Gen)
		}
		return fmt.Sprintf("var %s = %s[%s](%q, %d)\n", name, e.rt("Var"), t, v.Name, v.Gen)
	}
	if v.Gen != e.c.src.serial {
		return fmt.Sprintf("var %s = %s.%s\n", name, e.use(fmt.Sprint(PackagePrefix, v.Gen)), name)
	}
	return fmt.Sprintf("var %s = %s(%q, %d, %s)\n", name, e.rt("VarLike"), v.Name, v.Gen, e.effectless(v.Name))
}

// hidden reports whether a type cannot be spelled here: the standard library does not export it, or its name means something else now.
func (e *emitter) hidden(t types.Type) bool {
	dry := &speller{member: mangle}
	dry.global = func(o *types.TypeName) string {
		u, old := e.c.units[o.Name()], e.c.old[o.Name()]
		dry.hidden = dry.hidden || (u == nil || u.kind != typeUnit) && (old == nil || !slices.Contains(old.objs, types.Object(o)))
		return o.Name()
	}
	dry.typ(t)
	return dry.hidden
}

// zero spells the zero value of a type.
func (e *emitter) zero(t types.Type) string {
	name := e.spell().typ(t)
	if incomplete(t) {
		return fmt.Sprintf("*(*%s)(%s((*%[1]s)(nil)))", name, e.rt("Zero"))
	}
	return "*new(" + name + ")"
}

// incomplete reports whether values of a type cannot be allocated, because cgo.Incomplete is part of it. Such a type is no type argument.
func incomplete(t types.Type) bool {
	if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "runtime/cgo" && n.Obj().Name() == "Incomplete" {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for f := range u.Fields() {
			if incomplete(f.Type()) {
				return true
			}
		}
	case *types.Array:
		return incomplete(u.Elem())
	}
	return false
}

// locals copies the package's pointers into the cell's function, where they can stay in registers.
func (e *emitter) locals(b *strings.Builder) {
	used := map[string]bool{}
	for _, st := range e.c.body {
		e.variablesIn(st, func(u *unit, name string) { used[name] = true })
	}
	for _, p := range sortedKeys(used) {
		fmt.Fprintf(b, "%s := %s; _ = %s\n", p, p, p)
	}
}

// ownPointers copies the package's pointers into a function: what it has locked it unlocks, and the channel that it has begun to
// fill it continues to fill, whatever is declared meanwhile (see Renew in package rt).
func (e *emitter) ownPointers(body *ast.BlockStmt) (s string) {
	used := map[string]bool{}
	e.variablesIn(body, func(u *unit, name string) {
		used[name] = true
	})
	for _, p := range sortedKeys(used) {
		s += fmt.Sprintf(" %s := %s; _ = %s;", p, p, p)
	}
	return s
}

// variablesIn calls f for the session's variables in a piece of code, with the names of their pointers.
func (e *emitter) variablesIn(code ast.Node, f func(u *unit, name string)) {
	ast.Inspect(code, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			o := e.c.info.Uses[id]
			if o == nil {
				o = e.c.info.Defs[id]
			}
			if _, ok := o.(*types.Var); ok && (isGlobal(o) || e.c.isCellVar(o)) {
				if u := e.unitOf(o); u != nil && !u.builtin {
					f(u, fmt.Sprintf("%sv%d_%s", own, u.home, u.names[0]))
				}
			}
		}
		return true
	})
}

// body writes the cell's statements. inits are called between them.
func (e *emitter) body(inits []initFunc) string {
	c, src := e.c, e.c.src
	done := len(e.c.steps) - len(c.after) // steps that are finished
	first := map[ast.Stmt]int{}
	for i, st := range c.after {
		first[st] = i
	}
	for i, st := range src.body {
		in := unlabel(st)
		k, runs := first[st]
		if d, ok := in.(*ast.DeclStmt); ok && !runs {
			e.replace(d.Decl, "")
			continue
		}
		line, _ := src.position(st.Pos())
		before := ""
		if k > 0 {
			before = e.finished(done+k) + e.callInits(inits, done+k)
		}
		e.insert(src.offset(st.Pos()), before+fmt.Sprintf("*%s = %d; ", e.rt("Line"), line))
		if i > 0 && in == st {
			e.insert(src.offset(st.Pos()), fmt.Sprintf("if %s != 0 { %s() }; ", e.rt("Given"), e.rt("Poll")))
		}
		if g := varDecl(in); g != nil {
			e.varDecl(g)
			continue
		}
		if a, ok := in.(*ast.AssignStmt); ok && a.Tok.String() == ":=" {
			at := src.offset(a.TokPos)
			e.put(at, at+2, "=")
			e.ownContext(a)
		}
		if x, ok := in.(*ast.ExprStmt); ok && x.X == c.last && src.hidden {
			if !e.statement(c.last) {
				e.insert(src.offset(c.last.Pos()), "_ = ")
			}
		} else if ok && x.X == c.last && e.shown(c.last) {
			e.insert(src.offset(c.last.Pos()), e.show()+"(")
			e.walk(st)
			e.edits = append(e.edits, edit{src.end(c.last), src.end(c.last), ")"})
			continue
		}
		e.walk(st)
	}
	return e.apply(src.bodyText, 0, len(src.bodyText))
}

// ownContext declares ctx for the rest of the cell when a statement at its top level does.
func (e *emitter) ownContext(a *ast.AssignStmt) {
	for _, x := range a.Lhs {
		if id, ok := x.(*ast.Ident); ok && id.Name == ctxName {
			if o := e.c.info.Defs[id]; o != nil {
				e.insert(e.src.offset(a.Pos()), fmt.Sprintf("var %s %s; _ = %s; ", ctxName, e.spell().typ(o.Type()), ctxName))
			}
		}
	}
}

func (e *emitter) show() string { return e.rt("Show") }

// shown reports whether a cell's last expression has a value worth showing: not that of a call that prints.
func (e *emitter) shown(x ast.Expr) bool {
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	if !ok {
		return true
	}
	tv := e.c.info.Types[call]
	if tv.IsVoid() || tv.Type == nil {
		return false
	}
	name := ""
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	t, ok := tv.Type.(*types.Tuple)
	if !ok || t.Len() != 2 || t.At(0).Type().String() != "int" || t.At(1).Type().String() != "error" {
		return true
	}
	for _, p := range []string{"Print", "Fprint", "Write"} {
		if strings.HasPrefix(name, p) {
			return false
		}
	}
	return true
}

// statement reports whether an expression may stand alone as one.
func (e *emitter) statement(x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.CallExpr:
		tv := e.c.info.Types[x.Fun]
		if tv.IsBuiltin() {
			return e.c.info.Types[x].IsVoid() || e.src.slice(x.Fun) == "copy" || e.src.slice(x.Fun) == "recover"
		}
		return !tv.IsType()
	case *ast.UnaryExpr:
		return x.Op.String() == "<-"
	}
	return false
}

// varDecl turns a var declaration among the statements into assignments.
func (e *emitter) varDecl(g *ast.GenDecl) {
	at := e.src.offset(g.TokPos)
	e.put(at, at+len("var"), "")
	if g.Lparen.IsValid() {
		e.put(e.src.offset(g.Lparen), e.src.offset(g.Lparen)+1, "")
		e.put(e.src.offset(g.Rparen), e.src.offset(g.Rparen)+1, "")
	}
	for _, sp := range g.Specs {
		v := sp.(*ast.ValueSpec)
		if blankOnly(v) {
			e.insert(e.src.offset(v.Pos()), "var ")
			e.walk(v)
			continue
		}
		for _, id := range v.Names {
			e.ident(id, false)
		}
		if v.Type != nil && len(v.Values) > 0 { // the type's line ends go behind the =, where they end no statement
			e.put(e.src.offset(v.Type.Pos()), e.src.offset(v.Values[0].Pos()), "= ")
		}
		if len(v.Values) == 0 {
			var zeros []string
			for _, id := range v.Names {
				zero := "0"
				if o := e.c.info.Defs[id]; o != nil {
					zero = e.zero(o.Type())
				}
				zeros = append(zeros, zero)
			}
			e.replace(v.Type, "= "+strings.Join(zeros, ", "))
		}
		for _, x := range v.Values {
			e.walk(x)
		}
	}
}

func blankOnly(v *ast.ValueSpec) bool {
	for _, id := range v.Names {
		if id.Name != "_" {
			return false
		}
	}
	return true
}

// effectless finds the expression that gave a variable a type that has no spelling here. Only the type of the expression
// is used, but it is evaluated, so it must have no effect.
func (e *emitter) effectless(name string) string {
	find := func(names []ast.Expr, values []ast.Expr) ast.Expr {
		if len(names) == len(values) {
			for i, x := range names {
				if id, ok := x.(*ast.Ident); ok && id.Name == name {
					return values[i]
				}
			}
		}
		return nil
	}
	for _, st := range e.c.src.body {
		var x ast.Expr
		switch s := unlabel(st).(type) {
		case *ast.AssignStmt:
			x = find(s.Lhs, s.Rhs)
		case *ast.DeclStmt:
			for _, sp := range s.Decl.(*ast.GenDecl).Specs {
				if v, ok := sp.(*ast.ValueSpec); ok {
					var names []ast.Expr
					for _, id := range v.Names {
						names = append(names, id)
					}
					if f := find(names, v.Values); f != nil {
						x = f
					}
				}
			}
		}
		if x != nil && pure(x) {
			e.edits = nil
			e.src = e.c.src
			e.walk(x)
			return e.apply(e.src.code, e.src.offset(x.Pos()), e.src.end(x))
		}
	}
	return "nil"
}

// pure reports whether evaluating an expression can have no effect.
func pure(x ast.Expr) bool {
	ok := true
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr, *ast.IndexExpr, *ast.StarExpr, *ast.TypeAssertExpr, *ast.SliceExpr:
			ok = false
		case *ast.UnaryExpr:
			ok = ok && n.Op.String() != "<-"
		case *ast.FuncLit:
			return false
		}
		return ok
	})
	return ok
}
