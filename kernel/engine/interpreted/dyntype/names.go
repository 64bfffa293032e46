package dyntype

import (
	"encoding/binary"
	"go/token"
	"reflect"
	"strconv"
	"strings"
	"unsafe"
)

// The runtime finds what a descriptor refers to by offsets. For a descriptor outside all modules these are numbers
// that addReflectOff gives out; what has one is kept for ever.

//go:linkname addReflectOff reflect.addReflectOff
func addReflectOff(p unsafe.Pointer) int32

//go:linkname resolveNameOff reflect.resolveNameOff
func resolveNameOff(in unsafe.Pointer, off int32) unsafe.Pointer

//go:linkname resolveTypeOff reflect.resolveTypeOff
func resolveTypeOff(in unsafe.Pointer, off int32) unsafe.Pointer

//go:linkname resolveTextOff reflect.resolveTextOff
func resolveTextOff(in unsafe.Pointer, off int32) unsafe.Pointer

// A name as the runtime writes it: one byte of flags, the text with its length before it, and in the same way a tag;
// then the offset of the package's path where the name needs one.
const (
	nameExported = 1 << iota
	nameHasTag
	nameHasPackage
	nameEmbedded
)

type nameKey struct {
	text, tag, path string
	embedded        bool
}

// names are all names that were ever needed; guarded by mu.
var names = map[nameKey]*byte{}

// name returns the bytes of a name. path is the package of a name that is not exported, and empty where the type
// gives it.
func name(k nameKey) *byte {
	if b := names[k]; b != nil {
		return b
	}
	var flags byte
	if token.IsExported(k.text) {
		flags |= nameExported
	}
	if k.embedded {
		flags |= nameEmbedded
	}
	b := append([]byte{flags}, binary.AppendUvarint(nil, uint64(len(k.text)))...)
	b = append(b, k.text...)
	if k.tag != "" {
		b[0] |= nameHasTag
		b = append(binary.AppendUvarint(b, uint64(len(k.tag))), k.tag...)
	}
	if k.path != "" {
		b[0] |= nameHasPackage
		b = binary.NativeEndian.AppendUint32(b, uint32(nameOff(nameKey{text: k.path})))
	}
	b = append(b, 0) // the runtime computes an address just behind the text
	names[k] = &b[0]
	return &b[0]
}

func nameOff(k nameKey) int32 { return addReflectOff(unsafe.Pointer(name(k))) }

// nameText returns the text of a name.
func nameText(b *byte) string {
	if b == nil {
		return ""
	}
	text, _ := nameRest(b, 1)
	return text
}

// nameRest returns the string that stands at offset at of a name, and the offset behind it.
func nameRest(b *byte, at uintptr) (string, uintptr) {
	n := uint64(0)
	for shift := 0; ; shift += 7 {
		c := *(*byte)(unsafe.Add(unsafe.Pointer(b), at))
		at++
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			break
		}
	}
	return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(b), at)), n), at + uintptr(n)
}

// nameTag returns the tag that a name carries.
func nameTag(b *byte) string {
	if *b&nameHasTag == 0 {
		return ""
	}
	_, at := nameRest(b, 1)
	tag, _ := nameRest(b, at)
	return tag
}

// namePath returns the path of the package that a name carries.
func namePath(b *byte) string {
	if *b&nameHasPackage == 0 {
		return ""
	}
	_, at := nameRest(b, 1)
	if *b&nameHasTag != 0 {
		_, at = nameRest(b, at)
	}
	var off [4]byte
	copy(off[:], unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(b), at)), 4))
	return nameText((*byte)(resolveNameOff(unsafe.Pointer(b), int32(binary.NativeEndian.Uint32(off[:])))))
}

// nameAt returns the text of the name with an offset in the descriptor t.
func nameAt(t *rtype, off int32) string {
	return nameText((*byte)(resolveNameOff(unsafe.Pointer(t), off)))
}

// linkName is how a type is written as a type argument: like its String, with paths of packages in place of their
// names.
func linkName(t reflect.Type) string {
	if t.Name() != "" || t.Kind() == reflect.UnsafePointer {
		text := t.Name()
		if t.PkgPath() != "" {
			text = t.PkgPath() + "." + text
		}
		if n := locals[t]; n != 0 {
			text += "·" + strconv.Itoa(n)
		}
		if t == reflect.TypeFor[unsafe.Pointer]() {
			text = "unsafe.Pointer"
		}
		return text
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + linkName(t.Elem())
	case reflect.Slice:
		return "[]" + linkName(t.Elem())
	case reflect.Array:
		return "[" + strconv.Itoa(t.Len()) + "]" + linkName(t.Elem())
	case reflect.Map:
		return "map[" + linkName(t.Key()) + "]" + linkName(t.Elem())
	case reflect.Chan:
		elem := linkName(t.Elem())
		if t.ChanDir() == reflect.BothDir && strings.HasPrefix(elem, "<-") {
			elem = "(" + elem + ")"
		}
		return t.ChanDir().String() + " " + elem
	case reflect.Func:
		return "func" + linkSignature(t)
	case reflect.Struct:
		return linkStruct(t)
	default:
		return linkInterface(t)
	}
}

func linkSignature(t reflect.Type) string {
	var b strings.Builder
	b.WriteByte('(')
	for i := range t.NumIn() {
		if i > 0 {
			b.WriteString(", ")
		}
		if t.IsVariadic() && i == t.NumIn()-1 {
			b.WriteString("..." + linkName(t.In(i).Elem()))
		} else {
			b.WriteString(linkName(t.In(i)))
		}
	}
	b.WriteByte(')')
	var out []string
	for i := range t.NumOut() {
		out = append(out, linkName(t.Out(i)))
	}
	switch len(out) {
	case 0:
	case 1:
		b.WriteString(" " + out[0])
	default:
		b.WriteString(" (" + strings.Join(out, ", ") + ")")
	}
	return b.String()
}

func linkStruct(t reflect.Type) string {
	var fields []string
	for f := range t.Fields() {
		text := linkName(f.Type)
		switch {
		case f.Anonymous:
		case f.PkgPath != "":
			text = f.PkgPath + "." + f.Name + " " + text
		default:
			text = f.Name + " " + text
		}
		if f.Tag != "" {
			text += " " + strconv.Quote(string(f.Tag))
		}
		fields = append(fields, text)
	}
	return braces("struct", fields)
}

func linkInterface(t reflect.Type) string {
	var methods []string
	for m := range t.Methods() {
		text := m.Name
		if m.PkgPath != "" {
			text = m.PkgPath + "." + text
		}
		methods = append(methods, text+linkSignature(m.Type))
	}
	return braces("interface", methods)
}

func braces(word string, parts []string) string {
	if len(parts) == 0 {
		return word + " {}"
	}
	return word + " { " + strings.Join(parts, "; ") + " }"
}
