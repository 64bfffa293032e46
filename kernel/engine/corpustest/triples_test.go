package corpustest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"interleave/install/hosttest"
)

// A triple is an interface type, a concrete type that implements it, and a random order of events that make or compare interface
// tables for the two: conversions by the compiler, by reflect and by fmt, assertions, switches, comparisons, map lookups. What a
// session says of a triple must not depend on the order, nor on how the events are spread over cells: plain Go, where all tables
// exist from the start, says what is right.

var (
	triples     = flag.Int("triples", 60, "how many triples TestInterfaceTables tries")
	triplesSeed = flag.Uint64("triples.seed", 1, "what TestInterfaceTables begins its random choices with")
)

const triplesPerSession = 20

// TestInterfaceTables runs random triples in sessions and compares with plain Go. `make triples` tries 2 000.
func TestInterfaceTables(t *testing.T) {
	if testing.Short() {
		t.Skip("runs some hundred cells")
	}
	hosttest.Host(t)
	var cases []*Case
	for i := range (*triples + triplesPerSession - 1) / triplesPerSession {
		rnd := rand.New(rand.NewPCG(*triplesSeed, uint64(i)))
		cases = append(cases, tripleSession(rnd, fmt.Sprintf("triples-%d-%d", *triplesSeed, i)))
	}
	for chunk := range slices.Chunk(cases, 40) {
		natives, err := Ask(t.Context(), t.TempDir(), chunk)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range natives {
			if n.Err != nil {
				t.Fatalf("%s: plain Go: %v", n.Case.Name, n.Err)
			}
			engine := []string{"compiled", "auto"}[i%2]
			t.Run(n.Case.Name+"/"+engine, func(t *testing.T) {
				t.Parallel()
				compareTriples(t, n, engine)
			})
		}
	}
}

// compareTriples runs one session.
func compareTriples(t *testing.T, n *Native, engine string) {
	k := Start(t, t.TempDir(), engine, time.Minute)
	for i, c := range n.Case.Cells {
		got, want := k.Run(c.Code), n.Cells[i]
		if len(want.Diagnostics) > 0 || want.Panic != "" {
			t.Fatalf("the generator made a cell that plain Go refuses: %v %s\n%s", want.Diagnostics, want.Panic, c.Code)
		}
		if got.Err != "" || got.Out != want.Out {
			t.Errorf("cell %d\n%s\nprints\n%s%s\nplain Go\n%s", i+1, c.Code, got.Out, got.Err, want.Out)
		}
	}
}

// A shape is an interface's set of methods, and what implements it.
type shape struct {
	iface   string   // an interface of the standard library with these methods
	methods []string // as an interface lists them
	bodies  []string // the same as methods of a session type: %s is the receiver
	call    string   // an expression that calls a method of %s and gives a string
	std     []string // expressions of standard types that implement it
}

var shapes = []shape{
	{"fmt.Stringer", []string{"String() string"}, []string{`func (%s) String() string { return "text" }`}, `%s.String()`,
		[]string{"3*time.Second", "time.March", "net.IPv4(1, 2, 3, 4)", `netip.MustParseAddr("1.2.3.4")`, "big.NewInt(7)", "reflect.Func",
			`bytes.NewBufferString("b")`, `&url.URL{Host: "h"}`, "new(strings.Builder)", "os.FileMode(5)", "slog.LevelWarn"}},
	{"error", []string{"Error() string"}, []string{`func (%s) Error() string { return "failed" }`}, `%s.Error()`,
		[]string{`&os.PathError{Op: "open", Path: "p", Err: os.ErrNotExist}`, "syscall.ENOENT", "&strconv.NumError{Func: \"f\", Num: \"n\", Err: strconv.ErrRange}",
			`&net.OpError{Op: "dial", Err: os.ErrClosed}`, `&json.SyntaxError{}`}},
	{"net.Error", []string{"Error() string", "Timeout() bool", "Temporary() bool"},
		[]string{`func (%s) Error() string { return "net" }`, `func (%s) Timeout() bool { return true }`, `func (%s) Temporary() bool { return false }`},
		`fmt.Sprint(%s.Timeout())`, []string{`&net.OpError{Op: "dial", Err: os.ErrClosed}`, "&net.DNSError{Err: \"e\"}", "syscall.EAGAIN"}},
	{"io.Writer", []string{"Write(p []byte) (int, error)"}, []string{`func (%s) Write(p []byte) (int, error) { return len(p), nil }`},
		`fmt.Sprint(%s.Write([]byte("ab")))`, []string{"new(bytes.Buffer)", "new(strings.Builder)", "bufio.NewWriter(io.Discard)"}},
	{"io.ByteScanner", []string{"ReadByte() (byte, error)", "UnreadByte() error"},
		[]string{`func (%s) ReadByte() (byte, error) { return 7, nil }`, `func (%s) UnreadByte() error { return nil }`},
		`fmt.Sprint(%s.ReadByte())`, []string{`bytes.NewReader([]byte("xyz"))`, `strings.NewReader("xyz")`, `bufio.NewReader(strings.NewReader("xyz"))`}},
	{"sync.Locker", []string{"Lock()", "Unlock()"}, []string{`func (%s) Lock() {}`, `func (%s) Unlock() {}`},
		`func() string { %[1]s.Lock(); %[1]s.Unlock(); return "locked" }()`, []string{"new(sync.Mutex)", "new(sync.RWMutex)"}},
	{"json.Marshaler", []string{"MarshalJSON() ([]byte, error)"}, []string{`func (%s) MarshalJSON() ([]byte, error) { return []byte("5"), nil }`},
		`func() string { b, err := %s.MarshalJSON(); return fmt.Sprint(string(b), err) }()`, []string{"big.NewInt(9)", `json.RawMessage("[1]")`, "time.Unix(0, 0).UTC()"}},
	{"encoding.TextMarshaler", []string{"MarshalText() ([]byte, error)"}, []string{`func (%s) MarshalText() ([]byte, error) { return []byte("tm"), nil }`},
		`func() string { b, err := %s.MarshalText(); return fmt.Sprint(string(b), err) }()`, []string{`netip.MustParseAddr("::1")`, "net.IPv4(4, 3, 2, 1)", "slog.LevelInfo"}},
	{"sort.Interface", []string{"Len() int", "Less(i, j int) bool", "Swap(i, j int)"},
		[]string{`func (%s) Len() int { return 2 }`, `func (%s) Less(i, j int) bool { return i < j }`, `func (%s) Swap(i, j int) {}`},
		`fmt.Sprint(%s.Len())`, []string{"sort.IntSlice{2, 1}", "&sort.StringSlice{}"}},
	{"flag.Value", []string{"String() string", "Set(string) error"},
		[]string{`func (%s) String() string { return "value" }`, `func (%s) Set(s string) error { return nil }`}, `fmt.Sprint(%s.Set("1"))`, nil},
	{"http.Flusher", []string{"Flush()"}, []string{`func (%s) Flush() {}`}, `func() string { %s.Flush(); return "flushed" }()`, []string{"httptest.NewRecorder()"}},
}

// underlying types of session types; the second says whether values can be compared.
var underlying = []struct {
	text       string
	value      string
	comparable bool
}{
	{"struct{ x int }", "{7}", true}, {"int", "(7)", true}, {"string", `("s")`, true}, {"func() int", "(nil)", false}, {"map[string]int", "{}", false},
	{"[]int", "{1}", false}, {"[2]bool", "{true}", true}, {"chan int", "(nil)", true}, {"struct{}", "{}", true}, {"struct{ a any; p *int }", "{a: 1}", true},
}

// A triple as the generator makes it.
type triple struct {
	n          int
	iface      string // the interface, as the cells spell it
	typ        string // the concrete type: the operand of assertions
	value      string // an expression that makes one
	shape      shape
	comparable bool
	decls      []string
	events     []string
}

// tripleSession makes a session: declarations, then cells of events of its triples.
func tripleSession(rnd *rand.Rand, name string) *Case {
	c := &Case{Name: name, Text: "random interface tables"}
	cell := func(code string) { c.Cells = append(c.Cells, Cell{Code: code}) }
	cell("func isA[T any](x any) bool { _, ok := x.(T); return ok }\nfunc sameAs[I any, T any](x I) bool { _, ok := any(x).(T); return ok }\n" +
		"func try(f func()) (s string) { defer func() { if r := recover(); r != nil { s = fmt.Sprint(r) } }(); f(); return \"fine\" }\n")
	list := make([]*triple, triplesPerSession)
	for i := range list {
		list[i] = newTriple(rnd, i)
	}
	for len(list) > 0 { // declarations first, in a few cells, some of them late
		k := min(len(list), 5+rnd.IntN(15))
		var decls, vars []string
		for _, t := range list[:k] {
			decls = append(decls, t.decls...)
			vars = append(vars, fmt.Sprintf("var v%d any = %s\nvar w%d any", t.n, t.value, t.n), fmt.Sprintf("var i%d %s", t.n, t.iface))
		}
		if len(decls) > 0 {
			cell(strings.Join(decls, "\n") + "\n")
		}
		cell(strings.Join(vars, "\n") + "\n")
		eventCells(rnd, list[:k], cell)
		list = list[k:]
	}
	return c
}

// eventCells spreads the events of some triples over cells, each triple's in their order.
func eventCells(rnd *rand.Rand, list []*triple, cell func(string)) {
	at := make([]int, len(list))
	for {
		var code strings.Builder
		done := true
		for i, t := range list {
			for at[i] < len(t.events) && rnd.IntN(6) > 0 {
				fmt.Fprintf(&code, "fmt.Print(\"%d.%d \"); %s\n", t.n, at[i], t.events[at[i]])
				at[i]++
			}
			done = done && at[i] == len(t.events)
		}
		if code.Len() > 0 {
			cell(code.String())
		}
		if done {
			return
		}
	}
}

func newTriple(rnd *rand.Rand, n int) *triple {
	t := &triple{n: n, shape: shapes[rnd.IntN(len(shapes))], comparable: true}
	t.concrete(rnd)
	t.face(rnd)
	before := t.before()
	after := t.after()
	rnd.Shuffle(len(before), func(i, j int) { before[i], before[j] = before[j], before[i] })
	rnd.Shuffle(len(after), func(i, j int) { after[i], after[j] = after[j], after[i] })
	t.events = append(append(before[:rnd.IntN(len(before)+1)], t.convert(rnd)), after...)
	return t
}

// concrete chooses the concrete type.
func (t *triple) concrete(rnd *rand.Rand) {
	name := fmt.Sprintf("t%d", t.n)
	methods := func(recv string) {
		for _, b := range t.shape.bodies {
			t.decls = append(t.decls, fmt.Sprintf(b, recv))
		}
	}
	u := underlying[rnd.IntN(len(underlying))]
	std := len(t.shape.std) > 0
	switch k := rnd.IntN(9); {
	case k < 2 && std:
		t.value = t.shape.std[rnd.IntN(len(t.shape.std))]
		t.typ, t.comparable = stdType(t.value)
	case k == 2 && std: // a struct that embeds a standard type
		v := t.shape.std[rnd.IntN(len(t.shape.std))]
		typ, ok := stdType(v)
		t.decls = append(t.decls, fmt.Sprintf("type %s struct { %s; n int }", name, typ))
		t.typ, t.value, t.comparable = name, fmt.Sprintf("%s{%s, 1}", name, v), ok
	case k == 3: // a generic type
		methods("g_ " + name + "[T]")
		t.decls = append(t.decls, fmt.Sprintf("type %s[T any] struct { x T }", name))
		arg := []string{"int", "string", "*bytes.Buffer", "[2]bool"}[rnd.IntN(4)]
		t.typ = fmt.Sprintf("%s[%s]", name, arg)
		t.value = t.typ + "{}"
	case k == 4: // a pointer to a generic type
		methods("g_ *" + name + "[T]")
		t.decls = append(t.decls, fmt.Sprintf("type %s[T any] struct { x []T }", name))
		t.typ = fmt.Sprintf("*%s[int]", name)
		t.value = fmt.Sprintf("&%s[int]{}", name)
	case k == 5: // a struct that embeds an interface
		methods(name + "in")
		t.decls = append(t.decls, fmt.Sprintf("type %sin struct{}\ntype %semb interface { %s }\ntype %s struct { %semb; k int }", name, name, t.shape.iface, name, name))
		t.typ, t.value = name, fmt.Sprintf("%s{%sin{}, 2}", name, name)
	case k == 6: // an unnamed struct with a promoted method set
		methods(name)
		t.decls = append(t.decls, fmt.Sprintf("type %s struct{}", name))
		t.typ, t.value = fmt.Sprintf("struct { %s; y int }", name), fmt.Sprintf("struct { %s; y int }{y: 3}", name)
	case k == 7: // a pointer
		methods("*" + name)
		t.decls = append(t.decls, fmt.Sprintf("type %s %s", name, u.text))
		t.typ, t.value = "*"+name, fmt.Sprintf("new(%s)", name)
	default:
		methods(name)
		t.decls = append(t.decls, fmt.Sprintf("type %s %s", name, u.text))
		t.typ, t.value, t.comparable = name, name+u.value, u.comparable
	}
}

// face chooses the interface.
func (t *triple) face(rnd *rand.Rand) {
	name := fmt.Sprintf("i%dface", t.n)
	list := strings.Join(t.shape.methods, "; ")
	switch rnd.IntN(6) {
	case 0, 1:
		t.iface = t.shape.iface
	case 2:
		t.decls = append(t.decls, fmt.Sprintf("type %s interface { %s }", name, list))
		t.iface = name
	case 3:
		t.decls = append(t.decls, fmt.Sprintf("type %s interface { %s }", name, t.shape.iface))
		t.iface = name
	case 4:
		t.decls = append(t.decls, fmt.Sprintf("type %s[T any] interface { %s }", name, list))
		t.iface = name + []string{"[int]", "[string]"}[rnd.IntN(2)]
	default:
		t.iface = fmt.Sprintf("interface { %s }", list)
	}
}

// before lists events that may make a table before compiled code brings one.
func (t *triple) before() []string {
	return []string{
		fmt.Sprintf(`fmt.Println(len(fmt.Sprint(v%d)) > 0)`, t.n),
		fmt.Sprintf(`func() { _, err := json.Marshal(v%d); fmt.Println(err == nil || err != nil) }()`, t.n),
		fmt.Sprintf(`fmt.Println(reflect.TypeOf(v%d).Implements(reflect.TypeFor[%s]()))`, t.n, t.iface),
		fmt.Sprintf(`fmt.Println(reflect.ValueOf(v%d).Convert(reflect.TypeFor[%s]()).Type() == reflect.TypeFor[%s]())`, t.n, t.iface, t.iface),
		fmt.Sprintf(`func() { var x %s; reflect.ValueOf(&x).Elem().Set(reflect.ValueOf(v%d)); w%d = x; fmt.Println(x != nil) }()`, t.iface, t.n, t.n),
		fmt.Sprintf(`func() { _, ok := v%d.(%s); fmt.Println(ok) }()`, t.n, t.iface),
		fmt.Sprintf(`fmt.Println(isA[%s](v%d))`, t.iface, t.n),
		fmt.Sprintf(`func() { switch x := v%d.(type) { case interface{ Nothing() }: fmt.Println(x); case %s: fmt.Println("face"); default: fmt.Println("other") } }()`, t.n, t.iface),
	}
}

// convert gives i its value.
func (t *triple) convert(rnd *rand.Rand) string {
	return []string{
		fmt.Sprintf(`i%d = v%d.(%s); fmt.Println("asserted")`, t.n, t.n, t.iface),
		fmt.Sprintf(`i%d = v%d.(%s); fmt.Println("converted")`, t.n, t.n, t.typ),
		fmt.Sprintf(`reflect.ValueOf(&i%d).Elem().Set(reflect.ValueOf(v%d)); fmt.Println("set")`, t.n, t.n),
		fmt.Sprintf(`i%d, _ = v%d.(%s); fmt.Println("asserted, ok")`, t.n, t.n, t.iface),
	}[rnd.IntN(4)]
}

// after lists events that compare tables.
func (t *triple) after() []string {
	n := t.n
	events := []string{
		fmt.Sprintf(`func() { _, ok := i%d.(%s); fmt.Println(ok) }()`, n, t.typ),
		fmt.Sprintf(`fmt.Println(try(func() { _ = i%d.(%s) }))`, n, t.typ),
		fmt.Sprintf(`func() { switch i%d.(type) { case %s: fmt.Println("it"); default: fmt.Println("not it") } }()`, n, t.typ),
		fmt.Sprintf(`func() { switch x := i%d.(type) { case interface{ Nothing() }: fmt.Println(1); case %s: fmt.Printf("%%T\n", x); case nil: fmt.Println(3) } }()`, n, t.typ),
		fmt.Sprintf(`fmt.Println(isA[%s](i%d), sameAs[%s, %s](i%d))`, t.typ, n, t.iface, t.typ, n),
		fmt.Sprintf(`func(x %s) { fmt.Println(%s) }(i%d)`, t.iface, fmt.Sprintf(t.shape.call, "x"), n),
		fmt.Sprintf(`fmt.Println(reflect.TypeOf(i%d) == reflect.TypeFor[%s]())`, n, t.typ),
		fmt.Sprintf(`func() { x := any(i%d); _, ok := x.(%s); y, ok2 := x.(%s); fmt.Println(ok, ok2 && y != nil) }()`, n, t.typ, t.iface),
		fmt.Sprintf(`func() { var x %s = v%d.(%s); _, ok := x.(%s); fmt.Println(ok) }()`, t.iface, n, t.typ, t.typ),
	}
	if t.shape.iface == "error" || t.shape.iface == "net.Error" {
		events = append(events, fmt.Sprintf(`func() { x, ok := errors.AsType[%s](error(i%d)); fmt.Printf("%%T %%v\n", x, ok) }()`, t.typ, n))
	}
	if t.comparable {
		events = append(events,
			fmt.Sprintf(`fmt.Println(i%d == %s(v%d.(%s)), any(i%d) == v%d)`, n, paren(t.iface), n, t.typ, n, n),
			fmt.Sprintf(`fmt.Println(map[%s]int{v%d.(%s): 4}[i%d], map[any]int{v%d: 5}[i%d])`, t.iface, n, t.typ, n, n, n),
			fmt.Sprintf(`fmt.Println(w%d == nil || w%d == any(i%d), slices.Index([]%s{v%d.(%s)}, i%d))`, n, n, n, t.iface, n, t.typ, n))
	}
	return events
}

func paren(iface string) string { return "(" + iface + ")" }

// stdType is the type of an expression of a standard type, and whether its values can be compared.
func stdType(value string) (typ string, comparable bool) {
	if typ, ok := stdTypes[value]; ok {
		return typ, !strings.HasPrefix(typ, "net.IP") && !strings.HasPrefix(typ, "json.Raw") && !strings.HasPrefix(typ, "sort.")
	}
	panic("the type of " + value + " is not in the list")
}

var stdTypes = map[string]string{
	"3*time.Second": "time.Duration", "time.March": "time.Month", "net.IPv4(1, 2, 3, 4)": "net.IP", "net.IPv4(4, 3, 2, 1)": "net.IP",
	`netip.MustParseAddr("1.2.3.4")`: "netip.Addr", `netip.MustParseAddr("::1")`: "netip.Addr", "big.NewInt(7)": "*big.Int", "big.NewInt(9)": "*big.Int",
	"reflect.Func": "reflect.Kind", `bytes.NewBufferString("b")`: "*bytes.Buffer", "new(bytes.Buffer)": "*bytes.Buffer", `&url.URL{Host: "h"}`: "*url.URL",
	"new(strings.Builder)": "*strings.Builder", "os.FileMode(5)": "os.FileMode", "slog.LevelWarn": "slog.Level", "slog.LevelInfo": "slog.Level",
	`&os.PathError{Op: "open", Path: "p", Err: os.ErrNotExist}`: "*os.PathError", "syscall.ENOENT": "syscall.Errno", "syscall.EAGAIN": "syscall.Errno",
	"&strconv.NumError{Func: \"f\", Num: \"n\", Err: strconv.ErrRange}": "*strconv.NumError", `&net.OpError{Op: "dial", Err: os.ErrClosed}`: "*net.OpError",
	"&net.DNSError{Err: \"e\"}": "*net.DNSError", `&json.SyntaxError{}`: "*json.SyntaxError", "bufio.NewWriter(io.Discard)": "*bufio.Writer",
	`bytes.NewReader([]byte("xyz"))`: "*bytes.Reader", `strings.NewReader("xyz")`: "*strings.Reader",
	`bufio.NewReader(strings.NewReader("xyz"))`: "*bufio.Reader", "new(sync.Mutex)": "*sync.Mutex", "new(sync.RWMutex)": "*sync.RWMutex",
	`json.RawMessage("[1]")`: "json.RawMessage", "time.Unix(0, 0).UTC()": "time.Time", "sort.IntSlice{2, 1}": "sort.IntSlice",
	"&sort.StringSlice{}": "*sort.StringSlice", "httptest.NewRecorder()": "*httptest.ResponseRecorder",
}
