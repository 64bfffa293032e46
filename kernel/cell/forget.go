package cell

import (
	"fmt"
	"slices"
)

// Forget plans that names of the session are no longer declared. Definitions that need one of them are set aside. Where a name
// hid a predeclared one or a package, it means that again.
func (s *Session) Forget(n int, names []string) (*Plan, error) { return s.forget(n, names, Amends{}) }

func (s *Session) forget(n int, names []string, a Amends) (*Plan, error) {
	s.serial++
	src, _ := parse(s.fset, n, "")
	src.serial, src.spelled = s.serial, s.spelled
	c := s.newChange(src, nil, nil)
	c.amend(a)
	c.define()
	var diags Diagnostics
	for _, name := range names {
		u := c.old[name]
		if u == nil {
			name = shadow(name)
			u = c.old[name]
		}
		if u == nil || u.builtin {
			d := Diagnostic{Cell: n, Kind: "magic", Message: fmt.Sprintf("nothing is declared with the name %s", Clean(name))}
			if d.Hint = s.suggest(Clean(name)); d.Hint == "" {
				d.Hint = "%who lists what is declared"
			}
			diags = append(diags, d)
			continue
		}
		c.drop(u, name)
		c.reset[name] = true
		if u.kind == typeUnit {
			c.dropVariables(name)
			for _, m := range c.kept {
				if m.kind == methodUnit && m.recv == name {
					c.gone[m] = true
				}
			}
		}
	}
	if len(diags) > 0 {
		return nil, diags
	}
	if diags := c.resolve(); len(diags) > 0 {
		return nil, diags
	}
	p := c.plan()
	p.Lasting, p.Forget = true, names
	p.again = func(a Amends) (*Plan, error) {
		s.serial--
		return s.forget(n, names, a)
	}
	return p, nil
}

// dropVariables removes the variables whose type mentions another.
func (c *change) dropVariables(typeName string) {
	for _, v := range c.kept {
		if v.kind == varUnit && !c.gone[v] && v.uses[typeName] && !slices.Contains(c.dropped, v) {
			c.gone[v] = true
			c.changed[v.names[0]] = true
			c.dropped = append(c.dropped, v)
		}
	}
}
