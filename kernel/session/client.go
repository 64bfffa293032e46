package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync/atomic"
	"time"
)

var (
	// ErrBusy is returned by Run while another cell runs.
	ErrBusy = errors.New("the session runs another cell")
	// ErrClosed is returned by a client's methods after Close.
	ErrClosed = errors.New("the session is closed")
)

// A Config determines how a client starts and ends its children. Command is required.
type Config struct {
	// Command makes the command of a child, whose main function calls Serve. It is called for every new
	// process. The client sets its standard streams, extra files and process group; the caller sets
	// everything else.
	Command func() *exec.Cmd

	// Explain turns the end of a child into the user's error, whose Cell is set by the client. When it is
	// nil, the error quotes the report.
	Explain func(Death) Failed

	// KillAfter is how long a cell may continue after Interrupt before its process is replaced. Default 5 s.
	KillAfter time.Duration

	// StartTimeout is how long a new child may take until it accepts requests, and again for each request to
	// restore. Default 20 s.
	StartTimeout time.Duration

	// Grace is how long each step of Close waits before the next one. Default 1.5 s.
	Grace time.Duration

	// Log records starts and ends of processes. Nil: nothing is logged.
	Log *slog.Logger
}

func (c *Config) defaults() {
	if c.KillAfter <= 0 {
		c.KillAfter = 5 * time.Second
	}
	if c.StartTimeout <= 0 {
		c.StartTimeout = 20 * time.Second
	}
	if c.Grace <= 0 {
		c.Grace = 1500 * time.Millisecond
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Explain == nil {
		c.Explain = explain
	}
}

// A Death describes the unexpected end of a child.
type Death struct {
	Report []byte // what Go's runtime wrote about it; empty if it wrote nothing (kill -9)
	Err    error  // what exec.Cmd.Wait returned, nil for exit status 0
	// why its frames could not be read and it was killed: a descriptor was closed, or its program replaced;
	// nil: it ended by itself
	Cut   error
	Space uint64         // limit of its address space in bytes (ulimit -v); 0: no limit, or unknown on this system
	N     int            // number of the cell that ran, as the user sees it; 0: no cell ran
	Line  int            // of that cell, the last that was written to Out.Line; 0: unknown
	Texts map[int]string // of all cells so far, by number; not to be changed
}

// A Client is the supervisor's end of a session. It survives any number of child processes.
//
// Its methods are safe for concurrent use and return at once, Close excepted. It owns one goroutine, and six
// for each living child (four readers, one merger, one writer) besides the one that waits for the process; all
// have ended when Close returns.
type Client struct {
	events chan Event
	asks   chan ask
	done   chan struct{} // closed when all goroutines have ended
	close  func()
	pid    atomic.Int64
}

// Start begins a session. It returns before the child is up, and cells may be run at once: they wait for the
// child. When a child cannot be started, the cell that needs it fails, and the next one tries again; Start
// itself fails only for a Config without Command. Cancelling ctx closes the client.
//
// The caller must read Events until it is closed. While it does not read, the session blocks.
func Start(ctx context.Context, cfg Config) (*Client, error) {
	if cfg.Command == nil {
		return nil, errors.New("start session: no command")
	}
	cfg.defaults()
	return newClient(ctx, cfg, func(nonce string) (*process, error) { return startProcess(cfg, nonce) }), nil
}

func newClient(ctx context.Context, cfg Config, start func(nonce string) (*process, error)) *Client {
	ctx, cancel := context.WithCancel(ctx)
	c := &Client{
		events: make(chan Event, 16), // so that a busy consumer does not lose the last events of a session
		asks:   make(chan ask),
		done:   make(chan struct{}),
		close:  cancel,
	}
	l := &life{cfg: cfg, client: c, start: start, closing: ctx.Done(), texts: make(map[int]string)}
	go func() {
		defer cancel()
		l.run()
	}()
	return c
}

// Events returns the channel of all events of the session, in one order. It is closed when the session has
// ended.
func (c *Client) Events() <-chan Event { return c.events }

// Run starts a cell and returns at once. The cell ends with exactly one Done, whatever happens to the
// process. Only one cell runs at a time: until Done, another Run returns ErrBusy. After Close it returns
// ErrClosed.
func (c *Client) Run(cell Cell) error { return c.ask(ask{verb: askRun, cell: cell}) }

// Interrupt asks the running cell to end: its context is cancelled, and if that does not end it within
// Config.KillAfter its process is replaced. Code that runs beside cells, called by messages of comms, is asked as
// well, whether a cell runs or not.
func (c *Client) Interrupt() { c.ask(ask{verb: askInterrupt}) }

// Answer answers the newest Input event. It is an error if no Input waits for an answer.
func (c *Client) Answer(text string) error { return c.ask(ask{verb: askAnswer, text: text}) }

// Ask asks a question and returns at once. It is answered by exactly one Answered event, which waits neither
// for the running cell nor for its output. A process that starts gets the question when it is ready. The answer
// is empty when there is no process, when the process ends before it answers, and when it takes longer than
// 5 s, or when the session is closed meanwhile. Questions that are asked after Close get no answer.
func (c *Client) Ask(q Question) { c.ask(ask{verb: askQuestion, question: q}) }

// Comm passes what a front end does to a comm to the process, beside the cells, and returns at once. A cell that is
// run afterwards begins when the process has handled it. Where there is no process, or the process does not read,
// the message is lost, and an event closes the comm.
func (c *Client) Comm(m Comm) { c.ask(ask{verb: askComm, comm: m}) }

// PID returns the process id of the child, 0 while there is no child.
func (c *Client) PID() int { return int(c.pid.Load()) }

// Close ends the session: it asks the child to end, then sends its process group SIGTERM, then kills it, with
// Config.Grace between the steps. A running cell gets its Done. When Close returns, Events is closed and
// every process of the group has been killed. It may be called any number of times, and always returns nil.
func (c *Client) Close() error {
	c.close()
	<-c.done
	return nil
}

type verb int

const (
	askRun verb = iota
	askInterrupt
	askAnswer
	askQuestion
	askComm
)

// An ask is a call of a method, on its way to the goroutine that owns the state.
type ask struct {
	verb     verb
	cell     Cell
	text     string
	question Question
	comm     Comm
	reply    chan error
}

func (c *Client) ask(a ask) error {
	a.reply = make(chan error, 1)
	select {
	case c.asks <- a:
		return <-a.reply // the owner replies to every ask at once
	case <-c.done:
		return ErrClosed
	}
}

// explain is the default of Config.Explain.
func explain(d Death) Failed {
	f := Failed{Name: FailureDied, Value: describeExit(d.Err)}
	f.Traceback = []string{f.Name + ": " + f.Value}
	if d.N > 0 {
		f.Traceback = append(f.Traceback, fmt.Sprintf("while cell[%d]:%d ran", d.N, d.Line))
	}
	if len(d.Report) > 0 {
		f.Traceback = append(f.Traceback, string(d.Report))
	}
	return f
}
