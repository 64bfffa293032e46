package cell

import (
	"fmt"
	"go/token"
	"maps"
	"slices"

	"interleave/kernel/cell/hint"
	"interleave/kernel/cell/names"
)

// visible lists the names that the cell has declared before a position, where they can be used.
func (c *checked) visible(at token.Pos) (list []string) {
	for id, o := range c.info.Defs {
		if o != nil && o.Parent() != nil && id.Pos() < at && o.Parent().Contains(at) {
			list = append(list, names.Clean(o.Name()))
		}
	}
	slices.Sort(list)
	return list
}

// suggest returns a hint with the name that the user may have meant, one of the session or of local ones.
func (s *Scope) suggest(name string, local ...string) string {
	declared := local
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
