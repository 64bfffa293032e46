package dyntype

import (
	"cmp"
	"errors"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

//go:linkname typesByString reflect.typesByString
func typesByString(s string) []*rtype

// unnamed are the struct and interface types without a name that were made here, by their text; guarded by mu.
var unnamed = map[string][]*rtype{}

func (b *batch) addUnnamed(text string, t *rtype) {
	unnamed[text] = append(unnamed[text], t)
	b.undone = append(b.undone, func() {
		unnamed[text] = slices.DeleteFunc(unnamed[text], func(u *rtype) bool { return u == t })
	})
}

// ofStruct returns a struct type that has no name. Package reflect makes it, where it can; it cannot give it
// methods, nor fields that are blank or embedded.
func (b *batch) ofStruct(u *types.Struct, in *Instance) (reflect.Type, error) {
	plain := true
	for f := range u.Fields() {
		plain = plain && !f.Embedded() && f.Name() != "_"
	}
	if plain {
		return b.plainStruct(u, in)
	}
	shape, err := b.shape(u, in)
	if err != nil {
		return nil, err
	}
	fields, path, err := b.fields(u, in, shape)
	if err != nil {
		return nil, err
	}
	text := structText(fields)
	for _, known := range [][]*rtype{typesByString(text), unnamed[text]} {
		for _, t := range known {
			if sameStruct(t, fields, path) {
				return typeOf(t), nil
			}
		}
	}
	n := &node{b: b, typ: u, in: in, text: text}
	n.make(shape)
	s := (*structType)(unsafe.Pointer(n.t))
	s.fields, s.pkgPath = fields, path
	b.addUnnamed(text, n.t)
	b.later(n.addMethods)
	return typeOf(n.t), nil
}

func (b *batch) plainStruct(u *types.Struct, in *Instance) (reflect.Type, error) {
	fields := make([]reflect.StructField, u.NumFields())
	for i := range fields {
		f := u.Field(i)
		ft, err := b.of(f.Type(), in)
		if err != nil {
			return nil, err
		}
		fields[i] = reflect.StructField{Name: f.Name(), Type: ft, Tag: reflect.StructTag(u.Tag(i))}
		if !f.Exported() {
			fields[i].PkgPath, _ = b.pkg(f.Pkg())
		}
	}
	return reflect.StructOf(fields), nil
}

// structText returns what String returns for a struct type without a name.
func structText(fields []structField) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = typeOf(f.typ).String()
		if *f.name&nameEmbedded == 0 {
			parts[i] = nameText(f.name) + " " + parts[i]
		}
		if tag := nameTag(f.name); tag != "" {
			parts[i] += " " + strconv.Quote(tag)
		}
	}
	return braces("struct", parts)
}

func sameStruct(t *rtype, fields []structField, path *byte) bool {
	if reflect.Kind(t.kind) != reflect.Struct || t.tflag&flagNamed != 0 {
		return false
	}
	s := (*structType)(unsafe.Pointer(t))
	return nameText(s.pkgPath) == nameText(path) && slices.EqualFunc(s.fields, fields, func(f, g structField) bool {
		return f.typ == g.typ && nameText(f.name) == nameText(g.name) && nameTag(f.name) == nameTag(g.name) &&
			(*f.name^*g.name)&nameEmbedded == 0
	})
}

// A signature is a method of an interface type. path is its package, and pkg that one's name, where the method is
// not exported.
type signature struct {
	name, path, pkg string
	typ             *rtype
	off             int32 // of the name, as the interface type has it
}

// ofInterface returns an interface type that has no name.
func (b *batch) ofInterface(u *types.Interface, in *Instance) (reflect.Type, error) {
	methods, err := b.interfaceMethods(u, in, "")
	if err != nil {
		return nil, err
	}
	if len(methods) == 0 {
		return reflect.TypeFor[any](), nil
	}
	text := interfaceText(methods)
	for _, known := range [][]*rtype{count().interfaces[text], unnamed[text]} {
		for _, t := range known {
			if sameInterface(t, methods) {
				return typeOf(t), nil
			}
		}
	}
	n := &node{b: b, typ: u, in: in, text: text}
	n.make(reflect.TypeFor[error]())
	(*interfaceType)(unsafe.Pointer(n.t)).methods = offsets(methods)
	b.addUnnamed(text, n.t)
	return typeOf(n.t), nil
}

// interfaceMethods returns all methods of an interface type in the order of the runtime. home is the path of the
// package of the type's name: unexported methods of that package do not carry the path.
func (b *batch) interfaceMethods(u *types.Interface, in *Instance, home string) ([]signature, error) {
	if !u.IsMethodSet() {
		return nil, errors.New("an interface with a type set is a constraint")
	}
	methods := make([]signature, u.NumMethods())
	for i := range methods {
		f := u.Method(i)
		t, err := b.ofFunc(nil, f.Signature(), in)
		if err != nil {
			return nil, err
		}
		s := signature{name: f.Name(), typ: descriptor(t)}
		key := nameKey{text: s.name}
		if !f.Exported() {
			s.path, s.pkg = b.pkg(f.Pkg())
			if s.path != home {
				key.path = s.path
			}
		}
		s.off = nameOff(key)
		methods[i] = s
	}
	slices.SortFunc(methods, func(s, t signature) int { return compareNames(s.name, s.path, t.name, t.path) })
	return methods, nil
}

// compareNames is the order of methods: exported ones come first.
func compareNames(name1, path1, name2, path2 string) int {
	if e1, e2 := token.IsExported(name1), token.IsExported(name2); e1 != e2 {
		if e1 {
			return -1
		}
		return 1
	}
	return cmp.Or(strings.Compare(name1, name2), strings.Compare(path1, path2))
}

func offsets(methods []signature) []interfaceMethod {
	list := make([]interfaceMethod, len(methods))
	for i, m := range methods {
		list[i] = interfaceMethod{m.off, addReflectOff(unsafe.Pointer(m.typ))}
	}
	return list
}

// interfaceText returns what String returns for an interface type without a name.
func interfaceText(methods []signature) string {
	parts := make([]string, len(methods))
	for i, m := range methods {
		parts[i] = m.name + strings.TrimPrefix(typeOf(m.typ).String(), "func")
		if m.path != "" {
			parts[i] = m.pkg + "." + parts[i]
		}
	}
	return braces("interface", parts)
}

// interfaceSignatures returns the methods of an interface type that exists.
func interfaceSignatures(t *rtype) []signature {
	it := (*interfaceType)(unsafe.Pointer(t))
	list := make([]signature, len(it.methods))
	for i, m := range it.methods {
		b := (*byte)(resolveNameOff(unsafe.Pointer(t), m.name))
		list[i] = signature{name: nameText(b), typ: (*rtype)(resolveTypeOff(unsafe.Pointer(t), m.typ))}
		if *b&nameExported == 0 {
			list[i].path = cmp.Or(namePath(b), nameText(it.pkgPath))
		}
	}
	return list
}

func sameInterface(t *rtype, methods []signature) bool {
	return t.tflag&flagNamed == 0 && slices.EqualFunc(interfaceSignatures(t), methods, func(s, m signature) bool {
		return s.name == m.name && s.path == m.path && s.typ == m.typ
	})
}
