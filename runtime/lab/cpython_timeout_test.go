package lab_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
)

var cpythonTimeout = []behaviour{
	{"test_asyncio.test_waitfor.AsyncioWaitForTest.test_wait_for", "wait_for gives the result of what ends in time", "", func(t *testing.T) {
		v, err := lab.WaitFor(t.Context(), 2*sec, value(sec, 7))
		gives(t, "7 <nil>", v, err)
	}},
	{"test_asyncio.test_waitfor.AsyncioWaitForTest.test_asyncio_wait_for_timeout", "when the time is up the call is cancelled, and wait_for raises TimeoutError", "it returns a TimeoutError, which is a DeadlineExceeded", func(t *testing.T) {
		var inner error
		begin := now()
		_, err := lab.WaitFor(t.Context(), sec, func(ctx context.Context) (int, error) { inner = lab.Sleep(ctx, time.Hour); return 0, inner })
		late := (*lab.TimeoutError)(nil)
		gives(t, "true true true 1s", errors.As(err, &late), errors.Is(err, context.DeadlineExceeded), errors.Is(inner, context.DeadlineExceeded), since(begin))
	}},
	{"test_asyncio.test_waitfor.AsyncioWaitForTest.test_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started", "with a timeout of zero or less the call is not even begun", "", func(t *testing.T) {
		for _, d := range []time.Duration{0, -sec} {
			_, err := lab.WaitFor(t.Context(), d, func(context.Context) (int, error) { t.Error("begun"); return 0, nil })
			gives(t, "true", errors.Is(err, context.DeadlineExceeded))
		}
	}},
	{"test_asyncio.test_waitfor.AsyncioWaitForTest.test_wait_for_timeout_less_then_0_or_0_future_done", "with a timeout of zero a future that is done gives its result", "Await of a task that has ended does, with a context that has", func(t *testing.T) {
		v, err := endedTask(t).Await(within(t, 0))
		gives(t, "1 <nil>", v, err)
	}},
	{"test_asyncio.test_waitfor.AsyncioWaitForTest.test_wait_for_blocking", "wait_for may wait without a limit", "that is a plain call", func(t *testing.T) {
		v, err := value(sec, 7)(t.Context())
		gives(t, "7 <nil>", v, err)
	}},
	{"test_asyncio.test_waitfor.AsyncioWaitForTest.test_wait_for_waits_for_task_cancellation", "wait_for waits until a call that is cancelled has really ended", "", func(t *testing.T) {
		begin, ended := now(), false
		_, err := lab.WaitFor(t.Context(), sec, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(2 * sec) // cleans up
			ended = true
			return 0, ctx.Err()
		})
		gives(t, "true true 3s", errors.Is(err, context.DeadlineExceeded), ended, since(begin))
	}},
	{"test_asyncio.test_waitfor.AsyncioWaitForTest.test_wait_for_reraises_exception_during_cancellation", "an exception of the call during its cancellation is raised instead of the TimeoutError", "the TimeoutError wraps it", func(t *testing.T) {
		_, err := lab.WaitFor(t.Context(), sec, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, errBoom })
		gives(t, "true true", errors.Is(err, errBoom), errors.Is(err, context.DeadlineExceeded))
	}},
	{"test_asyncio.test_waitfor.AsyncioWaitForTest.test_wait_for_cancel_suppressed", "when a call ignores its cancellation and returns a value too late, that value is returned", "the value is returned together with the TimeoutError", func(t *testing.T) {
		v, err := lab.WaitFor(t.Context(), sec, stubborn(2*sec, 7, nil))
		gives(t, "7 true", v, errors.Is(err, context.DeadlineExceeded))
	}},
	{"test_asyncio.test_waitfor.AsyncioWaitForTest.test_cancel_wait_for", "cancelling wait_for cancels the call, and is no TimeoutError", "", func(t *testing.T) {
		ctx, cancel := cancelable(t)
		after(sec, cancel)
		_, err := lab.WaitFor(ctx, time.Hour, value(time.Hour, 1))
		gives(t, "context canceled", err)
	}},
	{"test_asyncio.test_waitfor.AsyncioWaitForTest.test_wait_for_race_condition", "a result that comes in the moment in which the time is up may be either", "it is in time, always", func(t *testing.T) {
		for range 20 {
			v, err := lab.WaitFor(t.Context(), sec, value(sec, 7))
			gives(t, "7 <nil>", v, err)
		}
	}},
	{"test_asyncio.test_timeouts.TimeoutTests.test_nested_timeouts", "of nested timeouts the one that is over first ends what it encloses; the outer is not affected", "", func(t *testing.T) {
		begin := now()
		v, err := lab.WaitFor(t.Context(), 5*sec, func(ctx context.Context) (string, error) {
			_, err := lab.WaitFor(ctx, sec, value(time.Hour, 1))
			return fmt.Sprint(errors.Is(err, context.DeadlineExceeded)), lab.Sleep(ctx, sec)
		})
		gives(t, "true <nil> 2s", v, err, since(begin))
	}},
	{"test_asyncio.test_timeouts.TimeoutTests.test_nested_timeouts_concurrent", "when the outer timeout is over first it is the outer that raises TimeoutError", "the inner call returns the error of its context", func(t *testing.T) {
		var inner error
		_, err := lab.WaitFor(t.Context(), sec, func(ctx context.Context) (int, error) {
			_, inner = lab.WaitFor(ctx, time.Hour, value(time.Hour, 1))
			return 0, inner
		})
		outer, limit := (*lab.TimeoutError)(nil), (*lab.TimeoutError)(nil)
		gives(t, "true 1s true 1s", errors.As(err, &outer), outer.Limit, errors.As(inner, &limit), limit.Limit)
	}},
	{"test_asyncio.test_timeouts.TimeoutTests.test_foreign_exception_passed", "an exception of the call in time is passed on", "", func(t *testing.T) {
		_, err := lab.WaitFor(t.Context(), 2*sec, failure(sec, errBoom))
		gives(t, "boom", err)
	}},
	{"test_asyncio.test_timeouts.TimeoutTests.test_foreign_cancel_doesnt_timeout_if_not_expired", "a cancelling that comes before the time is up is not taken for a timeout", "", func(t *testing.T) {
		task := lab.Go(t.Context(), func(ctx context.Context) (int, error) { return lab.WaitFor(ctx, 2*sec, value(time.Hour, 1)) })
		after(sec, func() { task.Cancel(errBoom) })
		_, err := task.Await(t.Context())
		gives(t, "context canceled: boom false", err, errors.Is(err, context.DeadlineExceeded))
	}},
	{"test_asyncio.test_timeouts.TimeoutTests.test_outer_task_is_not_cancelled", "the task in which a timeout was over is not cancelled", "", func(t *testing.T) {
		task := lab.Go(t.Context(), func(ctx context.Context) (int, error) {
			lab.WaitFor(ctx, sec, value(time.Hour, 1))
			return 7, lab.Sleep(ctx, sec)
		})
		v, err := task.Await(t.Context())
		gives(t, "7 <nil> succeeded", v, err, task.State())
	}},
	{"test_asyncio.test_waitfor.AsyncioWaitForTest.test_shielded_timeout", "a shielded task outlives the timeout of its waiter", "", func(t *testing.T) {
		task := lab.Go(t.Context(), value(2*sec, 7))
		_, err := lab.WaitFor(t.Context(), sec, func(ctx context.Context) (int, error) { return lab.Shield(ctx, task) })
		v, then := task.Await(t.Context())
		gives(t, "true 7 <nil>", errors.Is(err, context.DeadlineExceeded), v, then)
	}},
	{"test_asyncio.test_timeouts.TimeoutTests.test_timeout_taskgroup", "a timeout round a task group ends all of its tasks", "", func(t *testing.T) {
		begin := now()
		_, err := lab.WaitFor(t.Context(), sec, func(ctx context.Context) (int, error) {
			g := lab.NewGroup(ctx)
			for range 3 {
				g.Go(func(ctx context.Context) error { return lab.Sleep(ctx, time.Hour) })
			}
			return 0, g.Wait()
		})
		gives(t, "true 1s", errors.Is(err, context.DeadlineExceeded), since(begin))
	}},
	{"test_asyncio.test_timeouts.TimeoutTests.test_timeout_exception_context", "the error of a timeout has the limit", "it also shows when a function ignored its context", func(t *testing.T) {
		_, err := lab.WaitFor(t.Context(), sec, value(time.Hour, 1))
		_, rude := lab.WaitFor(t.Context(), sec, stubborn(3*sec, 0, nil))
		gives(t, "timeout: no answer within 1 s timeout: no answer within 1 s; the function ignored its context and returned 2 s later", err, rude)
	}},
	{"test_asyncio.test_timeouts.TimeoutTests.test_timeout_at_basic", "a timeout may be given as a point of time", "context.WithDeadline does it", func(t *testing.T) {
		ctx, cancel := context.WithDeadline(t.Context(), now().Add(sec))
		defer cancel()
		begin := now()
		gives(t, "context deadline exceeded 1s", lab.Sleep(ctx, time.Hour), since(begin))
	}},
}

var cpythonGroup = []behaviour{
	{"test_asyncio.test_taskgroups.TestTaskGroup.test_taskgroup_01", "the end of a group waits for all of its tasks", "Wait does", func(t *testing.T) {
		g, begin := lab.NewGroup(t.Context()), now()
		for i := range 3 {
			g.Go(func(ctx context.Context) error { return lab.Sleep(ctx, time.Duration(i)*sec) })
		}
		gives(t, "<nil> 2s", g.Wait(), since(begin))
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup.test_cancel_children_on_child_error", "a task that fails cancels the others, and the group raises its exception", "", func(t *testing.T) {
		g, begin := lab.NewGroup(t.Context()), now()
		var other error
		g.Go(func(context.Context) error { time.Sleep(sec); return errBoom })
		g.Go(func(ctx context.Context) error { other = lab.Sleep(ctx, time.Hour); return other })
		gives(t, "boom true 1s", g.Wait(), errors.Is(other, errBoom), since(begin))
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup", "several exceptions are raised together, in order of arrival", "they are joined", func(t *testing.T) {
		g := lab.NewGroup(t.Context())
		for i := range 3 {
			g.Go(func(context.Context) error { time.Sleep(time.Duration(i) * sec); return fmt.Errorf("e%d", i) })
		}
		err := g.Wait()
		gives(t, "[e0 e1 e2]", err.(interface{ Unwrap() []error }).Unwrap())
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup.test_cancellation", "tasks that were cancelled by the group are not among its exceptions", "", func(t *testing.T) {
		g := lab.NewGroup(t.Context())
		for range 3 {
			g.Go(func(ctx context.Context) error { return lab.Sleep(ctx, time.Hour) })
		}
		g.Go(func(context.Context) error { return errBoom })
		gives(t, "true", g.Wait() == errBoom)
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup", "tasks of a group may start others in it", "", func(t *testing.T) {
		g, n := lab.NewGroup(t.Context()), lab.NewSemaphore(0)
		g.Go(func(context.Context) error {
			for range 3 {
				g.Go(func(ctx context.Context) error { n.Release(1); return lab.Sleep(ctx, sec) })
			}
			return nil
		})
		gives(t, "<nil> 3", g.Wait(), n.Free())
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup.test_taskgroup_finished", "starting a task in a group that is over is a RuntimeError", "it panics with a usage error", func(t *testing.T) {
		g := lab.NewGroup(t.Context())
		g.Wait()
		wantMisuse(t, func() { g.Go(func(context.Context) error { return nil }) }, "lab.Group.Go: the group is over: Wait has returned")
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup.test_taskgroup_no_create_task_after_failure", "starting a task in a group that has failed is a RuntimeError", "the function is called, with a context that has ended", func(t *testing.T) {
		g := lab.NewGroup(t.Context())
		g.Go(func(context.Context) error { return errBoom })
		synctest.Wait()
		var late error
		g.Go(func(ctx context.Context) error { late = context.Cause(ctx); return nil })
		gives(t, "boom true", g.Wait(), errors.Is(late, errBoom))
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup", "cancelling the owner of the group cancels its tasks", "so does the end of the context it was made with", func(t *testing.T) {
		ctx, cancel := cancelable(t)
		g, begin := lab.NewGroup(ctx), now()
		for range 3 {
			g.Go(func(ctx context.Context) error { return lab.Sleep(ctx, time.Hour) })
		}
		after(sec, cancel)
		gives(t, "context canceled 1s", g.Wait(), since(begin))
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup", "tasks that clean up when cancelled are waited for", "", func(t *testing.T) {
		g, begin := lab.NewGroup(t.Context()), now()
		g.Go(func(ctx context.Context) error { <-ctx.Done(); time.Sleep(2 * sec); return nil })
		g.Go(func(context.Context) error { time.Sleep(sec); return errBoom })
		gives(t, "boom 3s", g.Wait(), since(begin))
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup", "a task that was cancelled and returns all the same is no exception", "", func(t *testing.T) {
		ctx, cancel := cancelable(t)
		g := lab.NewGroup(ctx)
		g.Go(func(ctx context.Context) error { <-ctx.Done(); return nil })
		cancel()
		gives(t, "<nil>", g.Wait())
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup", "an exception in an inner group ends the outer one", "", func(t *testing.T) {
		outer, begin := lab.NewGroup(t.Context()), now()
		outer.Go(func(ctx context.Context) error {
			inner := lab.NewGroup(ctx)
			inner.Go(func(context.Context) error { time.Sleep(sec); return errBoom })
			inner.Go(func(ctx context.Context) error { return lab.Sleep(ctx, time.Hour) })
			return inner.Wait()
		})
		outer.Go(func(ctx context.Context) error { return lab.Sleep(ctx, time.Hour) })
		gives(t, "boom 1s", outer.Wait(), since(begin))
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup.test_nested_groups_both_cancelled", "the end of the outer group reaches the tasks of the inner one", "", func(t *testing.T) {
		outer := lab.NewGroup(t.Context())
		var deep error
		outer.Go(func(ctx context.Context) error {
			inner := lab.NewGroup(ctx)
			inner.Go(func(ctx context.Context) error { deep = lab.Sleep(ctx, time.Hour); return deep })
			return inner.Wait()
		})
		outer.Go(func(context.Context) error { time.Sleep(sec); return errBoom })
		gives(t, "boom true", outer.Wait(), errors.Is(deep, errBoom))
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup", "an empty group is over at once", "", func(t *testing.T) {
		begin := now()
		gives(t, "<nil> 0s", lab.NewGroup(t.Context()).Wait(), since(begin))
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup", "exceptions that no one foresees are raised, too", "a panic is a PanicError, and a Goexit ErrGoexit", func(t *testing.T) {
		g := lab.NewGroup(t.Context())
		g.Go(func(context.Context) error { panic("boom") })
		wantPanic(t, g.Wait(), "boom", "lab_test.")
	}},
	{"test_asyncio.test_taskgroups.TestTaskGroup", "a task that is cancelled alone does not end its group", "a function that returns context.Canceled fails as with any other error", func(t *testing.T) {
		g := lab.NewGroup(t.Context())
		var other error
		g.Go(func(context.Context) error { return context.Canceled })
		g.Go(func(ctx context.Context) error { other = lab.Sleep(ctx, time.Hour); return other })
		gives(t, "context canceled true", g.Wait(), other != nil)
	}},
	{"test_asyncio.test_eager_task_factory.AsyncTaskCounter.test_recursive_taskgroups", "groups may be nested as deep as one likes", "", func(t *testing.T) {
		n := lab.NewSemaphore(0)
		var grow func(ctx context.Context, depth int) error
		grow = func(ctx context.Context, depth int) error {
			if n.Release(1); depth == 0 {
				return nil
			}
			g := lab.NewGroup(ctx)
			for range 2 {
				g.Go(func(ctx context.Context) error { return grow(ctx, depth-1) })
			}
			return g.Wait()
		}
		gives(t, "<nil> 63", grow(t.Context(), 5), n.Free())
	}},
}

var cpythonRun = []behaviour{
	{"test_asyncio.test_runners.RunTests.test_asyncio_run_return", "run ends with its function", "", func(t *testing.T) {
		begin := now()
		gives(t, "<nil> 1s", lab.Run(t.Context(), func(ctx context.Context) error { return lab.Sleep(ctx, sec) }), since(begin))
	}},
	{"test_asyncio.test_runners.RunTests.test_asyncio_run_raises", "run raises its function's exception", "it returns the error", func(t *testing.T) {
		gives(t, "boom", lab.Run(t.Context(), func(context.Context) error { return errBoom }))
	}},
	{"test_asyncio.test_runners.RunTests.test_asyncio_run_only_coro", "run of what is no coroutine is a TypeError", "nil is a usage error", func(t *testing.T) {
		wantUsage(t, lab.Run(t.Context(), nil), "lab.Run: nil function")
	}},
	{"test_asyncio.test_runners.RunTests.test_asyncio_run_cancels_hanging_tasks", "run cancels the tasks that are still alive when its function returns, and waits for them", "", func(t *testing.T) {
		var task *lab.Task[int]
		begin := now()
		err := lab.Run(t.Context(), func(ctx context.Context) error {
			task = lab.Go(ctx, func(ctx context.Context) (int, error) { <-ctx.Done(); time.Sleep(sec); return 0, ctx.Err() })
			return nil
		})
		gives(t, "<nil> canceled 1s", err, task.State(), since(begin))
	}},
	{"test_asyncio.test_runners.RunTests.test_asyncio_run_reports_hanging_tasks_errors", "an exception of such a task goes to the exception handler", "it stays with the task; panics go to OnPanic", func(t *testing.T) {
		var task *lab.Task[int]
		err := lab.Run(t.Context(), func(ctx context.Context) error {
			task = lab.Go(ctx, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, errBoom })
			return nil
		})
		_, late := task.Result()
		gives(t, "<nil> boom", err, late)
	}},
	{"test_asyncio.test_runners.RunTests.test_asyncio_run_from_running_loop", "run inside of run is a RuntimeError", "it is allowed: a border inside of a border", func(t *testing.T) {
		var inner, outer *lab.Task[int]
		err := lab.Run(t.Context(), func(ctx context.Context) error {
			outer = lab.Go(ctx, value(sec, 1))
			if err := lab.Run(ctx, func(ctx context.Context) error { inner = lab.Go(ctx, value(time.Hour, 2)); return nil }); err != nil {
				return err
			}
			_, err := outer.Await(ctx)
			return err
		})
		gives(t, "<nil> canceled succeeded", err, inner.State(), outer.State())
	}},
	{"test_asyncio.test_runners.RunnerTests.test_interrupt_wait", "an interrupt cancels the function, and run ends", "the end of its context does", func(t *testing.T) {
		begin := now()
		err := lab.Run(within(t, sec), func(ctx context.Context) error { return lab.Sleep(ctx, time.Hour) })
		gives(t, "context deadline exceeded 1s", err, since(begin))
	}},
	{"test_asyncio.test_runners.RunnerTests.test_run_keeps_context", "the function has the caller's context variables", "", func(t *testing.T) {
		who := lab.NewLocal[string](nil)
		var got string
		lab.Run(who.With(t.Context(), "me"), func(ctx context.Context) error { got = who.Get(ctx); return nil })
		gives(t, "me", got)
	}},
}
