package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// A PanicError is a panic in a function that lab ran.
type PanicError struct {
	Value any    // what panic was called with
	Stack []byte // the goroutine that panicked, innermost call first
	Spawn string // file:line of the call that started the work
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("panic: %v (in work started at %s)", e.Value, e.Spawn)
}

// Unwrap returns the panic's value when that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Format writes the stack too when the verb is %+v.
func (e *PanicError) Format(s fmt.State, verb rune) {
	io.WriteString(s, e.Error())
	if verb == 'v' && s.Flag('+') {
		fmt.Fprintf(s, "\n\n%s", e.Stack)
	}
}

// ErrGoexit is the error of a function that ended its goroutine with [runtime.Goexit], as testing.T.FailNow does.
var ErrGoexit = errors.New("the function ended its goroutine with runtime.Goexit")

// abnormal turns what recover returned in a deferred call, after a function that did not return, into an error.
func abnormal(recovered any, from *site) error {
	if recovered == nil { // since Go 1.21 a panic's value is never nil
		return ErrGoexit
	}
	err := &PanicError{Value: recovered, Stack: panicStack(), Spawn: from.String()}
	reportPanic(err)
	return err
}

// panicStack is the current stack from the panicking call outward: without the deferred functions above it.
func panicStack() []byte {
	stack := debug.Stack()
	head, rest, _ := bytes.Cut(stack, []byte("\n"))
	for line := rest; len(line) > 0; {
		var name []byte
		name, line, _ = bytes.Cut(line, []byte("\n"))
		if bytes.HasPrefix(name, []byte("panic(")) {
			_, line, _ = bytes.Cut(line, []byte("\n"))
			return bytes.Join([][]byte{head, line}, []byte("\n"))
		}
	}
	return stack
}

// A site is the place in user code from which work was started. Taking it is cheap, its text is made when somebody asks.
type site struct {
	pcs [8]uintptr
	n   int
}

// here takes the current place, leaving out skip callers of here.
func here(skip int) (s site) {
	s.n = runtime.Callers(skip+2, s.pcs[:])
	return s
}

// beneath is the code that is never what a user wrote: this package, and an interpreter that calls it.
var beneath = []string{"interleave/runtime/lab.", "interleave/kernel/", "github.com/traefik/yaegi/", "reflect.", "runtime."}

// String is the file:line of the innermost frame that is the user's.
func (s *site) String() string {
	if s != nil && s.n > 0 {
		for frames := runtime.CallersFrames(s.pcs[:s.n]); ; {
			f, more := frames.Next()
			if f.Function != "" && !slices.ContainsFunc(beneath, func(prefix string) bool { return strings.HasPrefix(f.Function, prefix) }) {
				return fmt.Sprintf("%s:%d", f.File, f.Line)
			}
			if !more {
				break
			}
		}
	}
	return "a line that is not known"
}

// guard calls fn on this goroutine and returns a panic of it as an error.
func guard(from *site, fn func() error) (err error) {
	normal := false
	defer func() {
		if !normal {
			if r := recover(); r != nil {
				err = abnormal(r, from)
			} // else Goexit: this goroutine is the caller's own and goes on ending
		}
	}()
	err = fn()
	normal = true
	return err
}
