package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"interleave/runtime/quantity"
)

// A Broadcast hands each published value to every subscriber: publish and subscribe, within a process.
type Broadcast[T any] struct {
	policy Policy

	publishing chan struct{} // holds a token while a Publish runs, so that all subscribers see the same order
	over       chan struct{} // closed by Close

	mu     sync.Mutex
	subs   []*Subscription[T]
	closed bool // and so are the channels of the subscriptions
}

// A Policy determines what a broadcast does when a subscriber's buffer is full.
type Policy int

const (
	Block      Policy = iota // Publish waits for the subscriber
	DropOldest               // the subscriber loses what it has not read for longest
	DropNewest               // the subscriber does not get the new value
)

// ErrClosed is the error of using what was closed.
var ErrClosed = errors.New("closed")

// NewBroadcast returns a broadcast without subscribers.
func NewBroadcast[T any](policy Policy) *Broadcast[T] {
	if policy < Block || policy > DropNewest {
		panic(misuse("lab.NewBroadcast", "policy %d: need Block, DropOldest or DropNewest", int(policy)))
	}
	return &Broadcast[T]{policy: policy, publishing: make(chan struct{}, 1), over: make(chan struct{})}
}

// A Subscription is one reader's part of a broadcast.
type Subscription[T any] struct {
	b       *Broadcast[T]
	values  chan T
	left    chan struct{} // closed by Cancel
	once    sync.Once
	mu      sync.Mutex
	dropped int
}

// Subscribe returns a subscription to all values that are published from now on, with room for buffer unread
// values.
func (b *Broadcast[T]) Subscribe(buffer int) *Subscription[T] {
	if buffer < 1 && b.policy != Block || buffer < 0 {
		panic(misuse("lab.Broadcast.Subscribe", "buffer %d: need at least 1, or 0 with Block", buffer))
	}
	if b.over == nil {
		panic(zero("lab.Broadcast.Subscribe", "broadcast", "lab.NewBroadcast"))
	}
	s := &Subscription[T]{b: b, values: make(chan T, buffer), left: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		close(s.values)
		return s
	}
	b.subs = append(b.subs, s)
	return s
}

// Publish hands v to all subscribers. With [Block] it waits for them until ctx ends or the broadcast is
// closed; those before the one that was not ready have v then. A goroutine that reads a subscription must not
// publish to the same broadcast with [Block]: it would wait for itself.
func (b *Broadcast[T]) Publish(ctx context.Context, v T) error {
	if err := checkContext("lab.Broadcast.Publish", ctx); err != nil {
		return err
	}
	if b.over == nil {
		return zero("lab.Broadcast.Publish", "broadcast", "lab.NewBroadcast")
	}
	if err := canceled(ctx); err != nil {
		return err
	}
	select {
	case b.publishing <- struct{}{}:
		defer func() { <-b.publishing }()
	case <-b.over:
	case <-ctx.Done():
		return canceled(ctx)
	}
	if isClosed(b.over) {
		return errPublish
	}
	b.mu.Lock()
	subs := slices.Clone(b.subs)
	b.mu.Unlock()
	for _, s := range subs {
		if err := s.offer(ctx, b.policy, v); err != nil {
			return err
		}
	}
	return nil
}

var errPublish = fmt.Errorf("lab.Broadcast.Publish: %w", ErrClosed)

func (s *Subscription[T]) offer(ctx context.Context, policy Policy, v T) error {
	if isClosed(s.left) {
		return nil
	}
	if policy == Block {
		select {
		case s.values <- v: // a reader that is ready gets v even when ctx has ended
			return nil
		default:
		}
		select {
		case s.values <- v:
		case <-s.left:
		case <-s.b.over:
			return errPublish
		case <-ctx.Done():
			return canceled(ctx)
		}
		return nil
	}
	for { // only Publish sends, one at a time: room that a reader makes stays
		select {
		case s.values <- v:
			return nil
		default:
		}
		if policy == DropOldest {
			select {
			case <-s.values:
			default:
				continue // a reader was quicker
			}
		}
		s.mu.Lock()
		s.dropped++
		s.mu.Unlock()
		if policy == DropNewest {
			return nil
		}
	}
}

// Close ends the broadcast: subscribers read what they have, and then find their channels closed. A Publish
// that waits for a subscriber fails. Closing again does nothing.
func (b *Broadcast[T]) Close() {
	if b.over == nil {
		panic(zero("lab.Broadcast.Close", "broadcast", "lab.NewBroadcast"))
	}
	b.mu.Lock()
	if !isClosed(b.over) {
		close(b.over)
	}
	b.mu.Unlock()
	b.publishing <- struct{}{} // wait until no Publish is sending
	defer func() { <-b.publishing }()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.subs {
		close(s.values)
	}
	b.subs, b.closed = nil, true
}

// C returns the channel of values, to range over or select on. It is closed when the broadcast is.
func (s *Subscription[T]) C() <-chan T { return s.values }

// Next waits for the next value. The error is [ErrClosed] when there will be no further values. As with
// [Queue.Get], a context that has ended takes no value.
func (s *Subscription[T]) Next(ctx context.Context) (T, error) {
	var zero T
	if err := checkContext("lab.Subscription.Next", ctx); err != nil {
		return zero, err
	}
	if err := canceled(ctx); err != nil {
		return zero, err
	}
	if isClosed(s.left) {
		return zero, ErrClosed
	}
	select {
	case v, ok := <-s.values:
		return s.read(v, ok)
	case <-s.left:
		return zero, ErrClosed
	case <-ctx.Done():
	}
	select {
	case v, ok := <-s.values:
		return s.read(v, ok)
	default:
		return zero, canceled(ctx)
	}
}

// read is what a receive from the channel means.
func (s *Subscription[T]) read(v T, ok bool) (T, error) {
	if !ok {
		return v, ErrClosed
	}
	return v, nil
}

// Dropped returns how many values this subscriber has lost because it did not read in time.
func (s *Subscription[T]) Dropped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Cancel ends the subscription. Its channel stays open and gets nothing more.
func (s *Subscription[T]) Cancel() {
	s.once.Do(func() { close(s.left) })
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	s.b.subs = slices.DeleteFunc(s.b.subs, func(o *Subscription[T]) bool { return o == s })
}

// String shows the number of subscribers.
func (b *Broadcast[T]) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return "broadcast, closed"
	}
	return "broadcast to " + quantity.Plural(len(b.subs), "subscriber")
}

// String shows how many values wait to be read.
func (s *Subscription[T]) String() string {
	return fmt.Sprintf("subscription, %d unread, %d dropped", len(s.values), s.Dropped())
}
