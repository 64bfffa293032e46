package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/pattern"
)

// Plain code has no gates: functions are compiled as they are written, and the compiler inlines them where it
// likes. A later definition with the same signature is written over the entries of the earlier one, as a jump
// (package breaks). That reaches calls, function values, method values and tables of interfaces. It does not
// reach the following.
//
// Inlined copies. The front end knows which bodies name a function (unit.holds), and the compiler's export
// data shows whether a function can be inlined at all. Bodies that may hold a copy are built again with the
// new definition, and their own new code is written over their entries in turn, upwards until a function
// cannot be inlined. Code that still runs in a copy is named in a note (Plan.Stale). Some code would keep a
// copy for longer than a call takes, or cannot be built again without becoming something else. There, calls
// go to the function's value, see below:
//
//   - loops that wait or that end only when other code ends them, as those of workers;
//   - function literals that may outlive the call in which they are made: those of go statements, and those
//     that are stored or returned. In a counting loop inside one, calls may be inlined all the same, because
//     benchmarks have this form; a note lists what such literals keep;
//   - generic functions, methods of generic types, and functions that declare types.
//
// Two kinds of calls go through a function that is never inlined, a twin: calls behind go and defer, which
// the compiler puts into functions of their own when they have arguments or results, and calls by all callers
// but the first mostCopies, so that a definition does not build half of the session again.
//
// Methods that are called through interfaces, as values, or through embedding would be copied into wrappers
// that the compiler makes. Therefore a method is two functions: one of its own, to which calls that name a
// method of a known type go, and a method that is never inlined, for all other calls.
//
// Callers that rely on the compiler's facts about the earlier definition: which of their variables it does
// not keep. A definition that keeps more must never be reached from there, since the variable may be on the
// caller's stack. So the engine compares, after the cell is compiled and before it is loaded, the compiler's
// export data of both (package load, Function.Fits). When in doubt, it checks the cell again with the keys of
// such functions as cut: they become functions of their own, their callers are built again, and code that
// still runs keeps the earlier definition, which notes report.
//
// Values of functions, and methods, have their own entries, which call the code through a variable: so the
// compiler assumes that they keep all their arguments, and a jump can always be written over them, whatever
// the new definition keeps. The variable is never set or used: the loader replaces the entry by a function
// that calls the code directly, or has inlined it (Plan.Forwards), and if it is not inlined the call becomes
// a jump. A function that depends on its caller (unit.alone) has no such entry; values of it keep the earlier
// definition when it is cut, and a method's type is built again. Notes report this.
//
// Why this is sound: a call that was compiled against an entry relied on the signature, on the calling
// convention, which follows from it, and on the tags of the entry's function, since Go's compiler has no
// other knowledge of a function across packages but its body. Within a package it knows more of functions
// that call one another in a circle, which it analyses together; their tags count everything that flows to
// the results of another one as lost to the heap, so that a definition fits tags that allow more than the
// callers knew. Functions in such a circle are therefore cut when they change, unless the circle is a single
// function that calls itself, because its tags are about its own results. An entry's tags never change, and
// each later definition is compared with those of every entry that will lead to it.

// amend takes over the amendments of an earlier plan of the cell.
func (d *definition) amend(a Amends) {
	d.cut, d.looks = map[string]bool{}, map[string]bool{}
	for _, k := range a.Cut {
		d.cut[k] = true
	}
	for _, place := range a.Looks {
		d.looks[place] = true
	}
}

// An Entry is a function of a cell's package where calls arrive.
type Entry struct {
	Cell   int    // the package's number
	Symbol string // the function's, without the package: ⱵF, ⱵT.ⱵM or (*ⱵT).ⱵM
}

// A Jump leads from an earlier definition to the one that replaces it.
type Jump struct {
	Key      string
	Old, New Entry
	Circle   bool // the earlier one calls others that call it
	Value    bool // calls through Old rely on nothing that the compiler knows of it
}

// A Forward makes a function of a cell stand in for an equivalent one of the same cell, before any of it
// runs.
type Forward struct {
	Method, Code string // symbols
	Body         Entry  // what Code calls; where that is not inlined, Code can be a jump to it
}

// A Stale is a body of code with definitions that were replaced. A goroutine in it continues to use them.
type Stale struct {
	Cell     int
	Function string   // as stacks show it; empty for function literals in the cell's statements
	Names    []string // of the definitions
	Kept     []string // those of them that function literals made by the code may continue to use
}

// Holds reports whether a function, as stacks show it, belongs to the body.
func (s *Stale) Holds(function string) bool {
	if s.Function == "" {
		return closureName().MatchString(function)
	}
	return function == s.Function || strings.HasPrefix(function, s.Function+".")
}

var closureName = pattern.New(`^func\d+(\.|$)`)

// mostCopies is the largest number of functions that may hold copies of another. Further ones call it.
const mostCopies = 32

// canBePlain reports whether a later definition can be written over a function.
func (u *unit) canBePlain() bool {
	f, ok := u.node.(*ast.FuncDecl)
	return ok && (u.kind == funcUnit || u.kind == methodUnit) && !u.generic && f.Body != nil
}

// codeCell returns the cell whose package holds a plain function's code.
func (u *unit) codeCell() int {
	if u.body != 0 {
		return u.body
	}
	return u.home
}

// codeName returns the function that holds a plain unit's code.
func (u *unit) codeName() string {
	switch {
	case u.kind == funcUnit:
		return names.Mangle(u.names[0])
	case u.ofPointer:
		return own + u.recv + ofPointer + u.names[0]
	}
	return own + u.recv + ofValue + u.names[0]
}

// standIn returns the function that stands in for a method, or for a value of a function: it holds a copy of
// the code, or jumps to it.
func (u *unit) standIn() string {
	if u.kind == methodUnit {
		return u.codeName() + inner
	}
	return own + u.names[0] + inner
}

// standsAt returns the directives that place a stand-in where its function is defined and hide it from stacks
// as a call in a cell.
func (u *unit) standsAt() string {
	line, _ := u.src.Position(u.node.Pos())
	return fmt.Sprintf("//go:noinline\n//line interleave.go[%d]:%d\n", u.src.N, line)
}

// indirect returns the variable that holds the code of a unit. As far as the compiler knows, a call through
// it keeps all arguments.
func (u *unit) indirect() string { return own + "e_" + u.recv + letter + u.names[0] }

// derefName returns the function that takes a pointer to the receiver of a method with a value receiver.
func (u *unit) derefName() string { return own + u.recv + ofPointer + u.names[0] }

// symbol returns a method's name in the type's package.
func (u *unit) symbol() string { return u.spelled(names.Mangle) }

// shownName returns a function's name in stacks.
func (u *unit) shownName() string { return u.spelled(names.Clean) }

// spelled returns a function's name in Go's notation, with names as spell writes them.
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

// alone reports whether a function must not be called by another in its place: it depends on its caller, or
// its directives concern callers.
func (u *unit) alone() bool {
	d, ok := u.node.(*ast.FuncDecl)
	return u.direct || ok && slices.ContainsFunc(pragmas(d), func(line string) bool { return line != "//go:noinline" })
}

// standsAlone reports whether a method's code is in the method itself.
func (u *unit) standsAlone() bool { return u.kind == methodUnit && u.alone() && u.body == 0 }

// codeEntry returns the entry that plain code calls when it names the unit.
func (u *unit) codeEntry() Entry {
	if u.standsAlone() {
		return Entry{u.codeCell(), u.symbol()}
	}
	return Entry{u.codeCell(), u.codeName()}
}

// inlined reports whether callers may have copies of a unit's code.
func (s *Scope) inlined(u *unit) bool {
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

// staleBodies lists the code that continues to use definitions that this cell replaces.
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
		x := Stale{Cell: u.src.N, Function: function, Names: sortedKeys(names)}
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

// unreached notes values that may keep an earlier definition, because a definition that is cut does not reach
// them.
func (c *checked) unreached() (notes []string) {
	for _, k := range sortedKeys(c.cut) {
		if typ, method, ok := strings.Cut(k, "."); ok {
			if u := c.method(k); u != nil && !u.alone() {
				continue
			}
			notes = append(notes, fmt.Sprintf("values of %s from before this cell still call the old %s: create them again",
				names.Clean(typ), names.Clean(method)))
		} else if c.s.valued[k] {
			notes = append(notes,
				fmt.Sprintf("values of %s from before this cell still call the old function: assign or pass it again", names.Clean(k)))
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
