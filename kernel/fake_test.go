package kernel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"interleave/kernel/session"
)

// A fake is a session whose cells are scripts of one command a line:
//
//	print TEXT, warn TEXT     write a line to stdout, stderr
//	flood N                   write N lines as fast as they are read
//	result TEXT               show TEXT as the last expression's value
//	display ID TEXT           show TEXT as ID; - is no ID
//	update ID TEXT            replace it
//	clear                     clear the output when the next one comes
//	sleep DURATION            wait, or fail when interrupted
//	hang                      wait for an interrupt
//	input PROMPT              ask and print the answer
//	later DURATION COMMAND    do that after the cell, if it has ended by then
//	fail TEXT                 end the cell with an error
//	die                       end the session with the cell, and start a new one
//	raw JSON                  display JSON as it is
//	open ID TARGET            open a comm
//	send ID JSON              send a message over it
//	close ID                  close it
//	targets                   print the targets of the cell
//
// A question is answered with its own code, beside the cells; the code may begin with the time that this takes,
// and a space. A comm of the target "echo" sends each message back, with its buffers and metadata; others are closed at
// once. The session answers beside the cells.
type fake struct {
	events chan session.Event
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	closed sync.Once
	refuse error // what Run returns

	mu        sync.Mutex
	interrupt context.CancelFunc // of the running cell; nil: none runs
	answers   chan string
	ran       []session.Cell
	comms     chan struct{} // closed when the last message was handled
	hung      chan struct{} // closed when a message has come that is never handled
	ended     bool          // Close was called
}

func newFake() *fake {
	f := &fake{events: make(chan session.Event), answers: make(chan string, 1), hung: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

func (f *fake) Events() <-chan session.Event { return f.events }

func (f *fake) Run(c session.Cell) error {
	if f.refuse != nil {
		return f.refuse
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.interrupt != nil {
		panic("two cells at once")
	}
	f.ran = append(f.ran, c)
	ctx, cancel := context.WithCancel(f.ctx)
	f.interrupt = cancel
	f.tasks.Go(func() {
		done := session.Done{Cell: c.ID, OK: true, Engine: "fake"}
		for line := range strings.Lines(c.Code) {
			if !f.do(ctx, c, strings.TrimSuffix(line, "\n")) {
				done.OK, done.Interrupted = false, ctx.Err() != nil
				break
			}
		}
		if done.OK {
			done.Expressions = expressions(c)
		}
		f.mu.Lock()
		f.interrupt = nil
		f.mu.Unlock()
		cancel()
		f.say(done)
	})
	return nil
}

// expressions evaluates each to itself, and fails those that begin with an exclamation mark.
func expressions(c session.Cell) map[string]session.Expression {
	m := make(map[string]session.Expression)
	for name, code := range c.Expressions {
		if strings.HasPrefix(code, "!") {
			m[name] = session.Expression{Failed: &session.Failed{Name: "no such", Value: code}}
		} else {
			m[name] = session.Expression{Data: plain(code)}
		}
	}
	return m
}

func (f *fake) Interrupt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.interrupt != nil {
		f.interrupt()
	}
}

func (f *fake) Answer(text string) error {
	f.answers <- text
	return nil
}

func (f *fake) Ask(q session.Question) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	f.tasks.Go(func() {
		wait, _, _ := strings.Cut(q.Code, " ")
		if d, err := time.ParseDuration(wait); err == nil {
			select {
			case <-time.After(d):
			case <-f.ctx.Done():
			}
		}
		a := session.Answered{ID: q.ID}
		switch {
		case q.Variables && q.Code == "":
			a.Variables = []session.Variable{{Name: "list", Type: "[]int", Value: "[7]", Path: "list"}, {Name: "n", Type: "int", Value: "1"}}
		case q.Variables:
			a.Variables = []session.Variable{{Name: "[0] of " + q.Code, Type: "int", Value: "7"}}
		case q.Code == "": // nothing is known
		case q.Inspect:
			a.Inspection = session.Inspection{Found: true, Data: plain(fmt.Sprintf("%s at %d, detail %d", q.Code, q.Cursor, q.Detail))}
			if q.Code == "raw" {
				a.Inspection.Data["text/markdown"] = json.RawMessage("{")
			}
		default:
			a.Completion = session.Completion{Start: q.Cursor - 1, End: q.Cursor, Matches: []session.Match{
				{Text: q.Code, Type: "function", Signature: "(a int)"}, {Text: "é", Type: "instance"}}}
			if q.Code == "wild" {
				a.Completion.Start, a.Completion.End = -1, 99
			}
		}
		f.say(a)
	})
}

// hang is the message of a comm that the session does not handle; there is one in a test at most.
const hang = `{"hang":true}`

func (f *fake) Comm(c session.Comm) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	if string(c.Data) == hang {
		close(f.hung)
	}
	before := f.comms
	now := make(chan struct{})
	f.comms = now
	f.tasks.Go(func() {
		defer close(now)
		if before != nil {
			<-before
		}
		if string(c.Data) == hang {
			<-f.ctx.Done()
			return
		}
		switch {
		case c.Op == session.CommOpen && c.Target != "echo":
			f.say(session.Comm{Re: c.Re, ID: c.ID, Op: session.CommClose})
		case c.Op == session.CommMessage:
			f.say(c)
		}
		f.say(session.Comm{Re: c.Re, ID: c.ID, Op: session.CommHandled})
	})
}

func (f *fake) Close() error {
	f.closed.Do(func() {
		f.cancel()
		f.mu.Lock()
		f.ended = true
		f.mu.Unlock()
		f.tasks.Wait()
		close(f.events)
	})
	return nil
}

// cells are those that were run so far.
func (f *fake) cells() []session.Cell {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ran
}

func (f *fake) say(ev session.Event) {
	if f.ctx.Err() != nil {
		return // a dead process says nothing
	}
	select {
	case f.events <- ev:
	case <-f.ctx.Done():
	}
}

func plain(text string) session.Bundle {
	v, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return session.Bundle{"text/plain": v}
}

func (f *fake) do(ctx context.Context, c session.Cell, line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "":
	case "print":
		f.say(session.Output{Cell: c.ID, Stream: session.Stdout, Text: rest + "\n"})
	case "warn":
		f.say(session.Output{Cell: c.ID, Stream: session.Stderr, Text: rest + "\n"})
	case "flood":
		var n int
		fmt.Sscan(rest, &n)
		for i := 0; i < n && ctx.Err() == nil; i++ {
			f.say(session.Output{Cell: c.ID, Stream: session.Stdout, Text: fmt.Sprintf("%099d\n", i)})
		}
	case "result":
		f.say(session.Result{Cell: c.ID, Data: plain(rest)})
	case "display", "update":
		id, text, _ := strings.Cut(rest, " ")
		f.say(session.Display{Cell: c.ID, ID: strings.TrimPrefix(id, "-"), Data: plain(text), Update: verb == "update"})
	case "raw":
		f.say(session.Display{Cell: c.ID, Data: session.Bundle{"application/json": json.RawMessage(rest)}})
	case "open", "send", "close":
		id, text, _ := strings.Cut(rest, " ")
		m := session.Comm{Cell: c.ID, ID: id}
		switch verb {
		case "open":
			m.Op, m.Target, m.Metadata = session.CommOpen, text, json.RawMessage(`{"version":"2.1.0"}`)
		case "send":
			m.Op, m.Data, m.Buffers = session.CommMessage, json.RawMessage(text), [][]byte{{1, 2}}
		default:
			m.Op = session.CommClose
		}
		f.say(m)
	case "targets":
		f.say(session.Output{Cell: c.ID, Stream: session.Stdout, Text: fmt.Sprintln(c.Targets)})
	case "clear":
		f.say(session.Clear{Cell: c.ID, Wait: true})
	case "sleep", "hang":
		d, err := time.ParseDuration(rest)
		if verb == "hang" {
			d, err = time.Hour, nil
		}
		if err != nil {
			panic(err)
		}
		select {
		case <-time.After(d):
		case <-ctx.Done():
			f.say(session.Failed{Cell: c.ID, Name: "interrupted", Value: line})
			return false
		}
	case "input":
		select {
		case <-f.answers: // to a question that was interrupted while the answer came
		default:
		}
		f.say(session.Input{Cell: c.ID, Prompt: rest})
		select {
		case a := <-f.answers:
			f.say(session.Output{Cell: c.ID, Stream: session.Stdout, Text: "got " + a + "\n"})
		case <-ctx.Done():
			f.say(session.Failed{Cell: c.ID, Name: "interrupted", Value: line})
			return false
		}
	case "later":
		d, command, _ := strings.Cut(rest, " ")
		wait, err := time.ParseDuration(d)
		if err != nil {
			panic(err)
		}
		f.tasks.Go(func() {
			select {
			case <-time.After(wait):
				f.do(f.ctx, c, command)
			case <-f.ctx.Done():
			}
		})
	case "fail":
		f.say(session.Failed{Cell: c.ID, Name: "panic", Value: rest, Traceback: []string{"\x1b[31mpanic:\x1b[0m " + rest, "cell[" + fmt.Sprint(c.N) + "]:1"}})
		return false
	case "die":
		f.say(session.Failed{Cell: c.ID, Name: "session died", Value: "exit status 3"})
		f.say(session.Restarted{Cell: c.ID, Reason: "it exited with status 3", Lost: []string{"x", "ch"}, Failed: []string{"T: no such type"}})
		return false
	case "crash": // between cells
		f.say(session.Restarted{Reason: "it was killed"})
	case "orphan":
		f.say(session.Output{Stream: session.Stdout, Text: rest + "\n"})
	default:
		panic(fmt.Sprintf("fake session: %q", line))
	}
	return true
}

var errRefused = errors.New("no more processes")
