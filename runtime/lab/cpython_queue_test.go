package lab_test

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"interleave/runtime/lab"
)

var cpythonQueue = []behaviour{
	{"test_queue.BaseQueueTestMixin.test_basic", "a Queue gives values in the order in which they were put", "", func(t *testing.T) {
		gives(t, "1 2 3", drained(t, lab.NewQueue[int](0), 1, 2, 3)...)
	}},
	{"test_queue.LifoQueueTest", "a LifoQueue gives the value that was put last", "", func(t *testing.T) {
		gives(t, "3 2 1", drained(t, lab.NewStack[int](0), 1, 2, 3)...)
	}},
	{"test_queue.PriorityQueueTest", "a PriorityQueue gives the least value first", "", func(t *testing.T) {
		gives(t, "1 2 3 4 5", drained(t, lab.NewPriorityQueue(0, cmp.Compare[int]), 5, 1, 4, 2, 3)...)
	}},
	{"test_asyncio.test_queues.PriorityQueueTests.test_order", "a value that is put between two gets is ordered among the others", "", func(t *testing.T) {
		q := lab.NewPriorityQueue(0, cmp.Compare[int])
		first := drained(t, q, 3, 1)[:1]
		q.TryPut(3)
		q.TryPut(2)
		gives(t, "1 2 3", append(first, drained(t, q)...)...)
	}},
	{"test_queue.PriorityQueueTest", "equal values of a PriorityQueue come in any order", "equal values come in the order in which they were put", func(t *testing.T) {
		type job struct {
			level int
			name  string
		}
		q := lab.NewPriorityQueue(0, func(a, b job) int { return cmp.Compare(a.level, b.level) })
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			q.TryPut(job{1, name})
		}
		var log journal
		for j, ok := q.TryGet(); ok; j, ok = q.TryGet() {
			log.add(j.name)
		}
		gives(t, "a b c d e", log.words())
	}},
	{"test_queue.BaseQueueTestMixin.basic_queue_test", "a new queue is empty, one at its bound is full", "", func(t *testing.T) {
		q := lab.NewQueue[int](2)
		gives(t, "0 2 true true false 2", q.Len(), q.Cap(), q.TryPut(1), q.TryPut(2), q.TryPut(3), q.Len())
	}},
	{"test_queue.BaseQueueTestMixin.basic_queue_test", "get_nowait of an empty queue fails with Empty", "TryGet returns false", func(t *testing.T) {
		_, ok := lab.NewQueue[int](0).TryGet()
		gives(t, "false", ok)
	}},
	{"test_queue.BaseQueueTestMixin.basic_queue_test", "put_nowait to a full queue fails with Full", "TryPut returns false", func(t *testing.T) {
		q := lab.NewQueue[int](1)
		gives(t, "true false 1", q.TryPut(1), q.TryPut(2), q.Len())
	}},
	{"test_asyncio.test_queues.QueueBasicTests.test_maxsize", "maxsize 0 is no bound", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		for i := range 1000 {
			q.TryPut(i)
		}
		gives(t, "1000", q.Len())
	}},
	{"test_asyncio.test_queues.QueueBasicTests.test_maxsize", "a negative maxsize is no bound either", "a negative bound is a mistake", func(t *testing.T) {
		wantMisuse(t, func() { lab.NewQueue[int](-1) }, "lab.NewQueue: bound -1: need zero (for none) or more")
	}},
	{"test_queue.BlockingTestMixin", "get waits for a value", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		begin := now()
		after(sec, func() { q.TryPut(7) })
		v, err := q.Get(t.Context())
		gives(t, "7 <nil> 1s", v, err, since(begin))
	}},
	{"test_queue.BlockingTestMixin", "put waits for room", "", func(t *testing.T) {
		q := lab.NewQueue[int](1)
		q.TryPut(1)
		begin := now()
		after(sec, func() { q.TryGet() })
		gives(t, "<nil> 1s 1", q.Put(t.Context(), 2), since(begin), q.Len())
	}},
	{"test_queue.BaseQueueTestMixin.basic_queue_test", "get with a timeout fails with Empty when the time is up", "the error is that of the context", func(t *testing.T) {
		begin := now()
		_, err := lab.NewQueue[int](0).Get(within(t, sec))
		gives(t, "context deadline exceeded 1s", err, since(begin))
	}},
	{"test_queue.BaseQueueTestMixin.basic_queue_test", "put with a timeout fails with Full when the time is up, and puts nothing", "the error is that of the context", func(t *testing.T) {
		q := lab.NewQueue[int](1)
		q.TryPut(1)
		err := q.Put(within(t, sec), 2)
		gives(t, "context deadline exceeded 1", err, q.Len())
		gives(t, "1", drained(t, q)...)
	}},
	{"test_asyncio.test_queues.QueueGetTests.test_get_with_waiting_putters", "waiting gets are served in order of arrival", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		var log journal
		for range 3 {
			start(func() { v, _ := q.Get(t.Context()); log.add(v) })
		}
		for i := range 3 {
			q.TryPut(i)
			synctest.Wait()
		}
		gives(t, "0 1 2", log.words())
	}},
	{"test_asyncio.test_queues.QueuePutTests.test_why_are_putters_waiting", "waiting puts are served in order of arrival", "", func(t *testing.T) {
		q := lab.NewQueue[int](1)
		for i := range 4 {
			start(func() { q.Put(t.Context(), i) })
		}
		gives(t, "0 1 2 3", drained(t, q)...)
	}},
	{"test_asyncio.test_queues.QueueGetTests.test_get_with_putters", "a get makes room for one that waits to put", "", func(t *testing.T) {
		q := lab.NewQueue[int](1)
		q.TryPut(1)
		start(func() { q.Put(t.Context(), 2) })
		v, _ := q.Get(t.Context())
		gives(t, "1 1", v, q.Len())
	}},
	{"test_asyncio.test_queues.QueuePutTests.test_put_with_waiting_getters", "put_nowait serves one that waits to get", "", func(t *testing.T) {
		q := lab.NewQueue[string](0)
		var got string
		start(func() { got, _ = q.Get(t.Context()) })
		q.TryPut("a")
		synctest.Wait()
		gives(t, "a 0", got, q.Len())
	}},
	{"test_asyncio.test_queues.QueueGetTests.test_get_cancel_drop_one_pending_reader", "a getter that was cancelled takes nothing: the value is the next one's", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		ctx, cancel := cancelable(t)
		var first, second error
		var v int
		start(func() { _, first = q.Get(ctx) })
		start(func() { v, second = q.Get(t.Context()) })
		cancel()
		synctest.Wait()
		q.TryPut(1)
		synctest.Wait()
		gives(t, "context canceled 1 <nil>", first, v, second)
	}},
	{"test_asyncio.test_queues.QueuePutTests.test_put_cancelled", "what a cancelled putter wanted to put never comes", "", func(t *testing.T) {
		q := lab.NewQueue[int](1)
		q.TryPut(1)
		ctx, cancel := cancelable(t)
		start(func() { q.Put(ctx, 2) })
		start(func() { q.Put(t.Context(), 3) })
		cancel()
		synctest.Wait()
		gives(t, "1 3", drained(t, q)...)
	}},
	{"test_asyncio.test_queues.QueueGetTests.test_get_cancelled_race", "a value is not lost when its getter is cancelled at the same time", "the getter has the value", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		ctx, cancel := cancelable(t)
		got := make(chan error, 1)
		start(func() { _, err := q.Get(ctx); got <- err })
		q.TryPut(1)
		cancel()
		gives(t, "<nil> 0", <-got, q.Len())
	}},
	{"test_asyncio.test_queues.QueuePutTests.test_put_cancelled_race", "room is not lost when the putter it was meant for is cancelled at the same time", "the putter has put", func(t *testing.T) {
		q := lab.NewQueue[int](1)
		q.TryPut(1)
		ctx, cancel := cancelable(t)
		put := make(chan error, 1)
		start(func() { put <- q.Put(ctx, 2) })
		q.TryGet()
		cancel()
		gives(t, "<nil> 1", <-put, q.Len())
	}},
	{"test_asyncio.test_queues.QueueGetTests.test_cancelled_getters_not_being_held_in_self_getters", "getters whose time was up leave nothing behind", "", func(t *testing.T) {
		q := lab.NewQueue[int](5)
		for range 10 {
			q.Get(within(t, sec))
		}
		gives(t, "true 1", q.TryPut(1), q.Len())
	}},
	{"test_asyncio.test_queues._QueueJoinTestMixin.test_task_done", "join waits until task_done was called for each value", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		for i := range 3 {
			q.TryPut(i)
		}
		go func() {
			for range 3 {
				lab.Sleep(t.Context(), sec)
				q.TryGet()
				q.TaskDone()
			}
		}()
		begin := now()
		gives(t, "<nil> 3s", q.Join(t.Context()), since(begin))
	}},
	{"test_asyncio.test_queues.QueueJoinTests.test_join_empty_queue", "join of an unused queue returns at once, as often as wanted", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		gives(t, "<nil> <nil>", q.Join(t.Context()), q.Join(t.Context()))
	}},
	{"test_queue.BaseQueueTestMixin.test_queue_task_done", "task_done more often than put is a ValueError", "it panics with a usage error", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		wantMisuse(t, q.TaskDone, "lab.Queue.TaskDone: called more often than values were put")
	}},
	{"test_queue.BaseQueueTestMixin.test_queue_join", "a queue that was joined can be used and joined again", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		for range 2 {
			q.TryPut(1)
			start(func() { q.TryGet(); q.TaskDone() })
			gives(t, "<nil>", q.Join(t.Context()))
		}
	}},
	{"test_queue.BaseQueueTestMixin.queue_join_test", "join waits for values in hand: that the queue is empty is not enough", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		q.TryPut(1)
		q.TryGet()
		gives(t, "context deadline exceeded", q.Join(within(t, sec)))
		q.TaskDone()
		gives(t, "<nil>", q.Join(t.Context()))
	}},
	{"test_asyncio.test_queues._QueueJoinTestMixin.test_task_done", "all waiting joins return together", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		q.TryPut(1)
		var released atomic.Int32
		for range 3 {
			start(func() {
				if q.Join(t.Context()) == nil {
					released.Add(1)
				}
			})
		}
		q.TaskDone()
		synctest.Wait()
		gives(t, "3", released.Load())
	}},
	{"test_queue.BaseQueueTestMixin.test_many_threads", "between many putters and getters each value arrives once", "", func(t *testing.T) {
		q, sum := lab.NewQueue[int](3), lab.NewQueue[int](0)
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				for k := range 20 {
					q.Put(t.Context(), 20*i+k)
				}
			})
			wg.Go(func() {
				for range 20 {
					v, _ := q.Get(t.Context())
					sum.TryPut(v)
				}
			})
		}
		wg.Wait()
		total := 0
		for v, ok := sum.TryGet(); ok; v, ok = sum.TryGet() {
			total += v
		}
		gives(t, "19900 0", total, q.Len())
	}},
	{"test_asyncio.test_queues.QueueBasicTests.test_str", "the text of a queue shows its values", "it has name, length and bound", func(t *testing.T) {
		q := lab.NewQueue[int](3)
		q.TryPut(1)
		gives(t, "queue: 1 of 3 waiting", q)
	}},
	{"test_queue.FailingQueueTest", "a put that fails inside leaves the queue usable", "", func(t *testing.T) {
		q := badQueue(2)
		q.TryPut(2)
		err := q.Put(t.Context(), incomparable)
		p := (*lab.PanicError)(nil)
		gives(t, "true <nil>", errors.As(err, &p), q.Put(t.Context(), 1))
		gives(t, "1 2", drained(t, q)...)
	}},
	{"test_queue.PriorityQueueTest", "a value that cannot be compared stays in the heap although its put has failed", "it is not in the queue", func(t *testing.T) {
		q := badQueue(0)
		q.TryPut(1)
		q.Put(t.Context(), incomparable)
		gives(t, "1", q.Len())
	}},
	{"test_queue.FailingQueueTest", "a get that fails inside leaves the value in the queue", "", func(t *testing.T) {
		fails := false
		q := lab.NewPriorityQueue(0, func(a, b int) int {
			if fails {
				panic("now")
			}
			return cmp.Compare(a, b)
		})
		for _, x := range []int{3, 1, 2} {
			q.TryPut(x)
		}
		fails = true
		_, err := q.Get(t.Context())
		fails = false
		gives(t, "false 3", err == nil, q.Len())
		gives(t, "1 2 3", drained(t, q)...)
	}},
	{"test_queue.BaseQueueTestMixin.basic_queue_test", "None is a value like others", "the zero value is one", func(t *testing.T) {
		q := lab.NewQueue[any](0)
		q.TryPut(nil)
		v, ok := q.TryGet()
		gives(t, "<nil> true", v, ok)
	}},
	{"test_queue.BaseQueueTestMixin.test_shutdown_put", "put to a queue that was shut down fails with ShutDown", "the error is ErrClosed; TryPut returns false", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		q.Shutdown(false)
		gives(t, "lab.Queue.Put: closed false", q.Put(t.Context(), 1), q.TryPut(1))
	}},
	{"test_queue.BaseQueueTestMixin.test_shutdown_get", "after shutdown gets still have what was put, then fail with ShutDown", "the error is ErrClosed", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		q.TryPut(1)
		q.Shutdown(false)
		v, err := q.Get(t.Context())
		_, then := q.Get(t.Context())
		gives(t, "1 <nil> true", v, err, errors.Is(then, lab.ErrClosed))
	}},
	{"test_queue.BaseQueueTestMixin.test_shutdown_pending_get", "a waiting get fails with ShutDown when the queue is shut down", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		var err error
		start(func() { _, err = q.Get(t.Context()) })
		q.Shutdown(false)
		synctest.Wait()
		gives(t, "lab.Queue.Get: closed", err)
	}},
	{"test_asyncio.test_queues.QueueShutdownTests.test_shutdown_nonempty", "a waiting put fails with ShutDown when the queue is shut down, and its value is not in the queue", "", func(t *testing.T) {
		q := lab.NewQueue[int](1)
		q.TryPut(1)
		var err error
		start(func() { err = q.Put(t.Context(), 2) })
		q.Shutdown(false)
		synctest.Wait()
		gives(t, "lab.Queue.Put: closed 1", err, q.Len())
	}},
	{"test_queue.BaseQueueTestMixin.test_shutdown_immediate_get", "an immediate shutdown drops what is in the queue", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		q.TryPut(1)
		q.Shutdown(true)
		_, err := q.Get(t.Context())
		gives(t, "lab.Queue.Get: closed 0", err, q.Len())
	}},
	{"test_queue.BaseQueueTestMixin.test_shutdown_immediate_join", "an immediate shutdown releases join: dropped values count as done", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		q.TryPut(1)
		q.TryPut(2)
		var err error = context.Canceled
		start(func() { err = q.Join(t.Context()) })
		q.Shutdown(true)
		synctest.Wait()
		gives(t, "<nil>", err)
	}},
	{"test_asyncio.test_queues.QueueShutdownTests.test_shutdown_immediate_with_unfinished", "after an immediate shutdown join still waits for values in hand", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		q.TryPut(1)
		q.TryPut(2)
		q.TryGet()
		q.Shutdown(true)
		gives(t, "context deadline exceeded", q.Join(within(t, sec)))
		q.TaskDone()
		gives(t, "<nil>", q.Join(t.Context()))
	}},
	{"test_queue.BaseQueueTestMixin.test_shutdown_join", "after a shutdown that is not immediate join waits for all that was put", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		q.TryPut(1)
		q.Shutdown(false)
		gives(t, "context deadline exceeded", q.Join(within(t, sec)))
		q.TryGet()
		q.TaskDone()
		gives(t, "<nil>", q.Join(t.Context()))
	}},
	{"test_queue.BaseQueueTestMixin.test_shutdown_allowed_transitions", "a shutdown may be repeated, and may become immediate", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		q.TryPut(1)
		q.Shutdown(false)
		q.Shutdown(false)
		gives(t, "1", q.Len())
		q.Shutdown(true)
		q.Shutdown(false)
		gives(t, "0", q.Len())
	}},
	{"test_queue.BaseQueueTestMixin.test_shutdown_get_task_done_join", "task_done after a shutdown counts", "", func(t *testing.T) {
		q := lab.NewQueue[int](0)
		q.TryPut(1)
		q.TryPut(2)
		q.TryGet()
		q.Shutdown(false)
		q.TaskDone()
		q.TryGet()
		q.TaskDone()
		gives(t, "<nil>", q.Join(t.Context()))
	}},
	{"test_queue.LifoQueueTest, PriorityQueueTest", "the other kinds of queue are shut down alike", "", func(t *testing.T) {
		for _, q := range []*lab.Queue[int]{lab.NewStack[int](2), lab.NewPriorityQueue(2, cmp.Compare[int])} {
			q.TryPut(1)
			q.TryPut(2)
			q.Shutdown(true)
			_, ok := q.TryGet()
			gives(t, "false 0 <nil>", ok, q.Len(), q.Join(t.Context()))
		}
	}},
	{"test_queue.BaseQueueTestMixin.test_shutdown_all_methods_in_many_threads", "a shutdown ends all puts and gets that run", "", func(t *testing.T) {
		q := lab.NewQueue[int](1)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				for q.Put(t.Context(), 1) == nil {
				}
			})
			wg.Go(func() {
				for {
					if _, err := q.Get(t.Context()); err != nil {
						return
					}
					lab.Sleep(t.Context(), sec/10)
				}
			})
		}
		lab.Sleep(t.Context(), sec)
		q.Shutdown(true)
		wg.Wait()
		gives(t, "0", q.Len())
	}},
}

// drained puts the values and takes all there are.
func drained(t *testing.T, q *lab.Queue[int], values ...int) (got []any) {
	for _, v := range values {
		if err := q.Put(t.Context(), v); err != nil {
			t.Error(err)
		}
	}
	for v, ok := q.TryGet(); ok; v, ok = q.TryGet() {
		got = append(got, v)
	}
	return got
}
