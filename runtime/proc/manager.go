package proc

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"

	"interleave/runtime/quantity"
	"interleave/runtime/remote"
)

// A Manager holds dictionaries, lists and counters that processes share, each known by a name. It is
// multiprocessing.Manager. Values are copied on their way in and out: a change of a value that was read changes
// nothing in the manager, as in Python.
type Manager struct{ object }

// NewManager returns a manager that holds nothing.
func NewManager() *Manager {
	inProgram("proc.NewManager")
	return &Manager{publish(&manager{
		dicts: map[string]map[any]any{}, lists: map[string][]any{}, counters: map[string]remote.Region{},
	})}
}

// String shows how much the manager holds.
func (m *Manager) String() string { return m.text("manager") }

// A Dict is a map that processes share. It is what Manager().dict() returns. Each method is atomic.
type Dict[K comparable, V any] struct {
	object
	name string
}

// DictOf returns the manager's dictionary with a name, which is empty at first.
func DictOf[K comparable, V any](m *Manager, name string) *Dict[K, V] {
	return &Dict[K, V]{m.object, name}
}

// Get returns the value of key, and whether there is one.
func (d *Dict[K, V]) Get(key K) (v V, ok bool) {
	var boxed any
	k := dictKey(key)
	d.now("proc.Dict.Get", "get", []any{&d.name, &k}, []any{&boxed, &ok})
	return d.value("proc.Dict.Get", boxed), ok
}

// value panics if another dictionary of the same name has put something else.
func (d *Dict[K, V]) value(call string, boxed any) V {
	v, err := as[V](boxed)
	if err != nil {
		panic(misuse(call, "dictionary %q: %v", d.name, err))
	}
	return v
}

// Set sets the value of key. The error names what of it cannot be copied.
func (d *Dict[K, V]) Set(key K, v V) error {
	k, boxed := dictKey(key), any(v)
	return d.call(context.Background(), "proc.Dict.Set", "set", []any{&d.name, &k, &boxed}, nil)
}

// SetDefault returns the value of key, which it sets to v if there was none, and whether there was one.
func (d *Dict[K, V]) SetDefault(key K, v V) (was V, ok bool, err error) {
	k, boxed := dictKey(key), any(v)
	if err := d.call(context.Background(), "proc.Dict.SetDefault", "default", []any{&d.name, &k, &boxed}, []any{&boxed, &ok}); err != nil {
		return was, false, err
	}
	return d.value("proc.Dict.SetDefault", boxed), ok, nil
}

// CompareAndSwap sets the value of key to v if it is old, and reports whether it was. Old must be comparable.
func (d *Dict[K, V]) CompareAndSwap(key K, old, v V) (swapped bool, err error) {
	k, was, boxed := dictKey(key), any(old), any(v)
	err = d.call(context.Background(), "proc.Dict.CompareAndSwap", "swap", []any{&d.name, &k, &was, &boxed}, []any{&swapped})
	return swapped, err
}

// Delete removes key and its value.
func (d *Dict[K, V]) Delete(key K) {
	k := dictKey(key)
	d.now("proc.Dict.Delete", "delete", []any{&d.name, &k}, nil)
}

// Len returns the number of keys.
func (d *Dict[K, V]) Len() (n int) {
	d.now("proc.Dict.Len", "dictlen", []any{&d.name}, []any{&n})
	return n
}

// All returns a copy of the dictionary.
func (d *Dict[K, V]) All() map[K]V {
	var all map[any]any
	d.now("proc.Dict.All", "all", []any{&d.name}, []any{&all})
	m := make(map[K]V, len(all))
	for k, v := range all {
		key, err := as[K](k)
		if err != nil {
			panic(misuse("proc.Dict.All", "dictionary %q: a key: %v", d.name, err))
		}
		m[key] = d.value("proc.Dict.All", v)
	}
	return m
}

// String shows the dictionary's name and how many keys it has.
func (d *Dict[K, V]) String() string { return textOf(d.object, "dictionary", d.name, "dictlen", "key") }

// textOf is a name and how many things it has.
func textOf(o object, kind, name, method, thing string) string {
	kind = fmt.Sprintf("%s %q", kind, name)
	if o.known == nil {
		return kind + ", never made"
	}
	n := 0
	if err := remote.Call(context.Background(), o.known.n, method, []any{&name}, []any{&n}); err != nil {
		return fmt.Sprintf("%s: %v", kind, err)
	}
	return kind + ", " + quantity.Plural(n, thing)
}

// A List is a slice that processes share. It is what Manager().list() returns. Each method is atomic.
type List[T any] struct {
	object
	name string
}

// ListOf returns the manager's list with a name, which is empty at first.
func ListOf[T any](m *Manager, name string) *List[T] { return &List[T]{m.object, name} }

// Append appends copies of values. The error names what of them cannot be copied.
func (l *List[T]) Append(values ...T) error {
	boxed := make([]any, len(values))
	for i, v := range values {
		boxed[i] = v
	}
	return l.call(context.Background(), "proc.List.Append", "append", []any{&l.name, &boxed}, nil)
}

// At returns value i. It panics if i is out of range.
func (l *List[T]) At(i int) T {
	var boxed any
	l.now("proc.List.At", "at", []any{&l.name, &i}, []any{&boxed})
	return l.value("proc.List.At", boxed)
}

func (l *List[T]) value(call string, boxed any) T {
	v, err := as[T](boxed)
	if err != nil {
		panic(misuse(call, "list %q: %v", l.name, err))
	}
	return v
}

// Set sets value i, which must exist. The error names what of it cannot be copied.
func (l *List[T]) Set(i int, v T) error {
	boxed := any(v)
	return l.call(context.Background(), "proc.List.Set", "put", []any{&l.name, &i, &boxed}, nil)
}

// Len returns the number of values.
func (l *List[T]) Len() (n int) {
	l.now("proc.List.Len", "listlen", []any{&l.name}, []any{&n})
	return n
}

// All returns a copy of the list.
func (l *List[T]) All() []T {
	var boxed []any
	l.now("proc.List.All", "list", []any{&l.name}, []any{&boxed})
	all := make([]T, len(boxed))
	for i, b := range boxed {
		all[i] = l.value("proc.List.All", b)
	}
	return all
}

// String shows the list's name and how many values it has.
func (l *List[T]) String() string { return textOf(l.object, "list", l.name, "listlen", "value") }

// A Counter is a number that processes add to. It lies in shared memory: an Add takes some nanoseconds.
type Counter struct{ region remote.Region }

// CounterOf returns the manager's counter with a name, which is 0 at first. It panics on a system whose processes
// share no memory.
func CounterOf(m *Manager, name string) *Counter {
	c := new(Counter)
	m.now("proc.CounterOf", "counter", []any{&name}, []any{&c.region})
	return c
}

func (c *Counter) word() *atomic.Int64 {
	b := c.region.Bytes()
	if b == nil {
		panic(misuse("proc.Counter", "it was never made, or its manager is gone: proc.CounterOf makes one"))
	}
	return (*atomic.Int64)(unsafe.Pointer(unsafe.SliceData(b)))
}

// Add adds n and returns the sum.
func (c *Counter) Add(n int64) int64 { return c.word().Add(n) }

// Value returns the counter's value.
func (c *Counter) Value() int64 { return c.word().Load() }

// String shows the counter's value.
func (c *Counter) String() string {
	if c.region.Bytes() == nil {
		return "counter, never made"
	}
	return "counter, " + quantity.Count(c.Value())
}

// A manager is what the program holds.
type manager struct {
	forgets
	mu       sync.Mutex
	dicts    map[string]map[any]any
	lists    map[string][]any
	counters map[string]remote.Region
}

func (o *manager) Serve(_ context.Context, r *remote.Request) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch r.Method {
	case "append", "at", "put", "listlen", "list":
		return o.list(r)
	case "counter":
		return o.counter(r)
	case "string":
		text := fmt.Sprintf("manager, %s, %s, %s", quantity.Plural(len(o.dicts), "dictionary", "dictionaries"),
			quantity.Plural(len(o.lists), "list"), quantity.Plural(len(o.counters), "counter"))
		r.Return(&text)
		return nil
	default:
		return o.dict(r)
	}
}

func (o *manager) dict(r *remote.Request) error {
	var name string
	var k dictKey
	var v, old any
	args := map[string][]any{"get": {&name, &k}, "set": {&name, &k, &v}, "default": {&name, &k, &v}, "swap": {&name, &k, &old, &v},
		"delete": {&name, &k}, "dictlen": {&name}, "all": {&name}}[r.Method]
	if args == nil {
		return remote.ErrNoMethod
	}
	if err := r.Args(args...); err != nil {
		return err
	}
	if k != nil && !reflect.ValueOf(k).Comparable() {
		return misuse("", "key of type %T: need one that can be compared", k)
	}
	d := o.dicts[name]
	if d == nil && (r.Method == "set" || r.Method == "default") {
		d = map[any]any{}
		o.dicts[name] = d
	}
	was, ok := d[k]
	switch r.Method {
	case "get":
		r.Return(&was, &ok)
	case "set":
		d[k] = v
	case "default":
		if !ok {
			d[k], was = v, v
		}
		r.Return(&was, &ok)
	case "swap":
		if old != nil && !reflect.ValueOf(old).Comparable() {
			return misuse("", "value of type %T: need one that can be compared", old)
		}
		// a value that cannot be compared has another type than old
		if ok = ok && (was == nil || reflect.ValueOf(was).Comparable()) && was == old; ok {
			d[k] = v
		}
		r.Return(&ok)
	case "delete":
		delete(d, k)
	case "dictlen":
		n := len(d)
		r.Return(&n)
	case "all":
		all := maps.Clone(d)
		r.Return(&all)
	}
	return nil
}

func (o *manager) list(r *remote.Request) error {
	var name string
	var values []any
	var v any
	i := -1
	args := map[string][]any{"append": {&name, &values}, "at": {&name, &i}, "put": {&name, &i, &v}, "listlen": {&name},
		"list": {&name}}[r.Method]
	if err := r.Args(args...); err != nil {
		return err
	}
	l := o.lists[name]
	if (r.Method == "at" || r.Method == "put") && (i < 0 || i >= len(l)) {
		return misuse("", "list %q: index %d of %s", name, i, quantity.Plural(len(l), "value"))
	}
	switch r.Method {
	case "append":
		o.lists[name] = append(l, values...)
	case "at":
		v = l[i]
		r.Return(&v)
	case "put":
		l[i] = v
	case "listlen":
		n := len(l)
		r.Return(&n)
	case "list":
		all := append([]any{}, l...)
		r.Return(&all)
	}
	return nil
}

func (o *manager) counter(r *remote.Request) error {
	var name string
	if err := r.Args(&name); err != nil {
		return err
	}
	c, ok := o.counters[name]
	if !ok {
		var err error
		if c, err = remote.Allocate(int64(unsafe.Sizeof(atomic.Int64{}))); err != nil {
			return fmt.Errorf("counter %q: %w", name, err)
		}
		o.counters[name] = c
	}
	r.Return(&c)
	return nil
}
