package remote

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"interleave/runtime/host"
	"interleave/runtime/internal/pack"
)

// A Worker is another process that calls functions, one at a time. Its methods may be called from several
// goroutines.
type Worker struct {
	name   string
	number uint32
	code   host.Code
	cmd    *exec.Cmd
	conn   net.Conn
	page   *page
	out    [2]*output // standard output and standard error

	mu     sync.Mutex
	next   uint64
	calls  []*call // sent and not answered, oldest first
	loaded map[string]bool
	vars   uint64                             // the variables that it has
	has    map[string]bool                    // their names
	asks   map[uint64]context.CancelCauseFunc // what it has asked for
	place  uint64                             // the hash of its surroundings
	cause  error                              // why it was ended
	ready  bool                               // it reads
	short  bool                               // the last call was
	looks  int                                // calls that look at the page
	life   Life
	begin  func(label string, items int) (note func(Record)) // see Watch

	answers sync.WaitGroup // goroutines that answer it

	ended chan struct{} // closed when the process has ended
	err   *Error        // how; valid then
	state *os.ProcessState
}

// A call is one that was sent.
type call struct {
	id    uint64
	label string
	done  chan struct{}
	frame frame // valid when done is closed, unless the worker has ended
	lost  bool  // the worker ended first
	begun bool  // … and had begun the call
	note  func(Record)
}

// bufferSize is that of a socket: the usual one is seven times as slow.
const bufferSize = 1 << 20

// Start starts a worker, and returns while it still gets ready. What it writes goes to write, line by line; it
// is called by one goroutine at a time.
func Start(code host.Code, name string, write func(stderr bool, line []byte)) (_ *Worker, err error) {
	cmd, err := code.Command()
	if err != nil {
		return nil, err
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("connect a worker: %w", err)
	}
	defer theirs.Close()
	w := &Worker{name: name, code: code, cmd: cmd, place: here().hash, loaded: map[string]bool{},
		asks: map[uint64]context.CancelCauseFunc{}, ended: make(chan struct{})}
	w.conn, err = net.FileConn(ours)
	ours.Close()
	if err != nil {
		return nil, fmt.Errorf("connect a worker: %w", err)
	}
	defer func() {
		if err != nil {
			w.conn.Close()
			if w.page != nil {
				w.page.close()
			}
			for _, o := range w.out {
				if o != nil {
					o.file.Close()
				}
			}
		}
	}()
	page, file, err := newPage()
	if err != nil {
		return nil, fmt.Errorf("share a page with a worker: %w", err)
	}
	w.page = page
	defer file.Close()
	var lock sync.Mutex // of write
	pipes := make([]*os.File, 2)
	for i := range w.out {
		r, end, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("connect a worker: %w", err)
		}
		defer end.Close()
		pipes[i] = end
		w.out[i] = &output{file: r, lock: &lock, write: func(line []byte) { write(i == 1, line) }}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = nil, pipes[0], pipes[1], []*os.File{theirs, file}
	if f := memoryFile(); f != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	w.number = begins()
	*page.number() = w.number
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	w.life.Started = time.Duration(monotonic())
	w.runs()
	go w.watch()
	return w, nil
}

// watch follows the process to its end.
func (w *Worker) watch() {
	var all sync.WaitGroup
	for _, o := range w.out {
		all.Go(o.copy)
	}
	w.read()
	w.conn.Close()
	late := time.AfterFunc(grace, func() { _ = w.cmd.Process.Kill() })
	_ = w.cmd.Wait()
	w.stops(w.cmd.ProcessState)
	late.Stop()
	w.dropAll()
	w.mu.Lock()
	used := w.next > 0
	w.mu.Unlock()
	ends(w.number, used)
	for _, o := range w.out { // processes that it has started may hold them open
		o.drain()
		o.lock.Lock()
		if w.cmd.ProcessState.ExitCode() != crashStatus {
			o.release()
		}
		o.flush()
		o.lock.Unlock()
		o.file.Close()
	}
	all.Wait()
	w.mu.Lock()
	w.state, w.life.Ended = w.cmd.ProcessState, time.Duration(monotonic())
	w.err = newError(w.name, w.Pid(), w.state, w.lastOutput(), w.cause)
	begun := w.page.begun()
	for _, c := range w.calls {
		c.lost, c.begun = true, c.id <= begun
		if c.begun {
			w.err.Func = c.label
		}
		switch {
		case c.note == nil:
		case c.begun:
			c.note(w.page.lost(c.id, w.life.Ended))
		default:
			c.note(Record{Lost: true})
		}
		close(c.done)
	}
	w.calls = nil
	if w.looks == 0 {
		w.page.close()
	}
	close(w.ended)
	w.mu.Unlock()
}

// read takes in results until the connection ends.
func (w *Worker) read() {
	r := bufio.NewReaderSize(w.conn, 64<<10)
	for {
		f, err := receive(r)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) &&
				!errors.Is(err, net.ErrClosed) {
				w.Kill(err)
			}
			return
		}
		w.takeIn(f)
	}
}

// takeIn takes in a frame.
func (w *Worker) takeIn(f frame) {
	w.noted(&f)
	switch f.kind {
	case kindAsk, kindDrop:
		w.asked(f)
		return
	case kindResult:
		w.drain()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ready = true
	for i, c := range w.calls {
		if c.id == f.id && f.kind == kindResult {
			w.calls = slices.Delete(w.calls, i, i+1)
			c.frame = f
			close(c.done)
			return
		}
	}
}

// post sends a call that has nothing to overtake by the mailbox, if the worker looks, and by the socket otherwise.
// w.mu is held.
func (w *Worker) post(first bool, k kind, id uint64, payload []byte) error {
	if first && w.page.calls().post(k, id, payload) {
		return nil
	}
	return send(w.conn, k, id, payload)
}

// look looks for the result of a call that is short.
func (w *Worker) look() {
	f, ok := w.page.results().look(never, func() bool { return w.Err() != nil })
	w.mu.Lock()
	if w.looks--; w.looks == 0 && w.Err() != nil {
		w.page.close()
	}
	w.mu.Unlock()
	if ok {
		w.takeIn(f)
	}
}

// lastOutput returns what the process has written last, or how its report of a crash begins.
func (w *Worker) lastOutput() []byte {
	if crash := w.out[1].held; len(crash) > 0 {
		return crash
	}
	return append(w.out[0].last, w.out[1].last...)
}

// Rename changes the name that errors have.
func (w *Worker) Rename(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.name = name
}

// Pid returns the number of the process.
func (w *Worker) Pid() int { return w.cmd.Process.Pid }

// Ended is closed when the process has ended.
func (w *Worker) Ended() <-chan struct{} { return w.ended }

// Err returns how the process has ended, nil before.
func (w *Worker) Err() *Error {
	select {
	case <-w.ended:
		return w.err
	default:
		return nil
	}
}

// State returns how the process has ended as the system reports it, nil before.
func (w *Worker) State() *os.ProcessState {
	select {
	case <-w.ended:
		return w.state
	default:
		return nil
	}
}

// Kill ends the process at once, for a reason.
func (w *Worker) Kill(cause error) {
	w.mu.Lock()
	if w.cause == nil {
		w.cause = cause
	}
	w.mu.Unlock()
	_ = w.cmd.Process.Kill()
}

// Close lets go of the worker, which ends, and returns when it has. A function that it still runs is ended.
func (w *Worker) Close() {
	w.mu.Lock()
	if w.cause == nil {
		w.cause = errClosed
	}
	ready := w.ready
	w.mu.Unlock()
	if !ready {
		_ = w.cmd.Process.Kill()
	}
	if c, ok := w.conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	select {
	case <-w.ended:
	case <-time.After(grace):
		w.Kill(errClosed)
		<-w.ended
	}
}

var errClosed = errors.New("it was no longer needed")

const (
	// grace is how long a function may run after its call was cancelled.
	grace = 700 * time.Millisecond
	// soon is how long it may run when somebody waits for the end; see Hurry.
	soon = 10 * time.Millisecond
)

// provide sends what a worker lacks for a call, if it lacks something. w.mu is held.
func (w *Worker) provide(a *Args) (sent bool, err error) {
	if needs := w.code.Needs(a.f.f.Name, a.vars.types, w.loaded); needs != nil {
		sent = true
		if err := send(w.conn, kindLoad, 0, needs); err != nil {
			return sent, err
		}
	}
	if p := a.f.place; w.place != p.hash {
		w.place, sent = p.hash, true
		if err := send(w.conn, kindPlace, 0, p.pack()); err != nil {
			return sent, err
		}
	}
	if w.vars != a.vars.id {
		w.vars, w.has = a.vars.id, a.vars.names
		if a.vars.frame != nil {
			return true, send(w.conn, kindVars, 0, a.vars.frame)
		}
	}
	return sent, nil
}

// ErrNotBegun is wrapped by the error of a call that the worker did not begin before it ended.
var ErrNotBegun = errors.New("the worker ended before it began the call")

// Call has the worker call a function, and sets what results point to: pointers to values of the function's
// results, or, with many, to slices of them. If the function returned an error, element is the number of the
// argument for which it did. If it returned one, panicked or called Goexit, the slices have the results for the
// arguments before, if those can be copied.
//
// If ctx ends first, so does the context of the function. Call still waits until the function has returned: if it
// does not within 0.7 seconds, or 10 ms after [Hurry], its process is ended.
func (w *Worker) Call(ctx context.Context, a *Args, results ...any) (element int, err error) {
	c := &call{label: a.f.f.Label, done: make(chan struct{})}
	if err := ctx.Err(); err != nil {
		return 0, context.Cause(ctx)
	}
	w.mu.Lock()
	if w.Err() != nil {
		w.mu.Unlock()
		return 0, errors.Join(ErrNotBegun, w.err)
	}
	if w.next++; w.next == 1 {
		live.Add(1)
	}
	alone := calling.Add(1) == 1
	defer calling.Add(-1)
	c.id = w.next
	w.calls = append(w.calls, c)
	sent, err := w.provide(a)
	looks := alone && w.short && len(w.calls) == 1 && w.looks == 0 && canLook()
	begin := monotonic()
	if err == nil {
		if looks {
			w.looks++
			w.page.results().open()
		}
		err = w.post(looks && !sent, w.watched(c, a), c.id, a.packed)
	}
	w.mu.Unlock()
	// after an error of the connection the process ends, if it has not already
	if err != nil {
		w.Kill(fmt.Errorf("the connection to it broke: %w", err))
	}
	if looks {
		w.look()
	}
	defer func() {
		w.mu.Lock()
		w.short = monotonic()-begin < int64(shortCall)
		w.mu.Unlock()
	}()
	select {
	case <-c.done:
	case <-ctx.Done():
		w.cancel(ctx, c)
	}
	switch {
	case c.lost && ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case c.lost && c.begun:
		<-w.ended
		return 0, w.err
	case c.lost:
		<-w.ended
		return 0, errors.Join(ErrNotBegun, w.err)
	}
	element, err = a.f.result(c.frame.payload, results)
	return element, because(ctx, err)
}

// cancel ends a call whose context has ended, and waits for the end. It gives a function that looks at its context
// the time to return its own error. If the function returns later, the process is ended.
func (w *Worker) cancel(ctx context.Context, c *call) {
	w.mu.Lock()
	_ = send(w.conn, kindCancel, c.id)
	w.mu.Unlock()
	wake, until := hurried()
	wait := grace
	if time.Now().Before(until) {
		wait = soon
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-wake:
			wake = nil
			timer.Reset(soon)
		case <-timer.C:
			w.Kill(fmt.Errorf("%s did not return when its context ended: %w", c.label, context.Cause(ctx)))
			<-c.done
			return
		}
	}
}

// hurry is about calls whose contexts have ended.
var hurry struct {
	sync.Mutex
	wake  chan struct{} // closed by Hurry
	until time.Time
}

// Hurry ends functions whose contexts have ended, or end within a second, after 10 ms, with their processes. A
// program calls it when somebody waits for the end.
func Hurry() {
	hurry.Lock()
	defer hurry.Unlock()
	if hurry.wake != nil {
		close(hurry.wake)
	}
	hurry.wake, hurry.until = nil, time.Now().Add(time.Second)
}

// hurried returns a channel that the next Hurry closes, and until when the last one counts.
func hurried() (wake <-chan struct{}, until time.Time) {
	hurry.Lock()
	defer hurry.Unlock()
	if hurry.wake == nil {
		hurry.wake = make(chan struct{})
	}
	return hurry.wake, hurry.until
}

// Busy reports whether the worker runs a function.
func (w *Worker) Busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.calls) > 0
}

// Settle waits until the worker runs no function.
func (w *Worker) Settle() {
	w.mu.Lock()
	calls := slices.Clone(w.calls)
	w.mu.Unlock()
	for _, c := range calls {
		<-c.done
	}
}

// result reads the result of a call.
func (f *Func) result(b []byte, results []any) (element int, err error) {
	if len(b) == 0 {
		return 0, errors.New("the worker returned nothing")
	}
	tab := &table{code: f.code}
	switch status, b := b[0], b[1:]; status {
	case endedWell:
		return 0, pack.Unpack(b, tab, results...)
	case endedError:
		var failed error
		r := reader{b: b}
		if err := pack.Unpack(r.bytes(), tab, &element, &failed); err != nil {
			return 0, fmt.Errorf("%s returned an error that cannot be read: %w", f.f.Label, err)
		}
		return element, before(r.b, tab, results, failed)
	case endedPanic:
		r := reader{b: b}
		p := &PanicError{Value: string(r.bytes()), Stack: string(r.bytes())}
		if b := r.bytes(); len(b) > 0 {
			if err := pack.Unpack(b, tab, &p.Err); err != nil {
				p.Err = nil // its text is known
			}
		}
		return 0, before(r.b, tab, results, p)
	case endedGoexit:
		return 0, before(b, tab, results, ErrGoexit)
	case endedCannot:
		r := reader{b: b}
		cannot := fmt.Errorf("the result of %s cannot be copied from its process: %s. Return values that can be copied", f.f.Label, r.bytes())
		return 0, before(r.b, tab, results, cannot)
	default:
		return 0, fmt.Errorf("%s was not called: %s", f.f.Label, b)
	}
}

// before reads the results for the arguments before the one with which a function has failed.
func before(b []byte, tab pack.Table, results []any, failed error) error {
	if len(b) == 0 {
		return failed
	}
	if err := pack.Unpack(b, tab, results...); err != nil {
		return errors.Join(failed, err)
	}
	return failed
}

// drain reads what the worker has written so far.
func (w *Worker) drain() {
	for _, o := range w.out {
		o.drain()
	}
}

// Flush writes the beginnings of lines that the worker has not ended.
func (w *Worker) Flush() {
	if w.Err() != nil { // its output was written when it ended
		return
	}
	for _, o := range w.out {
		o.lock.Lock()
		o.release()
		o.flush()
		o.lock.Unlock()
	}
}

// An output is one of the two streams that a worker writes to.
type output struct {
	file  *os.File
	lock  *sync.Mutex // of write, line and last
	write func(line []byte)
	line  []byte // that has not ended
	last  []byte // the end of all
	// The report of a crash, with all stacks, is long. What looks like one is kept, and written only if the
	// process continues.
	crash bool
	held  []byte
}

// crashStatus is that of a Go program that crashes.
const crashStatus = 2

const longestReport = 64 << 10

var crashBegins = [][]byte{[]byte("fatal error: "), []byte("panic: "), []byte("runtime: "), []byte("SIG"), []byte("unexpected fault address")}

// emit writes a line, or holds it.
func (o *output) emit(line []byte) {
	if !o.crash {
		for _, begin := range crashBegins {
			o.crash = o.crash || bytes.HasPrefix(line, begin)
		}
	}
	switch {
	case !o.crash:
		o.write(line)
	case len(o.held) < longestReport:
		o.held = append(append(o.held, line...), '\n')
	}
}

// release writes what was held.
func (o *output) release() {
	if o.crash {
		for line := range bytes.SplitSeq(bytes.TrimSuffix(o.held, []byte("\n")), []byte("\n")) {
			o.write(line)
		}
		o.crash, o.held = false, nil
	}
}

const (
	keptOutput  = 2 << 10
	longestLine = 64 << 10
)

// copy reads to the end.
func (o *output) copy() {
	raw, err := o.file.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 64<<10)
	for more := true; more; {
		err := raw.Read(func(fd uintptr) bool {
			var ok bool
			ok, more = o.some(fd, buf)
			return ok
		})
		if err != nil {
			break
		}
	}
	o.lock.Lock()
	defer o.lock.Unlock()
	o.flush()
}

// some reads once. ok is false if there is nothing yet, more if there will be nothing more.
func (o *output) some(fd uintptr, buf []byte) (ok, more bool) {
	o.lock.Lock()
	defer o.lock.Unlock()
	for {
		n, err := readPipe(fd, buf)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return false, true
		case n <= 0:
			return true, false
		}
		o.take(buf[:n])
		return true, true
	}
}

func (o *output) drain() {
	raw, err := o.file.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 4<<10)
	_ = raw.Control(func(fd uintptr) {
		for ok, more := true, true; ok && more; {
			ok, more = o.some(fd, buf)
		}
	})
}

// take writes the lines that b ends.
func (o *output) take(b []byte) {
	o.last = append(o.last, b[max(0, len(b)-keptOutput):]...)
	if len(o.last) > keptOutput {
		o.last = append([]byte(nil), o.last[len(o.last)-keptOutput:]...)
	}
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			o.line = append(o.line, b...)
			if len(o.line) > longestLine {
				o.flush()
			}
			return
		}
		o.line = append(o.line, b[:i]...)
		b = b[i+1:]
		o.emit(o.line)
		o.line = o.line[:0]
	}
}

func (o *output) flush() {
	if len(o.line) > 0 {
		o.emit(o.line)
		o.line = o.line[:0]
	}
}

// Usage returns what the process has used so far.
func (w *Worker) Usage() (Usage, error) { return usage(w.Pid(), w.State()) }
