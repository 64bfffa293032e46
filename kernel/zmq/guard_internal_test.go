package zmq

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"interleave/kernel/wire"
)

// canned is a connection on which some bytes come.
type canned struct {
	net.Conn
	r io.Reader
}

func (c canned) Read(p []byte) (int, error)      { return c.r.Read(p) }
func (c canned) Close() error                    { return nil }
func (c canned) RemoteAddr() net.Addr            { return &net.UnixAddr{} }
func (c canned) SetReadDeadline(time.Time) error { return nil }

// FuzzMessages reads what comes behind a handshake. Whatever that is, it ends with a reason, gives no more than came, and all
// memory is accounted for.
func FuzzMessages(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x05hello\x04\x06\x04PING\x00\x02\x00\x00\x00\x00\x00\x00\x01\x00"))
	f.Add([]byte("\x01\x01x\x04\x05\x04PING\x03\x00\x00\x00\x00\x00\x00\x00\x02ab\x00\x00"))
	f.Add([]byte("\x02\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x01\x00\x01" + strings.Repeat("x", 1<<16+1)))
	f.Add([]byte("\x06\x00\x00\x00\x00\x00\x00\x10\x01"))
	f.Fuzz(func(t *testing.T, in []byte) {
		o := Options{MaxMessage: 1 << 20}.normal()
		a := newAdmission(o)
		a.bytes = 64 << 10
		conn := canned{r: bytes.NewReader(in)}
		v := a.arrive(wire.Shell, conn)
		g := newGuard(conn, zmq4.Router, v, o)
		g.ready, g.greeting = true, 0
		commands := 0
		g.command = func(name string, body []byte) { commands += len(name) + len(body) }
		got := 0
		for {
			frames, err := g.message()
			if err != nil {
				if err != io.EOF && err != io.ErrUnexpectedEOF && !errors.Is(err, errProtocol) && !errors.Is(err, errCrowded) {
					t.Errorf("ended by %v", err)
				}
				break
			}
			for _, f := range frames {
				got += len(f)
			}
			g.done()
			if a.held != 0 {
				t.Errorf("%d bytes are held by no message", a.held)
			}
			v.credit = creditMost // pace is tested elsewhere
		}
		if got+commands > len(in) {
			t.Errorf("%d bytes of messages and %d of commands in %d", got, commands, len(in))
		}
		v.leave()
		if a.held != 0 || a.dying != 0 || len(a.all) != 0 {
			t.Errorf("left behind: %d bytes, %d of these dying, %d connections", a.held, a.dying, len(a.all))
		}
	})
}
