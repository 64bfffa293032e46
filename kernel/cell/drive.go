package cell

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// The faithful set: what the interpreter is proven to do as the compiler does. It is this file and nothing else. Every
// entry carries the name of a case in the corpus (kernel/engine/testdata/corpus) that runs through both engines; an
// entry without one does not belong here.

// DriveVars is the name under which interpreted code reaches the session's variables, DriveVarsPath its import path.
const (
	DriveVars     = own + "vars"
	DriveVarsPath = "interleave/vars"
)

// FaithfulSet names the entries and the corpus case that proves each.
var FaithfulSet = map[string]string{
	"constant":           "faithful-constants",
	"session variable":   "faithful-variables",
	"assignment":         "faithful-assign",
	"arithmetic":         "faithful-arithmetic",
	"comparison":         "faithful-comparison",
	"call of a package":  "faithful-call-std",
	"call of a function": "faithful-call-session",
	"call of a method":   "faithful-call-method",
	"field":              "faithful-field",
	"len":                "faithful-len",
	"map index":          "faithful-map-index",
	"literal of basics":  "faithful-literals",
	"number conversion":  "faithful-conversion",
	"package variable":   "faithful-package-variable",
}

// A driver decides whether the interpreter may run a cell's statements.
type driver struct {
	c       *placement
	e       *emitter
	refused *Diagnostic
}

func (d *driver) refuse(n ast.Node, what string) bool {
	if d.refused == nil {
		r := Diagnostic{Cell: d.c.src.n, Kind: "refused", Message: what + " is outside what the interpreter is proven to do right",
			Hint: "Use %engine auto (or compiled) for this cell"}
		r.Line, r.Column = d.c.src.position(n.Pos())
		d.refused = &r
	}
	return false
}

// refuseDefinition says why a cell that defines something needs the compiler.
func (p *placement) refuseDefinition() Diagnostic {
	r := Diagnostic{Cell: p.src.n, Kind: "refused", Message: "definitions of functions, types and constants need the compiled engine",
		Hint: "Use %engine auto (or compiled) for this cell"}
	if len(p.emitted) > 0 && p.emitted[0].src == p.src {
		r.Line, r.Column = p.src.position(p.emitted[0].node.Pos())
	}
	return p.s.excerpts(Diagnostics{r}, p.src)[0]
}

// drive writes the statements for the interpreter, if it may run them.
func (p *placement) drive(e *emitter, plan *Plan) {
	d := &driver{c: p, e: e}
	if !d.all() {
		plan.Refused = p.s.excerpts(Diagnostics{*d.refused}, p.src)[0]
		return
	}
	w := newEmitter(p)
	w.src, w.drive = p.src, true
	var b strings.Builder
	for i, st := range p.body {
		line, _ := p.src.position(st.Pos())
		fmt.Fprintf(&b, "%s(%d, %d)\n", w.rt("At"), line, i)
		b.WriteString(w.driveStmt(st, i == len(p.body)-1))
		b.WriteString("\n")
	}
	plan.Drive, plan.Drives = b.String(), sortedKeys(w.imports)
	// The interpreter counts statements, in which a declaration may set several variables.
	for i, st := range p.body {
		for _, name := range stmtSets(st) {
			if p.fresh[name] {
				plan.DriveSets = append(plan.DriveSets, Setting{name, i + 1})
			}
		}
	}
}

// all reports whether the interpreter may run all statements of the cell; refused is set when not.
func (d *driver) all() bool {
	if !textual(d.c.steps) {
		return d.refuse(d.c.body[0], "initialising variables in another order than that of the text")
	}
	for _, st := range d.c.body {
		if !d.stmt(st) {
			return d.refuse(st, "this") // without effect when there is a reason already
		}
	}
	return true
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
		return d.target(s.X) && d.number(s.X)
	case *ast.DeclStmt:
		specs := s.Decl.(*ast.GenDecl).Specs
		for _, sp := range specs {
			v := sp.(*ast.ValueSpec)
			// yaegi sets several variables one after the other: var x, y = y, x is wrong. And a group counts as one statement.
			parallel := len(v.Names) > 1 && slices.ContainsFunc(v.Values, func(x ast.Expr) bool { return d.c.info.Types[x].Value == nil })
			if blankOnly(v) || len(v.Values) != len(v.Names) || parallel || len(specs) > 1 {
				return d.refuse(v, "this declaration")
			}
			for i, id := range v.Names {
				if id.Name == "_" || !d.expr(v.Values[i]) || !d.same(id, v.Values[i]) {
					return d.refuse(v, "this declaration")
				}
			}
		}
		return true
	}
	return d.refuse(st, describeStmt(st))
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

// same reports whether a value goes into a variable without conversion.
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
			return !d.hidden(o.Type(), x)
		}
	}
	return d.refuse(x, "assignment to anything but a variable")
}

// hidden refuses variables of types that cannot be built outside compiled code.
func (d *driver) hidden(t types.Type, at ast.Node) bool {
	if buildable(t, map[types.Type]bool{}) && !d.e.hidden(t) {
		return false
	}
	d.refuse(at, "a variable of type "+Clean((&speller{}).typ(t)))
	return true
}

// buildable reports whether the type's run-time form can be had without compiling: basic types, named types of packages
// and cells, and what is composed of them without structs, interfaces or functions written out.
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
			return d.call(call, true)
		}
		if len(s.Lhs) != 1 {
			return d.refuse(s, "a parallel assignment")
		}
		if id := s.Lhs[0].(*ast.Ident); id.Name != "_" && !d.same(s.Lhs[0], s.Rhs[0]) {
			return d.refuse(s.Rhs[0], "an assignment that converts")
		}
		return d.expr(s.Rhs[0])
	case token.ADD_ASSIGN, token.SUB_ASSIGN, token.MUL_ASSIGN:
		if !plain(d.typeOf(s.Lhs[0])) || !d.expr(s.Rhs[0]) {
			return d.refuse(s, "arithmetic on this type")
		}
		return true
	}
	return d.refuse(s, "this assignment")
}

func (d *driver) expr(x ast.Expr) bool {
	tv := d.c.info.Types[x]
	if tv.Value != nil {
		if _, ok := constantText(tv, nil); !ok {
			return d.refuse(x, "this constant")
		}
		return true
	}
	switch x := x.(type) {
	case *ast.ParenExpr:
		return d.expr(x.X)
	case *ast.Ident:
		if o, ok := d.c.info.Uses[x].(*types.Var); ok && (isGlobal(o) || d.c.isCellVar(o)) {
			return !d.hidden(o.Type(), x)
		}
		return d.refuse(x, "this name")
	case *ast.SelectorExpr:
		return d.selector(x)
	case *ast.CallExpr:
		return d.call(x, false)
	case *ast.BinaryExpr:
		switch x.Op {
		case token.ADD, token.SUB, token.MUL, token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ, token.LAND, token.LOR:
		default:
			return d.refuse(x, "the operator "+x.Op.String())
		}
		if !plain(d.c.info.Types[x.X].Type) || !plain(d.c.info.Types[x.Y].Type) {
			return d.refuse(x, "an operation on this type")
		}
		return d.expr(x.X) && d.expr(x.Y)
	case *ast.UnaryExpr:
		if x.Op == token.SUB || x.Op == token.NOT {
			return plain(d.c.info.Types[x.X].Type) && d.expr(x.X) || d.refuse(x, "an operation on this type")
		}
		return d.refuse(x, "the operator "+x.Op.String())
	case *ast.IndexExpr:
		m, ok := d.c.info.Types[x.X].Type.(*types.Map)
		if !ok || !plain(m.Key()) || !plain(m.Elem()) {
			return d.refuse(x, "an index expression")
		}
		if _, ok := d.c.info.Types[x].Type.(*types.Tuple); ok {
			return d.refuse(x, "the comma-ok form")
		}
		return d.expr(x.X) && d.expr(x.Index)
	case *ast.CompositeLit:
		return d.literal(x)
	}
	return d.refuse(x, describeExpr(x))
}

func describeExpr(x ast.Expr) string {
	switch x.(type) {
	case *ast.FuncLit:
		return "a function literal"
	case *ast.TypeAssertExpr:
		return "a type assertion"
	case *ast.SliceExpr:
		return "a slice expression"
	case *ast.StarExpr:
		return "a dereference"
	}
	return "this expression"
}

func (d *driver) selector(x *ast.SelectorExpr) bool {
	if sel := d.c.info.Selections[x]; sel != nil {
		if sel.Kind() != types.FieldVal || len(sel.Index()) != 1 || !sel.Obj().Exported() || !d.c.info.Types[x.X].Addressable() || !plain(sel.Type()) {
			return d.refuse(x, "this selector")
		}
		if _, ok := sel.Recv().Underlying().(*types.Struct); !ok {
			return d.refuse(x, "this selector")
		}
		return d.expr(x.X)
	}
	if v, ok := d.c.info.Uses[x.Sel].(*types.Var); ok && v.Pkg() != nil && !isSession(v) {
		if _, ok := v.Type().Underlying().(*types.Signature); !ok {
			return true
		}
	}
	return d.refuse(x, "this selector")
}

// call allows calls of what is compiled: functions of packages and of the session, exported methods. discarded says that
// the results may be none or many.
func (d *driver) call(x *ast.CallExpr, discarded bool) bool {
	tv := d.c.info.Types[x.Fun]
	if tv.IsType() {
		return d.conversion(x, tv.Type)
	}
	if tv.IsBuiltin() {
		if id, ok := ast.Unparen(x.Fun).(*ast.Ident); ok && id.Name == "len" {
			switch d.c.info.Types[x.Args[0]].Type.Underlying().(type) {
			case *types.Slice, *types.Map, *types.Basic:
				return d.expr(x.Args[0])
			}
		}
		return d.refuse(x, "this built-in function")
	}
	sig, ok := tv.Type.Underlying().(*types.Signature)
	if !ok || sig.TypeParams() != nil || x.Ellipsis.IsValid() {
		return d.refuse(x, "this call")
	}
	if sig.Variadic() && len(x.Args) == sig.Params().Len()-1 && !d.prints(x) { // to yaegi no arguments are an empty list, not a nil one
		return d.refuse(x, "a call of a variadic function without variadic arguments")
	}
	switch f := ast.Unparen(x.Fun).(type) {
	case *ast.Ident:
		o, ok := d.c.info.Uses[f].(*types.Func)
		if _, inst := d.c.info.Instances[f]; !ok || inst || !isGlobal(o) {
			return d.refuse(x, "a call of a function value or generic function")
		}
	case *ast.SelectorExpr:
		o, ok := d.c.info.Uses[f.Sel].(*types.Func)
		if _, inst := d.c.info.Instances[f.Sel]; !ok || inst || o.Signature().TypeParams() != nil {
			return d.refuse(x, "a call of a function value or generic function")
		}
		if looksAtCallers(o) {
			return d.refuse(x, "a call that asks who calls it")
		}
		if sel := d.c.info.Selections[f]; sel != nil {
			if !o.Exported() || sel.Kind() != types.MethodVal || len(sel.Index()) != 1 {
				return d.refuse(x, "a call of this method")
			}
			recv := sel.Recv()
			if p, ok := recv.(*types.Pointer); ok {
				recv = p.Elem()
			}
			n, ok := recv.(*types.Named)
			if !ok || n.TypeArgs().Len() > 0 || types.IsInterface(n) {
				return d.refuse(x, "a call of this method")
			}
			id, ok := f.X.(*ast.Ident)
			if !ok || !d.expr(id) {
				return d.refuse(x, "a method call on anything but a variable")
			}
		}
	default:
		return d.refuse(x, "this call")
	}
	if !discarded && sig.Results().Len() != 1 {
		return d.refuse(x, "a call with several results inside an expression")
	}
	for i, a := range x.Args {
		if _, ok := d.c.info.Types[a].Type.(*types.Tuple); ok {
			return d.refuse(a, "passing several results on")
		}
		if !d.expr(a) {
			return false
		}
		want := sig.Params().At(min(i, sig.Params().Len()-1)).Type()
		if sig.Variadic() && i >= sig.Params().Len()-1 {
			want = want.(*types.Slice).Elem()
		}
		have := d.c.info.Types[a].Type
		if b, ok := have.(*types.Basic); ok && b.Kind() == types.UntypedNil {
			return d.refuse(a, "a nil argument")
		}
		if _, sig := want.Underlying().(*types.Signature); sig {
			return d.refuse(a, "a function as argument")
		}
		if types.Identical(have, want) {
			continue
		}
		i, ok := want.Underlying().(*types.Interface)
		if !ok || types.IsInterface(have) && i.NumMethods() > 0 {
			return d.refuse(a, "an argument that is converted")
		}
	}
	return true
}

// looksAtCallers reports whether a function may tell its callers, which are the interpreter's own where it is interpreted. What
// logs does when it was told to.
func looksAtCallers(f *types.Func) bool {
	if f.Pkg() == nil {
		return false
	}
	switch f.Pkg().Path() {
	case "log", "log/slog":
		return true
	case "runtime":
		return f.Name() == "Caller" || f.Name() == "Callers" || f.Name() == "Stack"
	case "runtime/debug":
		return f.Name() == "Stack" || f.Name() == "PrintStack"
	}
	return false
}

// prints reports whether a call is one of package fmt's, which do not tell a nil list from an empty one.
func (d *driver) prints(x *ast.CallExpr) bool {
	f, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	o := d.c.info.Uses[f.Sel]
	return o != nil && o.Pkg() != nil && o.Pkg().Path() == "fmt"
}

func (d *driver) conversion(x *ast.CallExpr, t types.Type) bool {
	to, ok1 := t.(*types.Basic)
	from, ok2 := d.c.info.Types[x.Args[0]].Type.(*types.Basic)
	if !ok1 || !ok2 {
		return d.refuse(x, "this conversion")
	}
	for _, b := range []*types.Basic{to, from} {
		if b.Kind() != types.Int && b.Kind() != types.Float64 {
			return d.refuse(x, "this conversion")
		}
	}
	return d.expr(x.Args[0])
}

func (d *driver) literal(x *ast.CompositeLit) bool {
	switch t := d.c.info.Types[x].Type.(type) {
	case *types.Slice:
		if !plain(t.Elem()) {
			return d.refuse(x, "this literal")
		}
		for _, e := range x.Elts {
			if _, keyed := e.(*ast.KeyValueExpr); keyed || !d.expr(e) {
				return d.refuse(x, "this literal")
			}
		}
		return true
	case *types.Map:
		if !plain(t.Elem()) || !plain(t.Key()) {
			return d.refuse(x, "this literal")
		}
		for _, e := range x.Elts {
			kv := e.(*ast.KeyValueExpr)
			if !d.expr(kv.Key) || !d.expr(kv.Value) {
				return false
			}
		}
		return true
	}
	return d.refuse(x, "this literal")
}

// constantText writes a constant as the interpreter will certainly read it: its value, converted to its type.
func constantText(tv types.TypeAndValue, sp *speller) (string, bool) {
	t := types.Default(tv.Type)
	b, ok := t.Underlying().(*types.Basic)
	if !ok {
		return "", false
	}
	var s string
	switch {
	case b.Info()&types.IsBoolean != 0:
		s = strconv.FormatBool(constant.BoolVal(tv.Value))
	case b.Info()&types.IsString != 0:
		s = strconv.Quote(constant.StringVal(tv.Value))
	case b.Info()&types.IsInteger != 0:
		i, exact := constant.Int64Val(constant.ToInt(tv.Value))
		if !exact {
			return "", false
		}
		s = strconv.FormatInt(i, 10)
		if i == -1<<63 {
			return "", false
		}
	case b.Info()&types.IsFloat != 0:
		f, _ := constant.Float64Val(constant.ToFloat(tv.Value))
		s = strconv.FormatFloat(f, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		if strings.ContainsAny(s, "IN") {
			return "", false
		}
	default:
		return "", false
	}
	if t, ok := t.(*types.Basic); ok {
		switch t.Kind() {
		case types.Int, types.Float64, types.String, types.Bool:
			return s, true
		}
	}
	if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil && !n.Obj().Exported() && !isGlobal(n.Obj()) {
		return "", false
	}
	if sp == nil {
		sp = &speller{}
	}
	return sp.typ(t) + "(" + s + ")", true
}

// driveStmt writes one statement.
func (e *emitter) driveStmt(st ast.Stmt, last bool) string {
	src := e.src
	text := func(n ast.Node) string {
		return e.apply(src.code, src.offset(n.Pos()), src.end(n))
	}
	switch s := st.(type) {
	case *ast.ExprStmt:
		e.driveExpr(s.X)
		if x := text(s); last && s.X == e.c.last && !src.hidden && e.shown(s.X) {
			return e.rt("Show") + "(" + x + ")"
		} else {
			return x
		}
	case *ast.DeclStmt:
		var out []string
		for _, sp := range s.Decl.(*ast.GenDecl).Specs {
			v := sp.(*ast.ValueSpec)
			for i, id := range v.Names {
				e.ident(id, false)
				to := text(id)
				e.driveExpr(v.Values[i])
				out = append(out, to+" = "+text(v.Values[i]))
			}
		}
		return strings.Join(out, "\n")
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			at := src.offset(s.TokPos)
			e.put(at, at+2, "=")
		}
		for _, x := range s.Lhs {
			e.driveExpr(x)
		}
		for _, x := range s.Rhs {
			e.driveExpr(x)
		}
	case *ast.IncDecStmt:
		e.driveExpr(s.X)
	}
	return text(st)
}

func (e *emitter) driveExpr(x ast.Expr) {
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			e.selected[n.Sel] = true
		case *ast.Ident:
			if tv := e.c.info.Types[n]; tv.Value == nil {
				e.ident(n, false)
				return true
			}
		}
		if y, ok := n.(ast.Expr); ok {
			if tv, ok := e.c.info.Types[y]; ok && tv.Value != nil {
				s, _ := constantText(tv, e.spell())
				e.replace(y, s)
				return false
			}
		}
		return true
	})
}

// Alias is the name by which generated code knows an imported package.
func Alias(path string) string {
	if strings.HasPrefix(path, PackagePrefix) {
		return own + path[strings.LastIndexByte(path, '/')+1:]
	}
	if path == DriveVarsPath {
		return DriveVars
	}
	return alias(path)
}

// Mangle is the name that generated code gives to a session name.
func Mangle(name string) string { return mangle(name) }

// PointerName is the name by which driving code knows the pointer to a variable.
func PointerName(v Variable) string { return fmt.Sprintf("%sv%d_%s", own, v.Gen, v.Name) }

// Home finds the package that holds a type, function or constant.
func (s *Session) Home(name string) (serial int, ok bool) {
	if u := s.live()[name]; u != nil && u.kind != varUnit {
		return u.home, true
	}
	return 0, false
}
