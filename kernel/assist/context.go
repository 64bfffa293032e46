package assist

import (
	"go/scanner"
	"go/token"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"interleave/kernel/cell/source"
)

// A place is what is at the cursor of a Go text.
type place struct {
	text      string // the Go code, with blank lines for the rest of the cell
	from, to  int    // the name that the cursor is in or behind, in bytes; equal without one
	cursor    int
	dot       bool // a member of what is before the dot is asked for
	quoted    bool // inside a string: from and to are its contents up to the cursor
	nothing   bool // a comment or a number: nothing is completed
	importing bool // the string is an import path
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// wordAt returns the bounds of the name that a cursor is in or behind.
func wordAt(text string, cursor int) (from, to int) {
	from, to = cursor, cursor
	for from > 0 {
		r, n := utf8.DecodeLastRuneInString(text[:from])
		if !isWord(r) {
			break
		}
		from -= n
	}
	for to < len(text) {
		r, n := utf8.DecodeRuneInString(text[to:])
		if !isWord(r) {
			break
		}
		to += n
	}
	if from < to {
		if r, _ := utf8.DecodeRuneInString(text[from:]); unicode.IsDigit(r) { // a number
			return cursor, cursor
		}
	}
	return from, to
}

// placeOf finds out what is at a cursor.
func placeOf(text string, cursor int) place {
	p := place{text: text, cursor: cursor}
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.Init(file, []byte(text), func(token.Position, string) {}, scanner.ScanComments)
	imports := false // within an import declaration
	last := token.ILLEGAL
	for {
		pos, tok, lit := s.Scan()
		from := file.Offset(pos)
		if tok == token.EOF || from >= cursor {
			break
		}
		to := from + len(lit)
		switch tok {
		case token.COMMENT:
			line := strings.HasPrefix(lit, "//")
			if cursor < to || line && cursor == to || !line && !strings.HasSuffix(lit, "*/") {
				p.nothing = true
				return p
			}
		case token.STRING, token.CHAR:
			closed := len(lit) > 1 && lit[len(lit)-1] == lit[0]
			if cursor < to || !closed && cursor == to {
				p.quoted, p.from, p.to, p.importing = true, from+1, cursor, tok == token.STRING && imports
				return p
			}
		case token.INT, token.FLOAT, token.IMAG:
			p.nothing = p.nothing || cursor <= to
			imports = false
		case token.IMPORT:
			imports = true
		case token.SEMICOLON:
			if last != token.LPAREN && last != token.STRING && last != token.SEMICOLON {
				imports = false
			}
		case token.IDENT, token.LPAREN, token.PERIOD:
		default:
			imports = false
		}
		if tok != token.COMMENT {
			last = tok
		}
	}
	p.from, p.to = wordAt(text, cursor)
	before := strings.TrimRight(text[:p.from], " \t\n")
	p.dot = strings.HasSuffix(before, ".") && !strings.HasSuffix(before, "..")
	return p
}

// goAt returns the Go code around a byte offset of a cell, with blank lines for the rest, so that offsets stay;
// otherwise the segment of another kind that the cursor is in.
func (c Config) goAt(text string, cursor int) (code string, other *source.Segment) {
	line := 1 + strings.Count(text[:cursor], "\n")
	for _, s := range source.Segments(text) {
		switch s.Kind {
		case source.GoCode:
			continue
		case source.CellMagic:
			if line == s.Line || !c.takesCode(s.Name) {
				return "", &s
			}
			return blankLines(text, s.Line, s.Line), nil
		case source.HelpLine:
			if magic := strings.TrimLeft(s.Name, "%"); magic != s.Name {
				if line == s.Line {
					return "", &source.Segment{Kind: source.LineMagic, Name: magic, Line: s.Line}
				}
			} else if line == s.Line {
				return withoutMarks(text, s.Line), nil
			}
		}
		if last := s.Line + strings.Count(s.Args, "\n"); s.Line <= line && line <= last {
			behind := cursor - len(lineBefore(text, cursor)) + len("%"+s.Name+" ")
			if s.Kind != source.LineMagic || !c.takesCode(s.Name) || s.Args == "" || s.Args[0] == '-' || cursor < behind {
				return "", &s
			}
			at := strings.LastIndex(text[:cursor], "%"+s.Name)
			text = text[:at] + strings.Repeat(" ", len(s.Name)+1) + text[at+len(s.Name)+1:]
			continue
		}
		text = blankLines(text, s.Line, s.Line+strings.Count(s.Args, "\n"))
	}
	return text, nil
}

// takesCode reports whether a magic takes Go code: in the rest of the cell, or behind it.
func (c Config) takesCode(name string) bool {
	return slices.ContainsFunc(c.Magics, func(m Magic) bool { return m.Name == name && m.Code })
}

// withoutMarks overwrites the question marks of a line with spaces.
func withoutMarks(text string, line int) string {
	lines := strings.Split(text, "\n")
	lines[line-1] = strings.ReplaceAll(lines[line-1], "?", " ")
	return strings.Join(lines, "\n")
}

// blankLines overwrites lines with spaces.
func blankLines(text string, from, to int) string {
	b := []byte(text)
	for i, line := 0, 1; i < len(b); i++ {
		if b[i] == '\n' {
			line++
		} else if from <= line && line <= to {
			b[i] = ' '
		}
	}
	return string(b)
}

// repaired returns texts, the best first, in which the name at a place is a word, and which may parse.
func (p *place) repaired(word string) (texts []string) {
	text := withoutCalls(p.text)
	whole := text[:p.from] + word + text[p.to:]
	if closers, wrong := source.Closers(whole); closers == "" && wrong == len(whole) {
		texts = append(texts, whole)
	}
	cut := text[:p.from] + word
	closers, wrong := source.Closers(cut)
	if wrong == len(cut) {
		texts = append(texts, cut+closers)
		if i := strings.LastIndexByte(cut[:p.from], '\n'); i >= 0 { // the lines above may be broken, too
			line := blankLines(cut, 1, strings.Count(cut[:p.from], "\n"))
			if c, w := source.Closers(line); w == len(line) {
				texts = append(texts, line+c)
			}
		}
		return texts
	}
	// a bracket too many above: without the lines up to it
	rest := blankLines(cut, 1, 1+strings.Count(cut[:wrong], "\n"))
	if c, w := source.Closers(rest); w == len(rest) {
		texts = append(texts, rest+c)
	}
	return texts
}

// withoutCalls overwrites the words go and defer, behind which only a call may stand.
func withoutCalls(text string) string {
	b := []byte(text)
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.Init(file, b, func(token.Position, string) {}, 0)
	for {
		pos, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			return string(b)
		case token.GO, token.DEFER:
			for i := range lit {
				b[file.Offset(pos)+i] = ' '
			}
		}
	}
}
