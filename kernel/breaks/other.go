//go:build !interleave_memory || !linux || !amd64

package breaks

import "errors"

// Available reports whether this program can stop code by breakpoints.
func Available() bool { return false }

// Code describes the code of a module.
type Code struct {
	Loops int
	Loose [][]string
}

// Read is never called where Available is false.
func Read(pc uintptr) *Code { return nil }

// Add is never called where Available is false.
func Add(c *Code) {}

// Up is never called where Available is false.
func Up() {}

// Down is never called where Available is false.
func Down() {}

// OnLeave is never called where Available is false.
func OnLeave(f func()) {}

// A Jump redirects calls of a function.
type Jump struct{ From, To uintptr }

// CanJump is never called where Available is false.
func CanJump(entry uintptr) bool { return false }

// Redirect is never called where Available is false.
func Redirect(jumps []Jump) error { return errors.ErrUnsupported }
