package zmq

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-zeromq/zmq4"
)

// The bits of a ZMTP frame's first byte, and the sizes that the protocol fixes.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4

	greetingSize = 64
	identityMost = 255
)

const (
	commandMost = 4 << 10  // bytes; READY and PING are far smaller
	contextMost = 16       // bytes of a PING that are sent back, as the protocol has it
	framesMost  = 1 << 16  // frames in one message: an endless message of empty frames would cost memory, too
	firstPiece  = 16 << 10 // bytes of a frame that room is made for before they have come
	signedPiece = 4 << 20  // the same on a connection that has authenticated
	frameRoom   = 64       // bytes, about, that a frame costs besides its own
	unsignedGap = 64 << 10 // bytes at a time that are read from an unauthenticated peer
)

// slowest is how many bytes of an unfinished message must come in a second, on average and after
// Options.Unfinished, on an unauthenticated connection. The slowest lines in use are faster.
const slowest = 4 << 10

// errProtocol is the reason for which a peer's connection is cut.
var errProtocol = errors.New("ZMTP broken")

func breach(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errProtocol, fmt.Sprintf(format, args...))
}

// A guard is the net.Conn that zmq4's codec gets instead of the real one. During the handshake it lets
// through only what the codec survives: the codec trusts any length, and panics on some handshakes.
// Afterwards the guard reads messages itself, since the codec allocates whatever a peer announces. It also
// handles commands: the codec would answer a PING in the middle of a message that another goroutine is
// writing, and drops the name of every other command.
//
// After the handshake, the codec's output is gathered, and flush writes it in one system call. Reading and
// writing may overlap; each side belongs to one goroutine.
type guard struct {
	net.Conn
	r       *bufio.Reader
	most    int                            // bytes in one message
	first   int                            // bytes in one message of an unauthenticated peer
	patient time.Duration                  // time for an unfinished one, see slowest
	kind    zmq4.SocketType                // of this end; the peer's must match
	command func(name string, body []byte) // from the reading goroutine
	visitor *visitor

	greeting int    // bytes of the greeting still to come
	ready    bool   // the peer's READY has passed
	head     []byte // of READY, checked: bytes that the codec has not read yet

	began   time.Time // of the message that comes in; zero between messages and once the peer has authenticated
	arrived int       // bytes of it
	held    int       // bytes accounted for it

	closed atomic.Bool // the reader's buffer is not used any longer

	gather bool // Write gathers
	out    batch
}

func newGuard(raw net.Conn, kind zmq4.SocketType, v *visitor, o Options) *guard {
	return &guard{
		Conn: raw, kind: kind, visitor: v, most: o.MaxMessage, first: min(o.MaxMessage, o.StrangerBytes/2),
		patient: o.Unfinished, greeting: greetingSize,
		// Big enough for a whole Jupyter message of the usual size in one read; bodies larger than it bypass it.
		r: bufio.NewReaderSize(raw, 16<<10),
	}
}

// Read returns the greeting and READY to the codec.
func (g *guard) Read(p []byte) (int, error) {
	if g.greeting > 0 {
		n, err := g.r.Read(p[:min(len(p), g.greeting)])
		g.greeting -= n
		return n, err
	}
	if len(g.head) == 0 {
		if err := g.readReady(); err != nil {
			return 0, err
		}
	}
	n := copy(p, g.head)
	g.head = g.head[n:]
	return n, nil
}

func (g *guard) readReady() error {
	if g.ready {
		return errors.New("the codec reads behind the handshake")
	}
	h, err := g.header()
	if err != nil {
		return err
	}
	if !h.command {
		return breach("message before READY")
	}
	name, body, err := g.takeCommand(h)
	if err != nil {
		return err
	}
	if name == zmq4.CmdError {
		return fmt.Errorf("the peer refused the connection: %q", body)
	}
	if name != zmq4.CmdReady {
		return breach("%q where READY is due", name)
	}
	if err := g.checkReady(body); err != nil {
		return err
	}
	g.ready, g.arrived = true, 0
	g.head = binary.BigEndian.AppendUint64([]byte{flagCommand | flagLong}, uint64(1+len(name)+len(body)))
	g.head = append(append(append(g.head, byte(len(name))), name...), body...)
	return nil
}

// A header is that of a frame.
type header struct {
	more, command bool
	size          uint64
}

func (g *guard) header() (h header, err error) {
	p, err := g.peek(1)
	if err != nil {
		if !g.began.IsZero() || g.arrived > 0 {
			err = noEOF(err)
		}
		return h, err
	}
	flags, n := p[0], 2
	if flags&^(flagMore|flagLong|flagCommand) != 0 {
		return h, breach("frame with flags %#02x", flags)
	}
	if flags&flagLong != 0 {
		n = 9
	}
	g.begin()
	if p, err = g.peek(n); err != nil {
		return h, noEOF(err)
	}
	h = header{flags&flagMore != 0, flags&flagCommand != 0, uint64(p[1])}
	if flags&flagLong != 0 {
		h.size = binary.BigEndian.Uint64(p[1:])
	}
	g.arrived += n
	g.r.Discard(n)
	return h, nil
}

// takeCommand takes a command out of the stream. body is valid until the next read.
func (g *guard) takeCommand(h header) (name string, body []byte, err error) {
	if h.more || h.size > commandMost {
		return "", nil, breach("command of %d bytes, with more to come: %t", h.size, h.more)
	}
	n := int(h.size)
	data, err := g.peek(n)
	if err != nil {
		return "", nil, noEOF(err)
	}
	g.r.Discard(n)
	if n == 0 || int(data[0]) >= n {
		return "", nil, breach("command without a name")
	}
	return string(data[1 : 1+data[0]]), data[1+data[0]:], nil
}

// message reads the next message, and passes commands in between to g.command. Memory for the message grows
// with the bytes that have come, and is accounted until done.
func (g *guard) message() (frames [][]byte, err error) {
	size := 0
	for {
		if g.closed.Load() {
			return nil, net.ErrClosed
		}
		h, err := g.header()
		if err != nil {
			return nil, err
		}
		if h.command {
			name, body, err := g.takeCommand(h)
			if err != nil {
				return nil, err
			}
			g.command(name, body)
			g.visitor.pace(frameCost + messageCost + len(body))
			if len(frames) == 0 {
				g.done()
			}
			continue
		}
		most := uint64(g.most)
		if !g.visitor.authenticated() {
			most = uint64(g.first)
		}
		if h.size > most || uint64(size)+h.size > most {
			return nil, breach("message of more than %d bytes", most)
		}
		if size += int(h.size); len(frames) == framesMost {
			return nil, breach("message of more than %d frames", framesMost)
		}
		body, err := g.body(int(h.size))
		if err != nil {
			return nil, err
		}
		g.visitor.pace(frameCost)
		if frames = append(frames, body); !h.more {
			g.visitor.pace(messageCost)
			return frames, nil
		}
	}
}

// body reads a frame's bytes.
func (g *guard) body(size int) ([]byte, error) {
	first := min(size, firstPiece)
	if g.visitor.authenticated() {
		first = min(size, signedPiece)
	}
	if err := g.hold(frameRoom + first); err != nil {
		return nil, err
	}
	b := make([]byte, first)
	for n := 0; ; {
		for n < len(b) {
			p := b[n:]
			if !g.visitor.authenticated() {
				p = p[:min(len(p), unsignedGap)]
			}
			k, err := g.r.Read(p)
			n += k
			g.arrived += k
			g.visitor.pace(k)
			if err != nil {
				if err = g.late(err); err != nil {
					return nil, noEOF(err)
				}
			}
		}
		if n == size {
			return b, nil
		}
		larger := min(size, 2*n)
		if err := g.hold(larger); err != nil {
			return nil, err
		}
		grown := make([]byte, larger)
		copy(grown, b)
		b = grown
		g.hold(-n)
	}
}

func (g *guard) hold(n int) error {
	g.held += n
	return g.visitor.receive(n)
}

// done ends a message: its memory now belongs to the receiver.
func (g *guard) done() {
	g.visitor.receive(-g.held)
	g.began, g.arrived, g.held = time.Time{}, 0, 0
}

// begin sets the deadline of a message that begins to come.
func (g *guard) begin() {
	if g.ready && g.began.IsZero() && !g.visitor.authenticated() {
		g.began = time.Now()
		g.SetReadDeadline(g.began.Add(g.patient))
	}
}

// peek returns the next n bytes without consuming them. n is at most the size of the buffer.
func (g *guard) peek(n int) ([]byte, error) {
	for {
		p, err := g.r.Peek(n)
		if err != nil {
			if err = g.late(err); err == nil {
				continue
			}
		}
		return p, err
	}
}

// late returns nil for a deadline that does not count, or not yet: it was set for a message that has ended
// since, or whose bytes come fast enough, or for a peer that has authenticated meanwhile. Then reading
// continues.
func (g *guard) late(err error) error {
	if !g.ready || !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	var due time.Time
	if !g.began.IsZero() && !g.visitor.authenticated() {
		due = g.began.Add(g.patient + time.Duration(g.arrived+g.r.Buffered())*time.Second/slowest)
		if now := time.Now(); !due.After(now) {
			return breach("message unfinished after %v, %d bytes have come", now.Sub(g.began).Round(time.Millisecond), g.arrived)
		}
	}
	return g.SetReadDeadline(due)
}

// checkReady walks the properties of a READY as the codec will. Unlike the codec it does not panic on wrong
// lengths, or on an unknown socket type.
func (g *guard) checkReady(p []byte) error {
	var kind zmq4.SocketType
	for len(p) > 0 {
		n := int(p[0])
		if n == 0 || len(p) < 1+n+4 {
			return breach("READY cut short")
		}
		name := string(p[1 : 1+n])
		p = p[1+n:]
		size := binary.BigEndian.Uint32(p)
		if p = p[4:]; uint64(size) > uint64(len(p)) {
			return breach("READY cut short")
		}
		value := string(p[:size])
		p = p[size:]
		switch {
		case strings.EqualFold(name, "Socket-Type"):
			kind = zmq4.SocketType(value)
		case strings.EqualFold(name, "Identity") && len(value) > identityMost:
			return breach("identity of %d bytes", len(value))
		}
	}
	if !g.kind.IsCompatible(kind) {
		return breach("a %q socket cannot talk to this %s", kind, g.kind)
	}
	return nil
}

// Write sends p at once during the handshake, and keeps it for flush afterwards. It may retain p, which is
// never changed: frames are written once and shared by all subscribers.
func (g *guard) Write(p []byte) (int, error) {
	if !g.gather {
		return g.Conn.Write(p)
	}
	g.out.add(p)
	return len(p), nil
}

// noEOF is for places where the stream must not end.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
