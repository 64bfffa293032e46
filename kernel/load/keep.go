//go:build interleave_memory

package load

// cmd/link keeps everything that cells may need in a program that imports both of these. Hosts without cgo
// have only the Go part of the second; see package kernel/toolchain.
import (
	_ "plugin"
	_ "runtime/cgo"
)
