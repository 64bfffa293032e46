//go:build interleave_host && unix

package patched

import _ "unsafe" // for linkname

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
