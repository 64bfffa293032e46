package lab

import (
	"context"
	"fmt"
	"time"
)

// An Executor runs functions: a [Pool] on goroutines of this process, a [ProcPool] in other processes. Only
// this package has some. nil is a Pool with a worker for each core, made for one call.
type Executor interface {
	Size() int
	Stats() PoolStats
	Shutdown(ctx context.Context, cancelPending bool) error
	Close() error
	// threads returns the goroutines that run functions, or hand them to processes and wait.
	threads() *Pool
	// elsewhere returns the processes that run functions, or nil.
	elsewhere() *ProcPool
}

func (p *Pool) threads() *Pool       { return p }
func (p *Pool) elsewhere() *ProcPool { return nil }

// threadsOf returns the goroutines of an executor. A nil one has none.
func threadsOf(ex Executor) *Pool {
	if ex == nil {
		return nil
	}
	return ex.threads()
}

// processesOf returns the processes of an executor, or nil.
func processesOf(ex Executor) *ProcPool {
	if ex == nil {
		return nil
	}
	return ex.elsewhere()
}

// remoteMap is Map for processes: each batch of items is one call of a worker.
func remoteMap[T, U any](ctx context.Context, pp *ProcPool, xs []T, fn func(context.Context, T) (U, error), opts []MapOption) ([]U, error) {
	if pp.pool == nil {
		return nil, zero("lab.Map", "pool", "lab.NewProcPool")
	}
	f, err := pp.function(fn)
	if err != nil {
		return nil, misuse("lab.Map", "%v", err)
	}
	out := make([]U, len(xs))
	longer := func(m *mapping) { m.least, m.many = remoteBatch, true }
	err = pp.pool.ranges(ctx, "lab.Map", len(xs), func(ctx context.Context, lo, hi int) error {
		in := xs[lo:hi]
		args, err := f.Pack(true, &in)
		if err != nil {
			_, err = cannotSend("lab.Map", f, in, lo, err)
			return err
		}
		var got []U
		if err := pp.call(ctx, args, &got); err != nil {
			return err
		}
		if len(got) != len(in) {
			return fmt.Errorf("lab.Map: a worker returned %d results for %d items", len(got), len(in))
		}
		copy(out[lo:hi], got)
		return nil
	}, append([]MapOption{longer}, opts...))
	if err != nil {
		return nil, err
	}
	return out, nil
}

// remoteBatch is how long a batch of a process should take: much more than a message there and back.
const remoteBatch = 2 * time.Millisecond
