package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"interleave/runtime/quantity"
)

var (
	// ErrInterrupted is the cause with which a cell's context is cancelled when the user interrupts the cell.
	ErrInterrupted = errors.New("interrupted")
	// ErrShutdown is the cause with which a cell's context is cancelled when the session ends.
	ErrShutdown = errors.New("the session ends")
	// ErrNoStdin is what Out.Input returns when the front end cannot be asked.
	ErrNoStdin = errors.New("input was asked for, but this front end does not support input requests")
)

// A page is what the child notes in memory that the supervisor shares, for when it cannot, or not in time, send a frame.
type page struct {
	line  uint32 // see Out.Line
	beats uint32 // see Out.Alive
}

// An Out is the child's voice. One Out serves all cells of a child. Its methods are safe from any goroutine, stay valid after
// the cell's Eval has returned, and block while the supervisor does not read; after the session's end they do nothing.
//
// Each call costs three small writes (2–5 µs): the frame, and a marker in each of the two output streams; Write costs one.
type Out struct {
	mu     sync.Mutex // orders output, markers and frames; guards what follows
	seq    uint64
	buf    []byte
	marker *marker
	marks  [2]io.Writer // the output streams, as long as markers can be written to them
	frames io.Writer    // nil after the end
	last   int          // the descriptor that Write wrote last; 0: others may have written since
	moves  uint32       // of the caller of Write, when own was found out
	own    [2]bool      // fd 1 and fd 2 are still the output streams

	writing atomic.Int32 // calls of Write
	running atomic.Pointer[Cell]
	page    *page

	asking  chan struct{} // holds a token while nobody waits for an answer
	asked   uint64        // guarded by mu: Input events sent so far
	answers chan answer
}

func newOut(frames io.Writer, marks [2]io.Writer, m *marker, p *page) *Out {
	if p == nil {
		p = new(page)
	}
	o := &Out{marker: m, marks: marks, frames: frames, page: p, asking: make(chan struct{}, 1), answers: make(chan answer, 1)}
	o.asking <- struct{}{}
	return o
}

// Line is where Eval writes which line of the cell it has come to. It costs a store: the supervisor shares the memory, and
// looks when the process has died without a word. It is 0, unknown, when a cell begins.
func (o *Out) Line() *uint32 { return &o.page.line }

// Alive says that an interrupted cell is on its way to its end, so that Config.KillAfter begins anew. It costs an atomic add.
func (o *Out) Alive() { atomic.AddUint32(&o.page.beats, 1) }

// Emit sends an event. Done is returned by Eval and never emitted; output goes through Output, records through Record.
// An event that is too large to be shown (256 MiB) is replaced by a line on stderr that says so.
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
// It is for writers that outlive their cell. While a cell runs, Write does the same and is cheaper.
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

// Write writes p to fd 1 or fd 2, as s says, in one piece and in its place in the order of all calls: what one goroutine writes to both
// streams stays in its order, whoever else writes. It blocks while the supervisor does not read.
//
// It does not write, and ok is false, when something else was put in the place of the descriptor: then nothing is known of who
// reads there. Asking the system each time would cost as much as the write, so moves shows when to ask: it must change
// whenever that may have happened, and after a child was waited for, whose output is to be found before what follows.
func (o *Out) Write(s Stream, p []byte, moves uint32) (n int, err error, ok bool) {
	o.writing.Add(1)
	defer o.writing.Add(-1)
	fd := 1
	if s == Stderr {
		fd = 2
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.moves != moves || o.last == 0 {
		o.moves, o.last = moves, 0
		for i, m := range o.marks {
			o.own[i] = isStream(i+1, m)
		}
	}
	if !o.own[fd-1] || o.frames == nil {
		return 0, nil, false
	}
	if o.last != fd {
		o.put(fence{})
		o.last = fd
	}
	n, err = rawFile(fd).Write(p)
	if fd == 2 && begins(string(p)) >= 0 {
		o.put(fence{}) // these are not the last words of Go's runtime, which the supervisor would hold back for a while
	}
	return n, err, true
}

// Writing reports whether a goroutine is in Write.
func (o *Out) Writing() bool { return o.writing.Load() > 0 }

// Fence separates what was written before it, by whomever, from what will be written after it. It is for the moment before a process is
// started that writes to the same streams.
func (o *Out) Fence() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.put(fence{})
	o.last = 0
}

// Record hands the supervisor what a new process would need to bring this cell's declarations back. Records are kept in order
// and given to Evaluator.Restore. record is not kept after the call.
func (o *Out) Record(cell uint64, record []byte) {
	o.send(Recorded{cell, record})
}

// Forget drops the records of all cells so far: what they declared is gone for good.
func (o *Out) Forget() { o.send(forget{}) }

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
	o.put(msg)
}

// put is send; the caller holds mu.
func (o *Out) put(msg any) {
	if o.frames == nil {
		return
	}
	var err error
	o.buf, err = appendFrame(o.buf[:0], frame{seq: o.seq + 1, msg: msg})
	if errors.Is(err, errFrameSize) {
		note := fmt.Sprintf("a %T of more than %s cannot be shown\n", msg, quantity.BinaryBytes(maxFrame))
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
