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
	"sync"
	"sync/atomic"
)

// A PanicError is a panic in a function that lab ran.
type PanicError struct {
	Value any    // what panic was called with
	Stack []byte // the goroutine that panicked, innermost call first
	Where string // file:line of the user's code that panicked, or that made the library call that did
	Spawn string // file:line of the call that started the work
	Task  string // the name of the task that panicked; empty when it was not a task, such as a function of Gather

	claimed func() bool // nil when the error is returned to the caller
}

func (e *PanicError) Error() string {
	if e.Where == "" {
		return fmt.Sprintf("panic: %v (in work started at %s)", e.Value, e.Spawn)
	}
	return fmt.Sprintf("panic: %v at %s (in work started at %s)", e.Value, e.Where, e.Spawn)
}

// Awaited reports whether a caller gets the panic as its error: it was returned, as by Gather and Await, or
// will be, because a caller waits for the task now. The panic of an [Task.OnDone] callback is never awaited;
// that of a task may be awaited later.
func (e *PanicError) Awaited() bool { return e.claimed == nil || e.claimed() }

// A claim records whether the error of a task is wanted.
type claim struct {
	waiting atomic.Int32 // who waits for the task now
	taken   atomic.Bool  // the result was asked for
}

func (c *claim) made() bool { return c.taken.Load() || c.waiting.Load() > 0 }

func unclaimed() bool { return false }

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

// ErrGoexit is the error of a function that ended its goroutine with [runtime.Goexit], as testing.T.FailNow
// does.
var ErrGoexit = errors.New("the function ended its goroutine with runtime.Goexit")

// abnormal turns what recover returned in a deferred call, after a function that did not return, into an error.
func abnormal(recovered any, from *site) error {
	if recovered == nil { // since Go 1.21 a panic's value is never nil
		return ErrGoexit
	}
	err := panicked(recovered, from)
	reportPanic(err)
	return err
}

// panicked is abnormal for a panic that is not reported yet.
func panicked(recovered any, from *site) *PanicError {
	return &PanicError{Value: recovered, Stack: panicStack(), Where: panicPlace(), Spawn: from.String()}
}

// panicPlace is the file:line in user code that panicked, from the point of view of a deferred function.
func panicPlace() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if f.Function == "runtime.gopanic" {
			at := users(frames)
			if host := places(); host != nil {
				at = host(at)
			}
			return at
		}
		if !more {
			return ""
		}
	}
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

// A site is the place in user code from which work was started. Taking it is cheap, its text is made on
// demand.
type site struct {
	pcs    [8]uintptr
	n      int
	origin uintptr             // of [Host]; may be 0
	host   func(string) string // of [Host]; may be nil
}

// here takes the current place, leaving out skip callers of here.
func here(skip int) (s site) {
	s.n = runtime.Callers(skip+2, s.pcs[:])
	s.origin, s.host = origin(), places()
	return s
}

// beneath is the code that is never what a user wrote: this package, and an interpreter that calls it.
var beneath = []string{"interleave/runtime/lab.", "interleave/kernel/", "github.com/traefik/yaegi/", "reflect.", "runtime."}

const unknownLine = "a line that is not known"

// String is the file:line of the innermost frame that is the user's.
func (s *site) String() string {
	if s != nil && s.n > 0 {
		at := users(runtime.CallersFrames(s.pcs[:s.n]))
		if at == "" && s.origin != 0 {
			at = users(runtime.CallersFrames([]uintptr{s.origin}))
		}
		if s.host != nil {
			at = s.host(at)
		}
		if at != "" {
			return at
		}
	}
	return unknownLine
}

// users returns the file:line of the innermost frame of user code, or else of one of the standard library.
func users(frames *runtime.Frames) (at string) {
	for {
		f, more := frames.Next()
		if f.Function != "" && !slices.ContainsFunc(beneath, func(prefix string) bool { return strings.HasPrefix(f.Function, prefix) }) {
			if here := fmt.Sprintf("%s:%d", f.File, f.Line); !isStd(f.Function) {
				return here
			} else if at == "" {
				at = here
			}
		}
		if !more {
			return at
		}
	}
}

// mainModule is the module of the program, whose packages may have paths without a dot, as only those of the
// standard library have otherwise.
var mainModule = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Path
	}
	return ""
})

// isStd reports whether a function belongs to the standard library.
func isStd(function string) bool {
	function, _, _ = strings.Cut(function, "[") // type arguments have paths, too
	dir, name := "", function
	if i := strings.LastIndexByte(function, '/'); i >= 0 {
		dir, name = function[:i+1], function[i+1:]
	}
	name, _, _ = strings.Cut(name, ".")
	first, _, _ := strings.Cut(dir+name, "/")
	return first != "main" && first != "command-line-arguments" && !strings.Contains(first, ".") && (mainModule() == "" || !strings.HasPrefix(dir+name+"/", mainModule()+"/"))
}

// alone calls f on this goroutine. A panic of f goes to [OnPanic] and no further; a Goexit ends the goroutine.
func alone(from *site, f func()) {
	normal := false
	defer func() {
		if !normal {
			if r := recover(); r != nil {
				err := panicked(r, from)
				err.claimed = unclaimed
				reportPanic(err)
			}
		}
	}()
	f()
	normal = true
}

// apart calls f on a goroutine of its own and waits for it, so that not even a Goexit of f ends this one.
func apart(f func()) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		f()
	}()
	<-over
}

// guard calls fn on this goroutine and returns a panic of it as an error. A Goexit of fn ends the goroutine,
// which is the caller's own.
func guard(from *site, fn func() error) error {
	p, err := caught(from, fn)
	if p != nil {
		reportPanic(p)
		return p
	}
	return err
}

// caught is guard without the report, for calls with a lock held: what [OnPanic] calls may need the lock. The
// caller reports p when it has let the lock go.
func caught(from *site, fn func() error) (p *PanicError, err error) {
	normal := false
	defer func() {
		if !normal {
			if r := recover(); r != nil {
				p = panicked(r, from)
			}
		}
	}()
	err = fn()
	normal = true
	return nil, err
}
