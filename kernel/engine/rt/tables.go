package rt

import (
	"reflect"
	"sync"
)

// tables has the symbols of packages of modules, which generated code provides when it is initialised.
var tables sync.Map // import path → map[string]reflect.Value

// ProvideTable makes the symbols of a package known to the interpreter.
func ProvideTable(path string, table map[string]reflect.Value) { tables.Store(path, table) }

// TableOf returns what ProvideTable was given for a path, or nil.
func TableOf(path string) map[string]reflect.Value {
	if t, ok := tables.Load(path); ok {
		return t.(map[string]reflect.Value)
	}
	return nil
}
