package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	"interleave/kernel/engine/stack"
	"interleave/kernel/session"
	"interleave/kernel/toolchain/patched"
)

// stdin is the standard input of cells: lines that the user is asked for. What is left of a line stays for
// later reads of the same cell, and ends with it.
type stdin struct {
	turn chan struct{} // holds a token while no read waits for the user

	mu   sync.Mutex
	cell uint64 // whose input it is
	rest []byte // of a line that was read in part
	end  bool   // the user has ended the input behind rest
}

// endOfInput is what front ends send for Ctrl-D. Those that have a mere field for a line cannot, so that a line of
// endTyped has the same effect.
const (
	endOfInput = "\x04"
	endTyped   = "^D"
)

// noUser is the reason why there is no input, with remedies.
const noUser = "the front end that runs this cell cannot ask its user. Set the value in the cell, run the cell in " +
	"JupyterLab, or give a file with the input to interleave run --stdin"

// provideInput makes fmt.Scan and similar functions ask the user.
func provideInput(e *Engine) {
	e.stdin.turn = make(chan struct{}, 1)
	e.stdin.turn <- struct{}{}
	patched.HookReads(func(b []byte) (int, error) { return e.stdin.read(e, b) })
}

// read fills b with the user's input, a line at a time; 0 bytes are the end of the input, which the user has
// given. Several goroutines that read at once get lines in turn. Where there is no user to ask, the cell fails. A
// goroutine that waits for input when its cell is stopped ends.
func (s *stdin) read(e *Engine, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	t := current()
	r := e.reader(t)
	if r == nil {
		return 0, errors.New("no cell runs that could ask for input")
	}
	select {
	case <-s.turn:
	case <-r.ctx.Done():
		return 0, r.cutInput(e, t)
	}
	defer func() { s.turn <- struct{}{} }()
	if r.ctx.Err() != nil {
		return 0, r.cutInput(e, t)
	}
	if n, ok := s.take(r.id, b); ok {
		return n, nil
	}
	line, err := e.out.Input(r.ctx, "", false)
	switch {
	case err == nil:
		s.keep(r.id, line)
		n, _ := s.take(r.id, b)
		return n, nil
	case errors.Is(err, session.ErrNoStdin):
		return 0, r.refuseInput(e, t)
	}
	return 0, r.cutInput(e, t)
}

// reader returns the run that a goroutine with the tag t reads for: a goroutine without one reads for the running
// cell. It returns nil if there is no such run.
func (e *Engine) reader(t *tag) *run {
	if t != nil {
		return t.run
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.running
}

// take reads what is left of the cell's last line. ok is false if there is nothing.
func (s *stdin) take(cell uint64, b []byte) (n int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cell != cell:
		return 0, false
	case len(s.rest) > 0:
		n = copy(b, s.rest)
		s.rest = s.rest[n:]
		return n, true
	case s.end:
		s.end = false
		return 0, true
	}
	return 0, false
}

// keep stores what the user has typed.
func (s *stdin) keep(cell uint64, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cell = cell
	if text, ok := ended(line); ok {
		s.rest, s.end = []byte(text), true
		return
	}
	s.rest, s.end = []byte(line+"\n"), false
}

// ended reports whether the user has ended the input with what they typed, and returns the text before the end.
func ended(typed string) (before string, ok bool) {
	if typed == endTyped {
		return "", true
	}
	return strings.CutSuffix(typed, endOfInput)
}

// drop forgets what the cell has not read.
func (s *stdin) drop() (rest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest = strings.TrimSpace(string(s.rest))
	s.rest, s.end = nil, false
	return rest
}

// unread forgets what is left of the cell's input, with a note: the next cell asks anew.
func (x *execution) unread() {
	rest := x.e.stdin.drop()
	if r := []rune(rest); len(r) > 40 {
		rest = string(r[:39]) + "…"
	}
	if rest != "" && x.done.OK {
		x.notes([]string{fmt.Sprintf("the cell has not read %q at the end of its input; later cells ask anew", rest)})
	}
}

// refuseInput fails the run, because there is no user to ask, and ends the calling goroutine with its deferred
// calls. Where it must not end, the read fails.
func (r *run) refuseInput(e *Engine, t *tag) error {
	place, frames := r.inputPlace()
	err := fmt.Errorf("%s reads standard input, and %s", place, noUser)
	if t == nil || t.guest != nil || t.unwinding || r.replied.Load() {
		return err
	}
	r.fail(&failure{name: session.FailureInput, value: err.Error(), frames: frames})
	r.leave(t)
	runtime.Goexit()
	return nil
}

// cutInput is called when the context of the run has ended during a read. If the run is being stopped, the calling
// goroutine ends, so that the code behind the read does not see an end of the input that the user has not given.
// Otherwise the read fails.
func (r *run) cutInput(e *Engine, t *tag) error {
	if t != nil && !t.unwinding && t.guest == nil {
		<-r.released
		if r.stopping.Load() && !r.replied.Load() {
			r.leave(t)
			runtime.Goexit()
		}
	}
	if r.replied.Load() {
		err := fmt.Errorf("a goroutine reads standard input when its cell[%d] has ended, so there is no request that could "+
			"be answered. Read it in the cell, and hand it to the goroutine", r.n)
		e.noteOnce(err.Error())
		return err
	}
	return context.Cause(r.ctx)
}

// inputPlace returns where in a cell the calling goroutine reads.
func (r *run) inputPlace() (place string, frames []stack.Frame) {
	frames = r.renumber(r.callerFrames(2))
	for _, f := range frames {
		if f.Cell != 0 {
			return fmt.Sprintf("cell[%d]:%d", f.Cell, f.Line), frames
		}
	}
	return fmt.Sprintf("cell[%d]", r.n), frames
}

// ask is display.Input. A user who ends the input gets it io.EOF.
func (e *Engine) ask(ctx context.Context, prompt string, password bool) (string, error) {
	line, err := e.out.Input(ctx, prompt, password)
	if errors.Is(err, session.ErrNoStdin) {
		place := "the cell"
		if t := current(); t != nil {
			place, _ = t.run.inputPlace()
		}
		return "", fmt.Errorf("%s asks for input, and %s", place, noUser)
	}
	text, end := strings.CutSuffix(line, endOfInput)
	if err == nil && (end && text == "" || line == endTyped && !password) {
		return "", io.EOF
	}
	return text, err
}
