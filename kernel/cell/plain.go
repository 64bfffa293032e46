package cell

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"

	"interleave/kernel/cell/pattern"
)

// Plain code has no gates: functions are compiled as they stand, and the compiler inlines them where it likes. A later definition with the same
// signature is written over the entries of the earlier one, as a jump (package breaks). That reaches calls, function values, method values
// and tables of interfaces. It reaches neither of these:
//
// Inlined copies. The front end knows which bodies name a function (unit.holds), and the compiler's export data says whether a function can be
// inlined at all. Bodies that may hold a copy are built again with the new definition, and their own new code is written over their entries
// in turn, upwards until a function cannot be inlined. What still runs in a copy is named in a note (Plan.Stale). Some code would keep a
// copy for longer than a call takes, or cannot be built again without becoming something else. There calls go to the function's value, see below:
//
//   - loops that wait or that end only when somebody else says so, as those of workers do;
//   - function literals that may outlive the call in which they are made: those of go statements, those that are stored or returned. In
//     a loop there that counts, calls may be inlined all the same, because benchmarks look so; a note says what such literals keep;
//   - generic functions, methods of generic types, and functions that declare types.
//
// And these go through a function that is never inlined, a twin: calls behind go and defer, which the compiler puts into functions of their own
// when they have arguments or results, and all callers but the first mostCopies, so that a definition does not build half of the session again.
//
// Methods that are called by way of interfaces, as values, or through embedding would be copied into wrappers that the compiler makes. A
// method is therefore a function of its own, which calls that name a method of a known type go to, and a method that is never inlined, for all else.
//
// Callers that rely on what the compiler knew about the earlier definition: which of their variables it does not keep. A definition that keeps
// more must never be reached from there, since the variable may be on the caller's stack. So the engine compares, after the cell is compiled and before it is
// loaded, what the compiler's export data say of both (package load, Function.Fits), and when in doubt checks the cell again with the keys of such
// functions as cut: they become functions of their own, their callers are built again, and what still runs in old code keeps the earlier one,
// which notes say.
//
// Values of functions, and methods, have entries of their own, which call the code by way of a variable: so the compiler takes it that
// everything is kept that is given to them, and a jump can always be written over them, whatever the new definition keeps. The variable is never
// set, nor used: the loader lets a function that calls the code directly, or has inlined it, stand in (Plan.Forwards), and where it is not inlined that
// becomes a jump. A function to which it matters who calls it (unit.alone) has no such entry; values of it keep the earlier one when it is
// cut, and a method's type is built again. Notes say so.
//
// Why this is sound: a call that was compiled against an entry relied on the signature, on the calling convention, which follows from
// it, and on the tags of the entry's function, since Go's compiler has no other knowledge of a function across packages but its body. Within a package
// it knows more of functions that call one another in a circle, which it analyses together; the tags of these count what flows to the results
// of another one as lost to the heap, so that a definition fits tags that say more than the callers knew. Functions in such a circle are
// therefore cut when they change, unless the circle is a function and itself, whose results are what its tags speak of.
// An entry's tags never change, and each later definition is compared with those of every entry that will lead to it.

// amend takes over what an earlier plan of the cell has shown to be needed.
func (d *definition) amend(a Amends) {
	d.cut, d.looks = map[string]bool{}, map[string]bool{}
	for _, k := range a.Cut {
		d.cut[k] = true
	}
	for _, place := range a.Looks {
		d.looks[place] = true
	}
}

// An Entry is a function of a cell's package, where calls arrive.
type Entry struct {
	Cell   int    // the package's number
	Symbol string // the function's, without the package: ⱵF, ⱵT.ⱵM or (*ⱵT).ⱵM
}

// A Jump says that a definition takes the place of an earlier one.
type Jump struct {
	Key      string
	Old, New Entry
	Circle   bool // the earlier one calls others that call it
	Value    bool // calls by way of Old rely on nothing that the compiler knows of it
}

// A Forward says that a function of a cell stands in for another of the same cell that does the same, before any of it runs.
type Forward struct {
	Method, Code string // symbols
	Body         Entry  // what Code calls; where that is not inlined, Code can be a jump to it
}

// A Stale body of code holds definitions that were replaced. A goroutine that is in it continues to use them.
type Stale struct {
	Cell     int
	Function string   // as stacks show it; empty for function literals in the cell's statements
	Names    []string // of the definitions
	Kept     []string // those of them that function literals which the code has made may continue to use
}

// Holds reports whether a function, as stacks show it, belongs to the body.
func (s *Stale) Holds(function string) bool {
	if s.Function == "" {
		return closureName().MatchString(function)
	}
	return function == s.Function || strings.HasPrefix(function, s.Function+".")
}

var closureName = pattern.New(`^func\d+(\.|$)`)

// mostCopies is how many functions may hold copies of another. The others call it.
const mostCopies = 32

// canBePlain reports whether a later definition can be written over a function.
func (u *unit) canBePlain() bool {
	f, ok := u.node.(*ast.FuncDecl)
	return ok && (u.kind == funcUnit || u.kind == methodUnit) && !u.generic && f.Body != nil
}

// codeCell is the cell whose package holds a plain function's code.
func (u *unit) codeCell() int {
	if u.body != 0 {
		return u.body
	}
	return u.home
}

// codeName is the function that holds a plain unit's code.
func (u *unit) codeName() string {
	switch {
	case u.kind == funcUnit:
		return mangle(u.names[0])
	case u.ofPointer:
		return own + u.recv + ofPointer + u.names[0]
	}
	return own + u.recv + ofValue + u.names[0]
}

// standIn is the function that stands in for a method, or for a value of a function: it holds a copy of the code, or jumps to it.
func (u *unit) standIn() string {
	if u.kind == methodUnit {
		return u.codeName() + inner
	}
	return own + u.names[0] + inner
}

// standsAt are the directives by which a stand-in is seen where its function is defined, and stacks do not show it as a call in a cell.
func (u *unit) standsAt() string {
	line, _ := u.src.position(u.node.Pos())
	return fmt.Sprintf("//go:noinline\n//line interleave.go[%d]:%d\n", u.src.n, line)
}

// indirect is a variable that holds the code of a unit. What is called by way of it keeps all that it is given, as far as the compiler knows.
func (u *unit) indirect() string { return own + "e_" + u.recv + Letter + u.names[0] }

// derefName is the function that wants a pointer to the receiver of a method that does not.
func (u *unit) derefName() string { return own + u.recv + ofPointer + u.names[0] }

// symbol is a method's name in the type's package.
func (u *unit) symbol() string { return u.spelled(mangle) }

// shownName is a function's name in stacks.
func (u *unit) shownName() string { return u.spelled(Clean) }

// spelled is a function's name as Go writes it, of names as spell writes them.
func (u *unit) spelled(spell func(string) string) string {
	name := spell(u.names[0])
	switch {
	case u.kind != methodUnit:
		return name
	case u.ofPointer:
		return "(*" + spell(u.recv) + ")." + name
	}
	return spell(u.recv) + "." + name
}

// bare reports whether a function has neither parameters nor results.
func (u *unit) bare() bool {
	if len(u.objs) != 1 {
		return false
	}
	sig := u.objs[0].(*types.Func).Signature()
	return sig.Params().Len()+sig.Results().Len() == 0
}

// alone reports whether a function must not be called by another in its place: it matters to it who calls it, or directives above it speak to callers.
func (u *unit) alone() bool {
	d, ok := u.node.(*ast.FuncDecl)
	return u.direct || ok && slices.ContainsFunc(pragmas(d), func(line string) bool { return line != "//go:noinline" })
}

// standsAlone reports whether a method's code is the method itself.
func (u *unit) standsAlone() bool { return u.kind == methodUnit && u.alone() && u.body == 0 }

// codeEntry is where plain code that names the unit calls it.
func (u *unit) codeEntry() Entry {
	if u.standsAlone() {
		return Entry{u.codeCell(), u.symbol()}
	}
	return Entry{u.codeCell(), u.codeName()}
}

// inlined reports whether callers may have copies of a unit's code.
func (s *Session) inlined(u *unit) bool {
	return !u.standsAlone() && (s.Inlined == nil || u.codeCell() == s.serial || s.Inlined(u.codeEntry()))
}

// isAgain reports whether only a unit's body is built again.
func (c *checked) isAgain(u *unit) bool {
	for _, a := range c.again {
		if a == u {
			return true
		}
	}
	return false
}

// staleBodies lists the code that continues to use definitions which this cell replaces.
func (c *checked) staleBodies() (list []Stale) {
	if !c.s.Plain {
		return nil
	}
	add := func(u *unit, function string) {
		names := map[string]bool{}
		for k := range c.copied {
			if u.holds[k] {
				names[k] = true
			}
		}
		for k := range c.cut {
			if u.static[k] {
				names[k] = true
			}
		}
		delete(names, u.key())
		if len(names) == 0 {
			return
		}
		x := Stale{Cell: u.src.n, Function: function, Names: sortedKeys(names)}
		for _, k := range x.Names {
			if u.keeps[k] || u.inKept[k] && c.cut[k] {
				x.Kept = append(x.Kept, k)
			}
		}
		list = append(list, x)
	}
	for _, u := range slices.Concat(c.s.units, c.s.former) {
		if u.kind == funcUnit || u.kind == methodUnit {
			add(u, u.shownName())
		}
	}
	for _, serial := range slices.Sorted(maps.Keys(c.s.bodies)) {
		add(c.s.bodies[serial], "")
	}
	return list
}

// method finds a method of the session by its key.
func (c *checked) method(key string) *unit {
	for _, u := range c.s.units {
		if u.kind == methodUnit && u.key() == key {
			return u
		}
	}
	return nil
}

// unreached notes what values may continue to be: a definition that is cut does not reach them.
func (c *checked) unreached() (notes []string) {
	for _, k := range sortedKeys(c.cut) {
		if typ, method, ok := strings.Cut(k, "."); ok {
			if u := c.method(k); u != nil && !u.alone() {
				continue
			}
			notes = append(notes, fmt.Sprintf("values of %s that were handed on before keep the earlier %s: make them again", Clean(typ), Clean(method)))
		} else if c.s.valued[k] {
			notes = append(notes, fmt.Sprintf("where %s was handed on as a value before, the earlier one stays: hand it on again", Clean(k)))
		}
	}
	return notes
}

// inCircle reports whether a function calls others, defined by the same cell, that call it.
func (c *checked) inCircle(u *unit) bool {
	by := map[string]*unit{}
	for _, o := range c.s.units {
		if o.plain && o.codeCell() == u.codeCell() {
			by[o.key()] = o
		}
	}
	seen := map[string]bool{}
	var reaches func(o *unit) bool
	reaches = func(o *unit) bool {
		for _, names := range []map[string]bool{o.uses, o.methods} {
			for k := range names {
				next := by[k]
				if next == nil || next == o {
					continue
				}
				if next == u {
					return true
				}
				if !seen[k] {
					seen[k] = true
					if reaches(next) {
						return true
					}
				}
			}
		}
		return false
	}
	return reaches(u)
}

// plainly is what an emitter knows when it writes plain code.
type plainly struct {
	methods  map[string]*unit // by key
	copies   map[string]int   // how many bodies hold copies of a function
	holding  map[string]bool  // what the body that is being written holds
	twins    map[string]*unit // functions for which the cell has a twin
	asValues map[string]*unit // functions that the cell has values of
	params   map[string]int
	jumps    []Jump
	forwards []Forward
	calls    map[*ast.CallExpr]callKind
	twinned  map[*ast.Ident]bool
	inKept   map[*ast.Ident]bool // names in function literals that may be kept
	keeping  map[string]bool     // what such literals of the body that is being written hold
	static   map[string]bool     // functions and methods that the body calls by what is known of them
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
	return plainly{methods: map[string]*unit{}, copies: map[string]int{}, holding: map[string]bool{}, twins: map[string]*unit{}, asValues: map[string]*unit{}, params: map[string]int{},
		calls: map[*ast.CallExpr]callKind{}, twinned: map[*ast.Ident]bool{}, inKept: map[*ast.Ident]bool{}, inLiving: map[*ast.Ident]bool{},
		callee: map[*ast.Ident]bool{}, dynamic: map[*ast.Ident]bool{}, valued: map[string]bool{}}
}

// begin starts a body.
func (e *emitter) begin() {
	e.holding, e.keeping, e.naming = map[string]bool{}, map[string]bool{}, map[string]bool{}
	e.living, e.named, e.static = map[string]bool{}, map[string]bool{}, map[string]bool{}
}

// codeOf is what is known of the code that is written for a unit: at first, what was known of the earlier code that it takes the place of.
func (e *emitter) codeOf(u *unit) *compiled {
	if e.written[u] == nil {
		c := u.compiled
		e.written[u] = &c
	}
	return e.written[u]
}

// end notes what the body of a unit holds.
func (e *emitter) end(u *unit) {
	c := e.codeOf(u)
	c.holds, c.keeps, c.inKept, c.static = e.holding, e.keeping, e.naming, e.static
	if u.kind == initUnit {
		c.living, c.named = e.living, e.named
	}
	e.begin()
}

// endStatements notes what the cell's statements and init functions hold. They have ended when another cell runs; function literals in them may
// live on.
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
	if en.Cell == e.c.src.serial {
		return en.Symbol
	}
	return e.use(fmt.Sprint(PackagePrefix, en.Cell)) + "." + en.Symbol
}

// plainFunction writes a plain function or method; what is returned stands before it and behind it.
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
	serial := e.c.src.serial
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
			e.forwards = append(e.forwards, Forward{"(*" + mangle(u.recv) + ")." + mangle(u.names[0]), u.derefName(), Entry{}})
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
		fmt.Fprintf(&p.symbols, "%q: %s, ", u.names[0], mangle(u.names[0]))
	}
	return before, behind
}

// reached reports whether values and interfaces that have an earlier definition of a unit get to this one.
func (e *emitter) reached(u *unit) bool {
	return e.c.patched[u] || u.kind == funcUnit && e.codeOf(u).values != nil
}

// before is what a patched unit takes the place of.
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

// forwarder writes the method that calls the function which holds its code.
func (e *emitter) forwarder(u *unit, sig *types.Signature) string {
	recv := own + "r"
	params, args := e.parameters(sig)
	receiver, results, all := recv+" "+e.spell().typ(sig.Recv().Type()), e.results(sig), append([]string{recv}, args...)
	kinds := e.spell().typ(sig.Recv().Type())
	if sig.Params().Len() > 0 {
		kinds += ", "
	}
	method := fmt.Sprintf("//line interleave.go:1\nvar %s func(%s%s %s\n//go:noinline\nfunc (%s) %s(%s) %s { %s }\n", u.indirect(), kinds, e.spell().tuple(sig.Params(), sig.Variadic())[1:], results, receiver, mangle(u.names[0]), params,
		results, e.callOf(u.indirect(), all, sig))
	if params != "" {
		receiver += ", "
	}
	return method + u.standsAt() + fmt.Sprintf("func %s(%s%s) %s { %s }\n", u.standIn(), receiver, params, results, e.callOf(u.codeName(), all, sig))
}

// deref writes the function that wants a pointer to the receiver of a method that does not.
func (e *emitter) deref(u *unit, sig *types.Signature) string {
	now := Entry{e.c.src.serial, u.derefName()}
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
	return fmt.Sprintf("//line interleave.go:1\n//go:noinline\nfunc %s(%s *%s%s) %s { if %s == nil { %s(%q, %q) }; %s }\n", now.Symbol, recv, e.spell().typ(sig.Recv().Type()), params,
		e.results(sig), recv, e.rt("NilReceiver"), Clean(u.recv), Clean(u.names[0]), e.callOf(u.codeName(), append([]string{"*" + recv}, args...), sig))
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

// twin returns the name of a function that calls one of the session's and is never inlined.
func (e *emitter) twin(u *unit) string {
	e.twins[u.key()] = u
	return twinPrefix + u.names[0]
}

// writeTwins declares them.
func (e *emitter) writeTwins(b *strings.Builder) {
	for _, k := range sortedKeys(e.twins) {
		u := e.twins[k]
		sig := u.objs[0].(*types.Func).Signature()
		params, args := e.parameters(sig)
		name := twinPrefix + u.names[0]
		fmt.Fprintf(b, "//go:noinline\nfunc %s(%s) %s { %s }\n", name, params, e.results(sig), e.callOf(e.at(u, u.names[0]), args, sig))
		e.params[name] = sig.Params().Len()
	}
}

// value returns the name of a function that stands for the value of one of the session's.
func (e *emitter) value(u *unit) string {
	e.asValues[u.key()] = u
	return own + "d_" + u.names[0]
}

// writeValues declares them.
func (e *emitter) writeValues(b *strings.Builder) {
	for _, k := range sortedKeys(e.asValues) {
		u := e.asValues[k]
		sig := u.objs[0].(*types.Func).Signature()
		params, args := e.parameters(sig)
		f, name := e.at(u, u.names[0]), own+"d_"+u.names[0]
		fmt.Fprintf(b, "var %s func%s %s\n//go:noinline\nfunc %s(%s) %s { %s }\n", u.indirect(), e.spell().tuple(sig.Params(), sig.Variadic()), e.results(sig), name, params, e.results(sig), e.callOf(u.indirect(), args, sig))
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

// name notes that a unit is named where it may be for long.
func (e *emitter) name(u *unit, at *ast.Ident) {
	if e.inKept[at] {
		e.naming[u.key()] = true
	}
	if e.inLiving[at] {
		e.named[u.key()] = true
	}
}

// mention notes that a function is named where it may be copied.
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
			e.twinned[f] = true // is not inlined, while the compiler puts calls with arguments or results into a function of their own
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

// methodCall lets a call that names a method of a known type go to the function that holds its code.
func (e *emitter) methodCall(x *ast.CallExpr, f *ast.SelectorExpr, kind callKind) {
	sel := e.c.info.Selections[f]
	if sel == nil || sel.Kind() != types.MethodVal || len(sel.Index()) != 1 || types.IsInterface(sel.Recv()) || kind == started {
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
	e.insert(e.src.offset(f.X.Pos()), e.in(u.codeEntry())+"("+prefix)
	e.put(e.src.end(f.X), e.src.offset(x.Lparen)+1, ", ")
	if inlined {
		e.hold(u.key(), f.Sel)
	}
}
