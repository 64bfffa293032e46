package kerneltest

import (
	"strings"
	"sync"
	"testing"

	"interleave/kernel/client"
	"interleave/kernel/wire"
)

// A Watched is a Peer that checks the messages that pass through it: each message against its schema, and
// each request for exactly one busy, one reply of its type on its channel, and one idle, in this order, with
// no messages after idle except output of goroutines that outlived their cell. A cell may be busy again right after
// the idle of another request. It owns one goroutine, which
// ends after Close.
type Watched struct {
	peer    client.Peer
	t       testing.TB
	ordered bool
	out     chan wire.Incoming
	ended   chan struct{}

	mu        sync.Mutex
	afterIdle bool // the last message on iopub was idle
	requests  map[string]*exchange
	started   bool // status "starting" was seen
}

// An exchange records what was seen of one request.
type exchange struct {
	header              wire.Header // zero: another client's
	channel             wire.Channel
	busy, replied, idle bool
}

// Watch begins watching a peer. ordered means that messages of different channels come in the order in which
// they were sent, as in memory; over sockets only each channel has an order.
func Watch(t testing.TB, p client.Peer, ordered bool) *Watched {
	w := &Watched{
		peer:     p,
		t:        t,
		ordered:  ordered,
		out:      make(chan wire.Incoming),
		ended:    make(chan struct{}),
		requests: make(map[string]*exchange),
	}
	go func() {
		defer close(w.ended)
		defer close(w.out)
		for in := range p.Recv() {
			w.received(in)
			w.out <- in
		}
	}()
	return w
}

// Send checks a message and sends it.
func (w *Watched) Send(ch wire.Channel, m *wire.Message) error {
	if err := Check(ch, m); err != nil {
		w.t.Errorf("sent: %v", err)
	}
	if ch != wire.Stdin {
		w.mu.Lock()
		e := w.requests[m.Header.MsgID] // an answer on iopub may have come before only if ids repeat
		if e != nil {
			w.t.Errorf("%s sent twice", m.Header.MsgID)
		}
		w.requests[m.Header.MsgID] = &exchange{header: m.Header, channel: ch}
		w.mu.Unlock()
	}
	err := w.peer.Send(ch, m)
	if err != nil {
		w.mu.Lock()
		delete(w.requests, m.Header.MsgID)
		w.mu.Unlock()
	}
	return err
}

// Recv returns the channel of messages that the peer receives.
func (w *Watched) Recv() <-chan wire.Incoming { return w.out }

// Close closes the peer.
func (w *Watched) Close() error { return w.peer.Close() }

// Finish checks, after Close, that every request was answered.
func (w *Watched) Finish() {
	<-w.ended
	for _, e := range w.requests {
		if e.header != (wire.Header{}) && (!e.busy || !e.idle || !e.replied && expectsReply(e.header)) {
			w.t.Errorf("%s on %s was not answered in full: busy %t, reply %t, idle %t",
				e.header.MsgType, e.channel, e.busy, e.replied, e.idle)
		}
	}
}

func expectsReply(h wire.Header) bool { return strings.HasSuffix(h.MsgType, "_request") }

func (w *Watched) received(in wire.Incoming) {
	m := in.Message
	typ := m.Header.MsgType
	if err := Check(in.Channel, m); err != nil {
		w.t.Errorf("received: %v\n%s", err, m.Content)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.Parent == (wire.Header{}) {
		w.withoutParent(in)
		return
	}
	e := w.requests[m.Parent.MsgID]
	if e == nil {
		if in.Channel != wire.IOPub {
			w.t.Errorf("%s on %s answers %s, which this client did not send", typ, in.Channel, m.Parent.MsgID)
		}
		e = &exchange{}
		w.requests[m.Parent.MsgID] = e
	} else if e.header != (wire.Header{}) && m.Parent != e.header {
		w.t.Errorf("%s has parent %+v instead of %+v", typ, m.Parent, e.header)
	}
	mine := e.header != (wire.Header{})
	switch {
	case in.Channel == wire.IOPub && typ == "status":
		w.status(m, e)
	case in.Channel == wire.IOPub:
		w.afterIdle = false
		if mine && !e.busy {
			w.t.Errorf("%s before busy", typ)
		}
		if e.idle && !mayOutlive[typ] {
			w.t.Errorf("%s after idle", typ)
		}
	case in.Channel == wire.Stdin:
		if w.ordered && (!e.busy || e.idle || e.channel != wire.Shell) {
			w.t.Errorf("%s outside of its cell", typ)
		}
	default:
		if want, _ := strings.CutSuffix(e.header.MsgType, "_request"); typ != want+"_reply" || in.Channel != e.channel {
			w.t.Errorf("%s on %s answers %s on %s", typ, in.Channel, e.header.MsgType, e.channel)
		}
		if e.replied {
			w.t.Errorf("second %s", typ)
		}
		if w.ordered && (!e.busy || e.idle) {
			w.t.Errorf("%s outside of busy and idle", typ)
		}
		e.replied = true
	}
}

// mayOutlive are the types of messages that a goroutine may cause after its cell has ended.
var mayOutlive = map[string]bool{
	"stream": true, "display_data": true, "update_display_data": true, "clear_output": true, "error": true,
	"comm_open": true, "comm_msg": true, "comm_close": true,
}

func (w *Watched) status(m *wire.Message, e *exchange) {
	s, err := wire.As[wire.Status](m)
	if err != nil {
		return // Check has reported it
	}
	mine := e.header != (wire.Header{})
	switch s.State {
	case "busy":
		again := e.busy && w.afterIdle && m.Parent.MsgType == "execute_request"
		if e.busy && !again || e.idle || e.replied && w.ordered {
			w.t.Errorf("busy is not the first of %s", m.Parent.MsgType)
		}
		e.busy, w.afterIdle = true, false
	case "idle":
		if e.idle || mine && !e.busy {
			w.t.Errorf("idle of %s without busy or twice", m.Parent.MsgType)
		}
		if w.ordered && mine && expectsReply(e.header) && !e.replied {
			w.t.Errorf("idle of %s before its reply", m.Parent.MsgType)
		}
		e.idle, w.afterIdle = true, true
	default:
		w.t.Errorf("status %s with a parent", s.State)
	}
}

func (w *Watched) withoutParent(in wire.Incoming) {
	switch typ := in.Message.Header.MsgType; {
	case in.Channel != wire.IOPub:
		w.t.Errorf("%s on %s has no parent", typ, in.Channel)
	case typ == "iopub_welcome":
		// one for each client that connects
	case typ == "status":
		if s, err := wire.As[wire.Status](in.Message); err == nil && s.State != "starting" || w.started {
			w.t.Errorf("status without parent, or starting twice: %s", in.Message.Content)
		}
		w.started = true
	case !mayOutlive[typ]:
		w.t.Errorf("%s has no parent", typ)
	}
}
