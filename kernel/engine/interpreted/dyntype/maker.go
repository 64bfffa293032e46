package dyntype

import (
	"fmt"
	"go/types"
	"reflect"
	"strconv"
	"sync"
	"unsafe"
)

// A Maker makes the types of one session. It may be used by many goroutines; its functions are called one at a time
// and must not call a Maker.
type Maker struct {
	// Binary returns the type of a compiled package or cell that obj names, with the type arguments that it has; nil if
	// there is no such type, and one is made. For a type without type arguments the answer must always be the same.
	Binary func(obj *types.TypeName, args []reflect.Type) reflect.Type

	// Body returns what runs a declared method of a type that is made: a value of exactly the type Method.Type. It is
	// called once for each method, before the type can be seen; to look the code up at each call, return a function
	// that does so.
	Body func(Method) (reflect.Value, error)

	// Key returns what makes a declaration the same as another: types are identical when their keys are equal, and
	// their type arguments. Keys must be comparable. Without Key a declaration is the same as itself alone.
	Key func(*types.TypeName) any

	// Package returns the path and name that the types and unexported names of a package have at run time. Without it
	// they are those of go/types.
	Package func(*types.Package) (path, name string)

	// Local returns the number by which the compiler distinguishes obj, a type declared inside a function, from others
	// of its name. It is seen only where the type is a type argument: main.Box[main.T·1]. Without it, local types are
	// numbered as they are made.
	Local func(obj *types.TypeName) int

	named map[namedKey]*rtype // guarded by mu
	local int
}

// A Method is a declared method of a type that is being made.
type Method struct {
	Recv *types.Named // the type that declares it, an instance if it is generic
	In   *Instance    // what the type parameters in Recv and Func stand for
	Func *types.Func  // the method
	Type reflect.Type // its function type, with the receiver before the parameters
}

// An Instance is what type parameters stand for in code that is run for certain type arguments. A nil Instance is for
// code that is not generic.
type Instance struct {
	params []*types.TypeParam
	args   []Arg
}

// An Arg is a type as it is written, and the instance whose type parameters may occur in it.
type Arg struct {
	Type types.Type
	In   *Instance
}

// NewInstance returns the instance in which params[i] stands for args[i].
func NewInstance(params []*types.TypeParam, args []Arg) *Instance {
	if len(params) != len(args) {
		panic("dyntype: an instance needs one argument for each type parameter")
	}
	return &Instance{params, args}
}

func (in *Instance) lookup(p *types.TypeParam) (Arg, error) {
	if in != nil {
		for i, q := range in.params {
			if p == q {
				return in.args[i], nil
			}
		}
	}
	return Arg{}, fmt.Errorf("type parameter %s has no type argument here", p)
}

type namedKey struct {
	obj  any    // what Key returns
	args string // the addresses of the type arguments, and of those of a generic function around the declaration
}

// mu is held while types are made. Types that Go takes for identical are shared by all Makers.
var mu sync.Mutex

// pinned is memory that the runtime refers to in ways that the garbage collector does not see.
var pinned []unsafe.Pointer

// locals are the numbers of made types that are declared in functions.
var locals = map[reflect.Type]int{}

var setup = sync.OnceValue(func() error {
	nameOff(nameKey{text: "T"}) // the first offset is -1, which means an absent type
	return checkLayout()
})

// Of returns the type that t is at run time.
func (m *Maker) Of(t types.Type) (reflect.Type, error) { return m.In(nil, t) }

// In returns the type that t is at run time where type parameters stand for what in has. Types that are identical
// have one reflect.Type, which is that of compiled code for all types that compiled code can have.
//
// A type costs some tens of microseconds and about a kilobyte, and so does each of its methods. None of it is ever
// freed.
func (m *Maker) In(in *Instance, t types.Type) (made reflect.Type, err error) {
	if err := setup(); err != nil {
		return nil, err
	}
	mu.Lock()
	defer mu.Unlock()
	b := &batch{m: m}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p) // package reflect refuses in this way, and so may Body
		}
		if err != nil {
			b.undo()
			made, err = nil, fmt.Errorf("type %s cannot be made: %w", types.TypeString(t, (*types.Package).Name), err)
		}
	}()
	if made, err = b.of(t, in); err != nil {
		return nil, err
	}
	return made, b.finish()
}

// A batch is the making of a type and of all that it refers to. Types are declared first: their headers are right,
// so that package reflect can make types of them. Then their parts are filled in. No one else sees any of it before
// all are complete.
type batch struct {
	m      *Maker
	queue  []func() error
	last   []func() error // what needs the methods of all types
	undone []func()
	stubs  []int
}

func (b *batch) later(f func() error) { b.queue = append(b.queue, f) }

func (b *batch) finish() error {
	for len(b.queue) > 0 {
		f := b.queue[0]
		b.queue = b.queue[1:]
		if err := f(); err != nil {
			return err
		}
	}
	for _, f := range b.last {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// undo forgets the types of a batch that failed.
func (b *batch) undo() {
	for _, f := range b.undone {
		f()
	}
	freeStubs = append(freeStubs, b.stubs...)
}

func (b *batch) binary(obj *types.TypeName, args []reflect.Type) reflect.Type {
	if b.m.Binary == nil {
		return nil
	}
	return b.m.Binary(obj, args)
}

func (b *batch) pkg(p *types.Package) (path, name string) {
	switch {
	case p == nil:
		return "", ""
	case b.m.Package != nil:
		return b.m.Package(p)
	}
	return p.Path(), p.Name()
}

// predeclared returns the types of the universe that have names.
func (b *batch) predeclared(t *types.Named) (r reflect.Type, done bool, err error) {
	if t.Obj().Pkg() != nil {
		return nil, false, nil
	}
	if t.Obj().Name() == "error" {
		return reflect.TypeFor[error](), true, nil
	}
	return nil, true, fmt.Errorf("%s is a constraint", t)
}

// of returns the type that t is. It is declared, and complete when b is finished.
func (b *batch) of(t types.Type, in *Instance) (reflect.Type, error) {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		if r := basics[t.Kind()]; r != nil {
			return r, nil
		}
		return nil, fmt.Errorf("no value has the type %s", t)
	case *types.Named:
		return b.ofNamed(t, in)
	case *types.TypeParam:
		arg, err := in.lookup(t)
		if err != nil {
			return nil, err
		}
		return b.of(arg.Type, arg.In)
	case *types.Pointer:
		elem, err := b.of(t.Elem(), in)
		if err != nil {
			return nil, err
		}
		return reflect.PointerTo(elem), nil
	case *types.Slice:
		elem, err := b.of(t.Elem(), in)
		if err != nil {
			return nil, err
		}
		return reflect.SliceOf(elem), nil
	case *types.Array:
		elem, err := b.of(t.Elem(), in)
		if err != nil {
			return nil, err
		}
		return reflect.ArrayOf(int(t.Len()), elem), nil
	case *types.Chan:
		elem, err := b.of(t.Elem(), in)
		if err != nil {
			return nil, err
		}
		return reflect.ChanOf(chanDirs[t.Dir()], elem), nil
	case *types.Map:
		key, elem, err := b.ofMap(t, in)
		if err != nil {
			return nil, err
		}
		return reflect.MapOf(key, elem), nil
	case *types.Signature:
		return b.ofFunc(nil, t, in)
	case *types.Struct:
		return b.ofStruct(t, in)
	case *types.Interface:
		return b.ofInterface(t, in)
	}
	return nil, fmt.Errorf("no value has the type %s", t)
}

var chanDirs = map[types.ChanDir]reflect.ChanDir{
	types.SendRecv: reflect.BothDir,
	types.SendOnly: reflect.SendDir,
	types.RecvOnly: reflect.RecvDir,
}

func (b *batch) ofMap(t *types.Map, in *Instance) (key, elem reflect.Type, err error) {
	if key, err = b.of(t.Key(), in); err != nil {
		return nil, nil, err
	}
	if elem, err = b.of(t.Elem(), in); err != nil {
		return nil, nil, err
	}
	return key, elem, nil
}

// ofFunc returns the type of a function, with a receiver before the parameters unless recv is nil.
func (b *batch) ofFunc(recv reflect.Type, t *types.Signature, in *Instance) (reflect.Type, error) {
	params, err := b.ofTuple(t.Params(), in)
	if err != nil {
		return nil, err
	}
	if recv != nil {
		params = append([]reflect.Type{recv}, params...)
	}
	results, err := b.ofTuple(t.Results(), in)
	if err != nil {
		return nil, err
	}
	return reflect.FuncOf(params, results, t.Variadic()), nil
}

func (b *batch) ofTuple(t *types.Tuple, in *Instance) ([]reflect.Type, error) {
	list := make([]reflect.Type, t.Len())
	for i := range list {
		r, err := b.of(t.At(i).Type(), in)
		if err != nil {
			return nil, err
		}
		list[i] = r
	}
	return list, nil
}

// argKey appends the identity of type arguments to a key.
func argKey(key []byte, args []reflect.Type) []byte {
	for _, a := range args {
		key = strconv.AppendUint(key, uint64(uintptr(unsafe.Pointer(descriptor(a)))), 36)
		key = append(key, ',')
	}
	return key
}
