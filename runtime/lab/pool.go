package lab

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/trace"
	"sync"
	"time"
)

// A Pool runs submitted functions, at most Size of them at a time, first come first served. It is a ThreadPoolExecutor.
//
// Its workers are goroutines that start when there is work and end when there is none: a pool that is not in use costs nothing, and
// one that is simply forgotten leaks nothing. All methods may be called at the same time.
type Pool struct {
	size int
	name string

	mu      sync.Mutex
	queue   []job // first in, first out; jobs cancelled meanwhile stay until their turn
	waiting int   // jobs in queue that are not cancelled
	free    []int // numbers of workers that are not running, the smallest last
	running int   // jobs on a worker
	coming  int   // workers that were started and have not looked for work yet
	closed  bool
	idle    chan struct{} // closed when the pool is closed and its last worker has ended
	done    int
	failed  int
	peak    int // most jobs that ever waited
	workers []WorkerStats
}

// A job is a task and its function; items is set by what knows how many items it worked off.
type job struct {
	t     *task
	fn    func(context.Context) error
	items *int
}

// ErrPoolClosed is the error of work that a pool did not take, or did not begin, because of its Shutdown.
var ErrPoolClosed = errors.New("the pool is shut down")

// NewPool returns a pool of size workers. For work that computes, runtime.GOMAXPROCS(0) is the size to choose; work that waits may
// have many more.
func NewPool(size int, opts ...PoolOption) *Pool {
	if size < 1 {
		panic(misuse("lab.NewPool", "size %d: need at least 1", size))
	}
	p := &Pool{size: size, name: "pool", idle: make(chan struct{}), workers: make([]WorkerStats, size)}
	for i := range size {
		p.free = append(p.free, size-1-i)
	}
	for _, opt := range opts {
		if opt == nil {
			panic(misuse("lab.NewPool", "nil option"))
		}
		opt(p)
	}
	return p
}

// A PoolOption is a property of a pool.
type PoolOption func(*Pool)

// PoolName gives a pool the name under which its workers appear in figures.
func PoolName(name string) PoolOption { return func(p *Pool) { p.name = name } }

// Size returns the number of workers.
func (p *Pool) Size() int { return p.size }

// Submit hands fn to the pool and returns its task, which is pending until a worker is free. A task whose context ends before that
// is never begun. After Shutdown it is cancelled with [ErrPoolClosed].
//
// It is executor.submit, and with a task of [Go] that submits and awaits it is run_in_executor: waiting here, computing there.
func Submit[T any](ctx context.Context, p *Pool, fn func(context.Context) (T, error), opts ...TaskOption) *Task[T] {
	t := new(Task[T])
	if fn == nil {
		panic(misuse("lab.Submit", "nil function"))
	}
	if p == nil {
		panic(misuse("lab.Submit", "nil pool"))
	}
	p.submit(ctx, "lab.Submit", &t.task, t, opts, nil, func(ctx context.Context) (err error) { t.value, err = fn(ctx); return err })
	return t
}

func (p *Pool) submit(ctx context.Context, call string, t *task, self TaskAny, opts []TaskOption, items *int, fn func(context.Context) error) {
	must(checkContext(call, ctx))
	if p.size == 0 {
		panic(zero(call, "pool", "lab.NewPool"))
	}
	t.pool = p
	t.unlink = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.waiting--
	}
	p.mu.Lock()
	p.waiting++ // before anybody can find the task and cancel it
	p.mu.Unlock()
	t.init(ctx, call, self, opts)
	started()
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		t.dismiss(ErrPoolClosed)
		return
	}
	p.queue = append(p.queue, job{t, fn, items})
	if n := len(p.free); n > 0 {
		id := p.free[n-1]
		p.free = p.free[:n-1]
		p.coming++
		go p.work(id, true)
	}
	p.peak = max(p.peak, p.waiting-p.coming)
	p.count()
	p.mu.Unlock()
}

// work is the life of a worker: job after job until there is none.
func (p *Pool) work(id int, fresh bool) {
	if trace.IsEnabled() {
		defer trace.StartRegion(context.Background(), fmt.Sprintf("%s worker %d", p.name, id)).End()
	}
	for {
		p.mu.Lock()
		if fresh {
			p.coming--
			fresh = false
		}
		if len(p.queue) == 0 {
			p.queue = nil
			p.free = append(p.free, id)
			if p.closed && len(p.free) == p.size {
				close(p.idle)
			}
			p.mu.Unlock()
			return
		}
		j := p.queue[0]
		p.queue[0] = job{}
		p.queue = p.queue[1:]
		if !j.t.begin() {
			p.mu.Unlock()
			continue
		}
		p.waiting--
		p.running++
		p.count()
		p.mu.Unlock()
		p.do(id, j)
	}
}

// count tells a recording how the pool is doing. p.mu is held.
func (p *Pool) count() {
	if trace.IsEnabled() {
		count(p.name+" running", p.running)
		count(p.name+" waiting", p.waiting)
	}
}

func (p *Pool) do(id int, j job) {
	if err := j.t.ctx.Err(); err != nil {
		p.mu.Lock()
		p.running--
		p.mu.Unlock()
		j.t.end(err, false)
		return
	}
	begin := time.Now()
	j.t.atEnd = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running--
		p.count()
		w := &p.workers[id]
		w.Busy += time.Since(begin)
		w.Tasks++
		if p.done++; j.t.State() != Succeeded {
			p.failed++
		}
		if j.items != nil {
			w.Items += *j.items
		}
	}
	returned := false
	defer func() {
		if !returned { // Goexit takes the worker's goroutine with it: another goes on in its place
			go p.work(id, false)
		}
	}()
	j.t.run(j.fn)
	returned = true
}

// Shutdown stops the pool from taking more work and waits until what it has is done, or until ctx ends. With cancelPending,
// work that has not begun is cancelled with [ErrPoolClosed] instead of done. Calling it again waits again.
func (p *Pool) Shutdown(ctx context.Context, cancelPending bool) error {
	if err := checkContext("lab.Pool.Shutdown", ctx); err != nil {
		return err
	}
	if p.size == 0 {
		return zero("lab.Pool.Shutdown", "pool", "lab.NewPool")
	}
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		if len(p.free) == p.size {
			close(p.idle)
		}
	}
	var pending []job
	if cancelPending {
		pending = append(pending, p.queue...)
	}
	p.mu.Unlock()
	for _, j := range pending {
		j.t.dismiss(ErrPoolClosed)
	}
	select {
	case <-p.idle:
		return nil
	case <-ctx.Done():
		return canceled(ctx)
	}
}

// Close is a Shutdown that does what is pending and waits as long as it takes.
func (p *Pool) Close() error { return p.Shutdown(context.Background(), false) }

// PoolStats is the state of a pool at one moment.
type PoolStats struct {
	Size    int
	Running int // tasks on a worker now
	Waiting int // tasks that wait for a worker
	Peak    int // the most that ever waited
	Done    int // tasks that have ended on a worker
	Failed  int // how many of those with an error
	Workers []WorkerStats
}

// WorkerStats is what one worker of a pool did so far: how evenly work is spread shows in the differences.
type WorkerStats struct {
	Tasks int           // tasks that it ran
	Items int           // items of Map that it worked off
	Busy  time.Duration // time that it spent on them
}

// String says in one line how the pool is doing.
func (p *Pool) String() string { return p.name + ": " + p.Stats().String() }

// Stats returns the state of the pool now.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return PoolStats{
		Size: p.size, Running: p.running, Waiting: p.waiting, Peak: p.peak, Done: p.done, Failed: p.failed,
		Workers: append([]WorkerStats(nil), p.workers...),
	}
}

// String says in one line how the pool is doing.
func (s PoolStats) String() string {
	return fmt.Sprintf("%d of %d %s busy, %d waiting (at most %d), %d done, %d of them failed", s.Running, s.Size, number(s.Size, "worker"), s.Waiting, s.Peak, s.Done, s.Failed)
}

// orCores is p, or a pool for one call with a worker for each core.
func (p *Pool) orCores() *Pool {
	if p == nil {
		return NewPool(runtime.GOMAXPROCS(0))
	}
	return p
}
