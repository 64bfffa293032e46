package remote

import (
	"reflect"
	"slices"
	"unsafe"
)

// How Go's runtime lays out functions and types. Both processes run the same program, so an address in the
// program's file, given as an offset, means the same in both.

// FuncAt returns a function value of type t for code that begins at entry and has captured pointers.
func FuncAt(entry uintptr, t reflect.Type, captured ...unsafe.Pointer) reflect.Value {
	// a function value is a pointer to memory that begins with the address of the code
	closure := append([]unsafe.Pointer{unsafe.Add(nil, entry)}, captured...)
	v := reflect.New(t)
	*(*unsafe.Pointer)(v.UnsafePointer()) = unsafe.Pointer(unsafe.SliceData(closure))
	return v.Elem()
}

// CapturedBy returns the n words that a function value has captured, which are pointers.
func CapturedBy(fn reflect.Value, n int) []unsafe.Pointer {
	v := reflect.New(fn.Type())
	v.Elem().Set(fn)
	closure := *(*unsafe.Pointer)(v.UnsafePointer())
	return slices.Clone(unsafe.Slice((*unsafe.Pointer)(unsafe.Add(closure, unsafe.Sizeof(closure))), n))
}

// ClosureOf returns the address of what a function value points to: the address of its code, and what it
// captures. If it captures nothing, that is a constant of the program.
func ClosureOf(fn reflect.Value) uintptr {
	v := reflect.New(fn.Type())
	v.Elem().Set(fn)
	return *(*uintptr)(v.UnsafePointer())
}

// AddressOf returns the address of the runtime's description of a type.
func AddressOf(t reflect.Type) uintptr {
	return uintptr((*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1])
}

// TypeAt returns the type whose description is at an address. That of a type made by package reflect is in memory
// that was allocated, and that reflect keeps: the race detector's check of pointers would end the program there.
//
//go:nocheckptr
func TypeAt(address uintptr) reflect.Type {
	t := reflect.TypeFor[int]() // whose table of methods is that of all types
	(*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1] = unsafe.Add(nil, address)
	return t
}

// HashAt returns the hash of the type whose description is at an address.
func HashAt(address uintptr) uint32 {
	return *(*uint32)(unsafe.Add(nil, address+2*unsafe.Sizeof(uintptr(0))))
}
