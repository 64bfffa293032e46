package zmq

import (
	"slices"
	"sync"
	"time"
)

// An item is one message, or one command, on its way to one peer. Its frames may be shared with other peers.
type item struct {
	frames  [][]byte
	command string // "": a message; otherwise frames[0] is the command's body
	size    int
}

// itemCost is what an item costs in memory besides its bytes, about: without it, small messages would be free.
const itemCost = 128

func newItem(frames [][]byte) item {
	size := itemCost
	for _, f := range frames {
		size += len(f)
	}
	return item{frames: frames, size: size}
}

// An outbox is the queue of items for one peer: in order, bounded in bytes, with one writer that takes from
// it. Its methods may overlap, but only one goroutine at a time may wait for room.
type outbox struct {
	most    int // bytes, unless a single message is larger
	visitor *visitor

	mu       sync.Mutex
	items    []item
	commands []item // overtake messages, so that a PING is answered before a backlog
	size     int    // of items, and of those being written
	finished bool   // nothing is added any longer; the writer ends when all is written
	closed   bool   // what is left is lost
	idle     int    // slices of waiting since the peer last took something
	moved    int    // bytes written since idle was set to 0

	wake chan struct{} // to the writer: there is work, or an end. Buffered, so that a signal is never lost
	room chan struct{} // to the goroutine that waits: something was written. Buffered for the same reason
}

const (
	batchMost   = 1 << 20  // bytes that the writer takes at a time, unless a single message is larger
	aliveBytes  = 64 << 10 // bytes that a peer must take now and then to count as reading
	strangers   = 8 << 20  // bytes that may wait for a stranger, unless the limit is lower
	commandsMax = 64       // unanswered commands; a peer that sends more of them than it reads gets fewer answers
)

func newOutbox(most int, v *visitor) *outbox {
	return &outbox{most: most, visitor: v, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// push adds an item, or reports that there is no room. A closed outbox takes everything: the peer is gone.
func (o *outbox) push(it item) bool { return o.add(it, false) }

// add is push, or with force goes beyond the limit.
func (o *outbox) add(it item, force bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.finished {
		return true
	}
	if !force && !o.fits(it.size) {
		return false
	}
	if o.size == 0 {
		o.idle, o.moved = 0, 0
	}
	o.items = append(o.items, it)
	o.size += it.size
	o.visitor.queue(it.size)
	signal(o.wake)
	return true
}

// fits holds mu.
func (o *outbox) fits(size int) bool {
	most := o.most
	if o.visitor.stranger() {
		most = min(most, strangers)
	}
	return o.size == 0 || o.size+size <= most
}

func (o *outbox) pushCommand(name string, body []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.commands) < commandsMax && !o.closed {
		o.commands = append(o.commands, item{frames: [][]byte{body}, command: name})
		signal(o.wake)
	}
}

// A peer has stalled after this many slices of the stall limit in which a sender waited and the peer took
// nothing. Slices are counted rather than time, so that a peer is not blamed for the time that this process
// did not run because it was stopped or the machine was busy.
const stallSlices = 8

// pushAll adds an item to each link's outbox once it has room, and closes the links that stall. It returns
// when all links are done. When stop is closed it adds the item regardless of room.
func pushAll(links []*link, it item, stall time.Duration, stop <-chan struct{}) {
	ticker := time.NewTicker(max(stall/stallSlices, 1))
	defer ticker.Stop()
	for {
		links = slices.DeleteFunc(links, func(l *link) bool { return l.out.push(it) })
		if len(links) == 0 {
			return
		}
		select {
		case <-links[0].out.room:
		case <-ticker.C:
			for _, l := range links {
				if l.out.idles() {
					l.close(stalled(l.out.most))
				}
			}
		case <-stop:
			for _, l := range links {
				l.out.add(it, true)
			}
			return
		}
	}
}

// idles records that a slice has passed, and reports whether it was one too many.
func (o *outbox) idles() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.idle++
	return o.idle > stallSlices
}

// strangerDelay is how long published messages wait for more before they are written to a stranger. A system
// call for each message and each of some hundred strangers would cost more than the cell that prints them.
// Larger amounts are written at once.
const (
	strangerDelay = 20 * time.Millisecond
	worthCall     = 64 << 10 // bytes
)

// take returns the next items in order to the writer, waiting for the first. It returns false at the end.
func (o *outbox) take(into []item) ([]item, bool) {
	for delayed := false; ; {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return into, false
		}
		if len(o.items) > 0 && o.size < worthCall && !delayed && !o.finished && o.visitor.subscribing() {
			o.mu.Unlock()
			delayed = true
			time.Sleep(strangerDelay)
			continue
		}
		into = append(into, o.commands...)
		o.commands = nil
		n, size := 0, 0
		for n < len(o.items) && (n == 0 || size+o.items[n].size <= batchMost) {
			size += o.items[n].size
			n++
		}
		into = append(into, o.items[:n]...)
		clear(o.items[:n])
		if o.items = o.items[n:]; len(o.items) == 0 {
			o.items = nil
		}
		finished := o.finished
		o.mu.Unlock()
		if len(into) > 0 {
			return into, true
		}
		if finished {
			return into, false
		}
		<-o.wake
	}
}

// wrote records that the peer took n bytes.
func (o *outbox) wrote(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.moved += n; o.moved >= aliveBytes {
		o.idle, o.moved = 0, 0
	}
}

// done records that items of this size in total are written.
func (o *outbox) done(size int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.visitor.queue(-size)
	if o.size -= size; o.size == 0 {
		o.idle, o.moved = 0, 0
	}
	signal(o.room)
}

// finish lets the writer end once all is written.
func (o *outbox) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.finished = true
	signal(o.wake)
	signal(o.room)
}

// close ends the outbox at once.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.items, o.commands = nil, nil
	signal(o.wake)
	signal(o.room)
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
