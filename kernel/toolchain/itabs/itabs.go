// Package itabs knows how a program that loads Go plugins keeps a single interface table for each pair of an
// interface and a concrete type: it corrects what the dynamic linker wrote into a plugin. It must not know
// what plugins contain.
//
// An interface value points to a table, which pairs its dynamic type with the interface. Compiled code
// compares these tables by pointer in x.(T), in type switches and where it compares interface values. The
// compiler writes a table where it sees a conversion; the runtime makes one when a type assertion, a reflect
// call or fmt asks for a pair that no loaded code has. In a program all compiled tables exist from the start.
// A plugin may bring a second one later for a pair for which the runtime has made a table, and then x.(T) is
// false for a T.
//
// The patched runtime finds such pairs when it adds a plugin's tables, and keeps the table that came first. A
// plugin's code reaches tables through words of its data: its global offset table, which all plugins are
// compiled to use, and the initial values of variables. Hook has each of those words changed before any code
// of the plugin runs.
package itabs

//lint:file-ignore U1000 used where cells are plugins

import (
	"fmt"
	"unsafe"
)

// A mapping is a part of memory that the dynamic linker made for a plugin.
type mapping struct {
	from, to uintptr
	writable bool
}

// correct writes kept[i] over stale[i] in the memory of one plugin, and returns how many words it changed.
// The words of a plugin that hold an address of that plugin do so because the dynamic linker wrote it there:
// no other value equals it but by a chance of 1 in 2^47 for each word.
func correct(maps []mapping, stale, kept []unsafe.Pointer, protect func(page, size uintptr, writable bool) error) (changed int, err error) {
	instead := make(map[uintptr]uintptr, len(stale))
	for i, p := range stale {
		instead[uintptr(p)] = uintptr(kept[i])
	}
	const word = unsafe.Sizeof(uintptr(0))
	for _, m := range maps {
		words := unsafe.Slice((*uintptr)(unsafe.Add(nil, m.from)), (m.to-m.from)/word)
		opened := false
		for i, w := range words {
			to, ok := instead[w]
			if !ok {
				continue
			}
			if !m.writable && !opened {
				if err := protect(m.from, m.to-m.from, true); err != nil {
					return changed, fmt.Errorf("make a plugin's data writable: %w", err)
				}
				opened = true
			}
			words[i] = to
			changed++
		}
		if opened {
			if err := protect(m.from, m.to-m.from, false); err != nil {
				return changed, fmt.Errorf("protect a plugin's data: %w", err)
			}
		}
	}
	return changed, nil
}
