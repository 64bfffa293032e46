//go:build interleave_memory

package load

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"syscall"

	"interleave/kernel/load/objabi"
)

const (
	textAlign  = 16
	pcQuantum  = 4
	callKind   = objabi.R_CALLARM64
	callOpcode = 0 // the displacement is in the call itself
)

// Cells lie behind the program, from where its code is mostly within reach of a call, and always of an
// address made of two instructions.
const regionSize = 512 << 20

func regionStarts() (starts []uintptr) {
	for at := uintptr(0x0600_0000); at < 0x4000_0000; at += 0x0200_0000 {
		starts = append(starts, at)
	}
	return starts
}

// near is where memory begins that an address made of two instructions may not reach from the region.
const near = 0x1_0000_0000

func isTLS(k objabi.RelocType) bool { return k == objabi.R_ARM64_TLS_LE || k == objabi.R_ARM64_TLS_IE }

// tlsOffset is where the runtime keeps the running goroutine, from the thread pointer: behind two words of
// the C library's.
func tlsOffset(_ *elf.File, syms []elf.Symbol) int64 {
	for _, s := range syms {
		if s.Name == "runtime.tls_g" || s.Name == "runtime.tlsg" {
			if elf.ST_TYPE(s.Info) == elf.STT_TLS {
				return int64(s.Value) + 16
			}
		}
	}
	return 16
}

// slotCount is how many slots the link's references may need.
func (l *link) slotCount() (n int) {
	for _, s := range l.all {
		for _, r := range s.o.Relocs(s.i) {
			switch objabi.RelocType(r.Type()) {
			case objabi.R_ARM64_GOTPCREL:
				n++
			case objabi.R_ADDRARM64, objabi.R_ARM64_PCREL_LDST32:
				if s.kind.IsText() && l.mayBeFar(l.resolve(s.o, r.Sym())) {
					n++
				}
			}
		}
	}
	return n
}

const callReach = 1 << 27

// veneerBytes is the room for jumps through a register. A call that does not reach its target calls such a
// jump.
func (l *link) veneerBytes(text []*symbol) (n int) {
	for _, s := range text {
		for _, r := range s.o.Relocs(s.i) {
			if objabi.RelocType(r.Type()) != objabi.R_CALLARM64 {
				continue
			}
			if t := l.resolve(s.o, r.Sym()); t.sym == nil && l.region.next+64<<20 > t.addr+callReach {
				n += veneerSize
			}
		}
	}
	return n
}

const veneerSize = 16

// instruction completes a reference from code.
func (r *relocator) instruction(ref *reference) error {
	le := binary.LittleEndian
	to := int64(ref.to) + ref.add
	switch ref.kind {
	case objabi.R_CALLARM64:
		d := to - int64(ref.at)
		if d >= callReach || d < -callReach {
			at, err := r.veneer(uintptr(to))
			if err != nil {
				return err
			}
			if d = int64(at) - int64(ref.at); d >= callReach || d < -callReach {
				return ref.far()
			}
		}
		le.PutUint32(ref.code, le.Uint32(ref.code)|uint32(d>>2)&0x03ff_ffff)
		return nil
	case objabi.R_ADDRARM64:
		if ref.to >= near {
			return r.bySlot(ref)
		}
		return ref.pair(to, 0)
	case objabi.R_ARM64_PCREL_LDST8:
		return ref.pair(to, 0)
	case objabi.R_ARM64_PCREL_LDST16:
		return ref.pair(to, 1)
	case objabi.R_ARM64_PCREL_LDST32:
		if ref.to >= near && ref.add == tableHash {
			at, err := r.slots.of(uintptr(*(*uint32)(pointer(ref.to + tableHash))))
			if err != nil {
				return err
			}
			return ref.pair(int64(at), 2)
		}
		return ref.pair(to, 2)
	case objabi.R_ARM64_PCREL_LDST64:
		return ref.pair(to, 3)
	case objabi.R_ARM64_GOTPCREL:
		at, err := r.slots.of(ref.to)
		if err != nil {
			return err
		}
		return ref.pair(int64(at), 3)
	case objabi.R_ARM64_TLS_LE:
		le.PutUint32(ref.code, le.Uint32(ref.code)|uint32(r.index.TLS)<<5)
		return nil
	}
	return ref.unknown()
}

// pair completes two instructions: ADRP, which makes the address of a page, and one that adds the rest or
// loads or stores there. The rest is counted in units of 1<<shift bytes.
func (ref *reference) pair(to int64, shift uint) error {
	le := binary.LittleEndian
	pages := to>>12 - int64(ref.at)>>12
	if pages >= 1<<20 || pages < -1<<20 {
		return ref.far()
	}
	if to&(1<<shift-1) != 0 {
		return fmt.Errorf("%s at %#x is not aligned for %v", ref.what, to, ref.kind)
	}
	le.PutUint32(ref.code, le.Uint32(ref.code)|uint32(pages&3)<<29|uint32(pages>>2&0x7ffff)<<5)
	le.PutUint32(ref.code[4:], le.Uint32(ref.code[4:])|uint32(to&0xfff>>shift)<<10)
	return nil
}

// bySlot rewrites the two instructions that compute an address, so that they load one that is out of reach
// from a slot: the second, ADD, becomes LDR.
func (r *relocator) bySlot(ref *reference) error {
	le := binary.LittleEndian
	second := le.Uint32(ref.code[4:])
	if second&0xffc0_0000 != 0x9100_0000 || ref.add != 0 {
		return ref.far()
	}
	at, err := r.slots.of(ref.to)
	if err != nil {
		return err
	}
	le.PutUint32(ref.code[4:], 0xf940_0000|second&0x3ff)
	return ref.pair(int64(at), 3)
}

// veneer writes a jump to an address: ADRP, ADD and BR by the register that calls may change.
func (r *relocator) veneer(to uintptr) (uintptr, error) {
	v := &r.veneers
	if at := v.made[to]; at != 0 {
		return at, nil
	}
	if v.next+veneerSize > v.end {
		return 0, fmt.Errorf("more veneers are needed than were counted")
	}
	at := uintptr(addressOf(v.mem)) + uintptr(v.next)
	code := v.mem[v.next : v.next+veneerSize]
	binary.LittleEndian.PutUint32(code, 0x9000_0010)     // ADRP x16
	binary.LittleEndian.PutUint32(code[4:], 0x9100_0210) // ADD x16, x16
	binary.LittleEndian.PutUint32(code[8:], 0xd61f_0200) // BR x16
	ref := &reference{code: code, at: at, to: to, kind: objabi.R_ADDRARM64}
	if err := ref.pair(int64(to), 0); err != nil {
		return 0, err
	}
	v.next += veneerSize
	if v.made == nil {
		v.made = map[uintptr]uintptr{}
	}
	v.made[to] = at
	return at, nil
}

// fillGaps fills the room between functions with zeroes, which are instructions that trap.
func fillGaps([]byte) {}

// publishCode makes code executable and flushes the processor's instruction cache for it.
func publishCode(text []byte) error {
	flushCode(addressOf(text), len(text))
	return syscall.Mprotect(text, syscall.PROT_READ|syscall.PROT_EXEC)
}
