// Package host is the door between the libraries that cells import, lab, display and timeline, and the
// program that runs the cells. The libraries consult it; the program sets it once, before any cell runs.
// Ordinary programs do not need it: without a host the libraries print, read standard input, and take code
// for what it is.
//
// It must not know any of the libraries, nor what a cell is.
package host

import (
	"context"
	"errors"
	"os/exec"
	"reflect"
	"sync/atomic"
	"unsafe"
)

// A Host is a program that runs user code, such as the session of a notebook. Each function may be nil, and
// may be called from any goroutine.
type Host struct {
	// Show receives displayed values, on the goroutine that displays, so that the host can identify it.
	// Without it their text form is printed to standard output.
	Show func(Event)
	// Ask asks the user for a line of text. It returns when there is an answer or ctx ends. Without it the
	// prompt is printed and a line of standard input read.
	Ask func(ctx context.Context, prompt string, password bool) (string, error)
	// Call calls f, which calls methods of values to show, and returns nil when f has returned. Methods are
	// user code: a method may overflow the stack, end its goroutine, or never return. A host that runs f on
	// another goroutine can return an error then, which the output shows. It wraps ErrRunning when f may
	// still run. Without it f is called.
	Call func(f func()) error

	// Comm sends what happens to a comm here to the front ends. It waits while these do not read. Without it there are
	// no comms.
	Comm func(Comm)
	// Offers reports whether the front end that has sent the cell of the calling goroutine has opened a comm with this
	// target, which shows what it is able to do. Without it no front end does.
	Offers func(target string) bool
	// Callback returns a function that calls f as code of the present goroutine's cell, from any goroutine and also
	// when the cell has ended, and returns when f has ended. Output of f appears in the cell's, as does a panic; an
	// interrupt ends f. Without it f is called.
	Callback func() func(f func())

	// Engine returns the name of the engine that runs fn, a function, or, when fn is nil, the code of the
	// calling goroutine. It returns "" when it does not know. Without it there is only one way to run code.
	Engine func(fn any) string
	// Doubt returns why numbers of code that an engine has run may differ from those of a program that go
	// build makes, or the empty string. Results of benchmarks have it among their warnings. Without it
	// numbers do not differ.
	Doubt func(engine string) string

	// Places returns a function that turns the file:line of the calling code in a stack, or "" when the stack
	// shows no line, into the one that the user knows: of interpreted code, or of code that was compiled
	// under another name. It returns nil when they are the same. It is called often, and should be fast; what
	// it returns may be called at any time.
	Places func() func(found string) string
	// Files returns the names that files of cells have in everything that is recorded or read from now on,
	// where those differ from the names that they were compiled with. The map must not be changed afterwards.
	Files func() map[string]string
	// Origin returns an address in the user's code, as [runtime.Callers] does: that of the go statement that
	// has started the calling goroutine, or of the call that made a library start it; 0 when it is not known.
	// It is called often.
	Origin func() uintptr
	// Carry returns f so that it can be run on a goroutine that has no parent, as a timer's, as if the
	// present goroutine had started that one at place.
	Carry func(place string, f func()) func()

	// Code is how other processes of this program run the user's functions. Without it they run those that
	// were registered.
	Code Code

	// Outside calls f on a goroutine that is in no bubble of testing/synctest, and returns when f has
	// returned. That goroutine has to exist before user code runs. Recordings begin and end there. Without it
	// a recording cannot begin in a bubble.
	Outside func(f func())
	// Writer returns a function that writes output as the calling goroutine does, from any goroutine; nil if the
	// goroutine has no output of its own. Without it output goes to the process's own.
	Writer func() func(stderr bool, b []byte)
	// Expect is for a host that sees by itself when something concurrent is about to begin. Expect(true) is
	// called when it is to call timeline.Started from now on, Expect(false) when that would do nothing. It
	// must not call package timeline.
	Expect func(yes bool)
	// Captured returns what a cell has shown that the host has kept in place of showing it. Without it nothing is kept.
	Captured func() (stdout, stderr string, outputs []Event)
}

// Code is what a program and its workers, which are other processes of the same program, both know about
// functions, types and variables. Names are of use in these processes alone. Its methods may be called from
// several goroutines.
type Code interface {
	// Command returns the command that starts a worker.
	Command() (*exec.Cmd, error)
	// Function describes a function that a worker can call. The error is why fn is not one.
	Function(fn reflect.Value) (Function, error)
	// Reads returns the variables that a worker needs before it calls a function with values of some types.
	Reads(function string, types []string) []Variable
	// Needs returns what a worker must be given with Load before it knows a function and some types, or nil.
	// loaded is what it has been given so far, which Needs changes.
	Needs(function string, types []string, loaded map[string]bool) []byte
	// TypeName returns the name of a type, or "".
	TypeName(t reflect.Type) string
	// Fixed returns the name of a pointer that workers have, too, such as the one in io.EOF. Some are in
	// variables that a worker may not have, of which variable is the name.
	Fixed(p unsafe.Pointer) (name, variable string, ok bool)

	// Load takes in what Needs has returned.
	Load(needs []byte) error
	// Call returns the function with a name, which has type t.
	Call(name string, t reflect.Type) (reflect.Value, error)
	// Type returns the type with a name, or nil.
	Type(name string) reflect.Type
	// At returns the pointer with a name, or nil, and the type that it points to.
	At(name string) (p unsafe.Pointer, elem reflect.Type)
	// Variable returns a pointer to the variable with a name, or nil.
	Variable(name string) any
}

// A Function is one that a worker can call.
type Function struct {
	Name  string
	Label string // how the user knows it, such as "slow (cell[3]:2)"
}

// A Variable is one that a function reads.
type Variable struct {
	Name    string
	Label   string // how the user knows it
	Pointer any    // to it
}

// ErrRunning is what an error of Host.Call wraps when f has not ended.
var ErrRunning = errors.New("it could not be stopped and still runs")

// An Event is one thing to show. Data and Metadata map MIME types to values that encoding/json can encode: a
// string for text types, base64 in a string for binary ones.
type Event struct {
	Data     map[string]any
	Metadata map[string]any
	ID       string // display id, empty when the output cannot be updated
	Update   bool   // replace what has this ID
	Clear    bool   // clear the output instead; Wait: when the next output comes
	Wait     bool
}

var (
	current atomic.Pointer[Host]
	none    Host
)

// Set makes h the host, in place of the one before, until restore is called.
func Set(h Host) (restore func()) {
	before := current.Swap(&h)
	return func() { current.Store(before) }
}

// Get returns the host, which must not be changed. It is never nil: without a host all its functions are.
func Get() *Host {
	if h := current.Load(); h != nil {
		return h
	}
	return &none
}
