//go:build interleave_memory && linux && amd64

package breaks

import (
	"cmp"
	"slices"
	"sync"
	_ "unsafe" // for linkname
)

//go:linkname cellStopReady runtime.cellStopReady
func cellStopReady() bool

//go:linkname cellSetBreaks runtime.cellSetBreaks
func cellSetBreaks(breaks []place, exits []uintptr, up bool)

//go:linkname cellFunctions runtime.cellFunctions
func cellFunctions(pc uintptr) (list []uintptr, more [2]uintptr)

//go:linkname cellOwner runtime.cellOwner
func cellOwner(pcs []uintptr) string

//go:linkname cellDeferBits runtime.cellDeferBits
func cellDeferBits(entry, pc uintptr) uintptr

//go:linkname setCellLeft runtime.setCellLeft
func setCellLeft(f func(pc uintptr))

// Available reports whether this program can stop code so: on linux/amd64, if the kernel has membarrier.
var Available = sync.OnceValue(cellStopReady)

// OnLeave installs what is called on a goroutine that ends at a breakpoint, before its deferred calls. pc is the address of the jump, 0 if the
// goroutine was about to enter a function. f must not return to code of a cell; what it returns to ends the goroutine.
func OnLeave(f func(pc uintptr)) { setCellLeft(f) }

var state struct {
	sync.Mutex
	places []place   // of all modules
	exits  []uintptr // likewise
	up     int       // how many have asked for breakpoints
}

// Add reads the code of the module at pc, whose functions may not run yet. It returns how many loops of its author's it has, and how many of them have
// no place where they can be stopped.
func Add(pc uintptr) (loops, imprecise int) {
	list, more := cellFunctions(pc)
	var places []place
	var exits []uintptr
	for i := 0; i < len(list); i += 2 {
		f, ok := search(list[i], list[i+1], more)
		if !ok { // it may have some
			f.loops, f.imprecise = 1, 1
		}
		places, exits = append(places, f.places...), append(exits, f.exits...)
		loops, imprecise = loops+f.loops, imprecise+f.imprecise
	}
	state.Lock()
	defer state.Unlock()
	slices.Sort(exits)
	places = tidy(places)
	if len(places) > 0 { // modules do not overlap
		i, _ := slices.BinarySearchFunc(state.places, places[0].pc, func(p place, pc uintptr) int { return cmp.Compare(p.pc, pc) })
		state.places = slices.Insert(state.places, i, places...)
	}
	if len(exits) > 0 {
		i, _ := slices.BinarySearch(state.exits, exits[0])
		state.exits = slices.Insert(state.exits, i, exits...)
	}
	if state.up > 0 {
		cellSetBreaks(slices.Clone(state.places), slices.Clone(state.exits), true)
	}
	return loops, imprecise
}

// tidy sorts places. A jump whose ways both continue a loop is one place.
func tidy(places []place) []place {
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.pc, b.pc), cmp.Compare(a.to, b.to)) })
	for i, p := range places {
		if i > 0 && places[i-1].pc == p.pc && places[i-1].to != p.to {
			places[i-1].to, places[i].to = both, both
		}
	}
	return slices.CompactFunc(places, func(a, b place) bool { return a.pc == b.pc })
}

// both stands for either way of a jump; see cellBreak.to.
const both = 1

// Up lets goroutines that are to end do so at their next loop or call; which these are is in their tags. It takes some 20 µs. Each Up
// needs a Down.
func Up() {
	state.Lock()
	defer state.Unlock()
	if state.up++; state.up == 1 {
		cellSetBreaks(slices.Clone(state.places), slices.Clone(state.exits), true)
	}
}

// Down takes the breakpoints away when no run needs them any more.
func Down() {
	state.Lock()
	defer state.Unlock()
	if state.up--; state.up == 0 {
		cellSetBreaks(state.places, state.exits, false)
	}
}
