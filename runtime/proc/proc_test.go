package proc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"interleave/runtime/lab"
	"interleave/runtime/proc"
)

func TestMain(m *testing.M) {
	lab.WorkerMain()
	os.Exit(m.Run())
}

// pool returns a pool of n processes that ends with the test.
func pool(t testing.TB, n int) *lab.ProcPool {
	t.Helper()
	p, err := lab.NewProcPool(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func spawn(t testing.TB, fn any, args ...any) *lab.Process {
	t.Helper()
	p, err := lab.Spawn(context.Background(), fn, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill(); <-p.Done() })
	return p
}

func wait(t testing.TB, p *lab.Process, results ...any) {
	t.Helper()
	if err := p.Wait(t.Context(), results...); err != nil {
		t.Fatal(err)
	}
}

type job struct {
	id   int
	tags map[string][]int
	next *job
}

// relay takes jobs until the queue is shut down, and puts each with its number squared.
func relay(ctx context.Context, in, out *proc.Queue[*job]) error {
	for j := range in.All(ctx) {
		j.id *= j.id
		if err := out.Put(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

func TestQueue(t *testing.T) {
	ctx := t.Context()
	in, out := proc.NewQueue[*job](3), proc.NewQueue[*job](0)
	workers := []*lab.Process{spawn(t, relay, in, out), spawn(t, relay, in, out)}
	const n = 200
	for i := range n {
		j := &job{id: i, tags: map[string][]int{"a": {i}}}
		j.next = j
		if err := in.Put(ctx, j); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Join(ctx); err != nil {
		t.Fatal(err)
	}
	in.Shutdown(false)
	var got []int
	for range n {
		j, err := out.Get(ctx)
		if err != nil || j.next != j || len(j.tags["a"]) != 1 || j.tags["a"][0]*j.tags["a"][0] != j.id {
			t.Fatalf("%+v, %v", j, err)
		}
		got = append(got, j.tags["a"][0])
	}
	slices.Sort(got)
	for i, x := range got {
		if x != i {
			t.Fatalf("lost or doubled: %v", got)
		}
	}
	for _, w := range workers {
		wait(t, w)
	}
	if err := in.Put(ctx, nil); !errors.Is(err, proc.ErrClosed) {
		t.Errorf("%v", err)
	}
	if out.Len() != 0 {
		t.Errorf("%d left", out.Len())
	}
}

func blockedGet(ctx context.Context, q *proc.Queue[int], tried *proc.Event) (int, error) {
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	_, err := q.Get(short)
	if !errors.Is(err, context.DeadlineExceeded) {
		return 0, fmt.Errorf("no deadline: %T %w", err, err)
	}
	if _, ok := q.TryGet(); ok {
		return 0, errors.New("a value")
	}
	tried.Set()
	_, err = q.Get(ctx) // until shut down
	if !errors.Is(err, proc.ErrClosed) {
		return 0, err
	}
	return 7, nil
}

func TestQueueEnds(t *testing.T) {
	q, tried := proc.NewQueue[int](1), proc.NewEvent()
	p := spawn(t, blockedGet, q, tried)
	if err := tried.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	q.Shutdown(false)
	n := 0
	if wait(t, p, &n); n != 7 {
		t.Errorf("%d", n)
	}
	if err := q.Put(t.Context(), 1); err == nil || err.Error() != "proc.Queue.Put: closed" {
		t.Errorf("%v", err)
	}
}

// What is put is copied, in one process too; what cannot be copied is refused.
func TestCopies(t *testing.T) {
	ctx := t.Context()
	q := proc.NewQueue[any](0)
	list := []int{1, 2}
	if err := q.Put(ctx, list); err != nil {
		t.Fatal(err)
	}
	list[0] = 9
	if got, err := q.Get(ctx); err != nil || !reflect.DeepEqual(got, []int{1, 2}) {
		t.Errorf("%v, %v", got, err)
	}
	if err := q.Put(ctx, map[string]any{"k": make(chan int)}); err == nil || !strings.Contains(err.Error(), `element ["k"] is a chan int`) {
		t.Errorf("%v", err)
	}
	if q.Len() != 0 {
		t.Error("a value that was refused is in the queue")
	}
	for _, v := range []any{nil, context.Canceled, struct{ A, b any }{1, "x"}} {
		if err := q.Put(ctx, v); err != nil {
			t.Fatal(err)
		}
		if got, err := q.Get(ctx); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%v, %v; want %v", got, err, v)
		}
	}
}

func echo(ctx context.Context, c *proc.Conn[string]) error {
	for {
		s, err := c.Recv(ctx)
		if errors.Is(err, proc.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.Send(ctx, s+s); err != nil {
			return err
		}
	}
}

func TestPipe(t *testing.T) {
	ctx := t.Context()
	a, b := proc.NewPipe[string]()
	p := spawn(t, echo, b)
	for _, s := range []string{"x", "", "yz"} {
		if err := a.Send(ctx, s); err != nil {
			t.Fatal(err)
		}
		if got, err := a.Recv(ctx); got != s+s || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	a.Close()
	wait(t, p)
}

func fill(s *proc.Shared[float64], from, to int) {
	part := s.Slice()[from:to]
	for i := range part {
		part[i] = float64(from + i)
	}
}

func addUp(s *proc.Shared[int32], n int) {
	for range n {
		s.Add(0, 1)
	}
}

func TestShared(t *testing.T) {
	s, err := proc.NewShared[float64](1000)
	if err != nil {
		t.Fatal(err)
	}
	a, b := spawn(t, fill, s, 0, 400), spawn(t, fill, s, 400, 1000)
	wait(t, a)
	wait(t, b)
	for i, x := range s.Slice() {
		if x != float64(i) || s.At(i) != x {
			t.Fatalf("element %d is %v", i, x)
		}
	}
	counter, err := proc.NewShared[int32](1)
	if err != nil {
		t.Fatal(err)
	}
	ps := []*lab.Process{spawn(t, addUp, counter, 10000), spawn(t, addUp, counter, 10000)}
	for _, p := range ps {
		wait(t, p)
	}
	if counter.At(0) != 20000 {
		t.Errorf("%d", counter.At(0))
	}
	if !counter.CompareAndSwap(0, 20000, 5) || counter.CompareAndSwap(0, 1, 2) || counter.At(0) != 5 {
		t.Error("CompareAndSwap")
	}
	counter.Set(0, -3)
	if counter.Add(0, 1) != -2 || counter.Len() != 1 {
		t.Error("Add")
	}
	counter.Close()
	wantPanic(t, "proc.Shared: it was closed", func() { counter.At(0) })
}

// Memory that was given back is zero when it is given out again, and no old array sees it.
func TestSharedAgain(t *testing.T) {
	for _, n := range []int{1, 100, 1 << 20} {
		a, err := proc.NewShared[int](n)
		if err != nil {
			t.Fatal(err)
		}
		for i := range a.Slice() {
			a.Slice()[i] = i + 1
		}
		a.Close()
		b, err := proc.NewShared[int](n)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(b.Slice(), func(x int) bool { return x != 0 }); i >= 0 {
			t.Errorf("element %d of %d is not zero", i, n)
		}
		wantPanic(t, "proc.Shared: it was closed", func() { a.Slice() })
		b.Close()
	}
}

func wantPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		err, _ := recover().(error)
		if err == nil || err.Error() != want {
			t.Errorf("panic %v, want %q", err, want)
		}
	}()
	f()
}

// increment adds to an ordinary element, which the lock protects.
func increment(ctx context.Context, l *proc.Lock, s *proc.Shared[int], n int) error {
	var all sync.WaitGroup
	var failed error
	for range 4 { // goroutines of one process exclude each other, too
		all.Go(func() {
			for range n / 4 {
				if err := l.Lock(ctx); err != nil {
					failed = err
					return
				}
				s.Slice()[0]++
				l.Unlock()
			}
		})
	}
	all.Wait()
	return failed
}

func TestLock(t *testing.T) {
	l := proc.NewLock()
	s, err := proc.NewShared[int](1)
	if err != nil {
		t.Fatal(err)
	}
	const n = 40000
	a, b := spawn(t, increment, l, s, n), spawn(t, increment, l, s, n)
	if err := increment(t.Context(), l, s, n); err != nil {
		t.Fatal(err)
	}
	wait(t, a)
	wait(t, b)
	if s.At(0) != 3*n {
		t.Errorf("%d, want %d", s.At(0), 3*n)
	}
	if l.Locked() || !l.TryLock() || l.TryLock() || !l.Locked() {
		t.Error("TryLock")
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := l.Lock(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	l.Unlock()
	wantPanic(t, "proc.Lock.Unlock: the lock is not locked by this process", l.Unlock)
	if err := new(proc.Lock).Lock(t.Context()); err == nil || err.Error() != "proc.Lock.Lock: it was never made: proc.NewLock makes one" {
		t.Errorf("%v", err)
	}
}

// hold takes everything and keeps it until its process is killed.
func hold(ctx context.Context, l *proc.Lock, s *proc.Semaphore, ready *proc.Event) error {
	if err := errors.Join(l.Lock(ctx), s.Acquire(ctx, 2)); err != nil {
		return err
	}
	ready.Set()
	select {}
}

func TestDeath(t *testing.T) {
	ctx := t.Context()
	l, s, ready := proc.NewLock(), proc.NewSemaphore(2), proc.NewEvent()
	for range 5 {
		p := spawn(t, hold, l, s, ready)
		if err := ready.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		ready.Clear()
		if l.TryLock() || s.TryAcquire(1) {
			t.Fatal("not held")
		}
		got := make(chan error, 1)
		go func() { got <- l.Lock(ctx) }()
		p.Kill()
		if err := <-got; !errors.Is(err, proc.ErrAbandoned) {
			t.Errorf("%v", err)
		}
		if err := l.Lock(ctx); err != nil {
			t.Errorf("%v", err)
		}
		l.Unlock()
		if err := s.Acquire(ctx, 2); err != nil {
			t.Errorf("%v", err)
		}
		s.Release(2)
	}
}

func TestRLock(t *testing.T) {
	ctx := t.Context()
	l := proc.NewRLock()
	for range 3 {
		if err := l.Lock(ctx, "me"); err != nil {
			t.Fatal(err)
		}
	}
	if l.TryLock("you") || !l.TryLock("me") {
		t.Error("TryLock")
	}
	for range 4 {
		p := spawn(t, tryR, l)
		ok := true
		if wait(t, p, &ok); ok {
			t.Error("another process has taken it")
		}
		l.Unlock("me")
	}
	ok := false
	if wait(t, spawn(t, tryR, l), &ok); !ok {
		t.Error("it is not free")
	}
	wantPanic(t, "proc.RLock.Unlock: owner me does not have the lock", func() { l.Unlock("me") })
}

func tryR(l *proc.RLock) bool {
	ok := l.TryLock("me")
	if ok {
		l.Unlock("me")
	}
	return ok
}

func meet(ctx context.Context, b *proc.Barrier, rounds int) (sum int, err error) {
	for range rounds {
		i, err := b.Wait(ctx)
		if err != nil {
			return sum, err
		}
		sum += i
	}
	return sum, nil
}

func TestBarrier(t *testing.T) {
	b := proc.NewBarrier(3)
	p, q := spawn(t, meet, b, 20), spawn(t, meet, b, 20)
	sum, err := meet(t.Context(), b, 20)
	if err != nil {
		t.Fatal(err)
	}
	var x, y int
	wait(t, p, &x)
	wait(t, q, &y)
	if sum+x+y != 20*(0+1+2) {
		t.Errorf("%d %d %d", sum, x, y)
	}
	p = spawn(t, meet, b, 1)
	got := make(chan error, 1)
	go func() { _, err := b.Wait(t.Context()); got <- err }()
	q = spawn(t, breakIt, b)
	wait(t, q)
	if err := <-got; !errors.Is(err, lab.ErrBrokenBarrier) {
		t.Errorf("%v", err)
	}
	if err := p.Wait(t.Context()); !errors.Is(err, lab.ErrBrokenBarrier) || !b.Broken() {
		t.Errorf("%v", err)
	}
	b.Reset()
	if b.Broken() {
		t.Error("it is broken")
	}
}

func breakIt(b *proc.Barrier) { b.Abort() }

// take waits until the shared number is positive, and takes one.
func take(ctx context.Context, c *proc.Cond, s *proc.Shared[int], n int) error {
	for range n {
		if err := c.L().Lock(ctx); err != nil {
			return err
		}
		err := c.WaitUntil(ctx, func() bool { return s.Slice()[0] > 0 })
		if err == nil {
			s.Slice()[0]--
		}
		c.L().Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

func TestCond(t *testing.T) {
	ctx := t.Context()
	c := proc.NewCond(proc.NewLock())
	s, err := proc.NewShared[int](1)
	if err != nil {
		t.Fatal(err)
	}
	const n = 100
	a, b := spawn(t, take, c, s, n), spawn(t, take, c, s, n)
	for range 2 * n {
		if err := c.L().Lock(ctx); err != nil {
			t.Fatal(err)
		}
		s.Slice()[0]++
		c.Notify(1)
		c.L().Unlock()
	}
	wait(t, a)
	wait(t, b)
	if s.At(0) != 0 {
		t.Errorf("%d", s.At(0))
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := c.Wait(ctx); err == nil || err.Error() != "proc.Cond.Wait: the lock is not locked by this process: lock it first" {
		t.Errorf("%v", err)
	}
	if err := c.L().Lock(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(short); !errors.Is(err, context.DeadlineExceeded) || !c.L().Locked() {
		t.Errorf("%v", err)
	}
	c.L().Unlock()
}

type point struct{ x, y int }

func manage(m *proc.Manager, n int) error {
	d, l, c := proc.DictOf[string, point](m, "points"), proc.ListOf[point](m, "list"), proc.CounterOf(m, "sum")
	for i := range n {
		c.Add(int64(i))
		if err := l.Append(point{i, -i}); err != nil {
			return err
		}
		for {
			was, _, err := d.SetDefault("sum", point{})
			if err != nil {
				return err
			}
			if ok, err := d.CompareAndSwap("sum", was, point{was.x + i, was.y - i}); ok || err != nil {
				break
			}
		}
	}
	return nil
}

func TestManager(t *testing.T) {
	m := proc.NewManager()
	const n = 50
	a, b := spawn(t, manage, m, n), spawn(t, manage, m, n)
	wait(t, a)
	wait(t, b)
	sum := n * (n - 1)
	if got := proc.CounterOf(m, "sum").Value(); got != int64(sum) {
		t.Errorf("%d, want %d", got, sum)
	}
	d := proc.DictOf[string, point](m, "points")
	if p, ok := d.Get("sum"); !ok || p != (point{sum, -sum}) || d.Len() != 1 {
		t.Errorf("%v, want %d", p, sum)
	}
	if _, ok := d.Get("other"); ok {
		t.Error("there is no such key")
	}
	l := proc.ListOf[point](m, "list")
	if l.Len() != 2*n || len(l.All()) != 2*n || l.At(0) != (point{}) {
		t.Errorf("%v", l.All())
	}
	if err := l.Set(3, point{7, 7}); err != nil || l.At(3) != (point{7, 7}) {
		t.Errorf("%v", err)
	}
	if err := l.Set(2*n, point{}); err == nil || err.Error() != `proc.List.Set: list "list": index 100 of 100 values` {
		t.Errorf("%v", err)
	}
	if err := d.Set("k", point{1, 2}); err != nil || !reflect.DeepEqual(d.All(), map[string]point{"sum": {sum, -sum}, "k": {1, 2}}) {
		t.Errorf("%v, %v", err, d.All())
	}
	d.Delete("sum")
	if d.Len() != 1 {
		t.Errorf("%v", d.All())
	}
	wantPanic(t, `proc.Dict.Get: dictionary "points": there is a value of type proc_test.point: need int`, func() { proc.DictOf[string, int](m, "points").Get("k") })
	if err := proc.DictOf[string, any](m, "x").Set("f", func() {}); err == nil || !strings.Contains(err.Error(), "it is a function") {
		t.Errorf("%v", err)
	}
}

func makes() (text string) {
	defer func() { text = recover().(error).Error() }()
	proc.NewQueue[int](0)
	return ""
}

func TestMadeElsewhere(t *testing.T) {
	text := ""
	wait(t, spawn(t, makes), &text)
	if want := "proc.NewQueue: a function that runs in another process cannot make one: make it in the program, and pass it"; text != want {
		t.Errorf("%q", text)
	}
	var q proc.Queue[int]
	if err := q.Put(t.Context(), 1); err == nil || !strings.HasPrefix(err.Error(), "proc.Queue.Put: it was never made") {
		t.Errorf("%v", err)
	}
}

// A task that waits for what other processes do ends with its context.
func waitsFor(ctx context.Context, e *proc.Event) (int, error) { return 0, e.Wait(ctx) }

func TestCancelled(t *testing.T) {
	p := pool(t, 2)
	e := proc.NewEvent()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := lab.Map(ctx, p, []*proc.Event{e, e}, waitsFor)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	runtime.GC()
}
