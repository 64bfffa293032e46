//go:build interleave_memory

package load

import (
	"encoding/binary"
	"fmt"
	"strings"

	"interleave/kernel/load/goobj"
	"interleave/kernel/load/objabi"
)

// A relocator writes references into the cell's memory. It may do so more than once, since the result does
// not depend on the bytes that were there.
type relocator struct {
	*link
	m       *module
	slots   slots
	veneers slots
	types   []*symbol // that the runtime must know by name
}

// A reference is one place in a symbol with what belongs there.
type reference struct {
	kind objabi.RelocType
	code []byte  // from the place on
	from []byte  // the whole symbol
	off  int     // of the place in it
	size int     // bytes to write
	at   uintptr // address of the place
	to   uintptr // address of the target
	add  int64
	what string // the target's name, for errors
}

func (r *relocator) all() error {
	r.m.edges = r.m.edges[:0]
	for _, s := range r.link.all {
		copy(s.data, s.o.Data(s.i)) // instructions are completed, not overwritten
		for _, rel := range s.o.Relocs(s.i) {
			if rel.Siz() == 0 {
				continue
			}
			if err := r.one(s, &rel); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}

func (r *relocator) one(s *symbol, rel *goobj.Reloc) error {
	ref := &reference{
		kind: relocType(rel), code: s.data[rel.Off():], from: s.data, off: int(rel.Off()), size: int(rel.Siz()),
		at: s.addr + uintptr(rel.Off()), add: rel.Add(),
	}
	t, ok := r.target(s, rel)
	if !ok {
		return nil // weak, and not there
	}
	ref.to = t.address()
	r.refer(s, t)
	if !rel.Sym().IsZero() {
		ref.what = strings.Clone(s.o.nameOf(rel.Sym()))
		if ref.to == 0 && !isTLS(ref.kind) {
			return fmt.Errorf("%s has no address", ref.what)
		}
	}
	switch ref.kind {
	case objabi.R_ADDR:
		if t.sym == s { // a place in the symbol itself, such as the fields of a struct type
			return ref.put(int64(ref.to) + ref.add)
		}
		return ref.put(int64(r.identity(t)) + ref.add)
	case objabi.R_ADDROFF, objabi.R_WEAKADDROFF, objabi.R_METHODOFF:
		start := r.m.Types
		if r.isCode(t) {
			start = r.m.Text
		} else if same := r.identity(t); same != ref.to {
			r.m.mapType(int32(int64(ref.to)-int64(start)), same)
		}
		return ref.put(int64(ref.to) - int64(start) + ref.add)
	case objabi.R_SIZE:
		if t.sym == nil {
			return fmt.Errorf("the size of %s is not known", ref.what)
		}
		return ref.put(int64(t.sym.size) + ref.add)
	}
	ref.to = r.identity(t)
	return r.instruction(ref)
}

// target finds the target of a reference. A weak reference may have no target; then ok is false, and the
// place keeps its zero.
func (r *relocator) target(s *symbol, rel *goobj.Reloc) (t target, ok bool) {
	if objabi.RelocType(rel.Type()) != objabi.R_WEAKADDROFF {
		return r.resolve(s.o, rel.Sym()), true
	}
	i, defined := s.o.defines(rel.Sym())
	if !defined {
		return target{}, false
	}
	if w := s.o.syms[i]; w != nil {
		return target{sym: w}, true
	}
	name := s.o.Sym(i).Name(s.o.Reader)
	if at := r.inProcess(name); at != 0 {
		return target{addr: at}, true
	}
	w := r.byKey[name]
	return target{sym: w}, w != nil
}

// identity is the address that stands for a target where addresses are compared: that of a type that package
// reflect had made first.
func (r *relocator) identity(t target) uintptr {
	if t.sym != nil && t.sym.same != 0 {
		return t.sym.same
	}
	at := t.address()
	if same := r.sameTypes[at]; same != 0 {
		return same
	}
	return at
}

// mayBeFar reports whether the runtime or reflect may have made a target, so that it may only be reachable
// through a slot.
func (l *link) mayBeFar(t target) bool {
	if t.sym != nil {
		return t.sym.itab || strings.HasPrefix(t.sym.name, "type:")
	}
	return t.addr > near || l.sameTypes[t.addr] != 0
}

// tableHash is where the hash of its type stands in a table of an interface.
const tableHash = 16

// isCode reports whether a target is a function, to which offsets are counted from the beginning of the
// host's code.
func (r *relocator) isCode(t target) bool {
	if t.sym != nil {
		return t.sym.kind.IsText()
	}
	if t.addr >= r.m.Text && t.addr < uintptr(r.index.Etext) {
		return true
	}
	for _, m := range r.modules {
		if t.addr >= m.Minpc && t.addr < m.Maxpc {
			return true
		}
	}
	return false
}

// put writes a number of the reference's size.
func (ref *reference) put(v int64) error {
	switch ref.size {
	case 4:
		if v != int64(int32(v)) && v != int64(uint32(v)) {
			return ref.far()
		}
		binary.LittleEndian.PutUint32(ref.code, uint32(v))
	case 8:
		binary.LittleEndian.PutUint64(ref.code, uint64(v))
	default:
		return fmt.Errorf("a reference to %s of %d bytes", ref.what, ref.size)
	}
	return nil
}

func (ref *reference) far() error {
	return fmt.Errorf("%s is out of reach (%v, %#x from %#x)", ref.what, ref.kind, ref.to, ref.at)
}

func (ref *reference) unknown() error {
	return fmt.Errorf("a reference of kind %v to %s, which cells cannot have", ref.kind, ref.what)
}
