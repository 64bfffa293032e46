package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unsafe"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/engine/rt"
)

// A variable that is declared again with the same type is the same variable, so that closures and pointers
// follow it. Two kinds must not be shared with goroutines that an earlier cell has left:
//
//   - variables of a cell that was interrupted or failed, and left goroutines behind: when it runs again,
//     they would send to its new channels and count in its new counters;
//   - locks, WaitGroups and the like: the cell would set to zero what such a goroutine has locked, or take
//     its wake-up.
//
// These get new storage. Existing goroutines, closures and calls keep the old one; functions that are called
// later use the new one.

// An abandoned run has ended without success, and may have left goroutines.
type abandoned struct {
	r    *run
	vars map[string]bool // declared by its cell, and by no cell since
}

// abandon records a run that has not succeeded.
func (e *Engine) abandon(r *run, p *cell.Plan) {
	if all, _ := r.count(); all == 0 || len(p.Again) == 0 {
		return
	}
	a := abandoned{r, map[string]bool{}}
	for _, v := range p.Again {
		a.vars[v.Name] = true
	}
	e.abandoned = append(e.abandoned, a)
}

// renew gives new storage to variables that a cell declares, if goroutines of earlier cells must not share
// theirs.
func (e *Engine) renew(p *cell.Plan) {
	if len(p.Again) == 0 {
		return
	}
	e.abandoned = slices.DeleteFunc(e.abandoned, func(a abandoned) bool {
		all, _ := a.r.count()
		return all == 0 || len(a.vars) == 0
	})
	living := goroutinesOfCells() > 0
	renewed := false
	for _, v := range p.Again {
		shared := living && v.HoldsLock()
		for _, a := range e.abandoned {
			shared = shared || a.vars[v.Name]
			delete(a.vars, v.Name)
		}
		if shared {
			rt.Renew(v.Name, v.Gen)
			renewed = true
		}
	}
	if renewed {
		e.interp.Renew()
	}
}

// outdated notes goroutines of earlier cells that use names with the meaning before a plan.
func (e *Engine) outdated(p *cell.Plan) (notes []string) {
	if len(p.Remade) == 0 {
		return nil
	}
	kept := map[int][]string{} // by cell
	seen := map[*run]bool{}
	cellGoroutines(func(_ unsafe.Pointer, _ uint64, t unsafe.Pointer, _ string, _ bool, _, _ uintptr) {
		r := (*tag)(t).run
		if seen[r] || slices.ContainsFunc(e.abandoned, func(a abandoned) bool { return a.r == r }) {
			return
		}
		seen[r] = true
		for name := range r.captured {
			if p.Remade[name] && !slices.Contains(kept[r.n], names.Clean(name)) {
				kept[r.n] = append(kept[r.n], names.Clean(name))
			}
		}
	})
	for _, n := range slices.Sorted(maps.Keys(kept)) {
		slices.Sort(kept[n])
		notes = append(notes, fmt.Sprintf("goroutines of cell[%d] are still running and use the old %s",
			n, strings.Join(kept[n], ", ")))
	}
	return notes
}
