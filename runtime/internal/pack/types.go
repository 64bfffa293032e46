package pack

import (
	"encoding/binary"
	"reflect"
)

// Types are packed as what they are made of, down to named types, whose names the table knows. The first time
// that a type occurs it is packed; later its number stands for it.

const (
	typeNamed = iota
	typeError
	typeComposite // + its kind; predeclared types are of this form, too
)

// The predeclared types, by kind.
var predeclared = map[reflect.Kind]reflect.Type{
	reflect.Bool:          reflect.TypeFor[bool](),
	reflect.Int:           reflect.TypeFor[int](),
	reflect.Int8:          reflect.TypeFor[int8](),
	reflect.Int16:         reflect.TypeFor[int16](),
	reflect.Int32:         reflect.TypeFor[int32](),
	reflect.Int64:         reflect.TypeFor[int64](),
	reflect.Uint:          reflect.TypeFor[uint](),
	reflect.Uint8:         reflect.TypeFor[uint8](),
	reflect.Uint16:        reflect.TypeFor[uint16](),
	reflect.Uint32:        reflect.TypeFor[uint32](),
	reflect.Uint64:        reflect.TypeFor[uint64](),
	reflect.Uintptr:       reflect.TypeFor[uintptr](),
	reflect.Float32:       reflect.TypeFor[float32](),
	reflect.Float64:       reflect.TypeFor[float64](),
	reflect.Complex64:     reflect.TypeFor[complex64](),
	reflect.Complex128:    reflect.TypeFor[complex128](),
	reflect.String:        reflect.TypeFor[string](),
	reflect.Interface:     reflect.TypeFor[any](),
	reflect.UnsafePointer: reflect.TypeFor[struct{}](), // of no use in another process: never packed
}

// typeName returns a name of what typ packs, "" if the table does not know the type or
// one that it is made of.
func (p *packer) typeName(t reflect.Type) string {
	if t == errorType || predeclared[t.Kind()] == t {
		return t.String()
	}
	if t.Name() == "" {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
			return p.typeName(t.Elem())
		case reflect.Map:
			if p.typeName(t.Key()) == "" {
				return ""
			}
			return p.typeName(t.Elem())
		case reflect.Func:
			for i := range t.NumIn() {
				if p.typeName(t.In(i)) == "" {
					return ""
				}
			}
			for i := range t.NumOut() {
				if p.typeName(t.Out(i)) == "" {
					return ""
				}
			}
			return "func"
		}
	}
	if p.table == nil {
		return ""
	}
	return p.table.TypeName(t)
}

// typ packs a type.
func (p *packer) typ(t reflect.Type) {
	if n, ok := p.types[t]; ok {
		p.uint(n)
		return
	}
	if p.types == nil {
		p.types = map[reflect.Type]uint64{}
	}
	n := uint64(len(p.types) + 1)
	p.types[t] = n
	p.uint(n)
	p.newType(t)
}

func (p *packer) newType(t reflect.Type) {
	switch {
	case t == errorType:
		p.b = append(p.b, typeError)
		return
	case predeclared[t.Kind()] == t:
		p.b = append(p.b, typeComposite+byte(t.Kind()))
		return
	}
	if t.Name() == "" {
		kind := typeComposite + byte(t.Kind())
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice:
			p.b = append(p.b, kind)
			p.newType(t.Elem())
			return
		case reflect.Array:
			p.b = append(p.b, kind)
			p.uint(uint64(t.Len()))
			p.newType(t.Elem())
			return
		case reflect.Chan:
			p.b = append(p.b, kind, byte(t.ChanDir()))
			p.newType(t.Elem())
			return
		case reflect.Map:
			p.b = append(p.b, kind)
			p.newType(t.Key())
			p.newType(t.Elem())
			return
		case reflect.Func:
			variadic := byte(0)
			if t.IsVariadic() {
				variadic = 1
			}
			p.b = append(p.b, kind, variadic)
			p.uint(uint64(t.NumIn()))
			p.uint(uint64(t.NumOut()))
			for i := range t.NumIn() {
				p.newType(t.In(i))
			}
			for i := range t.NumOut() {
				p.newType(t.Out(i))
			}
			return
		}
	}
	name := ""
	if p.table != nil {
		name = p.table.TypeName(t)
	}
	if name == "" {
		panic(&CannotError{What: spell(t) + ", a type that the other process does not know", Type: t})
	}
	p.b = append(p.b, typeNamed)
	p.text(name)
}

const deepestType = 64 // of types within types, from another process

// typ unpacks a type.
func (u *unpacker) typ() reflect.Type {
	n := u.uint()
	switch {
	case n >= 1 && n <= uint64(len(u.types)):
		return u.types[n-1]
	case n != uint64(len(u.types)+1):
		u.fail("type %d of %d", n, len(u.types))
	}
	at := len(u.types)
	u.types = append(u.types, nil)
	t := u.newType(0)
	u.types[at] = t
	return t
}

func (u *unpacker) newType(depth int) reflect.Type {
	if depth > deepestType {
		u.fail("a type of more than %d levels", deepestType)
	}
	tag := u.byte()
	switch tag {
	case typeError:
		return errorType
	case typeNamed:
		name := string(u.bytes(u.length(1)))
		var t reflect.Type
		if u.table != nil {
			t = u.table.Type(name)
		}
		if t == nil {
			u.fail("an unknown type %.100q", name)
		}
		return t
	}
	kind := reflect.Kind(tag - typeComposite)
	next := func() reflect.Type { return u.newType(depth + 1) }
	switch kind {
	case reflect.Pointer:
		return reflect.PointerTo(next())
	case reflect.Slice:
		return reflect.SliceOf(next())
	case reflect.Array:
		n := u.uint()
		t := next()
		if n > largestArray || t.Size() > 0 && n > largestArray/uint64(t.Size()) {
			u.fail("an array of %d elements", n)
		}
		return reflect.ArrayOf(int(n), t)
	case reflect.Chan:
		dir := reflect.ChanDir(u.byte())
		t := next()
		if dir < reflect.RecvDir || dir > reflect.BothDir || t.Size() >= 1<<16 {
			u.fail("a channel type")
		}
		return reflect.ChanOf(dir, t)
	case reflect.Map:
		k := next()
		if !k.Comparable() {
			u.fail("a map with keys of type %v", k)
		}
		return reflect.MapOf(k, next())
	case reflect.Func:
		variadic := u.byte() == 1
		ins, outs := make([]reflect.Type, u.length(1)), make([]reflect.Type, u.length(1))
		if len(ins)+len(outs) > 50 {
			u.fail("a function type")
		}
		for i := range ins {
			ins[i] = next()
		}
		for i := range outs {
			outs[i] = next()
		}
		if variadic && (len(ins) == 0 || ins[len(ins)-1].Kind() != reflect.Slice) {
			u.fail("a function type")
		}
		return reflect.FuncOf(ins, outs, variadic)
	}
	t := predeclared[kind]
	if t == nil || kind == reflect.UnsafePointer {
		u.fail("a type of kind %d", kind)
	}
	return t
}

const largestArray = 1 << 30

func (u *unpacker) uint() uint64 {
	n, k := binary.Uvarint(u.b)
	if k <= 0 {
		u.fail("a number that does not end")
	}
	u.b = u.b[k:]
	return n
}
