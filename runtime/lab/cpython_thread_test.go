package lab_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"interleave/runtime/lab"
)

var cpythonThread = []behaviour{
	{"test_threading.ThreadTests.test_various_ops", "threads run side by side, and join waits for each", "Await does", func(t *testing.T) {
		begin := now()
		var ts []*lab.Task[struct{}]
		for range 10 {
			ts = append(ts, lab.Thread(t.Context(), "", func(ctx context.Context) { lab.Sleep(ctx, sec) }))
		}
		for _, x := range ts {
			x.Await(t.Context())
		}
		gives(t, "1s", since(begin))
	}},
	{"test_threading.ThreadTests.test_join_from_multiple_threads", "many threads may join one", "", func(t *testing.T) {
		x := lab.Thread(t.Context(), "x", func(ctx context.Context) { lab.Sleep(ctx, sec) })
		joined := lab.NewSemaphore(0)
		for range 5 {
			lab.Thread(t.Context(), "", func(ctx context.Context) { x.Await(ctx); joined.Release(1) })
		}
		gives(t, "<nil> 1", joined.Acquire(t.Context(), 4), func() int64 { synctest.Wait(); return joined.Free() }())
	}},
	{"test_threading.ThreadTests.test_join_with_timeout", "join with a timeout returns when the time is up, and leaves the thread running", "Shield does; Await cancels", func(t *testing.T) {
		x := lab.Thread(t.Context(), "x", func(context.Context) { time.Sleep(2 * sec) })
		begin := now()
		_, err := lab.Shield(within(t, sec), x)
		gives(t, "context deadline exceeded 1s running", err, since(begin), x.State())
		x.Await(t.Context())
	}},
	{"test_threading.ThreadingExceptionTests.test_joining_current_thread", "a thread that joins itself is a RuntimeError", "it is a usage error, whatever the context", func(t *testing.T) {
		var x *lab.Task[struct{}]
		var err error
		ready := make(chan struct{})
		x = lab.Thread(t.Context(), "x", func(context.Context) { <-ready; _, err = x.Await(context.Background()) })
		close(ready)
		x.Await(t.Context())
		wantUsage(t, err, "lab.Task.Await: x waits for itself")
	}},
	{"test_threading.ThreadingExceptionTests.test_joining_inactive_thread", "join of a thread that was not started is a RuntimeError", "a task that no call has made is a usage error", func(t *testing.T) {
		_, err := new(lab.Task[struct{}]).Await(t.Context())
		wantUsage(t, err, "lab.Task.Await: the task was never made: lab.Go makes one")
	}},
	{"test_threading.ThreadTests.test_name", "a thread has its name", "", func(t *testing.T) {
		gives(t, "worker", lab.Thread(t.Context(), "worker", func(context.Context) {}).Name())
	}},
	{"test_threading.ThreadTests.test_various_ops", "is_alive is true until the thread has ended", "State is running, then succeeded", func(t *testing.T) {
		x := lab.Thread(t.Context(), "x", func(ctx context.Context) { lab.Sleep(ctx, sec) })
		at := x.State()
		x.Await(t.Context())
		gives(t, "running succeeded", at, x.State())
	}},
	{"test_threading.ThreadTests.test_daemon_param", "a daemon thread does not keep the program from ending", "one whose context is not the caller's is not ended by it", func(t *testing.T) {
		ctx, cancel := cancelable(t)
		bound := lab.Thread(ctx, "bound", func(ctx context.Context) { lab.Sleep(ctx, sec) })
		daemon := lab.Thread(context.WithoutCancel(ctx), "daemon", func(ctx context.Context) { lab.Sleep(ctx, sec) })
		cancel()
		synctest.Wait()
		gives(t, "succeeded running", bound.State(), daemon.State())
		daemon.Await(t.Context())
	}},
	{"test_threading.ThreadTests.test_enumerate_after_join", "a thread that was joined is not among those that are alive", "", func(t *testing.T) {
		x := lab.Thread(t.Context(), "enumerated", func(context.Context) {})
		x.Await(t.Context())
		found := false
		for _, i := range lab.Tasks() {
			found = found || i.Name == "enumerated"
		}
		gives(t, "false", found)
	}},
	{"test_threading.ThreadJoinOnShutdown.test_thread_from_thread", "a thread may start others", "", func(t *testing.T) {
		var inner *lab.Task[struct{}]
		outer := lab.Thread(t.Context(), "outer", func(ctx context.Context) {
			inner = lab.Thread(context.WithoutCancel(ctx), "inner", func(ctx context.Context) { lab.Sleep(ctx, sec) })
		})
		outer.Await(t.Context())
		gives(t, "running", inner.State())
		inner.Await(t.Context())
	}},
	{"test_threading.ExceptHookTests.test_excepthook", "an exception that leaves a thread goes to excepthook; other threads keep running", "a panic is the task's error, and OnPanic is called", func(t *testing.T) {
		heard := lab.NewSemaphore(0)
		defer lab.OnPanic(func(p *lab.PanicError) {
			if p.Task == "excepthook" && strings.Contains(p.Error(), "boom") {
				heard.Release(1)
			}
		})()
		other := lab.Thread(t.Context(), "other", func(ctx context.Context) { lab.Sleep(ctx, sec) })
		x := lab.Thread(t.Context(), "excepthook", func(context.Context) { panic("boom") })
		_, err := x.Await(t.Context())
		wantPanic(t, err, "boom", "lab_test.")
		_, err = other.Await(t.Context())
		gives(t, "1 <nil> panicked", heard.Free(), err, x.State())
	}},
	{"test_threading.ExceptHookTests.test_custom_excepthook_fail", "an exception of excepthook itself does no harm", "a hook may panic or end its goroutine", func(t *testing.T) {
		defer lab.OnPanic(func(p *lab.PanicError) {
			if p.Task == "excepthook fails" {
				runtime.Goexit()
			}
		})()
		_, err := lab.Thread(t.Context(), "excepthook fails", func(context.Context) { panic("boom") }).Await(t.Context())
		wantPanic(t, err, "boom", "lab_test.")
	}},
	{"test_threading.ExceptHookTests.test_system_exit", "SystemExit ends a thread silently", "Goexit ends a task with ErrGoexit, which is no panic to OnPanic", func(t *testing.T) {
		heard := false
		defer lab.OnPanic(func(p *lab.PanicError) { heard = heard || p.Task == "exits" })()
		_, err := lab.Thread(t.Context(), "exits", func(context.Context) { runtime.Goexit() }).Await(t.Context())
		gives(t, "true false", err == lab.ErrGoexit, heard)
	}},
	{"test_threading.ThreadTests.test_gettrace", "settrace sees threads begin and end", "OnTask does", func(t *testing.T) {
		var log journal
		defer lab.OnTask(func(i lab.TaskInfo) {
			if i.Name == "traced" {
				log.add(i.State)
			}
		})()
		lab.Thread(t.Context(), "traced", func(context.Context) {}).Await(t.Context())
		gives(t, "running succeeded", log.words())
	}},
	{"test_threading.TimerTests.test_init_immutable_default_args", "a Timer calls its function when its time has come", "After does", func(t *testing.T) {
		begin := now()
		v, err := lab.After(t.Context(), sec, value(0, 7)).Await(t.Context())
		gives(t, "7 <nil> 1s", v, err, since(begin))
	}},
	{"test_threading.TimerTests", "a Timer that is cancelled before its time never calls", "", func(t *testing.T) {
		timer := lab.After(t.Context(), 2*sec, func(context.Context) (int, error) { t.Error("called"); return 0, nil })
		time.Sleep(sec)
		timer.Cancel(nil)
		time.Sleep(5 * sec)
		gives(t, "canceled", timer.State())
	}},
	{"test_threading.TimerTests", "cancelling a Timer whose function has returned changes nothing", "", func(t *testing.T) {
		timer := lab.After(t.Context(), sec, value(0, 7))
		time.Sleep(2 * sec)
		timer.Cancel(nil)
		v, err := timer.Result()
		gives(t, "7 <nil>", v, err)
	}},
	{"test_asyncio.test_base_events.BaseEventLoopTests.test_call_later_negative_delays", "call_later with a negative delay calls at once", "", func(t *testing.T) {
		begin := now()
		v, err := lab.After(t.Context(), -sec, value(0, 7)).Await(t.Context())
		gives(t, "7 <nil> 0s", v, err, since(begin))
	}},
	{"test_asyncio.test_base_events.BaseEventLoopTests.test_time_and_call_at", "call_at of a time in the past calls at once", "At does", func(t *testing.T) {
		begin := now()
		v, err := lab.At(t.Context(), begin.Add(-sec), value(0, 7)).Await(t.Context())
		gives(t, "7 <nil> 0s", v, err, since(begin))
	}},
	{"test_asyncio.test_base_events.BaseEventLoopTests.test_call_later", "timers fire in the order of their times", "", func(t *testing.T) {
		var log journal
		var ts []*lab.Task[int]
		for _, i := range []int{3, 1, 2} {
			ts = append(ts, lab.After(t.Context(), time.Duration(i)*sec, func(context.Context) (int, error) { log.add(i); return i, nil }))
		}
		lab.Wait(t.Context(), lab.AllCompleted, ts...)
		gives(t, "1 2 3", log.words())
	}},
	{"test_threading_local.BaseLocalTest.test_derived", "each thread has its own value of a local", "each context has", func(t *testing.T) {
		l := lab.NewLocal(func() string { return "default" })
		ctx := l.With(t.Context(), "mine")
		var other string
		lab.Thread(t.Context(), "", func(ctx context.Context) { other = l.Get(ctx) }).Await(t.Context())
		gives(t, "mine default", l.Get(ctx), other)
	}},
	{"test_threading_local.BaseLocalTest.test_arguments", "the initial value is made anew for each thread", "for each Get of a context without one", func(t *testing.T) {
		n := 0
		l := lab.NewLocal(func() int { n++; return n })
		gives(t, "1 2", l.Get(t.Context()), l.Get(t.Context()))
	}},
	{"test_threading_local.BaseLocalTest.test_derived", "a local without initial values has none", "it has the zero value", func(t *testing.T) {
		gives(t, "0", lab.NewLocal[int](nil).Get(t.Context()))
	}},
	{"test_context.ContextTest.test_context_getset_3", "a variable that is reset has its value of before", "the outer context still has it", func(t *testing.T) {
		l := lab.NewLocal[int](nil)
		outer := l.With(t.Context(), 1)
		inner := l.With(outer, 2)
		gives(t, "2 1", l.Get(inner), l.Get(outer))
	}},
	{"test_context.ContextTest.test_context_var_new_1", "variables are distinguished by identity, not by name", "so are locals", func(t *testing.T) {
		a, b := lab.NewLocal[int](nil), lab.NewLocal[int](nil)
		gives(t, "0", b.Get(a.With(t.Context(), 1)))
	}},
	{"test_context.ContextTest.test_context_threads_1", "threads that use contexts at the same time do not disturb each other", "", func(t *testing.T) {
		l := lab.NewLocal[int](nil)
		fns := make([]func(context.Context) (int, error), 10)
		for i := range fns {
			fns[i] = func(ctx context.Context) (int, error) {
				ctx = l.With(ctx, i)
				lab.Sleep(ctx, sec)
				return l.Get(ctx), nil
			}
		}
		vs, err := lab.Gather(t.Context(), fns...)
		gives(t, "[0 1 2 3 4 5 6 7 8 9] <nil>", vs, err)
	}},
}
