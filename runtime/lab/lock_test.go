package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

// A lockModel is any kind of lock: who holds it, who waits, in order. In v a writer is 1 and a reader 0.
type lockModel struct {
	prefer           lab.Preference
	readers, writers int // that hold it
	queue            []*modelCall
}

func (m *lockModel) waitingWriters() (n int) {
	for _, c := range m.queue {
		n += c.v
	}
	return n
}

// may reports whether c, which may wait in the queue already, may come in.
func (m *lockModel) may(c *modelCall) bool {
	if m.writers > 0 || c.v == 1 && m.readers > 0 {
		return false
	}
	switch m.prefer {
	case lab.PreferNobody:
		return c == m.queue[0]
	case lab.PreferWriters:
		if c.v == 0 {
			return m.waitingWriters() == 0
		}
		for _, o := range m.queue {
			if o.v == 1 {
				return o == c
			}
		}
	}
	if c.v == 1 { // readers first
		return m.waitingWriters() == len(m.queue) && c == m.queue[0]
	}
	return true
}

func (m *lockModel) settle() {
	for again := true; again; {
		again = false
		for i, c := range m.queue {
			if m.may(c) {
				m.queue = append(m.queue[:i:i], m.queue[i+1:]...)
				c.want = "got it"
				m.writers += c.v
				m.readers += 1 - c.v
				again = true
				break
			}
		}
	}
}

// Every preference of an RWLock, and a Lock, which is one without readers, let in exactly whom the model does.
func TestLockModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		plain := rapid.Bool().Draw(rt, "plain")
		m := &lockModel{prefer: rapid.SampledFrom([]lab.Preference{lab.PreferWriters, lab.PreferReaders, lab.PreferNobody}).Draw(rt, "prefer")}
		ops := rapid.SliceOfN(rapid.SampledFrom([]string{"write", "read", "write", "read", "trywrite", "tryread", "unlock", "unlock", "cancel"}), 1, 40).Draw(rt, "ops")
		picks := rapid.SliceOfN(rapid.IntRange(0, 99), 40, 40).Draw(rt, "picks")
		synctest.Test(t, func(t *testing.T) {
			rw, l := lab.NewRWLock(m.prefer).Watch(), lab.NewLock().Watch()
			lock, tryLock, unlock := rw.Lock, rw.TryLock, rw.Unlock
			if plain {
				m.prefer = lab.PreferNobody
				lock, tryLock, unlock = l.Lock, l.TryLock, l.Unlock
			}
			calls := &modelCalls{t: t}
			for i, op := range ops {
				if plain {
					op = strings.ReplaceAll(op, "read", "write")
				}
				switch op {
				case "write":
					m.queue = append(m.queue, calls.start(1, func(ctx context.Context) (string, error) { return "got it", lock(ctx) }))
				case "read":
					m.queue = append(m.queue, calls.start(0, func(ctx context.Context) (string, error) { return "got it", rw.RLock(ctx) }))
				case "trywrite", "tryread":
					c := &modelCall{v: 1}
					try := tryLock
					if op == "tryread" {
						c.v, try = 0, rw.TryRLock
					}
					m.queue = append(m.queue, c)
					can := m.may(c)
					if m.queue = m.queue[:len(m.queue)-1]; try() != can {
						t.Errorf("step %d: %s is %v", i, op, !can)
					}
					if can {
						m.writers += c.v
						m.readers += 1 - c.v
					}
				case "unlock":
					switch {
					case m.writers > 0:
						m.writers--
						unlock()
					case m.readers > 0:
						m.readers--
						rw.RUnlock()
					}
				case "cancel":
					calls.cancel(picks[i], &m.queue)
				}
				m.settle()
				calls.check(fmt.Sprintf("plain %v, prefer %v, step %d (%s)", plain, m.prefer, i, op))
				readers, writing := rw.Holders()
				if plain {
					writing = l.Locked()
				}
				if readers != m.readers || writing != (m.writers > 0) {
					t.Fatalf("step %d: held by %d readers, writing %v; want %d and %d", i, readers, writing, m.readers, m.writers)
				}
				s := rw.Stats()
				if plain {
					s = l.Stats()
				}
				if s.Waiting != len(m.queue) {
					t.Fatalf("step %d: %d wait, want %d", i, s.Waiting, len(m.queue))
				}
			}
			calls.end()
		})
	})
}

// Locks of all kinds keep goroutines apart that really run in parallel.
func TestLocksExclude(t *testing.T) {
	t.Parallel()
	l, rl, rw, sem := lab.NewLock(), lab.NewRLock(), lab.NewRWLock(lab.PreferNobody), lab.NewSemaphore(1)
	for name, pair := range map[string][2]func(owner *int){
		"Lock":      {func(*int) { _ = l.Lock(t.Context()) }, func(*int) { l.Unlock() }},
		"RLock":     {func(o *int) { _ = rl.Lock(t.Context(), o) }, func(o *int) { rl.Unlock(o) }},
		"RWLock":    {func(*int) { _ = rw.Lock(t.Context()) }, func(*int) { rw.Unlock() }},
		"Semaphore": {func(*int) { _ = sem.Acquire(t.Context(), 1) }, func(*int) { sem.Release(1) }},
	} {
		n := 0 // the race detector watches
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				owner := new(int)
				for range 500 {
					pair[0](owner)
					n++
					pair[1](owner)
				}
			})
		}
		wg.Wait()
		if n != 2000 {
			t.Errorf("%s: counted %d", name, n)
		}
	}
	for _, s := range []lab.LockStats{l.Stats(), rl.Stats(), rw.Stats(), sem.Stats()} {
		if s.Acquired != 2000 || s.Waiting != 0 {
			t.Errorf("stats %v", s)
		}
	}
}

func TestLockStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lab.NewLock().Named("till").Watch()
		hold := func(ctx context.Context) (int, error) {
			if err := l.Lock(ctx); err != nil {
				return 0, err
			}
			defer l.Unlock()
			return 0, lab.Sleep(ctx, time.Second)
		}
		var tasks []*lab.Task[int]
		for i := range 3 {
			tasks = append(tasks, lab.Go(t.Context(), hold, lab.Named(fmt.Sprint("clerk ", i))))
			synctest.Wait()
		}
		time.Sleep(time.Second / 2)
		if h := l.Holder(); !strings.HasPrefix(h, "clerk 0, since 500 ms at ") || !strings.Contains(h, "lock_test.go:") {
			t.Errorf("the holder is %q", h)
		}
		endAll(tasks)
		want := "till: taken 3 times, 2 after waiting (3 s in all, at most 2 s), held for 3 s in 3 watched holds (at most 1 s)"
		if s := l.Stats(); s.String() != want {
			t.Errorf("the statistics read %q, want %q", s, want)
		}
		events, dropped := l.History()
		for i, e := range events {
			if e.Who != fmt.Sprint("clerk ", i) || e.Wait != time.Duration(i)*time.Second || e.Hold != time.Second || !strings.Contains(e.Line, "lock_test.go:") {
				t.Errorf("event %d is %+v", i, e)
			}
		}
		if len(events) != 3 || dropped != 0 || l.Holder() != "" {
			t.Errorf("%d events, %d dropped, held by %q", len(events), dropped, l.Holder())
		}
		for range 5000 {
			l.TryLock()
			l.Unlock()
		}
		if events, dropped := l.History(); len(events)+dropped != 5003 || dropped == 0 {
			t.Errorf("of 5003 holds %d are kept and %d dropped", len(events), dropped)
		}
	})
	l := lab.NewLock()
	l.TryLock()
	if l.Holder() != "unknown: the lock is not watched" || !strings.Contains(l.Stats().Name, "lock of ") {
		t.Errorf("an unwatched lock is held by %q and called %q", l.Holder(), l.Stats().Name)
	}
}

func TestRLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lab.NewRLock()
		for range 3 {
			if err := l.Lock(t.Context(), "me"); err != nil {
				t.Fatal(err)
			}
		}
		if !l.TryLock("me") || l.TryLock("you") {
			t.Error("TryLock does not tell the owner from others")
		}
		if owner, depth := l.Owner(); owner != "me" || depth != 4 {
			t.Errorf("owned by %v, %d times", owner, depth)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Lock(short, "you"); err != context.DeadlineExceeded {
			t.Errorf("another owner got %v", err)
		}
		wantMisuse(t, func() { l.Unlock("you") }, "lab.RLock.Unlock: the lock is not held by you")
		for range 4 {
			l.Unlock("me")
		}
		if err := l.Lock(t.Context(), "you"); err != nil {
			t.Error(err)
		}
		wantMisuse(t, func() { l.Unlock("me") }, "lab.RLock.Unlock: the lock is not held by me")
		wantUsage(t, l.Lock(t.Context(), nil), "lab.RLock.Lock: nil owner: pass a token of your own")
	})
}

func TestLockMisuse(t *testing.T) {
	t.Parallel()
	var l lab.Lock // the zero value is ready
	wantUsage(t, l.Lock(nil), "lab.Lock.Lock: nil context: pass ctx, or context.Background()")
	wantMisuse(t, l.Unlock, "lab.Lock.Unlock: the lock is not locked")
	wantUsage(t, l.Do(t.Context(), nil), "lab.Lock.Do: nil function")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Lock(ended); err != context.Canceled || l.Locked() {
		t.Errorf("with an ended context got %v, locked %v", err, l.Locked())
	}
	rw := lab.NewRWLock(lab.PreferWriters)
	wantMisuse(t, rw.Unlock, "lab.RWLock.Unlock: the lock is not locked for writing")
	wantMisuse(t, rw.RUnlock, "lab.RWLock.RUnlock: the lock is not locked for reading")
	wantMisuse(t, func() { lab.NewRWLock(5) }, "lab.NewRWLock: preference 5: need PreferWriters, PreferReaders or PreferNobody")
	wantUsage(t, rw.RLock(nil), "lab.RWLock.RLock: nil context: pass ctx, or context.Background()")
	s := lab.NewSemaphore(2)
	wantMisuse(t, func() { lab.NewSemaphore(-1) }, "lab.NewSemaphore: -1 permits: need zero or more")
	wantMisuse(t, func() { s.Release(1) }, "lab.Semaphore.Release: 1 permit of which 0 are held: more released than acquired")
	wantMisuse(t, func() { s.TryAcquire(3) }, "lab.Semaphore.TryAcquire: 3 permits: need 1 to 2")
	wantUsage(t, s.Acquire(t.Context(), 3), "lab.Semaphore.Acquire: 3 permits: need 1 to 2")
	wantUsage(t, s.Acquire(nil, 1), "lab.Semaphore.Acquire: nil context: pass ctx, or context.Background()")
	wantUsage(t, s.Do(t.Context(), nil), "lab.Semaphore.Do: nil function")
	wantUsage(t, lab.NewEvent().Wait(nil), "lab.Event.Wait: nil context: pass ctx, or context.Background()")
	c := lab.NewCond(nil)
	wantUsage(t, c.Wait(t.Context()), "lab.Cond.Wait: the lock is not locked")
	wantUsage(t, c.WaitUntil(t.Context(), nil), "lab.Cond.WaitUntil: nil function")
	wantMisuse(t, func() { c.Notify(-1) }, "lab.Cond.Notify: -1: need zero or more")
	wantMisuse(t, func() { lab.NewBarrier(0, nil) }, "lab.NewBarrier: 0 parties: need at least 1")
	_, err := lab.NewBarrier(1, nil).Wait(nil)
	wantUsage(t, err, "lab.Barrier.Wait: nil context: pass ctx, or context.Background()")
}

// A semaphore never has more permits out than it has, serves in order, and loses none to those who give up.
func TestSemaphoreModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(1, 4).Draw(rt, "size")
		ops := rapid.SliceOfN(rapid.SampledFrom([]string{"acquire", "acquire", "try", "release", "cancel"}), 1, 40).Draw(rt, "ops")
		picks := rapid.SliceOfN(rapid.IntRange(0, 99), 40, 40).Draw(rt, "picks")
		synctest.Test(t, func(t *testing.T) {
			s := lab.NewSemaphore(int64(size))
			calls := &modelCalls{t: t}
			var held []int
			out := 0
			var queue []*modelCall
			take := func(n int) { held = append(held, n); out += n }
			for i, op := range ops {
				n := picks[i]%size + 1
				switch op {
				case "acquire":
					queue = append(queue, calls.start(n, func(ctx context.Context) (string, error) { return "got it", s.Acquire(ctx, int64(n)) }))
				case "try":
					can := len(queue) == 0 && out+n <= size
					if s.TryAcquire(int64(n)) != can {
						t.Errorf("step %d: TryAcquire(%d) is %v with %d of %d out", i, n, !can, out, size)
					}
					if can {
						take(n)
					}
				case "release":
					if len(held) > 0 {
						s.Release(int64(held[0]))
						out -= held[0]
						held = held[1:]
					}
				case "cancel":
					calls.cancel(picks[i], &queue)
				}
				for len(queue) > 0 && out+queue[0].v <= size {
					take(queue[0].v)
					queue[0].want, queue = "got it", queue[1:]
				}
				calls.check(fmt.Sprintf("size %d, step %d (%s %d)", size, i, op, n))
				if s.Held() != int64(out) || s.Stats().Waiting != len(queue) {
					t.Fatalf("step %d: %v, %d wait; want %d and %d", i, s, s.Stats().Waiting, out, len(queue))
				}
			}
			calls.end()
		})
	})
}

// An event lets pass exactly those who wait while it is set.
func TestEventModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ops := rapid.SliceOfN(rapid.SampledFrom([]string{"wait", "wait", "set", "clear", "cancel"}), 1, 30).Draw(rt, "ops")
		picks := rapid.SliceOfN(rapid.IntRange(0, 99), 30, 30).Draw(rt, "picks")
		synctest.Test(t, func(t *testing.T) {
			var e lab.Event
			calls := &modelCalls{t: t}
			var queue []*modelCall
			set := false
			for i, op := range ops {
				switch op {
				case "wait":
					queue = append(queue, calls.start(0, func(ctx context.Context) (string, error) { return "passed", e.Wait(ctx) }))
				case "set":
					e.Set()
					set = true
				case "clear":
					e.Clear()
					set = false
				case "cancel":
					calls.cancel(picks[i], &queue)
				}
				if set {
					for _, c := range queue {
						c.want = "passed"
					}
					queue = nil
				}
				calls.check(fmt.Sprintf("step %d (%s)", i, op))
				if e.IsSet() != set {
					t.Fatalf("step %d: set is %v", i, !set)
				}
			}
			calls.end()
		})
	})
}

// A condition wakes in the order of coming, as many as it is told, and everybody returns with the lock held.
func TestCondModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ops := rapid.SliceOfN(rapid.SampledFrom([]string{"wait", "wait", "notify", "all", "cancel"}), 1, 30).Draw(rt, "ops")
		picks := rapid.SliceOfN(rapid.IntRange(0, 99), 30, 30).Draw(rt, "picks")
		synctest.Test(t, func(t *testing.T) {
			c := lab.NewCond(nil)
			calls := &modelCalls{t: t}
			var queue []*modelCall
			inside := 0
			for i, op := range ops {
				switch op {
				case "wait":
					queue = append(queue, calls.start(0, func(ctx context.Context) (string, error) {
						if err := c.L().Lock(context.WithoutCancel(ctx)); err != nil {
							return "", err
						}
						defer c.L().Unlock()
						err := c.Wait(ctx)
						inside++ // races with others unless the lock is held
						return "woken", err
					}))
				case "notify":
					n := picks[i] % 4
					c.Notify(n)
					for ; n > 0 && len(queue) > 0; n-- {
						queue[0].want, queue = "woken", queue[1:]
					}
				case "all":
					c.NotifyAll()
					for _, w := range queue {
						w.want = "woken"
					}
					queue = nil
				case "cancel":
					calls.cancel(picks[i], &queue)
				}
				calls.check(fmt.Sprintf("step %d (%s)", i, op))
			}
			calls.end()
			synctest.Wait()
			if inside != len(calls.all) || c.L().Locked() {
				t.Errorf("%d of %d came back, locked %v", inside, len(calls.all), c.L().Locked())
			}
		})
	})
}

func TestCondWaitUntil(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lab.NewLock()
		c := lab.NewCond(l)
		n := 0
		task := lab.Go(t.Context(), func(ctx context.Context) (int, error) {
			if err := l.Lock(ctx); err != nil {
				return 0, err
			}
			defer l.Unlock()
			err := c.WaitUntil(ctx, func() bool { return n == 3 })
			return n, err
		})
		for range 3 {
			time.Sleep(time.Second)
			if err := l.Do(t.Context(), func() { n++ }); err != nil {
				t.Error(err)
			}
			c.NotifyAll()
		}
		if v, err := task.Await(t.Context()); v != 3 || err != nil {
			t.Errorf("got %v, %v", v, err)
		}
	})
}

// A barrier against its model: rounds of n, indices in the order of coming, and what breaks it.
func TestBarrierModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "n")
		ops := rapid.SliceOfN(rapid.SampledFrom([]string{"wait", "wait", "wait", "wait", "cancel", "abort", "reset", "reset"}), 1, 40).Draw(rt, "ops")
		picks := rapid.SliceOfN(rapid.IntRange(0, 99), 40, 40).Draw(rt, "picks")
		synctest.Test(t, func(t *testing.T) {
			var actions atomic.Int32
			b := lab.NewBarrier(n, func() { actions.Add(1) })
			calls := &modelCalls{t: t}
			var here []*modelCall
			broken, rounds := false, 0
			breakUp := func() {
				for _, c := range here {
					c.want = "broken"
				}
				here, broken = nil, true
			}
			for i, op := range ops {
				switch op {
				case "wait":
					c := calls.start(0, func(ctx context.Context) (string, error) {
						index, err := b.Wait(ctx)
						return fmt.Sprint(index), err
					})
					if broken {
						c.want = "broken"
						break
					}
					if here = append(here, c); len(here) == n {
						for k, c := range here {
							c.want = fmt.Sprint(k)
						}
						here = nil
						rounds++
					}
				case "cancel":
					if calls.cancel(picks[i], &here) {
						breakUp()
					}
				case "abort":
					b.Abort()
					breakUp()
				case "reset":
					b.Reset()
					breakUp()
					broken = false
				}
				calls.check(fmt.Sprintf("%d parties, step %d (%s)", n, i, op))
				if b.Broken() != broken || b.Waiting() != len(here) || int(actions.Load()) != rounds || b.Parties() != n {
					t.Fatalf("step %d (%s): broken %v, %d wait, %d actions; want %v, %d, %d", i, op, b.Broken(), b.Waiting(), actions.Load(), broken, len(here), rounds)
				}
			}
			calls.end()
		})
	})
}

func TestBarrierPanic(t *testing.T) {
	t.Parallel()
	b := lab.NewBarrier(2, func() { panic("boom") })
	rs := lab.GatherAll(t.Context(), b.Wait, b.Wait)
	if errors.Is(rs[0].Err, lab.ErrBrokenBarrier) {
		rs[0], rs[1] = rs[1], rs[0]
	}
	wantPanic(t, rs[0].Err, "boom", "TestBarrierPanic")
	if !errors.Is(rs[1].Err, lab.ErrBrokenBarrier) || !b.Broken() {
		t.Errorf("the other party got %v", rs[1].Err)
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	name := lab.NewLocal(func() string { return "nobody" })
	plain := lab.NewLocal[any](nil)
	ctx := plain.With(name.With(t.Context(), "Ada"), nil)
	if name.Get(ctx) != "Ada" || name.Get(t.Context()) != "nobody" || plain.Get(ctx) != nil || plain.Get(t.Context()) != nil {
		t.Error("a local has the wrong value")
	}
	wantMisuse(t, func() { name.Get(nil) }, "lab.Local.Get: nil context: pass ctx, or context.Background()")
}

// Semaphores, events, conditions and barriers, too, say how long others waited for them and held them.
func TestWaitsAreMeasured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		sem, event, barrier := lab.NewSemaphore(2).Named("seats").Watch(), lab.NewEvent().Named("bell"), lab.NewBarrier(3, nil).Named("gate")
		cond := lab.NewCond(nil).Named("news")
		if err := lab.Each(ctx, 3, func(ctx context.Context, i int) error {
			if err := sem.Do(ctx, func(ctx context.Context) error { return lab.Sleep(ctx, time.Second) }); err != nil { // two, then one
				return err
			}
			if i == 0 {
				time.AfterFunc(3*time.Second, event.Set)
				time.AfterFunc(5*time.Second, cond.NotifyAll)
			}
			if err := event.Wait(ctx); err != nil {
				return err
			}
			if err := cond.L().Lock(ctx); err != nil {
				return err
			}
			err := cond.Wait(ctx)
			cond.L().Unlock()
			if err != nil {
				return err
			}
			if err := lab.Sleep(ctx, time.Duration(i+1)*time.Second); err != nil {
				return err
			}
			_, err = barrier.Wait(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		events, _ := sem.History()
		if len(events) != 3 || events[0].Hold != time.Second || !strings.Contains(events[0].Line, "lock_test.go:") {
			t.Errorf("the semaphore's history is %+v", events)
		}
		for _, c := range []struct {
			s    lab.LockStats
			want string
		}{
			{sem.Stats(), "seats: taken 3 times, 1 after waiting (1 s in all, at most 1 s), held for 3 s in 3 watched holds (at most 1 s)"},
			{cond.Stats(), "news: taken 3 times, 3 after waiting (6 s in all, at most 2 s)"},
			{barrier.Stats(), "gate: taken 3 times, 2 after waiting (3 s in all, at most 2 s)"},
		} {
			if got := c.s.String(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		}
		// Depends on whether the first one was among the two that had seats at once.
		if s := event.Stats(); s.Acquired != 3 || s.Contended != 3 || s.Wait != 8*time.Second && s.Wait != 11*time.Second {
			t.Errorf("got %v", s)
		}
	})
}

func TestStatsSayWhoWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lab.NewLock().Named("till")
		if err := l.Lock(t.Context()); err != nil {
			t.Fatal(err)
		}
		waiter := lab.Go(t.Context(), func(ctx context.Context) (int, error) { return 1, l.Lock(ctx) })
		synctest.Wait()
		if got, want := l.Stats().String(), "till: taken 1 time, 0 after waiting (0 s in all, at most 0 s), 1 waiting now"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		l.Unlock()
		waiter.Await(t.Context())
		l.Unlock()
	})
}
