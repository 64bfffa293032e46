package source

import (
	"fmt"
	"strconv"
	"unicode"

	"interleave/kernel/cell/pattern"
)

// Characters that come with code copied from pages and documents. Go accepts none of them outside of strings
// and comments, and many are invisible.

// strange lists characters by name, and what to write instead.
var strange = map[rune][2]string{
	'\u00a0': {"a no-break space", "a space"}, '\u2007': {"a figure space", "a space"},
	'\u202f': {"a narrow no-break space", "a space"},
	'\u3000': {"an ideographic space", "a space"}, '\u1680': {"an Ogham space", "a space"},
	'\u200b': {"a zero-width space", ""}, '\u200c': {"a zero-width non-joiner", ""}, '\u200d': {"a zero-width joiner", ""},
	'\u2060': {"a word joiner", ""}, '\ufeff': {"a byte order mark", ""}, '\u00ad': {"a soft hyphen", ""},
	'\u180e': {"a Mongolian vowel separator", ""},
	'\u2028': {"a line separator", "a line break"}, '\u2029': {"a paragraph separator", "a line break"},
	'\u0085': {"a next-line character", "a line break"},
	'“':      {"a typographic quote", `"`}, '”': {"a typographic quote", `"`}, '„': {"a typographic quote", `"`},
	'«': {"a typographic quote", `"`}, '»': {"a typographic quote", `"`},
	'‘': {"a typographic quote", "'"}, '’': {"a typographic quote", "'"}, '‚': {"a typographic quote", "'"},
	'´': {"an acute accent", "'"}, '＂': {"a fullwidth quote", `"`},
	'–': {"a dash", "-"}, '—': {"a dash", "-"}, '−': {"a minus sign of mathematics", "-"}, '‐': {"a hyphen", "-"},
	'‑': {"a no-break hyphen", "-"},
	'×': {"a multiplication sign", "*"}, '÷': {"a division sign", "/"}, '…': {"an ellipsis", "..."},
	'≤': {"a sign of mathematics", "<="},
	'≥': {"a sign of mathematics", ">="}, '≠': {"a sign of mathematics", "!="}, '→': {"an arrow", "<- or ->"},
	'←': {"an arrow", "<-"},
	'（': {"a fullwidth parenthesis", "("}, '）': {"a fullwidth parenthesis", ")"}, '｛': {"a fullwidth brace", "{"},
	'｝': {"a fullwidth brace", "}"},
	'，': {"a fullwidth comma", ","}, '；': {"a fullwidth semicolon", ";"}, '：': {"a fullwidth colon", ":"},
	'＝': {"a fullwidth equals sign", "="},
}

var illegalRE = pattern.New(`^illegal character U\+([0-9A-F]+)`)

// explainStrange explains an illegal character, if it is one of the common ones.
func explainStrange(d *Diagnostic) {
	m := illegalRE().FindStringSubmatch(d.Message)
	if m == nil {
		return
	}
	code, err := strconv.ParseUint(m[1], 16, 32)
	if err != nil {
		return
	}
	r := rune(code)
	name, known := strange[r]
	what := name[0]
	switch {
	case !known && unicode.IsSpace(r), !known && unicode.Is(unicode.Zs, r):
		what, name[1] = "a space that Go does not accept", "a space"
	case !known && (unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cc, r)):
		what = "a control character"
	case !known:
		return
	}
	d.Explained = true
	unseen := !unicode.IsGraphic(r) || unicode.IsSpace(r) || name[1] == ""
	if unseen {
		d.Message = fmt.Sprintf("an invisible character stands here: U+%04X, %s", r, what)
	} else {
		d.Message += ", " + what
	}
	if name[1] == "" {
		d.Hint = "Delete the character. Code copied from a page may contain more of them"
	} else {
		d.Hint = fmt.Sprintf("Replace the character with %s. Code copied from a page may contain more of them", name[1])
	}
}
