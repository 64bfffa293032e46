package dyntype

import (
	"errors"
	"reflect"
	"unsafe"
)

// The runtime's descriptors of types, as internal/abi declares them in Go 1.26. checkLayout compares them with
// descriptors that the compiler wrote, so that another Go is refused and not misread.

type rtype struct {
	size       uintptr
	ptrBytes   uintptr
	hash       uint32
	tflag      uint8
	align      uint8
	fieldAlign uint8
	kind       uint8
	equal      func(unsafe.Pointer, unsafe.Pointer) bool
	gcData     *byte
	str        int32
	ptrToThis  int32
}

const (
	flagUncommon = 1 << iota
	flagExtraStar
	flagNamed
	flagRegularMemory
	flagMaskOnDemand
	flagDirect

	// What the header of a type has in common with any other type of the same shape.
	shapeFlags = flagRegularMemory | flagMaskOnDemand | flagDirect
)

type uncommon struct {
	pkgPath int32
	mcount  uint16
	xcount  uint16
	moff    uint32
	_       uint32
}

// A methodEntry is a method of a type that is not an interface. ifn is called with one word as receiver, tfn with
// the value.
type methodEntry struct{ name, mtyp, ifn, tfn int32 }

type (
	arrayType struct {
		rtype
		elem  *rtype
		slice *rtype
		len   uintptr
	}
	chanType struct {
		rtype
		elem *rtype
		dir  int
	}
	funcType struct {
		rtype
		in  uint16
		out uint16 // the top bit: variadic
	}
	interfaceType struct {
		rtype
		pkgPath *byte
		methods []interfaceMethod
	}
	interfaceMethod struct{ name, typ int32 }
	mapType         struct {
		rtype
		key, elem, group  *rtype
		hasher            func(unsafe.Pointer, uintptr) uintptr
		groupSize         uintptr
		slotSize, elemOff uintptr
		flags             uint32
	}
	ptrType struct {
		rtype
		elem *rtype
	}
	sliceType struct {
		rtype
		elem *rtype
	}
	structType struct {
		rtype
		pkgPath *byte
		fields  []structField
	}
	structField struct {
		name   *byte
		typ    *rtype
		offset uintptr
	}
)

// An interfaceTable is what an interface value with methods has in its first word.
type interfaceTable struct {
	inter, typ *rtype
	hash       uint32
	_          [4]byte
	fun        [1]unsafe.Pointer // as many as the interface has methods
}

type interfaceWords struct {
	table *interfaceTable
	data  unsafe.Pointer
}

// layouts are the descriptors before their uncommon part, by kind; other kinds have a bare rtype.
var layouts = map[reflect.Kind]reflect.Type{
	reflect.Array:     reflect.TypeFor[arrayType](),
	reflect.Chan:      reflect.TypeFor[chanType](),
	reflect.Func:      reflect.TypeFor[funcType](),
	reflect.Interface: reflect.TypeFor[interfaceType](),
	reflect.Map:       reflect.TypeFor[mapType](),
	reflect.Pointer:   reflect.TypeFor[ptrType](),
	reflect.Slice:     reflect.TypeFor[sliceType](),
	reflect.Struct:    reflect.TypeFor[structType](),
}

func layoutOf(k reflect.Kind) reflect.Type {
	if l := layouts[k]; l != nil {
		return l
	}
	return reflect.TypeFor[rtype]()
}

// descriptor returns the descriptor that t points to.
func descriptor(t reflect.Type) *rtype { return (*rtype)((*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1]) }

// typeOf returns the type that a descriptor describes.
func typeOf(t *rtype) reflect.Type {
	r := reflect.TypeFor[int]()
	(*[2]unsafe.Pointer)(unsafe.Pointer(&r))[1] = unsafe.Pointer(t)
	return r
}

func (t *rtype) direct() bool { return t.tflag&flagDirect != 0 }

// uncommon returns the part of t's descriptor that has its methods; nil when t has none and no name.
func (t *rtype) uncommon() *uncommon {
	if t.tflag&flagUncommon == 0 {
		return nil
	}
	return (*uncommon)(unsafe.Add(unsafe.Pointer(t), layoutOf(reflect.Kind(t.kind)).Size()))
}

func (u *uncommon) methods() []methodEntry {
	if u == nil || u.mcount == 0 {
		return nil
	}
	return unsafe.Slice((*methodEntry)(unsafe.Add(unsafe.Pointer(u), u.moff)), u.mcount)
}

type (
	probeArray     [3]int
	probeChan      chan<- int
	probeFunc      func(int, ...string) error
	probeMap       map[string]int
	probeSlice     []int
	probeStruct    struct{ A, B int }
	probeInt       int
	probeInterface interface{ probe(int) }
)

func (probeArray) probe(int)   {}
func (probeChan) probe(int)    {}
func (probeFunc) probe(int)    {}
func (probeMap) probe(int)     {}
func (probeSlice) probe(int)   {}
func (*probeStruct) probe(int) {}
func (probeInt) probe(int)     {}

// checkLayout reads types that the compiler made by way of the declarations above.
func checkLayout() error {
	other := errors.New("types cannot be made: this Go keeps its descriptors of types in another form")
	for _, v := range []probeInterface{
		probeArray{}, probeChan(nil), probeFunc(nil), probeMap(nil), probeSlice(nil), (*probeStruct)(nil), probeInt(0),
	} {
		t := reflect.TypeOf(v)
		d := descriptor(t)
		ms := d.uncommon().methods()
		if len(ms) != 1 || d.uncommon().xcount != 0 || nameAt(d, ms[0].name) != "probe" {
			return other
		}
		if d.size != t.Size() || int(d.align) != t.Align() || reflect.Kind(d.kind) != t.Kind() {
			return other
		}
		if resolveTypeOff(unsafe.Pointer(d), ms[0].mtyp) != unsafe.Pointer(descriptor(reflect.TypeFor[func(int)]())) {
			return other
		}
		table := (*interfaceWords)(unsafe.Pointer(&v)).table
		if table.typ != d || table.fun[0] != resolveTextOff(unsafe.Pointer(d), ms[0].ifn) {
			return other
		}
	}
	arr := (*arrayType)(unsafe.Pointer(descriptor(reflect.TypeFor[probeArray]())))
	ch := (*chanType)(unsafe.Pointer(descriptor(reflect.TypeFor[probeChan]())))
	fn := (*funcType)(unsafe.Pointer(descriptor(reflect.TypeFor[probeFunc]())))
	m := (*mapType)(unsafe.Pointer(descriptor(reflect.TypeFor[probeMap]())))
	st := (*structType)(unsafe.Pointer(descriptor(reflect.TypeFor[probeStruct]())))
	it := (*interfaceType)(unsafe.Pointer(descriptor(reflect.TypeFor[probeInterface]())))
	integer, text := descriptor(reflect.TypeFor[int]()), descriptor(reflect.TypeFor[string]())
	if arr.elem != integer || arr.len != 3 || ch.elem != integer || ch.dir != int(reflect.SendDir) ||
		fn.in != 2 || fn.out != 1|1<<15 || m.key != text || m.elem != integer || m.flags > 1<<8 ||
		len(st.fields) != 2 || st.fields[1].offset != integer.size || nameText(st.fields[1].name) != "B" ||
		len(it.methods) != 1 || nameAt(&it.rtype, it.methods[0].name) != "probe" {
		return other
	}
	return nil
}
