package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"interleave/kernel/client"
	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

// A kind is a kernel that can be measured: the command that starts it, and the cells in its language.
type kind struct {
	name string
	argv []string // followed by the connection file
	code language
}

// A kernel is a running kernel, seen through the sockets that any Jupyter client uses.
type kernel struct {
	client *client.Client
	cmd    *exec.Cmd
	dir    string
	stderr *strings.Builder
}

// A birth holds the times from the start of a kernel's process to its first messages.
type birth struct{ info, result time.Duration }

// limit ends a measurement that hangs.
const limit = 2 * time.Minute

// begin starts a kernel, asks for its info and the value of one expression, and leaves it running.
func begin(k kind) (*kernel, birth, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "bench-*")
	if err != nil {
		return nil, birth{}, err
	}
	conn, err := connection()
	if err != nil {
		return nil, birth{}, err
	}
	file := filepath.Join(dir, "kernel.json")
	if err := zmq.WriteConnectionFile(file, conn); err != nil {
		return nil, birth{}, err
	}
	r := &kernel{cmd: exec.Command(k.argv[0], append(k.argv[1:], file)...), dir: dir, stderr: new(strings.Builder)}
	r.cmd.Stderr, r.cmd.Dir = r.stderr, dir
	t0 := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, birth{}, fmt.Errorf("start %s: %w", k.name, err)
	}
	peer, err := zmq.Dial(ctx, conn)
	if err != nil {
		r.end()
		return nil, birth{}, fmt.Errorf("connect to %s: %w\n%s", k.name, err, r.stderr)
	}
	var b birth
	author := wire.NewAuthor("bench")
	// Without the client package, whose care to miss nothing on iopub costs ipykernel a quarter of a second.
	if err = ask(ctx, peer, author, wire.KernelInfoRequest{}); err == nil {
		b.info = time.Since(t0)
		err = ask(ctx, peer, author, wire.ExecuteRequest{Code: k.code.first})
		b.result = time.Since(t0)
	}
	r.client = client.Start(peer, client.Config{Unclaimed: func(wire.Incoming) {}})
	if err == nil {
		err = r.heard(ctx)
	}
	if err != nil {
		r.end()
		return nil, birth{}, fmt.Errorf("first requests to %s: %w\n%s", k.name, err, r.stderr)
	}
	return r, b, nil
}

// heard waits until the kernel's iopub messages arrive. Client.Ready would read fields of the reply in which
// kernels differ.
func (k *kernel) heard(ctx context.Context) error {
	for {
		try, cancel := context.WithTimeout(ctx, time.Second)
		_, err := k.client.Request(try, wire.Shell, wire.KernelInfoRequest{}, nil)
		cancel()
		if err == nil || try.Err() == nil || ctx.Err() != nil {
			return err
		}
	}
}

// ask sends a request and waits for its reply, which must be ok.
func ask(ctx context.Context, p *zmq.Peer, a *wire.Author, c wire.Content) error {
	m, err := a.New(nil, c)
	if err != nil {
		return err
	}
	if err := p.Send(wire.Shell, m); err != nil {
		return err
	}
	for {
		select {
		case in, ok := <-p.Recv():
			if !ok {
				return errors.Join(errors.New("the connection was lost"), p.Err())
			}
			if in.Channel == wire.Shell && in.Message.Parent.MsgID == m.Header.MsgID {
				return replied(in.Message)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// replied returns the error in a reply.
func replied(m *wire.Message) error {
	var r struct{ Status, EName, EValue string }
	if err := json.Unmarshal(m.Content, &r); err != nil {
		return err
	}
	if r.Status != "ok" {
		return fmt.Errorf("%s: %s: %s", m.Header.MsgType, r.EName, r.EValue)
	}
	return nil
}

// connection makes a connection over ports that are free at the moment.
func connection() (zmq.Connection, error) {
	c := zmq.Connection{Key: "bench"}
	for _, port := range []*int{&c.ShellPort, &c.IOPubPort, &c.StdinPort, &c.ControlPort, &c.HeartbeatPort} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return c, err
		}
		defer l.Close() // after all are chosen, so that they differ
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return c, nil
}

// A ran is one cell as the client saw it.
type ran struct {
	took   time.Duration // from the request to reply and idle
	stdout string
	engine string // Interleave's kernel only: which engine ran it
}

// run runs a cell and waits until it is idle again.
func (k *kernel) run(code string) (ran, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var r ran
	var streams []*wire.Message // decoded after the measurement
	t0 := time.Now()
	reply, err := k.client.Request(
		ctx,
		wire.Shell,
		wire.ExecuteRequest{Code: code, StoreHistory: true},
		func(in wire.Incoming) {
			if in.Message.Header.MsgType == "stream" {
				streams = append(streams, in.Message)
			}
		},
	)
	r.took = time.Since(t0)
	if err == nil {
		err = replied(reply)
	}
	var out strings.Builder
	for _, m := range streams {
		s, bad := wire.As[wire.StreamText](m)
		if err = errors.Join(err, bad); s.Name == "stdout" {
			out.WriteString(s.Text)
		}
	}
	if err != nil {
		return r, fmt.Errorf("%.60q: %w", code, err)
	}
	var md struct {
		Interleave struct{ Engine string }
	}
	if err := json.Unmarshal(reply.Metadata, &md); err != nil {
		return r, err
	}
	r.stdout, r.engine = out.String(), md.Interleave.Engine
	return r, nil
}

var seconds = regexp.MustCompile(`took ([0-9.e+-]+)`)

// timed runs a cell that prints how long its own work took.
func (k *kernel) timed(code string) (time.Duration, error) {
	r, err := k.run(code)
	if err != nil {
		return 0, err
	}
	return parseTook(r.stdout)
}

func parseTook(out string) (time.Duration, error) {
	m := seconds.FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("no time in %q", out)
	}
	var s float64
	if _, err := fmt.Sscan(m[1], &s); err != nil {
		return 0, err
	}
	return time.Duration(s * float64(time.Second)), nil
}

// end ends the kernel, and kills it when it does not end by itself.
func (k *kernel) end() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { k.cmd.Process.Kill() })
	if k.client == nil {
		k.cmd.Process.Kill()
	} else if k.client.Shutdown(ctx, false) != nil {
		k.cmd.Process.Kill()
	}
	k.cmd.Wait() // its status does not matter: it was asked to end
	stop()
	if k.client != nil {
		k.client.Close()
	}
	os.RemoveAll(k.dir)
}
