//go:build interleave_memory

package load

import (
	"debug/elf"
	"syscall"

	"interleave/kernel/load/objabi"
)

const (
	textAlign  = 32
	pcQuantum  = 1
	callKind   = objabi.R_CALL
	callOpcode = 1 // bytes of a call before the displacement
)

// Cells lie above 1.25 GB: below is the program, and above that the C library's heap, which begins up to 1 GB
// behind it. From there displacements of 32 bits reach the program.
const regionSize = 512 << 20

func regionStarts() (starts []uintptr) {
	for at := uintptr(0x5000_0000); at+regionSize < near; at += 0x0100_0000 {
		starts = append(starts, at)
	}
	return starts
}

// near is where memory begins that displacements from the region may not reach.
const near = 0x7fff_ffff

func isTLS(k objabi.RelocType) bool { return k == objabi.R_TLS_LE || k == objabi.R_TLS_IE }

// tlsOffset is where the runtime keeps the running goroutine, from the thread pointer: at the end of the
// program's thread-local storage, or, in a program without such storage, in the word before the thread
// pointer.
func tlsOffset(f *elf.File, syms []elf.Symbol) int64 {
	for _, p := range f.Progs {
		if p.Type != elf.PT_TLS {
			continue
		}
		for _, s := range syms {
			if s.Name == "runtime.tlsg" {
				return int64(s.Value) - int64((p.Memsz+p.Align-1)&^(p.Align-1))
			}
		}
	}
	return -8
}

// slotCount is how many slots the link's references may need.
func (l *link) slotCount() (n int) {
	for _, s := range l.all {
		for _, r := range s.o.Relocs(s.i) {
			switch objabi.RelocType(r.Type()) {
			case objabi.R_GOTPCREL, objabi.R_TLS_IE:
				n++
			case objabi.R_PCREL:
				if s.kind.IsText() && l.mayBeFar(l.resolve(s.o, r.Sym())) {
					n++
				}
			}
		}
	}
	return n
}

// instruction completes a reference from code.
func (r *relocator) instruction(ref *reference) (err error) {
	to := ref.to
	switch ref.kind {
	case objabi.R_CALL:
	case objabi.R_PCREL:
		if to > near {
			return r.bySlot(ref)
		}
	case objabi.R_GOTPCREL:
		to, err = r.slots.of(to)
	case objabi.R_TLS_LE:
		return ref.put(r.index.TLS + ref.add)
	case objabi.R_TLS_IE:
		to, err = r.slots.of(uintptr(r.index.TLS))
	default:
		return ref.unknown()
	}
	if err != nil {
		return err
	}
	// displacements count from the end of the instruction
	return ref.put(int64(to) + ref.add - int64(ref.at) - int64(ref.size))
}

// bySlot rewrites an instruction whose target is out of reach, so that it reads the address from a slot. Two
// instructions of the compiler name what can lie there, types and tables of interfaces: LEAQ table(SB), reg
// becomes MOVQ slot(SB), reg; and MOVL table+16(SB), reg, which loads the hash of a table's type, loads it
// from a copy.
func (r *relocator) bySlot(ref *reference) error {
	code, i := ref.from, ref.off
	if i < 2 || code[i-1]&0xc7 != 5 { // the operand is not a displacement alone
		return ref.far()
	}
	const leaq, movl = 0x8d, 0x8b
	var at uintptr
	var err error
	switch {
	case code[i-2] == leaq && ref.add == 0:
		code[i-2] = movl
		at, err = r.slots.of(ref.to)
	case code[i-2] == movl && ref.add == tableHash:
		at, err = r.slots.of(uintptr(*(*uint32)(pointer(ref.to + tableHash))))
	default:
		return ref.far()
	}
	if err != nil {
		return err
	}
	return ref.put(int64(at) - int64(ref.at) - int64(ref.size))
}

// veneerBytes is the room for intermediate jumps of calls. amd64 needs no such jumps.
func (l *link) veneerBytes([]*symbol) int { return 0 }

// fillGaps fills the room between functions with an instruction that traps.
func fillGaps(text []byte) {
	const int3 = 0xcc
	for i := range text {
		text[i] = int3
	}
}

// publishCode makes code executable. amd64 notices by itself that instructions have changed.
func publishCode(text []byte) error {
	return syscall.Mprotect(text, syscall.PROT_READ|syscall.PROT_EXEC)
}
