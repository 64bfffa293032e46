package session

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An evalFunc evaluates cells and restores nothing.
type evalFunc func(ctx context.Context, c Cell, out *Out) Done

func (f evalFunc) Eval(ctx context.Context, c Cell, out *Out) Done { return f(ctx, c, out) }

func (f evalFunc) Complete(string, int) Completion     { return Completion{} }
func (f evalFunc) Inspect(string, int, int) Inspection { return Inspection{} }
func (f evalFunc) Variables(string) []Variable         { return nil }

func (f evalFunc) Comm(Comm, *Out) {}
func (f evalFunc) Interrupt()      {}
func (f evalFunc) Restore(records [][]byte) (lost, failed []string) {
	for _, r := range records {
		lost = append(lost, string(r))
	}
	return lost, nil
}

func TestPipe(t *testing.T) {
	t.Parallel()
	c := pipe(context.Background(), Config{}, func() Evaluator {
		return evalFunc(func(ctx context.Context, c Cell, out *Out) Done {
			out.Record(c.ID, []byte("x"))
			out.Output(c.ID, Stdout, []byte("half \xe4"))
			out.Output(c.ID, Stdout, []byte("\xb8\x96 whole"))
			name, err := out.Input(ctx, "name", false)
			out.Output(c.ID, Stderr, []byte(name))
			return Done{OK: err == nil, Replace: c.Code}
		})
	})
	r := &rig{Client: c, t: t}
	r.start("")
	if got := transcript(r.until(isA[Input])); got != `1 stdout "half 世 whole" | 1 input "name"` {
		t.Error(got)
	}
	c.Answer("me")
	if got := transcript(r.until(isA[Done])); got != `1 stderr "me" | 1 done ok` {
		t.Error(got)
	}
	r.start("worn out")
	r.until(isA[Input])
	c.Answer("")
	if got := transcript(r.until(isA[Done])); got != `2 restarted (worn out) lost [x x] failed [] | 2 done ok` {
		t.Error(got)
	}
	c.Close()
	if _, open := <-c.Events(); open {
		t.Error("an event after the end")
	}
}

// While a cell is diverted, what it shows goes to the sink, and what others show does not.
func TestDivert(t *testing.T) {
	t.Parallel()
	var taken []Event
	c := pipe(context.Background(), Config{}, func() Evaluator {
		return evalFunc(func(ctx context.Context, c Cell, out *Out) Done {
			out.Divert(c.ID, func(e Event) { taken = append(taken, e) })
			out.Output(c.ID, Stdout, []byte("taken"))
			out.Output(c.ID+1, Stdout, []byte("late "))
			out.Emit(Display{Cell: c.ID})
			out.Emit(Result{Cell: c.ID})
			out.Emit(Clear{Cell: c.ID})
			out.Emit(Failed{Cell: c.ID, Name: "error", Value: "shown"})
			out.Divert(0, nil)
			out.Output(c.ID, Stdout, []byte("after"))
			return Done{OK: true}
		})
	})
	r := &rig{Client: c, t: t}
	r.start("")
	got := transcript(r.until(isA[Done]))
	if len(taken) != 4 || transcript(taken[:1]) != `1 stdout "taken"` || strings.Contains(got, "taken") ||
		!strings.Contains(got, "late") || !strings.Contains(got, "shown") || !strings.Contains(got, "after") {
		t.Errorf("taken %v, shown %s", taken, got)
	}
	c.Close()
}

// Interrupt, then nothing for KillAfter, then a new child: in fake time.
func TestKillAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		children := 0
		c := pipe(context.Background(), Config{KillAfter: 3 * time.Second}, func() Evaluator {
			children++
			return evalFunc(func(ctx context.Context, c Cell, out *Out) Done {
				if c.Code == "deaf" {
					<-release
				}
				<-ctx.Done()
				out.Output(c.ID, Stdout, []byte("a voice from the past"))
				return Done{Interrupted: true}
			})
		})
		r := &rig{Client: c, t: t}
		r.start("hears")
		synctest.Wait()
		begin := time.Now()
		c.Interrupt()
		if got := transcript(r.until(isA[Done])); got != `1 stdout "a voice from the past" | 1 done interrupted` || time.Since(begin) != 0 {
			t.Error(got, time.Since(begin))
		}
		r.start("deaf")
		synctest.Wait()
		c.Interrupt()
		time.Sleep(2 * time.Second)
		c.Interrupt() // impatience changes nothing
		got := transcript(r.until(isA[Done]))
		if got != "2 failed interrupted: the cell did not stop within 3 s, so its session process was replaced"+
			" | 2 restarted (did not stop) lost [] failed [] | 2 done interrupted" {
			t.Error(got)
		}
		if d := time.Since(begin); d != 3*time.Second+shutdownWait || children != 2 {
			t.Errorf("%v, %d children", d, children)
		}
		close(release) // what the past still says goes nowhere
		synctest.Wait()
		c.Close()
		for e := range c.Events() {
			t.Error(e)
		}
	})
}

// pipe begins a session whose child is a goroutine of this process: the same client, frames, markers and
// merger, without fd 1 and fd 2. evaluator is called for the first child and for each one that replaces it.
// Config.Command is not used.
func pipe(ctx context.Context, cfg Config, evaluator func() Evaluator) *Client {
	cfg.defaults()
	return newClient(ctx, cfg, func(nonce string) (*process, error) {
		requestsR, requestsW := io.Pipe()
		framesR, framesW := io.Pipe()
		answersR, answersW := io.Pipe()
		stdoutR, stdoutW := io.Pipe()
		stderrR, stderrW := io.Pipe()
		ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		ended := make(chan error, 1)
		var shared page
		go func() {
			err := serve(ctx, evaluator(), link{
				requests: requestsR, frames: framesW, answers: answersW, streams: [2]io.Writer{stdoutW, stderrW}, page: &shared,
				orphaned: func() {},
			})
			framesW.Close()
			answersW.Close()
			ended <- err
		}()
		p := newProcess(pipes{
			requests: requestsW, frames: framesR, answers: answersR, stdout: stdoutR, stderr: stderrR,
			signal: func(bool) { cancel(ErrShutdown) },
			wait: func(*uint64) error {
				defer cancel(nil)
				return <-ended
			},
			drained: func() {
				stdoutW.Close()
				stderrW.Close()
			},
			page: &shared, unmap: func() {},
		}, nonce)
		return p, p.send(hello{protocolVersion, nonce})
	})
}
