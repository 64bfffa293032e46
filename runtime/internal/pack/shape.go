package pack

import (
	"encoding"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// A shape is what pack knows of a type.
type shape struct {
	typ   reflect.Type
	kind  kind
	size  uintptr
	plain bool // numbers without padding: its bytes are packed as they are
	leads bool // it may lead to other memory
	// the fewest bytes that a packed value has; 0 only if all values are equal
	least int

	elem    *shape // of arrays, slices, pointers and maps
	key     *shape // of maps
	n       int    // length of arrays
	fields  []field
	why     string // why no value can be packed, as the end of "it is a …"; empty if values can
	whyAt   uintptr
	whyType reflect.Type // which type that is
	fixed   bool         // pointers to it may be in a Table
}

type field struct {
	name   string
	offset uintptr
	*shape
}

// A kind is how values of a type are packed.
type kind uint8

const (
	kindPlain     kind = iota // its bytes
	kindBool                  //
	kindString                // length and bytes
	kindStruct                // fields in order
	kindArray                 // elements in order
	kindPointer               // a reference
	kindSlice                 // a reference
	kindMap                   // a reference
	kindInterface             // the type and the value
	kindNil                   // channels, functions, unsafe pointers: nil only
	kindTime                  // time.Time
	kindBinary                // by its MarshalBinary and UnmarshalBinary
	kindText                  // by its MarshalText and UnmarshalText
	kindNever                 // not at all
)

var shapes struct {
	sync.Mutex
	of sync.Map // reflect.Type → *shape, complete ones
}

// shapeOf returns the shape of a type.
func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.of.Load(t); ok {
		return s.(*shape)
	}
	shapes.Lock()
	defer shapes.Unlock()
	b := builder{}
	s := b.shape(t)
	for len(b.later) > 0 {
		f := b.later[len(b.later)-1]
		b.later = b.later[:len(b.later)-1]
		f()
	}
	for t, s := range b.made {
		shapes.of.Store(t, s)
	}
	return s
}

// A builder makes the shapes of a type and of all that it mentions.
type builder struct {
	made  map[reflect.Type]*shape
	later []func() // what is behind pointers, which may lead back
}

var (
	timeType              = reflect.TypeFor[time.Time]()
	errorType             = reflect.TypeFor[error]()
	binaryMarshalerType   = reflect.TypeFor[encoding.BinaryMarshaler]()
	binaryUnmarshalerType = reflect.TypeFor[encoding.BinaryUnmarshaler]()
	textMarshalerType     = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType   = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (b *builder) shape(t reflect.Type) *shape {
	if s, ok := shapes.of.Load(t); ok {
		return s.(*shape)
	}
	if s := b.made[t]; s != nil {
		return s
	}
	s := &shape{typ: t, size: t.Size()}
	if b.made == nil {
		b.made = map[reflect.Type]*shape{}
	}
	b.made[t] = s
	switch t.Kind() {
	case reflect.Bool:
		s.kind, s.least = kindBool, 1
	case reflect.String:
		s.kind, s.least = kindString, 1
	case reflect.Struct:
		b.structure(s)
	case reflect.Array:
		s.elem, s.n = b.shape(t.Elem()), t.Len()
		s.kind, s.least = kindArray, s.n*s.elem.least
		s.plain, s.leads = s.elem.plain, s.elem.leads && s.n > 0
		if s.n > 0 {
			s.why, s.whyAt, s.whyType = s.elem.why, s.elem.whyAt, s.elem.whyType
		}
	case reflect.Pointer:
		s.kind, s.least, s.leads = kindPointer, 1, true
		s.fixed = t.Implements(errorType) || t.Elem() == reflect.TypeFor[time.Location]()
		b.later = append(b.later, func() { s.elem = b.shape(t.Elem()) })
	case reflect.Slice:
		s.kind, s.least, s.leads = kindSlice, 1, true
		b.later = append(b.later, func() { s.elem = b.shape(t.Elem()) })
	case reflect.Map:
		s.kind, s.least, s.leads = kindMap, 1, true
		b.later = append(b.later, func() { s.key, s.elem = b.shape(t.Key()), b.shape(t.Elem()) })
	case reflect.Interface:
		s.kind, s.least, s.leads = kindInterface, 1, true
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		s.kind, s.least, s.leads = kindNil, 1, true
	default:
		s.kind, s.least, s.plain = kindPlain, int(s.size), true
	}
	return s
}

// structure makes the shape of a struct.
func (b *builder) structure(s *shape) {
	t := s.typ
	if t == timeType {
		s.kind, s.least, s.leads = kindTime, 13, true
		return
	}
	s.kind, s.plain = kindStruct, true
	end := uintptr(0)
	for i := range t.NumField() {
		f := t.Field(i)
		fs := b.shape(f.Type)
		s.fields = append(s.fields, field{f.Name, f.Offset, fs})
		s.plain = s.plain && fs.plain && f.Offset == end
		s.leads = s.leads || fs.leads
		s.least += fs.least
		end = f.Offset + fs.size
		if fs.why != "" && s.why == "" {
			s.why, s.whyAt, s.whyType = fs.why, f.Offset+fs.whyAt, fs.whyType
		}
	}
	s.plain = s.plain && end == s.size
	if private(t) {
		s.why, s.whyAt, s.whyType = spell(t), 0, t
	}
	if s.why == "" || t.PkgPath() == "" {
		return
	}
	p := reflect.PointerTo(t)
	switch {
	case p.Implements(binaryMarshalerType) && p.Implements(binaryUnmarshalerType):
		s.kind, s.why = kindBinary, ""
	case p.Implements(textMarshalerType) && p.Implements(textUnmarshalerType):
		s.kind, s.why = kindText, ""
	default:
		s.kind = kindNever
		return
	}
	s.fields, s.plain, s.leads, s.least = nil, false, false, 1
}

// private reports whether a struct has a state that only its own process can use.
func private(t reflect.Type) bool {
	path := t.PkgPath()
	switch path {
	case "sync", "sync/atomic", "unique", "weak", "runtime", "reflect", "internal/abi":
		return true
	}
	switch {
	case strings.HasPrefix(path, "internal/"), path == "interleave/runtime/lab", path == "interleave/runtime/display":
		for i := range t.NumField() {
			if !t.Field(i).IsExported() {
				return true
			}
		}
	}
	return path == "os" && t.Name() == "File" || isClock(t)
}

// spell returns the name of a type with its article.
func spell(t reflect.Type) string {
	name := t.String()
	switch t {
	case reflect.TypeFor[os.File]():
		return "an open file"
	case reflect.TypeOf(reflect.TypeFor[int]()).Elem():
		return "a reflect.Type"
	}
	switch t.Kind() {
	case reflect.Func:
		if t.Name() == "" {
			return "a function"
		}
		name += ", which is a function"
	case reflect.UnsafePointer:
		return "an unsafe pointer"
	}
	if isContext(t) {
		return "a context"
	}
	first := strings.TrimLeft(name, "*[]")
	if strings.HasPrefix(first, "http.") || !strings.HasPrefix(first, "unique.") && strings.ContainsRune("aeiouAEIOU", rune(first[0])) {
		return "an " + name
	}
	return "a " + name
}

// flat returns the shape of the elements of arrays, however deep, and how many there are in one s.
func (s *shape) flat() (elem *shape, n int) {
	n = 1
	for s.kind == kindArray {
		n *= s.n
		s = s.elem
	}
	return s, n
}

// holds reports whether n elements of a flat shape stand at an offset of a value.
func (s *shape) holds(offset uintptr, elem *shape, n int) bool {
	for {
		if offset == 0 && s == elem && n == 1 {
			return true
		}
		switch s.kind {
		case kindArray:
			flat, all := s.flat()
			if flat.size == 0 {
				return false
			}
			i := int(offset / flat.size)
			if flat == elem && offset%flat.size == 0 && i <= all && n <= all-i {
				return true
			}
			if i >= all {
				return false
			}
			s, offset = flat, offset%flat.size
		case kindStruct:
			f := s.at(offset)
			if f == nil {
				return false
			}
			s, offset = f.shape, offset-f.offset
		default:
			return false
		}
	}
}

// at returns the field with an offset in it.
func (s *shape) at(offset uintptr) *field {
	for i := range s.fields {
		if f := &s.fields[i]; f.offset <= offset && offset < f.offset+f.size {
			return f
		}
	}
	return nil
}

// path describes the place at an offset: names of fields and indices. It ends at a value that hides its fields,
// whose shape it returns.
func (s *shape) path(offset uintptr) (path string, hidden *shape) {
	for {
		switch s.kind {
		case kindArray:
			if s.elem.size == 0 {
				return path, nil
			}
			path += index(int(offset / s.elem.size))
			s, offset = s.elem, offset%s.elem.size
		case kindStruct, kindNever:
			f := s.at(offset)
			switch {
			case private(s.typ):
				return path, nil
			case f == nil:
				return path, nil
			case standard(s.typ) && !exported(f.name):
				return path, s
			}
			path += "." + f.name
			s, offset = f.shape, offset-f.offset
		default:
			return path, nil
		}
	}
}

// standard reports whether a type is one of the standard library.
func standard(t reflect.Type) bool {
	first, _, _ := strings.Cut(t.PkgPath(), "/")
	switch first {
	case "archive", "bufio", "bytes", "compress", "container", "context", "crypto", "database", "debug", "embed",
		"encoding", "errors", "expvar", "fmt", "go", "hash", "html", "image", "index", "internal", "io", "iter", "log",
		"maps", "math", "mime", "net", "os", "path", "plugin", "reflect", "regexp", "runtime", "slices", "sort",
		"strconv", "strings", "structs", "sync", "syscall", "testing", "text", "time", "unicode", "unique", "unsafe", "weak":
		return true
	}
	return false
}

func exported(name string) bool {
	r, _ := utf8.DecodeRuneInString(name)
	return unicode.IsUpper(r)
}
