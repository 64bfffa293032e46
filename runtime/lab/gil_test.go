package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

// compute stands for n milliseconds of bytecode: time passes with the lock held, and there is a Step after each.
func compute(th *lab.GILThread, n int) error {
	for range n {
		time.Sleep(time.Millisecond)
		if err := th.Step(); err != nil {
			return err
		}
	}
	return nil
}

// Whatever the threads do: one holds the lock at a time, computing never overlaps, and waiting outside does.
func TestGILProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		work := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(-20, 20), 1, 5), 1, 5).Draw(rt, "work") // negative: sleep
		interval := time.Duration(rapid.IntRange(1, 8).Draw(rt, "interval")) * time.Millisecond
		synctest.Test(t, func(t *testing.T) {
			g := lab.NewGIL(interval)
			var inside atomic.Int32
			var total time.Duration
			begin := time.Now()
			var tasks []*lab.Task[struct{}]
			for i, parts := range work {
				for _, ms := range parts {
					total += time.Duration(max(0, ms)) * time.Millisecond
				}
				tasks = append(tasks, g.Thread(t.Context(), fmt.Sprint("thread ", i), func(ctx context.Context, th *lab.GILThread) error {
					for _, ms := range parts {
						if ms < 0 {
							if err := th.Sleep(time.Duration(-ms) * time.Millisecond); err != nil {
								return err
							}
							continue
						}
						for range ms {
							if n := inside.Add(1); n != 1 {
								t.Errorf("%d threads compute", n)
							}
							time.Sleep(time.Millisecond)
							inside.Add(-1)
							if err := th.Step(); err != nil {
								return err
							}
						}
					}
					return nil
				}))
			}
			for _, task := range tasks {
				if _, err := task.Await(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if took := time.Since(begin); took < total {
				t.Errorf("%v of computing took %v", total, took)
			}
			var held time.Duration
			s := g.Stats()
			for _, th := range s.Threads {
				held += th.Held
			}
			if held != total || s.Forced > s.Switches {
				t.Errorf("computed %v, held for %v: %v", total, held, s)
			}
		})
	})
}

// Two threads that compute take turns of one interval each, and gain nothing from each other.
func TestGILSwitchInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := lab.NewGIL(0)
		begin := time.Now()
		run := func(ctx context.Context, th *lab.GILThread) error { return compute(th, 50) }
		a, b := g.Thread(t.Context(), "a", run), g.Thread(t.Context(), "b", run)
		endAll([]*lab.Task[struct{}]{a, b})
		s := g.Stats()
		if took := time.Since(begin); took != 100*time.Millisecond {
			t.Errorf("twice 50 ms took %v", took)
		}
		// CPython's rule: a waiter asks after 5 ms, the holder drops at its next step.
		if s.Forced < 15 || s.Forced > 20 {
			t.Errorf("in 100 ms of two threads there were %d forced switches", s.Forced)
		}
		if s.Threads[0].Held != 50*time.Millisecond || s.Threads[1].Held != 50*time.Millisecond {
			t.Errorf("held: %v", s)
		}
	})
}

// Whatever coincides with the end of a context: each thread ends at its next step.
func TestGILContextsEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		interval := time.Duration(rapid.IntRange(1, 6).Draw(rt, "interval")) * time.Millisecond
		ends := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 5).Draw(rt, "ends")
		synctest.Test(t, func(t *testing.T) {
			g := lab.NewGIL(interval)
			begin := time.Now()
			var tasks []*lab.Task[struct{}]
			for i, end := range ends {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(end)*time.Millisecond)
				defer cancel()
				limit := time.Duration(end+1) * time.Millisecond
				tasks = append(tasks, g.Thread(ctx, fmt.Sprint("thread ", i), func(_ context.Context, th *lab.GILThread) error {
					err := compute(th, 1000)
					if took := time.Since(begin); took > limit {
						t.Errorf("a thread whose context ended after %d ms ran until %v", end, took)
					}
					return err
				}))
			}
			for _, task := range tasks {
				if _, err := task.Await(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a thread ended with %v", err)
				}
			}
		})
	})
}

func TestGILBlocking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := lab.NewGIL(0)
		err := g.Run(t.Context(), func(ctx context.Context, th *lab.GILThread) error {
			// A Blocking inside of another has nothing to let go and takes nothing.
			err := th.Blocking(func(context.Context) error {
				if err := th.Blocking(func(context.Context) error { return th.Sleep(time.Millisecond) }); err != nil {
					return err
				}
				_, err := g.Thread(ctx, "inside", func(context.Context, *lab.GILThread) error { return nil }).Await(ctx)
				return err
			})
			if err != nil {
				t.Error(err)
			}
			// A function that recovers from a panic of Blocking holds the lock again.
			func() {
				defer func() { _ = recover() }()
				th.Blocking(func(context.Context) error { panic("outside") })
			}()
			waits := g.Thread(ctx, "waits", func(context.Context, *lab.GILThread) error { return nil })
			time.Sleep(time.Second)
			if waits.State() != lab.Running {
				t.Errorf("another thread ran: it is %v", waits.State())
			}
			wantUsage(t, g.Run(ctx, func(context.Context, *lab.GILThread) error { return nil }), "lab.GIL.Run: called by thread main of this GIL, which holds the lock")
			done := make(chan struct{})
			go func() {
				defer close(done)
				wantUsage(t, th.Blocking(func(context.Context) error { return nil }), "lab.GILThread.Blocking: thread main was used outside of its own function")
				wantUsage(t, th.Sleep(1), "lab.GILThread.Sleep: thread main was used outside of its own function")
			}()
			<-done
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Awaiting another thread lets the lock go, as join does.
func TestGILJoin(t *testing.T) {
	t.Parallel()
	for name, join := range map[string]func(ctx context.Context, ts ...*lab.Task[struct{}]) error{
		"Await": func(ctx context.Context, ts ...*lab.Task[struct{}]) (err error) {
			for _, t := range ts {
				_, e := t.Await(ctx)
				err = errors.Join(err, e)
			}
			return err
		},
		"Wait": func(ctx context.Context, ts ...*lab.Task[struct{}]) error {
			_, _, err := lab.Wait(ctx, lab.AllCompleted, ts...)
			return err
		},
		"Completed": func(ctx context.Context, ts ...*lab.Task[struct{}]) (err error) {
			for _, e := range lab.Completed(ctx, ts...) {
				err = errors.Join(err, e)
			}
			return err
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := lab.NewGIL(0)
			inside := 0
			work := func(_ context.Context, th *lab.GILThread) error {
				if inside++; inside != 1 {
					t.Error("two hold the lock")
				}
				time.Sleep(time.Millisecond)
				inside--
				return th.Step()
			}
			err := g.Run(t.Context(), func(ctx context.Context, th *lab.GILThread) error {
				err := join(ctx, g.Thread(ctx, "a", work), g.Thread(ctx, "b", work))
				return errors.Join(err, work(ctx, th))
			})
			if s := g.Stats(); err != nil || len(s.Threads) != 3 {
				t.Errorf("%s: %v, %v", name, err, s)
			}
		})
	}
}

// The convoy: a thread that waits outside needs a switch interval to come back, each time, while another computes.
func TestGILConvoy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := lab.NewGIL(5 * time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		burner := g.Thread(ctx, "burner", func(ctx context.Context, th *lab.GILThread) error { return compute(th, 1<<30) })
		server := g.Thread(t.Context(), "server", func(ctx context.Context, th *lab.GILThread) error {
			for range 10 {
				if err := th.Blocking(func(ctx context.Context) error { return lab.Sleep(ctx, time.Millisecond) }); err != nil {
					return err
				}
			}
			return nil
		})
		begin := time.Now()
		if _, err := server.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took < 60*time.Millisecond || took > 80*time.Millisecond {
			t.Errorf("ten requests of 1 ms took %v beside a thread that computes", took)
		}
		cancel()
		if _, err := burner.Await(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("the burner ended with %v", err)
		}
	})
}

func TestGILEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := lab.NewGIL(time.Millisecond)
		boom := g.Thread(t.Context(), "boom", func(context.Context, *lab.GILThread) error { panic("boom") })
		_, err := boom.Await(t.Context())
		wantPanic(t, err, "boom", "TestGILEnds")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		alone := g.Run(ctx, func(ctx context.Context, th *lab.GILThread) error { return compute(th, 1000) })
		if alone != context.DeadlineExceeded {
			t.Errorf("a lonely thread whose context ended returned %v", alone)
		}
		if err := g.Run(t.Context(), func(context.Context, *lab.GILThread) error { // the lock was left free
			waiter := g.Thread(t.Context(), "waiter", func(context.Context, *lab.GILThread) error { return nil })
			synctest.Wait()
			waiter.Cancel(nil)
			_, err := waiter.Await(t.Context())
			return err
		}); !errors.Is(err, context.Canceled) {
			t.Errorf("a waiter that was cancelled ended with %v", err)
		}
	})
	g := lab.NewGIL(0)
	wantMisuse(t, func() { lab.NewGIL(-1) }, "lab.NewGIL: interval -1 ns: need zero or more")
	wantMisuse(t, func() { g.Thread(t.Context(), "x", nil) }, "lab.GIL.Thread: nil function")
	wantUsage(t, g.Run(t.Context(), nil), "lab.GIL.Run: nil function")
	wantUsage(t, g.Run(nil, nil), "lab.GIL.Run: nil context: pass ctx, or context.Background()")
	err := g.Run(t.Context(), func(_ context.Context, th *lab.GILThread) error {
		wantUsage(t, th.Sleep(-1), "lab.GILThread.Sleep: duration -1 ns: need zero or more")
		return th.Blocking(nil)
	})
	wantUsage(t, err, "lab.GILThread.Blocking: nil function")
}

func ExampleNewGIL() {
	gil := lab.NewGIL(0)
	n := 0 // two threads count without a lock of their own
	count := func(ctx context.Context, th *lab.GILThread) error {
		for range 1000 {
			n++
			if err := th.Step(); err != nil {
				return err
			}
		}
		return nil
	}
	a, b := gil.Thread(ctx, "a", count), gil.Thread(ctx, "b", count)
	a.Await(ctx)
	b.Await(ctx)
	fmt.Println(n)
	// Output: 2000
}

func ExampleGILThread_Blocking() {
	gil := lab.NewGIL(0)
	begin := time.Now()
	wait := func(ctx context.Context, th *lab.GILThread) error {
		return th.Blocking(func(ctx context.Context) error { return lab.Sleep(ctx, 500*ms) })
	}
	a, b := gil.Thread(ctx, "a", wait), gil.Thread(ctx, "b", wait)
	a.Await(ctx)
	b.Await(ctx)
	fmt.Println(time.Since(begin).Round(500 * ms)) // waiting overlaps, computing does not
	// Output: 500ms
}

func ExampleGIL_Run() {
	gil := lab.NewGIL(0)
	err := gil.Run(ctx, func(ctx context.Context, th *lab.GILThread) error {
		fmt.Println("alone")
		return th.Sleep(ms)
	})
	fmt.Println(err, gil.Stats().Switches)
	// Output:
	// alone
	// <nil> 0
}

func TestGILNames(t *testing.T) {
	t.Parallel()
	gil := lab.NewGIL(0)
	var names []string
	note := func(_ context.Context, th *lab.GILThread) error { names = append(names, th.Name()); return nil }
	lab.Go(t.Context(), func(ctx context.Context) (int, error) { return 0, gil.Run(ctx, note) }, lab.Named("cook")).Await(t.Context())
	gil = lab.NewGIL(0)
	for range 2 {
		if err := gil.Run(t.Context(), note); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"cook", "main", "thread-2"}; !slices.Equal(names, want) {
		t.Errorf("the threads are called %v, want %v", names, want)
	}
}

// Two threads whose contexts end just when the lock changes hands, on real clocks and often: both end.
func TestGILContextsEndInTurns(t *testing.T) {
	t.Parallel()
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	for range rounds {
		g := lab.NewGIL(time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
		run := func(_ context.Context, th *lab.GILThread) error {
			for {
				if err := th.Step(); err != nil {
					return err
				}
			}
		}
		for _, task := range []*lab.Task[struct{}]{g.Thread(ctx, "a", run), g.Thread(ctx, "b", run)} {
			if _, err := task.Await(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("a thread ended with %v", err)
			}
		}
		cancel()
	}
}
