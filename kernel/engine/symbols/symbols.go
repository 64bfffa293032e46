// Package symbols holds what the interpreter can reach of the packages that cells import: tables of their
// functions, types and variables, generated from the packages' export data. It must not know the interpreter:
// a table is a map of reflect values.
//
// A table is a function, so that nothing is built before a cell uses the package.
package symbols

import (
	"maps"
	"reflect"
	"slices"
)

//go:generate go run ./gen

var tables = map[string]func() map[string]reflect.Value{}

// Of returns a package's table, or nil. Building one costs about 0.1 µs a symbol.
func Of(path string) map[string]reflect.Value {
	if f := tables[path]; f != nil {
		return f()
	}
	return nil
}

// Paths lists the packages that have a table.
func Paths() []string { return slices.Sorted(maps.Keys(tables)) }
