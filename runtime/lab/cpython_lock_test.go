package lab_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"interleave/runtime/lab"
)

var cpythonLock = []behaviour{
	{"lock_tests.BaseLockTests.test_acquire_release", "a lock is free, then locked, then free again", "", func(t *testing.T) {
		l := lab.NewLock()
		before, err := l.Locked(), l.Lock(t.Context())
		held := l.Locked()
		l.Unlock()
		gives(t, "false <nil> true false", before, err, held, l.Locked())
	}},
	{"lock_tests.BaseLockTests.test_try_acquire", "acquire(False) of a free lock takes it", "", func(t *testing.T) {
		l := lab.NewLock()
		gives(t, "true true", l.TryLock(), l.Locked())
	}},
	{"lock_tests.BaseLockTests.test_try_acquire_contended", "acquire(False) of a lock that another thread holds fails", "", func(t *testing.T) {
		l := lab.NewLock()
		start(func() { l.TryLock() })
		gives(t, "false", l.TryLock())
	}},
	{"lock_tests.BaseLockTests.test_acquire_contended", "threads that want a held lock wait until it is released", "", func(t *testing.T) {
		l := lab.NewLock()
		l.TryLock()
		begin := now()
		after(sec, l.Unlock)
		gives(t, "<nil> 1s", l.Lock(t.Context()), since(begin))
	}},
	{"lock_tests.LockTests.test_reacquire", "a thread that acquires a lock twice waits for its release by another", "", func(t *testing.T) {
		l := lab.NewLock()
		l.TryLock()
		second := false
		start(func() { l.Lock(t.Context()); second = true })
		gives(t, "false", second)
		l.Unlock()
		synctest.Wait()
		gives(t, "true", second)
	}},
	{"lock_tests.LockTests.test_different_thread", "a lock may be released by another thread than the one that took it", "", func(t *testing.T) {
		l := lab.NewLock()
		start(func() { l.TryLock() })
		l.Unlock()
		gives(t, "false", l.Locked())
	}},
	{"lock_tests.BaseLockTests.test_with", "with releases the lock, after an exception too", "Do does", func(t *testing.T) {
		l := lab.NewLock()
		func() {
			defer func() { _ = recover() }()
			l.Do(t.Context(), func() { panic("boom") })
		}()
		gives(t, "false <nil>", l.Locked(), l.Do(t.Context(), func() {}))
	}},
	{"lock_tests.BaseLockTests.test_timeout", "acquire with a timeout fails when the time is up", "the error is that of the context", func(t *testing.T) {
		l := lab.NewLock()
		l.TryLock()
		begin := now()
		gives(t, "context deadline exceeded 1s", l.Lock(within(t, sec)), since(begin))
	}},
	{"lock_tests.LockTests.test_state_after_timeout", "a lock that somebody waited for in vain is released and taken as ever", "", func(t *testing.T) {
		l := lab.NewLock()
		l.TryLock()
		l.Lock(within(t, sec))
		l.Unlock()
		gives(t, "false true", l.Locked(), l.TryLock())
	}},
	{"lock_tests.BaseLockTests.test_timeout", "acquire(timeout=0) takes a lock that is free", "a context that has ended takes nothing; TryLock is for that", func(t *testing.T) {
		l := lab.NewLock()
		gives(t, "context deadline exceeded false true", l.Lock(within(t, 0)), l.Locked(), l.TryLock())
	}},
	{"test_threading.ThreadingExceptionTests.test_releasing_unacquired_lock", "release of a lock that is not locked is a RuntimeError", "it panics with a usage error", func(t *testing.T) {
		wantMisuse(t, lab.NewLock().Unlock, "lab.Lock.Unlock: the lock is not locked")
	}},
	{"test_asyncio.test_locks.LockTests.test_acquire", "waiters are served in order of arrival", "", func(t *testing.T) {
		l := lab.NewLock()
		l.TryLock()
		var log journal
		for i := range 3 {
			start(func() { l.Lock(t.Context()); log.add(i) })
		}
		for range 3 {
			l.Unlock()
			synctest.Wait()
		}
		gives(t, "0 1 2 true", log.words(), l.Locked())
	}},
	{"test_asyncio.test_locks.LockTests.test_acquire_cancel", "a waiter that is cancelled leaves the queue: the lock is free after its release", "", func(t *testing.T) {
		l := lab.NewLock()
		l.TryLock()
		ctx, cancel := cancelable(t)
		var err error
		start(func() { err = l.Lock(ctx) })
		cancel()
		synctest.Wait()
		l.Unlock()
		gives(t, "context canceled false", err, l.Locked())
	}},
	{"test_asyncio.test_locks.LockTests.test_cancel_race", "when the first of three waiters is cancelled the others get the lock in turn", "", func(t *testing.T) {
		l := lab.NewLock()
		l.TryLock()
		ctx, cancel := cancelable(t)
		var log journal
		start(func() { l.Lock(ctx) })
		for i := range 2 {
			start(func() {
				l.Do(t.Context(), func() { log.add(i) })
			})
		}
		cancel()
		synctest.Wait()
		l.Unlock()
		synctest.Wait()
		gives(t, "0 1 false", log.words(), l.Locked())
	}},
	{"test_asyncio.test_locks.LockTests.test_cancel_release_race", "a waiter that is cancelled when it has just got the lock passes it on", "it has the lock", func(t *testing.T) {
		l := lab.NewLock()
		l.TryLock()
		ctx, cancel := cancelable(t)
		got := make(chan error, 1)
		start(func() { got <- l.Lock(ctx) })
		l.Unlock()
		cancel()
		gives(t, "<nil> true", <-got, l.Locked())
	}},
	{"test_asyncio.test_locks.LockTests.test_release_no_waiters", "release without waiters leaves the lock free", "", func(t *testing.T) {
		l := lab.NewLock()
		l.TryLock()
		l.Unlock()
		gives(t, "true", l.TryLock())
	}},
	{"lock_tests.BaseLockTests.test_locked_repr", "the text of a lock has its state", "", func(t *testing.T) {
		l := lab.NewLock()
		free := l.String()
		l.TryLock()
		gives(t, "true true", strings.HasPrefix(free, "free; "), strings.HasPrefix(l.String(), "locked; "))
	}},
	{"lock_tests.BaseLockTests.test_acquire_contended", "what one thread writes with the lock held no other one writes at the same time", "", func(t *testing.T) {
		l, n := lab.NewLock(), 0
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for range 20 {
					l.Do(t.Context(), func() { n++ })
				}
			})
		}
		wg.Wait()
		gives(t, "400", n)
	}},
	{"lock_tests.RLockTests.test_reacquire", "the owner of an RLock may take it again; it is free after as many releases", "", func(t *testing.T) {
		l := lab.NewRLock()
		gives(t, "<nil> <nil>", l.Lock(t.Context(), "me"), l.Lock(t.Context(), "me"))
		l.Unlock("me")
		gives(t, "false", l.TryLock("you"))
		l.Unlock("me")
		gives(t, "true", l.TryLock("you"))
	}},
	{"lock_tests.RLockTests.test_release_unacquired", "release of a free RLock is a RuntimeError", "it panics with a usage error", func(t *testing.T) {
		l := lab.NewRLock()
		wantMisuse(t, func() { l.Unlock("me") }, "lab.RLock.Unlock: the lock is not held by me")
	}},
	{"lock_tests.RLockTests.test_different_thread", "release of an RLock by another than its owner is a RuntimeError", "it panics with a usage error", func(t *testing.T) {
		l := lab.NewRLock()
		l.TryLock("me")
		wantMisuse(t, func() { l.Unlock("you") }, "lab.RLock.Unlock: the lock is not held by you")
		owner, depth := l.Owner()
		gives(t, "me 1", owner, depth)
	}},
	{"lock_tests.RLockTests.test_recursion_count", "an RLock counts how often its owner has taken it", "", func(t *testing.T) {
		l := lab.NewRLock()
		_, none := l.Owner()
		l.TryLock("me")
		l.TryLock("me")
		owner, depth := l.Owner()
		gives(t, "0 me 2", none, owner, depth)
	}},
	{"lock_tests.RLockTests.test__is_owned", "the owner of an RLock is a thread", "the owner is a token that the caller chooses: the same goroutine with another token waits", func(t *testing.T) {
		l := lab.NewRLock()
		l.TryLock("me")
		gives(t, "context deadline exceeded", l.Lock(within(t, sec), "another me"))
		got := errors.New("not yet")
		start(func() { got = l.Lock(context.Background(), "me") })
		gives(t, "<nil>", got)
	}},
	{"lock_tests.RLockTests.test_acquire_contended", "others get an RLock after the last release of its owner", "", func(t *testing.T) {
		l := lab.NewRLock()
		l.TryLock("me")
		l.TryLock("me")
		var log journal
		start(func() { l.Lock(t.Context(), "you"); log.add("you") })
		l.Unlock("me")
		synctest.Wait()
		log.add("once")
		l.Unlock("me")
		synctest.Wait()
		gives(t, "once you", log.words())
	}},
}

var cpythonSemaphore = []behaviour{
	{"lock_tests.BaseSemaphoreTests.test_constructor", "a negative value is a ValueError", "it panics with a usage error", func(t *testing.T) {
		wantMisuse(t, func() { lab.NewSemaphore(-1) }, "lab.NewSemaphore: -1 permits: need zero or more")
	}},
	{"lock_tests.BaseSemaphoreTests.test_acquire", "a permit that was released can be acquired again", "", func(t *testing.T) {
		s := lab.NewSemaphore(1)
		for range 2 {
			gives(t, "<nil>", s.Acquire(t.Context(), 1))
			s.Release(1)
		}
	}},
	{"lock_tests.BaseSemaphoreTests.test_acquire_contended", "of ten threads as many get in as there are permits, and one more for each release", "", func(t *testing.T) {
		s := lab.NewSemaphore(7)
		for range 10 {
			start(func() { s.Acquire(t.Context(), 1) })
		}
		gives(t, "7 3", s.Held(), s.Stats().Waiting)
		s.Release(2)
		synctest.Wait()
		gives(t, "7 1", s.Held(), s.Stats().Waiting)
	}},
	{"lock_tests.BaseSemaphoreTests.test_multirelease", "release(n) lets n waiters in", "", func(t *testing.T) {
		s := lab.NewSemaphore(7)
		s.Acquire(t.Context(), 7)
		for range 10 {
			start(func() { s.Acquire(t.Context(), 1) })
		}
		s.Release(5)
		synctest.Wait()
		gives(t, "5", s.Stats().Waiting)
	}},
	{"lock_tests.SemaphoreTests", "release(0) is a ValueError", "it panics with a usage error", func(t *testing.T) {
		wantMisuse(t, func() { lab.NewSemaphore(2).Release(0) }, "lab.Semaphore.Release: 0 permits: need 1 to 2")
	}},
	{"lock_tests.BaseSemaphoreTests.test_try_acquire", "acquire(False) succeeds as often as there are permits", "", func(t *testing.T) {
		s := lab.NewSemaphore(2)
		gives(t, "true true false", s.TryAcquire(1), s.TryAcquire(1), s.TryAcquire(1))
	}},
	{"lock_tests.BaseSemaphoreTests.test_try_acquire_contended", "of many threads that try, as many succeed as there are permits", "", func(t *testing.T) {
		s, won := lab.NewSemaphore(4), lab.NewSemaphore(0)
		for range 20 {
			start(func() {
				if s.TryAcquire(1) {
					won.Release(1)
				}
			})
		}
		gives(t, "4", won.Free())
	}},
	{"lock_tests.BaseSemaphoreTests.test_acquire_timeout", "acquire with a timeout fails when the time is up, and takes nothing", "the error is that of the context", func(t *testing.T) {
		s := lab.NewSemaphore(1)
		s.TryAcquire(1)
		begin := now()
		gives(t, "context deadline exceeded 1s", s.Acquire(within(t, sec), 1), since(begin))
		s.Release(1)
		gives(t, "1", s.Free())
	}},
	{"test_asyncio.test_locks.SemaphoreTests.test_initial_value_zero", "a semaphore of zero has no permits: acquire waits for a release", "", func(t *testing.T) {
		s := lab.NewSemaphore(0)
		begin := now()
		after(sec, func() { s.Release(1) })
		gives(t, "false <nil> 1s", s.TryAcquire(1), s.Acquire(t.Context(), 1), since(begin))
	}},
	{"lock_tests.SemaphoreTests.test_release_unacquired", "a Semaphore may be released more often than acquired", "one of size 0 may; the others are BoundedSemaphores", func(t *testing.T) {
		s := lab.NewSemaphore(0)
		s.Release(1)
		s.Release(1)
		gives(t, "true true false", s.TryAcquire(1), s.TryAcquire(1), s.TryAcquire(1))
	}},
	{"lock_tests.BoundedSemaphoreTests.test_release_unacquired", "a BoundedSemaphore that is released more often than acquired is a ValueError", "it panics with a usage error", func(t *testing.T) {
		s := lab.NewSemaphore(1)
		wantMisuse(t, func() { s.Release(1) }, "lab.Semaphore.Release: 1 permit of which 0 are held: more released than acquired")
		gives(t, "1", s.Free())
	}},
	{"test_threading.ThreadTests.test_BoundedSemaphore_limit", "the bound does not depend on which thread acquires or releases", "", func(t *testing.T) {
		s := lab.NewSemaphore(2)
		s.TryAcquire(2)
		start(func() { s.Release(2) })
		wantMisuse(t, func() { s.Release(2) }, "lab.Semaphore.Release: 2 permits of which 0 are held: more released than acquired")
	}},
	{"lock_tests.BaseSemaphoreTests.test_with", "with releases the permit, after an exception too", "Do does", func(t *testing.T) {
		s := lab.NewSemaphore(2)
		func() {
			defer func() { _ = recover() }()
			s.Do(t.Context(), func(context.Context) error { panic("boom") })
		}()
		err := s.Do(t.Context(), func(context.Context) error { return errBoom })
		gives(t, "boom 2", err, s.Free())
	}},
	{"lock_tests.BaseSemaphoreTests.test_default_value", "a semaphore of one is a lock", "", func(t *testing.T) {
		s := lab.NewSemaphore(1)
		s.TryAcquire(1)
		second := false
		start(func() { s.Acquire(t.Context(), 1); second = true })
		gives(t, "false", second)
		s.Release(1)
		synctest.Wait()
		gives(t, "true", second)
	}},
	{"test_asyncio.test_locks.SemaphoreTests.test_acquire_fifo_order", "waiters are served in order of arrival, and newcomers do not overtake them", "", func(t *testing.T) {
		s := lab.NewSemaphore(1)
		s.TryAcquire(1)
		var log journal
		for i := range 3 {
			start(func() { s.Acquire(t.Context(), 1); log.add(i) })
		}
		overtaken := false
		for range 3 {
			s.Release(1)
			overtaken = overtaken || s.TryAcquire(1)
			synctest.Wait()
		}
		gives(t, "0 1 2 false", log.words(), overtaken)
	}},
	{"test_asyncio.test_locks.SemaphoreTests.test_acquire_cancel", "a waiter that is cancelled takes no permit", "", func(t *testing.T) {
		s := lab.NewSemaphore(1)
		s.TryAcquire(1)
		ctx, cancel := cancelable(t)
		var err error
		start(func() { err = s.Acquire(ctx, 1) })
		cancel()
		synctest.Wait()
		s.Release(1)
		gives(t, "context canceled 1", err, s.Free())
	}},
	{"test_asyncio.test_locks.SemaphoreTests.test_acquire_cancel_before_awoken", "when the first waiters are cancelled the next one is served", "", func(t *testing.T) {
		s := lab.NewSemaphore(0)
		ctx, cancel := cancelable(t)
		for range 2 {
			start(func() { s.Acquire(ctx, 1) })
		}
		var third error = errBoom
		start(func() { third = s.Acquire(t.Context(), 1) })
		cancel()
		synctest.Wait()
		s.Release(1)
		synctest.Wait()
		gives(t, "<nil> 0", third, s.Free())
	}},
	{"test_asyncio.test_locks.SemaphoreTests.test_acquire_hang", "a waiter that is cancelled when its permit is released passes it on", "it has the permit", func(t *testing.T) {
		s := lab.NewSemaphore(0)
		ctx, cancel := cancelable(t)
		got := make(chan error, 1)
		start(func() { got <- s.Acquire(ctx, 1) })
		s.Release(1)
		cancel()
		gives(t, "<nil> 0", <-got, s.Free())
	}},
	{"test_asyncio.test_locks.SemaphoreTests.test_semaphore_value", "locked is true when no permit is free", "Free is their number", func(t *testing.T) {
		s := lab.NewSemaphore(2)
		two := s.Free()
		s.TryAcquire(2)
		gives(t, "2 0 2 2", two, s.Free(), s.Held(), s.Size())
	}},
	{"test_asyncio.test_locks.SemaphoreTests.test_repr", "the text of a semaphore has the number of its permits", "", func(t *testing.T) {
		s, open := lab.NewSemaphore(3), lab.NewSemaphore(0)
		s.TryAcquire(1)
		open.Release(2)
		gives(t, "1 of 3 permits held 2 permits free", s, open)
	}},
}

var cpythonEvent = []behaviour{
	{"lock_tests.EventTests.test_is_set", "an event is clear at first; set and clear may be repeated", "", func(t *testing.T) {
		e := lab.NewEvent()
		at := []any{e.IsSet()}
		e.Set()
		e.Set()
		at = append(at, e.IsSet())
		e.Clear()
		e.Clear()
		gives(t, "false true false", append(at, e.IsSet())...)
	}},
	{"lock_tests.EventTests.test_notify", "set wakes all waiters", "", func(t *testing.T) {
		e, passed := lab.NewEvent(), lab.NewSemaphore(0)
		for range 5 {
			start(func() {
				if e.Wait(t.Context()) == nil {
					passed.Release(1)
				}
			})
		}
		gives(t, "0", passed.Free())
		e.Set()
		synctest.Wait()
		gives(t, "5", passed.Free())
	}},
	{"test_asyncio.test_locks.EventTests.test_wait_on_set", "wait on an event that is set returns at once", "", func(t *testing.T) {
		e := lab.NewEvent()
		e.Set()
		begin := now()
		gives(t, "<nil> 0s", e.Wait(t.Context()), since(begin))
	}},
	{"lock_tests.EventTests.test_timeout", "wait with a timeout returns False when the time is up", "the error is that of the context", func(t *testing.T) {
		e := lab.NewEvent()
		begin := now()
		gives(t, "context deadline exceeded 1s false", e.Wait(within(t, sec)), since(begin), e.IsSet())
	}},
	{"lock_tests.EventTests.test_timeout", "wait(0) on an event that is set returns True", "an event that is set lets pass even with a context that has ended", func(t *testing.T) {
		e := lab.NewEvent()
		e.Set()
		gives(t, "<nil>", e.Wait(within(t, 0)))
	}},
	{"lock_tests.EventTests.test_set_and_clear", "waiters pass although the event is cleared right after set", "", func(t *testing.T) {
		e, passed := lab.NewEvent(), lab.NewSemaphore(0)
		for range 5 {
			start(func() {
				if e.Wait(t.Context()) == nil {
					passed.Release(1)
				}
			})
		}
		e.Set()
		e.Clear()
		synctest.Wait()
		gives(t, "5 false", passed.Free(), e.IsSet())
	}},
	{"test_asyncio.test_locks.EventTests.test_clear_with_waiters", "clear does not wake waiters", "", func(t *testing.T) {
		e, passed := lab.NewEvent(), false
		start(func() { passed = e.Wait(t.Context()) == nil })
		e.Clear()
		synctest.Wait()
		gives(t, "false", passed)
		e.Set()
		synctest.Wait()
		gives(t, "true", passed)
	}},
	{"lock_tests.EventTests.test_notify", "after clear wait waits again", "", func(t *testing.T) {
		e := lab.NewEvent()
		e.Set()
		e.Clear()
		gives(t, "context deadline exceeded", e.Wait(within(t, sec)))
	}},
	{"test_asyncio.test_locks.EventTests.test_wait_cancel", "a waiter that is cancelled does not disturb the others", "", func(t *testing.T) {
		e := lab.NewEvent()
		ctx, cancel := cancelable(t)
		var first, second error = nil, errBoom
		start(func() { first = e.Wait(ctx) })
		start(func() { second = e.Wait(t.Context()) })
		cancel()
		synctest.Wait()
		e.Set()
		synctest.Wait()
		gives(t, "context canceled <nil>", first, second)
	}},
	{"test_asyncio.test_locks.EventTests.test_repr", "the text of an event has its state", "", func(t *testing.T) {
		e := lab.NewEvent()
		clear := e.String()
		e.Set()
		gives(t, "event, clear event, set", clear, e)
	}},
}

// waiters starts n goroutines that wait for c, and returns who has been woken.
func waiters(t *testing.T, c *lab.Cond, n int) *woken {
	var w woken
	for i := range n {
		start(func() {
			c.L().Do(t.Context(), func() {
				if c.Wait(t.Context()) == nil {
					w = append(w, i)
				}
			})
		})
	}
	return &w
}

// woken are the numbers of waiters; they take the lock again in any order.
type woken []int

func (w *woken) words() string {
	slices.Sort(*w)
	return strings.Trim(fmt.Sprint(*w), "[]")
}

var cpythonCondition = []behaviour{
	{"lock_tests.ConditionTests.test_unacquired_wait", "wait without the lock is a RuntimeError", "it is a usage error", func(t *testing.T) {
		wantUsage(t, lab.NewCond(nil).Wait(t.Context()), "lab.Cond.Wait: the lock is not locked")
	}},
	{"test_asyncio.test_locks.ConditionTests.test_wait_for_unacquired", "wait_for whose condition does not hold, without the lock, is a RuntimeError", "it is a usage error", func(t *testing.T) {
		wantUsage(t, lab.NewCond(nil).WaitUntil(t.Context(), func() bool { return false }), "lab.Cond.Wait: the lock is not locked")
	}},
	{"lock_tests.ConditionTests.test_unacquired_notify", "notify without the lock is a RuntimeError", "it needs no lock", func(t *testing.T) {
		c := lab.NewCond(nil)
		woken := waiters(t, c, 1)
		c.Notify(1)
		synctest.Wait()
		gives(t, "0", woken.words())
	}},
	{"lock_tests.ConditionTests.test_notify", "notify(n) wakes the n that have waited longest", "", func(t *testing.T) {
		c := lab.NewCond(nil)
		woken := waiters(t, c, 10)
		c.Notify(3)
		synctest.Wait()
		gives(t, "0 1 2", woken.words())
		c.Notify(5)
		synctest.Wait()
		gives(t, "0 1 2 3 4 5 6 7", woken.words())
	}},
	{"lock_tests.ConditionTests.test_notify", "notify for more than wait wakes all", "", func(t *testing.T) {
		c := lab.NewCond(nil)
		woken := waiters(t, c, 2)
		c.Notify(9)
		synctest.Wait()
		gives(t, "0 1", woken.words())
	}},
	{"lock_tests.ConditionTests.test_notify", "notify_all wakes all waiters, and without waiters does nothing", "", func(t *testing.T) {
		c := lab.NewCond(nil)
		woken := waiters(t, c, 5)
		c.NotifyAll()
		synctest.Wait()
		c.NotifyAll()
		gives(t, "0 1 2 3 4", woken.words())
	}},
	{"lock_tests.ConditionTests.test_notify", "a notify without waiters is not kept for later", "", func(t *testing.T) {
		c := lab.NewCond(nil)
		c.Notify(1)
		c.L().TryLock()
		gives(t, "context deadline exceeded", c.Wait(within(t, sec)))
	}},
	{"test_asyncio.test_locks.ConditionTests.test_wait", "the lock is free while one waits, and held when wait returns", "", func(t *testing.T) {
		c := lab.NewCond(nil)
		var held bool
		start(func() {
			c.L().Lock(t.Context())
			c.Wait(t.Context())
			held = c.L().Locked()
			c.L().Unlock()
		})
		free := !c.L().Locked()
		c.Notify(1)
		synctest.Wait()
		gives(t, "true true false", free, held, c.L().Locked())
	}},
	{"lock_tests.ConditionTests.test_timeout", "wait with a timeout returns False when the time is up, with the lock held", "the error is that of the context", func(t *testing.T) {
		c := lab.NewCond(nil)
		c.L().TryLock()
		begin := now()
		gives(t, "context deadline exceeded 1s true", c.Wait(within(t, sec)), since(begin), c.L().Locked())
	}},
	{"lock_tests.ConditionTests.test_waitfor", "wait_for returns when the condition holds, however often it was notified before", "", func(t *testing.T) {
		c, n := lab.NewCond(nil), 0
		go func() {
			for range 5 {
				lab.Sleep(t.Context(), sec)
				c.L().Do(t.Context(), func() { n++ })
				c.Notify(1)
			}
		}()
		c.L().TryLock()
		gives(t, "<nil> 4", c.WaitUntil(t.Context(), func() bool { return n == 4 }), n)
		c.L().Unlock()
	}},
	{"lock_tests.ConditionTests.test_waitfor_timeout", "wait_for with a timeout looks at the condition a last time when the time is up", "", func(t *testing.T) {
		c, n := lab.NewCond(nil), 0
		after(sec/2, func() { c.L().Do(t.Context(), func() { n = 4 }) }) // without a notify
		c.L().TryLock()
		gives(t, "<nil>", c.WaitUntil(within(t, sec), func() bool { return n == 4 }))
		gives(t, "context deadline exceeded", c.WaitUntil(within(t, sec), func() bool { return n == 5 }))
	}},
	{"test_asyncio.test_locks.ConditionTests.test_wait_for", "wait_for whose condition holds does not wait", "", func(t *testing.T) {
		c := lab.NewCond(nil)
		c.L().TryLock()
		begin := now()
		gives(t, "<nil> 0s", c.WaitUntil(t.Context(), func() bool { return true }), since(begin))
	}},
	{"test_asyncio.test_locks.ConditionTests.test_wait_for", "wait_for looks at the condition with the lock held", "", func(t *testing.T) {
		c := lab.NewCond(nil)
		var log journal
		c.L().TryLock()
		after(sec, c.NotifyAll)
		c.WaitUntil(t.Context(), func() bool { log.add(c.L().Locked()); return len(log.all) == 2 })
		gives(t, "true true", log.words())
	}},
	{"test_asyncio.test_locks.ConditionTests.test_wait_cancel", "a waiter that is cancelled is not notified: the next one is", "", func(t *testing.T) {
		c := lab.NewCond(nil)
		ctx, cancel := cancelable(t)
		var err error
		start(func() { c.L().Do(t.Context(), func() { err = c.Wait(ctx) }) })
		woken := waiters(t, c, 1)
		cancel()
		synctest.Wait()
		c.Notify(1)
		synctest.Wait()
		gives(t, "context canceled 0", err, woken.words())
	}},
	{"test_asyncio.test_locks.ConditionTests.test_wait_cancel_after_notify", "a waiter that is cancelled when it was just notified passes the notice on", "it has been woken", func(t *testing.T) {
		c := lab.NewCond(nil)
		ctx, cancel := cancelable(t)
		var err error = errBoom
		start(func() { c.L().Do(t.Context(), func() { err = c.Wait(ctx) }) })
		c.Notify(1)
		cancel()
		synctest.Wait()
		gives(t, "<nil>", err)
	}},
	{"test_asyncio.test_locks.ConditionTests.test_wait_cancel_contested", "a cancelled wait returns only when it has the lock again", "", func(t *testing.T) {
		c := lab.NewCond(nil)
		ctx, cancel := cancelable(t)
		var err error
		start(func() { c.L().Do(t.Context(), func() { err = c.Wait(ctx) }) })
		c.L().TryLock()
		cancel()
		synctest.Wait()
		gives(t, "<nil>", err)
		c.L().Unlock()
		synctest.Wait()
		gives(t, "context canceled", err)
	}},
	{"test_asyncio.test_locks.ConditionTests.test_explicit_lock", "two conditions may share a lock", "", func(t *testing.T) {
		l := lab.NewLock()
		a, b := lab.NewCond(l), lab.NewCond(l)
		inA, inB := waiters(t, a, 1), waiters(t, b, 1)
		b.Notify(1)
		synctest.Wait()
		gives(t, "true |0", a.L() == b.L(), inA.words()+"|"+inB.words())
	}},
	{"test_asyncio.test_locks.ConditionTests.test_repr", "the text of a condition has the number of its waiters", "", func(t *testing.T) {
		c := lab.NewCond(nil)
		waiters(t, c, 2)
		gives(t, "condition, 2 waiting", c)
	}},
}
