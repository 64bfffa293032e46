// Package kerneltest runs a kernel in the test's own process and writes its messages as text. It checks the
// protocol: each message against its schema, and each request for its busy, reply and idle. It does not know
// what cells contain.
package kerneltest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"interleave/kernel"
	"interleave/kernel/client"
	"interleave/kernel/inproc"
	"interleave/kernel/wire"
)

// A Kernel is a kernel in this process and a client of it. Its methods report errors to the test and may
// overlap.
type Kernel struct {
	Client    *client.Client
	Peer      *inproc.Peer // the client's own end, for messages that a client would not send
	Transport *inproc.Transport

	t     testing.TB
	cfg   client.Config
	ended chan struct{} // closed when Run has returned
	err   error         // Run's; valid once ended is closed

	mu    sync.Mutex
	cells map[string]int // requests of Start and Execute → their number
	late  transcript
}

// An Option changes how Start builds a kernel.
type Option func(*kernel.Config, *client.Config)

// Input answers the questions of cells.
func Input(answer func(context.Context, wire.InputRequest) (string, error)) Option {
	return func(_ *kernel.Config, c *client.Config) { c.Input = answer }
}

// Config changes the kernel's configuration.
func Config(change func(*kernel.Config)) Option {
	return func(k *kernel.Config, _ *client.Config) { change(k) }
}

// Start starts a kernel that runs cells in s, and a client. Both end with the test. The kernel ends by a
// shutdown request, unless it has ended before, and every request of the client must then have been answered.
func Start(t testing.TB, s kernel.Session, options ...Option) *Kernel {
	t.Helper()
	k := &Kernel{
		Transport: inproc.New(nil),
		t:         t,
		ended:     make(chan struct{}),
		cells:     make(map[string]int),
	}
	cfg := kernel.Config{Transport: k.Transport, Session: s, Log: slog.New(bugs{t: t})}
	for _, o := range options {
		o(&cfg, &k.cfg)
	}
	k.Client, k.Peer = k.Connect(func(in wire.Incoming) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if n := k.cells[in.Message.Parent.MsgID]; n != 0 {
			k.late.prefix = fmt.Sprintf("cell %d ", n)
			k.late.add(in.Message)
		} else if in.Message.Parent == (wire.Header{}) {
			k.late.prefix = "no cell "
			k.late.add(in.Message)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(k.ended)
		k.err = kernel.Run(ctx, cfg)
	}()
	t.Cleanup(func() {
		defer k.Wait()
		defer cancel()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := k.Client.Shutdown(ctx, false); err != nil && !errors.Is(err, inproc.ErrClosed) {
			t.Errorf("shut down kernel: %v", err)
		}
	})
	return k
}

// Connect makes another client of the kernel, watched like the first. It ends with the test.
func (k *Kernel) Connect(unclaimed func(wire.Incoming)) (*client.Client, *inproc.Peer) {
	k.t.Helper()
	p, err := k.Transport.Connect()
	if err != nil {
		k.t.Fatal(err)
	}
	cfg := k.cfg
	cfg.Unclaimed = unclaimed
	w := Watch(k.t, p, true)
	c := client.Start(w, cfg)
	k.t.Cleanup(func() {
		c.Close()
		w.Finish()
	})
	return c, p
}

// Wait waits until the kernel has ended and returns the error of its Run.
func (k *Kernel) Wait() error {
	<-k.ended
	return k.err
}

// Execute runs a cell and returns the transcript of its messages.
func (k *Kernel) Execute(code string) string {
	k.t.Helper()
	return k.Run(client.ExecuteRequest{Code: code})
}

// Run runs a cell and returns the transcript of its messages, in order, with the reply last. Streams are
// split into lines, so that the number of their messages does not matter. Colours are left out.
func (k *Kernel) Run(r client.ExecuteRequest) string {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var tr transcript
	reply, err := k.Client.Execute(ctx, r, func(m *wire.Message) {
		k.know(m.Parent.MsgID)
		tr.add(m)
	})
	if err != nil {
		k.t.Errorf("execute %.60q: %v\n%s", r.Code, err, tr.String())
		return tr.String()
	}
	tr.reply(reply)
	return tr.String()
}

// know numbers a request, so that later messages can be labelled with it.
func (k *Kernel) know(request string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cells[request] == 0 {
		k.cells[request] = len(k.cells) + 1
	}
}

// Late returns the transcript, since the last call, of messages without a cell and for cells that had ended,
// with the number of the Execute or Run that they belong to.
func (k *Kernel) Late() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.late.String()
	k.late = transcript{}
	return s
}

// Equal reports an error if a transcript is not the wanted one. Leading and trailing white space around want,
// and the indentation its lines share, do not count.
func Equal(t testing.TB, got, want string) {
	t.Helper()
	if want = outdent(want); strings.TrimSpace(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func outdent(s string) string {
	lines := strings.Split(strings.Trim(s, "\n"), "\n")
	indent := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], "\t "))]
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, indent)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// bugs fails a test when the kernel logs a bug, and ignores other log entries.
type bugs struct{ t testing.TB }

func (b bugs) Enabled(_ context.Context, l slog.Level) bool { return l >= kernel.LevelBug }
func (b bugs) WithAttrs([]slog.Attr) slog.Handler           { return b }
func (b bugs) WithGroup(string) slog.Handler                { return b }

func (b bugs) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += "\n" + a.String()
		return true
	})
	b.t.Errorf("bug: %s", text)
	return nil
}
