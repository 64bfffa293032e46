package page

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// sanitize lets through the HTML that a text needs and nothing that acts. It is for HTML that may come from
// anywhere: Markdown, and outputs that this run did not make. What comes out is built from parsed pieces,
// never copied: tags and attributes of the lists below, every element closed, every other "<" as text.
// Elements whose content is not text (script, style, svg …) vanish with it. So no browser reads the result in
// another way than this function wrote it, and nothing in it reaches over its end. Its time grows with the
// length of s.
//
// ARCHITECTURE.md, "Considered and not taken", has the reasons why the lists are not those of package
// bluemonday.
//
// resolve turns the address of an image into bytes, as a data: address. A page that opens without a network
// has no pictures from one: a link stands in for those that cannot be had. out names what was left out.
func sanitize(s string, resolve func(address string) (data string, ok bool)) (clean string, out leftOut) {
	w := sanitizer{count: map[string]int{}, out: leftOut{}}
	tokens := readTokens(s)
	for {
		t, raw := tokens.next()
		if raw == "" {
			w.closeTo(0)
			return w.b.String(), w.out
		}
		name := t.Data
		switch _, allowed := elements[name]; {
		case t.Type == html.CommentToken && strings.HasPrefix(raw, "<!--") && ended(t, raw):
		case !isTag(t):
			w.text(raw)
		case opaque[name]:
			w.out[name] = true
			if t.Type == html.StartTagToken {
				tokens.skip(name)
			}
		case !isMarkup(t, raw):
			w.text(raw)
		case !allowed: // an element we do not know: its content stays
			if acting[name] {
				w.out[name] = true
			}
		case t.Type == html.EndTagToken:
			w.close(name)
		case name == "img":
			data, ok := resolve(attribute(t, "src"))
			if !ok {
				w.b.WriteString(imageLink(t))
				continue
			}
			setAttribute(t, "src", data)
			w.open(t)
		case name == "input" && attribute(t, "type") != "checkbox":
			w.out["input"] = true
		default:
			w.open(t)
		}
	}
}

// isMarkup reports whether a tag is meant as one: "<mail@host>", and "<b and c" of a formula up to the next
// ">", are text.
func isMarkup(t html.Token, raw string) bool {
	name := strings.TrimPrefix(raw[1:], "/")
	after := strings.TrimLeftFunc(name, func(r rune) bool { return isLetter(r) || r == '-' || '0' <= r && r <= '9' })
	if after = strings.TrimLeft(after, "/"); strings.IndexByte(" \t\r\n\f>", after[0]) < 0 {
		return false
	}
	return !slices.ContainsFunc(t.Attr, func(a html.Attribute) bool { return strings.ContainsAny(a.Key, `<"'`) })
}

func isLetter[T byte | rune](c T) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// attribute returns the value of a tag's attribute, or empty.
func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func setAttribute(t html.Token, name, value string) {
	for i := range t.Attr {
		if t.Attr[i].Key == name {
			t.Attr[i].Val = value
		}
	}
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

// text writes what is not markup as it stands.
func (w *sanitizer) text(raw string) { w.b.WriteString(strings.ReplaceAll(raw, "<", "&lt;")) }

func (w *sanitizer) open(t html.Token) {
	name := t.Data
	for n := len(w.stack); n > 0 && ends(name, w.stack[n-1]); n-- {
		w.closeTo(n - 1)
	}
	if !voids[name] {
		if len(w.stack) == maxOpen {
			return
		}
		w.stack = append(w.stack, name)
		w.count[name]++
	}
	w.b.WriteString("<" + name)
	for _, a := range t.Attr {
		if w.allows(name, a) {
			w.b.WriteString(" " + a.Key + `="` + html.EscapeString(a.Val) + `"`)
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
func imageLink(t html.Token) string {
	address, text := attribute(t, "src"), attribute(t, "alt")
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
func (w *sanitizer) allows(element string, a html.Attribute) bool {
	has := func(list string) bool { return strings.Contains(" "+list+" ", " "+a.Key+" ") }
	switch {
	case strings.HasPrefix(a.Key, "on"):
		w.out["event handlers"] = true
		return false
	case a.Key == "style":
		w.out["style attributes"] = true
		return false
	case !has(elements[element]) && !has(global):
		return false
	case a.Key == "href" || a.Key == "cite" || a.Key == "src":
		if !safeURL(a.Val, element == "img") {
			w.out["addresses"] = true
			return false
		}
	}
	return true
}

// safeURL reports whether a link or image goes somewhere harmless: a web page, a mail address, a place near
// this page, or, for an image, bytes that are stored in the page.
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
