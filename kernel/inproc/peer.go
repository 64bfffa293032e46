package inproc

import (
	"slices"
	"sync"

	"interleave/kernel/wire"
)

// A Peer is one client's end. Its methods may overlap.
type Peer struct {
	t        *Transport
	identity []byte
	in       chan wire.Incoming
	done     chan struct{} // closed by Close: in is not read any longer

	mu     sync.Mutex // held while in is sent on or closed
	closed bool       // in is closed
	once   sync.Once
}

// Send sends a message to the kernel. It waits while the kernel's queue is full.
func (p *Peer) Send(ch wire.Channel, m *wire.Message) error {
	out := *m
	out.Identities = nil // the transport sets them
	frames, err := p.t.signer.Encode(&out)
	if err != nil {
		return err
	}
	return p.SendFrames(ch, frames)
}

// SendFrames sends frames as they are, for tests of what a well-behaved client never sends. Frames that are
// not a signed message are dropped and counted at the kernel's end; that is not an error here.
func (p *Peer) SendFrames(ch wire.Channel, frames [][]byte) error {
	return p.t.sendFrames(p.identity, ch, frames, p.done)
}

// Encode returns the frames that Send sends for m, signed with the transport's key.
func (p *Peer) Encode(m *wire.Message) ([][]byte, error) { return p.t.signer.Encode(m) }

// Recv returns the channel of the kernel's messages, of all channels in one order. It is closed after Close
// of either end, behind what was sent before.
func (p *Peer) Recv() <-chan wire.Incoming { return p.in }

// Close ends this peer alone. Messages it has not read are lost.
func (p *Peer) Close() error {
	p.once.Do(func() {
		close(p.done)
		p.t.mu.Lock()
		p.t.peers = slices.DeleteFunc(p.t.peers, func(q *Peer) bool { return q == p })
		p.t.mu.Unlock()
		p.hangUp()
	})
	return nil
}

// deliver decodes frames into the peer's queue. A disconnected peer is not an error.
func (p *Peer) deliver(ch wire.Channel, frames [][]byte) error {
	m, err := p.t.signer.Decode(frames)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	select {
	case p.in <- wire.Incoming{Channel: ch, Message: m}:
	case <-p.done:
	}
	return nil
}

// hangUp closes the queue.
func (p *Peer) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		close(p.in)
	}
}
