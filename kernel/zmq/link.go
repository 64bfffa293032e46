package zmq

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// A link is one connected peer. It owns two goroutines: read, which runs on the goroutine that opened it, and
// write. Both have ended when read returns.
type link struct {
	conn    *zmq4.Conn
	guard   *guard
	out     *outbox
	visitor *visitor // nil for a client's connection to its kernel
	refused struct { // since the last message with a valid signature; of the reading goroutine alone
		messages, bytes int
	}
	// how long a write may block before it reports its progress to the outbox; well below the stall limit
	tick time.Duration

	once sync.Once
	why  error // the first reason to close; valid once the outbox is closed
}

// open does the handshake on raw, within Options.Handshake. An error has closed raw.
//
// The codec is called under recover: it has panicked on handshakes before, and an unauthenticated peer must
// not be able to end the process.
func open(raw net.Conn, kind zmq4.SocketType, id []byte, v *visitor, o Options) (l *link, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = breach("handshake: %v", r)
		}
		if err != nil {
			raw.Close()
		}
	}()
	if err := raw.SetDeadline(time.Now().Add(o.Handshake)); err != nil {
		return nil, err
	}
	g := newGuard(raw, kind, v, o)
	l = &link{
		guard:   g,
		visitor: v,
		out:     newOutbox(o.QueueBytes, v),
		tick:    max(min(o.Stall/stallSlices, 250*time.Millisecond), time.Millisecond),
	}
	g.command = func(name string, body []byte) {
		if name == zmq4.CmdPing && 2 <= len(body) && len(body) <= 2+contextMost {
			l.out.pushCommand(zmq4.CmdPong, bytes.Clone(body[2:])) // after the two bytes of its time to live
		}
	}
	if l.conn, err = zmq4.Open(g, null.Security(), kind, id, v != nil, nil); err != nil {
		return nil, err
	}
	if err := raw.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	g.gather = true
	return l, nil
}

// peerID is the identity that the peer chose, or "".
func (l *link) peerID() string { return l.conn.Peer.Meta["Identity"] }

// run reads messages and hands them to message until the link ends, by either side. It returns the reason,
// io.EOF for a peer that hung up between two messages, and nil for close(nil).
func (l *link) run(message func(frames [][]byte)) error {
	var writer sync.WaitGroup
	writer.Go(l.write)
	l.close(l.read(message))
	writer.Wait()
	return l.why
}

func (l *link) read(message func([][]byte)) error {
	for {
		frames, err := l.guard.message()
		if err != nil {
			return err
		}
		message(frames)
		l.guard.done()
	}
}

// How many messages in a row a peer may send without a valid signature, and how many bytes before its first
// one with a valid signature.
const (
	refusedMessages = 16
	refusedBytes    = 1 << 20
)

// refuse counts a message that was dropped, and ends a link that sends nothing else.
func (l *link) refuse(frames [][]byte) {
	l.refused.messages++
	for _, f := range frames {
		l.refused.bytes += len(f)
	}
	if l.refused.messages >= refusedMessages || l.refused.bytes > refusedBytes && !l.visitor.authenticated() {
		l.close(breach("%d messages, %d bytes, without a valid signature", l.refused.messages, l.refused.bytes))
	}
}

// write writes what the outbox holds until it is closed or finished. After finish it shuts down the writing
// side, too, and lets the peer close: closing with unread input would reset the connection and could destroy
// what was just written.
func (l *link) write() {
	var items []item
	for {
		var ok bool
		if items, ok = l.out.take(items[:0]); !ok {
			break
		}
		size := 0
		for _, it := range items {
			size += it.size
			if err := l.encode(it); err != nil {
				l.close(err)
				return
			}
		}
		clear(items)
		if err := l.flush(); err != nil {
			l.close(err)
			return
		}
		l.out.done(size)
	}
	if half, ok := l.guard.Conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}

func (l *link) encode(it item) error {
	if it.command != "" {
		return l.conn.SendCmd(it.command, it.frames[0])
	}
	return l.conn.SendMsg(zmq4.NewMsgFrom(it.frames...))
}

// flush writes what was gathered. It waits for a slow peer without a limit: only a publisher that needs the
// room, or Close, ends it.
func (l *link) flush() error {
	g := l.guard
	for g.out.size > 0 {
		if err := g.SetWriteDeadline(time.Now().Add(l.tick)); err != nil {
			return err
		}
		n, err := g.out.writeTo(g.Conn)
		l.out.wrote(n)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
	return nil
}

// close ends the link at once, for a reason; nil means that this side ends it. The first reason counts.
func (l *link) close(why error) {
	l.once.Do(func() {
		l.why = why
		l.guard.closed.Store(true)
		l.guard.Conn.Close()
		l.out.close()
	})
}

var errStalled = errors.New("the peer does not read")

func stalled(queued int) error { return fmt.Errorf("%w: %d bytes wait for it", errStalled, queued) }
