package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

// With any limit: never more run than it allows, all have ended at Wait, and the error speaks of the failures that were not
// mere consequences.
func TestGroupProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ps := distinct(plans.Draw(rt, "plans"))
		limit := rapid.IntRange(0, 4).Draw(rt, "limit")
		synctest.Test(t, func(t *testing.T) {
			var opts []lab.GroupOption
			if limit > 0 {
				opts = append(opts, lab.Limit(limit))
			}
			g := lab.NewGroup(t.Context(), opts...)
			var running, ended, failed atomic.Int64
			for i, p := range ps {
				fn := p.fn(i, &ended)
				g.Go(func(ctx context.Context) error {
					if n := running.Add(1); limit > 0 && n > int64(limit) {
						t.Errorf("%d run at once, the limit is %d", n, limit)
					}
					defer running.Add(-1)
					_, err := fn(ctx)
					if err != nil && !errors.Is(err, context.Canceled) {
						failed.Add(1)
					}
					return err
				})
			}
			err := g.Wait()
			// With a limit, those that had no place yet when the first failed are not begun.
			if begun := int(ended.Load()); begun != len(ps) && (limit == 0 || err == nil || begun == 0) || g.Context().Err() == nil {
				t.Errorf("%d of %d had ended, context %v", ended.Load(), len(ps), g.Context().Err())
			}
			if limit == 0 {
				first := -1
				for _, i := range byDelay(ps) {
					if ps[i].outcome != returns {
						first = i
						break
					}
				}
				var e error = err
				if m, ok := err.(interface{ Unwrap() []error }); ok {
					e = m.Unwrap()[0]
				}
				if first < 0 && err != nil || first >= 0 && !ps[first].matches(first, e) {
					t.Errorf("the error is %v, the first to fail was %d", err, first)
				}
			}
			if failed.Load() > 0 && err == nil || err != nil && errors.Is(err, context.Canceled) {
				t.Errorf("%d failed, the error is %v", failed.Load(), err)
			}
			if again := g.Wait(); fmt.Sprint(again) != fmt.Sprint(err) {
				t.Errorf("the second Wait says %v", again)
			}
		})
	})
}

func TestGroupTryGo(t *testing.T) {
	t.Parallel()
	g := lab.NewGroup(t.Context(), lab.Limit(1))
	gate := make(chan struct{})
	wait := func(context.Context) error { <-gate; return nil }
	if !g.TryGo(wait) || g.TryGo(wait) {
		t.Error("of two, not exactly the first found a place")
	}
	close(gate)
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	wantMisuse(t, func() { g.Go(wait) }, "lab.Group.Go: the group is over: Wait has returned")
	wantMisuse(t, func() { g.TryGo(nil) }, "lab.Group.TryGo: nil function")
	wantMisuse(t, func() { lab.Limit(0) }, "lab.Limit: 0: need at least 1")
	wantMisuse(t, func() { lab.NewGroup(nil) }, "lab.NewGroup: nil context: pass ctx, or context.Background()")
	wantMisuse(t, func() { lab.NewGroup(t.Context(), nil) }, "lab.NewGroup: nil option")
}

// When the caller's context ends, that is said once.
func TestOneEndOneError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g := lab.NewGroup(ctx)
		for range 3 {
			g.Go(func(ctx context.Context) error { return lab.Sleep(ctx, time.Hour) })
		}
		if err := g.Wait(); err != context.DeadlineExceeded {
			t.Errorf("the group says %v", err)
		}
		if _, err := lab.Race(ctx, nap(time.Hour), nap(time.Hour)); err != context.DeadlineExceeded {
			t.Errorf("the race says %v", err)
		}
	})
}

func TestGroupPanic(t *testing.T) {
	t.Parallel()
	g := lab.NewGroup(t.Context())
	g.Go(func(ctx context.Context) error { _, err := explode(ctx); return err })
	wantPanic(t, g.Wait(), "boom", "lab_test.explode")
}

// No task crosses the border of a Run, however fn ends.
func TestRun(t *testing.T) {
	t.Parallel()
	own := errors.New("own")
	for _, c := range []struct {
		name string
		end  func() error
		want func(error) bool
	}{
		{"returns", func() error { return nil }, func(err error) bool { return err == nil }},
		{"fails", func() error { return own }, func(err error) bool { return err == own }},
		{"panics", func() error { panic(own) }, func(err error) bool {
			var p *lab.PanicError
			return errors.As(err, &p) && p.Value == own
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var left *lab.Task[int]
			var pending *lab.Task[int]
			err := lab.Run(t.Context(), func(ctx context.Context) error {
				left = lab.Go(ctx, func(ctx context.Context) (int, error) {
					lab.Go(ctx, func(ctx context.Context) (int, error) { // a grandchild that takes its time
						<-ctx.Done()
						time.Sleep(time.Minute)
						return 0, nil
					})
					<-ctx.Done()
					return 0, ctx.Err()
				})
				pending = lab.After(ctx, time.Hour, trivial)
				synctest.Wait()
				return c.end()
			})
			if !c.want(err) {
				t.Errorf("%s: got %v", c.name, err)
			}
			if left.State() != lab.Canceled || pending.State() != lab.Canceled {
				t.Errorf("%s: left tasks %v and %v", c.name, left.State(), pending.State())
			}
			for _, info := range lab.Tasks() {
				if info.ID == left.ID() || info.ID == pending.ID() {
					t.Errorf("%s: %s is still listed", c.name, info.Name)
				}
			}
			if _, err := left.Result(); err == nil || err.Error() != "context canceled: lab.Run has ended" {
				t.Errorf("%s: the task was told %v", c.name, err)
			}
		})
	}
	wantUsage(t, lab.Run(nil, func(context.Context) error { return nil }), "lab.Run: nil context: pass ctx, or context.Background()")
	wantUsage(t, lab.Run(t.Context(), nil), "lab.Run: nil function")
}

// A task of After starts at its time, unless it or its context was cancelled before; it is then over at once.
func TestAfterProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		delay := time.Duration(rapid.IntRange(0, 5).Draw(rt, "delay")) * time.Second
		cancel := time.Duration(rapid.IntRange(0, 5).Draw(rt, "cancel"))*time.Second + time.Second/2
		how := rapid.IntRange(0, 2).Draw(rt, "how")
		at := rapid.Bool().Draw(rt, "at")
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			begin := time.Now()
			var ran atomic.Int64
			fn := func(ctx context.Context) (int, error) {
				ran.Store(int64(time.Since(begin)) + 1)
				return 7, nil
			}
			var task *lab.Task[int]
			if at {
				task = lab.At(ctx, begin.Add(delay), fn)
			} else {
				task = lab.After(ctx, delay, fn, lab.Named("later"))
			}
			if task.State() != lab.Pending && delay > 0 {
				t.Errorf("the task is %v before its time", task.State())
			}
			time.Sleep(cancel)
			switch how {
			case 0:
				task.Cancel(nil)
			case 1:
				stop()
			}
			v, err := task.Await(t.Context())
			if how == 2 || delay < cancel {
				if v != 7 || err != nil || ran.Load() != int64(delay)+1 {
					t.Errorf("got %v, %v; ran at %v, want %v", v, err, time.Duration(ran.Load()-1), delay)
				}
			} else if err != context.Canceled || ran.Load() != 0 || task.State() != lab.Canceled || time.Since(begin) != cancel {
				t.Errorf("cancelled before its time it is %v with %v, %v after %v", task.State(), v, err, time.Since(begin))
			}
		})
	})
	wantMisuse(t, func() { lab.After[int](t.Context(), 1, nil) }, "lab.After: nil function")
	wantMisuse(t, func() { lab.At[int](t.Context(), time.Now(), nil) }, "lab.At: nil function")
}

func TestRetry(t *testing.T) {
	t.Parallel()
	own := errors.New("own")
	for _, c := range []struct {
		name     string
		b        lab.Backoff
		failures int
		err      error
		limit    time.Duration
		want     string
		took     time.Duration
	}{
		{"at once", lab.Backoff{}, 0, own, time.Hour, "1 <nil>", 0},
		{"third time lucky", lab.Backoff{}, 2, own, time.Hour, "3 <nil>", 300 * time.Millisecond},
		{"gives up", lab.Backoff{}, 9, own, time.Hour, "3 after 3 attempts: own", 300 * time.Millisecond},
		{"capped", lab.Backoff{Attempts: 5, First: time.Second, Factor: 10, Max: 3 * time.Second}, 9, own, time.Hour, "5 after 5 attempts: own", 10 * time.Second},
		{"permanent", lab.Backoff{}, 9, lab.Permanent(own), time.Hour, "1 own", 0},
		{"not worth it", lab.Backoff{If: func(err error) bool { return err != own }}, 9, own, time.Hour, "1 own", 0},
		{"out of time", lab.Backoff{First: time.Minute}, 9, own, time.Second, "1 context deadline exceeded (the last of 1 attempt failed with: own)", time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), c.limit)
			defer cancel()
			begin, calls := time.Now(), 0
			_, err := lab.Retry(ctx, c.b, func(context.Context) (int, error) {
				if calls++; calls <= c.failures {
					return 0, c.err
				}
				return calls, nil
			})
			if got := fmt.Sprint(calls, " ", err); got != c.want || time.Since(begin) != c.took {
				t.Errorf("%s: got %q after %v; want %q after %v", c.name, got, time.Since(begin), c.want, c.took)
			}
			if err != nil && !errors.Is(err, own) {
				t.Errorf("%s: %v hides the cause", c.name, err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, err := lab.Retry(t.Context(), lab.Backoff{First: time.Second, Jitter: 0.5, Attempts: 2}, fail(own))
		if took := time.Since(begin); took < time.Second/2 || took > time.Second || !errors.Is(err, own) {
			t.Errorf("with jitter a second became %v, error %v", took, err)
		}
	})
	calls := 0
	_, err := lab.Retry(t.Context(), lab.Backoff{}, func(context.Context) (int, error) { calls++; panic("boom") })
	if wantPanic(t, err, "boom", "TestRetry"); calls != 1 {
		t.Errorf("a panic was tried %d times", calls)
	}
	if lab.Permanent(nil) != nil {
		t.Error("Permanent(nil) is an error")
	}
	for b, text := range map[*lab.Backoff]string{
		{Attempts: -1}: "lab.Retry: -1 attempts: need zero (for the default) or more",
		{Factor: -1}:   "lab.Retry: factor -1: need zero (for the default) or more",
		{Jitter: 2}:    "lab.Retry: jitter 2: need a value between 0 and 1",
		{First: -1}:    "lab.Retry: first wait -1 ns: need zero or more",
		{Max: -1}:      "lab.Retry: longest wait -1 ns: need zero or more",
	} {
		_, err := lab.Retry(t.Context(), *b, trivial)
		if err == nil || err.Error() != text {
			t.Errorf("got %v, want %q", err, text)
		}
	}
	_, err = lab.Retry[int](t.Context(), lab.Backoff{}, nil)
	wantUsage(t, err, "lab.Retry: nil function")
}

func TestOnThread(t *testing.T) {
	t.Parallel()
	v, err := lab.OnThread(t.Context(), func(context.Context) (string, error) {
		runtime.Gosched()
		return "locked", nil
	})
	if v != "locked" || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
	_, err = lab.OnThread(t.Context(), explode)
	wantPanic(t, err, "boom", "lab_test.explode")
	_, err = lab.OnThread[int](t.Context(), nil)
	wantUsage(t, err, "lab.OnThread: nil function")
}
