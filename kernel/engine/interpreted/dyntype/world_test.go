//go:build amd64 || arm64

package dyntype

import (
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// The declarations of this file are compiled, and the tests make them a second time at run time: the two must be
// alike in all that a program can see.

type (
	Int       int
	Small     int8
	Flag      bool
	Text      string
	Ratio     float64
	Narrow    float32
	Complex   complex128
	Raw       unsafe.Pointer
	Empty     struct{}
	List      []int
	Names     map[string]Int
	Pipe      chan Int
	Out       chan<- string
	In        <-chan error
	Func      func(Int, ...string) (Text, error)
	Trio      [3]Int
	Single    [1]*Int
	Nothing   [0]Text
	Huge      [1 << 16]*Int
	HugeStr   struct{ A, B [5000]string }
	PtrInt    *Int
	AnyI      any
	Named     error
	EmptyFunc func()
)

func (i Int) String() string                 { return fmt.Sprintf("Int(%d)", int(i)) }
func (i *Int) Add(n int)                     { *i += Int(n) }
func (i Int) Plus(n ...int) Int              { return i + Int(len(n)) }
func (i Int) hidden() int                    { return int(i) * 2 }
func (s Small) Error() string                { return fmt.Sprint("small ", int8(s)) }
func (f Flag) GoString() string              { return fmt.Sprintf("Flag<%t>", bool(f)) }
func (t Text) Len() int                      { return len(t) }
func (t Text) MarshalText() ([]byte, error)  { return []byte("<" + string(t) + ">"), nil }
func (r Ratio) Mix(a float32, b Ratio) Ratio { return r + Ratio(a) + b }
func (r Narrow) Half() Narrow                { return r / 2 }
func (c Complex) Real() float64              { return real(complex128(c)) }
func (Empty) String() string                 { return "empty" }
func (l List) Len() int                      { return len(l) }
func (l List) Less(i, j int) bool            { return l[i] < l[j] }
func (l List) Swap(i, j int)                 { l[i], l[j] = l[j], l[i] }
func (l *List) Push(x any)                   { *l = append(*l, x.(int)) }
func (l *List) Pop() any                     { old := *l; x := old[len(old)-1]; *l = old[:len(old)-1]; return x }
func (n Names) Get(k string) Int             { return n[k] }
func (p Pipe) Cap() int                      { return cap(p) }
func (f Func) Call(i Int) (Text, error)      { return f(i, "a", "b") }
func (t Trio) Sum() (s Int) {
	for _, v := range t {
		s += v
	}
	return s
}
func (s Single) Get() Int       { return *s[0] }
func (Nothing) None() string    { return "none" }
func (h Huge) First() *Int      { return h[0] }
func (h *HugeStr) Set(s string) { h.B[4999] = s }
func (h HugeStr) Last() string  { return h.B[4999] }
func (f EmptyFunc) Run()        { f() }

// Types that refer to themselves.
type (
	PtrSelf   *PtrSelf
	SliceSelf []SliceSelf
	MapSelf   map[string]MapSelf
	ChanSelf  chan ChanSelf
	FuncSelf  func(FuncSelf, ...FuncSelf) FuncSelf
	IfaceSelf interface{ Next(IfaceSelf) IfaceSelf }
	ArrSelf   [2]*ArrSelf
	Node      struct {
		Left, Right *Node
		Kids        []Node
		ByName      map[string]Node
		ByKey       map[KeyStruct]*Node
		Ch          chan Node
		F           func(Node) *Node
		I           interface{ Visit(Node) (Node, error) }
		Anon        *struct {
			N    *Node
			Next []struct{ N Node }
		}
		next atomic.Pointer[Node]
	}
	KeyStruct struct {
		Name string
		M    *map[KeyStruct]int
		X    float64
	}
	Even struct{ *Odd }
	Odd  struct{ *Even }
)

func (n *Node) Depth() int {
	if n == nil {
		return 0
	}
	return 1 + max(n.Left.Depth(), n.Right.Depth(), n.next.Load().Depth())
}
func (f FuncSelf) Twice() FuncSelf { return f(f, f) }
func (e Even) EvenName() string    { return "even" }
func (o *Odd) OddName() string     { return "odd" }
func (s SliceSelf) Total() (n int) {
	for _, t := range s {
		n += 1 + t.Total()
	}
	return n
}

// Structs of all kinds.
type (
	Point struct {
		X, Y int
	}
	Mixed struct {
		A int8
		b string
		C float64 `json:"c,omitempty" xml:"see"`
		_ int32
		d any
		E [2]Point
		_ string
	}
	Blank struct {
		A int
		_ int
		B int
		_ [4]byte
	}
	Trailing struct {
		A int
		B struct{}
	}
	NotComparable struct {
		A int
		F func()
	}
	OnePtr struct{ P *Point }
	Nested struct {
		OnePtr
		inner OnePtr
	}
)

func (p Point) String() string        { return fmt.Sprintf("(%d,%d)", p.X, p.Y) }
func (p Point) Area() int             { return p.X * p.Y }
func (p *Point) Move(dx, dy int)      { p.X += dx; p.Y += dy }
func (p Point) Scale(f float64) Point { return Point{int(float64(p.X) * f), int(float64(p.Y) * f)} }
func (m Mixed) B() string             { return m.b }
func (m *Mixed) SetB(b string)        { m.b = b }
func (o OnePtr) Deref() Point         { return *o.P }
func (o *OnePtr) Clear()              { o.P = nil }
func (n NotComparable) Call() int     { n.F(); return n.A }

// Embedding.
type (
	Base struct {
		Name string
		n    int
	}
	Derived struct {
		Base
		Extra int
	}
	ByPointer struct{ *Base }
	Deep      struct {
		X int
		ByPointer
		Point `json:"point"`
	}
	Wraps struct {
		error
		io.Reader
		Named
		Code int
	}
	WithError struct {
		error
		Code int
	}
	ErrorWord struct{ *WithError }
	WithMutex struct {
		sync.Mutex
		*strings.Builder
		N int
	}
	WithContext struct {
		context.Context
		private
	}
	private   interface{ secret(int) string }
	secretive struct{ v string }
	OnlyIface struct{ fmt.Stringer }
	OnlyPtr   struct{ *Point }
	InnerInt  struct {
		pad int
		Int
	}
	MapHolder struct{ Names }
	Alias     = Point
	ByAlias   struct{ Alias }
)

func (b Base) Hello(greeting string) string { return greeting + ", " + b.Name }
func (b *Base) Rename(s string)             { b.Name = s }
func (b *Base) count() int                  { b.n++; return b.n }
func (b Base) Sum(xs ...int) (n int, err error) {
	for _, x := range xs {
		n += x
	}
	return n, nil
}
func (e WithError) Is(target error) bool { return target == io.EOF }
func (d Derived) Hello2() string         { return "derived " + d.Hello("hi") }
func (s secretive) secret(n int) string  { return strings.Repeat(s.v, n) }

// Interfaces.
type (
	Shape interface {
		fmt.Stringer
		Move(dx, dy int)
		Area() int
	}
	Hidden interface {
		hidden() int
		String() string
	}
	Big interface {
		io.ReadWriteCloser
		error
		Shape
		private
		ЖMethod()
		Ärger(x struct{ error }) (y [2]chan<- func())
	}
	Container struct {
		I interface{ Hello(string) string }
		J interface {
			hidden() int
			Zeta(struct{ Point }) interface{ E() }
		}
		K struct {
			Point
			*Base
			fmt.Stringer
			_ int
			X int `a:"b"`
		}
		L *struct{ sync.Mutex }
		M map[struct{ Point }]struct{ *Point }
		N []interface {
			private
			error
		}
	}
)

// Generic types.
type (
	Pair[A, B any] struct {
		First  A
		Second B
	}
	Tree[T any] struct {
		Value T
		Kids  []Tree[T]
		Up    *Tree[T]
	}
	Num[T ~int | ~float64] struct{ v T }
	Opt[T any]             func(*T) Opt[T]
	Stack[T any]           []T
	Uses                   struct {
		A Pair[int, string]
		B Pair[Point, *Pair[Int, error]]
		C Tree[map[string]Pair[Text, []byte]]
		D Num[Ratio]
		E Opt[Point]
		F Stack[Stack[struct {
			X int
			y any `q:"r"`
		}]]
		G Pair[interface{ hidden() int }, func(int, ...Int) (a, b error)]
		H Pair[chan (<-chan int), struct{ Point }]
		I *Tree[Uses]
		J atomic.Pointer[Uses]
		K Tree[int]
		L Stack[string]
	}
)

func (p Pair[A, B]) Swap() Pair[B, A] { return Pair[B, A]{p.Second, p.First} }
func (p *Pair[A, B]) Set(a A, b B)    { p.First, p.Second = a, b }
func (t *Tree[T]) Walk(f func(T)) {
	f(t.Value)
	for i := range t.Kids {
		t.Kids[i].Walk(f)
	}
}
func (n Num[T]) Double() T   { return n.v + n.v }
func (s *Stack[T]) Push(x T) { *s = append(*s, x) }
func (s Stack[T]) Top() (x T, ok bool) {
	if len(s) == 0 {
		return x, false
	}
	return s[len(s)-1], true
}

// Methods of many shapes.
type (
	Shapes struct{ log []string }
	Wide   struct {
		A, B, C, D, E, F, G, H, I, J, K, L int
		S                                  string
	}
	Floats struct {
		A float32
		B float64
		C [2]float32
	}
)

func (s *Shapes) Nothing() { s.log = append(s.log, "nothing") }
func (s *Shapes) Ints(a int8, b uint16, c int32, d int64) int64 {
	return int64(a) + int64(b) + int64(c) + d
}
func (s *Shapes) Many(a, b, c, d, e, f, g, h, i, j, k, l int) (int, int, int, int, int, int, int, int, int, int, int, int) {
	return l, k, j, i, h, g, f, e, d, c, b, a
}
func (s Shapes) Floats(a float32, b float64, c Floats, d complex64) (float64, Floats, complex64) {
	c.C[1] += a
	return float64(a) + b, c, d * 2
}
func (s Shapes) Wide(w Wide, x int, t string) (Wide, string)                 { w.L, w.S = x, t; return w, w.S }
func (s Shapes) Funcs(f func(int) string, m map[string]int, c chan int) any  { c <- m["x"]; return f(7) }
func (s Shapes) Variadic(f string, args ...any) string                       { return fmt.Sprintf(f, args...) }
func (s Shapes) Array(a [1]string, b [3]int, e struct{}) ([1]string, [3]int) { return a, b }
func (s Shapes) Mixture(a bool, b float32, c string, d []byte, e any, f error, g *int, h func()) string {
	return fmt.Sprint(a, b, c, d, e, f, *g, h == nil)
}
func (s *Shapes) Panics(v any) { panic(v) }
func (s *Shapes) Deep(n int) int {
	var pad [64]int
	pad[n%64] = n
	if n == 0 {
		return pad[0]
	}
	return 1 + s.Deep(n-1) + pad[(n+1)%64]
}

// What the standard library calls.
type (
	Status   struct{ code int }
	NotFound struct{ Key string }
	Temp     struct{ c float64 }
	ByAge    []struct {
		Name string
		Age  int
	}
	Fmt struct{ v int }
)

func (s Status) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]int{"status": s.code}) }
func (s *Status) UnmarshalJSON(b []byte) error {
	_, err := fmt.Sscanf(string(b), `{"status":%d}`, &s.code)
	return err
}
func (e *NotFound) Error() string           { return "no " + e.Key }
func (e *NotFound) Unwrap() error           { return io.EOF }
func (e *NotFound) Is(target error) bool    { return target == io.ErrShortWrite }
func (t Temp) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%.1fC", t.c), nil }
func (t *Temp) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%fC", &t.c)
	return err
}
func (a ByAge) Len() int                    { return len(a) }
func (a ByAge) Less(i, j int) bool          { return a[i].Age < a[j].Age }
func (a ByAge) Swap(i, j int)               { a[i], a[j] = a[j], a[i] }
func (f Fmt) Format(s fmt.State, verb rune) { fmt.Fprintf(s, "[%c %d %v]", verb, f.v, s.Flag('+')) }

var (
	_ heap.Interface = (*List)(nil)
	_ sort.Interface = ByAge(nil)
	_                = errors.New
)

var world = []reflect.Type{
	reflect.TypeFor[Int](),
	reflect.TypeFor[Small](),
	reflect.TypeFor[Flag](),
	reflect.TypeFor[Text](),
	reflect.TypeFor[Ratio](),
	reflect.TypeFor[Narrow](),
	reflect.TypeFor[Complex](),
	reflect.TypeFor[Raw](),
	reflect.TypeFor[Empty](),
	reflect.TypeFor[List](),
	reflect.TypeFor[Names](),
	reflect.TypeFor[Pipe](),
	reflect.TypeFor[Out](),
	reflect.TypeFor[In](),
	reflect.TypeFor[Func](),
	reflect.TypeFor[Trio](),
	reflect.TypeFor[Single](),
	reflect.TypeFor[Nothing](),
	reflect.TypeFor[Huge](),
	reflect.TypeFor[HugeStr](),
	reflect.TypeFor[PtrInt](),
	reflect.TypeFor[AnyI](),
	reflect.TypeFor[Named](),
	reflect.TypeFor[EmptyFunc](),
	reflect.TypeFor[PtrSelf](),
	reflect.TypeFor[SliceSelf](),
	reflect.TypeFor[MapSelf](),
	reflect.TypeFor[ChanSelf](),
	reflect.TypeFor[FuncSelf](),
	reflect.TypeFor[IfaceSelf](),
	reflect.TypeFor[ArrSelf](),
	reflect.TypeFor[Node](),
	reflect.TypeFor[KeyStruct](),
	reflect.TypeFor[Even](),
	reflect.TypeFor[Odd](),
	reflect.TypeFor[Point](),
	reflect.TypeFor[Mixed](),
	reflect.TypeFor[Blank](),
	reflect.TypeFor[Trailing](),
	reflect.TypeFor[NotComparable](),
	reflect.TypeFor[OnePtr](),
	reflect.TypeFor[Nested](),
	reflect.TypeFor[Base](),
	reflect.TypeFor[Derived](),
	reflect.TypeFor[ByPointer](),
	reflect.TypeFor[Deep](),
	reflect.TypeFor[Wraps](),
	reflect.TypeFor[WithError](),
	reflect.TypeFor[ErrorWord](),
	reflect.TypeFor[WithMutex](),
	reflect.TypeFor[WithContext](),
	reflect.TypeFor[private](),
	reflect.TypeFor[secretive](),
	reflect.TypeFor[OnlyIface](),
	reflect.TypeFor[OnlyPtr](),
	reflect.TypeFor[InnerInt](),
	reflect.TypeFor[MapHolder](),
	reflect.TypeFor[ByAlias](),
	reflect.TypeFor[Shape](),
	reflect.TypeFor[Hidden](),
	reflect.TypeFor[Big](),
	reflect.TypeFor[Container](),
	reflect.TypeFor[Uses](),
	reflect.TypeFor[Shapes](),
	reflect.TypeFor[Wide](),
	reflect.TypeFor[Floats](),
	reflect.TypeFor[Status](),
	reflect.TypeFor[NotFound](),
	reflect.TypeFor[Temp](),
	reflect.TypeFor[ByAge](),
	reflect.TypeFor[Fmt](),
}
