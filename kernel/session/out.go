package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

var (
	// ErrInterrupted is the cause with which a cell's context is cancelled when the user interrupts the cell.
	ErrInterrupted = errors.New("interrupted")
	// ErrShutdown is the cause with which a cell's context is cancelled when the session ends.
	ErrShutdown = errors.New("the session ends")
	// ErrNoStdin is what Out.Input returns when the front end cannot be asked.
	ErrNoStdin = errors.New("input was asked for, but this front end does not support input requests")
)

// An Out is the child's voice. One Out serves all cells of a child. Its methods are safe from any goroutine, stay valid after
// the cell's Eval has returned, and block while the supervisor does not read; after the session's end they do nothing.
//
// Each call costs three small writes (2–5 µs): the frame, and a marker in each of the two output streams.
type Out struct {
	mu     sync.Mutex // orders markers and frames; guards what follows
	seq    uint64
	buf    []byte
	marker *marker
	marks  [2]io.Writer // the output streams, as long as markers can be written to them
	frames io.Writer    // nil after the end

	last    atomic.Int32 // which stream was written last, for Switch
	running atomic.Pointer[Cell]
	line    *uint32

	asking  chan struct{} // holds a token while nobody waits for an answer
	asked   uint64        // guarded by mu: Input events sent so far
	answers chan answer
}

func newOut(frames io.Writer, marks [2]io.Writer, m *marker, line *uint32) *Out {
	if line == nil {
		line = new(uint32)
	}
	o := &Out{marker: m, marks: marks, frames: frames, line: line, asking: make(chan struct{}, 1), answers: make(chan answer, 1)}
	o.asking <- struct{}{}
	return o
}

// Line is where Eval writes which line of the cell it has come to. It costs a store: the supervisor shares the memory, and
// looks when the process has died without a word. It is 0, unknown, when a cell begins.
func (o *Out) Line() *uint32 { return o.line }

// Emit sends an event. Done is returned by Eval and never emitted; output goes through Output, records through Record.
// An event that is too large to be shown (256 MB) is replaced by a line on stderr that says so.
func (o *Out) Emit(e Event) {
	switch e.(type) {
	case Done:
		panic("session: Done is what Eval returns, it cannot be emitted")
	default:
		o.send(e)
	}
}

// Output sends bytes that a cell's goroutine wrote. They need not be valid UTF-8 and may be cut anywhere: what is left of a
// sequence waits in the supervisor for the next Output of the same cell and stream. p is not kept.
//
// It is for writers that outlive their cell. While a cell runs, its writes to fd 1 and fd 2 are its own already, and cheaper.
func (o *Out) Output(cell uint64, s Stream, p []byte) {
	const most = 1 << 20
	for len(p) > most {
		o.send(rawOutput{cell, s, p[:most]})
		p = p[most:]
	}
	if len(p) > 0 {
		o.send(rawOutput{cell, s, p})
	}
}

// Switch says that the next bytes go to s. Called before each write, it keeps the order between stdout and stderr, which are
// separate pipes. It costs an atomic load when s is the stream that was written last.
func (o *Out) Switch(s Stream) {
	now := int32(1)
	if s == Stderr {
		now = 2
	}
	if o.last.Load() == now {
		return
	}
	if o.last.Swap(now) != now {
		o.send(fence{})
	}
}

// Record hands the supervisor what a new process would need to bring this cell's declarations back. Records are kept in order
// and given to Evaluator.Restore. record is not kept after the call.
func (o *Out) Record(cell uint64, record []byte) {
	o.send(Recorded{cell, record})
}

// Input asks the user for a line, on behalf of the running cell. It returns ErrNoStdin when the front end cannot be asked, and
// the cause of ctx when that is cancelled first. Concurrent calls ask one after the other.
func (o *Out) Input(ctx context.Context, prompt string, password bool) (string, error) {
	c := o.running.Load()
	if id, ok := ctx.Value(cellKey{}).(uint64); c == nil || ok && id != c.ID {
		return "", errors.New("input was asked for, but the cell that asks has ended")
	}
	if !c.AllowStdin {
		return "", ErrNoStdin
	}
	select {
	case <-o.asking:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	defer func() { o.asking <- struct{}{} }()
	o.mu.Lock()
	o.asked++
	n := o.asked
	o.mu.Unlock()
	o.send(Input{c.ID, prompt, password})
	for {
		select {
		case a := <-o.answers:
			if a.Input == n { // else it answers a question whose asker gave up
				return a.Text, nil
			}
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// answer takes what the user typed. It never blocks: an answer nobody took is replaced by the newer one.
func (o *Out) answer(a answer) {
	for {
		select {
		case o.answers <- a:
			return
		default:
		}
		select {
		case <-o.answers:
		default:
		}
	}
}

// send puts a marker into both streams, then the frame into the control pipe.
func (o *Out) send(msg any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.frames == nil {
		return
	}
	var err error
	o.buf, err = appendFrame(o.buf[:0], frame{seq: o.seq + 1, msg: msg})
	if errors.Is(err, errFrameSize) {
		note := fmt.Sprintf("a %T of more than %d MB cannot be shown\n", msg, maxFrame>>20)
		o.buf, err = appendFrame(o.buf[:0], frame{seq: o.seq + 1, msg: Output{cellOf(msg), Stderr, note}})
	}
	if err != nil {
		panic("session: " + err.Error()) // an Event of a type this package does not define cannot exist
	}
	o.seq++
	mark := o.marker.bytes(o.seq, flushes(msg))
	for i, w := range o.marks {
		if w == nil {
			continue
		}
		if _, err := w.Write(mark); err != nil {
			// Nobody reads this stream any more, or user code closed what it should not know of. The
			// order between this stream and the frames is lost; the frames are not.
			o.marks[i] = nil
			continue
		}
		o.buf[sizeLen+1] |= 1 << i
	}
	if _, err := o.frames.Write(o.buf); err != nil {
		o.frames = nil // the supervisor is gone, and Serve is about to learn it
	}
	if cap(o.buf) > 1<<20 {
		o.buf = nil
	}
}

// end makes every later call do nothing.
func (o *Out) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.frames = nil
}

// flushes reports whether half a UTF-8 sequence must not wait beyond this message.
func flushes(msg any) bool {
	switch msg.(type) {
	case begin, Done:
		return true
	}
	return false
}

func cellOf(msg any) uint64 {
	switch m := msg.(type) {
	case rawOutput:
		return m.Cell
	case Output:
		return m.Cell
	case Display:
		return m.Cell
	case Result:
		return m.Cell
	case Clear:
		return m.Cell
	case Input:
		return m.Cell
	case Failed:
		return m.Cell
	case Restarted:
		return m.Cell
	case Done:
		return m.Cell
	}
	return 0
}

// cellKey is under what a cell's context holds its ID.
type cellKey struct{}
