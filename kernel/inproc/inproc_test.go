package inproc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"interleave/kernel/client"
	"interleave/kernel/inproc"
	"interleave/kernel/wire"
)

// The client's side of the agreement; package kernel's tests hold the kernel's.
var _ client.Peer = (*inproc.Peer)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func message(t *testing.T, parent *wire.Message, c wire.Content) *wire.Message {
	t.Helper()
	m, err := wire.NewAuthor("test").New(parent, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func connect(t *testing.T, tr *inproc.Transport) *inproc.Peer {
	t.Helper()
	p, err := tr.Connect()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A reply goes to who asked, on its channel; what is published goes to all.
func TestRouting(t *testing.T) {
	t.Parallel()
	tr := inproc.New(nil)
	a, b := connect(t, tr), connect(t, tr)
	for range 2 {
		if s := <-tr.Subscriptions(); s.Topic != "" {
			t.Errorf("subscription to %q", s.Topic)
		}
	}
	request := message(t, nil, wire.KernelInfoRequest{})
	request.Identities = [][]byte{[]byte("a name that the client gives itself")}
	request.Buffers = [][]byte{{1}, {2, 3}}
	if err := b.Send(wire.Control, request); err != nil {
		t.Fatal(err)
	}
	in := <-tr.Recv()
	if in.Channel != wire.Control || in.Message.Header != request.Header || len(in.Message.Identities) != 1 || !bytes.Equal(in.Message.Buffers[1], []byte{2, 3}) {
		t.Errorf("received %+v", in)
	}
	status := message(t, in.Message, wire.Status{State: "busy"})
	for _, m := range []struct {
		ch wire.Channel
		m  *wire.Message
	}{{wire.IOPub, status}, {wire.Control, message(t, in.Message, wire.InterruptReply{Status: wire.OK})}} {
		if err := tr.Send(m.ch, m.m); err != nil {
			t.Fatal(err)
		}
	}
	tr.Close(t.Context())
	for _, c := range []struct {
		p    *inproc.Peer
		want string
	}{{a, "iopub status, "}, {b, "iopub status, control interrupt_reply, "}} {
		var got string
		for in := range c.p.Recv() {
			got += fmt.Sprintf("%s %s, ", in.Channel, in.Message.Header.MsgType)
			if in.Message.Parent != request.Header {
				t.Errorf("parent %+v", in.Message.Parent)
			}
		}
		if got != c.want {
			t.Errorf("received %q, want %q", got, c.want)
		}
	}
	if err := tr.Send(wire.Shell, request); !errors.Is(err, inproc.ErrClosed) {
		t.Errorf("send after close: %v", err)
	}
	if _, err := tr.Connect(); !errors.Is(err, inproc.ErrClosed) {
		t.Errorf("connect after close: %v", err)
	}
	if err := a.Send(wire.Shell, request); !errors.Is(err, inproc.ErrClosed) {
		t.Errorf("peer sends after close: %v", err)
	}
}

func TestNobodyToGoTo(t *testing.T) {
	t.Parallel()
	tr := inproc.New(nil)
	p := connect(t, tr)
	m := message(t, nil, wire.InterruptReply{})
	if err := tr.Send(wire.Shell, m); err == nil {
		t.Error("a reply without an identity is sent")
	}
	m.Identities = [][]byte{[]byte("who left")}
	if err := tr.Send(wire.Shell, m); err != nil {
		t.Errorf("a client that left is an error: %v", err)
	}
	p.Close()
	p.Close()
	if err := tr.Send(wire.IOPub, m); err != nil {
		t.Errorf("nobody listens, which is an error: %v", err)
	}
}

// A sender waits for a reader that is slow, and no longer than that one stays.
func TestWaiting(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"peer", "transport"} {
		synctest.Test(t, func(t *testing.T) {
			tr := inproc.New(nil)
			p := connect(t, tr)
			m := message(t, nil, wire.Status{State: "busy"})
			var toClient, toKernel int
			var failed error
			var wg sync.WaitGroup
			if end == "peer" {
				wg.Go(func() {
					for ; toClient < 1000; toClient++ {
						if err := tr.Send(wire.IOPub, m); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Go(func() {
				for failed == nil {
					failed = p.Send(wire.Shell, m)
					toKernel++
				}
			})
			synctest.Wait()
			if toClient > 100 || toKernel > 100 {
				t.Errorf("%d and %d messages wait in memory", toClient, toKernel)
			}
			if end == "peer" {
				p.Close()
			} else if err := tr.Close(context.Background()); err != nil {
				t.Error(err)
			}
			wg.Wait()
			if !errors.Is(failed, inproc.ErrClosed) {
				t.Error(failed)
			}
			p.Close()
			tr.Close(context.Background())
		})
	}
}
