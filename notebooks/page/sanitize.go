package page

import (
	"html"
	"path"
	"strings"
)

// sanitize lets through the HTML that a text needs and nothing that acts: Markdown may hold any HTML, and a notebook may
// come from anywhere. What comes out is built from parsed pieces, never copied: tags and attributes of the lists below, every
// element closed, every other "<" as text. Elements whose content is not text (script, style, svg …) vanish with it.
//
// resolve turns the address of an image into bytes, as a data: address. A page that opens without a network has no pictures
// from one: a link stands in for those that cannot be had.
func sanitize(s string, resolve func(address string) (data string, ok bool)) string {
	var b strings.Builder
	var open []string
	for s != "" {
		lt := strings.IndexByte(s, '<')
		if lt < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:lt])
		s = s[lt:]
		tag, rest, ok := readTag(s)
		if !ok {
			b.WriteString("&lt;")
			s = s[1:]
			continue
		}
		s = rest
		attrs, allowed := elements[tag.name]
		switch {
		case opaque[tag.name]:
			if !tag.end && !tag.void {
				s = skipElement(s, tag.name)
			}
		case !allowed: // a comment, or an element we do not know: its content stays
		case tag.end:
			at := len(open) - 1
			for at >= 0 && open[at] != tag.name {
				at--
			}
			if at >= 0 {
				for ; len(open) > at; open = open[:len(open)-1] {
					b.WriteString("</" + open[len(open)-1] + ">")
				}
			}
		default:
			if tag.name == "img" {
				data, ok := resolve(tag.attr("src"))
				if !ok {
					b.WriteString(imageLink(tag))
					continue
				}
				tag.set("src", data)
			}
			b.WriteString("<" + tag.name)
			for _, a := range tag.attrs {
				if value, ok := attribute(tag.name, a, attrs); ok {
					b.WriteString(" " + a.name + `="` + html.EscapeString(value) + `"`)
				}
			}
			b.WriteString(">")
			if !voids[tag.name] {
				open = append(open, tag.name)
			}
		}
	}
	for i := len(open) - 1; i >= 0; i-- {
		b.WriteString("</" + open[i] + ">")
	}
	return b.String()
}

// imageLink is what stands for an image that the page does not have.
func imageLink(t tag) string {
	address, text := t.attr("src"), t.attr("alt")
	linked := address != "" && safeURL(address, false)
	switch {
	case text == "" && linked:
		text = path.Base(address)
	case text == "":
		text = "image"
	}
	if !linked {
		return html.EscapeString(text)
	}
	return `<a href="` + html.EscapeString(address) + `">` + html.EscapeString(text) + `</a>`
}

// elements are those that Markdown may contain, with the attributes that only they may have.
var elements = map[string]string{
	"a": "href", "abbr": "", "b": "", "blockquote": "cite", "br": "", "caption": "", "cite": "", "code": "", "col": "span", "colgroup": "span",
	"dd": "", "del": "", "details": "open", "dfn": "", "div": "align", "dl": "", "dt": "", "em": "", "figcaption": "", "figure": "",
	"h1": "align", "h2": "align", "h3": "align", "h4": "align", "h5": "align", "h6": "align", "hr": "", "i": "", "img": "src alt width height align",
	"input": "type checked disabled", "ins": "", "kbd": "", "li": "value", "mark": "", "ol": "start type", "p": "align", "pre": "", "q": "", "s": "", "samp": "",
	"section": "", "small": "", "span": "", "strong": "", "sub": "", "summary": "", "sup": "", "table": "", "tbody": "", "td": "align colspan rowspan", "tfoot": "",
	"th": "align colspan rowspan scope", "thead": "", "tr": "", "u": "", "ul": "", "var": "", "wbr": "",
}

// global are the attributes that every element may have. Not style: it can cover the page.
const global = "id class title lang dir"

var voids = set("br col hr img input wbr")

// opaque elements hold code, another language or another document.
var opaque = set("script style svg math iframe object embed applet noscript template textarea title xmp plaintext noembed noframes select audio video canvas")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

func attribute(element string, a attr, own string) (string, bool) {
	has := func(list string) bool { return strings.Contains(" "+list+" ", " "+a.name+" ") }
	if !has(own) && !has(global) {
		return "", false
	}
	switch {
	case a.name == "href" || a.name == "cite" || a.name == "src":
		return a.value, safeURL(a.value, element == "img")
	case element == "input" && a.name == "type":
		return a.value, a.value == "checkbox"
	}
	return a.value, true
}

// safeURL says whether a link or image goes somewhere harmless: a web page, a mail address, a place near this page, or, for
// an image, bytes that are stored in the page.
func safeURL(url string, image bool) bool {
	clean := strings.ToLower(strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return -1 // browsers ignore them in a scheme
		}
		return r
	}, url))
	colon := strings.IndexByte(clean, ':')
	if colon < 0 || strings.ContainsAny(clean[:colon], "/?#") {
		return true
	}
	switch clean[:colon] {
	case "http", "https", "mailto":
		return true
	case "data":
		for _, t := range []string{"png", "jpeg", "gif", "webp", "svg+xml"} {
			if image && (strings.HasPrefix(clean, "data:image/"+t+";") || strings.HasPrefix(clean, "data:image/"+t+",")) {
				return true
			}
		}
	}
	return false
}

type tag struct {
	name      string // lower case; "!" for comments and declarations
	end, void bool
	attrs     []attr
}

type attr struct{ name, value string }

// attr returns the value of an attribute, or empty.
func (t *tag) attr(name string) string {
	for _, a := range t.attrs {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

func (t *tag) set(name, value string) {
	for i := range t.attrs {
		if t.attrs[i].name == name {
			t.attrs[i].value = value
		}
	}
}

// readTag reads a tag or comment at the start of s, which begins with "<".
func readTag(s string) (t tag, rest string, ok bool) {
	if strings.HasPrefix(s, "<!--") {
		if end := strings.Index(s[4:], "-->"); end >= 0 {
			return tag{name: "!"}, s[4+end+3:], true
		}
		return tag{}, "", false
	}
	i := 1
	if i < len(s) && s[i] == '/' {
		t.end = true
		i++
	}
	start := i
	for i < len(s) && (isLetter(s[i]) || i > start && (s[i] == '-' || '0' <= s[i] && s[i] <= '9')) {
		i++
	}
	if i == start {
		return tag{}, "", false
	}
	t.name = strings.ToLower(s[start:i])
	for {
		space := i
		for i < len(s) && strings.IndexByte(" \t\r\n\f", s[i]) >= 0 {
			i++
		}
		switch {
		case i >= len(s):
			return tag{}, "", false
		case s[i] == '>':
			return t, s[i+1:], true
		case s[i] == '/':
			t.void = i+1 < len(s) && s[i+1] == '>'
			i++
			continue
		case space == i && len(t.attrs) == 0:
			return tag{}, "", false // such as <a:b> or <mail@host>
		}
		start = i
		for i < len(s) && strings.IndexByte(" \t\r\n\f/>=\"'<", s[i]) < 0 {
			i++
		}
		if i == start {
			return tag{}, "", false
		}
		a := attr{name: strings.ToLower(s[start:i])}
		for i < len(s) && strings.IndexByte(" \t\r\n\f", s[i]) >= 0 {
			i++
		}
		if i < len(s) && s[i] == '=' {
			i++
			for i < len(s) && strings.IndexByte(" \t\r\n\f", s[i]) >= 0 {
				i++
			}
			if i >= len(s) {
				return tag{}, "", false
			}
			if q := s[i]; q == '"' || q == '\'' {
				end := strings.IndexByte(s[i+1:], q)
				if end < 0 {
					return tag{}, "", false
				}
				a.value = s[i+1 : i+1+end]
				i += end + 2
			} else {
				start = i
				for i < len(s) && strings.IndexByte(" \t\r\n\f>\"'<=`", s[i]) < 0 {
					i++
				}
				if i == start {
					return tag{}, "", false
				}
				a.value = s[start:i]
			}
			a.value = html.UnescapeString(a.value)
		}
		t.attrs = append(t.attrs, a)
	}
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// skipElement drops everything up to and with the end tag of name, or all of s where there is none.
func skipElement(s, name string) string {
	for {
		lt := strings.Index(s, "</")
		if lt < 0 {
			return ""
		}
		if t, rest, ok := readTag(s[lt:]); ok && t.name == name {
			return rest
		}
		s = s[lt+2:]
	}
}
