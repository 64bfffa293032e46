//go:build interleave_memory

package load

import "unsafe"

// Package reflect makes types at run time: SliceOf(T) is []T, whether or not any code has a []T. In a program
// all types that code mentions are there from the start, and reflect finds them. In a session a cell may
// mention []T after reflect has made it. Values of reflect's type may be anywhere by then, so it remains the
// type, and the cell's code is linked to it: all addresses of the type in the compiler's output lead to
// reflect's type, and so do offsets, through the module's map of types.

//go:linkname cellTypesMade reflect.cellTypesMade
func cellTypesMade(types []unsafe.Pointer) (made []unsafe.Pointer)

//go:linkname cellTypeString reflect.cellTypeString
func cellTypeString(t unsafe.Pointer) string

func typeText(t uintptr) string { return cellTypeString(pointer(t)) }

// useTypesOfReflect finds types of the cell that reflect has made before, and reports whether there are any.
// The types must be complete in memory.
func (r *relocator) useTypesOfReflect(readOnly []*symbol) (any bool) {
	for _, s := range readOnly {
		if s.o.Sym(s.i).Typelink() {
			r.types = append(r.types, s)
		}
	}
	for i, t := range cellTypesMade(addresses(r.types)) {
		if t != nil {
			any = true
			r.types[i].same = uintptr(t)
			r.m.mapType(int32(r.types[i].addr-r.m.Types), uintptr(t))
		}
	}
	return any
}

// useTablesOfReflect finds tables of interfaces that the runtime has made for types of reflect's, and reports
// whether there are any. Those for all other types were found when the cell's symbols were.
func (r *relocator) useTablesOfReflect(readOnly []*symbol) (any bool) {
	for _, s := range readOnly {
		if !s.itab {
			continue
		}
		inter, typ := r.pairOf(s)
		if (inter.sym == nil || inter.sym.same == 0) && (typ.sym == nil || typ.sym.same == 0) {
			continue
		}
		if at := cellFindItab(pointer(r.identity(inter)), pointer(r.identity(typ))); at != nil {
			s.same, any = uintptr(at), true
		}
	}
	return any
}

// newTypesOfReflect reports whether reflect has made types of the cell since useTypesOfReflect was called.
func (r *relocator) newTypesOfReflect() bool {
	for i, t := range cellTypesMade(addresses(r.types)) {
		if t != nil && r.types[i].same != uintptr(t) {
			return true
		}
	}
	return false
}
