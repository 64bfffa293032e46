package cell

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// A Diagnostic is one thing wrong with a cell, at a place of this or an earlier cell.
type Diagnostic struct {
	Cell         int
	Line, Column int    // from 1; Column counts bytes. Line 0: no place
	Kind         string // "syntax error", "type error" or "refused"
	Message      string
	Hint         string // what to do, empty when the message says it
	source       string // the line, for the excerpt
	explained    bool   // the hint knows the cause: none about habits takes its place
}

// Diagnostics is what is wrong with a cell; it is an error when it is not empty.
type Diagnostics []Diagnostic

// Error gives one line per diagnostic: cell[3]:1:7: undefined: x.
func (ds Diagnostics) Error() string {
	var lines []string
	for _, d := range ds {
		lines = append(lines, short(d.String()))
	}
	return strings.Join(lines, "\n")
}

func (d Diagnostic) String() string {
	if d.Line == 0 {
		return fmt.Sprintf("cell[%d]: %s", d.Cell, d.Message)
	}
	return fmt.Sprintf("cell[%d]:%d:%d: %s", d.Cell, d.Line, d.Column, d.Message)
}

const (
	red   = "\x1b[31m"
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	cyan  = "\x1b[36m"
	reset = "\x1b[0m"
)

// Render gives the lines shown under a cell: each diagnostic with the line it speaks of and a caret below the place,
// coloured with ANSI sequences.
func (ds Diagnostics) Render() (lines []string) {
	const most = 10
	for i, d := range ds {
		if i == most {
			return append(lines, fmt.Sprintf("%s… and %d more%s", faint, len(ds)-most, reset))
		}
		place := fmt.Sprintf("cell[%d]:%d:%d: ", d.Cell, d.Line, d.Column)
		if d.Line == 0 {
			place = fmt.Sprintf("cell[%d]: ", d.Cell)
		}
		lines = append(lines, bold+place+reset+red+short(d.Message)+reset)
		if d.Line > 0 && d.source != "" {
			gutter := fmt.Sprintf("%4d | ", d.Line)
			lines = append(lines, faint+gutter+reset+d.source, faint+"     | "+reset+caret(d.source, d.Column))
		}
		if d.Hint != "" {
			lines = append(lines, "     "+cyan+d.Hint+reset)
		}
	}
	return lines
}

// short cuts what nobody can read, such as the name of an undefined variable that is a megabyte long.
func short(s string) string {
	const most = 2000
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// caret points at a byte column of a line, keeping its tabs so that it stands under the right letter.
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
	return b.String() + red + "^" + reset
}

// columns is how many columns of a terminal a character takes.
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

// excerpt is the line of text that the diagnostic speaks of, cut when it is very long.
func excerpt(text string, line int) string {
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
