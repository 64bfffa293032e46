//go:build interleave_memory

package goobj

import "bufio"

// A bioWriter stands for the type of another internal package. Nothing here writes object files, but the
// reader's file can.
type bioWriter struct{ *bufio.Writer }

func (*bioWriter) Offset() int64             { panic("goobj: object files are only read here") }
func (*bioWriter) MustSeek(int64, int) int64 { panic("goobj: object files are only read here") }
