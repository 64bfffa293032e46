//go:build interleave_memory && linux && amd64

package breaks

import (
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// A place is a jump or a call over which a breakpoint can stand. The runtime has the same struct; see
// cellBreak there.
type place struct {
	pc, to, bits uintptr
	old          uint8
}

// A function's places.
type found struct {
	places []place
	exits  []uintptr // return addresses of deferred calls at the function's end
	loops  int
	loose  [][]string // the lines of each loop without a place
	head   bool       // a jump of the function leads to its first bytes, or may do so
}

// owned are the packages whose loops count as the cell's own when they were inlined into it, or instantiated
// for it: they hold no lock, and change only the caller's data.
var owned = []string{"interleave/cells/", "slices.", "maps.", "strings.", "bytes.", "sort.", "iter.", "cmp."}

func isOwn(pcs ...uintptr) bool {
	name := cellOwner(pcs)
	for _, prefix := range owned {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// search finds the places of a function; more are the addresses of morestack.
func search(entry, end uintptr, more [2]uintptr) (f found, ok bool) {
	if entry == end {
		return f, true
	}
	list := decode(entry, end)
	if list == nil {
		return f, false
	}
	bits := cellDeferBits(entry, entry) != 0
	restart := uintptr(0)
	if i := morestackJump(list, more); i >= 0 {
		restart = entry
		if isOwn(entry) {
			f.places = append(f.places, place{pc: list[i].pc, old: *memory(list[i].pc)})
		}
	}
	dropped := false // the compiler has dropped the stores to the bits
	if bits {
		dropped = !f.findExits(entry, list)
	}
	g := newGraph(list, restart)
	f.head = comesBack(list, restart)
	add := func(i int, to uintptr) {
		p := place{pc: list[i].pc, to: to, old: *memory(list[i].pc)}
		if dropped {
			p.bits = cellDeferBits(entry, list[i].pc) + 1
		}
		f.places = append(f.places, p)
	}
	for latch := range g.starts {
		for _, head := range g.succ[latch] {
			if g.order[latch] < 0 {
				continue
			}
			if !g.dominates(head, latch) {
				if x := list[g.last(latch)]; g.order[head] >= g.order[latch] && isOwn(x.pc) { // a loop with two entries
					f.loops++
					if x.jump {
						add(g.last(latch), list[g.starts[head]].pc)
					} else {
						f.loose = append(f.loose, lines(list[g.last(latch)].pc, list[g.starts[head]].pc))
					}
				}
				continue
			}
			body := g.body(latch, head)
			var pcs []uintptr
			for b := range body {
				for i := g.starts[b]; i <= g.last(b); i++ {
					pcs = append(pcs, list[i].pc)
				}
			}
			if g.copies(latch, head) || !isOwn(pcs...) {
				continue
			}
			f.loops++
			edges := g.edges(latch, head, body)
			for _, e := range edges {
				add(e[0], list[e[1]].pc)
			}
			if i := g.opening(head); edges == nil && i >= 0 {
				add(i, both)
			} else if edges == nil {
				f.loose = append(f.loose, lines(pcs...))
			}
		}
	}
	return f, true
}

// comesBack reports whether a jump leads to the first bytes of a function, or may lead there. Jumps to
// restart call the function anew.
func comesBack(list []instr, restart uintptr) bool {
	for _, x := range list {
		if x.jump && x.to >= list[0].pc && x.to < list[0].pc+jumpSize && x.to != restart || x.table && restart == 0 {
			return true
		}
	}
	return false
}

// morestackJump returns the index of the jump that leads to morestack when the stack is too small, -1 in
// functions without one.
func morestackJump(list []instr, more [2]uintptr) int {
	for i, x := range list {
		if x.pc > list[0].pc+64 {
			break
		}
		if !x.cond || x.to <= x.pc {
			continue
		}
		for k := find(list, x.to); k >= 0 && k < len(list); k++ {
			if y := list[k]; y.op == x86asm.CALL {
				if y.to == more[0] || y.to == more[1] {
					return i
				}
				break
			} else if y.jump || y.ends {
				break
			}
		}
	}
	return -1
}

// findExits finds the deferred calls that a function makes at its end: each is a call behind a store that
// clears a bit of the byte which records what has been deferred. It returns false when nothing is stored
// there.
//
// The compiler drops stores that no code can see, such as that of a bit which is cleared before anything may
// panic. So a store may clear a bit although no store before it has set it. A call that is mistaken for a
// deferred one is finished before the goroutine ends, which only takes longer.
func (f *found) findExits(entry uintptr, list []instr) (stored bool) {
	var stores []int
	for i, x := range list {
		if x.slot >= 0 && uintptr(x.slot) == cellDeferBits(entry, x.pc) {
			stores = append(stores, i)
		}
	}
	before := int64(0)
	for k, i := range stores {
		x := list[i]
		clears := x.value >= 0 && x.value < before || x.value == 0 && (k > 0 || len(stores) == 1)
		if before = x.value; x.value < 0 {
			before = 255
			for j := max(0, i-5); j < i; j++ {
				clears = clears || list[j].op == x86asm.AND
			}
		}
		for j := i + 1; j < len(list) && j < i+8; j++ {
			if list[j].op == x86asm.CALL {
				if clears || isLiteral(entry, list[j].to) {
					f.exits = append(f.exits, list[j].end)
				}
				break
			}
		}
	}
	return len(stores) > 0
}

// isLiteral reports whether the function at an address is a literal of the one at entry.
func isLiteral(entry, at uintptr) bool {
	if at == 0 {
		return false
	}
	outer, _, _ := cellWhere(entry)
	name, _, _ := cellWhere(at)
	rest, ok := strings.CutPrefix(name, outer+".")
	return ok && (strings.HasPrefix(rest, "func") || strings.HasPrefix(rest, "deferwrap"))
}

// copies reports whether a loop only copies or clears memory, as a part of a statement.
func (g *graph) copies(latch, head int) bool {
	if latch != head {
		return false
	}
	wide := false
	for i := g.starts[head]; i < g.last(head); i++ {
		if !g.list[i].block {
			return false
		}
		wide = wide || g.list[i].wide
	}
	return wide
}

// edges returns the places of a loop: jumps, and the instructions that they lead to when the loop continues;
// nil if the loop has no such jump.
func (g *graph) edges(latch, head int, body map[int]bool) (edges [][2]int) {
	if g.list[g.last(latch)].jump { // taken or not, one of its ways leads to the head
		return [][2]int{{g.last(latch), g.starts[head]}}
	}
	if ways, ok := g.ways(latch, head, body, 0); ok {
		return ways
	}
	if g.list[g.last(head)].jump && g.quiet(head) {
		for _, s := range g.succ[head] {
			if body[s] {
				edges = append(edges, [2]int{g.last(head), g.starts[s]})
			}
		}
	}
	return edges
}

// opening returns the index of the direct call that a block begins with; -1 without one, or if something
// before it writes memory.
func (g *graph) opening(b int) int {
	for i := g.starts[b]; i <= g.last(b); i++ {
		if x := g.list[i]; x.op == x86asm.CALL && x.to != 0 && *memory(x.pc) == 0xe8 {
			return i
		} else if x.writes {
			return -1
		}
	}
	return -1
}

// ways returns the jumps that lead to a block which falls through to the head, and to blocks that fall
// through to it in turn, if nothing on the way writes memory.
func (g *graph) ways(b, head int, body map[int]bool, depth int) (all [][2]int, ok bool) {
	if b == head || depth > 4 || !g.quiet(b) {
		return nil, false
	}
	for _, p := range g.pred[b] {
		if !body[p] {
			return nil, false
		}
		if g.list[g.last(p)].jump {
			all = append(all, [2]int{g.last(p), g.starts[b]})
			continue
		}
		more, ok := g.ways(p, head, body, depth+1)
		if !ok {
			return nil, false
		}
		all = append(all, more...)
	}
	return all, true
}
