package cell

import (
	"fmt"
	"maps"
	"slices"

	"interleave/kernel/cell/hint"
	"interleave/kernel/cell/names"
)

// suggest returns a hint with the name that the user may have meant.
func (s *Scope) suggest(name string) string {
	var declared []string
	for _, n := range sortedKeys(s.live()) {
		declared = append(declared, names.Clean(n))
	}
	predeclared := slices.DeleteFunc(slices.Sorted(maps.Keys(predeclaredNames)), func(n string) bool { return len(n) <= 3 })
	best := hint.Closest(name, declared, predeclared)
	if best == "" {
		return ""
	}
	return fmt.Sprintf("Did you mean %s?", best)
}
