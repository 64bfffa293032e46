package pack

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unsafe"
)

// Unpack sets what roots point to from b, which Pack has made from pointers of the same types. It allocates at
// most some times as much as b is long, whatever b holds. After an error the roots may be half set.
func Unpack(b []byte, table Table, roots ...any) (err error) {
	u := unpacker{b: b, table: table, budget: len(b)}
	defer func() {
		if r := recover(); r != nil {
			m, ok := r.(*malformedError)
			if !ok {
				panic(r)
			}
			err = m
		}
	}()
	for _, root := range roots {
		v := reflect.ValueOf(root)
		elem, n := shapeOf(v.Type().Elem()), 1
		u.spend(elem, n)
		u.regions = append(u.regions, memory{at: v.UnsafePointer(), shape: elem, n: n})
	}
	for i := 0; i < len(u.regions); i++ {
		u.contents(u.regions[i])
	}
	if len(u.b) > 0 {
		u.fail("%d bytes too many", len(u.b))
	}
	return nil
}

// A malformedError is what Unpack panics with.
type malformedError struct{ what string }

func (e *malformedError) Error() string { return "malformed packed values: " + e.what }

// An unpacker is one call of Unpack.
type unpacker struct {
	b       []byte
	table   Table
	budget  int // bytes of b that no allocation counts on yet
	regions []memory
	types   []reflect.Type
}

// memory is a region that was met; those behind the one whose contents are being read are still empty.
type memory struct {
	at    unsafe.Pointer
	shape *shape
	n     int
}

func (u *unpacker) fail(format string, args ...any) {
	panic(&malformedError{fmt.Sprintf(format, args...)})
}

func (u *unpacker) byte() byte {
	if len(u.b) == 0 {
		u.fail("they end too early")
	}
	c := u.b[0]
	u.b = u.b[1:]
	return c
}

func (u *unpacker) bytes(n int) []byte {
	if n > len(u.b) {
		u.fail("they end too early")
	}
	b := u.b[:n]
	u.b = u.b[n:]
	return b
}

// length reads how many things follow that take at least some bytes each.
func (u *unpacker) length(least int) int {
	n := u.uint()
	if n > uint64(len(u.b)/least) {
		u.fail("a length of %d with %d bytes left", n, len(u.b))
	}
	return int(n)
}

// spend takes what n values need in b from the budget, so that lengths in b cannot cause large allocations.
func (u *unpacker) spend(s *shape, n int) {
	if s.least > 0 && n > u.budget/s.least {
		u.fail("%d values of type %v in %d bytes", n, s.typ, u.budget)
	}
	u.budget -= n * s.least
}

// contents reads a region.
func (u *unpacker) contents(m memory) {
	switch s := m.shape; {
	case isMap(s, m.n):
		u.mapContents(m)
	case s.plain:
		b := unsafe.Slice((*byte)(m.at), uintptr(m.n)*s.size)
		from := u.bytes(len(b))
		Huge(b)
		copy(b, from)
	case s.least == 0:
	default:
		for i := range m.n {
			u.value(unsafe.Add(m.at, uintptr(i)*s.size), s)
		}
	}
}

func (u *unpacker) mapContents(m memory) {
	s := m.shape
	v := reflect.NewAt(s.typ, unsafe.Pointer(&m.at)).Elem()
	n := u.length(1)
	if s.key.least > 0 {
		u.spend(s.key, n)
	} else if n > 1 {
		u.fail("a map with %d equal keys", n)
	}
	u.spend(s.elem, n)
	for range n {
		key, elem := reflect.New(s.key.typ), reflect.New(s.elem.typ)
		u.value(key.UnsafePointer(), s.key)
		u.value(elem.UnsafePointer(), s.elem)
		if !key.Elem().Comparable() {
			u.fail("a key that cannot be compared")
		}
		v.SetMapIndex(key.Elem(), elem.Elem())
	}
}

// value reads one value.
func (u *unpacker) value(at unsafe.Pointer, s *shape) {
	if s.plain {
		copy(unsafe.Slice((*byte)(at), s.size), u.bytes(int(s.size)))
		return
	}
	switch s.kind {
	case kindBool:
		c := u.byte()
		if c > 1 {
			u.fail("a bool of %d", c)
		}
		*(*bool)(at) = c == 1
	case kindString:
		*(*string)(at) = string(u.bytes(u.length(1)))
	case kindStruct:
		for i := range s.fields {
			u.value(unsafe.Add(at, s.fields[i].offset), s.fields[i].shape)
		}
	case kindArray:
		for i := range s.n {
			u.value(unsafe.Add(at, uintptr(i)*s.elem.size), s.elem)
		}
	case kindPointer:
		*(*unsafe.Pointer)(at) = u.pointer(s)
	case kindSlice:
		u.slice((*slice)(at), s)
	case kindMap:
		if n := u.uint(); n != refNil {
			*(*unsafe.Pointer)(at) = u.region(n, s, 0).at
		}
	case kindInterface:
		u.iface(at, s)
	case kindNil:
		if u.uint() != 0 {
			u.fail("a %v", s.typ)
		}
	case kindTime:
		*(*time.Time)(at) = u.time()
	case kindBinary:
		err := reflect.NewAt(s.typ, at).Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(u.bytes(u.length(1)))
		if err != nil {
			u.fail("a %v: %v", s.typ, err)
		}
	case kindText:
		err := reflect.NewAt(s.typ, at).Interface().(encoding.TextUnmarshaler).UnmarshalText(u.bytes(u.length(1)))
		if err != nil {
			u.fail("a %v: %v", s.typ, err)
		}
	default:
		u.fail("a value of type %v", s.typ)
	}
}

// pointer reads a pointer.
func (u *unpacker) pointer(s *shape) unsafe.Pointer {
	n := u.uint()
	switch n {
	case refNil:
		return nil
	case refEmpty:
		if elem, n := s.elem.flat(); elem.size != 0 && n != 0 {
			u.fail("a pointer to nothing")
		}
		return reflect.New(s.elem.typ).UnsafePointer()
	case refFixed:
		return u.fixed(s)
	}
	elem, k := s.elem.flat()
	if elem.size == 0 || k == 0 {
		u.fail("a region of nothing")
	}
	first := (n-refRegion)/2 == uint64(len(u.regions))
	if (n-refRegion)%2 == 0 {
		if !first {
			u.fail("a second reference to all of a region")
		}
		return u.region(n, elem, k).at
	}
	r, offset := u.part(n, first)
	if !within(r.shape, r.n, offset, elem, k) {
		u.fail("no %v at %d of a region of %v", s.elem.typ, offset, r.shape.typ)
	}
	return unsafe.Add(r.at, offset)
}

// fixed reads a pointer that both processes have.
func (u *unpacker) fixed(s *shape) unsafe.Pointer {
	var p unsafe.Pointer
	var elem reflect.Type
	switch name := string(u.bytes(u.length(1))); {
	case name == fixedUTC:
		p, elem = unsafe.Pointer(time.UTC), reflect.TypeFor[time.Location]()
	case name == fixedLocal:
		p, elem = unsafe.Pointer(time.Local), reflect.TypeFor[time.Location]()
	case u.table != nil && strings.HasPrefix(name, fixedTable):
		p, elem = u.table.At(name[len(fixedTable):])
	}
	if p == nil || elem != s.elem.typ {
		u.fail("no such %v", s.typ)
	}
	return p
}

// region returns the region of a reference. If it is the first one, the region has n values of a shape.
func (u *unpacker) region(ref uint64, s *shape, n int) memory {
	i := (ref - refRegion) / 2
	switch {
	case ref < refRegion || i > uint64(len(u.regions)):
		u.fail("reference %d to %d regions", ref, len(u.regions))
	case i < uint64(len(u.regions)):
		r := u.regions[i]
		if isMap(r.shape, r.n) != isMap(s, n) || isMap(s, n) && r.shape != s {
			u.fail("a %v as %v", r.shape.typ, s.typ)
		}
		return r
	}
	m := memory{shape: s, n: n}
	if isMap(s, n) {
		m.at = reflect.MakeMap(s.typ).UnsafePointer()
	} else {
		u.spend(s, n)
		m.at = allocate(s, n)
	}
	u.regions = append(u.regions, m)
	return m
}

// allocate returns zeroed memory for n values.
func allocate(s *shape, n int) unsafe.Pointer {
	if n == 1 {
		return reflect.New(s.typ).UnsafePointer()
	}
	return reflect.MakeSlice(reflect.SliceOf(s.typ), n, n).UnsafePointer()
}

// part reads what follows a reference to a part of a region.
func (u *unpacker) part(ref uint64, first bool) (r memory, offset uintptr) {
	s, n := memoryShape, 1
	if first {
		s = shapeOf(u.typ())
		if s.why != "" || s.size == 0 {
			u.fail("a region of %v", s.typ)
		}
		if n = u.count(s); n == 0 {
			u.fail("a region of nothing")
		}
	}
	r = u.region(ref, s, n)
	offset = uintptr(u.uint())
	if offset > uintptr(r.n)*r.shape.size {
		u.fail("offset %d in a region of %d %v", offset, r.n, r.shape.typ)
	}
	return r, offset
}

var memoryShape = shapeOf(reflect.TypeFor[byte]())

// count reads how many values of a shape there are.
func (u *unpacker) count(s *shape) int {
	n := u.uint()
	if n > 1<<40 || s.least > 0 && n > uint64(u.budget/s.least) {
		u.fail("%d values of type %v in %d bytes", n, s.typ, u.budget)
	}
	return int(n)
}

// slice reads a slice.
func (u *unpacker) slice(h *slice, s *shape) {
	ref := u.uint()
	switch ref {
	case refNil:
		return
	case refEmpty:
		*h = slice{at: allocate(s.elem, 0)}
		return
	case refFixed:
		u.fail("a fixed slice")
	}
	first := (ref-refRegion)/2 == uint64(len(u.regions))
	elem, k := s.elem.flat()
	if elem.size == 0 || k == 0 {
		if !first || (ref-refRegion)%2 != 0 {
			u.fail("a part of nothing")
		}
		n := u.count(s.elem)
		*h = slice{u.region(ref, s.elem, n).at, n, n}
		return
	}
	if (ref-refRegion)%2 == 0 {
		if !first {
			u.fail("a second reference to all of a region")
		}
		n := u.count(s.elem)
		if n == 0 {
			u.fail("a region of nothing")
		}
		*h = slice{u.region(ref, elem, n*k).at, n, n}
		return
	}
	r, offset := u.part(ref, first)
	n, most := u.uint(), u.uint()
	if n == 0 || n > 1<<40 || most < n || !within(r.shape, r.n, offset, elem, int(n)*k) {
		u.fail("no %d %v at %d of a region of %d %v", n, s.elem.typ, offset, r.n, r.shape.typ)
	}
	// the capacity ends with the region, or with the array in it
	for low, high := n, min(most, n+uint64(r.n)*uint64(r.shape.size)/uint64(s.elem.size)); ; {
		if low == high {
			*h = slice{unsafe.Add(r.at, offset), int(n), int(low)}
			return
		}
		if mid := low + (high-low+1)/2; within(r.shape, r.n, offset, elem, int(mid)*k) {
			low = mid
		} else {
			high = mid - 1
		}
	}
}

// iface reads a value in an interface.
func (u *unpacker) iface(at unsafe.Pointer, s *shape) {
	if len(u.b) > 0 && u.b[0] == 0 {
		u.byte()
		return
	}
	t := u.typ()
	if !t.AssignableTo(s.typ) || t.Kind() == reflect.Interface {
		u.fail("a %v as %v", t, s.typ)
	}
	vs := shapeOf(t)
	if vs.why != "" {
		u.fail("a value of type %v", t)
	}
	if t.Size() > 1<<10 { // most types are smaller than what is packed of them
		u.spend(vs, 1)
	}
	v := reflect.New(t)
	u.value(v.UnsafePointer(), vs)
	reflect.NewAt(s.typ, at).Elem().Set(v.Elem())
}

func (u *unpacker) time() time.Time {
	sec := int64(binary.LittleEndian.Uint64(u.bytes(8)))
	nsec := binary.LittleEndian.Uint32(u.bytes(4))
	if nsec > 999_999_999 {
		u.fail("%d nanoseconds", nsec)
	}
	t := time.Unix(sec, int64(nsec)).UTC()
	if loc := u.pointer(locationPointer()); loc != nil {
		t = t.In((*time.Location)(loc))
	}
	return t
}
