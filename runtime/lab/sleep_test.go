package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
)

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		for _, ctx := range []context.Context{context.Background(), t.Context()} {
			if err := lab.Sleep(ctx, time.Minute); err != nil {
				t.Error(err)
			}
			if err := lab.Sleep(ctx, 0); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begin); took != 2*time.Minute {
			t.Errorf("two minutes took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := lab.Sleep(ctx, time.Minute); err != context.DeadlineExceeded {
			t.Errorf("an ended context gave %v", err)
		}
		for _, d := range []time.Duration{0, -time.Second} {
			if err := lab.Sleep(ctx, d); err != context.DeadlineExceeded {
				t.Errorf("an ended context gave %v at once", err)
			}
			if err := lab.Sleep(t.Context(), d); err != nil {
				t.Errorf("Sleep of %v: %v", d, err)
			}
		}
	})
	wantUsage(t, lab.Sleep(nil, 0), "lab.Sleep: nil context: pass ctx, or context.Background()")
}

func TestWaitFor(t *testing.T) {
	t.Parallel()
	nap := func(d time.Duration, stubborn bool, err error) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			if stubborn {
				time.Sleep(d)
			} else if err := lab.Sleep(ctx, d); err != nil {
				return "interrupted", err
			}
			return "rested", err
		}
	}
	own := errors.New("own")
	for _, c := range []struct {
		name  string
		limit time.Duration
		fn    func(context.Context) (string, error)
		value string
		err   string
		took  time.Duration
	}{
		{"in time", 2 * time.Second, nap(time.Second, false, nil), "rested", "<nil>", time.Second},
		{"own error in time", 2 * time.Second, nap(time.Second, false, own), "rested", "own", time.Second},
		{"late", time.Second, nap(time.Minute, false, nil), "interrupted", "timeout: no answer within 1 s", time.Second},
		{"stubborn", time.Second, nap(time.Minute, true, nil), "rested", "timeout: no answer within 1 s; the function ignored its context and returned 59 s later", time.Minute},
		{"late with an own error", time.Second, nap(1050*time.Millisecond, true, own), "rested", "timeout: no answer within 1 s (own)", 1050 * time.Millisecond},
		{"zero", 0, nap(time.Minute, false, nil), "", "timeout: no answer within 0 s", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			value, err := lab.WaitFor(t.Context(), c.limit, c.fn)
			if value != c.value || fmt.Sprint(err) != c.err || time.Since(begin) != c.took {
				t.Errorf("%s: got %q, %v after %v; want %q, %v after %v", c.name, value, err, time.Since(begin), c.value, c.err, c.took)
			}
			var late *lab.TimeoutError
			if isLate := c.err != "<nil>" && c.err != "own"; isLate != errors.Is(err, context.DeadlineExceeded) || isLate != errors.As(err, &late) {
				t.Errorf("%s: %v is a timeout: %v", c.name, err, !isLate)
			} else if isLate && !late.Timeout() {
				t.Errorf("%s: Timeout is false", c.name)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := lab.WaitFor(ctx, time.Minute, nap(time.Hour, false, nil)); err != context.Canceled {
			t.Errorf("the caller's cancelling gave %v", err)
		}
		if _, err := lab.WaitFor(ctx, time.Minute, func(context.Context) (int, error) { t.Error("called"); return 0, nil }); err != context.Canceled {
			t.Errorf("an ended context gave %v", err)
		}
	})
	_, err := lab.WaitFor(t.Context(), time.Minute, explode)
	wantPanic(t, err, "boom", "lab_test.explode")
	_, err = lab.WaitFor[int](t.Context(), time.Second, nil)
	wantUsage(t, err, "lab.WaitFor: nil function")
	called := func(context.Context) (int, error) { t.Error("called without any time"); return 0, nil }
	_, err = lab.WaitFor(t.Context(), -time.Second, called)
	if late := (*lab.TimeoutError)(nil); !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) || err.Error() != "timeout: no time was left (the limit was -1 s)" {
		t.Errorf("a negative time gave %v", err)
	}
}
