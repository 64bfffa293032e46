package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"interleave/kernel/cell/names"
)

// use imports a package and returns its name here.
func (e *emitter) use(path string) string {
	e.imports[path] = true
	if strings.HasPrefix(path, names.PackagePrefix) {
		return own + path[strings.LastIndexByte(path, '/')+1:]
	}
	return names.Alias(path)
}

func (e *emitter) rt(name string) string { return e.use(runtimePath) + "." + name }

// spell returns a speller for the code being written.
func (e *emitter) spell() *speller {
	return &speller{global: func(o *types.TypeName) string { return e.global(o) }, pkg: e.use, member: names.Mangle}
}

// global spells a function, type or constant of the session.
func (e *emitter) global(o types.Object) string {
	name := o.Name()
	u := e.c.units[name]
	if old := e.c.old[name]; old != nil && slices.Contains(old.objs, o) { // x := x() calls the x of an earlier cell
		u = old
	}
	return e.at(u, name)
}

// at spells a function, type or constant in the package that has it.
func (e *emitter) at(u *unit, name string) string {
	if u == nil || u.home == e.c.src.Serial {
		return names.Mangle(name)
	}
	return e.use(fmt.Sprint(names.PackagePrefix, u.home)) + "." + names.Mangle(name)
}

// variable spells a session variable: a dereferenced pointer to its storage.
func (e *emitter) variable(u *unit) string {
	if u.builtin {
		return e.rt("Ctx") + "()"
	}
	name := fmt.Sprintf("%sv%d_%s", own, u.home, u.names[0])
	e.pointers[name] = Variable{u.names[0], u.home, u.typ}
	if e.drive {
		return "(*" + DriveVars + "." + name + ")"
	}
	if line, ok := e.c.early[u.names[0]]; ok && e.inFunc && e.c.newVars[u.names[0]] == u {
		return fmt.Sprintf("(*%s(%s, &%s, %q, %d, %d))", e.rt("Set"), name, setFlag(u.names[0]), names.Clean(u.names[0]),
			e.c.src.N, line)
	}
	return "(*" + name + ")"
}

// unitOf returns the variable that an object represents: the statements of a cell may read the old one of a
// name while they declare a new one.
func (e *emitter) unitOf(o types.Object) *unit {
	if e.c.isCellVar(o) {
		return e.c.newVars[o.Name()]
	}
	if u := e.c.old[o.Name()]; u != nil && u.kind == varUnit {
		for _, x := range u.objs {
			if x == o {
				return u
			}
		}
	}
	return e.c.units[o.Name()]
}

// ident makes the edit that an identifier needs.
func (e *emitter) ident(id *ast.Ident, embedded bool) {
	written, ok := e.src.Spelled[id]
	if !ok && e.unit != nil {
		written, ok = e.unit.blanked[id]
	}
	if !ok {
		written = id.Name
	}
	set := func(s string) {
		if s != written {
			at := e.src.Offset(id.Pos())
			e.put(at, at+len(written), s)
		}
	}
	o := e.c.info.Uses[id]
	if o == nil {
		o = e.c.info.Defs[id]
	}
	switch x := o.(type) {
	case nil:
		return
	case *types.PkgName:
		set(e.use(x.Imported().Path()))
		return
	}
	switch {
	case o.Pkg() == nil:
		if embedded {
			set(e.rt(letter + o.Name()))
		}
	case !isSession(o):
		if o.Parent() == o.Pkg().Scope() && !e.selected[id] { // a dot import brought it
			set(e.use(o.Pkg().Path()) + "." + o.Name())
		}
	case e.c.isCellVar(o):
		set(e.variable(e.unitOf(o)))
	case isGlobal(o):
		if _, ok := o.(*types.Var); ok {
			set(e.variable(e.unitOf(o)))
		} else if o.Name() != "_" {
			set(e.global(o))
		}
	default:
		switch x := o.(type) {
		case *types.Var:
			if x.IsField() {
				set(names.Mangle(id.Name))
			}
		case *types.Func:
			if x.Signature().Recv() != nil {
				set(names.Mangle(id.Name))
			}
		case *types.TypeName:
			if _, ok := x.Type().(*types.TypeParam); !ok {
				set(names.Mangle(id.Name))
			}
		case *types.Const: // of a group, and defined again by a later cell
			set(id.Name)
		}
	}
}

// pointer declares a package's pointer to a session variable.
func (e *emitter) pointer(name string) string {
	v := e.pointers[name]
	if !e.hidden(v.Type) {
		t := e.spell().typ(v.Type)
		if incomplete(v.Type) {
			return fmt.Sprintf("var %s_at %s\nvar %[1]s = (*%[2]s)(%s(%q, %d, &%[1]s_at))\n", name, t, e.rt("VarAt"),
				v.Name, v.Gen)
		}
		return fmt.Sprintf("var %s = %s[%s](%q, %d)\n", name, e.rt("Var"), t, v.Name, v.Gen)
	}
	if v.Gen != e.c.src.Serial {
		return fmt.Sprintf("var %s = %s.%s\n", name, e.use(fmt.Sprint(names.PackagePrefix, v.Gen)), name)
	}
	return fmt.Sprintf("var %s = %s(%q, %d, %s)\n", name, e.rt("VarLike"), v.Name, v.Gen, e.effectless(v.Name))
}

// hidden reports whether a type cannot be spelled here: the standard library does not export it, or its name
// has another meaning now.
func (e *emitter) hidden(t types.Type) bool {
	dry := &speller{member: names.Mangle}
	dry.global = func(o *types.TypeName) string {
		u, old := e.c.units[o.Name()], e.c.old[o.Name()]
		dry.hidden = dry.hidden || (u == nil || u.kind != typeUnit) &&
			(old == nil || !slices.Contains(old.objs, types.Object(o)))
		return o.Name()
	}
	dry.typ(t)
	return dry.hidden
}

// zero spells the zero value of a type.
func (e *emitter) zero(t types.Type) string {
	name := e.spell().typ(t)
	if incomplete(t) {
		return fmt.Sprintf("*(*%s)(%s((*%[1]s)(nil)))", name, e.rt("Zero"))
	}
	return "*new(" + name + ")"
}

// incomplete reports whether values of a type cannot be allocated, because cgo.Incomplete is part of it. Such
// a type cannot be a type argument.
func incomplete(t types.Type) bool {
	if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "runtime/cgo" &&
		n.Obj().Name() == "Incomplete" {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for f := range u.Fields() {
			if incomplete(f.Type()) {
				return true
			}
		}
	case *types.Array:
		return incomplete(u.Elem())
	}
	return false
}
