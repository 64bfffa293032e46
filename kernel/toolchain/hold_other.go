//go:build !unix

package toolchain

// Hold does nothing: files that are open cannot be removed here.
func Hold(string) {}

// Held reports that no process is known to hold the directory.
func Held(string) bool { return false }
