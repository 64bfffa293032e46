package cell

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"strings"
	"unicode/utf8"

	"interleave/kernel/cell/pattern"
)

// parse parses one cell. A cell with syntax errors returns as many diagnostics as the parser found.
func parse(fset *token.FileSet, n int, text string) (*source, Diagnostics) {
	if rest, ok := strings.CutPrefix(text, "\ufeff"); ok { // a byte order mark, which Go allows at the start of a file
		text = "   " + rest
	}
	src := &source{n: n, text: text, spelled: map[*ast.Ident]string{}}
	if !utf8.ValidString(text) {
		return src, Diagnostics{invalidUTF8(n, text)}
	}
	if i := strings.Index(text, Letter); i >= 0 {
		d := Diagnostic{Cell: n, Kind: SyntaxError,
			Message: "the letter " + Letter + " is reserved: Interleave marks its own names with it"}
		d.Line, d.Column = lineColumn(text, i)
		return src, Diagnostics{d}
	}
	toks, diag := scan(n, text)
	if diag != nil {
		return src, Diagnostics{*diag}
	}
	match, diag := balance(n, text, toks)
	if diag != nil {
		return src, Diagnostics{*diag}
	}
	parts := src.divide(toks, match)
	src.bodyText = string(parts[inBody])
	src.hidden = len(toks) > 1 && toks[len(toks)-1].tok == token.SEMICOLON && toks[len(toks)-1].to > toks[len(toks)-1].from

	var diags Diagnostics
	var comments []*ast.CommentGroup
	for part := range parts {
		f, errs := src.parsePart(fset, part, parts[part])
		diags = append(diags, errs...)
		if f != nil {
			comments = append(comments, f.Comments...)
		}
	}
	src.code, src.bodyText = src.quiet(src.text, comments), src.quiet(src.bodyText, comments)
	return src, diags
}

// parsePart parses one part of the cell and records its declarations or statements. The file is nil if the
// part is empty or has syntax errors.
func (s *source) parsePart(fset *token.FileSet, part int, text []byte) (*ast.File, Diagnostics) {
	if part != inBody && len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	// A comment on the line of the package clause is not a function's.
	prefix := [3]string{"package p;", "package p;\n", "package p;func _(){"}[part]
	body := append([]byte(prefix), text...)
	if part == inBody {
		body = append(body, "\n}"...)
	}
	s.prefix[part] = len(prefix)
	f, err := parser.ParseFile(fset, fmt.Sprintf("cell[%d]", s.n), body, parser.ParseComments)
	if list, ok := err.(scanner.ErrorList); ok {
		return nil, s.syntaxErrors(list, len(prefix))
	} else if err != nil {
		return nil, Diagnostics{{Cell: s.n, Line: 1, Column: 1, Kind: SyntaxError, Message: err.Error()}}
	}
	s.files[part] = fset.File(f.FileStart)
	if strings.HasSuffix(prefix, "\n") { // places in messages are those in the cell
		s.files[part].AddLineColumnInfo(len(prefix), s.files[part].Name(), 1, 1)
	}
	switch part {
	case inImports:
		s.imports = f.Imports
	case inFuncs:
		s.unbound = f.Unresolved
		return f, s.addFuncs(f.Decls)
	case inBody:
		s.body = f.Decls[0].(*ast.FuncDecl).Body.List
		s.free = f.Unresolved
		return f, s.embeds(f.Comments)
	}
	return f, nil
}

// addFuncs records functions and methods, and refuses those without a body.
func (s *source) addFuncs(decls []ast.Decl) (diags Diagnostics) {
	for _, d := range decls {
		fd, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		s.funcs = append(s.funcs, fd)
		if fd.Body == nil {
			d := Diagnostic{Cell: s.n, Kind: TypeError, Message: "func " + fd.Name.Name + " has no body"}
			d.Line, d.Column = s.position(fd.Name.Pos())
			diags = append(diags, d)
		}
	}
	return diags
}

// embeds refuses directives that would have no effect, because Go uses them to fill variables.
func (s *source) embeds(comments []*ast.CommentGroup) (diags Diagnostics) {
	for _, g := range comments {
		for _, c := range g.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				d := Diagnostic{Cell: s.n, Kind: SyntaxError, Message: "//go:embed: cells embed no files",
					Hint: "Read the file when the cell runs: os.ReadFile"}
				d.Line, d.Column = s.position(c.Pos())
				diags = append(diags, d)
			}
		}
	}
	return diags
}

// quiet turns compiler directives into plain comments.
func (s *source) quiet(text string, comments []*ast.CommentGroup) string {
	b := []byte(text)
	for _, g := range comments {
		for _, c := range g.List {
			if strings.HasPrefix(c.Text, "//go:") || strings.HasPrefix(c.Text, "//line ") ||
				strings.HasPrefix(c.Text, "/*line ") {
				b[s.offset(c.Pos())+2] = ' '
			}
		}
	}
	return string(b)
}

func (s *source) syntaxErrors(list scanner.ErrorList, prefix int) (diags Diagnostics) {
	list.RemoveMultiples()
	lines := 1 + strings.Count(s.text, "\n")
	for _, e := range list {
		d := Diagnostic{Cell: s.n, Line: e.Pos.Line, Column: e.Pos.Column, Message: e.Msg, Kind: SyntaxError}
		if d.Line == 1 {
			d.Column = max(1, d.Column-prefix)
		}
		if d.Line > lines { // at the brace that closes the body, which the author did not write
			if len(diags) > 0 {
				continue // a consequence of the mistake before
			}
			d.Line, d.Column = lineColumn(s.text, len(strings.TrimRight(s.text, " \t\r\n")))
			d.Message = atEnd().ReplaceAllString(d.Message, "found the end of the cell")
		}
		diags = append(diags, d)
	}
	return diags
}

var atEnd = pattern.New(`found ('}'|'EOF'|newline)$`)

func invalidUTF8(n int, text string) Diagnostic {
	i := 0
	for i < len(text) {
		r, w := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && w <= 1 {
			break
		}
		i += w
	}
	d := Diagnostic{Cell: n, Kind: SyntaxError,
		Message: fmt.Sprintf("the cell is not valid UTF-8: byte %#02x; save or type it again as UTF-8", text[i])}
	d.Line, d.Column = lineColumn(text, i)
	return d
}

// Parse checks the syntax of a piece of cell n alone.
func Parse(n int, text string) error {
	src, diags := parse(token.NewFileSet(), n, text)
	if len(diags) == 0 {
		return nil
	}
	return New(nil).excerpts(diags, src)
}

// parses reports "invalid" for text with a syntax error, "" otherwise.
func parses(text string) string {
	if _, diags := parse(token.NewFileSet(), 1, text); len(diags) > 0 {
		return "invalid"
	}
	return ""
}
