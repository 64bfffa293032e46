package lab

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"runtime/trace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"interleave/runtime/quantity"
	"interleave/runtime/timeline"
)

// A Loop is an event loop like asyncio's: its tasks take turns, and another one's turn comes only when the
// running one awaits something. Nothing runs at the same time, so no locks are needed between two awaits; and
// one task that computes, or waits in any other way than by the loop, stops them all. The loop reports that.
//
//	err := lab.NewLoop().Run(ctx, func(co *lab.Coro) error {
//		a := lab.LoopGo(co, "a", fetchA)
//		b := lab.LoopGo(co, "b", fetchB)
//		…
//	})
//
// The await points of a task are the methods of its [Coro] and [LoopTask.Await]. Inside, each task is a
// goroutine that waits for a baton; whoever has it runs.
type Loop struct {
	// SlowAfter is how long a task may run between two awaits before that is reported:
	// slow_callback_duration. 0 means 100 ms.
	SlowAfter time.Duration
	// OnSlow is called with each report, while the loop stands still, when it is not nil.
	OnSlow func(SlowTurn)

	mu    sync.Mutex
	stats LoopStats
}

// LoopStats is what a loop has done so far.
type LoopStats struct {
	Turns int           // times that a task ran from one await to the next
	Busy  time.Duration // spent in them
	Slow  []SlowTurn    // the first thousand turns that were too long
}

// A SlowTurn is one time that a task blocked the loop.
type SlowTurn struct {
	Task string
	Took time.Duration
	Line string // file:line of the await that ended it; "" when it ended with the task
}

// String is the report.
func (s SlowTurn) String() string {
	where := "before it returned"
	if s.Line != "" {
		where = "before the await at " + s.Line
	}
	return fmt.Sprintf("%s blocked the loop for %s %s", s.Task, quantity.Duration(s.Took), where)
}

const maxSlowTurns = 1000

// NewLoop returns a loop.
func NewLoop() *Loop { return new(Loop) }

// Stats returns what the loop has done so far.
func (l *Loop) Stats() LoopStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Slow = append([]SlowTurn(nil), s.Slow...)
	return s
}

// String shows what the loop has done so far.
func (l *Loop) String() string {
	s := l.Stats()
	return fmt.Sprintf("event loop, %s in %s, %s of them slow", quantity.Plural(s.Turns, "turn"), quantity.Duration(s.Busy), quantity.Count(len(s.Slow)))
}

// A Coro is a task's hold on its loop: what it awaits it awaits through it. It belongs to one task and must
// not be handed on.
type Coro struct {
	run    *loopRun
	name   string
	ctx    context.Context
	cancel context.CancelCauseFunc
	resume chan struct{}  // the baton
	self   atomic.Uintptr // the task's goroutine; see self
	waits  bool           // parked, and in neither run.ready nor the inbox
	due    time.Time      // when it could have had its next turn; zero: ever since it has waited
	since  time.Time      // when its turn began
	line   site           // of the await that ended a slow turn
	err    error          // valid when done
	claim  claim          // of the callers that want err
	done   atomic.Bool
	next   []*Coro // who awaits it
	ended  func()  // called on its last turn, when err is set
	at     int     // in run.living
	timer  *loopTimer
}

// loopRun is one Run. Everything but inbox belongs to the holder of the baton: the loop, or the task that it
// resumed.
type loopRun struct {
	l      *Loop
	ctx    context.Context
	slow   time.Duration
	over   error // why every task is cancelled, those to come included
	ready  []*Coro
	living []*Coro
	timers loopTimers
	seq    uint64
	baton  atomic.Uintptr // the goroutine that has it; see self
	parked chan struct{}  // the baton on its way back

	mu      sync.Mutex
	inbox   []mail        // tasks woken from outside
	mail    chan struct{} // has room for one: something is in inbox
	outside int           // goroutines that will put something there
}

// mail is that a task was woken from outside.
type mail struct {
	c    *Coro
	sent time.Time
}

// ErrLoopDeadlock is the error of a loop whose tasks all wait for each other. asyncio would wait for ever.
var ErrLoopDeadlock = errors.New("deadlock: every task of the loop waits for another")

var errLoopEnded = errors.New("the loop has ended")

// Run runs main as the first task and returns its error. When main has returned the other tasks are
// cancelled, and Run waits until they have returned, too. It is asyncio.run. When ctx ends all tasks are
// cancelled.
func (l *Loop) Run(ctx context.Context, main func(*Coro) error) error {
	if err := checkContext("lab.Loop.Run", ctx); err != nil {
		return err
	}
	if main == nil {
		return misuse("lab.Loop.Run", "nil function")
	}
	if err := checkDuration("lab.Loop.Run", "SlowAfter", l.SlowAfter); err != nil {
		return err
	}
	r := &loopRun{l: l, ctx: ctx, slow: l.SlowAfter, parked: make(chan struct{}), mail: make(chan struct{}, 1)}
	if r.slow == 0 {
		r.slow = 100 * time.Millisecond
	}
	started()
	r.baton.Store(self())
	first := r.start("main", "event loop main", here(1), main)
	first.claim.taken.Store(true)
	for len(r.living) > 0 {
		if c := r.pick(); c != nil {
			r.turn(c)
		} else if err := overdue(ctx); err != nil {
			r.cancelAll(err) // the news is on its way; do not take the silence for a deadlock
		} else {
			r.cancelAll(fmt.Errorf("%w: %s", ErrLoopDeadlock, r.names()))
		}
		if first.done.Load() && r.over == nil {
			r.cancelAll(errLoopEnded)
		}
	}
	return first.err
}

// start makes a task that is ready. A recording knows its goroutine by row.
func (r *loopRun) start(name, row string, from site, fn func(*Coro) error) *Coro {
	c := &Coro{run: r, name: name, resume: make(chan struct{}), at: len(r.living)}
	c.ctx, c.cancel = context.WithCancelCause(r.ctx)
	if r.over != nil {
		c.cancel(r.over)
	}
	r.living = append(r.living, c)
	r.ready = append(r.ready, c)
	forget := context.AfterFunc(c.ctx, func() { r.wake(c, 0) })
	go func() {
		if trace.IsEnabled() {
			defer trace.StartRegion(c.ctx, row).End()
		}
		c.turn()
		c.self.Store(self())
		r.baton.Store(self())
		normal := false
		defer func() {
			if !normal {
				c.err = ErrGoexit
				if v := recover(); v != nil {
					p := panicked(v, &from)
					p.Task, p.claimed = name, c.claim.made
					c.err = p
				}
			}
			forget()
			c.cancel(nil)
			c.done.Store(true)
			c.self.Store(0)
			if c.ended != nil {
				c.ended()
			}
			if p, ok := c.err.(*PanicError); ok && !normal {
				reportPanic(p)
			}
			r.baton.Store(0) // the loop takes it; this goroutine's identity is free for others from now on
			r.parked <- struct{}{}
		}()
		if c.err = canceled(c.ctx); c.err == nil { // one that was cancelled before its first turn never has one
			c.err = fn(c)
			if c.err != nil && c.err == c.ctx.Err() {
				c.err = canceled(c.ctx) // has the cause
			}
		}
		normal = true
	}()
	return c
}

// turn lets c run until it awaits something or ends.
func (r *loopRun) turn(c *Coro) {
	loop := self()
	c.waits, c.line = false, site{}
	c.since = time.Now()
	r.baton.Store(c.self.Load()) // 0 before its first turn: it takes the baton itself
	c.resume <- struct{}{}
	<-r.parked
	r.baton.Store(loop)
	if s, slow := r.l.note(c, time.Since(c.since), r.slow); slow && r.l.OnSlow != nil {
		apart(func() { // a Goexit must not end the loop
			r.baton.Store(self())
			alone(&c.line, func() { r.l.OnSlow(s) })
		})
		r.baton.Store(loop)
	}
	if c.done.Load() {
		last := len(r.living) - 1
		r.living[c.at] = r.living[last]
		r.living[c.at].at = c.at
		r.living[last] = nil
		r.living = r.living[:last]
		now := time.Now()
		for _, o := range c.next {
			r.makeReady(o, now)
		}
		c.next = nil
	}
}

// note counts a turn. It returns the report of one that was slow.
func (l *Loop) note(c *Coro, took, slow time.Duration) (s SlowTurn, isSlow bool) {
	l.mu.Lock()
	l.stats.Turns++
	l.stats.Busy += took
	l.mu.Unlock()
	if took < slow {
		return s, false
	}
	s = SlowTurn{Task: c.name, Took: took}
	if c.line.n > 0 {
		s.Line = c.line.String()
	}
	l.mu.Lock()
	if len(l.stats.Slow) < maxSlowTurns {
		l.stats.Slow = append(l.stats.Slow, s)
	}
	l.mu.Unlock()
	return s, true
}

// pick waits for a task that is ready; nil means that there never will be one.
func (r *loopRun) pick() *Coro {
	for {
		r.mu.Lock()
		inbox, outside := r.inbox, r.outside
		r.inbox = nil
		r.mu.Unlock()
		for _, m := range inbox {
			r.makeReady(m.c, m.sent)
		}
		for len(r.timers) > 0 && !r.timers[0].when.After(time.Now()) {
			t := heap.Pop(&r.timers).(*loopTimer)
			r.makeReady(t.c, t.when)
		}
		if len(r.ready) > 0 {
			c := r.ready[0]
			r.ready = r.ready[1:]
			return c
		}
		if len(r.timers) > 0 {
			t := time.NewTimer(time.Until(r.timers[0].when))
			select {
			case <-t.C:
			case <-r.mail:
			}
			t.Stop()
			continue
		}
		if outside == 0 && len(inbox) == 0 {
			select {
			case <-r.mail:
				continue
			default:
				return nil
			}
		}
		<-r.mail
	}
}

// makeReady gives a parked task its next turn, which it could have had at due. Others have theirs already.
func (r *loopRun) makeReady(c *Coro, due time.Time) {
	if c.done.Load() || !c.waits {
		return
	}
	c.waits, c.due = false, due
	if c.timer != nil {
		if c.timer.at >= 0 {
			heap.Remove(&r.timers, c.timer.at)
		}
		c.timer = nil
	}
	r.ready = append(r.ready, c)
}

// wake has the loop make c ready; from any goroutine. ended is how many outside goroutines are over with that.
func (r *loopRun) wake(c *Coro, ended int) {
	r.mu.Lock()
	r.inbox = append(r.inbox, mail{c, time.Now()})
	r.outside -= ended
	r.mu.Unlock()
	select {
	case r.mail <- struct{}{}:
	default: // the loop will look anyway
	}
}

func (r *loopRun) cancelAll(cause error) {
	r.over = cause
	now := time.Now()
	for _, c := range r.living {
		c.cancel(cause)
		r.makeReady(c, now)
	}
}

func (r *loopRun) names() string {
	names := make([]string, len(r.living))
	for i, c := range r.living {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// park returns the baton and waits for the next turn. It returns the error of the task's context.
func (c *Coro) park() error {
	if time.Since(c.since) >= c.run.slow {
		c.line = here(2)
	}
	c.waits = true
	c.run.parked <- struct{}{}
	c.turn()
	return canceled(c.ctx)
}

// turn waits for the task's turn, and marks in a recording since when it has waited for nothing else.
func (c *Coro) turn() {
	<-c.resume
	if trace.IsEnabled() {
		timeline.Turn(time.Since(c.due))
	}
}

// mine checks that the caller is c's own task.
func (c *Coro) mine(call string) error {
	switch {
	case c == nil || c.run == nil:
		return misuse(call, "nil Coro: use the one that the task's function was given")
	case c.self.Load() != self():
		return misuse(call, "the Coro of task %s was used outside of it", c.name)
	}
	return nil
}

// enter begins an await. One of a cancelled task fails; the others have a turn first, since a task that takes
// no notice of that may await again and again.
func (c *Coro) enter(call string) error {
	if err := c.mine(call); err != nil {
		return err
	}
	if err := canceled(c.ctx); err != nil {
		c.yield()
		return err
	}
	return nil
}

// yield gives the others a turn.
func (c *Coro) yield() {
	c.due = time.Time{}
	c.run.ready = append(c.run.ready, c)
	if time.Since(c.since) >= c.run.slow {
		c.line = here(2)
	}
	c.run.parked <- struct{}{}
	c.turn()
}

// Name returns the task's name.
func (c *Coro) Name() string { return c.name }

// String is the task's name.
func (c *Coro) String() string { return c.name }

// Context returns the task's context, which ends when the task is cancelled.
func (c *Coro) Context() context.Context { return c.ctx }

// Sleep awaits that d has passed: others run meanwhile. It is asyncio.sleep, for which a negative d means
// zero, too.
func (c *Coro) Sleep(d time.Duration) error {
	if err := c.enter("lab.Coro.Sleep"); err != nil {
		return err
	}
	if d <= 0 {
		c.yield()
		return canceled(c.ctx)
	}
	c.run.seq++
	c.timer = &loopTimer{when: time.Now().Add(d), seq: c.run.seq, c: c}
	heap.Push(&c.run.timers, c.timer)
	return c.park()
}

// Yield lets the others have a turn. It is asyncio.sleep(0).
func (c *Coro) Yield() error {
	if err := c.enter("lab.Coro.Yield"); err != nil {
		return err
	}
	c.yield()
	return canceled(c.ctx)
}

// Await awaits a function that runs beside the loop, in a goroutine of its own: run_in_executor and
// to_thread, and the way to everything that waits in Go's ways. When the task is cancelled fn's context ends,
// and Await still waits until it has returned.
func (c *Coro) Await(fn func(context.Context) error) error {
	if fn == nil {
		return misuse("lab.Coro.Await", "nil function")
	}
	if err := c.enter("lab.Coro.Await"); err != nil {
		return err
	}
	r, from := c.run, here(1)
	var err error
	over := make(chan struct{})
	r.mu.Lock()
	r.outside++
	r.mu.Unlock()
	go func() {
		if trace.IsEnabled() {
			defer trace.StartRegion(c.ctx, c.name+" outside").End()
		}
		normal := false
		defer func() {
			if !normal {
				err = abnormal(recover(), &from)
			}
			close(over)
			r.wake(c, 1)
		}()
		err = fn(c.ctx)
		normal = true
	}()
	for { // a cancelled task is woken at once, and continues to wait
		c.park()
		if isClosed(over) {
			return err
		}
	}
}

// A LoopTask is a task of a loop, and its result to come.
type LoopTask[T any] struct {
	c     *Coro
	value T
}

// LoopGo starts fn as a task of co's loop. It has its first turn when the caller awaits something. It is
// create_task.
func LoopGo[T any](co *Coro, name string, fn func(*Coro) (T, error)) *LoopTask[T] {
	if fn == nil {
		panic(misuse("lab.LoopGo", "nil function"))
	}
	t := new(LoopTask[T])
	t.c = co.start("lab.LoopGo", name, name, func(c *Coro) (err error) { t.value, err = fn(c); return err })
	return t
}

func (c *Coro) start(call, name, row string, fn func(*Coro) error) *Coro {
	must(c.mine(call))
	return c.run.start(name, row, here(2), fn)
}

// Await awaits the task's result. When the awaiting task is cancelled the awaited one is, too, and Await
// returns at once; the loop waits for both. A task that has ended gives its result even to one that is
// cancelled.
func (t *LoopTask[T]) Await(co *Coro) (T, error) {
	var zero T
	if t == nil {
		return zero, misuse("lab.LoopTask.Await", "nil task")
	}
	if err := co.await(t.c); err != nil {
		return zero, err
	}
	return t.value, t.c.err
}

func (c *Coro) await(t *Coro) error {
	if err := c.mine("lab.LoopTask.Await"); err != nil {
		return err
	}
	err := canceled(c.ctx)
	switch {
	case t.run != c.run:
		return misuse("lab.LoopTask.Await", "%s and %s belong to different loops", c.name, t.name)
	case t == c:
		return misuse("lab.LoopTask.Await", "%s awaits itself", c.name)
	case t.done.Load():
		t.claim.taken.Store(true)
		return nil
	case err != nil:
		t.stop(err)
		c.yield()
		return err
	}
	t.claim.waiting.Add(1)
	defer t.claim.waiting.Add(-1)
	t.next = append(t.next, c)
	if err := c.park(); !t.done.Load() {
		t.stop(err)
		return err
	}
	t.claim.taken.Store(true)
	return nil
}

// stop cancels c. On its loop the task is ready at once; from outside, the end of its context wakes it.
func (c *Coro) stop(cause error) {
	c.cancel(cause)
	if c.run.baton.Load() == self() {
		c.run.makeReady(c, time.Now())
	}
}

// Cancel cancels the task: its awaits return an error from now on, of which cause is a part. In asyncio only
// the next await does. A task that has not begun never does. It may be called from anywhere.
func (t *LoopTask[T]) Cancel(cause error) { t.c.stop(cause) }

// Done reports whether the task has ended. It may be called from anywhere.
func (t *LoopTask[T]) Done() bool { return t.c.done.Load() }

// Name returns the task's name.
func (t *LoopTask[T]) Name() string { return t.c.name }

// LoopGather runs the functions as tasks of co's loop and awaits their results, in the order of the
// arguments. They take turns as those of asyncio.gather do, but the first error cancels the others, and
// LoopGather waits for them.
func LoopGather[T any](co *Coro, fns ...func(*Coro) (T, error)) ([]T, error) {
	for i, fn := range fns {
		if fn == nil {
			return nil, misuse("lab.LoopGather", "function %d of %d is nil", i, len(fns))
		}
	}
	values := make([]T, len(fns))
	err := co.gather(len(fns), func(c *Coro, i int) (err error) {
		values[i], err = fns[i](c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return values, nil
}

func (c *Coro) gather(n int, fn func(*Coro, int) error) error {
	if err := c.enter("lab.LoopGather"); err != nil {
		return err
	}
	tasks := make([]*Coro, n)
	var first error
	fail := func(err error) {
		if err == nil || first != nil {
			return
		}
		first = err
		for _, t := range tasks {
			t.stop(err)
		}
	}
	for i := range tasks {
		name := fmt.Sprintf("%s.%d", c.name, i)
		t := c.start("lab.LoopGather", name, "event loop "+name, func(t *Coro) error { return fn(t, i) })
		t.claim.taken.Store(true)
		t.ended = func() { fail(t.err) }
		tasks[i] = t
	}
	for _, t := range tasks {
		fail(c.await(t))
	}
	return first
}

// A loopTimer wakes a task at a time.
type loopTimer struct {
	when time.Time
	seq  uint64 // equal times keep their order
	c    *Coro
	at   int // in the heap; -1 when out of it
}

type loopTimers []*loopTimer

func (h loopTimers) Len() int { return len(h) }
func (h loopTimers) Less(i, j int) bool {
	if h[i].when.Equal(h[j].when) {
		return h[i].seq < h[j].seq
	}
	return h[i].when.Before(h[j].when)
}
func (h loopTimers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}
func (h *loopTimers) Push(x any) {
	t := x.(*loopTimer)
	t.at = len(*h)
	*h = append(*h, t)
}
func (h *loopTimers) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.at = -1
	return t
}

// String is the task's name.
func (t *LoopTask[T]) String() string { return t.c.name }
