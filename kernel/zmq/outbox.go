package zmq

import (
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

// An outbox is what waits to be written to one peer: in order, bounded in bytes, with one writer that takes from it. Its methods
// may overlap, but only one goroutine at a time may wait for room.
type outbox struct {
	most int // bytes, unless a single message is larger

	mu       sync.Mutex
	items    []item
	commands []item // overtake messages, so that a PING is answered before a backlog
	size     int    // of items, and of those being written
	finished bool   // nothing is added any more; the writer ends when all is written
	closed   bool   // what is left is lost
	alive    time.Time
	moved    int // bytes written since alive

	wake chan struct{} // to the writer: there is work, or an end. Buffered, so that a signal is never lost
	room chan struct{} // to the one who waits: something was written. Buffered for the same reason
}

const (
	batchMost   = 1 << 20  // bytes that the writer takes at a time, unless a single message is larger
	aliveBytes  = 64 << 10 // bytes that a peer must take within the stall limit to count as reading
	commandsMax = 64       // unanswered commands; a peer that sends more of them than it reads gets fewer answers
)

func newOutbox(most int) *outbox {
	return &outbox{most: most, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// push adds an item, or reports that there is no room. A closed outbox takes everything: the peer is gone.
func (o *outbox) push(it item) bool { return o.add(it, false) }

// force adds an item even beyond the limit.
func (o *outbox) force(it item) { o.add(it, true) }

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
		o.alive, o.moved = time.Now(), 0
	}
	o.items = append(o.items, it)
	o.size += it.size
	signal(o.wake)
	return true
}

// fits holds mu.
func (o *outbox) fits(size int) bool { return o.size == 0 || o.size+size <= o.most }

func (o *outbox) pushCommand(name string, body []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.commands) < commandsMax && !o.closed {
		o.commands = append(o.commands, item{frames: [][]byte{body}, command: name})
		signal(o.wake)
	}
}

// wait waits until there is room, or until stop is closed. It reports false when the peer has not been reading for the time of stall.
func (o *outbox) wait(size int, stall time.Duration, stop <-chan struct{}) bool {
	var timer *time.Timer
	for {
		o.mu.Lock()
		ok := o.closed || o.finished || o.fits(size)
		left := stall - time.Since(o.alive)
		o.mu.Unlock()
		if ok {
			return true
		}
		if left <= 0 {
			return false
		}
		if timer == nil {
			timer = time.NewTimer(left)
			defer timer.Stop()
		} else {
			timer.Reset(left)
		}
		select {
		case <-o.room:
		case <-timer.C:
		case <-stop:
			return true
		}
	}
}

// take gives the writer the next items in order, waiting for some. It reports false at the end.
func (o *outbox) take(into []item) ([]item, bool) {
	for {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return into, false
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

// wrote notes that the peer took n bytes.
func (o *outbox) wrote(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.moved += n; o.moved >= aliveBytes {
		o.alive, o.moved = time.Now(), 0
	}
}

// done notes that items of this size, in sum, are written.
func (o *outbox) done(size int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.size -= size; o.size == 0 {
		o.alive, o.moved = time.Now(), 0
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
