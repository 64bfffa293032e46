// Package inproc joins a kernel and its clients inside one process. It satisfies kernel.Transport on one side
// and client.Peer on the other. Every message goes through the same encoding and signatures as over sockets,
// so that a headless run takes the same path as Jupyter. It handles frames as bytes and does not know what
// messages mean.
package inproc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"interleave/kernel/wire"
)

// ErrClosed is returned when a message is sent from or to a closed end.
var ErrClosed = errors.New("in-memory transport is closed")

// depth is how many messages may wait for a reader. It is small, because stream messages are large and their
// sender should wait.
const depth = 16

// A Transport is the kernel's end. It starts no goroutine.
type Transport struct {
	signer *wire.Signer
	log    *slog.Logger
	in     chan wire.Incoming
	subs   chan wire.Subscription
	done   chan struct{} // closed by Close

	mu      sync.Mutex
	closed  bool
	senders sync.WaitGroup // peers inside deliver; closing in waits for them
	peers   []*Peer
	made    int
	dropped atomic.Uint64
}

// New makes a transport with a signing key of its own. A nil logger means silent.
func New(log *slog.Logger) *Transport {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	signer, err := wire.NewSigner("hmac-sha256", []byte(rand.Text()))
	if err != nil {
		panic(err) // the scheme is known
	}
	return &Transport{
		signer: signer,
		log:    log,
		in:     make(chan wire.Incoming, depth),
		subs:   make(chan wire.Subscription, depth),
		done:   make(chan struct{}),
	}
}

// Connect makes a client's end, which is subscribed to everything that is published from now on.
func (t *Transport) Connect() (*Peer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, ErrClosed
	}
	t.made++
	p := &Peer{
		t:        t,
		identity: fmt.Appendf(nil, "inproc-%d", t.made),
		in:       make(chan wire.Incoming, depth),
		done:     make(chan struct{}),
	}
	t.peers = append(t.peers, p)
	select {
	case t.subs <- wire.Subscription{Peer: p.identity}:
	default: // the kernel does not read subscriptions, so it sends no welcome
	}
	return p, nil
}

// Recv returns the channel of messages from clients.
func (t *Transport) Recv() <-chan wire.Incoming { return t.in }

// Subscriptions returns a channel that gets an empty topic for each Connect.
func (t *Transport) Subscriptions() <-chan wire.Subscription { return t.subs }

// Dropped returns the number of malformed or unsigned messages that came in.
func (t *Transport) Dropped() uint64 { return t.dropped.Load() }

// Send sends to the peer that the first of m's Identities names, on IOPub to the peer that the second names,
// or to all. It waits while a peer's queue is full and the peer is open: a client in the same process is
// trusted to read or to close.
func (t *Transport) Send(ch wire.Channel, m *wire.Message) error {
	frames, err := t.signer.Encode(m)
	if err != nil {
		return err
	}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return ErrClosed
	}
	to := slices.Clone(t.peers)
	t.mu.Unlock()
	at := 0 // which identity is the peer's
	if ch == wire.IOPub {
		at = 1
	} else if len(m.Identities) == 0 {
		return fmt.Errorf("%s on %s has no identity to go to", m.Header.MsgType, ch)
	}
	if at < len(m.Identities) {
		to = slices.DeleteFunc(to, func(p *Peer) bool { return string(p.identity) != string(m.Identities[at]) })
		frames = slices.Delete(frames, at, at+1)
	}
	for _, p := range to {
		if err := p.deliver(ch, frames); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the transport. Queued messages stay readable at the peers' ends, whose Recv is closed behind
// them, so that there is nothing to wait for.
func (t *Transport) Close(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	close(t.done)
	t.senders.Wait()
	close(t.in)
	for _, p := range t.peers {
		p.hangUp()
	}
	t.peers = nil
	return nil
}

// sendFrames hands the kernel's end raw frames, without the peer's identity: well-formed or not, signed or not.
// A refused message is logged and counted, as over sockets.
func (t *Transport) sendFrames(identity []byte, ch wire.Channel, frames [][]byte, gone <-chan struct{}) error {
	m, err := t.signer.Decode(append([][]byte{identity}, frames...))
	if err != nil {
		t.dropped.Add(1)
		t.log.Warn("message dropped", "channel", ch, "err", err)
		return nil
	}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return ErrClosed
	}
	t.senders.Add(1)
	t.mu.Unlock()
	defer t.senders.Done()
	select {
	case t.in <- wire.Incoming{Channel: ch, Message: m}:
		return nil
	case <-t.done:
	case <-gone:
	}
	return ErrClosed
}
