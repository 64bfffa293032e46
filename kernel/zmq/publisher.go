package zmq

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"

	"interleave/kernel/wire"
)

// A publisher is the role of iopub: every message goes to each peer that subscribed to its topic, in one
// order for all.
//
// The messages that wait for peers share their bytes, so that memory is bounded by about one outbox's limit,
// however many peers there are. When the slowest peer's outbox is full, send waits; the peer is cut off when
// it takes nothing for the stall limit. A peer that reads, however slowly, loses nothing. The publisher waits
// for strangers only while there are no other subscribers; otherwise a stranger whose outbox is full is cut
// off at once.
type publisher struct {
	stall    time.Duration
	closing  <-chan struct{}
	announce chan<- wire.Subscription // their receiver must not stop before closing

	order sync.Mutex // held by send; separate from mu, since it is held during waits

	mu   sync.Mutex
	subs map[*link]*subscriber
	made uint64 // subscribers so far
}

// A subscriber is what one peer has subscribed to. Its methods are called under the publisher's mu.
type subscriber struct {
	id      string // its name in announcements
	topics  []subscribed
	changes int
}

// A subscribed topic counts how often it was: the peer must unsubscribe as often.
type subscribed struct {
	topic string
	times int
}

func newPublisher(stall time.Duration, closing <-chan struct{}, announce chan<- wire.Subscription) *publisher {
	return &publisher{stall: stall, closing: closing, announce: announce, subs: make(map[*link]*subscriber)}
}

func (p *publisher) joined(l *link) {
	p.mu.Lock()
	p.made++
	p.subs[l] = &subscriber{id: strconv.FormatUint(p.made, 10)}
	p.mu.Unlock()
	// A peer of ZMTP 3.1 may subscribe by commands; one of 3.0 sends messages. The hook is set before the
	// first frame is read.
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

// Limits for one peer. Clients subscribe to one topic or a few, once.
const (
	topicsMost  = 64
	topicMost   = 255  // bytes; the kernel's topics have some 60
	changesMost = 4096 // subscriptions and cancellations
)

// subscribe announces the topic once it is in effect, so that an answer to the announcement reaches l.
func (p *publisher) subscribe(l *link, topic string) {
	p.mu.Lock()
	s := p.subs[l]
	s.add(topic)
	id, topics, changes := s.id, len(s.topics), s.changes
	p.mu.Unlock()
	if topics > topicsMost || len(topic) > topicMost || changes > changesMost {
		l.close(breach("subscription %d to topic %d, of %d bytes", changes, topics, len(topic)))
		return
	}
	l.visitor.use()
	select {
	case p.announce <- wire.Subscription{Topic: topic, Peer: []byte(id)}:
	case <-p.closing:
	}
}

func (p *publisher) cancel(l *link, topic string) {
	p.mu.Lock()
	s := p.subs[l]
	s.remove(topic)
	changes := s.changes
	p.mu.Unlock()
	if changes > changesMost {
		l.close(breach("cancellation %d", changes))
	}
}

func (s *subscriber) find(topic string) int {
	return slices.IndexFunc(s.topics, func(t subscribed) bool { return t.topic == topic })
}

func (s *subscriber) add(topic string) {
	s.changes++
	if i := s.find(topic); i >= 0 {
		s.topics[i].times++
	} else {
		s.topics = append(s.topics, subscribed{topic, 1})
	}
}

func (s *subscriber) remove(topic string) {
	s.changes++
	if i := s.find(topic); i >= 0 {
		if s.topics[i].times--; s.topics[i].times == 0 {
			s.topics = slices.Delete(s.topics, i, i+1)
		}
	}
}

func (s *subscriber) wants(topic string) bool {
	return slices.ContainsFunc(s.topics, func(t subscribed) bool { return strings.HasPrefix(topic, t.topic) })
}

// send queues a message for all subscribers of its topic. It returns at once while every outbox has room.
func (p *publisher) send(frames [][]byte) {
	p.order.Lock()
	defer p.order.Unlock()
	it := newItem(frames)
	links, clients := p.wanting(string(frames[0]))
	var slow []*link
	for _, l := range links {
		switch {
		case l.out.push(it):
		case clients > 0 && l.visitor.stranger():
			l.close(stalled(strangers))
		default:
			slow = append(slow, l) // after the others
		}
	}
	if len(slow) > 0 {
		pushAll(slow, it, p.stall, p.closing)
	}
}

// sendTo queues a message for the subscriber with this id, unless it is gone or has no room.
func (p *publisher) sendTo(id string, frames [][]byte) {
	p.order.Lock()
	defer p.order.Unlock()
	p.mu.Lock()
	var to *link
	for l, s := range p.subs {
		if s.id == id {
			to = l
		}
	}
	p.mu.Unlock()
	if to != nil {
		to.out.push(newItem(frames))
	}
}

// wanting returns the links that subscribed to a topic, and how many of them are not strangers.
func (p *publisher) wanting(topic string) (links []*link, clients int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	links = make([]*link, 0, len(p.subs))
	for l, s := range p.subs {
		if s.wants(topic) {
			links = append(links, l)
			if !l.visitor.stranger() {
				clients++
			}
		}
	}
	return links, clients
}
