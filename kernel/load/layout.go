//go:build interleave_memory

package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"interleave/kernel/load/objabi"
)

// Sections of a cell's memory, in this order:
//
//	code        executable
//	read-only   constants, types, tables of interfaces, and the tables that pclntab.go and module.go write
//	data        variables in which there may be pointers
//	noptr       variables without, and then the slots
//
// Code and read-only data begin on pages of their own, which are protected when they are written. A slot
// holds an address for code that cannot hold it itself.

// A region is the part of the address space in which cells are laid out, near enough to the host that 32-bit
// offsets reach from each to the other. Only the used part of it costs memory.
type region struct {
	start     uintptr
	next, end uintptr
	taken     uintptr // of the link at hand
	dirty     uintptr // end of the memory that failed links have written
}

// reserve takes the first stretch near the host that is free.
func (g *region) reserve() error {
	const noReplace = 0x100000 // MAP_FIXED_NOREPLACE
	var err error
	for _, at := range regionStarts() {
		got, _, e := syscall.Syscall6(syscall.SYS_MMAP, at, regionSize, syscall.PROT_NONE,
			syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE|noReplace, ^uintptr(0), 0)
		if e == 0 && got == at {
			g.start, g.next, g.end = at, at, at+regionSize
			return nil
		}
		if e == 0 { // this kernel does not support the flag
			syscall.Syscall(syscall.SYS_MUNMAP, got, regionSize, 0)
			e = syscall.EEXIST
		}
		err = e
	}
	return err
}

// take makes the next n bytes writable. They are zero.
func (g *region) take(n int) ([]byte, error) {
	if g.next+uintptr(n) > g.end {
		return nil, errors.New("there is no room for more cells in this session: restart the kernel")
	}
	mem := unsafe.Slice((*byte)(pointer(g.next)), n)
	if err := syscall.Mprotect(mem, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		return nil, fmt.Errorf("memory for a cell: %w", err)
	}
	if g.dirty > g.next {
		clear(mem[:min(uintptr(n), g.dirty-g.next)])
	}
	g.taken, g.dirty = uintptr(n), max(g.dirty, g.next+uintptr(n))
	return mem, nil
}

// commit keeps what was taken. Without it the next link takes it again.
func (g *region) commit() { g.next, g.taken = g.next+g.taken, 0 }

func align(x, a int) int { return (x + a - 1) &^ (a - 1) }

// alignment is where a symbol may begin, as cmd/link has it.
func (s *symbol) alignment() int {
	if a := int(s.o.Sym(s.i).Align()); a != 0 {
		return a
	}
	if s.kind.IsText() {
		return textAlign
	}
	for _, p := range []string{"go:string.", "type:.namedata.", "type:.importpath."} {
		if strings.HasPrefix(s.name, p) {
			return 1
		}
	}
	a := 32
	for a > 1 && s.size < a {
		a /= 2
	}
	return a
}

// place gives symbols addresses, relative to the beginning of the memory, and returns the end.
func placeAll(syms []*symbol, at int) int {
	for _, s := range syms {
		at = align(at, s.alignment())
		s.addr = uintptr(at)
		at += s.size
	}
	return at
}

// sections are the symbols of a link by where they go.
type sections struct {
	text, readOnly, data, noptr []*symbol
}

func (l *link) sections() (x sections, err error) {
	for _, s := range l.all {
		switch k := s.kind; {
		case k.IsText():
			x.text = append(x.text, s)
		case k == objabi.SRODATA || k == objabi.SRODATAFIPS:
			x.readOnly = append(x.readOnly, s)
		case hasPointers(k):
			x.data = append(x.data, s)
		case k == objabi.SNOPTRDATA || k == objabi.SNOPTRDATAFIPS || k == objabi.SNOPTRBSS:
			x.noptr = append(x.noptr, s)
		default:
			return x, fmt.Errorf("%s is a symbol of kind %v, which cells cannot have", s.name, k)
		}
	}
	return x, nil
}

// layOut writes the cell's memory: all symbols with their references, and the tables for the runtime. It
// returns a nil module when it must run again.
func (l *link) layOut(path string) (made *module, err error) {
	x, err := l.sections()
	if err != nil {
		return nil, err
	}
	page := os.Getpagesize()
	functions := l.functions(x.text)

	textEnd := placeAll(x.text, 0)
	veneers := align(textEnd, 16)
	textLen := align(veneers+l.veneerBytes(x.text), page)
	// Offset 0 of the types means none, and of the functions' data too.
	tablesAt := align(placeAll(x.readOnly, textLen+16), 16)
	maskAt := align(tablesAt+functions.size(textEnd), 8)
	dataLen := align(placeAll(x.data, 0), 8*8)
	maskLen := dataLen / 8 / 8
	dataAt := align(maskAt+maskLen, page)
	noptrAt := dataAt + dataLen
	for _, s := range x.data {
		s.addr += uintptr(dataAt)
	}
	slotsAt := align(placeAll(x.noptr, noptrAt), 8)
	end := slotsAt + 8*l.slotCount()
	total := align(end, page)

	mem, err := l.region.take(total)
	if err != nil {
		return nil, err
	}
	base := uintptr(unsafe.Pointer(&mem[0]))
	fillGaps(mem[:textLen])
	for _, s := range l.all {
		at := int(s.addr)
		s.addr += base
		s.data = mem[at : at+s.size : at+s.size]
		copy(s.data, s.o.Data(s.i))
	}
	text, _ := cellText()
	m := &module{cellModule: cellModule{
		Path: path,
		Text: text, Minpc: base, Maxpc: base + uintptr(textEnd), Etext: base + uintptr(textEnd),
		Types: base + uintptr(textLen), Etypes: base + uintptr(dataAt),
		Rodata: base + uintptr(textLen), Gofunc: base + uintptr(textLen),
		Epclntab: base + uintptr(dataAt),
		Data:     base + uintptr(dataAt), Edata: base + uintptr(noptrAt),
		Noptrdata: base + uintptr(noptrAt), Enoptrdata: base + uintptr(end), End: base + uintptr(total),
		Datamask: mem[maskAt : maskAt+maskLen : maskAt+maskLen],
	}}
	cellSetPending(m.Types, m.Etypes)
	defer cellSetPending(0, 0)
	r := &relocator{
		link:    l,
		m:       m,
		slots:   slots{mem: mem, next: slotsAt, end: end},
		veneers: slots{mem: mem, next: veneers, end: textLen},
	}
	if err := r.all(); err != nil {
		return nil, err
	}
	m.collectTypes(x.readOnly)
	if r.useTypesOfReflect(x.readOnly) {
		// Some types exist already: write all references again.
		r.useTablesOfReflect(x.readOnly)
		r.slots.reset(slotsAt)
		r.veneers.reset(veneers)
		if err := r.all(); err != nil {
			return nil, err
		}
	}
	m.finish(x.readOnly)
	defer func() {
		// As late as possible: goroutines may meanwhile have made types that the cell has.
		if err == nil && r.newTypesOfReflect() {
			made = nil
		}
	}()
	for _, s := range x.data {
		l.markPointers(s, m)
	}
	if err := functions.write(m, mem[tablesAt:maskAt]); err != nil {
		return nil, err
	}
	if err := publishCode(mem[:textLen]); err != nil {
		return nil, fmt.Errorf("make a cell's code executable: %w", err)
	}
	if err := syscall.Mprotect(mem[textLen:dataAt], syscall.PROT_READ); err != nil {
		return nil, fmt.Errorf("protect a cell's constants: %w", err)
	}
	return m, nil
}

// slots are words that a link fills one after the other.
type slots struct {
	mem       []byte
	next, end int
	made      map[uintptr]uintptr // value → where it stands
}

// reset forgets all slots.
func (s *slots) reset(next int) { s.next, s.made = next, nil }

// of returns the address of a slot that holds a value.
func (s *slots) of(v uintptr) (uintptr, error) {
	if at := s.made[v]; at != 0 {
		return at, nil
	}
	if s.next+8 > s.end {
		return 0, errors.New("more slots are needed than were counted")
	}
	binary.LittleEndian.PutUint64(s.mem[s.next:], uint64(v))
	at := uintptr(unsafe.Pointer(&s.mem[s.next]))
	s.next += 8
	if s.made == nil {
		s.made = map[uintptr]uintptr{}
	}
	s.made[v] = at
	return at, nil
}

// markPointers notes for the garbage collector which words of a variable are pointers.
func (l *link) markPointers(s *symbol, m *module) {
	for _, a := range s.o.Auxs(s.i) {
		if t := l.gotype(s, a); t != 0 {
			n, mask := cellTypeMask(pointer(t))
			first := int(s.addr-m.Data) / 8
			for i := range int(n / 8) {
				if *(*byte)(unsafe.Add(unsafe.Pointer(mask), i/8))>>(i%8)&1 != 0 {
					m.Datamask[(first+i)/8] |= 1 << ((first + i) % 8)
				}
			}
		}
	}
}
