package display

import (
	"cmp"
	"reflect"
	"slices"
)

type entry struct{ key, value reflect.Value }

// mostEntries is how many entries of a map are looked at to find those that come first.
const mostEntries = 200_000

// sorted returns a map's entries in the order of fmt; all is false when it has too many for that, and some
// are returned.
func sorted(m reflect.Value) (entries []entry, all bool) {
	entries = make([]entry, 0, min(m.Len(), mostEntries))
	for it := m.MapRange(); it.Next(); {
		if len(entries) == mostEntries {
			return entries[:textMost/4], false // as many as there is room for, if they are short
		}
		entries = append(entries, entry{it.Key(), it.Value()})
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return compareKeys(a.key, b.key) })
	return entries, true
}

// compareKeys orders keys of maps: numbers and texts as one expects, false before true, nil first, pointers
// and channels by address, structs and arrays by their elements, interfaces by their types and then by their
// values.
func compareKeys(a, b reflect.Value) int {
	if a.Type() != b.Type() {
		return -1
	}
	switch a.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return cmp.Compare(a.Int(), b.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return cmp.Compare(a.Uint(), b.Uint())
	case reflect.String:
		return cmp.Compare(a.String(), b.String())
	case reflect.Float32, reflect.Float64:
		return cmp.Compare(a.Float(), b.Float())
	case reflect.Complex64, reflect.Complex128:
		x, y := a.Complex(), b.Complex()
		return cmp.Or(cmp.Compare(real(x), real(y)), cmp.Compare(imag(x), imag(y)))
	case reflect.Bool:
		return cmp.Compare(number(a.Bool()), number(b.Bool()))
	case reflect.Pointer, reflect.UnsafePointer, reflect.Chan:
		return cmp.Compare(a.Pointer(), b.Pointer())
	case reflect.Struct:
		for i := range a.NumField() {
			if c := compareKeys(a.Field(i), b.Field(i)); c != 0 {
				return c
			}
		}
	case reflect.Array:
		for i := range a.Len() {
			if c := compareKeys(a.Index(i), b.Index(i)); c != 0 {
				return c
			}
		}
	case reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return cmp.Compare(number(!a.IsNil()), number(!b.IsNil()))
		}
		x, y := a.Elem(), b.Elem()
		return cmp.Or(cmp.Compare(address(x.Type()), address(y.Type())), compareKeys(x, y))
	}
	return 0
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func address(t reflect.Type) uintptr { return reflect.ValueOf(t).Pointer() }
