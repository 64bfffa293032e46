package lab_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
)

// The rule on contexts that have ended, for every call that waits: what is finished wins, and nothing new is begun. Where both channels of
// a select are ready Go chooses by chance, so each case is tried often enough to see that.
const chances = 50

func TestFinishedWorkWins(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errBoom)
	for name, call := range map[string]func() error{
		"Await":  func() error { _, err := endedTask(t).Await(ended); return err },
		"Shield": func() error { _, err := lab.Shield(ended, endedTask(t)); return err },
		"Wait": func() error {
			done, pending, err := lab.Wait(ended, lab.AllCompleted, endedTask(t), endedTask(t))
			if len(done) != 2 || len(pending) != 0 {
				return errors.New("not done")
			}
			return err
		},
		"Wait for the first": func() error {
			open := lab.After(t.Context(), time.Hour, trivial)
			defer open.Cancel(nil)
			done, pending, err := lab.Wait(ended, lab.FirstCompleted, open, endedTask(t))
			if len(done) != 1 || len(pending) != 1 {
				return errors.New("not done")
			}
			return err
		},
		"Completed": func() error {
			open := lab.After(t.Context(), time.Hour, trivial)
			defer open.Cancel(nil)
			var got []string
			for v, err := range lab.Completed(ended, open, endedTask(t), endedTask(t)) {
				got = append(got, fmt.Sprint(v, errors.Is(err, errBoom)))
			}
			if !slices.Equal(got, []string{"1 false", "1 false", "0 true"}) {
				return fmt.Errorf("got %v", got)
			}
			return nil
		},
		"CompletedChan": func() error {
			open := lab.After(t.Context(), time.Hour, trivial)
			defer open.Cancel(nil)
			var got []string
			for r := range lab.CompletedChan(ended, open, endedTask(t), endedTask(t)) {
				got = append(got, fmt.Sprint(r.Value, errors.Is(r.Err, errBoom)))
			}
			if !slices.Equal(got, []string{"1 false", "1 false", "0 true"}) {
				return fmt.Errorf("got %v", got)
			}
			return nil
		},
		"Event.Wait": func() error { e := lab.NewEvent(); e.Set(); return e.Wait(ended) },
		"Queue.Join": func() error { return lab.NewQueue[int](0).Join(ended) },
		"Pool.Shutdown": func() error {
			p := lab.NewPool(2)
			lab.Map(t.Context(), p, []int{1, 2}, func(context.Context, int) (int, error) { return 1, nil })
			p.Close()
			return p.Shutdown(ended, true)
		},
		"Pool.Shutdown of a new pool": func() error { return lab.NewPool(2).Shutdown(ended, false) },
		"Cond.WaitUntil": func() error {
			c := lab.NewCond(nil)
			c.L().Lock(t.Context())
			defer c.L().Unlock()
			return c.WaitUntil(ended, func() bool { return true })
		},
		"Memo": func() error {
			m := lab.NewMemo(func(context.Context, int) (int, error) { return 1, nil })
			m.Get(t.Context(), 1)
			_, err := m.Get(ended, 1)
			return err
		},
		"Map of nothing":    func() error { _, err := lab.Map(ended, nil, nil, id); return err },
		"Gather of nothing": func() error { _, err := lab.Gather[int](ended); return err },
		"Gather": func() error {
			ctx, cancel := context.WithCancel(t.Context())
			_, err := lab.Gather(ctx, func(context.Context) (int, error) { cancel(); return 1, nil }, trivial)
			return err
		},
		"Map": func() error {
			ctx, cancel := context.WithCancel(t.Context())
			_, err := lab.Map(ctx, nil, []int{1}, func(context.Context, int) (int, error) { cancel(); return 1, nil })
			return err
		},
		"MapSeq": func() error {
			for _, opts := range [][]lab.MapOption{nil, {lab.Unordered()}} {
				ctx, cancel := context.WithCancel(t.Context())
				got, err := yielded(t, lab.MapSeq(ctx, nil, upTo(1), func(context.Context, int) (int, error) { cancel(); return 1, nil }, opts...))
				if len(got) != 1 || err != nil {
					return fmt.Errorf("got %v, %w", got, err)
				}
			}
			return nil
		},
		"Stage": func() error {
			in := make(chan int)
			close(in)
			ctx, cancel := context.WithCancel(t.Context())
			g := lab.NewGroup(ctx)
			outs := []<-chan int{lab.Stage(g, in, 2, id), lab.OrderedStage(g, in, 2, id), lab.FanIn(g, in, in)}
			outs = append(append(outs, lab.FanOut(g, in, 2)...), lab.Tee(g, in, 2)...)
			merged := lab.Merge(g, func(a, b int) int { return a - b }, in, in)
			batches := lab.Batch(g, in, 2, 0)
			cancel()
			for _, out := range outs {
				for range out {
				}
			}
			for range merged {
			}
			for range batches {
			}
			return g.Wait()
		},
	} {
		for range chances {
			if err := call(); err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
	}
}

func id(_ context.Context, x int) (int, error) { return x, nil }

// endedTask returns a task that has ended.
func endedTask(t *testing.T) *lab.Task[int] {
	task := lab.Go(t.Context(), trivial)
	<-task.Done()
	return task
}

func TestNothingNewIsBegun(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errBoom)
	lock, rw, sem := lab.NewLock(), lab.NewRWLock(lab.PreferWriters), lab.NewSemaphore(1)
	q := lab.NewQueue[int](0)
	q.Put(t.Context(), 1)
	limiter := lab.NewLimiter(1, 1)
	b := lab.NewBroadcast[int](lab.DropOldest)
	sub := b.Subscribe(1)
	b.Publish(t.Context(), 1)
	pool := lab.NewPool(1)
	never := func(context.Context) (int, error) { t.Error("begun"); return 0, nil }
	for name, call := range map[string]func() error{
		"Lock.Lock":         func() error { return lock.Lock(ended) },
		"Lock.Do":           func() error { return lock.Do(ended, func() { t.Error("begun") }) },
		"RLock.Lock":        func() error { return lab.NewRLock().Lock(ended, 1) },
		"RWLock.Lock":       func() error { return rw.Lock(ended) },
		"RWLock.RLock":      func() error { return rw.RLock(ended) },
		"Semaphore.Acquire": func() error { return sem.Acquire(ended, 1) },
		"Semaphore.Do":      func() error { return sem.Do(ended, func(context.Context) error { t.Error("begun"); return nil }) },
		"Queue.Put":         func() error { return q.Put(ended, 2) },
		"Queue.Get":         func() error { _, err := q.Get(ended); return err },
		"Limiter.Wait":      func() error { return limiter.Wait(ended) },
		"Broadcast.Publish": func() error { return b.Publish(ended, 2) },
		"Subscription.Next": func() error { _, err := sub.Next(ended); return err },
		"Sleep":             func() error { return lab.Sleep(ended, -1) },
		"WaitFor":           func() error { _, err := lab.WaitFor(ended, time.Hour, never); return err },
		"Retry":             func() error { _, err := lab.Retry(ended, lab.Backoff{}, never); return err },
		"Submit":            func() error { _, err := lab.Submit(ended, pool, never).Await(t.Context()); return err },
		"After":             func() error { _, err := lab.After(ended, -1, never).Await(t.Context()); return err },
		"At":                func() error { _, err := lab.At(ended, time.Now(), never).Await(t.Context()); return err },
		"MapSeq": func() error {
			xs := func(func(int) bool) { t.Error("begun") }
			_, err := yielded(t, lab.MapSeq(ended, pool, xs, func(ctx context.Context, _ int) (int, error) { return never(ctx) }))
			return err
		},
		"Memo": func() error {
			_, err := lab.NewMemo(func(ctx context.Context, _ int) (int, error) { return never(ctx) }).Get(ended, 1)
			return err
		},
	} {
		for range chances {
			if err := call(); !errors.Is(err, errBoom) || !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
	}
	if readers, writing := rw.Holders(); lock.Locked() || readers > 0 || writing || sem.Held() != 0 || q.Len() != 1 || !limiter.Allow() {
		t.Errorf("something was taken: %v, %v, %v, %v", lock, rw, sem, q)
	}
	if v, err := sub.Next(t.Context()); v != 1 || err != nil || sub.Dropped() != 0 {
		t.Errorf("the subscription: %v, %v, %v", v, err, sub)
	}
}

// A wait that finds both what it waited for and the end of its context has succeeded.
func TestBothAtOnce(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(ctx context.Context) (call func() error, provide func()){
		"Event.Wait": func(ctx context.Context) (func() error, func()) {
			e := lab.NewEvent()
			return func() error { return e.Wait(ctx) }, e.Set
		},
		"Queue.Get": func(ctx context.Context) (func() error, func()) {
			q := lab.NewQueue[int](0)
			return func() error { _, err := q.Get(ctx); return err }, func() { q.TryPut(1) }
		},
		"Queue.Put": func(ctx context.Context) (func() error, func()) {
			q := lab.NewQueue[int](1)
			q.TryPut(1)
			return func() error { return q.Put(ctx, 2) }, func() { q.TryGet() }
		},
		"Queue.Join": func(ctx context.Context) (func() error, func()) {
			q := lab.NewQueue[int](0)
			q.TryPut(1)
			return func() error { return q.Join(ctx) }, q.TaskDone
		},
		"Lock.Lock": func(ctx context.Context) (func() error, func()) {
			l := lab.NewLock()
			l.TryLock()
			return func() error { return l.Lock(ctx) }, l.Unlock
		},
		"RWLock.RLock": func(ctx context.Context) (func() error, func()) {
			l := lab.NewRWLock(lab.PreferNobody)
			l.TryLock()
			return func() error { return l.RLock(ctx) }, l.Unlock
		},
		"Semaphore.Acquire": func(ctx context.Context) (func() error, func()) {
			s := lab.NewSemaphore(0)
			return func() error { return s.Acquire(ctx, 2) }, func() { s.Release(2) }
		},
		"Barrier.Wait": func(ctx context.Context) (func() error, func()) {
			b := lab.NewBarrier(2, nil)
			return func() error { _, err := b.Wait(ctx); return err }, func() { b.Wait(context.Background()) }
		},
		"Cond.Wait": func(ctx context.Context) (func() error, func()) {
			c := lab.NewCond(nil)
			return func() error { c.L().Lock(ctx); defer c.L().Unlock(); return c.Wait(ctx) }, c.NotifyAll
		},
		"Cond.WaitUntil": func(ctx context.Context) (func() error, func()) {
			c, ok := lab.NewCond(nil), false
			return func() error {
				c.L().Lock(ctx)
				defer c.L().Unlock()
				return c.WaitUntil(ctx, func() bool { return ok })
			}, func() { ok = true } // without a Notify: only a last look finds it
		},
		"Flight.Get": func(ctx context.Context) (func() error, func()) {
			gate := make(chan struct{})
			f := lab.NewFlight(func(context.Context, int) (int, error) { <-gate; return 1, nil })
			return func() error { _, err := f.Get(ctx, 1); return err }, func() { close(gate); synctest.Wait() }
		},
		"Subscription.Next": func(ctx context.Context) (func() error, func()) {
			b := lab.NewBroadcast[int](lab.Block)
			s := b.Subscribe(1)
			return func() error { _, err := s.Next(ctx); return err }, func() { b.Publish(context.Background(), 1) }
		},
	} {
		for range chances {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				call, provide := prepare(ctx)
				got := make(chan error, 1)
				go func() { got <- call() }()
				synctest.Wait()
				provide()
				cancel()
				if err := <-got; err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
			if t.Failed() {
				return
			}
		}
	}
}

// Of a deadline and a timer of the same moment the deadline wins: nothing is begun at the end.
func TestAfterAtTheDeadline(t *testing.T) {
	t.Parallel()
	for range chances {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			task := lab.After(ctx, time.Second, trivial)
			if _, err := task.Await(t.Context()); err != context.DeadlineExceeded {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCondLooksOnceMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ready, looks := lab.NewCond(nil), false, 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		time.AfterFunc(time.Second/2, func() { c.L().Do(t.Context(), func() { ready = true }) }) // and notifies no waiter
		c.L().Lock(t.Context())
		err := c.WaitUntil(ctx, func() bool { looks++; return ready })
		if err != nil || looks != 2 || !c.L().Locked() {
			t.Errorf("%v after %d looks", err, looks)
		}
		ready = false
		if err := c.WaitUntil(ctx, func() bool { return ready }); err != context.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		c.L().Unlock()
		wantUsage(t, c.WaitUntil(ctx, func() bool { return false }), "lab.Cond.Wait: the lock is not locked")
	})
}

// A semaphore of size 0 counts signals.
func TestSemaphoreOfZero(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := lab.NewSemaphore(0)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Acquire(short, 1); err != context.DeadlineExceeded || s.TryAcquire(1) || s.String() != "0 permits free" {
			t.Errorf("%v; %v", err, s)
		}
		s.Release(3)
		if !s.TryAcquire(2) || s.Free() != 1 || s.Held() != 0 || s.Size() != 0 || s.String() != "1 permit free" {
			t.Errorf("%v", s)
		}
		var order []int64
		for _, n := range []int64{3, 1} { // who needs many is not overtaken
			go func() {
				if err := s.Acquire(t.Context(), n); err == nil {
					order = append(order, n)
				}
			}()
			synctest.Wait()
		}
		s.Release(1)
		synctest.Wait()
		if len(order) != 0 {
			t.Errorf("served %v too early", order)
		}
		for range 2 {
			s.Release(1)
			synctest.Wait()
		}
		if !slices.Equal(order, []int64{3, 1}) || s.Free() != 0 {
			t.Errorf("served %v, %v", order, s)
		}
		wantMisuse(t, func() { s.Release(0) }, "lab.Semaphore.Release: 0 permits: need at least 1")
		wantUsage(t, s.Acquire(t.Context(), 0), "lab.Semaphore.Acquire: 0 permits: need at least 1")
		wantMisuse(t, func() { new(lab.Semaphore).TryAcquire(1) }, "lab.Semaphore.TryAcquire: the semaphore was never made: lab.NewSemaphore makes one")
		if two := lab.NewSemaphore(2); two.Free() != 2 || !two.TryAcquire(1) || two.Free() != 1 || two.Held() != 1 {
			t.Errorf("%v", two)
		}
	})
}

// A task that is given twice counts once.
func TestTasksGivenTwice(t *testing.T) {
	t.Parallel()
	a, b := endedTask(t), lab.After(t.Context(), time.Hour, trivial)
	defer b.Cancel(nil)
	done, pending, err := lab.Wait(t.Context(), lab.FirstCompleted, a, b, a, b)
	if err != nil || !slices.Equal(done, []*lab.Task[int]{a}) || !slices.Equal(pending, []*lab.Task[int]{b}) {
		t.Errorf("done %v, pending %v, error %v", done, pending, err)
	}
	anyDone, anyPending, err := lab.WaitTasks(t.Context(), lab.FirstCompleted, a, b, b, a)
	if err != nil || len(anyDone) != 1 || len(anyPending) != 1 {
		t.Errorf("done %v, pending %v, error %v", anyDone, anyPending, err)
	}
	n := 0
	for range lab.Completed(t.Context(), a, a) {
		n++
	}
	if results := lab.CompletedChan(t.Context(), a, a); len(results) != 1 || n != 1 {
		t.Errorf("yielded %d times, sent %d times", n, len(results))
	}
}

// A cancelled task is no failure to a Wait for the first error.
func TestWaitFirstErrorAndCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		canceled := lab.Go(t.Context(), nap(time.Hour))
		fails := lab.Go(t.Context(), func(context.Context) (time.Duration, error) { time.Sleep(2 * time.Second); return 0, errBoom })
		slow := lab.Go(t.Context(), nap(time.Hour))
		time.AfterFunc(time.Second, func() { canceled.Cancel(nil) })
		done, pending, err := lab.Wait(t.Context(), lab.FirstError, canceled, fails, slow)
		if took := time.Since(begin); err != nil || len(done) != 2 || len(pending) != 1 || took != 2*time.Second {
			t.Errorf("done %v, pending %v, error %v, after %v", done, pending, err, took)
		}
		slow.Cancel(nil)
	})
}

// slowWeb answers every request after 20 ms, without a network.
type slowWeb struct{}

func (slowWeb) RoundTrip(*http.Request) (*http.Response, error) {
	time.Sleep(20 * ms)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// Took is the time of the requests, Waited that spent waiting for a turn.
func TestFetchWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: slowWeb{}}
		limiter := lab.NewLimiter(2, 1)
		limiter.Allow()
		r := lab.Fetch(t.Context(), "http://a/", lab.FetchOptions{Client: client, Limiter: limiter})
		if r.Err != nil || r.Waited != 500*ms || r.Took != 20*ms {
			t.Errorf("waited %v and took %v, error %v", r.Waited, r.Took, r.Err)
		}
		// A pause between two tries belongs to the time taken, the second turn at the limiter does not.
		tries := 0
		flaky := &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			if tries++; tries == 1 {
				time.Sleep(20 * ms)
				return nil, errBoom
			}
			return slowWeb{}.RoundTrip(req)
		})}
		r = lab.Fetch(t.Context(), "http://a/", lab.FetchOptions{Client: flaky, Limiter: limiter, Retry: lab.Backoff{First: 100 * ms}})
		if r.Err != nil || r.Tries != 2 || r.Waited != 860*ms || r.Took != 140*ms {
			t.Errorf("waited %v and took %v in %d tries, error %v", r.Waited, r.Took, r.Tries, r.Err)
		}
		rs := lab.FetchAll(t.Context(), []string{"http://a/", "http://b/", "http://c/"}, lab.FetchOptions{Client: client, Concurrency: 1})
		slices.SortFunc(rs, func(a, b lab.Response) int { return int(a.Waited - b.Waited) })
		for i, r := range rs {
			if r.Err != nil || r.Waited != time.Duration(i)*20*ms || r.Took != 20*ms {
				t.Errorf("of three in turn one waited %v and took %v, error %v", r.Waited, r.Took, r.Err)
			}
		}
		short, cancel := context.WithTimeout(t.Context(), 30*ms)
		defer cancel()
		rs = lab.FetchAll(short, []string{"http://a/", "http://b/", "http://c/"}, lab.FetchOptions{Client: client, Concurrency: 1})
		slices.SortFunc(rs, func(a, b lab.Response) int { return b.Tries - a.Tries })
		if last := rs[2]; last.Err != context.DeadlineExceeded || last.Tries != 0 || last.Took != 0 || last.Waited != 30*ms {
			t.Errorf("one whose turn never came: %+v", last)
		}
	})
}
