package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"interleave/runtime/host"
)

// A guest is a goroutine that calls methods of values for display. Such a method is user code: it may recurse
// endlessly, call runtime.Goexit, or not return. On its own goroutine, with a small stack, this loses only
// the text of the value.
type guest struct {
	done chan struct{} // closed when the goroutine has ended
	err  error         // why the work was not done; read after done
}

// guestStack is the limit of a guest's stack. Printing a deep structure takes a tenth of it.
const guestStack = 16 << 20 // bytes

var (
	errNoReturn  = errors.New("it ended its goroutine")
	errRecursion = errors.New("it calls itself without end")
	errExited    = errors.New("it called os.Exit")
	errStopped   = errors.New("interrupted")
)

// invite runs f as a guest of the run.
func (r *run) invite(f func()) *guest {
	g := &guest{done: make(chan struct{}), err: errNoReturn}
	t := r.newTag(fmt.Sprintf("cell[%d]", r.n))
	t.guest = g
	go g.run(t, f)
	return g
}

func (g *guest) run(t *tag, f func()) {
	defer close(g.done)
	defer func() {
		if v := recover(); v != nil {
			g.err = errors.New("panic: " + panicText(v))
		} else if g.err == errNoReturn && t.run.stopping.Load() {
			g.err = errStopped
		}
	}()
	t.set(0)
	cellStackLimit(guestStack)
	f()
	g.err = nil
}

// callMethods is display's Caller. Called by a cell, it waits until f has ended, as a direct call would; an
// interrupt of the cell stops both.
func (e *Engine) callMethods(f func()) error {
	t := current()
	switch {
	case t == nil:
		if s := e.shower.Load(); s != nil {
			return s.call(f)
		}
	case t.guest == nil && t.run != nil:
		g := t.run.invite(f)
		<-g.done
		if g.err == errExited {
			leave()
		}
		return g.err
	}
	f() // f has nothing to protect, or is called by a method that shows something, on a guest already
	return nil
}

// A shower shows the values that a cell has left when its code has ended.
type shower struct {
	run *run // its guests call methods; not the cell's run, whose goroutines may still run
	ctx context.Context
}

// showing runs f, which shows values of the cell, until the cell is interrupted.
func (x *execution) showing(f func()) {
	s := &shower{run: x.e.newRun(x.ctx, x.cell), ctx: x.ctx}
	s.run.shift, s.run.ranBy = x.run.shift, x.run.ranBy
	x.past = append(x.past, s.run)
	x.e.shower.Store(s)
	defer x.e.shower.Store(nil)
	f()
}

// call runs f, and stops waiting for it when the cell is interrupted and that does not end it.
func (s *shower) call(f func()) error {
	if s.ctx.Err() != nil {
		return errStopped
	}
	g := s.run.invite(f)
	select {
	case <-g.done:
		return g.err
	case <-s.ctx.Done():
	}
	s.run.cancel(context.Cause(s.ctx))
	s.run.stopping.Store(true)
	stops(1)
	defer stops(-1)
	late := time.NewTimer(graceStop)
	defer late.Stop()
	for look := time.NewTicker(time.Millisecond); ; {
		select {
		case <-g.done:
			look.Stop()
			return g.err
		case <-look.C:
			s.run.each(func(l living) {
				if l.busy {
					cellKill(l.g, l.id)
				}
			})
		case <-late.C:
			look.Stop()
			return fmt.Errorf("interrupted: %w", host.ErrRunning)
		}
	}
}
