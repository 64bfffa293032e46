package engine

import (
	"context"
	"sync"

	"interleave/kernel/session"
	"interleave/kernel/toolchain/patched"
)

// stdin is the standard input of cells: lines that the user is asked for.
type stdin struct {
	mu    sync.Mutex
	rest  []byte // the rest of a line that was read in part
	noted uint64 // the cell that got the note that there is no input
}

// provideInput makes fmt.Scan and similar functions ask the user.
func provideInput(e *Engine) {
	patched.HookReads(func(b []byte) (int, error) { return e.stdin.read(e, b), nil })
}

// read fills b with the user's input, one line at a time. Without a user, and when the cell is interrupted,
// the input ends.
func (s *stdin) read(e *Engine, b []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(b) == 0 {
		return 0
	}
	if len(s.rest) == 0 {
		ctx := context.Background()
		t := current()
		if t != nil {
			ctx = t.run.ctx
		}
		line, err := e.out.Input(ctx, "", false)
		if err != nil {
			if t != nil && ctx.Err() == nil && s.noted != t.run.id {
				s.noted = t.run.id
				e.out.Output(t.run.id, session.Stderr,
					[]byte(bold+"note: "+reset+"standard input is empty: "+err.Error()+
						". Ask for input with display.Input(ctx, prompt)\n"))
			}
			return 0
		}
		s.rest = []byte(line + "\n")
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n
}
