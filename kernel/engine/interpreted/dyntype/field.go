package dyntype

import (
	"reflect"
	"unsafe"
)

// Field returns a pointer to field i of the struct that p points to, exported or not. Package reflect keeps others
// than the declaring package from unexported fields; interpreted code is the declaring package and has no other way
// to them. It panics as Go does when p is nil.
func Field(p any, i int) any {
	v := reflect.ValueOf(p)
	f := (*structType)(unsafe.Pointer(descriptor(v.Type().Elem()))).fields[i]
	return reflect.NewAt(typeOf(f.typ), fieldAt(v.UnsafePointer(), f.offset)).Interface()
}
