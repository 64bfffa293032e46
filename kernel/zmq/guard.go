package zmq

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

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
	commandMost = 64 << 10 // bytes; READY and PING are far smaller, and a command is read before anybody is trusted
	framesMost  = 1 << 16  // frames in one message: an endless message of empty frames would cost memory, too
)

// errProtocol is what a peer gets its connection cut for.
var errProtocol = errors.New("ZMTP broken")

func breach(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errProtocol, fmt.Sprintf(format, args...))
}

// A guard is the net.Conn that zmq4's codec gets instead of the real one. It follows the frames that pass and lets through
// only what the codec survives: the codec takes any length for granted, and panics on some handshakes.
//
// It keeps commands for itself once the handshake is over. The codec would answer a PING in the middle of a message that
// another goroutine is writing, and forgets the name of every other command.
//
// What the codec writes is gathered after the handshake, and goes out by flush in one system call. Reading and
// writing may overlap; each side belongs to one goroutine.
type guard struct {
	net.Conn
	r       *bufio.Reader
	most    int                            // bytes in one message
	kind    zmq4.SocketType                // ours; the peer's must go with it
	command func(name string, body []byte) // from the reading goroutine

	greeting int    // bytes of the greeting still to come
	ready    bool   // the peer's READY has passed
	head     []byte // checked bytes that the codec is still to get, before anything else
	headroom [9]byte
	body     uint64 // bytes of the frame that follow head
	inside   bool   // within a message: a frame with the MORE bit was the last
	frames   int    // of the message so far
	bytes    uint64

	gather bool // Write gathers
	out    batch
}

func newGuard(raw net.Conn, kind zmq4.SocketType, most int) *guard {
	return &guard{
		Conn: raw, kind: kind, most: most, greeting: greetingSize,
		// Big enough for a whole Jupyter message of the usual size in one read; bodies larger than it bypass it.
		r: bufio.NewReaderSize(raw, 16<<10),
	}
}

// Read gives the codec the next checked bytes.
func (g *guard) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if g.greeting > 0 {
		n, err := g.r.Read(p[:min(len(p), g.greeting)])
		g.greeting -= n
		return n, err
	}
	for len(g.head) == 0 && g.body == 0 {
		if err := g.next(); err != nil {
			return 0, err
		}
	}
	if len(g.head) > 0 {
		n := copy(p, g.head)
		g.head = g.head[n:]
		return n, nil
	}
	n, err := g.r.Read(p[:min(uint64(len(p)), g.body)])
	g.body -= uint64(n)
	return n, noEOF(err)
}

// next reads one frame header and decides what becomes of the frame.
func (g *guard) next() error {
	head := g.headroom[:1]
	var err error
	if head[0], err = g.r.ReadByte(); err != nil {
		if g.inside {
			err = noEOF(err)
		}
		return err
	}
	flags := head[0]
	if flags&^(flagMore|flagLong|flagCommand) != 0 {
		return breach("frame with flags %#02x", flags)
	}
	head = g.headroom[:2]
	if flags&flagLong != 0 {
		head = g.headroom[:9]
	}
	if _, err := io.ReadFull(g.r, head[1:]); err != nil {
		return noEOF(err)
	}
	size := uint64(head[1])
	if flags&flagLong != 0 {
		size = binary.BigEndian.Uint64(head[1:])
	}

	if flags&flagCommand != 0 {
		return g.takeCommand(flags, size, head)
	}
	if !g.ready {
		return breach("message before READY")
	}
	if !g.inside {
		g.frames, g.bytes = 0, 0
	}
	g.inside = flags&flagMore != 0
	g.frames++
	if size > uint64(g.most) || g.bytes+size > uint64(g.most) {
		return breach("message of more than %d bytes", g.most)
	}
	if g.bytes += size; g.frames > framesMost {
		return breach("message of more than %d frames", framesMost)
	}
	g.head, g.body = head, size
	return nil
}

func (g *guard) takeCommand(flags byte, size uint64, head []byte) error {
	if flags&flagMore != 0 || size > commandMost {
		return breach("command with flags %#02x and %d bytes", flags, size)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(g.r, data); err != nil {
		return noEOF(err)
	}
	if size == 0 || int(data[0]) >= len(data) {
		return breach("command without a name")
	}
	name, body := string(data[1:1+data[0]]), data[1+data[0]:]
	if g.ready {
		g.command(name, body)
		return nil
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
	g.ready = true
	g.head = append(append(make([]byte, 0, len(head)+len(data)), head...), data...)
	return nil
}

// checkReady walks the properties of a READY as the codec will, without its panics: on lengths that lie, and on a socket type
// it does not know.
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

// Write sends p at once during the handshake, and keeps it for flush afterwards. It may hold on to p, which is never
// changed: frames are written once and shared by all subscribers.
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
