//go:build !interleave_host

package engine

import "unsafe"

// Without the patched standard library no cell runs, and goroutines of cells cannot be distinguished from
// others.

func cellTag() unsafe.Pointer { return nil }

func setCellTag(tag unsafe.Pointer, at uintptr) {}

func cellAt() uintptr { return 0 }

func setCellGoHook(f func()) {}

func cellGoroutines(func(g unsafe.Pointer, id uint64, tag unsafe.Pointer, state string, busy bool, start, at uintptr)) {
}

func cellCalls(visit func(tag unsafe.Pointer, call uint64)) {}

func cellStacks(buf []byte, gs []unsafe.Pointer, ids []uint64) int { return 0 }

func cellWaiters(ch unsafe.Pointer, send bool, gs []unsafe.Pointer, ids []uint64, tags []unsafe.Pointer,
	at []uintptr) (n, total int) {
	return 0, 0
}

func cellGoroutine() (g unsafe.Pointer, id uint64) { return nil, 0 }

func setCellOverflowHook(f func()) {}

func cellStackLimit(limit uintptr) {}

func cellCutTop(top []uintptr) (n, depth int) { return 0, 0 }

func cellKill(g unsafe.Pointer, id uint64) {}

func cellPanics(kept bool, visit func(value any, recovered, goexit bool)) {}

func setCellPanicHook(f func()) {}

func cellCallers(top, bottom []uintptr) (ntop, nbottom, depth int) { return 0, 0, 0 }

func cellReap() int { return 0 }

func setExitHook(f func(code int)) {}

func cellPanicking() bool { return false }
