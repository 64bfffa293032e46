package engine

import (
	"cmp"
	"fmt"
	"go/types"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/session"
)

// mostParts is how many parts of a value are listed.
const mostParts = 200

// unread stands for what code of cells may change while it is read.
const unread = "not read, since code of cells runs, which may change it"

// Variables lists the session's variables, or the parts of a value: elements, fields, entries. A path is the name of a
// variable and the places of parts in parts, separated by slashes. It is called from any goroutine, also while a cell
// runs; then it reads what can be read safely, as Inspect does.
func (e *Engine) Variables(path string) (list []session.Variable) {
	view := e.view.Load()
	if path != "" {
		name, rest, _ := strings.Cut(path, "/")
		n, ok := view.Names[name]
		if !ok || n.Lost != "" {
			return nil
		}
		read := e.quietly(func() {
			if v := partAt(variable(n), rest); v.IsValid() {
				list = parts(v, path)
			}
		})
		if !read {
			list = []session.Variable{{Name: "…", Value: unread}}
		}
		return list
	}
	all := map[string]cell.Name{}
	for name, n := range view.Names {
		if _, ok := n.Object.(*types.Var); ok && name != "ctx" {
			all[name] = n
		}
	}
	quiet := e.quietly(func() {
		for name, n := range all {
			list = append(list, described(name, n, true))
		}
	})
	if !quiet {
		for name, n := range all {
			list = append(list, described(name, n, false))
		}
	}
	slices.SortFunc(list, func(a, b session.Variable) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// described describes a variable of the session. quiet means that no code of cells runs.
func described(name string, n cell.Name, quiet bool) session.Variable {
	d := session.Variable{Name: name, Type: names.Clean(types.TypeString(n.Object.Type(), (*types.Package).Name))}
	d.Type = strings.TrimPrefix(strings.ReplaceAll(d.Type, "main.", ""), "main.")
	v := variable(n)
	switch {
	case n.Lost != "":
		d.Value = n.Lost
		return d
	case !v.IsValid():
		d.Value = "not known"
		return d
	}
	state := strings.TrimPrefix(stateOf(v), "state: ")
	switch {
	case state != "":
		d.Value = state
	case !quiet:
		d.Value = unread
	default:
		d.Value = brief(v, 0)
		if hasParts(v) {
			d.Path = name
		}
	}
	return d
}

// within follows pointers and interfaces to what has parts.
func within(v reflect.Value) reflect.Value {
	for range 8 {
		if v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
			return v
		}
		v = v.Elem()
	}
	return reflect.Value{}
}

func hasParts(v reflect.Value) bool {
	if v = within(v); !v.IsValid() {
		return false
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return v.Len() > 0
	case reflect.Struct:
		return v.NumField() > 0 && stateless(v)
	}
	return false
}

// stateless reports whether a struct may be taken apart: not a lock, or what else other goroutines change with
// synchronisation of its own.
func stateless(v reflect.Value) bool { return !v.CanAddr() || stateOf(v) == "" }

// partAt returns the part of a value at a path of places.
func partAt(v reflect.Value, path string) reflect.Value {
	for path != "" && v.IsValid() {
		var at string
		at, path, _ = strings.Cut(path, "/")
		i, err := strconv.Atoi(at)
		if err != nil {
			return reflect.Value{}
		}
		if v = within(v); !v.IsValid() || i < 0 {
			return reflect.Value{}
		}
		switch v.Kind() {
		case reflect.Slice, reflect.Array:
			if i >= v.Len() {
				return reflect.Value{}
			}
			v = v.Index(i)
		case reflect.Struct:
			if i >= v.NumField() {
				return reflect.Value{}
			}
			v = v.Field(i)
		case reflect.Map:
			keys := sortedByText(v)
			if i >= len(keys) {
				return reflect.Value{}
			}
			v = v.MapIndex(keys[i].key)
		default:
			return reflect.Value{}
		}
	}
	return v
}

// parts lists the parts of a value at a path.
func parts(v reflect.Value, path string) (list []session.Variable) {
	if v = within(v); !v.IsValid() {
		return nil
	}
	add := func(i int, name string, part reflect.Value) {
		d := session.Variable{Name: name, Type: typeText(part.Type()), Value: brief(part, 0)}
		if hasParts(part) {
			d.Path = fmt.Sprintf("%s/%d", path, i)
		}
		list = append(list, d)
	}
	more := func(n int) {
		if n > mostParts {
			list = append(list, session.Variable{Name: "…", Value: fmt.Sprintf("%d of %d are listed", mostParts, n)})
		}
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range min(v.Len(), mostParts) {
			add(i, fmt.Sprintf("[%d]", i), v.Index(i))
		}
		more(v.Len())
	case reflect.Struct:
		for i := range v.NumField() {
			add(i, names.Clean(v.Type().Field(i).Name), v.Field(i))
		}
	case reflect.Map:
		keys := sortedByText(v)
		for i, k := range keys[:min(len(keys), mostParts)] {
			add(i, "["+k.text+"]", v.MapIndex(k.key))
		}
		more(v.Len())
	}
	return list
}

type textKey struct {
	key  reflect.Value
	text string
}

// sortedByText returns the keys of a map, numbers by their value and others by their text. Of a large map it returns
// some.
func sortedByText(m reflect.Value) (keys []textKey) {
	for it := m.MapRange(); it.Next() && len(keys) < 10_000; {
		keys = append(keys, textKey{it.Key(), brief(it.Key(), 0)})
	}
	slices.SortFunc(keys, func(a, b textKey) int {
		switch {
		case a.key.CanInt() && b.key.CanInt():
			return cmp.Compare(a.key.Int(), b.key.Int())
		case a.key.CanUint() && b.key.CanUint():
			return cmp.Compare(a.key.Uint(), b.key.Uint())
		}
		return cmp.Compare(a.text, b.text)
	})
	return keys
}
