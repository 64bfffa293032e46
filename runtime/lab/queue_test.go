package lab_test

//lint:file-ignore SA1012 calls without a context must be refused

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"interleave/runtime/lab"
)

// A queueModel says in the plainest way what a queue does: lists of values, of those who wait to put, and of those who wait to get.
type queueModel struct {
	kind       string
	max        int
	items      []int
	putters    []*modelCall
	getters    []*modelCall
	joiners    []*modelCall
	unfinished int
	closed     bool
}

func (m *queueModel) full() bool { return m.max > 0 && len(m.items) >= m.max }

func (m *queueModel) pop() (v int) {
	i := 0
	switch m.kind {
	case "stack":
		i = len(m.items) - 1
	case "priority":
		for j := range m.items {
			if m.items[j]%10 < m.items[i]%10 {
				i = j
			}
		}
	}
	v = m.items[i]
	m.items = slices.Delete(m.items, i, i+1)
	return v
}

func (m *queueModel) settle() {
	for {
		switch {
		case m.closed && len(m.putters) > 0:
			m.putters[0].want, m.putters = "closed", m.putters[1:]
		case len(m.putters) > 0 && !m.full():
			m.items = append(m.items, m.putters[0].v)
			m.unfinished++
			m.putters[0].want, m.putters = "put", m.putters[1:]
		case len(m.getters) > 0 && len(m.items) > 0:
			m.getters[0].want, m.getters = fmt.Sprint(m.pop()), m.getters[1:]
		case m.closed && len(m.getters) > 0:
			m.getters[0].want, m.getters = "closed", m.getters[1:]
		case m.unfinished == 0 && len(m.joiners) > 0:
			m.joiners[0].want, m.joiners = "joined", m.joiners[1:]
		default:
			return
		}
	}
}

// Any sequence of calls on any kind of queue gives what the model says, including who waits and who is served first.
func TestQueueModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := &queueModel{
			kind: rapid.SampledFrom([]string{"queue", "stack", "priority"}).Draw(rt, "kind"),
			max:  rapid.IntRange(0, 3).Draw(rt, "max"),
		}
		ops := rapid.SliceOfN(rapid.SampledFrom([]string{"put", "put", "put", "get", "get", "get", "tryput", "tryget", "done", "join", "cancel", "shutdown", "now"}), 1, 40).Draw(rt, "ops")
		picks := rapid.SliceOfN(rapid.IntRange(0, 99), 40, 40).Draw(rt, "picks")
		synctest.Test(t, func(t *testing.T) {
			var q *lab.Queue[int]
			switch m.kind {
			case "queue":
				q = lab.NewQueue[int](m.max)
			case "stack":
				q = lab.NewStack[int](m.max)
			default:
				q = lab.NewPriorityQueue(m.max, func(a, b int) int { return cmp.Compare(a%10, b%10) })
			}
			calls := &modelCalls{t: t}
			start := calls.start
			shutdowns := 0
			for i, op := range ops {
				v := i*100 + picks[i]
				switch op {
				case "put":
					m.putters = append(m.putters, start(v, func(ctx context.Context) (string, error) { return "put", q.Put(ctx, v) }))
				case "get":
					m.getters = append(m.getters, start(v, func(ctx context.Context) (string, error) {
						got, err := q.Get(ctx)
						return fmt.Sprint(got), err
					}))
				case "join":
					m.joiners = append(m.joiners, start(v, func(ctx context.Context) (string, error) { return "joined", q.Join(ctx) }))
				case "tryput":
					can := !m.closed && (!m.full() || len(m.getters) > 0)
					if q.TryPut(v) != can {
						t.Errorf("step %d: TryPut is %v", i, !can)
					}
					if can {
						m.items = append(m.items, v)
						m.unfinished++
					}
				case "tryget":
					got, ok := q.TryGet()
					if ok != (len(m.items) > 0) || ok && got != m.pop() {
						t.Errorf("step %d: TryGet gave %d, %v", i, got, ok)
					}
				case "done":
					if m.unfinished > 0 {
						m.unfinished--
						q.TaskDone()
					} else {
						wantMisuse(t, q.TaskDone, "lab.Queue.TaskDone: called more often than values were put")
					}
				case "cancel":
					calls.cancel(picks[i], &m.putters, &m.getters, &m.joiners)
				case "shutdown", "now":
					if shutdowns++; len(ops) > 10 && shutdowns < 2 {
						continue // long runs shut down late
					}
					q.Shutdown(op == "now")
					if m.closed = true; op == "now" {
						m.unfinished = max(0, m.unfinished-len(m.items))
						m.items = nil
					}
				}
				m.settle()
				calls.check(fmt.Sprintf("%s of %d, step %d (%s)", m.kind, m.max, i, op))
				if q.Len() != len(m.items) {
					t.Fatalf("step %d (%s): %d values wait, want %d", i, op, q.Len(), len(m.items))
				}
			}
			calls.end()
		})
	})
}

// Producers and consumers in parallel lose and invent nothing.
func TestQueueParallel(t *testing.T) {
	t.Parallel()
	const producers, each = 4, 2000
	for _, q := range []*lab.Queue[int]{lab.NewQueue[int](3), lab.NewStack[int](0), lab.NewPriorityQueue(7, cmp.Compare[int])} {
		var mu sync.Mutex
		var got []int
		var consumers, put sync.WaitGroup
		for range 3 {
			consumers.Go(func() {
				for v := range q.All(t.Context()) {
					mu.Lock()
					got = append(got, v)
					mu.Unlock()
					q.TaskDone()
				}
			})
		}
		for p := range producers {
			put.Go(func() {
				for i := range each {
					if err := q.Put(t.Context(), p*each+i); err != nil {
						t.Error(err)
					}
				}
			})
		}
		put.Wait()
		if err := q.Join(t.Context()); err != nil {
			t.Error(err)
		}
		q.Shutdown(false)
		consumers.Wait()
		slices.Sort(got)
		for i, v := range got {
			if v != i {
				t.Fatalf("value %d is %d", i, v)
			}
		}
		if len(got) != producers*each {
			t.Errorf("got %d values", len(got))
		}
	}
}

func TestQueueMisuse(t *testing.T) {
	t.Parallel()
	q := lab.NewQueue[int](2)
	wantMisuse(t, func() { lab.NewQueue[int](-1) }, "lab.NewQueue: bound -1: need zero (for none) or more")
	wantMisuse(t, func() { lab.NewStack[int](-1) }, "lab.NewStack: bound -1: need zero (for none) or more")
	wantMisuse(t, func() { lab.NewPriorityQueue[int](1, nil) }, "lab.NewPriorityQueue: nil function")
	wantUsage(t, q.Put(nil, 1), "lab.Queue.Put: nil context: pass ctx, or context.Background()")
	wantUsage(t, q.Join(nil), "lab.Queue.Join: nil context: pass ctx, or context.Background()")
	_, err := q.Get(nil)
	wantUsage(t, err, "lab.Queue.Get: nil context: pass ctx, or context.Background()")
	q.Shutdown(false)
	if err := q.Put(t.Context(), 1); err == nil || err.Error() != "lab.Queue.Put: closed" {
		t.Errorf("Put after Shutdown gave %v", err)
	}
	if _, err := q.Get(t.Context()); err == nil || err.Error() != "lab.Queue.Get: closed" {
		t.Errorf("Get after Shutdown gave %v", err)
	}
	if q.Cap() != 2 {
		t.Errorf("the bound is %d", q.Cap())
	}
}

func ExampleNewQueue() {
	jobs := lab.NewQueue[string](10)
	worker := lab.Thread(ctx, "worker", func(ctx context.Context) {
		for job := range jobs.All(ctx) {
			fmt.Println("doing", job)
			jobs.TaskDone()
		}
	})
	jobs.Put(ctx, "this")
	jobs.Put(ctx, "that")
	jobs.Join(ctx) // until both are done
	jobs.Shutdown(false)
	worker.Await(ctx)
	// Output:
	// doing this
	// doing that
}

func ExampleNewStack() {
	q := lab.NewStack[int](0)
	q.Put(ctx, 1)
	q.Put(ctx, 2)
	fmt.Println(q.Get(ctx))
	// Output: 2 <nil>
}

func ExampleNewPriorityQueue() {
	q := lab.NewPriorityQueue(0, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	for _, word := range []string{"later", "soon", "now"} {
		q.Put(ctx, word)
	}
	for word, ok := q.TryGet(); ok; word, ok = q.TryGet() {
		fmt.Println(word)
	}
	// Output:
	// now
	// soon
	// later
}

func ExampleQueue_TryPut() {
	q := lab.NewQueue[int](1)
	fmt.Println(q.TryPut(1), q.TryPut(2), q.Len(), q.Cap())
	// Output: true false 1 1
}

func ExampleQueue_Get() {
	q := lab.NewQueue[int](1)
	short, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	_, err := q.Get(short)
	fmt.Println(err)
	// Output: context deadline exceeded
}

func ExampleQueue_Shutdown() {
	q := lab.NewQueue[int](0)
	q.Put(ctx, 1)
	q.Shutdown(false)
	fmt.Println(q.Put(ctx, 2))
	fmt.Println(q.Get(ctx))
	_, err := q.Get(ctx)
	fmt.Println(err)
	// Output:
	// lab.Queue.Put: closed
	// 1 <nil>
	// lab.Queue.Get: closed
}
