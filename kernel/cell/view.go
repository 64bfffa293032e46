package cell

import (
	"go/token"
	"go/types"
	"strings"

	"interleave/kernel/cell/names"
)

// A View is what a session declares, for those who look names up while cells run. It never changes.
type View struct {
	Names    map[string]Name
	Methods  map[string]Name   // of types, such as "T.M", without objects
	Imports  map[string]string // names of packages that cells have imported, and their paths
	Dots     []string          // the paths of packages whose names are the session's
	Packages Packages
	Uses     map[string]int // by name, in how many definitions it is mentioned
}

// A Name is a declaration of a session.
type Name struct {
	Object types.Object
	Cell   int    // that declares it
	Gen    int    // of a variable, the generation of its storage
	Source string // the text of the cell
	From   int    // where the declaration is in it; From and To are equal for a variable
	To     int
	Lost   string // of a variable without a value, the reason, as the rest of a sentence about it
}

// View returns what the session declares now.
func (s *Scope) View() *View {
	v := &View{Names: make(map[string]Name, len(s.units)), Imports: map[string]string{}, Packages: s.pkgs,
		Methods: map[string]Name{}, Uses: map[string]int{}}
	for name, path := range s.imports {
		v.Imports[name] = s.pkgs.Present(path)
	}
	for _, path := range s.dots {
		v.Dots = append(v.Dots, s.pkgs.Present(path))
	}
	for _, u := range s.units {
		for name := range u.uses {
			v.Uses[names.Clean(name)]++
		}
		if _, result := names.ResultOf(u.names[0]); result || u.kind == initUnit || u.kind == blankUnit {
			continue
		}
		n := Name{Cell: u.src.N, Gen: u.home, Lost: u.lost}
		if u.node != nil {
			n.Source, n.From, n.To = u.src.Text, u.src.Offset(u.node.Pos()), u.src.End(u.node)
		}
		if u.kind == methodUnit {
			v.Methods[u.key()] = n
			continue
		}
		for _, o := range u.objs {
			if o.Parent() == nil { // inserting it elsewhere would set that, on another goroutine
				types.NewScope(types.Universe, token.NoPos, token.NoPos, "session").Insert(o)
			}
			n.Object = o
			v.Names[strings.TrimPrefix(o.Name(), own)] = n
		}
	}
	return v
}
