package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/source"
)

// A definition of an earlier cell may no longer fit what a new cell defines: a caller passes too few
// arguments, or a method reads a field that its type has lost. The new cell is accepted all the same, so that
// the cells of a notebook can be run one after the other. The definitions that do not fit are set aside: a
// note names them and the reason, cells that mention them are refused with that reason, and they come back
// when a later cell makes them fit again.
//
// Compiled code stays as it was: goroutines that run it and closures that hold it use the definitions it was
// compiled with.

// setAside takes definitions of earlier cells that have errors out of the session, and reports whether it
// did. When the cell itself has an error, it takes out nothing: that error is the one to show.
func (c *checked) setAside(errs []types.Error) bool {
	var units []*unit // in the order in which the checker found them
	found := map[*unit]types.Error{}
	for _, e := range errs {
		if strings.HasPrefix(e.Msg, "\t") { // continues the error before
			continue
		}
		u := c.earlierUnit(e)
		if u == nil {
			return false
		}
		if _, ok := found[u]; !ok {
			found[u] = e
			units = append(units, u)
		}
	}
	slices.SortFunc(units, func(a, b *unit) int { return int(a.node.Pos() - b.node.Pos()) })
	for _, u := range units {
		e := found[u]
		if own := c.same[u]; own != nil { // the cell has this definition itself: the error belongs to the cell
			delete(c.same, u)
			c.gone[u] = true
			c.news = append(c.news, own)
			if own.kind == methodUnit {
				c.changed[own.recv] = true
			}
			for _, n := range own.names {
				if own.kind != methodUnit {
					c.added[n] = own
				}
			}
			continue
		}
		d := c.diagnose([]types.Error{e})[0]
		c.takeOut(u, &d)
	}
	return len(found) > 0
}

// takeOut sets aside one definition, and the variables that had it as their type.
func (c *checked) takeOut(u *unit, why *source.Diagnostic) {
	c.gone[u] = true
	c.aside = append(c.aside, u)
	c.why[u] = why
	if u.kind == methodUnit {
		c.changed[u.recv] = true
		return
	}
	for _, n := range u.names {
		c.changed[n] = true
		c.reset[n] = true
	}
	if u.kind == typeUnit {
		c.dropVariables(u.names[0])
	}
}

// earlierUnit returns the definition of an earlier cell that contains an error, or nil.
func (c *checked) earlierUnit(e types.Error) *unit {
	src := c.s.sourceOf(e.Pos)
	if src == nil || src == c.src {
		return nil
	}
	holds := func(u *unit) bool {
		return u.node != nil && u.node.Pos() <= e.Pos && e.Pos <= u.node.End()
	}
	for _, u := range c.kept {
		if !c.gone[u] && (c.rebuild[u] != nil || c.again[u] != nil) && holds(u) {
			return u
		}
	}
	return nil
}

// revive adds to the definitions to check those that were set aside and that mention, directly or through
// others, something that this cell defines.
func (d *definition) revive() {
	names := map[string]bool{}
	for _, u := range d.news {
		if u.kind == methodUnit {
			names[u.recv] = true
		}
		for _, n := range u.names {
			names[n] = true
		}
	}
	for _, id := range d.vars {
		names[id.Name] = true
	}
	for grew := true; grew; {
		grew = false
		for _, u := range d.s.aside {
			if d.revived[u] || d.superseded(u, d.vars) || !mentions(u.uses, names) && !names[u.recv] {
				continue
			}
			d.revived[u] = true
			d.kept = append(d.kept, u)
			if u.kind == methodUnit {
				d.changed[u.recv] = true
				names[u.recv] = true
			} else {
				maps.Copy(names, nameSet(u.names))
				maps.Copy(d.changed, nameSet(u.names))
			}
			grew = true
		}
	}
}

// superseded reports whether the name of a definition that was set aside has another meaning now.
func (o *outline) superseded(u *unit, vars []*ast.Ident) bool {
	if u.kind == methodUnit {
		return slices.ContainsFunc(o.news, func(n *unit) bool { return n.kind == methodUnit && n.key() == u.key() })
	}
	return slices.ContainsFunc(u.names, func(n string) bool {
		old := o.old[n]
		return o.added[n] != nil || old != nil && old != u ||
			slices.ContainsFunc(vars, func(id *ast.Ident) bool { return id.Name == n })
	})
}

func nameSet(names []string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// remaining lists the units that are set aside once this cell is part of the session.
func (c *checked) remaining() (aside []*unit) {
	for _, u := range c.s.aside {
		if !c.superseded(u, c.vars) && !c.revived[u] {
			aside = append(aside, u)
		}
	}
	for _, u := range c.aside {
		if !c.superseded(u, c.vars) {
			aside = append(aside, c.withReason(u))
		}
	}
	return aside
}

// withReason returns a copy of a unit, set aside with its reason.
func (c *checked) withReason(u *unit) *unit {
	cp := *u
	cp.aside = c.why[u]
	return &cp
}

// asideList lists the units that the cell may miss because they are set aside, now or before.
func (c *checked) asideList() (list []*unit) {
	for _, u := range c.aside {
		list = append(list, c.withReason(u))
	}
	return append(list, c.s.aside...)
}

// asideNotes returns the notes for the user: which definitions were set aside, which went with them, and
// which fit again.
func (c *checked) asideNotes() (notes []string) {
	const most = 6
	var reasons, followers []string
	for _, u := range c.aside {
		if c.revived[u] { // as before
			continue
		}
		d := c.why[u]
		if name, ok := strings.CutPrefix(d.Message, "undefined: "); ok && c.tookAside(name) {
			followers = append(followers, u.described())
			continue
		}
		reasons = append(reasons, fmt.Sprintf("%s no longer fits and is set aside until it is defined again (%s)",
			u.described(), source.Short(d.String())))
	}
	if n := len(reasons); n > most {
		reasons = append(reasons[:most], fmt.Sprintf("%d more definitions no longer fit and are set aside", n-most))
	}
	notes = reasons
	if n := len(followers); n > 0 {
		slices.Sort(followers)
		text := strings.Join(followers[:min(n, most)], ", ")
		if n > most {
			text += fmt.Sprintf(" and %d more", n-most)
		}
		notes = append(notes, "set aside with it, because they use it: "+text)
	}
	for _, v := range c.dropped {
		notes = append(notes, fmt.Sprintf("%s was dropped: its type is no longer declared", names.Clean(v.names[0])))
	}
	var back []string
	for _, u := range c.s.aside {
		if c.revived[u] && !slices.Contains(c.aside, u) {
			back = append(back, u.described())
		}
	}
	if len(back) > 0 {
		slices.Sort(back)
		notes = append(notes, "fits again: "+strings.Join(back, ", "))
	}
	return notes
}

// tookAside reports whether this cell has set a name aside.
func (c *checked) tookAside(name string) bool {
	return slices.ContainsFunc(c.aside, func(u *unit) bool {
		return u.kind != methodUnit &&
			slices.Contains(u.names, name)
	})
}

// described returns how notes call a unit: method Label of Job (cell[2]).
func (u *unit) described() string {
	name := names.Clean(u.names[0])
	if u.kind == methodUnit {
		name = "method " + name + " of " + names.Clean(u.recv)
	}
	return fmt.Sprintf("%s (cell[%d])", name, u.src.N)
}

// asideHint explains that a name or a method that the cell misses is set aside. It is empty when it is not.
func (c *checked) asideHint(name, recv string) string {
	for _, u := range c.asideList() {
		if u.recv == recv && slices.Contains(u.names, name) {
			return fmt.Sprintf("%s was set aside when it stopped fitting (%s): define it again", u.described(),
				source.Short(u.aside.String()))
		}
	}
	return ""
}
