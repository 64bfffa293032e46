//go:build amd64 || arm64

package dyntype

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

// A universe is world_test.go as go/types sees it, and as the compiler does.
type universe struct {
	pkg    *types.Package
	byText map[string]reflect.Type // compiled types with a name, by what String returns
	byPath map[string]reflect.Type // the same by path and name
	maker  *Maker
}

// parsed type-checks the world once; importing packages from source takes seconds.
var parsed = sync.OnceValues(func() (*types.Package, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "world_test.go", nil, 0)
	if err != nil {
		return nil, err
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	return conf.Check(reflect.TypeFor[Int]().PkgPath(), fset, []*ast.File{file}, nil)
})

func newUniverse(t testing.TB) *universe {
	t.Helper()
	pkg, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	u := &universe{pkg: pkg, byText: map[string]reflect.Type{}, byPath: map[string]reflect.Type{}}
	seen := map[reflect.Type]bool{}
	for _, w := range world {
		u.note(w, seen)
	}
	u.maker = &Maker{Binary: u.binary, Body: u.body}
	return u
}

func (u *universe) note(t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	if t.Name() != "" {
		u.byText[t.String()] = t
		u.byPath[t.PkgPath()+"."+t.Name()] = t
	}
	parts(descriptor(t), func(d *rtype) { u.note(typeOf(d), seen) })
}

// binary gives all packages but the world's own.
func (u *universe) binary(obj *types.TypeName, args []reflect.Type) reflect.Type {
	if obj.Pkg() == u.pkg || len(args) > 0 {
		return nil
	}
	if t := u.byPath[obj.Pkg().Path()+"."+obj.Name()]; t != nil {
		return t
	}
	panic("the world does not know " + obj.String())
}

// body runs the compiled method on the same memory.
func (u *universe) body(m Method) (reflect.Value, error) {
	recv := m.Type.In(0)
	byPointer := recv.Kind() == reflect.Pointer && recv.Name() == ""
	text := recv.String()
	if byPointer {
		text = text[1:]
	}
	native := u.byText[text]
	if native == nil {
		return reflect.Value{}, fmt.Errorf("the world has no type %s", text)
	}
	p := descriptor(reflect.PointerTo(native))
	for _, e := range p.uncommon().methods() {
		if nameAt(p, e.name) != m.Func.Name() || e.ifn == -1 {
			continue
		}
		code := resolveTextOff(unsafe.Pointer(p), e.ifn)
		closure := &code
		typ := typeOf((*rtype)(resolveTypeOff(unsafe.Pointer(p), e.mtyp)))
		fn := reflect.NewAt(withReceiver(reflect.TypeFor[unsafe.Pointer](), typ), unsafe.Pointer(&closure)).Elem()
		return reflect.MakeFunc(m.Type, func(args []reflect.Value) []reflect.Value {
			if byPointer {
				args[0] = reflect.ValueOf(args[0].UnsafePointer())
			} else {
				args[0] = reflect.ValueOf(memory(args[0]))
			}
			for i := range args[1:] {
				args[i+1] = reflect.NewAt(typ.In(i), memory(args[i+1])).Elem()
			}
			out := call(fn, args)
			for i := range out {
				out[i] = reflect.NewAt(m.Type.Out(i), memory(out[i])).Elem()
			}
			return out
		}), nil
	}
	if len(m.Func.Name()) > 0 && !m.Func.Exported() { // the linker left it out
		return reflect.MakeFunc(m.Type, func([]reflect.Value) []reflect.Value { panic("no such method") }), nil
	}
	return reflect.Value{}, fmt.Errorf("%s has no method %s", text, m.Func.Name())
}

// memory returns the address of a copy of a value.
func memory(v reflect.Value) unsafe.Pointer {
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p.UnsafePointer()
}

func (u *universe) of(t testing.TB, name string) reflect.Type {
	t.Helper()
	r, err := u.maker.Of(u.pkg.Scope().Lookup(name).Type())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSame compares each type of the world, and all that it mentions, with the compiled one.
func TestSame(t *testing.T) {
	u := newUniverse(t)
	c := &comparison{t: t, same: map[reflect.Type]reflect.Type{}}
	for _, name := range u.pkg.Scope().Names() {
		obj, ok := u.pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		if n, ok := obj.Type().(*types.Named); ok && n.TypeParams().Len() > 0 {
			continue
		}
		native := u.byText["dyntype."+name]
		if obj.IsAlias() {
			native = reflect.TypeFor[Point]()
		}
		if native == nil {
			t.Fatalf("the list of the world has no %s", name)
		}
		made := u.of(t, name)
		if made == native {
			t.Fatalf("%s was not made", name)
		}
		c.compare(name, made, native)
		if u.of(t, name) != made {
			t.Errorf("%s was made twice", name)
		}
	}
	t.Logf("%d types compared", len(c.same))
}

type comparison struct {
	t    *testing.T
	same map[reflect.Type]reflect.Type // made → compiled
}

func (c *comparison) compare(at string, made, native reflect.Type) {
	if n, ok := c.same[made]; ok {
		if n != native {
			c.t.Errorf("%s: %s stands for %s and for another", at, made, native)
		}
		return
	}
	c.same[made] = native
	if m, n := facts(made), facts(native); m != n {
		c.t.Errorf("%s: made\n%s\ncompiled\n%s", at, m, n)
		return
	}
	c.pointers(at, made, native)
	check := func(part string, m, n reflect.Type) { c.compare(at+" "+part, m, n) }
	switch made.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
		check("elem", made.Elem(), native.Elem())
	case reflect.Map:
		check("key", made.Key(), native.Key())
		check("elem", made.Elem(), native.Elem())
		m, n := (*mapType)(unsafe.Pointer(descriptor(made))), (*mapType)(unsafe.Pointer(descriptor(native)))
		if m.flags != n.flags || m.slotSize != n.slotSize || m.elemOff != n.elemOff || m.groupSize != n.groupSize {
			c.t.Errorf("%s: maps differ: %+v, compiled %+v", at, m, n)
		}
	case reflect.Func:
		for i := range made.NumIn() {
			check(fmt.Sprint("in ", i), made.In(i), native.In(i))
		}
		for i := range made.NumOut() {
			check(fmt.Sprint("out ", i), made.Out(i), native.Out(i))
		}
	case reflect.Struct:
		for i := range made.NumField() {
			check("field "+made.Field(i).Name, made.Field(i).Type, native.Field(i).Type)
		}
	}
	for i := range made.NumMethod() {
		check("method "+made.Method(i).Name, made.Method(i).Type, native.Method(i).Type)
	}
	if made.Name() != "" {
		check("pointer", reflect.PointerTo(made), reflect.PointerTo(native))
	}
}

// pointers compares what the garbage collector looks at. Package reflect has it look at an interface's table as
// well, which is never in the heap.
func (c *comparison) pointers(at string, made, native reflect.Type) {
	m, n := descriptor(made), descriptor(native)
	if m.tflag&^n.tflag&flagRegularMemory != 0 || n.tflag&^m.tflag&flagUncommon != 0 {
		c.t.Errorf("%s: %s has flags %b, compiled %b", at, made, m.tflag, n.tflag)
	}
	if n.tflag&flagMaskOnDemand != 0 || n.ptrBytes == 0 {
		return
	}
	words := int(n.ptrBytes / unsafe.Sizeof(uintptr(0)))
	bit := func(d *rtype, i int) byte { return unsafe.Slice(d.gcData, words/8+1)[i/8] >> (i % 8) & 1 }
	tables := map[uintptr]bool{}
	tableWords(native, 0, tables)
	for i := range words {
		if bit(m, i) != bit(n, i) && !tables[uintptr(i)*unsafe.Sizeof(uintptr(0))] {
			c.t.Errorf("%s: word %d of %s: made %d, compiled %d", at, i, made, bit(m, i), bit(n, i))
		}
	}
}

// tableWords notes where in a value of type t the first words of interfaces are.
func tableWords(t reflect.Type, at uintptr, tables map[uintptr]bool) {
	switch t.Kind() {
	case reflect.Interface:
		tables[at] = true
	case reflect.Array:
		for i := range t.Len() {
			tableWords(t.Elem(), at+uintptr(i)*t.Elem().Size(), tables)
		}
	case reflect.Struct:
		for f := range t.Fields() {
			tableWords(f.Type, at+f.Offset, tables)
		}
	}
}

// facts describes all of a type that has no other type in it but by name.
func facts(t reflect.Type) string {
	var b strings.Builder
	d := descriptor(t)
	fmt.Fprintf(&b, "%s name %q path %q %s size %d align %d %d comparable %t pointers %d flags %b\n", t, t.Name(), t.PkgPath(), t.Kind(),
		t.Size(), t.Align(), t.FieldAlign(), t.Comparable(), d.ptrBytes, d.tflag&(flagNamed|flagDirect))
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			fmt.Fprintf(&b, "\tfield %s %q %s %q at %d embedded %t\n", f.Name, f.PkgPath, f.Type, f.Tag, f.Offset, f.Anonymous)
		}
	case reflect.Func:
		fmt.Fprintf(&b, "\tvariadic %t\n", t.IsVariadic())
	case reflect.Chan:
		fmt.Fprintf(&b, "\t%s\n", t.ChanDir())
	case reflect.Array:
		fmt.Fprintf(&b, "\t%d\n", t.Len())
	case reflect.Interface:
		for _, s := range interfaceSignatures(d) {
			fmt.Fprintf(&b, "\t%s %q %s\n", s.name, s.path, typeOf(s.typ))
		}
	}
	for m := range t.Methods() {
		fmt.Fprintf(&b, "\tmethod %s %s\n", m.Name, m.Type)
	}
	// Compiled methods that the linker left out have no type.
	var all []string
	for _, m := range d.uncommon().methods() {
		n := (*byte)(resolveNameOff(unsafe.Pointer(d), m.name))
		all = append(all, nameText(n)+" "+namePath(n))
	}
	fmt.Fprintln(&b, "\tall methods", all)
	for _, i := range interfaces {
		fmt.Fprintf(&b, "\t%t", t.Implements(i))
	}
	if !slices.IsSortedFunc(all, func(a, b string) int { return compareNames(a, "", b, "") }) {
		b.WriteString("not sorted")
	}
	return b.String()
}

var interfaces = []reflect.Type{
	reflect.TypeFor[fmt.Stringer](), reflect.TypeFor[error](), reflect.TypeFor[fmt.Formatter](), reflect.TypeFor[Hidden](),
	reflect.TypeFor[private](), reflect.TypeFor[interface{ Unwrap() error }](), reflect.TypeFor[interface{ Hello(string) string }](),
}
