package source

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"interleave/kernel/cell/hint"
)

// Kinds of diagnostics, which clients see as the name of the error.
const (
	SyntaxError = "syntax error"
	TypeError   = "type error" // also of what the type checker does not find, such as a variable without a value
	Refused     = "refused"    // outside the faithful set
	MagicError  = "magic"
)

// A Diagnostic is one error in a cell, at a place of this or an earlier cell.
type Diagnostic struct {
	Cell         int
	Line, Column int    // from 1; Column counts bytes. Line 0: no place
	Kind         string // SyntaxError, TypeError, Refused or MagicError
	Message      string
	Hint         string // the remedy; empty when the message implies it
	Excerpt      string // the line, for the excerpt
	Explained    bool   // the hint is about the cause: no hint of habits replaces it
}

// Diagnostics lists the errors in a cell. It is an error when it is not empty.
type Diagnostics []Diagnostic

// WithExcerpts adds to each diagnostic its line, of the text of its cell, and, in cell n, the hint of a habit
// where the cause is not known better.
func (ds Diagnostics) WithExcerpts(n int, text func(cell int) string) Diagnostics {
	for i, d := range ds {
		if d.Line > 0 {
			ds[i].Excerpt = Line(text(d.Cell), d.Line)
			if h := hint.Habit(d.Message, ds[i].Excerpt, d.Column); h != "" && d.Cell == n && !d.Explained {
				ds[i].Hint = h
			}
		}
	}
	return ds
}

// Error returns one line per diagnostic: cell[3]:1:7: undefined: x.
func (ds Diagnostics) Error() string {
	var lines []string
	for _, d := range ds {
		lines = append(lines, Short(d.String()))
	}
	return strings.Join(lines, "\n")
}

func (d Diagnostic) String() string {
	if d.Line == 0 {
		return fmt.Sprintf("cell[%d]: %s", d.Cell, d.Message)
	}
	return fmt.Sprintf("cell[%d]:%d:%d: %s", d.Cell, d.Line, d.Column, d.Message)
}

// Render returns the lines shown under a cell: each diagnostic with its line and a caret below the place,
// with ANSI sequences for emphasis.
func (ds Diagnostics) Render() (lines []string) {
	const most = 10
	for i, d := range ds {
		if i == most {
			return append(lines, fmt.Sprintf("%s… and %d more%s", Faint, len(ds)-most, Reset))
		}
		place := fmt.Sprintf("cell[%d]:%d:%d: ", d.Cell, d.Line, d.Column)
		if d.Line == 0 {
			place = fmt.Sprintf("cell[%d]: ", d.Cell)
		}
		lines = append(lines, Bold+place+Short(d.Message)+Reset)
		if d.Line > 0 && d.Excerpt != "" {
			gutter := fmt.Sprintf("%4d | ", d.Line)
			lines = append(lines, Faint+gutter+Reset+d.Excerpt, Faint+"     | "+Reset+caret(d.Excerpt, d.Column))
		}
		if d.Hint != "" {
			lines = append(lines, "     "+d.Hint)
		}
	}
	return lines
}

// Short cuts text that is too long to read, such as the name of an undefined variable of a megabyte.
func Short(s string) string {
	const most = 2000
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// caret returns a caret below a byte column of a line. It keeps the line's tabs so that the caret is under
// the right letter.
func caret(line string, column int) string {
	var b strings.Builder
	upto := line[:min(max(0, column-1), len(line))]
	for _, r := range upto {
		if r == '\t' {
			b.WriteRune('\t')
		} else {
			b.WriteString("  "[:columns(r)])
		}
	}
	return b.String() + Bold + "^" + Reset
}

// columns returns how many columns of a terminal a character takes.
func columns(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Line returns the line of text that the diagnostic is about, cut when it is very long.
func Line(text string, line int) string {
	for range line - 1 {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			return ""
		}
		text = text[i+1:]
	}
	text, _, _ = strings.Cut(text, "\n")
	const most = 300
	if len(text) > most {
		text = text[:most]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
		text += "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
