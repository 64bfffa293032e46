//go:build interleave_host && (unix || windows)

package patched

import (
	"flag"
	"testing"
	_ "unsafe" // for linkname
)

//go:linkname nextCellRun runtime.nextCellRun
func nextCellRun()

// NextRun marks the beginning of a cell. Flags and HTTP patterns that earlier runs have registered may be
// registered again from now on.
func NextRun() { nextCellRun() }

//go:linkname setReadHook syscall.setReadHook
func setReadHook(f func(b []byte) (n int, err error))

// HookReads makes f serve every read of standard input, in the goroutine that reads. It returns 0 bytes at
// the end of the input.
func HookReads(f func(b []byte) (n int, err error)) { setReadHook(f) }

//go:linkname cellBegin testing.cellBegin
func cellBegin(set *flag.FlagSet, file func(string) string)

//go:linkname cellEnd testing.cellEnd
func cellEnd()

// BeginTests sets package testing up as in a new process, with its flags in set; file maps the names of files in
// messages of tests. EndTests must follow.
func BeginTests(set *flag.FlagSet, file func(string) string) { cellBegin(set, file) }

// EndTests ends what BeginTests has begun. What package testing defines next defines its flags anew.
func EndTests() { cellEnd() }

//go:linkname cellForget testing.cellForget
func cellForget()

// ForgetTestFlags makes testing.Init define its flags again, in a new flag.CommandLine.
func ForgetTestFlags() { cellForget() }

//go:linkname cellRounds testing.cellRounds
func cellRounds(b *testing.B, n int)

//go:linkname cellRoundsDone testing.cellRoundsDone
func cellRoundsDone(b *testing.B) bool

// Rounds makes the next loop over b.Loop have n rounds. It measures nothing. RoundsDone reports whether that loop
// has come to its end.
func Rounds(b *testing.B, n int) { cellRounds(b, n) }

// RoundsDone is described with Rounds.
func RoundsDone(b *testing.B) bool { return cellRoundsDone(b) }
