//go:build !linux

package pack

// Huge does nothing: only Linux is asked for large pages.
func Huge([]byte) {}
