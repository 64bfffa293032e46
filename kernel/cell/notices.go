package cell

import (
	"fmt"
	"go/types"
	"slices"
	"strings"

	"interleave/kernel/cell/names"
)

// Notes for the user about a cell that was accepted.

// staleValues notes variables that may hold, in an interface, a value of a type that was built again: the
// value keeps its old type.
func (p *placement) staleValues() (notes []string) {
	var rebuilt []*types.TypeName
	for u := range p.rebuild {
		if u.kind == typeUnit && len(u.objs) == 1 {
			if tn, ok := u.objs[0].(*types.TypeName); ok && !types.IsInterface(tn.Type()) {
				rebuilt = append(rebuilt, tn)
			}
		}
	}
	slices.SortFunc(rebuilt, func(a, b *types.TypeName) int { return strings.Compare(a.Name(), b.Name()) })
	moved := map[*unit]bool{} // to another type
	for _, r := range p.rebuild {
		moved[r] = true
	}
	for _, u := range p.final {
		if u.kind != varUnit || p.newVars[u.names[0]] == u && u.home == p.src.Serial && !moved[u] {
			continue
		}
		for _, tn := range rebuilt {
			if holds(u.typ, tn.Type(), map[types.Type]bool{}) {
				notes = append(notes,
					fmt.Sprintf("%s may hold values of %s from before this cell, which have the old type: assign it again",
						names.Clean(u.names[0]), names.Clean(tn.Name())))
				break
			}
		}
	}
	return notes
}

// holds reports whether a value of type t can hold a value of type v in an interface. Contents of types of
// packages are ignored, except of containers for values of any type.
func holds(t, v types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	if n, ok := t.(*types.Named); ok && n.Obj().Pkg() != nil && !isSession(n.Obj()) && !types.IsInterface(n) {
		return containers[n.Obj().Pkg().Path()+"."+n.Obj().Name()]
	}
	switch u := t.Underlying().(type) {
	case *types.Interface:
		if n, ok := v.(*types.Named); ok && n.TypeParams() != nil {
			return u.NumMethods() == 0
		}
		return types.Implements(v, u) || types.Implements(types.NewPointer(v), u)
	case *types.Pointer:
		return holds(u.Elem(), v, seen)
	case *types.Slice:
		return holds(u.Elem(), v, seen)
	case *types.Array:
		return holds(u.Elem(), v, seen)
	case *types.Map:
		return holds(u.Key(), v, seen) || holds(u.Elem(), v, seen)
	case *types.Chan:
		return holds(u.Elem(), v, seen)
	case *types.Struct:
		for f := range u.Fields() {
			if holds(f.Type(), v, seen) {
				return true
			}
		}
	}
	return false
}

var containers = map[string]bool{"sync.Map": true, "sync.Pool": true, "sync/atomic.Value": true,
	"container/list.List": true, "container/list.Element": true,
	"container/ring.Ring": true}

// remadeNames lists the names whose meaning this cell changes in a way that closures cannot follow.
func (p *placement) remadeNames() map[string]bool {
	names := map[string]bool{}
	before := p.s.live()
	for _, u := range p.final {
		if u.kind == methodUnit {
			continue
		}
		for i, name := range u.names {
			o := before[name]
			if o == nil || o == u || o.builtin {
				continue
			}
			switch {
			case o.kind != u.kind:
			case u.kind == funcUnit && p.patched[u]:
				continue
			case u.kind == varUnit && (u.home == o.home || p.rebuild[o] == u && u.lost == ""):
				continue
			case u.kind == constUnit && sameConst(o, u, name, i):
				continue
			}
			names[name] = true
		}
	}
	return names
}

func sameConst(o, u *unit, name string, i int) bool {
	if i >= len(u.objs) {
		return false
	}
	a, ok := u.objs[i].(*types.Const)
	for _, x := range o.objs {
		if b, is := x.(*types.Const); ok && is && b.Name() == name {
			return a.Val().String() == b.Val().String() && a.Val().Kind() == b.Val().Kind() &&
				types.TypeString(a.Type(), nil) == types.TypeString(b.Type(), nil)
		}
	}
	return false
}

// keptMeanings notes the variables whose closures use a name with its old meaning.
func (p *placement) keptMeanings() (notes []string) {
	if len(p.remade) == 0 {
		return nil
	}
	given := p.whole()
	for _, u := range p.final {
		if u.kind != varUnit || given[u.names[0]] {
			continue
		}
		for _, name := range sortedKeys(p.remade) {
			if n := u.closes[name]; n != 0 && name != u.names[0] {
				notes = append(notes, fmt.Sprintf("%s still uses the old %s: run cell[%d] again", names.Clean(u.names[0]),
					names.Clean(name), n))
				break
			}
		}
	}
	return notes
}
