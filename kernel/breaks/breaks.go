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

// Available reports whether this program can stop code so: on linux/amd64, if the kernel has membarrier.
var Available = sync.OnceValue(cellStopReady)

// OnLeave installs what is called on a goroutine that ends at a breakpoint, before its deferred calls.
func OnLeave(f func()) { setCellLeft(f) }

var state struct {
	sync.Mutex
	places []place   // of all modules
	exits  []uintptr // likewise
	up     int       // how many have asked for breakpoints
	heads  []uintptr // functions whose first bytes a loop may jump to, sorted
}

// Code is what is known of a module.
type Code struct {
	Loops int        // of its author's
	Loose [][]string // where the instructions of loops are, such as "cell[3]:7", that have no place where they can be stopped

	places       []place
	exits, heads []uintptr
}

// Read reads the code of the module at pc, whose functions may not run yet.
func Read(pc uintptr) *Code {
	list, more := cellFunctions(pc)
	c := &Code{}
	for i := 0; i < len(list); i += 2 {
		f, ok := search(list[i], list[i+1], more)
		if !ok && isOwn(list[i]) { // it may have some
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

// lines returns where instructions are.
func lines(pcs ...uintptr) (list []string) {
	for _, pc := range pcs {
		_, file, line := cellWhere(pc)
		if s := fmt.Sprintf("%s:%d", file, line); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// Add lets the loops of a module be stopped, which was read and has been loaded. Its functions may not run yet.
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

// Up lets goroutines that are to end do so at their next loop or call; which these are is in their tags. The world stands meanwhile: some 2 µs for each module. Each Up
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

// A Jump says where calls of a function lead: from and to are entries of functions of cells. The runtime has the same struct.
type Jump struct{ From, To uintptr }

// jumpSize is how many bytes of a function a jump takes.
const jumpSize = 5

// CanJump reports whether a jump can be written over the beginning of a function: not where a loop of the function begins within these bytes, since
// goroutines that are in it will come back there.
func CanJump(entry uintptr) bool {
	state.Lock()
	defer state.Unlock()
	_, head := slices.BinarySearch(state.heads, entry)
	return !head
}

// Redirect lets all calls of some functions lead to others from now on: of all jumps, or of none when it fails. What runs in a function
// that is replaced continues there. The caller must have made sure that CanJump says yes, and that those who call the one function may call
// the other. The world stands meanwhile: some 2 µs for each module with such functions.
func Redirect(jumps []Jump) error {
	jumps = slices.Clone(jumps)
	slices.SortFunc(jumps, func(a, b Jump) int { return cmp.Compare(a.From, b.From) })
	state.Lock()
	defer state.Unlock()
	// What stands there will not be executed any more.
	under := func(p place) bool {
		i, ok := slices.BinarySearchFunc(jumps, p.pc, func(j Jump, pc uintptr) int { return cmp.Compare(j.From, pc) })
		return ok || i > 0 && p.pc < jumps[i-1].From+jumpSize
	}
	rest := slices.DeleteFunc(slices.Clone(state.places), under)
	for try := 0; !cellSetJumps(jumps); try++ {
		if try == mostTries {
			return errors.New("a goroutine stands at the beginning of a function that was to be replaced, again and again")
		}
		runtime.Gosched()
	}
	state.places = rest
	if state.up > 0 {
		cellSetBreaks(slices.Clone(state.places), slices.Clone(state.exits), true)
	}
	return nil
}

// mostTries is how often Redirect tries. A goroutine stands in the bytes in question once in a hundred million calls.
const mostTries = 1000
