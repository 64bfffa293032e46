package lab_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
)

func double(_ context.Context, x int) (int, error) { return 2 * x, nil }

// workers makes a pool that ends with the test.
func workers(t *testing.T, n int) *lab.Pool {
	p := lab.NewPool(n)
	t.Cleanup(func() { p.Close() })
	return p
}

var cpythonExecutor = []behaviour{
	{"test_concurrent_futures.executor.ExecutorTest.test_submit", "submit returns a future with the result to come", "", func(t *testing.T) {
		v, err := lab.Submit(t.Context(), workers(t, 2), value(sec, 7)).Await(t.Context())
		gives(t, "7 <nil>", v, err)
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_exception_with_timeout", "the exception of a call is the future's", "", func(t *testing.T) {
		task := lab.Submit(t.Context(), workers(t, 2), failure(sec, errBoom))
		_, err := task.Await(t.Context())
		gives(t, "boom failed", err, task.State())
	}},
	{"test_concurrent_futures.executor.ExecutorTest.test_map", "map gives results in the order of the items, however long each took", "", func(t *testing.T) {
		vs, err := lab.Map(t.Context(), workers(t, 3), []int{3, 1, 2}, func(ctx context.Context, x int) (int, error) { return 2 * x, lab.Sleep(ctx, time.Duration(x)*sec) })
		gives(t, "[6 2 4] <nil>", vs, err)
	}},
	{"test_concurrent_futures.executor.ExecutorTest.test_map_exception", "map yields the results before the item that failed, then raises its exception", "the first error cancels the rest, and there are no results", func(t *testing.T) {
		vs, err := lab.Map(t.Context(), workers(t, 1), []int{1, 0, 2}, func(_ context.Context, x int) (int, error) {
			if x == 0 {
				return 0, errBoom
			}
			return x, nil
		})
		gives(t, "[] boom", vs, err)
	}},
	{"test_concurrent_futures.executor.ExecutorTest.test_map_timeout", "map with a timeout raises TimeoutError when a result is not there in time", "the error is that of the context, and there are no results", func(t *testing.T) {
		begin := now()
		vs, err := lab.Map(within(t, 3*sec), workers(t, 2), []int{0, 1, 5}, func(ctx context.Context, x int) (int, error) { return x, lab.Sleep(ctx, time.Duration(x)*sec) })
		gives(t, "[] context deadline exceeded 3s", vs, err, since(begin))
	}},
	{"test_concurrent_futures.test_process_pool.ProcessPoolExecutorTest.test_map_chunksize", "map with any chunksize gives the same results", "", func(t *testing.T) {
		p := workers(t, 3)
		xs := []int{1, 2, 3, 4, 5, 6, 7}
		for _, k := range []int{1, 2, 7, 100} {
			vs, err := lab.Map(t.Context(), p, xs, double, lab.Chunk(k))
			gives(t, "[2 4 6 8 10 12 14] <nil>", vs, err)
		}
	}},
	{"test_concurrent_futures.test_process_pool.ProcessPoolExecutorTest.test_map_chunksize", "a chunksize below one is a ValueError", "it panics with a usage error", func(t *testing.T) {
		wantMisuse(t, func() { lab.Chunk(0) }, "lab.Chunk: 0: need at least 1")
	}},
	{"test_concurrent_futures.test_thread_pool.ThreadPoolExecutorTest.test_map_submits_without_iteration", "map begins its calls before results are asked for", "Map returns when all are there", func(t *testing.T) {
		n := lab.NewSemaphore(0)
		lab.Map(t.Context(), workers(t, 2), []int{1, 2, 3}, func(context.Context, int) (int, error) { n.Release(1); return 0, nil })
		gives(t, "3", n.Free())
	}},
	{"test_concurrent_futures.executor.ExecutorTest.test_max_workers_negative", "max_workers below one is a ValueError", "it panics with a usage error", func(t *testing.T) {
		wantMisuse(t, func() { lab.NewPool(0) }, "lab.NewPool: size 0: need at least 1")
	}},
	{"test_concurrent_futures.test_thread_pool.ThreadPoolExecutorTest.test_saturation", "never more calls run than there are workers; the others wait", "", func(t *testing.T) {
		p, begin := workers(t, 4), now()
		ts := make([]*lab.Task[int], 10)
		for i := range ts {
			ts[i] = lab.Submit(t.Context(), p, value(sec, i))
		}
		synctest.Wait()
		s := p.Stats()
		lab.Wait(t.Context(), lab.AllCompleted, ts...)
		gives(t, "4 6 3s", s.Running, s.Waiting, since(begin))
	}},
	{"test_concurrent_futures.test_thread_pool.ThreadPoolExecutorTest.test_idle_thread_reuse", "a worker that is idle is used again before another one begins", "", func(t *testing.T) {
		p := workers(t, 4)
		for range 5 {
			lab.Submit(t.Context(), p, value(sec, 1)).Await(t.Context())
			synctest.Wait()
		}
		s := p.Stats()
		gives(t, "5 0", s.Workers[0].Tasks, s.Workers[1].Tasks)
	}},
	{"test_concurrent_futures.executor.ExecutorTest.test_submit", "calls begin in the order in which they were submitted", "", func(t *testing.T) {
		p := workers(t, 1)
		var log journal
		var ts []*lab.Task[int]
		for i := range 4 {
			ts = append(ts, lab.Submit(t.Context(), p, func(context.Context) (int, error) { log.add(i); return 0, nil }))
		}
		lab.Wait(t.Context(), lab.AllCompleted, ts...)
		gives(t, "0 1 2 3", log.words())
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_cancel", "a call that has not begun can be cancelled, and never begins", "", func(t *testing.T) {
		p := workers(t, 1)
		lab.Submit(t.Context(), p, value(sec, 1))
		synctest.Wait()
		task := lab.Submit(t.Context(), p, func(context.Context) (int, error) { t.Error("begun"); return 0, nil })
		task.Cancel(nil)
		gives(t, "canceled 0", task.State(), p.Stats().Waiting)
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_cancel", "a call that runs cannot be cancelled", "its context ends", func(t *testing.T) {
		task := lab.Submit(t.Context(), workers(t, 1), value(time.Hour, 1))
		synctest.Wait()
		task.Cancel(errBoom)
		_, err := task.Await(t.Context())
		gives(t, "context canceled: boom", err)
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_running", "a future is pending, running, then done", "", func(t *testing.T) {
		p := workers(t, 1)
		lab.Submit(t.Context(), p, value(sec, 1))
		task := lab.Submit(t.Context(), p, value(sec, 1))
		pending := task.State()
		time.Sleep(sec + sec/2)
		running := task.State()
		task.Await(t.Context())
		gives(t, "pending running succeeded true", pending, running, task.State(), task.State().Ended())
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_result_with_timeout", "result with a timeout raises TimeoutError and leaves the call alone", "Shield does; Await cancels", func(t *testing.T) {
		task := lab.Submit(t.Context(), workers(t, 1), value(2*sec, 7))
		_, err := lab.Shield(within(t, sec), task)
		v, then := task.Await(t.Context())
		gives(t, "context deadline exceeded 7 <nil>", err, v, then)
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_result_with_cancel", "result of a call that is cancelled meanwhile raises CancelledError", "", func(t *testing.T) {
		p := workers(t, 1)
		lab.Submit(t.Context(), p, value(time.Hour, 1)).Cancel(nil)
		task := lab.Submit(t.Context(), p, value(time.Hour, 1))
		after(sec, func() { task.Cancel(nil) })
		_, err := task.Await(t.Context())
		gives(t, "context canceled", err)
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_done_callback_with_result", "a callback is called with the future that has its result", "", func(t *testing.T) {
		task := lab.Submit(t.Context(), workers(t, 1), value(sec, 7))
		var log journal
		task.OnDone(func(x *lab.Task[int]) { v, err := x.Result(); log.add(v); log.add(err) })
		task.Await(t.Context())
		gives(t, "7 <nil>", log.words())
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_done_callback_with_exception", "a callback is called for a call that failed", "", func(t *testing.T) {
		task := lab.Submit(t.Context(), workers(t, 1), failure(sec, errBoom))
		var log journal
		task.OnDone(func(x *lab.Task[int]) { _, err := x.Result(); log.add(err) })
		task.Await(t.Context())
		gives(t, "boom", log.words())
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_done_callback_with_cancel", "a callback is called for a call that was cancelled", "", func(t *testing.T) {
		p := workers(t, 1)
		lab.Submit(t.Context(), p, value(sec, 1))
		task := lab.Submit(t.Context(), p, value(sec, 1))
		var log journal
		task.OnDone(func(x *lab.Task[int]) { log.add(x.State()) })
		task.Cancel(nil)
		gives(t, "canceled", log.words())
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_done_callback_raises", "a callback that raises does not keep the next one from being called", "", func(t *testing.T) {
		task := lab.Submit(t.Context(), workers(t, 1), value(sec, 7))
		called := false
		task.OnDone(func(*lab.Task[int]) { panic("callback") })
		task.OnDone(func(*lab.Task[int]) { called = true })
		v, err := task.Await(t.Context())
		gives(t, "true 7 <nil>", called, v, err)
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_done_callback_already_successful", "a callback for what has ended is called at once", "", func(t *testing.T) {
		task := endedTask(t)
		called := 0
		task.OnDone(func(*lab.Task[int]) { called++ })
		gives(t, "1", called)
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_done_callback_already_failed", "also when it has failed", "", func(t *testing.T) {
		task := lab.Go(t.Context(), failure(0, errBoom))
		task.Await(t.Context())
		var log journal
		task.OnDone(func(x *lab.Task[int]) { _, err := x.Result(); log.add(err) })
		gives(t, "boom", log.words())
	}},
	{"test_concurrent_futures.test_future.FutureTests.test_done_callback_raises_already_succeeded", "a callback that raises at once does not disturb the caller that adds it", "", func(t *testing.T) {
		task := endedTask(t)
		task.OnDone(func(*lab.Task[int]) { panic("callback") })
		v, err := task.Result()
		gives(t, "1 <nil>", v, err)
	}},
	{"test_concurrent_futures.test_shutdown.ExecutorShutdownTest.test_run_after_shutdown", "submit after shutdown is a RuntimeError", "the task is cancelled, with ErrPoolClosed", func(t *testing.T) {
		p := lab.NewPool(1)
		p.Close()
		_, err := lab.Submit(t.Context(), p, value(0, 1)).Await(t.Context())
		gives(t, "context canceled: the pool is shut down true", err, errors.Is(err, lab.ErrPoolClosed))
	}},
	{"test_concurrent_futures.test_shutdown.ThreadPoolShutdownTest.test_threads_terminate", "shutdown waits for all that was submitted", "", func(t *testing.T) {
		p, begin := lab.NewPool(2), now()
		for i := range 4 {
			lab.Submit(t.Context(), p, value(sec, i))
		}
		gives(t, "<nil> 2s 4", p.Close(), since(begin), p.Stats().Done)
	}},
	{"test_concurrent_futures.test_shutdown.ThreadPoolShutdownTest.test_shutdown_no_wait", "shutdown(wait=False) returns at once; what was submitted is still done", "so it does with a context that has ended", func(t *testing.T) {
		p, begin := lab.NewPool(1), now()
		a, b := lab.Submit(t.Context(), p, value(sec, 1)), lab.Submit(t.Context(), p, value(sec, 2))
		err := p.Shutdown(within(t, 0), false)
		took := since(begin)
		lab.Wait(t.Context(), lab.AllCompleted, a, b)
		gives(t, "context deadline exceeded 0s succeeded succeeded <nil>", err, took, a.State(), b.State(), p.Close())
	}},
	{"test_concurrent_futures.test_shutdown.ExecutorShutdownTest.test_cancel_futures", "shutdown(cancel_futures=True) cancels what has not begun and waits for what has", "", func(t *testing.T) {
		p, begin := lab.NewPool(1), now()
		a, b := lab.Submit(t.Context(), p, value(sec, 1)), lab.Submit(t.Context(), p, value(sec, 2))
		synctest.Wait()
		err := p.Shutdown(t.Context(), true)
		gives(t, "<nil> 1s succeeded canceled", err, since(begin), a.State(), b.State())
	}},
	{"test_concurrent_futures.test_shutdown.ThreadPoolShutdownTest.test_cancel_futures_wait_false", "both together return at once", "", func(t *testing.T) {
		p, begin := lab.NewPool(1), now()
		a, b := lab.Submit(t.Context(), p, value(sec, 1)), lab.Submit(t.Context(), p, value(sec, 2))
		synctest.Wait()
		p.Shutdown(within(t, 0), true)
		gives(t, "0s running canceled", since(begin), a.State(), b.State())
		p.Close()
	}},
	{"test_concurrent_futures.test_shutdown.ThreadPoolShutdownTest.test_context_manager_shutdown", "shutdown may be repeated", "", func(t *testing.T) {
		p := lab.NewPool(2)
		gives(t, "<nil> <nil> <nil>", p.Close(), p.Close(), p.Shutdown(t.Context(), true))
	}},
	{"test_concurrent_futures.test_shutdown.ThreadPoolShutdownTest.test_thread_names_assigned", "workers are called after the executor's prefix", "after the pool's name, in figures", func(t *testing.T) {
		gives(t, "true", strings.HasPrefix(lab.NewPool(1, lab.PoolName("loader")).String(), "loader: "))
	}},
	{"test_concurrent_futures.test_as_completed.AsCompletedTests.test_duplicate_futures", "the same future twice in as_completed is yielded once", "", func(t *testing.T) {
		task, n := lab.Submit(t.Context(), workers(t, 1), value(sec, 1)), 0
		for range lab.Completed(t.Context(), task, task) {
			n++
		}
		gives(t, "1", n)
	}},
	{"test_concurrent_futures.test_thread_pool.ThreadPoolExecutorTest.test_hang_global_shutdown_lock", "calls may use another executor", "", func(t *testing.T) {
		outer, inner := workers(t, 1), workers(t, 1)
		v, err := lab.Submit(t.Context(), outer, func(ctx context.Context) (int, error) {
			return lab.Submit(ctx, inner, value(sec, 7)).Await(ctx)
		}).Await(t.Context())
		gives(t, "7 <nil>", v, err)
	}},
	{"the example wait_on_future of its documentation", "a call that waits for another one of its own executor is a deadlock when all workers do", "it gives its place to the other one", func(t *testing.T) {
		p := workers(t, 1)
		v, err := lab.Submit(t.Context(), p, func(ctx context.Context) (int, error) {
			return lab.Submit(ctx, p, value(sec, 7)).Await(ctx)
		}).Await(t.Context())
		gives(t, "7 <nil>", v, err)
	}},
	{"test_concurrent_futures.test_thread_pool.ThreadPoolExecutorTest", "map inside of a call of the same executor works as long as a worker is free", "it works always: the caller does a part of the work", func(t *testing.T) {
		p := workers(t, 1)
		v, err := lab.Submit(t.Context(), p, func(ctx context.Context) ([]int, error) { return lab.Map(ctx, p, []int{1, 2}, double) }).Await(t.Context())
		gives(t, "[2 4] <nil>", v, err)
	}},
	{"test_concurrent_futures.executor.ExecutorTest.test_no_stale_references", "a call that fails hard does not take its worker along", "a panic or Goexit does not", func(t *testing.T) {
		p := workers(t, 1)
		_, err := lab.Submit(t.Context(), p, func(context.Context) (int, error) { panic("boom") }).Await(t.Context())
		wantPanic(t, err, "boom", "lab_test.")
		v, err := lab.Submit(t.Context(), p, value(0, 7)).Await(t.Context())
		gives(t, "7 <nil>", v, err)
	}},
}

var cpythonPool = []behaviour{
	{"_test_multiprocessing._TestPool.test_apply", "apply calls a function on a worker and waits for it", "Submit and Await do", func(t *testing.T) {
		v, err := lab.Submit(t.Context(), workers(t, 2), value(sec, 7)).Await(t.Context())
		gives(t, "7 <nil>", v, err)
	}},
	{"_test_multiprocessing._TestPool.test_map", "map with and without chunks gives what the built-in map gives", "", func(t *testing.T) {
		p := workers(t, 4)
		xs := make([]int, 100)
		want := make([]int, 100)
		for i := range xs {
			xs[i], want[i] = i, 2*i
		}
		for _, opt := range []lab.MapOption{lab.Dynamic(), lab.Static(), lab.Chunk(20)} {
			vs, err := lab.Map(t.Context(), p, xs, double, opt)
			gives(t, "true <nil>", slices.Equal(vs, want), err)
		}
	}},
	{"_test_multiprocessing._TestPool.test_starmap", "starmap takes several arguments for each call", "an item may be a struct of them", func(t *testing.T) {
		type args struct{ a, b int }
		vs, err := lab.Map(t.Context(), workers(t, 2), []args{{1, 2}, {3, 4}}, func(_ context.Context, x args) (int, error) { return x.a * x.b, nil })
		gives(t, "[2 12] <nil>", vs, err)
	}},
	{"_test_multiprocessing._TestPool.test_map_async", "map_async returns at once", "a task of Go that calls Map does", func(t *testing.T) {
		p, begin := workers(t, 2), now()
		task := lab.Go(t.Context(), func(ctx context.Context) ([]int, error) {
			return lab.Map(ctx, p, []int{1, 2}, func(ctx context.Context, x int) (int, error) { return x, lab.Sleep(ctx, sec) })
		})
		at := since(begin)
		vs, err := task.Await(t.Context())
		gives(t, "0s [1 2] <nil> 1s", at, vs, err, since(begin))
	}},
	{"_test_multiprocessing._TestPool.test_map_async_callbacks", "a callback gets the results of map_async, an error_callback its exception", "OnDone gets both", func(t *testing.T) {
		p := workers(t, 2)
		var log journal
		for _, bad := range []bool{false, true} {
			task := lab.Go(t.Context(), func(ctx context.Context) ([]int, error) {
				return lab.Map(ctx, p, []int{1, 2}, func(context.Context, int) (int, error) {
					if bad {
						return 0, errBoom
					}
					return 7, nil
				})
			})
			task.OnDone(func(x *lab.Task[[]int]) { vs, err := x.Result(); log.add(fmt.Sprint(vs, err)) })
			task.Await(t.Context())
		}
		gives(t, "[7 7] <nil> [] boom", log.words())
	}},
	{"_test_multiprocessing._TestPool.test_async", "apply_async returns at once, get waits for the result", "Submit and Await", func(t *testing.T) {
		begin := now()
		task := lab.Submit(t.Context(), workers(t, 1), value(sec, 49))
		at := since(begin)
		v, err := task.Await(t.Context())
		gives(t, "0s 49 <nil> 1s", at, v, err, since(begin))
	}},
	{"_test_multiprocessing._TestPool.test_async_timeout", "get with a timeout raises TimeoutError", "Shield returns the error of its context", func(t *testing.T) {
		task := lab.Submit(t.Context(), workers(t, 1), value(time.Hour, 1))
		_, err := lab.Shield(within(t, sec), task)
		gives(t, "context deadline exceeded", err)
		task.Cancel(nil)
	}},
	{"_test_multiprocessing._TestPool.test_imap", "imap yields results in the order of the items, as they come", "OrderedStage does", func(t *testing.T) {
		g := lab.NewGroup(t.Context())
		out := lab.OrderedStage(g, lab.Source(g, slices.Values([]int{3, 1, 2})), 3, func(ctx context.Context, x int) (int, error) { return x, lab.Sleep(ctx, time.Duration(x)*sec) })
		vs, err := lab.Collect(g, out)
		gives(t, "[3 1 2] <nil>", vs, err)
	}},
	{"_test_multiprocessing._TestPool.test_imap_unordered", "imap_unordered yields results as they come", "Stage does", func(t *testing.T) {
		g := lab.NewGroup(t.Context())
		out := lab.Stage(g, lab.Source(g, slices.Values([]int{3, 1, 2})), 3, func(ctx context.Context, x int) (int, error) { return x, lab.Sleep(ctx, time.Duration(x)*sec) })
		vs, err := lab.Collect(g, out)
		gives(t, "[1 2 3] <nil>", vs, err)
	}},
	{"_test_multiprocessing._TestPool.test_imap_handle_iterable_exception", "an exception of the iterable is raised by imap", "a panic of the sequence is the group's error", func(t *testing.T) {
		g := lab.NewGroup(t.Context())
		seq := func(yield func(int) bool) {
			if yield(1) {
				panic("sequence")
			}
		}
		vs, err := lab.Collect(g, lab.Stage(g, lab.Source(g, seq), 1, double))
		p := (*lab.PanicError)(nil)
		gives(t, "[2] true", vs, errors.As(err, &p) && p.Value == "sequence")
	}},
	{"_test_multiprocessing._TestPool.test_empty_iterable", "map of nothing gives nothing", "", func(t *testing.T) {
		vs, err := lab.Map(t.Context(), workers(t, 1), nil, double)
		gives(t, "[] <nil>", vs, err)
	}},
	{"_test_multiprocessing._TestPool.test_map_no_failfast", "map waits for all calls although one has failed, then raises", "the first error cancels the others; Map waits for those that run", func(t *testing.T) {
		begin := now()
		_, err := lab.Map(t.Context(), workers(t, 2), []int{1, 60}, func(ctx context.Context, x int) (int, error) {
			err := lab.Sleep(ctx, time.Duration(x)*sec)
			if x == 1 {
				err = errBoom
			}
			return x, err
		}, lab.Chunk(1))
		gives(t, "boom 1s", err, since(begin))
	}},
	{"_test_multiprocessing._TestPool.test_make_pool", "a pool of no workers is a ValueError", "it panics with a usage error", func(t *testing.T) {
		wantMisuse(t, func() { lab.NewPool(-1) }, "lab.NewPool: size -1: need at least 1")
	}},
	{"_test_multiprocessing._TestPool.test_terminate", "terminate ends calls that run and those that wait", "the end of the context that they were submitted with does", func(t *testing.T) {
		p, begin := lab.NewPool(2), now()
		ctx, cancel := cancelable(t)
		for range 10 {
			lab.Submit(ctx, p, value(time.Hour, 1))
		}
		synctest.Wait()
		cancel()
		gives(t, "<nil> 0s 0", p.Close(), since(begin), p.Stats().Waiting)
	}},
	{"_test_multiprocessing._TestPool.test_enter", "a pool that was closed takes no calls", "Map fails with ErrPoolClosed", func(t *testing.T) {
		p := lab.NewPool(1)
		p.Close()
		_, err := lab.Map(t.Context(), p, []int{1}, double)
		gives(t, "true", errors.Is(err, lab.ErrPoolClosed))
	}},
	{"_test_multiprocessing._TestPool.test_traceback", "an exception carries the worker's traceback", "a panic carries the worker's stack and the line that started the work", func(t *testing.T) {
		_, err := lab.Map(t.Context(), workers(t, 1), []int{1}, func(context.Context, int) (int, error) { panic("boom") })
		wantPanic(t, err, "boom", "lab_test.")
	}},
	{"_test_multiprocessing._TestPoolWorkerErrors.test_async_error_callback", "an error_callback gets the exception of a call", "OnDone gets it", func(t *testing.T) {
		task := lab.Submit(t.Context(), workers(t, 1), failure(0, errBoom))
		var log journal
		task.OnDone(func(x *lab.Task[int]) { _, err := x.Result(); log.add(err) })
		task.Await(t.Context())
		gives(t, "boom", log.words())
	}},
}
