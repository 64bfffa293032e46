package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"interleave/kernel/engine/stack"
	"interleave/kernel/session"
	"interleave/runtime/lab"
	"interleave/runtime/quantity"
)

// unawaited collects panics of lab's tasks that are not awaited. Go ends a program when a goroutine panics; a task
// turns the panic into an error, which stays unseen if no code awaits it. So each is reported once, in the
// output of the cell that started the task, as soon as it is clear that no code awaits it: at the end of that
// cell, after patience if the cell still runs, and at once if it has ended.
type unawaited struct {
	mu sync.Mutex
	of map[*run]*unawaitedOf // of cells that have not ended
}

type unawaitedOf struct {
	panics   []*lab.PanicError
	reported int
}

const (
	patience    = 2 * time.Second // for a running cell to await what it started
	maxReported = 5               // for each cell; further ones are counted
)

// onPanic is lab's hook: it is called on the goroutine that panicked.
func (e *Engine) onPanic(p *lab.PanicError) {
	var r *run
	if t := current(); t != nil {
		r = t.run
	} else { // a goroutine that only the running cell can have started
		e.mu.Lock()
		r = e.running
		e.mu.Unlock()
	}
	if r == nil {
		return
	}
	l := &e.unawaited
	l.mu.Lock()
	if r.replied.Load() {
		l.mu.Unlock()
		if !p.Awaited() {
			e.report(r, p)
		}
		return
	}
	if l.of == nil {
		l.of = map[*run]*unawaitedOf{}
	}
	if l.of[r] == nil {
		l.of[r] = new(unawaitedOf)
	}
	o := l.of[r]
	o.panics = append(o.panics, p)
	l.mu.Unlock()
	e.keeper.do(func() {
		time.AfterFunc(patience, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if i := slices.Index(o.panics, p); i >= 0 {
				o.panics = slices.Delete(o.panics, i, i+1)
				o.report(r, p)
			}
		})
	})
}

// reportUnawaited reports the panics that were not awaited in a cell that ends.
func (e *Engine) reportUnawaited(r *run) {
	l := &e.unawaited
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.of[r]
	if o == nil {
		return
	}
	delete(l.of, r)
	for _, p := range o.panics {
		o.report(r, p)
	}
	o.panics = nil
	if more := o.reported - maxReported; more > 0 {
		r.engine.out.Output(r.id, session.Stderr, fmt.Appendf(nil, "%sand %s of tasks that were not awaited%s\n", faint,
			quantity.Plural(more, "more panic"), reset))
	}
}

func (o *unawaitedOf) report(r *run, p *lab.PanicError) {
	if p.Awaited() {
		return
	}
	if o.reported++; o.reported <= maxReported {
		r.engine.report(r, p)
	}
}

// report writes a panic of r that was not awaited.
func (e *Engine) report(r *run, p *lab.PanicError) {
	f := &failure{name: session.FailurePanic, value: panicText(p.Value), frames: r.renumber(stack.Frames(string(p.Stack)))}
	lines := f.render(e)
	what := "work"
	if p.Task != "" {
		what = p.Task + ","
	}
	at := strings.Count(f.value, "\n") + 1
	lines = slices.Insert(lines, at, fmt.Sprintf("%sin %s%s%s started at %s%s%s; not awaited%s", faint, reset, what,
		faint, reset, p.Spawn, faint, reset))
	e.out.Output(r.id, session.Stderr, []byte(strings.Join(lines, "\n")+"\n"))
}
