//go:build interleave_memory

package load

// cmd/link keeps all that cells may need in a program that has both of these. Of the second, hosts without cgo have what is Go; see
// package kernel/toolchain.
import (
	_ "plugin"
	_ "runtime/cgo"
)
