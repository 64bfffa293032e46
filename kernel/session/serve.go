package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// An Evaluator runs cells inside the child. Calls of Eval and Restore never overlap and come from one
// goroutine.
type Evaluator interface {
	// Eval runs a cell and returns how it ended; everything else is sent to out. ctx is cancelled with cause
	// ErrInterrupted when the user interrupts the cell, with ErrShutdown when the session ends; Eval then
	// returns soon, or its process is killed. The Cell of the returned Done need not be set. A panic of Eval
	// itself is reported as a bug of the kernel.
	Eval(ctx context.Context, c Cell, out *Out) Done

	// Restore restores the declarations of an earlier process's cells: records are those of Out.Record,
	// oldest first. It returns the variables whose values are lost, and the declarations that could not be
	// restored, with the reason. It may be called several times, each time with the next part of the records,
	// and always before the first Eval.
	Restore(records [][]byte) (lost, failed []string)

	// Complete returns how the text before the cursor can continue; cursor counts code points. It may be
	// called from several goroutines at any time, also while Eval or Restore runs. A panic is reported as a
	// bug of the kernel, and the question gets an empty answer.
	Complete(code string, cursor int) Completion

	// Inspect describes the name under the cursor, with detail 1 in more detail than with 0. It may be called
	// from several goroutines at any time, also while Eval or Restore runs. A panic is treated as that of
	// Complete.
	Inspect(code string, cursor, detail int) Inspection

	// Comm handles what a front end does to a comm. Calls never overlap and come in the front end's order, also
	// while Eval or Restore runs; a cell begins when those that came before it have returned. So it must not wait
	// for user code.
	Comm(m Comm, out *Out)

	// Interrupt asks code that runs beside cells to end, and does not wait for that.
	Interrupt()

	// Variables lists the session's variables, or, with the path of a value that it has given, the value's parts. It
	// may be called from several goroutines at any time, also while Eval or Restore runs. A panic is treated as that
	// of Complete.
	Variables(path string) []Variable
}

// ErrNotChild is returned by Serve in a process that no Client started.
var ErrNotChild = errors.New("this command is started by the kernel and cannot be used by itself")

// shutdownWait is how long Serve waits for a cell, and for the evaluator's answers, when the session ends.
const shutdownWait = time.Second

var serving atomic.Bool

// Serve runs in the child: it runs the cells that a Client sends until the Client ends the session, dies, or
// ctx is cancelled.
//
// Call it from the main function, before anything else is opened, and exit when it returns. It returns even
// if an Eval does not end with its context, or goroutines of cells still run. It ignores SIGINT, since
// interrupts come as requests. In a process that no Client started, such as a child of a session, it returns
// ErrNotChild at once; so does a second call. When the Client dies without a shutdown request, the whole
// process group is killed, including the children that cells started.
//
// Serve owns two goroutines, one that reads requests and one that runs cells, up to three more while
// questions are answered, and one while messages of comms are handled.
func Serve(ctx context.Context, ev Evaluator) error {
	if !serving.CompareAndSwap(false, true) {
		return ErrNotChild
	}
	l, err := inherit()
	if err != nil {
		return err
	}
	return serve(ctx, ev, l)
}

// A link is the child's ends of the pipes.
type link struct {
	requests io.ReadCloser // Close must end a Read
	frames   io.Writer
	answers  io.Writer    // of questions; nil: they get none
	streams  [2]io.Writer // for markers: stdout, stderr
	page     *page        // shared with the supervisor; nil: there is no shared memory
	pid      int
	orphaned func() // called before serve returns when the supervisor ended without a shutdown request
}

func serve(ctx context.Context, ev Evaluator, l link) error {
	// frames stays open: its end shows the supervisor that the process has ended, and it has not yet.
	defer l.requests.Close()
	r := &frameReader{r: l.requests}
	f, err := r.next()
	if err != nil {
		return fmt.Errorf("serve session: read hello: %w", err)
	}
	h, ok := f.msg.(hello)
	if !ok || len(h.Nonce) != nonceLen {
		return ErrNotChild
	}
	if h.Version != protocolVersion {
		return fmt.Errorf("serve session: the kernel speaks version %d of the session protocol, this program version %d: "+
			"it was replaced while the kernel ran; restart the kernel", h.Version, protocolVersion)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(ErrShutdown)
	c := &child{
		ev:      ev,
		out:     newOut(l.frames, l.streams, newMarker(h.Nonce), l.page),
		answers: &answerer{ev: ev, pipe: l.answers},
		work:    make(chan task, 4),
	}
	c.post = newPost(ev, c.out)
	defer c.out.end()
	c.out.send(ready{uint64(l.pid)})

	worked := make(chan struct{})
	go func() {
		defer close(worked)
		for t := range c.work {
			c.do(t)
		}
		c.answers.tasks.Wait() // read has ended: no question comes any longer
		c.post.tasks.Wait()
	}()
	read := make(chan error, 1)
	go func() {
		defer close(c.work)
		err := c.read(ctx, r)
		c.answers.end()
		read <- err
	}()
	select {
	case err = <-read:
	case <-ctx.Done():
		l.requests.Close()
		<-read
		err = nil
	}
	cancel(ErrShutdown)
	wait := time.NewTimer(shutdownWait)
	defer wait.Stop()
	select {
	case <-worked:
	case <-wait.C:
	}
	if err == io.EOF {
		err = nil
		l.orphaned()
	}
	if err != nil {
		return fmt.Errorf("serve session: read request: %w", err)
	}
	return nil
}

type child struct {
	ev      Evaluator
	out     *Out
	answers *answerer
	post    *post
	work    chan task // the client has one request under way; with the buffer, the reader can still read an interrupt

	mu     sync.Mutex
	cell   uint64                  // the newest cell
	cancel context.CancelCauseFunc // cancels it
}

// A task is a Cell or a restore.
type task struct {
	ctx     context.Context
	cell    Cell
	cancel  context.CancelCauseFunc
	after   uint64 // messages of comms that came before the cell
	restore *restore
}

// read handles requests until the supervisor ends the session (nil) or is gone (io.EOF).
func (c *child) read(ctx context.Context, r *frameReader) error {
	for {
		f, err := r.next()
		if err != nil {
			return err
		}
		switch m := f.msg.(type) {
		case Cell:
			ctx, cancel := context.WithCancelCause(context.WithValue(ctx, cellKey{}, m.ID))
			c.mu.Lock()
			c.cell, c.cancel = m.ID, cancel
			c.mu.Unlock()
			c.work <- task{ctx: ctx, cell: m, cancel: cancel, after: c.post.count()}
		case restore:
			c.work <- task{restore: &m}
		case interrupt:
			c.mu.Lock()
			if c.cell == m.Cell && c.cancel != nil {
				c.cancel(ErrInterrupted)
			}
			c.mu.Unlock()
			c.ev.Interrupt()
		case toComm:
			c.post.take(m.Comm)
		case answer:
			c.out.answer(m)
		case Question:
			c.answers.ask(m)
		case shutdown:
			return nil
		default:
			return fmt.Errorf("unexpected %T", m)
		}
	}
}

func (c *child) do(t task) {
	if t.restore != nil {
		records := make([][]byte, len(t.restore.Records))
		for i, r := range t.restore.Records {
			records[i] = []byte(r)
		}
		lost, failed := c.ev.Restore(records)
		c.out.send(restored{lost, failed})
		return
	}
	c.post.wait(t.after)
	atomic.StoreUint32(c.out.Line(), 0)
	c.out.send(begin{t.cell.ID})
	c.out.running.Store(&t.cell)
	done := c.eval(t)
	c.out.running.Store(nil)
	done.Cell = t.cell.ID
	c.out.send(done)
	t.cancel(nil)
}

func (c *child) eval(t task) (done Done) {
	defer func() {
		if v := recover(); v != nil {
			c.out.Emit(Failed{
				Cell: t.cell.ID, Name: FailureInternal, Value: fmt.Sprint(v),
				Traceback: []string{
					fmt.Sprintf("internal error: %v: this is a bug of the kernel, not of the cell", v),
					string(debug.Stack()),
				},
			})
			done = Done{}
		}
	}()
	return c.ev.Eval(t.ctx, t.cell, c.out)
}

// describeExit describes the end of a process for the user.
func describeExit(err error) string {
	if err == nil {
		return "it exited"
	}
	if errors.Is(err, os.ErrProcessDone) {
		return "it ended"
	}
	return err.Error()
}
