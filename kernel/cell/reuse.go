package cell

import (
	"go/types"
	"slices"
)

// A reusable is a compiled cell that can run again unchanged, while everything it mentions stays the same.
type reusable struct {
	n        int
	serial   int
	stamp    int
	used     map[string]*unit
	methods  []*unit          // that the cell defines
	copies   map[string]*unit // functions and methods of which the cell's statements hold copies
	absent   map[string]bool
	vars     []Variable
	again    []Variable
	captured map[string]bool
	hideNil  bool
	tracer   string
	result   types.Type
	noResult string
}

// reuse returns the plan of a cell with the same text if every name in it still has the same meaning.
func (s *Scope) reuse(n int, text string) *Plan {
	r := s.ran[text]
	if r == nil || r.stamp != s.stamp {
		return nil
	}
	live := s.live()
	for name, u := range r.used {
		if live[name] != u || u.lost != "" {
			return nil
		}
	}
	for _, u := range r.methods {
		if !slices.Contains(s.units, u) {
			return nil
		}
	}
	for _, u := range r.copies {
		if !slices.Contains(s.units, u) {
			return nil
		}
	}
	for name := range r.absent {
		if live[name] != nil {
			return nil
		}
	}
	return &Plan{N: n, Reuse: r.serial, ReuseN: r.n, Vars: r.vars, Again: r.again, Captured: r.captured,
		HideNil: r.hideNil, Tracer: r.tracer, Result: r.result, NoResult: r.noResult}
}
