package zmq

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"interleave/kernel/wire"
)

// An admission bounds the resources that all unauthenticated connections of a transport may use together. A
// connection is authenticated once a message with a valid signature came on it. Subscribers and heartbeats
// never sign, and a client's stdin and control are silent for hours; so a connection that authenticates
// vouches for one on each other socket: that with its identity, or else the one from the same host that was
// made next to it in time, as a client makes its connections together.
//
//	                  stranger        vouched for     authenticated
//	number            bounded         free            free
//	memory coming in  bounded         bounded         as bytes arrive
//	memory going out  bounded         QueueBytes      QueueBytes
//	unfinished input  deadline        deadline        no deadline
//	iopub, when full  cut off         waited for      waited for
//
// When there are too many strangers, the oldest one on the socket that has the most of them is dropped: a new
// client always gets in, and is safe with its first message. When they hold too much memory, the one that
// holds the most is dropped.
type admission struct {
	half  int // strangers' connections without a finished handshake, and as many with one
	bytes int // that all unauthenticated connections may hold

	mu    sync.Mutex
	all   []*visitor // unauthenticated, oldest first
	known []*visitor // authenticated
	held  int        // bytes
	dying int        // of these by connections that were dropped and are not over yet
	freed *sync.Cond // less is held; for mu
	next  time.Time  // when the work admitted so far will be done, see pace
}

// A visitor is one connection, as the admission sees it. A nil visitor is a server that a client chose to
// connect to.
type visitor struct {
	admission *admission
	channel   wire.Channel
	socket    int    // the channel's place among channels
	host      string // of the peer; "" for all of ipc
	came      time.Time
	conn      net.Conn
	gone      chan struct{} // closed when the connection is

	level atomic.Int32 // stranger, vouched, authenticated; changes under mu

	// Guarded by admission.mu.
	stage   stage
	id      string // the identity that the peer chose
	in, out int    // bytes held, of what comes in and what goes out
	vouches map[wire.Channel]*visitor
	voucher *visitor
	cause   error // why the admission closed the connection
	closed  bool  // gone is

	// Of the reading goroutine alone.
	credit   int // cost that it may cause without waiting, see pace
	credited time.Time
}

const (
	stranger int32 = iota
	vouched
	authenticated
)

// A stage is how far a connection has come.
type stage int

const (
	handshaking stage = iota
	connected         // could be anything
	useful            // has subscribed or beaten; at once on other sockets, and when it has an identity
)

// vouchWindow is the longest time between the connections of one client. Clients make them in milliseconds;
// one that waits for a kernel to listen tries each every 100 ms.
const vouchWindow = 2 * time.Second

// errCrowded is the reason for which a stranger's connection is closed.
var errCrowded = errors.New("too many unauthenticated connections")

func newAdmission(o Options) *admission {
	a := &admission{half: max(o.Strangers/2, 1), bytes: o.StrangerBytes}
	a.freed = sync.NewCond(&a.mu)
	return a
}

// arrive admits a new connection.
func (a *admission) arrive(ch wire.Channel, conn net.Conn) *visitor {
	v := &visitor{
		admission: a,
		channel:   ch,
		socket:    slices.Index(channels[:], ch),
		conn:      conn,
		came:      time.Now(),
		gone:      make(chan struct{}),
		credit:    creditMost,
	}
	if addr, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		v.host = addr.IP.String()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, v)
	a.crowd(false, a.half)
	return v
}

// connect notes that the handshake is done.
func (v *visitor) connect(id string) {
	a := v.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	v.stage, v.id = connected, id
	a.crowd(true, a.half)
	if id != "" || v.channel != wire.IOPub && v.channel != wire.Heartbeat {
		a.meet(v)
	}
}

// use notes that a subscriber has subscribed, or a heartbeat has beaten.
func (v *visitor) use() {
	if v == nil || v.level.Load() != stranger {
		return
	}
	a := v.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.stage == connected {
		a.meet(v)
	}
}

// meet looks for a client that vouches for a connection that came later than the client's signature: one that
// vouches for no other on that socket, or for one that is farther from it. It holds mu.
func (a *admission) meet(v *visitor) {
	v.stage = useful
	a.vouch(a.nearest(a.known, v, func(u *visitor) bool {
		other := u.vouches[v.channel]
		return other == nil || !other.authenticated() && u.distance(v) < u.distance(other)
	}), v)
}

// authenticate notes that a message with a valid signature has come.
func (v *visitor) authenticate() {
	if v.authenticated() {
		return
	}
	a := v.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.closed || v.cause != nil {
		return
	}
	a.rise(v, authenticated)
	a.all = slices.DeleteFunc(a.all, func(u *visitor) bool { return u == v })
	a.known = append(a.known, v)
	if u := v.voucher; u != nil && u.id != "" && u.id == v.id {
		v.vouches = u.vouches // one client vouches once for each socket, whichever of its connections signs
	} else {
		v.vouches = make(map[wire.Channel]*visitor)
	}
	for _, ch := range channels {
		if v.vouches[ch] == nil {
			a.vouch(v, a.nearest(a.all, v, func(u *visitor) bool {
				return u.channel == ch && u.stage == useful && u.level.Load() == stranger
			}))
		}
	}
}

// distance is a measure of how unlikely it is that two connections belong to one client, which makes its
// connections at one time. A client gives all of them one identity, except that most clients give no identity
// to subscribers and heartbeats.
func (v *visitor) distance(u *visitor) time.Duration {
	switch {
	case u.channel == v.channel || u.host != v.host:
		return vouchWindow + 1
	case u.id == "" || v.id == "":
		return u.came.Sub(v.came).Abs()
	case u.id == v.id:
		return -1
	}
	return vouchWindow + 1
}

// nearest returns the connection that most likely belongs to v's client, or nil. It holds mu.
func (a *admission) nearest(among []*visitor, v *visitor, ok func(*visitor) bool) (best *visitor) {
	for _, u := range among {
		d := v.distance(u)
		if d <= vouchWindow && u.cause == nil && (best == nil || d < v.distance(best)) && ok(u) {
			best = u
		}
	}
	return best
}

// vouch records that by vouches for v. Either may be nil. It holds mu.
func (a *admission) vouch(by, v *visitor) {
	if by == nil || v == nil {
		return
	}
	if other := by.vouches[v.channel]; other != nil && other.level.Load() == vouched {
		other.voucher = nil
		other.level.Store(stranger)
	}
	by.vouches[v.channel] = v
	v.voucher = by
	a.rise(v, vouched)
}

// rise removes from the account the bytes that a visitor of that level may hold freely. It holds mu.
func (a *admission) rise(v *visitor, level int32) {
	a.free(v.out)
	v.out = 0
	if level == authenticated {
		a.free(v.in)
		v.in = 0
	}
	v.level.Store(level)
}

// free returns bytes to the account. It holds mu.
func (a *admission) free(n int) {
	if a.held -= n; n > 0 {
		a.freed.Broadcast()
	}
}

// leave forgets a connection that is over, and returns the reason if the admission has ended it.
func (v *visitor) leave() error {
	a := v.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.free(v.in + v.out); v.cause != nil {
		a.dying -= v.in + v.out
	}
	v.in, v.out = 0, 0
	v.close()
	same := func(u *visitor) bool { return u == v }
	a.all, a.known = slices.DeleteFunc(a.all, same), slices.DeleteFunc(a.known, same)
	if u := v.voucher; u != nil && u.vouches[v.channel] == v {
		delete(u.vouches, v.channel)
	}
	return v.cause
}

// close wakes goroutines that wait in pace or receive. It holds mu.
func (v *visitor) close() {
	if !v.closed {
		v.closed = true
		close(v.gone)
		v.admission.freed.Broadcast()
	}
}

// drop ends a connection. Its reader notices, and everything else follows. It holds mu.
func (a *admission) drop(v *visitor, why error) {
	v.cause = why
	a.dying += v.in + v.out
	v.close()
	v.conn.Close()
}

// crowd drops connections until at most that many strangers have finished their handshakes, or have not
// finished them. It drops the oldest on the socket that has the most. It holds mu.
func (a *admission) crowd(finished bool, most int) {
	kind := func(v *visitor) bool {
		return v.cause == nil && v.level.Load() == stranger && (v.stage != handshaking) == finished
	}
	for {
		n, crowded := 0, 0
		var on [len(channels)]int
		for _, v := range a.all {
			if kind(v) {
				n++
				on[v.socket]++
				crowded = max(crowded, on[v.socket])
			}
		}
		if n <= most {
			return
		}
		oldest := slices.IndexFunc(a.all, func(v *visitor) bool { return kind(v) && on[v.socket] == crowded })
		a.drop(a.all[oldest], fmt.Errorf("%w: %d at most", errCrowded, most))
	}
}

// spare ends one stranger's connection, so that something else can have its file descriptor. It reports false
// if it finds no such connection.
func (a *admission) spare() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, v := range a.all {
		if v.level.Load() == stranger && v.cause == nil {
			a.drop(v, fmt.Errorf("%w: out of file descriptors", errCrowded))
			return true
		}
	}
	return false
}

// receive accounts n bytes more, or fewer, for a message that comes in. It may wait until connections that
// were dropped for it are over and their memory is free. The error is the reason why this connection was
// dropped.
func (v *visitor) receive(n int) error {
	if v.authenticated() {
		return nil
	}
	a := v.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.closed {
		return v.cause
	}
	if n <= 0 {
		v.in += n
		a.free(-n)
		return nil
	}
	v.in += n
	a.hold(n)
	for a.held > a.bytes && !v.closed {
		a.freed.Wait()
	}
	return v.cause
}

// queue accounts n bytes more, or fewer, that wait to be written.
func (v *visitor) queue(n int) {
	if v == nil || v.level.Load() != stranger {
		return
	}
	a := v.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case v.level.Load() != stranger || v.closed:
	case n > 0:
		v.out += n
		a.hold(n)
	default:
		n = min(-n, v.out)
		v.out -= n
		a.free(n)
	}
}

// hold drops connections while too much is held, those first that hold the most. It holds mu.
func (a *admission) hold(n int) {
	for a.held += n; a.held-a.dying > a.bytes; {
		var worst *visitor
		for _, v := range a.all {
			if v.cause == nil && (worst == nil || v.in+v.out > worst.in+worst.out) {
				worst = v
			}
		}
		if worst == nil {
			return
		}
		a.drop(worst, fmt.Errorf("%w: they hold more than %d bytes, and this one the most of it: %d",
			errCrowded, a.bytes, worst.in+worst.out))
	}
}

// An unauthenticated peer can cause work in this process: by messages with wrong signatures, by heartbeats,
// by commands. A client does little of that before its first message and is not slowed down. Beyond its
// credit, a connection waits for its turn among all that do the same, so that all of them together take a few
// per cent of a core.
const (
	paceBytes   = 16 << 20 // processed in a second
	frameCost   = 512      // bytes that a frame or command counts as, besides its own
	messageCost = 4 << 10  // and a message, which is checked and may be answered
	creditMost  = 32 << 10 // of a connection
	creditBytes = 16 << 10 // that it gets back in a second
	paceSlice   = 64 << 10 // debt before it waits: waits of microseconds would take far longer
)

// pace waits until work of this cost may be done.
func (v *visitor) pace(cost int) {
	if v.authenticated() {
		return
	}
	now := time.Now()
	if !v.credited.IsZero() {
		v.credit += int(min(now.Sub(v.credited), time.Minute) * creditBytes / time.Second)
	}
	v.credit, v.credited = min(v.credit, creditMost)-cost, now
	if v.credit > -paceSlice {
		return
	}
	owed := -v.credit
	v.credit = 0
	a := v.admission
	a.mu.Lock()
	if a.next.Before(now) {
		a.next = now
	}
	a.next = a.next.Add(time.Duration(owed) * time.Second / paceBytes)
	turn := time.NewTimer(a.next.Sub(now))
	a.mu.Unlock()
	defer turn.Stop()
	select {
	case <-turn.C:
	case <-v.gone:
	}
}

func (v *visitor) authenticated() bool { return v == nil || v.level.Load() == authenticated }
func (v *visitor) stranger() bool      { return v != nil && v.level.Load() == stranger }

// subscribing reports whether this is a stranger on iopub.
func (v *visitor) subscribing() bool { return v.stranger() && v.channel == wire.IOPub }
