package engine

import (
	"context"
	"strings"

	"interleave/kernel/session"
	"interleave/runtime/host"
)

// Comm hands what a front end does to a comm to the library that keeps comms.
func (e *Engine) Comm(m session.Comm, out *session.Out) {
	e.commOut.Store(out)
	known := host.ReceiveComm(host.Comm{ID: m.ID, Op: commOps[m.Op], Target: m.Target, Data: m.Data, Metadata: m.Metadata,
		Buffers: m.Buffers, Re: m.Re})
	if !known && m.Op == session.CommOpen {
		out.Emit(session.Comm{ID: m.ID, Re: m.Re, Op: session.CommClose})
	}
}

var commOps = map[session.CommOp]host.CommOp{
	session.CommOpen: host.CommOpen, session.CommMessage: host.CommMessage, session.CommClose: host.CommClose,
}

// sendComm sends what happens to a comm to the front ends.
func (e *Engine) sendComm(c host.Comm) {
	out := e.commOut.Load()
	if out == nil { // no cell has run: declarations are being restored
		return
	}
	m := session.Comm{Re: c.Re, ID: c.ID, Target: c.Target, Data: c.Data, Metadata: c.Metadata, Buffers: c.Buffers}
	for to, from := range commOps {
		if from == c.Op {
			m.Op = to
		}
	}
	if t := current(); t != nil {
		m.Cell = t.run.id
	}
	out.Emit(m)
}

// callback returns a function that calls others as code of the present cell. Each call is a run of its own, with
// a context of its own, since the cell's has ended when the cell has.
func (e *Engine) callback() func(func()) {
	t := current()
	if t == nil {
		return func(f func()) { f() }
	}
	from := t.run
	return func(f func()) {
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		r := e.newRun(ctx, session.Cell{ID: from.id, N: from.n, Targets: from.targets})
		r.beside, r.shift, r.ranBy = true, from.shift, from.ranBy
		e.mu.Lock()
		if e.beside == nil {
			e.beside = map[*run]context.CancelCauseFunc{}
		}
		e.beside[r] = cancel
		e.mu.Unlock()
		fail, _ := r.execute(f)
		e.mu.Lock()
		delete(e.beside, r)
		e.mu.Unlock()
		r.end()
		if fail != nil && !fail.exitedZero {
			e.out.Output(r.id, session.Stderr, []byte(strings.Join(fail.render(e), "\n")+"\n"))
		}
	}
}

// Interrupt ends callbacks. The context of a cell ends by itself.
func (e *Engine) Interrupt() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, cancel := range e.beside {
		cancel(session.ErrInterrupted)
	}
}
