package zmq

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/go-zeromq/zmq4"

	"interleave/kernel/wire"
)

// A Peer is a client's side of the five sockets: DEALERs for shell, control and stdin, with one identity so
// that a kernel can route its input requests, a SUB for iopub, a REQ for the heartbeat. Its methods may
// overlap.
//
// It does not reconnect: when a connection is lost, all end soon, Recv is closed, and Err returns the reason.
// It owns two goroutines for each connection and one that waits for them; all have ended when Close returns.
type Peer struct {
	opts     Options
	signer   *wire.Signer
	counters counters
	links    map[wire.Channel]*link
	recv     chan wire.Incoming
	closing  chan struct{} // closed by Close
	done     chan struct{} // closed when all links have ended, after recv

	mu      sync.Mutex
	closed  bool
	ending  *time.Timer // closes links that do not end by themselves; nil while no link was lost
	lost    error
	sending sync.Mutex // held by Send; not mu, since it may wait
	beating sync.Mutex // held by Ping
	beats   uint64     // guarded by beating
	echoes  chan [][]byte
}

// Dial connects to a kernel. While the address has no listener, as just after the start of a kernel, or
// connections are reset, it tries again until ctx ends. It subscribes to all of iopub; the kernel's
// iopub_welcome, if it sends one, confirms it. ctx bounds this call, not the life of the peer.
func Dial(ctx context.Context, c Connection) (*Peer, error) {
	c, err := c.normal()
	if err != nil {
		return nil, fmt.Errorf("connect to the kernel: %w", err)
	}
	signer, err := wire.NewSigner(c.SignatureScheme, []byte(c.Key))
	if err != nil {
		return nil, fmt.Errorf("connect to the kernel: %w", err)
	}
	p := &Peer{
		opts: Options{}.normal(), signer: signer,
		links:   make(map[wire.Channel]*link),
		recv:    make(chan wire.Incoming, 16), // as Transport's
		echoes:  make(chan [][]byte, 1),       // the newest
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	id := []byte("interleave-" + rand.Text())
	for _, ch := range channels {
		l, err := p.connect(ctx, c, ch, id)
		if err != nil {
			for _, l := range p.links {
				l.close(nil)
			}
			return nil, err
		}
		p.links[ch] = l
	}
	p.links[wire.IOPub].out.push(newItem([][]byte{{1}})) // one: subscribe; no bytes after it: to everything
	var running sync.WaitGroup
	for ch, l := range p.links {
		running.Go(func() {
			p.end(ch, l.run(func(frames [][]byte) { p.message(ch, frames) }))
		})
	}
	go func() {
		running.Wait()
		p.mu.Lock()
		p.ending.Stop()
		p.mu.Unlock()
		close(p.recv)
		close(p.done)
	}()
	return p, nil
}

// connect tries again when the kernel ends the connection before it has answered: a kernel that is flooded
// with connections drops some that are not ready.
func (p *Peer) connect(ctx context.Context, c Connection, ch wire.Channel, id []byte) (*link, error) {
	kind := zmq4.Dealer
	switch ch {
	case wire.IOPub:
		kind = zmq4.Sub
	case wire.Heartbeat:
		kind = zmq4.Req
	}
	for {
		raw, err := dial(ctx, c, ch)
		if err != nil {
			return nil, err
		}
		stop := context.AfterFunc(ctx, func() { raw.Close() })
		l, err := open(raw, kind, id, nil, p.opts)
		if !stop() && err == nil {
			l.close(nil)
			err = context.Cause(ctx)
		}
		switch {
		case err == nil:
			return l, nil
		case ctx.Err() == nil && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)):
			continue
		}
		return nil, fmt.Errorf("connect to %s on %s: %w", ch, c.Endpoint(ch), err)
	}
}

// end records that a link is over. The kernel ends its connections one by one, each when it is drained, so
// that the others get time to deliver what was sent on them.
func (p *Peer) end(ch wire.Channel, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending != nil {
		return
	}
	if why != nil && !p.closed {
		p.lost = fmt.Errorf("connection of %s lost: %w", ch, why)
	}
	p.ending = time.AfterFunc(p.opts.Linger, p.closeLinks)
}

func (p *Peer) closeLinks() {
	for _, l := range p.links {
		l.close(nil)
	}
}

func (p *Peer) message(ch wire.Channel, frames [][]byte) {
	if ch == wire.Heartbeat {
		select {
		case <-p.echoes: // for an earlier Ping, which gave up
		default:
		}
		p.echoes <- frames
		return
	}
	m, err := p.signer.Decode(frames)
	if err != nil {
		p.counters.dropped(err).Add(1)
		return
	}
	select {
	case p.recv <- wire.Incoming{Channel: ch, Message: m}:
		p.counters.delivered.Add(1)
	case <-p.closing:
	}
}

// Recv returns the channel of messages from shell, control, stdin and iopub, those of each in order, and only
// with valid signatures. The caller must receive from it. It is closed when a connection is lost, or by
// Close.
func (p *Peer) Recv() <-chan wire.Incoming { return p.recv }

// Err returns which connection was lost and why, once Recv is closed; nil after Close.
func (p *Peer) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// Stats returns counts of what was received, sent and dropped.
func (p *Peer) Stats() Stats { return p.counters.stats() }

// Send queues a message for the kernel's shell, control or stdin. It keeps the message's bytes until they are
// written. It waits only while too much is queued; when the kernel then reads nothing for five seconds, the
// peer gives up and closes Recv.
func (p *Peer) Send(ch wire.Channel, m *wire.Message) error {
	l := p.links[ch]
	if l == nil || ch == wire.IOPub || ch == wire.Heartbeat {
		return fmt.Errorf("send %s on %s: clients cannot", m.Header.MsgType, ch)
	}
	frames, err := p.signer.Encode(m)
	if err != nil {
		return fmt.Errorf("send %s on %s: %w", m.Header.MsgType, ch, err)
	}
	p.mu.Lock()
	over := p.closed || p.ending != nil
	p.mu.Unlock()
	if over {
		return fmt.Errorf("send %s on %s: %w", m.Header.MsgType, ch, ErrClosed)
	}
	p.sending.Lock()
	defer p.sending.Unlock()
	if it := newItem(frames); !l.out.push(it) {
		pushAll([]*link{l}, it, p.opts.Stall, p.closing)
	}
	p.counters.sent.Add(1)
	return nil
}

// Ping asks the heartbeat for a sign of life and waits for it until ctx ends or the connection does.
func (p *Peer) Ping(ctx context.Context) error {
	p.beating.Lock()
	defer p.beating.Unlock()
	p.beats++
	beat := strconv.AppendUint(nil, p.beats, 10)
	p.links[wire.Heartbeat].out.push(newItem([][]byte{{}, beat})) // the empty frame is REQ's
	for {
		select {
		case frames := <-p.echoes:
			if len(frames) == 2 && bytes.Equal(frames[1], beat) {
				return nil
			}
		case <-p.done:
			return fmt.Errorf("heartbeat: %w", errors.Join(ErrClosed, p.Err()))
		case <-ctx.Done():
			return fmt.Errorf("heartbeat: %w", context.Cause(ctx))
		}
	}
}

// Close sends what is queued, for a second at most, and ends the connections. It may be called more than once.
func (p *Peer) Close() error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	if first {
		close(p.closing)
		for _, l := range p.links {
			l.out.finish()
		}
		linger := time.AfterFunc(p.opts.Linger, p.closeLinks)
		defer linger.Stop()
	}
	<-p.done
	return nil
}
