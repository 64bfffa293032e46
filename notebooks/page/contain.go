package page

import "strings"

// contain keeps the HTML of a cell in its place. What this run's code displayed is trusted and stands in the page as it is, scripts
// included. But Jupyter gives each output a node of its own, and a page is one text: there an unclosed comment, script or table
// would take in the cells below it. So what is left open is closed, and end tags of what was not opened are dropped.
func contain(s string) string {
	var b strings.Builder
	var open []string
	count := map[string]int{} // how often each is in open
	// closeTo closes elements from the last to the nth, but for those whose end tag HTML leaves to the element around them: a
	// surplus </p> would be a paragraph.
	closeTo := func(n int) {
		for i := len(open) - 1; i >= n; i-- {
			if !selfEnding[open[i]] {
				b.WriteString("</" + open[i] + ">")
			}
			count[open[i]]--
		}
		open = open[:n]
	}
	for s != "" {
		lt := strings.IndexByte(s, '<')
		if lt < 0 {
			lt = len(s)
		}
		b.WriteString(s[:lt])
		s = s[lt:]
		name, n := rawTag(s)
		if n == 0 { // the end, or a tag or comment that has none: browsers show nothing of it
			break
		}
		text := s[:n]
		s = s[n:]
		foreign := count["svg"]+count["math"] > 0 // there "/>" ends an element
		switch {
		case strings.HasPrefix(text, "</") && name != "":
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
			b.WriteString(text)
		case text == "<": // could become a tag with what follows a dropped one
			b.WriteString("&lt;")
		case name == "plaintext": // takes all that follows, whatever that is
		case rawText[name] && !foreign:
			end := 0
			for s[end:] != "" {
				at := strings.Index(s[end:], "</")
				if at < 0 {
					end = len(s)
					break
				}
				end += at
				if closes, _ := rawTag(s[end:]); closes == name {
					break
				}
				end += len("</")
			}
			b.WriteString(text + s[:end] + "</" + name + ">")
			_, n := rawTag(s[end:])
			s = s[end+n:]
		default:
			b.WriteString(text)
			for len(open) > 0 && ends(name, open[len(open)-1]) {
				closeTo(len(open) - 1)
			}
			if name != "" && !emptyElements[name] && !(foreign && strings.HasSuffix(text, "/>")) {
				open = append(open, name)
				count[name]++
			}
		}
	}
	closeTo(0)
	return b.String()
}

var (
	emptyElements = set("area base br col embed hr img input link meta param source track wbr")
	rawText       = set("iframe noembed noframes noscript script style textarea title xmp")
	selfEnding    = set("colgroup dd dt li optgroup option p rp rt tbody td tfoot th thead tr")
)

// rawTag reads a tag, a comment or a lone "<" at the start of s as browsers do. name is in lower case and empty for what is no
// tag; n is the length, 0 for what does not end.
func rawTag(s string) (name string, n int) {
	if s == "" {
		return "", 0
	}
	for _, c := range []struct{ begin, end string }{{"<!-->", ""}, {"<!--->", ""}, {"<!--", "-->"}, {"<!", ">"}, {"<?", ">"}} {
		if strings.HasPrefix(s, c.begin) {
			at := strings.Index(s[len(c.begin):], c.end)
			if at < 0 {
				return "", 0
			}
			return "", len(c.begin) + at + len(c.end)
		}
	}
	start := 1
	if strings.HasPrefix(s, "</") {
		start = 2
	}
	if start == len(s) || !isLetter(s[start]) {
		return "", 1
	}
	i := start
	for i < len(s) && strings.IndexByte(" \t\r\n\f/>", s[i]) < 0 {
		i++
	}
	name = strings.ToLower(s[start:i])
	value := false // the next thing is an attribute's value
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '>':
			return name, i + 1
		case c == '=':
			value = true
		case value && (c == '"' || c == '\''):
			end := strings.IndexByte(s[i+1:], c)
			if end < 0 {
				return name, 0
			}
			i += end + 1
			value = false
		case strings.IndexByte(" \t\r\n\f", c) < 0:
			value = false
		}
	}
	return name, 0
}
