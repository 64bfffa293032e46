package rt

import (
	"cmp"
	"reflect"
	"slices"
	"sync/atomic"
	"unsafe"
)

// Pointer returns a pointer to a variable that exists, and all keys that lead to its storage, in order.
func Pointer(name string, gen int) (p any, keys []Key) {
	mu.Lock()
	defer mu.Unlock()
	s, ok := vars[Key{name, gen}]
	if !ok {
		return nil, nil
	}
	for k, other := range vars {
		if other.ptr == s.ptr {
			keys = append(keys, k)
		}
	}
	sortKeys(keys)
	return reflect.NewAt(s.typ, s.ptr).Interface(), keys
}

// KeysAt returns all keys that lead to the storage at an address, in order; none if no variable is there.
func KeysAt(p unsafe.Pointer) (keys []Key) {
	mu.Lock()
	defer mu.Unlock()
	for k, s := range vars {
		if s.ptr == p {
			keys = append(keys, k)
		}
	}
	sortKeys(keys)
	return keys
}

func sortKeys(keys []Key) {
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Gen, b.Gen)) })
}

// Unite gives variables one storage, that of the first of them that exists, and returns a pointer to it; nil if
// none of them exists. Those of the others' types that have another size stay as they are.
func Unite(keys []Key) (p any) {
	mu.Lock()
	defer mu.Unlock()
	var first storage
	for _, k := range keys {
		s, ok := vars[k]
		switch {
		case !ok || s.ptr == first.ptr:
			continue
		case first.ptr == nil:
			first = s
			continue
		case s.typ.Size() != first.typ.Size():
			continue
		}
		for _, at := range followers[s.ptr] {
			atomic.StorePointer(at, first.ptr)
		}
		followers[first.ptr] = append(followers[first.ptr], followers[s.ptr]...)
		delete(followers, s.ptr)
		for k, other := range vars {
			if other.ptr == s.ptr {
				vars[k] = storage{first.ptr, other.typ}
			}
		}
	}
	if first.ptr == nil {
		return nil
	}
	return reflect.NewAt(first.typ, first.ptr).Interface()
}

// Errors calls visit for each variable of type error that has a value, until visit returns false.
func Errors(visit func(k Key, value error) bool) {
	mu.Lock()
	defer mu.Unlock()
	for k, s := range vars {
		if s.typ == reflect.TypeFor[error]() {
			if err := *(*error)(s.ptr); err != nil && !visit(k, err) {
				return
			}
		}
	}
}

// Given reports, for each variable that functions of the cell may read before the cell gives it a value, whether
// it has one.
func (c *Cell) Given() (given []bool) {
	for _, set := range c.Early {
		given = append(given, atomic.LoadUint32(set) != 0)
	}
	return given
}

// Give records, in another process, what Given has returned.
func (c *Cell) Give(given []bool) {
	for i, set := range c.Early {
		v := uint32(0)
		if i < len(given) && given[i] {
			v = 1
		}
		atomic.StoreUint32(set, v)
	}
}
