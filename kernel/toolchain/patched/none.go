//go:build !(interleave_host && (unix || windows))

package patched

import (
	"flag"
	"testing"
)

// NextRun does nothing: the standard library is not patched here.
func NextRun() {}

// HookReads does nothing: the standard library is not patched here.
func HookReads(func(b []byte) (n int, err error)) {}

// BeginTests does nothing: the standard library is not patched here.
func BeginTests(*flag.FlagSet, func(string) string) {}

// EndTests does nothing: the standard library is not patched here.
func EndTests() {}

// ForgetTestFlags does nothing: the standard library is not patched here.
func ForgetTestFlags() {}

// Rounds does nothing: the standard library is not patched here.
func Rounds(*testing.B, int) {}

// RoundsDone reports true: the standard library is not patched here.
func RoundsDone(*testing.B) bool { return true }
