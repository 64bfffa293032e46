package remote

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"unsafe"

	"interleave/runtime/host"
	"interleave/runtime/internal/pack"
)

// An Object is held by the program, and workers call its methods: a queue, for example. What a worker has of it
// is its number.
type Object interface {
	// Serve calls a method. ctx ends when the worker no longer waits, or has ended. The error is that of the
	// method.
	Serve(ctx context.Context, r *Request) error
	// Ended is called when a process has ended, so that what it holds of the object can be set free.
	Ended(process uint32)
}

// A Request is a call of a method.
type Request struct {
	Process uint32 // the number of the worker that asks
	Method  string

	table   pack.Table
	args    []byte
	results []any
}

// Args reads the arguments into what pointers point to.
func (r *Request) Args(pointers ...any) error { return pack.Unpack(r.args, r.table, pointers...) }

// Return sets the results: pointers to values. The worker reads them into pointers to the same types.
func (r *Request) Return(pointers ...any) { r.results = pointers }

// ErrNoMethod is the error of a method that an object does not have.
var ErrNoMethod = errors.New("the object has no such method")

// The program's objects.
var objects struct {
	sync.RWMutex
	last uint64
	all  map[uint64]Object
	// Those that the program itself no longer uses. They are forgotten when no worker is left that could.
	unused []func()
}

// Publish gives an object a number by which workers can name it.
func Publish(o Object) (number uint64) {
	objects.Lock()
	defer objects.Unlock()
	if objects.all == nil {
		objects.all = map[uint64]Object{}
	}
	objects.last++
	objects.all[objects.last] = o
	return objects.last
}

// Find returns the object with a number, or nil. A worker has no objects.
func Find(number uint64) Object {
	objects.RLock()
	defer objects.RUnlock()
	return objects.all[number]
}

// Withdraw forgets an object.
func Withdraw(number uint64) {
	objects.Lock()
	defer objects.Unlock()
	delete(objects.all, number)
}

// Unused calls forget when no worker lives that could use what the program no longer uses: now, or when the last
// has ended.
func Unused(forget func()) {
	objects.Lock()
	objects.unused = append(objects.unused, forget)
	objects.Unlock()
	forgetUnused()
}

// Call calls a method of an object, from the program or from a worker. args and results are pointers to values,
// which are copied in the program, too. In a worker, if ctx ends before the method has, the program is asked to
// end it; what it returns counts, so that nothing is lost that it has already done.
func Call(ctx context.Context, object uint64, method string, args, results []any) error {
	if InWorker() {
		return ask(ctx, object, method, args, results)
	}
	o := Find(object)
	if o == nil {
		return ErrFreed
	}
	tab := &ownTable{Program()}
	b, err := pack.Pack(nil, tab, args...)
	if err != nil {
		return err
	}
	r := &Request{Process: Number(), Method: method, table: tab, args: b}
	if err := serve(ctx, o, r); err != nil {
		return err
	}
	if b, err = pack.Pack(nil, tab, r.results...); err != nil {
		return err
	}
	return pack.Unpack(b, tab, results...)
}

// Cannot returns why what a pointer points to cannot be an argument of Call, or nil.
func Cannot(pointer any) (cannot *pack.CannotError) {
	var tab pack.Table = &ownTable{Program()}
	if s := serving.Load(); s != nil {
		tab = &table{code: s.code}
	}
	_, err := pack.Pack(nil, tab, pointer)
	errors.As(err, &cannot)
	return cannot
}

// An ownTable is for copies in one process, which has all types by their addresses.
type ownTable struct{ code host.Code }

func (ownTable) TypeName(t reflect.Type) string { return strconv.FormatUint(uint64(AddressOf(t)), 16) }

func (ownTable) Type(name string) reflect.Type {
	at, err := strconv.ParseUint(name, 16, 64)
	if err != nil {
		return nil
	}
	return TypeAt(uintptr(at))
}

func (t ownTable) Fixed(p unsafe.Pointer) (string, bool) {
	name, _, ok := t.code.Fixed(p)
	return name, ok
}

func (t ownTable) At(name string) (unsafe.Pointer, reflect.Type) { return t.code.At(name) }

// live is how many workers have been given something and have not ended, lastNumber the number that the last
// worker got. That of the program is 1. calling is how many calls have not ended.
var live, lastNumber, calling atomic.Int64

// Busy reports whether a worker runs a function.
func Busy() bool { return calling.Load() > 0 }

func forgetUnused() {
	objects.Lock()
	if live.Load() > 0 {
		objects.Unlock()
		return
	}
	unused := objects.unused
	objects.unused = nil
	objects.Unlock()
	for _, f := range unused {
		f()
	}
}

// begins gives a worker its number.
func begins() (number uint32) {
	lastNumber.CompareAndSwap(0, 1)
	return uint32(lastNumber.Add(1))
}

// ends sets free what a process has held. used reports whether it was given something.
func ends(process uint32, used bool) {
	if !used {
		return
	}
	abandon(process)
	objects.RLock()
	all := make([]Object, 0, len(objects.all))
	for _, o := range objects.all {
		all = append(all, o)
	}
	objects.RUnlock()
	for _, o := range all {
		o.Ended(process)
	}
	if live.Add(-1) == 0 {
		forgetUnused()
	}
}

// Program returns the code of this program. Package lab sets it.
var Program = func() host.Code { return host.Get().Code }

// Expect makes processes ready, for a program that will soon start some. Package lab sets it.
var Expect = func(processes int) {}

// Number returns the number of this process: 1 in the program, another one in each of its workers.
func Number() uint32 { return number }

// number is set before a worker's functions are called.
var number uint32 = 1

// InWorker reports whether this process is a worker.
func InWorker() bool { return serving.Load() != nil }

// asked takes in a frame by which the worker asks for something.
func (w *Worker) asked(f frame) {
	switch f.kind {
	case kindAsk:
		ctx, cancel := context.WithCancelCause(context.Background())
		w.mu.Lock()
		w.asks[f.id] = cancel
		w.mu.Unlock()
		w.answers.Go(func() {
			w.answer(ctx, f)
			w.mu.Lock()
			delete(w.asks, f.id)
			w.mu.Unlock()
			cancel(nil)
		})
	case kindDrop:
		w.mu.Lock()
		cancel := w.asks[f.id]
		w.mu.Unlock()
		if cancel != nil {
			cancel(context.Canceled)
		}
	}
}

// dropAll ends what the worker still waits for, when it has ended.
func (w *Worker) dropAll() {
	w.mu.Lock()
	for _, cancel := range w.asks {
		cancel(errEnded)
	}
	w.mu.Unlock()
	w.answers.Wait()
}

var errEnded = errors.New("the process has ended")

// answer calls a method of an object for the worker.
func (w *Worker) answer(ctx context.Context, f frame) {
	in := reader{b: f.payload}
	number := in.uint()
	r := &Request{Process: w.number, Method: string(in.bytes()), table: &table{code: w.code}, args: in.b}
	var err error
	if o := Find(number); in.bad {
		err = errors.New("a malformed request")
	} else if o == nil {
		err = ErrFreed
	} else {
		err = serve(ctx, o, r)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	status, tab := endedWell, w.answerTable()
	var b []byte
	if err == nil {
		b, err = pack.Pack(nil, tab, r.results...)
		var cannot *pack.CannotError
		if errors.As(err, &cannot) {
			err = fmt.Errorf("the value cannot be sent to this process: %s", cannot.Advice())
		}
	}
	if err != nil {
		status = endedError
		var i int
		e := movable(tab, err, 0)
		b, _ = pack.Pack(nil, tab, &i, &e)
	}
	var needs []byte
	if len(tab.types) > 0 {
		names := make([]string, 0, len(tab.types))
		for name := range tab.types {
			names = append(names, name)
		}
		needs = w.code.Needs("", names, w.loaded)
	}
	if needs != nil && send(w.conn, kindLoad, 0, needs) != nil {
		return
	}
	// an error means that the worker is gone
	_ = send(w.conn, kindAnswer, f.id, []byte{status}, b)
}

// serve turns a panic of an object into an error.
func serve(ctx context.Context, o Object, r *Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%v", v)
			if e, ok := v.(error); ok {
				err = e
			}
		}
	}()
	return o.Serve(ctx, r)
}

// answerTable is for values that the worker gets outside of a call: of the session's variables it knows those
// that it has. w.mu is held.
func (w *Worker) answerTable() *table {
	sent := w.has
	if sent == nil {
		sent = map[string]bool{}
	}
	return &table{code: w.code, types: map[string]bool{}, sent: sent}
}
