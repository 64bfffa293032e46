// Package comms keeps the comms of a session: which are open, and who gets their messages. Packages comm and widget
// are built on it. It must not know what messages mean.
package comms

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"interleave/runtime/host"
)

var (
	// ErrClosed is the error of a comm that has been closed, at either end.
	ErrClosed = errors.New("the comm is closed")
	// ErrNone is the error where there are no comms.
	ErrNone = errors.New("there are no comms here: this program does not run in a notebook")
)

// A Message is what one end of a comm sends to the other.
type Message struct {
	Data     json.RawMessage // an object; empty is {}
	Metadata json.RawMessage // an object, or empty
	Buffers  [][]byte

	re uint64 // number of the front end's message
}

// Handlers are called by the host, one after the other, and must not wait for user code.
type Handlers struct {
	Message func(Message) // from the other end
	Close   func(Message) // the other end has closed the comm
}

// A Comm is one end of a comm.
type Comm struct {
	ID, Target string

	handlers Handlers
	mu       sync.Mutex // held while a message is sent, so that messages keep their order
	closed   bool
}

var table = struct {
	sync.Mutex
	open    map[string]*Comm
	targets map[string]target
}{open: map[string]*Comm{}, targets: map[string]target{}}

// A target is what a front end may open comms for.
type target struct {
	opened  func(*Comm, Message) Handlers
	builtin bool // it outlives a reset
}

func init() { host.OnComm(receive) }

// Open opens a comm for a target of the front end's.
func Open(target string, m Message, h Handlers) (*Comm, error) {
	send := host.Get().Comm
	if send == nil {
		return nil, ErrNone
	}
	c := &Comm{ID: rand.Text(), Target: target, handlers: h}
	table.Lock()
	table.open[c.ID] = c
	table.Unlock()
	send(host.Comm{ID: c.ID, Op: host.CommOpen, Target: target, Data: m.Data, Metadata: m.Metadata, Buffers: m.Buffers})
	return c, nil
}

// Register makes a target for which front ends may open comms. opened is called by the host as Handlers are; nil
// removes the target. A builtin one outlives a reset of the session.
func Register(name string, builtin bool, opened func(*Comm, Message) Handlers) {
	table.Lock()
	defer table.Unlock()
	if opened == nil {
		delete(table.targets, name)
		return
	}
	table.targets[name] = target{opened, builtin}
}

// Send sends a message. The front end sees which message it answers, until the Handlers' call for that has returned.
func (c *Comm) Send(m Message, answers Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	if send := host.Get().Comm; send != nil {
		send(host.Comm{ID: c.ID, Op: host.CommMessage, Data: m.Data, Metadata: m.Metadata, Buffers: m.Buffers, Re: answers.re})
	}
	return nil
}

// Close closes the comm. Closing it again does nothing.
func (c *Comm) Close(m Message) {
	if !c.end() {
		return
	}
	if send := host.Get().Comm; send != nil {
		send(host.Comm{ID: c.ID, Op: host.CommClose, Data: m.Data, Metadata: m.Metadata, Buffers: m.Buffers})
	}
}

// end marks the comm as closed, and reports whether it was open.
func (c *Comm) end() bool {
	table.Lock()
	delete(table.open, c.ID)
	table.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	was := !c.closed
	c.closed = true
	return was
}

// Closed reports whether the comm has been closed.
func (c *Comm) Closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// receive is called by the host.
func receive(h host.Comm) {
	m := Message{h.Data, h.Metadata, h.Buffers, h.Re}
	table.Lock()
	c, t := table.open[h.ID], table.targets[h.Target]
	table.Unlock()
	switch {
	case h.Op == host.CommReset:
		reset()
	case h.Op == host.CommOpen && t.opened != nil && c == nil:
		c = &Comm{ID: h.ID, Target: h.Target}
		table.Lock()
		table.open[h.ID] = c
		table.Unlock()
		c.handlers = t.opened(c, m)
	case h.Op != host.CommClose && c == nil: // an unknown target, or a comm of before a reset
		if send := host.Get().Comm; send != nil {
			send(host.Comm{ID: h.ID, Op: host.CommClose, Re: h.Re})
		}
	case h.Op == host.CommMessage && c.handlers.Message != nil:
		c.handlers.Message(m)
	case h.Op == host.CommClose && c != nil:
		if c.end() && c.handlers.Close != nil {
			c.handlers.Close(m)
		}
	}
}

// reset closes all comms and removes the targets of the user's code.
func reset() {
	table.Lock()
	var all []*Comm
	for _, c := range table.open {
		all = append(all, c)
	}
	for name, t := range table.targets {
		if !t.builtin {
			delete(table.targets, name)
		}
	}
	table.Unlock()
	for _, c := range all {
		c.Close(Message{})
		if c.handlers.Close != nil {
			c.handlers.Close(Message{})
		}
	}
}

// Object encodes v, which must be an object: a map, a struct, or JSON of one. nil is an empty one.
func Object(v any) (json.RawMessage, error) {
	if v == nil {
		return json.RawMessage("{}"), nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 || b[0] != '{' {
		return nil, fmt.Errorf("a %T is not an object in JSON: pass a map or a struct", v)
	}
	return b, nil
}
