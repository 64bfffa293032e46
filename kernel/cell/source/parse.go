package source

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
	"unicode/utf8"

	"interleave/kernel/cell/names"
	"interleave/kernel/cell/pattern"
)

// Parse parses one cell. A cell with syntax errors returns as many diagnostics as the parser found.
func Parse(fset *token.FileSet, n int, text string) (*Source, Diagnostics) {
	if rest, ok := strings.CutPrefix(text, "\ufeff"); ok { // a byte order mark, which Go allows at the start of a file
		text = "   " + rest
	}
	src := &Source{N: n, Text: text, Spelled: map[*ast.Ident]string{}}
	if !utf8.ValidString(text) {
		return src, Diagnostics{invalidUTF8(n, text)}
	}
	if i := strings.Index(text, names.Letter); i >= 0 {
		d := Diagnostic{Cell: n, Kind: SyntaxError,
			Message: "the letter " + names.Letter + " is reserved: Interleave marks its own names with it"}
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
	src.BodyText = string(parts[inBody])
	src.Blanks = slices.ContainsFunc(toks, func(l lexeme) bool { return l.tok == token.IDENT && text[l.from:l.to] == "_" })
	src.Hidden = len(toks) > 1 && toks[len(toks)-1].tok == token.SEMICOLON && toks[len(toks)-1].to > toks[len(toks)-1].from

	var diags Diagnostics
	var comments []*ast.CommentGroup
	for part := range parts {
		f, errs := src.parsePart(fset, part, parts[part])
		diags = append(diags, errs...)
		if f != nil {
			comments = append(comments, f.Comments...)
		}
	}
	src.Code, src.BodyText = src.quiet(src.Text, comments), src.quiet(src.BodyText, comments)
	return src, diags
}

// ParseLoosely parses the text of a cell that is being written: what the parser can make of it. It returns nil if
// not even its brackets match.
func ParseLoosely(fset *token.FileSet, n int, text string) *Source {
	src := &Source{N: n, Text: text, Spelled: map[*ast.Ident]string{}, loose: true}
	toks, _ := scan(n, text)
	match, diag := balance(n, text, toks)
	if diag != nil {
		return nil
	}
	for part, text := range src.divide(toks, match) {
		src.parsePart(fset, part, text)
	}
	return src
}

// Closers returns the brackets that close those which text leaves open, and the offset of the first closing one
// that fits no open one; len(text) if all fit.
func Closers(text string) (closers string, wrong int) {
	toks, _ := scan(0, text)
	var open []token.Token
	for _, t := range toks {
		switch {
		case opens(t.tok):
			open = append(open, t.tok)
		case closes(t.tok):
			if len(open) == 0 || closing[open[len(open)-1]] != t.tok {
				return closers, t.from
			}
			open = open[:len(open)-1]
		}
	}
	for i := len(open) - 1; i >= 0; i-- {
		closers += closing[open[i]].String()
	}
	return closers, len(text)
}

var closing = map[token.Token]token.Token{token.LPAREN: token.RPAREN, token.LBRACE: token.RBRACE, token.LBRACK: token.RBRACK}

// parsePart parses one part of the cell and records its declarations or statements. The file is nil if the
// part is empty or has syntax errors.
func (s *Source) parsePart(fset *token.FileSet, part int, text []byte) (*ast.File, Diagnostics) {
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
	f, err := parser.ParseFile(fset, fmt.Sprintf("cell[%d]", s.N), body, parser.ParseComments)
	var diags Diagnostics
	if list, ok := err.(scanner.ErrorList); ok {
		diags = s.syntaxErrors(list, len(prefix))
	} else if err != nil {
		diags = Diagnostics{{Cell: s.N, Line: 1, Column: 1, Kind: SyntaxError, Message: err.Error()}}
	}
	if len(diags) > 0 && !s.loose || f == nil {
		return nil, diags
	}
	s.Files[part] = fset.File(f.FileStart)
	if strings.HasSuffix(prefix, "\n") { // places in messages are those in the cell
		s.Files[part].AddLineColumnInfo(len(prefix), s.Files[part].Name(), 1, 1)
	}
	switch part {
	case inImports:
		s.Imports = f.Imports
	case inFuncs:
		s.Unbound = f.Unresolved
		return f, s.addFuncs(f.Decls)
	case inBody:
		if fd, ok := first(f.Decls).(*ast.FuncDecl); ok && fd.Body != nil {
			s.Body = fd.Body.List
		}
		s.Free = f.Unresolved
		return f, s.embeds(f.Comments)
	}
	return f, nil
}

func first(decls []ast.Decl) ast.Decl {
	if len(decls) == 0 {
		return nil
	}
	return decls[0]
}

// addFuncs records functions and methods, and refuses those without a body.
func (s *Source) addFuncs(decls []ast.Decl) (diags Diagnostics) {
	for _, d := range decls {
		fd, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		s.Funcs = append(s.Funcs, fd)
		if fd.Body == nil {
			d := Diagnostic{Cell: s.N, Kind: TypeError, Message: "func " + fd.Name.Name + " has no body"}
			d.Line, d.Column = s.Position(fd.Name.Pos())
			diags = append(diags, d)
		}
	}
	return diags
}

// embeds refuses directives that would have no effect, because Go uses them to fill variables.
func (s *Source) embeds(comments []*ast.CommentGroup) (diags Diagnostics) {
	for _, g := range comments {
		for _, c := range g.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				d := Diagnostic{Cell: s.N, Kind: SyntaxError, Message: "//go:embed: cells embed no files",
					Hint: "Read the file when the cell runs: os.ReadFile"}
				d.Line, d.Column = s.Position(c.Pos())
				diags = append(diags, d)
			}
		}
	}
	return diags
}

// quiet turns compiler directives into plain comments.
func (s *Source) quiet(text string, comments []*ast.CommentGroup) string {
	b := []byte(text)
	for _, g := range comments {
		for _, c := range g.List {
			if strings.HasPrefix(c.Text, "//go:") || strings.HasPrefix(c.Text, "//line ") ||
				strings.HasPrefix(c.Text, "/*line ") {
				b[s.Offset(c.Pos())+2] = ' '
			}
		}
	}
	return string(b)
}

func (s *Source) syntaxErrors(list scanner.ErrorList, prefix int) (diags Diagnostics) {
	list.RemoveMultiples()
	lines := 1 + strings.Count(s.Text, "\n")
	for _, e := range list {
		d := Diagnostic{Cell: s.N, Line: e.Pos.Line, Column: e.Pos.Column, Message: e.Msg, Kind: SyntaxError}
		if d.Line == 1 {
			d.Column = max(1, d.Column-prefix)
		}
		if d.Line > lines { // at the brace that closes the body, which the author did not write
			if len(diags) > 0 {
				continue // a consequence of the mistake before
			}
			d.Line, d.Column = lineColumn(s.Text, len(strings.TrimRight(s.Text, " \t\r\n")))
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

// Check checks the syntax of a piece of cell n alone.
func Check(n int, text string) error {
	_, diags := Parse(token.NewFileSet(), n, text)
	if len(diags) == 0 {
		return nil
	}
	return diags.WithExcerpts(n, func(int) string { return text })
}

// parses reports "invalid" for text with a syntax error, "" otherwise.
func parses(text string) string {
	if _, diags := Parse(token.NewFileSet(), 1, text); len(diags) > 0 {
		return "invalid"
	}
	return ""
}
