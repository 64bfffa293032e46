package page

import (
	"strings"

	"golang.org/x/net/html"
)

// contain keeps the HTML of a cell in its place. What this run's code displayed is trusted and stands in the
// page as it is, scripts included. But Jupyter gives each output a node of its own, and a page is one text:
// there an unclosed comment, script or table would take in the cells below it. So what is left open is
// closed, and end tags of what was not opened are dropped.
func contain(s string) string {
	var b strings.Builder
	var open []string
	count := map[string]int{} // how often each is in open
	// closeTo closes elements from the last to the nth, but for those whose end tag HTML leaves to the
	// element around them: a surplus </p> would be a paragraph.
	closeTo := func(n int) {
		for i := len(open) - 1; i >= n; i-- {
			if !selfEnding[open[i]] {
				b.WriteString("</" + open[i] + ">")
			}
			count[open[i]]--
		}
		open = open[:n]
	}
	tokens := readTokens(s)
	for {
		t, raw := tokens.next()
		if raw == "" || !ended(t, raw) { // the end, or a tag or comment that has none: browsers show nothing of it
			closeTo(0)
			return b.String()
		}
		name := t.Data
		foreign := count["svg"]+count["math"] > 0 // there "/>" ends an element, and no element's content is raw text
		switch {
		case t.Type == html.TextToken:
			b.WriteString(strings.ReplaceAll(raw, "<", "&lt;")) // which could become a tag with what follows a dropped one
		case !isTag(t):
			b.WriteString(raw)
		case t.Type == html.EndTagToken:
			if count[name] == 0 {
				continue
			}
			at := len(open) - 1
			for open[at] != name {
				at--
			}
			closeTo(at + 1)
			open = open[:at]
			count[name]--
			b.WriteString(raw)
		case name == "plaintext": // takes all that follows, whatever that is
			tokens.NextIsNotRawText()
		case rawText[name] && !foreign:
			b.WriteString(raw + tokens.rawContent(name) + "</" + name + ">")
		default:
			tokens.NextIsNotRawText()
			b.WriteString(raw)
			for len(open) > 0 && ends(name, open[len(open)-1]) {
				closeTo(len(open) - 1)
			}
			if !emptyElements[name] && !(foreign && t.Type == html.SelfClosingTagToken) {
				open = append(open, name)
				count[name]++
			}
		}
	}
}

var (
	emptyElements = set("area base br col embed hr img input link meta param source track wbr")
	selfEnding    = set("colgroup dd dt li optgroup option p rp rt tbody td tfoot th thead tr")
)
