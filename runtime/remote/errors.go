package remote

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"interleave/runtime/quantity"
)

// An Error reports that a worker ended while it called a function, or before it began.
type Error struct {
	Worker string // its name
	Pid    int
	Func   string         // the function that it called, such as "slow (cell[3]:2)", or empty
	Code   int            // the exit status, or -1 after a signal
	Signal syscall.Signal // that ended it, or 0
	Output string         // the last that it wrote, at most 4 KB, or its report of a crash
	Cause  error          // why this program has ended it, or nil
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (pid %d) ", e.Worker, e.Pid)
	switch {
	case e.Cause != nil:
		fmt.Fprintf(&b, "was ended%s", withColon(e.Cause))
	case e.Signal != 0:
		fmt.Fprintf(&b, "was ended by signal %d (%v)", int(e.Signal), e.Signal)
	default:
		fmt.Fprintf(&b, "ended with status %d", e.Code)
	}
	if e.Func != "" {
		fmt.Fprintf(&b, " while it ran %s", e.Func)
	}
	switch out := strings.TrimSpace(e.Output); {
	case e.Code == crashStatus && e.Reason() != "":
		fmt.Fprintf(&b, ": %s", e.Reason())
		if place := e.place(); place != "" {
			fmt.Fprintf(&b, " at %s", place)
		}
	case out != "":
		fmt.Fprintf(&b, "; its last output:\n%s", out)
	}
	return b.String()
}

// withColon puts a colon before a cause, unless it is the rest of the sentence.
func withColon(cause error) string {
	if text := cause.Error(); strings.HasPrefix(text, "by ") {
		return " " + text
	}
	return ": " + cause.Error()
}

// Reason returns why a Go program has crashed, such as "fatal error: stack overflow", or "".
func (e *Error) Reason() string {
	for line := range strings.Lines(e.Output) {
		if strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "SIG") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// place returns the first place in a cell that the report of a crash shows, such as "cell[3]:2", or "".
func (e *Error) place() string {
	for line := range strings.Lines(e.Output) {
		if place, ok := strings.CutPrefix(line, "\tcell["); ok {
			place, _, _ = strings.Cut(place, " ")
			return "cell[" + strings.TrimSpace(place)
		}
	}
	return ""
}

// Unwrap returns why this program has ended the worker, or nil.
func (e *Error) Unwrap() error { return e.Cause }

// A RemoteError stands for an error of a function in another process that cannot be copied.
type RemoteError struct {
	Type    string // its type there
	Text    string
	Wrapped []error // those that it wrapped, as they are or as RemoteErrors
}

func (e *RemoteError) Error() string { return e.Text }

// Unwrap returns the errors that the error wrapped.
func (e *RemoteError) Unwrap() []error { return e.Wrapped }

// A PanicError reports a panic in another process.
type PanicError struct {
	Value string // what fmt.Print prints of the panic's value
	Stack string // of the goroutine that panicked
	Err   error  // the panic's value if it is an error
}

func (e *PanicError) Error() string { return "panic: " + e.Value }

// Unwrap returns the panic's value if it is an error.
func (e *PanicError) Unwrap() error { return e.Err }

// ErrGoexit is the error of a function in another process that has called runtime.Goexit.
var ErrGoexit = errors.New("the function called runtime.Goexit")

// newError describes the end of a process.
func newError(name string, pid int, state *os.ProcessState, output []byte, cause error) *Error {
	e := &Error{Worker: name, Pid: pid, Code: -1, Output: string(output), Cause: cause}
	if state != nil {
		e.Code = state.ExitCode()
		if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			e.Signal = ws.Signal()
		}
	}
	return e
}

// Usage is what a worker has used.
type Usage struct {
	CPU    float64 // seconds of processor time
	Memory int64   // bytes of resident memory
}

func (u Usage) String() string {
	return fmt.Sprintf("%.3g s of CPU, %s", u.CPU, quantity.Bytes(u.Memory))
}
