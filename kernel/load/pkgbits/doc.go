// Package pkgbits reads the bits of which the Go compiler makes its export data. Its other files are those of
// internal/pkgbits in the Go installation at hand, which package kernel/toolchain adds when it builds the
// host, so that the reader always fits the compiler.
package pkgbits
