package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

// Tasks take turns in a known order: by the time at which they may go on, then by who waited first; and never two at once.
func TestLoopProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		naps := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 5), 1, 5), 1, 6).Draw(rt, "naps")
		synctest.Test(t, func(t *testing.T) {
			var running atomic.Int32
			var log []string
			begin := time.Now()
			err := lab.NewLoop().Run(t.Context(), func(co *lab.Coro) error {
				fns := make([]func(*lab.Coro) (int, error), len(naps))
				for i := range naps {
					fns[i] = func(co *lab.Coro) (int, error) {
						for _, s := range naps[i] {
							if running.Add(1) != 1 {
								t.Error("two run at once")
							}
							running.Add(-1)
							var err error
							if s == 5 { // outside of the loop
								err = co.Await(func(ctx context.Context) error { return lab.Sleep(ctx, 5*time.Second+time.Duration(i)) })
							} else {
								err = co.Sleep(time.Duration(s) * time.Second)
							}
							if err != nil {
								return 0, err
							}
							log = append(log, fmt.Sprintf("%03d", int(time.Since(begin).Seconds())))
						}
						return i * i, nil
					}
				}
				values, err := lab.LoopGather(co, fns...)
				for i, v := range values {
					if v != i*i {
						t.Errorf("result %d is %d", i, v)
					}
				}
				return err
			})
			longest := 0
			for _, ns := range naps {
				sum := 0
				for _, s := range ns {
					sum += s
				}
				longest = max(longest, sum)
			}
			if took := int(time.Since(begin).Seconds()); err != nil || took != longest || !slices.IsSorted(log) {
				t.Errorf("took %d s, want %d; error %v; log %v", took, longest, err, log)
			}
		})
	})
}

func TestLoopOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log []string
		say := func(name string, d time.Duration) func(*lab.Coro) (int, error) {
			return func(co *lab.Coro) (int, error) {
				for i := range 2 {
					log = append(log, fmt.Sprint(name, i))
					if err := co.Sleep(d); err != nil {
						return 0, err
					}
				}
				return 0, nil
			}
		}
		err := lab.NewLoop().Run(t.Context(), func(co *lab.Coro) error {
			_, err := lab.LoopGather(co, say("a", 0), say("b", time.Second), say("c", 0), say("d", time.Second))
			return err
		})
		if got := strings.Join(log, " "); err != nil || got != "a0 b0 c0 d0 a1 c1 b1 d1" {
			t.Errorf("the order was %s, error %v", got, err)
		}
	})
}

// A task that waits in a way the loop does not know of stops the others, and is named.
func TestLoopReportsBlocking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var heard []lab.SlowTurn
		l := &lab.Loop{SlowAfter: time.Second, OnSlow: func(s lab.SlowTurn) { heard = append(heard, s) }}
		var late time.Duration
		err := l.Run(t.Context(), func(co *lab.Coro) error {
			rude := lab.LoopGo(co, "rude", func(co *lab.Coro) (int, error) {
				time.Sleep(3 * time.Second)
				if err := co.Yield(); err != nil {
					return 0, err
				}
				time.Sleep(2 * time.Second)
				return 1, nil
			})
			begin := time.Now()
			if err := co.Sleep(time.Second); err != nil {
				return err
			}
			late = time.Since(begin)
			_, err := rude.Await(co)
			return err
		})
		s := l.Stats()
		if err != nil || late != 5*time.Second || len(s.Slow) != 2 || !slices.Equal(s.Slow, heard) || s.Busy != 5*time.Second {
			t.Fatalf("error %v, late %v, stats %+v, heard %v", err, late, s, heard)
		}
		if text := s.Slow[0].String(); !strings.HasPrefix(text, "rude blocked the loop for 3 s before the await at ") || !strings.Contains(text, "loop_test.go:") {
			t.Errorf("the report reads %q", text)
		}
		if text := s.Slow[1].String(); text != "rude blocked the loop for 2 s before it returned" {
			t.Errorf("the report reads %q", text)
		}
	})
}

// However main ends, nothing is left, and the others were told why.
func TestLoopEnds(t *testing.T) {
	t.Parallel()
	own := errors.New("own")
	for name, c := range map[string]struct {
		end  func(co *lab.Coro) error
		want func(error) bool
	}{
		"returns": {func(*lab.Coro) error { return nil }, func(err error) bool { return err == nil }},
		"fails":   {func(*lab.Coro) error { return own }, func(err error) bool { return err == own }},
		"exits":   {func(*lab.Coro) error { runtime.Goexit(); return nil }, func(err error) bool { return err == lab.ErrGoexit }},
		"panics": {func(*lab.Coro) error { panic(own) }, func(err error) bool {
			var p *lab.PanicError
			return errors.As(err, &p) && p.Value == own && strings.Contains(p.Spawn, "loop_test.go:")
		}},
		"gathers a panic": {func(co *lab.Coro) error {
			_, err := lab.LoopGather(co, func(co *lab.Coro) (int, error) { return 0, co.Sleep(time.Hour) }, func(*lab.Coro) (int, error) { panic(own) })
			return err
		}, func(err error) bool { return errors.Is(err, own) }},
		"is late": {func(co *lab.Coro) error { return co.Sleep(time.Hour) }, func(err error) bool { return err == context.DeadlineExceeded }},
		"awaits outside for ever": {func(co *lab.Coro) error {
			return co.Await(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		}, func(err error) bool { return err == context.DeadlineExceeded }},
		"awaits a panic": {func(co *lab.Coro) error { return co.Await(func(context.Context) error { panic(own) }) }, func(err error) bool {
			var p *lab.PanicError
			return errors.As(err, &p) && p.Value == own
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var told, outside error
			err := lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
				lab.LoopGo(co, "sleeper", func(co *lab.Coro) (int, error) {
					told = co.Sleep(time.Hour)
					lab.LoopGo(co, "too late", func(*lab.Coro) (int, error) { t.Error("a task began after the end"); return 0, nil })
					return 0, told
				})
				lab.LoopGo(co, "stubborn", func(co *lab.Coro) (int, error) {
					return 0, co.Await(func(ctx context.Context) error { time.Sleep(2 * time.Hour); outside = ctx.Err(); return nil })
				})
				if err := co.Yield(); err != nil {
					return err
				}
				return c.end(co)
			})
			if !c.want(err) || told == nil || outside == nil {
				t.Errorf("%s: got %v, the others %v and %v", name, err, told, outside)
			}
		})
	}
}

func TestLoopDeadlock(t *testing.T) {
	t.Parallel()
	err := lab.NewLoop().Run(t.Context(), func(co *lab.Coro) error {
		var a, b *lab.LoopTask[int]
		a = lab.LoopGo(co, "a", func(co *lab.Coro) (int, error) { return b.Await(co) })
		b = lab.LoopGo(co, "b", func(co *lab.Coro) (int, error) { return a.Await(co) })
		_, err := a.Await(co)
		return err
	})
	if !errors.Is(err, lab.ErrLoopDeadlock) || !strings.HasSuffix(err.Error(), "deadlock: every task of the loop waits for another: main, a, b") {
		t.Errorf("got %v", err)
	}
}

func TestLoopCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		own := errors.New("own")
		err := lab.NewLoop().Run(t.Context(), func(co *lab.Coro) error {
			inner := lab.LoopGo(co, "inner", func(co *lab.Coro) (int, error) { return 0, co.Sleep(time.Hour) })
			outer := lab.LoopGo(co, "outer", func(co *lab.Coro) (int, error) { return inner.Await(co) })
			never := lab.LoopGo(co, "never", func(*lab.Coro) (int, error) { t.Error("began"); return 0, nil })
			never.Cancel(own)
			if err := co.Sleep(time.Second); err != nil {
				return err
			}
			outer.Cancel(own)
			for _, task := range []*lab.LoopTask[int]{outer, inner, never} { // cancelling goes through the await
				if _, err := task.Await(co); !errors.Is(err, own) || !errors.Is(err, context.Canceled) || !task.Done() {
					t.Errorf("%s ended with %v", task.Name(), err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestLoopMisuse(t *testing.T) {
	t.Parallel()
	l := lab.NewLoop()
	wantUsage(t, l.Run(nil, func(*lab.Coro) error { return nil }), "lab.Loop.Run: nil context: pass ctx, or context.Background()")
	wantUsage(t, l.Run(t.Context(), nil), "lab.Loop.Run: nil function")
	wantUsage(t, (&lab.Loop{SlowAfter: -1}).Run(t.Context(), func(*lab.Coro) error { return nil }), "lab.Loop.Run: SlowAfter -1 ns: need zero or more")
	var kept *lab.Coro
	if err := l.Run(t.Context(), func(co *lab.Coro) error {
		kept = co
		if err := co.Sleep(-1); err != nil {
			t.Error(err)
		}
		wantUsage(t, co.Await(nil), "lab.Coro.Await: nil function")
		wantMisuse(t, func() { lab.LoopGo[int](co, "x", nil) }, "lab.LoopGo: nil function")
		_, err := lab.LoopGather[int](co, nil)
		wantUsage(t, err, "lab.LoopGather: function 0 of 1 is nil")
		var self *lab.LoopTask[int]
		self = lab.LoopGo(co, "self", func(co *lab.Coro) (int, error) { return self.Await(co) })
		_, err = self.Await(co)
		wantUsage(t, err, "lab.LoopTask.Await: self awaits itself")
		thief := lab.LoopGo(co, "thief", func(*lab.Coro) (int, error) { return 0, co.Yield() })
		_, err = thief.Await(co)
		wantUsage(t, err, "lab.Coro.Yield: the Coro of task main was used outside of it")
		return nil
	}); err != nil {
		t.Error(err)
	}
	wantUsage(t, kept.Sleep(1), "lab.Coro.Sleep: the Coro of task main was used outside of it")
	var none *lab.LoopTask[int]
	_, err := none.Await(kept)
	wantUsage(t, err, "lab.LoopTask.Await: nil task")
}

func ExampleLoop_Run() {
	fetch := func(name string, d time.Duration) func(*lab.Coro) (string, error) {
		return func(co *lab.Coro) (string, error) {
			fmt.Println("start", name)
			err := co.Sleep(d) // an await: others have their turn
			return name + ".html", err
		}
	}
	err := lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
		pages, err := lab.LoopGather(co, fetch("a", 20*ms), fetch("b", 10*ms))
		fmt.Println(pages)
		return err
	})
	fmt.Println(err)
	// Output:
	// start a
	// start b
	// [a.html b.html]
	// <nil>
}

// A task that sleeps past the loop stops everybody, and the loop says who it was.
func ExampleNewLoop() {
	loop := lab.NewLoop()
	loop.SlowAfter = 20 * ms
	loop.Run(ctx, func(co *lab.Coro) error {
		time.Sleep(30 * ms) // the mistake: not co.Sleep
		return nil
	})
	slow := loop.Stats().Slow[0]
	fmt.Println(slow.Task, "blocked the loop:", slow.Took > 20*ms)
	// Output: main blocked the loop: true
}

func ExampleLoopGo() {
	lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
		task := lab.LoopGo(co, "adder", func(co *lab.Coro) (int, error) { return 1 + 1, nil })
		fmt.Println("not yet:", task.Done())
		fmt.Println(task.Await(co))
		return nil
	})
	// Output:
	// not yet: false
	// 2 <nil>
}

func ExampleLoopGather() {
	lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
		n := 0 // no lock: the tasks take turns
		count := func(co *lab.Coro) (int, error) { n++; return n, nil }
		fmt.Println(lab.LoopGather(co, count, count, count))
		return nil
	})
	// Output: [1 2 3] <nil>
}

func ExampleCoro_Await() {
	lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
		sum := 0
		err := co.Await(func(context.Context) error { // beside the loop, in a goroutine
			for i := range 1000 {
				sum += i
			}
			return nil
		})
		fmt.Println(sum, err)
		return nil
	})
	// Output: 499500 <nil>
}

// Whatever tasks do to each other, sleeping, awaiting, cancelling, starting more and waiting outside: Run ends, every task has ended by
// then, and a deadlock is one only if nobody was told to stop.
func TestLoopSurvivesAnything(t *testing.T) {
	t.Parallel()
	type op struct{ kind, arg int }
	rapid.Check(t, func(rt *rapid.T) {
		programs := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) op {
			return op{rapid.IntRange(0, 7).Draw(t, "kind"), rapid.IntRange(0, 5).Draw(t, "arg")}
		}), 0, 8), 1, 6).Draw(rt, "programs")
		limit := time.Duration(rapid.IntRange(1, 40).Draw(rt, "limit")) * time.Second
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			began, ended, begin := 0, 0, time.Now()
			err := lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
				var tasks []*lab.LoopTask[int]
				var start func(co *lab.Coro, program int)
				start = func(co *lab.Coro, program int) {
					tasks = append(tasks, lab.LoopGo(co, fmt.Sprint("p", program), func(co *lab.Coro) (int, error) {
						began++
						defer func() { ended++ }()
						var err error
						for _, op := range programs[program] {
							d := time.Duration(op.arg) * time.Second
							switch op.kind {
							case 0, 1:
								err = co.Sleep(d)
							case 2:
								err = co.Yield()
							case 3:
								_, err = tasks[op.arg%len(tasks)].Await(co)
							case 4:
								tasks[op.arg%len(tasks)].Cancel(nil)
							case 5:
								if len(tasks) < 20 {
									start(co, op.arg%len(programs))
								}
							case 6:
								err = co.Await(func(ctx context.Context) error { return lab.Sleep(ctx, d) })
							case 7:
								err = co.Await(func(context.Context) error { time.Sleep(d); return nil })
							}
							if err != nil {
								return 0, err
							}
						}
						return program, nil
					}))
				}
				for p := range programs {
					start(co, p)
				}
				for _, task := range tasks {
					if _, err := task.Await(co); errors.Is(err, lab.ErrLoopDeadlock) {
						return err
					}
				}
				return nil
			})
			if began != ended {
				t.Errorf("%d of %d tasks have ended", ended, began)
			}
			if took := time.Since(begin); took > limit+6*time.Second {
				t.Errorf("took %v, the limit was %v", took, limit)
			}
			if errors.Is(err, lab.ErrLoopDeadlock) && ctx.Err() != nil && time.Since(begin) >= limit {
				t.Errorf("what was cancelled was called a deadlock: %v", err)
			}
			var p *lab.PanicError
			if errors.As(err, &p) {
				t.Errorf("%+v", p)
			}
		})
	})
}

// A deadlock at the very moment of the deadline is the deadline's doing, in whichever order timers fire.
func TestLoopDeadlockAtItsDeadline(t *testing.T) {
	t.Parallel()
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			var loop lab.Loop
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := loop.Run(ctx, func(co *lab.Coro) error {
				var a, b *lab.LoopTask[int]
				a = lab.LoopGo(co, "a", func(co *lab.Coro) (int, error) { co.Sleep(time.Second); return b.Await(co) })
				b = lab.LoopGo(co, "b", func(co *lab.Coro) (int, error) { return a.Await(co) })
				_, err := a.Await(co)
				return err
			})
			if errors.Is(err, lab.ErrLoopDeadlock) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
}
