package cell

import "maps"

// A spreading lists, by name, the facts about a cell and the session around it, before anything is
// type-checked again.
type spreading struct {
	units    []*unit          // of earlier cells, those that stay
	revived  map[*unit]bool   // those of them that were set aside and are tried again
	replaced []*unit          // functions and methods that the cell replaces
	changed  map[string]bool  // names with another meaning
	reset    map[string]bool  // types and constants that have changed
	cut      map[string]bool  // keys of functions that callers compiled earlier must not reach
	copied   func(*unit) bool // whether code compiled earlier may hold copies of a function
}

// An extent is everything that a cell's changes affect.
type extent struct {
	rebuild map[*unit]bool  // units that are built again with a new identity
	again   map[*unit]bool  // functions whose body alone is compiled again
	copied  map[string]bool // keys of functions that are built again and of which callers may hold copies
	changed map[string]bool // as in spreading, with what follows from it
	reset   map[string]bool
}

// spread follows changes to everything that must be built again. It is a pure function of names.
func (in *spreading) spread() *extent {
	x := &extent{map[*unit]bool{}, map[*unit]bool{}, map[string]bool{}, maps.Clone(in.changed), maps.Clone(in.reset)}
	copied := func(u *unit) {
		if in.copied(u) {
			x.copied[u.key()] = true
		}
	}
	for _, u := range in.replaced {
		copied(u)
	}
	for grew := true; grew; {
		grew = false
		for _, u := range in.units {
			if x.rebuild[u] {
				continue
			}
			switch whole, body := in.reaches(x, u); {
			case whole:
				x.rebuild[u] = true
				delete(x.again, u)
				grew = true
			case body && !x.again[u]:
				x.again[u] = true
				copied(u)
				grew = true
			}
		}
	}
	// A type may have been visited before the one it mentions was found to be reset.
	for grew := true; grew; {
		grew = false
		for u := range x.rebuild {
			if (u.kind == typeUnit || u.kind == constUnit) && !x.reset[u.names[0]] && mentions(u.uses, x.reset) {
				add(x.reset, u.names...)
				grew = true
			}
		}
	}
	return x
}

// reaches reports whether a unit must be built again as a whole, or only its body. If as a whole, it adds the
// names to which that gives another identity to the changed ones.
func (in *spreading) reaches(x *extent, u *unit) (whole, body bool) {
	hit := mentions(u.uses, x.changed) || mentions(u.holds, x.copied) || mentions(u.static, in.cut)
	if in.revived[u] {
		if u.kind == methodUnit {
			add(x.changed, u.recv)
		} else {
			add(x.changed, u.names...)
		}
		return true, false
	}
	switch u.kind {
	case typeUnit:
		if !hit && !x.changed[u.names[0]] {
			return false, false
		}
		if mentions(u.uses, x.reset) {
			add(x.reset, u.names[0])
		}
		add(x.changed, u.names...)
		return true, false
	case methodUnit:
		if x.changed[u.recv] {
			return true, false
		}
		if hit && (u.rigid() || mentions(u.sigUses, x.changed)) {
			add(x.changed, u.recv)
			return true, false
		}
		return false, hit
	case funcUnit:
		if hit && (u.rigid() || mentions(u.sigUses, x.changed)) {
			add(x.changed, u.names...)
			return true, false
		}
		return false, hit
	case constUnit:
		if hit {
			add(x.reset, u.names...)
			add(x.changed, u.names...)
		}
		return hit, false
	case varUnit:
		if hit {
			add(x.changed, u.names...)
		}
		return hit, false
	}
	return false, false
}

// add puts names into a set.
func add(set map[string]bool, names ...string) {
	for _, n := range names {
		set[n] = true
	}
}
