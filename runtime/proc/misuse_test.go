package proc_test

//lint:file-ignore U1000 the fields of what is refused are never used

import (
	"context"
	"errors"
	"os"
	"reflect"
	"runtime"
	"sync"
	"testing"

	"interleave/runtime/lab"
	"interleave/runtime/proc"
)

// A mistake is a call that is refused, by an error or by a panic, with a text.
type mistake struct {
	want string
	call func() error
}

// panics makes a call one that returns what it panics with.
func panics(f func()) func() error {
	return func() (err error) {
		defer func() { err, _ = recover().(error) }()
		f()
		return nil
	}
}

// test makes the mistakes, and returns the texts that are not as wanted.
func test(all []mistake) (wrong []string) {
	for _, m := range all {
		err := m.call()
		u := (*lab.UsageError)(nil)
		if !errors.As(err, &u) || err.Error() != m.want {
			got := "nothing"
			if err != nil {
				got = err.Error()
			}
			wrong = append(wrong, got+"\n\twant "+m.want)
		}
	}
	return wrong
}

// everywhere makes the mistakes of a function here and in another process.
func everywhere(t *testing.T, fn, mistakes any, args ...any) {
	t.Helper()
	in := []reflect.Value{reflect.ValueOf(t.Context())}
	for _, a := range args {
		in = append(in, reflect.ValueOf(a))
	}
	here := test(reflect.ValueOf(mistakes).Call(in)[0].Interface().([]mistake))
	var there []string
	wait(t, spawn(t, fn, args...), &there)
	for place, wrong := range map[string][]string{"here": here, "in another process": there} {
		for _, w := range wrong {
			t.Errorf("%s: %s", place, w)
		}
	}
}

type guarded struct {
	n  int
	mu sync.Mutex
}

const noChannel = "it is a chan int. Pass values and return results: a channel connects goroutines of one process"

// uncopied are calls with values that cannot be copied.
func uncopied(ctx context.Context, q *proc.Queue[any], c *proc.Conn[*guarded], m *proc.Manager) []mistake {
	d, l := proc.DictOf[any, any](m, "d"), proc.ListOf[any](m, "l")
	ch := make(chan int)
	return []mistake{
		{"proc.Queue.Put: the value cannot be sent to another process: " + noChannel, func() error { return q.Put(ctx, ch) }},
		{"proc.Queue.Put: the value cannot be sent to another process: element [1] is an open file. Pass its name, and open it there",
			func() error { return q.Put(ctx, []any{1, os.Stdout}) }},
		{"proc.Queue.TryPut: the value cannot be sent to another process: " + noChannel, panics(func() { q.TryPut(ch) })},
		{"proc.Conn.Send: the value cannot be sent to another process: field guarded.mu is a sync.Mutex. Pass the data without it: it works within one process",
			func() error { return c.Send(ctx, new(guarded)) }},
		{"proc.Dict.Set: the value cannot be sent to another process: " + noChannel, func() error { return d.Set("k", ch) }},
		{"proc.Dict.Set: the key cannot be sent to another process: " + noChannel, func() error { return d.Set(ch, "v") }},
		{"proc.Dict.Get: the key cannot be sent to another process: " + noChannel, panics(func() { d.Get(ch) })},
		{"proc.Dict.Delete: the key cannot be sent to another process: " + noChannel, panics(func() { d.Delete(ch) })},
		{"proc.Dict.SetDefault: the value cannot be sent to another process: it is a function. Call it by its name in the function that runs there",
			func() error { _, _, err := d.SetDefault("k", func() {}); return err }},
		{"proc.Dict.CompareAndSwap: the value cannot be sent to another process: " + noChannel,
			func() error { _, err := d.CompareAndSwap("k", 1, ch); return err }},
		{"proc.List.Append: value 0 cannot be sent to another process: " + noChannel, func() error { return l.Append(ch) }},
		{"proc.List.Append: value 1 cannot be sent to another process: field guarded.mu is a sync.Mutex. Pass the data without it: it works within one process",
			func() error { return l.Append(1, new(guarded)) }},
		{"proc.List.Set: the value cannot be sent to another process: " + noChannel, func() error { return l.Set(0, ch) }},
	}
}

func testUncopied(ctx context.Context, q *proc.Queue[any], c *proc.Conn[*guarded], m *proc.Manager) []string {
	return test(uncopied(ctx, q, c, m))
}

// A value that cannot be copied is refused with what it is and what to do instead.
func TestUncopied(t *testing.T) {
	q, m := proc.NewQueue[any](0), proc.NewManager()
	c, other := proc.NewPipe[*guarded]()
	if err := proc.ListOf[any](m, "l").Append(1); err != nil {
		t.Fatal(err)
	}
	everywhere(t, testUncopied, uncopied, q, c, m)
	if q.Len() != 0 || other.Poll() || proc.DictOf[any, any](m, "d").Len() != 0 || proc.ListOf[any](m, "l").Len() != 1 {
		t.Error("something that was refused is there")
	}
}

// misused are calls that are mistakes.
func misused(ctx context.Context, q *proc.Queue[int], s, one, signals *proc.Semaphore, c *proc.Cond, l *proc.List[int]) []mistake {
	return []mistake{
		{"proc.Queue.TaskDone: called more often than values were put", panics(q.TaskDone)},
		{"proc.Semaphore.TryAcquire: 3 permits: need 1 to 2", panics(func() { s.TryAcquire(3) })},
		{"proc.Semaphore.Acquire: 3 permits: need 1 to 2", func() error { return s.Acquire(ctx, 3) }},
		{"proc.Semaphore.Release: 1 permit: this process has fewer: it can release what it has acquired", panics(func() { s.Release(1) })},
		{"proc.Semaphore.Release: 2 permits: this process has fewer: it can release what it has acquired", panics(func() { one.Release(2) })},
		{"proc.Semaphore.Release: 0 permits: need at least 1", panics(func() { signals.Release(0) })},
		{"proc.Cond.Wait: the lock is not locked by this process: lock it first", func() error { return c.Wait(ctx) }},
		{"proc.Cond.WaitUntil: the lock is not locked by this process: lock it first",
			func() error { return c.WaitUntil(ctx, func() bool { return true }) }},
		{"proc.Cond.Notify: the lock is not locked by this process: lock it first", panics(func() { c.Notify(1) })},
		{"proc.Cond.NotifyAll: the lock is not locked by this process: lock it first", panics(c.NotifyAll)},
		{"proc.Cond.Notify: -1: need zero or more", panics(func() { c.Notify(-1) })},
		{`proc.List.At: list "l": index 1 of 1 value`, panics(func() { l.At(1) })},
	}
}

func testMisused(ctx context.Context, q *proc.Queue[int], s, one, signals *proc.Semaphore, c *proc.Cond, l *proc.List[int]) []string {
	return test(misused(ctx, q, s, one, signals, c, l))
}

func TestMisuse(t *testing.T) {
	c, l := proc.NewCond(proc.NewLock()), proc.ListOf[int](proc.NewManager(), "l")
	if err := l.Append(1); err != nil {
		t.Fatal(err)
	}
	q, s := proc.NewQueue[int](0), proc.NewSemaphore(2)
	everywhere(t, testMisused, misused, q, s, proc.NewSemaphore(1), proc.NewSemaphore(0), c, l)
	if c.L().Locked() || s.Free() != 2 {
		t.Error("what was refused has taken the lock or permits")
	}
	for _, wrong := range test([]mistake{
		{"proc.NewSemaphore: -1 permits: need zero (for signals) or more", panics(func() { proc.NewSemaphore(-1) })},
		{"proc.Cond.Notify: it was never made: proc.NewCond makes one", panics(func() { new(proc.Cond).Notify(1) })},
		{"proc.Conn.Poll: it was never made: proc.NewPipe makes two", panics(func() { new(proc.Conn[int]).Poll() })},
		{"proc.Conn.Close: it was never made: proc.NewPipe makes two", panics(func() { new(proc.Conn[int]).Close() })},
	}) {
		t.Error(wrong)
	}
}

func getAny(ctx context.Context, q *proc.Queue[any]) error { _, err := q.Get(ctx); return err }

// A type that was made at run time is known in the program alone.
func TestUnknownType(t *testing.T) {
	q := proc.NewQueue[any](0)
	made := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "X", Type: reflect.TypeFor[int]()}})).Elem().Interface()
	if err := q.Put(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	want := "proc.Queue.Get: the value cannot be sent to this process: it is a struct { X int }, a type that the other process does not know. " +
		"Pass a value of a type that is declared with a name"
	if err := spawn(t, getAny, q).Wait(t.Context()); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// What belongs to a manager works when the program has no other hold of it, and so does a copy of a queue.
func TestManagerIsKept(t *testing.T) {
	var dicts []*proc.Dict[string, int]
	var queues []proc.Queue[int]
	for range 100 {
		dicts = append(dicts, proc.DictOf[string, int](proc.NewManager(), "d"))
		queues = append(queues, *proc.NewQueue[int](0))
	}
	for range 3 {
		runtime.GC()
		wait(t, spawn(t, rest)) // when it has ended, what is unused is forgotten
	}
	for i, d := range dicts {
		if err := errors.Join(d.Set("k", 1), queues[i].Put(t.Context(), 1)); err != nil {
			t.Fatal(err)
		}
	}
}

func rest() {}
