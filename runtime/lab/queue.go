package lab

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"interleave/runtime/quantity"
)

// A Queue passes values from producers to consumers, with a bound on how many wait in between. It is Python's
// queue.Queue and asyncio.Queue. [NewQueue] gives first in, first out; [NewStack] last in, first out;
// [NewPriorityQueue] least first.
//
// Compared with a buffered channel it can be joined, shut down from either side, and ordered otherwise. Who
// waits is served in the order of coming. Python's task_done, join and shutdown are methods of the same
// names; qsize, empty and full are Len and Cap.
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

	from      *site          // where a queue with a compare function was made, else nil
	comparing atomic.Uintptr // the goroutine that calls the compare function, with mu held; see self
}

// A store is the order of a queue. A panic in push or pop leaves it as it was.
type store[T any] interface {
	push(T)
	pop() T
	unpop(T) // undoes a pop
	len() int
	clear()
}

// NewQueue returns a queue that returns values in the order in which they were put. At most max wait in it; 0
// means any number. A negative bound, which in Python means any number, too, is a mistake.
func NewQueue[T any](max int) *Queue[T] { return newQueue("lab.NewQueue", "queue", max, new(ring[T])) }

// NewStack returns a queue that returns the newest value first: queue.LifoQueue.
func NewStack[T any](max int) *Queue[T] { return newQueue("lab.NewStack", "stack", max, new(stack[T])) }

// NewPriorityQueue returns a queue that returns the least value first, by a compare like that of
// slices.SortFunc. Equal values come in the order in which they were put; those of Python's PriorityQueue
// come in any.
//
// compare is called with the queue locked and must only look at its two values. When it panics the panic is
// the error of the Put or Get that called it (TryPut and TryGet panic with it), and no value is lost: one
// that was to be put is not in the queue, one that was to be got still is.
func NewPriorityQueue[T any](max int, compare func(a, b T) int) *Queue[T] {
	if compare == nil {
		panic(misuse("lab.NewPriorityQueue", "nil function"))
	}
	q := newQueue("lab.NewPriorityQueue", "priority queue", max, &least[T]{compare: compare})
	from := here(1)
	q.from = &from
	return q
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
	if q.inCompare() {
		panic(misuse(call, "called by the queue's compare function, which must only look at its two values"))
	}
}

// inCompare reports whether the caller is the queue's own compare function: it holds mu then.
func (q *Queue[T]) inCompare() bool {
	by := q.comparing.Load()
	return by != 0 && by == self()
}

// ordered calls f, which may call the compare function. It returns a panic of that, to be reported when mu is
// free. A Goexit passes through. mu is held.
func (q *Queue[T]) ordered(f func()) (p *PanicError) {
	if q.from == nil {
		f()
		return nil
	}
	q.comparing.Store(self())
	defer q.comparing.Store(0)
	p, _ = caught(q.from, func() error { f(); return nil })
	return p
}

// Put waits until there is room and puts v. The error is that of ctx, or [ErrClosed] after Shutdown; v is not
// in the queue then. With a context that has ended nothing is put.
func (q *Queue[T]) Put(ctx context.Context, v T) error {
	q.check("lab.Queue.Put")
	if err := checkContext("lab.Queue.Put", ctx); err != nil {
		return err
	}
	if err := canceled(ctx); err != nil {
		return err
	}
	w, p, err := q.putOrWait(v)
	if w != nil {
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
		p, _ = w.err.(*PanicError) // of comparing v when there was room at last
		err = w.err
	}
	if p != nil {
		reportPanic(p)
		return p
	}
	if err != nil {
		return fmt.Errorf("lab.Queue.Put: %w", err)
	}
	return nil
}

// putOrWait puts v if there is room now. Otherwise w waits for that.
func (q *Queue[T]) putOrWait(v T) (w *waiter[T], p *PanicError, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ok, p, err := q.put(v)
	if ok || p != nil || err != nil {
		return nil, p, err
	}
	return q.putters.add(v), nil, nil
}

// TryPut puts v if there is room now.
func (q *Queue[T]) TryPut(v T) bool {
	q.check("lab.Queue.TryPut")
	ok, p := func() (bool, *PanicError) {
		q.mu.Lock()
		defer q.mu.Unlock()
		ok, p, _ := q.put(v)
		return ok, p
	}()
	if p != nil {
		panic(p)
	}
	return ok
}

// put is TryPut with mu held.
func (q *Queue[T]) put(v T) (ok bool, p *PanicError, err error) {
	switch {
	case q.closed:
		return false, nil, ErrClosed
	case !q.getters.empty(): // and so no items
		q.unfinished++
		q.getters.first().serve(v, nil)
		return true, nil, nil
	case q.max > 0 && q.items.len() >= q.max:
		return false, nil, nil
	}
	if p := q.ordered(func() { q.items.push(v) }); p != nil {
		return false, p, nil
	}
	q.unfinished++
	count(q.name, q.items.len())
	return true, nil, nil
}

// Get waits for a value. The error is that of ctx, or [ErrClosed] when the queue is shut down and empty. With
// a context that has ended it takes no value, so that a loop of Gets ends with its context.
func (q *Queue[T]) Get(ctx context.Context) (T, error) {
	var zero T
	q.check("lab.Queue.Get")
	if err := checkContext("lab.Queue.Get", ctx); err != nil {
		return zero, err
	}
	if err := canceled(ctx); err != nil {
		return zero, err
	}
	v, w, p, err := q.getOrWait()
	if w != nil {
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
		v, err = w.v, w.err
	}
	if p != nil {
		reportPanic(p)
		return zero, p
	}
	if err != nil {
		return zero, fmt.Errorf("lab.Queue.Get: %w", err)
	}
	return v, nil
}

// getOrWait gets a value if there is one now. Otherwise w waits for that.
func (q *Queue[T]) getOrWait() (v T, w *waiter[T], p *PanicError, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	v, ok, p := q.get()
	switch {
	case ok || p != nil:
		return v, nil, p, nil
	case q.closed:
		return v, nil, nil, ErrClosed
	}
	return v, q.getters.add(v), nil, nil
}

// TryGet gets a value if there is one now.
func (q *Queue[T]) TryGet() (T, bool) {
	q.check("lab.Queue.TryGet")
	v, ok, p := func() (T, bool, *PanicError) {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.get()
	}()
	if p != nil {
		panic(p)
	}
	return v, ok
}

// get is TryGet with mu held.
func (q *Queue[T]) get() (v T, ok bool, p *PanicError) {
	if q.items.len() == 0 {
		return v, false, nil
	}
	if p := q.ordered(func() { v = q.items.pop() }); p != nil {
		return v, false, p
	}
	normal := false
	defer func() {
		if !normal { // compare ended the goroutine, so that no caller is left to take v
			q.items.unpop(v)
		}
	}()
	for !q.putters.empty() { // the room is for the next one whose value can be compared
		w := q.putters.first()
		p := q.ordered(func() { q.items.push(w.v) })
		if p == nil {
			q.unfinished++
			w.serve(w.v, nil)
			break
		}
		w.serve(w.v, p)
	}
	normal = true
	count(q.name, q.items.len())
	return v, true, nil
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

// TaskDone notes for [Queue.Join] that the work on one value from Get is finished. More calls than values is
// a mistake.
func (q *Queue[T]) TaskDone() {
	q.check("lab.Queue.TaskDone")
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

// Join waits until TaskDone was called for every value that was put, or ctx ends. When there is nothing to
// wait for, it succeeds even with a context that has ended.
func (q *Queue[T]) Join(ctx context.Context) error {
	q.check("lab.Queue.Join")
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
	case <-ctx.Done():
		if !isClosed(joined) {
			return canceled(ctx)
		}
	}
	return nil
}

// Shutdown ends the queue: Put fails from now on, including calls that are waiting. Get continues until the
// queue is empty, and then fails; with now the values that wait are dropped, as if their work were done.
// Calling it again is allowed.
func (q *Queue[T]) Shutdown(now bool) {
	q.check("lab.Queue.Shutdown")
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	var zero T
	for !q.putters.empty() {
		q.putters.first().serve(zero, ErrClosed)
	}
	for !q.getters.empty() {
		q.getters.first().serve(zero, ErrClosed)
	}
	if now {
		q.unfinished = max(0, q.unfinished-q.items.len()) // TaskDone may have come before its Get
		q.items.clear()
		count(q.name, 0)
		q.tellJoined()
	}
}

// Len returns how many values wait, Cap how many may; 0 means any number.
func (q *Queue[T]) Len() int {
	n, _ := q.state()
	return n
}

// state returns how many values wait and whether the queue is shut down. The compare function may ask, too.
func (q *Queue[T]) state() (n int, closed bool) {
	if q.items == nil {
		return 0, false
	}
	if !q.inCompare() {
		q.mu.Lock()
		defer q.mu.Unlock()
	}
	return q.items.len(), q.closed
}

// Cap returns the bound that the queue was made with.
func (q *Queue[T]) Cap() int { return q.max }

// String shows how full the queue is.
func (q *Queue[T]) String() string {
	n, closed := q.state()
	s := fmt.Sprintf("%s: %s waiting", q.name, quantity.Count(n))
	if q.max > 0 {
		s = fmt.Sprintf("%s: %s of %s waiting", q.name, quantity.Count(n), quantity.Count(q.max))
	}
	if closed {
		s += ", shut down"
	}
	return s
}

// A waiter is a call that waits, such as a Get or Put. v and err are set before ready is closed.
type waiter[T any] struct {
	v          T
	err        error
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

// serve takes w from its list and lets it continue, with v or with an error.
func (w *waiter[T]) serve(v T, err error) {
	w.in.remove(w)
	w.v, w.err = v, err
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

func (r *ring[T]) unpop(v T) { // there is room: pop made it
	r.head = (r.head + len(r.buf) - 1) % len(r.buf)
	r.buf[r.head] = v
	r.n++
}

func (r *ring[T]) clear() { *r = ring[T]{} }

// stack is last in, first out.
type stack[T any] []T

func (s *stack[T]) len() int  { return len(*s) }
func (s *stack[T]) push(v T)  { *s = append(*s, v) }
func (s *stack[T]) unpop(v T) { s.push(v) }
func (s *stack[T]) clear()    { *s = nil }
func (s *stack[T]) pop() T {
	var zero T
	last := len(*s) - 1
	v := (*s)[last]
	(*s)[last] = zero
	*s = (*s)[:last]
	return v
}

// least is least first, and first in, first out among equals: a binary heap. All comparing is done before
// anything is moved.
type least[T any] struct {
	v       []leastItem[T]
	put     uint64
	popped  uint64 // the seq of what pop returned last
	compare func(a, b T) int
}

type leastItem[T any] struct {
	v   T
	seq uint64
}

func (l *least[T]) len() int { return len(l.v) }

func (l *least[T]) clear() { l.v = nil }

func (l *least[T]) less(a, b *leastItem[T]) bool {
	c := l.compare(a.v, b.v)
	return c < 0 || c == 0 && a.seq < b.seq
}

func (l *least[T]) push(v T) {
	x := leastItem[T]{v, l.put + 1}
	at := len(l.v)
	for at > 0 && l.less(&x, &l.v[(at-1)/2]) {
		at = (at - 1) / 2
	}
	l.put++
	l.insert(x, at)
}

// insert puts x at index at, which lies between the root and the next free place, and moves what is on the
// way from there to the end.
func (l *least[T]) insert(x leastItem[T], at int) {
	l.v = append(l.v, x)
	i := len(l.v) - 1
	for i > at {
		up := (i - 1) / 2
		l.v[i] = l.v[up]
		i = up
	}
	l.v[i] = x
}

func (l *least[T]) pop() T {
	var path [64]int // of the elements that move up: the lesser of two children, while it is less than x
	last, depth := len(l.v)-1, 0
	x := l.v[last]
	for down := 1; down < last; {
		if down+1 < last && l.less(&l.v[down+1], &l.v[down]) {
			down++
		}
		if !l.less(&l.v[down], &x) {
			break
		}
		path[depth] = down
		depth++
		down = 2*down + 1
	}
	v, i := l.v[0].v, 0
	l.popped = l.v[0].seq
	for _, down := range path[:depth] {
		l.v[i] = l.v[down]
		i = down
	}
	l.v[i], l.v[last] = x, leastItem[T]{}
	l.v = l.v[:last]
	return v
}

// unpop needs no comparing: what was popped is the least.
func (l *least[T]) unpop(v T) { l.insert(leastItem[T]{v, l.popped}, 0) }
