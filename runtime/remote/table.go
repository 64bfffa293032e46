package remote

import (
	"reflect"
	"unsafe"

	"interleave/runtime/host"
)

// A table is what package pack asks about types and fixed pointers. It notes the types that it was asked for.
type table struct {
	code  host.Code
	types map[string]bool // names
	sent  map[string]bool // variables that the other process has; nil: all
	own   bool            // pointers in variables are packed as what they point to
}

func (t *table) TypeName(typ reflect.Type) string {
	name := t.code.TypeName(typ)
	if name != "" && t.types != nil {
		t.types[name] = true
	}
	return name
}

func (t *table) Fixed(p unsafe.Pointer) (string, bool) {
	name, variable, ok := t.code.Fixed(p)
	if !ok || variable != "" && (t.own || t.sent != nil && !t.sent[variable]) {
		return "", false
	}
	return name, true
}

func (t *table) Type(name string) reflect.Type { return t.code.Type(name) }

func (t *table) At(name string) (unsafe.Pointer, reflect.Type) { return t.code.At(name) }
