//go:build unix

package unbroken

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"interleave/install/hosttest"
	"interleave/kernel/client"
	"interleave/kernel/kerneltest"
	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for one answer on a machine that does much else. Nothing waits so long unless it is broken.
const patience = 90 * time.Second

// slots bounds how many kernels run at a time.
var slots = make(chan struct{}, 2)

// A kernel is a process of the host and a client of it, whose messages are all checked.
type kernel struct {
	t      testing.TB
	cmd    *exec.Cmd
	conn   zmq.Connection
	file   string // the connection file
	peer   *zmq.Peer
	client *client.Client
	ended  chan struct{} // closed when the process has
	log    bytes.Buffer  // what it wrote to its own stdout and stderr; read after ended
	exit   error         // read after ended

	strangers []net.Conn // of attack

	mu   sync.Mutex
	late string // texts that came for cells that were over
}

// start starts a kernel. At the end of the test it must be there still, end when asked, and have answered everything.
// launch takes its place by another one, which then must.
func start(t testing.TB) *kernel {
	t.Helper()
	return startAt(t, func(*kernel) {})
}

// startAt is start, with the connection as place changes it.
func startAt(t testing.TB, place func(*kernel)) *kernel {
	t.Helper()
	host := hosttest.Kernel(t)
	slots <- struct{}{}
	t.Cleanup(func() { <-slots })
	dir, err := os.MkdirTemp("", "k") // short: the name of a local socket has 100 characters
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	k := &kernel{
		t: t, file: filepath.Join(dir, "c.json"),
		conn: zmq.Connection{Transport: "ipc", IP: filepath.Join(dir, "k"), Key: "secret", ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HeartbeatPort: 5},
	}
	place(k)
	t.Cleanup(k.leave)
	if err := zmq.WriteConnectionFile(k.file, k.conn); err != nil {
		t.Fatal(err)
	}
	k.launch(host)
	return k
}

// launch starts the process and connects to it.
func (k *kernel) launch(host string) {
	k.t.Helper()
	k.cmd = exec.Command(host, "kernel", k.file)
	k.cmd.Dir = filepath.Dir(k.file)
	k.cmd.Env = append(os.Environ(), "TMPDIR="+k.cmd.Dir)
	k.cmd.Stdout, k.cmd.Stderr = &k.log, &k.log
	if err := k.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	ended := make(chan struct{})
	k.ended = ended
	go func() {
		defer close(ended)
		k.exit = k.cmd.Wait()
	}()
	k.t.Cleanup(func() {
		k.cmd.Process.Kill()
		<-ended
		if k.t.Failed() {
			k.t.Logf("the kernel wrote:\n%s", k.log.String())
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if k.peer, err = zmq.Dial(ctx, k.conn); err != nil {
		k.t.Fatal(err)
	}
	welcome := make(chan struct{})
	var welcomed sync.Once
	w := kerneltest.Watch(k.t, k.peer, false)
	k.client = client.Start(w, client.Config{Unclaimed: func(in wire.Incoming) {
		switch c, _ := wire.Parse(in.Message); c := c.(type) {
		case wire.Welcome:
			welcomed.Do(func() { close(welcome) })
		case wire.StreamText:
			k.mu.Lock()
			k.late += plain(c.Text)
			k.mu.Unlock()
		}
	}})
	c := k.client
	k.t.Cleanup(func() {
		c.Close()
		w.Finish()
	})
	select {
	case <-welcome: // nothing is missed from here on
	case <-ctx.Done():
		k.t.Fatal("the kernel does not welcome its client")
	}
	k.alive()
	k.t.Cleanup(func() {
		if k.ended == ended {
			k.alive()
			k.shutdown(false)
		}
	})
}

// shutdown asks the kernel to end, and expects that it does so well.
func (k *kernel) shutdown(restart bool) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := k.client.Shutdown(ctx, restart); err != nil {
		k.t.Errorf("shut down: %v", err)
		k.cmd.Process.Kill()
	}
	select {
	case <-k.ended:
		if k.exit != nil {
			k.t.Errorf("after its shutdown the kernel ended with %v", k.exit)
		}
	case <-ctx.Done():
		k.t.Error("the kernel does not end when asked to")
	}
}

// alive expects that the process of the beginning answers on all channels.
func (k *kernel) alive() {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, ch := range []wire.Channel{wire.Shell, wire.Control} {
		reply, err := k.client.Request(ctx, ch, wire.KernelInfoRequest{}, nil)
		if err == nil {
			_, err = wire.As[wire.KernelInfoReply](reply)
		}
		if err != nil {
			k.t.Fatalf("kernel_info on %s: %v", ch, err)
		}
	}
	if err := k.peer.Ping(ctx); err != nil {
		k.t.Fatal(err)
	}
	select {
	case <-k.ended:
		k.t.Fatalf("the kernel's process has ended: %v", k.exit)
	default:
	}
}

// Seen is what a user saw of one cell, without colours.
type seen struct {
	n              int // cell[n]
	status         string
	stdout, stderr string
	result         string
	err            string // name: value
	trace          string
	engine         string
}

// said is everything of it.
func (s seen) said() string {
	return fmt.Sprintf("cell[%d] %s %s\nstdout: %s\nstderr: %s\nresult: %s\nerror: %s\n%s", s.n, s.status, s.engine, s.stdout, s.stderr, s.result, s.err, s.trace)
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

func plain(s string) string { return ansi.ReplaceAllString(s, "") }

// run runs a cell to its end.
func (k *kernel) run(code string) seen {
	k.t.Helper()
	return k.request(wire.ExecuteRequest{Code: code, StoreHistory: true, StopOnError: true}, nil)
}

// runUntil runs a cell and calls then, on another goroutine, when the cell has printed "ready", to either stream.
func (k *kernel) runUntil(code string, then func(context.Context)) seen {
	k.t.Helper()
	return k.request(wire.ExecuteRequest{Code: code, StoreHistory: true, StopOnError: true}, then)
}

func (k *kernel) request(content wire.Content, ready func(context.Context)) (s seen) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var acting sync.WaitGroup
	defer acting.Wait()
	reply, err := k.client.Request(ctx, wire.Shell, content, func(in wire.Incoming) {
		c, err := wire.Parse(in.Message)
		if err != nil {
			k.t.Error(err)
			return
		}
		switch c := c.(type) {
		case wire.ExecuteInput:
			s.n = c.ExecutionCount
		case wire.StreamText:
			if c.Name == "stderr" {
				s.stderr += plain(c.Text)
			} else {
				s.stdout += plain(c.Text)
			}
			if ready != nil && strings.Contains(s.stdout+s.stderr, "ready\n") {
				then := ready
				ready = nil
				acting.Go(func() { then(ctx) })
			}
		case wire.ExecuteResult:
			if err := json.Unmarshal(c.Data["text/plain"], &s.result); err != nil {
				k.t.Errorf("text/plain of a result: %v", err)
			}
		case wire.ErrorText:
			s.err = plain(c.EName + ": " + c.EValue)
			s.trace = plain(strings.Join(c.Traceback, "\n"))
		}
	})
	if err != nil {
		k.t.Fatalf("%v: no answer to\n%.1000s\n%s", err, jsonOf(content), s.said())
	}
	r, err := wire.As[wire.ExecuteReply](reply)
	if err != nil {
		k.t.Fatal(err)
	}
	var md wire.ReplyMetadata
	if err := json.Unmarshal(reply.Metadata, &md); err != nil {
		k.t.Error(err)
	}
	s.status, s.engine = r.Status, md.Interleave.Engine
	if r.Status == wire.Error && plain(r.EName+": "+r.EValue) != s.err {
		k.t.Errorf("the reply says %q, the output %q", r.EName+": "+r.EValue, s.err)
	}
	return s
}

func jsonOf(c wire.Content) []byte {
	b, _ := wire.Encode(c)
	return b
}

// interrupt asks the kernel to interrupt.
func (k *kernel) interrupt(ctx context.Context) {
	if err := k.client.Interrupt(ctx); err != nil {
		k.t.Errorf("interrupt: %v", err)
	}
}

// on lets a subtest report what happens to the kernel while it runs.
func (k *kernel) on(t *testing.T) (back func()) {
	was := k.t
	k.t = t
	return func() { k.t = was }
}

// halves deals cases to two kernels.
func halves[T any](all []T) (half [2][]T) {
	for i, c := range all {
		half[i%2] = append(half[i%2], c)
	}
	return half
}

// place makes a pattern of a text in which N stands for a cell's number and \d is as in patterns.
func place(text string, n int) string {
	text = strings.ReplaceAll(text, "[N]", fmt.Sprintf("[%d]", n))
	return strings.ReplaceAll(regexp.QuoteMeta(text), `\\d\+`, `\d+`)
}

// prelude declares what must survive everything.
const prelude = `const answer = 42
func double(n int) int { return 2 * n }
type point struct{ x, y int }
func (p point) sum() int { return p.x + p.y }
func (p *point) move(by int) { p.x += by }`

// declare declares the prelude.
func (k *kernel) declare() {
	k.t.Helper()
	if s := k.run(prelude); s.status != wire.OK {
		k.t.Fatal(s.said())
	}
}

// keep sets the variables that whole looks for.
func (k *kernel) keep() {
	k.t.Helper()
	if s := k.run("kept := 7\nplace := &point{3, 4}\nplace.move(1)"); s.status != wire.OK {
		k.t.Fatal(s.said())
	}
}

// whole expects that what happened in cell s has cost nothing; lost says that the variables are gone, and that the cell
// has said so.
func (k *kernel) whole(s seen, lost bool) {
	k.t.Helper()
	k.alive()
	// Declarations are used by the interpreter and by compiled code, and the cells' process has the same parent as ever.
	want := fmt.Sprintf("84 3 %d\n", k.cmd.Process.Pid)
	if got := k.run("fmt.Println(double(answer), point{1, 2}.sum(), os.Getppid())"); got.stdout != want {
		k.t.Errorf("the next cell printed %q, want %q\n%s", got.stdout, want, got.said())
	}
	if got := k.run("func() int { p := point{1, 2}; p.move(answer); return p.sum() }()"); got.result != "45" {
		k.t.Errorf("the next cell gave %q, want 45\n%s", got.result, got.said())
	}
	got := k.run("kept + place.sum()")
	switch {
	case !lost && got.result != "15":
		k.t.Errorf("variables did not survive: %s", got.said())
	case lost && !(strings.Contains(got.trace, "kept was lost when the session ended") && strings.Contains(got.trace, fmt.Sprintf("cell[%d]:1", got.n))):
		k.t.Errorf("a lost variable: %s", got.said())
	}
	if said := regexp.MustCompile(`Lost variables: .*kept.*place`).MatchString(s.stderr); said != lost {
		k.t.Errorf("the cell tells of a loss: %t, want %t\n%s", said, lost, s.said())
	}
	if lost || got.result != "15" { // a failure must not be that of every test behind it
		k.keep()
	}
}
