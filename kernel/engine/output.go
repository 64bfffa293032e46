package engine

import (
	"interleave/kernel/session"
	"interleave/kernel/toolchain/writes"
)

// captureOutput lets the engine see which goroutine writes to standard output and error, if the standard
// library is patched: text that a goroutine writes after its cell has ended goes to that cell, and text that
// one goroutine writes to both streams keeps its order. Output of processes that a cell starts comes after
// everything that was written before they started.
func captureOutput(e *Engine) {
	writes.Hook(func(fd int, b []byte) (int, error, bool) {
		stream := session.Stdout
		if fd == 2 {
			stream = session.Stderr
		}
		if t := current(); t != nil && (t.run.beside || t.run.replied.Load()) {
			e.out.Output(t.run.id, stream, b)
			return len(b), nil, true
		}
		if e.out == nil {
			return 0, nil, false
		}
		return e.out.Write(stream, b, writes.Moves())
	})
	writes.HookFork(func() {
		if e.out != nil {
			e.out.Fence()
		}
	})
}
