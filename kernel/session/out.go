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
	// ErrNoStdin is returned by Out.Input when the front end does not support input.
	ErrNoStdin = errors.New("input was asked for, but this front end does not support input requests")
)

// A page is memory that the child shares with the supervisor, for what it cannot send as a frame, or not in
// time.
type page struct {
	line  uint32 // see Out.Line
	beats uint32 // see Out.Alive
}

// An Out sends events from the child to the supervisor. One Out serves all cells of a child. Its methods may
// be called from any goroutine, also after the cell's Eval has returned. They block while the supervisor does
// not read, and do nothing after the session's end.
//
// Each call costs three small writes (2–5 µs): the frame, and a marker in each of the two output streams;
// Write costs one.
type Out struct {
	mu     sync.Mutex // orders output, markers and frames; guards what follows
	seq    uint64
	buf    []byte
	marker *marker
	marks  [2]io.Writer // the output streams; nil when markers cannot be written to them
	frames io.Writer    // nil after the end
	last   int          // the descriptor that Write wrote last; 0: others may have written since
	moves  uint32       // argument of Write when own was determined
	own    [2]bool      // fd 1 and fd 2 are still the output streams
	// takes what the cell diverted shows, in place of the supervisor; nil takes nothing
	sink     func(Event)
	diverted uint64

	writing atomic.Int32 // calls of Write
	running atomic.Pointer[Cell]
	page    *page

	asking  chan struct{} // holds a token while no call waits for an answer
	asked   uint64        // guarded by mu: Input events sent so far
	answers chan answer
}

func newOut(frames io.Writer, marks [2]io.Writer, m *marker, p *page) *Out {
	if p == nil {
		p = new(page)
	}
	o := &Out{
		marker:  m,
		marks:   marks,
		frames:  frames,
		page:    p,
		asking:  make(chan struct{}, 1),
		answers: make(chan answer, 1),
	}
	o.asking <- struct{}{}
	return o
}

// Line returns the place where Eval stores the line of the cell that it has reached. That costs one store:
// the supervisor shares the memory, and reads it when the process has died without a report. It is 0,
// unknown, when a cell begins.
func (o *Out) Line() *uint32 { return &o.page.line }

// Alive reports that an interrupted cell is still making progress towards its end, so that Config.KillAfter
// starts again. It costs an atomic add.
func (o *Out) Alive() { atomic.AddUint32(&o.page.beats, 1) }

// Emit sends an event. Done is returned by Eval and never emitted; output is sent by Output, records by
// Record. An event that is too large (256 MB) is replaced by a line on stderr.
func (o *Out) Emit(e Event) {
	switch e.(type) {
	case Done:
		panic("session: Done is what Eval returns, it cannot be emitted")
	default:
		o.send(e)
	}
}

// Output sends bytes that a cell's goroutine wrote. They need not be valid UTF-8 and may be cut anywhere: an
// incomplete sequence waits in the supervisor for the next Output of the same cell and stream. p is not kept.
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

// Write writes p to fd 1 or fd 2, depending on s, in one piece and in its place in the order of all calls:
// what one goroutine writes to both streams stays in order, whichever other goroutines write. It blocks while
// the supervisor does not read.
//
// It does not write, and ok is false, when the descriptor was replaced: then its reader is unknown. Asking
// the system each time would cost as much as the write, so moves controls when to ask. It must change
// whenever a descriptor may have been replaced, and after a wait for a child process, whose output must come
// before what follows.
func (o *Out) Write(s Stream, p []byte, moves uint32) (n int, err error, ok bool) {
	o.writing.Add(1)
	defer o.writing.Add(-1)
	fd := 1
	if s == Stderr {
		fd = 2
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sink != nil {
		o.sink(Output{Cell: o.diverted, Stream: s, Text: string(p)})
		return len(p), nil, true
	}
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
	n, err = o.stream(fd).Write(p)
	if fd == 2 && begins(string(p)) >= 0 {
		o.put(fence{}) // this is not a report of Go's runtime, which the supervisor would hold back for a while
	}
	return n, err, true
}

// Writing reports whether a goroutine is in Write.
func (o *Out) Writing() bool { return o.writing.Load() > 0 }

// Fence separates output before it from output after it, whichever process writes. It is called before the
// start of a process that writes to the same streams.
func (o *Out) Fence() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.put(fence{})
	o.last = 0
}

// Record sends the supervisor the data from which a new process can restore this cell's declarations. Records
// are kept in order and passed to Evaluator.Restore. record is not kept after the call.
func (o *Out) Record(cell uint64, record []byte) {
	o.send(Recorded{cell, record})
}

// Forget drops the records of all cells so far: their declarations are gone for good.
func (o *Out) Forget() { o.send(forget{}) }

// Input asks the user for a line, on behalf of the running cell. It returns ErrNoStdin when the front end
// does not support input, and the cause of ctx when ctx is cancelled first. Concurrent calls ask one after
// the other.
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
			if a.Input == n { // otherwise it answers an earlier question, whose caller gave up
				return a.Text, nil
			}
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// answer delivers the user's input. It never blocks: an answer that was not taken is replaced by the newer
// one.
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

// Divert gives sink what a cell shows from now on, in place of the supervisor: its Output, Display, Result and Clear
// events, and what is passed to Write. sink is called from any goroutine, never twice at once, and must not call o.
// Divert with a nil sink ends that. What processes write is not diverted.
func (o *Out) Divert(cell uint64, sink func(Event)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.diverted, o.sink = cell, sink
}

// send puts a marker into both streams, then the frame into the control pipe.
func (o *Out) send(msg any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sink != nil && cellOf(msg) == o.diverted {
		switch m := msg.(type) {
		case rawOutput:
			o.sink(Output{Cell: m.Cell, Stream: m.Stream, Text: string(m.Text)})
			return
		case Display:
			o.sink(m)
			return
		case Result:
			o.sink(m)
			return
		case Clear:
			o.sink(m)
			return
		}
	}
	o.put(msg)
}

// put is send for callers that hold mu.
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
		panic("session: " + err.Error()) // only this package defines types of events
	}
	o.seq++
	mark := o.marker.bytes(o.seq, flushes(msg))
	for i, w := range o.marks {
		if w == nil {
			continue
		}
		if _, err := w.Write(mark); err != nil {
			// This stream has no reader any longer, or user code closed the hidden descriptor. The order
			// between this stream and the frames is lost; the frames are not.
			o.marks[i] = nil
			continue
		}
		o.buf[sizeLen+1] |= 1 << i
	}
	if _, err := o.frames.Write(o.buf); err != nil {
		o.frames = nil // the supervisor is gone, as Serve will notice
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

// flushes reports whether an incomplete UTF-8 sequence must not wait beyond this message.
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
	case Comm:
		return m.Cell
	case Done:
		return m.Cell
	}
	return 0
}

// cellKey is the key of the cell's ID in its context.
type cellKey struct{}
