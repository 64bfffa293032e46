package ipynb

import (
	"bytes"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A value is a JSON value that keeps its original text. Unchanged values are written back with the bytes that
// they were read from: number spellings, escapes, key order and layout included. encoding/json cannot do
// that, and it refuses the NaN and Infinity that Python's writer puts into notebooks.
//
// Invariant: raw of a container is nil exactly when something inside it was changed since it was read, so a
// value without raw has only ancestors without raw.
type value struct {
	kind   kind
	raw    []byte  // the spelling; nil for a container that changed
	pos    int     // where it began in the file; for messages
	parent *value  // nil at the root and while not attached
	items  []item  // of an array or an object, in file order
	text   *string // of an array that newLines made, instead of items, so that a million lines are not a million values
}

type item struct {
	key    string // object only
	rawKey []byte // object only: the key as it is spelled, with quotes
	value  *value
}

type kind uint8

const (
	nullKind kind = iota
	boolKind
	numberKind
	stringKind
	arrayKind
	objectKind
)

// String names a kind as messages do.
func (k kind) String() string {
	return [...]string{"null", "true or false", "a number", "a string", "a list", "an object"}[k]
}

// A layout is the white space of a file. The zero layout writes everything on one line.
type layout struct {
	newline string // "\n", "\r\n", or empty
	indent  string // of one level
	levels  int    // how many levels are indented; 0 means all
	colon   string
	comma   string
}

// jupyter is the layout that Jupyter writes.
var jupyter = layout{newline: "\n", indent: " ", colon: ": ", comma: ","}

// append writes v at the given depth. It costs a copy of what did not change.
func (v *value) append(b []byte, depth int, l layout) []byte {
	if v.raw != nil {
		return append(b, v.raw...)
	}
	if v.text != nil {
		return appendLines(b, *v.text, depth, l)
	}
	first, last := byte('['), byte(']')
	if v.kind == objectKind {
		first, last = '{', '}'
	}
	b = append(b, first)
	for i, it := range v.items {
		if i > 0 {
			b = append(b, l.comma...)
		}
		b = l.line(b, depth+1)
		if v.kind == objectKind {
			b = append(b, it.rawKey...)
			b = append(b, l.colon...)
		}
		b = it.value.append(b, depth+1, l)
	}
	if len(v.items) > 0 {
		b = l.line(b, depth)
	}
	return append(b, last)
}

// appendLines writes a text as an array of its lines.
func appendLines(b []byte, text string, depth int, l layout) []byte {
	b = append(b, '[')
	first := true
	for line := range splitLines(text) {
		if !first {
			b = append(b, l.comma...)
		}
		b = l.line(b, depth+1)
		b = quote(b, line)
		first = false
	}
	if !first {
		b = l.line(b, depth)
	}
	return append(b, ']')
}

func (l layout) line(b []byte, depth int) []byte {
	if l.newline == "" {
		return b
	}
	b = append(b, l.newline...)
	if l.levels > 0 {
		depth = min(depth, l.levels)
	}
	for range depth {
		b = append(b, l.indent...)
	}
	return b
}

// layoutOf guesses a file's layout from the text before the first member of its outermost object.
func layoutOf(root *value) layout {
	if len(root.items) == 0 {
		return jupyter
	}
	raw := root.raw[1:]
	space := raw[:len(raw)-len(bytes.TrimLeft(raw, " \t\r\n"))]
	l := layout{colon: ":", comma: ","}
	if rest := raw[len(space)+len(root.items[0].rawKey):]; bytes.HasPrefix(rest, []byte(": ")) {
		l.colon = ": "
	}
	nl := bytes.LastIndexByte(space, '\n')
	if nl < 0 {
		if l.colon == ": " { // Python's json.dumps without an indent
			l.comma = ", "
		}
		return l
	}
	l.newline, l.indent = "\n", string(space[nl+1:])
	if nl > 0 && space[nl-1] == '\r' {
		l.newline = "\r\n"
	}
	return l
}

// touch records that something inside v changes.
func (v *value) touch() {
	for ; v != nil && v.raw != nil; v = v.parent {
		v.raw = nil
	}
}

// get returns an object's member, or nil. If a key occurs twice, the last one counts, as is usual in JSON.
func (v *value) get(key string) *value {
	if v == nil || v.kind != objectKind {
		return nil
	}
	for i := len(v.items) - 1; i >= 0; i-- {
		if v.items[i].key == key {
			return v.items[i].value
		}
	}
	return nil
}

// set replaces a member or adds it: in its alphabetic place when the object is sorted, as Jupyter's are,
// otherwise at the end.
func (v *value) set(key string, to *value) {
	v.touch()
	to.parent = v
	for i := len(v.items) - 1; i >= 0; i-- {
		if v.items[i].key == key {
			v.items[i].value = to
			return
		}
	}
	at := len(v.items)
	if slices.IsSortedFunc(v.items, byKey) {
		at, _ = slices.BinarySearchFunc(v.items, item{key: key}, byKey)
	}
	v.items = slices.Insert(v.items, at, item{key: key, rawKey: quote(nil, key), value: to})
}

func byKey(a, b item) int { return strings.Compare(a.key, b.key) }

// add appends to an array.
func (v *value) add(to *value) {
	v.touch()
	to.parent = v
	v.items = append(v.items, item{value: to})
}

// remove deletes a member and reports whether it existed.
func (v *value) remove(key string) bool {
	if v.get(key) == nil {
		return false
	}
	v.touch()
	v.items = slices.DeleteFunc(v.items, func(it item) bool { return it.key == key })
	return true
}

// str returns a string's text. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.
func (v *value) str() string {
	return unquote(v.raw)
}

// lines returns the text of a multi-line string: a string, or a list of strings to be joined.
func (v *value) lines() (string, bool) {
	switch v.kind {
	case stringKind:
		return v.str(), true
	case arrayKind:
		if v.text != nil {
			return *v.text, true
		}
		var b strings.Builder
		for _, it := range v.items {
			if it.value.kind != stringKind {
				return "", false
			}
			b.WriteString(it.value.str())
		}
		return b.String(), true
	}
	return "", false
}

// integer returns an integer that fits an int.
func (v *value) integer() (int, bool) {
	if v == nil || v.kind != numberKind {
		return 0, false
	}
	n, err := strconv.Atoi(string(v.raw))
	return n, err == nil
}

func newNull() *value           { return &value{kind: nullKind, raw: []byte("null")} }
func newInt(n int) *value       { return &value{kind: numberKind, raw: strconv.AppendInt(nil, int64(n), 10)} }
func newString(s string) *value { return &value{kind: stringKind, raw: quote(nil, s)} }
func newObject() *value         { return &value{kind: objectKind} }
func newArray() *value          { return &value{kind: arrayKind} }

func newStrings(list []string) *value {
	v := newArray()
	for _, s := range list {
		v.add(newString(s))
	}
	return v
}

// newLines stores a text as Jupyter does: one string per line, the ends of lines kept.
func newLines(s string) *value { return &value{kind: arrayKind, text: &s} }

// splitLines cuts after every line end that Python's str.splitlines knows; Jupyter uses it to write, so
// another choice would show as a change when the notebook is saved there next.
func splitLines(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0
		for i := 0; i < len(s); {
			r, n := rune(s[i]), 1
			if r >= utf8.RuneSelf {
				r, n = utf8.DecodeRuneInString(s[i:])
			}
			i += n
			switch r {
			case '\r':
				if i < len(s) && s[i] == '\n' {
					i++
				}
			case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
			default:
				continue
			}
			if !yield(s[start:i]) {
				return
			}
			start = i
		}
		if start < len(s) {
			yield(s[start:])
		}
	}
}

// canonical returns v as Jupyter would write it: sorted keys, plain escapes. Numbers keep their text.
func (v *value) canonical() *value {
	switch v.kind {
	case stringKind:
		v.raw = quote(nil, v.str())
	case arrayKind, objectKind:
		v.raw = nil
		if v.kind == objectKind {
			slices.SortStableFunc(v.items, byKey)
			last := v.items[:0]
			for i, it := range v.items {
				if i+1 == len(v.items) || v.items[i+1].key != it.key {
					it.rawKey = quote(nil, it.key)
					last = append(last, it)
				}
			}
			v.items = last
		}
		for _, it := range v.items {
			it.value.canonical()
		}
	}
	return v
}

// quote appends a JSON string as Python writes it with ensure_ascii off: only what must be escaped is.
// encoding/json escapes U+2028 and U+2029, which would show as a change of every such line when Jupyter saves
// the notebook next. kernel/wire has a faster function, but a file format must not import it.
func quote(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, strings.ToValidUTF8(s, "\uFFFD")) // the error is that of invalid UTF-8
	return b
}

// unquote decodes a string that the parser accepted.
func unquote(s []byte) string {
	b, _ := jsontext.AppendUnquote(nil, s) // the error is that of a lone surrogate
	return string(b)
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(s []byte) rune {
	if len(s) < 4 {
		return -1
	}
	n, err := strconv.ParseUint(string(s[:4]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}
