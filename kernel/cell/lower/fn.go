package lower

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// A local is a variable of the text.
type local struct {
	name  string
	typ   string // of the value; a boxed variable is a pointer to it
	boxed bool
}

// A fn is a function of the text that is being written: a function, or a literal in it.
type fn struct {
	l        *lowerer
	parent   *fn // of a literal
	env      env
	inst     string
	sig      *types.Signature // of the source, with type arguments; nil: none
	vars     map[types.Object]*local
	names    map[string]bool // taken, in the whole function with its literals
	declared []string        // declarations at its beginning
	captures []local         // of a literal: what it needs of its parent, by value
	captured map[string]bool
	own      map[string]bool // names that it declares itself
	b        strings.Builder
	ind      int
	free     map[string][]string // temporaries that can be used again, by type
	taken    []local             // temporaries of the current statement
	ready    map[ast.Expr]string // calls that were written before the expression around them
	targets  []*target
	results  []local // where return puts the results; nil: they are returned
	defers   string  // the variable with the deferred calls
	recover  string  // the variable with the calls whose panic recover can stop
	through  *through
	unused   ast.Node // a call whose results are dropped
	needL    bool
	overlay  bool // of a package that is lowered from a source of this package
	polls    bool // calls something of the text
}

// A target is what break and continue can leave.
type target struct {
	label  string // in the source
	name   string // in the text
	used   bool
	loop   bool // continue works
	pseudo bool // a loop of the text that is a switch of the source
	post   func()
	fn     *fn
	starts map[string]int // of a list of statements with labels for goto: the number of the statement
	from   string         // … and the variable that has the number of the first one to run
	yield  string         // of a loop over a function, in its body: the variable with the loop's state
}

// A through is a loop over a function: its body is a literal.
type through struct {
	code  string
	state string
	exits []exit
}

type exit struct {
	code int
	emit func(*fn)
}

func (l *lowerer) newFn(parent *fn) *fn {
	f := &fn{l: l, parent: parent, vars: map[types.Object]*local{}, names: map[string]bool{}, captured: map[string]bool{},
		own: map[string]bool{}, free: map[string][]string{}, ready: map[ast.Expr]string{}, ind: 1}
	if parent != nil {
		f.names, f.env, f.inst, f.overlay = parent.names, parent.env, parent.inst, parent.overlay
	} else {
		f.own["l"] = true
		for _, n := range []string{"l", "op", "rt", "ty"} {
			f.names[n] = true
		}
	}
	return f
}

func (f *fn) line(format string, args ...any) {
	for range f.ind {
		f.b.WriteByte('\t')
	}
	fmt.Fprintf(&f.b, format, args...)
	f.b.WriteByte('\n')
}

// head returns the declarations at the beginning of the function.
func (f *fn) head() string {
	var b strings.Builder
	for _, d := range f.declared {
		b.WriteString("\t" + d + "\n")
	}
	return b.String()
}

// name returns a new name like base.
func (f *fn) name(base string) string {
	base = clean(base)
	if base == "" || base == "_" {
		base = "v"
	}
	for _, p := range []string{"f_", "lit", "bound", "initialise", "Method_", "Value_"} {
		if strings.HasPrefix(base, p) { // names of functions
			base = "v_" + base
		}
	}
	n := base
	for i := 2; f.names[n] || predeclared[n]; i++ {
		n = fmt.Sprintf("%s_%d", base, i)
	}
	f.names[n] = true
	f.own[n] = true
	return n
}

// predeclared are names that the text must not hide, and those that the interpreter treats specially.
var predeclared = func() map[string]bool {
	m := map[string]bool{"init": true, "main": true, "Run": true, "cell": true}
	for _, n := range types.Universe.Names() {
		m[n] = true
	}
	for t := token.BREAK; t <= token.VAR; t++ {
		m[t.String()] = true
	}
	return m
}()

// uses records that a name of a function around is used.
func (f *fn) uses(v local) {
	if f.own[v.name] || f.captured[v.name] || f.parent == nil {
		return
	}
	f.captured[v.name] = true
	f.captures = append(f.captures, v)
	f.parent.uses(v)
}

// at is the text of the place where the running line is kept.
func (f *fn) at() string {
	f.needL = true
	return "l"
}

// mark stores the line of a node.
func (f *fn) mark(n ast.Node) {
	if f.overlay {
		f.at()
		return
	}
	f.line("*%s = %s", f.at(), f.lineOf(n))
}

// lineOf writes the line of a node. A failure in an overlay is one of the line that called it.
func (f *fn) lineOf(n ast.Node) string {
	if f.overlay {
		return "*" + f.at()
	}
	return strconv.Itoa(f.l.Line(n.Pos()))
}

// temp returns a variable for an intermediate value of a type of the text, until the statement ends.
func (f *fn) temp(typ string) string {
	if names := f.free[typ]; len(names) > 0 {
		n := names[len(names)-1]
		f.free[typ] = names[:len(names)-1]
		f.taken = append(f.taken, local{name: n, typ: typ})
		return n
	}
	n := f.name("t")
	f.declared = append(f.declared, fmt.Sprintf("var %s %s", n, typ))
	f.taken = append(f.taken, local{name: n, typ: typ})
	return n
}

// keep is temp for a variable that is never used for something else.
func (f *fn) keep(base, typ string) string {
	n := f.name(base)
	f.declared = append(f.declared, fmt.Sprintf("var %s %s", n, typ))
	return n
}

// set writes the assignment of a call's result. The interpreter puts a function that compiled code returns into a
// variable in such a way that the variable cannot be assigned again, unless the call declares the variable.
func (f *fn) set(v, typ, call string) {
	if strings.HasSuffix(call, ")") && f.l.funcs[typ] && !strings.HasPrefix(call, "(") {
		t := f.name("t")
		f.line("%s := %s", t, call)
		call = t
	}
	f.line("%s = %s", v, call)
}

// release ends a statement that began when the given number of temporaries was taken.
func (f *fn) release(from int) {
	for _, t := range f.taken[from:] {
		f.free[t.typ] = append(f.free[t.typ], t.name)
	}
	f.taken = f.taken[:from]
}

// zero returns a variable that nothing is ever assigned to.
func (f *fn) zero(typ string) string {
	k := "zero " + typ
	if names := f.free[k]; len(names) > 0 {
		return names[0]
	}
	n := f.keep("zero", typ)
	f.free[k] = []string{n}
	return n
}

// typeOf returns the type of an expression in this instance of the function.
func (f *fn) typeOf(x ast.Expr) types.Type { return f.sub(f.l.Info.TypeOf(x)) }

func (f *fn) sub(t types.Type) types.Type { return f.l.subst(t, f.env, f.inst) }

// view returns the text of the type that the text uses for values of a type.
func (f *fn) view(t types.Type) string {
	text := f.l.typ(f.l.view(t))
	if f.l.holdsFloat(t) {
		f.l.floats[text] = true
	}
	return text
}

// declare makes a variable of the source known; the caller gives it a value.
func (f *fn) declare(o types.Object) *local {
	v := &local{name: f.name(o.Name()), typ: f.view(f.sub(o.Type())), boxed: f.l.captured[o]}
	f.vars[o] = v
	typ := v.typ
	if v.boxed {
		typ = "*" + typ
	}
	f.declared = append(f.declared, fmt.Sprintf("var %s %s", v.name, typ))
	return v
}

// define declares a variable and gives it a value: empty for the zero value.
func (f *fn) define(o types.Object, value string) {
	v := f.declare(o)
	if v.boxed {
		f.line("%s = new(%s)", v.name, v.typ)
		if value != "" {
			f.line("*%s = %s", v.name, value)
		}
		return
	}
	if value == "" {
		value = f.zero(v.typ)
	}
	f.line("%s = %s", v.name, value)
}

// lookup finds a variable of the function or of one around it.
func (f *fn) lookup(o types.Object) *local {
	for g := f; g != nil; g = g.parent {
		if v := g.vars[o]; v != nil {
			if g != f {
				w := *v
				if w.boxed {
					w.typ = "*" + w.typ
				}
				f.uses(w)
			}
			return v
		}
	}
	return nil
}
