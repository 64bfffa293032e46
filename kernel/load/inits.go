//go:build interleave_memory

package load

import (
	"errors"
	"slices"
	"strings"
	"unsafe"

	"interleave/kernel/load/objabi"
)

// initOrder returns the init tasks, by their symbols, of the link's packages, each after those of the
// packages that it imports. Packages that do not depend on each other are initialised in the order of their
// paths, as in a program. Packages that the process has initialised already are left out.
func (l *link) initOrder() (order []*symbol, err error) {
	slices.SortFunc(l.inits, func(a, b *symbol) int { return strings.Compare(a.name, b.name) })
	waits := map[*symbol]int{}
	wanted := map[*symbol][]*symbol{}
	for _, s := range l.inits {
		for _, r := range s.o.Relocs(s.i) {
			if objabi.RelocType(r.Type()) != objabi.R_INITORDER {
				continue
			}
			if t := l.resolve(s.o, r.Sym()); t.sym != nil {
				waits[s]++
				wanted[t.sym] = append(wanted[t.sym], s)
			}
		}
	}
	done := map[*symbol]bool{}
	for len(done) < len(l.inits) {
		i := slices.IndexFunc(l.inits, func(s *symbol) bool { return !done[s] && waits[s] == 0 })
		if i < 0 {
			return nil, errors.New("packages import each other in a circle")
		}
		s := l.inits[i]
		done[s] = true
		for _, w := range wanted[s] {
			waits[w]--
		}
		if s.size > 8 { // the runtime ignores a task without functions
			order = append(order, s)
		}
	}
	return order, nil
}

// addresses are where symbols were laid out.
func addresses(syms []*symbol) []unsafe.Pointer {
	at := make([]unsafe.Pointer, len(syms))
	for i, s := range syms {
		at[i] = pointer(s.addr)
	}
	return at
}
