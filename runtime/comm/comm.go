// Package comm is how code of a notebook talks with code of the front end. A comm is a channel between the two: either
// end opens it for a target that the other end knows, both send messages, and either closes it. Package widget has
// sliders and progress bars that are made of comms.
//
// Functions that messages call run beside the cells, also while a cell runs. They are code of the cell that has
// registered them: what they write, and their panics, appear in its output, and an interrupt ends them. Those of one
// comm are called one after the other.
//
// A comm ends with its session process, with %reset, and when either end closes it. Without a notebook there are no
// comms, and Open fails; with a front end that does not know the target nothing answers, and some close the comm.
package comm

import (
	"encoding/json"
	"errors"
	"fmt"

	"interleave/runtime/internal/comms"
)

// A Message is what one end of a comm sends to the other.
type Message struct {
	Data     json.RawMessage // an object
	Metadata json.RawMessage // an object, or nil
	Buffers  [][]byte        // binary data, which JSON cannot hold; not to be changed
}

// Decode stores the message's data in the value that v points to, as [json.Unmarshal] does.
func (m Message) Decode(v any) error {
	if err := json.Unmarshal(m.Data, v); err != nil {
		return fmt.Errorf("comm: decode message: %w", err)
	}
	return nil
}

// A Comm is one end of a comm. Its methods may be called from several goroutines.
type Comm struct {
	comm  *comms.Comm
	queue comms.Queue

	// what follows is touched by functions of the queue alone
	functions []func(Message)
	closing   []func(Message)
	early     []Message // came before the first function
	ended     *Message  // the other end has closed the comm
}

// ErrClosed is the error of a comm that has been closed, at either end.
var ErrClosed = errors.New("comm: it is closed")

// maxEarly is how many messages are kept until there is a function for them.
const maxEarly = 1024

// Open opens a comm for a target of the front end. data is a [Message], or a value that is encoded with encoding/json:
// an object, or nil. Open does not wait for the front end, and fails where there are no comms.
func Open(target string, data any, buffers ...[]byte) (*Comm, error) {
	m, err := message(data, buffers)
	if err != nil {
		return nil, fmt.Errorf("comm.Open: %w", err)
	}
	c := new(Comm)
	if c.comm, err = comms.Open(target, m, c.handlers()); err != nil {
		return nil, fmt.Errorf("comm.Open: %w", err)
	}
	return c, nil
}

// Register has opened called for each comm that the front end opens for a target, with the message that comes with it.
// It replaces the function that the target had before; nil removes the target, so that comms for it are closed at once.
func Register(target string, opened func(c *Comm, m Message)) {
	if opened == nil {
		comms.Register(target, false, nil)
		return
	}
	call := comms.Callback()
	comms.Register(target, false, func(inner *comms.Comm, m comms.Message) comms.Handlers {
		c := &Comm{comm: inner}
		c.queue.Add(func() { call(func() { opened(c, outer(m)) }) })
		return c.handlers()
	})
}

// ID returns the id by which both ends know the comm.
func (c *Comm) ID() string { return c.comm.ID }

// Target returns the target for which the comm was opened.
func (c *Comm) Target() string { return c.comm.Target }

// Send sends a message; data are those of [Open]. It waits while the front ends do not read. It returns [ErrClosed] when
// the comm has been closed.
func (c *Comm) Send(data any, buffers ...[]byte) error {
	m, err := message(data, buffers)
	if err != nil {
		return fmt.Errorf("comm.Send: %w", err)
	}
	if c.comm.Send(m, comms.Message{}) != nil {
		return ErrClosed
	}
	return nil
}

// OnMessage has f called for each message of the other end, after functions that were registered before. Messages that
// came before the first function are kept for it.
func (c *Comm) OnMessage(f func(Message)) {
	call := comms.Callback()
	c.queue.Add(func() { // behind the messages that have come
		early := c.early
		c.early = nil
		g := func(m Message) { call(func() { f(m) }) }
		c.functions = append(c.functions, g)
		for _, m := range early {
			g(m)
		}
	})
}

// OnClose has f called when the other end closes the comm, also when it has done so already.
func (c *Comm) OnClose(f func(Message)) {
	call := comms.Callback()
	c.queue.Add(func() {
		g := func(m Message) { call(func() { f(m) }) }
		if c.ended != nil {
			g(*c.ended)
			return
		}
		c.closing = append(c.closing, g)
	})
}

// Close closes the comm. Closing it again does nothing.
func (c *Comm) Close() { c.comm.Close(comms.Message{}) }

// handlers are called by the host.
func (c *Comm) handlers() comms.Handlers {
	return comms.Handlers{
		Message: func(in comms.Message) {
			c.queue.Add(func() {
				m := outer(in)
				if len(c.functions) == 0 {
					if c.early = append(c.early, m); len(c.early) > maxEarly {
						c.early = c.early[1:]
					}
				}
				for _, f := range c.functions {
					f(m)
				}
			})
		},
		Close: func(in comms.Message) {
			c.queue.Add(func() {
				m := outer(in)
				functions := c.closing
				c.closing, c.ended = nil, &m
				for _, f := range functions {
					f(m)
				}
			})
		},
	}
}

func message(data any, buffers [][]byte) (comms.Message, error) {
	if m, ok := data.(Message); ok {
		return comms.Message{Data: m.Data, Metadata: m.Metadata, Buffers: append(m.Buffers[:len(m.Buffers):len(m.Buffers)], buffers...)},
			errors.Join(checkObject(m.Data), checkObject(m.Metadata))
	}
	b, err := comms.Object(data)
	return comms.Message{Data: b, Buffers: buffers}, err
}

// checkObject refuses JSON that is there and is no object.
func checkObject(raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	_, err := comms.Object(raw)
	return err
}

func outer(m comms.Message) Message {
	return Message{Data: m.Data, Metadata: m.Metadata, Buffers: m.Buffers}
}
