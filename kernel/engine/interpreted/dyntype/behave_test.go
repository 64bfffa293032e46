//go:build amd64 || arm64

package dyntype

import (
	"bytes"
	"container/heap"
	"context"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"sort"
	"strings"
	"testing"
	"text/template"
)

// A behaviour is what compiled code does with a value and a pointer to it.
type behaviour struct {
	name  string
	value any // of a compiled type; the made type gets the same memory
	do    func(v, p any) string
}

func print(v, p any) string {
	return fmt.Sprintf("%T %v %+v %#v %s %d %q|%T", v, v, v, v, v, v, v, p)
}

func try[T any](v any, do func(T) string) string {
	x, ok := v.(T)
	if !ok {
		return "is not a " + reflect.TypeFor[T]().String()
	}
	return do(x)
}

func must[T any](v any) (text string) {
	defer func() {
		p := recover()
		if e, ok := p.(runtime.Error); ok {
			text = fmt.Sprintf("%T: %v", e, e)
		}
	}()
	return reflect.TypeOf(v.(T)).String()
}

func result(values ...any) string { return fmt.Sprintf(strings.Repeat("%v; ", len(values)), values...) }

// invoke calls a method by reflection on a value, by its index and through the type's function.
func invoke(v any, name string, args ...any) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text += fmt.Sprintf("panic %T %v", p, p)
		}
	}()
	r := reflect.ValueOf(v)
	m, ok := r.Type().MethodByName(name)
	if !ok {
		return "no " + name
	}
	var in []reflect.Value
	for i, a := range args {
		av := reflect.ValueOf(a)
		if i+1 < m.Type.NumIn() && !m.Type.IsVariadic() && av.IsValid() && av.Kind() == m.Type.In(i+1).Kind() {
			av = reflect.NewAt(m.Type.In(i+1), memory(av)).Elem()
		}
		if !av.IsValid() {
			av = reflect.Zero(m.Type.In(i + 1))
		}
		in = append(in, av)
	}
	show := func(out []reflect.Value) {
		for _, o := range out {
			text += fmt.Sprintf("%v %T;", o, o.Interface())
		}
	}
	show(r.MethodByName(name).Call(in))
	show(m.Func.Call(append([]reflect.Value{r}, in...)))
	show(reflect.ValueOf(r.Method(m.Index).Interface()).Call(in)) // a method value
	return text + m.Type.String()
}

var point = Point{3, 4}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

var behaviours = []behaviour{
	{"print Int", Int(5), print},
	{"print Small", Small(5), print},
	{"print Flag", Flag(true), print},
	{"print Text", Text("x"), print},
	{"print Empty", Empty{}, print},
	{"print List", List{3, 1}, print},
	{"print Names", Names{"a": 1}, print},
	{"print Trio", Trio{1, 2, 3}, print},
	{"print Point", point, print},
	{"print Mixed", Mixed{A: 1, b: "b", d: Int(3)}, print},
	{"print Fmt", Fmt{4}, print},
	{"print Wide", Wide{A: 1, S: "s"}, print},
	{"print Pair", Pair[int, string]{1, "x"}, print},
	{"print Nested", Nested{inner: OnePtr{nil}}, print},
	{"print Deep", Deep{X: 1, ByPointer: ByPointer{&Base{"n", 2}}, Point: point}, func(v, p any) string {
		return fmt.Sprintf("%T %s", v, v)
	}},
	{"print OnlyPtr", OnlyPtr{&point}, func(v, p any) string { return fmt.Sprintf("%T %v %s %+v", v, v, p, v) }},
	{"print InnerInt", InnerInt{1, 2}, print},
	{"wrapped", Wraps{error: io.EOF, Reader: endless{}, Named: io.ErrNoProgress, Code: 3}, func(v, p any) string {
		b := make([]byte, 3)
		n, err := v.(io.Reader).Read(b)
		m, err2 := p.(io.Reader).Read(b[:1])
		return result(must[error](v), string(b), n, m, err, err2)
	}},
	{"error in a field", WithError{io.ErrNoProgress, 3}, func(v, p any) string {
		return result(v, p, errors.Is(v.(error), io.EOF), errors.Is(p.(error), io.ErrClosedPipe), invoke(v, "Error"), invoke(p, "Error"))
	}},
	{"error in a word", ErrorWord{&WithError{io.ErrNoProgress, 3}}, func(v, p any) string {
		return result(v, errors.Is(v.(error), io.EOF), invoke(v, "Error"), invoke(p, "Error"))
	}},
	{"nil error in a field", WithError{}, func(v, p any) string { return invoke(v, "Error") + invoke(p, "Error") }},
	{"ambiguous", Wraps{}, func(v, p any) string { return must[error](v) + must[error](p) + must[io.Reader](v) }},
	{"missing method", point, func(v, p any) string {
		return must[error](v) + must[interface{ String() int }](v) + must[sort.Interface](p) + must[Shape](v) + must[Shape](p) +
			must[int](v) + must[*int](p) + must[Point](any(1)) + must[interface{ Len() int }](v)
	}},
	{"unexported method", Int(4), func(v, p any) string {
		return try(v, func(h Hidden) string { return fmt.Sprint(h.hidden(), h) }) +
			try(p, func(h interface{ hidden() int }) string { return fmt.Sprint(h.hidden()) })
	}},
	{"promoted unexported method", Derived{Base: Base{"x", 7}}, func(v, p any) string {
		return try(p, func(c interface{ count() int }) string { return fmt.Sprint(c.count(), c.count()) }) +
			try(v, func(c interface{ count() int }) string { return "a value has it" })
	}},
	{"private interface", WithContext{context.Background(), secretive{"x"}}, func(v, p any) string {
		return try(v, func(s private) string { return s.secret(3) }) + try(p, func(s private) string { return s.secret(2) }) +
			try(v, func(c context.Context) string { return fmt.Sprint(c.Err(), c.Done(), c.Value(1)) })
	}},
	{"nil embedded interface", WithContext{}, func(v, p any) string {
		return try(v, func(c context.Context) string { return invoke(c, "Err") })
	}},
	{"nil embedded pointer", ByPointer{}, func(v, p any) string {
		return invoke(v, "Hello", "x") + invoke(p, "Hello", "x") + invoke(v, "Rename", "x")
	}},
	{"pointer in a word", OnlyPtr{&Point{1, 2}}, func(v, p any) string {
		s := v.(Shape)
		s.Move(1, 1)
		return result(s, v.(Shape).Area(), invoke(v, "Move", 1, 1), invoke(v, "String"), invoke(p, "Scale", 1.5), p)
	}},
	{"array in a word", Single{new(Int)}, func(v, p any) string { return invoke(v, "Get") + invoke(p, "Get") }},
	{"map in a word", Names{"k": 3}, func(v, p any) string { return invoke(v, "Get", "k") + invoke(p, "Get", "k") }},
	{"map promoted", MapHolder{Names{"k": 3}}, func(v, p any) string { return invoke(v, "Get", "k") + invoke(p, "Get", "k") }},
	{"chan in a word", make(Pipe, 3), func(v, p any) string { return invoke(v, "Cap") + invoke(p, "Cap") }},
	{"func in a word", Func(func(i Int, s ...string) (Text, error) { return Text(fmt.Sprint(i, s)), nil }), func(v, p any) string {
		return invoke(v, "Call", Int(3)) + invoke(p, "Call", Int(4))
	}},
	{"nil pointer", point, func(v, p any) string {
		null := reflect.Zero(reflect.TypeOf(p)).Interface()
		return invoke(null, "String") + invoke(null, "Scale", 2.0) + invoke(null, "Move", 1, 2) +
			func() (text string) {
				defer func() { text = fmt.Sprintf("%T %v", recover(), recover()) }()
				return null.(fmt.Stringer).String()
			}() + fmt.Sprint(null) + fmt.Sprintf("%+v", null)
	}},
	{"nil generic pointer", Pair[int, string]{}, func(v, p any) string {
		return invoke(reflect.Zero(reflect.TypeOf(p)).Interface(), "Swap")
	}},
	{"methods", point, func(v, p any) string {
		return invoke(v, "String") + invoke(p, "String") + invoke(p, "Move", 2, 3) + invoke(v, "Scale", 2.5) + invoke(v, "Move") + fmt.Sprint(p)
	}},
	{"small values", Flag(true), func(v, p any) string { return invoke(v, "GoString") + invoke(p, "GoString") }},
	{"floats", Ratio(1.5), func(v, p any) string {
		return invoke(v, "Mix", float32(2.25), Ratio(4))
	}},
	{"float32", Narrow(3), func(v, p any) string { return invoke(v, "Half") + invoke(p, "Half") }},
	{"complex", Complex(3 + 4i), func(v, p any) string { return invoke(v, "Real") }},
	{"empty array", Nothing{}, func(v, p any) string { return invoke(v, "None") + invoke(p, "None") }},
	{"huge", HugeStr{B: [5000]string{4999: "last"}}, func(v, p any) string {
		p.(interface{ Set(string) }).Set("new")
		return invoke(v, "Last") + invoke(p, "Last")
	}},
	{"variadic", Int(2), func(v, p any) string {
		return invoke(v, "Plus", 1, 2, 3) + invoke(v, "Plus")
	}},
	{"variadic, promoted", Derived{}, func(v, p any) string {
		n, err := v.(interface{ Sum(...int) (int, error) }).Sum(1, 2, 3)
		return result(n, err, invoke(v, "Sum", 4, 5), invoke(p, "Sum"))
	}},
	{"promoted", Derived{Base: Base{Name: "Ann"}}, func(v, p any) string {
		p.(interface{ Rename(string) }).Rename("Bea")
		return v.(interface{ Hello(string) string }).Hello("hey") + p.(interface{ Hello(string) string }).Hello("hey") + invoke(p, "Hello2")
	}},
	{"deep", Deep{ByPointer: ByPointer{&Base{Name: "Zoe"}}, Point: point}, func(v, p any) string {
		v.(interface{ Rename(string) }).Rename("Yva")
		p.(Shape).Move(1, 1)
		return v.(interface{ Hello(string) string }).Hello("oh") + p.(fmt.Stringer).String() + v.(fmt.Stringer).String()
	}},
	{"mutex", WithMutex{Builder: new(strings.Builder)}, func(v, p any) string {
		l := p.(interface {
			Lock()
			Unlock()
			TryLock() bool
		})
		l.Lock()
		fmt.Fprint(p.(io.Writer), "written")
		ok := l.TryLock()
		l.Unlock()
		return result(ok, l.TryLock(), p)
	}},
	{"shapes", Shapes{log: []string{"a"}}, func(v, p any) string {
		s := p.(interface {
			Nothing()
			Ints(int8, uint16, int32, int64) int64
			Many(a, b, c, d, e, f, g, h, i, j, k, l int) (int, int, int, int, int, int, int, int, int, int, int, int)
			Array([1]string, [3]int, struct{}) ([1]string, [3]int)
			Mixture(bool, float32, string, []byte, any, error, *int, func()) string
			Variadic(string, ...any) string
			Funcs(func(int) string, map[string]int, chan int) any
		})
		s.Nothing()
		n := 5
		c := make(chan int, 8)
		a, b := s.Array([1]string{"q"}, [3]int{1, 2, 3}, struct{}{})
		x := fmt.Sprint(s.Many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))
		return result(s.Ints(-1, 2, -3, 4), x, a, b, s.Mixture(true, 1.5, "s", []byte("x"), p == nil, io.EOF, &n, nil),
			s.Variadic("%d-%s", 1, "x"), s.Variadic("%d"), s.Funcs(func(i int) string { return fmt.Sprint(i) }, map[string]int{"x": 9}, c), <-c,
			invoke(v, "Floats", float32(1.5), 2.5, Floats{1, 2, [2]float32{3, 4}}, complex64(1+2i)), invoke(v, "Wide", Wide{A: 1}, 5, "t"),
			invoke(p, "Wide", Wide{B: 1}, 6, "u"), v, p)
	}},
	{"panics", Shapes{}, func(v, p any) string {
		return invoke(p, "Panics", "text") + invoke(p, "Panics", io.EOF) + invoke(p, "Panics", nil)
	}},
	{"stack growth", Shapes{}, func(v, p any) string {
		done := make(chan int)
		go func() { done <- p.(interface{ Deep(int) int }).Deep(20000) }()
		return fmt.Sprint(<-done)
	}},
	{"equal", point, func(v, p any) string {
		w := reflect.ValueOf(p).Elem().Interface()
		m := map[any]int{v: 1}
		m[w]++
		m[p]++
		return result(v == w, v == any(Alias{9, 9}), p == any(&point), m[v], len(m), v == p)
	}},
	{"equal strings and blanks", Blank{A: 1, B: 2}, func(v, p any) string {
		b := (*[2]uint64)(reflect.ValueOf(p).UnsafePointer())
		b[1] = 77 // the first blank field
		w := reflect.ValueOf(p).Elem().Interface()
		m := map[any]int{v: 1}
		m[w]++
		return result(v == w, len(m), m[v])
	}},
	{"equal interfaces", Mixed{b: "x", d: []int{1}}, func(v, p any) (text string) {
		defer func() { text = fmt.Sprint(recover()) }()
		return fmt.Sprint(v == reflect.ValueOf(p).Elem().Interface())
	}},
	{"not comparable", NotComparable{A: 1}, func(v, p any) (text string) {
		defer func() { text = fmt.Sprint(recover()) }()
		return fmt.Sprint(v == reflect.ValueOf(p).Elem().Interface())
	}},
	{"no key", List{1}, func(v, p any) (text string) {
		defer func() { text = fmt.Sprint(recover()) }()
		return fmt.Sprint(map[any]int{v: 1})
	}},
	{"reflect map", KeyStruct{Name: "a", X: 1.5}, func(v, p any) string {
		t := reflect.TypeOf(v)
		m := reflect.MakeMap(reflect.MapOf(t, reflect.TypeFor[int]()))
		for i := range 100 {
			k := reflect.New(t).Elem()
			k.Field(0).SetString(strings.Clone(fmt.Sprint("key", i%50)))
			m.SetMapIndex(k, reflect.ValueOf(i))
		}
		m.SetMapIndex(reflect.ValueOf(v), reflect.ValueOf(7))
		return result(m.Len(), m.MapIndex(reflect.ValueOf(v)), m.Type())
	}},
	{"errors", NotFound{"key"}, func(v, p any) string {
		err := fmt.Errorf("outer: %w", p.(error))
		joined := errors.Join(io.ErrClosedPipe, err)
		target := reflect.New(reflect.TypeOf(p))
		var temporary interface{ Temporary() bool }
		var path *os.PathError
		return result(errors.Is(err, io.EOF), errors.Is(joined, io.ErrShortWrite), errors.Is(err, io.ErrClosedPipe), errors.Unwrap(p.(error)),
			errors.As(joined, target.Interface()), target.Elem().Interface() == p, errors.As(err, &temporary), errors.As(err, &path), joined,
			errors.Is(joined, p.(error)))
	}},
	{"error value", Small(3), func(v, p any) string {
		return result(errors.Is(fmt.Errorf("x %w", v.(error)), v.(error)), v)
	}},
	{"sort", ByAge{{"a", 3}, {"b", 1}, {"c", 2}}, func(v, p any) string {
		sort.Sort(v.(sort.Interface))
		sort.Stable(sort.Reverse(p.(sort.Interface)))
		return fmt.Sprintf("%v %+v %t", v, p, sort.IsSorted(v.(sort.Interface)))
	}},
	{"heap", List{5, 2, 8}, func(v, p any) string {
		h := p.(heap.Interface)
		heap.Init(h)
		heap.Push(h, 1)
		var out []any
		for h.Len() > 0 {
			out = append(out, heap.Pop(h))
		}
		return result(out...)
	}},
	{"json", Status{200}, func(v, p any) string {
		b, err := json.Marshal([]any{v, p, map[string]any{"k": v}})
		err2 := json.Unmarshal([]byte(`{"status":404}`), p)
		return result(string(b), err, err2, p)
	}},
	{"json fields", Mixed{A: 1, b: "hidden", C: 2.5, d: 1, E: [2]Point{{1, 2}}}, func(v, p any) string {
		b, err := json.Marshal(v)
		err2 := json.Unmarshal([]byte(`{"A":7,"c":1.25,"E":[{"X":5}]}`), p)
		err3 := json.Unmarshal([]byte(`{"A":"no"}`), p)
		return result(string(b), err, err2, p, err3)
	}},
	{"json embedded", Deep{X: 1, Point: point, ByPointer: ByPointer{&Base{Name: "n"}}}, func(v, p any) string {
		b, err := json.MarshalIndent(v, "", " ")
		return result(string(b), err, json.Unmarshal([]byte(`{"Name":"m","point":{"Y":1}}`), p))
	}},
	{"json keys", Text("k"), func(v, p any) string {
		m := reflect.MakeMap(reflect.MapOf(reflect.TypeOf(v), reflect.TypeFor[int]()))
		m.SetMapIndex(reflect.ValueOf(v), reflect.ValueOf(1))
		b, err := json.Marshal(m.Interface())
		return result(string(b), err)
	}},
	{"text", Temp{21.5}, func(v, p any) string {
		b, err := json.Marshal(v)
		err2 := json.Unmarshal([]byte(`"36.6C"`), p)
		return result(string(b), err, err2, p, must[encoding.TextMarshaler](v), must[encoding.TextUnmarshaler](v), must[encoding.TextUnmarshaler](p))
	}},
	{"gob", Point{7, 8}, func(v, p any) string {
		var b bytes.Buffer
		err := gob.NewEncoder(&b).Encode(v)
		fresh := reflect.New(reflect.TypeOf(v))
		return result(err, gob.NewDecoder(&b).Decode(fresh.Interface()), fresh)
	}},
	{"template", Derived{Base: Base{Name: "T"}}, func(v, p any) string {
		var b strings.Builder
		err := template.Must(template.New("").Parse(`{{.Name}} {{.Hello "hi"}} {{.Hello2}} {{.Nope}}`)).Execute(&b, v)
		return result(b.String(), err)
	}},
	{"type switch", Int(3), func(v, p any) string {
		var out []string
		for _, x := range []any{v, p, 3, "s", io.EOF} {
			switch x := x.(type) {
			case *Int, Int:
				out = append(out, "Int")
			case int:
				out = append(out, "int")
			case interface{ Add(int) }:
				x.Add(4)
				out = append(out, "Add")
			case error:
				out = append(out, "error")
			case fmt.Stringer:
				out = append(out, "Stringer", x.String())
			default:
				out = append(out, fmt.Sprintf("%T", x))
			}
		}
		return strings.ReplaceAll(strings.ReplaceAll(fmt.Sprint(out), "Stringer Int(3) Add", "Int Int"), "Stringer Int(7)", "Int")
	}},
	{"reflection", Derived{Base: Base{Name: "R"}, Extra: 4}, func(v, p any) string {
		r := reflect.ValueOf(p).Elem()
		f, ok := r.Type().FieldByName("Name")
		r.FieldByName("Extra").SetInt(9)
		base := r.Field(0)
		return result(r.NumField(), f.Index, ok, f.Type, r.Interface(), base.Type(), base.NumMethod(), base.Addr().NumMethod(),
			base.Addr().MethodByName("Hello").Call([]reflect.Value{reflect.ValueOf("x")})[0], r.Field(0).Field(1).CanSet(),
			r.Type().AssignableTo(reflect.TypeFor[any]()), r.Type().ConvertibleTo(reflect.TypeFor[Derived]()),
			reflect.DeepEqual(v, r.Interface()), reflect.DeepEqual(r.Interface(), r.Interface()), reflect.Zero(r.Type()), r.IsZero())
	}},
	{"convert", point, func(v, p any) string {
		r := reflect.ValueOf(v)
		anon := r.Convert(reflect.TypeFor[struct{ X, Y int }]())
		back := anon.Convert(r.Type())
		return result(anon.Interface(), back.Interface() == v, r.Type() == back.Type(), fmt.Sprintf("%T", anon.Interface()))
	}},
	{"convert to interface", point, func(v, p any) string {
		s := reflect.ValueOf(v).Convert(reflect.TypeFor[fmt.Stringer]())
		return result(s.Type(), s.Elem().Type(), s.Method(0).Call(nil)[0], reflect.TypeOf(p).Implements(reflect.TypeFor[Shape]()))
	}},
	{"slices", SliceSelf{nil, {nil, {}}}, func(v, p any) string { return result(v, invoke(v, "Total"), fmt.Sprintf("%#v", v)) }},
	{"goexit", Shapes{}, func(v, p any) string {
		done := make(chan string)
		go func() {
			defer func() { done <- fmt.Sprint("ended ", recover()) }()
			invoke(p, "Funcs", func(int) string { runtime.Goexit(); return "" }, map[string]int{}, make(chan int, 1))
			done <- "not ended"
		}()
		return <-done
	}},
	{"generic", Tree[int]{Value: 1, Kids: []Tree[int]{{Value: 2}}}, func(v, p any) string {
		var sum int
		p.(interface{ Walk(func(int)) }).Walk(func(i int) { sum += i })
		return result(sum, invoke(p, "Walk", func(int) {}), fmt.Sprintf("%T", v))
	}},
	{"generic stack", Stack[string]{"a"}, func(v, p any) string {
		p.(interface{ Push(string) }).Push("b")
		return result(invoke(p, "Top"), invoke(v, "Top"), v, p)
	}},
}

// TestBehaviour runs each behaviour with a compiled type and with a made one.
func TestBehaviour(t *testing.T) {
	u := newUniverse(t)
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) {
			made := u.madeFor(t, reflect.TypeOf(b.value))
			run := func(typ reflect.Type) string {
				p := reflect.New(reflect.TypeOf(b.value))
				p.Elem().Set(copied(reflect.ValueOf(b.value)))
				p = reflect.NewAt(typ, p.UnsafePointer())
				return b.do(p.Elem().Interface(), p.Interface())
			}
			want, got := run(reflect.TypeOf(b.value)), run(made)
			if want != got {
				t.Errorf("compiled: %s\n    made: %s", want, got)
			}
			if testing.Verbose() {
				t.Log(want)
			}
		})
	}
}

// copied gives a slice or a struct with a pointer in it memory of its own, since behaviours write there.
func copied(v reflect.Value) reflect.Value {
	switch {
	case v.Kind() == reflect.Slice:
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(c, v)
		return c
	case v.Kind() == reflect.Struct:
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		for i := range c.NumField() {
			if f := c.Field(i); f.CanSet() && f.Kind() == reflect.Pointer && !f.IsNil() {
				p := reflect.New(f.Type().Elem())
				p.Elem().Set(f.Elem())
				f.Set(p)
			} else if f.CanSet() && f.Kind() == reflect.Struct {
				f.Set(copied(f))
			}
		}
		return c
	}
	return v
}

// madeFor makes the type that stands for a compiled one of the world.
func (u *universe) madeFor(t testing.TB, native reflect.Type) reflect.Type {
	t.Helper()
	name, _, generic := strings.Cut(native.Name(), "[")
	if !generic {
		return u.of(t, name)
	}
	uses := u.of(t, "Uses")
	for f := range uses.Fields() {
		if f.Type.String() == native.String() {
			return f.Type
		}
	}
	t.Fatalf("the world does not use %s", native)
	return nil
}
