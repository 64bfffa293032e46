package compiled

import (
	"maps"
	"sync"

	"interleave/kernel/cell"
	"interleave/kernel/load"
)

// shared is what another process needs, besides the files of cells, to have the same code. Cells that run may
// ask for it while another one is loaded.
type shared struct {
	mu      sync.Mutex
	loader  *load.Loader
	jumps   map[uintptr]uintptr          // entries of functions, and of those that have taken their place
	moves   map[string][]cell.Move       // by import path of the cell
	instead map[string]map[string]string // likewise
	bodies  map[string]string            // symbols of functions that only call another one, and of that
}

// Shared returns what other processes need to know of the cells of this one: the loader, nil before the first
// cell was loaded, and the entries of functions with those that have taken their place.
func (e *Engine) Shared() (l *load.Loader, jumps map[uintptr]uintptr) {
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	return e.shared.loader, maps.Clone(e.shared.jumps)
}

// Extras returns how a cell is loaded by another process: the variables that take over storage first, and the
// functions that stand in for others.
func (e *Engine) Extras(path string) (moves []cell.Move, instead map[string]string) {
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	return e.shared.moves[path], e.shared.instead[path]
}

// Body returns the symbol of the function that a function of a cell only calls, or "".
func (e *Engine) Body(symbol string) string {
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	return e.shared.bodies[symbol]
}

// jumped records that functions have taken the place of others.
func (s *shared) jumped(from, to uintptr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jumps == nil {
		s.jumps = map[uintptr]uintptr{}
	}
	s.jumps[from] = to
}

// calls records that functions of a cell only call others.
func (s *shared) calls(path string, forwards []cell.Forward) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bodies == nil {
		s.bodies = map[string]string{}
	}
	for _, f := range forwards {
		if f.Body != (cell.Entry{}) {
			s.bodies[path+"."+f.Method], s.bodies[path+"."+f.Code] = symbolOf(f.Body), symbolOf(f.Body)
		}
	}
}

// extras records how a cell is loaded.
func (s *shared) extras(path string, moves []cell.Move, instead map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moves == nil {
		s.moves, s.instead = map[string][]cell.Move{}, map[string]map[string]string{}
	}
	if len(moves) > 0 {
		s.moves[path] = moves
	}
	if len(instead) > 0 {
		s.instead[path] = instead
	}
}
