package lab

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"interleave/runtime/host"
	"interleave/runtime/internal/pack"
	"interleave/runtime/remote"
)

// A ProcPool runs functions in processes, at most Size at a time. It is multiprocessing.Pool and
// ProcessPoolExecutor.
//
// Each process has memory of its own: arguments, results and the variables of the session that a function reads
// are copied, and what the function changes stays there. It has the functions of the program, those that are
// defined later included. Functions must be known by a name, or be function literals that capture nothing:
// [SubmitWith] passes an argument.
//
// A process that ends fails the task that it ran, with a [WorkerError], and is replaced. All processes end with
// Shutdown or Close, when the pool is no longer used, and when this process ends, however it does.
type ProcPool struct {
	pool *Pool // whose workers hand functions to processes and wait
	code host.Code
	set  *processes
}

// processes are those of a pool, apart from it, so that they end when it is no longer used.
type processes struct {
	code   host.Code
	name   string
	memory int64 // of each, or 0

	mu     sync.Mutex
	idle   []*process // those used last are last
	all    map[*process]bool
	made   int // how many were started
	closed bool
}

// A process is a worker with the output of the task that it runs.
type process struct {
	*remote.Worker
	name string
	out  func(stderr bool, b []byte) // guarded by mu
	mu   sync.Mutex
}

// NewProcPool starts size processes that run functions. ctx bounds the start alone: a pool may be used by later
// cells.
func NewProcPool(ctx context.Context, size int, opts ...PoolOption) (*ProcPool, error) {
	if err := checkContext("lab.NewProcPool", ctx); err != nil {
		return nil, err
	}
	if size < 1 {
		return nil, misuse("lab.NewProcPool", "size %d: need at least 1", size)
	}
	if slices.ContainsFunc(opts, func(o PoolOption) bool { return o == nil }) {
		return nil, misuse("lab.NewProcPool", "nil option")
	}
	code := codeOfProgram()
	p := &ProcPool{code: code, pool: newPool(size, append([]PoolOption{PoolName("processes")}, opts...))}
	p.pool.role = "caller" // for processes have numbers of their own, and a caller calls now this one, now that
	p.set = &processes{code: code, name: "worker", memory: p.pool.memory, all: map[*process]bool{}}
	for range size {
		w, err := p.set.start()
		if err == nil && ctx.Err() != nil {
			err = canceled(ctx)
		}
		if err != nil {
			p.set.letGo()
			return nil, misuseOr("lab.NewProcPool", err)
		}
		p.set.give(w)
	}
	runtime.AddCleanup(p, (*processes).letGo, p.set)
	return p, nil
}

// misuseOr names the call in an error.
func misuseOr(call string, err error) error {
	var u *UsageError
	if errors.As(err, &u) {
		return err
	}
	return fmt.Errorf("%s: %w", call, err)
}

// Size returns the number of processes.
func (p *ProcPool) Size() int { return p.pool.Size() }

// Stats returns the state of the pool now.
func (p *ProcPool) Stats() PoolStats { return p.pool.Stats() }

// String shows the state of the pool in one line.
func (p *ProcPool) String() string { return p.pool.String() }

// Pids returns the numbers of the processes that live now.
func (p *ProcPool) Pids() (pids []int) {
	p.set.mu.Lock()
	defer p.set.mu.Unlock()
	for w := range p.set.all {
		if w.Err() == nil {
			pids = append(pids, w.Pid())
		}
	}
	return pids
}

// Shutdown stops the pool from taking more work and waits until what it has is done, or until ctx ends; then it
// ends the processes. With cancelPending, work that has not begun is cancelled with [ErrPoolClosed] instead of
// done.
func (p *ProcPool) Shutdown(ctx context.Context, cancelPending bool) error {
	if p.pool == nil {
		return zero("lab.ProcPool.Shutdown", "pool", "lab.NewProcPool")
	}
	err := p.pool.shutdown(ctx, "lab.ProcPool.Shutdown", cancelPending)
	if isClosed(p.pool.idle) {
		p.set.close()
	}
	return err
}

// Close is a Shutdown that runs the pending jobs and waits without a limit.
func (p *ProcPool) Close() error { return p.Shutdown(context.Background(), false) }

func (p *ProcPool) threads() *Pool { return p.pool }

func (p *ProcPool) elsewhere() *ProcPool {
	if p == nil {
		return new(ProcPool) // which every call refuses
	}
	return p
}

// function returns fn as one that processes can call.
func (p *ProcPool) function(fn any) (*remote.Func, error) { return remote.New(p.code, fn) }

// call has a process call a function.
func (p *ProcPool) call(ctx context.Context, a *remote.Args, results ...any) error {
	for tries := 0; ; tries++ {
		w, err := p.set.take()
		if err != nil {
			return err
		}
		w.attach()
		_, err = w.Call(ctx, a, results...)
		w.detach()
		p.set.give(w)
		if errors.Is(err, remote.ErrNotBegun) && ctx.Err() == nil && tries < p.Size()+newOnes { // it ended while it was idle
			continue
		}
		var from site
		if t, ok := ctx.Value(taskKey{}).(*task); ok {
			from = t.from
		}
		return p.set.mayBeMemory(remoteError(err, &from))
	}
}

// newOnes is how many new processes may end before they begin a call.
const newOnes = 3

// remoteError returns the error of a function in another process, which was called from a place, as lab has it.
func remoteError(err error, from *site) error {
	var p *remote.PanicError
	if errors.As(err, &p) {
		value := any(p.Value)
		if p.Err != nil {
			value = p.Err
		}
		return &PanicError{Value: value, Stack: []byte(p.Stack), Where: panickedAt(p.Stack), Spawn: from.String()}
	}
	if errors.Is(err, remote.ErrGoexit) {
		return ErrGoexit
	}
	return err
}

// panickedAt returns the file:line of the innermost user's function in the stack of a panic, or "".
func panickedAt(stack string) string {
	_, stack, _ = strings.Cut(stack, "\npanic(")
	_, stack, _ = strings.Cut(stack, "\n") // of panic itself the place follows
	function := "runtime."
	if at := cellPlace(stack); at != "" { // a function of a library that a cell has called with a wrong argument
		return at
	}
	for line := range strings.Lines(stack) {
		place, ok := strings.CutPrefix(line, "\t")
		if !ok {
			function = line
			continue
		}
		if !slices.ContainsFunc(beneath, func(p string) bool { return strings.HasPrefix(function, p) }) {
			place, _, _ = strings.Cut(place, " ")
			return strings.TrimSpace(place)
		}
	}
	return ""
}

// cellPlace returns the first place in a cell that a stack shows, such as "cell[3]:2", or "".
func cellPlace(stack string) string {
	for line := range strings.Lines(stack) {
		if place, ok := strings.CutPrefix(line, "\tcell["); ok {
			place, _, _ = strings.Cut(place, " ")
			return "cell[" + strings.TrimSpace(place)
		}
	}
	return ""
}

// start starts a process.
func (s *processes) start() (*process, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrPoolClosed
	}
	name := fmt.Sprintf("%s %d", s.name, s.made)
	s.made++
	s.mu.Unlock()
	w, err := newProcess(s.code, name)
	if err != nil {
		return nil, err
	}
	if s.memory > 0 {
		if err := w.LimitMemory(s.memory); err != nil {
			w.Close()
			return nil, err
		}
	}
	s.mu.Lock()
	s.all[w] = true
	closed := s.closed
	s.mu.Unlock()
	if closed {
		s.end(w)
		return nil, ErrPoolClosed
	}
	return w, nil
}

// start starts the process, with goroutines that belong to no cell.
func (w *process) start(code host.Code) (err error) {
	outside(func() { w.Worker, err = remote.Start(code, w.name, w.write) })
	return err
}

// outside calls f so that goroutines which it starts do not belong to the user's code.
func outside(f func()) {
	if o := host.Get().Outside; o != nil {
		o(f)
		return
	}
	f()
}

// take returns a process that is idle, or a new one.
func (s *processes) take() (*process, error) {
	for {
		s.mu.Lock()
		n := len(s.idle)
		if n == 0 {
			s.mu.Unlock()
			return s.start()
		}
		w := s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.mu.Unlock()
		if w.Err() == nil {
			return w, nil
		}
		s.forget(w)
	}
}

// give makes a process idle. One that has ended is forgotten; one that still runs a function whose caller has
// left is ended when the function had time to return.
func (s *processes) give(w *process) {
	switch {
	case w.Err() != nil:
		s.forget(w)
		return
	case w.Busy():
		time.AfterFunc(0, func() { // on a goroutine that belongs to no cell
			w.Settle()
			s.end(w)
		})
		return
	}
	s.mu.Lock()
	if !s.closed {
		s.idle = append(s.idle, w)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	s.end(w)
}

func (s *processes) forget(w *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, w)
}

func (s *processes) end(w *process) {
	w.Close()
	s.forget(w)
}

// close ends all processes and waits for their ends.
func (s *processes) close() {
	s.mu.Lock()
	s.closed = true
	var all []*process
	for w := range s.all {
		all = append(all, w)
	}
	s.idle = nil
	s.mu.Unlock()
	var ended sync.WaitGroup
	for _, w := range all {
		ended.Go(func() { s.end(w) })
	}
	ended.Wait()
}

// letGo is close without waiting, on a goroutine that belongs to no cell.
func (s *processes) letGo() { time.AfterFunc(0, s.close) }

// attach makes the calling goroutine's output that of the process.
func (w *process) attach() {
	var out func(bool, []byte)
	if f := host.Get().Writer; f != nil {
		out = f()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out = out
}

// detach ends a line that the process has begun.
func (w *process) detach() { w.Flush() }

// cannotSend says which of some items cannot be copied, the first of which has a number, and returns its index.
func cannotSend[T any](call string, f *remote.Func, items []T, first int, err error) (int, error) {
	var cannot *pack.CannotError
	var variable *remote.VariableError
	if errors.As(err, &variable) || !errors.As(err, &cannot) {
		return 0, misuse(call, "%v", err)
	}
	for i := range items {
		one := items[i : i+1]
		if _, err := f.Pack(true, &one); err != nil && errors.As(err, &cannot) {
			at := *cannot
			at.Path = itemPath(at.Path, items[i])
			return i, misuse(call, "item %d cannot be sent to another process: %s", first+i, at.Advice())
		}
	}
	return 0, misuse(call, "%v", err)
}

// itemPath makes a path in a slice of one item one in the item.
func itemPath(path string, item any) string {
	if len(path) < 3 || path[:3] != "[0]" {
		return path
	}
	path = path[3:]
	if len(path) > 0 && path[0] == '.' {
		path = typeText(item) + path
	}
	return path
}

// A WorkerError is the error of a task whose process ended while it ran: by a signal, os.Exit, a stack that
// overflowed or a lack of memory.
type WorkerError = remote.Error
