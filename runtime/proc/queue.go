package proc

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"sync/atomic"

	"interleave/runtime/lab"
	"interleave/runtime/quantity"
	"interleave/runtime/remote"
)

// A Queue passes values from processes to processes, first in, first out. It is multiprocessing.JoinableQueue,
// and the counterpart of [lab.Queue], which has the same methods.
//
// Values are copied when they are put. What cannot be copied, such as a channel, is refused then.
type Queue[T any] struct{ object }

// NewQueue returns a queue that holds at most max values, or any number with max 0.
func NewQueue[T any](max int) *Queue[T] {
	inProgram("proc.NewQueue")
	if max < 0 {
		panic(misuse("proc.NewQueue", "bound %d: need zero (for none) or more", max))
	}
	return &Queue[T]{publish(&queue{q: lab.NewQueue[any](max).Named("queue of processes")})}
}

// Put waits until there is room and puts a copy of v. The error is that of ctx, [ErrClosed] after Shutdown, or names
// what of v cannot be copied.
func (q *Queue[T]) Put(ctx context.Context, v T) error {
	boxed := any(v)
	return q.call(ctx, "proc.Queue.Put", "put", []any{&boxed}, nil)
}

// Get waits for a value. The error is that of ctx, or [ErrClosed] when the queue is shut down and empty.
func (q *Queue[T]) Get(ctx context.Context) (T, error) {
	var boxed any
	if err := q.call(ctx, "proc.Queue.Get", "get", nil, []any{&boxed}); err != nil {
		var zero T
		return zero, err
	}
	return as[T](boxed)
}

// TryPut puts a copy of v if there is room now. It panics if v cannot be copied.
func (q *Queue[T]) TryPut(v T) (ok bool) {
	boxed := any(v)
	q.now("proc.Queue.TryPut", "tryput", []any{&boxed}, []any{&ok})
	return ok
}

// TryGet takes a value if there is one now.
func (q *Queue[T]) TryGet() (v T, ok bool) {
	var boxed any
	q.now("proc.Queue.TryGet", "tryget", nil, []any{&boxed, &ok})
	v, _ = as[T](boxed)
	return v, ok
}

// All returns the values until the queue is shut down and empty, or ctx ends. Each counts as done when the next
// is asked for.
func (q *Queue[T]) All(ctx context.Context) iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			v, err := q.Get(ctx)
			if err != nil {
				return
			}
			more := yield(v)
			q.TaskDone()
			if !more {
				return
			}
		}
	}
}

// TaskDone marks a value that Get has returned as worked off. It panics if all are.
func (q *Queue[T]) TaskDone() { q.now("proc.Queue.TaskDone", "done", nil, nil) }

// Join waits until every value that was put was worked off. The error is that of ctx.
func (q *Queue[T]) Join(ctx context.Context) error {
	return q.call(ctx, "proc.Queue.Join", "join", nil, nil)
}

// Len returns how many values wait in the queue.
func (q *Queue[T]) Len() (n int) {
	q.now("proc.Queue.Len", "len", nil, []any{&n})
	return n
}

// Shutdown has every Put fail from now on, and every Get when the queue is empty. With now the values that wait
// are dropped.
func (q *Queue[T]) Shutdown(now bool) { q.now("proc.Queue.Shutdown", "shutdown", []any{&now}, nil) }

// String shows how full the queue is.
func (q *Queue[T]) String() string { return q.text("queue") }

// A queue is what the program holds.
type queue struct {
	forgets
	q      *lab.Queue[any]
	closed atomic.Bool
}

func (o *queue) Serve(ctx context.Context, r *remote.Request) (err error) {
	var v any
	var ok, now bool
	switch r.Method {
	case "put":
		if err := r.Args(&v); err != nil {
			return err
		}
		return bare(o.q.Put(ctx, v))
	case "get":
		if v, err = o.q.Get(ctx); err != nil {
			return bare(err)
		}
		r.Return(&v)
	case "tryput":
		if err := r.Args(&v); err != nil {
			return err
		}
		ok = o.q.TryPut(v)
		r.Return(&ok)
	case "tryget":
		v, ok = o.q.TryGet()
		r.Return(&v, &ok)
	case "done":
		o.q.TaskDone()
	case "join":
		return bare(o.q.Join(ctx))
	case "len":
		n := o.q.Len()
		r.Return(&n)
	case "state":
		n, closed := o.q.Len(), o.closed.Load()
		r.Return(&n, &closed)
	case "string":
		text := o.q.String()
		r.Return(&text)
	case "shutdown":
		if err := r.Args(&now); err != nil {
			return err
		}
		o.closed.Store(true)
		o.q.Shutdown(now)
	default:
		return remote.ErrNoMethod
	}
	return nil
}

// bare returns the error that lab has wrapped with the name of its own function.
func bare(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok && u.Unwrap() != nil {
		return u.Unwrap()
	}
	return err
}

// A Conn is one end of a pipe: what is sent at one end is received at the other. It is what multiprocessing.Pipe
// returns.
//
// A pipe stays open until Close is called at one of its ends. When a process ends that has had an end, however it
// does, Recv at the other end waits on, where Python's recv raises EOFError: the program has both ends as well, and
// may give the same one to another process. Who knows that a process was the only one at its end closes the pipe when
// the process has ended. What it had sent is still received then, and after that [ErrClosed]:
//
//	go func() { <-p.Done(); here.Close() }()   // p is what lab.Spawn returned
type Conn[T any] struct{ in, out *Queue[T] }

// pipeSize is how many values may be on their way in each direction.
const pipeSize = 64

// NewPipe returns the two ends of a pipe. Send waits while 64 values are on their way. The pipe stays open when a
// process ends that has an end of it: see [Conn].
func NewPipe[T any]() (a, b *Conn[T]) {
	inProgram("proc.NewPipe")
	x, y := NewQueue[T](pipeSize), NewQueue[T](pipeSize)
	return &Conn[T]{x, y}, &Conn[T]{y, x}
}

func (c *Conn[T]) check(call string) error {
	if c.in == nil || c.out == nil {
		return misuse(call, "it was never made: proc.NewPipe makes two")
	}
	return nil
}

// Send sends a copy of v to the other end. The error is that of ctx, [ErrClosed] if either end was closed, or names
// what of v cannot be copied.
func (c *Conn[T]) Send(ctx context.Context, v T) error {
	const call = "proc.Conn.Send"
	if err := c.check(call); err != nil {
		return err
	}
	boxed := any(v)
	return c.out.call(ctx, call, "put", []any{&boxed}, nil)
}

// Recv waits for a value from the other end. The error is that of ctx, or [ErrClosed] if either end was closed
// and nothing is left to receive.
func (c *Conn[T]) Recv(ctx context.Context) (v T, err error) {
	const call = "proc.Conn.Recv"
	if err := c.check(call); err != nil {
		return v, err
	}
	var boxed any
	if err := c.in.call(ctx, call, "get", nil, []any{&boxed}); err != nil {
		return v, err
	}
	return as[T](boxed)
}

// Poll reports whether there is something to receive.
func (c *Conn[T]) Poll() bool {
	const call = "proc.Conn.Poll"
	if err := c.check(call); err != nil {
		panic(err)
	}
	n := 0
	c.in.now(call, "len", nil, []any{&n})
	return n > 0
}

// Close closes both directions. What was sent before can still be received.
func (c *Conn[T]) Close() {
	const call = "proc.Conn.Close"
	if err := c.check(call); err != nil {
		panic(err)
	}
	drop := false
	c.in.now(call, "shutdown", []any{&drop}, nil)
	c.out.now(call, "shutdown", []any{&drop}, nil)
}

// String shows how much is on its way in both directions.
func (c *Conn[T]) String() string {
	if c.in == nil || c.out == nil {
		return "pipe, never made"
	}
	in, closed, err := c.in.state()
	out, _, bad := c.out.state()
	if err = cmp.Or(err, bad); err != nil {
		return fmt.Sprintf("pipe: %v", err)
	}
	s := fmt.Sprintf("pipe: %s to receive, %s on the way to the other end", quantity.Count(in), quantity.Count(out))
	if closed {
		s += ", closed"
	}
	return s
}

// state returns how many values wait and whether the queue is shut down.
func (q *Queue[T]) state() (n int, closed bool, err error) {
	err = remote.Call(context.Background(), q.known.n, "state", nil, []any{&n, &closed})
	return n, closed, err
}
