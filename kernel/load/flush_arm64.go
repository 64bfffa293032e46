//go:build interleave_memory

package load

import "unsafe"

// flushCode makes the instructions in n bytes from start those that the processor executes.
//
//go:noescape
func flushCode(start unsafe.Pointer, n int)

func addressOf(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }
