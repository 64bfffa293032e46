package zmq

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zeromq/zmq4"

	"interleave/kernel/wire"
)

// A full listener fails as one does in a process without file descriptors.
type full struct {
	calls  int
	closed chan struct{}
}

func (f *full) Accept() (net.Conn, error) {
	select {
	case <-f.closed:
		return nil, net.ErrClosed
	default:
	}
	f.calls++
	return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
}

func (f *full) Close() error   { close(f.closed); return nil }
func (f *full) Addr() net.Addr { return &net.TCPAddr{} }

// TestAcceptBackoff: zmq4's own accept loop uses a whole core while the process is out of file descriptors.
func TestAcceptBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &full{closed: make(chan struct{})}
		o := Options{}.normal()
		s := newSocket(wire.Shell, zmq4.Router, f, o, new(counters), newAdmission(o))
		s.start(echo{})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if f.calls < 10 || f.calls > 20 {
			t.Errorf("%d calls in 10 s, want one in a second and a few more at first", f.calls)
		}
		s.stop()
	})
}

func TestBatch(t *testing.T) {
	t.Parallel()
	var b batch
	var want []byte
	for i := range 3000 {
		p := make([]byte, i*7%5000)
		for j := range p {
			p[j] = byte(i + j)
		}
		if want = append(want, p...); len(p) <= shortPiece {
			b.add(append([]byte(nil), p...))
			clear(p) // short pieces are copied
		} else {
			b.add(p)
		}
	}
	if b.size != len(want) {
		t.Errorf("size %d, want %d", b.size, len(want))
	}
	in, out := net.Pipe()
	defer in.Close()
	got := make([]byte, 0, len(want))
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 10_000)
		for {
			n, err := out.Read(buf)
			if got = append(got, buf[:n]...); err != nil {
				return
			}
		}
	}()
	// Cut short again and again, as a slow peer does.
	for tries := 0; b.size > 0; tries++ {
		in.SetWriteDeadline(time.Now().Add(100 * time.Microsecond))
		if _, err := b.writeTo(in); err != nil {
			var late net.Error
			if !errors.As(err, &late) || !late.Timeout() {
				t.Fatal(err)
			}
		}
		if tries%3 == 0 {
			b.add([]byte{byte(tries)})
			want = append(want, byte(tries))
		}
	}
	in.Close()
	<-read
	if string(got) != string(want) {
		t.Errorf("%d bytes arrived, want these %d", len(got), len(want))
	}
}
