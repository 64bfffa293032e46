package lab

import (
	"context"
	"errors"
	"runtime/trace"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// A Group is functions that belong together and end together. It is asyncio.TaskGroup: the first error cancels the context of the
// others, and Wait returns when all have ended.
type Group struct {
	eg     *errgroup.Group
	ctx    context.Context
	over   atomic.Bool // Wait has returned
	claim  claim
	mu     sync.Mutex
	errs   []error // in the order of their coming, without those that only say that the group was cancelled
	cancel context.CancelCauseFunc
}

// A GroupOption is a property of a group.
type GroupOption func(*Group)

// Limit lets at most n functions of a group run at a time; [Group.Go] waits for its turn.
func Limit(n int) GroupOption {
	if n < 1 {
		panic(misuse("lab.Limit", "%d: need at least 1", n))
	}
	return func(g *Group) { g.eg.SetLimit(n) }
}

// NewGroup returns an empty group; ctx is the parent of the context that its functions get. Who makes a group must call its Wait.
func NewGroup(ctx context.Context, opts ...GroupOption) *Group {
	must(checkContext("lab.NewGroup", ctx))
	g := new(Group)
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	g.eg = new(errgroup.Group)
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

// Go runs fn in its own goroutine, after waiting for a place when the group has a limit. Functions of the group may call it too.
func (g *Group) Go(fn func(context.Context) error) { g.eg.Go(g.member("lab.Group.Go", fn)) }

// TryGo is Go without the waiting: it reports whether there was a place for fn.
func (g *Group) TryGo(fn func(context.Context) error) bool {
	return g.eg.TryGo(g.member("lab.Group.TryGo", fn))
}

func (g *Group) member(call string, fn func(context.Context) error) func() error {
	if fn == nil {
		panic(misuse(call, "nil function"))
	}
	if g.eg == nil {
		panic(zero(call, "group", "lab.NewGroup"))
	}
	if g.over.Load() {
		panic(misuse(call, "the group is over: Wait has returned"))
	}
	from := here(1)
	started()
	return func() error {
		normal := false
		defer func() {
			if !normal {
				err := ErrGoexit
				if r := recover(); r != nil {
					p := panicked(r, &from)
					p.claimed = g.claim.made
					reportPanic(p)
					err = p
				}
				g.fail(err)
			}
		}()
		if trace.IsEnabled() {
			defer trace.StartRegion(g.ctx, "lab.Group").End()
		}
		err := fn(g.ctx)
		normal = true
		if err != nil {
			g.fail(err)
		}
		return nil // errors are ours to keep: errgroup would drop all but the first
	}
}

func (g *Group) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	// An echo of the cancelling says nothing new; neither does one of a deadline that ended all of them.
	if ended := g.ctx.Err(); len(g.errs) > 0 && (errors.Is(err, context.Canceled) || ended != nil && errors.Is(err, ended)) {
		return
	}
	if g.errs = append(g.errs, err); len(g.errs) == 1 {
		g.cancel(err)
	}
}

// Wait waits until all functions have ended and joins their errors, in the order in which they came; errors that only say that
// the group was cancelled are left out. After that the group is over. Calling Wait again gives the same error.
func (g *Group) Wait() error {
	if g.eg == nil {
		return zero("lab.Group.Wait", "group", "lab.NewGroup")
	}
	g.claim.taken.Store(true)
	g.eg.Wait()
	g.over.Store(true)
	g.cancel(nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.errs) == 1 {
		return g.errs[0]
	}
	return errors.Join(g.errs...)
}

// String says whether the group is still in use.
func (g *Group) String() string {
	if g.over.Load() {
		return "group, over"
	}
	return "group"
}
