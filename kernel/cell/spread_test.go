package cell

import (
	"slices"
	"strings"
	"testing"
)

// What changes reach is a matter of names: no cell is parsed here.
func TestSpread(t *testing.T) {
	t.Parallel()
	names := func(list string) map[string]bool { return nameSet(strings.Fields(list)) }
	of := func(k kind, name, uses string) *unit { return &unit{kind: k, names: []string{name}, uses: names(uses)} }
	function := func(name, uses, inSignature string) *unit {
		u := of(funcUnit, name, uses+" "+inSignature)
		u.sigUses = names(inSignature)
		return u
	}
	method := func(recv, name, uses, inSignature string) *unit {
		u := function(name, uses, inSignature)
		u.kind, u.recv = methodUnit, recv
		return u
	}
	holding := func(u *unit, keys string) *unit { u.holds, u.plain = names(keys), true; return u }
	relying := func(u *unit, keys string) *unit { u.static, u.plain = names(keys), true; return u }
	generic := func(u *unit) *unit { u.generic = true; return u }

	for _, c := range []struct {
		what                   string
		units                  []*unit
		changed, reset, cut    string
		rebuild, again, resets string
	}{
		{"nothing changed", []*unit{function("f", "g", "")}, "", "", "", "", "", ""},
		{"a body that mentions it", []*unit{function("f", "g", "")}, "g", "", "", "", "f", ""},
		{"callers of what is compiled again stay", []*unit{function("f", "g", ""), function("h", "f", "")}, "g", "", "", "", "f", ""},
		{"a signature that mentions it, and its callers", []*unit{function("h", "f", ""), function("f", "", "T")}, "T", "T", "", "f", "h", ""},
		{"generic functions are others", []*unit{generic(function("f", "g", "")), function("h", "f", "")}, "g", "", "", "f", "h", ""},
		{"types, transitively, in any order", []*unit{of(typeUnit, "A", "B"), of(typeUnit, "B", "C")}, "C", "C", "", "A B", "", "A B C"},
		{"a type of the same shape is not reset", []*unit{of(typeUnit, "A", "B")}, "B", "", "", "A", "", ""},
		{"methods follow their type", []*unit{method("T", "m", "", "")}, "T", "", "", "T.m", "", ""},
		{"a method whose signature changes takes its type along", []*unit{of(typeUnit, "T", ""), method("T", "m", "", "U"), method("T", "n", "", "")}, "U", "U", "", "T T.m T.n", "", ""},
		{"a method's body alone", []*unit{of(typeUnit, "T", ""), method("T", "m", "g", "")}, "g", "", "", "", "T.m", ""},
		{"constants are reset", []*unit{of(constUnit, "c", "d"), function("f", "c", "")}, "d", "d", "", "c", "f", "c d"},
		{"variables of the type", []*unit{of(varUnit, "v", "T")}, "T", "T", "", "v", "", "T"},
		{"copies of copies", []*unit{holding(function("f", "", ""), "g"), holding(function("h", "", ""), "f")}, "", "", "", "", "f h", ""},
		{"what relied on a function that is cut", []*unit{relying(function("f", "", ""), "g"), function("h", "g", "")}, "", "", "g", "", "f", ""},
	} {
		in := &spreading{units: c.units, changed: names(c.changed), reset: names(c.reset), cut: names(c.cut), copied: func(u *unit) bool { return u.plain }}
		if strings.HasPrefix(c.what, "copies") {
			in.replaced = []*unit{holding(function("g", "", ""), "")}
		}
		x := in.spread()
		keys := func(units map[*unit]bool) string {
			var list []string
			for u := range units {
				list = append(list, u.key())
			}
			slices.Sort(list)
			return strings.Join(list, " ")
		}
		if got := keys(x.rebuild); got != c.rebuild {
			t.Errorf("%s: %q are built as a whole, want %q", c.what, got, c.rebuild)
		}
		if got := keys(x.again); got != c.again {
			t.Errorf("%s: the bodies of %q are built again, want %q", c.what, got, c.again)
		}
		if got := strings.Join(sortedKeys(x.reset), " "); c.resets != "" && got != c.resets {
			t.Errorf("%s: %q are reset, want %q", c.what, got, c.resets)
		}
		if len(in.changed) != len(names(c.changed)) || len(in.reset) != len(names(c.reset)) {
			t.Errorf("%s: spread changed what it was given", c.what)
		}
	}
}
