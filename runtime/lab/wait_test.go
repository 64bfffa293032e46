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

// startAll starts one task for each plan, without the cancelling ones' delays mattering: all listen to nobody.
func startAll(ctx context.Context, ps []plan) []*lab.Task[int] {
	tasks := make([]*lab.Task[int], len(ps))
	for i, p := range ps {
		tasks[i] = lab.Go(ctx, p.fn(i, new(atomic.Int64)))
	}
	return tasks
}

// endAll waits for tasks that a test has left running.
func endAll[T any](tasks []*lab.Task[T]) {
	for _, task := range tasks {
		<-task.Done()
	}
}

// byDelay is the order in which the plans end.
func byDelay(ps []plan) []int {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(ps[a].delay - ps[b].delay) })
	return order
}

// Wait returns at the instant that its mode says, with exactly the tasks that have ended by then.
func TestWaitProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ps := distinct(plans.Draw(rt, "plans"))
		mode := rapid.SampledFrom([]lab.WaitMode{lab.FirstCompleted, lab.FirstError, lab.AllCompleted}).Draw(rt, "mode")
		limit := time.Duration(rapid.IntRange(0, 6000).Draw(rt, "limit"))*time.Millisecond + 500*time.Microsecond
		mixed := rapid.Bool().Draw(rt, "mixed")
		synctest.Test(t, func(t *testing.T) {
			var until time.Duration
			for _, i := range byDelay(ps) {
				until = ps[i].delay
				if mode == lab.FirstCompleted || mode == lab.FirstError && ps[i].outcome != returns {
					break
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			begin := time.Now()
			tasks := startAll(t.Context(), ps)
			defer endAll(tasks)
			var done, pending []*lab.Task[int]
			var err error
			if mixed {
				anys := make([]lab.TaskAny, len(tasks))
				for i, task := range tasks {
					anys[i] = task
				}
				d, p, e := lab.WaitTasks(ctx, mode, anys...)
				for _, task := range d {
					done = append(done, task.(*lab.Task[int]))
				}
				for _, task := range p {
					pending = append(pending, task.(*lab.Task[int]))
				}
				err = e
			} else {
				done, pending, err = lab.Wait(ctx, mode, tasks...)
			}
			took := time.Since(begin)
			if want := min(until, limit); took != want {
				t.Errorf("%v: took %v, want %v", mode, took, want)
			}
			if (until > limit) != errors.Is(err, context.DeadlineExceeded) || until < limit && err != nil {
				t.Errorf("error %v though %v of %v had passed", err, took, until)
			}
			synctest.Wait()
			var wantDone, wantPending []*lab.Task[int]
			for i, task := range tasks {
				if ps[i].delay <= took {
					wantDone = append(wantDone, task)
				} else {
					wantPending = append(wantPending, task)
				}
			}
			if !slices.Equal(done, wantDone) || !slices.Equal(pending, wantPending) {
				t.Errorf("%d done and %d pending, want %d and %d", len(done), len(pending), len(wantDone), len(wantPending))
			}
		})
	})
}

// Both forms of Completed give the results in the order of their coming, and the context's error when that comes before.
func TestCompletedProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ps := distinct(plans.Draw(rt, "plans"))
		limit := time.Duration(rapid.IntRange(0, 6000).Draw(rt, "limit"))*time.Millisecond + 500*time.Microsecond
		stop := rapid.IntRange(1, 13).Draw(rt, "stop")
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			order := byDelay(ps)
			check := func(n int, v int, err error) {
				late := n < len(order) && ps[order[n]].delay > limit
				switch {
				case n >= len(order):
					t.Errorf("%d results of %d tasks", n+1, len(order))
				case late && err != context.DeadlineExceeded:
					t.Errorf("result %d is %v, %v after the end of the context", n, v, err)
				case !late && !ps[order[n]].matches(order[n], err):
					t.Errorf("result %d is %v, %v; want that of task %d", n, v, err, order[n])
				}
			}
			tasks := startAll(t.Context(), ps)
			defer endAll(tasks)
			results := lab.CompletedChan(ctx, tasks...)
			n := 0
			for v, err := range lab.Completed(ctx, tasks...) {
				check(n, v, err)
				if n++; n == stop {
					break
				}
			}
			n = 0
			for r := range results {
				check(n, r.Value, r.Err)
				n++
			}
			if n < len(ps) && ps[order[n]].delay < limit {
				t.Errorf("the channel gave only %d results", n)
			}
		})
	})
}

// The first success is the result; everybody has ended by then; if nobody succeeds, every error is there.
func TestRaceProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ps := distinct(plans.Draw(rt, "plans"))
		synctest.Test(t, func(t *testing.T) {
			var ended atomic.Int64
			fns := make([]func(context.Context) (int, error), len(ps))
			for i, p := range ps {
				fns[i] = p.fn(i, &ended)
			}
			winner := -1
			for _, i := range byDelay(ps) {
				if ps[i].outcome == returns {
					winner = i
					break
				}
			}
			v, err := lab.Race(t.Context(), fns...)
			switch {
			case len(ps) == 0:
				wantUsage(t, err, "lab.Race: no functions: need at least one")
			case winner >= 0 && (v != winner*winner || err != nil):
				t.Errorf("got %v, %v; want the value of %d", v, err, winner)
			case winner < 0 && err == nil:
				t.Errorf("got %v though all failed", v)
			}
			if winner < 0 {
				for i, p := range ps {
					if p.outcome == fails && !errors.Is(err, planError(i)) {
						t.Errorf("the error of %d is missing in %v", i, err)
					}
				}
			}
			if int(ended.Load()) != len(ps) {
				t.Errorf("%d of %d had ended", ended.Load(), len(ps))
			}
		})
	})
}

func TestHedge(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for _, c := range []struct {
		name   string
		calls  []plan // the first and the second call
		want   string
		took   time.Duration
		called int
	}{
		{"quick", []plan{{delay: time.Second}}, "call 0 <nil>", time.Second, 1},
		{"second is quicker", []plan{{delay: time.Minute}, {delay: time.Second}}, "call 1 <nil>", 3 * time.Second, 2},
		{"second is slower", []plan{{delay: 3 * time.Second}, {delay: time.Minute}}, "call 0 <nil>", 3 * time.Second, 2},
		{"first fails at once", []plan{{outcome: fails}, {delay: time.Second}}, "call 1 <nil>", time.Second, 2},
		{"both fail", []plan{{outcome: fails}, {delay: time.Second, outcome: fails}}, " boom\nboom", time.Second, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int32
			begin := time.Now()
			v, err := lab.Hedge(t.Context(), 2*time.Second, func(ctx context.Context) (string, error) {
				n := calls.Add(1) - 1
				if err := lab.Sleep(ctx, c.calls[n].delay); err != nil {
					return "", err
				}
				if c.calls[n].outcome == fails {
					return "", boom
				}
				return fmt.Sprint("call ", n), nil
			})
			if got := fmt.Sprintf("%s %v", v, err); got != c.want || time.Since(begin) != c.took || int(calls.Load()) != c.called {
				t.Errorf("%s: got %q after %v and %d calls", c.name, got, time.Since(begin), calls.Load())
			}
		})
	}
}

func TestWaitMisuse(t *testing.T) {
	t.Parallel()
	var none *lab.Task[int]
	var noneAny lab.TaskAny
	_, _, err := lab.Wait(nil, lab.AllCompleted, lab.Go(t.Context(), trivial))
	wantUsage(t, err, "lab.Wait: nil context: pass ctx, or context.Background()")
	_, _, err = lab.Wait(t.Context(), lab.AllCompleted, none)
	wantUsage(t, err, "lab.Wait: task 0 of 1 is nil")
	_, _, err = lab.WaitTasks(t.Context(), lab.AllCompleted, noneAny)
	wantUsage(t, err, "lab.WaitTasks: task 0 of 1 is nil")
	_, _, err = lab.WaitTasks(t.Context(), lab.AllCompleted, none)
	wantUsage(t, err, "lab.WaitTasks: task 0 of 1 is nil")
	_, _, err = lab.Wait(t.Context(), 7, lab.Go(t.Context(), trivial))
	wantUsage(t, err, "lab.Wait: mode 7: need FirstCompleted, FirstError or AllCompleted")
	wantMisuse(t, func() { lab.Completed(t.Context(), none) }, "lab.Completed: task 0 of 1 is nil")
	wantMisuse(t, func() { lab.CompletedChan(t.Context(), none) }, "lab.CompletedChan: task 0 of 1 is nil")
	_, err = lab.Hedge(t.Context(), -1, trivial)
	wantUsage(t, err, "lab.Hedge: delay -1 ns: need zero or more")
	_, err = lab.Hedge[int](t.Context(), 1, nil)
	wantUsage(t, err, "lab.Hedge: nil function")
	_, err = lab.Race[int](t.Context(), nil)
	wantUsage(t, err, "lab.Race: function 0 of 1 is nil")
}
