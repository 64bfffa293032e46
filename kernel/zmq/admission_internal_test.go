package zmq

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zeromq/zmq4"

	"interleave/kernel/wire"
)

// pipes is a listener without a network, for tests in fake time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// A bench is a transport over pipes.
type bench struct {
	t         *testing.T
	tr        *Transport
	listeners map[wire.Channel]*pipes
	key       []byte
}

func newBench(t *testing.T, o Options) *bench {
	b := &bench{t: t, listeners: make(map[wire.Channel]*pipes), key: []byte("key")}
	var ls [len(channels)]net.Listener
	for i, ch := range channels {
		b.listeners[ch] = newPipes()
		ls[i] = b.listeners[ch]
	}
	signer, err := wire.NewSigner("", b.key)
	if err != nil {
		t.Fatal(err)
	}
	b.tr = newTransport(Connection{}, o, signer, ls)
	t.Cleanup(func() { b.tr.Close(context.Background()) })
	return b
}

// A wirePeer is the far end of a connection. What the transport writes is read and kept.
type wirePeer struct {
	net.Conn
	gone chan struct{} // closed when the transport has closed it
	mu   sync.Mutex
	got  strings.Builder
}

func (p *wirePeer) over() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// connect gives a connection whose handshake is done, with an identity unless it is "".
func (b *bench) connect(ch wire.Channel, id string) *wirePeer {
	b.t.Helper()
	p := b.dial(ch)
	kind := map[wire.Channel]string{wire.IOPub: "SUB", wire.Heartbeat: "REQ"}[ch]
	if kind == "" {
		kind = "DEALER"
	}
	greeting := make([]byte, greetingSize)
	copy(greeting, "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL")
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00" + string(rune(len(kind))) + kind +
		"\x08Identity\x00\x00\x00" + string(rune(len(id))) + id
	p.write(b.t, string(greeting)+"\x04"+string(rune(len(ready)))+ready)
	synctest.Wait()
	return p
}

func (b *bench) dial(ch wire.Channel) *wirePeer {
	near, far := net.Pipe()
	p := &wirePeer{Conn: far, gone: make(chan struct{})}
	b.listeners[ch].conns <- near
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(p.gone)
		buf := make([]byte, 4<<10)
		for {
			n, err := far.Read(buf)
			p.mu.Lock()
			p.got.Write(buf[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	b.t.Cleanup(func() {
		far.Close()
		reading.Wait()
	})
	synctest.Wait()
	return p
}

func (p *wirePeer) write(t *testing.T, s string) {
	t.Helper()
	if _, err := io.WriteString(p, s); err != nil {
		t.Fatal(err)
	}
}

// message is a signed request with so many bytes of content, framed.
func (b *bench) message(author *wire.Author, size int) string {
	b.t.Helper()
	m, err := author.New(nil, wire.ExecuteRequest{Code: strings.Repeat("x", size)})
	if err != nil {
		b.t.Fatal(err)
	}
	return b.frame(m)
}

func (b *bench) frame(m *wire.Message) string {
	b.t.Helper()
	signer, err := wire.NewSigner("", b.key)
	if err != nil {
		b.t.Fatal(err)
	}
	frames, err := signer.Encode(m)
	if err != nil {
		b.t.Fatal(err)
	}
	var s strings.Builder
	for i, f := range frames {
		head := byte(flagLong)
		if i < len(frames)-1 {
			head |= flagMore
		}
		s.Write(binary.BigEndian.AppendUint64([]byte{head}, uint64(len(f))))
		s.Write(f)
	}
	return s.String()
}

func (b *bench) received() (n int) {
	for synctest.Wait(); ; n++ {
		select {
		case <-b.tr.Recv():
			synctest.Wait()
		default:
			return n
		}
	}
}

// TestUnfinished: who has not signed anything has a time for a message, which grows with what comes; who has, has none.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		signed        bool // before
		size, piece   int
		each          time.Duration
		kept          bool
		after, before time.Duration // when it is cut, unless kept
	}{
		{name: "announced and silent", size: 1 << 20, piece: 1, each: time.Hour, after: 10 * time.Second, before: 11 * time.Second},
		{name: "single bytes", size: 10 << 10, piece: 1, each: 100 * time.Millisecond, after: 10 * time.Second, before: 11 * time.Second},
		{name: "slow and honest", size: 1 << 20, piece: 5000, each: time.Second, kept: true},
		{name: "slow with pauses and honest", size: 1 << 20, piece: 45_000, each: 9 * time.Second, kept: true},
		{name: "slower than any line", size: 1 << 20, piece: 1000, each: time.Second, after: 13 * time.Second, before: 14 * time.Second},
		{name: "signed, single bytes", signed: true, size: 1000, piece: 1, each: time.Second, kept: true},
		{name: "signed, with pauses", signed: true, size: 1 << 20, piece: 100_000, each: time.Hour, kept: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, author := newBench(t, Options{}), wire.NewAuthor("client")
				p := b.connect(wire.Shell, "me")
				if time.Sleep(time.Minute); p.over() { // between messages there is no deadline
					t.Fatal("a silent client is cut")
				}
				if c.signed {
					p.write(t, b.message(author, 10))
					if time.Sleep(time.Minute); b.received() != 1 || p.over() {
						t.Fatal("the first message did not come")
					}
				}
				began := time.Now()
				for m := b.message(author, c.size); m != "" && !p.over(); m = m[min(c.piece, len(m)):] {
					io.WriteString(p, m[:min(c.piece, len(m))])
					select {
					case <-time.After(c.each):
					case <-p.gone:
					}
				}
				took := time.Since(began)
				if n := b.received(); c.kept && (n != 1 || p.over()) {
					t.Errorf("%d messages came; cut: %t after %v", n, p.over(), took)
				}
				if !c.kept && (!p.over() || took < c.after || took > c.before || b.tr.Stats().Cut != 1) {
					t.Errorf("cut: %t after %v, want after %v; %+v", p.over(), took, c.after, b.tr.Stats())
				}
			})
		})
	}
}

// TestAnnouncedMemory: room is made for what has come, not for what is announced.
func TestAnnouncedMemory(t *testing.T) {
	for _, signed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, Options{})
			p := b.connect(wire.Shell, "me")
			most := b.tr.opts.StrangerBytes / 2
			if signed {
				p.write(t, b.message(wire.NewAuthor("client"), 10))
				b.received()
				most = b.tr.opts.MaxMessage
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			p.write(t, string(binary.BigEndian.AppendUint64([]byte{flagLong}, uint64(most)))+strings.Repeat("x", 100_000))
			synctest.Wait()
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 && !signed || n > 5<<20 {
				t.Errorf("signed %t: %d bytes were allocated for 100 000 of %d", signed, n, most)
			}
		})
	}
}

// TestVouching: a client's other connections are known by their identity, or by the time at which they were made.
func TestVouching(t *testing.T) {
	t.Parallel()
	type made struct {
		name string
		ch   wire.Channel
		id   string
		at   time.Duration
		does string // sent at once
	}
	const subscribe, beat = "\x00\x01\x01", "\x01\x00\x00\x04beat"
	for _, c := range []struct {
		name   string
		made   []made
		signs  []string
		when   time.Duration // after all are made
		vouch  []string
		failed []string
	}{
		{
			name: "as jupyter_client does",
			made: []made{{"shell", wire.Shell, "s", 0, ""}, {"iopub", wire.IOPub, "", time.Millisecond, subscribe},
				{"stdin", wire.Stdin, "s", 0, ""}, {"hb", wire.Heartbeat, "", 0, beat}, {"control", wire.Control, "s", 0, ""}},
			signs: []string{"shell", "control", "stdin"}, when: time.Hour,
			vouch: []string{"iopub", "hb"},
		}, {
			name: "beside older strangers",
			made: []made{{"old", wire.IOPub, "", 0, subscribe}, {"old stdin", wire.Stdin, "x", 0, ""},
				{"shell", wire.Shell, "s", time.Second, ""}, {"iopub", wire.IOPub, "", time.Millisecond, subscribe}, {"stdin", wire.Stdin, "s", 0, ""}},
			signs: []string{"shell"}, vouch: []string{"iopub", "stdin"}, failed: []string{"old", "old stdin"},
		}, {
			name: "each vouches for one",
			made: []made{{"shell", wire.Shell, "s", 0, ""}, {"iopub", wire.IOPub, "", time.Millisecond, subscribe},
				{"next", wire.IOPub, "", 500 * time.Millisecond, subscribe}, {"control", wire.Control, "s", 0, ""}},
			signs: []string{"shell", "control"}, vouch: []string{"iopub"}, failed: []string{"next"},
		}, {
			name: "made too late, or before",
			made: []made{{"early", wire.IOPub, "", 0, subscribe}, {"shell", wire.Shell, "s", 3 * time.Second, ""},
				{"late", wire.IOPub, "", 3 * time.Second, subscribe}},
			signs: []string{"shell"}, failed: []string{"early", "late"},
		}, {
			name:  "subscribers that do not subscribe, and heartbeats that do not beat",
			made:  []made{{"shell", wire.Shell, "s", 0, ""}, {"iopub", wire.IOPub, "", 0, ""}, {"hb", wire.Heartbeat, "", 0, ""}},
			signs: []string{"shell"}, failed: []string{"iopub", "hb"},
		}, {
			name:  "another identity",
			made:  []made{{"shell", wire.Shell, "s", 0, ""}, {"stdin", wire.Stdin, "x", 0, ""}, {"hb", wire.Heartbeat, "x", 0, beat}},
			signs: []string{"shell"}, failed: []string{"stdin", "hb"},
		}, {
			name:  "one identity, however late",
			made:  []made{{"shell", wire.Shell, "s", 0, ""}, {"stdin", wire.Stdin, "s", time.Hour, ""}},
			signs: []string{"shell"}, vouch: []string{"stdin"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, signedFirst := range []bool{false, true} { // whether connections come behind the signature
				synctest.Test(t, func(t *testing.T) {
					b, author := newBench(t, Options{}), wire.NewAuthor("client")
					at := make(map[string]*wirePeer)
					visitors := make(map[string]*visitor)
					var admits *admission
					for _, s := range b.tr.sockets {
						admits = s.admits
					}
					sign := func(name string) {
						at[name].write(t, b.message(author, 10))
						b.received()
					}
					for _, m := range c.made {
						time.Sleep(m.at)
						at[m.name] = b.connect(m.ch, m.id)
						admits.mu.Lock()
						visitors[m.name] = admits.all[len(admits.all)-1]
						admits.mu.Unlock()
						if m.does != "" {
							at[m.name].write(t, m.does)
						}
						synctest.Wait()
						if signedFirst && m.name == c.signs[0] {
							sign(m.name)
						}
					}
					time.Sleep(c.when)
					for _, name := range c.signs {
						sign(name)
					}
					for _, name := range c.signs {
						if v := visitors[name]; !v.authenticated() {
							t.Errorf("signed first %t: %s has not authenticated", signedFirst, name)
						}
					}
					for _, name := range c.vouch {
						if v := visitors[name]; v.level.Load() != vouched {
							t.Errorf("signed first %t: no connection vouches for %s", signedFirst, name)
						}
					}
					for _, name := range c.failed {
						if v := visitors[name]; !v.stranger() {
							t.Errorf("signed first %t: %s is no stranger", signedFirst, name)
						}
					}
				})
			}
		})
	}
}

// TestCrowd: strangers push each other out, on the socket where they crowd, and neither a client nor who is alone on a socket.
func TestCrowd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		b := newBench(t, Options{Strangers: 20, Log: slog.New(slog.NewTextHandler(&log, nil))})
		lonely := b.connect(wire.IOPub, "")
		lonely.write(t, "\x00\x01\x01")
		client := []*wirePeer{b.connect(wire.Shell, "me"), b.connect(wire.Stdin, "me"), b.connect(wire.Control, "me")}
		client[0].write(t, b.message(wire.NewAuthor("client"), 10))
		b.received()
		var crowd []*wirePeer
		for i := range 100 {
			crowd = append(crowd, b.connect([]wire.Channel{wire.Shell, wire.Shell, wire.Control}[i%3], ""))
		}
		for range 100 {
			b.dial(wire.Shell) // and never says anything
		}
		late := b.connect(wire.Shell, "late") // gets in
		late.write(t, b.message(wire.NewAuthor("client"), 10))
		if b.received() != 1 {
			t.Error("a client that came late is not heard")
		}
		for i, p := range append(client, lonely, late) {
			if p.over() {
				t.Errorf("connection %d was dropped", i)
			}
		}
		left := 0
		for i, p := range crowd {
			if p.over() {
				continue
			}
			if left++; i < 80 {
				t.Errorf("stranger %d is still there", i)
			}
		}
		if left == 0 || left > 10 {
			t.Errorf("%d of the crowd are left, want 10 at most", left)
		}
		// Of those in their handshakes 10 may be left, one less since the late client came.
		if s := b.tr.Stats(); s.Crowded != uint64(100-left+91) {
			t.Errorf("%d are left: %+v", left, s)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "too many unauthenticated connections: 10 at most") {
			t.Errorf("%d warnings, want one:\n%s", n, log.String())
		}
	})
}

// TestCrowdedMemory: of what is held too much, the one goes that holds the most.
func TestCrowdedMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Options{StrangerBytes: 1 << 20})
		client := b.connect(wire.Shell, "me")
		client.write(t, b.message(wire.NewAuthor("client"), 10))
		b.received()
		announce := func(size, has int) *wirePeer {
			p := b.connect(wire.Shell, "")
			p.write(t, string(binary.BigEndian.AppendUint64([]byte{flagLong}, uint64(size))))
			io.WriteString(p, strings.Repeat("x", has)) // it may be cut off meanwhile
			synctest.Wait()
			return p
		}
		modest := announce(400_000, 100_000)
		var greedy []*wirePeer
		for range 4 {
			greedy = append(greedy, announce(400_000, 399_000))
		}
		held := 0
		for _, p := range greedy {
			if !p.over() {
				held++
			}
		}
		if modest.over() || held == 0 || held > 2 {
			t.Errorf("the modest one was dropped: %t; %d of the greedy ones are left", modest.over(), held)
		}
		if p := announce(600_000, 0); !p.over() {
			t.Error("a first message of more than half was allowed")
		}
		// Who has authenticated has other limits.
		client.write(t, string(binary.BigEndian.AppendUint64([]byte{flagLong}, 40<<20)))
		io.WriteString(client, strings.Repeat("x", 4<<20))
		if synctest.Wait(); client.over() {
			t.Error("a client was dropped")
		}
	})
}

// TestNoDescriptors: out of file descriptors, a stranger has to go.
func TestNoDescriptors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := Options{}.normal()
		a := newAdmission(o)
		f := &full{closed: make(chan struct{})}
		s := newSocket(wire.Shell, zmq4.Router, f, o, new(counters), a)
		near, far := net.Pipe()
		defer far.Close()
		v := a.arrive(wire.Shell, near)
		s.start(echo{})
		if _, err := far.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the stranger's connection: %v, want the end", err)
		}
		if err := v.leave(); !errors.Is(err, errCrowded) || !strings.Contains(err.Error(), "file descriptors") {
			t.Errorf("cause %v", err)
		}
		s.stop()
	})
	_ = syscall.EMFILE // what full says
}

// TestPace: who has not authenticated makes little work for free, and then waits for its turn; who has does not.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(Options{}.normal())
		near, far := net.Pipe()
		defer far.Close()
		v := a.arrive(wire.Shell, near)
		began := time.Now()
		v.pace(creditMost)
		if d := time.Since(began); d != 0 {
			t.Errorf("the credit took %v", d)
		}
		v.pace(paceBytes)
		if d := time.Since(began); d != time.Second {
			t.Errorf("a second's work took %v", d)
		}
		u := a.arrive(wire.Shell, near)
		var both sync.WaitGroup
		both.Go(func() { v.pace(paceBytes + creditBytes) })
		both.Go(func() { u.pace(paceBytes + creditMost) })
		both.Wait()
		if d := time.Since(began); d < 2900*time.Millisecond || d > 3*time.Second {
			t.Errorf("work of three seconds took %v", d)
		}
		// One that is dropped does not wait.
		both.Go(func() { v.pace(100 * paceBytes) })
		synctest.Wait()
		v.leave()
		both.Wait()
		u.connect("")
		u.authenticate()
		u.pace(100 * paceBytes)
		if d := time.Since(began); d > 4*time.Second {
			t.Errorf("the end after %v", d)
		}
		u.leave()
	})
}
