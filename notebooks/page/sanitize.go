package page

import (
	"html"
	"path"
	"slices"
	"strings"
)

// sanitize lets through the HTML that a text needs and nothing that acts. It is for HTML that may come from anywhere: Markdown,
// and outputs that this run did not make. What comes out is built from parsed pieces, never copied: tags and attributes of the
// lists below, every element closed, every other "<" as text. Elements whose content is not text (script, style, svg …) vanish
// with it. So no browser reads the result in another way than this function wrote it, and nothing in it reaches over its end.
// Its time grows with the length of s.
//
// The library that is commonly used for this, bluemonday, was tried and is not used. It cleans tags and does not balance them, so
// that an open table or a surplus </div> changes how the rest of the page is read; it drops the text behind the "<" of "$a<b$",
// and whole autolinks such as <mail@host>.
//
// resolve turns the address of an image into bytes, as a data: address. A page that opens without a network has no pictures
// from one: a link stands in for those that cannot be had. out names what was left out.
func sanitize(s string, resolve func(address string) (data string, ok bool)) (clean string, out leftOut) {
	w := sanitizer{count: map[string]int{}, out: leftOut{}}
	var tags tagReader
	for s != "" {
		lt := strings.IndexByte(s, '<')
		if lt < 0 {
			w.b.WriteString(s)
			break
		}
		w.b.WriteString(s[:lt])
		s = s[lt:]
		t, rest, ok := tags.read(s)
		if !ok {
			w.b.WriteString("&lt;")
			s = s[1:]
			continue
		}
		s = rest
		switch _, allowed := elements[t.name]; {
		case opaque[t.name]:
			w.out[t.name] = true
			if !t.end && !t.void {
				s = tags.skip(s, t.name)
			}
		case !allowed: // a comment, or an element we do not know: its content stays
			if acting[t.name] {
				w.out[t.name] = true
			}
		case t.end:
			w.close(t.name)
		case t.name == "img":
			data, ok := resolve(t.attr("src"))
			if !ok {
				w.b.WriteString(imageLink(t))
				continue
			}
			t.set("src", data)
			w.open(t)
		case t.name == "input" && t.attr("type") != "checkbox":
			w.out["input"] = true
		default:
			w.open(t)
		}
	}
	w.closeTo(0)
	return w.b.String(), w.out
}

// A sanitizer writes elements that are closed in order.
type sanitizer struct {
	b     strings.Builder
	stack []string       // the elements that are open
	count map[string]int // how often each is in stack
	out   leftOut
}

// maxOpen is how deep elements may nest: browsers stop at 512, with the page's own.
const maxOpen = 200

func (w *sanitizer) open(t tag) {
	for n := len(w.stack); n > 0 && ends(t.name, w.stack[n-1]); n-- {
		w.closeTo(n - 1)
	}
	if !voids[t.name] {
		if len(w.stack) == maxOpen {
			return
		}
		w.stack = append(w.stack, t.name)
		w.count[t.name]++
	}
	w.b.WriteString("<" + t.name)
	for _, a := range t.attrs {
		if w.allows(t.name, a) {
			w.b.WriteString(" " + a.name + `="` + html.EscapeString(a.value) + `"`)
		}
	}
	w.b.WriteString(">")
}

// close closes an element and all that were opened in it. An end tag of one that is not open is dropped.
func (w *sanitizer) close(name string) {
	if w.count[name] == 0 {
		return
	}
	at := len(w.stack) - 1
	for w.stack[at] != name {
		at--
	}
	w.closeTo(at)
}

func (w *sanitizer) closeTo(n int) {
	for i := len(w.stack) - 1; i >= n; i-- {
		w.b.WriteString("</" + w.stack[i] + ">")
		w.count[w.stack[i]]--
	}
	w.stack = w.stack[:n]
}

// ends reports whether a start tag closes the element that was opened last, as it does in browsers.
func ends(start, last string) bool {
	switch last {
	case "p":
		return blocks[start]
	case "li":
		return start == "li"
	case "dt", "dd":
		return start == "dt" || start == "dd"
	case "td", "th":
		return start == "td" || start == "th" || start == "tr" || sections[start]
	case "tr":
		return start == "tr" || sections[start]
	case "thead", "tbody", "tfoot":
		return sections[start]
	}
	return false
}

var (
	blocks   = set("blockquote center details div dl figcaption figure h1 h2 h3 h4 h5 h6 hr ol p pre section table ul")
	sections = set("tbody thead tfoot")
)

// A leftOut is what sanitize left out, by names that a reader of HTML knows.
type leftOut map[string]bool

// String lists the names, and is empty when the list is.
func (l leftOut) String() string {
	var names []string
	for name := range l {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
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

// elements are those that are let through, with the attributes that only they may have.
var elements = map[string]string{
	"a": "href name aria-label", "abbr": "", "b": "", "big": "", "blockquote": "cite", "br": "", "caption": "", "center": "", "cite": "", "code": "",
	"col": "span", "colgroup": "span", "dd": "", "del": "", "details": "open", "dfn": "", "div": "align", "dl": "", "dt": "", "em": "",
	"figcaption": "", "figure": "", "h1": "align", "h2": "align", "h3": "align", "h4": "align", "h5": "align", "h6": "align", "hr": "", "i": "",
	"img": "src alt width height align", "input": "type checked disabled", "ins": "", "kbd": "", "li": "value", "mark": "", "meter": "value min max",
	"ol": "start type", "p": "align", "pre": "", "progress": "value max", "q": "", "s": "", "samp": "", "section": "", "small": "", "span": "",
	"strike": "", "strong": "", "sub": "", "summary": "", "sup": "", "table": "", "tbody": "", "td": "align colspan rowspan", "tfoot": "",
	"th": "align colspan rowspan scope", "thead": "", "tr": "", "tt": "", "u": "", "ul": "", "var": "", "wbr": "",
}

// global are the attributes that every element may have. Not style: it can cover the page.
const global = "id class title lang dir"

var voids = set("br col hr img input wbr")

// opaque elements hold code, another language or another document.
var opaque = set("script style svg math iframe object embed applet noscript template textarea title xmp plaintext noembed noframes select audio video canvas")

// acting elements change the page or send something, besides what they contain.
var acting = set("base button form frame frameset link meta")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// allows reports whether an element may have an attribute.
func (w *sanitizer) allows(element string, a attr) bool {
	has := func(list string) bool { return strings.Contains(" "+list+" ", " "+a.name+" ") }
	switch {
	case strings.HasPrefix(a.name, "on"):
		w.out["event handlers"] = true
		return false
	case a.name == "style":
		w.out["style attributes"] = true
		return false
	case !has(elements[element]) && !has(global):
		return false
	case a.name == "href" || a.name == "cite" || a.name == "src":
		if !safeURL(a.value, element == "img") {
			w.out["addresses"] = true
			return false
		}
	}
	return true
}

// safeURL reports whether a link or image goes somewhere harmless: a web page, a mail address, a place near this page, or, for
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

// A tagReader reads the tags of one text from its start to its end. It remembers what the rest of the text does not have, so that
// a thousand openings of something that is never closed are not a thousand searches.
type tagReader struct{ noDouble, noSingle, noComment bool }

// read reads a tag or comment at the start of s, which begins with "<".
func (r *tagReader) read(s string) (t tag, rest string, ok bool) {
	if strings.HasPrefix(s, "<!--") {
		if end := find(s[4:], "-->", &r.noComment); end >= 0 {
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
	for i < len(s) && (isLetter(s[i]) || i > start && (s[i] == '-' || isDigit(s[i]))) {
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
			if q := s[i : i+1]; q == `"` || q == `'` {
				none := &r.noDouble
				if q == `'` {
					none = &r.noSingle
				}
				end := find(s[i+1:], q, none)
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

// find is strings.Index, which is not asked again once there was none.
func find(s, what string, none *bool) int {
	if *none {
		return -1
	}
	at := strings.Index(s, what)
	*none = at < 0
	return at
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// skip drops everything up to and with the end tag of name, or all of s without one.
func (r *tagReader) skip(s, name string) string {
	for {
		lt := strings.Index(s, "</")
		if lt < 0 {
			return ""
		}
		if t, rest, ok := r.read(s[lt:]); ok && t.name == name {
			return rest
		}
		s = s[lt+2:]
	}
}
