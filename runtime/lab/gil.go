package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A GIL is Python's global interpreter lock, to see what it does: of all threads that belong to it only one runs at a time. Who holds it
// gives it up when it waits for something outside ([GILThread.Blocking], [GILThread.Sleep]), and when it has had it for the switch
// interval while others want it: then it is asked to, and does so at its next [GILThread.Step]. The rules are those of CPython.
//
//	gil := lab.NewGIL(0)
//	t := gil.Thread(ctx, "counter", func(ctx context.Context, th *lab.GILThread) error {
//		for range 1_000_000 {
//			n++
//			if err := th.Step(); err != nil { // Python looks between any two bytecodes
//				return err
//			}
//		}
//		return nil
//	})
type GIL struct {
	interval time.Duration
	drop     atomic.Bool // the holder is asked to give it up

	mu       sync.Mutex
	held     bool
	queue    waiters[*GILThread]
	switches int // times that it went from one thread to another
	forced   int // how many of those because of the interval
	last     *GILThread
	threads  []*GILThread
}

// DefaultSwitchInterval is how long a Python thread may keep the lock when others want it: sys.getswitchinterval().
const DefaultSwitchInterval = 5 * time.Millisecond

// NewGIL returns a lock that nobody holds. interval is how long a thread may keep it when others want it; 0 means
// [DefaultSwitchInterval].
func NewGIL(interval time.Duration) *GIL {
	must(checkDuration("lab.NewGIL", "interval", interval))
	if interval == 0 {
		interval = DefaultSwitchInterval
	}
	return &GIL{interval: interval}
}

// A GILThread is one thread under a GIL. Its methods are for its own function, which holds the lock whenever it runs.
type GILThread struct {
	g    *GIL
	name string
	ctx  context.Context
	has  bool // holds the lock; only for its own goroutine

	// guarded by g.mu
	since        time.Time // when it got the lock
	held, waited time.Duration
	steps        int // turns with the lock
}

// Thread starts fn as a thread, which takes the lock first: threading.Thread(target=fn).start().
func (g *GIL) Thread(ctx context.Context, name string, fn func(context.Context, *GILThread) error) *Task[struct{}] {
	if fn == nil {
		panic(misuse("lab.GIL.Thread", "nil function"))
	}
	t := new(Task[struct{}])
	t.init(ctx, "lab.GIL.Thread", t, []TaskOption{Named(name)})
	t.launch(func(ctx context.Context) error { return g.run(ctx, name, fn) })
	return t
}

// Run calls fn with the lock held, on this goroutine. The thread is called after the task that it is in; outside of one the first
// is called main, and later ones after their number.
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
	th := &GILThread{g: g, name: name, ctx: ctx}
	g.mu.Lock()
	if n := len(g.threads); name == "" && n == 0 {
		th.name = "main"
	} else if name == "" {
		th.name = fmt.Sprintf("thread-%d", n+1)
	}
	g.threads = append(g.threads, th)
	g.mu.Unlock()
	// The lock's holder looks for a cancelled context only when it is asked to give the lock up.
	defer context.AfterFunc(ctx, func() { g.drop.Store(true) })()
	if err := th.take(); err != nil {
		return err
	}
	defer th.release(false)
	return fn(ctx, th)
}

// take waits for the lock. A thread that has waited for the interval, during which nobody else got it, asks the holder to drop it.
func (th *GILThread) take() error {
	g, begin := th.g, time.Now()
	g.mu.Lock()
	if !g.held {
		g.give(th, begin)
		g.mu.Unlock()
		th.has = true
		return nil
	}
	w := g.queue.add(th)
	seen := g.switches
	g.mu.Unlock()
	timer := time.NewTimer(g.interval)
	defer timer.Stop()
	for {
		select {
		case <-w.ready:
			th.has = true
			g.mu.Lock()
			th.waited += time.Since(begin)
			g.mu.Unlock()
			return nil
		case <-timer.C:
			g.mu.Lock()
			if g.switches == seen {
				g.drop.Store(true)
			}
			seen = g.switches
			g.mu.Unlock()
			timer.Reset(g.interval)
		case <-th.ctx.Done():
			g.mu.Lock()
			waiting := g.queue.remove(w)
			th.waited += time.Since(begin)
			g.mu.Unlock()
			if waiting {
				return canceled(th.ctx)
			}
			<-w.ready
			th.has = true
			return nil
		}
	}
}

// give makes th the holder. g.mu is held.
func (g *GIL) give(th *GILThread, now time.Time) {
	if g.held = true; g.last != nil && g.last != th {
		g.switches++
	}
	g.last = th
	g.drop.Store(false)
	th.since = now
	th.steps++
}

// release gives the lock to who has waited longest, if somebody has.
func (th *GILThread) release(forced bool) {
	if !th.has {
		return
	}
	th.has = false
	g, now := th.g, time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	th.held += now.Sub(th.since)
	g.held = false
	if g.queue.empty() {
		return
	}
	if forced {
		g.forced++
	}
	w := g.queue.first()
	g.give(w.v, now)
	w.serve(w.v, true)
}

// Step is the place where Python looks whether the lock is wanted by others: call it in every round of a loop that computes. It costs
// about a nanosecond when nobody wants it. The error says that the thread's context has ended; the thread has lost the lock then
// and must return.
func (th *GILThread) Step() error {
	if !th.g.drop.Load() {
		return nil
	}
	if err := canceled(th.ctx); err != nil {
		th.release(false)
		return err
	}
	g := th.g
	g.mu.Lock()
	wanted := !g.queue.empty()
	if !wanted {
		g.drop.Store(false)
	}
	g.mu.Unlock()
	if !wanted {
		return nil
	}
	th.release(true)
	return th.take()
}

// Blocking calls fn without the lock, as Python's own functions do around what waits or computes outside of Python, and takes it
// again. fn gets the thread's context.
func (th *GILThread) Blocking(fn func(context.Context) error) error {
	if fn == nil {
		return misuse("lab.GILThread.Blocking", "nil function")
	}
	th.release(false)
	err := fn(th.ctx)
	return errors.Join(err, th.take())
}

// Sleep is time.sleep: it waits without the lock.
func (th *GILThread) Sleep(d time.Duration) error {
	if err := checkDuration("lab.GILThread.Sleep", "duration", d); err != nil {
		return err
	}
	th.release(false)
	if err := sleep(th.ctx, d); err != nil {
		return err
	}
	return th.take()
}

// Name returns the thread's name.
func (th *GILThread) Name() string { return th.name }

// String says what the lock has seen so far.
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

// String says it in one line.
func (s GILStats) String() string {
	t := fmt.Sprintf("%d %s, %d of them forced", s.Switches, number(s.Switches, "switch"), s.Forced)
	for _, th := range s.Threads {
		t += fmt.Sprintf("; %s held it for %v and waited %v", th.Name, roundTime(th.Held), roundTime(th.Waited))
	}
	return t
}
