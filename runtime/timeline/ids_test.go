package timeline

import (
	"testing"

	"golang.org/x/exp/trace"
	"pgregory.net/rapid"
)

// TestIDs: whatever is added is found, as in a map.
func TestIDs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var x ids
		want := map[trace.GoID]int32{}
		near := rapid.Int64Range(0, 1<<40).Draw(t, "near")
		id := rapid.OneOf(rapid.Int64Range(0, 1<<40), rapid.Int64Range(max(0, near-200), near+200_000))
		for i := range int32(rapid.IntRange(0, 200).Draw(t, "n")) {
			id := trace.GoID(id.Draw(t, "id"))
			if _, known := x.find(id); known {
				continue // the reader adds an ID once
			}
			if rapid.Bool().Draw(t, "new") {
				x.addNew(id, i)
			} else {
				x.add(id, i)
			}
			want[id] = i
		}
		for id, i := range want {
			if got, ok := x.find(id); !ok || got != i {
				t.Fatalf("%d leads to %d, %v; want %d", id, got, ok, i)
			}
		}
		for _, id := range []trace.GoID{0, -1, 1 << 41} {
			_, ok := x.find(id)
			if _, added := want[id]; ok != added {
				t.Fatalf("%d: found %v, added %v", id, ok, added)
			}
		}
	})
}
