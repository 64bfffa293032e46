#!/usr/bin/env bash
# golang.org/x/arch v0.33.0, x86asm: the length of VZEROUPPER depends on the instruction behind it.
#
# Guess:      VZEROUPPER is c5 f8 77, has no operands, and is decoded with a length of 3, as other instructions that x86asm knows.
# Behaviour:  the operation is right and the error nil, but the next byte is taken for a ModRM byte that the instruction does not have, with the
#             displacement that this asks for. So the length is 4, 5 or 8, and the instruction behind it is swallowed in part: a reader of a function goes on
#             in the middle of it. VZEROALL, the same opcode with another bit, likewise.
# Why it shows: compilers and assembly put VZEROUPPER before the last instructions of functions with AVX code, as in internal/bytealg of Go. A list of
#             instructions is wrong from there on, while most jumps of the function still lead to an instruction.
# So:         give c5 f8 77 and c5 fc 77 their length yourself, and check that decoding ends where the function does.
#
# Needs: go (it fetches the toolchain and the module named below).
set -euo pipefail
export GOTOOLCHAIN=go1.26.8 GOFLAGS=-mod=mod GOWORK=off

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
printf 'module finding\n\ngo 1.26\n' >go.mod
cat >main.go <<'GO'
package main

import (
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

func main() {
	for _, behind := range []struct {
		name string
		code []byte
	}{
		{"RET", []byte{0xc3}},
		{"MOVQ R12, (R8)", []byte{0x4d, 0x89, 0x20}},
		{"MOVL $1, AX", []byte{0xb8, 1, 0, 0, 0}},
		{"NOP", []byte{0x90}},
	} {
		code := append([]byte{0xc5, 0xf8, 0x77}, behind.code...)
		code = append(code, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90)
		in, err := x86asm.Decode(code, 64)
		fmt.Printf("before %s: %v, %d bytes, error %v\n", behind.name, in.Op, in.Len, err)
	}
	all, err := x86asm.Decode([]byte{0xc5, 0xfc, 0x77, 0x4d, 0x89, 0x20, 0x90, 0x90}, 64)
	fmt.Printf("VZEROALL before MOVQ: %v, %d bytes, error %v\n", all.Op, all.Len, err)
	avx, err := x86asm.Decode([]byte{0xc5, 0xed, 0x74, 0xd9, 0x90, 0x90}, 64)
	fmt.Printf("for comparison: %v, %d bytes, error %v\n", avx.Op, avx.Len, err)
}
GO
go get golang.org/x/arch@v0.33.0 2>/dev/null
go run . | tee seen
diff seen - <<'SEEN'
before RET: VZEROUPPER, 4 bytes, error <nil>
before MOVQ R12, (R8): VZEROUPPER, 5 bytes, error <nil>
before MOVL $1, AX: VZEROUPPER, 8 bytes, error <nil>
before NOP: VZEROUPPER, 8 bytes, error <nil>
VZEROALL before MOVQ: VZEROALL, 5 bytes, error <nil>
for comparison: VPCMPEQB, 4 bytes, error <nil>
SEEN
