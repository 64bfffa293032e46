// Package rt holds what the code of cells calls: storage of session variables, guarded functions, the stop
// flag. It knows the contract between generated code and the engine. It must stay small and must not know
// cells' syntax, Jupyter or processes: every plugin is linked with it.
//
// Users do not import it; package cell writes the calls.
package rt

import (
	"context"
	"sync"
	"sync/atomic"
)

// Stop is not zero while some cell is being stopped; SetStop sets it. Generated code checks it in loops and,
// through its cell's gate, at the entry of functions. The check is a plain load on purpose; the slow path
// finds out whether the calling goroutine is to stop.
var Stop uint32

// Given counts cells that were given up while one of their goroutines was blocked. Once there is one, each
// statement of a cell first checks whether its own cell was given up: a goroutine that wakes up late must not
// continue a cell that the user has ended.
var Given uint32

// Line is where the running cell's own code stores the line of the statement that it begins. The supervising
// process shares the memory, in case this one is killed.
var Line = new(uint32)

// Hooks are the engine's side of the contract. They are set before the first cell runs and never change
// afterwards.
type Hooks struct {
	Poll  func()                              // Stop is set: end the calling goroutine if its cell is being stopped
	Begin func()                              // something concurrent is about to start
	Test  func(place string, f func())        // run f, which synctest.Test was given at place, on the calling goroutine
	Guard func(place string, f func()) func() // f for a goroutine that a library will start
	Show  func(values []any)                  // the value of the cell's last expression
	At    func(line, done int)                // interpreted code has reached a line; done statements are finished
	Ctx   func() context.Context              // the context of the cell that the calling goroutine belongs to
}

var hooks Hooks

// SetHooks installs the engine's side.
func SetHooks(h Hooks) { hooks = h }

// Poll is called when Stop is set. It does not return when the calling goroutine's cell is being stopped: the
// goroutine ends as by runtime.Goexit, so that its deferred calls run.
func Poll() { hooks.Poll() }

// Guard wraps a function that a standard package will start on a goroutine without a parent: it belongs to
// the caller's cell then.
func Guard(place string, f func()) func() {
	if f == nil {
		return nil
	}
	hooks.Begin()
	return hooks.Guard(place, f)
}

// Test wraps the function of synctest.Test. It runs in a goroutine of its own, which belongs to the bubble
// and to the caller's cell: a panic in it or a Goexit would otherwise end the process, since package testing
// counts on its own main function.
func Test[T any](place string, f func(T)) func(T) {
	if f == nil {
		return nil
	}
	hooks.Begin() // before the bubble exists
	return func(t T) {
		over := make(chan struct{})
		go func() {
			defer close(over)
			hooks.Test(place, func() { f(t) })
		}()
		<-over
	}
}

// Show reports the value of a cell's last expression.
func Show(values ...any) { hooks.Show(values) }

// At reports the line of the cell that interpreted code has reached, and how many of its statements are
// finished.
func At(line, done int) { hooks.At(line, done) }

// Ctx returns the context of the cell that the calling goroutine belongs to. It is ctx in cells.
func Ctx() context.Context { return hooks.Ctx() }

// A Cell is a compiled cell. Its package registers it when the plugin is loaded.
type Cell struct {
	N     int
	Run   func()    // the cell's statements
	Step  *uint32   // how many steps of Run are finished; nil when it gives no variable its first value
	Early []*uint32 // flags of variables that functions of the cell may read before the cell has set them
	// not zero when the cell's functions must check something at their entry; nil without functions
	Gate    *uint32
	Patch   func()         // makes earlier definitions of gated code jump to those of this cell
	Symbols map[string]any // functions by name, and "type T" to a nil *T, for the interpreter
}

// Over is called when the cell has ended, or is not run: from now on the front end knows which of its
// variables have a value.
func (c *Cell) Over() {
	for _, set := range c.Early {
		atomic.StoreUint32(set, 1)
	}
}

// The bits of a gate.
const (
	gateStop     = 1 << iota // Stop is set
	gateReplaced             // some function of the cell has a later definition
)

var (
	mu    sync.Mutex
	cells = map[int]*Cell{}
)

// Register is called by a cell's package.
func Register(c *Cell) {
	mu.Lock()
	defer mu.Unlock()
	cells[c.N] = c
	if Stop != 0 && c.Gate != nil {
		atomic.OrUint32(c.Gate, gateStop)
	}
}

// SetStop raises the stop flag, or lowers it.
func SetStop(up bool) {
	mu.Lock()
	defer mu.Unlock()
	v := uint32(0)
	if up {
		v = gateStop
	}
	atomic.StoreUint32(&Stop, v)
	for _, c := range cells {
		if c.Gate != nil {
			atomic.AndUint32(c.Gate, ^uint32(gateStop))
			atomic.OrUint32(c.Gate, v)
		}
	}
}

// Replaced records that a function of cell n has a later definition now.
func Replaced(n int) { atomic.OrUint32(Lookup(n).Gate, gateReplaced) }

// Lookup returns a registered cell, nil when it was not loaded.
func Lookup(n int) *Cell {
	mu.Lock()
	defer mu.Unlock()
	return cells[n]
}

// A nilReceiver is the error of Go's own wrappers of methods.
type nilReceiver string

func (e nilReceiver) Error() string { return string(e) }
func (nilReceiver) RuntimeError()   {}

// NilReceiver panics, because a method with a value receiver was called through a nil pointer.
func NilReceiver(typ, method string) {
	panic(nilReceiver("value method main." + typ + "." + method + " called using nil *" + typ + " pointer"))
}

// Predeclared types that are embedded in a cell's struct get a field name that other cells' packages can use.
type (
	Ⱶany        = any
	Ⱶbool       = bool
	Ⱶbyte       = byte
	Ⱶcomplex64  = complex64
	Ⱶcomplex128 = complex128
	Ⱶerror      = error
	Ⱶfloat32    = float32
	Ⱶfloat64    = float64
	Ⱶint        = int
	Ⱶint8       = int8
	Ⱶint16      = int16
	Ⱶint32      = int32
	Ⱶint64      = int64
	Ⱶrune       = rune
	Ⱶstring     = string
	Ⱶuint       = uint
	Ⱶuint8      = uint8
	Ⱶuint16     = uint16
	Ⱶuint32     = uint32
	Ⱶuint64     = uint64
	Ⱶuintptr    = uintptr
)
