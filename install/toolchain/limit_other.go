//go:build !linux

package toolchain

// addressLimit is empty: the system does not say.
func addressLimit() string { return "" }
