package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"interleave/kernel/session"
	"interleave/runtime/lab"
)

// lost is the panics of lab's tasks for which nobody asks. Go ends a program when a goroutine panics; a task makes an error of it, which
// says nothing where nobody looks. So each is told once, in the output of the cell that started the task, as soon as it is clear that
// nobody waits for it: when that cell ends, in one that goes on after patience, and in one that is over at once.
type lost struct {
	mu sync.Mutex
	of map[*run]*lostOf // of cells that are not over
}

type lostOf struct {
	panics []*lab.PanicError
	told   int
}

const (
	patience = 2 * time.Second // for a running cell to await what it started
	mostTold = 5               // by one cell; the others are counted
)

// onPanic is lab's hook: it is called on the goroutine that panicked.
func (e *Engine) onPanic(p *lab.PanicError) {
	var r *run
	if t := current(); t != nil {
		r = t.run
	} else { // a goroutine of which only the running cell can be suspected
		e.mu.Lock()
		r = e.running
		e.mu.Unlock()
	}
	if r == nil {
		return
	}
	l := &e.lost
	l.mu.Lock()
	if r.over.Load() {
		l.mu.Unlock()
		if !p.Awaited() {
			e.tell(r, p)
		}
		return
	}
	if l.of == nil {
		l.of = map[*run]*lostOf{}
	}
	if l.of[r] == nil {
		l.of[r] = new(lostOf)
	}
	o := l.of[r]
	o.panics = append(o.panics, p)
	l.mu.Unlock()
	time.AfterFunc(patience, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if i := slices.Index(o.panics, p); i >= 0 {
			o.panics = slices.Delete(o.panics, i, i+1)
			o.tell(r, p)
		}
	})
}

// place is the line of the calling code when it is interpreted: the stack does not show it.
func (e *Engine) place() string {
	if t := current(); t != nil {
		if line := t.run.line.Load(); line > 0 {
			return fmt.Sprintf("cell[%d]:%d", t.run.n, line)
		}
	}
	return ""
}

// tellLost tells what nobody has asked for in a cell that ends.
func (e *Engine) tellLost(r *run) {
	l := &e.lost
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.of[r]
	if o == nil {
		return
	}
	delete(l.of, r)
	for _, p := range o.panics {
		o.tell(r, p)
	}
	o.panics = nil
	if more := o.told - mostTold; more > 0 {
		r.engine.out.Output(r.id, session.Stderr, fmt.Appendf(nil, "%sand %s of tasks that nobody awaits%s\n", faint, plural(more, "more panic", "more panics"), reset))
	}
}

func (o *lostOf) tell(r *run, p *lab.PanicError) {
	if p.Awaited() {
		return
	}
	if o.told++; o.told <= mostTold {
		r.engine.tell(r, p)
	}
}

// tell writes a panic of r that is nobody's.
func (e *Engine) tell(r *run, p *lab.PanicError) {
	f := &failure{name: "panic", value: panicText(p.Value), frames: r.shifted(framesIn(string(p.Stack)))}
	lines := f.render(e)
	what := "something that lab calls"
	if p.Task != "" {
		what = p.Task
	}
	place := p.Spawn
	if frames := r.shifted(framesIn("\t" + place)); len(frames) > 0 {
		place = fmt.Sprintf("cell[%d]:%d", frames[0].cell, frames[0].line)
	}
	at := strings.Count(f.value, "\n") + 1
	lines = slices.Insert(lines, at, fmt.Sprintf("%sin %s%s%s, started at %s%s%s; nobody awaits it%s", faint, reset, what, faint, reset, place, faint, reset))
	e.out.Output(r.id, session.Stderr, []byte(strings.Join(lines, "\n")+"\n"))
}
