package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"interleave/runtime/quantity"
)

// A GIL is Python's global interpreter lock, to see what it does: of all threads that belong to it only one
// runs at a time. The rules are those of CPython since 3.2:
//
//   - Forced switch: a waiting thread that sees the lock stay with one holder for the switch interval sets
//     a drop request. The holder obeys at its next [GILThread.Step]. The lock goes to the thread that has
//     waited longest, and the old holder waits in turn.
//   - Voluntary release: a thread in [GILThread.Blocking] or [GILThread.Sleep] lets the lock go. That only
//     wakes the thread that has waited longest, which takes 100 µs, and any thread that asks for the lock
//     before that gets it. So a thread whose blocking calls are shorter mostly takes the lock again at
//     once, beside any number of threads that compute; a thread whose calls are longer loses it, and waits
//     for a switch interval each time. With a drop request pending, a voluntary release is a forced
//     switch.
//   - A thread that was woken begins its interval again, although it finds the lock taken. So a thread with
//     many short calls can keep another one from running for long.
//
// In CPython the operating system wakes threads, and waiting threads are not served in order.
//
// A thread that computes calls Step:
//
//	gil := lab.NewGIL(0)
//	t := gil.Thread(ctx, "counter", func(ctx context.Context, th *lab.GILThread) error {
//		for range 1_000_000 {
//			n++
//			if err := th.Step(); err != nil { // since 3.10 Python looks at the end of each round and at the start of each function
//				return err
//			}
//		}
//		return nil
//	})
type GIL struct {
	interval time.Duration
	drop     atomic.Bool // the holder must look: it is asked to drop the lock, or its context has ended

	mu       sync.Mutex
	holder   *GILThread // nil when the lock is free
	asked    bool       // the holder is asked to drop the lock
	queue    waiters[*GILThread]
	waking   *time.Timer // wakes the first of queue while the lock is free; nil otherwise
	switches int         // times that it went from one thread to another
	forced   int         // how many of those because of the interval
	last     *GILThread
	threads  []*GILThread
}

// wakingTime is how long a thread that waits for a GIL needs to wake. It is longer than a call that does not
// really wait, and shorter than one that does. Beside a thread that computes, CPython 3.11 on Linux lost the
// lock in 1 % of the round trips to another process that took 25 µs, and in 80 % of those that took 120 µs.
const wakingTime = 100 * time.Microsecond

// DefaultSwitchInterval is how long a Python thread may keep the lock when others want it:
// sys.getswitchinterval().
const DefaultSwitchInterval = 5 * time.Millisecond

// NewGIL returns a free lock. interval is how long a thread may keep it when others want it; 0 means
// [DefaultSwitchInterval].
func NewGIL(interval time.Duration) *GIL {
	must(checkDuration("lab.NewGIL", "interval", interval))
	if interval == 0 {
		interval = DefaultSwitchInterval
	}
	return &GIL{interval: interval}
}

// A GILThread is one thread under a GIL. Its methods are for its own function, on the goroutine on which that
// was called. The function holds the lock whenever it runs.
type GILThread struct {
	g    *GIL
	name string
	ctx  context.Context
	self uintptr // the goroutine; see self

	// guarded by g.mu
	since        time.Time // when it got the lock
	woken        time.Time // when the lock was last let go for it while it waited
	held, waited time.Duration
	steps        int // turns with the lock
}

// Thread starts fn as a thread, which takes the lock first: threading.Thread(target=fn).start(). A thread
// that awaits another one of the same GIL lets the lock go meanwhile, as join does.
func (g *GIL) Thread(ctx context.Context, name string, fn func(context.Context, *GILThread) error) *Task[struct{}] {
	if fn == nil {
		panic(misuse("lab.GIL.Thread", "nil function"))
	}
	t := new(Task[struct{}])
	t.gil = g
	t.init(ctx, "lab.GIL.Thread", t, []TaskOption{Named(name)})
	t.launch(func(ctx context.Context) error { return g.run(ctx, name, fn) })
	return t
}

// Run calls fn with the lock held, on this goroutine. The thread is called after the task that it is in;
// outside of one the first is called main, and later ones after their number.
func (g *GIL) Run(ctx context.Context, fn func(context.Context, *GILThread) error) error {
	if err := checkContext("lab.GIL.Run", ctx); err != nil {
		return err
	}
	if fn == nil {
		return misuse("lab.GIL.Run", "nil function")
	}
	name := ""
	if t, _ := ctx.Value(taskKey{}).(*task); t != nil {
		name = t.Name()
	}
	return g.run(ctx, name, fn)
}

func (g *GIL) run(ctx context.Context, name string, fn func(context.Context, *GILThread) error) error {
	th := &GILThread{g: g, name: name, ctx: ctx, self: self()}
	g.mu.Lock()
	if g.holder != nil && g.holder.self == th.self {
		g.mu.Unlock()
		return misuse("lab.GIL.Run", "called by thread %s of this GIL, which holds the lock", g.holder.name)
	}
	if n := len(g.threads); name == "" && n == 0 {
		th.name = "main"
	} else if name == "" {
		th.name = fmt.Sprintf("thread-%d", n+1)
	}
	g.threads = append(g.threads, th)
	g.mu.Unlock()
	defer context.AfterFunc(ctx, func() { g.drop.Store(true) })()
	if err := th.take(); err != nil {
		return err
	}
	defer th.release(true)
	return fn(ctx, th)
}

// has reports whether th holds the lock. g.mu is held.
func (th *GILThread) has() bool { return th.g.holder == th }

// take waits for the lock. A thread that has waited for the interval, during which no other thread got it and
// nothing woke this one, asks the holder to drop it.
func (th *GILThread) take() error {
	g, begin := th.g, time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holder == nil {
		g.give(th, begin)
		return nil
	}
	w := g.queue.add(th)
	seen := g.switches
	timer := time.NewTimer(g.interval)
	defer timer.Stop()
	for {
		g.mu.Unlock()
		var late, ended bool
		select {
		case <-w.ready:
		case <-timer.C:
			late = true
		case <-th.ctx.Done():
			ended = true
		}
		g.mu.Lock()
		switch {
		case th.has():
			th.waited += time.Since(begin)
			return nil
		case ended:
			g.queue.remove(w)
			th.waited += time.Since(begin)
			return canceled(th.ctx)
		case late && g.switches == seen:
			if rest := g.interval - time.Since(th.woken); rest > 0 {
				timer.Reset(rest)
				continue
			}
			g.asked = true
			g.drop.Store(true)
		}
		seen = g.switches
		timer.Reset(g.interval)
	}
}

// give makes th the holder of the free lock. g.mu is held.
func (g *GIL) give(th *GILThread, now time.Time) {
	if g.holder = th; g.last != nil && g.last != th {
		g.switches++
	}
	if g.waking != nil {
		g.waking.Stop()
		g.waking = nil
	}
	g.last, g.asked = th, false
	th.since = now
	th.steps++
	g.look(th)
}

// look sets drop if the holder th has a reason to look. g.mu is held.
func (g *GIL) look(th *GILThread) {
	// In this order, since the context may end between the two: its AfterFunc stores true.
	if g.drop.Store(g.asked); th.ctx.Err() != nil {
		g.drop.Store(true)
	}
}

// pass gives the free lock to the thread that has waited longest. g.mu is held.
func (g *GIL) pass(now time.Time) {
	w := g.queue.first()
	g.give(w.v, now)
	w.serve(w.v, nil)
}

// release lets the lock go. On a drop request, and when the thread has ended, the lock goes to the thread
// that has waited longest. Otherwise that thread is only woken, and others may be faster.
func (th *GILThread) release(last bool) {
	g, now := th.g, time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !th.has() {
		return
	}
	th.held += now.Sub(th.since)
	g.holder = nil
	asked := g.asked
	g.asked = false
	switch {
	case g.queue.empty():
	case asked:
		g.forced++
		g.pass(now)
	case last:
		g.pass(now)
	default:
		g.queue.first().v.woken = now
		var waking *time.Timer
		waking = time.AfterFunc(wakingTime, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.waking != waking { // another thread was faster
				return
			}
			if g.waking = nil; !g.queue.empty() {
				g.pass(time.Now())
			}
		})
		g.waking = waking
	}
}

// Step is the place where Python checks whether other threads want the lock: call it in every iteration of a
// loop that computes. It costs about a nanosecond when no thread wants it. It returns an error when the
// thread's context has ended; the thread has lost the lock then and must return.
func (th *GILThread) Step() error {
	if !th.g.drop.Load() {
		return nil
	}
	if err := th.check("lab.GILThread.Step"); err != nil {
		return err
	}
	if err := canceled(th.ctx); err != nil {
		th.release(true)
		return err
	}
	g := th.g
	g.mu.Lock()
	wanted := g.asked && !g.queue.empty() && th.has()
	if !wanted && th.has() {
		g.asked = false
		g.look(th)
	}
	g.mu.Unlock()
	if !wanted {
		return nil
	}
	th.release(false)
	return th.take()
}

// check refuses calls from other goroutines than the thread's own.
func (th *GILThread) check(call string) error {
	if th.self != self() {
		return misuse(call, "thread %s was used outside of its own function", th.name)
	}
	return nil
}

// Blocking calls fn without the lock, as Python's own functions do around what waits or computes outside of
// Python, and takes it again, after a panic too. fn gets the thread's context.
func (th *GILThread) Blocking(fn func(context.Context) error) (err error) {
	if fn == nil {
		return misuse("lab.GILThread.Blocking", "nil function")
	}
	if err := th.check("lab.GILThread.Blocking"); err != nil {
		return err
	}
	defer th.outside(&err)()
	return fn(th.ctx)
}

// outside lets the lock go. What it returns takes it again, if the thread had it: inside of a Blocking it has
// not.
func (th *GILThread) outside(err *error) (back func()) {
	th.g.mu.Lock()
	had := th.has()
	th.g.mu.Unlock()
	if !had {
		return func() {}
	}
	th.release(false)
	return func() {
		switch lost := th.take(); {
		case *err == nil:
			*err = lost
		case lost != nil && !errors.Is(*err, lost):
			*err = errors.Join(*err, lost)
		}
	}
}

// letGo lets a GIL go whose holder calls, if one of the tasks runs under it. What it returns takes the lock
// again.
func letGo(ts []*task, err *error) (back func()) {
	for _, t := range ts {
		if g := t.gil; g != nil {
			g.mu.Lock()
			th := g.holder
			g.mu.Unlock()
			if th != nil && th.self == self() {
				return th.outside(err)
			}
		}
	}
	return func() {}
}

// Sleep is time.sleep: it waits without the lock. As there, a negative d is a mistake.
func (th *GILThread) Sleep(d time.Duration) (err error) {
	if err := checkDuration("lab.GILThread.Sleep", "duration", d); err != nil {
		return err
	}
	if err := th.check("lab.GILThread.Sleep"); err != nil {
		return err
	}
	defer th.outside(&err)()
	return sleep(th.ctx, d)
}

// Name returns the thread's name.
func (th *GILThread) Name() string { return th.name }

// String shows the statistics of the lock.
func (g *GIL) String() string { return "GIL: " + g.Stats().String() }

// String is the thread's name.
func (th *GILThread) String() string { return th.name }

// GILStats is what a GIL has seen so far.
type GILStats struct {
	Switches int // times that it went from one thread to another
	Forced   int // how many of those because the switch interval was over
	Threads  []GILThreadStats
}

// GILThreadStats is one thread's part of that.
type GILThreadStats struct {
	Name   string
	Turns  int           // times that it got the lock
	Held   time.Duration // with the lock
	Waited time.Duration // for the lock
}

// Stats returns what the lock has seen so far. The turn that is under way is not in it.
func (g *GIL) Stats() GILStats {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := GILStats{Switches: g.switches, Forced: g.forced}
	for _, th := range g.threads {
		s.Threads = append(s.Threads, GILThreadStats{th.name, th.steps, th.held, th.waited})
	}
	return s
}

// String shows the statistics in one line.
func (s GILStats) String() string {
	t := fmt.Sprintf("%s, %s of them forced", quantity.Plural(s.Switches, "switch", "switches"), quantity.Count(s.Forced))
	for _, th := range s.Threads {
		t += fmt.Sprintf("; %s held it for %s and waited %s", th.Name, quantity.Duration(th.Held), quantity.Duration(th.Waited))
	}
	return t
}
