package proc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"interleave/runtime/lab"
	"interleave/runtime/proc"
)

// lengths puts the length of each word that it gets.
func lengths(ctx context.Context, words *proc.Queue[string], out *proc.Queue[int]) error {
	for w := range words.All(ctx) {
		if err := out.Put(ctx, len(w)); err != nil {
			return err
		}
	}
	return nil
}

// start starts a process and has the example end if that fails.
func start(fn any, args ...any) *lab.Process {
	p, err := lab.Spawn(context.Background(), fn, args...)
	if err != nil {
		panic(err)
	}
	return p
}

func ExampleNewQueue() {
	ctx := context.Background()
	words, out := proc.NewQueue[string](0), proc.NewQueue[int](0)
	p := start(lengths, words, out)
	for _, w := range []string{"lock", "queue", "semaphore"} {
		words.Put(ctx, w)
	}
	words.Join(ctx) // until each was worked off
	words.Shutdown(false)
	fmt.Println(p.Wait(ctx), out.Len())
	n, _ := out.Get(ctx)
	fmt.Println(n)
	fmt.Println(out)
	// Output:
	// <nil> 3
	// 4
	// queue of processes: 2 waiting
}

func greet(ctx context.Context, c *proc.Conn[string]) error {
	name, err := c.Recv(ctx)
	if err != nil {
		return err
	}
	return c.Send(ctx, "hello, "+name)
}

func ExampleNewPipe() {
	ctx := context.Background()
	here, there := proc.NewPipe[string]()
	p := start(greet, there)
	here.Send(ctx, "process")
	answer, err := here.Recv(ctx)
	fmt.Println(answer, err, p.Wait(ctx))
	// Output: hello, process <nil> <nil>
}

// A pipe whose other end is in a process alone is closed when that process has ended.
func ExampleConn() {
	ctx := context.Background()
	here, there := proc.NewPipe[string]()
	p := start(sendAndDie, there)
	go func() { <-p.Done(); here.Close() }()
	fmt.Println(here.Recv(ctx)) // what was sent before is received
	_, err := here.Recv(ctx)
	fmt.Println(err)
	// Output:
	// last words <nil>
	// proc.Conn.Recv: closed
}

func sendAndDie(ctx context.Context, c *proc.Conn[string]) error {
	if err := c.Send(ctx, "last words"); err != nil {
		return err
	}
	os.Exit(1)
	return nil
}

func double(xs *proc.Shared[float64], from, to int) {
	part := xs.Slice()[from:to]
	for i := range part {
		part[i] *= 2
	}
}

func ExampleNewShared() {
	ctx := context.Background()
	xs, err := proc.NewShared[float64](4)
	if err != nil {
		fmt.Println(err)
		return
	}
	copy(xs.Slice(), []float64{1, 2, 3, 4})
	first, second := start(double, xs, 0, 2), start(double, xs, 2, 4)
	fmt.Println(first.Wait(ctx), second.Wait(ctx), xs.Slice())
	// Output: <nil> <nil> [2 4 6 8]
}

func deposit(ctx context.Context, l *proc.Lock, account *proc.Shared[int], n int) error {
	for range n {
		if err := l.Lock(ctx); err != nil {
			return err
		}
		account.Slice()[0]++ // not atomic by itself
		l.Unlock()
	}
	return nil
}

func ExampleNewLock() {
	ctx := context.Background()
	l := proc.NewLock()
	account, err := proc.NewShared[int](1)
	if err != nil {
		fmt.Println(err)
		return
	}
	a, b := start(deposit, l, account, 1000), start(deposit, l, account, 1000)
	fmt.Println(a.Wait(ctx), b.Wait(ctx), account.At(0))
	// Output: <nil> <nil> 2000
}

func ExampleNewRLock() {
	ctx := context.Background()
	l := proc.NewRLock()
	me := "this part of the program"
	fmt.Println(l.Lock(ctx, me), l.Lock(ctx, me)) // its owner may take it again
	l.Unlock(me)
	l.Unlock(me)
	fmt.Println(l.TryLock("another owner"))
	// Output:
	// <nil> <nil>
	// true
}

// busy notes the largest number of processes that work at a time.
func busy(ctx context.Context, s *proc.Semaphore, working *proc.Shared[int]) error {
	if err := s.Acquire(ctx, 1); err != nil {
		return err
	}
	defer s.Release(1)
	if n := working.Add(0, 1); n > working.At(1) {
		working.Set(1, n)
	}
	working.Add(0, -1)
	return nil
}

func ExampleNewSemaphore() {
	ctx := context.Background()
	s := proc.NewSemaphore(1)
	working, err := proc.NewShared[int](2)
	if err != nil {
		fmt.Println(err)
		return
	}
	a, b := start(busy, s, working), start(busy, s, working)
	fmt.Println(a.Wait(ctx), b.Wait(ctx), "at a time:", working.At(1), "free:", s.Free())
	// Output: <nil> <nil> at a time: 1 free: 1
}

func waitAndAnswer(ctx context.Context, ready, answer *proc.Event) error {
	if err := ready.Wait(ctx); err != nil {
		return err
	}
	answer.Set()
	return nil
}

func ExampleNewEvent() {
	ctx := context.Background()
	ready, answer := proc.NewEvent(), proc.NewEvent()
	p := start(waitAndAnswer, ready, answer)
	ready.Set()
	fmt.Println(answer.Wait(ctx), p.Wait(ctx))
	// Output: <nil> <nil>
}

func arrive(ctx context.Context, b *proc.Barrier) (int, error) { return b.Wait(ctx) }

func ExampleNewBarrier() {
	ctx := context.Background()
	b := proc.NewBarrier(3)
	p, q := start(arrive, b), start(arrive, b)
	indexes := make([]int, 3)
	indexes[0], _ = b.Wait(ctx)
	fmt.Println(p.Wait(ctx, &indexes[1]), q.Wait(ctx, &indexes[2]))
	slices.Sort(indexes)
	fmt.Println(indexes)
	// Output:
	// <nil> <nil>
	// [0 1 2]
}

func produce(ctx context.Context, c *proc.Cond, store *proc.Shared[int]) error {
	return c.L().Do(ctx, func() {
		store.Slice()[0] = 42
		c.NotifyAll()
	})
}

func ExampleNewCond() {
	ctx := context.Background()
	c := proc.NewCond(proc.NewLock())
	store, err := proc.NewShared[int](1)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := start(produce, c, store)
	if err := c.L().Lock(ctx); err != nil {
		fmt.Println(err)
		return
	}
	err = c.WaitUntil(ctx, func() bool { return store.Slice()[0] != 0 })
	fmt.Println(store.Slice()[0], err)
	c.L().Unlock()
	p.Wait(ctx)
	// Output: 42 <nil>
}

func count(m *proc.Manager, words []string) error {
	seen, all := proc.CounterOf(m, "seen"), proc.ListOf[string](m, "words")
	for _, w := range words {
		seen.Add(1)
		if err := all.Append(w); err != nil {
			return err
		}
	}
	return proc.DictOf[string, int](m, "lengths").Set(words[0], len(words[0]))
}

func ExampleNewManager() {
	ctx := context.Background()
	m := proc.NewManager()
	a, b := start(count, m, []string{"go", "chan"}), start(count, m, []string{"select"})
	fmt.Println(a.Wait(ctx), b.Wait(ctx))
	fmt.Println(proc.CounterOf(m, "seen").Value(), proc.ListOf[string](m, "words").Len(), proc.DictOf[string, int](m, "lengths").All())
	fmt.Println(m)
	// Output:
	// <nil> <nil>
	// 3 3 map[go:2 select:6]
	// manager, 1 dictionary, 1 list, 1 counter
}

func ExampleDictOf() {
	m := proc.NewManager()
	ages := proc.DictOf[string, int](m, "ages")
	fmt.Println(ages.Set("gopher", 15))
	swapped, err := ages.CompareAndSwap("gopher", 15, 16)
	fmt.Println(swapped, err)
	age, ok := ages.Get("gopher")
	fmt.Println(age, ok)
	// Output:
	// <nil>
	// true <nil>
	// 16 true
}

func ExampleListOf() {
	m := proc.NewManager()
	primes := proc.ListOf[int](m, "primes")
	fmt.Println(primes.Append(2, 3, 6), primes.Set(2, 5))
	fmt.Println(primes.All(), primes.At(2))
	// Output:
	// <nil> <nil>
	// [2 3 5] 5
}

func ExampleCounterOf() {
	m := proc.NewManager()
	hits := proc.CounterOf(m, "hits")
	hits.Add(2)
	fmt.Println(hits.Add(3), proc.CounterOf(m, "hits").Value()) // the same counter
	// Output: 5 5
}

// The next one who wants a lock learns that its holder has ended.
func ExampleLock_Lock() {
	ctx := context.Background()
	l, held := proc.NewLock(), proc.NewEvent()
	p := start(keepLock, l, held)
	held.Wait(ctx)
	p.Kill()
	err := l.Lock(ctx)
	fmt.Println(errors.Is(err, proc.ErrAbandoned))
	fmt.Println(l.Lock(ctx)) // the lock itself is as good as new
	// Output:
	// true
	// <nil>
}

func keepLock(ctx context.Context, l *proc.Lock, held *proc.Event) error {
	if err := l.Lock(ctx); err != nil {
		return err
	}
	held.Set()
	<-ctx.Done()
	select {}
}
