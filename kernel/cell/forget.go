package cell

import (
	"fmt"
	"slices"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/source"
)

// Forget plans the removal of names from the session. Definitions that need one of them are set aside. A name
// that hid a predeclared one or a package has its former meaning again.
func (s *Scope) Forget(n int, list []string) (*Plan, error) { return s.forget(n, list, Amends{}) }

func (s *Scope) forget(n int, list []string, a Amends) (*Plan, error) {
	src, _ := s.read(n, "")
	d := s.define(src, nil, nil, a)
	var diags source.Diagnostics
	for _, name := range list {
		u := d.old[name]
		if u == nil {
			name = shadow(name)
			u = d.old[name]
		}
		if u == nil || u.builtin {
			bad := source.Diagnostic{Cell: n, Kind: source.MagicError, Message: fmt.Sprintf("nothing is declared with the name %s", names.Clean(name))}
			if bad.Hint = s.suggest(names.Clean(name)); bad.Hint == "" {
				bad.Hint = "%who lists what is declared"
			}
			diags = append(diags, bad)
			continue
		}
		d.drop(u, name)
		d.reset[name] = true
		if u.kind == typeUnit {
			d.dropVariables(name)
			for _, m := range d.kept {
				if m.kind == methodUnit && m.recv == name {
					d.gone[m] = true
				}
			}
		}
	}
	if len(diags) > 0 {
		return nil, diags
	}
	c, diags := d.settle()
	if len(diags) > 0 {
		return nil, diags
	}
	p := c.place().plan()
	p.Lasting, p.Forget = true, list
	p.again = func(a Amends) (*Plan, error) {
		s.serial--
		return s.forget(n, list, a)
	}
	return p, nil
}

// dropVariables removes the variables whose type mentions another.
func (o *outline) dropVariables(typeName string) {
	for _, v := range o.kept {
		if v.kind == varUnit && !o.gone[v] && v.uses[typeName] && !slices.Contains(o.dropped, v) {
			o.gone[v] = true
			o.changed[v.names[0]] = true
			o.dropped = append(o.dropped, v)
		}
	}
}
