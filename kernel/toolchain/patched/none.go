//go:build !(interleave_host && unix)

package patched

import "flag"

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
