package lab

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/trace"
	"sync"
	"time"

	"interleave/runtime/quantity"
)

// A Pool runs submitted functions, at most Size of them at a time, first come first served. It is a
// ThreadPoolExecutor.
//
// Its workers are goroutines that start when there is work and end when there is no work left: an idle pool
// costs nothing, and a forgotten one leaks nothing. All methods may be called at the same time.
type Pool struct {
	size   int
	name   string
	role   string // what its workers are called in figures: worker, or caller if each calls processes
	memory int64  // of each process, or 0; see ProcMemory

	mu      sync.Mutex
	queue   []*task             // first in, first out; jobs begun or cancelled meanwhile stay until their turn
	waiting int                 // jobs in queue that are still pending
	free    []int               // numbers of workers that are not running, the smallest last
	running int                 // jobs on a worker
	coming  int                 // workers that were started and have not looked for work yet
	lent    int                 // jobs that run in the place of one that waits for them
	at      map[uintptr]*worker // those that are running, by their goroutine; see self
	closed  bool
	idle    chan struct{} // closed when the pool is closed and its last job and worker have ended
	done    int
	failed  int
	peak    int // most jobs that ever waited
	workers []WorkerStats
}

// A worker is a goroutine that runs jobs, and its place among the size that a pool has.
type worker struct {
	id int // in Pool.workers
	// holds a token while a job that this one waits for runs in its place; made when needed, under Pool.mu
	lent chan struct{}
}

// ErrPoolClosed is the error of work that a pool did not take, or did not begin, because of its Shutdown.
var ErrPoolClosed = errors.New("the pool is shut down")

// NewPool returns a pool of size workers. For work that computes, runtime.GOMAXPROCS(0) is the size to
// choose; work that waits may have many more.
func NewPool(size int, opts ...PoolOption) *Pool {
	p := newPool(size, opts)
	if p.memory > 0 {
		panic(misuse("lab.NewPool", "ProcMemory is for processes: use lab.NewProcPool"))
	}
	return p
}

func newPool(size int, opts []PoolOption) *Pool {
	if size < 1 {
		panic(misuse("lab.NewPool", "size %d: need at least 1", size))
	}
	p := &Pool{size: size, name: "pool", role: "worker", idle: make(chan struct{}),
		workers: make([]WorkerStats, size), at: map[uintptr]*worker{}}
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

// PoolName gives a pool the name under which its workers appear in figures. For a [ProcPool] these are the goroutines
// that call its processes.
func PoolName(name string) PoolOption { return func(p *Pool) { p.name = name } }

// worker returns what a worker is called in figures.
func (p *Pool) worker(w *worker) string { return fmt.Sprintf("%s %s %d", p.name, p.role, w.id) }

// Size returns the number of workers.
func (p *Pool) Size() int { return p.size }

// Submit hands fn to an executor and returns its task, which is pending until a worker is free. A task whose
// context ends before that is never begun. After Shutdown it is cancelled with [ErrPoolClosed].
//
// It is executor.submit, and with a task of [Go] that submits and awaits it is run_in_executor: waiting here,
// computing there.
//
// A job may submit to its own pool and await what it submitted, which in Python is a deadlock when all
// workers do so: a job that waits for a pending one by Await, Shield, Wait or Completed gives its place to
// that one.
func Submit[T any](ctx context.Context, ex Executor, fn func(context.Context) (T, error), opts ...TaskOption) *Task[T] {
	t := new(Task[T])
	if fn == nil {
		panic(misuse("lab.Submit", "nil function"))
	}
	job := func(ctx context.Context) (err error) { t.value, err = fn(ctx); return err }
	if pp := processesOf(ex); pp != nil {
		args := pp.mustPack("lab.Submit", fn)
		job = func(ctx context.Context) error { return pp.call(ctx, args, &t.value) }
	}
	p := threadsOf(ex)
	if p == nil {
		panic(misuse("lab.Submit", "nil pool"))
	}
	p.submit(ctx, "lab.Submit", &t.task, t, opts, nil, job)
	return t
}

func (p *Pool) submit(ctx context.Context, call string, t *task, self TaskAny, opts []TaskOption, items *int, fn func(context.Context) error) {
	must(checkContext(call, ctx))
	if p.size == 0 {
		panic(zero(call, "pool", "lab.NewPool"))
	}
	t.pool, t.job, t.items = p, fn, items
	t.unlink = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.waiting--
	}
	p.mu.Lock()
	p.waiting++ // before the task can be found and cancelled
	p.mu.Unlock()
	t.init(ctx, call, self, opts)
	started()
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		t.dismiss(ErrPoolClosed)
		return
	}
	p.queue = append(p.queue, t)
	if n := len(p.free); n > 0 {
		id := p.free[n-1]
		p.free = p.free[:n-1]
		p.coming++
		go p.work(&worker{id: id}, true)
	}
	p.peak = max(p.peak, p.waiting-p.coming)
	p.count()
	p.mu.Unlock()
}

// work is the loop of a worker: it runs jobs until there is no pending one.
func (p *Pool) work(w *worker, fresh bool) {
	if trace.IsEnabled() {
		defer trace.StartRegion(context.Background(), p.worker(w)).End()
	}
	ended := false
	defer func() {
		if !ended { // by a Goexit of the job or of a callback: another goroutine takes the place
			p.leave()
			go p.work(w, false)
		}
	}()
	p.enter(w, fresh)
	for {
		p.mu.Lock()
		if len(p.queue) == 0 {
			p.queue = nil
			p.free = append(p.free, w.id)
			delete(p.at, self())
			p.checkIdle()
			p.mu.Unlock()
			ended = true
			return
		}
		t := p.queue[0]
		p.queue[0] = nil
		p.queue = p.queue[1:]
		if !t.begin() {
			p.mu.Unlock()
			continue
		}
		t.worker = w
		p.waiting--
		p.running++
		p.count()
		p.mu.Unlock()
		p.do(t, false)
	}
}

// enter makes w known as the worker that runs on this goroutine, until leave.
func (p *Pool) enter(w *worker, fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[self()] = w
	if fresh {
		p.coming--
	}
}

func (p *Pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, self())
}

// checkIdle lets Shutdown return when nothing is running. p.mu is held.
func (p *Pool) checkIdle() {
	if p.closed && p.lent == 0 && len(p.free) == p.size && !isClosed(p.idle) {
		close(p.idle)
	}
}

// count records the pool's counters. p.mu is held.
func (p *Pool) count() {
	if trace.IsEnabled() {
		count(p.name+" running", p.running)
		count(p.name+" waiting", p.waiting)
	}
}

// do runs a job that has begun. A lent one is not counted as running: it runs in the place of one that is.
func (p *Pool) do(t *task, lent bool) {
	begin := time.Now()
	t.atEnd = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		w := &p.workers[t.worker.id]
		if !lent {
			p.running--
			w.Busy += time.Since(begin) // what waits for a lent job is busy all the time
		}
		p.count()
		w.Tasks++
		if p.done++; t.State() != Succeeded {
			p.failed++
		}
		if t.items != nil {
			w.Items += *t.items
		}
	}
	if err := t.ctx.Err(); err != nil { // ended before it began
		t.atEnd = func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if !lent {
				p.running--
			}
		}
		t.runner.Store(self())
		t.end(err, false)
		return
	}
	t.run(t.job)
}

// Shutdown stops the pool from taking more work and waits until what it has is done, or until ctx ends. With
// cancelPending, work that has not begun is cancelled with [ErrPoolClosed] instead of done. Calling it again
// waits again. With a context that has ended it does not wait: it reports whether the pool is idle. A job
// cannot shut its own pool down, since it would wait for itself.
func (p *Pool) Shutdown(ctx context.Context, cancelPending bool) error {
	return p.shutdown(ctx, "lab.Pool.Shutdown", cancelPending)
}

func (p *Pool) shutdown(ctx context.Context, call string, cancelPending bool) error {
	if err := checkContext(call, ctx); err != nil {
		return err
	}
	if p.size == 0 {
		return zero("lab.Pool.Shutdown", "pool", "lab.NewPool")
	}
	if p.place(ctx) != nil {
		return misuse(call, "called by a job of this pool, which would wait for itself: call it outside of the pool's jobs, or as go pool.Close()")
	}
	p.mu.Lock()
	p.closed = true
	p.checkIdle()
	var pending []*task
	if cancelPending {
		pending = append(pending, p.queue...)
	}
	p.mu.Unlock()
	for _, t := range pending {
		t.dismiss(ErrPoolClosed)
	}
	select {
	case <-p.idle:
	case <-ctx.Done():
		if !isClosed(p.idle) {
			return canceled(ctx)
		}
	}
	return nil
}

// Close is a Shutdown that runs the pending jobs and waits without a limit. A job cannot close its own pool.
func (p *Pool) Close() error { return p.shutdown(context.Background(), "lab.Pool.Close", false) }

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

// String shows the state of the pool in one line.
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

// String shows the state of the pool in one line.
func (s PoolStats) String() string {
	return fmt.Sprintf("%s of %s busy, %s waiting (at most %s), %s done, %s of them failed", quantity.Count(s.Running), quantity.Plural(s.Size, "worker"),
		quantity.Count(s.Waiting), quantity.Count(s.Peak), quantity.Count(s.Done), quantity.Count(s.Failed))
}

// orCores is p, or a pool for one call with a worker for each core.
func (p *Pool) orCores() *Pool {
	if p == nil {
		return NewPool(runtime.GOMAXPROCS(0))
	}
	return p
}
