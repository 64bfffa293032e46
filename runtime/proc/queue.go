package proc

import (
	"context"
	"iter"

	"interleave/runtime/lab"
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
	q := new(Queue[T])
	q.object = publish(q, &queue{q: lab.NewQueue[any](max).Named("queue of processes")})
	return q
}

// Put waits until there is room and puts a copy of v. The error is that of ctx, or [ErrClosed] after Shutdown.
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

// A queue is what the program holds.
type queue struct {
	forgets
	q *lab.Queue[any]
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
	case "shutdown":
		if err := r.Args(&now); err != nil {
			return err
		}
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
type Conn[T any] struct{ in, out *Queue[T] }

// pipeSize is how many values may be on their way in each direction.
const pipeSize = 64

// NewPipe returns the two ends of a pipe. Send waits while 64 values are on their way.
func NewPipe[T any]() (a, b *Conn[T]) {
	inProgram("proc.NewPipe")
	x, y := NewQueue[T](pipeSize), NewQueue[T](pipeSize)
	return &Conn[T]{x, y}, &Conn[T]{y, x}
}

// Send sends a copy of v to the other end. The error is that of ctx, or [ErrClosed] if either end was closed.
func (c *Conn[T]) Send(ctx context.Context, v T) error {
	if c.out == nil {
		return misuse("proc.Conn.Send", "it was never made: proc.NewPipe makes two")
	}
	boxed := any(v)
	return c.out.call(ctx, "proc.Conn.Send", "put", []any{&boxed}, nil)
}

// Recv waits for a value from the other end. The error is that of ctx, or [ErrClosed] if either end was closed
// and nothing is left to receive.
func (c *Conn[T]) Recv(ctx context.Context) (v T, err error) {
	if c.in == nil {
		return v, misuse("proc.Conn.Recv", "it was never made: proc.NewPipe makes two")
	}
	var boxed any
	if err := c.in.call(ctx, "proc.Conn.Recv", "get", nil, []any{&boxed}); err != nil {
		return v, err
	}
	return as[T](boxed)
}

// Poll reports whether there is something to receive.
func (c *Conn[T]) Poll() bool { return c.in.Len() > 0 }

// Close closes both directions. What was sent before can still be received.
func (c *Conn[T]) Close() {
	c.in.Shutdown(false)
	c.out.Shutdown(false)
}
