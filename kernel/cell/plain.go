package cell

import (
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
			notes = append(notes, fmt.Sprintf("values of %s from before this cell still call the old %s: create them again", Clean(typ), Clean(method)))
		} else if c.s.valued[k] {
			notes = append(notes, fmt.Sprintf("values of %s from before this cell still call the old function: assign or pass it again", Clean(k)))
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
