// Package ops has what lowered code calls: the operations of package lower, made for their types when a program
// is loaded, and the runtime of goroutines, deferred calls and panics. It does not know the interpreter.
package ops

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"
	"unsafe"

	"interleave/kernel/cell/lower"
)

// A Maker makes operations.
type Maker struct {
	// Type returns the run-time form of a type.
	Type func(types.Type) (reflect.Type, error)
	// Symbol returns a function of a compiled package, or a variable, which can be set.
	Symbol func(types.Object) (reflect.Value, error)
	made   map[string]reflect.Value
}

var (
	intType  = reflect.TypeFor[int]()
	boolType = reflect.TypeFor[bool]()
	lineType = reflect.TypeFor[*int]()
)

// Make returns all operations of a program, by name.
func (m *Maker) Make(p *lower.Program) (map[string]reflect.Value, error) {
	m.made = map[string]reflect.Value{}
	for _, o := range p.Ops {
		v, err := m.one(o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Name, err)
		}
		m.made[o.Name] = v
	}
	return m.made, nil
}

func (m *Maker) one(o lower.Op) (reflect.Value, error) {
	ts := make([]reflect.Type, len(o.Types))
	for i, t := range o.Types {
		if t == nil {
			continue
		}
		if sig, ok := t.(*types.Signature); ok && (sig.TypeParams() != nil || o.Kind == lower.OpSymbol) {
			continue
		}
		var err error
		if ts[i], err = m.Type(t); err != nil {
			return reflect.Value{}, err
		}
	}
	switch o.Kind {
	case lower.OpSymbol:
		return m.Symbol(o.Object)
	case lower.OpVar:
		return m.variable(o, ts)
	case lower.OpMethod:
		meth, ok := ts[0].MethodByName(o.Text)
		if !ok {
			return reflect.Value{}, fmt.Errorf("type %v has no method %s", ts[0], o.Text)
		}
		return meth.Func, nil
	case lower.OpIMethod:
		return iMethod(ts[0], o)
	case lower.OpCall:
		return m.bind(o, ts[0])
	}
	v := make1(o, ts)
	if !v.IsValid() {
		return v, fmt.Errorf("no operation %s", o.Kind)
	}
	return v, nil
}

func (m *Maker) variable(o lower.Op, ts []reflect.Type) (reflect.Value, error) {
	v, err := m.Symbol(o.Object)
	if err != nil {
		return v, err
	}
	if !v.CanAddr() {
		return v, fmt.Errorf("the variable %s has no address", o.Object.Name())
	}
	p := v.Addr()
	if v.Type() != ts[0] {
		p = reflect.NewAt(ts[0], p.UnsafePointer())
	}
	return p, nil
}

// iMethod returns the method of an interface as a function with the interface first.
func iMethod(t reflect.Type, o lower.Op) (reflect.Value, error) {
	for i := range t.NumMethod() {
		meth := t.Method(i)
		if meth.Name != o.Text {
			continue
		}
		in, out := []reflect.Type{t}, []reflect.Type(nil)
		code := []reflect.Type{reflect.TypeFor[unsafe.Pointer]()}
		for p := range meth.Type.Ins() {
			in, code = append(in, p), append(code, p)
		}
		for r := range meth.Type.Outs() {
			out = append(out, r)
		}
		variadic := meth.Type.IsVariadic()
		codeType := reflect.FuncOf(code, out, variadic)
		return reflect.MakeFunc(reflect.FuncOf(in, out, variadic), func(a []reflect.Value) []reflect.Value {
			if a[0].IsNil() {
				panicNil()
			}
			p := reflect.New(t)
			p.Elem().Set(a[0])
			// A function value is a pointer to its code's address, and the code of a method takes the data word.
			x := (*ifaceWords)(p.UnsafePointer())
			f := &x.tab.fun[i]
			all := append([]reflect.Value{reflect.ValueOf(x.data)}, a[1:]...)
			m := reflect.NewAt(codeType, unsafe.Pointer(&f)).Elem()
			if variadic {
				return m.CallSlice(all)
			}
			return m.Call(all)
		}), nil
	}
	return reflect.Value{}, fmt.Errorf("interface %v has no method %s", t, o.Text)
}

// The runtime's form of an interface value with methods.
type (
	ifaceWords struct {
		tab  *itab
		data unsafe.Pointer
	}
	itab struct {
		_   [2]unsafe.Pointer // the types
		_   uint32            // the hash
		fun [1 << 16]uintptr
	}
)

// bind returns a function that binds the first arguments of another operation.
func (m *Maker) bind(o lower.Op, sig reflect.Type) (reflect.Value, error) {
	f, ok := m.made[strings.TrimPrefix(o.Text, "bind ")]
	if !ok {
		return f, fmt.Errorf("nothing to bind: %s", o.Text)
	}
	n := f.Type().NumIn() - sig.NumIn()
	var in []reflect.Type
	for i := range n {
		in = append(in, f.Type().In(i))
	}
	return reflect.MakeFunc(reflect.FuncOf(in, []reflect.Type{sig}, false), func(first []reflect.Value) []reflect.Value {
		first = settle(first)
		return []reflect.Value{reflect.MakeFunc(sig, func(a []reflect.Value) []reflect.Value {
			all := append(first[:n:n], a...)
			if sig.IsVariadic() {
				return f.CallSlice(all)
			}
			return f.Call(all)
		})}
	}), nil
}

// settle copies values, which may be variables that change.
func settle(vs []reflect.Value) []reflect.Value {
	out := make([]reflect.Value, len(vs))
	for i, v := range vs {
		out[i] = reflect.New(v.Type()).Elem()
		out[i].Set(v)
	}
	return out
}

func fn(in, out []reflect.Type, f func([]reflect.Value) []reflect.Value) reflect.Value {
	return reflect.MakeFunc(reflect.FuncOf(in, out, false), f)
}

func list[T any](x ...T) []T { return x }

// make1 makes an operation that needs nothing but types.
func make1(o lower.Op, t []reflect.Type) reflect.Value {
	switch o.Kind {
	case lower.OpCast:
		return fn(list(t[0]), list(t[1]), func(a []reflect.Value) []reflect.Value { return list(cast(a[0], t[1])) })
	case lower.OpIface:
		return fn(list(t[0]), list(t[2]), func(a []reflect.Value) []reflect.Value {
			v := cast(a[0], t[1])
			if t[1].Kind() == reflect.Interface && v.IsNil() {
				return list(reflect.Zero(t[2]))
			}
			return list(v.Convert(t[2]))
		})
	case lower.OpAssert:
		return fn(list(lineType, t[0]), list(t[2]), func(a []reflect.Value) []reflect.Value {
			v, ok := assert(a[1], t[1])
			if !ok {
				panic(assertionError(a[1], t[0], t[1]))
			}
			return list(cast(v, t[2]))
		})
	case lower.OpAssert2:
		return fn(list(t[0]), list(t[2], boolType), func(a []reflect.Value) []reflect.Value {
			v, ok := assert(a[0], t[1])
			if !ok {
				return list(reflect.Zero(t[2]), reflect.ValueOf(false))
			}
			return list(cast(v, t[2]), reflect.ValueOf(true))
		})
	case lower.OpSwitch:
		return fn(list(t[0]), list(intType), func(a []reflect.Value) []reflect.Value {
			for i, c := range t[1:] {
				if c == nil && a[0].IsNil() || c != nil && has(a[0], c) {
					return list(reflect.ValueOf(i))
				}
			}
			return list(reflect.ValueOf(-1))
		})
	case lower.OpEqual:
		return fn(list(lineType, t[0], t[0]), list(boolType), func(a []reflect.Value) []reflect.Value {
			return list(reflect.ValueOf(equal(cast(a[1], t[1]), cast(a[2], t[1]))))
		})
	case lower.OpSend, lower.OpRecv, lower.OpRecv2, lower.OpClose, lower.OpSelect:
		return channel(o, t)
	}
	return make2(o, t)
}

// make2 makes what make1 leaves: operations on slices, maps and numbers.
func make2(o lower.Op, t []reflect.Type) reflect.Value {
	switch o.Kind {
	case lower.OpMake:
		return fn(list(lineType, intType, intType), list(t[0]), func(a []reflect.Value) []reflect.Value {
			return list(makeOf(t[0], int(a[1].Int()), int(a[2].Int())))
		})
	case lower.OpSlice:
		return fn(list(lineType, t[0], intType, intType, intType), list(t[1]), func(a []reflect.Value) []reflect.Value {
			return list(sliceOf(a[1], t[1], boundOf(a[2], o.Path[0]), boundOf(a[3], o.Path[1]), boundOf(a[4], o.Path[2])))
		})
	case lower.OpConvert:
		return fn(list(lineType, t[0]), list(t[2]), func(a []reflect.Value) []reflect.Value {
			return list(convert(a[1], t[2]))
		})
	case lower.OpMinMax:
		return fn(list(t[0], t[0]), list(t[0]), func(a []reflect.Value) []reflect.Value {
			if o.Text == "min" {
				return list(least(a[0], a[1]))
			}
			return list(greatest(a[0], a[1]))
		})
	case lower.OpClear:
		return fn(list(t[0]), nil, func(a []reflect.Value) []reflect.Value {
			if a[0].IsNil() {
				return nil
			}
			a[0].Clear()
			return nil
		})
	case lower.OpAppend:
		return fn(list(t[0], t[1]), list(t[0]), func(a []reflect.Value) []reflect.Value {
			s := a[1]
			if s.Kind() == reflect.String {
				s = reflect.ValueOf([]byte(s.String()))
			}
			if s.Len() == 0 {
				return list(a[0])
			}
			return list(reflect.AppendSlice(a[0], cast(s, t[0])))
		})
	case lower.OpCopy:
		return fn(list(t[0], t[1]), list(intType), func(a []reflect.Value) []reflect.Value {
			s := a[1]
			if s.Kind() == reflect.String {
				s = reflect.ValueOf([]byte(s.String()))
			}
			return list(reflect.ValueOf(reflect.Copy(a[0], cast(s, t[0]))))
		})
	case lower.OpToken:
		return fn(list(reflect.TypeFor[*Token](), t[0]), list(t[0]), func(a []reflect.Value) []reflect.Value {
			attach(a[0].Interface().(*Token), a[1])
			return list(a[1])
		})
	case lower.OpGive:
		return fn(list(reflect.TypeFor[*Defers](), lineType, t[0]), nil, func(a []reflect.Value) []reflect.Value {
			give(a[0].Interface().(*Defers), a[1].Interface().(*int), a[2])
			return nil
		})
	case lower.OpUnsafe:
		return unsafeOp(o, t)
	case lower.OpPrint:
		return printer(o, t)
	case lower.OpArith:
		return arith(o, t)
	case lower.OpHash:
		return fn(list(lineType, t[0], intType), nil, func(a []reflect.Value) []reflect.Value {
			hash(a[1], int(a[2].Int()))
			return nil
		})
	case lower.OpMapIter:
		return fn(list(t[0]), list(reflect.TypeFor[*MapIter]()), func(a []reflect.Value) []reflect.Value {
			m := reflect.New(t[0]).Elem()
			m.Set(a[0])
			return list(reflect.ValueOf(&MapIter{m.MapRange()}))
		})
	case lower.OpMapNext:
		return fn(list(reflect.TypeFor[*MapIter]()), list(t[0].Key(), t[0].Elem(), boolType), func(a []reflect.Value) []reflect.Value {
			it := a[0].Interface().(*MapIter).it
			if !it.Next() {
				return list(reflect.Zero(t[0].Key()), reflect.Zero(t[0].Elem()), reflect.ValueOf(false))
			}
			return list(it.Key(), it.Value(), reflect.ValueOf(true))
		})
	}
	return reflect.Value{}
}

// A MapIter is a loop over a map.
type MapIter struct{ it *reflect.MapIter }

// unsafeOp makes a function of package unsafe.
func unsafeOp(o lower.Op, t []reflect.Type) reflect.Value {
	switch o.Text {
	case "Sizeof":
		return reflect.ValueOf(func() uintptr { return t[0].Size() })
	case "Alignof":
		return reflect.ValueOf(func() uintptr { return uintptr(t[0].Align()) })
	case "Add":
		return reflect.ValueOf(unsafeAdd)
	case "String":
		return reflect.ValueOf(unsafeString)
	case "StringData":
		return reflect.ValueOf(func(s string) *byte { return unsafe.StringData(s) })
	case "SliceData":
		return fn(list(t[0]), list(t[1]), func(a []reflect.Value) []reflect.Value {
			return list(reflect.NewAt(t[1].Elem(), a[0].UnsafePointer()))
		})
	case "Slice":
		return fn(list(t[0], intType), list(t[1]), func(a []reflect.Value) []reflect.Value {
			n := int(a[1].Int())
			if n < 0 || n > 1<<47/max(int(t[0].Elem().Size()), 1) {
				panic(fault("unsafe.Slice: len out of range"))
			}
			if a[0].IsNil() {
				if n > 0 {
					panic(fault("unsafe.Slice: ptr is nil and len is not zero"))
				}
				return list(reflect.Zero(t[1]))
			}
			return list(reflect.NewAt(reflect.ArrayOf(n, t[0].Elem()), a[0].UnsafePointer()).Elem().Slice(0, n))
		})
	}
	return reflect.Value{}
}

func unsafeAdd(p unsafe.Pointer, n int) unsafe.Pointer { return unsafe.Add(p, n) }

func unsafeString(p *byte, n int) string { return unsafe.String(p, n) }
