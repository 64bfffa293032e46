package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"interleave/runtime/host"
	"interleave/runtime/internal/pack"
	"interleave/runtime/quantity"
	"interleave/runtime/remote"
)

// A Process is another process that calls one function. [Spawn] starts it.
type Process struct {
	process *process
	fn      *remote.Func
	from    site
	done    chan struct{}
	cancel  context.CancelCauseFunc
	results []reflect.Value // pointers; valid when done is closed and err is nil
	err     error
}

// Spawn starts a process that calls fn with args, and returns at once. It is
// multiprocessing.Process(target=fn, args=args).start().
//
// fn is a function of the session or of a package, a method expression, an instance of a generic function, or a
// function literal that captures nothing. A context as its first parameter is supplied: it ends when ctx does,
// or when the process is cancelled. args are copied, and so are the variables of the session that fn reads.
// What cannot be copied, such as a channel or a lock, is refused here.
func Spawn(ctx context.Context, fn any, args ...any) (*Process, error) {
	const call = "lab.Spawn"
	if err := checkContext(call, ctx); err != nil {
		return nil, err
	}
	code := codeOfProgram()
	f, err := remote.New(code, fn)
	if err != nil {
		return nil, misuse(call, "%v", err)
	}
	packed, err := packArgs(call, f, args)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, canceled(ctx)
	}
	p := &Process{fn: f, from: here(1), done: make(chan struct{})}
	if p.process, err = newProcess(code, "process"); err != nil {
		return nil, misuseOr(call, err)
	}
	ctx, p.cancel = context.WithCancelCause(ctx)
	p.process.attach()
	for _, t := range f.Out() {
		p.results = append(p.results, reflect.New(t))
	}
	started()
	outside(func() { go p.run(ctx, packed) })
	return p, nil
}

func (p *Process) run(ctx context.Context, args *remote.Args) {
	defer close(p.done)
	defer p.cancel(nil)
	results := make([]any, len(p.results))
	for i, r := range p.results {
		results[i] = r.Interface()
	}
	_, err := p.process.Call(ctx, args, results...)
	p.process.Settle()
	p.process.detach()
	p.process.Close()
	p.err = remoteError(err, &p.from)
}

// packArgs packs the arguments of a call.
func packArgs(call string, f *remote.Func, args []any) (*remote.Args, error) {
	in := f.In()
	if len(args) != len(in) {
		return nil, misuse(call, "%s needs %s, got %d%s", f.Label(), quantity.Plural(len(in), "argument"), len(args), countHint(f, args))
	}
	roots := make([]any, len(args))
	for i, a := range args {
		v := reflect.New(in[i])
		switch x := reflect.ValueOf(a); {
		case !x.IsValid():
			switch in[i].Kind() {
			case reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice:
			default:
				return nil, misuse(call, "argument %d of %s is nil: need a value of type %v", i+1, f.Label(), in[i])
			}
		case x.Type().AssignableTo(in[i]):
			v.Elem().Set(x)
		default:
			return nil, misuse(call, "argument %d of %s is of type %T: need %v", i+1, f.Label(), a, in[i])
		}
		roots[i] = v.Interface()
	}
	packed, err := f.Pack(false, roots...)
	if err == nil {
		return packed, nil
	}
	for i, root := range roots {
		var cannot *pack.CannotError
		var variable *remote.VariableError
		if _, bad := pack.Pack(nil, nil, root); errors.As(bad, &cannot) && !errors.As(err, &variable) && errors.As(err, &cannot) {
			return nil, misuse(call, "argument %d of %s cannot be sent to another process: %s", i+1, f.Label(), cannot.Advice())
		}
	}
	return nil, misuse(call, "%v", err)
}

// countHint explains a wrong number of arguments, as far as that is known.
func countHint(f *remote.Func, args []any) string {
	in := f.In()
	if len(args) == len(in)+1 && f.Context() {
		if _, ok := args[0].(context.Context); ok {
			return ": leave the context out, it is supplied"
		}
	}
	if last := len(in) - 1; f.Variadic() && len(args) >= last {
		return fmt.Sprintf(": pass the last ones together as a %v", in[last])
	}
	return ""
}

// Wait waits until the function has returned, and sets what results point to: pointers to values of its
// results, without a last one of type error. It returns the function's error, a [*WorkerError] if the process
// ended before, or why ctx ended first. Calling it again returns the same.
func (p *Process) Wait(ctx context.Context, results ...any) error {
	const call = "lab.Process.Wait"
	if err := checkContext(call, ctx); err != nil {
		return err
	}
	if p.done == nil {
		return zero(call, "process", "lab.Spawn")
	}
	if len(results) > len(p.results) {
		return misuse(call, "%s has %s besides an error, got %s", p.fn.Label(), quantity.Plural(len(p.results), "result"), quantity.Plural(len(results), "pointer"))
	}
	for i, r := range results {
		v := reflect.ValueOf(r)
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return misuse(call, "pointer %d is nil: need one to a value of type %v, for result %d of %s", i+1, p.results[i].Type().Elem(), i+1, p.fn.Label())
		}
		if v.Kind() != reflect.Pointer || !p.results[i].Type().Elem().AssignableTo(v.Type().Elem()) {
			return misuse(call, "result %d of %s is of type %v: need a %v, got a value of type %T", i+1, p.fn.Label(), p.results[i].Type().Elem(), p.results[i].Type(), r)
		}
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		if !isClosed(p.done) {
			return canceled(ctx)
		}
	}
	if p.err != nil {
		return p.err
	}
	for i, r := range results {
		reflect.ValueOf(r).Elem().Set(p.results[i].Elem())
	}
	return nil
}

// Done returns a channel that is closed when the function has returned and the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Pid returns the number of the process.
func (p *Process) Pid() int { return p.process.Pid() }

// Kill ends the process at once, with SIGKILL. Wait then returns a [*WorkerError].
func (p *Process) Kill() { p.process.Kill(errKilled) }

var errKilled = errors.New("by Kill")

// Cancel ends the context of the function; a function that does not return soon is ended with its process.
func (p *Process) Cancel(cause error) { p.cancel(cause) }

// ExitCode returns the status with which the process ended, 0 if its function returned, minus the number of
// the signal that ended it, as Python does. ended is false while it runs.
func (p *Process) ExitCode() (code int, ended bool) {
	if !isClosed(p.done) {
		return 0, false
	}
	var e *WorkerError
	switch {
	case errors.As(p.err, &e) && e.Signal != 0:
		return -int(e.Signal), true
	case errors.As(p.err, &e):
		return e.Code, true
	case p.err != nil:
		return 1, true
	}
	return 0, true
}

// Usage returns the processor time and the memory that the process has used so far.
func (p *Process) Usage() (cpu time.Duration, memory int64, err error) {
	u, err := p.process.Usage()
	return time.Duration(u.CPU * float64(time.Second)), u.Memory, err
}

// String shows the function, the number of the process, and whether it runs.
func (p *Process) String() string {
	state := "running"
	if code, ended := p.ExitCode(); ended {
		state = fmt.Sprintf("ended with status %d", code)
	}
	return fmt.Sprintf("process %d: %s, %s", p.Pid(), p.fn.Label(), state)
}

// write writes a line of a process to the output of the task that it runs.
func (w *process) write(stderr bool, line []byte) {
	w.mu.Lock()
	out, name := w.out, w.name
	w.mu.Unlock()
	b := make([]byte, 0, len(name)+len(line)+3)
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(append(b, line...), '\n')
	switch {
	case out != nil:
		out(stderr, b)
	case stderr:
		os.Stderr.Write(b)
	default:
		os.Stdout.Write(b)
	}
}

// typeText returns the name of a value's type without its package.
func typeText(v any) string {
	t := reflect.TypeOf(v)
	if t == nil {
		return ""
	}
	s := strings.TrimLeft(t.String(), "*")
	return s[strings.LastIndexByte(s, '.')+1:]
}

// codeOfProgram returns how processes find functions.
func codeOfProgram() host.Code {
	if c := host.Get().Code; c != nil {
		return c
	}
	return &ordinary
}

func init() {
	remote.Program = codeOfProgram // for objects of package proc
	remote.Expect = expectProcesses
}

// SubmitWith hands fn and its argument to an executor: executor.submit(fn, arg). In a process fn gets a copy of
// arg.
func SubmitWith[A, T any](ctx context.Context, ex Executor, fn func(context.Context, A) (T, error), arg A, opts ...TaskOption) *Task[T] {
	const call = "lab.SubmitWith"
	t := new(Task[T])
	if fn == nil {
		panic(misuse(call, "nil function"))
	}
	job := func(ctx context.Context) (err error) { t.value, err = fn(ctx, arg); return err }
	if pp := processesOf(ex); pp != nil {
		args := pp.mustPack(call, fn, &arg)
		job = func(ctx context.Context) error { return pp.call(ctx, args, &t.value) }
	}
	threadsOf(ex).orCores().submit(ctx, call, &t.task, t, opts, nil, job)
	return t
}

// mustPack packs a call of fn for a process. It panics with a mistake.
func (p *ProcPool) mustPack(call string, fn any, args ...any) *remote.Args {
	if p.pool == nil {
		panic(zero(call, "pool", "lab.NewProcPool"))
	}
	f, err := p.function(fn)
	if err != nil {
		panic(misuse(call, "%v", err))
	}
	packed, err := f.Pack(false, args...)
	var cannot *pack.CannotError
	var variable *remote.VariableError
	switch {
	case err == nil:
	case errors.As(err, &variable) || !errors.As(err, &cannot):
		panic(misuse(call, "%v", err))
	default:
		panic(misuse(call, "the argument of %s cannot be sent to another process: %s", f.Label(), cannot.Advice()))
	}
	return packed
}
