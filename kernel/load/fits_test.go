package load_test

import (
	"testing"

	"interleave/kernel/load"
)

// A definition may take another's place where nothing flows further than it did.
func TestFits(t *testing.T) {
	t.Parallel()
	const (
		heap, mutator, callee, result = 0, 1, 2, 3
		nothing                       = "esc:"
	)
	way := func(slots ...int) string { // pairs of slot and pointers followed
		b := make([]byte, 8)
		for i := 0; i < len(slots); i += 2 {
			b[slots[i]] = byte(slots[i+1] + 1)
		}
		return nothing + string(b)
	}
	for _, c := range []struct {
		why      string
		now, old string
		fits     bool
	}{
		{"the same", nothing, nothing, true},
		{"kept now", "", nothing, false},
		{"kept before", nothing, "", true},
		{"kept as before", "", "", true},
		{"returned now", way(result, 0), nothing, false},
		{"returned before", nothing, way(result, 0), true},
		{"returned as the other result", way(result+1, 0), way(result, 0), false},
		{"what it points to is kept now", way(heap, 1), nothing, false},
		{"what it points to was kept", way(heap, 1), "", true},
		{"itself is kept, no longer what it points to", "", way(heap, 1), false},
		{"what it points to is returned, and was kept", way(result, 1), way(heap, 1), true},
		{"itself is returned, what it points to was kept", way(result, 0), way(heap, 1), false},
		{"further away than before", way(result, 2), way(result, 1), true},
		{"written to now", way(mutator, 0), nothing, false},
		{"written to as before", way(mutator, 0), way(mutator, 0, result, 0), true},
		{"written to, and was kept", way(mutator, 0), "", true},
		{"called now", way(callee, 0), nothing, false},
		{"a tag of another sort", "uintptr-escapes", nothing, false},
		{"a longer tag", way() + "\x01", nothing, false},
	} {
		now, old := load.Function{Tags: []string{nothing, c.now}}, load.Function{Tags: []string{nothing, c.old}}
		if got := now.Fits(old); got != c.fits {
			t.Errorf("%s: %q for %q fits: %v", c.why, c.now, c.old, got)
		}
	}
	f := load.Function{Tags: []string{nothing}}
	if f.Fits(load.Function{Tags: []string{nothing, nothing}}) || f.Fits(load.Function{Tags: []string{nothing}, Pragma: 1 << 3}) {
		t.Error("a function with other parameters or directives fits")
	}
	if !f.Fits(load.Function{Tags: []string{nothing}, Pragma: 1 << 4}) {
		t.Error("one that was not to be inlined does not fit")
	}
}
