package engine

import (
	"errors"
	"fmt"
	"go/types"
	"io"
	"reflect"
	"strings"

	yaegi "github.com/traefik/yaegi/interp"

	"interleave/kernel/cell"
	"interleave/kernel/engine/rt"
	"interleave/kernel/engine/stack"
	"interleave/kernel/engine/symbols"
)

// errUnknownSymbol says that a cell uses what the interpreter's tables do not have.
var errUnknownSymbol = errors.New("not in the interpreter's tables")

// interp is the interpreted engine: yaegi for the lines that drive. It sees packages, compiled cells and variables as
// binary symbols, and is given only what the front end has found to be in the faithful set.
//
// A yaegi interpreter keeps the syntax trees of all that it has compiled, 4 kB for each statement. It has nothing else that later
// cells need, so another one takes its place after programsMost programs.
type interp struct {
	e        *Engine
	y        *yaegi.Interpreter
	programs int             // compiled by y
	used     map[string]bool // packages given to y
	named    map[string]bool // variables given to y
}

const programsMost = 200

func newInterp(e *Engine) *interp {
	return &interp{e: e, used: map[string]bool{}, named: map[string]bool{}}
}

const runtimePath = "interleave/kernel/engine/rt"

// start makes the interpreter when the first cell needs it, and again when it has become large.
func (in *interp) start() error {
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

// renew makes another interpreter take the place of this one, because variables have another storage.
func (in *interp) renew() { in.programs = programsMost }

// give makes a package known to yaegi under its alias.
func (in *interp) give(path string, table map[string]reflect.Value) error {
	key := path + "/" + path[strings.LastIndexByte(path, '/')+1:]
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

// load makes a plan's statements ready to run and the cell part of the session.
func (in *interp) load(p *cell.Plan, text string) (func(), error) {
	if err := in.start(); err != nil {
		return nil, err
	}
	for _, path := range p.Drives {
		if in.used[path] {
			continue
		}
		table := symbols.Of(path)
		if n, ok := strings.CutPrefix(path, cell.PackagePrefix); ok {
			table = in.cellTable(n)
		}
		if table == nil {
			return nil, fmt.Errorf("%w: package %s", errUnknownSymbol, path)
		}
		if err := in.give(path, table); err != nil {
			return nil, fmt.Errorf("%w: package %s: %v", errUnknownSymbol, path, err)
		}
	}
	if err := in.variables(p); err != nil {
		return nil, err
	}
	prog, err := in.y.Compile(p.Drive)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errUnknownSymbol, err)
	}
	in.e.commit(p, text)
	return func() {
		if _, err := in.y.Execute(prog); err != nil {
			var pn yaegi.Panic
			if errors.As(err, &pn) {
				panic(&driven{unwrapped(pn.Value), stack.Frames(string(pn.Stack))})
			}
			panic(err)
		}
	}, nil
}

// driven is a panic that came out of interpreted code, with the calls of compiled code that were on the stack.
type driven struct {
	value  any
	frames []stack.Frame
}

// unwrapped is a panic's value as the code that panicked gave it.
func unwrapped(v any) any {
	if rv, ok := v.(reflect.Value); ok && rv.IsValid() && rv.CanInterface() {
		return rv.Interface()
	}
	return v
}

// cellTable is what a compiled cell offers, under the names that driving code uses.
func (in *interp) cellTable(n string) map[string]reflect.Value {
	var serial int
	fmt.Sscan(n, &serial)
	c := rt.Lookup(serial)
	if c == nil {
		return nil
	}
	table := map[string]reflect.Value{}
	for name, v := range c.Symbols {
		table[cell.Mangle(strings.TrimPrefix(name, "type "))] = reflect.ValueOf(v)
	}
	return table
}

// variables gives yaegi pointers to the variables that the plan touches, making storage for new ones.
func (in *interp) variables(p *cell.Plan) error {
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

// declare makes storage for the variables of a cell that is not run again.
func (in *interp) declare(p *cell.Plan) {
	for _, v := range p.Declared {
		if t, err := in.reflectType(v.Type); err == nil {
			rt.Storage(v.Name, v.Gen, t)
		}
	}
}

var basicTypes = map[types.BasicKind]reflect.Type{
	types.Bool: reflect.TypeFor[bool](), types.Int: reflect.TypeFor[int](), types.Int8: reflect.TypeFor[int8](), types.Int16: reflect.TypeFor[int16](),
	types.Int32: reflect.TypeFor[int32](), types.Int64: reflect.TypeFor[int64](), types.Uint: reflect.TypeFor[uint](), types.Uint8: reflect.TypeFor[uint8](),
	types.Uint16: reflect.TypeFor[uint16](), types.Uint32: reflect.TypeFor[uint32](), types.Uint64: reflect.TypeFor[uint64](), types.Uintptr: reflect.TypeFor[uintptr](),
	types.Float32: reflect.TypeFor[float32](), types.Float64: reflect.TypeFor[float64](), types.Complex64: reflect.TypeFor[complex64](),
	types.Complex128: reflect.TypeFor[complex128](), types.String: reflect.TypeFor[string](),
}

// reflectType finds the run-time form of a type from tables and compiled cells.
func (in *interp) reflectType(t types.Type) (reflect.Type, error) {
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
	return nil, fmt.Errorf("%w: type %s", errUnknownSymbol, t)
}

func (in *interp) namedType(t *types.Named) (reflect.Type, error) {
	o := t.Obj()
	if o.Pkg() == nil {
		if o.Name() == "error" {
			return reflect.TypeFor[error](), nil
		}
		return nil, fmt.Errorf("%w: type %s", errUnknownSymbol, t)
	}
	var v reflect.Value
	if o.Pkg().Path() == "main" {
		if home, ok := in.e.session.Home(o.Name()); ok {
			if c := rt.Lookup(home); c != nil {
				v = reflect.ValueOf(c.Symbols["type "+o.Name()])
			}
		}
	} else if table := symbols.Of(o.Pkg().Path()); table != nil {
		v = table[o.Name()]
	}
	if !v.IsValid() || v.Kind() != reflect.Pointer {
		return nil, fmt.Errorf("%w: type %s", errUnknownSymbol, t)
	}
	return v.Type().Elem(), nil
}
