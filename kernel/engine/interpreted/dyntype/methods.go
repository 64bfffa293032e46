package dyntype

import (
	"errors"
	"fmt"
	"go/types"
	"reflect"
	"slices"
	"sync"
	"unsafe"
)

// methodSet returns the methods of t, promoted ones as well, in the order of the runtime.
func (b *batch) methodSet(t types.Type) []*types.Selection {
	if p, ok := t.(*types.Pointer); ok {
		if types.IsInterface(p.Elem()) {
			return nil
		}
	} else if types.IsInterface(t) {
		return nil
	}
	set := slices.Collect(types.NewMethodSet(t).Methods())
	slices.SortFunc(set, func(s, t *types.Selection) int {
		path1, _ := b.pkg(s.Obj().Pkg())
		path2, _ := b.pkg(t.Obj().Pkg())
		return compareNames(s.Obj().Name(), path1, t.Obj().Name(), path2)
	})
	return set
}

// addMethods gives the types of a node the methods that their descriptors have room for.
func (n *node) addMethods() error {
	ofValue := map[string]int{}
	for i, s := range n.tset {
		ofValue[s.Obj().Id()] = i
	}
	for i, s := range n.pset {
		at, both := ofValue[s.Obj().Id()]
		e, value, t, err := n.entries(s.Obj().(*types.Func), s.Index(), both)
		if err != nil {
			return fmt.Errorf("method %s: %w", s.Obj().Name(), err)
		}
		list := []*methodEntry{&n.p.uncommon().methods()[i]}
		*list[0] = e
		if both {
			list = append(list, &n.t.uncommon().methods()[at])
			*list[1] = value
		}
		if t != nil {
			n.b.last = append(n.b.last, func() error { return t.resolve(list) })
		}
	}
	return nil
}

// entries returns the entry of a method in the pointer type and, if both, that in the type itself. An interface
// holds most values by pointer, so the code for interfaces is the same there; a value that is itself one word is
// held as it is.
func (n *node) entries(fn *types.Func, index []int, both bool) (pointer, value methodEntry, t *target, err error) {
	typ, err := n.b.ofFunc(nil, fn.Signature(), n.in)
	if err != nil {
		return
	}
	var c code
	if len(index) > 1 {
		c, t = n.promoted(fn, index, typ, both)
	} else if c, err = n.declaredCode(fn, typ, both); err != nil {
		return
	}
	off, err := n.b.stub(c.byPointer)
	if err != nil {
		return
	}
	key := nameKey{text: fn.Name()}
	if !fn.Exported() {
		if path, _ := n.b.pkg(fn.Pkg()); path != n.path {
			key.path = path
		}
	}
	pointer = methodEntry{name: nameOff(key), mtyp: addReflectOff(unsafe.Pointer(descriptor(typ))), ifn: off, tfn: off}
	value = pointer
	if both && (n.t.direct() || fn.Exported()) { // reflect alone calls tfn, and no unexported method
		if value.tfn, err = n.b.stub(c.byValue); n.t.direct() {
			value.ifn = value.tfn
		}
	}
	return
}

// A code is how a method is run: by functions that take a pointer to the receiver, and the receiver itself.
type code struct{ byPointer, byValue reflect.Value }

// declaredCode returns the code of a method that the node's type declares.
func (n *node) declaredCode(fn *types.Func, typ reflect.Type, byValue bool) (code, error) {
	m := Method{Recv: n.typ.(*types.Named), In: n.in, Func: fn}
	recv := typeOf(n.t)
	if byValue {
		m.Type = withReceiver(recv, typ)
	} else {
		m.Type = withReceiver(typeOf(n.p), typ)
	}
	if n.b.m.Body == nil {
		return code{}, errors.New("the session has no code for methods")
	}
	body, err := n.b.m.Body(m)
	if err != nil {
		return code{}, err
	}
	if !body.IsValid() || body.Type() != m.Type || body.IsNil() {
		return code{}, fmt.Errorf("its code is not a %s", m.Type)
	}
	if !byValue {
		return code{byPointer: body}, nil
	}
	path := n.path
	if path != "" {
		path += "."
	}
	called := "value method " + path + n.declared + "." + fn.Name() + " called using nil *" + n.declared + " pointer"
	return code{byValue: body, byPointer: reflect.MakeFunc(withWord(typ), func(args []reflect.Value) []reflect.Value {
		p := args[0].UnsafePointer()
		if p == nil {
			panic(nilReceiver(called))
		}
		args[0] = reflect.NewAt(recv, p).Elem()
		return call(body, args)
	})}, nil
}

// nilReceiver returns the error that the code has which Go makes for methods with a value receiver. Its type is the
// runtime's own.
func nilReceiver(text string) any {
	e := reflect.New(plainError()).Elem()
	e.SetString(text)
	return e.Interface()
}

var plainError = sync.OnceValue(func() (t reflect.Type) {
	defer func() { t = reflect.TypeOf(recover()) }()
	nilProbe.probe(0)
	return nil
})

var nilProbe probeInterface = (*probeInt)(nil) // a variable, so that the compiler does not call the method itself

func call(fn reflect.Value, args []reflect.Value) []reflect.Value {
	if fn.Type().IsVariadic() {
		return fn.CallSlice(args)
	}
	return fn.Call(args)
}

// withReceiver returns the type of a function with one more parameter, the first.
func withReceiver(recv, typ reflect.Type) reflect.Type {
	in := []reflect.Type{recv}
	for t := range typ.Ins() {
		in = append(in, t)
	}
	return reflect.FuncOf(in, slices.Collect(typ.Outs()), typ.IsVariadic())
}

// withWord is withReceiver for any pointer: calls pass all pointers in the same way, and the types of functions are
// shared.
func withWord(typ reflect.Type) reflect.Type {
	return withReceiver(reflect.TypeFor[unsafe.Pointer](), typ)
}

// promoted returns code for a method of an embedded field.
func (n *node) promoted(fn *types.Func, index []int, typ reflect.Type, byValue bool) (code, *target) {
	t := &target{outer: n.t, index: index, name: fn.Name(), fn: withWord(typ)}
	if !fn.Exported() {
		t.path, _ = n.b.pkg(fn.Pkg())
	}
	_, onPointer := types.Unalias(fn.Signature().Recv().Type()).(*types.Pointer)
	t.nonNil = !onPointer
	c := code{byPointer: reflect.MakeFunc(t.fn, func(args []reflect.Value) []reflect.Value {
		return t.call(args[0].UnsafePointer(), args)
	})}
	if byValue {
		c.byValue = reflect.MakeFunc(withReceiver(typeOf(n.t), typ), func(args []reflect.Value) []reflect.Value {
			p := reflect.New(args[0].Type())
			p.Elem().Set(args[0])
			return t.call(p.UnsafePointer(), args)
		})
	}
	return c, t
}

// A target is the method of an embedded field that a promoted method calls.
type target struct {
	outer      *rtype
	index      []int
	name, path string
	nonNil     bool         // the receiver is a value, so a nil pointer to it is an error
	fn         reflect.Type // of the code, with a word as receiver

	steps []step
	final step
	code  unsafe.Pointer // of a concrete method
	slot  int            // of an interface's method
}

// A step leads from a struct to one of its fields.
type step struct {
	offset uintptr
	kind   reflect.Kind // Pointer: the field points to the next struct. Interface: it holds the receiver
}

// resolve finds the code of the method, when all types are complete but for promoted methods' targets.
//
// The linker leaves methods out that no interface of the program has. An unexported one is then left out here as
// well, since no interface of a cell can have it; entries are those of the promoted method.
func (t *target) resolve(entries []*methodEntry) error {
	at := t.outer
	for i, index := range t.index[:len(t.index)-1] {
		f := (*structType)(unsafe.Pointer(at)).fields[index]
		st := step{offset: f.offset, kind: reflect.Kind(f.typ.kind)}
		at = f.typ
		if st.kind == reflect.Pointer {
			at = (*ptrType)(unsafe.Pointer(at)).elem
		}
		if i == len(t.index)-2 {
			t.final = st
		} else {
			t.steps = append(t.steps, st)
		}
	}
	if t.final.kind == reflect.Interface {
		t.slot = slices.IndexFunc(interfaceSignatures(at), func(s signature) bool {
			return s.name == t.name && s.path == t.path
		})
		if t.slot < 0 {
			return t.missing(at)
		}
		return nil
	}
	p := descriptor(reflect.PointerTo(typeOf(at)))
	for _, m := range p.uncommon().methods() {
		b := (*byte)(resolveNameOff(unsafe.Pointer(p), m.name))
		if nameText(b) != t.name {
			continue
		}
		if t.path != "" {
			path := namePath(b)
			if path == "" {
				path = nameAt(p, p.uncommon().pkgPath)
			}
			if path != t.path {
				continue
			}
		}
		if m.ifn == -1 || m.ifn == 0 {
			break
		}
		t.code = resolveTextOff(unsafe.Pointer(p), m.ifn)
		return nil
	}
	if t.path != "" {
		for _, e := range entries {
			e.mtyp, e.ifn, e.tfn = -1, -1, -1
		}
		return nil
	}
	return t.missing(at)
}

func (t *target) missing(in *rtype) error {
	return fmt.Errorf("method %s of %s is not part of this program", t.name, typeOf(in))
}

// call runs the method for the struct at p; args has the outer receiver in front.
func (t *target) call(p unsafe.Pointer, args []reflect.Value) []reflect.Value {
	for _, s := range t.steps {
		p = fieldAt(p, s.offset)
		if s.kind == reflect.Pointer {
			p = *(*unsafe.Pointer)(p)
		}
	}
	p = fieldAt(p, t.final.offset)
	code := t.code
	switch t.final.kind {
	case reflect.Pointer:
		p = *(*unsafe.Pointer)(p)
		if t.nonNil {
			touch(p)
		}
	case reflect.Interface:
		i := (*interfaceWords)(p)
		touch(unsafe.Pointer(i.table))
		code = *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(&i.table.fun), t.slot*int(unsafe.Sizeof(code))))
		p = i.data
	}
	closure := &code
	fn := reflect.NewAt(t.fn, unsafe.Pointer(&closure)).Elem()
	args[0] = reflect.ValueOf(p)
	return call(fn, args)
}

// fieldAt returns the address of a field, and panics as Go does when p is nil.
func fieldAt(p unsafe.Pointer, offset uintptr) unsafe.Pointer {
	touch(p)
	return unsafe.Add(p, offset)
}

// touch reads a byte at p, so that the runtime panics when p is nil.
//
//go:noinline
func touch(p unsafe.Pointer) byte { return *(*byte)(p) }
