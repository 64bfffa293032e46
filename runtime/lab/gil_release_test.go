package lab_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
)

// A call that is over before another thread could wake costs its own time, beside a thread that computes: the lock is let go, but not
// handed over. One that takes longer loses the lock.
func TestGILTinyCalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		call     time.Duration
		handover bool
	}{{2 * time.Microsecond, false}, {90 * time.Microsecond, false}, {110 * time.Microsecond, true}} {
		synctest.Test(t, func(t *testing.T) {
			g := lab.NewGIL(0)
			ctx, cancel := context.WithCancel(t.Context())
			burner := g.Thread(ctx, "burner", func(ctx context.Context, th *lab.GILThread) error { return compute(th, 1<<30) })
			synctest.Wait()
			var took time.Duration
			err := g.Run(t.Context(), func(_ context.Context, th *lab.GILThread) error {
				begin := time.Now()
				for range 100 {
					if err := th.Blocking(func(context.Context) error { time.Sleep(c.call); return nil }); err != nil {
						return err
					}
				}
				took = time.Since(begin)
				return nil
			})
			cancel()
			burner.Await(t.Context())
			s := g.Stats()
			if all := 100 * c.call; err != nil || !c.handover && (took != all || s.Switches != 2) || c.handover && (took < 500*ms || s.Switches != 202) {
				t.Errorf("100 calls of %v took %v, error %v; %v", c.call, took, err, s)
			}
		})
	}
}

// A thread that each short call wakes in vain asks for the lock only when nothing has woken it for an interval.
func TestGILWokenInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := lab.NewGIL(0)
		err := g.Run(t.Context(), func(ctx context.Context, th *lab.GILThread) error {
			other := g.Thread(ctx, "other", func(context.Context, *lab.GILThread) error { return nil })
			synctest.Wait() // it waits
			begin := time.Now()
			for time.Since(begin) < 100*ms {
				if err := th.Blocking(func(context.Context) error { time.Sleep(20 * time.Microsecond); return nil }); err != nil {
					return err
				}
			}
			last := time.Now()
			if s := g.Stats(); s.Switches != 0 {
				t.Errorf("beside calls of 20 µs: %v", s)
			}
			if err := compute(th, 20); err != nil {
				return err
			}
			_, err := other.Await(ctx)
			if w := g.Stats().Threads[1].Waited; w < last.Sub(begin)+5*ms-30*time.Microsecond || w > last.Sub(begin)+6*ms {
				t.Errorf("the other thread waited for %v, %v of them beside the calls", w, last.Sub(begin))
			}
			return err
		})
		if s := g.Stats(); err != nil || s.Forced != 1 || s.Switches != 2 {
			t.Errorf("%v, error %v", s, err)
		}
	})
}

// A lock that was dropped on request is handed over even by a thread that would only call something short.
func TestGILForcedByACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := lab.NewGIL(0)
		err := g.Run(t.Context(), func(_ context.Context, th *lab.GILThread) error {
			ran := false
			other := g.Thread(t.Context(), "other", func(context.Context, *lab.GILThread) error { ran = true; return nil })
			time.Sleep(6 * time.Millisecond) // computes without a Step: the other one has asked for the lock by now
			if err := th.Blocking(func(context.Context) error { return nil }); err != nil || !ran {
				t.Errorf("the other thread had its turn: %v, error %v", ran, err)
			}
			_, err := other.Await(t.Context())
			return err
		})
		if s := g.Stats(); err != nil || s.Forced != 1 || s.Switches != 2 {
			t.Errorf("%v, error %v", s, err)
		}
	})
}
