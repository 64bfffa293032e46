package workers

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"interleave/kernel/engine/rt"
	"interleave/kernel/load"
	"interleave/runtime/remote"
)

// Names of what belongs to the program itself are offsets: both processes run the same file, at the same place.
const hostPrefix = "host+"

func inHost(offset uintptr) string { return hostPrefix + strconv.FormatUint(uint64(offset), 16) }

// offsetIn reads a name that inHost has made.
func offsetIn(name string) (offset uintptr, rest string, ok bool) {
	name, ok = strings.CutPrefix(name, hostPrefix)
	name, rest, _ = strings.Cut(name, ":")
	n, err := strconv.ParseUint(name, 16, 63)
	return uintptr(n), rest, ok && err == nil
}

// typeName returns the name of a type, "" for those that the program has made at run time.
func typeName(l *load.Loader, t reflect.Type) string {
	if l == nil {
		return ""
	}
	address := remote.AddressOf(t)
	if name := l.Name(address); name != "" {
		return name
	}
	if base := l.Types(); address > base && load.InProgram(address) {
		return fmt.Sprintf("%s:%x", inHost(address-base), remote.HashAt(address))
	}
	return ""
}

// typeOf returns the type with a name, or nil.
func typeOf(l *load.Loader, name string) reflect.Type {
	if l == nil {
		return nil
	}
	address := uintptr(0)
	if offset, hash, ok := offsetIn(name); ok {
		address = l.Types() + offset
		if !load.InProgram(address) || fmt.Sprintf("%x", remote.HashAt(address)) != hash {
			return nil
		}
	} else if strings.HasPrefix(name, "type:") {
		address = l.Find(name)
	}
	if address == 0 {
		return nil
	}
	return remote.TypeAt(address)
}

// funcOf returns the function with a name, which has type t.
func funcOf(l *load.Loader, name string, t reflect.Type) (reflect.Value, error) {
	entry := uintptr(0)
	name, holds, _ := strings.Cut(name, holdsMark)
	if offset, _, ok := offsetIn(name); ok {
		start, end := l.Text()
		if entry = start + offset; entry >= end {
			entry = 0
		}
	} else {
		entry = l.Find(name)
	}
	if entry == 0 {
		return reflect.Value{}, fmt.Errorf("this process does not have the function %s", name)
	}
	var held []unsafe.Pointer
	for variable := range strings.SplitSeq(holds, holdsMark) {
		if variable == "" {
			continue
		}
		p := reflect.ValueOf(rt.Unite(keysOf(variable)))
		if !p.IsValid() {
			return reflect.Value{}, fmt.Errorf("this process does not have the variable %s", variable)
		}
		held = append(held, p.UnsafePointer())
	}
	return remote.FuncAt(entry, t, held...), nil
}

// common is what both sides know.
type common struct {
	once  sync.Once
	fixed map[unsafe.Pointer]string // values of the standard library's error variables
}

const variablePrefix = "var "

// fixedPointer returns the name of a pointer in an error variable, and the variable if it is the session's.
func (c *common) fixedPointer(l *load.Loader, p unsafe.Pointer) (name, variable string, ok bool) {
	if l == nil {
		return "", "", false
	}
	c.once.Do(func() {
		c.fixed = map[unsafe.Pointer]string{}
		for _, name := range standardErrors {
			if p, _ := errorAt(l, name); p != nil {
				c.fixed[p] = name
			}
		}
	})
	if name, ok := c.fixed[p]; ok {
		return name, "", true
	}
	rt.Errors(func(k rt.Key, err error) bool {
		if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.UnsafePointer() == p {
			name, ok = k.Name, true
			variable = fmt.Sprintf("%d_%s", k.Gen, k.Name)
		}
		return !ok
	})
	if !ok {
		return "", "", false
	}
	gen, name, _ := strings.Cut(variable, "_")
	n, _ := strconv.Atoi(gen)
	if _, keys := rt.Pointer(name, n); keys != nil {
		variable = joined(keys)
	}
	return variablePrefix + variable, variable, true
}

// errorAt returns the pointer in a variable of type error of the program.
func errorAt(l *load.Loader, name string) (unsafe.Pointer, reflect.Type) {
	address := l.InHost(name)
	if address == 0 {
		return nil, nil
	}
	return pointerIn(*(*error)(unsafe.Add(nil, address)))
}

func pointerIn(err error) (unsafe.Pointer, reflect.Type) {
	v := reflect.ValueOf(err)
	if !v.IsValid() || v.Kind() != reflect.Pointer || v.Type().Elem().Size() == 0 {
		return nil, nil
	}
	return v.UnsafePointer(), v.Type().Elem()
}

// at returns the pointer with a name that fixedPointer has returned.
func at(l *load.Loader, name string) (unsafe.Pointer, reflect.Type) {
	if variable, ok := strings.CutPrefix(name, variablePrefix); ok {
		for _, k := range keysOf(variable) {
			if p, _ := rt.Pointer(k.Name, k.Gen); p != nil {
				if err, ok := p.(*error); ok {
					return pointerIn(*err)
				}
			}
		}
		return nil, nil
	}
	for _, known := range standardErrors {
		if known == name {
			return errorAt(l, name)
		}
	}
	return nil, nil
}
