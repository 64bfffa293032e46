package page

import (
	"go/scanner"
	"go/token"
	"strings"
	"unicode/utf8"
)

// golang colours Go, and the lines that only a cell can hold: %magics and !shell.
func (p *pen) golang() {
	src := []byte(p.text)
	for p.at < len(p.text) {
		tokens, end := scanGo(src[p.at:], p.text, p.at)
		for i, t := range tokens {
			p.take("", t.start-p.at)
			p.take(goClass(tokens, i), t.end-p.at)
		}
		p.take("", end-p.at)
		// What stopped the scanner is a line for the kernel, or nothing.
		p.take("cp", p.line())
	}
}

type goToken struct {
	start, end int // in the whole text
	tok        token.Token
	lit        string
}

// scanGo scans src, which is the text from the place base on, up to the first line for the kernel, and
// returns where that begins. Such a line begins with % or ! where no expression is open.
func scanGo(src []byte, text string, base int) (tokens []goToken, end int) {
	file := token.NewFileSet().AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, scanner.ScanComments)
	depth := 0
	before := base // the end of the last token
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return tokens, len(text)
		}
		start := base + file.Offset(pos)
		if tok == token.SEMICOLON && lit != ";" { // put in by the scanner
			continue
		}
		first := before == base && len(tokens) == 0 || before <= start && strings.Contains(text[before:start], "\n")
		if (tok == token.REM || tok == token.NOT || tok == token.REM_ASSIGN) && depth <= 0 && first {
			return tokens, start
		}
		switch tok {
		case token.LPAREN, token.LBRACK:
			depth++
		case token.RPAREN, token.RBRACK:
			depth--
		}
		if lit == "" {
			lit = tok.String()
		}
		stop := min(start+len(lit), len(text))
		if tok == token.ILLEGAL { // lit may be U+FFFD for a byte that is no UTF-8
			_, n := utf8.DecodeRuneInString(text[start:])
			stop = start + n
		}
		if tok == token.COMMENT || tok == token.STRING { // the scanner drops carriage returns from these
			stop = rawEnd(text, start, lit)
		}
		tokens = append(tokens, goToken{start, stop, tok, lit})
		before = stop
	}
}

// rawEnd finds the end of a literal in the text, where it may hold carriage returns that lit does not.
func rawEnd(text string, start int, lit string) int {
	i := start
	for j := 0; j < len(lit) && i < len(text); i++ {
		if text[i] == lit[j] {
			j++
		} else if text[i] != '\r' {
			return min(start+len(lit), len(text))
		}
	}
	return i
}

func goClass(tokens []goToken, i int) string {
	t := tokens[i]
	next := func(tok token.Token) bool { return i+1 < len(tokens) && tokens[i+1].tok == tok }
	prev := func(tok token.Token) bool { return i > 0 && tokens[i-1].tok == tok }
	switch {
	case t.tok == token.COMMENT:
		return "c"
	case t.tok == token.STRING:
		return "s"
	case t.tok == token.CHAR:
		return "sc"
	case t.tok == token.INT || t.tok == token.FLOAT || t.tok == token.IMAG:
		return "m"
	case t.tok.IsKeyword():
		return "k"
	case t.tok.IsOperator():
		return "o"
	case t.tok != token.IDENT:
		return "" // not Go: shown as it is
	}
	called := next(token.LPAREN)
	switch {
	case prev(token.PERIOD) && (called || next(token.LBRACK)):
		return "nf"
	case prev(token.PERIOD):
		return ""
	case goConstants[t.lit]:
		return "kc"
	case goTypes[t.lit]:
		return "kt"
	case goBuiltins[t.lit] && called:
		return "nb"
	case called || prev(token.FUNC):
		return "nf"
	}
	return ""
}

var (
	goTypes     = set("any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr")
	goConstants = set("true false nil iota")
	goBuiltins  = set("append cap clear close complex copy delete imag len make max min new panic print println real recover")
)
