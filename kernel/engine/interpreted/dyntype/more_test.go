//go:build amd64 || arm64

package dyntype

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"
)

// A session is a source text whose types are made, with methods that record their receivers.
type session struct {
	*Maker
	pkg *types.Package
}

// newSession type-checks declarations of package main that import nothing.
func newSession(t testing.TB, text string, body func(Method, []reflect.Value) []reflect.Value) *session {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "cell", "package main\n"+text, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := new(types.Config).Check("main", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &session{&Maker{Body: func(m Method) (reflect.Value, error) {
		return reflect.MakeFunc(m.Type, func(args []reflect.Value) []reflect.Value { return body(m, args) }), nil
	}}, pkg}
}

func (s *session) of(t testing.TB, expr string) reflect.Type {
	t.Helper()
	tv, err := types.Eval(token.NewFileSet(), s.pkg, token.NoPos, expr)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Of(tv.Type)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// noBody is for types whose methods are not called.
func noBody(m Method, _ []reflect.Value) []reflect.Value { panic("called " + m.Func.Name()) }

// TestStubs calls each stub.
func TestStubs(t *testing.T) {
	mu.Lock()
	defer mu.Unlock()
	kept := closures
	defer func() { closures = kept }()
	for i := range closures {
		closures[i] = closureOf(reflect.ValueOf(func(a, b int, c float64, d string) (int, string) { return i + a + b + int(c), d }))
	}
	for i := range closures {
		code := unsafe.Add(firstStub(), i*stubBytes)
		closure := &code
		call := *(*func(int, int, float64, string) (int, string))(unsafe.Pointer(&closure))
		if n, s := call(1, 2, 3, "s"); n != i+6 || s != "s" {
			t.Fatalf("stub %d called closure %d, %q", i, n-6, s)
		}
	}
}

// TestUnnamed is about types that compiled code has as well.
func TestUnnamed(t *testing.T) {
	s := newSession(t, "type T struct{ A int; b []T }\nfunc (T) M() {}\ntype I interface{ M() }\ntype E struct{ I; *T }", noBody)
	here := *s.Maker // for unexported names of this package
	here.named = nil
	here.Package = func(*types.Package) (path, name string) { return reflect.TypeFor[Int]().PkgPath(), "dyntype" }
	compiled := map[string]any{
		"[]int":                              []int(nil),
		"map[string][3]chan<- *float64":      map[string][3]chan<- *float64(nil),
		"func(int, ...string) (error, bool)": (func(int, ...string) (error, bool))(nil),
		"struct{}":                           struct{}{},
		"struct{ X, Y int `j:\"t\"` }": struct {
			X, Y int `j:"t"`
		}{},
		"struct{ error }":                        struct{ error }{},
		"[1]interface{ small(struct{ _ int }) }": [1]interface{ small(struct{ _ int }) }{},
		"*struct{ A struct{ error; N int `x:\"y\"` } }": (*struct {
			A struct {
				error
				N int `x:"y"`
			}
		})(nil),
		"[]interface{ Odd(int) error; Even() }": []interface {
			Even()
			Odd(int) error
		}(nil),
		"func(interface{ Rare([]byte) string }) any": func(interface{ Rare([]byte) string }) any { return nil },
		"[]any":             []any(nil),
		"chan (<-chan int)": (chan (<-chan int))(nil),
		"*error":            (*error)(nil),
	}
	for expr, v := range compiled {
		if got := (&session{&here, s.pkg}).of(t, expr); got != reflect.TypeOf(v) {
			t.Errorf("%s is not the compiled type", expr)
		}
	}
	for _, expr := range []string{
		"struct{ T }", "struct{ *T; I }", "struct{ a int; _ T }", "interface{ M(); n(T) }", "[]interface{ Only(T) }", "struct{ A struct{ error; n int } }",
		"struct{ X T \"tag\" }", "func(struct{ *E })", "map[struct{ _ int }]T",
	} {
		r := s.of(t, expr)
		binary := map[string]reflect.Type{} // another Maker has the types of the first as compiled ones
		for _, n := range s.pkg.Scope().Names() {
			binary[n] = s.of(t, n)
		}
		other := &Maker{Binary: func(obj *types.TypeName, _ []reflect.Type) reflect.Type { return binary[obj.Name()] }}
		tv, _ := types.Eval(token.NewFileSet(), s.pkg, token.NoPos, expr)
		again, err := other.Of(tv.Type)
		if err != nil || again != r || s.of(t, expr) != r {
			t.Errorf("%s: %v and %v, %v", expr, r, again, err)
		}
	}
}

// TestReferences is about types that refer to themselves through types without names, methods included.
func TestReferences(t *testing.T) {
	s := newSession(t, `
type A struct{ f func(struct{ A }) struct{ *A }; m map[struct{ B }]A; i interface{ N(A) interface{ O(B) } } }
func (A) M(struct{ *A }, interface{ P(struct{ A }) }) struct{ A; x int } { panic(0) }
type B struct{ n int; p *struct{ B; C }; q [2]*map[B]C }
func (*B) Q(x struct{ *B }, y ...struct{ C }) {}
type C struct{ p *C; s string; _ float64 }
func (C) R(c [3]C) (d map[C]C) { return nil }
`, noBody)
	a, b := s.of(t, "A"), s.of(t, "B")
	m, _ := a.MethodByName("M")
	if x := a.Field(0).Type.In(0); x != s.of(t, "struct{ A }") || x.Field(0).Type != a || x.NumMethod() != 1 || m.Type.Out(0).NumMethod() != 1 {
		t.Error("A differs in its own fields")
	}
	q, _ := reflect.PointerTo(b).MethodByName("Q")
	if q.Type.In(1) != s.of(t, "struct{ *B }") || q.Type.In(2).Elem().Method(0).Name != "R" {
		t.Error("B differs in its own methods")
	}
	if got := m.Type.String(); got != "func(main.A, struct { *main.A }, interface { P(struct { main.A }) }) struct { main.A; x int }" {
		t.Error(got)
	}
}

// TestLocal is about types that functions declare.
func TestLocal(t *testing.T) {
	s := newSession(t, `
type Box[T any] struct{ v T }
func (b Box[T]) Get() T { return b.v }
func f() { type L struct{ n int } }
func g[T any]() { type L struct{ v T; next *L }; type M map[string]L }
`, noBody)
	local := func(fn, name string) types.Type {
		scope := s.pkg.Scope().Lookup(fn).(*types.Func).Scope()
		return scope.Lookup(name).Type()
	}
	params := s.pkg.Scope().Lookup("g").(*types.Func).Signature().TypeParams()
	instance := func(a Arg) *Instance { return NewInstance([]*types.TypeParam{params.At(0)}, []Arg{a}) }
	in := func(i *Instance, typ types.Type) reflect.Type {
		r, err := s.In(i, typ)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	ints, texts := instance(Arg{Type: types.Typ[types.Int]}), instance(Arg{Type: types.Typ[types.String]})
	fl, gi, gs := in(nil, local("f", "L")), in(ints, local("g", "L")), in(texts, local("g", "L"))
	nested := instance(Arg{local("g", "L"), ints})
	gn := in(nested, local("g", "L"))
	if fl == gi || gi == gs || gi != in(instance(Arg{Type: types.Typ[types.Int]}), local("g", "L")) || gn.Field(0).Type != gi ||
		gi.Field(0).Type.Kind() != reflect.Int || gi.Field(1).Type.Elem() != gi || in(ints, local("g", "M")).Elem() != gi {
		t.Error("local types are mixed up")
	}
	for r, want := range map[reflect.Type]string{
		fl: "main.L", gi: "main.L[int]", gs: "main.L[string]", gn: "main.L[main.L[int]·2]", in(ints, local("g", "M")): "main.M[int]",
	} {
		if r.String() != want || r.PkgPath() != "main" {
			t.Errorf("%s, should be %s", r, want)
		}
	}
	box := s.pkg.Scope().Lookup("Box").Type()
	boxed, err := types.Instantiate(nil, box, []types.Type{params.At(0)}, true)
	if err != nil {
		t.Fatal(err)
	}
	r := in(nested, boxed)
	if get, ok := r.MethodByName("Get"); r.Field(0).Type != gi || !ok || get.Type.Out(0) != gi {
		t.Errorf("%s", r)
	}
	if in(ints, boxed) != s.of(t, "Box[int]") {
		t.Error("an instance and its type parameters give two types")
	}
}

// TestField writes and reads fields that are not exported.
func TestField(t *testing.T) {
	s := newSession(t, "type T struct{ a int; _ int8; b []*T; C string }", noBody)
	p := reflect.New(s.of(t, "T"))
	*Field(p.Interface(), 0).(*int) = 7
	*Field(p.Interface(), 3).(*string) = "c"
	list := reflect.ValueOf(Field(p.Interface(), 2)).Elem()
	list.Set(reflect.Append(list, p))
	if got := fmt.Sprint(p.Elem().Field(0), p.Elem().Field(2).Len(), p.Elem().Field(3)); got != "7 1 c" {
		t.Error(got)
	}
	if list.Index(0).Pointer() != p.Pointer() {
		t.Error("the field has another pointer")
	}
	defer func() {
		if err, ok := recover().(runtime.Error); !ok || !strings.Contains(err.Error(), "nil pointer dereference") {
			t.Error(err)
		}
	}()
	Field(reflect.Zero(p.Type()).Interface(), 2)
}

// TestErrors is about types that cannot be made. What is left of them must not be seen.
func TestErrors(t *testing.T) {
	s := newSession(t, `
type Number interface{ ~int | ~float64 }
type T struct{ a *U }
type U struct{ v V; t *T }
type V struct{}
func (V) M() {}
type G[P any] struct{ x P }
type Long func(`+strings.Repeat("int, ", 130)+`int)
`, noBody)
	fail := s.Body
	s.Body = func(Method) (reflect.Value, error) { return reflect.Value{}, fmt.Errorf("no code") }
	before := len(freeStubs) + poolSize - nextStub
	for name, want := range map[string]string{
		"Number": "type main.Number cannot be made: an interface with a type set is a constraint", "T": "type main.T cannot be made: method M: no code",
		"G": "G is generic", "Long": "too many arguments",
	} {
		_, err := s.Of(s.pkg.Scope().Lookup(name).Type())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, should be %s", name, err, want)
		}
	}
	if _, err := s.Of(types.Typ[types.UntypedNil]); err == nil {
		t.Error("nil has a type")
	}
	if _, err := s.Of(s.pkg.Scope().Lookup("G").Type().(*types.Named).TypeParams().At(0)); err == nil {
		t.Error("a type parameter has a type")
	}
	if len(s.named) > 0 || len(freeStubs)+poolSize-nextStub != before {
		t.Errorf("%d types and %d stubs are left", len(s.named), before-len(freeStubs)-poolSize+nextStub)
	}
	s.Body = func(Method) (reflect.Value, error) { return reflect.ValueOf(func() {}), nil }
	if _, err := s.Of(s.pkg.Scope().Lookup("T").Type()); err == nil || !strings.Contains(err.Error(), "its code is not a func(main.V)") {
		t.Error(err)
	}
	s.Body = fail
	if r := s.of(t, "T"); r.Field(0).Type.Elem().Field(0).Type.NumMethod() != 1 {
		t.Error("T cannot be made after it failed")
	}
}

// TestPool uses all stubs up.
func TestPool(t *testing.T) {
	mu.Lock()
	next, free := nextStub, freeStubs
	nextStub, freeStubs = poolSize-3, nil
	mu.Unlock()
	defer func() { nextStub, freeStubs = next, free }()
	s := newSession(t, "type T struct{}\nfunc (T) A() {}\nfunc (T) B() {}\ntype U int\nfunc (*U) C() {}", noBody)
	if _, err := s.Of(s.pkg.Scope().Lookup("T").Type()); err == nil || !strings.Contains(err.Error(), "restart the kernel") {
		t.Error(err)
	}
	s.of(t, "U")
}

// TestKey is about declarations that are made again.
func TestKey(t *testing.T) {
	text := "type T struct{ n int }\nfunc (t T) Get() int { return t.n }"
	first, second := newSession(t, text, noBody), newSession(t, text, noBody)
	if first.of(t, "T") == second.of(t, "T") {
		t.Error("two declarations are one type")
	}
	key := func(obj *types.TypeName) any { return obj.Name() }
	first.Key, second.Maker.Key = key, key
	r := first.of(t, "T")
	if again, err := first.Of(second.pkg.Scope().Lookup("T").Type()); err != nil || again != r {
		t.Error(again, err)
	}
}

// TestCompiled finds types of the program, also unexported ones.
func TestCompiled(t *testing.T) {
	pkg, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if got := Compiled(pkg.Scope().Lookup("secretive").(*types.TypeName)); got != reflect.TypeFor[secretive]() {
		t.Error(got)
	}
	for _, p := range pkg.Imports() {
		if p.Path() == "sync/atomic" {
			if got := Compiled(p.Scope().Lookup("noCopy").(*types.TypeName)); got == nil || got.String() != "atomic.noCopy" {
				t.Error(got)
			}
			if got := Compiled(p.Scope().Lookup("Pointer").(*types.TypeName)); got != nil {
				t.Error(got)
			}
		}
	}
}

// many is a text with n types, each of which refers to others and has a method.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "type T%d struct{ n int; s string; next *T%d; list []T%d; in any }\nfunc (t *T%d) String() string { return \"\" }\n",
			i, (i+1)%n, (i*7)%n, i)
	}
	return b.String()
}

// TestMany makes ten thousand types, whose values and methods live while the garbage collector is always at work.
func TestMany(t *testing.T) {
	n := 10000
	if testing.Short() {
		n = 500
	}
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	mu.Lock()
	next, free := nextStub, freeStubs // the other tests have their types, and these are forgotten
	mu.Unlock()
	defer func() {
		for i := nextStub - 1; i >= next; i-- {
			free = append(free, i)
		}
		freeStubs = free
	}()
	s := newSession(t, many(n), func(m Method, args []reflect.Value) []reflect.Value {
		e := args[0].Elem()
		return []reflect.Value{reflect.ValueOf(fmt.Sprintf("%s-%v-%v", m.Recv.Obj().Name(), e.Field(0), e.Field(1)))}
	})
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			runtime.GC()
			runtime.Gosched()
		}
	})
	var values []fmt.Stringer
	for i := range n {
		r := s.of(t, fmt.Sprint("T", i))
		p := reflect.New(r)
		set := func(f int, v any) {
			reflect.NewAt(r.Field(f).Type, p.Elem().Field(f).Addr().UnsafePointer()).Elem().Set(reflect.ValueOf(v))
		}
		set(0, i)
		set(1, strings.Repeat("x", i%10))
		set(4, []any{p.Interface(), fmt.Sprint(i)})
		if i > 0 && r.Field(2).Type == reflect.TypeOf(values[i-1]) {
			set(2, values[i-1])
		}
		values = append(values, p.Interface().(fmt.Stringer))
	}
	for round := range 3 {
		for i, v := range values {
			if got, want := v.String(), fmt.Sprintf("T%d-%d-%s", i, i, strings.Repeat("x", i%10)); got != want {
				t.Fatalf("round %d: %q, should be %q", round, got, want)
			}
			list := reflect.ValueOf(v).Elem().Field(4).Elem()
			if list.Index(0).Elem().Pointer() != reflect.ValueOf(v).Pointer() || list.Index(1).Elem().String() != fmt.Sprint(i) {
				t.Fatalf("round %d: value %d has lost its parts", round, i)
			}
		}
	}
	stop.Store(true)
	wg.Wait()
}

// TestGoroutines calls methods of one value in a thousand goroutines, makes types beside them, and lets their stacks
// grow inside.
func TestGoroutines(t *testing.T) {
	s := newSession(t, `
type Counter struct{ n *int64; label string }
func (c *Counter) Add(by int64) int64 { return 0 }
func (c Counter) Label(suffix ...string) string { return "" }
func (c Counter) Dig(depth int, v any) (int, any) { return 0, nil }
type Outer struct{ *Counter; x int }
`+many(200), func(m Method, args []reflect.Value) []reflect.Value {
		switch m.Func.Name() {
		case "Add":
			return []reflect.Value{reflect.ValueOf(atomic.AddInt64(*(**int64)(args[0].UnsafePointer()), args[1].Int()))}
		case "Label":
			return []reflect.Value{reflect.ValueOf(args[0].Field(1).String() + strings.Join(args[1].Interface().([]string), ""))}
		case "Dig":
			type digger interface{ Dig(int, any) (int, any) }
			if n := args[1].Int(); n > 0 {
				v := reflect.New(args[0].Type()).Elem()
				v.Set(args[0])
				depth, x := v.Interface().(digger).Dig(int(n)-1, args[2].Interface())
				return []reflect.Value{reflect.ValueOf(depth + 1), reflect.ValueOf(&x).Elem()}
			}
			runtime.GC()
			return []reflect.Value{reflect.ValueOf(0), args[2]}
		}
		return []reflect.Value{reflect.ValueOf("")}
	})
	outer := s.of(t, "Outer")
	counter := reflect.New(s.of(t, "Counter"))
	type same struct {
		n     *int64
		label string
	}
	*(*same)(counter.UnsafePointer()) = same{new(int64), "label"}
	v := reflect.New(outer)
	v.Elem().Field(0).Set(counter)
	type counting interface {
		Add(int64) int64
		Label(...string) string
		Dig(int, any) (int, any)
	}
	values := []counting{v.Interface().(counting), v.Elem().Interface().(counting), counter.Interface().(counting)}
	var wg sync.WaitGroup
	for g := range 1000 {
		wg.Go(func() {
			c := values[g%3]
			for range 20 {
				c.Add(1)
			}
			if got := c.Label("-", fmt.Sprint(g)); got != fmt.Sprint("label-", g) {
				t.Error(got)
			}
			if g%50 == 0 {
				if n, x := c.Dig(200, g); n != 200 || x != g {
					t.Error(n, x)
				}
			}
			if g%5 == 0 {
				s.of(t, fmt.Sprint("T", g/5))
			}
		})
	}
	wg.Wait()
	if n := values[0].Add(0); n != 20000 {
		t.Error(n)
	}
}

var benchmarkText = `
type T struct{ n int; next *T }
func (t *T) A() int { return 0 }
func (t *T) B(x int) int { return x }
func (t *T) C() {}
func (t *T) D(s string) error { return nil }
func (t *T) E() string { return "" }
`

// BenchmarkMake makes a type with five methods.
func BenchmarkMake(b *testing.B) {
	s := newSession(b, benchmarkText, noBody)
	typ := s.pkg.Scope().Lookup("T").Type()
	next := nextStub
	for b.Loop() {
		s.named = nil // what was made is not found again
		if _, err := s.Of(typ); err != nil {
			b.Fatal(err)
		}
		nextStub = next
	}
}

// BenchmarkCall calls a method through an interface: of a compiled type, of a made one that a compiled function
// runs, and of one that a function of reflect.Values runs.
func BenchmarkCall(b *testing.B) {
	type caller interface{ B(int) int }
	run := func(c caller) func(*testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				c.B(1)
			}
		}
	}
	made := func(body func(Method) (reflect.Value, error)) caller {
		s := newSession(b, benchmarkText, noBody)
		s.Body = body
		return reflect.New(s.of(b, "T")).Interface().(caller)
	}
	values := func(m Method) (reflect.Value, error) {
		return reflect.MakeFunc(m.Type, func(args []reflect.Value) []reflect.Value {
			return []reflect.Value{reflect.Zero(m.Type.Out(0))}
		}), nil
	}
	b.Run("compiled", run(new(plain)))
	b.Run("function", run(made(func(m Method) (reflect.Value, error) {
		if m.Func.Name() != "B" {
			return values(m)
		}
		// A function whose receiver is any pointer is called in the same way.
		f := func(_ unsafe.Pointer, x int) int { return x }
		return reflect.NewAt(m.Type, unsafe.Pointer(&f)).Elem(), nil
	})))
	b.Run("values", run(made(values)))
}

type plain int

//go:noinline
func (p *plain) B(x int) int { return x }

// TestGarbage has the garbage collector find values through made types of many forms: arrays whose masks of pointers
// the runtime makes itself, maps with made keys, channels, and interfaces.
func TestGarbage(t *testing.T) {
	u := newUniverse(t)
	integer, huge, key, node := u.of(t, "Int"), u.of(t, "Huge"), u.of(t, "KeyStruct"), u.of(t, "Node")
	fresh := func(n int) reflect.Value {
		v := reflect.New(integer)
		v.Elem().SetInt(int64(n))
		return v
	}
	array := reflect.New(huge).Elem()
	for i := range array.Len() {
		array.Index(i).Set(fresh(i))
	}
	nested := reflect.MakeSlice(reflect.SliceOf(huge), 2, 2)
	nested.Index(1).Set(array)
	m := reflect.MakeMap(reflect.MapOf(key, reflect.PointerTo(node)))
	keyed := func(i int) reflect.Value {
		k := reflect.New(key).Elem()
		k.Field(0).SetString(fmt.Sprint("key ", i))
		k.Field(2).SetFloat(float64(i))
		return k
	}
	pipe := reflect.MakeChan(reflect.ChanOf(reflect.BothDir, node), 1000)
	list := reflect.MakeSlice(u.of(t, "SliceSelf"), 3, 3)
	for i := range 1000 {
		n := reflect.New(node)
		left := reflect.New(node)
		left.Elem().Field(2).Set(reflect.MakeSlice(reflect.SliceOf(node), i%5, i%5))
		n.Elem().Field(0).Set(left)
		m.SetMapIndex(keyed(i), n)
		pipe.Send(n.Elem())
		last := reflect.MakeSlice(list.Type(), i%7, i%7)
		list.Index(i % 3).Set(last)
		if i%100 == 0 {
			runtime.GC()
		}
	}
	for range 3 {
		runtime.GC()
		for i := range 10000 { // what was freed by mistake is used again
			fresh(-i)
			_ = fmt.Sprint("other ", i)
		}
	}
	for i := range array.Len() {
		if n := nested.Index(1).Index(i).Elem().Int(); n != int64(i) {
			t.Fatalf("element %d is %d", i, n)
		}
	}
	for i := range 1000 {
		n := m.MapIndex(keyed(i))
		if !n.IsValid() || n.Elem().Field(0).Elem().Field(2).Len() != i%5 {
			t.Fatalf("key %d has %v", i, n)
		}
		if c, _ := pipe.Recv(); c.Field(0).Elem().Field(2).Len() != i%5 {
			t.Fatalf("value %d of the channel is %v", i, c)
		}
	}
}
