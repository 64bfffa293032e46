package main

import (
	"fmt"
	"go/scanner"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

// A marker is a habit of speech that makes technical text hard to read. Few uses are fine, many are a dialect.
type marker struct {
	name string
	re   *regexp.Regexp
}

var markers = []marker{
	{"say", regexp.MustCompile(`(?i)\b(say|says|said)\b`)},
	{"tell", regexp.MustCompile(`(?i)\b(tell|tells|told)\b`)},
	{"nobody", regexp.MustCompile(`(?i)\b(nobody|anybody)\b`)},
	{"go-on", regexp.MustCompile(`(?i)\b(go|goes)\s+on\b`)},
	{"is-none", regexp.MustCompile(`(?i)\b(is|are)\s+none\b`)},
	{"of-ours", regexp.MustCompile(`(?i)\bof\s+(ours|theirs)\b`)},
	{"no-more", regexp.MustCompile(`(?i)\b(no\s+more|as\s+long\s+as)\b`)},
}

var word = regexp.MustCompile(`\pL[\pL\pN'’]*`)

// words counts words and the markers among them.
type words struct {
	total   int
	markers []int    // as the list above
	found   []string // where each marker stands, with some text around it
}

// count adds a text, which begins in a line of a file.
func (w *words) count(file string, line int, text string) {
	w.total += len(word.FindAllStringIndex(text, -1))
	if w.markers == nil {
		w.markers = make([]int, len(markers))
	}
	for i, m := range markers {
		for _, at := range m.re.FindAllStringIndex(text, -1) {
			w.markers[i]++
			around := text[max(0, at[0]-40):min(len(text), at[1]+40)]
			w.found = append(w.found, fmt.Sprintf("%s:%d: %s: …%s…", file, line+strings.Count(text[:at[0]], "\n"), m.name,
				strings.Join(strings.Fields(strings.ToValidUTF8(around, "")), " ")))
		}
	}
}

func (w *words) add(o *words) {
	if w.markers == nil {
		w.markers = make([]int, len(markers))
	}
	w.total += o.total
	for i, n := range o.markers {
		w.markers[i] += n
	}
	w.found = append(w.found, o.found...)
}

func (w *words) sum() (n int) {
	for _, m := range w.markers {
		n += m
	}
	return n
}

// rate is the number of markers per 10 000 words.
func (w *words) rate() float64 {
	return 10000 * float64(w.sum()) / float64(max(w.total, 1))
}

// String shows the rate, and the markers that occur.
func (w *words) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%.1f (%d in %d words", w.rate(), w.sum(), w.total)
	for i, n := range w.markers {
		if n > 0 {
			fmt.Fprintf(&b, "; %s %d", markers[i].name, n)
		}
	}
	return b.String() + ")"
}

// words counts the words of a file's comments, and those of its string literals that are sentences or parts
// of one: they have a space between two words. Directives are not prose.
func (f file) words() (inComments, inStrings *words) {
	inComments, inStrings = &words{}, &words{}
	fset := token.NewFileSet()
	tf := fset.AddFile(f.name, -1, len(f.text))
	var s scanner.Scanner
	s.Init(tf, []byte(f.text), nil, scanner.ScanComments)
	block, blockLine, lastLine := "", 0, -1 // neighbouring comment lines are one text, in which a phrase may cross lines
	flush := func() {
		if block != "" {
			inComments.count(f.name, blockLine, block)
		}
		block, lastLine = "", -1
	}
	for {
		pos, tok, lit := s.Scan()
		line := tf.Line(pos)
		switch {
		case tok == token.EOF:
			flush()
			return inComments, inStrings
		case tok == token.COMMENT && directive.MatchString(lit):
		case tok == token.COMMENT:
			if line != lastLine+1 {
				flush()
				blockLine = line
			}
			// What marks a comment is no word and may stay.
			block += strings.TrimPrefix(lit, "//") + "\n"
			lastLine = line + strings.Count(lit, "\n")
		case tok == token.STRING:
			if text, err := strconv.Unquote(lit); err == nil && sentence.MatchString(text) {
				inStrings.count(f.name, line, text)
			}
		}
	}
}

var (
	directive = regexp.MustCompile(`^//(go:|line |export |[a-z]+:[a-z])`)
	sentence  = regexp.MustCompile(`\pL{2,}[,;:]? \pL{2,}`)
)
