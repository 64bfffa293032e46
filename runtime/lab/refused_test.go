package lab_test

//lint:file-ignore U1000 the types are values to be refused; their fields are never used

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/template"
	"time"
	"unique"
	"unsafe"
	"weak"

	"interleave/runtime/lab"
)

var updateRefused = flag.Bool("update", false, "write the texts of refusals into testdata anew")

// What refused values are found in.
type (
	job struct {
		name string
		done chan bool
	}
	account struct {
		owner string
		mu    sync.Mutex
	}
	order struct {
		id    int
		buyer *account
	}
	shelf[T any] struct {
		label string
		rows  []entry[string, T]
	}
	entry[K, V any] struct {
		key   K
		value V
	}
	counters struct{ hits, misses atomic.Int64 }
	request  struct {
		ctx context.Context
		url string
	}
	handler struct{ serve func(string) string }
	node    struct {
		next *node
		wake *sync.Cond
	}
	embeds struct {
		sync.RWMutex
		rows map[string]int
	}
	stringer interface{ String() string }
	loud     struct{ out io.Writer }
	failing  struct{ ready chan int }
)

func (loud) String() string     { return "loud" }
func (*failing) Error() string  { return "failing" }
func (a *account) total() int   { return len(a.owner) }
func (o order) buys(n int) int  { return o.id + n }
func takes[T any](T)            {}
func nothing()                  {}
func two(a, b int) (int, error) { return a + b, nil }

func givesChannel(_ context.Context, n int) (chan int, error) { return make(chan int, n), nil }
func givesAny(_ context.Context, n int) (any, error)          { return entry[string, any]{"k", func() {}}, nil }
func givesLock(_ context.Context, n int) (*account, error)    { return &account{owner: "x"}, nil }
func givesMap(_ context.Context, n int) (map[string][]any, error) {
	return map[string][]any{"k": {1, os.Stdout}}, nil
}
func givesIter(_ context.Context, n int) (iter.Seq[int], error) { return slices.Values([]int{n}), nil }
func failsLoudly(context.Context, int) (int, error) {
	return 0, fmt.Errorf("outer: %w", &failing{make(chan int)})
}
func takesJob(_ context.Context, j job) (int, error)      { return len(j.name), nil }
func takesAny(_ context.Context, x any) (int, error)      { return 0, nil }
func takesOrder(_ context.Context, o *order) (int, error) { return o.id, nil }
func never(context.Context) (int, error)                  { return 0, nil }

func spawnsAgain(ctx context.Context, _ int) (int, error) {
	_, err := lab.Spawn(ctx, nothing)
	return 0, err
}

func poolsAgain(ctx context.Context, _ int) (int, error) {
	_, err := lab.NewProcPool(ctx, 1)
	return 0, err
}

// A refusal is a call that is refused, or whose result is.
type refusal struct {
	name string
	call func() error
}

// spawned are values that cannot be arguments.
func spawned(t *testing.T) (list []refusal) {
	ctx := t.Context()
	pipe, other := net.Pipe()
	t.Cleanup(func() { pipe.Close(); other.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	number := 1
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	ring := &node{}
	ring.next = &node{next: ring, wake: sync.NewCond(new(sync.Mutex))}
	made := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "X", Type: reflect.TypeFor[int]()}})).Elem().Interface()
	next, stop := iter.Pull(slices.Values([]int{1}))
	t.Cleanup(stop)
	logger := slog.New(slog.NewTextHandler(os.Stdout, nil))
	for _, c := range []struct {
		name string
		call func() error
	}{
		{"a channel", spawn(ctx, takes[chan int], make(chan int))},
		{"a channel to send to", spawn(ctx, takes[chan<- int], make(chan<- int))},
		{"a closed channel", spawn(ctx, takes[<-chan struct{}], ctx.Done())},
		{"a function", spawn(ctx, takes[func(string) string], strings.ToUpper)},
		{"an iterator", spawn(ctx, takes[iter.Seq[int]], slices.Values([]int{1}))},
		{"a pulled iterator", spawn(ctx, takes[func() (int, bool)], next)},
		{"a cancel function", spawn(ctx, takes[context.CancelFunc], context.CancelFunc(func() {}))},
		{"a mutex", spawn(ctx, takes[*sync.Mutex], new(sync.Mutex))},
		{"a read-write mutex", spawn(ctx, takes[*sync.RWMutex], new(sync.RWMutex))},
		{"a wait group", spawn(ctx, takes[*sync.WaitGroup], new(sync.WaitGroup))},
		{"a once", spawn(ctx, takes[*sync.Once], new(sync.Once))},
		{"a condition", spawn(ctx, takes[*sync.Cond], sync.NewCond(new(sync.Mutex)))},
		{"a sync.Map", spawn(ctx, takes[*sync.Map], new(sync.Map))},
		{"a sync.Pool", spawn(ctx, takes[*sync.Pool], new(sync.Pool))},
		{"an atomic number", spawn(ctx, takes[*atomic.Int64], new(atomic.Int64))},
		{"an atomic pointer", spawn(ctx, takes[*atomic.Pointer[int]], new(atomic.Pointer[int]))},
		{"an atomic value", spawn(ctx, takes[*atomic.Value], new(atomic.Value))},
		{"a locker", spawn(ctx, takes[sync.Locker], new(sync.Mutex))},
		{"an open file", spawn(ctx, takes[*os.File], os.Stdout)},
		{"a writer", spawn(ctx, takes[io.Writer], os.Stdout)},
		{"a connection", spawn(ctx, takes[net.Conn], pipe)},
		{"a listener", spawn(ctx, takes[net.Listener], listener)},
		{"a process", spawn(ctx, takes[*os.Process], self)},
		{"a database", spawn(ctx, takes[*sql.DB], new(sql.DB))},
		{"an HTTP client with a transport", spawn(ctx, takes[*http.Client], &http.Client{Transport: http.DefaultTransport})},
		{"a logger", spawn(ctx, takes[*slog.Logger], logger)},
		{"a template", spawn(ctx, takes[*template.Template], template.Must(template.New("t").Parse("{{.}}")))},
		{"a timer", spawn(ctx, takes[*time.Timer], time.NewTimer(time.Hour))},
		{"a ticker", spawn(ctx, takes[*time.Ticker], time.NewTicker(time.Hour))},
		{"a context that is not the first parameter", spawn(ctx, func(int, context.Context) {}, 1, ctx)},
		{"a context as an argument of any type", spawn(ctx, takes[any], ctx)},
		{"an unsafe pointer", spawn(ctx, takes[unsafe.Pointer], unsafe.Pointer(&number))},
		{"a reflect.Value", spawn(ctx, takes[reflect.Value], reflect.ValueOf(1))},
		{"a reflect.Type", spawn(ctx, takes[reflect.Type], reflect.TypeFor[int]())},
		{"a type made at run time", spawn(ctx, takes[any], made)},
		{"a unique handle", spawn(ctx, takes[unique.Handle[string]], unique.Make("x"))},
		{"a weak pointer", spawn(ctx, takes[weak.Pointer[int]], weak.Make(&number))},
		{"a lab queue", spawn(ctx, takes[*lab.Queue[int]], lab.NewQueue[int](0))},
		{"a lab pool", spawn(ctx, takes[*lab.Pool], lab.NewPool(1))},
		{"a lab task", spawn(ctx, takes[*lab.Task[int]], new(lab.Task[int]))},
		{"the field of a struct", spawn(ctx, takes[job], job{"j", make(chan bool)})},
		{"a lock in a struct", spawn(ctx, takes[account], account{owner: "o"})},
		{"atomics in a struct", spawn(ctx, takes[*counters], new(counters))},
		{"a context in a struct", spawn(ctx, takes[request], request{ctx, "u"})},
		{"a function in a struct", spawn(ctx, takes[handler], handler{strings.ToUpper})},
		{"an embedded lock", spawn(ctx, takes[*embeds], &embeds{rows: map[string]int{}})},
		{"behind pointers", spawn(ctx, takes[order], order{1, &account{owner: "b"}})},
		{"in a ring of pointers", spawn(ctx, takes[*node], ring)},
		{"an element", spawn(ctx, takes[[]job], []job{{}, {"x", make(chan bool)}})},
		{"an element of an array", spawn(ctx, takes[[2]any], [2]any{1, nothing})},
		{"a map's value", spawn(ctx, takes[map[string]any], map[string]any{"log": logger})},
		{"a map's key", spawn(ctx, takes[map[any]int], map[any]int{make(chan int): 1})},
		{"a map of maps", spawn(ctx, takes[map[int]map[string][]any], map[int]map[string][]any{7: {"k": {1, os.Stderr}}})},
		{"in nested generic types", spawn(ctx, takes[shelf[any]], shelf[any]{"s", []entry[string, any]{{"a", 1}, {"b", nothing}}})},
		{"an interface with methods", spawn(ctx, takes[stringer], loud{os.Stdout})},
		{"the second argument", spawn(ctx, func(int, []any) {}, 1, []any{make(chan int)})},
		{"a variadic argument", spawn(ctx, func(...any) {}, []any{1, make(chan int)})},
		{"a buffer in use", spawn(ctx, takes[io.Reader], io.TeeReader(new(bytes.Buffer), os.Stdout))},
		{"a big number in a channel", spawn(ctx, takes[chan *big.Int], make(chan *big.Int))},
	} {
		list = append(list, refusal{"Spawn: " + c.name, c.call})
	}
	return list
}

// spawn returns a call that should be refused.
func spawn(ctx context.Context, fn any, args ...any) func() error {
	return func() error {
		p, err := lab.Spawn(ctx, fn, args...)
		if err == nil {
			p.Kill()
			<-p.Done()
		}
		return err
	}
}

func functionsRefused(t *testing.T) []refusal {
	ctx := t.Context()
	ended, cancel := context.WithCancelCause(ctx)
	cancel(errBoom)
	n, m := 1, "m"
	acc := &account{owner: "o"}
	var nilFunc func(int) int
	var noContext context.Context
	made := reflect.MakeFunc(reflect.TypeFor[func(int) int](), func(in []reflect.Value) []reflect.Value { return in }).Interface()
	return []refusal{
		{"Spawn: no function", spawn(ctx, 3)},
		{"Spawn: nothing", spawn(ctx, nil)},
		{"Spawn: the name of a function", spawn(ctx, "two", 1, 2)},
		{"Spawn: a nil function", spawn(ctx, nilFunc, 1)},
		{"Spawn: a nil context", spawn(noContext, nothing)},
		{"Spawn: an ended context", spawn(ended, nothing)},
		{"Spawn: a bound method", spawn(ctx, acc.total)},
		{"Spawn: a bound method of a value", spawn(ctx, order{}.buys, 1)},
		{"Spawn: a bound method of an interface", spawn(ctx, stringer(loud{}).String)},
		{"Spawn: a literal that captures one variable", spawn(ctx, func() int { return n })},
		{"Spawn: a literal that captures two", spawn(ctx, func() string { return fmt.Sprint(n, m) })},
		{"Spawn: a literal that a function returned", spawn(ctx, adder(3), 1)},
		{"Spawn: a function made at run time", spawn(ctx, made, 1)},
		{"Spawn: too few arguments", spawn(ctx, two, 1)},
		{"Spawn: too many arguments", spawn(ctx, two, 1, 2, 3)},
		{"Spawn: arguments for none", spawn(ctx, nothing, 1)},
		{"Spawn: an argument of another type", spawn(ctx, two, 1, 2.5)},
		{"Spawn: an argument of another named type", spawn(ctx, takes[time.Duration], 5)},
		{"Spawn: a nil argument", spawn(ctx, two, 1, nil)},
		{"Spawn: the context given as an argument", spawn(ctx, squareOf, ctx, 3)},
		{"Spawn: variadic arguments one by one", spawn(ctx, variadic, "-", "a", "b")},
		{"Wait: a result of another type", waits(t, two, []any{1, 2}, new(string))},
		{"Wait: no pointer", waits(t, two, []any{1, 2}, 3)},
		{"Wait: a nil pointer", waits(t, two, []any{1, 2}, (*int)(nil))},
		{"Wait: more pointers than results", waits(t, two, []any{1, 2}, new(int), new(error))},
		{"Wait: pointers for no results", waits(t, nothing, nil, new(int))},
	}
}

func adder(n int) func(int) int { return func(x int) int { return x + n } }

// waits returns a call that starts a process and waits for it with some pointers.
func waits(t *testing.T, fn any, args []any, results ...any) func() error {
	return func() error {
		p, err := lab.Spawn(t.Context(), fn, args...)
		if err != nil {
			t.Error(err)
			return nil
		}
		err = p.Wait(t.Context(), results...)
		if again := p.Wait(t.Context()); again != nil {
			t.Errorf("without pointers: %v", again)
		}
		return err
	}
}

func poolRefused(t *testing.T) []refusal {
	ctx := t.Context()
	var noContext context.Context
	ended, cancel := context.WithCancelCause(ctx)
	cancel(errBoom)
	pool, err := lab.NewProcPool(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	closed, err := lab.NewProcPool(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	start := func(ctx context.Context, size int, opts ...lab.PoolOption) func() error {
		return func() error { p, err := lab.NewProcPool(ctx, size, opts...); _ = p; return err }
	}
	n := 1
	add := func(_ context.Context, x int) (int, error) { return x + n, nil }
	var none func(context.Context, int) (int, error)
	return []refusal{
		{"NewProcPool: a nil context", start(noContext, 1)},
		{"NewProcPool: an ended context", start(ended, 1)},
		{"NewProcPool: no process", start(ctx, 0)},
		{"NewProcPool: fewer than none", start(ctx, -3)},
		{"NewProcPool: a nil option", start(ctx, 1, nil)},
		{"Map: a nil function", mapped(ctx, pool, []int{1}, none)},
		{"Map: a nil context", mapped(noContext, pool, []int{1}, squareOf)},
		{"Map: an ended context", mapped(ended, pool, []int{1}, squareOf)},
		{"Map: a literal that captures", mapped(ctx, pool, []int{1}, add)},
		{"Map: an item", mapped(ctx, pool, []any{1, "x", make(chan int)}, takesAny)},
		{"Map: a field of an item", mapped(ctx, pool, []job{{}, {"b", make(chan bool)}}, takesJob)},
		{"Map: behind an item", mapped(ctx, pool, []*order{{2, nil}, {1, &account{}}}, takesOrder)},
		{"Map: an element of an item", mapped(ctx, pool, []any{[]any{1, nothing}}, takesAny)},
		{"Map: a closed pool", mapped(ctx, closed, []int{1}, squareOf)},
		{"Map: a pool that was never made", mapped(ctx, new(lab.ProcPool), []int{1}, squareOf)},
		{"Map: a result with a channel", mapped(ctx, pool, []int{1}, givesChannel)},
		{"Map: a result with a function", mapped(ctx, pool, []int{1}, givesAny)},
		{"Map: a result with a lock", mapped(ctx, pool, []int{1}, givesLock)},
		{"Map: a result with an open file", mapped(ctx, pool, []int{1}, givesMap)},
		{"Map: an iterator as a result", mapped(ctx, pool, []int{1}, givesIter)},
		{"Map: an error that cannot be sent", mapped(ctx, pool, []int{1}, failsLoudly)},
		{"Map: a process within a process", mapped(ctx, pool, []int{1}, spawnsAgain)},
		{"Map: a pool within a process", mapped(ctx, pool, []int{1}, poolsAgain)},
		{"Submit: a literal that captures", misused(func() { lab.Submit(ctx, pool, func(context.Context) (int, error) { return n, nil }) })},
		{"Submit: a nil context", misused(func() { lab.Submit(noContext, pool, never) })},
		{"Submit: a nil option", misused(func() { lab.Submit(ctx, pool, never, nil) })},
		{"Submit: a closed pool", func() error { _, err := lab.Submit(ctx, closed, never).Await(ctx); return err }},
		{"Submit: an ended context", func() error { _, err := lab.Submit(ended, pool, never).Await(ctx); return err }},
		{"SubmitWith: an argument", misused(func() { lab.SubmitWith(ctx, pool, takesAny, any(make(chan int))) })},
		{"SubmitWith: a field", misused(func() { lab.SubmitWith(ctx, pool, takesJob, job{"x", make(chan bool)}) })},
		{"SubmitWith: behind pointers", misused(func() { lab.SubmitWith(ctx, pool, takesOrder, &order{1, &account{}}) })},
		{"SubmitWith: a closed pool", func() error { _, err := lab.SubmitWith(ctx, closed, squareOf, 1).Await(ctx); return err }},
		{"SubmitWith: a result with a lock", func() error { _, err := lab.SubmitWith(ctx, pool, givesLock, 1).Await(ctx); return err }},
	}
}

func mapped[T, U any](ctx context.Context, ex lab.Executor, xs []T, fn func(context.Context, T) (U, error)) func() error {
	return func() error { _, err := lab.Map(ctx, ex, xs, fn); return err }
}

// misused returns the mistake with which a call panics.
func misused(call func()) func() error {
	return func() (err error) {
		defer func() {
			u := (*lab.UsageError)(nil)
			if e, ok := recover().(error); ok && errors.As(e, &u) {
				err = e
			}
		}()
		call()
		return nil
	}
}

// The sentences of refusals are in testdata/refused.txt. They name the argument or the item, the way to what cannot be sent,
// and what to do instead.
func TestRefusals(t *testing.T) {
	var got strings.Builder
	all := append(append(spawned(t), functionsRefused(t)...), poolRefused(t)...)
	texts := map[string]bool{}
	for _, r := range all {
		err := r.call()
		if err == nil {
			t.Errorf("%s is not refused", r.name)
			continue
		}
		text := stable(err.Error())
		texts[text[strings.IndexByte(text, ':')+1:]] = true
		fmt.Fprintf(&got, "%s\n\t%s\n", r.name, strings.ReplaceAll(text, "\n", "\n\t"))
	}
	if len(texts) < 60 {
		t.Errorf("only %d different texts", len(slices.Collect(maps.Keys(texts))))
	}
	golden(t, filepath.Join("testdata", "refused.txt"), got.String())
}

var changing = regexp.MustCompile(`(_test\.go:)\d+|\bpid \d+`)

// stable is a text without lines and numbers of processes.
func stable(text string) string {
	return changing.ReplaceAllStringFunc(text, func(s string) string {
		if strings.HasPrefix(s, "pid") {
			return "pid N"
		}
		return "_test.go:N"
	})
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *updateRefused {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gots, wants := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gots), len(wants)) {
		g, w := "", ""
		if i < len(gots) {
			g = gots[i]
		}
		if i < len(wants) {
			w = wants[i]
		}
		if g != w {
			t.Fatalf("%s:%d: got\n%s\nwant\n%s", path, i+1, g, w)
		}
	}
}
