package cell

import (
	"fmt"
	"go/types"
	"strings"
)

// An interface value points to a table that pairs its dynamic type with the interface. The compiler writes a pair where it
// sees the conversion, the runtime makes one when a type assertion needs a pair that no loaded code has, and compiled code
// compares pairs by pointer. In a program all pairs the compiler wrote are there from the start; in a session a plugin
// that is loaded later may bring one for which the runtime has made its own already, and then x.(T) fails on a value that
// is a T. So each pair of a session type and an interface that meet is written as soon as both exist: nothing can have
// asked for it before.

// common are interfaces of packages that values are asserted to without their type being converted to them anywhere.
var common = []struct{ path, name string }{
	{"", "error"}, {"fmt", "Stringer"}, {"fmt", "GoStringer"}, {"fmt", "Formatter"}, {"io", "Reader"}, {"io", "Writer"}, {"io", "Closer"},
	{"sort", "Interface"}, {"encoding/json", "Marshaler"}, {"encoding/json", "Unmarshaler"}, {"encoding", "TextMarshaler"}, {"encoding", "TextUnmarshaler"},
	{"net/http", "Handler"}, {"context", "Context"}, {"sync", "Locker"},
}

// pairs declares the pairs that the units of this cell complete.
func (e *emitter) pairs(units []*unit) string {
	var b strings.Builder
	here := map[*unit]bool{}
	for _, u := range units {
		here[u] = u.kind == typeUnit
	}
	var concrete, interfaces []*types.TypeName
	isNew := map[*types.TypeName]bool{}
	for _, name := range sortedKeys(e.units) {
		u := e.units[name]
		if u.kind != typeUnit || u.generic || constraint(u) || len(u.objs) != 1 {
			continue
		}
		tn, ok := u.objs[0].(*types.TypeName)
		if !ok || tn.IsAlias() {
			continue
		}
		isNew[tn] = here[u]
		if types.IsInterface(tn.Type()) {
			interfaces = append(interfaces, tn)
		} else if types.NewMethodSet(types.NewPointer(tn.Type())).Len() > 0 {
			concrete = append(concrete, tn)
		}
	}
	n := 0
	pair := func(i types.Type, spelled func() string, t *types.TypeName) {
		face := i.Underlying().(*types.Interface)
		if face.NumMethods() == 0 {
			return
		}
		put := func(value string) {
			n++
			fmt.Fprintf(&b, "var %si%d_ %s = %s\n", own, n, spelled(), value)
		}
		if types.Implements(t.Type(), face) {
			put(e.rt("Zero") + "[" + e.global(t.Name()) + "]()")
		}
		if types.Implements(types.NewPointer(t.Type()), face) {
			put("(*" + e.global(t.Name()) + ")(nil)")
		}
	}
	for _, t := range concrete {
		for _, i := range interfaces {
			if isNew[t] || isNew[i] {
				pair(i.Type(), func() string { return e.global(i.Name()) }, t)
			}
		}
		if !isNew[t] {
			continue
		}
		for _, c := range common {
			if c.path == "" {
				pair(types.Universe.Lookup(c.name).Type(), func() string { return c.name }, t)
				continue
			}
			if p, err := e.c.s.pkgs.Import(c.path); err == nil {
				if o := p.Scope().Lookup(c.name); o != nil {
					pair(o.Type(), func() string { return e.use(c.path) + "." + c.name }, t)
				}
			}
		}
	}
	if n > 0 {
		fmt.Fprintf(&b, "func init() { %s(", e.rt("Keep"))
		for i := range n {
			fmt.Fprintf(&b, "&%si%d_, ", own, i+1)
		}
		b.WriteString(") }\n")
	}
	return b.String()
}
