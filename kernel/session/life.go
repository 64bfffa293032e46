package session

import (
	"errors"
	"fmt"
	"time"

	"interleave/runtime/quantity"
)

// A life is the one goroutine behind a Client, and all its state: the process of the moment, the running cell, the records, and
// the events nobody has taken yet.
//
// Everything waits in next, which also serves the client's methods and hands out events, so that neither ever waits for the other.
// Output is read only when all events are taken: a consumer that stops taking them stops the child, and memory stays bounded.
type life struct {
	cfg     Config
	client  *Client
	start   func(nonce string) (*process, error)
	closing <-chan struct{}

	p       *process // nil: none, the next cell starts one
	born    time.Time
	queue   []Event // what the consumer has yet to take
	records []record
	texts   map[int]string // of cells, by number

	cell        *Cell // the cell that Run accepted and that has had no Done
	sent        bool  // it was given to the process
	begun       bool  // the process has begun it
	interrupted bool  // Interrupt came for it
	told        bool  // and was passed on
	flood       flood // bounds its output once it was interrupted
	input       bool  // an Input of this process waits for its answer

	kill   *time.Timer // KillAfter; nil: not running
	beats  uint32      // of the process, when kill was set
	killed bool        // it ran out
	deaths int         // processes in a row that ended by themselves without having run a cell
}

// queueMost is how many events of an interrupted cell wait for a slow consumer.
const queueMost = 256

// A step is what ended a wait.
type step int

const (
	stepItem    step = iota // the process said something
	stepEnded               // the process has ended and said everything
	stepAsked               // a method changed what is wanted
	stepKill                // KillAfter has passed
	stepTimeout             // the caller's own time has passed
	stepClosing             // Close was called
)

func (l *life) run() {
	defer close(l.client.done)
	defer close(l.client.events)
	l.up(new(Restarted)) // an error comes back when a cell needs the process
	for {
		l.advance()
		if l.isClosing() {
			l.shutdown()
			return
		}
		e, s := l.next(nil)
		switch s {
		case stepItem:
			l.item(e)
		case stepEnded:
			l.died()
		case stepKill:
			if beats := l.p.beats(); beats != l.beats { // it is about to
				l.beats = beats
				l.kill.Reset(l.cfg.KillAfter)
				continue
			}
			l.cfg.Log.Info("session does not stop", "pid", l.p.pid)
			l.kill, l.killed = nil, true
			l.p.signal(true)
		case stepClosing:
			l.shutdown()
			return
		}
	}
}

// next waits for the next thing to happen. A nil timeout never fires.
func (l *life) next(timeout <-chan time.Time) (Event, step) {
	for {
		var (
			items <-chan Event
			to    chan<- Event
			head  Event
			kill  <-chan time.Time
		)
		if len(l.queue) > 0 {
			to, head = l.client.events, l.queue[0]
		}
		// An interrupted cell can end though the consumer is slow: its output is bounded.
		if l.p != nil && (len(l.queue) == 0 || l.cell != nil && l.told && len(l.queue) < queueMost) {
			items = l.p.items
		}
		if l.kill != nil {
			kill = l.kill.C
		}
		select {
		case to <- head:
			l.queue[0] = nil
			if l.queue = l.queue[1:]; len(l.queue) == 0 {
				l.queue = nil
			}
		case e, ok := <-items:
			if !ok {
				return nil, stepEnded
			}
			return e, stepItem
		case a := <-l.client.asks:
			a.reply <- l.serve(a)
			return nil, stepAsked
		case <-kill:
			return nil, stepKill
		case <-timeout:
			return nil, stepTimeout
		case <-l.closing:
			return nil, stepClosing
		}
	}
}

func (l *life) isClosing() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

// emit hands out an event, behind what a flood has held back.
func (l *life) emit(e Event) { l.queue = append(append(l.queue, l.flood.flush()...), e) }

// serve notes what a method wants. Only advance and the code it calls act on it.
func (l *life) serve(a ask) error {
	if l.isClosing() {
		return ErrClosed
	}
	switch a.verb {
	case askRun:
		if l.cell != nil {
			return ErrBusy
		}
		l.cell, l.sent, l.begun, l.interrupted, l.told = &a.cell, false, false, false, false
		l.texts[a.cell.N] = a.cell.Code
	case askInterrupt:
		l.interrupted = l.cell != nil
	case askAnswer:
		if !l.input {
			return errors.New("no input was asked for")
		}
		l.input = false
		return l.p.send(answer{l.p.inputs, a.text})
	}
	return nil
}

// advance does what is wanted and possible now.
func (l *life) advance() {
	if l.cell != nil && l.p == nil {
		l.late()
	}
	if l.cell != nil && l.p != nil && !l.sent {
		l.sent = true
		if err := l.p.send(*l.cell); err != nil {
			l.fail(Failed{Name: "session error", Value: "the cell cannot be sent to the session: " + err.Error()})
			l.finish(Done{})
		}
	}
	if l.cell != nil && l.p != nil && l.interrupted && !l.told {
		l.told, l.flood = true, flood{}
		l.p.send(interrupt{l.cell.ID})
		l.kill, l.beats = time.NewTimer(l.cfg.KillAfter), l.p.beats()
	}
}

// item takes what the process said.
func (l *life) item(e Event) {
	switch e := e.(type) {
	case Recorded:
		r := record{data: string(e.Record)}
		if l.cell != nil && l.cell.ID == e.Cell {
			r.n = l.cell.N
		}
		l.records = append(l.records, r)
	case forget:
		l.records = nil
	case begin:
		l.begun = l.cell != nil && l.cell.ID == e.Cell
	case Input:
		l.p.inputs++
		l.input = true
		l.emit(e)
	case Done:
		if l.cell == nil || e.Cell != l.cell.ID {
			return
		}
		if e.Replace != "" {
			l.replace(e)
			return
		}
		l.deaths = 0
		l.finish(e)
	case Output:
		if !l.told || l.cell == nil || e.Cell != l.cell.ID || l.flood.take(e) {
			l.queue = append(l.queue, e)
		}
	case ready, restored:
		// answers nobody waits for any more
	default:
		l.emit(e)
	}
}

// fail shows why the running cell failed.
func (l *life) fail(f Failed) {
	f.Cell = l.cell.ID
	if f.Traceback == nil {
		f.Traceback = []string{f.Name + ": " + f.Value}
	}
	l.emit(f)
}

// finish ends the running cell.
func (l *life) finish(d Done) {
	d.Cell, d.Replace = l.cell.ID, ""
	l.emit(d)
	l.cell, l.interrupted, l.told, l.input = nil, false, false, false
	l.calm()
}

// calm stops the clock that Interrupt started.
func (l *life) calm() {
	if l.kill != nil {
		l.kill.Stop()
	}
	l.kill, l.killed = nil, false
}

// bury takes leave of a process that has ended.
func (l *life) bury() *process {
	p := l.p
	l.p, l.input = nil, false
	l.client.pid.Store(0)
	p.unmap()
	l.cfg.Log.Info("session ended", "pid", p.pid, "exit", describeExit(p.exit))
	return p
}

// died goes on after the process ended by itself, or was killed because it did not stop.
func (l *life) died() {
	killed := l.killed
	l.calm()
	p := l.bury()
	if time.Since(l.born) > settled {
		l.deaths = 0
	}
	l.deaths++
	hit := l.cell != nil && l.sent && (l.begun || killed || l.deaths > deathsAlive)
	if hit {
		l.deaths = 0
	}
	l.sent, l.told = hit, hit // a cell that has not begun runs in the next process
	reason := "the session process ended: " + describeExit(p.exit)
	if hit {
		f := l.cfg.Explain(l.death(p))
		if killed {
			reason = "did not stop"
			f = Failed{Name: "interrupted", Value: fmt.Sprintf("the cell did not stop within %s, so its session process was replaced", quantity.Duration(l.cfg.KillAfter))}
		}
		l.fail(f)
	}
	e := Restarted{Reason: reason}
	if hit {
		e.Cell = l.cell.ID
	}
	if l.deaths > deathsAlive {
		e.Failed = append(e.Failed, "the session process keeps ending; the next cell starts it again")
	} else if !l.revive(&e) {
		return
	}
	l.emit(e)
	if hit {
		l.finish(Done{Interrupted: killed})
	}
}

// death is what is known of a process that has ended.
func (l *life) death(p *process) Death {
	d := Death{Report: p.report, Err: p.exit, Cut: p.cut, Space: p.space, Texts: l.texts}
	if l.cell != nil && l.begun {
		d.N, d.Line = l.cell.N, p.line
	}
	return d
}

// replace ends a process whose evaluator cannot go on, before the Done that said so.
func (l *life) replace(d Done) {
	l.calm()
	e := Restarted{Cell: d.Cell, Reason: d.Replace}
	if !l.end() || !l.revive(&e) {
		return
	}
	l.emit(e)
	l.finish(d)
}

// end kills the process and hands out what it still says. It returns false when the client closes.
func (l *life) end() bool {
	l.p.signal(true)
	for {
		e, s := l.next(nil)
		switch s {
		case stepItem:
			if _, ok := e.(Done); !ok {
				l.item(e)
			}
		case stepEnded:
			l.bury()
			return true
		case stepClosing:
			return false
		}
	}
}

// shutdown is Close: polite, then SIGTERM, then SIGKILL. Until the process is asked the hard way it may say its last words at the
// consumer's pace; after that they are dropped.
func (l *life) shutdown() {
	l.calm()
	if l.p != nil {
		l.p.send(shutdown{})
		l.p.hang()
		t := time.NewTicker(l.cfg.Grace)
		defer t.Stop()
		for steps := 0; l.p != nil; {
			var items <-chan Event
			if steps > 0 || len(l.queue) == 0 {
				items = l.p.items
			}
			var to chan<- Event
			var head Event
			if len(l.queue) > 0 {
				to, head = l.client.events, l.queue[0]
			}
			select {
			case to <- head:
				l.queue = l.queue[1:]
			case e, ok := <-items:
				if !ok {
					l.bury()
				} else if steps == 0 {
					l.item(withoutReplace(e))
				}
			case <-t.C:
				steps++
				l.p.signal(steps > 1)
				if steps > 2 {
					l.p.stop()
				}
			case a := <-l.client.asks:
				a.reply <- ErrClosed
			}
		}
	}
	if l.cell != nil {
		l.finish(Done{Interrupted: true})
	}
	// What ends a cell is kept for a consumer that still reads, for as long as one step of Close.
	t := time.NewTimer(l.cfg.Grace)
	defer t.Stop()
	for _, e := range l.queue {
		select {
		case l.client.events <- e:
		case <-t.C:
			return
		}
	}
}

// withoutReplace keeps a Done from asking for what will not come.
func withoutReplace(e Event) Event {
	if d, ok := e.(Done); ok {
		d.Replace = ""
		return d
	}
	return e
}
