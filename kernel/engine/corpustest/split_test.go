package corpustest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"strings"
)

// The kinds of text that a token at the top of a cell may begin.
const (
	statement = iota
	importDecl
	funcDecl
	packageClause
)

// A fragment is a cell taken apart. Each text has the cell's length and is blank where another text has
// content, so that offsets in all of them are offsets in the cell.
type fragment struct {
	n      int
	texts  [3]string // by kind: statements (with types, constants and variables), imports, functions and methods
	heads  [3]string // what stands before each text in its file
	files  [3]*ast.File
	hidden bool // ends with a semicolon: no value is shown
}

func (f *fragment) body() []ast.Stmt {
	return f.files[statement].Decls[0].(*ast.FuncDecl).Body.List
}

// offset returns where in the cell a position of one of its files is.
func (f *fragment) offset(fset *token.FileSet, kind int, pos token.Pos) int {
	return fset.File(pos).Offset(pos) - len(f.heads[kind])
}

// split takes a cell apart. Positions of its errors are the cell's.
func split(fset *token.FileSet, n int, code string) (*fragment, error) {
	f := &fragment{n: n}
	for line := range strings.Lines(code) {
		if strings.HasPrefix(line, "%") || strings.HasPrefix(line, "!") {
			return nil, fmt.Errorf("cell[%d]: a magic is not Go: %s", n, line)
		}
	}
	kinds := f.mark(code)
	// a directive stands before a declaration, from which it is parted here
	code = strings.ReplaceAll(code, "//go:", "//_o:")
	for kind := range f.texts {
		t := []byte(code)
		for i, k := range kinds {
			if k != kind && t[i] != '\n' {
				t[i] = ' '
			}
		}
		f.texts[kind] = string(t)
	}
	ends := [3]string{"\n}", "", ""}
	for kind, head := range [3]string{"package p;func _(){", "package p;", "package p;"} {
		f.heads[kind] = fmt.Sprintf("%s/*line cell[%d]:1:1*/", head, n)
		var err error
		f.files[kind], err = parser.ParseFile(fset, "", f.heads[kind]+f.texts[kind]+ends[kind], parser.AllErrors)
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// mark returns for every byte of the cell the text to which it belongs.
func (f *fragment) mark(code string) []int {
	kinds := make([]int, len(code))
	type tok struct {
		off int
		tok token.Token
		lit string
	}
	var toks []tok
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(code))
	s.Init(file, []byte(code), func(token.Position, string) {}, 0)
	for {
		pos, t, lit := s.Scan()
		if t == token.EOF {
			break
		}
		toks = append(toks, tok{file.Offset(pos), t, lit})
	}
	if len(toks) > 0 {
		last := toks[len(toks)-1]
		f.hidden = last.tok == token.SEMICOLON && last.lit == ";"
	}
	depth, start := 0, true
	for i, kind, from := 0, statement, 0; i < len(toks); i++ {
		t := toks[i]
		if start && depth == 0 {
			from, kind = t.off, begins(func(k int) token.Token {
				if i+k < len(toks) {
					return toks[i+k].tok
				}
				return token.EOF
			})
		}
		switch t.tok {
		case token.LPAREN, token.LBRACE, token.LBRACK:
			depth++
		case token.RPAREN, token.RBRACE, token.RBRACK:
			depth--
		}
		if start = t.tok == token.SEMICOLON; start && depth == 0 {
			for k := from; k < min(t.off+1, len(code)); k++ {
				kinds[k] = kind
			}
			kind, from = statement, t.off+1
		}
	}
	return kinds
}

// begins returns the kind of text that the tokens at(0), at(1) … begin.
func begins(at func(int) token.Token) int {
	switch at(0) {
	case token.PACKAGE:
		return packageClause
	case token.IMPORT:
		return importDecl
	case token.FUNC:
	default:
		return statement
	}
	if at(1) == token.IDENT {
		return funcDecl
	}
	i, d := 1, 0
	for ; at(i) != token.EOF; i++ {
		if at(i) == token.LPAREN {
			d++
		}
		if at(i) == token.RPAREN {
			if d--; d == 0 {
				break
			}
		}
	}
	if at(i+1) == token.IDENT && at(i+2) == token.LPAREN { // (x T) name( where a literal's result is followed by {
		return funcDecl
	}
	return statement
}
