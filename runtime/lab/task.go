package lab

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"
)

// A Task is a function that runs on its own, and its result to come. [Go] starts one; so do Submit, After and
// Thread.
//
// The code that starts a task owns it: it must await it, or cancel it, or cancel the context that it was
// started with.
type Task[T any] struct {
	task
	value T // valid when the task has ended without an error
}

// TaskAny is a task of any type: what is common to all of them.
type TaskAny interface {
	ID() uint64
	Name() string
	State() State
	Info() TaskInfo
	Done() <-chan struct{}
	Cancel(cause error)
	core() *task
}

// Go starts fn in its own goroutine and returns at once. It is asyncio.create_task, except that fn really
// runs at the same time, and begins at once: with a context that has ended, or when the task is cancelled
// right away, fn is called all the same. The context that fn gets ends when ctx does, when the task is
// cancelled, and when fn has returned.
func Go[T any](ctx context.Context, fn func(context.Context) (T, error), opts ...TaskOption) *Task[T] {
	t := new(Task[T])
	if fn == nil {
		panic(misuse("lab.Go", "nil function"))
	}
	t.init(ctx, "lab.Go", t, opts)
	t.launch(func(ctx context.Context) (err error) { t.value, err = fn(ctx); return err })
	return t
}

// Thread starts fn in its own goroutine, under a name. It is threading.Thread: a task without a result, which
// is awaited like join. A daemon thread is one whose ctx is not the caller's: context.WithoutCancel(ctx).
func Thread(ctx context.Context, name string, fn func(context.Context)) *Task[struct{}] {
	t := new(Task[struct{}])
	if fn == nil {
		panic(misuse("lab.Thread", "nil function"))
	}
	t.init(ctx, "lab.Thread", t, []TaskOption{Named(name)})
	t.launch(func(ctx context.Context) error { fn(ctx); return nil })
	return t
}

// A TaskOption is a property of a task to be started.
type TaskOption func(*task)

// Named gives a task its name. Otherwise it is called task-1, task-2 and so on.
func Named(name string) TaskOption { return func(t *task) { t.name = name } }

// State is where a task is in its life.
type State int32

const (
	Pending   State = iota // not started yet: it waits for a worker or for its time
	Running                // started; what it waits for is its own affair
	Succeeded              // returned without an error
	Failed                 // returned an error, be it that of another task that was cancelled
	Canceled               // ended because its own context was cancelled
	Panicked               // ended by a panic or by runtime.Goexit
)

func (s State) String() string {
	if names := [...]string{"pending", "running", "succeeded", "failed", "canceled", "panicked"}; int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("State(%d)", int32(s))
}

// Ended reports whether this is one of the four last states.
func (s State) Ended() bool { return s >= Succeeded }

// task is the part of a Task that does not depend on its type.
type task struct {
	id     uint64
	name   string
	from   site
	self   TaskAny
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{} // closed last, by end

	state   atomic.Int32
	err     error // valid when the state is an ended one
	created time.Time
	ended   time.Time

	mu sync.Mutex // guards watchers and callbacks until the task has ended
	// lab's own, called once each by end before the callbacks; nil ones were taken back
	watchers  []func()
	callbacks []func()       // of OnDone, called once each by end
	runner    atomic.Uintptr // the goroutine that runs the function and the callbacks; see self
	claim     claim          // of the callers that want the result
	untrace   func()         // ends the trace task
	// stops what would start a pending task; nil when that is the call that made it
	unlink func()
	scope  *scope                      // of the Run in which it was started, or nil
	pool   *Pool                       // that runs it, or nil
	worker *worker                     // of pool, that runs it; valid when it has begun
	job    func(context.Context) error // what pool runs
	gil    *GIL                        // under which the function runs, or nil
	items  *int                        // how many items of Map job has worked off, or nil
	atEnd  func()                      // called when the state is set, before any caller is notified
	links  struct{ prev, next *task }  // guarded by tasks.mu
}

var taskIDs atomic.Uint64

// init makes t a pending task that was started by call.
func (t *task) init(ctx context.Context, call string, self TaskAny, opts []TaskOption) {
	must(checkContext(call, ctx))
	for _, opt := range opts {
		if opt == nil {
			panic(misuse(call, "nil option"))
		}
		opt(t)
	}
	t.id, t.self, t.created = taskIDs.Add(1), self, time.Now()
	if t.from.n == 0 { // no option has set it
		t.from = here(2)
	}
	t.done = make(chan struct{})
	if t.scope, _ = ctx.Value(scopeKey{}).(*scope); t.scope != nil {
		t.scope.wg.Add(1)
	}
	ctx, t.cancel = context.WithCancelCause(ctx)
	t.ctx = taskContext{ctx, t}
	if trace.IsEnabled() {
		tctx, tt := trace.NewTask(t.ctx, t.Name())
		t.ctx, t.untrace = tctx, tt.End
	}
	tasks.add(t)
}

// taskContext is the context of a task's function. It knows the task, in one allocation less than
// context.WithValue.
type taskContext struct {
	context.Context
	t *task
}

// taskKey finds the task that a context belongs to, jobKey the job of a pool in which it was made, however
// deep.
type (
	taskKey struct{}
	jobKey  struct{ pool *Pool }
)

func (c taskContext) Value(key any) any {
	switch key := key.(type) {
	case taskKey:
		return c.t
	case jobKey:
		if c.t.pool == key.pool {
			return c.t
		}
	}
	return c.Context.Value(key)
}

// launch starts a pending task in a goroutine of its own.
func (t *task) launch(fn func(context.Context) error) {
	if t.begin() {
		started()
		go t.run(fn)
	}
}

// begin makes a pending task a running one; false when it was cancelled before.
func (t *task) begin() bool { return t.state.CompareAndSwap(int32(Pending), int32(Running)) }

// notify calls the functions of OnTask, if any.
func (t *task) notify() {
	for _, f := range taskHooks.all() {
		info := t.Info()
		alone(&t.from, func() { (*f)(info) })
	}
}

// run is the life of a task that has begun.
func (t *task) run(fn func(context.Context) error) {
	t.runner.Store(self())
	var err error
	normal := false
	defer func() {
		if !normal {
			err = ErrGoexit
			if r := recover(); r != nil {
				p := panicked(r, &t.from)
				p.Task, p.claimed = t.Name(), t.claim.made
				err = p
			}
		}
		t.end(err, !normal)
	}()
	if trace.IsEnabled() {
		defer trace.StartRegion(t.ctx, t.Name()).End()
	}
	t.notify()
	err = fn(t.ctx)
	normal = true
}

// end records how a task ended and wakes its waiters. Its frame is kept small: cancel needs much stack, and
// the stack of a new goroutine should not have to grow for it.
func (t *task) end(err error, abnormal bool) {
	state := Succeeded
	if abnormal {
		state = Panicked
	} else if err != nil {
		state, err = t.failed(err)
	}
	t.cancel(nil)
	t.announce(state, err)
}

// failed returns the state of a task that ended with err. The error of a cancelled task gets the cause.
func (t *task) failed(err error) (State, error) {
	ended := t.ctx.Err()
	if ended == nil || !errors.Is(err, ended) {
		return Failed, err
	}
	if err == ended {
		err = canceled(t.ctx)
	}
	return Canceled, err
}

func (t *task) announce(state State, err error) {
	awaited := state == Panicked && t.claim.waiting.Load() > 0
	if awaited { // a caller that waits now may be gone when the panic is reported
		t.claim.waiting.Add(1)
	}
	tasks.remove(t)
	t.mu.Lock()
	t.err, t.ended = err, time.Now()
	watchers, callbacks := t.watchers, t.callbacks
	t.watchers, t.callbacks = nil, nil
	if taskHooks.all() != nil {
		callbacks = append([]func(){t.notify}, callbacks...)
	}
	t.state.Store(int32(state))
	t.mu.Unlock()
	if t.atEnd != nil {
		t.atEnd()
	}
	for _, f := range watchers {
		if f != nil {
			f()
		}
	}
	if t.untrace != nil {
		t.untrace()
	}
	if callbacks != nil {
		defer t.settle(state, awaited) // deferred: a callback may end the goroutine
		callAll(callbacks)
		return
	}
	t.settle(state, awaited)
}

// settle comes after the callbacks.
func (t *task) settle(state State, awaited bool) {
	if p, ok := t.err.(*PanicError); ok && state == Panicked {
		reportPanic(p) // now: a callback may have asked for the result
	}
	if awaited {
		t.claim.waiting.Add(-1)
	}
	t.runner.Store(0)
	close(t.done)
	if t.scope != nil {
		t.scope.wg.Done()
	}
}

// callAll calls the functions in turn, all of them even when one ends the goroutine.
func callAll(fs []func()) {
	if len(fs) == 0 {
		return
	}
	defer callAll(fs[1:])
	fs[0]()
}

// ID returns a number that no other task of this process has.
func (t *task) ID() uint64 { return t.id }

// Name returns the name that [Named] gave, or task-ID.
func (t *task) Name() string {
	if t.name == "" {
		return fmt.Sprintf("task-%d", t.id)
	}
	return t.name
}

// String shows the task and its state.
func (t *task) String() string { return t.Info().String() }

// State returns where the task is in its life.
func (t *task) State() State { return State(t.state.Load()) }

// Done returns a channel that is closed when the task has ended and its callbacks have run. A callback must
// not wait for it; it may await the task.
func (t *task) Done() <-chan struct{} { return t.done }

// Cancel ends the context of the task with cause, which [context.Cause] then returns there; nil means
// [context.Canceled]. It does not wait: the task ends when its function returns, or at once when that has not
// begun. Cancelling twice changes nothing.
func (t *task) Cancel(cause error) {
	if t.unlink == nil || !t.dismiss(cause) {
		t.cancel(cause)
	}
}

// dismiss ends a task with cause if it has not begun, and leaves it alone otherwise.
func (t *task) dismiss(cause error) bool {
	if !t.begin() {
		return false
	}
	t.unlink()
	t.cancel(cause)
	t.mu.Lock()
	heard := len(t.callbacks) > 0 || taskHooks.all() != nil
	t.mu.Unlock()
	if !heard {
		t.end(t.ctx.Err(), false)
		return true
	}
	apart(func() { // the callbacks must not end the goroutine that cancels
		t.runner.Store(self())
		t.end(t.ctx.Err(), false)
	})
	return true
}

func (t *Task[T]) core() *task {
	if t == nil {
		return nil
	}
	return &t.task
}

// subscribe has f, which is lab's own, called when the task ends, or now when it has. unsubscribe may come
// too late: f must bear that.
func (t *task) subscribe(f func()) (unsubscribe func()) {
	t.mu.Lock()
	if t.State().Ended() {
		t.mu.Unlock()
		f()
		return func() {}
	}
	i := len(t.watchers)
	t.watchers = append(t.watchers, f)
	t.mu.Unlock()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if i < len(t.watchers) {
			t.watchers[i] = nil
		}
	}
}

// wait waits until the task has ended or ctx has; the error is that of ctx.
func (t *task) wait(ctx context.Context, call string) error {
	if err := checkContext(call, ctx); err != nil {
		return err
	}
	if t.done == nil {
		return zero(call, "task", "lab.Go")
	}
	if isClosed(t.done) || t.inCallback() {
		return nil
	}
	if t.waitsForItself(ctx) {
		return misuse(call, "%s waits for itself", t.Name())
	}
	t.claim.waiting.Add(1)
	defer t.claim.waiting.Add(-1)
	if err := waitOrHelp(ctx, t.done, t); err != nil && !t.State().Ended() {
		return err
	}
	t.claim.taken.Store(true) // before the waiting is over
	return nil
}

// inCallback reports whether the caller is one of the callbacks of t.
func (t *task) inCallback() bool { return t.State().Ended() && t.runner.Load() == self() }

// waitsForItself reports whether the caller is the function of t, which runs, or belongs to it by its context.
func (t *task) waitsForItself(ctx context.Context) bool {
	who, _ := ctx.Value(taskKey{}).(*task)
	return !t.State().Ended() && (who == t || t.runner.Load() == self())
}

// Await waits for the task and returns its result. When ctx ends first the task is cancelled with it, and
// Await still waits until it has ended: Python's await does the same. [Shield] waits without that. A task
// that has ended returns its result even when ctx has ended. A task that awaits itself gets a [*UsageError].
func (t *Task[T]) Await(ctx context.Context) (T, error) {
	if t == nil {
		var zero T
		return zero, misuse("lab.Task.Await", "nil task")
	}
	t.claim.waiting.Add(1)
	defer t.claim.waiting.Add(-1)
	if err := t.wait(ctx, "lab.Task.Await"); err != nil {
		if u := (*UsageError)(nil); errors.As(err, &u) {
			var zero T
			return zero, err
		}
		t.Cancel(err)
	}
	if !t.inCallback() {
		<-t.done
	}
	return t.Result()
}

// goroutineID is the number by which Go's stack traces call this goroutine. It costs microseconds, more with
// a deep stack.
func goroutineID() (id int64) {
	var buf [64]byte
	for _, c := range buf[len("goroutine "):runtime.Stack(buf[:], false)] {
		if c < '0' || c > '9' {
			break
		}
		id = 10*id + int64(c-'0')
	}
	return id
}

// ErrNotDone is the error of asking for the result of a task that has not ended.
var ErrNotDone = errors.New("the task has not ended")

// Result returns the task's result without waiting, and [ErrNotDone] when the task has not ended.
func (t *Task[T]) Result() (T, error) {
	var zero T
	switch {
	case t == nil:
		return zero, misuse("lab.Task.Result", "nil task")
	case !t.State().Ended():
		return zero, ErrNotDone
	case t.err != nil:
		t.claim.taken.Store(true)
		return zero, t.err
	}
	return t.value, nil
}

// OnDone arranges for f to be called when the task has ended: on the task's goroutine, before Await returns;
// or now, when it already has. It is add_done_callback. f may ask for the result and for other tasks. A panic
// of f goes to [OnPanic] and no further. A task that never began has no goroutine; then f gets one of its
// own.
func (t *Task[T]) OnDone(f func(*Task[T])) {
	if f == nil {
		panic(misuse("lab.Task.OnDone", "nil function"))
	}
	from := here(1)
	call := func() { alone(&from, func() { f(t) }) }
	t.mu.Lock()
	if t.State().Ended() {
		t.mu.Unlock()
		call()
		return
	}
	t.callbacks = append(t.callbacks, call)
	t.mu.Unlock()
}

// Shield waits for t until ctx ends, and leaves it running then.
func Shield[T any](ctx context.Context, t *Task[T]) (T, error) {
	var zero T
	if t == nil {
		return zero, misuse("lab.Shield", "nil task")
	}
	if err := t.wait(ctx, "lab.Shield"); err != nil {
		return zero, err
	}
	return t.Result()
}
