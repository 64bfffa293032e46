package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// A Comm is what happens to a comm: it is opened, carries a message, or is closed. It goes both ways: as an event
// from the process, and to the process by Client.Comm. The process decides whether there is such a comm; the
// client only knows when there is no process. Each message to the process ends with one CommHandled, unless the
// process ends before.
type Comm struct {
	Cell     uint64 // from the process: whose it is
	Re       uint64 // to the process: number of this message; from the process: of the one that it answers, or 0
	ID       string
	Op       CommOp
	Target   string          // of CommOpen
	Data     json.RawMessage // an object
	Metadata json.RawMessage // of the message; an object, or empty
	Buffers  [][]byte
}

func (Comm) event() {}

// A CommOp is what happens to a comm.
type CommOp byte

const (
	CommOpen CommOp = 1 + iota
	CommMessage
	CommClose
	CommHandled // the evaluator has handled message Re; what it says to that comes before
)

// toComm is a Comm on its way to the process.
type toComm struct{ Comm }

// maxBacklog is how many bytes of messages may wait for a process that does not read them.
const maxBacklog = 64 << 20

var (
	errNoProcess = errors.New("there is no session process")
	errBacklog   = errors.New("the session process does not read")
)

// comm passes a message to the process. A comm that cannot be opened is closed.
func (l *life) comm(c Comm) {
	if l.isClosing() {
		return
	}
	err := errNoProcess
	if l.p != nil {
		if err = errBacklog; l.p.backlog() < maxBacklog {
			err = l.p.send(toComm{c})
		}
	}
	if err != nil {
		l.cfg.Log.Warn("message of a comm dropped", "comm", c.ID, "err", err)
		if c.Op != CommClose {
			l.emit(Comm{ID: c.ID, Re: c.Re, Op: CommClose})
		}
		l.emit(Comm{ID: c.ID, Re: c.Re, Op: CommHandled})
	}
}

// A post hands the messages of comms to the evaluator, one after the other, on a goroutine that ends when none
// waits. The reader of requests never waits for it.
type post struct {
	ev    Evaluator
	out   *Out
	tasks sync.WaitGroup

	mu      sync.Mutex
	changed sync.Cond // of mu: handled
	waiting []Comm
	working bool
	taken   uint64 // messages so far
	handled uint64 // of those
}

func newPost(ev Evaluator, out *Out) *post {
	p := &post{ev: ev, out: out}
	p.changed.L = &p.mu
	return p
}

// take takes a message.
func (p *post) take(c Comm) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken++
	p.waiting = append(p.waiting, c)
	if !p.working {
		p.working = true
		p.tasks.Go(p.work)
	}
}

// count returns how many messages were taken.
func (p *post) count() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

// wait returns when the first n messages were handled: what a front end has changed before it sends a cell is known
// when the cell begins.
func (p *post) wait(n uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.handled < n {
		p.changed.Wait()
	}
}

func (p *post) work() {
	for {
		p.mu.Lock()
		if len(p.waiting) == 0 {
			p.working, p.waiting = false, nil
			p.mu.Unlock()
			return
		}
		c := p.waiting[0]
		p.waiting[0] = Comm{}
		p.waiting = p.waiting[1:]
		p.mu.Unlock()
		p.handle(c)
		p.out.Emit(Comm{ID: c.ID, Re: c.Re, Op: CommHandled})
		p.mu.Lock()
		p.handled++
		p.changed.Broadcast()
		p.mu.Unlock()
	}
}

func (p *post) handle(c Comm) {
	defer func() {
		if v := recover(); v != nil {
			p.out.Emit(Failed{
				Name: FailureInternal, Value: fmt.Sprint(v),
				Traceback: []string{
					fmt.Sprintf("internal error: %v: this is a bug of the kernel", v),
					string(debug.Stack()),
				},
			})
		}
	}()
	p.ev.Comm(c, p.out)
}
