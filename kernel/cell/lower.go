package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// Code that is added to a cell's own, always on the line where it is: a gate at the entry of functions that a
// later definition may replace; polls of the stop flag in loops and before other functions call code of the
// session, so that an interrupt ends running code, unless the code is plain; a wrapper around functions that
// timers start, because no go statement started their goroutines.

const (
	stopVar = own + "s"
	gateVar = own + "G"
)

// A jump is the entry of a function that a later definition may replace.
type jump struct {
	to   string
	args []string
	sig  *types.Signature
}

func patchName(u *unit) string { return own + "p_" + u.recv + letter + u.names[0] }

// enter writes the start of a function's body.
func (e *emitter) enter(body *ast.BlockStmt, j *jump) {
	if body == nil {
		return
	}
	loops, first := e.looks(body.List)
	s := ""
	if loops {
		s = fmt.Sprintf(" %s := &%s;", stopVar, e.rt("Stop"))
	}
	switch {
	case j != nil:
		s += e.gate(j)
	case loops:
		s += e.poll()
	case first != nil: // calls that return before they call others need not poll
		e.insert(e.src.Offset(first.Pos()), e.look())
	}
	if s += e.ownPointers(body); s != "" {
		e.insert(e.src.Offset(body.Lbrace)+1, s)
	}
}

// gate writes the jump to a later definition and the poll of the stop flag. Both depend on one word of the
// package, so that calls pay for one check while there is neither.
func (e *emitter) gate(j *jump) string {
	call := fmt.Sprintf("%s(%s)", j.to, strings.Join(j.args, ", "))
	if j.sig.Results().Len() == 0 {
		call += "; return"
	} else {
		call = "return " + call
	}
	look := ""
	if !e.isPlain() {
		look = "; " + e.look()
	}
	return fmt.Sprintf(" if %s != 0 { if %s != nil { %s }%s};", gateVar, j.to, call, look)
}

// prologue starts the cell's own function with a pointer to the stop flag, if it has loops, and a poll.
func (e *emitter) prologue(body []ast.Stmt) string {
	switch loops, first := e.looks(body); {
	case loops:
		return fmt.Sprintf(" %s := &%s;%s", stopVar, e.rt("Stop"), e.poll())
	case first != nil:
		return " " + e.look()
	}
	return ""
}

// isPlain reports whether code is compiled as its author wrote it: then package breaks stops it, except some
// loops (looking).
func (e *emitter) isPlain() bool { return e.c.s.Plain }

// looks reports whether statements have loops that poll the stop flag, and returns the first statement that
// calls code of the session. A function without such loops polls before it.
func (e *emitter) looks(body []ast.Stmt) (loops bool, first ast.Stmt) {
	for _, st := range body {
		ast.Inspect(st, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ForStmt, *ast.RangeStmt:
				loops = loops || e.looking(x.(ast.Stmt))
			case *ast.BranchStmt:
				loops = loops || x.Tok == token.GOTO
			case *ast.CallExpr:
				if first == nil && !e.isPlain() && e.callsBack(x) {
					first = st
				}
			}
			return true
		})
	}
	return loops, first
}

func (e *emitter) look() string {
	return fmt.Sprintf("if %s != 0 { %s() }; ", e.rt("Stop"), e.rt("Poll"))
}

// callsBack reports whether a call may run code of the session.
func (e *emitter) callsBack(x *ast.CallExpr) bool {
	tv := e.c.info.Types[x.Fun]
	if tv.IsType() || tv.IsBuiltin() {
		return false
	}
	o := e.calledFunc(x)
	return o == nil || isSession(o)
}

// calledFunc returns the function or method that a call names, nil if it calls a value.
func (e *emitter) calledFunc(x *ast.CallExpr) *types.Func {
	var id *ast.Ident
	switch f := ast.Unparen(x.Fun).(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	default:
		return nil
	}
	o, _ := e.c.info.Uses[id].(*types.Func)
	return o
}

func (e *emitter) poll() string {
	return fmt.Sprintf(" if *%s != 0 { %s() };", stopVar, e.rt("Poll"))
}

func (e *emitter) pollLoop(loop ast.Stmt, body *ast.BlockStmt) {
	if e.looking(loop) {
		e.insert(e.src.Offset(body.Lbrace)+1, e.poll())
	}
}

// looking reports whether a loop polls the stop flag. In plain code these are the loops that never end by
// themselves, because no code can see what such a loop stores unless control can leave it, so that the
// compiler may drop it; and the loops in which package breaks has found no place.
func (e *emitter) looking(loop ast.Stmt) bool {
	if !e.isPlain() {
		return true
	}
	if len(e.c.looks) > 0 {
		first, _ := e.src.Position(loop.Pos())
		last, _ := e.src.Position(loop.End())
		for line := first; line <= last; line++ {
			if e.c.looks[fmt.Sprintf("cell[%d]:%d", e.src.N, line)] {
				return true
			}
		}
	}
	f, ok := loop.(*ast.ForStmt)
	return ok && f.Cond == nil && !leaves(f.Body, false)
}

// leaves reports whether control may leave a loop from inside of n: by return, goto, break, or a branch to a
// label, which may be that of the loop itself. In an inner statement break has another meaning.
func leaves(n ast.Node, inner bool) (yes bool) {
	ast.Inspect(n, func(m ast.Node) bool {
		switch x := m.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			yes = true
		case *ast.BranchStmt:
			yes = yes || x.Tok == token.GOTO || x.Label != nil || x.Tok == token.BREAK && !inner
		case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			if m != n && !inner {
				yes = yes || leaves(m, true)
				return false
			}
		}
		return !yes
	})
	return yes
}

// pollGoto makes a goto poll the stop flag first, since it may close a loop.
func (e *emitter) pollGoto(b *ast.BranchStmt) {
	if b.Tok == token.GOTO {
		e.insert(e.src.Offset(b.Pos()), strings.TrimPrefix(e.poll(), " ")+" ")
	}
}

// nameParams names parameters without names, so that the jump can pass them on, and returns all in order.
func (e *emitter) nameParams(d *ast.FuncDecl) (args []string) {
	field := func(f *ast.Field) {
		if len(f.Names) == 0 {
			args = append(args, fmt.Sprintf("%sa%d", own, len(args)))
			e.insert(e.src.Offset(f.Pos()), args[len(args)-1]+" ")
		}
		for _, id := range f.Names {
			name := id.Name
			if name == "_" {
				name = fmt.Sprintf("%sa%d", own, len(args))
				e.replace(id, name)
			}
			args = append(args, name)
		}
		if _, ok := f.Type.(*ast.Ellipsis); ok {
			args[len(args)-1] += "..."
		}
	}
	if d.Recv != nil {
		for _, f := range d.Recv.List {
			field(f)
		}
	}
	for _, f := range d.Type.Params.List {
		field(f)
	}
	return args
}

// stub declares the pointer that a later definition sets.
func (e *emitter) stub(u *unit, sig *types.Signature) string {
	sp := e.spell()
	params := sp.tuple(sig.Params(), sig.Variadic())
	if r := sig.Recv(); r != nil {
		rest := params[1:]
		if sig.Params().Len() > 0 {
			rest = ", " + rest
		}
		params = "(" + sp.typ(r.Type()) + rest
	}
	result := ""
	if sig.Results().Len() > 0 {
		result = sp.tuple(sig.Results(), false)
	}
	return fmt.Sprintf("var %s func%s %s\n", patchName(u), params, result)
}

// receiverFirst turns a method into a plain function that takes the receiver as its first parameter.
func (e *emitter) receiverFirst(u *unit, d *ast.FuncDecl, name string, asFunc bool) {
	sig := e.c.signature(u, d, asFunc)
	recv := d.Recv.List[0]
	rn := "_"
	if len(recv.Names) > 0 {
		rn = recv.Names[0].Name
	}
	e.put(e.src.Offset(d.Recv.Opening), e.src.Offset(d.Recv.Closing)+1, "")
	e.replace(d.Name, name)
	first := rn + " " + e.spell().typ(sig.Recv().Type())
	if len(d.Type.Params.List) > 0 {
		first += ", "
		for _, f := range d.Type.Params.List {
			if len(f.Names) == 0 {
				e.insert(e.src.Offset(f.Pos()), "_ ")
			}
		}
	}
	at := e.src.Offset(d.Type.Params.Opening) + 1
	e.edits = append([]edit{{at, at, first}}, e.edits...)
}

// printers lists the builtins that write to descriptor 2 directly, and the functions that a cell calls
// instead.
var printers = map[string]string{"print": "Print", "println": "Println"}

func (e *emitter) printer(call *ast.CallExpr) string {
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok && e.c.info.Types[call.Fun].IsBuiltin() &&
		printers[id.Name] != "" {
		return e.rt(printers[id.Name])
	}
	return ""
}

// print replaces a builtin that prints.
func (e *emitter) print(call *ast.CallExpr) {
	name := e.printer(call)
	if name == "" {
		return
	}
	e.replace(call.Fun, name)
	for _, a := range call.Args {
		if isWord(e.c.info.Types[a].Type) {
			e.edits = append(e.edits, edit{e.src.Offset(a.Pos()), e.src.Offset(a.Pos()), e.rt("Words") + "("},
				edit{e.src.End(a), e.src.End(a), ")"})
		}
	}
}

// isWord reports whether a value is printed as the words of an interface.
func isWord(t types.Type) bool {
	_, param := types.Unalias(t).(*types.TypeParam)
	return types.IsInterface(t) && !param
}

// guarded lists the standard functions that run one of their arguments on a goroutine whose parent is not the
// caller: which argument, and what wraps it.
var guarded = map[string]struct {
	arg int
	by  string
}{
	"time.AfterFunc":        {1, "Guard"},
	"context.AfterFunc":     {1, "Guard"},
	"testing/synctest.Test": {1, "Test"},
}

// guard wraps a function that a standard package will start.
func (e *emitter) guard(call *ast.CallExpr) {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return
	}
	f, ok := e.c.info.Uses[sel.Sel].(*types.Func)
	if !ok || f.Pkg() == nil || isSession(f) {
		return
	}
	g, ok := guarded[f.FullName()]
	if !ok || g.arg >= len(call.Args) {
		return
	}
	line, _ := e.src.Position(call.Pos())
	a := call.Args[g.arg]
	e.edits = append(e.edits, edit{e.src.Offset(a.Pos()), e.src.Offset(a.Pos()),
		fmt.Sprintf("%s(%q, ", e.rt(g.by), fmt.Sprintf("cell[%d]:%d", e.src.N, line))})
	e.edits = append(e.edits, edit{e.src.End(a), e.src.End(a), ")"})
}
