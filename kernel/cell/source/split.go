// Package source knows the text of one cell: its magics, lines and pieces, whether it is complete, how it
// parses, and what is wrong with it at which place. It knows Go's syntax and no types, so that the
// supervisor, which never type-checks a cell, can use it. It must not know what a session has declared.
package source

import (
	"fmt"
	"go/ast"
	"go/scanner"
	"go/token"
	"strings"
)

// A Source is one cell's text, parsed. The parser accepts only files, so the text is parsed three times with
// everything else blanked out: its imports, its functions and methods, and the rest as the body of a
// function. Blanking keeps offsets, so a position in any of the three is a position in the cell.
type Source struct {
	N      int // the number that the user sees: cell[n]
	Serial int // of the package with its code; unique to the cell
	Text   string
	// the text without compiler directives, which would move positions; functions are written with theirs
	Code     string
	BodyText string // the same with everything but the statements blanked out
	Imports  []*ast.ImportSpec
	Funcs    []*ast.FuncDecl
	Body     []ast.Stmt
	Files    [3]*token.File        // imports, funcs, body
	prefix   [3]int                // bytes before the cell's text in each
	Unbound  []*ast.Ident          // identifiers of funcs that no local scope resolves
	Free     []*ast.Ident          // the same of body
	Program  bool                  // the cell has a package clause
	Package  string                // the name in it
	Blanks   bool                  // _ stands in it
	Hidden   bool                  // the cell ends with a semicolon: the last value is not shown
	Spelled  map[*ast.Ident]string // the names of identifiers before they were bound
	loose    bool                  // syntax errors are ignored
}

const (
	inImports = iota
	inFuncs
	inBody
)

type lexeme struct {
	from, to int
	tok      token.Token
}

// scan returns the cell's tokens and the first lexical error.
func scan(n int, text string) ([]lexeme, *Diagnostic) {
	var (
		s    scanner.Scanner
		out  []lexeme
		diag *Diagnostic
		file = token.NewFileSet().AddFile("", -1, len(text))
	)
	s.Init(file, []byte(text), func(p token.Position, msg string) {
		if diag == nil {
			diag = &Diagnostic{Cell: n, Line: p.Line, Column: p.Column, Message: msg, Kind: SyntaxError}
			explainStrange(diag)
		}
	}, 0)
	for {
		p, tok, lit := s.Scan()
		if tok == token.EOF {
			return out, diag
		}
		from := file.Offset(p)
		width := len(lit)
		switch {
		case tok == token.SEMICOLON && lit == "\n":
			width = 0
		case tok.IsOperator():
			width = len(tok.String())
		}
		out = append(out, lexeme{from, min(from+width, len(text)), tok})
	}
}

func opens(t token.Token) bool  { return t == token.LPAREN || t == token.LBRACE || t == token.LBRACK }
func closes(t token.Token) bool { return t == token.RPAREN || t == token.RBRACE || t == token.RBRACK }

// balance returns for every opening bracket the index of its closing one, or a diagnostic for the first
// without one.
func balance(n int, text string, toks []lexeme) (map[int]int, *Diagnostic) {
	pair := map[token.Token]token.Token{token.RPAREN: token.LPAREN, token.RBRACE: token.LBRACE, token.RBRACK: token.LBRACK}
	match := map[int]int{}
	var stack []int
	at := func(i int, format string, args ...any) *Diagnostic {
		d := &Diagnostic{Cell: n, Kind: SyntaxError, Message: fmt.Sprintf(format, args...)}
		d.Line, d.Column = lineColumn(text, toks[i].from)
		return d
	}
	for i, t := range toks {
		switch {
		case opens(t.tok):
			stack = append(stack, i)
		case closes(t.tok):
			if len(stack) == 0 {
				return nil, at(i, "unexpected %s: no bracket is open here", t.tok)
			}
			open := stack[len(stack)-1]
			if toks[open].tok != pair[t.tok] {
				line, _ := lineColumn(text, toks[open].from)
				return nil, at(i, "unexpected %s: the %s of line %d is still open", t.tok, toks[open].tok, line)
			}
			match[open] = i
			stack = stack[:len(stack)-1]
		}
	}
	if len(stack) > 0 {
		i := stack[len(stack)-1]
		return nil, at(i, "this %s is never closed", toks[i].tok)
	}
	return match, nil
}

// blank overwrites all but line ends with spaces.
func blank(b []byte) {
	for i := range b {
		if b[i] != '\n' {
			b[i] = ' '
		}
	}
}

// divide returns the text three times, each with only the statements of one part and everything else blanked
// out.
func (s *Source) divide(toks []lexeme, match map[int]int) (parts [3][]byte) {
	for i := range parts {
		parts[i] = []byte(s.Text)
	}
	keep := func(part, from, to int) { // text[from:to] belongs to one part only; -1 is no part
		for i := range parts {
			if i != part {
				blank(parts[i][from:to])
			}
		}
	}
	last := 0
	for i := 0; i < len(toks); {
		start := i
		part := classify(toks, match, i)
		for i < len(toks) && toks[i].tok != token.SEMICOLON { // to the end of the statement
			if m, ok := match[i]; ok {
				i = m
			}
			i++
		}
		end := len(s.Text)
		if i < len(toks) {
			end = toks[i].to
			i++
		}
		if part == inBody {
			continue
		}
		doc := toks[start].from
		if part == inFuncs { // directives above a function belong to it, too
			doc = last
			if start > 0 {
				doc = max(last, toks[start-1].to)
			}
			blank(parts[inImports][doc:toks[start].from])
		}
		keep(inBody, last, doc)
		if part < 0 {
			s.Program = true
			if start+1 < len(toks) {
				s.Package = s.Text[toks[start+1].from:toks[start+1].to]
			}
		}
		keep(part, toks[start].from, end)
		last = end
	}
	keep(inBody, last, len(s.Text))
	return parts
}

// classify returns the part to which the statement that begins at toks[i] belongs; -1 is the package clause.
func classify(toks []lexeme, match map[int]int, i int) int {
	switch toks[i].tok {
	case token.PACKAGE:
		return -1
	case token.IMPORT:
		return inImports
	case token.FUNC:
		if i+1 >= len(toks) {
			return inBody
		}
		if toks[i+1].tok == token.IDENT {
			return inFuncs
		}
		// func (r T) name( is a method; func (x int) { … }(1) and func (x int) int are not.
		if m, ok := match[i+1]; ok && toks[i+1].tok == token.LPAREN && m+2 < len(toks) && toks[m+1].tok == token.IDENT &&
			toks[m+2].tok == token.LPAREN {
			return inFuncs
		}
	}
	return inBody
}

// offset maps a position in one of the three files to an offset in the cell; -1 if it is in none of them.
func (s *Source) Offset(p token.Pos) int {
	for i, f := range s.Files {
		if f != nil && int(p) >= f.Base() && int(p) <= f.Base()+f.Size() {
			return min(max(0, int(p)-f.Base()-s.prefix[i]), len(s.Text))
		}
	}
	return -1
}

func (s *Source) Slice(n ast.Node) string { return s.Text[s.Offset(n.Pos()):s.End(n)] }

// end returns the offset after a node. The syntax tree computes the end of an identifier from its name, and
// names that were bound are longer than in the text.
func (s *Source) End(n ast.Node) int {
	for next := last(n); next != nil; next = last(n) {
		n = next
	}
	if id, ok := n.(*ast.Ident); ok {
		if w, ok := s.Spelled[id]; ok {
			return s.Offset(id.Pos()) + len(w)
		}
	}
	return s.Offset(n.End())
}

// last returns the part with which a node ends, nil when it ends with its own token.
func last(n ast.Node) ast.Node {
	switch x := n.(type) {
	case *ast.ExprStmt:
		return x.X
	case *ast.LabeledStmt:
		return x.Stmt
	case *ast.AssignStmt:
		return x.Rhs[len(x.Rhs)-1]
	case *ast.SendStmt:
		return x.Value
	case *ast.ReturnStmt:
		if k := len(x.Results); k > 0 {
			return x.Results[k-1]
		}
	case *ast.DeclStmt:
		return x.Decl
	case *ast.GenDecl:
		if k := len(x.Specs); k > 0 && !x.Rparen.IsValid() {
			return x.Specs[k-1]
		}
	case *ast.ValueSpec:
		if k := len(x.Values); k > 0 {
			return x.Values[k-1]
		}
		if x.Type != nil {
			return x.Type
		}
		return x.Names[len(x.Names)-1]
	case *ast.TypeSpec:
		return x.Type
	case *ast.UnaryExpr:
		return x.X
	case *ast.StarExpr:
		return x.X
	case *ast.BinaryExpr:
		return x.Y
	case *ast.KeyValueExpr:
		return x.Value
	case *ast.SelectorExpr:
		return x.Sel
	case *ast.ArrayType:
		return x.Elt
	case *ast.MapType:
		return x.Value
	case *ast.ChanType:
		return x.Value
	case *ast.Ellipsis:
		if x.Elt != nil {
			return x.Elt
		}
	case *ast.FuncType:
		if r := x.Results; r != nil && len(r.List) > 0 && !r.Closing.IsValid() {
			return r.List[len(r.List)-1].Type
		}
	}
	return nil
}

// position returns line and column (in bytes, from 1) of a position in the cell.
func (s *Source) Position(p token.Pos) (line, column int) { return lineColumn(s.Text, s.Offset(p)) }

func lineColumn(text string, offset int) (line, column int) {
	offset = min(max(0, offset), len(text))
	return 1 + strings.Count(text[:offset], "\n"), offset - strings.LastIndex(text[:offset], "\n")
}
