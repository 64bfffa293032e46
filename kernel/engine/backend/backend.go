// Package backend declares what the engine asks of each way to run a checked cell. It must not know any of
// the ways.
package backend

import (
	"context"
	"errors"
	"fmt"

	"interleave/kernel/cell"
	"interleave/kernel/engine/rt"
)

// A Mode selects the backends that may run a cell. Auto selects all; each other mode selects one and has its
// name.
type Mode int

const (
	Auto     Mode = iota
	Yaegi         // only the interpreter
	Compiled      // only the compiler
)

// Modes are the names of the modes, as %engine takes them.
var Modes = []string{Auto: "auto", Yaegi: "yaegi", Compiled: "compiled"}

func (m Mode) String() string { return Modes[m] }

// ParseMode returns the mode with a name.
func ParseMode(name string) (Mode, error) {
	for m, n := range Modes {
		if n == name {
			return Mode(m), nil
		}
	}
	return Auto, fmt.Errorf("there is no engine %q", name)
}

// MarshalText writes the mode's name.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a mode's name.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}

// ErrElsewhere is the error of a backend that cannot run a plan and has not started it: the next backend may
// run it.
var ErrElsewhere = errors.New("this engine cannot run the cell")

// A Backend makes the code of a plan ready to run.
type Backend interface {
	// Mode returns the mode that selects this backend alone.
	Mode() Mode
	// Load builds and loads what the plan needs. It changes nothing that cells could see: the caller commits the
	// plan before it runs the program. The error is ErrElsewhere, wrapped with the reason, when another backend
	// should be asked.
	Load(ctx context.Context, p *cell.Plan) (*Program, error)
}

// A Program is a cell that is ready to run.
type Program struct {
	Run   func()      // the cell's statements
	Cell  *rt.Cell    // what was loaded for it; nil if that belongs to an earlier cell, or nothing was loaded
	File  string      // from which another process can load it again; empty if there is no file
	Shift map[int]int // cells whose compiled form runs under another number
}
