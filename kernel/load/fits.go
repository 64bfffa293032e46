package load

import "strings"

// A Function is what the compiler exports about a function. Callers in other packages may have been compiled
// to rely on it.
type Function struct {
	Inlined bool     // callers may have copies of its body
	Tags    []string // of the receiver and the parameters: where what they point to may be kept, or changed
	Pragma  int      // compiler directives, such as noinline
}

// Fits reports whether code that was compiled to call old may call f instead: f must not keep, or change,
// more through its arguments than old.
//
// A caller puts a variable on its own stack if no tag records that the callee keeps its address, and converts
// a string to bytes without copying if no tag records that the callee writes to them. A tag is a list of
// numbers, one for each way on which a value may flow: to the heap, into an assignment through it, into a
// call of it, and to the first results. A number counts the pointers that are followed on the shortest such
// way, and one more; 0 means that there is no way. The shorter the way, the more flows: what is n pointers
// away reaches all that is further away. So a tag is at most another if each of its ways is in the other, as
// short or shorter; or longer than the other's way to the heap, from where everything is reachable already,
// and which ends the compiler's interest in other ways. A text that does not have this form means that
// everything flows to the heap.
func (f Function) Fits(old Function) bool {
	if f.Pragma&^noInline != old.Pragma&^noInline || len(f.Tags) != len(old.Tags) {
		return false
	}
	for i := range f.Tags {
		if !flows(f.Tags[i]).atMost(flows(old.Tags[i])) {
			return false
		}
	}
	return true
}

// noInline is the compiler's flag for //go:noinline (ir.Noinline in cmd/compile/internal/ir), which does not
// matter to callers in other packages.
const noInline = 1 << 4

// A ways is a tag of a parameter: the length of the shortest way to the heap, to an assignment, to a call, to
// results.
type ways [8]uint8

// flows reads a tag.
func flows(tag string) (w ways) {
	text, ok := strings.CutPrefix(tag, "esc:")
	if !ok || len(text) > len(w) {
		return ways{1}
	}
	copy(w[:], text)
	return w
}

func (w ways) atMost(old ways) bool {
	for i, n := range w {
		switch {
		case n == 0:
		case old[i] != 0 && n >= old[i]:
		case old[0] != 0 && n >= old[0]:
		default:
			return false
		}
	}
	return true
}
