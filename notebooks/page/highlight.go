package page

import (
	"html"
	"strings"
)

// A page needs four languages: Go, which Go's own scanner reads, and three that the small scanners below read
// well enough to colour them. Highlighting libraries match regular expressions with backtracking, for which
// some texts take a time that grows with the square of their length, and they take milliseconds before main
// runs; this package is part of a kernel that starts in 40.

// maxColoured is the size of the longest code that is coloured, in bytes: each span is a node that the
// browser keeps.
const maxColoured = 1 << 20

// A span is a piece of code with the class that page.css colours; class is empty for plain text. The classes
// have Pygments' names: k keyword, kc constant, kt type, nb built-in, nf function, nv variable, na option, nt
// key, nd decorator, s string, sc character, m number, c comment, cp line for the kernel, o operator or
// punctuation.
type span struct{ class, text string }

// highlight returns code as HTML, coloured where the language is known. Its time grows with the length of the
// code.
func highlight(language, code string) string {
	var b strings.Builder
	for _, s := range spans(language, code) {
		text := html.EscapeString(s.text)
		if s.class != "" {
			text = `<span class="` + s.class + `">` + text + "</span>"
		}
		b.WriteString(text)
	}
	return b.String()
}

// spans cuts code into pieces that together are the code.
func spans(language, code string) []span {
	if len(code) > maxColoured {
		language = ""
	}
	p := &pen{text: code}
	switch strings.ToLower(language) {
	case "go", "golang":
		p.golang()
	case "python", "py", "python3", "pycon", "ipython", "ipython3":
		p.python()
	case "sh", "bash", "shell", "console", "zsh":
		p.shell()
	case "json":
		p.json()
	default:
		p.take("", len(code))
	}
	return p.out
}

// A pen walks through code and colours it. Each step takes at least one byte and reads only these bytes, the
// white space behind them, and a bounded number of further ones.
type pen struct {
	text string
	at   int
	out  []span
}

// take colours the next n bytes. Neighbours of the same class become one span.
func (p *pen) take(class string, n int) {
	if n <= 0 {
		return
	}
	text := p.text[p.at : p.at+n]
	if last := len(p.out) - 1; last >= 0 && p.out[last].class == class {
		start := p.at - len(p.out[last].text)
		text = p.text[start : p.at+n]
		p.out = p.out[:last]
	}
	p.out = append(p.out, span{class, text})
	p.at += n
}

// rest is the text that is still to be coloured.
func (p *pen) rest() string { return p.text[p.at:] }

// run is the number of the next bytes that belong to a set.
func (p *pen) run(in func(byte) bool) int {
	n := 0
	for rest := p.rest(); n < len(rest) && in(rest[n]); n++ {
	}
	return n
}

// line is the number of bytes up to the end of the line.
func (p *pen) line() int { return p.run(func(c byte) bool { return c != '\n' }) }

// quoted is the length of a string whose opening quote begins at the pen, with what ends it. A backslash
// keeps the next byte from ending it where escapes is set. A string that is not closed ends with its line, or
// with the text where it may have lines.
func (p *pen) quoted(quote string, escapes, lines bool) int {
	rest := p.rest()
	for i := len(quote); i < len(rest); i++ {
		switch {
		case escapes && rest[i] == '\\':
			i++
		case rest[i] == '\n' && !lines:
			return i
		case strings.HasPrefix(rest[i:], quote):
			return i + len(quote)
		}
	}
	return len(rest)
}

// starts reports whether the pen stands at the start of the text or behind white space.
func (p *pen) starts() bool { return p.at == 0 || isSpace(p.text[p.at-1]) }

func (p *pen) python() {
	for p.at < len(p.text) {
		rest := p.rest()
		switch c := rest[0]; {
		case c == '#':
			p.take("c", p.line())
		case c == '"' || c == '\'':
			p.take("s", p.pythonString())
		case isDigit(c):
			p.take("m", p.run(func(c byte) bool { return isWord(c) || c == '.' }))
		case c == '@':
			p.take("o", 1)
			if n := p.run(func(c byte) bool { return isWord(c) || c == '.' }); n > 0 {
				p.take("nd", n)
			}
		case isWord(c):
			n := p.run(isWord)
			word := rest[:n]
			after := strings.HasPrefix(rest[n:], "(")
			switch {
			case n <= 2 && n < len(rest) && (rest[n] == '"' || rest[n] == '\'') && strings.Trim(word, "bfruBFRU") == "":
				p.take("s", n)
				p.take("s", p.pythonString())
			case pythonKeywords[word]:
				p.take("k", n)
			case word == "True" || word == "False" || word == "None":
				p.take("kc", n)
			case after && pythonBuiltins[word]:
				p.take("nb", n)
			case after:
				p.take("nf", n)
			default:
				p.take("", n)
			}
		case isSpace(c):
			p.take("", p.run(isSpace))
		default:
			p.take("o", 1)
		}
	}
}

// pythonString is the length of the string at the pen, without its prefix.
func (p *pen) pythonString() int {
	rest := p.rest()
	if quote := rest[:min(3, len(rest))]; quote == `"""` || quote == `'''` {
		return p.quoted(quote, true, true)
	}
	return p.quoted(rest[:1], true, false)
}

func (p *pen) shell() {
	path := func(c byte) bool { return isWord(c) || strings.IndexByte("./-", c) >= 0 }
	for p.at < len(p.text) {
		rest := p.rest()
		switch c := rest[0]; {
		case c == '#' && p.starts():
			p.take("c", p.line())
		case c == '"':
			p.take("s", p.quoted(`"`, true, true))
		case c == '\'':
			p.take("s", p.quoted(`'`, false, true))
		case c == '\\':
			p.take("", min(2, len(rest)))
		case c == '$':
			p.take("nv", p.shellVariable())
		case c == '-' && p.starts():
			p.take("na", p.run(path))
		case path(c):
			n := p.run(path)
			class := ""
			if shellKeywords[rest[:n]] {
				class = "k"
			}
			p.take(class, n)
		case strings.IndexByte("|&;<>()", c) >= 0:
			p.take("o", 1)
		default:
			p.take("", 1)
		}
	}
}

// shellVariable is the length of a variable at the pen: $name, $1, $?, or ${…} where it is short.
func (p *pen) shellVariable() int {
	const most = 80
	rest := p.rest()
	switch {
	case len(rest) > 1 && rest[1] == '{':
		if end := strings.IndexByte(rest[:min(most, len(rest))], '}'); end >= 0 {
			return end + 1
		}
	case len(rest) > 1 && isWord(rest[1]):
		p.at++
		n := p.run(isWord)
		p.at--
		return 1 + n
	case len(rest) > 1 && strings.IndexByte("#?@*!$-", rest[1]) >= 0:
		return 2
	}
	return 1
}

func (p *pen) json() {
	for p.at < len(p.text) {
		rest := p.rest()
		switch c := rest[0]; {
		case c == '"':
			n := p.quoted(`"`, true, true)
			class := "s"
			if strings.HasPrefix(strings.TrimLeft(rest[n:], " \t\r\n"), ":") {
				class = "nt"
			}
			p.take(class, n)
		case isDigit(c) || c == '-':
			p.take("m", p.run(func(c byte) bool { return isWord(c) || strings.IndexByte("+-.", c) >= 0 }))
		case isWord(c):
			p.take("kc", p.run(isWord))
		case isSpace(c):
			p.take("", p.run(isSpace))
		default:
			p.take("o", 1)
		}
	}
}

var (
	pythonKeywords = set("and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield")
	pythonBuiltins = set("abs all any bool bytes dict enumerate float id input int isinstance iter len list map max min next object open print range repr reversed round set sorted str sum super tuple type zip")
	shellKeywords  = set("if then else elif fi for in do done while case esac function return export cd echo")
)

func isSpace(c byte) bool { return strings.IndexByte(" \t\r\n\f\v", c) >= 0 }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isWord reports whether a byte is one of a name. Letters beyond ASCII are, so that no character is cut.
func isWord(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' || c >= 0x80 }
