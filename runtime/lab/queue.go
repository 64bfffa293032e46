package lab

import (
	"context"
	"fmt"
	"iter"
	"sync"
)

// A Queue hands values from those who put to those who get, with a bound on how many wait in between. It is Python's queue.Queue and
// asyncio.Queue. [NewQueue] gives first in, first out; [NewStack] last in, first out; [NewPriorityQueue] least first.
//
// Compared with a buffered channel it can be joined, shut down from either side, and ordered otherwise. Who waits is served in
// the order of coming.
type Queue[T any] struct {
	name string
	max  int // 0: no bound

	mu         sync.Mutex
	items      store[T]
	getters    waiters[T] // only while there are no items
	putters    waiters[T] // only while items are at the bound
	unfinished int        // put and not yet TaskDone
	joined     chan struct{}
	closed     bool
}

// A store is the order of a queue.
type store[T any] interface {
	push(T)
	pop() T
	len() int
}

// NewQueue returns a queue that gives values in the order in which they came. At most max wait in it; 0 means any number.
func NewQueue[T any](max int) *Queue[T] { return newQueue("lab.NewQueue", "queue", max, new(ring[T])) }

// NewStack returns a queue that gives the newest value first: queue.LifoQueue.
func NewStack[T any](max int) *Queue[T] { return newQueue("lab.NewStack", "stack", max, new(stack[T])) }

// NewPriorityQueue returns a queue that gives the least value first, by a compare like that of slices.SortFunc. Equal values come
// in the order in which they were put.
func NewPriorityQueue[T any](max int, compare func(a, b T) int) *Queue[T] {
	if compare == nil {
		panic(misuse("lab.NewPriorityQueue", "nil function"))
	}
	return newQueue("lab.NewPriorityQueue", "priority queue", max, &least[T]{compare: compare})
}

func newQueue[T any](call, name string, max int, items store[T]) *Queue[T] {
	if max < 0 {
		panic(misuse(call, "bound %d: need zero (for none) or more", max))
	}
	return &Queue[T]{name: name, max: max, items: items}
}

// Named gives the queue the name of its counter in figures, and returns it.
func (q *Queue[T]) Named(name string) *Queue[T] {
	q.name = name
	return q
}

func (q *Queue[T]) check(call string) {
	if q.items == nil {
		panic(zero(call, "queue", "lab.NewQueue"))
	}
}

// Put waits until there is room and puts v. The error is that of ctx, or [ErrClosed] after Shutdown.
func (q *Queue[T]) Put(ctx context.Context, v T) error {
	q.check("lab.Queue.Put")
	if err := checkContext("lab.Queue.Put", ctx); err != nil {
		return err
	}
	if err := canceled(ctx); err != nil {
		return err
	}
	q.mu.Lock()
	if ok, err := q.put("lab.Queue.Put", v); ok || err != nil {
		q.mu.Unlock()
		return err
	}
	w := q.putters.add(v)
	q.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		q.mu.Lock()
		waiting := q.putters.remove(w)
		q.mu.Unlock()
		if waiting {
			return canceled(ctx)
		}
		<-w.ready
	}
	if !w.ok {
		return fmt.Errorf("lab.Queue.Put: %w", ErrClosed)
	}
	return nil
}

// TryPut puts v if there is room now.
func (q *Queue[T]) TryPut(v T) bool {
	q.check("lab.Queue.TryPut")
	q.mu.Lock()
	defer q.mu.Unlock()
	ok, _ := q.put("lab.Queue.TryPut", v)
	return ok
}

func (q *Queue[T]) put(call string, v T) (ok bool, err error) {
	switch {
	case q.closed:
		return false, fmt.Errorf("%s: %w", call, ErrClosed)
	case !q.getters.empty(): // and so no items
		q.unfinished++
		q.getters.first().serve(v, true)
		return true, nil
	case q.max > 0 && q.items.len() >= q.max:
		return false, nil
	}
	q.unfinished++
	q.items.push(v)
	count(q.name, q.items.len())
	return true, nil
}

// Get waits for a value. The error is that of ctx, or [ErrClosed] when the queue is shut down and empty.
func (q *Queue[T]) Get(ctx context.Context) (T, error) {
	var zero T
	q.check("lab.Queue.Get")
	if err := checkContext("lab.Queue.Get", ctx); err != nil {
		return zero, err
	}
	if err := canceled(ctx); err != nil {
		return zero, err
	}
	q.mu.Lock()
	if v, ok := q.get(); ok {
		q.mu.Unlock()
		return v, nil
	}
	if q.closed {
		q.mu.Unlock()
		return zero, fmt.Errorf("lab.Queue.Get: %w", ErrClosed)
	}
	w := q.getters.add(zero)
	q.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		q.mu.Lock()
		waiting := q.getters.remove(w)
		q.mu.Unlock()
		if waiting {
			return zero, canceled(ctx)
		}
		<-w.ready // served at the last moment: the value must not be lost
	}
	if !w.ok {
		return zero, fmt.Errorf("lab.Queue.Get: %w", ErrClosed)
	}
	return w.v, nil
}

// TryGet gets a value if there is one now.
func (q *Queue[T]) TryGet() (T, bool) {
	q.check("lab.Queue.TryGet")
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.get()
}

func (q *Queue[T]) get() (v T, ok bool) {
	if q.items.len() == 0 {
		return v, false
	}
	v = q.items.pop()
	if !q.putters.empty() {
		w := q.putters.first()
		q.unfinished++
		q.items.push(w.v)
		w.serve(w.v, true)
	}
	count(q.name, q.items.len())
	return v, true
}

// All yields values as Get returns them, until the queue is shut down and empty or ctx ends.
func (q *Queue[T]) All(ctx context.Context) iter.Seq[T] {
	must(checkContext("lab.Queue.All", ctx))
	return func(yield func(T) bool) {
		for {
			v, err := q.Get(ctx)
			if err != nil || !yield(v) {
				return
			}
		}
	}
}

// TaskDone says that the work on one value from Get is finished, for [Queue.Join].
func (q *Queue[T]) TaskDone() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.unfinished == 0 {
		panic(misuse("lab.Queue.TaskDone", "called more often than values were put"))
	}
	q.unfinished--
	q.tellJoined()
}

func (q *Queue[T]) tellJoined() {
	if q.unfinished == 0 && q.joined != nil {
		close(q.joined)
		q.joined = nil
	}
}

// Join waits until TaskDone was called for every value that was put, or ctx ends.
func (q *Queue[T]) Join(ctx context.Context) error {
	if err := checkContext("lab.Queue.Join", ctx); err != nil {
		return err
	}
	q.mu.Lock()
	if q.unfinished == 0 {
		q.mu.Unlock()
		return nil
	}
	if q.joined == nil {
		q.joined = make(chan struct{})
	}
	joined := q.joined
	q.mu.Unlock()
	select {
	case <-joined:
		return nil
	case <-ctx.Done():
		return canceled(ctx)
	}
}

// Shutdown ends the queue: Put fails from now on, for those who wait in it, too. Get goes on until the queue is empty, and fails
// then; with now the values that wait are dropped, as if their work were done. Calling it again is allowed.
func (q *Queue[T]) Shutdown(now bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	var zero T
	for !q.putters.empty() {
		q.putters.first().serve(zero, false)
	}
	for !q.getters.empty() {
		q.getters.first().serve(zero, false)
	}
	if now {
		for q.items.len() > 0 {
			q.items.pop()
			q.unfinished = max(0, q.unfinished-1) // TaskDone may have come before its Get
		}
		count(q.name, 0)
		q.tellJoined()
	}
}

// Len returns how many values wait, Cap how many may; 0 means any number.
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items.len()
}

// Cap returns the bound that the queue was made with.
func (q *Queue[T]) Cap() int { return q.max }

// String says how full the queue is.
func (q *Queue[T]) String() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := fmt.Sprintf("%s: %d waiting", q.name, q.items.len())
	if q.max > 0 {
		s = fmt.Sprintf("%s: %d of %d waiting", q.name, q.items.len(), q.max)
	}
	if q.closed {
		s += ", shut down"
	}
	return s
}

// A waiter is a Get or Put that waits. v and ok are set before ready is closed.
type waiter[T any] struct {
	v          T
	ok         bool
	ready      chan struct{}
	prev, next *waiter[T]
	in         *waiters[T] // nil once it was served or removed
}

// waiters is a list in the order of coming.
type waiters[T any] struct{ head, tail *waiter[T] }

func (l *waiters[T]) empty() bool { return l.head == nil }

func (l *waiters[T]) first() *waiter[T] { return l.head }

func (l *waiters[T]) add(v T) *waiter[T] {
	w := &waiter[T]{v: v, ready: make(chan struct{}), prev: l.tail, in: l}
	if l.tail != nil {
		l.tail.next = w
	} else {
		l.head = w
	}
	l.tail = w
	return w
}

// remove reports whether w was still waiting.
func (l *waiters[T]) remove(w *waiter[T]) bool {
	if w.in == nil {
		return false
	}
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		l.tail = w.prev
	}
	w.prev, w.next, w.in = nil, nil, nil
	return true
}

// serve takes w from its list and lets it go on.
func (w *waiter[T]) serve(v T, ok bool) {
	w.in.remove(w)
	w.v, w.ok = v, ok
	close(w.ready)
}

// ring is first in, first out: a circle that doubles when it is full.
type ring[T any] struct {
	buf     []T
	head, n int
}

func (r *ring[T]) len() int { return r.n }

func (r *ring[T]) push(v T) {
	if r.n == len(r.buf) {
		bigger := make([]T, max(8, 2*r.n))
		k := copy(bigger, r.buf[r.head:])
		copy(bigger[k:], r.buf[:r.head])
		r.buf, r.head = bigger, 0
	}
	r.buf[(r.head+r.n)%len(r.buf)] = v
	r.n++
}

func (r *ring[T]) pop() T {
	var zero T
	v := r.buf[r.head]
	r.buf[r.head] = zero
	r.head = (r.head + 1) % len(r.buf)
	r.n--
	return v
}

// stack is last in, first out.
type stack[T any] []T

func (s *stack[T]) len() int { return len(*s) }
func (s *stack[T]) push(v T) { *s = append(*s, v) }
func (s *stack[T]) pop() T {
	var zero T
	last := len(*s) - 1
	v := (*s)[last]
	(*s)[last] = zero
	*s = (*s)[:last]
	return v
}

// least is least first, and first in, first out among equals: a binary heap.
type least[T any] struct {
	v       []leastItem[T]
	put     uint64
	compare func(a, b T) int
}

type leastItem[T any] struct {
	v   T
	seq uint64
}

func (l *least[T]) len() int { return len(l.v) }

func (l *least[T]) less(i, j int) bool {
	c := l.compare(l.v[i].v, l.v[j].v)
	return c < 0 || c == 0 && l.v[i].seq < l.v[j].seq
}

func (l *least[T]) push(v T) {
	l.put++
	l.v = append(l.v, leastItem[T]{v, l.put})
	for i := len(l.v) - 1; i > 0; {
		up := (i - 1) / 2
		if !l.less(i, up) {
			break
		}
		l.v[i], l.v[up] = l.v[up], l.v[i]
		i = up
	}
}

func (l *least[T]) pop() T {
	v, last := l.v[0].v, len(l.v)-1
	l.v[0], l.v[last] = l.v[last], leastItem[T]{}
	l.v = l.v[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return v
		}
		if down+1 < last && l.less(down+1, down) {
			down++
		}
		if !l.less(down, i) {
			return v
		}
		l.v[i], l.v[down] = l.v[down], l.v[i]
		i = down
	}
}
