package lab

import (
	"context"
	"errors"
	"runtime/trace"
	"sync"
	"sync/atomic"
)

// A Group is functions that belong together and end together. It is asyncio.TaskGroup: the first error
// cancels the context of the others, and Wait returns when all have ended. A TaskGroup ignores a task that
// was cancelled alone; a function of a group that returns context.Canceled by itself has failed like any
// other.
type Group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	limit  int // functions that may run at a time; 0 means any number
	claim  claim

	mu      sync.Mutex
	errs    []error           // in order of arrival, without mere echoes of the cancelling
	alive   int               // calls of Go that wait, and functions that have not ended
	places  int               // that are taken, when there is a limit
	queue   waiters[struct{}] // calls of Go that wait for a place
	members *member           // that run; a list
	ended   chan struct{}     // closed when nothing is alive; made by a Wait that waits
	over    bool              // Wait has returned
}

// A member is one function of a group, which runs.
type member struct {
	g          *Group
	fn         func(context.Context) error
	from       site
	self       atomic.Uintptr // its goroutine; see self
	placed     bool           // whether it has a place; guarded by Group.mu
	prev, next *member        // guarded by Group.mu
}

// A GroupOption is a property of a group.
type GroupOption func(*Group)

// Limit lets at most n functions of a group run at a time; [Group.Go] waits for its turn.
func Limit(n int) GroupOption {
	if n < 1 {
		panic(misuse("lab.Limit", "%d: need at least 1", n))
	}
	return func(g *Group) { g.limit = n }
}

// NewGroup returns an empty group; ctx is the parent of the context that its functions get. The caller must
// call Wait.
func NewGroup(ctx context.Context, opts ...GroupOption) *Group {
	must(checkContext("lab.NewGroup", ctx))
	g := new(Group)
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	for _, opt := range opts {
		if opt == nil {
			panic(misuse("lab.NewGroup", "nil option"))
		}
		opt(g)
	}
	return g
}

// Context returns the context that the functions get. It ends with the first error, and when Wait returns.
func (g *Group) Context() context.Context { return g.ctx }

// Go runs fn in its own goroutine. When the group has a limit it waits for a place first; if the group's
// context ends before there is one, fn is not called, and Wait returns an error. Without waiting fn is called
// even when the group has failed already, with a context that has ended; a TaskGroup refuses new tasks then.
//
// Functions of the group may call it too. When all places are taken, one that does so gives its own place to
// fn and waits for the next one that becomes free, so that members do not wait for each other for ever. That
// holds on the goroutine of the function itself, not on others that it starts.
func (g *Group) Go(fn func(context.Context) error) {
	m := g.member("lab.Group.Go", fn)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.enter("lab.Group.Go")
	if g.takePlace() {
		g.start(m)
		return
	}
	caller := g.find(self())
	lends := caller != nil && caller.placed
	if lends {
		caller.placed = false
		g.start(m)
	}
	w := g.queue.add(struct{}{})
	g.mu.Unlock()
	select {
	case <-w.ready:
	case <-g.ctx.Done():
	}
	g.mu.Lock()
	switch placed := !g.queue.remove(w); {
	case lends: // when the group has ended, the caller ends without a place
		caller.placed = placed
	case placed:
		g.start(m)
	default:
		g.note(canceled(g.ctx))
		g.leave()
	}
}

// TryGo is Go without the waiting: it reports whether there was a place for fn.
func (g *Group) TryGo(fn func(context.Context) error) bool {
	m := g.member("lab.Group.TryGo", fn)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.enter("lab.Group.TryGo"); !g.takePlace() {
		g.leave()
		return false
	}
	g.start(m)
	return true
}

func (g *Group) member(call string, fn func(context.Context) error) *member {
	if fn == nil {
		panic(misuse(call, "nil function"))
	}
	if g.ctx == nil {
		panic(zero(call, "group", "lab.NewGroup"))
	}
	return &member{g: g, fn: fn, from: here(2), placed: true}
}

// enter, leave, takePlace, start, find and note are for callers that hold mu.

func (g *Group) enter(call string) {
	if g.over {
		panic(misuse(call, "the group is over: Wait has returned"))
	}
	g.alive++
}

func (g *Group) leave() {
	if g.alive--; g.alive == 0 && g.ended != nil {
		g.over = true
		close(g.ended)
	}
}

func (g *Group) takePlace() bool {
	if g.limit > 0 && g.places == g.limit {
		return false
	}
	g.places++
	return true
}

func (g *Group) start(m *member) {
	if m.next = g.members; m.next != nil {
		m.next.prev = m
	}
	g.members = m
	started()
	go m.run()
}

// find returns the member that runs on a goroutine, or nil.
func (g *Group) find(goroutine uintptr) *member {
	for m := g.members; m != nil; m = m.next {
		if m.self.Load() == goroutine {
			return m
		}
	}
	return nil
}

// note keeps an error, and ends the group with the first.
func (g *Group) note(err error) {
	// An error that only repeats the cancellation is not news; neither is one of a deadline that ended all
	// functions.
	if ended := g.ctx.Err(); len(g.errs) > 0 && (errors.Is(err, context.Canceled) || ended != nil && errors.Is(err, ended)) {
		return
	}
	if g.errs = append(g.errs, err); len(g.errs) == 1 {
		g.cancel(err)
	}
}

func (g *Group) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.note(err)
}

// run is the life of a member.
func (m *member) run() {
	m.self.Store(self())
	defer m.end() // deferred first: it runs last, whatever happens
	normal := false
	defer func() {
		if !normal {
			err := ErrGoexit
			if r := recover(); r != nil {
				p := panicked(r, &m.from)
				p.claimed = m.g.claim.made
				reportPanic(p)
				err = p
			}
			m.g.fail(err)
		}
	}()
	if trace.IsEnabled() {
		defer trace.StartRegion(m.g.ctx, "lab.Group").End()
	}
	err := m.fn(m.g.ctx)
	normal = true
	if err != nil {
		m.g.fail(err)
	}
}

// end passes the place to the call of Go that has waited longest, if any.
func (m *member) end() {
	g := m.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.prev != nil {
		m.prev.next = m.next
	} else {
		g.members = m.next
	}
	if m.next != nil {
		m.next.prev = m.prev
	}
	switch {
	case !m.placed:
	case !g.queue.empty():
		g.queue.first().serve(struct{}{}, nil)
	default:
		g.places--
	}
	g.leave()
}

// Wait waits until all functions have ended and joins their errors, in the order in which they came; errors
// that only report that the group was cancelled are left out. After that the group is over. Calling Wait
// again returns the same error. A function of the group cannot wait for the group.
func (g *Group) Wait() error {
	if g.ctx == nil {
		return zero("lab.Group.Wait", "group", "lab.NewGroup")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.find(self()) != nil {
		return misuse("lab.Group.Wait", "called by a function of the group, which would wait for itself: call it where the group was made")
	}
	g.claim.taken.Store(true)
	if g.alive > 0 {
		if g.ended == nil {
			g.ended = make(chan struct{})
		}
		g.mu.Unlock()
		<-g.ended
		g.mu.Lock()
	}
	g.over = true
	g.cancel(nil)
	if len(g.errs) == 1 {
		return g.errs[0]
	}
	return errors.Join(g.errs...)
}

// String shows whether the group is still in use.
func (g *Group) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return "group, over"
	}
	return "group"
}
