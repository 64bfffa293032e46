package lab_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
)

// tasks starts a task for each function.
func tasks(t *testing.T, fns ...func(context.Context) (int, error)) []*lab.Task[int] {
	ts := make([]*lab.Task[int], len(fns))
	for i, fn := range fns {
		ts[i] = lab.Go(t.Context(), fn)
	}
	return ts
}

var cpythonWait = []behaviour{
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait", "wait waits for all and returns them as done", "", func(t *testing.T) {
		begin := now()
		done, pending, err := lab.Wait(t.Context(), lab.AllCompleted, tasks(t, value(sec, 1), value(2*sec, 2))...)
		gives(t, "2 0 <nil> 2s", len(done), len(pending), err, since(begin))
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_duplicate_coroutines", "a task that is given twice is in the result once", "", func(t *testing.T) {
		ts := tasks(t, value(sec, 1))
		done, pending, err := lab.Wait(t.Context(), lab.AllCompleted, ts[0], ts[0])
		gives(t, "1 0 <nil>", len(done), len(pending), err)
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_errors", "wait for nothing is a ValueError", "there is nothing to wait for: it returns at once", func(t *testing.T) {
		done, pending, err := lab.Wait[int](t.Context(), lab.AllCompleted)
		gives(t, "0 0 <nil>", len(done), len(pending), err)
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_errors", "wait with an unknown return_when is a ValueError", "it is a usage error", func(t *testing.T) {
		_, _, err := lab.Wait(t.Context(), 7, endedTask(t))
		wantUsage(t, err, "lab.Wait: mode 7: need FirstCompleted, FirstError or AllCompleted")
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_first_completed", "FIRST_COMPLETED returns when the first has ended; the others keep running", "", func(t *testing.T) {
		begin := now()
		ts := tasks(t, value(10*sec, 1), value(sec, 2))
		done, pending, err := lab.Wait(t.Context(), lab.FirstCompleted, ts...)
		took := since(begin)
		v, then := ts[0].Await(t.Context())
		gives(t, "true true <nil> 1s 1 <nil>", done[0] == ts[1], pending[0] == ts[0], err, took, v, then)
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_really_done", "all that have ended by then are done, not only the first", "", func(t *testing.T) {
		ts := tasks(t, value(sec, 1), value(sec, 2))
		time.Sleep(2 * sec)
		done, pending, _ := lab.Wait(t.Context(), lab.FirstCompleted, ts...)
		gives(t, "2 0", len(done), len(pending))
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_first_exception", "FIRST_EXCEPTION returns with the first that fails", "", func(t *testing.T) {
		begin := now()
		ts := tasks(t, value(10*sec, 1), failure(2*sec, errBoom), value(sec, 3))
		done, pending, err := lab.Wait(t.Context(), lab.FirstError, ts...)
		gives(t, "2 1 <nil> 2s", len(done), len(pending), err, since(begin))
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_first_exception_in_wait", "FIRST_EXCEPTION returns at once when one has failed before", "", func(t *testing.T) {
		ts := tasks(t, value(10*sec, 1), failure(0, errBoom))
		time.Sleep(sec)
		begin := now()
		done, _, _ := lab.Wait(t.Context(), lab.FirstError, ts...)
		gives(t, "1 0s", len(done), since(begin))
	}},
	{"test_concurrent_futures.test_wait.WaitTests.test_first_exception_some_already_complete", "FIRST_EXCEPTION does not stop at tasks that have succeeded before", "", func(t *testing.T) {
		ts := tasks(t, value(0, 1), failure(2*sec, errBoom), value(10*sec, 3))
		time.Sleep(sec)
		begin := now()
		done, pending, _ := lab.Wait(t.Context(), lab.FirstError, ts...)
		gives(t, "2 1 1s", len(done), len(pending), since(begin))
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_first_exception", "FIRST_EXCEPTION without any waits for all", "", func(t *testing.T) {
		begin := now()
		done, _, err := lab.Wait(t.Context(), lab.FirstError, tasks(t, value(sec, 1), value(3*sec, 2))...)
		gives(t, "2 <nil> 3s", len(done), err, since(begin))
	}},
	{"asyncio.wait, which has no test of it", "a task that was cancelled is no exception to FIRST_EXCEPTION", "", func(t *testing.T) {
		ts := tasks(t, value(time.Hour, 1), value(3*sec, 2))
		after(sec, func() { ts[0].Cancel(nil) })
		begin := now()
		done, _, err := lab.Wait(t.Context(), lab.FirstError, ts...)
		gives(t, "2 <nil> 3s", len(done), err, since(begin))
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_with_exception", "how tasks end is no error of wait; it is in their results", "", func(t *testing.T) {
		ts := tasks(t, failure(sec, errBoom), value(sec, 2))
		_, _, err := lab.Wait(t.Context(), lab.AllCompleted, ts...)
		_, first := ts[0].Result()
		gives(t, "<nil> boom", err, first)
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_with_timeout", "wait with a timeout returns what is done and what is not, without an error", "the error of the context is returned, too", func(t *testing.T) {
		ts := tasks(t, value(sec, 1), value(time.Hour, 2))
		begin := now()
		done, pending, err := lab.Wait(within(t, 2*sec), lab.AllCompleted, ts...)
		gives(t, "true true context deadline exceeded 2s running", done[0] == ts[0], pending[0] == ts[1], err, since(begin), ts[1].State())
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_concurrent_complete", "tasks that end before the time is up are done", "", func(t *testing.T) {
		done, pending, err := lab.Wait(within(t, 3*sec), lab.AllCompleted, tasks(t, value(sec, 1), value(2*sec, 2))...)
		gives(t, "2 0 <nil>", len(done), len(pending), err)
	}},
	{"test_concurrent_futures.test_wait.WaitTests.test_pending_calls_race", "tasks of a busy pool that end while wait begins are not missed", "", func(t *testing.T) {
		p := lab.NewPool(4)
		for range 20 {
			var ts []*lab.Task[int]
			for range 10 {
				ts = append(ts, lab.Submit(t.Context(), p, value(0, 1)))
			}
			if _, pending, err := lab.Wait(t.Context(), lab.AllCompleted, ts...); err != nil || len(pending) > 0 {
				t.Errorf("%d pending, %v", len(pending), err)
			}
		}
		p.Close()
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_as_completed", "as_completed yields results in order of arrival", "", func(t *testing.T) {
		var log journal
		for v, err := range lab.Completed(t.Context(), tasks(t, value(3*sec, 3), value(sec, 1), value(2*sec, 2))...) {
			log.add(v)
			log.add(err)
		}
		gives(t, "1 <nil> 2 <nil> 3 <nil>", log.words())
	}},
	{"test_concurrent_futures.test_as_completed.AsCompletedTests.test_no_timeout", "tasks that had ended before come first", "", func(t *testing.T) {
		ts := tasks(t, value(3*sec, 3), value(0, 1), failure(0, errBoom))
		time.Sleep(sec)
		var log journal
		for v, err := range lab.Completed(t.Context(), ts...) {
			log.add(v)
			log.add(err)
		}
		gives(t, "1 <nil> 0 boom 3 <nil>", log.words())
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_as_completed_with_timeout", "when the time is up as_completed raises TimeoutError; what came before is yielded", "the error of the context is the last thing yielded", func(t *testing.T) {
		var log journal
		for v, err := range lab.Completed(within(t, 2*sec), tasks(t, value(sec, 1), value(time.Hour, 2), value(time.Hour, 3))...) {
			log.add(v)
			log.add(err)
		}
		gives(t, "1 <nil> 0 context deadline exceeded", log.words())
	}},
	{"test_concurrent_futures.test_as_completed.AsCompletedTests.test_future_times_out", "with a timeout of zero as_completed still yields what has ended", "so it does with a context that has ended", func(t *testing.T) {
		var log journal
		for v, err := range lab.Completed(within(t, 0), endedTask(t), lab.Go(t.Context(), value(time.Hour, 2))) {
			log.add(v)
			log.add(err)
		}
		gives(t, "1 <nil> 0 context deadline exceeded", log.words())
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_as_completed_with_unused_timeout", "a timeout that is not reached has no effect", "", func(t *testing.T) {
		n := 0
		for _, err := range lab.Completed(within(t, time.Hour), tasks(t, value(sec, 1), value(sec, 2))...) {
			if err == nil {
				n++
			}
		}
		gives(t, "2", n)
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_as_completed_concurrent", "tasks that end at the same time are all yielded", "", func(t *testing.T) {
		sum := 0
		for v := range lab.Completed(t.Context(), tasks(t, value(sec, 1), value(sec, 2), value(sec, 4))...) {
			sum += v
		}
		gives(t, "7", sum)
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_as_completed_duplicate_coroutines", "a task that is given twice is yielded once", "", func(t *testing.T) {
		ts, n := tasks(t, value(sec, 1)), 0
		for range lab.Completed(t.Context(), ts[0], ts[0]) {
			n++
		}
		gives(t, "1", n)
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_as_completed_invalid_args", "as_completed of what is no task is a TypeError", "nil is a usage error", func(t *testing.T) {
		wantMisuse(t, func() { lab.Completed[int](t.Context(), nil) }, "lab.Completed: task 0 of 1 is nil")
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_as_completed_resume_iterator", "a loop that stops early leaves the other tasks running", "", func(t *testing.T) {
		ts := tasks(t, value(sec, 1), value(2*sec, 2))
		for range lab.Completed(t.Context(), ts...) {
			break
		}
		gives(t, "running", ts[1].State())
		var rest journal
		for v := range lab.Completed(t.Context(), ts...) {
			rest.add(v)
		}
		gives(t, "1 2", rest.words())
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_as_completed_reverse_wait", "results may be taken later than they came", "CompletedChan keeps them", func(t *testing.T) {
		results := lab.CompletedChan(t.Context(), tasks(t, value(2*sec, 2), value(sec, 1))...)
		time.Sleep(time.Hour)
		var log journal
		for r := range results {
			log.add(r.Value)
		}
		gives(t, "1 2", log.words())
	}},
}

var cpythonGather = []behaviour{
	{"test_asyncio.test_tasks.FutureGatherTests.test_success", "gather returns the results in the order of its arguments", "", func(t *testing.T) {
		begin := now()
		vs, err := lab.Gather(t.Context(), value(3*sec, 1), value(sec, 2), value(2*sec, 3))
		gives(t, "[1 2 3] <nil> 3s", vs, err, since(begin))
	}},
	{"test_asyncio.test_tasks.FutureGatherTests.test_constructor_empty_sequence_use_running_loop", "gather of nothing gives an empty list", "", func(t *testing.T) {
		vs, err := lab.Gather[int](t.Context())
		gives(t, "[] <nil>", vs, err)
	}},
	{"test_asyncio.test_tasks.FutureGatherTests.test_one_exception", "gather raises the first exception at once; the others keep running", "it cancels the others, and Gather waits for them", func(t *testing.T) {
		begin := now()
		var other error
		vs, err := lab.Gather(t.Context(), failure(sec, errBoom), func(ctx context.Context) (int, error) {
			other = lab.Sleep(ctx, time.Hour)
			return 1, other
		})
		gives(t, "[] boom 1s true", vs, err, since(begin), errors.Is(other, errBoom))
	}},
	{"test_asyncio.test_tasks.FutureGatherTests.test_return_exceptions", "with return_exceptions every call runs to its end, and exceptions stand among the results", "GatherAll does it", func(t *testing.T) {
		rs := lab.GatherAll(t.Context(), value(2*sec, 1), failure(sec, errBoom), value(3*sec, 3))
		gives(t, "1 <nil> 2s 0 boom 1s 3 <nil> 3s", rs[0].Value, rs[0].Err, rs[0].Took, rs[1].Value, rs[1].Err, rs[1].Took, rs[2].Value, rs[2].Err, rs[2].Took)
	}},
	{"test_asyncio.test_tasks.FutureGatherTests.test_one_cancellation", "when a child is cancelled gather fails with CancelledError", "a child that fails so cancels the others like any error", func(t *testing.T) {
		task := lab.Go(t.Context(), value(time.Hour, 1))
		after(sec, func() { task.Cancel(nil) })
		begin := now()
		_, err := lab.Gather(t.Context(), task.Await, value(time.Hour, 2))
		gives(t, "context canceled 1s", err, since(begin))
	}},
	{"test_asyncio.test_tasks.FutureGatherTests.test_result_exception_one_cancellation", "with return_exceptions a cancelled child is one of the results", "", func(t *testing.T) {
		task := lab.Go(t.Context(), value(time.Hour, 1))
		after(sec, func() { task.Cancel(nil) })
		rs := lab.GatherAll(t.Context(), task.Await, value(2*sec, 2))
		gives(t, "context canceled 2 <nil>", rs[0].Err, rs[1].Value, rs[1].Err)
	}},
	{"test_asyncio.test_tasks.CoroutineGatherTests.test_cancellation_broadcast", "cancelling gather cancels all of its children", "", func(t *testing.T) {
		ctx, cancel := cancelable(t)
		after(sec, cancel)
		var children [2]error
		_, err := lab.Gather(ctx, func(ctx context.Context) (int, error) { children[0] = lab.Sleep(ctx, time.Hour); return 0, children[0] },
			func(ctx context.Context) (int, error) { children[1] = lab.Sleep(ctx, time.Hour); return 0, children[1] })
		gives(t, "context canceled context canceled context canceled", err, children[0], children[1])
	}},
	{"test_asyncio.test_tasks.CoroutineGatherTests.test_duplicate_coroutines", "a call that is given twice runs once", "functions run as often as they are given", func(t *testing.T) {
		n := lab.NewSemaphore(0)
		fn := func(context.Context) (int, error) { n.Release(1); return 1, nil }
		vs, err := lab.Gather(t.Context(), fn, fn)
		gives(t, "[1 1] <nil> 2", vs, err, n.Free())
	}},
	{"test_asyncio.test_tasks.CoroutineGatherTests.test_issue46672", "gathers may be nested", "", func(t *testing.T) {
		inner := func(ctx context.Context) (int, error) {
			vs, err := lab.Gather(ctx, value(sec, 1), value(sec, 2))
			return len(vs), err
		}
		vs, err := lab.Gather(t.Context(), inner, inner)
		gives(t, "[2 2] <nil>", vs, err)
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_cancel_gather_2", "cancelling the outer of nested gathers reaches the innermost calls", "", func(t *testing.T) {
		ctx, cancel := cancelable(t)
		after(sec, cancel)
		begin := now()
		inner := func(ctx context.Context) (int, error) {
			vs, err := lab.Gather(ctx, value(time.Hour, 1), value(time.Hour, 2))
			return len(vs), err
		}
		_, err := lab.Gather(ctx, inner, inner)
		gives(t, "context canceled 1s", err, since(begin))
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_gather_shield", "a shielded task outlives a gather that fails", "", func(t *testing.T) {
		task := lab.Go(t.Context(), value(5*sec, 7))
		_, err := lab.Gather(t.Context(), failure(sec, errBoom), func(ctx context.Context) (int, error) { return lab.Shield(ctx, task) })
		v, then := task.Await(t.Context())
		gives(t, "boom 7 <nil>", err, v, then)
	}},
	{"test_asyncio.test_tasks.CoroutineGatherTests.test_exception_marking", "an exception of a child is raised by gather although another one failed later", "errors after the first are left out", func(t *testing.T) {
		_, err := lab.Gather(t.Context(), stubborn(2*sec, 0, errors.New("second")), stubborn(sec, 0, errBoom))
		gives(t, "boom", err)
	}},
	{"test_asyncio.test_tasks.FutureGatherTests.test_return_exceptions", "cancelling a gather with return_exceptions raises CancelledError", "GatherAll has a result for each, as always", func(t *testing.T) {
		rs := lab.GatherAll(within(t, 2*sec), value(sec, 1), value(time.Hour, 2))
		gives(t, "1 <nil> context deadline exceeded", rs[0].Value, rs[0].Err, rs[1].Err)
	}},
	{"test_asyncio.test_eager_task_factory.AsyncTaskCounter.test_awaitables_chain", "a chain of awaits as deep as one likes gives the innermost result", "", func(t *testing.T) {
		var chain func(n int) func(context.Context) (int, error)
		chain = func(n int) func(context.Context) (int, error) {
			return func(ctx context.Context) (int, error) {
				if n == 0 {
					return 7, nil
				}
				return lab.Go(ctx, chain(n-1)).Await(ctx)
			}
		}
		v, err := chain(100)(t.Context())
		synctest.Wait()
		gives(t, "7 <nil>", v, err)
	}},
}
