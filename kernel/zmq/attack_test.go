package zmq_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

// An attack is what hostile peers do to a transport until stop is closed. It closes what it opened.
type attack func(c zmq.Connection, stop <-chan struct{})

const subscribeAll = "\x00\x01\x01"

func helloOf(ch wire.Channel) string {
	kind := "DEALER"
	switch ch {
	case wire.IOPub:
		kind = "SUB"
	case wire.Heartbeat:
		kind = "REQ"
	}
	return greeting + command("READY", property("Socket-Type", kind))
}

var everyChannel = []wire.Channel{wire.Shell, wire.Control, wire.Stdin, wire.IOPub, wire.Heartbeat}

// attacks have the names of what they do. None needs the key.
var attacks = map[string]attack{
	"20 announce 64 MB": peers(20, everyChannel, func(ch wire.Channel, conn net.Conn, stop <-chan struct{}) {
		io.WriteString(conn, helloOf(ch)+long(2, 64<<20))
		<-stop
	}),
	"20 send 64 MB": peers(20, everyChannel, func(ch wire.Channel, conn net.Conn, stop <-chan struct{}) {
		io.WriteString(conn, helloOf(ch)+long(2, 16<<20))
		for piece := make([]byte, 64<<10); ; {
			if _, err := conn.Write(piece); err != nil {
				return
			}
		}
	}),
	"200 silent": peers(200, everyChannel, func(_ wire.Channel, _ net.Conn, stop <-chan struct{}) { <-stop }),
	"200 connected and silent": peers(200, everyChannel, func(ch wire.Channel, conn net.Conn, stop <-chan struct{}) {
		io.WriteString(conn, helloOf(ch))
		<-stop
	}),
	"200 by single bytes": peers(200, everyChannel, func(ch wire.Channel, conn net.Conn, stop <-chan struct{}) {
		for _, b := range []byte(helloOf(ch) + long(2, 1000) + strings.Repeat("x", 1000)) {
			if _, err := conn.Write([]byte{b}); err != nil || ended(stop, time.Millisecond) {
				return
			}
		}
	}),
	"20 of many empty parts": peers(20, everyChannel[:3], flood(strings.Repeat("\x01\x00", 1<<12))),
	"20 of many messages":    peers(20, everyChannel[:3], flood(strings.Repeat("\x00\x05hello", 1<<10))),
	"20 of many commands":    peers(20, everyChannel, flood(strings.Repeat(command("PING", "\x00\x0acontext"), 1<<10))),
	"20 of many beats": peers(20, everyChannel[4:], func(ch wire.Channel, conn net.Conn, stop <-chan struct{}) {
		var reading sync.WaitGroup
		reading.Go(func() { io.Copy(io.Discard, conn) })
		flood(strings.Repeat("\x01\x00\x00\x04beat", 1<<10))(ch, conn, stop)
		conn.Close()
		reading.Wait()
	}),
	"20 that never read beats": peers(20, everyChannel[4:], flood(strings.Repeat("\x01\x00\x02\x00\x00\x00\x00\x00\x00\x04\x00"+strings.Repeat("b", 1<<10), 1<<6))),
	"20 subscribe and cancel":  peers(20, everyChannel[3:4], flood(strings.Repeat("\x00\x02\x01k\x00\x02\x00k", 1<<10))),
	"20 subscribe to much": peers(20, everyChannel[3:4], func(ch wire.Channel, conn net.Conn, stop <-chan struct{}) {
		io.WriteString(conn, helloOf(ch))
		for i := range 60 {
			fmt.Fprintf(conn, "\x00\x04\x01k%02d", i)
		}
		io.Copy(io.Discard, conn)
	}),
	"200 subscribers": peers(200, everyChannel[3:4], func(ch wire.Channel, conn net.Conn, stop <-chan struct{}) {
		io.WriteString(conn, helloOf(ch)+subscribeAll)
		io.Copy(io.Discard, conn)
	}),
	"200 subscribers that never read": peers(200, everyChannel[3:4], func(ch wire.Channel, conn net.Conn, stop <-chan struct{}) {
		io.WriteString(conn, helloOf(ch)+subscribeAll)
		<-stop
	}),
	"connect again and again": peers(5, everyChannel, func(_ wire.Channel, _ net.Conn, stop <-chan struct{}) { ended(stop, time.Millisecond) }),
	"connect and subscribe again and again": peers(4, everyChannel[3:4], func(ch wire.Channel, conn net.Conn, _ <-chan struct{}) {
		io.WriteString(conn, helloOf(ch)+subscribeAll)
		conn.Read(make([]byte, 200))
	}),
	"2000 connections": peers(2000, everyChannel, func(ch wire.Channel, conn net.Conn, stop <-chan struct{}) {
		io.WriteString(conn, helloOf(ch))
		io.Copy(io.Discard, conn) // until it is dropped; after a while there is another one
		ended(stop, 5*time.Second)
	}),
}

// peers keeps n connections, spread over the channels, and makes another one for each that is over.
func peers(n int, on []wire.Channel, act func(wire.Channel, net.Conn, <-chan struct{})) attack {
	return func(c zmq.Connection, stop <-chan struct{}) {
		var all sync.WaitGroup
		defer all.Wait()
		for i := range n {
			ch := on[i%len(on)]
			network, addr, _ := strings.Cut(c.Endpoint(ch), "://")
			if network == "ipc" {
				network = "unix"
			}
			all.Go(func() {
				for !ended(stop, 0) {
					conn, err := net.DialTimeout(network, addr, time.Second)
					if err != nil {
						ended(stop, 10*time.Millisecond)
						continue
					}
					over := make(chan struct{})
					var closing sync.WaitGroup
					closing.Go(func() { // a peer that reads or writes ends, too
						select {
						case <-stop:
						case <-over:
						}
						conn.Close()
					})
					act(ch, conn, stop)
					close(over)
					closing.Wait()
				}
			})
		}
	}
}

// flood writes the same again and again, behind the handshake.
func flood(data string) func(wire.Channel, net.Conn, <-chan struct{}) {
	return func(ch wire.Channel, conn net.Conn, _ <-chan struct{}) {
		io.WriteString(conn, helloOf(ch))
		for {
			if _, err := io.WriteString(conn, data); err != nil {
				return
			}
		}
	}
}

// ended waits for stop, but no longer than d.
func ended(stop <-chan struct{}, d time.Duration) bool {
	select {
	case <-stop:
		return true
	case <-time.After(d):
		return false
	}
}

// attackFrom runs an attack in a process of its own, so that its work is not this one's. It returns when the first peers are at it,
// and gives a function that ends it.
func attackFrom(t testing.TB, name string, c zmq.Connection) (end func()) {
	t.Helper()
	conn, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), attackEnv+"="+name, attackEnv+"_ON="+string(conn))
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
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return func() {
		in.Close()
		cmd.Wait()
	}
}

const attackEnv = "INTERLEAVE_TEST_ATTACK"

// attacking is the main function of the process that attackFrom starts.
func attacking(name string) {
	var c zmq.Connection
	if err := json.Unmarshal([]byte(os.Getenv(attackEnv+"_ON")), &c); err != nil {
		panic(err)
	}
	stop := make(chan struct{})
	go func() {
		time.Sleep(100 * time.Millisecond)
		fmt.Println("attacking")
		io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	go func() { // whatever becomes of the one who started it
		time.Sleep(2 * time.Minute)
		os.Exit(1)
	}()
	attacks[name](c, stop)
}

// A cellClient runs what a cell costs a transport: a request, four messages on iopub, a reply.
type cellClient struct {
	tr *zmq.Transport
	p  *zmq.Peer
}

// answer is the kernel's side.
func answer(tr *zmq.Transport, stop <-chan struct{}) error {
	for {
		select {
		case in := <-tr.Recv():
			for _, c := range []wire.Content{
				wire.Status{State: "busy"}, wire.StreamText{Name: "stdout", Text: strings.Repeat("x", 100)}, wire.ExecuteReply{Status: wire.OK},
				wire.Status{State: "idle"},
			} {
				m, err := kernels.New(in.Message, c)
				if err != nil {
					return err
				}
				ch := in.Channel
				if c.MsgType() != "execute_reply" {
					ch, m.Identities = wire.IOPub, [][]byte{[]byte("kernel." + c.MsgType())}
				}
				if err := tr.Send(ch, m); err != nil {
					return err
				}
			}
		case s := <-tr.Subscriptions():
			m, err := kernels.New(nil, wire.Welcome{Subscription: s.Topic})
			if err != nil {
				return err
			}
			m.Identities = [][]byte{[]byte(s.Topic), s.Peer}
			if err := tr.Send(wire.IOPub, m); err != nil {
				return err
			}
		case <-stop:
			return nil
		}
	}
}

// newClient connects, signs messages, and waits until its subscription counts. It connects again, as libzmq does, when a connection
// is dropped before the kernel knows whose it is.
func newClient(t testing.TB, tr *zmq.Transport) cellClient {
	t.Helper()
	for ctx := soon(t); ; {
		p, err := zmq.Dial(ctx, tr.Connection())
		if err == nil {
			if err = ready(ctx, p); err == nil {
				t.Cleanup(func() { p.Close() })
				return cellClient{tr, p}
			}
			p.Close()
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		t.Log("again:", err)
	}
}

// ready waits until all connections of a peer have shown that they are there.
func ready(ctx context.Context, p *zmq.Peer) error {
	for _, ch := range []wire.Channel{wire.Shell, wire.Control, wire.Stdin} {
		m, err := clients.New(nil, wire.KernelInfoRequest{})
		if err == nil {
			err = p.Send(ch, m)
		}
		if err != nil {
			return err
		}
	}
	missing := map[wire.Channel]bool{wire.Shell: true, wire.Control: true, wire.Stdin: true, wire.IOPub: true}
	for len(missing) > 0 {
		in, ok := <-p.Recv()
		if !ok {
			return errors.Join(errors.New("closed"), p.Err())
		}
		if in.Channel != wire.IOPub || in.Message.Header.MsgType == "iopub_welcome" {
			delete(missing, in.Channel)
		}
	}
	return p.Ping(ctx)
}

// run runs one cell, and expects that exactly its messages come, those of iopub in order.
func (c cellClient) run(t testing.TB) {
	t.Helper()
	ask := message(t, nil, wire.ExecuteRequest{Code: "1"})
	send(t, c.p, wire.Shell, ask)
	var published []string
	for replied := false; !replied || len(published) < 3; {
		in := next(t, c.p.Recv())
		switch {
		case in.Message.Parent.MsgID != ask.Header.MsgID: // of another client's cell
		case in.Channel == wire.Shell:
			replied = true
		default:
			published = append(published, in.Message.Header.MsgType)
		}
	}
	if !slices.Equal(published, []string{"status", "stream", "status"}) {
		t.Fatalf("published %v", published)
	}
}

// serve answers on a transport until the test's end.
func serve(t testing.TB, tr *zmq.Transport) {
	stop := make(chan struct{})
	var answering sync.WaitGroup
	answering.Go(func() {
		if err := answer(tr, stop); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		close(stop)
		answering.Wait()
	})
}

// TestAttacks: a client that was there before, and one that comes while all places for strangers are taken, run cells as if they were
// alone, and keep their connections.
func TestAttacks(t *testing.T) {
	t.Parallel()
	for name := range attacks {
		for _, place := range places {
			c := place(t)
			t.Run(name+" "+cmp.Or(c.Transport, "tcp"), func(t *testing.T) {
				rounds := 30
				if testing.Short() {
					if rounds = 5; c.Transport == "ipc" {
						t.Skip("the same over tcp is enough")
					}
				}
				tr := listen(t, c, zmq.Options{})
				serve(t, tr)
				old := newClient(t, tr)
				old.run(t)
				t.Cleanup(attackFrom(t, name, tr.Connection()))
				late := newClient(t, tr)
				for range rounds {
					old.run(t)
					late.run(t)
					if err := late.p.Ping(soon(t)); err != nil {
						t.Fatal(err)
					}
				}
				if testing.Verbose() {
					t.Logf("%+v", tr.Stats())
				}
			})
		}
	}
}

// BenchmarkAttacks is a cell's round trip, and how much longer it takes beside an attack.
func BenchmarkAttacks(b *testing.B) {
	names := make([]string, 0, len(attacks))
	for name := range attacks {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			tr := listen(b, places["tcp"](b), zmq.Options{Log: nil})
			serve(b, tr)
			client := newClient(b, tr)
			const rounds, cells = 5, 200
			median := func() time.Duration {
				var took []time.Duration
				for range cells {
					began := time.Now()
					client.run(b)
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				return took[cells/2]
			}
			median()
			for b.Loop() {
				var ratios []float64
				for range rounds { // one beside the other, so that other load hits both
					quiet := median()
					end := attackFrom(b, name, tr.Connection())
					beside := median()
					end()
					ratios = append(ratios, float64(beside)/float64(quiet))
				}
				slices.Sort(ratios)
				b.ReportMetric(ratios[rounds/2], "×quiet")
				b.ReportMetric(float64(median().Microseconds()), "µs/cell")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
