package interpreted

import (
	"fmt"
	"go/types"
	"io"
	"reflect"

	yaegi "github.com/traefik/yaegi/interp"

	"interleave/kernel/cell/lower"
	"interleave/kernel/engine/interpreted/dyntype"
	"interleave/kernel/engine/interpreted/ops"
)

// A world is what lowered programs run in: types that live as long as the session, and the symbols of compiled
// code.
type world struct {
	types   *dyntype.Maker
	symbol  func(types.Object) (reflect.Value, error)
	methods map[methodKey]*method
}

type methodKey struct {
	recv reflect.Type // the receiver, without pointer
	name string
}

// A method is the present code of a method of a type that was made at run time.
type method struct {
	typ  reflect.Type
	code reflect.Value
}

// newWorld returns a world. binary returns the run-time type of a named type of compiled code, or nil; symbol
// returns a function of compiled code or a variable, which can be set.
func newWorld(binary func(*types.TypeName) reflect.Type, symbol func(types.Object) (reflect.Value, error)) *world {
	w := &world{symbol: symbol, methods: map[methodKey]*method{}}
	w.types = &dyntype.Maker{
		Binary: func(o *types.TypeName, args []reflect.Type) reflect.Type {
			if len(args) > 0 || o.Pkg() == nil {
				return nil
			}
			return binary(o)
		},
		Body: w.body,
	}
	return w
}

// body returns what runs a method of a type that is being made: the code that the method has then.
func (w *world) body(m dyntype.Method) (reflect.Value, error) {
	recv := m.Type.In(0)
	if _, ok := types.Unalias(m.Func.Signature().Recv().Type()).(*types.Pointer); ok {
		recv = recv.Elem()
	}
	impl := &method{typ: m.Type}
	w.methods[methodKey{recv, m.Func.Name()}] = impl
	variadic := m.Type.IsVariadic()
	return reflect.MakeFunc(m.Type, func(args []reflect.Value) []reflect.Value {
		if variadic {
			return impl.code.CallSlice(args)
		}
		return impl.code.Call(args)
	}), nil
}

// load makes a lowered program ready to run, in an interpreter of its own: it shares nothing with other
// programs, so that no goroutine of an earlier one reads what the interpreter writes.
func (w *world) load(p *lower.Program) (run func(l *int), err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the interpreter has failed: %v", r)
		}
	}()
	mk := &ops.Maker{Type: w.types.Of, Symbol: w.symbol}
	op, err := mk.Make(p)
	if err != nil {
		return nil, err
	}
	op["Used"] = reflect.ValueOf(0)
	ty := map[string]reflect.Value{"Used": reflect.ValueOf((*int)(nil))}
	for _, t := range p.Types {
		r, err := w.types.Of(t.Type)
		if err != nil {
			return nil, err
		}
		ty[t.Name] = reflect.Zero(reflect.PointerTo(r))
	}
	y := yaegi.New(yaegi.Options{Stderr: io.Discard})
	if err := y.Use(yaegi.Exports{"op/op": op, "ty/ty": ty, "rt/rt": ops.Table()}); err != nil {
		return nil, err
	}
	if _, err := y.Eval("import (\"op\"; \"rt\"; \"ty\")"); err != nil {
		return nil, err
	}
	for _, text := range p.Parts {
		if _, err := y.Eval(text); err != nil {
			return nil, err
		}
	}
	for _, m := range p.Methods {
		recv, err := w.types.Of(m.Type)
		if err != nil {
			return nil, err
		}
		impl := w.methods[methodKey{recv, m.Name}]
		if impl == nil {
			continue // the type had this method removed by the compiler, or never made
		}
		maker, err := y.Eval(m.Func)
		if err != nil {
			return nil, err
		}
		// The code takes views, which have the layouts of the values.
		code := reflect.New(maker.Type().Out(0))
		code.Elem().Set(maker.Call(nil)[0])
		impl.code = reflect.NewAt(impl.typ, code.UnsafePointer()).Elem()
	}
	for k, m := range w.methods {
		if !m.code.IsValid() {
			return nil, fmt.Errorf("method %s of %v has no code", k.name, k.recv)
		}
	}
	start, err := y.Eval("Run")
	if err != nil {
		return nil, err
	}
	return start.Interface().(func(*int)), nil
}
