package wire

import "math/bits"

// The inner loops of this package: nearly all bytes of a notebook's traffic are ordinary text inside JSON strings, so that what
// skips over it decides how fast bundles get to the client. Package jsontext, which quotes text here, would check them as well:
// ARCHITECTURE.md, "Considered and not taken".

// special gives the index at or after i of the next byte of s that cannot stand for itself in a JSON string: a control
// character, a quote or a backslash. It is len(s) if there is none.
func special[T string | []byte](s T, i int) int {
	const (
		ones = 0x0101010101010101
		high = ones << 7
	)
	for ; i+8 <= len(s); i += 8 {
		x := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// The high bit of each byte of found says that the byte is special. A borrow makes bytes above a special one unsure,
		// never those below the first.
		quote, slash := x^(ones*'"'), x^(ones*'\\')
		found := ((x-ones*0x20)&^x | (quote-ones)&^quote | (slash-ones)&^slash) & high
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

// maxDepth is how deeply arrays and objects may nest. It is encoding/json's limit.
const maxDepth = 10_000

// valid is json.Valid, some times faster.
func valid(b []byte) bool {
	i, ok := value(b, skip(b, 0), 0)
	return ok && skip(b, i) == len(b)
}

// skip gives the index of the next byte that is not white space.
func skip(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// value gives the index behind the value that begins at i, inside of depth arrays and objects.
func value(b []byte, i, depth int) (int, bool) {
	if i >= len(b) {
		return i, false
	}
	switch c := b[i]; c {
	case '"':
		return quoted(b, i)
	case 't':
		return word(b, i, "true")
	case 'f':
		return word(b, i, "false")
	case 'n':
		return word(b, i, "null")
	case '[', '{':
		if depth == maxDepth {
			return i, false
		}
		return elements(b, i, depth+1)
	}
	return numeral(b, i)
}

// elements is an array or object.
func elements(b []byte, i, depth int) (_ int, ok bool) {
	end := b[i] + 2 // ] or }
	i = skip(b, i+1)
	if i < len(b) && b[i] == end {
		return i + 1, true
	}
	for {
		if end == '}' {
			if i >= len(b) || b[i] != '"' {
				return i, false
			}
			if i, ok = quoted(b, i); !ok {
				return i, false
			}
			if i = skip(b, i); i >= len(b) || b[i] != ':' {
				return i, false
			}
			i = skip(b, i+1)
		}
		if i, ok = value(b, i, depth); !ok {
			return i, false
		}
		if i = skip(b, i); i >= len(b) {
			return i, false
		}
		switch b[i] {
		case end:
			return i + 1, true
		case ',':
			i = skip(b, i+1)
		default:
			return i, false
		}
	}
}

// quoted is a string.
func quoted(b []byte, i int) (int, bool) {
	for i = special(b, i+1); i < len(b); i = special(b, i) {
		switch {
		case b[i] == '"':
			return i + 1, true
		case b[i] != '\\' || i+1 >= len(b):
			return i, false
		}
		switch b[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			i += 2
		case 'u':
			if i += 2; i+4 > len(b) {
				return i, false
			}
			for _, c := range b[i : i+4] {
				if c-'0' > 9 && c-'a' > 5 && c-'A' > 5 {
					return i, false
				}
			}
			i += 4
		default:
			return i, false
		}
	}
	return i, false
}

func word(b []byte, i int, w string) (int, bool) {
	if len(b)-i < len(w) || string(b[i:i+len(w)]) != w {
		return i, false
	}
	return i + len(w), true
}

// numeral is a number.
func numeral(b []byte, i int) (int, bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	start := i
	if i = digits(b, i); i == start || b[start] == '0' && i > start+1 {
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		start = i + 1
		if i = digits(b, start); i == start {
			return i, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start = i
		if i = digits(b, i); i == start {
			return i, false
		}
	}
	return i, true
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}
