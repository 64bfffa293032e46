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
	e.keeper.do(func() {
		time.AfterFunc(patience, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if i := slices.Index(o.panics, p); i >= 0 {
				o.panics = slices.Delete(o.panics, i, i+1)
				o.tell(r, p)
			}
		})
	})
}

// places tells lab how the user calls lines of the calling code: those of interpreted code no stack shows, and a cell that
// was compiled when it had another number shows that one.
func (e *Engine) places() func(string) string {
	t := current()
	if t == nil {
		return nil
	}
	r, line := t.run, t.run.line.Load()
	if line == 0 && r.shift == nil {
		return nil
	}
	return func(found string) string {
		if found == "" && line > 0 {
			return fmt.Sprintf("cell[%d]:%d", r.n, line)
		}
		for _, f := range r.shifted(stack.Frames("\t" + found)) {
			return fmt.Sprintf("cell[%d]:%d", f.Cell, f.Line)
		}
		return found
	}
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
		r.engine.out.Output(r.id, session.Stderr, fmt.Appendf(nil, "%sand %s of tasks that were not awaited%s\n", faint, quantity.Plural(more, "more panic"), reset))
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
	f := &failure{name: "panic", value: panicText(p.Value), frames: r.shifted(stack.Frames(string(p.Stack)))}
	lines := f.render(e)
	what := "work"
	if p.Task != "" {
		what = p.Task + ","
	}
	at := strings.Count(f.value, "\n") + 1
	lines = slices.Insert(lines, at, fmt.Sprintf("%sin %s%s%s started at %s%s%s; not awaited%s", faint, reset, what, faint, reset, p.Spawn, faint, reset))
	e.out.Output(r.id, session.Stderr, []byte(strings.Join(lines, "\n")+"\n"))
}
