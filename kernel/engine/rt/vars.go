package rt

import (
	"fmt"
	"reflect"
	"sync/atomic"
	"unsafe"
)

// Session variables live on the heap, each known by its name and its generation, the number of the cell that
// declared it with its present type. Code holds pointers to them, so a pointer that user code took stays good
// when the variable's type is compiled again.

// A Key names a variable's storage.
type Key struct {
	Name string
	Gen  int
}

type storage struct {
	ptr unsafe.Pointer
	typ reflect.Type
}

var (
	vars = map[Key]storage{}
	// followers are the packages' pointers to a storage that may be exchanged.
	followers = map[unsafe.Pointer][]*unsafe.Pointer{}
)

// Var returns the storage of a variable and makes it when this is the first time that it is asked for.
func Var[T any](name string, gen int) *T {
	return (*T)(Storage(name, gen, reflect.TypeFor[T]()).UnsafePointer())
}

// VarLike is Var for a type that cannot be written where it is used: that of like.
func VarLike[T any](name string, gen int, like T) *T { return Var[T](name, gen) }

// VarAt is Var for a type that cannot be allocated or be a type argument, since it contains cgo.Incomplete.
// The first time the variable is where pointer points to.
func VarAt(name string, gen int, pointer any) unsafe.Pointer {
	mu.Lock()
	defer mu.Unlock()
	k := Key{name, gen}
	s, ok := vars[k]
	if !ok {
		p := reflect.ValueOf(pointer)
		s = storage{p.UnsafePointer(), p.Type().Elem()}
		vars[k] = s
	}
	return s.ptr
}

// Zero returns a pointer to the zero value of such a type: pointer is a nil pointer to that type.
func Zero(pointer any) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(make([]uint64, reflect.TypeOf(pointer).Elem().Size()/8+1)))
}

// Storage is Var for a type that is known at run time: it returns a pointer to the variable. Storage that was
// taken over from an earlier build of the same type is seen as the new type from the first time on that it is
// asked for so.
func Storage(name string, gen int, t reflect.Type) reflect.Value {
	mu.Lock()
	defer mu.Unlock()
	k := Key{name, gen}
	s, ok := vars[k]
	switch {
	case !ok:
		v := reflect.New(t)
		s = storage{v.UnsafePointer(), t}
		vars[k] = s
	case s.typ != t:
		if s.typ.Size() != t.Size() {
			panic(
				fmt.Sprintf(
					"interleave: storage of %s (cell %d) has %d bytes, its type %v needs %d; this is a bug of Interleave",
					name, gen, s.typ.Size(), t, t.Size()),
			)
		}
		s.typ = t
		vars[k] = s
	}
	return reflect.NewAt(s.typ, s.ptr)
}

// Follow keeps a package's pointer to a variable up to date when the variable gets another storage.
func Follow[T any](name string, gen int, at **T) {
	mu.Lock()
	defer mu.Unlock()
	if s, ok := vars[Key{name, gen}]; ok {
		followers[s.ptr] = append(followers[s.ptr], (*unsafe.Pointer)(unsafe.Pointer(at)))
	}
}

// Renew gives a variable a storage of its own, which is zero: goroutines that still use the old one keep it.
func Renew(name string, gen int) {
	mu.Lock()
	defer mu.Unlock()
	old, ok := vars[Key{name, gen}]
	if !ok {
		return
	}
	ptr := reflect.New(old.typ).UnsafePointer()
	for k, s := range vars {
		if s.ptr == old.ptr {
			vars[k] = storage{ptr, s.typ}
		}
	}
	followers[ptr] = followers[old.ptr]
	delete(followers, old.ptr)
	for _, at := range followers[ptr] {
		atomic.StorePointer(at, ptr)
	}
}

// Move lets a newer generation of a variable use the storage of an older one.
func Move(name string, from, to int) {
	mu.Lock()
	defer mu.Unlock()
	if s, ok := vars[Key{name, from}]; ok {
		vars[Key{name, to}] = s
	}
}

// Forget sets all variables to zero, so that what they hold can be freed, and forgets them. No code may use
// them any more.
func Forget() {
	mu.Lock()
	defer mu.Unlock()
	for _, s := range vars {
		reflect.NewAt(s.typ, s.ptr).Elem().SetZero()
	}
	clear(vars)
	clear(followers)
}

// Set returns a pointer to a variable that a function of its own cell reads, once the cell has given the
// variable its first value. Before that it panics with an *EarlyError.
func Set[T any](p *T, set *uint32, name string, cell, line int) *T {
	if *set == 0 {
		panic(&EarlyError{Name: name, Cell: cell, Line: line})
	}
	return p
}

// An EarlyError reports that a cell's function used a variable of the cell above the line that gives the
// variable its first value.
type EarlyError struct {
	Name       string
	Cell, Line int // of that line
}

func (e *EarlyError) Error() string {
	return fmt.Sprintf(
		"%s has no value yet: cell[%d]:%d sets it. Statements run from top to bottom; move that line above the call",
		e.Name, e.Cell, e.Line)
}
