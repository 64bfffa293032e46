package zmq_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

// frames reads n messages of a peer without ZeroMQ, behind the handshake.
func frames(t testing.TB, conn net.Conn, n int) (messages [][][]byte) {
	t.Helper()
	var message [][]byte
	for len(messages) < n {
		var head [9]byte
		read := func(p []byte) {
			if _, err := io.ReadFull(conn, p); err != nil {
				t.Fatalf("after %d messages: %v", len(messages), err)
			}
		}
		read(head[:2])
		size := int(head[1])
		if head[0]&2 != 0 {
			read(head[2:])
			size = int(head[5])<<24 | int(head[6])<<16 | int(head[7])<<8 | int(head[8])
		}
		body := make([]byte, size)
		read(body)
		if head[0]&4 != 0 {
			continue // READY
		}
		if message = append(message, body); head[0]&1 == 0 {
			messages, message = append(messages, message), nil
		}
	}
	return messages
}

// shake connects and reads the greeting.
func shake(t testing.TB, tr *zmq.Transport, ch wire.Channel, properties ...string) net.Conn {
	t.Helper()
	conn := raw(t, tr, ch)
	kind := map[wire.Channel]string{wire.IOPub: "SUB", wire.Heartbeat: "REQ"}[ch]
	if kind == "" {
		kind = "DEALER"
	}
	write(t, conn, greeting+command("READY", property("Socket-Type", kind)+strings.Join(properties, "")))
	if _, err := io.ReadFull(conn, make([]byte, len(greeting))); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestStolenIdentity: a stranger who chose a client's identity, which iopub sends to everybody, does not take the client's answers away.
func TestStolenIdentity(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		tr := listen(t, c, zmq.Options{})
		me := property("Identity", "me")
		client, stdin := shake(t, tr, wire.Shell, me), shake(t, tr, wire.Stdin, me)
		write(t, client, signed(t))
		ask := next(t, tr.Recv()).Message
		question := message(t, ask, wire.InputRequest{Prompt: "?"})
		eventually(t, "served", func() bool { // it may be about to be
			astray := tr.Stats().Astray
			send(t, tr, wire.Stdin, question)
			return tr.Stats().Astray == astray
		})
		frames(t, stdin, 1)
		// hears answers the client until a connection, which may be only about to be served, hears an answer, too.
		hears := func(conn net.Conn) {
			t.Helper()
			var got []byte
			for end := time.Now().Add(patience); !bytes.Contains(got, []byte("execute_reply")); {
				send(t, tr, wire.Shell, message(t, ask, wire.ExecuteReply{Status: wire.OK}))
				frames(t, client, 1)
				var b [4 << 10]byte
				conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
				n, err := conn.Read(b[:])
				if got = append(got, b[:n]...); err != nil && !os.IsTimeout(err) || time.Now().After(end) {
					t.Fatalf("%v after %q", err, got)
				}
			}
		}
		hears(shake(t, tr, wire.Shell, me)) // a stranger, or the client that has connected again: which cannot be known yet
		shake(t, tr, wire.Stdin, me)
		send(t, tr, wire.Stdin, question)
		if got := frames(t, stdin, 1)[0]; !bytes.Contains(bytes.Join(got, nil), []byte("input_request")) {
			t.Errorf("stdin got %q", got)
		}
		again := shake(t, tr, wire.Shell, me)
		hears(again)
		// Once it has signed, it gets the answers alone.
		write(t, again, signed(t))
		next(t, tr.Recv())
		send(t, tr, wire.Shell, message(t, ask, wire.ShutdownReply{Status: wire.OK}))
		again.SetReadDeadline(time.Now().Add(patience))
		for got := []byte(nil); !bytes.Contains(got, []byte("shutdown_reply")); {
			var b [4 << 10]byte
			n, err := again.Read(b[:])
			if got = append(got, b[:n]...); err != nil {
				t.Fatalf("%v after %q", err, got)
			}
		}
		client.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if n, err := client.Read(make([]byte, 1)); n > 0 || !os.IsTimeout(err) {
			t.Errorf("the old connection got %d bytes, %v", n, err)
		}
	})
}

// TestReflected: the kernel's own messages have a valid signature, and prove nothing of who sends them back.
func TestReflected(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{})
	sub := shake(t, tr, wire.IOPub)
	write(t, sub, "\x00\x01\x01")
	next(t, tr.Subscriptions())
	thief := shake(t, tr, wire.Shell)
	for range 3 {
		send(t, tr, wire.IOPub, stream(t, "x"))
	}
	for _, m := range frames(t, sub, 3) {
		var out strings.Builder
		for i, f := range m {
			flags := byte(3)
			if i == len(m)-1 {
				flags = 2
			}
			out.WriteString(long(flags, uint64(len(f))) + string(f))
		}
		write(t, thief, out.String())
	}
	eventually(t, "refused", func() bool { return tr.Stats().Replayed == 3 })
	// It is a stranger still: a client could announce that.
	write(t, thief, long(2, 40<<20))
	gone(t, thief)
	eventually(t, "cut", func() bool { s := tr.Stats(); return s.Delivered == 0 && s.Cut == 1 })
}

// TestWelcomeOfOne: an answer to a subscription goes to that subscriber alone.
func TestWelcomeOfOne(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		tr := listen(t, c, zmq.Options{})
		var subs []net.Conn
		for i := range 3 {
			conn := shake(t, tr, wire.IOPub)
			write(t, conn, "\x00\x01\x01")
			s := next(t, tr.Subscriptions())
			m := message(t, nil, wire.Welcome{Subscription: s.Topic})
			m.Identities = [][]byte{[]byte(fmt.Sprint("to ", i)), s.Peer}
			send(t, tr, wire.IOPub, m)
			subs = append(subs, conn)
		}
		m := stream(t, "to all")
		m.Identities = [][]byte{[]byte("to all")}
		send(t, tr, wire.IOPub, m)
		for i, conn := range subs {
			got := frames(t, conn, 2)
			if a, b := string(got[0][0]), string(got[1][0]); a != fmt.Sprint("to ", i) || b != "to all" {
				t.Errorf("subscriber %d got %q and %q", i, a, b)
			}
			if string(got[0][1]) != "<IDS|MSG>" {
				t.Errorf("behind the topic stands %q", got[0][1])
			}
		}
		gone := message(t, nil, wire.Welcome{})
		gone.Identities = [][]byte{[]byte("x"), []byte("none")}
		send(t, tr, wire.IOPub, gone) // to a subscriber that has left: no error
	})
}

// TestUnsignedMessages: who cannot sign has some tries, and not for ever.
func TestUnsignedMessages(t *testing.T) {
	t.Parallel()
	wrong := strings.Repeat("\x01\x00", 3) + "\x00\x02{}"
	t.Run("many", func(t *testing.T) {
		t.Parallel()
		tr := listen(t, places["tcp"](t), zmq.Options{})
		conn := shake(t, tr, wire.Control)
		io.WriteString(conn, strings.Repeat(wrong, 1000))
		gone(t, conn)
		if s := tr.Stats(); s.Malformed != 16 {
			t.Errorf("%+v, want 16 messages looked at", s)
		}
	})
	t.Run("large", func(t *testing.T) {
		t.Parallel()
		tr := listen(t, places["tcp"](t), zmq.Options{})
		conn := shake(t, tr, wire.Control)
		io.WriteString(conn, strings.Repeat(long(2, 3<<19)+strings.Repeat("x", 3<<19), 2))
		gone(t, conn)
		eventually(t, "cut behind the first", func() bool { s := tr.Stats(); return s.Malformed == 1 && s.Cut == 1 })
	})
	t.Run("between good ones", func(t *testing.T) {
		t.Parallel()
		tr := listen(t, places["tcp"](t), zmq.Options{})
		conn := shake(t, tr, wire.Control)
		for range 5 {
			write(t, conn, strings.Repeat(wrong, 15)+signed(t))
			next(t, tr.Recv())
		}
		write(t, conn, long(2, 3<<20)+strings.Repeat("x", 3<<20), signed(t))
		next(t, tr.Recv())
	})
	t.Run("behind a good one", func(t *testing.T) {
		t.Parallel()
		tr := listen(t, places["tcp"](t), zmq.Options{})
		conn := shake(t, tr, wire.Control)
		write(t, conn, signed(t))
		next(t, tr.Recv())
		io.WriteString(conn, strings.Repeat(wrong, 1000))
		gone(t, conn)
		eventually(t, "cut behind 16", func() bool { s := tr.Stats(); return s.Malformed == 16 && s.Cut == 1 })
	})
	t.Run("without a key", func(t *testing.T) { // everything that is a message counts as signed
		t.Parallel()
		tr := listen(t, zmq.Connection{}, zmq.Options{})
		p := dial(t, tr)
		roundTrip(t, tr, p)
		m := message(t, nil, wire.KernelInfoRequest{})
		m.Buffers = [][]byte{make([]byte, 20<<20)}
		send(t, p, wire.Shell, m)
		next(t, tr.Recv())
	})
}

// TestDeafStranger: beside a client that listens, a stranger that does not read is not waited for.
func TestDeafStranger(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		const n, size = 256, 64 << 10
		tr := listen(t, c, zmq.Options{QueueBytes: 1 << 20, Stall: time.Hour})
		p := subscribed(t, tr)
		roundTrip(t, tr, p)
		deaf := shake(t, tr, wire.IOPub)
		write(t, deaf, "\x00\x01\x01")
		next(t, tr.Subscriptions())
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

// TestSlowClient: a client that has signed reads slowly, and loses nothing, beside one that is fast.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	const n, size = 64, 64 << 10
	tr := listen(t, places["tcp"](t), zmq.Options{QueueBytes: 256 << 10, Stall: patience})
	var clients []*zmq.Peer
	for range 2 {
		p := subscribed(t, tr)
		roundTrip(t, tr, p)
		clients = append(clients, p)
	}
	var reading sync.WaitGroup
	for slow, p := range clients {
		reading.Go(func() {
			for i := range n {
				if slow == 1 && i%8 == 0 {
					time.Sleep(20 * time.Millisecond) // the only way to be slow
				}
				if got := text(t, next(t, p.Recv())); !strings.HasPrefix(got, fmt.Sprint(i, " ")) {
					t.Errorf("got %.20q, want %d", got, i)
				}
			}
		})
	}
	for i := range n {
		send(t, tr, wire.IOPub, stream(t, fmt.Sprint(i, " ")+strings.Repeat("x", size)))
	}
	reading.Wait()
	if s := tr.Stats(); s.Stalled != 0 || s.Crowded != 0 {
		t.Errorf("%+v", s)
	}
}

// TestLargeMessages: what a client sends comes whole, whatever the sizes of its parts.
func TestLargeMessages(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		tr := listen(t, c, zmq.Options{})
		p := dial(t, tr)
		for _, size := range []int{0, 1, 100, 16<<10 - 1, 16 << 10, 16<<10 + 1, 1 << 20, 20 << 20} {
			m := message(t, nil, wire.KernelInfoRequest{})
			buffer := make([]byte, size)
			for i := range buffer {
				buffer[i] = byte(i ^ i>>8 ^ i>>16)
			}
			m.Buffers = [][]byte{buffer, {}, buffer[:min(size, 100)]}
			send(t, p, wire.Shell, m)
			got := next(t, tr.Recv()).Message
			if len(got.Buffers) != 3 || !bytes.Equal(got.Buffers[0], buffer) || len(got.Buffers[1]) != 0 || !bytes.Equal(got.Buffers[2], m.Buffers[2]) {
				t.Errorf("a buffer of %d bytes did not come as it was sent", size)
			}
			if !json.Valid(got.Content) {
				t.Error("content is broken")
			}
		}
	})
}

// TestLongPing: the context of a PING has 16 bytes at most; a longer one would be kept for the answer.
func TestLongPing(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{})
	conn := shake(t, tr, wire.Shell)
	write(t, conn, command("PING", "\x00\x00"+strings.Repeat("c", 17)), command("PING", "\x00\x00"+strings.Repeat("d", 16)))
	var got []byte
	for !bytes.Contains(got, []byte("d")) {
		b := make([]byte, 100)
		k, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b[:k]...)
	}
	if bytes.Contains(got, []byte("c")) && bytes.Contains(got, []byte("cc")) {
		t.Errorf("got %q", got)
	}
}
