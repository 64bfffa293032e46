package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/source"
)

// FaithfulSet lists the constructs that the interpreter is proven to run as the compiler does, each with the
// case of the corpus (kernel/engine/testdata/corpus) that runs through both engines. The driver accepts a
// construct only by naming an entry of this set, and a cell only when it has accepted all of it.
var FaithfulSet = map[string]string{
	constantValue:   "faithful-constants",
	sessionVariable: "faithful-variables",
	assignment:      "faithful-assign",
	arithmetic:      "faithful-arithmetic",
	comparison:      "faithful-comparison",
	packageCall:     "faithful-call-std",
	functionCall:    "faithful-call-session",
	methodCall:      "faithful-call-method",
	field:           "faithful-field",
	length:          "faithful-len",
	mapIndex:        "faithful-map-index",
	basicLiteral:    "faithful-literals",
	conversion:      "faithful-conversion",
	packageVariable: "faithful-package-variable",
}

const (
	constantValue   = "constant"
	sessionVariable = "session variable"
	assignment      = "assignment"
	arithmetic      = "arithmetic"
	comparison      = "comparison"
	packageCall     = "call of a package"
	functionCall    = "call of a function"
	methodCall      = "call of a method"
	field           = "field"
	length          = "len"
	mapIndex        = "map index"
	basicLiteral    = "literal of basics"
	conversion      = "number conversion"
	packageVariable = "package variable"
)

// A driver decides whether the interpreter may run a cell's statements.
type driver struct {
	c        *placement
	e        *emitter
	set      map[string]string   // FaithfulSet
	accepted map[ast.Node]string // the entry that accepted each
	refused  *source.Diagnostic
}

// accept lets the interpreter run a construct if the set has the entry. Parts of the construct are accepted
// on their own.
func (d *driver) accept(n ast.Node, entry string) bool {
	if d.set[entry] == "" {
		return d.refuse(n, "this")
	}
	d.accepted[n] = entry
	return true
}

// entries lists the entries by which a cell was accepted.
func (d *driver) entries() []string {
	used := map[string]bool{}
	for _, entry := range d.accepted {
		used[entry] = true
	}
	return sortedKeys(used)
}

func (d *driver) refuse(n ast.Node, what string) bool {
	if d.refused == nil {
		r := source.Diagnostic{Cell: d.c.src.N, Kind: source.Refused,
			Message: what + " is outside what the interpreter is proven to run correctly",
			Hint:    "Use %engine auto (or compiled) for this cell"}
		r.Line, r.Column = d.c.src.Position(n.Pos())
		d.refused = &r
	}
	return false
}

// refuseDefinition explains why a cell that defines something needs the compiler.
func (p *placement) refuseDefinition() source.Diagnostic {
	r := source.Diagnostic{Cell: p.src.N, Kind: source.Refused,
		Message: "definitions of functions, types and constants need the compiled engine",
		Hint:    "Use %engine auto (or compiled) for this cell"}
	if len(p.emitted) > 0 && p.emitted[0].src == p.src {
		r.Line, r.Column = p.src.Position(p.emitted[0].node.Pos())
	}
	return p.s.excerpts(source.Diagnostics{r}, p.src)[0]
}

// all reports whether the interpreter may run all statements of the cell. If it may not, refused is set.
func (d *driver) all() bool {
	if !textual(d.c.steps) {
		return d.refuse(d.c.body[0], "initialising variables in another order than that of the text")
	}
	for _, st := range d.c.body {
		if !d.stmt(st) || !d.complete(st) {
			return d.refuse(st, "this") // no effect when there is a reason already
		}
	}
	return true
}

// complete reports whether an entry has accepted everything in a statement. It does not look into constants
// and variables of packages, which are accepted as a whole.
func (d *driver) complete(st ast.Stmt) bool {
	ok := true
	ast.Inspect(st, func(n ast.Node) bool {
		x, isExpr := n.(ast.Expr)
		tv := d.c.info.Types[x]
		entry := d.accepted[n]
		switch {
		case !ok || entry == constantValue || entry == packageVariable:
			return false
		case isExpr:
			_, call := n.(*ast.CallExpr)
			ok = entry != "" || !call && !tv.IsValue()
			return !tv.IsType()
		}
		switch n.(type) {
		case *ast.AssignStmt, *ast.IncDecStmt, *ast.DeclStmt:
			ok = entry != ""
		case nil, *ast.EmptyStmt, *ast.ExprStmt, *ast.GenDecl, *ast.ValueSpec:
		default:
			ok = false
		}
		return ok
	})
	return ok || d.refuse(st, "this")
}

func (d *driver) stmt(st ast.Stmt) bool {
	switch s := st.(type) {
	case *ast.EmptyStmt:
		return true
	case *ast.ExprStmt:
		if call, ok := ast.Unparen(s.X).(*ast.CallExpr); ok {
			return d.call(call, true)
		}
		return d.expr(s.X)
	case *ast.AssignStmt:
		return d.assign(s)
	case *ast.IncDecStmt:
		return d.target(s.X) && d.number(s.X) && d.accept(s, assignment)
	case *ast.DeclStmt:
		return d.declaration(s)
	}
	return d.refuse(st, describeStmt(st))
}

// declaration accepts declarations of variables that have one value each, of their own type.
func (d *driver) declaration(s *ast.DeclStmt) bool {
	specs := s.Decl.(*ast.GenDecl).Specs
	for _, sp := range specs {
		v := sp.(*ast.ValueSpec)
		// yaegi sets several variables one after the other: var x, y = y, x is wrong. It counts a group as one
		// statement.
		parallel := len(v.Names) > 1 && slices.ContainsFunc(v.Values,
			func(x ast.Expr) bool { return d.c.info.Types[x].Value == nil })
		if blankOnly(v) || len(v.Values) != len(v.Names) || parallel || len(specs) > 1 {
			return d.refuse(v, "this declaration")
		}
		for i, id := range v.Names {
			if id.Name == "_" || !d.expr(v.Values[i]) || !d.same(id, v.Values[i]) {
				return d.refuse(v, "this declaration")
			}
		}
	}
	return d.accept(s, assignment)
}

func describeStmt(st ast.Stmt) string {
	switch st.(type) {
	case *ast.ForStmt, *ast.RangeStmt:
		return "a loop"
	case *ast.GoStmt:
		return "a go statement"
	case *ast.DeferStmt:
		return "defer"
	case *ast.SelectStmt:
		return "select"
	case *ast.SendStmt:
		return "a send"
	case *ast.IfStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt:
		return "a branch"
	}
	return "this statement"
}

func (d *driver) typeOf(x ast.Expr) types.Type {
	if id, ok := x.(*ast.Ident); ok {
		if o := d.c.info.Defs[id]; o != nil {
			return o.Type()
		}
		if o := d.c.info.Uses[id]; o != nil {
			return o.Type()
		}
	}
	return d.c.info.Types[x].Type
}

// plain reports whether a type is one of the few whose arithmetic is proven.
func plain(t types.Type) bool {
	b, ok := t.(*types.Basic)
	if !ok {
		return false
	}
	switch b.Kind() {
	case types.Int, types.Float64, types.String, types.Bool, types.UntypedBool:
		return true
	}
	return false
}

func (d *driver) number(x ast.Expr) bool {
	t, ok := d.typeOf(x).(*types.Basic)
	if !ok || t.Kind() != types.Int && t.Kind() != types.Float64 {
		return d.refuse(x, "arithmetic on this type")
	}
	return true
}

// same reports whether a value is assigned to a variable without conversion.
func (d *driver) same(to, from ast.Expr) bool {
	t := d.typeOf(to)
	return t != nil && types.Identical(t, d.c.info.Types[from].Type)
}

func (d *driver) target(x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	if !ok {
		return d.refuse(x, "assignment to anything but a variable")
	}
	if id.Name == "_" {
		return true
	}
	for _, o := range []types.Object{d.c.info.Defs[id], d.c.info.Uses[id]} {
		if _, ok := o.(*types.Var); ok && (isGlobal(o) || d.c.isCellVar(o)) {
			return !d.hidden(o.Type(), x) && d.accept(x, sessionVariable)
		}
	}
	return d.refuse(x, "assignment to anything but a variable")
}

// hidden refuses variables of types that only compiled code can build.
func (d *driver) hidden(t types.Type, at ast.Node) bool {
	if buildable(t, map[types.Type]bool{}) && !d.e.hidden(t) {
		return false
	}
	d.refuse(at, "a variable of type "+names.Clean((&speller{}).typ(t)))
	return true
}

// buildable reports whether the run-time form of a type is available without compiling: for basic types,
// named types of packages and cells, and types composed of them without struct, interface or function
// literals.
func buildable(t types.Type, seen map[types.Type]bool) bool {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		return t.Kind() != types.UnsafePointer && t.Info()&types.IsUntyped == 0
	case *types.Named:
		return t.TypeArgs().Len() == 0 && (t.Obj().Pkg() == nil || t.Obj().Exported() || isGlobal(t.Obj()))
	case *types.Pointer:
		return buildable(t.Elem(), seen)
	case *types.Slice:
		return buildable(t.Elem(), seen)
	case *types.Array:
		return buildable(t.Elem(), seen)
	case *types.Map:
		return buildable(t.Key(), seen) && buildable(t.Elem(), seen)
	case *types.Chan:
		return t.Dir() == types.SendRecv && buildable(t.Elem(), seen)
	case *types.Interface:
		return t.NumMethods() == 0 && t.NumEmbeddeds() == 0
	}
	return false
}

func (d *driver) assign(s *ast.AssignStmt) bool {
	for _, x := range s.Lhs {
		if !d.target(x) {
			return false
		}
	}
	switch s.Tok {
	case token.ASSIGN, token.DEFINE:
		if len(s.Rhs) == 1 && len(s.Lhs) > 1 {
			call, ok := ast.Unparen(s.Rhs[0]).(*ast.CallExpr)
			if !ok {
				return d.refuse(s, "this assignment")
			}
			t, ok := d.c.info.Types[call].Type.(*types.Tuple)
			if !ok {
				return d.refuse(s, "this assignment")
			}
			for i, x := range s.Lhs {
				if id := x.(*ast.Ident); id.Name != "_" && !types.Identical(d.typeOf(x), t.At(i).Type()) {
					return d.refuse(x, "an assignment that converts")
				}
			}
			return d.call(call, true) && d.accept(s, assignment)
		}
		if len(s.Lhs) != 1 {
			return d.refuse(s, "a parallel assignment")
		}
		if id := s.Lhs[0].(*ast.Ident); id.Name != "_" && !d.same(s.Lhs[0], s.Rhs[0]) {
			return d.refuse(s.Rhs[0], "an assignment that converts")
		}
		return d.expr(s.Rhs[0]) && d.accept(s, assignment)
	case token.ADD_ASSIGN, token.SUB_ASSIGN, token.MUL_ASSIGN:
		if !plain(d.typeOf(s.Lhs[0])) || !d.expr(s.Rhs[0]) {
			return d.refuse(s, "arithmetic on this type")
		}
		return d.accept(s, assignment)
	}
	return d.refuse(s, "this assignment")
}
