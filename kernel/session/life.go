package session

import (
	"errors"
	"fmt"
	"time"

	"interleave/runtime/quantity"
)

// A life is the one goroutine behind a Client, and all its state: the current process, the running cell, the
// records, and the events that the consumer has not received yet.
//
// The goroutine only waits in next, which also serves the client's methods and sends events, so that neither
// ever waits for the other. Output is read only when all events have been received: a consumer that stops
// receiving stops the child, and memory stays bounded. Answers to questions overtake those events.
type life struct {
	cfg     Config
	client  *Client
	start   func(nonce string) (*process, error)
	closing <-chan struct{}

	p         *process // nil: no process; the next cell starts one
	startedAt time.Time
	queue     []Event // not yet received by the consumer
	records   []record
	texts     map[int]string // of cells, by number
	input     bool           // an Input of this process waits for its answer

	turn
	questions

	kill   *time.Timer // KillAfter; nil: not running
	beats  uint32      // of the process, when kill was set
	killed bool        // kill has fired
	deaths int         // processes in a row that ended by themselves without having run a cell

	closed  bool // shutdown has begun
	signals int  // that shutdown has sent to the process; after the first one its events are dropped
}

// A turn is the running cell and its state. The zero value means that no cell runs.
type turn struct {
	cell          *Cell // the cell that Run accepted and that has had no Done
	sent          bool  // to the process
	begun         bool  // by the process
	interrupted   bool  // by Interrupt
	interruptSent bool  // to the process
	flood         flood // bounds the output after the interrupt
}

// maxQueue is how many events of an interrupted cell wait for a slow consumer.
const maxQueue = 256

// A step is what ended a wait.
type step int

const (
	stepItem    step = iota // the process sent an event
	stepEnded               // the process has ended, and all its events were received
	stepAsked               // a method of the client was called
	stepKill                // KillAfter has passed
	stepTimeout             // the caller's timeout has passed
	stepClosing             // Close was called
)

func (l *life) run() {
	defer close(l.client.done)
	defer close(l.client.events)
	l.startAndRestore(new(Restarted)) // after an error, the first cell tries again and reports it
	for {
		l.advance()
		if l.isClosing() {
			l.shutdown()
			return
		}
		e, s := l.next(nil)
		switch s {
		case stepItem:
			l.handle(e)
		case stepEnded:
			l.died()
		case stepKill:
			if beats := l.p.beats(); beats != l.beats { // it is still ending the cell
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

// next sends queued events and waits for the next step. A nil timeout never fires.
func (l *life) next(timeout <-chan time.Time) (Event, step) {
	for {
		var (
			items   <-chan Event
			to      chan<- Event
			head    = l.head()
			answers <-chan answered
			kill    <-chan time.Time
			closing = l.closing
		)
		if head != nil {
			to = l.client.events
		}
		// The output of an interrupted cell is bounded, so that it can end although the consumer is slow.
		bounded := l.signals > 0 || l.interruptSent && len(l.queue) < maxQueue
		if l.p != nil {
			answers = l.p.answers
			if len(l.queue) == 0 || bounded {
				items = l.p.items
			}
		}
		if l.closed {
			closing = nil
		}
		if l.kill != nil {
			kill = l.kill.C
		}
		select {
		case to <- head:
			l.pop()
		case e, ok := <-items:
			if !ok {
				return nil, stepEnded
			}
			return e, stepItem
		case a := <-answers:
			l.take(a)
		case <-l.overdue():
			l.giveUp()
		case a := <-l.client.asks:
			a.reply <- l.serve(a)
			return nil, stepAsked
		case <-kill:
			return nil, stepKill
		case <-timeout:
			return nil, stepTimeout
		case <-closing:
			return nil, stepClosing
		}
	}
}

// head is the event that the consumer receives next: an answer, or the first of the queue. nil: both are empty.
func (l *life) head() Event {
	switch {
	case len(l.answers) > 0:
		return l.answers[0]
	case len(l.queue) > 0:
		return l.queue[0]
	}
	return nil
}

// pop removes the head, which the consumer has received.
func (l *life) pop() {
	if len(l.answers) > 0 {
		l.answers[0] = Answered{}
		if l.answers = l.answers[1:]; len(l.answers) == 0 {
			l.answers = nil
		}
		return
	}
	l.queue[0] = nil
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
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

// emit queues an event for the consumer, after output that the flood has held back.
func (l *life) emit(e Event) { l.queue = append(append(l.queue, l.flood.flush()...), e) }

// serve records a method call. Only advance and the code that it calls act on it.
func (l *life) serve(a ask) error {
	switch a.verb {
	case askQuestion:
		l.ask(a.question)
		return nil
	case askComm:
		l.comm(a.comm)
		return nil
	}
	if l.isClosing() {
		return ErrClosed
	}
	switch a.verb {
	case askRun:
		if l.cell != nil {
			return ErrBusy
		}
		l.turn = turn{cell: &a.cell}
		l.texts[a.cell.N] = a.cell.Code
	case askInterrupt:
		if l.interrupted = l.cell != nil; !l.interrupted && l.p != nil {
			return l.p.send(interrupt{})
		}
	case askAnswer:
		if !l.input {
			return errors.New("no input was asked for")
		}
		l.input = false
		return l.p.send(answer{l.p.inputs, a.text})
	}
	return nil
}

// advance does what methods have asked for, as far as it is possible now.
func (l *life) advance() {
	if l.cell != nil && l.p == nil {
		l.startForCell()
	}
	if l.cell != nil && l.p != nil && !l.sent {
		l.sent = true
		if err := l.p.send(*l.cell); err != nil {
			l.fail(Failed{Name: FailureSession, Value: "the cell cannot be sent to the session: " + err.Error()})
			l.finish(Done{})
		}
	}
	if l.cell != nil && l.p != nil && l.interrupted && !l.interruptSent {
		l.interruptSent, l.flood = true, flood{}
		l.p.send(interrupt{l.cell.ID})
		l.kill, l.beats = time.NewTimer(l.cfg.KillAfter), l.p.beats()
	}
}

// handle handles an event of the process.
func (l *life) handle(e Event) {
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
		if !l.interruptSent || e.Cell != l.cell.ID || l.flood.take(e) {
			l.queue = append(l.queue, e)
		}
	case ready, restored:
		// answers that came too late
	default:
		l.emit(e)
	}
}

// fail emits the error of the running cell.
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
	l.turn, l.input = turn{}, false
	l.stopKillTimer()
}

// stopKillTimer stops the timer that Interrupt started.
func (l *life) stopKillTimer() {
	if l.kill != nil {
		l.kill.Stop()
	}
	l.kill, l.killed = nil, false
}

// reap forgets a process that has ended, and returns it.
func (l *life) reap() *process {
	p := l.p
	l.p, l.input = nil, false
	l.client.pid.Store(0)
	p.unmap()
	l.drop()
	l.cfg.Log.Info("session ended", "pid", p.pid, "exit", describeExit(p.exit))
	return p
}

// died handles the end of a process that ended by itself, or was killed because it did not stop.
func (l *life) died() {
	killed := l.killed
	l.stopKillTimer()
	p := l.reap()
	if time.Since(l.startedAt) > settled {
		l.deaths = 0
	}
	l.deaths++
	duringCell := l.cell != nil && l.sent && (l.begun || killed || l.deaths > maxIdleDeaths)
	if duringCell {
		l.deaths = 0
	}
	l.sent, l.interruptSent = duringCell, duringCell // a cell that has not begun runs in the next process
	reason := "the session process ended: " + describeExit(p.exit)
	if duringCell {
		f := l.cfg.Explain(l.death(p))
		if killed {
			reason = "did not stop"
			f = Failed{
				Name: FailureInterrupted,
				Value: fmt.Sprintf("the cell did not stop within %s, so its session process was replaced",
					quantity.Duration(l.cfg.KillAfter)),
			}
		}
		l.fail(f)
	}
	e := Restarted{Reason: reason}
	if duringCell {
		e.Cell = l.cell.ID
	}
	if l.deaths > maxIdleDeaths {
		e.Failed = append(e.Failed, "the session process keeps ending; the next cell starts it again")
	} else if !l.revive(&e) {
		return
	}
	l.emit(e)
	if duringCell {
		l.finish(Done{Interrupted: killed})
	}
}

// death describes the end of a process.
func (l *life) death(p *process) Death {
	d := Death{Report: p.report, Err: p.exit, Cut: p.cut, Space: p.space, Texts: l.texts}
	if l.cell != nil && l.begun {
		d.N, d.Line = l.cell.N, p.line
	}
	return d
}

// replace ends a process whose evaluator cannot continue, and emits the Done that asked for it afterwards.
func (l *life) replace(d Done) {
	l.stopKillTimer()
	e := Restarted{Cell: d.Cell, Reason: d.Replace}
	if !l.end() || !l.revive(&e) {
		return
	}
	l.emit(e)
	l.finish(d)
}

// end kills the process and handles its last events. It returns false when the client closes.
func (l *life) end() bool {
	l.p.signal(true)
	for {
		e, s := l.next(nil)
		switch s {
		case stepItem:
			if _, ok := e.(Done); !ok {
				l.handle(e)
			}
		case stepEnded:
			l.reap()
			return true
		case stepClosing:
			return false
		}
	}
}

// shutdown is Close: a request, then SIGTERM, then SIGKILL. Until the first signal the process may send its
// last events at the consumer's pace; after that they are dropped.
func (l *life) shutdown() {
	l.closed = true
	l.stopKillTimer()
	if l.p != nil {
		l.p.send(shutdown{})
		l.p.hang()
		t := time.NewTicker(l.cfg.Grace)
		defer t.Stop()
		for l.p != nil {
			e, s := l.next(t.C)
			switch s {
			case stepItem:
				if l.signals == 0 {
					l.handle(withoutReplace(e))
				}
			case stepEnded:
				l.reap()
			case stepTimeout:
				l.signals++
				l.p.signal(l.signals > 1)
				if l.signals > 2 {
					l.p.stop()
				}
			}
		}
	}
	if l.cell != nil {
		l.finish(Done{Interrupted: true})
	}
	// A consumer that still reads gets the last events, which end a cell, for at most one step of Close.
	t := time.NewTimer(l.cfg.Grace)
	defer t.Stop()
	for l.head() != nil {
		select {
		case l.client.events <- l.head():
			l.pop()
		case a := <-l.client.asks:
			a.reply <- l.serve(a)
		case <-t.C:
			return
		}
	}
}

// withoutReplace removes the request for a new process from a Done.
func withoutReplace(e Event) Event {
	if d, ok := e.(Done); ok {
		d.Replace = ""
		return d
	}
	return e
}
