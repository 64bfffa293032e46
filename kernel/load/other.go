//go:build !interleave_memory

package load

import (
	"errors"
	"fmt"
	"runtime"
)

// CellPrefix is how import paths of cells begin.
const CellPrefix = "interleave/cells/"

// ErrNotHere is returned where cells cannot be linked into the process.
var ErrNotHere = errors.New("this program cannot load cells into itself")

// A Config holds what a Loader works with.
type Config struct {
	Index   string                                     // the file that WriteIndex made
	Archive func(path string) (file string, err error) // the archive of a package, cells included
	// called with an address in a cell's code before the runtime knows the cell; an error is Load's
	Check func(path string, pc uintptr) error
	Added func(path string) // called before any of a cell's code runs
	// Packages lists the packages, beside cells, that archives hold and the index does not know: those of modules.
	// It may be nil.
	Packages func() []string
	// Instead maps functions of a cell to other functions of it that do the same and stand in for them; it
	// may be nil. Symbols are without the package.
	Instead func(path string) map[string]string
}

// A Loader links cells into this process.
type Loader struct{}

// Open returns an error: only a host on Linux can load cells.
func Open(Config) (*Loader, error) {
	return nil, fmt.Errorf("%w (%s/%s)", ErrNotHere, runtime.GOOS, runtime.GOARCH)
}

// A Pending is a package that has to be initialised.
type Pending struct{ Path string }

// Run does nothing.
func (Pending) Run() {}

// TakePending returns nothing.
func (*Loader) TakePending() []Pending { return nil }

// Load returns an error, as Open does.
func (*Loader) Load(path, file string) error { return ErrNotHere }

// WriteIndex returns an error, as Open does.
func WriteIndex(file string, archives map[string]string) error { return ErrNotHere }

// Entry returns 0: no cell was loaded.
func (*Loader) Entry(path, symbol string) uintptr { return 0 }

// Functions returns an error, as Open does.
func Functions(file string, params map[string]int) (map[string]Function, error) {
	return nil, ErrNotHere
}

// A Reach is all that some symbols of cells lead to.
type Reach struct {
	Variables, Cells []string
	Code             []uintptr
}

// Reach returns nothing: no cell was loaded.
func (*Loader) Reach(from []uintptr, jumps map[uintptr]uintptr) (r Reach) { return r }

// Name returns "": no cell was loaded.
func (*Loader) Name(at uintptr) string { return "" }

// Find returns 0: no cell was loaded.
func (*Loader) Find(name string) uintptr { return 0 }

// Text returns nothing, as Find does.
func (*Loader) Text() (start, end uintptr) { return 0, 0 }

// Types returns nothing, as Find does.
func (*Loader) Types() uintptr { return 0 }

// InHost returns 0, as Find does.
func (*Loader) InHost(name string) uintptr { return 0 }

// InProgram returns true: it is not known.
func InProgram(at uintptr) bool { return true }
