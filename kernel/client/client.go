// Package client is a small Jupyter client: it asks a kernel and waits for the answers, over any Peer. It
// knows neither sockets nor processes, nor what cells contain.
package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"interleave/kernel/wire"
)

// A Peer is the client's end of a transport. zmq.Dial and inproc's Connect return one.
type Peer interface {
	// Send sends a message on Shell, Control or Stdin. It may wait for the kernel to read. Calls may overlap.
	Send(wire.Channel, *wire.Message) error
	// Recv returns the channel of the kernel's messages, each Jupyter channel's in their order. It is closed
	// after Close, or when the kernel is gone.
	Recv() <-chan wire.Incoming
	// Close ends the connection. A second Close does nothing.
	Close() error
}

// ErrClosed is the error of a request that will get no answer: the client was closed or the kernel is gone.
var ErrClosed = errors.New("connection to the kernel is closed")

// Config holds a client's settings. Its zero value is usable.
type Config struct {
	// Input answers the kernel's question for a line of text during an Execute with AllowStdin. It runs in a
	// goroutine of its own, and ctx ends with the request. On an error or without Input the answer is empty.
	Input func(ctx context.Context, r wire.InputRequest) (string, error)
	// Unclaimed gets messages that belong to no waiting request: the kernel's own status, other clients'
	// messages, and output of goroutines that outlived their cell. It runs in the client's reading goroutine:
	// while it waits nothing is read.
	Unclaimed func(wire.Incoming)
	// Username goes into message headers; "interleave" when empty.
	Username string
}

// A Client sends requests to one kernel. Its methods may overlap. It owns one goroutine, which reads, and one
// for each question of Config.Input; Close ends and awaits them.
type Client struct {
	peer   Peer
	cfg    Config
	author *wire.Author
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	gone   chan struct{} // closed when the peer's Recv was
	heard  chan struct{} // closed by the first iopub_welcome

	mu      sync.Mutex
	waiting map[string]*waiter // by the id of the request
}

// A waiter gets the messages whose parent is its request.
type waiter struct {
	in   chan wire.Incoming
	done chan struct{} // closed when in is not read any longer
}

// Start begins reading from peer, which the client owns from now on.
func Start(peer Peer, cfg Config) *Client {
	if cfg.Username == "" {
		cfg.Username = "interleave"
	}
	c := &Client{
		peer:    peer,
		cfg:     cfg,
		author:  wire.NewAuthor(cfg.Username),
		gone:    make(chan struct{}),
		heard:   make(chan struct{}),
		waiting: make(map[string]*waiter),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.tasks.Go(c.read)
	return c
}

// Close closes the peer and waits until the client's goroutines have ended. Waiting requests fail with
// ErrClosed. A second Close does nothing.
func (c *Client) Close() error {
	c.cancel()
	err := c.peer.Close()
	c.tasks.Wait()
	return err
}

// read hands each message to the request it answers.
func (c *Client) read() {
	defer close(c.gone)
	welcomed := false
	for in := range c.peer.Recv() {
		if !welcomed && in.Message.Header.MsgType == "iopub_welcome" {
			welcomed = true
			close(c.heard)
		}
		c.mu.Lock()
		w := c.waiting[in.Message.Parent.MsgID]
		c.mu.Unlock()
		if w != nil {
			select {
			case w.in <- in:
				continue
			case <-w.done: // claimed too late
			case <-c.ctx.Done():
				continue
			}
		}
		if c.cfg.Unclaimed != nil {
			c.cfg.Unclaimed(in)
		}
	}
}

// Request sends a request and returns its reply once both the reply and the idle status that ends it have
// come. each, unless nil, gets the messages in between, from the calling goroutine: iopub's, status included,
// and those on Stdin. It must not use the client itself, which reads nothing else meanwhile. The error is
// ctx's, ErrClosed, or that of the message; a reply with status error is not an error here. When ctx ends
// first, later messages go to Unclaimed.
func (c *Client) Request(ctx context.Context, channel wire.Channel, content wire.Content,
	each func(wire.Incoming)) (*wire.Message, error) {
	m, err := c.author.New(nil, content)
	if err != nil {
		return nil, err
	}
	w := &waiter{in: make(chan wire.Incoming), done: make(chan struct{})}
	c.mu.Lock()
	c.waiting[m.Header.MsgID] = w
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, m.Header.MsgID)
		c.mu.Unlock()
		close(w.done)
	}()
	if err := c.peer.Send(channel, m); err != nil {
		return nil, fmt.Errorf("send %s: %w", content.MsgType(), err)
	}
	var reply *wire.Message
	for idle := false; reply == nil || !idle; {
		select {
		case in := <-w.in:
			switch {
			case in.Channel == channel:
				reply = in.Message
				continue
			case in.Message.Header.MsgType == "status":
				s, err := wire.As[wire.Status](in.Message)
				if err != nil {
					return nil, err
				}
				idle = s.State == "idle"
			}
			if each != nil {
				each(in)
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-c.gone:
			return nil, ErrClosed
		}
	}
	return reply, nil
}

// ask is Request for a reply of one type.
func ask[T wire.Content](ctx context.Context, c *Client, channel wire.Channel, content wire.Content,
	each func(wire.Incoming)) (T, error) {
	m, err := c.Request(ctx, channel, content, each)
	if err != nil {
		var zero T
		return zero, err
	}
	return wire.As[T](m)
}

// An ExecuteRequest is a cell to run. With only Code set, the cell runs as a front end runs it: its output is
// shown, it is counted, and when it fails the cells queued behind it are aborted.
type ExecuteRequest struct {
	Code        string
	Silent      bool
	NoHistory   bool // do not count the cell
	AllowStdin  bool // Config.Input answers
	KeepGoing   bool // run the cells queued behind this one even if it fails
	Expressions map[string]string
}

// Execute runs a cell and returns after its reply and its idle status. onIOPub, unless nil, gets what is
// published for it, in order and from the calling goroutine. The error is never the cell's: that one is in
// the reply. When ctx ends the cell still runs; Interrupt ends it.
func (c *Client) Execute(ctx context.Context, r ExecuteRequest,
	onIOPub func(*wire.Message)) (wire.ExecuteReply, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends a question whose answer is not needed any longer
	return ask[wire.ExecuteReply](ctx, c, wire.Shell, wire.ExecuteRequest{
		Code:         r.Code,
		Silent:       r.Silent,
		StoreHistory: !r.NoHistory && !r.Silent,
		AllowStdin:   r.AllowStdin,
		StopOnError:  !r.KeepGoing,
		Expressions:  r.Expressions,
	}, func(in wire.Incoming) {
		switch {
		case in.Channel == wire.Stdin:
			c.tasks.Go(func() { c.answer(ctx, in.Message) })
		case onIOPub != nil:
			onIOPub(in.Message)
		}
	})
}

// answer answers an input_request.
func (c *Client) answer(ctx context.Context, m *wire.Message) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	var text string
	if r, err := wire.As[wire.InputRequest](m); err == nil && c.cfg.Input != nil {
		if text, err = c.cfg.Input(ctx, r); err != nil {
			text = ""
		}
	}
	if ctx.Err() != nil {
		return
	}
	reply, err := c.author.New(m, wire.InputReply{Value: text})
	if err == nil {
		err = c.peer.Send(wire.Stdin, reply)
	}
	_ = err // the connection is gone, which read sees too
}

// Ready waits until the kernel answers and its iopub messages arrive, and returns its kernel info. Over
// sockets it must come before any other request: when a request is sent while the subscription is still on
// its way, its idle status may be missed and waited for in vain. Kernels that send no iopub_welcome cost a
// quarter of a second.
func (c *Client) Ready(ctx context.Context) (wire.KernelInfoReply, error) {
	for wait := 250 * time.Millisecond; ; wait *= 2 {
		t := time.NewTimer(wait)
		try, cancel := ctx, func() {}
		select {
		case <-c.heard:
		case <-t.C:
			try, cancel = context.WithTimeout(ctx, wait)
		case <-ctx.Done():
		case <-c.gone:
		}
		t.Stop()
		info, err := c.KernelInfo(try)
		missed := try.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !missed {
			return info, err
		}
	}
}

// KernelInfo asks for the kernel's name, version and language.
func (c *Client) KernelInfo(ctx context.Context) (wire.KernelInfoReply, error) {
	return ask[wire.KernelInfoReply](ctx, c, wire.Shell, wire.KernelInfoRequest{}, nil)
}

// IsComplete asks whether code can be run as it is.
func (c *Client) IsComplete(ctx context.Context, code string) (wire.IsCompleteReply, error) {
	return ask[wire.IsCompleteReply](ctx, c, wire.Shell, wire.IsCompleteRequest{Code: code}, nil)
}

// Interrupt interrupts the running cell. It returns when the kernel has passed the interrupt on, not when the
// cell has ended.
func (c *Client) Interrupt(ctx context.Context) error {
	_, err := ask[wire.InterruptReply](ctx, c, wire.Control, wire.InterruptRequest{}, nil)
	return err
}

// Shutdown ends the kernel. It returns after its reply, or when the kernel is gone.
func (c *Client) Shutdown(ctx context.Context, restart bool) error {
	_, err := ask[wire.ShutdownReply](ctx, c, wire.Control, wire.ShutdownRequest{Restart: restart}, nil)
	if errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}
