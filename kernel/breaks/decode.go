//go:build amd64

//lint:file-ignore U1000 places.go uses it, in hosts that link cells into their memory

package breaks

import (
	"strings"
	"unsafe"

	"golang.org/x/arch/x86/x86asm"
)

// An instr is what the analysis needs to know about an instruction.
type instr struct {
	pc, end uintptr
	to      uintptr // of a direct jump or call
	op      x86asm.Op
	jump    bool  // direct
	cond    bool  // … that may fall through
	ends    bool  // nothing falls through
	table   bool  // an indirect jump
	block   bool  // loops that copy or clear memory consist of these
	wide    bool  // moves 16 bytes
	writes  bool  // memory that others see
	slot    int64 // displacement from SP where a MOV writes one byte, or -1
	value   int64 // what it writes, -1 if that is in a register
}

// memory returns the byte at an address of the program's code.
func memory(pc uintptr) *byte { return (*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&pc))) }

// decode reads a function. It returns nil when it does not know an instruction.
func decode(entry, end uintptr) []instr {
	code := unsafe.Slice(memory(entry), end-entry)
	list := make([]instr, 0, len(code)/4)
	for off := 0; off < len(code); {
		x := instr{pc: entry + uintptr(off), slot: -1}
		size := vexLength(code[off:]) // x86asm gives VZEROUPPER a wrong length
		switch {
		case size > 0:
			x.writes = true
		case code[off] == 0xcc: // between functions
			size, x.ends = 1, true
		default:
			in, err := x86asm.Decode(code[off:], 64)
			if err != nil {
				return nil
			}
			size = in.Len
			x.classify(&in)
			if x.to == 1 { // relative
				x.to = x.pc + uintptr(size) + uintptr(in.Args[0].(x86asm.Rel))
			}
		}
		x.end = x.pc + uintptr(size)
		list = append(list, x)
		off += size
	}
	return list
}

func (x *instr) classify(in *x86asm.Inst) {
	x.op = in.Op
	if _, ok := in.Args[0].(x86asm.Rel); ok {
		x.to = 1
		x.jump = in.Op != x86asm.CALL
		x.cond = x.jump && in.Op != x86asm.JMP
	} else if in.Op == x86asm.JMP {
		x.table = true
	}
	switch in.Op {
	case x86asm.JMP, x86asm.RET, x86asm.UD2, x86asm.INT:
		x.ends = true
	}
	switch in.Op {
	case x86asm.MOVUPS:
		x.wide, x.block = true, true
	case x86asm.ADD, x86asm.SUB, x86asm.LEA, x86asm.CMP, x86asm.DEC, x86asm.INC:
		x.block = true
	}
	m, toMemory := in.Args[0].(x86asm.Mem)
	switch in.Op {
	case x86asm.CMP,
		x86asm.TEST,
		x86asm.NOP,
		x86asm.UCOMISD,
		x86asm.UCOMISS,
		x86asm.JMP,
		x86asm.PREFETCHT0,
		x86asm.PREFETCHNTA:
	case x86asm.CALL:
		x.writes = true
	case x86asm.XCHG:
		x.writes = toMemory
		if m, ok := in.Args[1].(x86asm.Mem); ok {
			x.writes = x.writes || m.Base != x86asm.RSP
		}
	default:
		x.writes = toMemory && m.Base != x86asm.RSP
	}
	for _, prefix := range in.Prefix {
		switch b := prefix & 0xff; {
		case b == 0xf0: // LOCK
			x.writes = true
		case b == 0xf3 || b == 0xf2: // REP
			name := in.Op.String()
			x.writes = x.writes || strings.HasPrefix(name, "MOVS") && len(name) == 5 || strings.HasPrefix(name, "STOS")
		}
	}
	if in.Op == x86asm.MOV && in.MemBytes == 1 && toMemory && m.Base == x86asm.RSP && m.Index == 0 {
		x.slot, x.value = m.Disp, -1
		if v, ok := in.Args[1].(x86asm.Imm); ok {
			x.value = int64(v)
		}
	}
}

// vexLength is the length of an instruction with a VEX prefix, 0 if it has none. Layout: two or three bytes of
// prefix, one of operation, then ModRM, SIB, displacement and immediate as in other instructions.
func vexLength(b []byte) int {
	n, opcodes := 0, byte(1)
	switch {
	case len(b) > 4 && b[0] == 0xc5:
		n = 2
	case len(b) > 5 && b[0] == 0xc4:
		n, opcodes = 3, b[1]&31
	default:
		return 0
	}
	op := b[n]
	if opcodes == 1 && op == 0x77 { // VZEROUPPER has no operands
		return n + 1
	}
	modRM := b[n+1]
	n += 2
	mode, register := modRM>>6, modRM&7
	if mode != 3 {
		base := register
		if register == 4 {
			if n >= len(b) {
				return 0
			}
			base = b[n] & 7
			n++
		}
		switch {
		case mode == 1:
			n++
		case mode == 2, mode == 0 && base == 5:
			n += 4
		}
	}
	if opcodes == 3 || opcodes == 1 && (op >= 0x70 && op <= 0x73 || op == 0xc2 || op >= 0xc4 && op <= 0xc6) {
		// an immediate
		n++
	}
	if n > len(b) {
		return 0
	}
	return n
}
