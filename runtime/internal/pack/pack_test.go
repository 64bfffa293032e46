package pack

import (
	"bytes"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"
)

// table is the Table of a program with some types and errors.
type table struct {
	types map[string]reflect.Type
	fixed []error
}

func newTable() *table {
	t := &table{types: map[string]reflect.Type{}, fixed: []error{io.EOF, context.Canceled, fs.ErrNotExist}}
	for _, v := range []any{
		new(point), new(node), new(celsius), new(mix), errors.New(""), fmt.Errorf("%w", io.EOF), errors.Join(io.EOF),
		new(fs.PathError), new(time.Time), new(time.Duration), new(big.Int), new(time.Location), new(pair[string]),
		new(pair[point]), new(os.File), new(account), new(netip.Addr), struct{ X int }{}, new(os.SyscallError),
	} {
		typ := reflect.TypeOf(v)
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		t.types[typ.PkgPath()+"."+typ.String()] = typ
	}
	return t
}

func (t *table) TypeName(typ reflect.Type) string {
	if name := typ.PkgPath() + "." + typ.String(); t.types[name] == typ {
		return name
	}
	return ""
}

func (t *table) Fixed(p unsafe.Pointer) (string, bool) {
	for _, err := range t.fixed {
		if reflect.ValueOf(err).UnsafePointer() == p {
			return err.Error(), true
		}
	}
	return "", false
}

func (t *table) Type(name string) reflect.Type { return t.types[name] }

func (t *table) At(name string) (unsafe.Pointer, reflect.Type) {
	for _, err := range t.fixed {
		if err.Error() == name {
			v := reflect.ValueOf(err)
			return v.UnsafePointer(), v.Type().Elem()
		}
	}
	return nil, nil
}

type (
	point   struct{ x, y int }
	celsius float64
	node    struct {
		name string
		next *node
		all  map[string]*node
	}
	account struct {
		owner string
		mu    sync.Mutex
		sum   int
	}
	pair[T any] struct {
		a, b T
		list []pair[T]
	}
	mix struct {
		B   bool
		i8  int8
		u16 uint16
		f   float32
		c   complex128
		s   string
		_   int32
		p   *mix
		pp  **int
		arr [3]point
		ps  []*point
		pts []point
		nn  [][]string
		m   map[point]*celsius
		mm  map[string]map[int][]byte
		a   any
		e   error
		t   time.Time
		d   time.Duration
		big *big.Int
		es  []struct{}
		ch  chan int
		f0  func()
		loc *time.Location
		st  fmt.Stringer
	}
)

func (c celsius) String() string { return fmt.Sprint(float64(c)) }

func copied[T any](t testing.TB, v T) T {
	t.Helper()
	tab := newTable()
	b, err := Pack(nil, tab, &v)
	if err != nil {
		t.Fatalf("pack %T: %v", v, err)
	}
	var got T
	if err := Unpack(b, tab, &got); err != nil {
		t.Fatalf("unpack %T from % x: %v", v, b, err)
	}
	return got
}

func check[T any](t testing.TB, v T) {
	t.Helper()
	got := copied(t, v)
	if err := same(reflect.ValueOf(&v), reflect.ValueOf(&got)); err != nil {
		t.Errorf("%T: %v\ngot  %+v\nwant %+v", v, err, got, v)
	}
}

// same reports a difference of two graphs of values: of numbers by their bits, of lower-case fields too, and of
// what is shared.
func same(a, b reflect.Value) error {
	c := comparison{forth: map[visit]unsafe.Pointer{}, back: map[visit]unsafe.Pointer{}}
	return c.same(a, b)
}

type visit struct {
	at  unsafe.Pointer
	typ reflect.Type
	n   int
}

type comparison struct{ forth, back map[visit]unsafe.Pointer }

// met reports whether two places were compared before, or an error if one was compared with another.
func (c *comparison) met(a, b unsafe.Pointer, t reflect.Type, n int) (bool, error) {
	p, ok := c.forth[visit{a, t, n}]
	q, ok2 := c.back[visit{b, t, n}]
	if ok != ok2 || ok && (p != b || q != a) {
		return false, fmt.Errorf("%v: not shared alike", t)
	}
	c.forth[visit{a, t, n}], c.back[visit{b, t, n}] = b, a
	return ok, nil
}

func (c *comparison) same(a, b reflect.Value) error {
	if a.IsValid() != b.IsValid() || a.IsValid() && a.Type() != b.Type() {
		return fmt.Errorf("%v is not %v", a, b)
	}
	if !a.IsValid() {
		return nil
	}
	differ := func(a, b any) error {
		if a != b {
			return fmt.Errorf("%v: %v is not %v", reflect.TypeOf(a), a, b)
		}
		return nil
	}
	switch t := a.Type(); t.Kind() {
	case reflect.Bool:
		return differ(a.Bool(), b.Bool())
	case reflect.String:
		return differ(a.String(), b.String())
	case reflect.Float32, reflect.Float64:
		return differ(math.Float64bits(a.Float()), math.Float64bits(b.Float()))
	case reflect.Complex64, reflect.Complex128:
		x, y := a.Complex(), b.Complex()
		return errors.Join(differ(math.Float64bits(real(x)), math.Float64bits(real(y))), differ(math.Float64bits(imag(x)), math.Float64bits(imag(y))))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return differ(a.Int(), b.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return differ(a.Uint(), b.Uint())
	case reflect.Struct:
		if t == timeType {
			x, y := reflect.NewAt(t, unsafe.Pointer(a.UnsafeAddr())).Interface().(*time.Time), reflect.NewAt(t, unsafe.Pointer(b.UnsafeAddr())).Interface().(*time.Time)
			if !x.Equal(*y) || x.String() != y.String() {
				return fmt.Errorf("%v is not %v", x, y)
			}
			return nil
		}
		for i := range t.NumField() {
			if err := c.same(a.Field(i), b.Field(i)); err != nil {
				return fmt.Errorf("%s: %w", t.Field(i).Name, err)
			}
		}
	case reflect.Array:
		for i := range t.Len() {
			if err := c.same(a.Index(i), b.Index(i)); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return differ(a.IsNil(), b.IsNil())
		}
		if t.Elem().Size() == 0 || a.Pointer() == b.Pointer() {
			return nil
		}
		if met, err := c.met(a.UnsafePointer(), b.UnsafePointer(), t, 1); met || err != nil {
			return err
		}
		return c.same(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
			return fmt.Errorf("a slice of %d is one of %d (nil: %v, %v)", a.Len(), b.Len(), a.IsNil(), b.IsNil())
		}
		if a.Len() == 0 || t.Elem().Size() == 0 {
			return nil
		}
		if met, err := c.met(a.UnsafePointer(), b.UnsafePointer(), t, a.Len()); met || err != nil {
			return err
		}
		for i := range a.Len() {
			if err := c.same(a.Index(i), b.Index(i)); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
	case reflect.Map:
		if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
			return fmt.Errorf("a map of %d is one of %d (nil: %v, %v)", a.Len(), b.Len(), a.IsNil(), b.IsNil())
		}
		if a.IsNil() {
			return nil
		}
		if met, err := c.met(a.UnsafePointer(), b.UnsafePointer(), t, 0); met || err != nil {
			return err
		}
		for it := a.MapRange(); it.Next(); {
			v := b.MapIndex(it.Key())
			if !v.IsValid() {
				return fmt.Errorf("no key %v", it.Key())
			}
			if err := c.same(addressable(it.Value()), addressable(v)); err != nil {
				return fmt.Errorf("%v: %w", it.Key(), err)
			}
		}
	case reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return differ(a.IsNil(), b.IsNil())
		}
		return c.same(addressable(a.Elem()), addressable(b.Elem()))
	default:
		if !a.IsNil() || !b.IsNil() {
			return fmt.Errorf("a %v is not nil", t)
		}
	}
	return nil
}

// addressable returns an addressable copy, also of what was reached by way of lower-case fields.
func addressable(v reflect.Value) reflect.Value {
	type value struct {
		typ, ptr unsafe.Pointer
		flag     uintptr
	}
	const readOnly = 1<<5 | 1<<6 // reflect.flagRO
	(*value)(unsafe.Pointer(&v)).flag &^= readOnly
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

func TestValues(t *testing.T) {
	eleven := 11
	pe := &eleven
	temp := celsius(21.5)
	check(t, 7)
	check(t, "")
	check(t, true)
	check(t, math.NaN())
	check(t, math.Copysign(0, -1))
	check(t, complex(math.Inf(1), math.NaN()))
	check(t, point{3, -4})
	check(t, []int(nil))
	check(t, []int{})
	check(t, map[string]int(nil))
	check(t, map[string]int{})
	check(t, []struct{}{{}, {}})
	check(t, [0]int{})
	check(t, [2][2]string{{"a", "b"}, {"c", "\xff"}})
	check(t, &pe)
	check(t, any(nil))
	check(t, []any{1, int8(-1), "x", point{1, 2}, &point{3, 4}, []point{{5, 6}}, map[string]any{"k": []int{1}}, nil, error(nil), [2]bool{true}})
	check(t, any(struct{ X int }{4}))
	check(t, pair[string]{"x", "y", []pair[string]{{a: "z"}}})
	check(t, []any{pair[point]{a: point{1, 2}}})
	check(t, new(struct{}))
	check(t, *big.NewFloat(1.5))
	check(t, big.NewRat(1, 3))
	check(t, new(big.Int).Exp(big.NewInt(3), big.NewInt(500), nil))
	check(t, netip.MustParseAddr("fe80::1%eth0"))
	check(t, bytes.NewBufferString("left"))
	var sb strings.Builder
	sb.WriteString("built")
	check(t, &sb)
	u, _ := url.Parse("https://a:b@c.de/f?g#h")
	check(t, u)
	l := list.New()
	l.PushBack(1)
	l.PushBack("two")
	check(t, l)
	check(t, regexp.MustCompile(`^a+(b|c)$`))
	check(t, time.Time{})
	check(t, time.Date(2026, 11, 29, 8, 0, 0, 999, time.Local))
	check(t, time.Date(-400, 1, 1, 0, 0, 0, 1, time.UTC))
	check(t, time.Date(2026, 11, 29, 8, 0, 0, 0, time.FixedZone("X", 3600)))
	if loc, err := time.LoadLocation("Europe/Berlin"); err == nil {
		check(t, time.Date(2026, 7, 1, 8, 0, 0, 0, loc))
		check(t, loc)
	}
	check(t, mix{
		B: true, p: nil, ch: nil, f0: nil, i8: -128, u16: 65535, f: float32(math.Inf(-1)), c: 1i, s: "é", pp: &pe, arr: [3]point{1: {1, 2}},
		ps: []*point{nil, {1, 1}}, pts: []point{{9, 9}}, nn: [][]string{nil, {}, {"x"}}, m: map[point]*celsius{{1, 2}: &temp, {}: nil},
		mm: map[string]map[int][]byte{"a": nil, "b": {1: {1, 2}}}, a: point{1, 2}, e: errors.New("e"),
		t: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), d: time.Second, big: big.NewInt(-9), es: make([]struct{}, 3), loc: time.Local, st: temp,
	})
}

func TestNaNKeys(t *testing.T) {
	got := copied(t, map[float64]int{math.NaN(): 1, math.NaN(): 1, 2: 3})
	if len(got) != 3 || got[2] != 3 {
		t.Errorf("%v", got)
	}
}

// What is shared stays shared, however it is reached.
func TestShared(t *testing.T) {
	ring := &node{name: "a"}
	ring.next = &node{name: "b", next: ring, all: map[string]*node{}}
	ring.next.all["a"], ring.next.all["b"] = ring, ring.next
	ring.all = ring.next.all
	check(t, ring)

	xs := []int{0, 1, 2, 3, 4, 5}
	check(t, [][]int{xs[1:3], xs[2:5], xs[4:]})
	got := copied(t, [][]int{xs[1:3], xs[2:5], xs[4:]})
	if got[0][1] = 99; got[1][0] != 99 {
		t.Errorf("slices of one array are separate: %v", got)
	}
	if got[0] = append(got[0], 77); got[1][1] != 77 {
		t.Errorf("append writes elsewhere: %v", got)
	}
	got = copied(t, [][]int{xs[1:3:3], xs[2:5]})
	if got[0] = append(got[0], 77); got[1][1] == 77 {
		t.Errorf("append writes beyond the capacity: %v", got)
	}

	type view struct {
		whole *mix
		field *int8
		point *point
		y     *int
		some  []point
		row   *[3]point
		any   any
	}
	m := &mix{arr: [3]point{{1, 2}, {3, 4}, {5, 6}}}
	v := view{m, &m.i8, &m.arr[1], &m.arr[2].y, m.arr[:2], &m.arr, &m.arr[0].x}
	c := copied(t, v)
	*c.field, *c.y, c.some[0].x = 5, 66, 11
	if c.whole.i8 != 5 || c.whole.arr[2].y != 66 || c.row[0].x != 11 || *c.any.(*int) != 11 || c.point.y != 4 || &c.whole.arr[1] != c.point {
		t.Errorf("%+v of %+v", c, c.whole)
	}
	back := struct { // the smaller is met first
		y *int
		m *mix
	}{&m.arr[2].y, m}
	if c := copied(t, back); c.y != &c.m.arr[2].y {
		t.Error("a field and its struct are separate")
	}
	x := 5
	words := struct {
		p *int
		q *[1]int
		s []int
	}{&x, (*[1]int)(unsafe.Slice(&x, 1)), unsafe.Slice(&x, 1)}
	if c := copied(t, words); c.p != &c.q[0] || c.p != &c.s[0] {
		t.Error("three views of an int are separate")
	}
	var self any
	self = &self
	if c := copied(t, self); *(c.(*any)) != c {
		t.Error("a pointer to itself")
	}
	loop := []any{nil}
	loop[0] = loop
	check(t, loop)
}

func TestLongList(t *testing.T) {
	var list *node
	for range 1 << 20 {
		list = &node{next: list}
	}
	n := 0
	for got := copied(t, list); got != nil; got = got.next {
		n++
	}
	if n != 1<<20 {
		t.Errorf("%d nodes", n)
	}
}

func TestErrors(t *testing.T) {
	_, missing := os.Open("/does/not/exist")
	own := errors.New("own")
	for _, c := range []struct{ err, is error }{
		{io.EOF, io.EOF},
		{fmt.Errorf("read: %w", io.EOF), io.EOF},
		{errors.Join(own, context.Canceled), context.Canceled},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, fs.ErrNotExist},
		{missing, fs.ErrNotExist},
	} {
		tab := newTable()
		tab.types["syscall.Errno"] = reflect.TypeOf(missing.(*fs.PathError).Err)
		tab.types["syscall.syscall.Errno"] = tab.types["syscall.Errno"]
		b, err := Pack(nil, tab, &c.err)
		var got error
		if err == nil {
			err = Unpack(b, tab, &got)
		}
		if err != nil || !errors.Is(got, c.is) || got.Error() != c.err.Error() {
			t.Errorf("%v: %v, %v", c.err, got, err)
		}
	}
	if got := copied(t, error(own)); got == own || got.Error() != "own" {
		t.Errorf("%v", got)
	}
}

// Several roots may lead to each other's memory.
func TestRoots(t *testing.T) {
	tab := newTable()
	x, m := 1, map[string]*int{}
	m["x"] = &x
	also := m
	b, err := Pack(nil, tab, &x, &m, &also)
	if err != nil {
		t.Fatal(err)
	}
	var x2 int
	var m2, also2 map[string]*int
	if err := Unpack(b, tab, &x2, &m2, &also2); err != nil {
		t.Fatal(err)
	}
	also2["y"] = m2["x"]
	*m2["x"] = 8
	if x2 != 8 || m2["y"] != &x2 {
		t.Errorf("%d %v", x2, m2)
	}
}

func TestRefused(t *testing.T) {
	type inner struct {
		done chan bool
		f    func()
	}
	type job struct {
		list []inner
		accs [2]account
	}
	acc := new(account)
	acc.mu.Lock()
	acc.owner, acc.sum = "x", acc.sum+1
	acc.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type unknown struct{ a int }
	strange := unknown{}
	strange.a++
	for _, c := range []struct {
		v    any
		want string
	}{
		{new(chan int), "<nil>"},
		{&[]chan int{nil, make(chan int)}, "element [1] is a chan int"},
		{&job{list: make([]inner, 2), accs: [2]account{}}, "field job.accs[0].mu is a sync.Mutex"},
		{&struct{ j *job }{new(job)}, "field .j.accs[0].mu is a sync.Mutex"},
		{acc, "field account.mu is a sync.Mutex"},
		{&[]*account{nil, new(account)}, "field mu of element [1] is a sync.Mutex"},
		{&map[string]*account{"x": new(account)}, `field mu of element ["x"] is a sync.Mutex`},
		{&[]inner{{}, {done: make(chan bool)}}, "field done of element [1] is a chan bool"},
		{&map[string]inner{"k": {f: func() {}}}, `field f of element ["k"] is a function`},
		{&map[any]int{point{}: 1, [1]any{make(chan int)}: 1}, "element [key …][0] is a chan int"},
		{new(sync.WaitGroup), "it is a sync.WaitGroup"},
		{&struct{ F *os.File }{os.Stdout}, "field .F is an open file"},
		{&struct{ a any }{os.Stdout}, "field .a is an open file"},
		{&struct{ a any }{&[]any{[]any{1, ctx}}}, "element .a[0][1] is a context"},
		{&struct{ o *sync.Once }{new(sync.Once)}, "field .o is a sync.Once"},
		{&struct{ t reflect.Type }{reflect.TypeFor[int]()}, "field .t is a reflect.Type"},
		{&struct{ p unsafe.Pointer }{unsafe.Pointer(new(int))}, "field .p is an unsafe pointer"},
		{&struct{ a any }{strange}, "field .a is a pack.unknown, a type that the other process does not know"},
		{&struct{ f []func() }{[]func(){nil, func() {}}}, "element .f[1] is a function"},
	} {
		_, err := Pack(nil, newTable(), c.v)
		if got := fmt.Sprint(err); got != c.want {
			t.Errorf("%T: %s\nwant %s", c.v, got, c.want)
		}
	}
}

// Random graphs of values are copied with all that they share.
func TestRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := grower{t: t, pool: map[reflect.Type][]reflect.Value{}}
		v := reflect.New(rapid.SampledFrom([]reflect.Type{
			reflect.TypeFor[mix](), reflect.TypeFor[[]any](), reflect.TypeFor[map[string]mix](), reflect.TypeFor[[2]node](),
			reflect.TypeFor[pair[point]](), reflect.TypeFor[[]*mix](), reflect.TypeFor[map[any][]error](), reflect.TypeFor[[][]node](),
		}).Draw(t, "type"))
		g.fill(v.Elem(), 6)
		tab := newTable()
		b, err := Pack(nil, tab, v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(v.Type().Elem())
		if err := Unpack(b, tab, got.Interface()); err != nil {
			t.Fatal(err)
		}
		if err := same(v, got); err != nil {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got.Elem(), v.Elem())
		}
	})
}

// A grower fills values with random ones, which share memory.
type grower struct {
	t    *rapid.T
	pool map[reflect.Type][]reflect.Value // pointers, slices and maps that were made, by type
	n    int
}

func (g *grower) draw(n int) int { return rapid.IntRange(0, n-1).Draw(g.t, "n") }

func (g *grower) fill(v reflect.Value, depth int) {
	v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	t := v.Type()
	g.n++
	if depth == 0 || g.n > 2000 {
		return
	}
	if old := g.pool[t]; len(old) > 0 && g.draw(3) == 0 {
		v.Set(old[g.draw(len(old))])
		if t.Kind() == reflect.Slice && v.Len() > 0 {
			lo := g.draw(v.Len())
			v.Set(v.Slice(lo, lo+g.draw(v.Len()-lo)+1))
		}
		return
	}
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(g.draw(2) == 1)
	case reflect.String:
		v.SetString(rapid.String().Draw(g.t, "s"))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(rapid.SampledFrom([]float64{0, 1.5, math.NaN(), math.Inf(1), math.Copysign(0, -1)}).Draw(g.t, "f"))
	case reflect.Complex128:
		v.SetComplex(complex(float64(g.draw(9)), 1))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(g.t, "i"))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(g.t, "u"))
	case reflect.Struct:
		switch t {
		case timeType:
			v.Set(reflect.ValueOf(time.Unix(int64(g.draw(1e9)), int64(g.draw(1e9))).In(rapid.SampledFrom([]*time.Location{time.UTC, time.Local, time.FixedZone("Z", 60)}).Draw(g.t, "z"))))
			return
		case reflect.TypeFor[big.Int]():
			v.Addr().Interface().(*big.Int).SetInt64(rapid.Int64().Draw(g.t, "b"))
			return
		case reflect.TypeFor[time.Location]():
			return
		}
		for i := range t.NumField() {
			g.fill(v.Field(i), depth-1)
			f := v.Field(i)
			if g.draw(20) == 0 && f.Kind() != reflect.Chan && f.Kind() != reflect.Func { // pointers into the middle of structs
				p := reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr()))
				g.pool[p.Type()] = append(g.pool[p.Type()], p)
			}
		}
	case reflect.Array:
		for i := range t.Len() {
			g.fill(v.Index(i), depth-1)
		}
	case reflect.Pointer:
		switch g.draw(4) {
		case 0:
			return
		default:
			p := reflect.New(t.Elem())
			v.Set(p)
			g.pool[t] = append(g.pool[t], p)
			g.fill(p.Elem(), depth-1)
		}
	case reflect.Slice:
		n := g.draw(6) - 1
		if n < 0 {
			return
		}
		s := reflect.MakeSlice(t, n, n)
		v.Set(s)
		g.pool[t] = append(g.pool[t], s)
		for i := range n {
			g.fill(s.Index(i), depth-1)
			if g.draw(6) == 0 {
				p := s.Index(i).Addr()
				g.pool[p.Type()] = append(g.pool[p.Type()], p)
			}
		}
	case reflect.Map:
		n := g.draw(5) - 1
		if n < 0 {
			return
		}
		m := reflect.MakeMap(t)
		v.Set(m)
		g.pool[t] = append(g.pool[t], m)
		for i := range n {
			key, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			if t.Key().Kind() == reflect.Interface {
				key.Set(reflect.ValueOf([]any{i, fmt.Sprint(i), point{i, i}, [2]any{i, "x"}}[g.draw(4)]))
			} else {
				g.fill(key, 1)
				g.fill(key, 2)
			}
			g.fill(elem, depth-1)
			m.SetMapIndex(key, elem)
		}
	case reflect.Interface:
		kinds := []reflect.Type{
			reflect.TypeFor[int](), reflect.TypeFor[string](), reflect.TypeFor[point](), reflect.TypeFor[*node](), reflect.TypeFor[[]point](),
			reflect.TypeFor[map[string]int](), reflect.TypeFor[[2]*celsius](), reflect.TypeFor[celsius](), reflect.TypeFor[*mix](), reflect.TypeFor[[]any](),
			reflect.TypeFor[time.Time](), reflect.TypeFor[struct{ X int }](), reflect.TypeFor[pair[string]](), reflect.TypeFor[*any](),
		}
		if t == errorType {
			v.Set(reflect.ValueOf(rapid.SampledFrom([]error{io.EOF, errors.New("x"), fmt.Errorf("y: %w", io.EOF), &fs.PathError{Err: fs.ErrNotExist}}).Draw(g.t, "e")))
			return
		}
		k := kinds[g.draw(len(kinds))]
		if !k.Implements(t) {
			return
		}
		x := reflect.New(k).Elem()
		g.fill(x, depth-1)
		v.Set(x)
	}
}

func FuzzUnpack(f *testing.F) {
	tab := newTable()
	temp := celsius(3)
	for _, v := range []any{
		mix{s: "x", ps: []*point{{1, 2}}, m: map[point]*celsius{{}: &temp}, a: []any{1, "x", [2]int{}}, t: time.Now(), e: io.EOF, big: big.NewInt(4)},
		[]any{map[string][]int{"a": {1}}, &point{}, struct{ X int }{1}, pair[string]{a: "x"}, [3]int8{1}, any(nil)},
	} {
		b, err := Pack(nil, tab, &v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	xs := []int{1, 2, 3, 4}
	b, _ := Pack(nil, tab, &[]any{xs[:2], xs[1:], &xs[3]})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, root := range []any{new(mix), new(any), new([]any), new(map[string]*node), new([][]point), new([]*[3]int)} {
			if err := Unpack(b, tab, root); err == nil {
				if _, err := Pack(nil, tab, root); err != nil {
					t.Fatalf("%v cannot be packed again: %v", reflect.ValueOf(root).Elem(), err)
				}
			}
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20+uint64(len(b))<<12 {
			t.Fatalf("%d bytes need %d", len(b), n)
		}
	})
}

func TestConcurrent(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				check(t, mix{ps: []*point{{1, 2}}, a: pair[string]{a: "x"}})
			}
		})
	}
	all.Wait()
}

func BenchmarkFloats(b *testing.B) {
	xs := make([]float64, 1<<20)
	buf, err := Pack(nil, nil, &xs)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("pack", func(b *testing.B) {
		b.SetBytes(8 << 20)
		for b.Loop() {
			buf, _ = Pack(buf[:0], nil, &xs)
		}
	})
	b.Run("unpack", func(b *testing.B) {
		b.SetBytes(8 << 20)
		for b.Loop() {
			var ys []float64
			if err := Unpack(buf, nil, &ys); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSmall(b *testing.B) {
	type call struct {
		i int
		p point
		s string
	}
	var buf []byte
	for b.Loop() {
		c := call{1, point{2, 3}, "four"}
		buf, _ = Pack(buf[:0], nil, &c)
		var d call
		if err := Unpack(buf, nil, &d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNodes(b *testing.B) {
	all := make([]*node, 10000)
	for i := range all {
		all[i] = &node{name: "n"}
	}
	var buf []byte
	for b.Loop() {
		buf, _ = Pack(buf[:0], nil, &all)
		var got []*node
		if err := Unpack(buf, nil, &got); err != nil {
			b.Fatal(err)
		}
	}
}
