//go:build interleave_memory

#include "textflag.h"

// func flushCode(start unsafe.Pointer, n int)
//
// The steps are those that the architecture prescribes for code that a program writes: clean the data cache to where instructions are
// fetched from, wait, invalidate the instruction cache, wait. 16 bytes is the smallest line that a cache can have.
TEXT ·flushCode(SB), NOSPLIT, $0-16
	MOVD	start+0(FP), R0
	MOVD	n+8(FP), R1
	ADD	R0, R1, R1
	MOVD	R0, R2
clean:
	WORD	$0xd50b7b22	// DC CVAU, X2
	ADD	$16, R2, R2
	CMP	R1, R2
	BLO	clean
	DSB	$0xb
	MOVD	R0, R2
invalidate:
	WORD	$0xd50b7522	// IC IVAU, X2
	ADD	$16, R2, R2
	CMP	R1, R2
	BLO	invalidate
	DSB	$0xb
	ISB	$0xf
	RET
