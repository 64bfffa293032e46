//go:build interleave_host

package engine

import "unsafe" // also for linkname

// Functions of the patched standard library; kernel/toolchain/stdfiles implements them.

//go:linkname cellTag runtime.cellTag
func cellTag() unsafe.Pointer

//go:linkname setCellTag runtime.setCellTag
func setCellTag(tag unsafe.Pointer, at uintptr)

//go:linkname cellAt runtime.cellAt
func cellAt() uintptr

//go:linkname setCellGoHook runtime.setCellGoHook
func setCellGoHook(f func())

//go:linkname cellGoroutines runtime.cellGoroutines
func cellGoroutines(visit func(g unsafe.Pointer, id uint64, tag unsafe.Pointer, state string, busy bool,
	start, at uintptr))

//go:linkname cellCalls runtime.cellCalls
func cellCalls(visit func(tag unsafe.Pointer, call uint64))

//go:linkname cellStacks runtime.cellStacks
func cellStacks(buf []byte, gs []unsafe.Pointer, ids []uint64) int

//go:linkname cellWaiters runtime.cellWaiters
func cellWaiters(ch unsafe.Pointer, send bool, gs []unsafe.Pointer, ids []uint64, tags []unsafe.Pointer,
	at []uintptr) (n, total int)

//go:linkname cellGoroutine runtime.cellGoroutine
func cellGoroutine() (g unsafe.Pointer, id uint64)

//go:linkname setCellOverflowHook runtime.setCellOverflowHook
func setCellOverflowHook(f func())

//go:linkname cellStackLimit runtime.cellStackLimit
func cellStackLimit(limit uintptr)

//go:linkname cellCutTop runtime.cellCutTop
func cellCutTop(top []uintptr) (n, depth int)

//go:linkname cellKill runtime.cellKill
func cellKill(g unsafe.Pointer, id uint64)

//go:linkname cellPanics runtime.cellPanics
func cellPanics(kept bool, visit func(value any, recovered, goexit bool))

//go:linkname setCellPanicHook runtime.setCellPanicHook
func setCellPanicHook(f func())

//go:linkname cellCallers runtime.cellCallers
func cellCallers(top, bottom []uintptr) (ntop, nbottom, depth int)

//go:linkname cellReap runtime.cellReap
func cellReap() int

//go:linkname setExitHook os.setExitHook
func setExitHook(f func(code int))

//go:linkname cellPanicking runtime.cellPanicking
func cellPanicking() bool
