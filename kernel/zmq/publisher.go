package zmq

import (
	"strings"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
)

// A publisher is the role of iopub: every message goes to each peer that subscribed to its topic, in one order for all.
//
// The messages that wait for peers share their bytes, so that memory is bounded by one outbox's limit, about, however many peers there
// are. When the slowest peer's outbox is full, send waits; the peer is cut off when it takes nothing for the stall limit. A peer that
// reads, however slowly, loses nothing.
type publisher struct {
	stall    time.Duration
	closing  <-chan struct{}
	announce chan<- string // new subscriptions; their receiver must not stop before closing

	order sync.Mutex // held by send; waits are under it, so that it is not mu

	mu   sync.Mutex
	subs map[*link]map[string]int // how often each peer subscribed to a topic: it must unsubscribe as often
}

func newPublisher(stall time.Duration, closing <-chan struct{}, announce chan<- string) *publisher {
	return &publisher{stall: stall, closing: closing, announce: announce, subs: make(map[*link]map[string]int)}
}

func (p *publisher) joined(l *link) {
	p.mu.Lock()
	p.subs[l] = make(map[string]int)
	p.mu.Unlock()
	// A peer of ZMTP 3.1 may subscribe by commands; one of 3.0 sends messages. The hook is set before the first frame is read.
	pong := l.guard.command
	l.guard.command = func(name string, body []byte) {
		switch name {
		case zmq4.CmdSubscribe:
			p.subscribe(l, string(body))
		case zmq4.CmdCancel:
			p.cancel(l, string(body))
		default:
			pong(name, body)
		}
	}
}

func (p *publisher) left(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.subs, l)
}

func (p *publisher) message(l *link, frames [][]byte) {
	if f := frames[0]; len(frames) == 1 && len(f) > 0 {
		switch f[0] {
		case 1:
			p.subscribe(l, string(f[1:]))
		case 0:
			p.cancel(l, string(f[1:]))
		}
	}
}

// What one peer may have us remember.
const (
	topicsMost = 1000
	topicMost  = 4 << 10 // bytes
)

// subscribe announces the topic once it counts, so that an answer to the announcement reaches l.
func (p *publisher) subscribe(l *link, topic string) {
	p.mu.Lock()
	p.subs[l][topic]++
	tooMany := len(p.subs[l]) > topicsMost
	p.mu.Unlock()
	if tooMany || len(topic) > topicMost {
		l.close(breach("subscription %d to a topic of %d bytes", topicsMost, len(topic)))
		return
	}
	select {
	case p.announce <- topic:
	case <-p.closing:
	}
}

func (p *publisher) cancel(l *link, topic string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.subs[l][topic]--; p.subs[l][topic] <= 0 {
		delete(p.subs[l], topic)
	}
}

// send queues a message for all who want it. It returns at once while every outbox has room.
func (p *publisher) send(frames [][]byte) {
	p.order.Lock()
	defer p.order.Unlock()
	it := newItem(frames)
	var slow []*link
	for _, l := range p.wanting(string(frames[0])) {
		if !l.out.push(it) {
			slow = append(slow, l) // after those that are not
		}
	}
	if len(slow) > 0 {
		pushAll(slow, it, p.stall, p.closing)
	}
}

func (p *publisher) wanting(topic string) []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := make([]*link, 0, len(p.subs))
	for l, topics := range p.subs {
		for prefix := range topics {
			if strings.HasPrefix(topic, prefix) {
				links = append(links, l)
				break
			}
		}
	}
	return links
}
