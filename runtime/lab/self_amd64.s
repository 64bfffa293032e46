#include "textflag.h"

// func self() uintptr
TEXT ·self(SB), NOSPLIT, $0-8
	MOVQ (TLS), AX // the runtime's descriptor of this goroutine
	MOVQ AX, ret+0(FP)
	RET
