//go:build !linux

package toolchain

// limit returns "": the limits of this system are unknown.
func limit(error) string { return "" }
