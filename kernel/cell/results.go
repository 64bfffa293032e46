package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/ast/astutil"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/source"
)

// The results of cells have IPython's names: Out[3] and _3 are the value that cell 3 has shown, _ the last one, __ and
// ___ those before. Each result that a cell mentions is a hidden variable of the session, which has the type of the
// expression that was shown. Out by itself is a map[int]any of all results, In a map[int]string of the cells' texts.

// results is what a scope knows of the values that cells have shown.
type results struct {
	types map[int]types.Type // by the number of the cell
	order []int              // oldest first
	none  map[int]string     // why a cell has no result, as a sentence
	lost  int                // cells up to this one ran in an earlier process
	old   int                // results of cells up to this one are not kept any longer, for the reason in why
	why   string
}

func newResults() *results { return &results{types: map[int]types.Type{}, none: map[int]string{}} }

// Keep records that cell n has shown a value of the type. The engine has the value.
func (s *Scope) Keep(n int, t types.Type) {
	r := s.results
	if r.types[n] != nil {
		r.order = slices.DeleteFunc(r.order, func(o int) bool { return o == n })
	}
	r.types[n], r.order = t, append(r.order, n)
	delete(r.none, n)
}

// KeepNot records why cell n has no result, as a sentence.
func (s *Scope) KeepNot(n int, why string) {
	r := s.results
	delete(r.types, n)
	r.order = slices.DeleteFunc(r.order, func(o int) bool { return o == n })
	r.none[n] = why
}

// DropResults records why results of cells up to n are not kept any longer, as a sentence.
func (s *Scope) DropResults(n int, why string) {
	r := s.results
	r.old, r.why = n, why
	maps.DeleteFunc(r.types, func(k int, _ types.Type) bool { return k <= n })
	maps.DeleteFunc(r.none, func(k int, _ string) bool { return k <= n })
	r.order = slices.DeleteFunc(r.order, func(k int) bool { return k <= n })
}

// LoseResults records that cells up to n ran in an earlier process, whose results are lost.
func (s *Scope) LoseResults(n int) { s.results.lost = n }

// ForgetResults records that the engine has no results any longer. It returns the variables that held them for code
// of the session, which have no values from now on.
func (s *Scope) ForgetResults() (vars []Variable) {
	if order := s.results.order; len(order) > 0 {
		s.DropResults(slices.Max(order), "results were forgotten by %forget Out")
	}
	for i, u := range s.units {
		if n, ok := names.ResultOf(u.names[0]); ok && n > 0 && u.kind == varUnit && u.lost == "" {
			c := *u
			c.lost = "was forgotten by %forget Out"
			s.units[i] = &c
			vars = append(vars, Variable{u.names[0], u.home, u.typ})
		}
	}
	return vars
}

// resultsIn replaces what the cell's text calls results, unless the session or the cell declares these names, by
// hidden variables.
func (d *definition) resultsIn(units []*unit) {
	own := map[string]bool{}
	for _, u := range units {
		for _, n := range u.names {
			own[n] = true
		}
	}
	for _, id := range d.vars {
		own[id.Name] = true
	}
	free := map[*ast.Ident]bool{}
	for _, id := range slices.Concat(d.src.Free, d.src.Unbound) {
		imported := d.named[id.Name] != "" || d.s.imports[id.Name] != ""
		if isResultName(id.Name) && !own[id.Name] && d.old[id.Name] == nil && !imported {
			free[id] = true
		}
	}
	if len(free) == 0 && !d.src.Blanks {
		return
	}
	r := &resultFinder{d: d, free: free}
	block := &ast.BlockStmt{List: d.src.Body}
	astutil.Apply(block, r.visit, nil)
	for _, f := range d.src.Funcs { // but not in receivers, where _ stands for a type parameter
		astutil.Apply(f.Type, r.visit, nil)
		if f.Body != nil {
			astutil.Apply(f.Body, r.visit, nil)
		}
	}
}

func isResultName(name string) bool {
	if name == "Out" || name == "In" || name == "__" || name == "___" {
		return true
	}
	_, ok := numbered(name)
	return ok
}

// numbered returns the number in a name such as _12.
func numbered(name string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(name, "_")
	if !ok || digits == "" || digits[0] == '0' {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n > 0
}

// A resultFinder finds the results that a cell mentions.
type resultFinder struct {
	d    *definition
	free map[*ast.Ident]bool // names of results that nothing declares
}

func (r *resultFinder) visit(c *astutil.Cursor) bool {
	switch x := c.Node().(type) {
	case *ast.IndexExpr:
		id, ok := x.X.(*ast.Ident)
		lit, constant := ast.Unparen(x.Index).(*ast.BasicLit)
		if !ok || !constant || lit.Kind != token.INT || id.Name != "Out" || !r.free[id] {
			return true
		}
		n, err := strconv.ParseInt(lit.Value, 0, 32)
		if err != nil {
			return true
		}
		whole := &ast.Ident{NamePos: x.Pos()}
		r.d.src.Spelled[whole] = r.d.src.Slice(x)
		r.mention(whole, int(n), fmt.Sprintf("Out[%d]", n))
		c.Replace(whole)
		return false
	case *ast.Ident:
		switch n, ok := numbered(x.Name); {
		case x.Name == "_" && isValue(c):
			r.latest(x, 1)
		case !r.free[x] || !isValue(c):
		case ok:
			r.name(x)
			r.mention(x, n, fmt.Sprintf("_%d", n))
		case x.Name == "__" || x.Name == "___":
			r.latest(x, len(x.Name))
		default: // Out and In
			r.name(x)
			x.Name += names.Letter
			r.d.wholeResults(x.Name)
		}
	}
	return true
}

// name keeps the spelling of an identifier that gets another name, and makes code with it depend on the session's not
// declaring that.
func (r *resultFinder) name(x *ast.Ident) {
	r.d.src.Spelled[x] = x.Name
	r.d.bind.absent[x.Name] = true
}

// isValue reports whether an identifier stands where a value is read, not where a name is declared or discarded.
func isValue(c *astutil.Cursor) bool {
	switch c.Parent().(type) {
	case *ast.AssignStmt:
		return c.Name() != "Lhs"
	case *ast.RangeStmt:
		return c.Name() == "X"
	case *ast.ValueSpec:
		return c.Name() == "Values"
	case *ast.SelectorExpr:
		return c.Name() == "X"
	case *ast.KeyValueExpr:
		return c.Name() == "Value"
	case *ast.Field, *ast.TypeSpec, *ast.FuncDecl, *ast.ImportSpec, *ast.LabeledStmt, *ast.BranchStmt:
		return false
	}
	return true
}

// latest makes an identifier mean the last result, or one before it.
func (r *resultFinder) latest(x *ast.Ident, back int) {
	written := x.Name
	r.name(x)
	r.d.relative = true
	order := r.d.s.results.order
	if len(order) < back {
		needed := [...]string{"a value", "two values", "three values"}[back-1]
		r.refuse(x, fmt.Sprintf("%s: no cell has shown %s yet", written, needed))
		return
	}
	r.mention(x, order[len(order)-back], written)
}

// mention makes an identifier mean the result of cell n.
func (r *resultFinder) mention(x *ast.Ident, n int, written string) {
	d := r.d
	d.bind.absent["Out"] = true
	name := names.Result(n)
	if d.old[name] == nil {
		u, why := d.s.result(n, d.old)
		if u == nil {
			r.refuse(x, written+": "+why)
			return
		}
		d.kept, d.old[name] = append(d.kept, u), u
	}
	x.Name = name
}

func (r *resultFinder) refuse(x ast.Node, message string) {
	bad := source.Diagnostic{Cell: r.d.src.N, Kind: source.TypeError, Message: message,
		Hint: "%history lists the cells. Assign a value to a variable to keep it"}
	bad.Line, bad.Column = r.d.src.Position(x.Pos())
	r.d.refused = append(r.d.refused, bad)
}

// result returns the hidden variable of cell n's result, or the reason why cell n has no result.
func (s *Scope) result(n int, old map[string]*unit) (u *unit, why string) {
	t := s.results.types[n]
	switch {
	case t != nil:
	case n <= s.results.old:
		return nil, s.results.why
	case s.results.none[n] != "":
		return nil, s.results.none[n]
	case n <= s.results.lost:
		return nil, fmt.Sprintf("the result of cell[%d] was lost with the session that ran it; run its code again", n)
	default:
		return nil, fmt.Sprintf("cell[%d] has shown no value", n)
	}
	stale := ""
	dry := &speller{member: names.Mangle}
	dry.global = func(o *types.TypeName) string {
		if u := old[o.Name()]; u == nil || u.kind != typeUnit || !slices.Contains(u.objs, types.Object(o)) {
			stale = names.Clean(o.Name())
		}
		return o.Name()
	}
	dry.typ(t)
	switch {
	case stale != "":
		return nil, fmt.Sprintf("the value has a type of an earlier definition of %s, which no longer exists; "+
			"run the code of cell[%d] again", stale, n)
	case dry.hidden:
		return nil, fmt.Sprintf("the type of the value, %s, cannot be named outside of its package; "+
			"assign the value to a variable in cell[%d]", typeText(t), n)
	}
	return s.hiddenVariable(names.Result(n), n, t), ""
}

// hiddenVariable makes a variable for results. Its storage has the number of the cell as its generation.
func (s *Scope) hiddenVariable(name string, n int, t types.Type) *unit {
	return &unit{kind: varUnit, names: []string{name}, src: &source.Source{N: n}, home: n, typ: t,
		objs: []types.Object{types.NewVar(token.NoPos, s.pkg, name, t)}, uses: maps.Clone(typeNames(t))}
}

// wholeResults adds the hidden variable behind Out or In to the session.
func (d *definition) wholeResults(name string) {
	if d.old[name] != nil {
		return
	}
	elem := types.Universe.Lookup("any").Type()
	if name == names.In {
		elem = types.Typ[types.String]
	}
	u := d.s.hiddenVariable(name, 0, types.NewMap(types.Typ[types.Int], elem))
	d.kept, d.old[name] = append(d.kept, u), u
}

// result returns the type of the value that the cell shows last, nil if it shows none, or why that cannot be kept.
func (p *placement) result(e *emitter) (t types.Type, why string) {
	if p.last == nil || p.src.Hidden || !e.shown(p.last) {
		return nil, ""
	}
	t = p.info.Types[p.last].Type
	if tuple, ok := t.(*types.Tuple); ok {
		n := tuple.Len()
		if n > 0 && isError(tuple.At(n-1).Type()) {
			n--
		}
		if n != 1 {
			return nil, fmt.Sprintf("cell[%d] has shown %d values. Assign them in the cell: a, b := …", p.src.N, tuple.Len())
		}
		t = tuple.At(0).Type()
	}
	if t == nil || t == types.Typ[types.UntypedNil] {
		return nil, ""
	}
	return types.Default(t), ""
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }
