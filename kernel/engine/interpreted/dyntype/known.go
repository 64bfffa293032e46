package dyntype

import (
	"go/types"
	"reflect"
	"unsafe"
)

// Modules list the types that package reflect could make: pointers, slices, functions, structs and so on, but no
// interfaces and no types with names. Those are only ever seen as parts of the others, so all that matter are found
// through them.

//go:linkname typelinks reflect.typelinks
func typelinks() (sections []unsafe.Pointer, offsets [][]int32)

// A census is what compiled code has, of what modules do not list.
type census struct {
	links      int                 // how many types the modules listed
	interfaces map[string][]*rtype // types without a name, by their text
	named      map[string]*rtype   // by path and name; nil where functions declare several of one name
}

var compiled census

// Compiled returns the type of a compiled package that obj names; nil if no code that is part of the program has the
// type, or if it is generic. It finds unexported types as well. The first call takes some milliseconds, which go by
// the size of the program.
func Compiled(obj *types.TypeName) reflect.Type {
	mu.Lock()
	defer mu.Unlock()
	if obj.Pkg() == nil || obj.Parent() != obj.Pkg().Scope() {
		return nil
	}
	t := count().named[obj.Pkg().Path()+"."+obj.Name()]
	if t == nil {
		return nil
	}
	return typeOf(t)
}

// count returns the census of all modules.
func count() *census {
	sections, offsets := typelinks()
	n := 0
	for _, list := range offsets {
		n += len(list)
	}
	if n == compiled.links {
		return &compiled
	}
	compiled = census{n, map[string][]*rtype{}, map[string]*rtype{}}
	seen := map[*rtype]bool{}
	var todo []*rtype
	note := func(t *rtype) {
		if t != nil && !seen[t] {
			seen[t] = true
			todo = append(todo, t)
		}
	}
	for i, list := range offsets {
		for _, off := range list {
			note((*rtype)(resolveTypeOff(sections[i], off)))
		}
	}
	for len(todo) > 0 {
		t := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		parts(t, note)
		compiled.add(t)
	}
	return &compiled
}

func (c *census) add(t *rtype) {
	r := typeOf(t)
	switch {
	case t.tflag&flagNamed != 0:
		key := r.PkgPath() + "." + r.Name()
		if _, twice := c.named[key]; twice {
			t = nil
		}
		c.named[key] = t
	case r.Kind() == reflect.Interface:
		c.interfaces[r.String()] = append(c.interfaces[r.String()], t)
	}
}

// parts calls note for each type that t mentions.
func parts(t *rtype, note func(*rtype)) {
	switch reflect.Kind(t.kind) {
	case reflect.Array:
		note((*arrayType)(unsafe.Pointer(t)).elem)
	case reflect.Chan:
		note((*chanType)(unsafe.Pointer(t)).elem)
	case reflect.Pointer:
		note((*ptrType)(unsafe.Pointer(t)).elem)
	case reflect.Slice:
		note((*sliceType)(unsafe.Pointer(t)).elem)
	case reflect.Map:
		m := (*mapType)(unsafe.Pointer(t))
		note(m.key)
		note(m.elem)
	case reflect.Func:
		f := typeOf(t)
		for i := range f.NumIn() {
			note(descriptor(f.In(i)))
		}
		for i := range f.NumOut() {
			note(descriptor(f.Out(i)))
		}
	case reflect.Struct:
		for _, f := range (*structType)(unsafe.Pointer(t)).fields {
			note(f.typ)
		}
	case reflect.Interface:
		for _, m := range (*interfaceType)(unsafe.Pointer(t)).methods {
			note((*rtype)(resolveTypeOff(unsafe.Pointer(t), m.typ)))
		}
	}
	for _, m := range t.uncommon().methods() {
		if m.mtyp > 0 { // 0 and -1: the linker left the method out
			note((*rtype)(resolveTypeOff(unsafe.Pointer(t), m.mtyp)))
		}
	}
	if t.ptrToThis > 0 {
		note((*rtype)(resolveTypeOff(unsafe.Pointer(t), t.ptrToThis)))
	}
}
