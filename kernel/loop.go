package kernel

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// Run serves clients until one asks for shutdown, which is no error, or until ctx ends, which gives its cause, or until
// the transport fails. In each case the session is closed, waiting requests are answered as aborted, and the transport is
// closed with everything sent. Run owns one goroutine, which closes the session; it awaits it, but no longer than a session
// may take to close.
func Run(ctx context.Context, cfg Config) error {
	k := &kernel{
		cfg:      cfg,
		log:      cfg.Log,
		author:   wire.NewAuthor("kernel"),
		origins:  make(map[uint64]*origin),
		stopped:  make(map[string]*stop),
		recv:     cfg.Transport.Recv(),
		events:   cfg.Session.Events(),
		gathered: gatherer{timer: time.NewTimer(time.Hour)},
		hold:     time.NewTimer(time.Hour),
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	k.gathered.timer.Stop()
	defer k.gathered.timer.Stop()
	k.hold.Stop()
	defer k.hold.Stop()
	err := k.serve(ctx)
	k.close()
	return err
}

// A kernel is the state of Run. Only the goroutine of Run touches it.
type kernel struct {
	cfg    Config
	log    *slog.Logger
	author *wire.Author
	recv   <-chan wire.Incoming
	events <-chan session.Event // nil once closed

	queue    []request // shell requests whose turn has not come, in the order they came
	running  *execution
	ended    *session.Done      // of the running cell, which has failed and is not answered yet
	failedAt time.Time          // when it did
	hold     *time.Timer        // fires when it may be answered
	origins  map[uint64]*origin // by cell, for those that ran last
	lastCell uint64             // the newest cell's ID
	count    int                // cells that were stored so far: what the next one's In[] number follows
	history  history
	gathered gatherer
	stopped  map[string]*stop // by client: its last failure, which stops what it sent behind it
	notices  []string         // what no cell was there to hear; told to the next one

	shutdown *request // what asked for the end; nil while there is none
}

// A request is a message that waits for its answer, on the channel it came on.
type request struct {
	channel wire.Channel
	msg     *wire.Message
	came    time.Time
}

var errTransport = errors.New("transport closed")

// always is ready to be received from.
var always = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// serve is the event loop.
func (k *kernel) serve(ctx context.Context) error {
	k.publish(nil, wire.Status{State: "starting"})
	for k.shutdown == nil {
		var turn chan struct{} // of the first shell request
		if k.running == nil && len(k.queue) > 0 {
			turn = always
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case in, ok := <-k.recv:
			if !ok {
				return errTransport
			}
			k.receive(in)
		case ev, ok := <-k.events:
			k.hear(ev, ok)
		case <-k.gathered.timer.C:
			k.flush()
		case <-k.hold.C:
			k.drain()
			k.concludeWhenHeard()
		case s := <-k.cfg.Transport.Subscriptions():
			k.welcome(s)
		case <-turn:
			k.drain() // control overtakes shell, also when both were waiting
			if k.shutdown == nil {
				next := k.queue[0]
				k.queue = k.queue[1:]
				k.handle(next)
			}
		}
	}
	return nil
}

// receive queues a shell request and answers any other message at once.
func (k *kernel) receive(in wire.Incoming) {
	r := request{in.Channel, in.Message, time.Now()}
	switch in.Channel {
	case wire.Shell:
		if k.sentBlindly(r) {
			k.abort(r)
			return
		}
		k.queue = append(k.queue, r)
	case wire.Control:
		k.handle(r)
	case wire.Stdin:
		k.answered(in.Message)
	}
}

// drain receives what has come already.
func (k *kernel) drain() {
	for k.shutdown == nil {
		select {
		case in, ok := <-k.recv:
			if !ok {
				k.recv = closed // serve sees it again
				return
			}
			k.receive(in)
		default:
			return
		}
	}
}

var closed = func() chan wire.Incoming {
	c := make(chan wire.Incoming)
	close(c)
	return c
}()

// hear handles an event of the session, or the end of its events.
func (k *kernel) hear(ev session.Event, ok bool) {
	if ok {
		k.event(ev)
		return
	}
	k.events = nil
	k.log.Error("the session has ended for good")
	if k.running != nil && k.ended == nil {
		k.fail(k.running.cell, sessionGone)
		k.finish(session.Done{Cell: k.running.cell})
	}
}

// Bounds of ending: on the session, which kills what does not end by itself, and on clients that do not read.
const (
	sessionGrace   = 10 * time.Second
	transportGrace = 2 * time.Second
)

// close ends the session and then the transport. Between the two every request that waits gets its answer.
func (k *kernel) close() {
	ended := make(chan error, 1)
	go func() { ended <- k.cfg.Session.Close() }()
	late := time.NewTimer(sessionGrace)
	defer late.Stop()
	for waiting := true; waiting; {
		select {
		case ev, ok := <-k.events:
			if !ok {
				k.events = nil
			} else {
				k.event(ev)
			}
		case err := <-ended:
			if err != nil {
				k.log.Error("close session", "err", err)
			}
			waiting = false
		case <-late.C:
			k.log.Error("the session does not close")
			waiting = false
		}
	}
	for rest := true; rest; {
		select {
		case ev, ok := <-k.events:
			if rest = ok; ok {
				k.event(ev)
			}
		default:
			rest = false
		}
	}
	k.flush()
	if k.ended != nil {
		k.conclude(*k.ended)
	}
	if x := k.running; x != nil {
		k.running = nil
		k.reply(x.request, wire.ExecuteReply{Status: wire.Aborted})
		k.publish(x.request.msg, wire.Status{State: "idle"})
	}
	for _, r := range k.queue {
		k.abort(r)
	}
	for rest := true; rest; { // what came since
		select {
		case in, ok := <-k.recv:
			if rest = ok; ok && (in.Channel == wire.Shell || in.Channel == wire.Control) {
				k.abort(request{channel: in.Channel, msg: in.Message})
			}
		default:
			rest = false
		}
	}
	if r := k.shutdown; r != nil {
		k.said(*r)
	}
	ctx, cancel := context.WithTimeout(context.Background(), transportGrace)
	defer cancel()
	if err := k.cfg.Transport.Close(ctx); err != nil {
		k.log.Error("close transport", "err", err)
	}
}
