package remote

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"interleave/runtime/host"
	"interleave/runtime/internal/pack"
)

// A Func is a function that workers can call, with the variables that it reads, as they are when the first call
// with arguments of some types is packed. Its methods may be called from several goroutines.
type Func struct {
	code  host.Code
	f     host.Function
	typ   reflect.Type
	ctx   bool
	out   []reflect.Type // without the error
	fails bool
	head  []byte // name and type, as calls begin
	place *surroundings

	mu   sync.Mutex
	vars map[string]*variables // by the names of the types that arguments have
}

// variables are what a worker is given before calls with arguments of some types.
type variables struct {
	id    uint64
	types []string // of arguments and variables
	names map[string]bool
	frame []byte // nil if it lacks nothing
}

var lastVariables atomic.Uint64

// A NotCallableError is why a function cannot be called by a worker.
type NotCallableError struct{ Why string }

func (e *NotCallableError) Error() string { return e.Why }

// New returns fn, a function, as one that workers can call.
func New(code host.Code, fn any) (*Func, error) {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func {
		if fn == nil {
			return nil, &NotCallableError{"nil function"}
		}
		why := fmt.Sprintf("need a function, got a value of type %T", fn)
		if v.Kind() == reflect.String {
			why += ": write the function's name without quotes"
		}
		return nil, &NotCallableError{why}
	}
	if v.IsNil() {
		return nil, &NotCallableError{"nil function"}
	}
	f, err := code.Function(v)
	if err != nil {
		return nil, err
	}
	c := newCallee(v)
	x := &Func{code: code, f: f, typ: v.Type(), ctx: c.ctx, out: c.out, fails: c.fails, vars: map[string]*variables{}, place: here()}
	tab := &table{code: code, types: map[string]bool{}}
	zero := any(reflect.Zero(v.Type()).Interface())
	typ, err := pack.Pack(nil, tab, &zero)
	if err != nil {
		return nil, &NotCallableError{fmt.Sprintf("%s has a type that a worker does not know: %v", f.Label, err)}
	}
	x.head = appendBytes(appendBytes(nil, []byte(f.Name)), typ)
	return x, nil
}

// Label returns how the user knows the function, such as "slow (cell[3]:2)".
func (f *Func) Label() string { return f.f.Label }

// In returns the types of its parameters, without a context that comes first.
func (f *Func) In() []reflect.Type { return newCallee(reflect.Zero(f.typ)).in }

// Context reports whether its first parameter is a context, which is supplied.
func (f *Func) Context() bool { return f.ctx }

// Variadic reports whether its last parameter takes several values, which are passed as a slice.
func (f *Func) Variadic() bool { return f.typ.IsVariadic() }

// Out returns the types of its results, without an error that comes last.
func (f *Func) Out() []reflect.Type { return f.out }

// Args are packed arguments of a Func.
type Args struct {
	f      *Func
	vars   *variables
	packed []byte
	many   bool
	items  int // calls of the function
}

// Pack packs arguments for a call. Each is a pointer to a value of the parameter's type, or, with many, to a
// slice of such values for as many calls; there is one parameter then. An error that wraps a [pack.CannotError]
// shows what cannot be copied.
func (f *Func) Pack(many bool, args ...any) (*Args, error) {
	tab := &table{code: f.code, types: map[string]bool{}}
	head := []byte{0}
	if many {
		head[0] = 1
	}
	head = append(head, f.head...)
	b, err := pack.Pack(head, tab, args...)
	if err != nil {
		return nil, err
	}
	vars, err := f.variables(tab.types)
	if err != nil {
		return nil, err
	}
	if len(vars.names) > 0 { // pointers in variables that the worker will have, such as errors, stay the same
		tab.sent = vars.names
		if b, err = pack.Pack(head, tab, args...); err != nil {
			return nil, err
		}
	}
	items := 1
	if many && len(args) > 0 {
		items = reflect.ValueOf(args[0]).Elem().Len()
	}
	return &Args{f: f, vars: vars, packed: b, many: many, items: items}, nil
}

// A VariableError is why a variable that a function reads cannot be copied.
type VariableError struct {
	Func, Variable string
	Cannot         *pack.CannotError
}

func (e *VariableError) Error() string {
	what := e.Cannot.Error()
	if e.Cannot.Path == "" {
		what = "it is " + e.Cannot.What
	}
	return fmt.Sprintf("%s reads the variable %s, which cannot be copied to another process: %s. Create it in the function, or pass what the function needs",
		e.Func, e.Variable, what)
}

func (e *VariableError) Unwrap() error { return e.Cannot }

// variables packs the variables that the function reads when it has values of some types.
func (f *Func) variables(types map[string]bool) (*variables, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := slices.Sorted(maps.Keys(types))
	key := strings.Join(names, "\x00")
	if v := f.vars[key]; v != nil {
		return v, nil
	}
	v := &variables{id: lastVariables.Add(1), names: map[string]bool{}}
	for {
		list := f.code.Reads(f.f.Name, names)
		tab := &table{code: f.code, types: map[string]bool{}, own: true}
		b := binary.AppendUvarint(nil, uint64(len(list)))
		roots := make([]any, len(list))
		for i, x := range list {
			b = appendBytes(b, []byte(x.Name))
			roots[i], v.names[x.Name] = x.Pointer, true
		}
		b, err := pack.Pack(b, tab, roots...)
		if err != nil {
			return nil, f.blame(list, err)
		}
		all := maps.Clone(types)
		maps.Copy(all, tab.types)
		if now := slices.Sorted(maps.Keys(all)); len(now) > len(names) { // their methods may read more variables
			names, types = now, all
			continue
		}
		v.types = names
		if len(list) > 0 {
			v.frame = b
		}
		f.vars[key] = v
		return v, nil
	}
}

// blame finds the variable that cannot be packed.
func (f *Func) blame(list []host.Variable, err error) error {
	for _, x := range list {
		var cannot *pack.CannotError
		if _, err := pack.Pack(nil, &table{code: f.code, own: true}, x.Pointer); errors.As(err, &cannot) {
			return &VariableError{f.f.Label, x.Label, cannot}
		}
	}
	return err
}
