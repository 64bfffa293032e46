package dyntype

import (
	"fmt"
	"go/types"
	"reflect"
	"strconv"
	"unsafe"
)

var basics = map[types.BasicKind]reflect.Type{
	types.Bool:          reflect.TypeFor[bool](),
	types.Int:           reflect.TypeFor[int](),
	types.Int8:          reflect.TypeFor[int8](),
	types.Int16:         reflect.TypeFor[int16](),
	types.Int32:         reflect.TypeFor[int32](),
	types.Int64:         reflect.TypeFor[int64](),
	types.Uint:          reflect.TypeFor[uint](),
	types.Uint8:         reflect.TypeFor[uint8](),
	types.Uint16:        reflect.TypeFor[uint16](),
	types.Uint32:        reflect.TypeFor[uint32](),
	types.Uint64:        reflect.TypeFor[uint64](),
	types.Uintptr:       reflect.TypeFor[uintptr](),
	types.Float32:       reflect.TypeFor[float32](),
	types.Float64:       reflect.TypeFor[float64](),
	types.Complex64:     reflect.TypeFor[complex64](),
	types.Complex128:    reflect.TypeFor[complex128](),
	types.String:        reflect.TypeFor[string](),
	types.UnsafePointer: reflect.TypeFor[unsafe.Pointer](),
}

// shape returns a type with the size, alignment, pointers, comparison and kind of t. What t only points to plays no
// part in it, so that a type that refers to itself has a shape before it is made. Fields are named by number, except
// blank ones, which comparison leaves out.
func (b *batch) shape(t types.Type, in *Instance) (reflect.Type, error) {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		if r := basics[t.Kind()]; r != nil {
			return r, nil
		}
	case *types.Named:
		if r, done, err := b.predeclared(t); done {
			return r, err
		}
		if t.TypeArgs().Len() == 0 {
			if r := b.binary(t.Obj(), nil); r != nil {
				return r, nil
			}
		}
		return b.shape(t.Underlying(), in)
	case *types.TypeParam:
		arg, err := in.lookup(t)
		if err != nil {
			return nil, err
		}
		return b.shape(arg.Type, arg.In)
	case *types.Pointer:
		return reflect.TypeFor[*int](), nil
	case *types.Chan:
		return reflect.TypeFor[chan int](), nil
	case *types.Signature:
		return reflect.TypeFor[func()](), nil
	case *types.Map:
		return reflect.TypeFor[map[int]int](), nil
	case *types.Slice:
		return reflect.TypeFor[[]int](), nil
	case *types.Interface:
		if t.NumMethods() == 0 {
			return reflect.TypeFor[any](), nil
		}
		return reflect.TypeFor[error](), nil
	case *types.Array:
		elem, err := b.shape(t.Elem(), in)
		if err != nil {
			return nil, err
		}
		if t.Len() < 0 {
			break
		}
		return reflect.ArrayOf(int(t.Len()), elem), nil
	case *types.Struct:
		return b.shapeStruct(t, in)
	}
	return nil, fmt.Errorf("no value has the type %s", t)
}

func (b *batch) shapeStruct(t *types.Struct, in *Instance) (reflect.Type, error) {
	fields := make([]reflect.StructField, t.NumFields())
	blank := false
	for i := range fields {
		ft, err := b.shape(t.Field(i).Type(), in)
		if err != nil {
			return nil, err
		}
		fields[i] = reflect.StructField{Name: "F" + strconv.Itoa(i), Type: ft}
		if t.Field(i).Name() == "_" {
			blank = true
			fields[i].Name, fields[i].PkgPath = "_", "main"
		}
	}
	r := reflect.StructOf(fields)
	if !blank || !r.Comparable() {
		return r, nil
	}
	// StructOf compares blank fields as well. A copy of its type, known here alone, leaves them out.
	if c := blankShapes[r]; c != nil {
		return c, nil
	}
	c := *(*structType)(unsafe.Pointer(descriptor(r)))
	c.ptrToThis = 0
	c.equal = equalFields(c.fields)
	c.tflag &= shapeFlags &^ flagRegularMemory
	pinned = append(pinned, unsafe.Pointer(&c))
	copied := typeOf(&c.rtype)
	blankShapes[r] = copied
	return copied, nil
}

var blankShapes = map[reflect.Type]reflect.Type{}

// equalFields compares fields in their order, except blank ones.
func equalFields(fields []structField) func(p, q unsafe.Pointer) bool {
	return func(p, q unsafe.Pointer) bool {
		for _, f := range fields {
			if nameText(f.name) != "_" && !f.typ.equal(unsafe.Add(p, f.offset), unsafe.Add(q, f.offset)) {
				return false
			}
		}
		return true
	}
}
