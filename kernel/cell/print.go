package cell

import (
	"fmt"
	"go/types"
	"strconv"
	"strings"

	"interleave/kernel/cell/names"
)

// A speller writes types as source text.
type speller struct {
	global func(o *types.TypeName) string // a session type; nil: its plain name
	pkg    func(path string) string       // the name of a package, recording its use; nil: its alias
	member func(name string) string       // a field or method of a session type; nil: its plain name
	seen   map[string]bool                // session types met, if not nil
	hidden bool                           // set when a type cannot be spelled here
}

// isSession reports whether an object belongs to the session's package.
func isSession(o types.Object) bool { return o != nil && o.Pkg() != nil && o.Pkg().Path() == "main" }

// isGlobal reports whether an object is declared at the session's top level, by whichever check made it.
func isGlobal(o types.Object) bool {
	return isSession(o) && o.Parent() != nil && o.Parent().Parent() == types.Universe
}

// typeNames lists the session types that a type mentions by name.
func typeNames(t types.Type) map[string]bool {
	s := &speller{seen: map[string]bool{}}
	s.typ(t)
	return s.seen
}

func (s *speller) name(o *types.TypeName) string {
	switch {
	case o.Pkg() == nil:
		return o.Name()
	case isGlobal(o):
		if s.seen != nil {
			s.seen[o.Name()] = true
		}
		if s.global != nil {
			return s.global(o)
		}
		return o.Name()
	case isSession(o): // local to a function
		if s.member != nil {
			return s.member(o.Name())
		}
		return o.Name()
	}
	if !o.Exported() {
		s.hidden = true
	}
	return s.pack(o.Pkg().Path()) + "." + o.Name()
}

func (s *speller) pack(path string) string {
	if s.pkg != nil {
		return s.pkg(path)
	}
	return names.Alias(path)
}

func (s *speller) args(l *types.TypeList) string {
	if l.Len() == 0 {
		return ""
	}
	var a []string
	for t := range l.Types() {
		a = append(a, s.typ(t))
	}
	return "[" + strings.Join(a, ", ") + "]"
}

func (s *speller) memberName(o types.Object) string {
	if !o.Exported() && !isSession(o) && o.Name() != "_" {
		s.hidden = true
	}
	if s.member != nil && isSession(o) {
		return s.member(o.Name())
	}
	return o.Name()
}

func (s *speller) typ(t types.Type) string {
	switch t := t.(type) {
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			return s.pack("unsafe") + ".Pointer"
		}
		return t.Name()
	case *types.Named:
		return s.name(t.Obj()) + s.args(t.TypeArgs())
	case *types.Alias:
		return s.name(t.Obj()) + s.args(t.TypeArgs())
	case *types.TypeParam:
		return t.Obj().Name()
	case *types.Pointer:
		return "*" + s.typ(t.Elem())
	case *types.Slice:
		return "[]" + s.typ(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), s.typ(t.Elem()))
	case *types.Map:
		return "map[" + s.typ(t.Key()) + "]" + s.typ(t.Elem())
	case *types.Chan:
		return [...]string{types.SendRecv: "chan ", types.SendOnly: "chan<- ", types.RecvOnly: "<-chan "}[t.Dir()] + "(" +
			s.typ(t.Elem()) + ")"
	case *types.Signature:
		return "func" + s.signature(t)
	case *types.Struct:
		return s.structType(t)
	case *types.Interface:
		if t.NumMethods() == 0 && t.NumEmbeddeds() == 0 {
			return "interface{}"
		}
		var parts []string
		for m := range t.ExplicitMethods() {
			parts = append(parts, s.memberName(m)+s.signature(m.Signature()))
		}
		for e := range t.EmbeddedTypes() {
			parts = append(parts, s.typ(e))
		}
		return "interface{" + strings.Join(parts, "; ") + "}"
	case *types.Union:
		var parts []string
		for x := range t.Terms() {
			tilde := ""
			if x.Tilde() {
				tilde = "~"
			}
			parts = append(parts, tilde+s.typ(x.Type()))
		}
		return strings.Join(parts, "|")
	}
	panic(fmt.Sprintf("cell: no spelling for %T", t))
}

func (s *speller) structType(t *types.Struct) string {
	var b strings.Builder
	b.WriteString("struct{")
	for i := range t.NumFields() {
		f := t.Field(i)
		if f.Embedded() {
			b.WriteString(s.embedded(f.Type()))
		} else {
			b.WriteString(s.memberName(f) + " " + s.typ(f.Type()))
		}
		if tag := t.Tag(i); tag != "" {
			b.WriteString(" " + strconv.Quote(tag))
		}
		b.WriteString("; ")
	}
	return b.String() + "}"
}

// embedded spells an embedded field. An embedded predeclared type, such as int, would be a field that no
// other package can name, so generated code embeds an alias with a name that begins with the letter.
func (s *speller) embedded(t types.Type) string {
	if s.member == nil {
		return s.typ(t)
	}
	if name, ok := predeclared(t); ok {
		return s.pack(runtimePath) + "." + letter + name
	}
	if p, ok := t.(*types.Pointer); ok {
		if name, ok := predeclared(p.Elem()); ok {
			return "*" + s.pack(runtimePath) + "." + letter + name
		}
	}
	return s.typ(t)
}

func predeclared(t types.Type) (string, bool) {
	switch t := t.(type) {
	case *types.Basic:
		if t.Kind() != types.UnsafePointer {
			return t.Name(), true
		}
	case *types.Named:
		if t.Obj().Pkg() == nil {
			return t.Obj().Name(), true
		}
	case *types.Alias:
		if t.Obj().Pkg() == nil {
			return t.Obj().Name(), true
		}
	}
	return "", false
}

func (s *speller) signature(t *types.Signature) string {
	r := s.tuple(t.Results(), false)
	if t.Results().Len() == 0 {
		r = ""
	}
	return s.tuple(t.Params(), t.Variadic()) + r
}

func (s *speller) tuple(t *types.Tuple, variadic bool) string {
	var a []string
	for i := range t.Len() {
		if variadic && i == t.Len()-1 {
			a = append(a, "..."+s.variadic(t.At(i).Type()))
			continue
		}
		a = append(a, s.typ(t.At(i).Type()))
	}
	return "(" + strings.Join(a, ", ") + ")"
}

// variadic spells the element of a final ... parameter.
func (s *speller) variadic(t types.Type) string {
	if sl, ok := t.Underlying().(*types.Slice); ok {
		return s.typ(sl.Elem())
	}
	return s.typ(t) // only append([]byte, string...) has such a parameter
}
