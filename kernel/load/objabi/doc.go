// Package objabi has the names of relocations and kinds of symbols. Its other files are taken from
// cmd/internal/objabi in the Go installation at hand, which package kernel/toolchain adds when it builds the
// host.
package objabi
