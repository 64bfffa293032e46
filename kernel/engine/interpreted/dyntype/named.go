package dyntype

import (
	"errors"
	"fmt"
	"go/types"
	"hash/fnv"
	"reflect"
	"strings"
	"unsafe"
)

// ofNamed returns a type that has a name: a compiled one, or one that was made, or one that is declared now.
func (b *batch) ofNamed(t *types.Named, in *Instance) (reflect.Type, error) {
	if r, done, err := b.predeclared(t); done {
		return r, err
	}
	if t.TypeParams().Len() > 0 && t.TypeArgs().Len() == 0 {
		return nil, fmt.Errorf("%s is generic and has no type arguments", t.Obj().Name())
	}
	args := make([]reflect.Type, t.TypeArgs().Len())
	for i := range args {
		r, err := b.of(t.TypeArgs().At(i), in)
		if err != nil {
			return nil, err
		}
		args[i] = r
	}
	obj := t.Obj()
	if r := b.binary(obj, args); r != nil {
		return r, nil
	}
	local := obj.Parent() != obj.Pkg().Scope()
	key := namedKey{obj: obj, args: string(argKey(nil, args))}
	if b.m.Key != nil {
		key.obj = b.m.Key(obj)
	}
	shown := args
	if local && in != nil {
		// A generic function declares another type for each of its instances.
		around, err := b.instanceArgs(in)
		if err != nil {
			return nil, err
		}
		key.args += "|" + string(argKey(nil, around))
		shown = append(around, args...)
	}
	if r := b.m.named[key]; r != nil {
		return typeOf(r), nil
	}
	return b.declare(t, in, key, shown, local)
}

func (b *batch) instanceArgs(in *Instance) ([]reflect.Type, error) {
	var list []reflect.Type
	for _, a := range in.args {
		r, err := b.of(a.Type, a.In)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// declare makes the descriptors of t and *t, which lack their parts and methods until b is finished.
func (b *batch) declare(
	t *types.Named, in *Instance, key namedKey, args []reflect.Type, local bool,
) (reflect.Type, error) {
	shape, err := b.shape(t.Underlying(), in)
	if err != nil {
		return nil, err
	}
	obj := t.Obj()
	path, pkgName := b.pkg(obj.Pkg())
	text := pkgName + "." + obj.Name()
	if len(args) > 0 {
		links := make([]string, len(args))
		for i, a := range args {
			links[i] = linkName(a)
		}
		text += "[" + strings.Join(links, ",") + "]"
	}
	n := &node{b: b, typ: t, in: in, path: path, text: text, named: true, declared: obj.Name()}
	if len(args) > 0 {
		n.declared += "[...]"
	}
	n.make(shape)
	if b.m.named == nil {
		b.m.named = map[namedKey]*rtype{}
	}
	b.m.named[key] = n.t
	r := typeOf(n.t)
	if local {
		if b.m.Local != nil {
			locals[r] = b.m.Local(obj)
		} else {
			b.m.local++
			locals[r] = b.m.local
		}
	}
	b.undone = append(b.undone, func() { delete(b.m.named, key); delete(locals, r) })
	b.later(func() error { return n.fill(shape) })
	b.later(n.addMethods)
	return r, nil
}

// A node is a type that is being made, with its pointer type.
type node struct {
	b        *batch
	typ      types.Type // a Named, or a Struct that has embedded fields
	in       *Instance
	path     string // of the package; empty for types without a name
	text     string // what String returns
	declared string // the name, as panics of the runtime write it
	named    bool

	t, p       *rtype
	tset, pset []*types.Selection
	parts      []*rtype // parameters and results of a function type, which follow the descriptor
}

// make allocates the descriptors. The header is that of shape, and so are fields and elements for the time being:
// package reflect looks into those of keys when it makes a map.
func (n *node) make(shape reflect.Type) {
	n.tset, n.pset = n.b.methodSet(n.typ), n.b.methodSet(types.NewPointer(n.typ))
	nparts := 0
	if sig, ok := n.typ.Underlying().(*types.Signature); ok {
		nparts = sig.Params().Len() + sig.Results().Len()
	}
	s := descriptor(shape)
	d, parts := allocate(shape.Kind(), nparts, len(n.tset), n.named)
	n.parts = parts
	switch shape.Kind() {
	case reflect.Struct:
		*(*structType)(unsafe.Pointer(d)) = *(*structType)(unsafe.Pointer(s))
	case reflect.Array:
		*(*arrayType)(unsafe.Pointer(d)) = *(*arrayType)(unsafe.Pointer(s))
	default:
		*d = *s
	}
	d.tflag &= shapeFlags
	if n.named {
		d.tflag |= flagNamed
	}
	d.str = nameOff(nameKey{text: n.text})

	p, _ := allocate(reflect.Pointer, 0, len(n.pset), false)
	*p = *descriptor(reflect.TypeFor[*int]())
	p.tflag &= shapeFlags
	p.str = nameOff(nameKey{text: "*" + n.text})
	p.ptrToThis = 0
	(*ptrType)(unsafe.Pointer(p)).elem = d
	d.ptrToThis = addReflectOff(unsafe.Pointer(p))

	d.hash = hashOf(n.text, d)
	p.hash = hashOf("*"+n.text, p)
	n.t, n.p = d, p
	pinned = append(pinned, unsafe.Pointer(d), unsafe.Pointer(p))
	if n.named || len(n.tset) > 0 {
		n.setUncommon(d, n.tset)
	}
	if len(n.pset) > 0 {
		n.setUncommon(p, n.pset)
	}
}

func (n *node) setUncommon(d *rtype, set []*types.Selection) {
	d.tflag |= flagUncommon
	u := d.uncommon()
	if n.path != "" {
		u.pkgPath = nameOff(nameKey{text: n.path})
	}
	u.mcount = uint16(len(set))
	for _, s := range set {
		if s.Obj().Exported() {
			u.xcount++
		}
	}
	u.moff = uint32(unsafe.Sizeof(*u))
	if d == n.t {
		u.moff += uint32(len(n.parts)) * uint32(unsafe.Sizeof(uintptr(0)))
	}
}

// hashOf returns the number by which maps of types and compiled type switches find a type. Types of one name may not
// share it.
func hashOf(text string, d *rtype) uint32 {
	h := fnv.New32a()
	fmt.Fprint(h, text, unsafe.Pointer(d))
	return h.Sum32()
}

type memoryKey struct {
	kind           reflect.Kind
	parts, methods int
	uncommon       bool
}

// memories are types of memory for descriptors: the garbage collector sees the pointers in them.
var memories = map[memoryKey]reflect.Type{}

// allocate returns memory for a descriptor, its uncommon part, parts pointers and methods methods.
func allocate(k reflect.Kind, parts, methods int, named bool) (*rtype, []*rtype) {
	key := memoryKey{k, parts, methods, named || methods > 0}
	t := memories[key]
	if t == nil {
		fields := []reflect.StructField{{Name: "Type", Type: layoutOf(k)}}
		if key.uncommon {
			fields = append(fields, reflect.StructField{Name: "Uncommon", Type: reflect.TypeFor[uncommon]()})
		}
		fields = append(fields,
			reflect.StructField{Name: "Parts", Type: reflect.ArrayOf(parts, reflect.TypeFor[*rtype]())},
			reflect.StructField{Name: "Methods", Type: reflect.ArrayOf(methods, reflect.TypeFor[methodEntry]())})
		t = reflect.StructOf(fields)
		memories[key] = t
	}
	v := reflect.New(t)
	p := v.UnsafePointer()
	f, _ := t.FieldByName("Parts")
	return (*rtype)(p), unsafe.Slice((**rtype)(unsafe.Add(p, f.Offset)), parts)
}

// fill gives a named type its parts.
func (n *node) fill(shape reflect.Type) error {
	b, in := n.b, n.in
	switch u := n.typ.Underlying().(type) {
	case *types.Pointer:
		elem, err := b.of(u.Elem(), in)
		if err != nil {
			return err
		}
		(*ptrType)(unsafe.Pointer(n.t)).elem = descriptor(elem)
	case *types.Slice:
		elem, err := b.of(u.Elem(), in)
		if err != nil {
			return err
		}
		(*sliceType)(unsafe.Pointer(n.t)).elem = descriptor(elem)
	case *types.Chan:
		elem, err := b.of(u.Elem(), in)
		if err != nil {
			return err
		}
		c := (*chanType)(unsafe.Pointer(n.t))
		c.elem = descriptor(reflect.ChanOf(chanDirs[u.Dir()], elem).Elem()) // reflect limits what channels carry
		c.dir = int(chanDirs[u.Dir()])
	case *types.Array:
		elem, err := b.of(u.Elem(), in)
		if err != nil {
			return err
		}
		a := (*arrayType)(unsafe.Pointer(n.t))
		a.elem, a.slice = descriptor(elem), descriptor(reflect.SliceOf(elem))
	case *types.Map:
		key, elem, err := b.ofMap(u, in)
		if err != nil {
			return err
		}
		header := *n.t
		m := (*mapType)(unsafe.Pointer(n.t))
		*m = *(*mapType)(unsafe.Pointer(descriptor(reflect.MapOf(key, elem))))
		m.rtype = header
	case *types.Signature:
		return n.fillFunc(u)
	case *types.Struct:
		fields, path, err := b.fields(u, in, shape)
		if err != nil {
			return err
		}
		s := (*structType)(unsafe.Pointer(n.t))
		s.fields, s.pkgPath = fields, path
	case *types.Interface:
		methods, err := b.interfaceMethods(u, in, n.path)
		if err != nil {
			return err
		}
		(*interfaceType)(unsafe.Pointer(n.t)).methods = offsets(methods)
		if n.path != "" {
			(*interfaceType)(unsafe.Pointer(n.t)).pkgPath = name(nameKey{text: n.path})
		}
	}
	return nil
}

func (n *node) fillFunc(u *types.Signature) error {
	ft, err := n.b.ofFunc(nil, u, n.in)
	if err != nil {
		return err
	}
	f := (*funcType)(unsafe.Pointer(n.t))
	f.in, f.out = uint16(ft.NumIn()), uint16(ft.NumOut())
	if ft.IsVariadic() {
		f.out |= 1 << 15
	}
	for i := range ft.NumIn() {
		n.parts[i] = descriptor(ft.In(i))
	}
	for i := range ft.NumOut() {
		n.parts[ft.NumIn()+i] = descriptor(ft.Out(i))
	}
	return nil
}

// fields returns the fields of a struct type, at the offsets that its shape has, and the name of the package of
// unexported ones.
func (b *batch) fields(u *types.Struct, in *Instance, shape reflect.Type) ([]structField, *byte, error) {
	fields := make([]structField, u.NumFields())
	var path *byte
	for i := range fields {
		f := u.Field(i)
		ft, err := b.of(f.Type(), in)
		if err != nil {
			return nil, nil, err
		}
		if ft.Size() != shape.Field(i).Type.Size() {
			return nil, nil, errors.New("field " + f.Name() + " has another size than its declaration")
		}
		fields[i] = structField{
			name:   name(nameKey{text: f.Name(), tag: u.Tag(i), embedded: f.Embedded()}),
			typ:    descriptor(ft),
			offset: shape.Field(i).Offset,
		}
		if !f.Exported() && path == nil {
			p, _ := b.pkg(f.Pkg())
			path = name(nameKey{text: p})
		}
	}
	return fields, path, nil
}
