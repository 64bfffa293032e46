package zmq_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

// raw connects without ZeroMQ.
func raw(t testing.TB, tr *zmq.Transport, ch wire.Channel) net.Conn {
	t.Helper()
	network, addr, _ := strings.Cut(tr.Connection().Endpoint(ch), "://")
	if network == "ipc" {
		network = "unix"
	}
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func write(t testing.TB, conn net.Conn, data ...string) {
	t.Helper()
	if _, err := io.WriteString(conn, strings.Join(data, "")); err != nil {
		t.Fatal(err)
	}
}

// gone waits until the other side has closed conn.
func gone(t testing.TB, conn net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, conn); os.IsTimeout(err) {
		t.Error("the connection was kept")
	}
}

// eventually waits for a count that only the other side's goroutines know. It ends at once when it is right.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

const greeting = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func property(name, value string) string {
	return string(rune(len(name))) + name + string(binary.BigEndian.AppendUint32(nil, uint32(len(value)))) + value
}

func command(name, body string) string {
	return "\x04" + string([]byte{byte(1 + len(name) + len(body)), byte(len(name))}) + name + body
}

func long(flags byte, size uint64) string {
	return string(binary.BigEndian.AppendUint64([]byte{flags}, size))
}

// signed is a request with a valid signature, as it goes over a connection.
func signed(t testing.TB) string {
	t.Helper()
	return framed(t, message(t, nil, wire.KernelInfoRequest{}))
}

// framed gives the ZMTP frames of a message, signed with the key of tests.
func framed(t testing.TB, m *wire.Message) string {
	t.Helper()
	signer, err := wire.NewSigner("", []byte("key of tests"))
	if err != nil {
		t.Fatal(err)
	}
	frames, err := signer.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, f := range frames {
		flags := byte(3)
		if i == len(frames)-1 {
			flags = 2
		}
		b.WriteString(long(flags, uint64(len(f))))
		b.Write(f)
	}
	return b.String()
}

var dealer = greeting + command("READY", property("Socket-Type", "DEALER"))

// TestHostile: each of these ends the whole process with zmq4's own sockets, or costs it memory without end. Here it costs the
// one connection, at once, and the next client is served.
func TestHostile(t *testing.T) {
	t.Parallel()
	hugeID := property("Socket-Type", "DEALER") + property("Identity", strings.Repeat("i", 300))
	hostile := map[string]string{
		"no ZMTP":                   "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + strings.Repeat("\r\n", 64),
		"old ZMTP":                  strings.Replace(dealer, "\x7f\x03", "\x7f\x01", 1),
		"another mechanism":         strings.Replace(dealer, "NULL", "CURV", 1),
		"huge READY":                greeting + long(6, 1<<62),
		"big READY":                 greeting + long(6, 1<<20),
		"message for READY":         greeting + "\x00\x01x",
		"PING for READY":            greeting + command("PING", "\x00\x00"),
		"ERROR for READY":           greeting + command("ERROR", "\x02no"),
		"READY without type":        greeting + command("READY", ""),
		"READY of unknown type":     greeting + command("READY", property("Socket-Type", "DEALERS")),
		"READY of wrong type":       greeting + command("READY", property("Socket-Type", "PUB")),
		"READY with short name":     greeting + command("READY", "\x20Socket-Type"),
		"READY with name of 0":      greeting + command("READY", "\x00\x00\x00\x00\x00"),
		"READY with name to end":    greeting + command("READY", "\x0bSocket-Type"),
		"READY with short value":    greeting + command("READY", "\x0bSocket-Type\x00\x00\x00\x07DEALER"),
		"READY with huge value":     greeting + command("READY", "\x0bSocket-Type\xff\xff\xff\xffDEALER"),
		"READY with empty name":     greeting + "\x04\x00",
		"READY with long name":      greeting + "\x04\x02\x05R",
		"READY with MORE":           greeting + "\x05\x06\x05READY",
		"huge identity":             greeting + long(6, uint64(6+len(hugeID))) + "\x05READY" + hugeID,
		"length above int":          dealer + long(2, 1<<63),
		"length -1":                 dealer + long(2, 1<<64-1),
		"length of memory":          dealer + long(2, 1<<40),
		"length just above":         dealer + long(2, 1<<20+1),
		"sum of lengths above":      dealer + strings.Repeat(long(3, 1<<19)+strings.Repeat("x", 1<<19), 2) + "\x01\x01",
		"sum of lengths around":     dealer + "\x01\x01x" + long(2, 1<<64-1),
		"endless frames":            dealer + strings.Repeat("\x01\x00", 1<<16+1),
		"reserved flags":            dealer + "\x08\x00",
		"command with MORE":         dealer + "\x05\x05\x04PING",
		"huge command":              dealer + long(6, 1<<32),
		"command without name":      dealer + "\x04\x00",
		"command with a short name": dealer + "\x04\x02\x05P",
	}
	tr := listen(t, places["tcp"](t), zmq.Options{MaxMessage: 1 << 20})
	p := dial(t, tr)
	for name, data := range hostile {
		t.Run(name, func(t *testing.T) {
			conn := raw(t, tr, wire.Shell)
			io.WriteString(conn, data) // it may be cut off before all is written
			gone(t, conn)
			roundTrip(t, tr, p)
		})
	}
	eventually(t, "all counted", func() bool {
		s := tr.Stats()
		return s.Refused+s.Cut == uint64(len(hostile)) && s.Cut == 12
	})
}

// TestTruncated: a client that dies in the middle of anything costs nothing but its connection.
func TestTruncated(t *testing.T) {
	t.Parallel()
	whole := dealer + "\x01\x09<IDS|MSG>" + long(3, 300) + strings.Repeat("s", 300) + "\x00\x02{}"
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		tr := listen(t, c, zmq.Options{})
		for n := range len(whole) {
			conn := raw(t, tr, wire.Control)
			write(t, conn, whole[:n])
			if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			gone(t, conn)
			conn.Close()
		}
		eventually(t, "all counted", func() bool {
			s := tr.Stats()
			return s.Refused == uint64(len(dealer)) && s.Cut == uint64(len(whole)-len(dealer)-1)
		})
		roundTrip(t, tr, dial(t, tr))
	})
}

// TestSilentClient: with zmq4's own sockets nobody can connect until the silent client hangs up.
func TestSilentClient(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c zmq.Connection) {
		tr := listen(t, c, zmq.Options{Handshake: time.Hour})
		for _, ch := range []wire.Channel{wire.Shell, wire.Control, wire.Stdin, wire.IOPub, wire.Heartbeat} {
			for range 10 {
				raw(t, tr, ch)
				write(t, raw(t, tr, ch), greeting[:11])
				write(t, raw(t, tr, ch), greeting)
			}
		}
		p := subscribed(t, tr)
		roundTrip(t, tr, p)
		if err := p.Ping(soon(t)); err != nil {
			t.Error(err)
		}
	})
}

// TestHandshakeDeadline: silent clients do not stay.
func TestHandshakeDeadline(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{Handshake: 20 * time.Millisecond})
	for _, begun := range []string{"", greeting[:11], greeting, dealer[:len(dealer)-1]} {
		conn := raw(t, tr, wire.Shell)
		write(t, conn, begun)
		gone(t, conn)
	}
	eventually(t, "all counted", func() bool { return tr.Stats().Refused == 4 })
}

// TestPing: PINGs are answered with their context, also between the frames of answers, and whether or not the kernel reads.
func TestPing(t *testing.T) {
	t.Parallel()
	for ch, kind := range map[wire.Channel]string{wire.Shell: "DEALER", wire.IOPub: "SUB", wire.Heartbeat: "REQ"} {
		t.Run(string(ch), func(t *testing.T) {
			t.Parallel()
			tr := listen(t, places["tcp"](t), zmq.Options{})
			conn := raw(t, tr, ch)
			write(t, conn, greeting+command("READY", property("Socket-Type", kind)))
			write(t, conn, command("PING", "\x00\x0acontext"), command("UNKNOWN", ""), command("PING", "\x00\x0a"))
			got := make([]byte, 1<<10)
			want := []byte(command("PONG", "context") + command("PONG", ""))
			n := 0
			for !bytes.HasSuffix(got[:n], want) {
				k, err := conn.Read(got[n:])
				if err != nil {
					t.Fatalf("after %q: %v", got[:n], err)
				}
				n += k
			}
		})
	}
}

// TestSubscribeCommand: ZMTP 3.1 subscribes by commands, 3.0 by messages; newer peers may do the former.
func TestSubscribeCommand(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{})
	conn := raw(t, tr, wire.IOPub)
	write(t, conn, greeting+command("READY", property("Socket-Type", "SUB")), command("SUBSCRIBE", "a"), command("SUBSCRIBE", "b"), command("CANCEL", "a"), command("SUBSCRIBE", "c"))
	for _, want := range []string{"a", "b", "c"} {
		if got := next(t, tr.Subscriptions()).Topic; got != want {
			t.Errorf("subscribed to %q, want %q", got, want)
		}
	}
	for _, topic := range []string{"a", "b"} {
		m := stream(t, "")
		m.Identities = [][]byte{[]byte(topic)}
		send(t, tr, wire.IOPub, m)
	}
	var got []byte
	for !bytes.Contains(got, []byte("<IDS|MSG>")) {
		var b [1]byte
		if _, err := conn.Read(b[:]); err != nil {
			t.Fatal(err)
		}
		got = append(got, b[0])
	}
	if !bytes.Contains(got, []byte("\x01\x01b\x01\x09<IDS|MSG>")) {
		t.Errorf("got %q, want topic b alone", got)
	}
}

// TestTooManyTopics: subscriptions are remembered, so that they have an end.
func TestTooManyTopics(t *testing.T) {
	t.Parallel()
	tr := listen(t, places["tcp"](t), zmq.Options{})
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-tr.Subscriptions():
			case <-done:
				return
			}
		}
	}()
	for name, data := range map[string]string{
		"many": strings.Repeat("\x00\x02\x01a", 10) + func() (s string) {
			for i := range 1 << 10 {
				s += "\x00\x03\x01" + string([]byte{byte(i >> 8), byte(i)})
			}
			return s
		}(),
		"long": long(2, 1+5<<10) + "\x01" + strings.Repeat("t", 5<<10),
	} {
		t.Run(name, func(t *testing.T) {
			conn := raw(t, tr, wire.IOPub)
			io.WriteString(conn, greeting+command("READY", property("Socket-Type", "SUB"))+data)
			gone(t, conn)
		})
	}
}
