package kernel_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"interleave/kernel"
	"interleave/kernel/inproc"
	"interleave/kernel/kerneltest"
	"interleave/kernel/wire"
)

// A connection sends cells without waiting, and keeps the status of each reply by the cell's code.
type connection struct {
	t      *testing.T
	peer   *inproc.Peer
	codes  map[string]string // by the id of the request
	status map[string]string // by code
}

func connect(t *testing.T, tr *inproc.Transport) *connection {
	p, err := tr.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return &connection{t, p, make(map[string]string), make(map[string]string)}
}

// send sends a cell of a session and waits until the kernel has received it.
func (c *connection) send(session, code string) {
	c.t.Helper()
	a := wire.NewAuthor("client")
	a.Session = session
	m, err := a.New(nil, wire.ExecuteRequest{Code: code, StopOnError: true})
	if err != nil {
		c.t.Fatal(err)
	}
	m.Header.MsgID = fmt.Sprint(session, " ", code) // NewAuthor counts from one each time
	c.codes[m.Header.MsgID] = code
	if err := c.peer.Send(wire.Shell, m); err != nil {
		c.t.Fatal(err)
	}
	c.hear()
	synctest.Wait()
}

// hear reads what has come, so that the kernel never waits for this client.
func (c *connection) hear() {
	for synctest.Wait(); ; synctest.Wait() {
		select {
		case in := <-c.peer.Recv():
			if r, err := wire.As[wire.ExecuteReply](in.Message); err == nil && in.Channel == wire.Shell {
				c.status[c.codes[in.Message.Parent.MsgID]] = r.Status
			}
		default:
			return
		}
	}
}

// A cell that fails aborts the cells of its own client, wherever they stand in the queue, and no others.
func TestFailureOfOneClient(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		sent [][3]string // connection, session, code
		want map[string]string
	}{
		{"two clients", [][3]string{
			{"1", "a", "sleep 1s\nfail"}, {"2", "b", "print b1"}, {"1", "a", "print a2"}, {"2", "b", "print b2"}, {"1", "a", "print a3"},
		}, map[string]string{"sleep 1s\nfail": "error", "print b1": "ok", "print a2": "aborted", "print b2": "ok", "print a3": "aborted"}},
		{"two sessions through one connection, as from one server", [][3]string{
			{"1", "a", "sleep 1s\nfail"}, {"1", "b", "print b1"}, {"1", "a", "print a2"},
		}, map[string]string{"sleep 1s\nfail": "error", "print b1": "ok", "print a2": "aborted"}},
		{"a client that has connected again", [][3]string{
			{"1", "a", "sleep 1s\nfail"}, {"2", "a", "print a2"},
		}, map[string]string{"sleep 1s\nfail": "error", "print a2": "aborted"}},
		{"clients without a session", [][3]string{
			{"1", "", "sleep 1s\nfail"}, {"2", "", "print b1"}, {"1", "", "print a2"},
		}, map[string]string{"sleep 1s\nfail": "error", "print b1": "ok", "print a2": "aborted"}},
		{"an empty session is no session named like an identity", [][3]string{
			{"1", "", "sleep 1s\nfail"}, {"1", "inproc-2", "print b1"},
		}, map[string]string{"sleep 1s\nfail": "error", "print b1": "ok"}},
		{"both fail", [][3]string{
			{"1", "a", "sleep 1s\nfail"}, {"2", "b", "sleep 1s\nfail b"}, {"1", "a", "print a2"}, {"2", "b", "print b2"}, {"3", "c", "print c"},
		}, map[string]string{"sleep 1s\nfail": "error", "sleep 1s\nfail b": "error", "print a2": "aborted", "print b2": "aborted", "print c": "ok"}},
		{"interrupted", [][3]string{
			{"1", "a", "hang"}, {"2", "b", "print b1"}, {"1", "a", "print a2"},
		}, map[string]string{"hang": "error", "print b1": "ok", "print a2": "aborted"}},
		{"the session dies", [][3]string{
			{"1", "a", "sleep 1s\ndie"}, {"2", "b", "print b1"}, {"1", "a", "print a2"},
		}, map[string]string{"sleep 1s\ndie": "error", "print b1": "ok", "print a2": "aborted"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// Without kerneltest, whose checks refuse messages without a session.
				tr, f := inproc.New(nil), newFake()
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- kernel.Run(ctx, kernel.Config{Transport: tr, Session: f}) }()
				defer func() {
					cancel()
					if err := <-ended; err != context.Canceled {
						t.Error(err)
					}
				}()
				conns := map[string]*connection{"1": connect(t, tr), "2": connect(t, tr), "3": connect(t, tr)}
				for _, s := range c.sent {
					conns[s[0]].send(s[1], s[2])
				}
				for range 100 {
					time.Sleep(50 * time.Millisecond)
					if c.name == "interrupted" {
						f.Interrupt()
					}
					for _, conn := range conns {
						conn.hear()
					}
				}
				got := make(map[string]string)
				for _, conn := range conns {
					maps.Copy(got, conn.status)
				}
				if !maps.Equal(got, c.want) {
					t.Errorf("got  %v\nwant %v", got, c.want)
				}
			})
		})
	}
}

// Each client has its own burst: cells that two clients sent before their failures are aborted also when they come after both.
func TestLateCellsOfTwoClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := dated(t)
		a, b, c := wire.NewAuthor("a"), wire.NewAuthor("b"), wire.NewAuthor("c")
		clock := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, s := range []struct {
			by   *wire.Author
			sent time.Duration
			code string
			want string
		}{
			{a, 0, "sleep 1s\nfail", wire.Error},
			{b, time.Hour, "sleep 1s\nfail", wire.Error}, // its clock is another one
			{a, time.Millisecond, "print a", wire.Aborted},
			{b, time.Hour + time.Millisecond, "print b", wire.Aborted},
			{c, time.Millisecond, "print c", wire.OK},
			{a, 3 * time.Second, "print a", wire.OK},
		} {
			if got := status(s.by, wire.Date(clock.Add(s.sent)), s.code); got != s.want {
				t.Errorf("%q sent after %v: %s, want %s", s.code, s.sent, got, s.want)
			}
		}
	})
}

// The reply that a cell failed waits until its client has sent the cells of one burst, however slowly, and what the client sends
// after the reply runs. Another client's cells do not prolong the wait, nor does one that sends without end.
func TestReplyAfterBurst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		behind  string // the session that sends behind the failing cell
		every   time.Duration
		n       int
		replied time.Duration // after the failing cell was sent
		want    string        // of the cells behind
	}{
		{"none", "a", 0, 0, 50 * time.Millisecond, ""},
		{"at once", "a", 0, 20, 150 * time.Millisecond, "aborted"},
		{"slowly", "a", 140 * time.Millisecond, 10, 1410 * time.Millisecond, "aborted"},
		{"of another client", "b", 40 * time.Millisecond, 10, 50 * time.Millisecond, "ok"},
		{"without end", "a", 100 * time.Millisecond, 30, 2 * time.Second, "aborted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := kerneltest.Start(t, newFake())
				conn := connect(t, k.Transport)
				begin, replied, sent := time.Now(), time.Duration(0), 0
				conn.send("a", "fail")
				for time.Since(begin) < 5*time.Second {
					for ; sent < c.n && time.Duration(sent)*c.every <= time.Since(begin); sent++ {
						conn.send(c.behind, fmt.Sprint("print ", sent))
					}
					if conn.hear(); replied == 0 && conn.status["fail"] != "" {
						replied = time.Since(begin)
						conn.send("a", "print after")
					}
					time.Sleep(10 * time.Millisecond)
				}
				conn.hear()
				if replied != c.replied {
					t.Errorf("the reply came after %v, want %v", replied, c.replied)
				}
				for i := range min(c.n, 15) {
					if got := conn.status[fmt.Sprint("print ", i)]; got != c.want {
						t.Errorf("cell %d was %s, want %s", i, got, c.want)
					}
				}
				if got := conn.status["print after"]; got != "ok" && c.name != "without end" {
					t.Errorf("a cell sent after the reply was %s", got)
				}
			})
		})
	}
}
