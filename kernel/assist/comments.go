package assist

import (
	"go/types"
	"path"
	"strings"
)

// above returns the text of the comment above the line of an offset, without the marks of comments, or of the
// comment at the end of that line.
func above(text string, offset int) string {
	if offset < 0 || offset > len(text) {
		return ""
	}
	begin := strings.LastIndexByte(text[:offset], '\n') + 1
	lines := strings.Split(strings.TrimSuffix(text[:begin], "\n"), "\n")
	if begin == 0 {
		lines = nil
	}
	var doc []string
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(lines[i])
		if strings.HasSuffix(line, "*/") && len(doc) == 0 {
			return block(lines[:i+1])
		}
		if !strings.HasPrefix(line, "//") {
			break
		}
		if !strings.HasPrefix(line, "//go:") && !strings.HasPrefix(line, "//line ") {
			doc = append(doc, strings.TrimPrefix(strings.TrimPrefix(line, "//"), " "))
		}
	}
	if len(doc) == 0 {
		line, _, _ := strings.Cut(text[offset:], "\n")
		_, after, ok := strings.Cut(line, "// ")
		if !ok || strings.ContainsAny(line, "`\"'{") {
			return ""
		}
		return strings.TrimSpace(after)
	}
	for i, k := 0, len(doc)-1; i < k; i, k = i+1, k-1 {
		doc[i], doc[k] = doc[k], doc[i]
	}
	return strings.TrimSpace(strings.Join(doc, "\n"))
}

// block returns the text of a comment of the form /* … */ that ends with the last line.
func block(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		if at := strings.Index(lines[i], "/*"); at >= 0 {
			text := lines[i][at+2:]
			for _, l := range lines[i+1:] {
				text += "\n" + strings.TrimPrefix(strings.TrimSpace(l), "* ")
			}
			return strings.TrimSpace(strings.TrimSuffix(text, "*/"))
		}
	}
	return ""
}

// documentation returns the comment of an object: of the session, of the cell, or of a package.
func (r *request) documentation(o types.Object, n *name) string {
	if p, ok := o.(*types.PkgName); ok {
		return r.packageComment(p.Imported())
	}
	if n != nil {
		return above(n.Source, n.From)
	}
	if v, ok := o.(*types.Var); ok && r.own(o) && !v.IsField() { // a parameter, or a variable
		return ""
	}
	text, offset := r.declared(o)
	return above(text, offset)
}

// own reports whether the cell that is being written declares an object.
func (r *request) own(o types.Object) bool {
	return r.checked != nil && o.Pkg() == r.pkg && r.src.Offset(o.Pos()) >= 0
}

// ofSession reports whether an object belongs to an earlier cell.
func (r *request) ofSession(o types.Object) bool {
	return o.Pkg() != nil && o.Pkg().Path() == "main" && !r.own(o)
}

// declared returns the text that declares an object, and the offset of its line, -1 if it is not known.
func (r *request) declared(o types.Object) (text string, offset int) {
	if r.own(o) {
		return r.text, strings.LastIndexByte(r.text[:r.src.Offset(o.Pos())], '\n') + 1
	}
	if r.ofSession(o) {
		f, ok := o.(*types.Func)
		if !ok || f.Signature().Recv() == nil {
			return "", -1
		}
		recv := f.Signature().Recv().Type()
		if p, ok := recv.(*types.Pointer); ok {
			recv = p.Elem()
		}
		t, ok := recv.(*types.Named)
		if !ok {
			return "", -1
		}
		m, ok := r.View.Methods[t.Obj().Name()+"."+f.Name()]
		if !ok {
			return "", -1
		}
		return m.Source, m.From
	}
	return r.packageFile(o)
}

// packageFile returns the text of the file of a package that declares an object, and the offset of its line.
func (c Config) packageFile(o types.Object) (text string, offset int) {
	if c.Position == nil || c.Source == nil || !o.Pos().IsValid() {
		return "", -1
	}
	p := c.Position(o.Pos())
	text, ok := c.Source(p.Filename)
	if !ok || p.Line < 1 || !o.Pos().IsValid() {
		return "", -1
	}
	for range p.Line - 1 {
		i := strings.IndexByte(text[offset:], '\n')
		if i < 0 {
			return "", -1
		}
		offset += i + 1
	}
	return text, offset
}

// packageComment returns the documentation of a package, if it stands where it usually does.
func (c Config) packageComment(p *types.Package) string {
	if c.Source == nil || c.Position == nil {
		return ""
	}
	dir := p.Path()
	for _, name := range p.Scope().Names() { // where its files are
		if o := p.Scope().Lookup(name); o.Pos().IsValid() {
			dir = path.Dir(c.Position(o.Pos()).Filename)
			break
		}
	}
	for _, file := range []string{"doc.go", p.Name() + ".go", path.Base(p.Path()) + ".go", "print.go", "server.go"} {
		text, ok := c.Source(dir + "/" + file)
		if !ok {
			continue
		}
		if i := strings.Index("\n"+text, "\npackage "+p.Name()); i >= 0 {
			if doc := above(text, i); doc != "" && !strings.HasPrefix(doc, "Copyright") {
				return doc
			}
		}
	}
	return ""
}
