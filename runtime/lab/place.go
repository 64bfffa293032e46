package lab

import (
	"context"
	"runtime/trace"
)

// A job that waits for a pending job of its own pool would wait for ever if all workers did the same. So it
// gives its place to the pending job, which begins at once. The bound of the pool is kept, because the first
// job only waits.

// place returns the worker on which the caller runs, or a job that the caller belongs to by its context; nil
// when it is outside of the pool.
func (p *Pool) place(ctx context.Context) *worker {
	p.mu.Lock()
	w := p.at[self()]
	p.mu.Unlock()
	if w != nil {
		return w
	}
	if t, _ := ctx.Value(jobKey{p}).(*task); t != nil && !t.State().Ended() {
		return t.worker
	}
	return nil
}

// waitOrHelp waits until ready is closed or ctx ends. A task that needs the caller's place in a pool, or the
// GIL that the caller holds, gets it meanwhile.
func waitOrHelp(ctx context.Context, ready <-chan struct{}, ts ...*task) (err error) {
	if isClosed(ready) {
		return nil
	}
	defer letGo(ts, &err)()
	help := helping(ctx, ts)
	for {
		place := help.next()
		select {
		case <-ready:
			return nil
		case <-ctx.Done():
			if isClosed(ready) {
				return nil
			}
			return canceled(ctx)
		case place <- struct{}{}:
			help.lend()
		}
	}
}

// A helper knows which of the tasks that its owner waits for may need the owner's place in a pool.
type helper []lending

type lending struct {
	t *task
	w *worker
}

// helping returns the helper of a caller that waits for ts. It is empty for callers outside of the tasks'
// pools.
func helping(ctx context.Context, ts []*task) (h helper) {
	var p *Pool
	var w *worker // the caller's in p
	for _, t := range ts {
		if t.pool == nil || t.State() != Pending {
			continue
		}
		if t.pool != p {
			p = t.pool
			w = p.place(ctx)
		}
		if w != nil {
			h = append(h, lending{t, w})
		}
	}
	return h
}

// next returns the channel that takes a token as soon as the owner's place is free for the next pending task,
// then lend must be called. It is nil when there is no such task.
func (h *helper) next() chan struct{} {
	for len(*h) > 0 && (*h)[0].t.State() != Pending {
		*h = (*h)[1:]
	}
	if len(*h) == 0 {
		return nil
	}
	l := (*h)[0]
	return l.t.pool.token(l.w)
}

func (h *helper) lend() {
	l := (*h)[0]
	*h = (*h)[1:]
	l.t.pool.lend(l.t, l.w)
}

// all lends the owner's place to one task after the other, until over is closed.
func (h helper) all(over <-chan struct{}) {
	for place := h.next(); place != nil; place = h.next() {
		select {
		case place <- struct{}{}:
			h.lend()
		case <-over:
			return
		}
	}
}

func (p *Pool) token(w *worker) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.lent == nil {
		w.lent = make(chan struct{}, 1)
	}
	return w.lent
}

// lend begins t, if it is still pending, in the place of w, whose token is taken back when t has ended.
func (p *Pool) lend(t *task, w *worker) {
	if !t.begin() {
		<-w.lent
		return
	}
	t.worker = &worker{id: w.id}
	p.mu.Lock()
	p.waiting--
	p.lent++
	p.count()
	p.mu.Unlock()
	go func() {
		if trace.IsEnabled() {
			defer trace.StartRegion(context.Background(), p.worker(w)).End()
		}
		defer func() { // deferred: the job or a callback may end the goroutine
			p.mu.Lock()
			delete(p.at, self())
			p.lent--
			p.checkIdle()
			p.mu.Unlock()
			<-w.lent
		}()
		p.enter(t.worker, false)
		p.do(t, true)
	}()
}
