package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// Which calls run for so long, or so much later, that they must reach a definition made meanwhile; see
// plain.go.

type callKind int

const (
	passing callKind = iota
	lasting          // in a loop that waits, or in a function literal that may outlive the call in which it is made
	started          // by go or defer
)

// sortCalls finds the calls in a piece of syntax that are lasting or started, and the names in function
// literals that may be kept.
func (e *emitter) sortCalls(root ast.Node) {
	w := &callSorter{e: e, kept: e.keptClosures(root)}
	w.walk(root, where{waiting: staysAsItIs(root)})
}

// staysAsItIs reports whether a function should not be built again when a function that it calls is defined
// again: generic functions and methods of generic types, since their instances would be others, and functions
// that declare types, since the types would be others. Such functions hold no copies.
func staysAsItIs(n ast.Node) (yes bool) {
	d, ok := n.(*ast.FuncDecl)
	if !ok || d.Body == nil {
		return false
	}
	if d.Type.TypeParams != nil {
		return true
	}
	if d.Recv != nil && len(d.Recv.List) > 0 {
		switch deref(d.Recv.List[0].Type).(type) {
		case *ast.IndexExpr, *ast.IndexListExpr:
			return true
		}
	}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		_, declares := n.(*ast.TypeSpec)
		yes = yes || declares
		return !yes
	})
	return yes
}

type callSorter struct {
	e    *emitter
	kept map[*ast.FuncLit]bool // may outlive the call in which they are made
}

// A where describes the place of a call.
type where struct {
	waiting bool // in a loop that waits
	kept    bool // in a function literal that may be kept
	once    bool // in such a literal, or a goroutine's, and not in a counting loop of it
	lives   bool // in such a literal or a goroutine's
}

// walk classifies the calls in a node. If the node itself is a loop, it is a statement of a cell, which ends
// before the next cell runs.
func (w *callSorter) walk(root ast.Node, at where) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			in := at
			if w.kept[x] {
				in.kept, in.once, in.lives = true, true, true
			}
			w.walk(x.Body, in)
			return false
		case *ast.GoStmt:
			w.start(x.Call, at, true)
			return false
		case *ast.DeferStmt:
			w.start(x.Call, at, false)
			return false
		case *ast.ForStmt:
			if n != root {
				w.loop(x.Body, w.e.lasts(x), at, x.Init, x.Cond, x.Post)
				return false
			}
		case *ast.RangeStmt:
			if n != root {
				w.loop(x.Body, w.e.waits(x, false), at, x.X, x.Key, x.Value)
				return false
			}
		case *ast.CallExpr:
			if at.waiting || at.once {
				w.e.calls[x] = lasting
			}
		case *ast.Ident:
			if at.kept {
				w.e.inKept[x] = true
			}
			if at.lives {
				w.e.inLiving[x] = true
			}
		}
		return true
	})
}

// start classifies a go or defer statement.
func (w *callSorter) start(x *ast.CallExpr, at where, goes bool) {
	w.e.calls[x] = started
	if f, ok := ast.Unparen(x.Fun).(*ast.FuncLit); ok {
		in := at
		in.once, in.lives = in.once || goes, in.lives || goes
		w.walk(f.Body, in)
	} else {
		w.walk(x.Fun, at)
	}
	for _, a := range x.Args {
		w.walk(a, at)
	}
}

// loop classifies a loop. A counting loop makes many calls, and benchmarks measure their cost: they may be
// inlined, even if the function literal around the loop may be kept.
func (w *callSorter) loop(body *ast.BlockStmt, waits bool, at where, head ...ast.Node) {
	in := at
	in.waiting = in.waiting || waits
	in.once = in.once && waits
	for _, n := range append(head, body) {
		if n != nil {
			w.walk(n, in)
		}
	}
}

// lasts reports whether a loop waits, or does not end by counting in its own text.
func (e *emitter) lasts(x *ast.ForStmt) bool {
	if x.Init != nil || x.Post != nil {
		return e.waits(x.Body, false)
	}
	if x.Cond == nil {
		return !leaves(x.Body, false) || e.waits(x.Body, true)
	}
	shared := false // other code may set the condition that ends it
	ast.Inspect(x.Cond, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if v, ok := e.c.info.Uses[id].(*types.Var); ok && (isGlobal(v) || e.c.isCellVar(v)) {
				b, basic := v.Type().Underlying().(*types.Basic)
				shared = shared || basic && b.Info()&types.IsBoolean != 0
			}
		}
		return true
	})
	return shared || e.waits(x.Cond, true) || e.waits(x.Body, true)
}

// waits reports whether code waits for other goroutines or for time to pass. With polls, reading what others
// set counts as well.
func (e *emitter) waits(root ast.Node, polls bool) (yes bool) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.SendStmt, *ast.SelectStmt:
			yes = true
		case *ast.UnaryExpr:
			yes = yes || x.Op == token.ARROW
		case *ast.RangeStmt:
			if t := e.c.info.Types[x.X].Type; t != nil {
				_, ch := t.Underlying().(*types.Chan)
				yes = yes || ch
			}
		case *ast.CallExpr:
			yes = yes || e.waiting(x, polls)
		}
		return !yes
	})
	return yes
}

// waiting reports whether a call of a package's function waits.
func (e *emitter) waiting(x *ast.CallExpr, polls bool) bool {
	f := e.packageFunc(x)
	if f == nil {
		return false
	}
	switch path := f.Pkg().Path(); path {
	case "time":
		return f.Name() == "Sleep" || f.Name() == "After" ||
			polls && (f.Name() == "Now" || f.Name() == "Since" || f.Name() == "Until")
	case "sync":
		return f.Name() == "Wait" || polls
	case "sync/atomic", "context":
		return polls
	case "runtime":
		return f.Name() == "Gosched"
	default:
		return strings.HasPrefix(path, "net") || path == "interleave/runtime/proc" ||
			path == "interleave/runtime/lab" && !strings.HasPrefix(f.Name(), "Bench")
	}
}

// packageFunc returns the function or method of a package that a call names.
func (e *emitter) packageFunc(x *ast.CallExpr) *types.Func {
	f := e.calledFunc(x)
	if f == nil || f.Pkg() == nil || isSession(f) {
		return nil
	}
	return f
}

// keptClosures finds the function literals that may outlive the call in which they are made: all except those
// that are called or deferred on the spot, those that are only called through a local variable, and arguments
// of functions that do not keep them.
func (e *emitter) keptClosures(root ast.Node) map[*ast.FuncLit]bool {
	kept := map[*ast.FuncLit]bool{}
	local := e.calledLocals(root)
	ast.Inspect(root, func(n ast.Node) bool {
		f, ok := n.(*ast.FuncLit)
		if ok {
			kept[f] = true
		}
		return true
	})
	free := func(x ast.Expr) {
		if f, ok := ast.Unparen(x).(*ast.FuncLit); ok {
			delete(kept, f)
		}
	}
	ast.Inspect(root, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.CallExpr:
			free(x.Fun)
			for i, a := range x.Args {
				if _, ok := ast.Unparen(a).(*ast.FuncLit); ok && !e.keeps(x, i) {
					free(a)
				}
			}
		case *ast.AssignStmt:
			for i, l := range x.Lhs {
				if id, ok := l.(*ast.Ident); ok && len(x.Lhs) == len(x.Rhs) && local[e.c.info.ObjectOf(id)] {
					free(x.Rhs[i])
				}
			}
		case *ast.ValueSpec:
			for i, id := range x.Names {
				if len(x.Names) == len(x.Values) && local[e.c.info.ObjectOf(id)] {
					free(x.Values[i])
				}
			}
		}
		return true
	})
	return kept
}

// calledLocals finds the local variables of function types that are only called, and only outside of other
// function literals.
func (e *emitter) calledLocals(root ast.Node) map[types.Object]bool {
	good, bad := map[types.Object]bool{}, map[types.Object]bool{}
	fine := map[*ast.Ident]bool{}    // called or assigned
	results := map[*ast.Ident]bool{} // named: a return statement may return them
	ast.Inspect(root, func(n ast.Node) bool {
		if t, ok := n.(*ast.FuncType); ok && t.Results != nil {
			for _, f := range t.Results.List {
				for _, id := range f.Names {
					results[id] = true
				}
			}
		}
		return true
	})
	var depth []ast.Node
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			depth = depth[:len(depth)-1]
			return true
		}
		depth = append(depth, n)
		switch x := n.(type) {
		case *ast.GoStmt:
			bad[e.objectOf(x.Call.Fun)] = true
		case *ast.CallExpr:
			if id, ok := ast.Unparen(x.Fun).(*ast.Ident); ok {
				fine[id] = true
			}
		case *ast.AssignStmt:
			for _, l := range x.Lhs {
				if id, ok := l.(*ast.Ident); ok {
					fine[id] = true
				}
			}
		case *ast.Ident:
			v, ok := e.c.info.ObjectOf(x).(*types.Var)
			if !ok || v.IsField() || isGlobal(v) || e.c.isCellVar(v) {
				break
			}
			if _, fn := v.Type().Underlying().(*types.Signature); !fn {
				break
			}
			if e.c.info.Defs[x] != nil {
				good[v] = true
				bad[v] = bad[v] || results[x]
				break
			}
			inside := slices.ContainsFunc(depth, func(n ast.Node) bool {
				f, ok := n.(*ast.FuncLit)
				return ok && (v.Pos() < f.Pos() || v.Pos() > f.End())
			})
			if !fine[x] || inside {
				bad[v] = true
			}
		}
		return true
	})
	for v, yes := range bad {
		if yes {
			delete(good, v)
		}
	}
	return good
}

func (e *emitter) objectOf(x ast.Expr) types.Object {
	if id, ok := ast.Unparen(x).(*ast.Ident); ok {
		return e.c.info.ObjectOf(id)
	}
	return nil
}

// brief lists packages whose functions do not keep the functions that they are passed.
var brief = map[string]bool{"sort": true, "slices": true, "maps": true, "strings": true, "bytes": true, "cmp": true,
	"testing": true}

// labKeeps lists the prefixes of lab's functions and methods that may run or keep their arguments after they
// have returned.
var labKeeps = []string{"Go", "TryGo", "LoopGo", "After", "At", "Submit", "Thread", "New", "On", "Stage",
	"OrderedStage", "Merge", "Set"}

// keeps reports whether a call may keep its argument i, a function, after it has returned.
func (e *emitter) keeps(x *ast.CallExpr, i int) bool {
	if f := e.packageFunc(x); f != nil {
		path := f.Pkg().Path()
		if path == "interleave/runtime/lab" {
			return slices.ContainsFunc(labKeeps, func(begin string) bool { return strings.HasPrefix(f.Name(), begin) })
		}
		return (!brief[path] || strings.HasSuffix(f.Name(), "Seq") || strings.HasSuffix(f.Name(), "Seq2")) &&
			!(path == "sync" && f.Name() == "Do")
	}
	var u *unit
	switch f := ast.Unparen(x.Fun).(type) {
	case *ast.Ident:
		if o, ok := e.c.info.Uses[f].(*types.Func); ok && isGlobal(o) {
			u = e.c.units[o.Name()]
		}
	case *ast.SelectorExpr:
		if sel := e.c.info.Selections[f]; sel != nil && sel.Kind() == types.MethodVal {
			u = e.methods[methodKey(sel.Obj())]
		}
	}
	if u == nil {
		return true
	}
	d, ok := u.node.(*ast.FuncDecl)
	return !ok || d.Body == nil || keepsParameter(d, i)
}

// keepsParameter reports whether a function uses its parameter i in any other way than to call it, or to pass
// it to itself in the same place.
func keepsParameter(d *ast.FuncDecl, i int) bool {
	name, k := "", 0
	for _, f := range d.Type.Params.List {
		if _, variadic := f.Type.(*ast.Ellipsis); variadic {
			return true
		}
		for _, id := range f.Names {
			if k == i {
				name = id.Name
			}
			k++
		}
		if len(f.Names) == 0 {
			k++
		}
	}
	if name == "" || name == "_" {
		return k <= i
	}
	keeps := false
	fine := map[*ast.Ident]bool{}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			ast.Inspect(x, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && id.Name == name {
					keeps = true
				}
				return true
			})
			return false
		case *ast.GoStmt:
			if id, ok := ast.Unparen(x.Call.Fun).(*ast.Ident); ok && id.Name == name {
				keeps = true
			}
		case *ast.CallExpr:
			id, ok := ast.Unparen(x.Fun).(*ast.Ident)
			if ok {
				fine[id] = true
			}
			if i < len(x.Args) && ok && d.Recv == nil && id.Name == d.Name.Name {
				if a, ok := ast.Unparen(x.Args[i]).(*ast.Ident); ok {
					fine[a] = true
				}
			}
		case *ast.SelectorExpr:
			fine[x.Sel] = true
		case *ast.KeyValueExpr:
			if id, ok := x.Key.(*ast.Ident); ok && id.Name != name {
				fine[id] = true
			}
		case *ast.Ident:
			keeps = keeps || x.Name == name && !fine[x]
		}
		return true
	})
	return keeps
}
