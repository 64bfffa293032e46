#include "textflag.h"

// func self() uintptr
TEXT ·self(SB), NOSPLIT, $0-8
	MOVD g, R0 // the runtime's descriptor of this goroutine
	MOVD R0, ret+0(FP)
	RET
