package zmq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

// TestDeafClient: with zmq4's own ROUTER, a client that does not read holds up the answers of all others for ever.
func TestDeafClient(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		tr := listen(t, c, zmq.Options{QueueBytes: 1 << 20})
		deaf := raw(t, tr, wire.Shell)
		write(t, deaf, dealer, "\x01\x09<IDS|MSG>", "\x00\x00")
		eventually(t, "connected", func() bool { return tr.Stats().Malformed == 1 })
		p := dial(t, tr)
		// The deaf client's identity is the first that the kernel gives.
		for tr.Stats().Astray == 0 {
			m := stream(t, strings.Repeat("x", 64<<10))
			m.Identities = [][]byte{{0, 0, 0, 0, 1}}
			send(t, tr, wire.Shell, m)
			if tr.Stats().Sent > 1<<10 {
				t.Fatal("64 MiB wait for a client that does not read")
			}
		}
		roundTrip(t, tr, p)
		eventually(t, "counted", func() bool { return tr.Stats().Stalled == 1 })
		roundTrip(t, tr, p)
	})
}

// TestDeafSubscriber: with zmq4's own PUB, a subscriber that does not read holds up the others, and the queue grows without end.
func TestDeafSubscriber(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		const n, size = 256, 64 << 10
		tr := listen(t, c, zmq.Options{QueueBytes: 1 << 20, Stall: time.Second})
		deaf := raw(t, tr, wire.IOPub)
		write(t, deaf, greeting, command("READY", property("Socket-Type", "SUB")), "\x00\x01\x01")
		next(t, tr.Subscriptions())
		p := subscribed(t, tr)
		var reading sync.WaitGroup
		reading.Go(func() {
			for i := range n {
				if got := text(t, next(t, p.Recv())); !strings.HasPrefix(got, fmt.Sprint(i, " ")) {
					t.Errorf("got %.20q, want %d", got, i)
				}
			}
		})
		for i := range n {
			send(t, tr, wire.IOPub, stream(t, fmt.Sprint(i, " ")+strings.Repeat("x", size)))
		}
		reading.Wait()
		eventually(t, "counted", func() bool { return tr.Stats().Stalled == 1 })
	})
}

// TestSlowSubscriber: who reads, however slowly, loses nothing, and makes the kernel wait rather than its memory grow.
func TestSlowSubscriber(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		const n = 2_000
		tr := listen(t, c, zmq.Options{QueueBytes: 64 << 10, Stall: patience})
		py := python(t, tr.Connection(), trimmed(fmt.Sprintf(`
			import time
			iopub = subscriber(RCVHWM=10, RCVBUF=10_000)
			for want in range(%d):
				if want %% 100 == 0:
					time.sleep(0.02) # the only way to be slow
				assert recv(iopub)[3]["text"].startswith(f"{want} ")
			say("all")
		`, n)))
		next(t, tr.Subscriptions())
		for i := range n {
			send(t, tr, wire.IOPub, stream(t, fmt.Sprint(i, " ")+strings.Repeat("x", 10_000)))
		}
		py.want("all")
		py.end()
		if s := tr.Stats(); s.Stalled != 0 {
			t.Errorf("stats %+v: a reader was cut off", s)
		}
	})
}

// TestDeafAtClose: Close waits for a client that does not read, but not for ever, and Send gives up when Close begins.
func TestDeafAtClose(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		tr := listen(t, c, zmq.Options{QueueBytes: 1 << 20, Stall: time.Hour, Linger: 50 * time.Millisecond})
		deaf := raw(t, tr, wire.IOPub)
		write(t, deaf, greeting, command("READY", property("Socket-Type", "SUB")), "\x00\x01\x01")
		next(t, tr.Subscriptions())
		var sending sync.WaitGroup
		sending.Go(func() {
			for {
				if err := tr.Send(wire.IOPub, stream(t, strings.Repeat("x", 64<<10))); err != nil {
					if !errors.Is(err, zmq.ErrClosed) {
						t.Errorf("error %v, want %v", err, zmq.ErrClosed)
					}
					return
				}
			}
		})
		for last := uint64(1 << 63); ; time.Sleep(20 * time.Millisecond) { // until Send waits
			sent := tr.Stats().Sent
			if sent == last && sent > 4 {
				break
			}
			last = sent
		}
		if err := tr.Close(soon(t)); err != nil {
			t.Error(err)
		}
		sending.Wait()
		if _, ok := <-tr.Recv(); ok {
			t.Error("Recv is open")
		}
	})
}

// TestCloseWhileTalking: to close a connection that still has input resets it, and a reset destroys what the client has not read.
func TestCloseWhileTalking(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		const n, size = 100, 64 << 10
		tr := listen(t, c, zmq.Options{Linger: patience})
		conn := raw(t, tr, wire.Shell)
		if conn, ok := conn.(*net.TCPConn); ok {
			conn.SetReadBuffer(16 << 10) // so that much is still under way when Close begins
		}
		write(t, conn, dealer, signed(t))
		next(t, tr.Recv())
		var talking sync.WaitGroup
		talking.Go(func() {
			talk := bytes.Repeat([]byte(command("TALK", "")), 1<<16) // so that there is always input
			for {
				if _, err := conn.Write(talk); err != nil {
					return
				}
			}
		})
		for range n {
			m := stream(t, strings.Repeat("x", size))
			m.Identities = [][]byte{{0, 0, 0, 0, 1}}
			send(t, tr, wire.Shell, m)
		}
		var closing sync.WaitGroup
		closing.Go(func() {
			if err := tr.Close(soon(t)); err != nil {
				t.Error(err)
			}
		})
		got := 0
		buf := make([]byte, 4<<10)
		for {
			k, err := conn.Read(buf)
			if got += k; err == io.EOF {
				break
			} else if err != nil {
				t.Errorf("after %d bytes: %v", got, err)
				break
			}
		}
		conn.Close()
		if got < n*size {
			t.Errorf("got %d bytes, want more than %d", got, n*size)
		}
		talking.Wait()
		closing.Wait()
	})
}

// TestCloseContext: Close returns when its context ends, with everything ended all the same.
func TestCloseContext(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{Linger: time.Hour})
	write(t, raw(t, tr, wire.Shell), dealer) // reads nothing, so that it never hangs up
	eventually(t, "connected", func() bool {
		m := stream(t, "")
		m.Identities = [][]byte{{0, 0, 0, 0, 1}}
		send(t, tr, wire.Shell, m)
		return tr.Stats().Sent > 0
	})
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("enough"))
	if err := tr.Close(ctx); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("error %v, want enough", err)
	}
	if err := tr.Close(context.Background()); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestUnreadTransport: messages that nobody receives do not hold up Close.
func TestUnreadTransport(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{})
	p := dial(t, tr)
	for range 100 {
		send(t, p, wire.Shell, message(t, nil, wire.KernelInfoRequest{}))
		send(t, p, wire.Control, message(t, nil, wire.KernelInfoRequest{}))
	}
	next(t, tr.Recv())
	if err := tr.Close(soon(t)); err != nil {
		t.Error(err)
	}
}
