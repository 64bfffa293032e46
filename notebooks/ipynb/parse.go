package ipynb

import (
	"fmt"
	"unicode/utf8"
)

// maxDepth is how deep values may nest: about where Python's reader gives up, and no notebook comes near it.
const maxDepth = 900

// A parser reads JSON as Python's json module does: RFC 8259 plus NaN, Infinity and -Infinity.
type parser struct {
	data []byte
	pos  int
}

// A syntaxError is a place where a file stops being JSON.
type syntaxError struct {
	pos     int
	problem string
}

func (e *syntaxError) Error() string { return e.problem }

func (p *parser) fail(format string, args ...any) error {
	return &syntaxError{p.pos, fmt.Sprintf(format, args...)}
}

// parse reads one value and the white space around it; head and tail are that space.
func parse(data []byte) (v *value, head, tail []byte, err error) {
	if !utf8.Valid(data) {
		at := 0
		for at < len(data) {
			r, n := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return nil, nil, nil, &syntaxError{at, "a byte that is not UTF-8"}
	}
	p := &parser{data: data}
	p.space()
	start := p.pos
	if v, err = p.value(0); err != nil {
		return nil, nil, nil, err
	}
	end := p.pos
	if p.space(); p.pos < len(data) {
		return nil, nil, nil, p.fail("%s after the end of the notebook", p.seen())
	}
	return v, data[:start], data[end:], nil
}

func (p *parser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\r', '\n':
			p.pos++
		default:
			return
		}
	}
}

// seen describes the text at the current place.
func (p *parser) seen() string {
	if p.pos >= len(p.data) {
		return "the end of the file"
	}
	r, _ := utf8.DecodeRune(p.data[p.pos:])
	return fmt.Sprintf("%q", r)
}

func (p *parser) peek() byte {
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

func (p *parser) value(depth int) (*value, error) {
	if depth > maxDepth {
		return nil, p.fail("values nested more than %d deep", maxDepth)
	}
	start := p.pos
	v := &value{pos: start}
	var err error
	switch c := p.peek(); {
	case c == '{':
		v.kind = objectKind
		err = p.object(v, depth)
	case c == '[':
		v.kind = arrayKind
		err = p.array(v, depth)
	case c == '"':
		v.kind = stringKind
		err = p.str()
	case c == '-' || '0' <= c && c <= '9':
		v.kind = numberKind
		err = p.number()
	default:
		err = p.word(v)
	}
	if err != nil {
		return nil, err
	}
	v.raw = p.data[start:p.pos:p.pos]
	return v, nil
}

func (p *parser) word(v *value) error {
	for _, w := range []struct {
		text string
		kind kind
	}{{"null", nullKind}, {"true", boolKind}, {"false", boolKind}, {"NaN", numberKind}, {"Infinity", numberKind}} {
		if rest := p.data[p.pos:]; len(rest) >= len(w.text) && string(rest[:len(w.text)]) == w.text {
			v.kind = w.kind
			p.pos += len(w.text)
			return nil
		}
	}
	return p.fail("%s where a value should begin", p.seen())
}

func (p *parser) array(v *value, depth int) error {
	p.pos++
	if p.space(); p.peek() == ']' {
		p.pos++
		return nil
	}
	for {
		p.space()
		e, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		e.parent = v
		v.items = append(v.items, item{value: e})
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return nil
		default:
			return p.fail("%s where a list continues with a comma or ends with ]", p.seen())
		}
	}
}

func (p *parser) object(v *value, depth int) error {
	p.pos++
	if p.space(); p.peek() == '}' {
		p.pos++
		return nil
	}
	for {
		p.space()
		start := p.pos
		if p.peek() != '"' {
			return p.fail("%s where a key in quotes should begin", p.seen())
		}
		if err := p.str(); err != nil {
			return err
		}
		it := item{rawKey: p.data[start:p.pos:p.pos]}
		it.key = unquote(it.rawKey)
		if p.space(); p.peek() != ':' {
			return p.fail("%s where a colon should follow the key %q", p.seen(), it.key)
		}
		p.pos++
		p.space()
		e, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		e.parent, it.value = v, e
		v.items = append(v.items, it)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return nil
		default:
			return p.fail("%s where an object continues with a comma or ends with }", p.seen())
		}
	}
}

func (p *parser) str() error {
	start := p.pos
	for p.pos++; p.pos < len(p.data); p.pos++ {
		switch c := p.data[p.pos]; {
		case c == '"':
			p.pos++
			return nil
		case c < 0x20:
			return p.fail("a string that is not closed on its line, or holds the control character %#02x", c)
		case c == '\\':
			p.pos++
			switch p.peek() {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if hex4(p.data[p.pos+1:]) < 0 {
					return p.fail(`a \u that four hexadecimal digits do not follow`)
				}
				p.pos += 4
			default:
				return p.fail("a backslash before %s in a string", p.seen())
			}
		}
	}
	p.pos = start
	return p.fail("a string that never ends")
}

func (p *parser) number() error {
	if p.peek() == '-' {
		p.pos++
	}
	digits := func() bool {
		start := p.pos
		for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
			p.pos++
		}
		return p.pos > start
	}
	switch {
	case p.peek() == '0':
		p.pos++
	case p.peek() == 'I':
		return p.word(&value{})
	case !digits():
		return p.fail("%s where a number's digits should stand", p.seen())
	}
	if p.peek() == '.' {
		p.pos++
		if !digits() {
			return p.fail("%s where a number's decimals should stand", p.seen())
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if !digits() {
			return p.fail("%s where a number's exponent should stand", p.seen())
		}
	}
	return nil
}
