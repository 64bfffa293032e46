package zmq_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(attackEnv); name != "" {
		attacking(name)
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must come. It is long because it only costs when a test fails.
const patience = 30 * time.Second

func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// places are the connections that tests listen on: every port is chosen by Listen.
var places = map[string]func(testing.TB) zmq.Connection{
	"tcp": func(testing.TB) zmq.Connection { return zmq.Connection{Key: "key of tests"} },
	"ipc": func(t testing.TB) zmq.Connection {
		dir, err := os.MkdirTemp("", "zmq") // t.TempDir is too long for a socket path
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		return zmq.Connection{Transport: "ipc", IP: filepath.Join(dir, "k"), Key: "key of tests"}
	},
}

// everywhere runs a test on every kind of connection.
func everywhere(t *testing.T, test func(*testing.T, zmq.Connection)) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, place(t))
		})
	}
}

// listen gives a transport that the test's end closes.
func listen(t testing.TB, c zmq.Connection, o zmq.Options) *zmq.Transport {
	t.Helper()
	if o.Log == nil && testing.Verbose() {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	tr, err := zmq.Listen(soon(t), c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return tr
}

// dial gives a peer that the test's end closes.
func dial(t testing.TB, tr *zmq.Transport) *zmq.Peer {
	t.Helper()
	p, err := zmq.Dial(soon(t), tr.Connection())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// next receives from a channel of a transport or peer.
func next[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-ch:
		if !ok {
			t.Fatal("closed")
		}
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// subscribed dials and waits until the subscription counts.
func subscribed(t testing.TB, tr *zmq.Transport) *zmq.Peer {
	t.Helper()
	p := dial(t, tr)
	if s := next(t, tr.Subscriptions()); s.Topic != "" {
		t.Fatalf("subscribed to %q, want everything", s.Topic)
	}
	return p
}

// The two ends of tests. What one of them has sent is not the other's.
var clients, kernels = wire.NewAuthor("client"), wire.NewAuthor("kernel")

// message makes a message of the end that sends such content.
func message(t testing.TB, parent *wire.Message, c wire.Content) *wire.Message {
	t.Helper()
	author := kernels
	if typ := c.MsgType(); typ == "input_reply" || typ != "input_request" && strings.HasSuffix(typ, "_request") {
		author = clients
	}
	m, err := author.New(parent, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func stream(t testing.TB, text string) *wire.Message {
	return message(t, nil, wire.StreamText{Name: "stdout", Text: text})
}

func send(t testing.TB, to interface {
	Send(wire.Channel, *wire.Message) error
}, ch wire.Channel, m *wire.Message) {
	t.Helper()
	if err := to.Send(ch, m); err != nil {
		t.Fatal(err)
	}
}

// text is the text of a stream message, or the code of a request.
func text(t testing.TB, in wire.Incoming) string {
	t.Helper()
	c, err := wire.Parse(in.Message)
	if err != nil {
		t.Fatal(err)
	}
	switch c := c.(type) {
	case wire.StreamText:
		return c.Text
	case wire.ExecuteRequest:
		return c.Code
	}
	return in.Message.Header.MsgType
}

// roundTrip shows that a peer is served: a request arrives and is answered.
func roundTrip(t testing.TB, tr *zmq.Transport, p *zmq.Peer) {
	t.Helper()
	ask := message(t, nil, wire.KernelInfoRequest{})
	send(t, p, wire.Shell, ask)
	in := next(t, tr.Recv())
	send(t, tr, in.Channel, message(t, in.Message, wire.ShutdownReply{Status: wire.OK}))
	if got := next(t, p.Recv()).Message.Parent.MsgID; got != ask.Header.MsgID {
		t.Fatalf("answer to %q, want %q", got, ask.Header.MsgID)
	}
}

// A libzmq is a Python process with pyzmq that a test talks to in lines.
type libzmq struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

var pyzmq = sync.OnceValue(func() error {
	return exec.Command("/usr/bin/python3", "-c", "import zmq").Run()
})

// python runs script, after testdata/peer.py, with libzmq. Without pyzmq the test is skipped, in CI it fails.
func python(t testing.TB, c zmq.Connection, script string) *libzmq {
	t.Helper()
	if err := pyzmq(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("pyzmq: %v", err)
		}
		t.Skipf("pyzmq: %v", err)
	}
	prelude, err := os.ReadFile("testdata/peer.py")
	if err != nil {
		t.Fatal(err)
	}
	arg, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(soon(t), "/usr/bin/python3", "-c", string(prelude)+script, string(arg))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &libzmq{t: t, cmd: cmd, in: in, out: bufio.NewScanner(out)}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return p
}

// hear gives the next line that Python says.
func (p *libzmq) hear() string {
	p.t.Helper()
	if !p.out.Scan() {
		p.t.Fatalf("Python ended: %v", p.cmd.Wait())
	}
	return p.out.Text()
}

func (p *libzmq) want(line string) {
	p.t.Helper()
	if got := p.hear(); got != line {
		p.t.Fatalf("Python says %q, want %q", got, line)
	}
}

func (p *libzmq) say(line string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		p.t.Fatal(err)
	}
}

// end waits until Python has ended well.
func (p *libzmq) end() {
	p.t.Helper()
	for p.out.Scan() {
		p.t.Errorf("Python still says %q", p.out.Text())
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("Python: %v", err)
	}
}

// trimmed removes a script's common indentation.
func trimmed(script string) string {
	lines := strings.Split(strings.Trim(script, "\n"), "\n")
	indent := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], "\t"))]
	for i := range lines {
		lines[i] = strings.ReplaceAll(strings.TrimPrefix(lines[i], indent), "\t", "    ")
	}
	return strings.Join(lines, "\n")
}
