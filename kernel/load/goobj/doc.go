// Package goobj reads the object files of the Go compiler. Its other files are those of cmd/internal/goobj in
// the Go installation at hand, which package kernel/toolchain adds when it builds the host, so that the
// reader always fits the compiler.
package goobj
