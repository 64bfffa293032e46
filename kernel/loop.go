package kernel

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// Run serves clients. It returns nil when a client asks for shutdown, the cause of ctx when ctx ends, and an
// error when the transport fails. In each case it closes the session, answers waiting requests as aborted,
// and closes the transport after everything was sent. Run owns one goroutine, which closes the session. It
// waits for that goroutine, for a bounded time.
func Run(ctx context.Context, cfg Config) error {
	k := &kernel{
		cfg:          cfg,
		log:          cfg.Log,
		author:       wire.NewAuthor("kernel"),
		origins:      make(map[uint64]*origin),
		questions:    make(map[uint64]question),
		stopped:      make(map[string]*stop),
		recv:         cfg.Transport.Recv(),
		events:       cfg.Session.Events(),
		gathered:     gatherer{timer: time.NewTimer(time.Hour)},
		failureTimer: time.NewTimer(time.Hour),
		history:      history{past: cfg.Past},
		comms:        comms{open: make(map[string]string), waiting: make(map[uint64]request)},
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	k.gathered.timer.Stop()
	defer k.gathered.timer.Stop()
	k.failureTimer.Stop()
	defer k.failureTimer.Stop()
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

	queue        []request // shell requests that wait, in order of arrival
	running      *execution
	ended        *session.Done      // of the running cell, which has failed and is not answered yet
	failedAt     time.Time          // when it failed
	failureTimer *time.Timer        // fires when ended may be answered
	origins      map[uint64]*origin // by cell, for those that ran last
	lastCell     uint64             // the newest cell's ID
	count        int                // stored cells so far; the next one's In[] number is one more
	history      history
	gathered     gatherer
	stopped      map[string]*stop    // by client: its last failure, which aborts the cells behind it
	questions    map[uint64]question // open ones, by ID
	lastQuestion uint64              // the newest question's ID
	comms        comms
	debugger     debugger
	notices      []string // published with the next cell, since no cell was running

	shutdown *request // the request to shut down, or nil
}

// A request is a message that waits for its answer on the channel that it came on.
type request struct {
	channel wire.Channel
	msg     *wire.Message
	came    time.Time
}

var errTransport = errors.New("transport closed")

// serve is the event loop.
func (k *kernel) serve(ctx context.Context) error {
	k.publish(nil, wire.Status{State: "starting"})
	ready := make(chan struct{})
	close(ready)
	for k.shutdown == nil {
		var turn chan struct{} // of the first shell request; nil while no request may begin
		if k.running == nil && len(k.queue) > 0 {
			turn = ready
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
			k.onEvent(ev, ok)
		case <-k.gathered.timer.C:
			k.flush()
		case <-k.failureTimer.C:
			k.drain()
			k.concludeOrWait()
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

// receive queues a shell request and answers any other message at once, questions and messages of comms on shell
// included.
func (k *kernel) receive(in wire.Incoming) {
	r := request{in.Channel, in.Message, time.Now()}
	switch in.Channel {
	case wire.Shell:
		if k.sentBeforeFailureKnown(r) {
			k.abort(r)
			return
		}
		if overtakes(r) {
			k.handle(r)
			return
		}
		k.queue = append(k.queue, r)
	case wire.Control:
		k.handle(r)
	case wire.Stdin:
		k.answered(in.Message)
	}
}

// drain receives the messages that have already arrived.
func (k *kernel) drain() {
	for k.shutdown == nil {
		select {
		case in, ok := <-k.recv:
			if !ok {
				return // serve receives the end again
			}
			k.receive(in)
		default:
			return
		}
	}
}

// onEvent handles an event of the session, or the end of its events.
func (k *kernel) onEvent(ev session.Event, ok bool) {
	if ok {
		k.event(ev)
		return
	}
	k.events = nil
	k.log.Error("the session has ended for good")
	k.dropComms()
	if k.running != nil && k.ended == nil {
		k.fail(k.running.cell, sessionGone)
		k.finish(session.Done{Cell: k.running.cell})
	}
	k.dropQuestions()
}

// Bounds of the shutdown: for the session, which kills processes that do not end by themselves, and for
// clients that do not read.
const (
	sessionGrace   = 10 * time.Second
	transportGrace = 2 * time.Second
)

// close ends the session and then the transport. Between the two it answers every request that waits or is open.
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
	k.events = nil // a question that comes now is answered at once
	k.dropQuestions()
	k.dropComms()
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
	for rest := true; rest; { // messages that came since
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
		k.replyShutdown(*r)
	}
	ctx, cancel := context.WithTimeout(context.Background(), transportGrace)
	defer cancel()
	if err := k.cfg.Transport.Close(ctx); err != nil {
		k.log.Error("close transport", "err", err)
	}
}
