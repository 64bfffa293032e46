package assist

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"

	"interleave/kernel/cell"
	"interleave/kernel/cell/names"
	"interleave/kernel/cell/source"
)

// An Inspection is what is known of a name. The zero value knows nothing.
type Inspection struct {
	Plain, Markdown string
}

// Found reports whether anything is known.
func (i Inspection) Found() bool { return i.Plain != "" }

// name is a declaration of the session.
type name = cell.Name

// qualify writes names of packages before what is not of the session.
func qualify(p *types.Package) string {
	if p.Path() == "main" {
		return ""
	}
	return p.Name()
}

// signature is one line about an object.
func signature(o types.Object, q types.Qualifier) string {
	if o == nil || o.Type() == nil { // of broken code
		return ""
	}
	switch o := o.(type) {
	case *types.Builtin:
		return builtins[o.Name()]
	case *types.Func:
		sig := o.Signature()
		var b strings.Builder
		b.WriteString("func ")
		if recv := sig.Recv(); recv != nil {
			fmt.Fprintf(&b, "(%s) ", types.TypeString(recv.Type(), q))
		}
		b.WriteString(o.Name())
		b.WriteString(strings.TrimPrefix(types.TypeString(sig, q), "func"))
		return names.Clean(b.String())
	case *types.PkgName:
		return "package " + names.Clean(o.Imported().Path())
	case *types.TypeName:
		if b, ok := o.Type().(*types.Basic); ok {
			return "type " + b.Name()
		}
		kind := types.TypeString(o.Type().Underlying(), q)
		switch o.Type().Underlying().(type) {
		case *types.Struct:
			kind = "struct{…}"
		case *types.Interface:
			kind = "interface{…}"
		}
		if o.IsAlias() {
			kind = "= " + types.TypeString(types.Unalias(o.Type()), q)
		}
		return names.Clean("type " + o.Name() + " " + kind)
	case *types.Nil:
		return "nil"
	case *types.Const:
		return names.Clean(fmt.Sprintf("const %s %s = %s", o.Name(), types.TypeString(o.Type(), q), o.Val()))
	case *types.Var:
		kind := "var"
		if o.IsField() {
			kind = "field"
		}
		return names.Clean(kind + " " + o.Name() + " " + types.TypeString(o.Type(), q))
	}
	return names.Clean(types.ObjectString(o, q))
}

// builtins are Go's predeclared functions, as its documentation writes them.
var builtins = map[string]string{
	"append":  "func append(slice []Type, elems ...Type) []Type",
	"cap":     "func cap(v Type) int",
	"clear":   "func clear[T ~[]Type | ~map[Type]Type1](t T)",
	"close":   "func close(c chan<- Type)",
	"complex": "func complex(r, i FloatType) ComplexType",
	"copy":    "func copy(dst, src []Type) int",
	"delete":  "func delete(m map[Type]Type1, key Type)",
	"imag":    "func imag(c ComplexType) FloatType",
	"len":     "func len(v Type) int",
	"make":    "func make(t Type, size ...IntegerType) Type",
	"max":     "func max[T cmp.Ordered](x T, y ...T) T",
	"min":     "func min[T cmp.Ordered](x T, y ...T) T",
	"new":     "func new(Type) *Type",
	"panic":   "func panic(v any)",
	"print":   "func print(args ...Type)",
	"println": "func println(args ...Type)",
	"real":    "func real(c ComplexType) FloatType",
	"recover": "func recover() any",
}

// Inspect returns what is known of the name at a byte offset of a cell, and of the call whose arguments it is
// among. With source, declarations are shown whole.
func Inspect(c Config, text string, cursor int, whole bool) Inspection {
	code, other := c.goAt(text, cursor)
	if other != nil {
		return c.magicHelp(other)
	}
	for i := cursor; i < len(code); i++ { // name? and name??
		if code[i] != '?' {
			break
		}
		code = code[:i] + " " + code[i+1:]
	}
	p := placeOf(code, cursor)
	if p.nothing || p.quoted {
		p.from, p.to = cursor, cursor
	}
	r := &request{Config: c, place: p}
	var b sections
	if word := code[p.from:p.to]; word != "" {
		for _, text := range p.repaired(word) {
			if r.checked = read(c.View, text, p.from); r.checked != nil {
				break
			}
		}
		if o := r.meant(word); o != nil {
			r.describe(&b, o, whole)
		}
	}
	if !b.empty() && r.checked != nil {
		if _, ok := r.parent(1).(*ast.CallExpr); !ok {
			return b.inspection()
		}
	}
	if open := callAt(code, cursor); open > 0 {
		f := &request{Config: c, place: placeOf(code[:open], open)}
		if f.from < f.to {
			for _, text := range f.repaired(code[f.from:f.to]) {
				if f.checked = read(c.View, text, f.from); f.checked != nil {
					break
				}
			}
			if o := f.meant(code[f.from:f.to]); o != nil {
				f.call(&b, o, argument(code[open+1:cursor]))
				if len(b.plain) == 1 {
					f.describe(&b, o, whole)
					b.plain, b.markdown = dropSecond(b.plain), dropSecond(b.markdown)
				}
			}
		}
	}
	return b.inspection()
}

// dropSecond removes the signature behind that of the call.
func dropSecond(list []string) []string {
	if len(list) < 2 {
		return list
	}
	return append(list[:1:1], list[2:]...)
}

// meant returns the object that the name at the cursor means, or nil.
func (r *request) meant(word string) types.Object {
	if r.checked != nil {
		id := r.ident()
		if o := r.info.Uses[id]; o != nil {
			return o
		}
		if o := r.info.Defs[id]; o != nil {
			return o
		}
		if sel, ok := r.parent(1).(*ast.SelectorExpr); ok && sel.Sel == id {
			return nil
		}
	}
	if r.dot {
		return nil
	}
	if n, ok := r.View.Names[word]; ok {
		return n.Object
	}
	if path := packageNamed(r.View, nil, nil, word, nil); path != "" {
		if p, err := r.View.Packages.Import(path); err == nil {
			return types.NewPkgName(0, nil, word, p)
		}
	}
	return types.Universe.Lookup(word)
}

// sections are the parts of an answer.
type sections struct{ plain, markdown []string }

func (s *sections) empty() bool { return len(s.plain) == 0 }

func (s *sections) code(text string) {
	s.plain = append(s.plain, text)
	s.markdown = append(s.markdown, "```go\n"+text+"\n```")
}

func (s *sections) text(text string) {
	s.plain, s.markdown = append(s.plain, text), append(s.markdown, text)
}

func (s *sections) inspection() Inspection {
	return Inspection{strings.Join(s.plain, "\n\n"), strings.Join(s.markdown, "\n\n")}
}

// declaredName returns the declaration by which the session has an object, or nil.
func (r *request) declaredName(o types.Object) *name {
	s, ok := r.View.Names[strings.TrimPrefix(o.Name(), names.Own)]
	if !ok || o.Parent() == nil || o.Pkg() == nil || o.Pkg().Path() != "main" {
		return nil
	}
	if s.Object == o || s.Object.Name() != o.Name() || s.Object.Pos() == o.Pos() {
		return &s
	}
	return nil
}

// describe adds what is known of an object.
func (r *request) describe(b *sections, o types.Object, whole bool) {
	n := r.declaredName(o)
	head := signature(o, qualify)
	switch {
	case n != nil && n.From < n.To && (whole || isType(o)):
		head = n.Source[n.From:n.To]
		if isType(o) {
			head = "type " + head
		}
	case o.Pkg() != nil && (isType(o) || whole):
		if text := r.declaration(o); text != "" {
			head = text
		}
	}
	b.code(head)
	if n != nil {
		where := fmt.Sprintf("declared in cell[%d]", n.Cell)
		if n.Cell == 0 {
			where = "declared in every session: the context of the running cell"
		}
		if n.Lost != "" {
			where += ", without a value: " + n.Lost
		}
		b.text(where)
		if v, ok := o.(*types.Var); ok && !v.IsField() && n.Lost == "" && r.Value != nil {
			if text := r.Value(*n); text != "" {
				b.text(text)
			}
		}
	} else if p := o.Pkg(); p != nil && p.Path() != "main" {
		b.text("package " + names.Clean(p.Path()))
	}
	if doc := r.documentation(o, n); doc != "" {
		b.text(doc)
	}
	if isType(o) {
		if methods := methodsOf(o.Type()); methods != "" {
			b.code(methods)
		}
	}
}

func isType(o types.Object) bool { _, ok := o.(*types.TypeName); return ok }

// declaration returns the text of a declaration of a package, as far as it is not too long.
func (r *request) declaration(o types.Object) string {
	text, offset := r.declared(o)
	if offset < 0 {
		return ""
	}
	rest := text[offset:]
	depth := 0
	for i, c := range rest {
		switch c {
		case '{', '(':
			depth++
		case '}', ')':
			depth--
		case '\n':
			if depth <= 0 {
				return rest[:i]
			}
		}
		if i > 6000 {
			return rest[:i] + "\n…"
		}
	}
	return rest
}

// methodsOf lists the exported methods of a type, and all those of a type of the session.
func methodsOf(t types.Type) string {
	if types.IsInterface(t) {
		return ""
	}
	set := types.NewMethodSet(types.NewPointer(t))
	var lines []string
	for i := range set.Len() {
		if f, ok := set.At(i).Obj().(*types.Func); ok && (f.Exported() || f.Pkg() != nil && f.Pkg().Path() == "main") {
			lines = append(lines, signature(f, qualify))
		}
	}
	const most = 40
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("// and %d more", len(lines)-most))
	}
	return strings.Join(lines, "\n")
}

// call adds the signature of a function and the parameter that an argument is for.
func (r *request) call(b *sections, o types.Object, arg int) {
	b.code(signature(o, qualify))
	sig, ok := under(o.Type()).(*types.Signature)
	if !ok || sig.Params().Len() == 0 {
		return
	}
	i := min(arg, sig.Params().Len()-1)
	if i < arg && !sig.Variadic() {
		return
	}
	p := sig.Params().At(i)
	t := types.TypeString(p.Type(), qualify)
	if sig.Variadic() && i == sig.Params().Len()-1 {
		t = "..." + strings.TrimPrefix(t, "[]")
	}
	line := strings.TrimSpace(p.Name() + " " + t)
	last := len(b.plain) - 1
	b.plain[last] += fmt.Sprintf("\nargument %d: %s", arg+1, line)
	b.markdown[last] += fmt.Sprintf("\n\nargument %d: **%s**", arg+1, line)
}

// callAt returns the offset of the bracket that opens the arguments of the call around a cursor, 0 outside of calls.
func callAt(text string, cursor int) int {
	depth := 0
	for i := cursor - 1; i > 0; i-- {
		switch text[i] {
		case ')', ']', '}':
			depth++
		case '(':
			if depth == 0 {
				if from, to := wordAt(text, i); from < to && to == i {
					return i
				}
				return 0
			}
			depth--
		case '[', '{':
			if depth == 0 {
				return 0
			}
			depth--
		case '\n', ';':
			if depth == 0 && i < cursor-1 && strings.TrimSpace(text[i:cursor]) == "" {
				continue
			}
		}
	}
	return 0
}

// argument is the number of the argument at the end of a text that begins behind the bracket.
func argument(text string) (n int) {
	depth := 0
	for _, c := range text {
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				n++
			}
		}
	}
	return n
}

// magicHelp describes a magic, in all its forms.
func (c Config) magicHelp(s *source.Segment) Inspection {
	var forms []string
	help := ""
	for _, m := range c.Magics {
		if m.Name == s.Name {
			forms, help = append(forms, m.Usage), m.Help
		}
	}
	if len(forms) == 0 {
		return Inspection{}
	}
	return Inspection{strings.Join(forms, ", ") + ": " + help, "`" + strings.Join(forms, "`, `") + "`: " + help}
}
