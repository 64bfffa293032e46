package zmq

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
)

// A router is the role of shell, control and stdin: incoming messages are marked with their peer's identity,
// outgoing ones are sent to the peer that they name. Each peer has its own outbox, so that no peer waits for
// another.
//
// Of several peers with one identity the newest that has authenticated gets the answers: it is the one that
// reconnected, while the others may be dead connections whose end was never reported. They are still read,
// and get the answers again when the newest leaves. Closing them would make two clients that really share an
// identity disconnect each other for ever, as libzmq reconnects. Those that are newer and have not
// authenticated get the answers as well: each may be a client that has just reconnected, or a stranger that
// wants the client's answers and must not take them away.
type router struct {
	deliver func(l *link, frames [][]byte)

	mu    sync.Mutex
	peers map[string][]*link // by identity, oldest first
	ids   map[*link]string
	made  atomic.Uint32
}

func newRouter(deliver func(*link, [][]byte)) *router {
	return &router{deliver: deliver, peers: make(map[string][]*link), ids: make(map[*link]string)}
}

func (r *router) joined(l *link) {
	id := l.peerID()
	if id == "" {
		// As libzmq does it: clients cannot choose an identity that begins with zero.
		id = string(binary.BigEndian.AppendUint32([]byte{0}, r.made.Add(1)))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids[l] = id
	r.peers[id] = append(r.peers[id], l)
}

func (r *router) left(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := r.ids[l]
	delete(r.ids, l)
	rest := slices.DeleteFunc(r.peers[id], func(p *link) bool { return p == l })
	if r.peers[id] = rest; len(rest) == 0 {
		delete(r.peers, id)
	}
}

func (r *router) message(l *link, frames [][]byte) {
	r.mu.Lock()
	id := r.ids[l]
	r.mu.Unlock()
	r.deliver(l, append([][]byte{[]byte(id)}, frames...))
}

// send queues a message for the peer that its first frame names, and reports whether there is such a peer. It
// never waits. A peer whose outbox is full is cut off: it has asked for more than it reads.
func (r *router) send(frames [][]byte) (sent bool) {
	r.mu.Lock()
	links := slices.Clone(r.peers[string(frames[0])])
	r.mu.Unlock()
	for i := len(links) - 1; i >= 0; i-- {
		if links[i].visitor.authenticated() {
			links = links[i:]
			break
		}
	}
	for _, l := range links {
		if l.out.push(newItem(frames[1:])) {
			sent = true
		} else {
			l.close(stalled(l.out.most))
		}
	}
	return sent
}

// An echo is the role of the heartbeat: every peer gets back what it sends. A peer that only sends is cut off
// when its outbox is full; nothing else ends it.
type echo struct{}

func (echo) joined(*link) {}
func (echo) left(*link)   {}

func (echo) message(l *link, frames [][]byte) {
	l.visitor.use()
	if it := newItem(frames); !l.out.push(it) {
		l.close(stalled(l.out.most))
	}
}
