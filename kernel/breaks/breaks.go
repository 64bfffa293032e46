//go:build interleave_memory && linux && amd64

package breaks

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	_ "unsafe" // for linkname
)

//go:linkname cellStopReady runtime.cellStopReady
func cellStopReady() bool

//go:linkname cellSetBreaks runtime.cellSetBreaks
func cellSetBreaks(breaks []place, exits []uintptr, up bool)

//go:linkname cellSetJumps runtime.cellSetJumps
func cellSetJumps(jumps []Jump) bool

//go:linkname cellFunctions runtime.cellFunctions
func cellFunctions(pc uintptr) (list []uintptr, more [2]uintptr)

//go:linkname cellOwner runtime.cellOwner
func cellOwner(pcs []uintptr) string

//go:linkname cellWhere runtime.cellWhere
func cellWhere(pc uintptr) (name, file string, line int)

//go:linkname cellDeferBits runtime.cellDeferBits
func cellDeferBits(entry, pc uintptr) uintptr

//go:linkname setCellLeft runtime.setCellLeft
func setCellLeft(f func())

// Available reports whether this program can stop code by breakpoints: on linux/amd64, if the kernel supports
// membarrier.
var Available = sync.OnceValue(cellStopReady)

// OnLeave installs a function that is called on each goroutine that ends at a breakpoint, before its deferred
// calls.
func OnLeave(f func()) { setCellLeft(f) }

var state struct {
	sync.Mutex
	places []place   // of all modules
	exits  []uintptr // likewise
	up     int       // calls of Up without a Down yet
	heads  []uintptr // functions whose first bytes a loop may jump to, sorted
}

// Code describes the code of a module.
type Code struct {
	Loops int        // in its author's source
	Loose [][]string // the lines, such as "cell[3]:7", of each loop that has no place for a breakpoint

	places       []place
	exits, heads []uintptr
}

// Read reads the code of the module at pc, whose functions may not run yet.
func Read(pc uintptr) *Code {
	list, more := cellFunctions(pc)
	c := &Code{}
	for i := 0; i < len(list); i += 2 {
		f, ok := search(list[i], list[i+1], more)
		if !ok && isOwn(list[i]) { // a loop may be in it
			f.loops, f.loose = 1, [][]string{lines(list[i])}
		}
		c.places, c.exits = append(c.places, f.places...), append(c.exits, f.exits...)
		c.Loops, c.Loose = c.Loops+f.loops, append(c.Loose, f.loose...)
		if !ok || f.head {
			c.heads = append(c.heads, list[i])
		}
	}
	return c
}

// lines returns the source lines of instructions.
func lines(pcs ...uintptr) (list []string) {
	for _, pc := range pcs {
		_, file, line := cellWhere(pc)
		if s := fmt.Sprintf("%s:%d", file, line); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// Add registers a module that was read and has been loaded, so that its loops can be stopped. Its functions
// may not run yet.
func Add(c *Code) {
	places, exits, heads := c.places, c.exits, c.heads
	state.Lock()
	defer state.Unlock()
	if len(heads) > 0 {
		slices.Sort(heads)
		i, _ := slices.BinarySearch(state.heads, heads[0])
		state.heads = slices.Insert(state.heads, i, heads...)
	}
	slices.Sort(exits)
	places = tidy(places)
	if len(places) > 0 { // modules do not overlap
		i, _ := slices.BinarySearchFunc(state.places, places[0].pc,
			func(p place, pc uintptr) int { return cmp.Compare(p.pc, pc) })
		state.places = slices.Insert(state.places, i, places...)
	}
	if len(exits) > 0 {
		i, _ := slices.BinarySearch(state.exits, exits[0])
		state.exits = slices.Insert(state.exits, i, exits...)
	}
	if state.up > 0 {
		cellSetBreaks(slices.Clone(state.places), slices.Clone(state.exits), true)
	}
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

// Up makes goroutines whose tags mark them for stopping end at their next loop or call. It stops the world
// for about 2 µs for each module. Each Up needs a Down.
func Up() {
	state.Lock()
	defer state.Unlock()
	if state.up++; state.up == 1 {
		cellSetBreaks(slices.Clone(state.places), slices.Clone(state.exits), true)
	}
}

// Down removes the breakpoints when no run needs them any longer.
func Down() {
	state.Lock()
	defer state.Unlock()
	if state.up--; state.up == 0 {
		cellSetBreaks(state.places, state.exits, false)
	}
}

// A Jump redirects calls of a function: From and To are entries of functions of cells. The runtime has the
// same struct.
type Jump struct{ From, To uintptr }

// jumpSize is how many bytes of a function a jump takes.
const jumpSize = 5

// CanJump reports whether a jump can be written over the beginning of a function. It cannot if a loop of the
// function begins within these bytes, since goroutines in the loop would return there.
func CanJump(entry uintptr) bool {
	state.Lock()
	defer state.Unlock()
	_, head := slices.BinarySearch(state.heads, entry)
	return !head
}

// Redirect makes all calls of some functions lead to others from now on. It does so for all jumps, or for
// none when it fails. A goroutine that runs in a replaced function continues there. The caller must have made
// sure that CanJump returns true, and that callers of the one function may call the other. The world is
// stopped meanwhile, about 2 µs for each module with such functions.
func Redirect(jumps []Jump) error {
	jumps = slices.Clone(jumps)
	slices.SortFunc(jumps, func(a, b Jump) int { return cmp.Compare(a.From, b.From) })
	state.Lock()
	defer state.Unlock()
	// The bytes there will not be executed any longer.
	under := func(p place) bool {
		i, ok := slices.BinarySearchFunc(jumps, p.pc, func(j Jump, pc uintptr) int { return cmp.Compare(j.From, pc) })
		return ok || i > 0 && p.pc < jumps[i-1].From+jumpSize
	}
	rest := slices.DeleteFunc(slices.Clone(state.places), under)
	for try := 0; !cellSetJumps(jumps); try++ {
		if try == mostTries {
			return errors.New(
				"a function could not be replaced: in every attempt, a goroutine was about to execute its first instructions",
			)
		}
		runtime.Gosched()
	}
	state.places = rest
	if state.up > 0 {
		cellSetBreaks(slices.Clone(state.places), slices.Clone(state.exits), true)
	}
	return nil
}

// mostTries is how often Redirect tries. A goroutine is at these bytes once in a hundred million calls.
const mostTries = 1000
