package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/source"
)

// An emitter writes the Go package of one cell. It never prints syntax: it edits the cells' own text where a
// name must be spelled otherwise, so that every line stays where the user wrote it.
type emitter struct {
	c        *placement
	imports  map[string]bool
	pointers map[string]Variable // variables used, by the name of their pointer
	inFunc   bool                // a function or method is being written
	written  map[*unit]*compiled

	plainly

	unit     *unit // the unit being written
	src      *source.Source
	edits    []edit
	selected map[*ast.Ident]bool
	drive    bool // write for the interpreter
}

// An emission is the package of a cell, with the facts about its code.
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
	asValues map[string]*unit // functions of which the cell has values
	valued   map[string]bool  // functions that are named as values
}

func newEmitter(p *placement) *emitter {
	e := &emitter{c: p, imports: map[string]bool{}, pointers: map[string]Variable{}, written: map[*unit]*compiled{},
		plainly: newPlainly(), selected: map[*ast.Ident]bool{}}
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

// walk makes the edits that a piece of syntax needs.
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
	symbols strings.Builder // what the interpreter can use
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
	fmt.Fprintf(&b, "%s\n%s//line cell[%d]:1\n%s\n", e.prologue(c.body), first, c.src.N, body)
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

// tail writes the code that the front end adds after the cell's own: pointers to variables and to later
// definitions, and the registration.
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
	fmt.Fprintf(&tail,
		"func init() {\n%s%s(&%s{N: %d, Run: %s, Gate: %s, Step: %s, "+
			"%sPatch: func() {\n%s}, Symbols: map[string]any{%s}})\n}\n",
		follow, e.rt("Register"), e.rt("Cell"), c.src.Serial, cellFunc, gate, steps, early, p.patches.String(),
		p.symbols.String())
	return tail.String()
}

// head writes the imports. It is called last, when all of them are known.
func (e *emitter) head() string {
	var head strings.Builder
	fmt.Fprintf(&head, "package %s\n\n", names.PackageName)
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
	line, _ := u.src.Position(u.node.Pos())
	prefix, before, behind := "", "", ""
	switch d := u.node.(type) {
	case *ast.TypeSpec:
		prefix = "type "
		if !u.generic && !constraint(u) {
			fmt.Fprintf(&p.symbols, "%q: (*%s)(nil), ", "type "+u.names[0], names.Mangle(u.names[0]))
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
	text := e.apply(u.src.Code, u.src.Offset(u.node.Pos()), u.src.End(u.node))
	fmt.Fprintf(&p.decls, "%s//line cell[%d]:%d\n%s%s\n%s", before, u.src.N, line, prefix, text, behind)
}

// function makes the edits that turn a function into one that can be replaced, or that replaces another.
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
		fmt.Fprintf(&p.patches, "%s.%s = %s; %s(%d)\n", e.use(fmt.Sprint(names.PackagePrefix, u.home)), patchName(u),
			name, e.rt("Replaced"), u.home)
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
		fmt.Fprintf(&p.symbols, "%q: %s, ", u.names[0], names.Mangle(u.names[0]))
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

// pragmas returns the compiler directives above a function.
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
