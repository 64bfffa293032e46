//go:build interleave_memory

package load

import (
	"cmp"
	"slices"
	"strings"
	"unsafe"

	"interleave/kernel/load/goobj"
)

// Functions of package runtime, in a file that package kernel/toolchain adds to it.

// A cellModule describes a loaded cell to the runtime, which has the same struct.
type cellModule struct {
	Path                                    string
	Pcheader                                unsafe.Pointer
	Funcnametab, Filetab, Pctab, Pclntable  []byte
	Cutab                                   []uint32
	Nftab                                   int
	Findfunctab, Minpc, Maxpc, Text, Etext  uintptr
	Noptrdata, Enoptrdata, Data, Edata, End uintptr
	Types, Etypes, Rodata, Gofunc, Epclntab uintptr
	Datamask                                []byte  // a bit for each word from Data to Edata
	Typelinks                               []int32 // offsets of types, sorted by the types' text
	Typemap                                 []typeAt
	Itabs                                   []uintptr
}

// A typeAt holds the type for an offset from Types.
type typeAt struct {
	Off  int32
	Type uintptr
}

//go:linkname cellAddModule runtime.cellAddModule
func cellAddModule(c *cellModule, check func() bool) (added bool)

//go:linkname cellSetPending runtime.cellSetPending
func cellSetPending(types, etypes uintptr)

//go:linkname cellFindItab runtime.cellFindItab
func cellFindItab(inter, typ unsafe.Pointer) unsafe.Pointer

//go:linkname cellTypeMask runtime.cellTypeMask
func cellTypeMask(t unsafe.Pointer) (ptrBytes uintptr, mask *byte)

//go:linkname cellInit runtime.cellInit
func cellInit(tasks []unsafe.Pointer)

//go:linkname cellFunc runtime.cellFunc
func cellFunc(pc uintptr) (id uint8, line int32)

//go:linkname cellIsAssembly runtime.cellIsAssembly
func cellIsAssembly(pc uintptr) bool

//go:linkname cellText runtime.cellText
func cellText() (text, types uintptr)

// A module is a cell as the runtime sees it.
type module struct {
	cellModule
	mapped map[int32]uintptr
	edges  []edge // which of its symbols refer to which symbols of cells; sorted
}

// mapType records the type that an offset stands for, when a different type lies there.
func (m *module) mapType(off int32, t uintptr) {
	if m.mapped == nil {
		m.mapped = map[int32]uintptr{}
	}
	m.mapped[off] = t
}

// collectTypes lists the types that the runtime must know by name.
func (m *module) collectTypes(readOnly []*symbol) {
	for _, s := range readOnly {
		if s.o.Sym(s.i).Typelink() {
			m.Typelinks = append(m.Typelinks, int32(s.addr-m.Types))
		}
	}
	text := func(off int32) string { return typeText(m.Types + uintptr(off)) }
	slices.SortFunc(m.Typelinks, func(a, b int32) int { return strings.Compare(text(a), text(b)) })
}

// finish completes the description, with the tables of interfaces that are new to the runtime.
func (m *module) finish(readOnly []*symbol) {
	for _, s := range readOnly {
		if s.itab && s.same == 0 {
			m.Itabs = append(m.Itabs, s.addr)
		}
	}
	for off, t := range m.mapped {
		m.Typemap = append(m.Typemap, typeAt{off, t})
	}
	slices.SortFunc(m.Typemap, func(a, b typeAt) int { return cmp.Compare(a.Off, b.Off) })
}

// gotype returns the type of a variable.
func (l *link) gotype(s *symbol, a goobj.Aux) uintptr {
	if a.Type() != goobj.AuxGotype {
		return 0
	}
	return l.resolve(s.o, a.Sym()).address()
}
