package kernel

import (
	"context"
	"fmt"
	"strings"

	"interleave/kernel/session"
	"interleave/kernel/wire"
	"interleave/runtime/quantity"
)

// event translates an event of the session into messages. It is the only place that knows both.
func (k *kernel) event(ev session.Event) {
	if a, ok := ev.(session.Answered); ok { // has no place in the order of what is published
		k.answeredQuestion(a)
		return
	}
	if k.gathers(ev) {
		return
	}
	k.flush()
	switch ev := ev.(type) {
	case session.Display:
		k.publishFor(ev.Cell, wire.DisplayData{Data: wire.Bundle(ev.Data), Metadata: wire.Bundle(ev.Metadata), ID: ev.ID})
	case session.Result:
		if o := k.origins[ev.Cell]; o != nil && !o.silent {
			k.publishFor(ev.Cell, wire.ExecuteResult{
				ExecutionCount: o.n,
				Data:           wire.Bundle(ev.Data),
				Metadata:       wire.Bundle(ev.Metadata),
			})
		}
	case session.Clear:
		k.publishFor(ev.Cell, wire.ClearOutput{Wait: ev.Wait})
	case session.Input:
		k.ask(ev)
	case session.Comm:
		k.commEvent(ev)
	case session.Failed:
		if x := k.running; x != nil && x.cell == ev.Cell && x.failed == nil {
			x.failed = &ev
		}
		if k.origins[ev.Cell] == nil {
			k.notice(strings.Join(ev.Traceback, "\n") + "\n")
			return
		}
		k.publishFor(ev.Cell, wire.ErrorText{EName: ev.Name, EValue: ev.Value, Traceback: ev.Traceback})
	case session.Restarted:
		k.restarted(ev)
	case session.Done:
		if x := k.running; x == nil || x.cell != ev.Cell {
			k.log.Error("a cell that does not run has ended", "cell", ev.Cell)
			return
		}
		k.finish(ev)
	default:
		k.log.Error("event of the session is not known", "type", fmt.Sprintf("%T", ev))
	}
}

// gathers takes an event that is not published at once: text, and updates of a display. It returns false for
// any other event.
func (k *kernel) gathers(ev session.Event) bool {
	switch ev := ev.(type) {
	case session.Output:
		if ev.Text != "" {
			k.gather(ev)
		}
		return true
	case session.Display:
		if ev.Update && ev.ID != "" {
			k.supersede(ev)
			return true
		}
	}
	return false
}

// restarted closes the comms of the old session and reports what was lost with it: in the cell that ended it, or else in the next cell,
// which may be waiting for the new session already.
func (k *kernel) restarted(ev session.Restarted) {
	k.dropComms()
	var b strings.Builder
	fmt.Fprintf(&b, "The session was restarted: %s.\n", strings.TrimSuffix(ev.Reason, "."))
	if len(ev.Lost) > 0 {
		fmt.Fprintf(&b, "Lost variables: %s\n", strings.Join(ev.Lost, ", "))
	}
	for _, f := range ev.Failed {
		fmt.Fprintf(&b, "Problem: %s\n", f)
	}
	if x := k.running; x != nil && ev.Cell == 0 && !x.content.Silent {
		ev.Cell = x.cell
	}
	if k.origins[ev.Cell] == nil {
		k.notice(b.String())
		return
	}
	k.text(session.Output{Cell: ev.Cell, Stream: session.Stderr, Text: b.String()})
}

// maxNotices is how many notices wait for a cell.
const maxNotices = 16

// notice keeps a text that belongs to no cell for the next cell, because front ends do not show messages
// without a cell.
func (k *kernel) notice(text string) {
	k.notices = append(k.notices, text)
	if len(k.notices) > maxNotices {
		k.notices = k.notices[1:]
	}
}

// publishNotices publishes the notices as output of a cell.
func (k *kernel) publishNotices(cell uint64) {
	if len(k.notices) > 0 {
		k.text(session.Output{Cell: cell, Stream: session.Stderr, Text: strings.Join(k.notices, "")})
		k.notices = nil
	}
}

// publishFor publishes a message of a cell. Cell 0 and forgotten cells have no parent. A message that cannot
// be encoded is replaced by a note.
func (k *kernel) publishFor(cell uint64, c wire.Content) {
	var parent *wire.Message
	if o := k.origins[cell]; o != nil {
		parent = o.request
	}
	m, err := k.author.New(parent, c)
	if err != nil {
		k.log.Error("a value of the session is not JSON", "cell", cell, "err", err)
		k.publish(parent, wire.StreamText{Name: "stderr", Text: fmt.Sprintf("A value cannot be shown: %v\n", err)})
		return
	}
	k.broadcast(m, k.topic(c))
}

// dropUnread drops text of the running cell that slow clients have not read yet: after the interrupt of a
// cell that prints without end, the user wants to see its end.
func (k *kernel) dropUnread() {
	d, ok := k.cfg.Transport.(Discarder)
	if k.running == nil || !ok {
		return
	}
	parent := k.running.request.msg
	d.Discard(parent.Header.MsgID, func(bytes int) *wire.Message {
		c := wire.StreamText{
			Name: string(session.Stderr),
			Text: fmt.Sprintf("\n… %s of output that came before the interrupt were dropped: "+
				"this client had not read them …\n", quantity.Bytes(bytes)),
		}
		m, err := k.author.New(parent, c)
		if err != nil {
			k.log.Log(context.Background(), LevelBug, "write a note", "err", err)
			return nil
		}
		m.Identities = [][]byte{[]byte(k.topic(c))}
		return m
	})
}

// publish sends a message to all clients, with the request parent as its parent; nil: without one.
func (k *kernel) publish(parent *wire.Message, c wire.Content) {
	m, err := k.author.New(parent, c)
	if err != nil {
		k.log.Log(context.Background(), LevelBug, "publish "+c.MsgType(), "err", err)
		return
	}
	k.broadcast(m, k.topic(c))
}

// welcome sends iopub_welcome to a new subscriber, so that the client knows that it misses nothing from now
// on. Other clients do not get it: otherwise each new connection would cost all of them a message.
func (k *kernel) welcome(s wire.Subscription) {
	m, err := k.author.New(nil, wire.Welcome{Subscription: s.Topic})
	if err != nil {
		k.log.Log(context.Background(), LevelBug, "welcome", "err", err)
		return
	}
	m.Identities = [][]byte{[]byte(s.Topic), s.Peer}
	if err := k.cfg.Transport.Send(wire.IOPub, m); err != nil {
		k.log.Error("publish iopub_welcome", "err", err)
	}
}

// topic is the topic of a message, by which subscribers may filter, in the form of ipykernel.
func (k *kernel) topic(c wire.Content) string {
	return "kernel." + k.author.Session + "." + c.MsgType()
}

func (k *kernel) broadcast(m *wire.Message, topic string) {
	m.Identities = [][]byte{[]byte(topic)}
	if err := k.cfg.Transport.Send(wire.IOPub, m); err != nil {
		k.log.Error("publish "+m.Header.MsgType, "err", err)
	}
}
