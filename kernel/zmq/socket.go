package zmq

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/go-zeromq/zmq4"

	"interleave/kernel/wire"
)

// A role is what a socket does with its peers. Its methods overlap, each link's own in the order joined,
// message…, left.
type role interface {
	joined(*link)
	message(*link, [][]byte)
	left(*link)
}

// A socket is one listener and its peers. It owns one goroutine that accepts, and those of each connection,
// which begin with the handshake, so that no client waits for a silent one. All have ended when stop returns.
type socket struct {
	channel  wire.Channel
	kind     zmq4.SocketType
	listener net.Listener
	role     role
	opts     Options
	log      *slog.Logger
	counters *counters
	admits   *admission

	closing chan struct{} // closed by drain
	running sync.WaitGroup

	mu     sync.Mutex // guards what follows, and closing's being closed
	raws   map[net.Conn]struct{}
	links  map[*link]struct{}
	ending bool
}

// smallMost bounds a message on iopub, where peers send their subscriptions, and on the heartbeat, in bytes.
const smallMost = 4 << 10

func newSocket(ch wire.Channel, kind zmq4.SocketType, l net.Listener, o Options, c *counters, a *admission) *socket {
	if ch == wire.IOPub || ch == wire.Heartbeat {
		o.MaxMessage = min(o.MaxMessage, smallMost)
	}
	return &socket{
		channel: ch, kind: kind, listener: l, opts: o, counters: c, admits: a,
		log:     o.Log.With("channel", string(ch)),
		closing: make(chan struct{}),
		raws:    make(map[net.Conn]struct{}),
		links:   make(map[*link]struct{}),
	}
}

// start begins to accept.
func (s *socket) start(r role) {
	s.role = r
	s.running.Go(s.accept)
}

func (s *socket) accept() {
	const first, most = 5 * time.Millisecond, time.Second
	var pause time.Duration
	for {
		raw, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of file descriptors, most likely: it passes, but not at once, unless a stranger has one.
			pause = min(max(2*pause, first), most)
			if errors.Is(err, syscall.EMFILE) && s.admits.spare() {
				pause = first
			}
			s.log.Log(context.Background(), s.counters.first(&s.counters.unaccepted), "cannot accept a connection",
				"err", err, "again_in", pause)
			select {
			case <-s.closing:
				return
			case <-time.After(pause):
			}
			continue
		}
		pause = 0
		if !s.admit(raw) {
			raw.Close()
			return
		}
	}
}

// admit serves a connection, unless the socket is ending.
func (s *socket) admit(raw net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return false
	}
	s.raws[raw] = struct{}{}
	v := s.admits.arrive(s.channel, raw)
	s.running.Go(func() { s.serve(raw, v) })
	return true
}

func (s *socket) serve(raw net.Conn, v *visitor) {
	l, err := open(raw, s.kind, nil, v, s.opts)
	s.mu.Lock()
	delete(s.raws, raw)
	ending := s.ending
	if err == nil && !ending {
		s.links[l] = struct{}{}
	}
	s.mu.Unlock()
	peer := raw.RemoteAddr().String()
	switch {
	case ending:
		raw.Close()
		v.leave()
		return
	case err != nil:
		if cause := v.leave(); cause != nil {
			s.crowded(peer, cause)
			return
		}
		s.counters.refused.Add(1)
		s.log.Debug("refused a connection", "peer", peer, "err", err)
		return
	}
	s.role.joined(l)
	v.connect(l.peerID()) // after joined, since a router must know for which links a client vouches
	s.log.Debug("connected", "peer", peer, "id", l.peerID())
	err = l.run(func(frames [][]byte) { s.role.message(l, frames) })
	s.role.left(l)
	s.mu.Lock()
	delete(s.links, l)
	s.mu.Unlock()

	if cause := v.leave(); cause != nil {
		s.crowded(peer, cause)
	} else if count := s.counters.ended(err); count != nil {
		s.log.Log(context.Background(), s.counters.first(count), "connection cut", "peer", peer, "err", err)
	} else {
		s.log.Debug("disconnected", "peer", peer, "err", err)
	}
}

// crowded counts a connection that the admission has ended.
func (s *socket) crowded(peer string, why error) {
	s.log.Log(context.Background(), s.counters.first(&s.counters.crowded), "connection dropped", "peer", peer, "err", why)
}

// drain stops accepting and lets each link end once its peer has received everything that was queued, and has
// hung up.
func (s *socket) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return
	}
	s.ending = true
	close(s.closing)
	s.listener.Close()
	for raw := range s.raws {
		raw.Close()
	}
	for l := range s.links {
		l.out.finish()
	}
}

// stop ends the links that drain has not ended, and waits for every goroutine.
func (s *socket) stop() {
	s.drain()
	s.mu.Lock()
	links := make([]*link, 0, len(s.links))
	for l := range s.links {
		links = append(links, l)
	}
	s.mu.Unlock()
	for _, l := range links {
		l.close(nil)
	}
	s.running.Wait()
}
