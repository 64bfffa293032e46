package remote

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"interleave/runtime/host"
	"interleave/runtime/internal/pack"
)

// The numbers that a worker's descriptors have.
const (
	socketDescriptor = 3
	pageDescriptor   = 4 // and memoryDescriptor, 5
)

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// Serve calls functions for the program that has started this process, until that program ends or lets go of
// it. Then it calls exit, also while a function runs. It returns only if the process was not started as a
// worker.
func Serve(code host.Code, exit func(status int)) error {
	// reads block a thread each, which takes less time than to wait for readiness
	conn := os.NewFile(socketDescriptor, "the program's socket")
	page := os.NewFile(pageDescriptor, "the program's page")
	if conn == nil || page == nil {
		return errNoWorker
	}
	if stat, err := conn.Stat(); err != nil || stat.Mode()&os.ModeSocket == 0 {
		return errNoWorker
	}
	shared, err := mapPage(page)
	page.Close()
	if err != nil {
		return fmt.Errorf("share a page with the program: %w", err)
	}
	s := &server{code: code, conn: conn, page: shared, number: *shared.number(),
		cancels: map[uint64]context.CancelCauseFunc{}, callees: map[string]*callee{}, asks: map[uint64]chan []byte{}}
	s.more.L = &s.mu
	number = s.number
	serving.Store(s)
	s.exit, s.in, s.unread = exit, bufio.NewReaderSize(conn, 64<<10), true
	s.used = used()
	if err := s.send(kindReady, 0, binary.AppendUvarint(nil, uint64(s.used))); err != nil {
		exit(1)
	}
	go s.work()
	go s.work()
	select {}
}

var errNoWorker = errors.New("this process was not started as a worker: descriptors 3 and 4 are not what a worker gets")

// work is what two goroutines do in turn: one reads frames, until it has read one that it can handle itself,
// because no other is being handled. Before it does, it has the other one read on. So a call begins on the
// thread that has read it, which saves half of the time in which a thread wakes, and cancellations arrive while
// it runs. When a function ends its goroutine, another one takes its place.
func (s *server) work() {
	defer func() { // no other way leads here
		s.handled()
		go s.work()
	}()
	for {
		f, ok := s.next()
		if !ok {
			f = s.read()
		}
		s.handle(f)
		for s.look() {
		}
		s.handled()
	}
}

// look handles a call that comes soon after a result.
func (s *server) look() bool {
	if !s.posted || !canLook() {
		return false
	}
	s.posted = false
	box := s.page.calls()
	box.open()
	f, ok := box.look(s.waiting.Load, never)
	if ok {
		s.handle(f)
	}
	return ok
}

func (s *server) handled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
}

// A server is the worker's end.
type server struct {
	code   host.Code
	conn   *os.File
	in     *bufio.Reader // of the goroutine that reads
	exit   func(int)
	write  sync.Mutex // of conn
	page   *page
	number uint32

	mu      sync.Mutex
	more    sync.Cond                          // there is a frame to read, or one that was kept
	frames  []frame                            // that came while another one was handled
	waiting atomic.Bool                        // there are some
	busy    bool                               // a frame is being handled
	unread  bool                               // no goroutine reads
	cancels map[uint64]context.CancelCauseFunc // of calls that have arrived and not ended
	ended   uint64                             // the last call that has ended
	broken  error                              // why no function can be called
	lastAsk uint64
	asks    map[uint64]chan []byte // what the program was asked for

	// of the goroutine that calls functions
	callees map[string]*callee
	used    int64           // the processor time of the process when the last call had ended; 0 if it was not noted
	results []reflect.Value // of a call with many elements: slices
	had     int             // elements that have results
	budget  budget
	posted  bool // the program has looked for the last result, so that another call may follow soon
}

// read reads frames until the other end is gone, or until there is one to handle at once.
func (s *server) read() frame {
	for {
		f, err := receive(s.in)
		if err != nil {
			s.exit(1)
		}
		switch f.kind {
		case kindLoad: // here, since answers need it that come while a function runs
			if err := s.code.Load(f.payload); err != nil {
				s.breaks(fmt.Errorf("the worker cannot load the code: %w", err))
			}
		case kindAnswer:
			s.answer(f)
		case kindCancel:
			s.cancel(f.id)
		default:
			if s.take(f) {
				return f
			}
		}
	}
}

// take reports whether a frame that was read can be handled by its reader, and has the other goroutine read on.
// Otherwise it is kept.
func (s *server) take(f frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy || len(s.frames) > 0 {
		s.frames = append(s.frames, f)
		s.waiting.Store(true)
		return false
	}
	s.busy, s.unread = true, true
	s.more.Signal()
	return true
}

// cancel ends the context of a call.
func (s *server) cancel(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.cancels[id]; cancel != nil {
		cancel(context.Canceled)
	} else if id > s.ended { // it comes before its call can begin
		s.cancels[id] = nil
	}
}

// breaks notes why no function can be called from now on.
func (s *server) breaks(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = cmp.Or(s.broken, err)
}

// next returns a frame that was kept, or waits until it is for the calling goroutine to read.
func (s *server) next() (f frame, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case len(s.frames) > 0 && !s.busy:
			f, s.frames = s.frames[0], s.frames[1:]
			s.waiting.Store(len(s.frames) > 0)
			s.busy = true
			return f, true
		case s.unread:
			s.unread = false
			return f, false
		}
		s.more.Wait()
	}
}

func (s *server) handle(f frame) {
	switch f.kind {
	case kindPlace:
		if err := settle(f.payload); err != nil {
			s.breaks(fmt.Errorf("the worker cannot take over the working directory and the environment: %w", err))
		}
	case kindVars:
		if err := s.setVariables(f.payload); err != nil {
			s.breaks(fmt.Errorf("the worker cannot set variables: %w", err))
		}
	case kindCall, kindWatched:
		s.call(f)
	}
}

func (s *server) setVariables(b []byte) error {
	r := reader{b: b}
	n := r.uint()
	var roots []any
	for i := uint64(0); i < n && !r.bad; i++ {
		name := string(r.bytes())
		v := s.code.Variable(name)
		if v == nil {
			return fmt.Errorf("there is no variable %s", name)
		}
		roots = append(roots, v)
	}
	if r.bad {
		return errors.New("malformed names of variables")
	}
	for _, v := range roots { // nothing is left of the values before
		reflect.ValueOf(v).Elem().SetZero()
	}
	return pack.Unpack(r.b, &table{code: s.code}, roots...)
}

// A callee is a function that can be called.
type callee struct {
	fn    reflect.Value
	ctx   bool // its first parameter is a context
	in    []reflect.Type
	out   []reflect.Type // without the error
	fails bool           // its last result is an error
	loop  loop           // or nil
}

func newCallee(fn reflect.Value) *callee {
	t := fn.Type()
	c := &callee{fn: fn}
	if of := loops[t]; of != nil && !fn.IsNil() {
		c.loop = of(fn.Interface())
	}
	for i := range t.NumIn() {
		if i == 0 && t.In(i) == contextType {
			c.ctx = true
			continue
		}
		c.in = append(c.in, t.In(i))
	}
	for i := range t.NumOut() {
		if i == t.NumOut()-1 && t.Out(i) == errorType {
			c.fails = true
			continue
		}
		c.out = append(c.out, t.Out(i))
	}
	return c
}

// How a call has ended.
const (
	endedWell byte = iota
	endedError
	endedPanic
	endedGoexit
	endedBroken // the function was not called
	endedCannot // its results cannot be packed
)

// call calls a function, which may end this goroutine.
func (s *server) call(f frame) {
	status, payload := endedGoexit, []byte(nil)
	var notes *notes
	ctx, cancel := context.WithCancelCause(context.Background())
	defer func() {
		if status == endedGoexit {
			if v := recover(); v != nil {
				status = endedPanic
				payload = appendBytes(appendBytes(nil, fmt.Append(nil, v)), debug.Stack())
				payload = appendBytes(payload, s.panicked(v))
			}
			payload = append(payload, s.before()...)
		}
		cancel(nil)
		s.mu.Lock()
		delete(s.cancels, f.id)
		s.ended = f.id
		s.mu.Unlock()
		// if the other end is gone, read ends this process
		_ = notes.result(s, f.id, []byte{status}, payload)
	}()
	s.results, s.had = nil, 0
	c, many, args, err := s.prepare(f.payload)
	if err != nil {
		status, payload = endedBroken, []byte(err.Error())
		return
	}
	s.mu.Lock()
	if was, early := s.cancels[f.id]; early && was == nil {
		cancel(context.Canceled)
	}
	s.cancels[f.id] = cancel
	s.mu.Unlock()
	s.page.begin(f.id)
	s.keepBudget()
	defer s.spend(&s.budget)
	notes = s.note(f)
	status, payload = s.run(ctx, c, many, args)
}

// prepare finds the function of a call and its arguments.
func (s *server) prepare(b []byte) (c *callee, many bool, args []reflect.Value, err error) {
	s.mu.Lock()
	broken := s.broken
	s.mu.Unlock()
	if broken != nil {
		return nil, false, nil, broken
	}
	r := reader{b: b}
	many = r.byte() == 1
	name, typ := r.bytes(), r.bytes()
	if r.bad {
		return nil, false, nil, errors.New("a malformed call")
	}
	key := string(name) + "\x00" + string(typ)
	if c = s.callees[key]; c == nil {
		var zero any
		if err := pack.Unpack(typ, &table{code: s.code}, &zero); err != nil {
			return nil, false, nil, err
		}
		t := reflect.TypeOf(zero)
		if t == nil || t.Kind() != reflect.Func {
			return nil, false, nil, errors.New("a call of what is no function")
		}
		fn, err := s.code.Call(string(name), t)
		if err != nil {
			return nil, false, nil, err
		}
		c = newCallee(fn)
		s.callees[key] = c
	}
	var roots []any
	for _, t := range c.in {
		if many {
			t = reflect.SliceOf(t)
		}
		v := reflect.New(t)
		roots = append(roots, v.Interface())
		args = append(args, v.Elem())
	}
	return c, many, args, pack.Unpack(r.b, &table{code: s.code}, roots...)
}

// run calls a function once, or, with many, for each element of its only argument, until it returns an error.
func (s *server) run(ctx context.Context, c *callee, many bool, args []reflect.Value) (byte, []byte) {
	first := 0
	in := make([]reflect.Value, 0, len(args)+1)
	if c.ctx {
		in = append(in, reflect.ValueOf(&ctx).Elem()) // of the parameter's type, so that Call has nothing to convert
		first = 1
	}
	in = append(in, args...)
	n := 1
	var outs []reflect.Value // of all calls
	for _, t := range c.out {
		if many {
			t = reflect.SliceOf(t)
		}
		outs = append(outs, reflect.New(t).Elem())
	}
	if many {
		n = args[0].Len()
		for _, o := range outs {
			o.Set(reflect.MakeSlice(o.Type(), n, n))
		}
		s.results = outs
	}
	if many && c.loop != nil {
		if err := c.loop(ctx, args[0], outs[0], &s.had); err != nil {
			return s.failed(s.had, err)
		}
		n = 0 // all were called
	}
	for i := range n {
		if many {
			in[first] = args[0].Index(i)
		}
		var out []reflect.Value
		if c.fn.Type().IsVariadic() {
			out = c.fn.CallSlice(in)
		} else {
			out = c.fn.Call(in)
		}
		if c.fails && !out[len(out)-1].IsNil() {
			if err, _ := out[len(out)-1].Interface().(error); err != nil {
				return s.failed(i, err)
			}
		}
		for k, o := range outs {
			if many {
				o = o.Index(i)
			}
			o.Set(out[k])
		}
		s.had = i + 1
	}
	roots := make([]any, len(outs))
	for k, o := range outs {
		roots[k] = o.Addr().Interface()
	}
	b, err := pack.Pack(nil, &table{code: s.code}, roots...)
	if err != nil {
		before, why := s.movableBefore(n)
		if why == nil {
			why = err
		}
		return endedCannot, append(appendBytes(nil, []byte(why.Error())), before...)
	}
	return endedWell, b
}

// failed packs the error that a function returned for element i. An error that cannot be packed is replaced by
// a RemoteError, and so are those that it wraps, as far as necessary.
func (s *server) failed(i int, err error) (byte, []byte) {
	tab := &table{code: s.code}
	e := movable(tab, err, 0)
	b, _ := pack.Pack(nil, tab, &i, &e)
	return endedError, append(appendBytes(nil, b), s.before()...)
}

// panicked packs the value of a panic if it is an error, so that errors.Is knows it on the other side.
func (s *server) panicked(v any) []byte {
	err, ok := v.(error)
	if !ok {
		return nil
	}
	tab := &table{code: s.code}
	e := movable(tab, err, 0)
	b, _ := pack.Pack(nil, tab, &e)
	return b
}

// movableBefore packs the results before the first one of n that cannot be packed, and returns why that one cannot.
func (s *server) movableBefore(n int) (b []byte, why error) {
	for s.had = 0; s.results != nil && s.had < n; s.had++ {
		for _, all := range s.results {
			one := reflect.New(all.Type().Elem())
			one.Elem().Set(all.Index(s.had))
			if _, err := pack.Pack(nil, &table{code: s.code}, one.Interface()); err != nil {
				return s.before(), err
			}
		}
	}
	return nil, nil
}

// before packs the results for the elements before one for which the function has failed. It returns nil if
// nothing came before, or if the results cannot be packed.
func (s *server) before() (b []byte) {
	if s.had == 0 || s.results == nil {
		return nil
	}
	defer func() {
		if recover() != nil { // a method of the user's that packs a value
			b = nil
		}
	}()
	roots := make([]any, len(s.results))
	for k, all := range s.results {
		p := reflect.New(all.Type())
		p.Elem().Set(all.Slice(0, s.had))
		roots[k] = p.Interface()
	}
	b, err := pack.Pack(nil, &table{code: s.code}, roots...)
	if err != nil {
		return nil
	}
	return b
}

const deepestError = 100

// movable returns an error, or one that stands for it and can be packed.
func movable(tab *table, err error, depth int) error {
	if _, bad := pack.Pack(nil, tab, &err); bad == nil {
		return err
	}
	r := &RemoteError{Type: reflect.TypeOf(err).String(), Text: err.Error()}
	if depth == deepestError {
		return r
	}
	switch x := err.(type) {
	case interface{ Unwrap() error }:
		if next := x.Unwrap(); next != nil {
			r.Wrapped = append(r.Wrapped, movable(tab, next, depth+1))
		}
	case interface{ Unwrap() []error }:
		for _, next := range x.Unwrap() {
			if next != nil {
				r.Wrapped = append(r.Wrapped, movable(tab, next, depth+1))
			}
		}
	}
	return r
}
