package zmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zeromq/zmq4"

	"interleave/kernel/wire"
)

// Options configures a transport. The zero value is right for a kernel.
type Options struct {
	// nil: silent. Debug for peers that come and go; Warn for the first of each kind that is dropped
	Log        *slog.Logger
	MaxMessage int           // bytes of one message from a peer, 0: 64 MiB. The peer that sends more is cut off
	QueueBytes int           // bytes that may wait for one peer, 0: 64 MiB. A single larger message is let through
	Stall      time.Duration // how long a full iopub may wait for a peer that takes nothing, 0: 5 s
	Handshake  time.Duration // how long a peer may take to connect, 0: 5 s
	Linger     time.Duration // how long Close waits for peers to take what is queued, 0: 1 s

	// Limits of all connections together on which no message with a valid signature has come. README.md has
	// the rules.
	Strangers     int           // connections, half of them in their handshakes, 0: 512
	StrangerBytes int           // bytes, 0: 32 MiB. The first message of a connection may have half of it
	Unfinished    time.Duration // how long a message may take to come, besides a second for each 4 KiB, 0: 10 s
}

func (o Options) normal() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.MaxMessage = cmp.Or(o.MaxMessage, 64<<20)
	o.QueueBytes = cmp.Or(o.QueueBytes, 64<<20)
	o.Stall = cmp.Or(o.Stall, 5*time.Second)
	o.Handshake = cmp.Or(o.Handshake, 5*time.Second)
	o.Linger = cmp.Or(o.Linger, time.Second)
	o.Strangers = cmp.Or(o.Strangers, 512)
	o.StrangerBytes = cmp.Or(o.StrangerBytes, 32<<20)
	o.Unfinished = cmp.Or(o.Unfinished, 10*time.Second)
	return o
}

// ErrClosed is Send's error once Close has begun.
var ErrClosed = errors.New("the transport is closed")

// replays is how many signatures are remembered, as many as by jupyter_client: hours of work, and 4 MB at most.
const replays = 1 << 16

// A Transport is the kernel's side of the five sockets. Its methods may overlap. It owns a goroutine for each
// socket and two for each connection; all have ended when Close returns.
type Transport struct {
	conn     Connection
	opts     Options
	signer   *wire.Signer
	counters counters
	sockets  []*socket
	routers  map[wire.Channel]*router
	iopub    *publisher

	recv    chan wire.Incoming
	subs    chan wire.Subscription
	session atomic.Pointer[string] // of what Send sends
	closing chan struct{}          // closed by Close: from then on Close waits only for the peers
	closed  chan struct{}          // closed by Close, at its end

	begun   atomic.Bool  // Close was called
	mu      sync.RWMutex // held for reading by Send, so that Close knows when the last call has returned
	stopped bool
}

// Listen opens the five sockets of a kernel. Ports that are 0 are chosen; Connection returns them. ctx bounds
// this call, not the life of the transport, which ends with Close. It takes about a millisecond.
func Listen(ctx context.Context, c Connection, o Options) (*Transport, error) {
	c, err := c.normal()
	if err != nil {
		return nil, fmt.Errorf("listen for Jupyter: %w", err)
	}
	signer, err := wire.NewSigner(c.SignatureScheme, []byte(c.Key))
	if err != nil {
		return nil, fmt.Errorf("listen for Jupyter: %w", err)
	}
	var listeners [len(channels)]net.Listener
	for i, ch := range channels {
		if listeners[i], err = listen(ctx, &c, ch); err != nil {
			for _, l := range listeners[:i] {
				l.Close()
			}
			return nil, err
		}
	}
	return newTransport(c, o, signer, listeners), nil
}

// newTransport serves the listeners, which are in the order of channels.
func newTransport(c Connection, o Options, signer *wire.Signer, listeners [len(channels)]net.Listener) *Transport {
	signer.RefuseReplays(replays)
	t := &Transport{
		conn: c, opts: o.normal(), signer: signer,
		routers: make(map[wire.Channel]*router),
		// Room for a few, so that readers and the kernel's loop need not switch for each message.
		recv: make(chan wire.Incoming, 16), subs: make(chan wire.Subscription, 16),
		closing: make(chan struct{}), closed: make(chan struct{}),
	}
	t.iopub = newPublisher(t.opts.Stall, t.closing, t.subs)
	admits := newAdmission(t.opts)
	for i, ch := range channels {
		kind, r := zmq4.Router, role(echo{})
		switch ch {
		case wire.Heartbeat:
		case wire.IOPub:
			kind, r = zmq4.Pub, t.iopub
		default:
			t.routers[ch] = newRouter(func(l *link, frames [][]byte) { t.deliver(ch, l, frames) })
			r = t.routers[ch]
		}
		s := newSocket(ch, kind, listeners[i], t.opts, &t.counters, admits)
		t.sockets = append(t.sockets, s)
		s.start(r)
	}
	return t
}

// Connection returns what clients need to connect, with the ports that Listen chose.
func (t *Transport) Connection() Connection { return t.conn }

// Stats returns the counts so far.
func (t *Transport) Stats() Stats { return t.counters.stats() }

// Recv returns the channel of messages from shell, control and stdin, those of each client and channel in
// order. All are well-formed and have a valid signature; others are dropped and counted. The channel is
// closed by Close.
func (t *Transport) Recv() <-chan wire.Incoming { return t.recv }

// Subscriptions returns a channel of subscriptions to iopub. Each is sent once it is in effect, so that an
// answer to it reaches the subscriber. The caller must receive from the channel, or subscribers are held up.
// Nothing comes after Close; the channel is never closed, so that a loop that selects on it need not check.
func (t *Transport) Subscriptions() <-chan wire.Subscription { return t.subs }

func (t *Transport) deliver(ch wire.Channel, l *link, frames [][]byte) {
	m, err := t.signer.Decode(frames)
	if own := t.session.Load(); err == nil && own != nil && m.Header.Session == *own {
		// The kernel's own messages are signed, too: a subscriber could send them back.
		err = fmt.Errorf("%w: it is the kernel's own", wire.ErrReplayed)
	}
	if err != nil {
		t.opts.Log.Log(context.Background(), t.counters.first(t.counters.dropped(err)), "dropped a message",
			"channel", string(ch), "err", err)
		l.refuse(frames)
		return
	}
	l.refused.messages, l.refused.bytes = 0, 0
	l.visitor.authenticate()
	select {
	case t.recv <- wire.Incoming{Channel: ch, Message: m}:
		t.counters.delivered.Add(1)
	case <-t.closing:
	}
}

// Send queues a message: on iopub for every subscriber of its topic, which is its first identity, or only for
// the subscriber that a second identity names, as in a Subscription; on shell, control and stdin for the
// client that its first identity names. It keeps the message's bytes until they are written.
//
// It waits only on iopub, and only while some reader is so far behind that Options.QueueBytes are waiting for
// it; one that takes nothing for Options.Stall is cut off. A disconnected client is not an error. An error
// concerns this message alone: ErrClosed, or one of encoding.
func (t *Transport) Send(ch wire.Channel, m *wire.Message) error {
	frames, err := t.signer.Encode(m)
	if err != nil {
		return fmt.Errorf("send %s on %s: %w", m.Header.MsgType, ch, err)
	}
	if own := t.session.Load(); own == nil || *own != m.Header.Session {
		t.session.Store(&m.Header.Session)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.stopped {
		return fmt.Errorf("send %s on %s: %w", m.Header.MsgType, ch, ErrClosed)
	}
	if ch == wire.IOPub && len(m.Identities) > 1 {
		to := string(frames[1])
		t.iopub.sendTo(to, slices.Delete(frames, 1, 2))
	} else if ch == wire.IOPub {
		t.iopub.send(frames)
	} else if r := t.routers[ch]; r == nil {
		return fmt.Errorf("send %s on %s: no such channel", m.Header.MsgType, ch)
	} else if !r.send(frames) {
		t.counters.astray.Add(1)
		t.opts.Log.Debug("the client of a message is gone", "channel", string(ch), "msg", m.Header.MsgType)
		return nil
	}
	t.counters.sent.Add(1)
	return nil
}

// Close refuses further messages, waits until every peer has taken what was queued for it, and ends all
// connections. It waits at most as Options.Linger and ctx allow. Messages that are left then are lost; if ctx
// ended the wait, the error is ctx's. Calling it again waits for the first call.
func (t *Transport) Close(ctx context.Context) error {
	if !t.begun.CompareAndSwap(false, true) {
		<-t.closed
		return nil
	}
	close(t.closing) // before the lock, so that a waiting Send gives up
	t.mu.Lock()
	t.stopped = true
	t.mu.Unlock()
	for _, s := range t.sockets {
		s.drain()
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for _, s := range t.sockets {
			s.running.Wait()
		}
	}()
	linger := time.NewTimer(t.opts.Linger)
	defer linger.Stop()
	var err error
	select {
	case <-drained:
	case <-linger.C:
	case <-ctx.Done():
		err = fmt.Errorf("close transport: %w", context.Cause(ctx))
	}
	for _, s := range t.sockets {
		s.stop()
	}
	<-drained
	close(t.recv)
	close(t.closed)
	return err
}
