package engine

import (
	"fmt"

	"interleave/kernel/session"
)

// exit is called by os.Exit before the process ends. In a program nothing runs after it, not even deferred
// calls. Here only the cell ends, so the calling goroutine blocks for ever: it costs its stack and belongs to
// no run any longer. The cell's other goroutines are stopped. Goroutines that belong to no cell end the
// process as usual.
func (e *Engine) exit(code int) {
	t := current()
	if t == nil {
		return
	}
	r := t.run
	f := &failure{name: session.FailureExit, value: fmt.Sprintf("os.Exit(%d)", code), frames: r.renumber(r.callerFrames(1)), exitedZero: code == 0}
	r.fail(f)
	r.gaveUp.Do(func() { close(r.exited) })
	if g := t.guest; g != nil { // its caller leaves, too
		g.err = errExited
		untag()
		close(g.done)
		select {}
	}
	leave()
}

// leave never returns.
func leave() {
	untag()
	select {}
}
