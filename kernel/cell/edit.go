package cell

import (
	"go/ast"
	"sort"
	"strings"
)

type edit struct {
	from, to int
	text     string
}

func (e *emitter) put(from, to int, text string) { e.edits = append(e.edits, edit{from, to, text}) }

func (e *emitter) replace(n ast.Node, text string) {
	e.put(e.src.Offset(n.Pos()), e.src.End(n), text)
}

// insert puts text before the edits that begin at the same place.
func (e *emitter) insert(at int, text string) { e.put(at, at, text) }

// apply returns text[from:to] with the edits made. Edits inside a replaced stretch are dropped; a replaced
// stretch keeps its line ends.
func (e *emitter) apply(text string, from, to int) string {
	sort.SliceStable(e.edits, func(i, j int) bool {
		a, b := e.edits[i], e.edits[j]
		if a.from != b.from {
			return a.from < b.from
		}
		return a.to == a.from && b.to != b.from
	})
	var b strings.Builder
	at := from
	for _, d := range e.edits {
		if d.from < at || d.to > to {
			continue
		}
		b.WriteString(text[at:d.from])
		b.WriteString(d.text)
		if lost := strings.Count(text[d.from:d.to], "\n") - strings.Count(d.text, "\n"); lost > 0 {
			b.WriteString(strings.Repeat("\n", lost))
		}
		at = d.to
	}
	b.WriteString(text[at:to])
	e.edits = nil
	return b.String()
}
