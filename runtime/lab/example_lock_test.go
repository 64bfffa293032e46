package lab_test

import (
	"context"
	"fmt"
	"strings"

	"interleave/runtime/lab"
)

func ExampleNewLock() {
	balance := 0
	lock := lab.NewLock()
	lab.Each(ctx, 100, func(ctx context.Context, i int) error {
		if err := lock.Lock(ctx); err != nil {
			return err
		}
		defer lock.Unlock()
		balance++
		return nil
	})
	fmt.Println(balance, lock.Stats().Acquired)
	// Output: 100 100
}

func ExampleLock_Do() {
	var lock lab.Lock // the zero value is ready, too
	fmt.Println(lock.Do(ctx, func() { fmt.Println("alone") }))
	// Output:
	// alone
	// <nil>
}

// Waiting for a lock can be cancelled, which a sync.Mutex cannot.
func ExampleLock_Lock() {
	lock := lab.NewLock()
	lock.Lock(ctx)
	short, cancel := context.WithTimeout(ctx, 5*ms)
	defer cancel()
	fmt.Println(lock.Lock(short))
	// Output: context deadline exceeded
}

func ExampleLock_TryLock() {
	lock := lab.NewLock()
	fmt.Println(lock.TryLock(), lock.TryLock(), lock.Locked())
	// Output: true false true
}

func ExampleLock_Watch() {
	lock := lab.NewLock().Named("accounts").Watch()
	t := lab.Thread(ctx, "teller", func(ctx context.Context) {
		lock.Lock(ctx)
		fmt.Println(strings.HasPrefix(lock.Holder(), "teller, since "))
		lock.Unlock()
	})
	t.Await(ctx)
	events, _ := lock.History()
	fmt.Println(events[0].Who, lock.Stats().Name)
	// Output:
	// true
	// teller accounts
}

func ExampleNewRLock() {
	lock := lab.NewRLock()
	me := new(int) // any value may be the token
	lock.Lock(ctx, me)
	lock.Lock(ctx, me) // again: no deadlock
	_, depth := lock.Owner()
	fmt.Println(depth, lock.TryLock("somebody else"))
	lock.Unlock(me)
	lock.Unlock(me)
	fmt.Println(lock.TryLock("somebody else"))
	// Output:
	// 2 false
	// true
}

func ExampleNewRWLock() {
	lock := lab.NewRWLock(lab.PreferWriters)
	fmt.Println(lock.RLock(ctx), lock.TryRLock(), lock.TryLock())
	fmt.Println(lock.Holders())
	// Output:
	// <nil> true false
	// 2 false
}

func ExampleNewSemaphore() {
	two := lab.NewSemaphore(2)
	two.Acquire(ctx, 1)
	two.Acquire(ctx, 1)
	fmt.Println(two.TryAcquire(1), two)
	two.Release(1)
	fmt.Println(two.TryAcquire(1))
	// Output:
	// false 2 of 2 permits held
	// true
}

// One side signals, the other waits for as many signals.
func ExampleNewSemaphore_signals() {
	ready := lab.NewSemaphore(0)
	for range 3 {
		lab.Go(ctx, func(context.Context) (int, error) { ready.Release(1); return 0, nil })
	}
	fmt.Println(ready.Acquire(ctx, 3), ready)
	// Output: <nil> 0 permits free
}

func ExampleSemaphore_Do() {
	one := lab.NewSemaphore(1)
	err := one.Do(ctx, func(ctx context.Context) error {
		fmt.Println(one.Held())
		return nil
	})
	fmt.Println(err, one.Held())
	// Output:
	// 1
	// <nil> 0
}

func ExampleNewEvent() {
	ready := lab.NewEvent()
	t := lab.Thread(ctx, "waiter", func(ctx context.Context) {
		ready.Wait(ctx)
		fmt.Println("off we go")
	})
	fmt.Println("preparing")
	ready.Set()
	t.Await(ctx)
	// Output:
	// preparing
	// off we go
}

func ExampleNewCond() {
	cond := lab.NewCond(nil)
	cookies := 0
	eater := lab.Thread(ctx, "eater", func(ctx context.Context) {
		cond.L().Lock(ctx)
		defer cond.L().Unlock()
		cond.WaitUntil(ctx, func() bool { return cookies >= 2 })
		fmt.Println("eating", cookies)
	})
	for range 2 {
		cond.L().Do(ctx, func() { cookies++ })
		cond.NotifyAll()
	}
	eater.Await(ctx)
	// Output: eating 2
}

func ExampleNewBarrier() {
	finish := lab.NewBarrier(3, func() { fmt.Println("all three are here") })
	lab.Each(ctx, 3, func(ctx context.Context, i int) error {
		_, err := finish.Wait(ctx)
		return err
	})
	// Output: all three are here
}

func ExampleBarrier_Abort() {
	b := lab.NewBarrier(2, nil)
	b.Abort()
	_, err := b.Wait(ctx)
	fmt.Println(err)
	b.Reset()
	fmt.Println(b.Broken())
	// Output:
	// the barrier is broken
	// false
}

func ExampleNewLocal() {
	user := lab.NewLocal(func() string { return "nobody" })
	greet := func(ctx context.Context) { fmt.Println("hello,", user.Get(ctx)) }
	greet(ctx)
	greet(user.With(ctx, "Ada"))
	// Output:
	// hello, nobody
	// hello, Ada
}
