package lab_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

// What users' functions do to the values that call them: they panic, end their goroutine, and call back. Most of it runs in bubbles, where
// a call that waits for ever is an error at once.

// apart calls f on a goroutine of its own and waits for its end, since f may end it.
func apart(f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	<-done
}

// Two values with which the compare function of badQueue panics or ends its goroutine.
const (
	incomparable = -1
	ender        = -2
)

func badQueue(max int) *lab.Queue[int] {
	return lab.NewPriorityQueue(max, func(a, b int) int {
		switch min(a, b) {
		case incomparable:
			panic("cannot compare")
		case ender:
			runtime.Goexit()
		}
		return cmp.Compare(a, b)
	})
}

func TestCompareThatPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		q := badQueue(2)
		q.Put(ctx, 2)
		wantPanic(t, q.Put(ctx, incomparable), "cannot compare", "badQueue")
		func() {
			defer func() { wantPanic(t, recover().(error), "cannot compare", "badQueue") }()
			q.TryPut(incomparable)
		}()
		apart(func() { q.Put(ctx, ender) })
		apart(func() { q.TryPut(ender) })
		if q.Len() != 1 || !q.TryPut(1) {
			t.Errorf("a value that could not be compared is in the queue: %v", q)
		}
		// A Put that waits for room with such a value fails when there is room, and the next Put gets the room.
		var late, next error
		go func() { late = q.Put(ctx, incomparable) }()
		synctest.Wait()
		go func() { next = q.Put(ctx, 3) }()
		synctest.Wait()
		if v, err := q.Get(ctx); v != 1 || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
		synctest.Wait()
		if next != nil || q.Len() != 2 {
			t.Errorf("the next one: %v, %v", next, q)
		}
		wantPanic(t, late, "cannot compare", "badQueue")
		// A Get whose goroutine ends in a comparison takes no value along.
		ended, cancel := context.WithCancel(ctx)
		go q.Put(ended, ender)
		synctest.Wait()
		apart(func() { q.Get(ctx) })
		cancel()
		synctest.Wait()
		for _, want := range []int{2, 3} {
			if v, ok := q.TryGet(); v != want || !ok {
				t.Errorf("got %d, %v, want %d", v, ok, want)
			}
		}
	})
}

// Whichever comparison panics: the queue holds the same values as before or the call has done its work, and gives them in order.
func TestCompareThatPanicsAnywhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		left := -1 // comparisons until one panics
		q := lab.NewPriorityQueue(0, func(a, b int) int {
			if left--; left == 0 {
				panic("now")
			}
			return cmp.Compare(a, b)
		})
		var model []int
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			left = rapid.IntRange(-1, 6).Draw(rt, "panics after")
			x := rapid.IntRange(0, 20).Draw(rt, "x")
			if rapid.Bool().Draw(rt, "put") || len(model) == 0 {
				if q.Put(t.Context(), x) == nil {
					model = append(model, x)
					slices.Sort(model)
				}
			} else if v, err := q.Get(t.Context()); err == nil {
				if v != model[0] {
					rt.Fatalf("got %d, want %d", v, model[0])
				}
				model = model[1:]
			}
			if q.Len() != len(model) {
				rt.Fatalf("%d values, want %d", q.Len(), len(model))
			}
		}
		left = -1
		for _, want := range model {
			if v, ok := q.TryGet(); v != want || !ok {
				rt.Fatalf("got %d, %v, want %d", v, ok, want)
			}
		}
	})
}

func TestCompareThatCallsBack(t *testing.T) {
	t.Parallel()
	var q *lab.Queue[int]
	var call func()
	q = lab.NewPriorityQueue(0, func(a, b int) int { call(); return cmp.Compare(a, b) })
	call = func() {}
	q.Put(ctx, 1)
	said := ""
	call = func() { said = fmt.Sprint(q.Len(), q.Cap(), q) }
	if err := q.Put(ctx, 2); err != nil || said != "1 0 priority queue: 1 waiting" {
		t.Errorf("the queue is %q to its compare function, error %v", said, err)
	}
	for name, f := range map[string]func(){
		"Put":      func() { q.Put(ctx, 3) },
		"TryPut":   func() { q.TryPut(3) },
		"Get":      func() { q.Get(ctx) },
		"TryGet":   func() { q.TryGet() },
		"Join":     func() { q.Join(ctx) },
		"TaskDone": func() { q.TaskDone() },
		"Shutdown": func() { q.Shutdown(true) },
	} {
		call = f
		u := (*lab.UsageError)(nil)
		want := "lab.Queue." + name + ": called by the queue's compare function, which must only look at its two values"
		if err := q.Put(ctx, 0); !errors.As(err, &u) || u.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	call = func() {}
	if q.Len() != 2 {
		t.Errorf("%v", q)
	}
}

// An action may ask its barrier anything, and end it.
func TestBarrierActionCallsBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		action func(b *lab.Barrier)
		last   func(error) bool
		others error
		broken bool
	}{
		"asks": {func(b *lab.Barrier) {
			if s := fmt.Sprint(b.Waiting(), b.Parties(), b.Broken(), b, b.Stats().Waiting); s != "3 3 false barrier, 3 of 3 waiting 2" {
				panic(s)
			}
		}, func(err error) bool { return err == nil }, nil, false},
		"aborts": {(*lab.Barrier).Abort, func(err error) bool { return err == lab.ErrBrokenBarrier }, lab.ErrBrokenBarrier, true},
		"resets": {(*lab.Barrier).Reset, func(err error) bool { return err == lab.ErrBrokenBarrier }, lab.ErrBrokenBarrier, false},
		"panics": {func(*lab.Barrier) { panic(errBoom) }, func(err error) bool { return errors.Is(err, errBoom) }, lab.ErrBrokenBarrier, true},
		"exits":  {func(*lab.Barrier) { runtime.Goexit() }, func(err error) bool { return err == nil }, lab.ErrBrokenBarrier, true},
		"waits": {func(b *lab.Barrier) {
			_, err := b.Wait(context.Background())
			panic(err)
		}, func(err error) bool {
			u := (*lab.UsageError)(nil)
			return errors.As(err, &u) && u.Error() == "lab.Barrier.Wait: called by the barrier's own action, which would wait for itself"
		}, lab.ErrBrokenBarrier, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var b *lab.Barrier
			b = lab.NewBarrier(3, func() { c.action(b) })
			errs := make([]error, 3)
			for i := range errs {
				go func() { _, errs[i] = b.Wait(t.Context()) }()
				synctest.Wait()
			}
			if errs[0] != c.others || errs[1] != c.others || !c.last(errs[2]) || b.Broken() != c.broken {
				t.Errorf("%s: the parties got %v, broken %v", name, errs, b.Broken())
			}
		})
	}
}

var errBoom = errors.New("boom")

// A party that comes while the action runs belongs to the next round; one that gives up breaks the round that counts on it.
func TestBarrierActionTakesTime(t *testing.T) {
	t.Parallel()
	for _, gives := range []string{"nobody", "a member", "a newcomer"} {
		synctest.Test(t, func(t *testing.T) {
			var acting atomic.Int32
			b := lab.NewBarrier(2, func() {
				if acting.Add(1) != 1 {
					t.Error("two actions at once")
				}
				time.Sleep(time.Minute)
				acting.Add(-1)
			})
			errs := make([]error, 4)
			var wg sync.WaitGroup
			for i := range errs {
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if gives == "a member" && i == 0 || gives == "a newcomer" && i == 2 {
					ctx, cancel = context.WithTimeout(ctx, time.Second)
				}
				wg.Go(func() { _, errs[i] = b.Wait(ctx); cancel() })
				synctest.Wait()
			}
			wg.Wait()
			want := map[string]string{
				"nobody":     "[<nil> <nil> <nil> <nil>]",
				"a member":   "[context deadline exceeded the barrier is broken the barrier is broken the barrier is broken]",
				"a newcomer": "[<nil> <nil> context deadline exceeded the barrier is broken]",
			}[gives]
			if got := fmt.Sprint(errs); got != want {
				t.Errorf("%s gives up: %s, want %s", gives, got, want)
			}
		})
	}
}

// Members of a full group that start others do not wait for each other, and the bound is kept.
func TestGroupMembersStartOthers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 4).Draw(rt, "limit")
		depth := rapid.IntRange(1, 5).Draw(rt, "depth")
		children := rapid.IntRange(1, 3).Draw(rt, "children")
		synctest.Test(t, func(t *testing.T) {
			g := lab.NewGroup(t.Context(), lab.Limit(limit))
			var running, ran atomic.Int32
			inside := func() {
				if n := running.Add(1); n > int32(limit) {
					t.Errorf("%d run at once, the limit is %d", n, limit)
				}
				time.Sleep(time.Millisecond)
				running.Add(-1)
			}
			var visit func(depth int) func(context.Context) error
			visit = func(depth int) func(context.Context) error {
				return func(context.Context) error {
					ran.Add(1)
					inside()
					for range children {
						if depth > 1 {
							g.Go(visit(depth - 1))
							inside()
						}
					}
					return nil
				}
			}
			g.Go(visit(depth))
			want := 0
			for n, d := 1, 0; d < depth; d, n = d+1, n*children {
				want += n
			}
			if err := g.Wait(); err != nil || int(ran.Load()) != want {
				t.Errorf("%d ran, want %d, error %v", ran.Load(), want, err)
			}
		})
	})
}

func TestGroupGoHeedsItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g := lab.NewGroup(ctx, lab.Limit(1))
		begin := time.Now()
		g.Go(func(context.Context) error { time.Sleep(time.Hour); return nil }) // ignores its context
		g.Go(func(context.Context) error { t.Error("called after the end"); return nil })
		if took := time.Since(begin); took != time.Second {
			t.Errorf("Go waited for %v", took)
		}
		if err := g.Wait(); err != context.DeadlineExceeded || time.Since(begin) != time.Hour {
			t.Errorf("the group ended with %v after %v", err, time.Since(begin))
		}
		// A member that has given its place away continues when the group ends.
		own := errors.New("own")
		ctx, cancel = context.WithTimeoutCause(t.Context(), time.Second, own)
		defer cancel()
		g = lab.NewGroup(ctx, lab.Limit(1))
		g.Go(func(context.Context) error {
			begin := time.Now()
			g.Go(func(ctx context.Context) error { time.Sleep(time.Hour); return nil })
			g.Go(func(context.Context) error { t.Error("called after the end"); return nil })
			if took := time.Since(begin); took != time.Second {
				t.Errorf("Go waited for %v", took)
			}
			return nil
		})
		if err := g.Wait(); !errors.Is(err, own) {
			t.Errorf("the group ended with %v", err)
		}
	})
}

func TestGroupWaitsForItself(t *testing.T) {
	t.Parallel()
	g := lab.NewGroup(t.Context())
	inner := lab.NewGroup(t.Context(), lab.Limit(1))
	g.Go(func(context.Context) error {
		inner.Go(func(context.Context) error { return nil }) // a group of a member's own is another one
		return errors.Join(inner.Wait(), g.Wait())
	})
	wantUsage(t, g.Wait(), "lab.Group.Wait: called by a function of the group, which would wait for itself: call it where the group was made")
}

// A callback may end its goroutine: the task's, never the one that cancels. The task ends all the same, and the others are called.
func TestOnDoneExits(t *testing.T) {
	t.Parallel()
	pool := lab.NewPool(1)
	stop := make(chan struct{})
	block := func(ctx context.Context) (int, error) { <-stop; return 1, nil }
	for name, start := range map[string]func(ctx context.Context) *lab.Task[int]{
		"Go":     func(ctx context.Context) *lab.Task[int] { return lab.Go(ctx, block) },
		"Submit": func(ctx context.Context) *lab.Task[int] { return lab.Submit(ctx, pool, block) },
		"After":  func(ctx context.Context) *lab.Task[int] { return lab.After(ctx, time.Millisecond, block) },
		"pending": func(ctx context.Context) *lab.Task[int] {
			return lab.After(ctx, time.Hour, block)
		},
	} {
		stop = make(chan struct{})
		var heard []string
		err := lab.Run(t.Context(), func(ctx context.Context) error {
			task := start(ctx)
			for i := range 3 {
				task.OnDone(func(*lab.Task[int]) {
					heard = append(heard, fmt.Sprint(i))
					runtime.Goexit()
				})
			}
			close(stop)
			if name == "pending" {
				task.Cancel(errBoom)
				heard = append(heard, "and on")
			}
			_, err := task.Await(ctx)
			return err
		})
		want := "0 1 2"
		if name == "pending" {
			want = "0 1 2 and on"
		}
		if got := strings.Join(heard, " "); got != want || (name == "pending") != errors.Is(err, errBoom) {
			t.Errorf("%s: called %s, error %v", name, got, err)
		}
	}
	stop = make(chan struct{})
	begun := make(chan struct{})
	busy := lab.Submit(t.Context(), pool, func(ctx context.Context) (int, error) { close(begun); return block(ctx) })
	<-begun
	last := lab.Submit(t.Context(), pool, block)
	last.OnDone(func(*lab.Task[int]) { runtime.Goexit() })
	go func() { close(stop) }()
	if err := pool.Shutdown(t.Context(), true); err != nil {
		t.Error(err)
	}
	if v, err := busy.Await(t.Context()); v != 1 || err != nil {
		t.Errorf("the job at work: %v, %v", v, err)
	}
}

// What is called for panics and tasks may do anything, too.
func TestHooksMisbehave(t *testing.T) {
	heard := 0
	defer lab.OnPanic(func(*lab.PanicError) { heard++; runtime.Goexit() })()
	defer lab.OnPanic(func(*lab.PanicError) { heard++; panic("the hook too (this line of the test's output is wanted)") })()
	defer lab.OnPanic(func(*lab.PanicError) { heard++ })()
	boom := func(context.Context) (int, error) { panic("boom") }
	_, err := lab.Go(ctx, boom).Await(ctx)
	wantPanic(t, err, "boom", "TestHooksMisbehave")
	_, err = lab.Gather(ctx, boom)
	wantPanic(t, err, "boom", "TestHooksMisbehave")
	g := lab.NewGroup(ctx)
	g.Go(func(context.Context) error { panic("boom") })
	wantPanic(t, g.Wait(), "boom", "TestHooksMisbehave")
	_, err = lab.NewFlight(func(context.Context, int) (int, error) { panic("boom") }).Get(ctx, 1)
	wantPanic(t, err, "boom", "TestHooksMisbehave")
	err = lab.NewLoop().Run(ctx, func(*lab.Coro) error { panic("boom") })
	wantPanic(t, err, "boom", "TestHooksMisbehave")
	if heard != 15 {
		t.Errorf("%d calls, want 15", heard)
	}
	var states []lab.State
	remove := lab.OnTask(func(i lab.TaskInfo) { states = append(states, i.State); runtime.Goexit() })
	_, err = lab.Go(ctx, trivial).Await(ctx)
	remove()
	if err != lab.ErrGoexit || !slices.Equal(states, []lab.State{lab.Running, lab.Panicked}) {
		t.Errorf("a hook that exits: %v, %v", err, states)
	}
}

// A task may not wait for itself, whatever the context.
func TestTaskWaitsForItself(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	var task *lab.Task[int]
	task = lab.Go(t.Context(), func(context.Context) (int, error) {
		<-gate
		bg := context.Background()
		_, err := task.Await(bg)
		wantUsage(t, err, "lab.Task.Await: it waits for itself")
		_, err = lab.Shield(bg, task)
		wantUsage(t, err, "lab.Shield: it waits for itself")
		_, _, err = lab.Wait(bg, lab.AllCompleted, task)
		wantUsage(t, err, "lab.Wait: it waits for itself")
		_, _, err = lab.WaitTasks(bg, lab.AllCompleted, task)
		wantUsage(t, err, "lab.WaitTasks: it waits for itself")
		wantMisuse(t, func() {
			for range lab.Completed(bg, task) {
			}
		}, "lab.Completed: it waits for itself")
		return 1, nil
	}, lab.Named("it"))
	close(gate)
	if v, err := task.Await(t.Context()); v != 1 || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
}

// A job may wait for jobs of its own pool in any way and at any depth; at most the size of the pool are at work at a time.
func TestJobsAwaitJobs(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(ctx context.Context, ts []*lab.Task[int]) error{
		"Await": func(ctx context.Context, ts []*lab.Task[int]) (err error) {
			for _, t := range ts {
				_, e := t.Await(ctx)
				err = errors.Join(err, e)
			}
			return err
		},
		"Await with another context": func(_ context.Context, ts []*lab.Task[int]) (err error) {
			for _, t := range slices.Backward(ts) {
				_, e := t.Await(context.Background())
				err = errors.Join(err, e)
			}
			return err
		},
		"Shield": func(ctx context.Context, ts []*lab.Task[int]) (err error) {
			for _, t := range ts {
				_, e := lab.Shield(ctx, t)
				err = errors.Join(err, e)
			}
			return err
		},
		"Wait": func(ctx context.Context, ts []*lab.Task[int]) error {
			_, pending, err := lab.Wait(ctx, lab.AllCompleted, ts...)
			if len(pending) > 0 {
				return errBoom
			}
			return err
		},
		"Completed": func(ctx context.Context, ts []*lab.Task[int]) (err error) {
			for _, e := range lab.Completed(ctx, ts...) {
				err = errors.Join(err, e)
			}
			return err
		},
		"CompletedChan": func(ctx context.Context, ts []*lab.Task[int]) (err error) {
			for r := range lab.CompletedChan(ctx, ts...) {
				err = errors.Join(err, r.Err)
			}
			return err
		},
		"Gather of Await": func(ctx context.Context, ts []*lab.Task[int]) error {
			return lab.Each(ctx, len(ts), func(ctx context.Context, i int) error {
				_, err := ts[i].Await(ctx)
				return err
			})
		},
		"Go that awaits": func(ctx context.Context, ts []*lab.Task[int]) error {
			_, err := lab.Go(ctx, func(ctx context.Context) (int, error) {
				_, _, err := lab.Wait(ctx, lab.AllCompleted, ts...)
				return 0, err
			}).Await(ctx)
			return err
		},
	} {
		for size := 1; size <= 3; size++ {
			synctest.Test(t, func(t *testing.T) {
				pool := lab.NewPool(size)
				var working, ran atomic.Int32
				work := func() {
					if n := working.Add(1); n > int32(size) {
						t.Errorf("%s: %d at work in a pool of %d", name, n, size)
					}
					time.Sleep(time.Millisecond)
					working.Add(-1)
				}
				var job func(depth int) func(context.Context) (int, error)
				job = func(depth int) func(context.Context) (int, error) {
					return func(ctx context.Context) (int, error) {
						ran.Add(1)
						work()
						if depth == 0 {
							return 0, nil
						}
						ts := make([]*lab.Task[int], 3)
						for i := range ts {
							ts[i] = lab.Submit(ctx, pool, job(depth-1))
						}
						err := wait(ctx, ts)
						work()
						return 0, err
					}
				}
				if _, err := lab.Submit(t.Context(), pool, job(3)).Await(t.Context()); err != nil {
					t.Errorf("%s, size %d: %v", name, size, err)
				}
				if err := pool.Close(); err != nil {
					t.Error(err)
				}
				if s := pool.Stats(); s.Done != 40 || ran.Load() != 40 || s.Running != 0 || s.Waiting != 0 || s.Failed != 0 {
					t.Errorf("%s, size %d: %d ran, %v", name, size, ran.Load(), s)
				}
			})
		}
	}
}

func TestJobShutsItsPoolDown(t *testing.T) {
	t.Parallel()
	outer, inner := lab.NewPool(1), lab.NewPool(1)
	text := ": called by a job of this pool, which would wait for itself: call it outside of the pool's jobs, or as go pool.Close()"
	_, err := lab.Submit(t.Context(), outer, func(ctx context.Context) (int, error) {
		wantUsage(t, outer.Close(), "lab.Pool.Close"+text)
		wantUsage(t, outer.Shutdown(ctx, true), "lab.Pool.Shutdown"+text)
		lab.Each(ctx, 1, func(ctx context.Context, _ int) error {
			wantUsage(t, outer.Shutdown(ctx, false), "lab.Pool.Shutdown"+text)
			return nil
		})
		if _, err := lab.Submit(ctx, inner, trivial).Await(ctx); err != nil {
			t.Error(err)
		}
		go outer.Close()
		return 0, inner.Close() // a pool of the job's own is another one
	}).Await(t.Context())
	if err != nil {
		t.Error(err)
	}
	if err := outer.Close(); err != nil {
		t.Error(err)
	}
	// A lent place is given back: a job that runs in it counts until it has ended.
	synctest.Test(t, func(t *testing.T) {
		pool := lab.NewPool(1)
		var child *lab.Task[int]
		lab.Submit(t.Context(), pool, func(ctx context.Context) (int, error) {
			child = lab.Submit(context.Background(), pool, func(context.Context) (int, error) { time.Sleep(time.Hour); return 1, nil })
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return lab.Shield(short, child)
		}).Await(t.Context())
		if err := pool.Close(); err != nil || child.State() != lab.Succeeded {
			t.Errorf("closed with %v while the job in a lent place was %v", err, child.State())
		}
	})
}

// Map is done when its items are, whatever else keeps the workers busy.
func TestMapDoesNotWaitForBusyWorkers(t *testing.T) {
	t.Parallel()
	for _, opt := range []lab.MapOption{lab.Dynamic(), lab.Static(), lab.Chunk(1)} {
		synctest.Test(t, func(t *testing.T) {
			pool := lab.NewPool(2)
			lab.Submit(t.Context(), pool, func(ctx context.Context) (int, error) { return 0, lab.Sleep(ctx, time.Hour) })
			begin := time.Now()
			out, err := lab.Map(t.Context(), pool, []int{1, 2, 3}, func(ctx context.Context, x int) (int, error) { return x * x, lab.Sleep(ctx, time.Second) }, opt)
			if took := time.Since(begin); err != nil || !slices.Equal(out, []int{1, 4, 9}) || took > 3*time.Second {
				t.Errorf("got %v, %v after %v", out, err, took)
			}
			pool.Close()
		})
	}
}

// A loop task that takes no notice of its cancellation does not stop the others.
func TestLoopTaskSleepsOn(t *testing.T) {
	t.Parallel()
	for name, await := range map[string]func(co, other *lab.Coro, task *lab.LoopTask[int]){
		"Sleep": func(co, _ *lab.Coro, _ *lab.LoopTask[int]) { co.Sleep(time.Second) },
		"Yield": func(co, _ *lab.Coro, _ *lab.LoopTask[int]) { co.Yield() },
		"Await outside": func(co, _ *lab.Coro, _ *lab.LoopTask[int]) {
			co.Await(func(context.Context) error { return nil })
		},
		"Await a task": func(co, _ *lab.Coro, task *lab.LoopTask[int]) { task.Await(co) },
		"LoopGather": func(co, _ *lab.Coro, _ *lab.LoopTask[int]) {
			lab.LoopGather(co, func(co *lab.Coro) (int, error) { return 0, nil })
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			err := lab.NewLoop().Run(t.Context(), func(co *lab.Coro) error {
				stop := false
				sleeper := lab.LoopGo(co, "sleeper", func(co *lab.Coro) (int, error) {
					return 0, co.Await(func(context.Context) error { time.Sleep(time.Minute); return nil })
				})
				stubborn := lab.LoopGo(co, "stubborn", func(co *lab.Coro) (int, error) {
					for !stop {
						await(co, nil, sleeper)
					}
					return 7, nil
				})
				co.Yield()
				stubborn.Cancel(nil)
				for range 10 {
					co.Yield()
				}
				stop = true
				v, err := stubborn.Await(co)
				if v != 7 {
					t.Errorf("%s: the task returned %d", name, v)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// A task can be cancelled from anywhere.
func TestLoopTaskIsCancelledFromOutside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		lab.NewLoop().Run(t.Context(), func(co *lab.Coro) error {
			task := lab.LoopGo(co, "sleeper", func(co *lab.Coro) (int, error) { return 0, co.Sleep(time.Hour) })
			time.AfterFunc(time.Second, func() { task.Cancel(errBoom) })
			if _, err := task.Await(co); !errors.Is(err, errBoom) || !task.Done() || time.Since(begin) != time.Second {
				t.Errorf("got %v after %v", err, time.Since(begin))
			}
			return nil
		})
	})
	var wg sync.WaitGroup
	err := lab.NewLoop().Run(t.Context(), func(co *lab.Coro) error {
		tasks := make([]*lab.LoopTask[int], 50)
		for i := range tasks {
			tasks[i] = lab.LoopGo(co, "t", func(co *lab.Coro) (int, error) {
				for {
					if err := co.Sleep(time.Microsecond); err != nil {
						return i, nil
					}
				}
			})
		}
		wg.Go(func() {
			for _, task := range tasks {
				task.Cancel(nil)
				runtime.Gosched()
			}
		})
		for i, task := range tasks {
			if v, err := task.Await(co); err != nil && !errors.Is(err, context.Canceled) || err == nil && v != i {
				return err
			}
		}
		return nil
	})
	wg.Wait()
	if err != nil {
		t.Error(err)
	}
}

func TestOnSlowMisbehaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var victim *lab.LoopTask[int]
		calls := 0
		l := &lab.Loop{SlowAfter: time.Second}
		l.OnSlow = func(lab.SlowTurn) {
			_ = l.Stats()
			switch calls++; calls {
			case 1:
				victim.Cancel(errBoom)
				runtime.Goexit()
			case 2:
				panic("slow")
			}
		}
		err := l.Run(t.Context(), func(co *lab.Coro) error {
			victim = lab.LoopGo(co, "victim", func(co *lab.Coro) (int, error) { return 0, co.Sleep(time.Hour) })
			co.Yield()
			time.Sleep(time.Minute)
			co.Yield()
			time.Sleep(time.Minute)
			_, err := victim.Await(co)
			return err
		})
		if !errors.Is(err, errBoom) || calls != 2 {
			t.Errorf("%d calls, the victim ended with %v", calls, err)
		}
	})
}

func TestFlightAsksItself(t *testing.T) {
	t.Parallel()
	var f *lab.Flight[int, int]
	f = lab.NewFlight(func(ctx context.Context, n int) (int, error) {
		switch n {
		case 0:
			return f.Get(ctx, 1)
		case 1:
			return f.Get(ctx, 0)
		case 2:
			return f.Get(context.Background(), 2)
		case 3:
			v, err := lab.Gather(ctx, func(ctx context.Context) (int, error) { return f.Get(ctx, 3) })
			return len(v), err
		}
		v, err := f.Get(ctx, n-1)
		return v + 1, err
	})
	for n := range 4 {
		_, err := f.Get(t.Context(), n)
		wantUsage(t, err, fmt.Sprintf("lab.Flight.Get: the function asks for the key that it is called for (%d), and would wait for itself", n))
	}
	fib := lab.NewMemo(func(ctx context.Context, n int) (int, error) { return n, nil })
	f = lab.NewMemo(func(ctx context.Context, n int) (int, error) {
		if n < 2 {
			return fib.Get(ctx, n)
		}
		a, err := f.Get(ctx, n-1)
		if err != nil {
			return 0, err
		}
		b, err := f.Get(ctx, n-2)
		return a + b, err
	})
	if v, err := f.Get(t.Context(), 30); v != 832040 || err != nil {
		t.Errorf("fib(30) = %d, %v", v, err)
	}
}

// A Publish heeds its context while another one waits for a subscriber, and Close ends both.
func TestPublishHeedsItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := lab.NewBroadcast[int](lab.Block)
		b.Subscribe(0) // never reads
		var first error
		go func() { first = b.Publish(t.Context(), 1) }()
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Publish(short, 2); err != context.DeadlineExceeded {
			t.Errorf("the second Publish: %v", err)
		}
		b.Close()
		b.Close()
		synctest.Wait()
		if err := b.Publish(t.Context(), 3); !errors.Is(first, lab.ErrClosed) || !errors.Is(err, lab.ErrClosed) {
			t.Errorf("after Close: %v, %v", first, err)
		}
	})
}

func TestLatencyPanics(t *testing.T) {
	t.Parallel()
	s, err := lab.NewTestServer(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	calls := 0
	s, err = lab.NewTestServer(func(*rand.Rand) time.Duration {
		switch calls++; calls {
		case 1:
			panic("no latency")
		case 2:
			runtime.Goexit()
		case 3:
			_ = s.Stats()
		}
		return 0
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	once := lab.FetchOptions{Retry: lab.Backoff{Attempts: 1}}
	if r := lab.Fetch(t.Context(), s.URL("a"), once); r.Status != 500 || r.Err == nil {
		t.Errorf("a latency that panics: %v", r)
	}
	if r := lab.Fetch(t.Context(), s.URL("a"), once); r.Err == nil {
		t.Errorf("a latency that exits: %v", r)
	}
	if r := lab.Fetch(t.Context(), s.URL("a"), once); r.Err != nil {
		t.Errorf("after that: %v", r)
	}
}

func TestRetryConditionPanics(t *testing.T) {
	t.Parallel()
	_, err := lab.Retry(t.Context(), lab.Backoff{If: func(error) bool { panic("if") }}, func(context.Context) (int, error) { return 0, errBoom })
	wantPanic(t, err, "if", "TestRetryConditionPanics")
}

func TestPipelineNeedsNoLimit(t *testing.T) {
	t.Parallel()
	g := lab.NewGroup(t.Context(), lab.Limit(2))
	defer g.Wait()
	const text = ": the group runs at most 2 at a time, but stages wait for each other: make it without lab.Limit"
	in := make(chan int)
	id := func(_ context.Context, x int) (int, error) { return x, nil }
	wantMisuse(t, func() { lab.Source(g, slices.Values([]int{1})) }, "lab.Source"+text)
	wantMisuse(t, func() { lab.Stage(g, in, 1, id) }, "lab.Stage"+text)
	wantMisuse(t, func() { lab.OrderedStage(g, in, 1, id) }, "lab.OrderedStage"+text)
	wantMisuse(t, func() { lab.Tee(g, in, 2) }, "lab.Tee"+text)
}
