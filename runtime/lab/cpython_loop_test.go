package lab_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"interleave/runtime/lab"
)

// looped runs main on a loop, whose error must be nil.
func looped(t *testing.T, main func(co *lab.Coro)) {
	t.Helper()
	if err := lab.NewLoop().Run(t.Context(), func(co *lab.Coro) error { main(co); return nil }); err != nil {
		t.Error(err)
	}
}

// sleeps is a task that sleeps for d and returns v.
func sleeps(d time.Duration, v int) func(*lab.Coro) (int, error) {
	return func(co *lab.Coro) (int, error) { return v, co.Sleep(d) }
}

// failsAfter is a task that fails after d.
func failsAfter(d time.Duration) func(*lab.Coro) (int, error) {
	return func(co *lab.Coro) (int, error) {
		if err := co.Sleep(d); err != nil {
			return 0, err
		}
		return 0, errBoom
	}
}

var cpythonLoop = []behaviour{
	{"test_asyncio.test_tasks.BaseTaskTests.test_task_basics", "a task runs on the loop, and awaiting it gives its result", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			v, err := lab.LoopGo(co, "x", sleeps(sec, 7)).Await(co)
			gives(t, "7 <nil>", v, err)
		})
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_bare_create_task", "create_task does not run the task: its first turn comes when the creator awaits", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			var log journal
			x := lab.LoopGo(co, "x", func(*lab.Coro) (int, error) { log.add("task"); return 0, nil })
			log.add("creator")
			x.Await(co)
			gives(t, "creator task", log.words())
		})
	}},
	{"test_asyncio.test_tasks.SleepTests.test_sleep_zero", "sleep(0) lets each other task that is ready have a turn", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			var log journal
			turns := func(name string) func(*lab.Coro) (int, error) {
				return func(co *lab.Coro) (int, error) {
					for range 2 {
						log.add(name)
						co.Sleep(0)
					}
					return 0, nil
				}
			}
			lab.LoopGather(co, turns("a"), turns("b"))
			gives(t, "a b a b", log.words())
		})
	}},
	{"asyncio.sleep, which has no test of it", "sleep of a negative time is sleep(0)", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			begin, ran := now(), false
			lab.LoopGo(co, "x", func(*lab.Coro) (int, error) { ran = true; return 0, nil })
			gives(t, "<nil> 0s true", co.Sleep(-sec), since(begin), ran)
		})
	}},
	{"test_asyncio.test_base_events.BaseEventLoopTests.test_call_later", "sleeping tasks continue in the order of their times, equal times in order of arrival", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			var log journal
			sleeper := func(name string, d time.Duration) func(*lab.Coro) (int, error) {
				return func(co *lab.Coro) (int, error) { err := co.Sleep(d); log.add(name); return 0, err }
			}
			lab.LoopGather(co, sleeper("c", 2*sec), sleeper("a", sec), sleeper("b", sec))
			gives(t, "a b c", log.words())
		})
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_exception_chaining_after_await", "an exception of a task is raised where it is awaited", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			_, err := lab.LoopGo(co, "x", failsAfter(sec)).Await(co)
			gives(t, "boom", err)
		})
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_wait_really_done", "a task that has ended may be awaited again and again, without a turn for others", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			x := lab.LoopGo(co, "x", sleeps(0, 7))
			x.Await(co)
			ran := false
			lab.LoopGo(co, "y", func(*lab.Coro) (int, error) { ran = true; return 0, nil })
			v, err := x.Await(co)
			gives(t, "7 <nil> false true", v, err, ran, x.Done())
		})
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_task_cancel_sleeping_task", "cancel wakes a task that sleeps", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			begin := now()
			x := lab.LoopGo(co, "x", sleeps(time.Hour, 1))
			co.Sleep(sec)
			x.Cancel(nil)
			_, err := x.Await(co)
			gives(t, "context canceled 1s", err, since(begin))
		})
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_cancel_with_message_before_starting_task", "a task that is cancelled before its first turn never has one", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			x := lab.LoopGo(co, "x", func(*lab.Coro) (int, error) { t.Error("begun"); return 0, nil })
			x.Cancel(errBoom)
			_, err := x.Await(co)
			gives(t, "context canceled: boom", err)
		})
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_cancel_task_catching", "the await of a cancelled task raises CancelledError once; a task that catches it may await and sleep again", "each later await fails, too, after a turn for the others", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			var log journal
			x := lab.LoopGo(co, "x", func(co *lab.Coro) (int, error) {
				log.add(co.Sleep(time.Hour))
				log.add(co.Sleep(time.Hour))
				return 7, nil
			})
			co.Yield()
			x.Cancel(nil)
			v, err := x.Await(co)
			gives(t, "context canceled context canceled 7 <nil>", log.words(), v, err)
		})
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_cancel_task_ignoring", "a task that ignores its cancelling and keeps sleeping does not stop the others", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			stop := false
			x := lab.LoopGo(co, "x", func(co *lab.Coro) (int, error) {
				for !stop {
					co.Sleep(sec)
				}
				return 7, nil
			})
			co.Yield()
			x.Cancel(nil)
			co.Sleep(0)
			co.Sleep(0)
			stop = true
			v, err := x.Await(co)
			gives(t, "7 <nil>", v, err)
		})
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_cancel_awaited_task", "cancelling a task cancels the one that it awaits", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			inner := lab.LoopGo(co, "inner", sleeps(time.Hour, 1))
			outer := lab.LoopGo(co, "outer", func(co *lab.Coro) (int, error) { return inner.Await(co) })
			co.Yield()
			outer.Cancel(nil)
			_, err := outer.Await(co)
			_, then := inner.Await(co)
			gives(t, "context canceled true", err, errors.Is(then, context.Canceled))
		})
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_task_awaits_on_itself", "a task that awaits itself is a RuntimeError", "it is a usage error", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			var x *lab.LoopTask[int]
			x = lab.LoopGo(co, "x", func(co *lab.Coro) (int, error) { return x.Await(co) })
			_, err := x.Await(co)
			wantUsage(t, err, "lab.LoopTask.Await: x awaits itself")
		})
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_other_loop_future", "awaiting a task of another loop is a RuntimeError", "it is a usage error", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			foreign := lab.LoopGo(co, "foreign", sleeps(0, 1))
			err := lab.NewLoop().Run(co.Context(), func(co *lab.Coro) error { _, err := foreign.Await(co); return err })
			wantUsage(t, err, "lab.LoopTask.Await: main and foreign belong to different loops")
		})
	}},
	{"test_asyncio.test_tasks.FutureGatherTests.test_success", "gather on a loop gives results in order, and the tasks take turns", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			begin := now()
			vs, err := lab.LoopGather(co, sleeps(3*sec, 1), sleeps(sec, 2), sleeps(2*sec, 3))
			gives(t, "[1 2 3] <nil> 3s", vs, err, since(begin))
		})
	}},
	{"test_asyncio.test_tasks.FutureGatherTests.test_one_exception", "gather raises the first exception at once; the others keep running", "it cancels the others", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			begin := now()
			var other error
			vs, err := lab.LoopGather(co, failsAfter(sec), func(co *lab.Coro) (int, error) { other = co.Sleep(time.Hour); return 0, other })
			gives(t, "[] boom 1s true", vs, err, since(begin), errors.Is(other, errBoom))
		})
	}},
	{"test_asyncio.test_runners.RunTests.test_asyncio_run_cancels_hanging_tasks", "when the main task returns the others are cancelled, and run waits for them", "", func(t *testing.T) {
		var told error
		begin := now()
		looped(t, func(co *lab.Coro) {
			lab.LoopGo(co, "x", func(co *lab.Coro) (int, error) { told = co.Sleep(time.Hour); return 0, nil })
			co.Yield()
		})
		gives(t, "true 0s", errors.Is(told, context.Canceled), since(begin))
	}},
	{"test_asyncio.test_runners.RunTests.test_asyncio_run_raises", "the main task's exception is that of run", "", func(t *testing.T) {
		gives(t, "boom", lab.NewLoop().Run(t.Context(), func(*lab.Coro) error { return errBoom }))
	}},
	{"test_asyncio.test_base_events.BaseEventLoopWithSelectorTests.test_log_slow_callbacks", "a task that keeps the loop longer than slow_callback_duration is reported", "SlowAfter and OnSlow", func(t *testing.T) {
		var heard journal
		l := &lab.Loop{SlowAfter: sec, OnSlow: func(s lab.SlowTurn) { heard.add(s.Task); heard.add(s.Took) }}
		l.Run(t.Context(), func(co *lab.Coro) error { time.Sleep(2 * sec); return nil })
		gives(t, "main 2s", heard.words())
	}},
	{"test_asyncio.test_events.EventLoopTestsMixin.test_run_in_executor", "run_in_executor runs a function beside the loop, which continues", "Coro.Await does", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			var log journal
			lab.LoopGo(co, "ticker", func(co *lab.Coro) (int, error) {
				for range 2 {
					co.Sleep(sec)
					log.add("tick")
				}
				return 0, nil
			})
			err := co.Await(func(context.Context) error { time.Sleep(2*sec + sec/2); return errBoom })
			gives(t, "tick tick boom", log.words(), err)
		})
	}},
	{"test_asyncio.test_events.EventLoopTestsMixin.test_call_soon_threadsafe", "from other threads tasks are reached by call_soon_threadsafe alone", "Cancel may be called from anywhere", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			x := lab.LoopGo(co, "x", sleeps(time.Hour, 1))
			after(sec, func() { x.Cancel(nil) })
			begin := now()
			_, err := x.Await(co)
			gives(t, "context canceled 1s", err, since(begin))
		})
	}},
	{"asyncio, which has no test of it", "tasks that wait for each other wait for ever", "it is ErrLoopDeadlock", func(t *testing.T) {
		err := lab.NewLoop().Run(t.Context(), func(co *lab.Coro) error {
			var a, b *lab.LoopTask[int]
			a = lab.LoopGo(co, "a", func(co *lab.Coro) (int, error) { return b.Await(co) })
			b = lab.LoopGo(co, "b", func(co *lab.Coro) (int, error) { return a.Await(co) })
			_, err := a.Await(co)
			return err
		})
		gives(t, "true", errors.Is(err, lab.ErrLoopDeadlock))
	}},
	{"test_asyncio.test_tasks.BaseTaskTests.test_bare_create_named_task", "a task of a loop has its name", "", func(t *testing.T) {
		looped(t, func(co *lab.Coro) {
			x := lab.LoopGo(co, "x", sleeps(0, 1))
			gives(t, "main x x", co.Name(), x.Name(), x)
		})
	}},
}
