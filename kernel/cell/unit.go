package cell

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/source"
)

type kind int

const (
	funcUnit kind = iota
	methodUnit
	typeUnit
	constUnit
	varUnit
	initUnit
	blankUnit // a function, method or type called _: it is only checked
)

// A unit is one thing that the session can replace as a whole: a function, a method, a type, a group of
// constants, a variable. A unit never changes once its cell is committed, except for the entries that later
// cells add; building it again makes another unit.
type unit struct {
	kind  kind
	names []string // of a method, its own name without the type
	recv  string   // of a method, the type's name
	src   *source.Source
	node  ast.Node // FuncDecl, TypeSpec or GenDecl; nil for a variable

	// home is the cell whose package holds the definition that callers refer to. A function that was redefined
	// with the same signature keeps its home: the first definition jumps to the newest. For a variable it is the
	// generation of its storage.
	home int

	typ     types.Type      // of a variable
	objs    []types.Object  // the objects of the name in checks that do not check the unit again
	uses    map[string]bool // session names that it mentions
	methods map[string]bool // keys of methods of session types that it mentions
	sigUses map[string]bool // of a function or method, those in its signature
	sig     string          // the signature, to find out whether a new body can replace the old one
	generic bool            // a function, or method of a type, with type parameters
	direct  bool            // a function or method that depends on its caller
	// compiled as it is written: a later definition is written over its entries; see plain.go
	plain     bool
	ofPointer bool // of a method: its receiver is one
	body      int  // of a plain function or method, the cell whose package holds its code; 0: home
	// of a variable, the names that closures in it use, with the cells that made them; replaced as a whole
	closes  map[string]int
	lost    string                // of a variable without a value, the reason, as the rest of a sentence about it
	aside   *source.Diagnostic    // why it no longer fits, when it is set aside
	blanked map[*ast.Ident]string // names of a constant group that a later cell declared, which are blank here
	builtin bool                  // ctx: generated code replaces it by a call

	compiled // of a plain function or method
}

// compiled holds the facts about the code that was written for a unit. Emitting finds them, commit records
// them.
type compiled struct {
	entries *[]Entry // of a plain function or method, where calls that were compiled so far arrive
	derefs  *[]Entry // of a plain method with a value receiver, where calls through a pointer arrive
	// of a plain function or method, where calls of values and through interfaces arrive, which rely on nothing
	values *[]Entry
	holds  map[string]bool // keys of plain functions and methods of which it may hold inlined copies
	static map[string]bool // keys of functions and methods that it calls with the knowledge of them at its compilation
	keeps  map[string]bool // … of which function literals that may outlive the call hold copies
	inKept map[string]bool // … that such literals name
	living map[string]bool // of an init function, what these and literals of go statements hold
	named  map[string]bool // … and name
}

// rigid reports whether a function cannot jump to a later definition, so that its callers must be built
// again.
func (u *unit) rigid() bool { return u.generic || u.direct && !u.plain }

// caresForCaller reports whether a function behaves differently when it is called through another one:
// recover works only in a deferred call itself, and runtime.Caller counts calls.
func caresForCaller(f *ast.FuncDecl) (yes bool) {
	if f.Body == nil {
		return false
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			switch f := ast.Unparen(x.Fun).(type) {
			case *ast.Ident:
				yes = yes || f.Name == "recover"
			case *ast.SelectorExpr:
				pkg, ok := f.X.(*ast.Ident)
				yes = yes || ok && pkg.Name == "runtime" && (f.Sel.Name == "Caller" || f.Sel.Name == "Callers")
			}
		}
		return !yes
	})
	return yes
}

// key identifies what a redefinition replaces.
func (u *unit) key() string {
	if u.kind == methodUnit {
		return u.recv + "." + u.names[0]
	}
	return strings.Join(u.names, ",")
}

func (u *unit) text() string {
	if u.node == nil {
		return ""
	}
	return u.src.Slice(u.node)
}

// mentions reports whether the unit uses one of the names.
func mentions(uses, names map[string]bool) bool {
	for n := range uses {
		if names[n] {
			return true
		}
	}
	return false
}

// units returns the units of the cell, in order: declarations first, then the names that its statements
// declare as variables.
func unitsOf(src *source.Source) (units []*unit, body []ast.Stmt, vars []*ast.Ident) {
	for _, f := range src.Funcs {
		u := &unit{kind: funcUnit, names: []string{f.Name.Name}, src: src, node: f, home: src.Serial}
		switch {
		case f.Recv != nil && len(f.Recv.List) > 0:
			u.kind, u.recv = methodUnit, receiverName(f.Recv.List[0].Type)
			_, u.generic = ast.Unparen(deref(f.Recv.List[0].Type)).(*ast.IndexExpr)
			if _, ok := ast.Unparen(deref(f.Recv.List[0].Type)).(*ast.IndexListExpr); ok {
				u.generic = true
			}
		case f.Name.Name == "init":
			u.kind = initUnit
		}
		if f.Name.Name == "_" {
			u.kind = blankUnit
		}
		u.generic = u.generic || f.Type.TypeParams != nil
		u.direct = caresForCaller(f)
		units = append(units, u)
	}
	for _, st := range src.Body {
		d, ok := unlabel(st).(*ast.DeclStmt)
		if !ok {
			vars = append(vars, defined(unlabel(st))...)
			body = append(body, st)
			continue
		}
		g := d.Decl.(*ast.GenDecl)
		switch g.Tok.String() {
		case "type":
			for _, sp := range g.Specs {
				t := sp.(*ast.TypeSpec)
				u := &unit{kind: typeUnit, names: []string{t.Name.Name}, src: src, node: t, home: src.Serial,
					generic: t.TypeParams != nil}
				if t.Name.Name == "_" {
					u.kind = blankUnit
				}
				units = append(units, u)
			}
		case "const":
			u := &unit{kind: constUnit, src: src, node: g, home: src.Serial}
			for _, sp := range g.Specs {
				for _, id := range sp.(*ast.ValueSpec).Names {
					if id.Name != "_" {
						u.names = append(u.names, id.Name)
					}
				}
			}
			units = append(units, u)
		default:
			for _, sp := range g.Specs {
				for _, id := range sp.(*ast.ValueSpec).Names {
					if id.Name != "_" {
						vars = append(vars, id)
					}
				}
			}
			body = append(body, st)
		}
	}
	return units, body, vars
}

func unlabel(st ast.Stmt) ast.Stmt {
	for {
		l, ok := st.(*ast.LabeledStmt)
		if !ok {
			return st
		}
		st = l.Stmt
	}
}

// defined lists the identifiers on the left of a := statement.
func defined(st ast.Stmt) (ids []*ast.Ident) {
	if a, ok := st.(*ast.AssignStmt); ok && a.Tok.String() == ":=" {
		for _, x := range a.Lhs {
			if id, ok := x.(*ast.Ident); ok && id.Name != "_" && id.Name != ctxName {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

func deref(x ast.Expr) ast.Expr {
	if s, ok := ast.Unparen(x).(*ast.StarExpr); ok {
		return s.X
	}
	return x
}

func receiverName(x ast.Expr) (name string) {
	ast.Inspect(x, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return name == ""
	})
	return name
}

// ctxName is declared in every session: the context of the cell for which the code runs. A cell that declares
// it with := gets its own variable, so that the next cell finds its own context again.
const ctxName = "ctx"

// predeclare makes the names that every session has.
func (s *Scope) predeclare() {
	p, err := s.pkgs.Import("context")
	if err != nil {
		return
	}
	o := p.Scope().Lookup("Context")
	if o == nil {
		return
	}
	v := types.NewVar(0, s.pkg, ctxName, o.Type())
	s.units = append(s.units, &unit{kind: varUnit, names: []string{ctxName}, src: &source.Source{}, typ: o.Type(),
		objs: []types.Object{v}, uses: map[string]bool{}, builtin: true})
}

// without returns the constant group with one of its names made blank, because a later cell defined that name
// again.
func (u *unit) without(name string) *unit {
	c := *u
	if c.blanked = maps.Clone(u.blanked); c.blanked == nil {
		c.blanked = map[*ast.Ident]string{}
	}
	c.names = slices.DeleteFunc(slices.Clone(u.names), func(n string) bool { return n == name })
	g := *u.node.(*ast.GenDecl)
	g.Specs = slices.Clone(g.Specs)
	for i, sp := range g.Specs {
		v := *sp.(*ast.ValueSpec)
		v.Names = slices.Clone(v.Names)
		for j, id := range v.Names {
			if id.Name == name {
				blank := &ast.Ident{NamePos: id.NamePos, Name: "_"}
				v.Names[j], c.blanked[blank] = blank, names.Clean(name)
			}
		}
		g.Specs[i] = &v
	}
	c.node = &g
	c.objs = slices.DeleteFunc(slices.Clone(u.objs), func(o types.Object) bool { return o.Name() == name })
	return &c
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
