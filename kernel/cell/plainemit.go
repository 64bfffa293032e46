package cell

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"

	"interleave/kernel/cell/names"
)

// plainly is the state of an emitter that writes plain code.
type plainly struct {
	methods  map[string]*unit // by key
	copies   map[string]int   // how many bodies hold copies of a function
	holding  map[string]bool  // what the body being written holds
	twins    map[string]*unit // functions for which the cell has a twin
	asValues map[string]*unit // functions of which the cell has values
	params   map[string]int
	jumps    []Jump
	forwards []Forward
	calls    map[*ast.CallExpr]callKind
	twinned  map[*ast.Ident]bool
	inKept   map[*ast.Ident]bool // names in function literals that may be kept
	keeping  map[string]bool     // what such literals of the body being written hold
	static   map[string]bool     // functions and methods that the body calls with knowledge of them
	naming   map[string]bool     // functions and methods that they name
	inLiving map[*ast.Ident]bool // names in such literals and in those of go statements
	living   map[string]bool     // what these hold
	named    map[string]bool     // … and name
	stmts    compiled            // of the cell's statements
	dynamic  map[*ast.Ident]bool // calls that reach every later definition
	callee   map[*ast.Ident]bool // names of functions that are called there
	valued   map[string]bool     // functions that are named as values
	runs     map[string]*unit    // functions and methods of which the statements hold copies
}

func newPlainly() plainly {
	return plainly{methods: map[string]*unit{}, copies: map[string]int{}, holding: map[string]bool{},
		twins: map[string]*unit{}, asValues: map[string]*unit{}, params: map[string]int{},
		calls: map[*ast.CallExpr]callKind{}, twinned: map[*ast.Ident]bool{}, inKept: map[*ast.Ident]bool{},
		inLiving: map[*ast.Ident]bool{},
		callee:   map[*ast.Ident]bool{}, dynamic: map[*ast.Ident]bool{}, valued: map[string]bool{}}
}

// begin starts a body.
func (e *emitter) begin() {
	e.holding, e.keeping, e.naming = map[string]bool{}, map[string]bool{}, map[string]bool{}
	e.living, e.named, e.static = map[string]bool{}, map[string]bool{}, map[string]bool{}
}

// codeOf returns the facts about the code that is written for a unit: at first, those of the earlier code
// that it replaces.
func (e *emitter) codeOf(u *unit) *compiled {
	if e.written[u] == nil {
		c := u.compiled
		e.written[u] = &c
	}
	return e.written[u]
}

// end records what the body of a unit holds.
func (e *emitter) end(u *unit) {
	c := e.codeOf(u)
	c.holds, c.keeps, c.inKept, c.static = e.holding, e.keeping, e.naming, e.static
	if u.kind == initUnit {
		c.living, c.named = e.living, e.named
	}
	e.begin()
}

// endStatements records what the cell's statements and init functions hold. They have ended when another cell
// runs, but function literals in them may still exist.
func (e *emitter) endStatements() {
	b := &e.stmts
	b.holds, b.static, b.keeps, b.inKept = e.living, e.named, e.keeping, e.naming
	e.runs = map[string]*unit{}
	for k := range e.holding {
		e.runs[k] = cmp.Or(e.methods[k], e.c.units[k])
	}
	for _, u := range e.c.emitted {
		if c := e.written[u]; c != nil && u.kind == initUnit {
			maps.Copy(b.holds, c.living)
			maps.Copy(b.static, c.named)
			maps.Copy(b.keeps, c.keeps)
			maps.Copy(b.inKept, c.inKept)
		}
	}
}

func (e *emitter) hold(key string, at *ast.Ident) {
	if e.inKept[at] {
		e.keeping[key] = true
	}
	if e.inLiving[at] {
		e.living[key] = true
	}
	if !e.holding[key] {
		e.holding[key] = true
		e.copies[key]++
	}
}

// in spells a function of a cell's package.
func (e *emitter) in(en Entry) string {
	if en.Cell == e.c.src.Serial {
		return en.Symbol
	}
	return e.use(fmt.Sprint(names.PackagePrefix, en.Cell)) + "." + en.Symbol
}

// plainFunction writes a plain function or method, and returns the code before and after it.
func (e *emitter) plainFunction(u *unit, d *ast.FuncDecl, p *parts) (before, behind string) {
	for k := range u.holds {
		e.copies[k]--
	}
	asFunc := u.kind == methodUnit && e.c.patched[u]
	code := e.codeOf(u)
	sig := e.c.signature(u, d, asFunc)
	n := sig.Params().Len()
	if sig.Recv() != nil {
		n++
	}
	serial := e.c.src.Serial
	var entries []Entry
	if code.entries != nil {
		entries = *code.entries
	}
	now := Entry{serial, u.codeName()}
	switch {
	case u.kind == funcUnit:
	case !asFunc && u.alone():
		now.Symbol = u.symbol()
		before = "//go:noinline\n"
	case asFunc:
		e.receiverFirst(u, d, u.codeName(), true)
	default:
		e.receiverFirst(u, d, u.codeName(), false)
		behind = e.forwarder(u, sig)
		e.forwards = append(e.forwards, Forward{u.symbol(), u.standIn(), now})
		if !u.ofPointer {
			e.forwards = append(e.forwards, Forward{"(*" + names.Mangle(u.recv) + ")." + names.Mangle(u.names[0]), u.derefName(), Entry{}})
		}
		code.values = &[]Entry{{serial, u.symbol()}}
		e.params[u.symbol()] = n
	}
	e.params[now.Symbol] = n
	e.enter(d.Body, nil)
	if e.c.patched[u] {
		circle := e.c.inCircle(e.c.before(u))
		for _, old := range entries {
			e.jumps = append(e.jumps, Jump{u.key(), old, now, circle, false})
		}
	}
	if code.values != nil && e.reached(u) {
		for _, old := range *code.values {
			e.jumps = append(e.jumps, Jump{u.key(), old, now, false, true})
		}
	}
	entries = append(slices.Clone(entries), now)
	code.entries = &entries
	if u.kind == methodUnit && !u.ofPointer && now.Symbol == u.codeName() {
		behind += e.deref(u, sig)
	}
	if u.kind == funcUnit {
		fmt.Fprintf(&p.symbols, "%q: %s, ", u.names[0], names.Mangle(u.names[0]))
	}
	return before, behind
}

// reached reports whether values and interfaces with an earlier definition of a unit reach this one.
func (e *emitter) reached(u *unit) bool {
	return e.c.patched[u] || u.kind == funcUnit && e.codeOf(u).values != nil
}

// before returns the unit that a patched unit replaces.
func (c *checked) before(u *unit) *unit {
	if o := c.replaced[u]; o != nil {
		return o
	}
	for o, a := range c.again {
		if a == u {
			return o
		}
	}
	return u
}

// forwarder writes the method that calls the function with its code.
func (e *emitter) forwarder(u *unit, sig *types.Signature) string {
	recv := own + "r"
	params, args := e.parameters(sig)
	receiver, results, all := recv+" "+e.spell().typ(sig.Recv().Type()), e.results(sig), append([]string{recv}, args...)
	kinds := e.spell().typ(sig.Recv().Type())
	if sig.Params().Len() > 0 {
		kinds += ", "
	}
	method := fmt.Sprintf("//line interleave.go:1\nvar %s func(%s%s %s\n//go:noinline\nfunc (%s) %s(%s) %s { %s }\n",
		u.indirect(), kinds, e.spell().tuple(sig.Params(), sig.Variadic())[1:], results, receiver, names.Mangle(u.names[0]), params,
		results, e.callOf(u.indirect(), all, sig))
	if params != "" {
		receiver += ", "
	}
	return method + u.standsAt() + fmt.Sprintf("func %s(%s%s) %s { %s }\n", u.standIn(), receiver, params, results,
		e.callOf(u.codeName(), all, sig))
}

// deref writes the function that takes a pointer to the receiver of a method with a value receiver.
func (e *emitter) deref(u *unit, sig *types.Signature) string {
	now := Entry{e.c.src.Serial, u.derefName()}
	var entries []Entry
	code := e.codeOf(u)
	if code.derefs != nil {
		entries = *code.derefs
	}
	if e.reached(u) {
		for _, old := range entries {
			e.jumps = append(e.jumps, Jump{u.key(), old, now, false, true})
		}
	}
	entries = append(slices.Clone(entries), now)
	code.derefs = &entries
	recv := own + "r"
	params, args := e.parameters(sig)
	if params != "" {
		params = ", " + params
	}
	e.params[now.Symbol] = 1 + sig.Params().Len()
	return fmt.Sprintf("//line interleave.go:1\n//go:noinline\n"+
		"func %s(%s *%s%s) %s { if %s == nil { %s(%q, %q) }; %s }\n", now.Symbol, recv, e.spell().typ(sig.Recv().Type()), params,
		e.results(sig), recv, e.rt("NilReceiver"), names.Clean(u.recv), names.Clean(u.names[0]),
		e.callOf(u.codeName(), append([]string{"*" + recv}, args...), sig))
}

// parameters spells a signature's parameters, and the arguments that pass them on.
func (e *emitter) parameters(sig *types.Signature) (params string, args []string) {
	var list []string
	for i := range sig.Params().Len() {
		name, t := fmt.Sprint(own, "a", i), sig.Params().At(i).Type()
		if i == sig.Params().Len()-1 && sig.Variadic() {
			list, args = append(list, name+" ..."+e.spell().typ(t.(*types.Slice).Elem())), append(args, name+"...")
			continue
		}
		list, args = append(list, name+" "+e.spell().typ(t)), append(args, name)
	}
	return strings.Join(list, ", "), args
}

func (e *emitter) results(sig *types.Signature) string {
	if sig.Results().Len() == 0 {
		return ""
	}
	return e.spell().tuple(sig.Results(), false)
}

func (e *emitter) callOf(f string, args []string, sig *types.Signature) string {
	call := f + "(" + strings.Join(args, ", ") + ")"
	if sig.Results().Len() > 0 {
		return "return " + call
	}
	return call
}

// twin returns the name of a function that calls a function of the session and is never inlined.
func (e *emitter) twin(u *unit) string {
	e.twins[u.key()] = u
	return twinPrefix + u.names[0]
}

// writeTwins declares the twins.
func (e *emitter) writeTwins(b *strings.Builder) {
	for _, k := range sortedKeys(e.twins) {
		u := e.twins[k]
		sig := u.objs[0].(*types.Func).Signature()
		params, args := e.parameters(sig)
		name := twinPrefix + u.names[0]
		fmt.Fprintf(b, "//go:noinline\nfunc %s(%s) %s { %s }\n", name, params, e.results(sig),
			e.callOf(e.at(u, u.names[0]), args, sig))
		e.params[name] = sig.Params().Len()
	}
}

// value returns the name of a function that represents the value of a function of the session.
func (e *emitter) value(u *unit) string {
	e.asValues[u.key()] = u
	return own + "d_" + u.names[0]
}

// writeValues declares these functions.
func (e *emitter) writeValues(b *strings.Builder) {
	for _, k := range sortedKeys(e.asValues) {
		u := e.asValues[k]
		sig := u.objs[0].(*types.Func).Signature()
		params, args := e.parameters(sig)
		f, name := e.at(u, u.names[0]), own+"d_"+u.names[0]
		fmt.Fprintf(b, "var %s func%s %s\n//go:noinline\nfunc %s(%s) %s { %s }\n", u.indirect(),
			e.spell().tuple(sig.Params(), sig.Variadic()), e.results(sig), name, params, e.results(sig),
			e.callOf(u.indirect(), args, sig))
		fmt.Fprintf(b, "%sfunc %s(%s) %s { %s }\n", u.standsAt(), u.standIn(), params, e.results(sig), e.callOf(f, args, sig))
		e.forwards = append(e.forwards, Forward{name, u.standIn(), u.codeEntry()})
	}
}

// plainCallee returns the plain function that an identifier names.
func (e *emitter) plainCallee(id *ast.Ident) *unit {
	o, ok := e.c.info.Uses[id].(*types.Func)
	if !ok || !isGlobal(o) || o.Signature().Recv() != nil {
		return nil
	}
	u := e.c.units[o.Name()]
	if old := e.c.old[o.Name()]; old != nil && slices.Contains(old.objs, types.Object(o)) {
		u = old
	}
	if u == nil || !u.plain || u.kind != funcUnit {
		return nil
	}
	return u
}

// name records that a unit is named where the name may be used for long.
func (e *emitter) name(u *unit, at *ast.Ident) {
	if e.inKept[at] {
		e.naming[u.key()] = true
	}
	if e.inLiving[at] {
		e.named[u.key()] = true
	}
}

// mention records that a function is named where it may be copied.
func (e *emitter) mention(id *ast.Ident) {
	u := e.plainCallee(id)
	if u == nil || e.dynamic[id] {
		return
	}
	if !e.callee[id] {
		if !u.alone() && len(u.objs) == 1 && !e.hidden(u.objs[0].Type()) {
			e.replace(id, e.value(u))
			return
		}
		e.valued[u.key()] = true
	}
	e.name(u, id)
	e.static[u.key()] = true
	if !e.twinned[id] && e.c.s.inlined(u) {
		e.hold(u.key(), id)
	}
}

// plainCall decides where a call of a plain function or method goes.
func (e *emitter) plainCall(x *ast.CallExpr) {
	kind := e.calls[x]
	switch f := ast.Unparen(x.Fun).(type) {
	case *ast.Ident:
		u := e.plainCallee(f)
		e.callee[f] = true
		switch {
		case u == nil:
		case kind == started && u.bare():
			// the twin is not inlined, while the compiler puts calls with arguments or results into a function of
			// their own
			e.twinned[f] = true
		case kind == lasting && !u.alone() && len(u.objs) == 1 && !e.hidden(u.objs[0].Type()):
			e.dynamic[f] = true
			e.replace(f, e.value(u))
		case !e.c.s.inlined(u):
		case (kind != passing || e.full(u)) && !u.alone() && len(u.objs) == 1 && !e.hidden(u.objs[0].Type()):
			e.twinned[f] = true
			e.replace(f, e.twin(u))
		}
	case *ast.SelectorExpr:
		e.methodCall(x, f, kind)
	}
}

// full reports whether enough functions hold copies of a unit.
func (e *emitter) full(u *unit) bool { return e.copies[u.key()] >= mostCopies && !e.holding[u.key()] }

// methodCall makes a call that names a method of a known type go to the function that holds its code.
func (e *emitter) methodCall(x *ast.CallExpr, f *ast.SelectorExpr, kind callKind) {
	sel := e.c.info.Selections[f]
	if sel == nil || sel.Kind() != types.MethodVal || len(sel.Index()) != 1 || types.IsInterface(sel.Recv()) ||
		kind == started {
		return
	}
	u := e.methods[methodKey(sel.Obj())]
	if u == nil || !u.plain {
		return
	}
	if u.alone() {
		e.name(u, f.Sel)
		e.static[u.key()] = true
		return
	}
	inlined := e.c.s.inlined(u)
	if kind == lasting || inlined && e.full(u) {
		return
	}
	for _, a := range x.Args {
		if _, ok := e.c.info.Types[a].Type.(*types.Tuple); ok {
			return
		}
	}
	_, isPointer := types.Unalias(sel.Recv()).(*types.Pointer)
	prefix := ""
	switch wants := u.ofPointer; {
	case wants && !isPointer:
		prefix = "&"
	case !wants && isPointer:
		prefix = "*"
	}
	if x.Fun != ast.Expr(f) { // in parentheses
		return
	}
	e.name(u, f.Sel)
	e.static[u.key()] = true
	e.insert(e.src.Offset(f.X.Pos()), e.in(u.codeEntry())+"("+prefix)
	e.put(e.src.End(f.X), e.src.Offset(x.Lparen)+1, ", ")
	if inlined {
		e.hold(u.key(), f.Sel)
	}
}
