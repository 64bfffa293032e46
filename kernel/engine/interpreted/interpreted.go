// Package interpreted runs cells with yaegi, an interpreter: the lines that drive an experiment. It is the
// only package that knows yaegi, and it must not know which cells it gets: package cell decides that
// (cell.FaithfulSet).
package interpreted

import (
	"context"
	"errors"
	"fmt"
	"go/types"
	"io"
	"reflect"
	"strings"

	yaegi "github.com/traefik/yaegi/interp"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/engine/backend"
	"interleave/kernel/engine/rt"
	"interleave/kernel/engine/stack"
	"interleave/kernel/engine/symbols"
)

// unknown returns the error for something that the interpreter's tables lack.
func unknown(format string, args ...any) error {
	return fmt.Errorf("%w: the interpreter's tables do not have "+format, append([]any{backend.ErrElsewhere}, args...)...)
}

// An Engine is the interpreted backend. It accesses packages, compiled cells and variables as binary symbols.
//
// A yaegi interpreter keeps the syntax trees of everything that it has compiled, 4 kB for each statement. It
// keeps nothing else that later cells need, so another one replaces it after programsMost programs.
type Engine struct {
	home     func(name string) (serial int, ok bool)
	module   func(path string) (map[string]reflect.Value, error)
	y        *yaegi.Interpreter
	programs int             // compiled by y
	used     map[string]bool // packages given to y
	named    map[string]bool // variables given to y
}

const programsMost = 200

// New returns an interpreter for cells. home finds the package of a cell that has a session's type, function
// or constant; module returns the symbols of a package of a module, or the reason why it cannot.
func New(home func(name string) (serial int, ok bool), module func(path string) (map[string]reflect.Value, error)) *Engine {
	return &Engine{home: home, module: module, used: map[string]bool{}, named: map[string]bool{}}
}

// Mode returns [backend.Yaegi].
func (in *Engine) Mode() backend.Mode { return backend.Yaegi }

const runtimePath = "interleave/kernel/engine/rt"

// start makes the interpreter when the first cell needs it, and again when it has become large.
func (in *Engine) start() error {
	if in.programs++; in.y != nil && in.programs <= programsMost {
		return nil
	}
	in.programs, in.used, in.named = 1, map[string]bool{}, map[string]bool{}
	in.y = yaegi.New(yaegi.Options{Stderr: io.Discard})
	return in.give(runtimePath, map[string]reflect.Value{
		"Show": reflect.ValueOf(rt.Show),
		"At":   reflect.ValueOf(rt.At),
		"Ctx":  reflect.ValueOf(rt.Ctx),
	})
}

// Renew makes another interpreter replace this one for the next cell, because variables have another storage.
func (in *Engine) Renew() { in.programs = programsMost }

// give passes a package to yaegi under its alias. The name behind the last slash is not the package's: at "fmt/fmt"
// yaegi replaces functions of packages os, log and flag that it was given before by its own, with an environment
// that is empty.
func (in *Engine) give(path string, table map[string]reflect.Value) error {
	key := path + "/package"
	if err := in.y.Use(yaegi.Exports{key: table}); err != nil {
		return err
	}
	if in.used[path] {
		return nil
	}
	in.used[path] = true
	_, err := in.y.Eval(fmt.Sprintf("import %s %q", cell.Alias(path), path))
	return err
}

// Load makes a plan's statements ready to run.
func (in *Engine) Load(_ context.Context, p *cell.Plan) (*backend.Program, error) {
	if p.Drive == "" || p.Reuse != 0 {
		return nil, backend.ErrElsewhere
	}
	if err := in.start(); err != nil {
		return nil, err
	}
	for _, path := range p.Drives {
		if in.used[path] {
			continue
		}
		table := symbols.Of(path)
		if n, ok := strings.CutPrefix(path, names.PackagePrefix); ok {
			table = in.cellTable(n)
		}
		if table == nil {
			var err error
			if table, err = in.module(path); err != nil {
				return nil, unknown("package %s: %v", path, err)
			}
		}
		if err := in.give(path, table); err != nil {
			return nil, unknown("package %s: %v", path, err)
		}
	}
	if err := in.variables(p); err != nil {
		return nil, err
	}
	prog, err := in.y.Compile(p.Drive)
	if err != nil {
		return nil, unknown("something that the cell uses: %v", err)
	}
	y := in.y
	return &backend.Program{Run: func() {
		if _, err := y.Execute(prog); err != nil {
			var pn yaegi.Panic
			if errors.As(err, &pn) {
				panic(&Panic{Unwrapped(pn.Value), stack.Frames(string(pn.Stack))})
			}
			panic(err)
		}
	}}, nil
}

// A Panic is the panic value of a program when interpreted code has panicked.
type Panic struct {
	Value  any
	Frames []stack.Frame // the calls of compiled code that were on the stack
}

// Unwrapped returns a panic's value as the code that panicked passed it, whether it was interpreted or not.
func Unwrapped(v any) any {
	if rv, ok := v.(reflect.Value); ok && rv.IsValid() && rv.CanInterface() {
		return rv.Interface()
	}
	return v
}

// cellTable returns the symbols of a compiled cell, under the names that driving code uses.
func (in *Engine) cellTable(n string) map[string]reflect.Value {
	var serial int
	fmt.Sscan(n, &serial)
	c := rt.Lookup(serial)
	if c == nil {
		return nil
	}
	table := map[string]reflect.Value{}
	for name, v := range c.Symbols {
		table[names.Mangle(strings.TrimPrefix(name, "type "))] = reflect.ValueOf(v)
	}
	return table
}

// variables passes yaegi pointers to the variables that the plan touches, and makes storage for new ones.
func (in *Engine) variables(p *cell.Plan) error {
	fresh := map[string]reflect.Value{}
	for _, v := range p.Vars {
		name := cell.PointerName(v)
		if in.named[name] {
			continue
		}
		t, err := in.reflectType(v.Type)
		if err != nil {
			return err
		}
		fresh[name] = rt.Storage(v.Name, v.Gen, t)
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := in.give(cell.DriveVarsPath, fresh); err != nil {
		return err
	}
	for name := range fresh {
		in.named[name] = true
	}
	return nil
}

// Declare makes storage for the variables of a cell that is not run again.
func (in *Engine) Declare(p *cell.Plan) {
	for _, v := range p.Declared {
		if t, err := in.reflectType(v.Type); err == nil {
			rt.Storage(v.Name, v.Gen, t)
		}
	}
}

var basicTypes = map[types.BasicKind]reflect.Type{
	types.Bool: reflect.TypeFor[bool](), types.Int: reflect.TypeFor[int](), types.Int8: reflect.TypeFor[int8](),
	types.Int16: reflect.TypeFor[int16](),
	types.Int32: reflect.TypeFor[int32](), types.Int64: reflect.TypeFor[int64](), types.Uint: reflect.TypeFor[uint](),
	types.Uint8:  reflect.TypeFor[uint8](),
	types.Uint16: reflect.TypeFor[uint16](), types.Uint32: reflect.TypeFor[uint32](),
	types.Uint64: reflect.TypeFor[uint64](), types.Uintptr: reflect.TypeFor[uintptr](),
	types.Float32: reflect.TypeFor[float32](), types.Float64: reflect.TypeFor[float64](),
	types.Complex64:  reflect.TypeFor[complex64](),
	types.Complex128: reflect.TypeFor[complex128](), types.String: reflect.TypeFor[string](),
}

// reflectType finds the run-time form of a type in tables and compiled cells.
func (in *Engine) reflectType(t types.Type) (reflect.Type, error) {
	compose := func(of func(reflect.Type) reflect.Type, elem types.Type) (reflect.Type, error) {
		e, err := in.reflectType(elem)
		if err != nil {
			return nil, err
		}
		return of(e), nil
	}
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		if r := basicTypes[t.Kind()]; r != nil {
			return r, nil
		}
	case *types.Named:
		return in.namedType(t)
	case *types.Pointer:
		return compose(reflect.PointerTo, t.Elem())
	case *types.Slice:
		return compose(reflect.SliceOf, t.Elem())
	case *types.Array:
		return compose(func(e reflect.Type) reflect.Type { return reflect.ArrayOf(int(t.Len()), e) }, t.Elem())
	case *types.Chan:
		return compose(func(e reflect.Type) reflect.Type { return reflect.ChanOf(reflect.BothDir, e) }, t.Elem())
	case *types.Map:
		k, err := in.reflectType(t.Key())
		if err != nil {
			return nil, err
		}
		return compose(func(e reflect.Type) reflect.Type { return reflect.MapOf(k, e) }, t.Elem())
	case *types.Interface:
		if t.Empty() {
			return reflect.TypeFor[any](), nil
		}
	}
	return nil, unknown("type %s", t)
}

func (in *Engine) namedType(t *types.Named) (reflect.Type, error) {
	o := t.Obj()
	if o.Pkg() == nil {
		if o.Name() == "error" {
			return reflect.TypeFor[error](), nil
		}
		return nil, unknown("type %s", t)
	}
	var v reflect.Value
	if o.Pkg().Path() == "main" {
		if home, ok := in.home(o.Name()); ok {
			if c := rt.Lookup(home); c != nil {
				v = reflect.ValueOf(c.Symbols["type "+o.Name()])
			}
		}
	} else if table := symbols.Of(o.Pkg().Path()); table != nil {
		v = table[o.Name()]
	}
	if !v.IsValid() || v.Kind() != reflect.Pointer {
		return nil, unknown("type %s", t)
	}
	return v.Type().Elem(), nil
}
