package cell

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"interleave/kernel/cell/names"
)

// Symbol is one declared name, for %who and completion.
type Symbol struct {
	Name string
	Kind string // "func", "method", "type", "const", "var"
	Type string
	Cell int
	Gen  int    // of a variable
	Note string // "lost", "no value" or "set aside"
}

// Symbols lists what is declared, in order of declaration.
func (s *Scope) Symbols() (out []Symbol) {
	kinds := map[kind]string{funcUnit: "func", methodUnit: "method", typeUnit: "type", constUnit: "const", varUnit: "var"}
	for _, u := range slices.Concat(s.units, s.aside) {
		if u.builtin {
			continue
		}
		for _, name := range u.names {
			if _, result := names.ResultOf(name); result {
				continue
			}
			sy := Symbol{Name: names.Clean(name), Kind: kinds[u.kind], Cell: u.src.N, Gen: u.home, Note: u.note()}
			switch {
			case u.kind == varUnit:
				sy.Type = typeText(u.typ)
			case u.kind == methodUnit:
				sy.Name, sy.Type = u.recv+"."+name, u.header()
			case u.kind == funcUnit:
				sy.Type = u.header()
			default:
				for _, o := range u.objs {
					if o.Name() == name {
						sy.Type = typeText(o.Type().Underlying())
					}
				}
			}
			out = append(out, sy)
		}
	}
	return out
}

// note returns the remark on a unit in a list of symbols.
func (u *unit) note() string {
	switch {
	case u.aside != nil:
		return "set aside"
	case u.lost == lostWithSession:
		return "lost"
	case u.lost != "":
		return "no value"
	}
	return ""
}

// header returns a function's type as its author wrote it, on one line and without its name.
func (u *unit) header() string {
	f, ok := u.node.(*ast.FuncDecl)
	if !ok {
		return ""
	}
	text := u.src.Text[u.src.Offset(f.Name.End()):u.src.Offset(f.Type.End())]
	return "func" + oneLine.Replace(strings.Join(strings.Fields(text), " "))
}

// oneLine removes the traces of lists that were written with one item per line.
var oneLine = strings.NewReplacer("( ", "(", "[ ", "[", ", )", ")", ", ]", "]")

// typeText returns a type as users read it.
func typeText(t types.Type) string {
	return names.Clean(types.TypeString(t, func(p *types.Package) string {
		if p.Path() == "main" {
			return ""
		}
		return p.Name()
	}))
}

// Home finds the package that holds a type, function or constant.
func (s *Scope) Home(name string) (serial int, ok bool) {
	if u := s.live()[name]; u != nil && u.kind != varUnit {
		return u.home, true
	}
	return 0, false
}

// Declares reports whether the session declares the name.
func (s *Scope) Declares(name string) bool { return s.live()[name] != nil }
