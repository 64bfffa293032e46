package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"interleave/kernel"
	"interleave/kernel/client"
	"interleave/kernel/inproc"
	"interleave/kernel/kerneltest"
	"interleave/kernel/session"
	"interleave/kernel/wire"
	"interleave/kernel/zmq"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Who must fit without knowing this package.
var (
	_ kernel.Session   = (*session.Client)(nil)
	_ kernel.Transport = (*inproc.Transport)(nil)
	_ kernel.Transport = (*zmq.Transport)(nil)
	_ client.Peer      = (*zmq.Peer)(nil)
)

// check runs one cell in a fresh kernel over the fake session and compares its transcript.
func check(t *testing.T, r client.ExecuteRequest, want string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		kerneltest.Equal(t, k.Run(r), want)
	})
}

func TestCell(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, code, want string }{
		{"nothing", "", "input 1\nreply ok 0"},
		{"output", "print a\nprint b\nwarn c\nprint d", `
			input 1
			stdout| a
			stdout| b
			stderr| c
			stdout| d
			reply ok 1`},
		{"invalid UTF-8", "print a\xffb\x00\x1b[31m<&>", "input 1\nstdout| a\uFFFDb\x00<&>\nreply ok 1"},
		{"result", "print a\nresult 42", "input 1\nstdout| a\nresult 1 text/plain| 42\nreply ok 1"},
		{"displays", "display - plain\ndisplay d one\nupdate d two\nupdate d three\nprint p\nupdate d four", `
			input 1
			display text/plain| plain
			display[d] text/plain| one
			update[d] text/plain| three
			stdout| p
			update[d] text/plain| four
			reply ok 1`},
		{"updates that nobody replaces", "display d 1\ndisplay e 1\nupdate d 2\nupdate e 2\nsleep 1s\nupdate d 3\nsleep 1s\nupdate d 4", `
			input 1
			display[d] text/plain| 1
			display[e] text/plain| 1
			update[d] text/plain| 2
			update[e] text/plain| 2
			update[d] text/plain| 3
			update[d] text/plain| 4
			reply ok 1`},
		{"clear", "print a\nclear\nprint b", "input 1\nstdout| a\nclear wait\nstdout| b\nreply ok 1"},
		{"error", "print a\nfail boom\nprint never", `
			input 1
			stdout| a
			error| panic: boom
			trace| panic: boom
			trace| cell[1]:1
			reply error 1| panic: boom`},
		{"a value that is no JSON", "raw {\nprint a", `
			input 1
			stderr| A value cannot be shown: display_data: data: "application/json" is not JSON: "{"
			stdout| a
			reply ok 1`},
		{"the session dies", "print a\ndie", `
			input 1
			stdout| a
			error| session died: exit status 3
			stderr| The session was restarted: it exited with status 3.
			stderr| Lost variables: x, ch
			stderr| Problem: T: no such type
			reply error 1| session died: exit status 3`},
		{"input without a client that answers", "input name?", "input 1\nstdout| got\x20\nreply ok 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			check(t, client.ExecuteRequest{Code: c.code}, c.want)
		})
	}
}

func TestSilent(t *testing.T) {
	t.Parallel()
	check(t, client.ExecuteRequest{Code: "print a\nresult 1\nfail x", Silent: true}, `
		stdout| a
		error| panic: x
		trace| panic: x
		trace| cell[1]:1
		reply error 0| panic: x`)
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	check(t, client.ExecuteRequest{Code: "print a", Expressions: map[string]string{"good": "3+4", "bad": "!x"}}, `
		input 1
		stdout| a
		expression bad failed| no such: !x
		expression good text/plain| 3+4
		reply ok 1`)
}

// Numbers are ipykernel's: unstored and silent cells and blank ones take none.
func TestExecutionCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		k := kerneltest.Start(t, f)
		for _, c := range []struct {
			r    client.ExecuteRequest
			want string
		}{
			{client.ExecuteRequest{Code: "result a"}, "input 1\nresult 1 text/plain| a\nreply ok 1"},
			{client.ExecuteRequest{Code: "result a", NoHistory: true}, "input 2\nresult 2 text/plain| a\nreply ok 1"},
			{client.ExecuteRequest{Code: "result a", Silent: true}, "reply ok 1"},
			{client.ExecuteRequest{Code: "\n"}, "input 2\nreply ok 1"},
			{client.ExecuteRequest{Code: "result a"}, "input 2\nresult 2 text/plain| a\nreply ok 2"},
		} {
			kerneltest.Equal(t, k.Run(c.r), c.want)
		}
		for i, n := range []int{1, 2, 2, 2, 2} {
			if c := f.cells()[i]; c.N != n || c.ID != uint64(i+1) {
				t.Errorf("cell %d ran as ID %d, N %d; want N %d", i+1, c.ID, c.N, n)
			}
		}
	})
}

// all runs cells at once, in this order, and gives their transcripts.
func all(t *testing.T, k *kerneltest.Kernel, rs ...client.ExecuteRequest) []string {
	out := make([]string, len(rs))
	var wg sync.WaitGroup
	for i, r := range rs {
		wg.Go(func() { out[i] = k.Run(r) })
		synctest.Wait() // it is in the kernel's queue
	}
	wg.Wait()
	return out
}

func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		began := time.Now()
		got := all(t, k,
			client.ExecuteRequest{Code: "sleep 1s\nprint a"},
			client.ExecuteRequest{Code: "sleep 1s\nprint b"},
			client.ExecuteRequest{Code: "sleep 1s\nprint c"})
		for i, want := range []string{
			"input 1\nstdout| a\nreply ok 1",
			"input 2\nstdout| b\nreply ok 2",
			"input 3\nstdout| c\nreply ok 3",
		} {
			kerneltest.Equal(t, got[i], want)
		}
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("three cells of a second took %v", d)
		}
	})
}

func TestStopOnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		k := kerneltest.Start(t, f)
		var complete wire.IsCompleteReply
		var wg sync.WaitGroup
		got := make([]string, 4)
		for i, r := range []client.ExecuteRequest{
			{Code: "sleep 1s\nfail a", KeepGoing: true},
			{Code: "sleep 1s\nfail b"},
			{Code: "print never"},
			{Code: "print never", Silent: true},
		} {
			wg.Go(func() { got[i] = k.Run(r) })
			synctest.Wait()
		}
		wg.Go(func() {
			var err error
			if complete, err = k.Client.IsComplete(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		for i, want := range []string{
			"input 1\nerror| panic: a\ntrace| panic: a\ntrace| cell[1]:1\nreply error 1| panic: a",
			"input 2\nerror| panic: b\ntrace| panic: b\ntrace| cell[2]:1\nreply error 2| panic: b",
			"reply aborted",
			"reply aborted",
		} {
			kerneltest.Equal(t, got[i], want)
		}
		if complete.Status != "unknown" {
			t.Errorf("is_complete behind a failed cell: %+v", complete)
		}
		kerneltest.Equal(t, k.Execute("print on"), "input 3\nstdout| on\nreply ok 3")
		if n := len(f.cells()); n != 3 {
			t.Errorf("%d cells ran, want 3", n)
		}
	})
}

// A silent cell's failure is nobody's reason to stop, as in ipykernel.
func TestSilentErrorAbortsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		got := all(t, k, client.ExecuteRequest{Code: "sleep 1s\nfail a", Silent: true}, client.ExecuteRequest{Code: "print b"})
		kerneltest.Equal(t, got[1], "input 1\nstdout| b\nreply ok 1")
	})
}

func TestControlWhileACellRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		var wg sync.WaitGroup
		wg.Go(func() { k.Execute("sleep 1m") })
		synctest.Wait()
		began := time.Now()
		for range 3 {
			if _, err := k.Client.Request(t.Context(), wire.Control, wire.KernelInfoRequest{}, nil); err != nil {
				t.Error(err)
			}
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("control waited %v", d)
		}
		wg.Wait()
	})
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		if err := k.Client.Interrupt(t.Context()); err != nil { // nothing runs
			t.Error(err)
		}
		go func() {
			time.Sleep(time.Second)
			if err := k.Client.Interrupt(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		got := all(t, k, client.ExecuteRequest{Code: "print a\nhang"}, client.ExecuteRequest{Code: "print b"})
		kerneltest.Equal(t, got[0], `
			input 1
			stdout| a
			error| interrupted: hang
			reply error 1| interrupted: hang`)
		kerneltest.Equal(t, got[1], "reply aborted")
		kerneltest.Equal(t, k.Execute("print c"), "input 2\nstdout| c\nreply ok 2")
	})
}

func TestInput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake(), kerneltest.Input(func(_ context.Context, r wire.InputRequest) (string, error) {
			time.Sleep(time.Second)
			return "«" + r.Prompt + "»", nil
		}))
		kerneltest.Equal(t, k.Run(client.ExecuteRequest{Code: "print a\ninput who\ninput where", AllowStdin: true}), `
			input 1
			stdout| a
			stdout| got «who»
			stdout| got «where»
			reply ok 1`)
	})
}

// The question goes to the client whose cell asks, and an answer that comes too late answers nothing.
func TestInputOfTwoClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan string)
		k := kerneltest.Start(t, newFake(), kerneltest.Input(func(ctx context.Context, r wire.InputRequest) (string, error) {
			if r.Prompt == "slow" {
				<-ctx.Done() // the cell is over
				return "", ctx.Err()
			}
			return <-answer, nil
		}))
		other, _ := k.Connect(nil)
		var wg sync.WaitGroup
		wg.Go(func() {
			reply, err := other.Execute(t.Context(), client.ExecuteRequest{Code: "input slow", AllowStdin: true}, nil)
			if err != nil || reply.Status != wire.Error {
				t.Errorf("interrupted input: %+v, %v", reply, err)
			}
		})
		synctest.Wait()
		late, err := wire.NewAuthor("test").New(&wire.Message{Header: wire.Header{MsgID: "an older question"}}, wire.InputReply{Value: "late"})
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Peer.Send(wire.Stdin, late); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := k.Client.Interrupt(t.Context()); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		wg.Go(func() {
			kerneltest.Equal(t, k.Run(client.ExecuteRequest{Code: "input who", AllowStdin: true}), "input 2\nstdout| got me\nreply ok 2")
		})
		answer <- "me"
		wg.Wait()
	})
}

// What a goroutine says after its cell goes to its own cell, also while another runs.
func TestOutputAfterTheCell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		kerneltest.Equal(t, k.Execute("print a\nlater 3s print late\nlater 4s orphan nobody's\nlater 5s fail too late"), "input 1\nstdout| a\nreply ok 1")
		kerneltest.Equal(t, k.Execute("sleep 10s\nprint b"), "input 2\nstdout| b\nreply ok 2")
		kerneltest.Equal(t, k.Late(), `
			no cell starting
			no cell welcome ""
			cell 1 stdout| late
			no cell stdout| nobody's
			cell 1 error| panic: too late
			cell 1 trace| panic: too late
			cell 1 trace| cell[1]:1`)
	})
}

// What happens to the session while no cell runs is told to the next cell.
func TestRestartBetweenCells(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		k.Execute("later 1s crash")
		time.Sleep(2 * time.Second)
		kerneltest.Equal(t, k.Execute("print a"), `
			input 2
			stderr| The session was restarted: it was killed.
			stdout| a
			reply ok 2`)
		kerneltest.Equal(t, k.Execute("print b"), "input 3\nstdout| b\nreply ok 3")
	})
}

func TestSessionThatCannotRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.refuse = errRefused
		k := kerneltest.Start(t, f)
		for n := 1; n < 3; n++ {
			kerneltest.Equal(t, k.Execute("print a"), fmt.Sprintf(`
				input %[1]d
				error| session error: no more processes
				trace| session error: no more processes
				reply error %[1]d| session error: no more processes`, n))
		}
	})
}

func TestSessionThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		k := kerneltest.Start(t, f)
		go func() {
			time.Sleep(time.Second)
			f.Close()
		}()
		for n, code := range []string{"hang", "print a"} {
			if got := k.Execute(code); !strings.Contains(got, fmt.Sprintf("reply error %d| session ended: ", n+1)) {
				t.Error(got)
			}
		}
	})
}

// Text is gathered into few messages, and a client that does not read stops the session instead of filling memory.
func TestGathering(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		messages, bytes := 0, 0
		_, err := k.Client.Execute(t.Context(), client.ExecuteRequest{Code: "flood 100000"}, func(m *wire.Message) {
			if c, err := wire.As[wire.StreamText](m); err == nil {
				messages++
				bytes += len(c.Text)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if bytes != 100*100_000 || messages > 60 {
			t.Errorf("%d bytes in %d messages", bytes, messages)
		}
		if got := k.Execute("print a\nsleep 1s\nprint b\nsleep 1s"); got != "input 2\nstdout| a\nstdout| b\nreply ok 2" {
			t.Error(got)
		}
	})
}

func TestBackPressure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		k := kerneltest.Start(t, f)
		hold := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := k.Client.Execute(t.Context(), client.ExecuteRequest{Code: "flood 1000000000"}, func(m *wire.Message) { <-hold })
			if err != nil {
				t.Error(err)
			}
		})
		synctest.Wait() // everything waits: the session is no longer read
		close(hold)
		if err := k.Client.Interrupt(t.Context()); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			k := kerneltest.Start(t, newFake())
			var got []string
			var wg sync.WaitGroup
			wg.Go(func() {
				got = all(t, k, client.ExecuteRequest{Code: "print a\nhang"}, client.ExecuteRequest{Code: "print b"})
			})
			time.Sleep(time.Second)
			wg.Go(func() { // it waits behind the cells, and gets the one answer that clients take
				if info, err := k.Client.KernelInfo(t.Context()); err != nil || info.Status != wire.OK {
					t.Errorf("kernel_info at the end: %+v, %v", info, err)
				}
			})
			synctest.Wait()
			var toAll int
			m, err := k.Client.Request(t.Context(), wire.Control, wire.ShutdownRequest{Restart: restart}, func(in wire.Incoming) {
				if in.Message.Header.MsgType == "shutdown_reply" {
					toAll++
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if r, err := wire.As[wire.ShutdownReply](m); err != nil || r.Restart != restart || toAll != 1 {
				t.Errorf("reply %+v, %v; %d on iopub", r, err, toAll)
			}
			if err := k.Wait(); err != nil {
				t.Errorf("Run: %v", err)
			}
			wg.Wait()
			kerneltest.Equal(t, got[0], "input 1\nstdout| a\nreply aborted")
			kerneltest.Equal(t, got[1], "reply aborted")
		})
	}
}

// An old client asks on shell.
func TestShutdownOnShell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.Start(t, newFake())
		if _, err := k.Client.Request(t.Context(), wire.Shell, wire.ShutdownRequest{}, nil); err != nil {
			t.Fatal(err)
		}
		if err := k.Wait(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("terminal is gone")
		cancel(reason)
		transport := silent{}
		if err := kernel.Run(ctx, kernel.Config{Transport: transport, Session: f}); err != reason {
			t.Errorf("Run: %v", err)
		}
		if _, open := <-f.Events(); open {
			t.Error("the session was not closed")
		}
	})
}

// A silent transport has no clients.
type silent struct{}

func (silent) Recv() <-chan wire.Incoming              { return nil }
func (silent) Send(wire.Channel, *wire.Message) error  { return nil }
func (silent) Subscriptions() <-chan wire.Subscription { return nil }
func (silent) Close(context.Context) error             { return nil }
