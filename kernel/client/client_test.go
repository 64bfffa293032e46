package client_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"interleave/kernel/client"
	"interleave/kernel/inproc"
	"interleave/kernel/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A desk is the kernel's end in the hands of a test.
type desk struct {
	t  *testing.T
	tr *inproc.Transport
	by *wire.Author
}

// start makes a client and the desk it talks to.
func start(t *testing.T, cfg client.Config) (*client.Client, desk) {
	tr := inproc.New(nil)
	p, err := tr.Connect()
	if err != nil {
		t.Fatal(err)
	}
	c := client.Start(p, cfg)
	t.Cleanup(func() {
		c.Close()
		tr.Close(context.Background())
	})
	return c, desk{t, tr, wire.NewAuthor("desk")}
}

// next is the next message the client sends.
func (d desk) next() wire.Incoming { return <-d.tr.Recv() }

func (d desk) say(ch wire.Channel, parent *wire.Message, c wire.Content) {
	d.t.Helper()
	m, err := d.by.New(parent, c)
	if err == nil {
		err = d.tr.Send(ch, m)
	}
	if err != nil {
		d.t.Error(err)
	}
}

// Over sockets reply and idle come in any order; Execute waits for both, and tells what came in between.
func TestExecuteWaitsForReplyAndIdle(t *testing.T) {
	t.Parallel()
	for _, idleFirst := range []bool{false, true} {
		c, d := start(t, client.Config{})
		var wg sync.WaitGroup
		wg.Go(func() {
			in := d.next()
			r, err := wire.As[wire.ExecuteRequest](in.Message)
			if err != nil || in.Channel != wire.Shell || r.Code != "x" || !r.StoreHistory || !r.StopOnError || r.Silent || r.AllowStdin {
				t.Errorf("asked %+v on %s, %v", r, in.Channel, err)
			}
			d.say(wire.IOPub, in.Message, wire.Status{State: "busy"})
			reply := func() {
				d.say(wire.Shell, in.Message, wire.ExecuteReply{Status: wire.OK, ExecutionCount: 7})
			}
			if !idleFirst {
				reply()
			}
			d.say(wire.IOPub, in.Message, wire.StreamText{Name: "stdout", Text: "a"})
			d.say(wire.IOPub, in.Message, wire.Status{State: "idle"})
			if idleFirst {
				reply()
			}
		})
		var got []string
		reply, err := c.Execute(t.Context(), client.ExecuteRequest{Code: "x"}, func(m *wire.Message) { got = append(got, m.Header.MsgType) })
		wg.Wait()
		if err != nil || reply.ExecutionCount != 7 || !slices.Equal(got, []string{"status", "stream", "status"}) {
			t.Errorf("reply %+v, %v after %v", reply, err, got)
		}
	}
}

func TestExecuteRequestFields(t *testing.T) {
	t.Parallel()
	c, d := start(t, client.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		c.Execute(ctx, client.ExecuteRequest{Code: "x", Silent: true, KeepGoing: true, AllowStdin: true, Expressions: map[string]string{"a": "b"}}, nil)
	})
	r, err := wire.As[wire.ExecuteRequest](d.next().Message)
	if err != nil || !r.Silent || r.StoreHistory || r.StopOnError || !r.AllowStdin || r.Expressions["a"] != "b" {
		t.Errorf("asked %+v, %v", r, err)
	}
	cancel()
	wg.Wait()
}

// A request ends with its context, with the client and with the kernel, whatever comes first.
func TestEndsOfWaiting(t *testing.T) {
	t.Parallel()
	reason := errors.New("enough")
	for _, c := range []struct {
		name string
		end  func(*client.Client, desk, context.CancelCauseFunc)
		want error
	}{
		{"context", func(_ *client.Client, _ desk, cancel context.CancelCauseFunc) { cancel(reason) }, reason},
		{"client", func(c *client.Client, _ desk, _ context.CancelCauseFunc) { c.Close() }, client.ErrClosed},
		{"kernel", func(_ *client.Client, d desk, _ context.CancelCauseFunc) { d.tr.Close(context.Background()) }, client.ErrClosed},
	} {
		synctest.Test(t, func(t *testing.T) {
			cl, d := start(t, client.Config{})
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var err error
			var wg sync.WaitGroup
			wg.Go(func() { _, err = cl.KernelInfo(ctx) })
			synctest.Wait()
			c.end(cl, d, cancel)
			wg.Wait()
			if err != c.want {
				t.Errorf("%s ends: %v, want %v", c.name, err, c.want)
			}
		})
	}
}

// What nobody waits for is not lost: output after the end of a cell, and that of a request given up.
func TestUnclaimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		c, d := start(t, client.Config{Unclaimed: func(in wire.Incoming) { got = append(got, in.Message.Header.MsgType) }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		d.say(wire.IOPub, nil, wire.Status{State: "starting"})
		if _, err := c.KernelInfo(ctx); err != context.DeadlineExceeded {
			t.Error(err)
		}
		d.say(wire.IOPub, d.next().Message, wire.StreamText{Name: "stdout", Text: "late"})
		synctest.Wait()
		if !slices.Equal(got, []string{"status", "stream"}) {
			t.Errorf("unclaimed: %q", got)
		}
	})
}

// A question is answered on stdin with its own header as parent; without somebody to ask the answer is empty.
func TestInput(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		input func(context.Context, wire.InputRequest) (string, error)
		want  string
	}{
		{func(_ context.Context, r wire.InputRequest) (string, error) { return "to " + r.Prompt, nil }, "to name?"},
		{func(context.Context, wire.InputRequest) (string, error) {
			return "half a li", errors.New("end of file")
		}, ""},
		{nil, ""},
	} {
		cl, d := start(t, client.Config{Input: c.input})
		var wg sync.WaitGroup
		wg.Go(func() {
			in := d.next()
			d.say(wire.Stdin, in.Message, wire.InputRequest{Prompt: "name?"})
			answer := d.next()
			r, err := wire.As[wire.InputReply](answer.Message)
			if err != nil || answer.Channel != wire.Stdin || answer.Message.Parent.MsgType != "input_request" || r.Value != c.want {
				t.Errorf("answered %+v on %s to %+v, %v; want %q", r, answer.Channel, answer.Message.Parent, err, c.want)
			}
			d.say(wire.Shell, in.Message, wire.ExecuteReply{Status: wire.OK})
			d.say(wire.IOPub, in.Message, wire.Status{State: "idle"})
		})
		if _, err := cl.Execute(t.Context(), client.ExecuteRequest{AllowStdin: true}, nil); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}

// A kernel that goes before its reply has shut down all the same.
func TestShutdownOfAKernelThatIsGone(t *testing.T) {
	t.Parallel()
	c, d := start(t, client.Config{})
	go func() {
		d.next()
		d.tr.Close(context.Background())
	}()
	if err := c.Shutdown(t.Context(), false); err != nil {
		t.Error(err)
	}
}
