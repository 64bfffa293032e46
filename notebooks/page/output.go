package page

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"strings"

	"interleave/notebooks/ipynb"
	"interleave/runtime/quantity"
)

// How much text an output shows: up to foldAt lines at once, otherwise the first shown ones and the rest
// behind a fold. What is longer than maxText ends there; the notebook has more.
const (
	foldAt  = 40
	shown   = 24
	maxText = 2 << 20 // bytes
)

// outputHTML renders one output, or nothing where it holds nothing that can be shown.
func (p *printer) outputHTML(o ipynb.Output, c *ipynb.Cell) (string, error) {
	switch o.Type {
	case ipynb.Stream:
		return textBlock("stream "+streamClass(o.Stream), o.Text), nil
	case ipynb.Error:
		text := strings.Join(o.Traceback, "\n")
		if strings.TrimSpace(text) == "" {
			text = o.Name + ": " + o.Value
		}
		return textBlock("error", text), nil
	case ipynb.DisplayData, ipynb.ExecuteResult:
		body, err := p.bundleHTML(o.Data, o.Metadata, c)
		if err != nil || body == "" {
			return "", err
		}
		return body, nil
	}
	return "", nil
}

func streamClass(name string) string {
	if name == "stderr" {
		return name
	}
	return "stdout"
}

// textBlock renders terminal text.
func textBlock(class, text string) string {
	cut := ""
	if len(text) > maxText {
		text, cut = strings.ToValidUTF8(text[:maxText], ""), fmt.Sprintf("<div class=\"cut\">The page shows the first %s; the notebook has more.</div>", quantity.BinaryBytes(maxText))
	}
	lines := ansiLines(text)
	if len(lines) == 0 {
		return ""
	}
	pre := func(lines []string) string {
		return `<pre class="` + class + `">` + strings.Join(lines, "\n") + "</pre>"
	}
	if len(lines) <= foldAt {
		return pre(lines) + cut
	}
	return pre(lines[:shown]) + fmt.Sprintf("<details class=\"fold\"><summary>%s</summary>", quantity.Plural(len(lines)-shown, "more line")) +
		pre(lines[shown:]) + "</details>" + cut
}

// order is JupyterLab's: the first representation that is there is shown.
var order = []string{"text/html", "text/markdown", "text/latex", "image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp", "application/json", "text/plain"}

func (p *printer) bundleHTML(data, metadata ipynb.Bundle, c *ipynb.Cell) (string, error) {
	for _, mime := range order {
		if _, ok := data[mime]; !ok {
			continue
		}
		if mime == "application/json" {
			if s := jsonBlock(data, mime); s != "" {
				return s, nil
			}
			continue
		}
		s, ok := data.Text(mime)
		if !ok {
			continue
		}
		switch {
		case mime == "text/html" && p.ran != nil && p.ran(c):
			p.trusted = true
			return `<div class="html">` + contain(s) + `</div>`, nil
		case mime == "text/html":
			return p.storedHTML(s, c), nil
		case mime == "text/markdown":
			body, _, err := p.markdown(s, c, nil)
			return `<div class="markdown">` + body + `</div>`, err
		case mime == "text/latex":
			return formula(strings.Trim(strings.TrimSpace(s), "$"), true), nil
		case mime == "image/svg+xml":
			return image(mime, base64.StdEncoding.EncodeToString([]byte(s)), data, metadata), nil
		case strings.HasPrefix(mime, "image/"):
			return image(mime, strings.Join(strings.Fields(s), ""), data, metadata), nil
		default:
			return textBlock("plain", s), nil
		}
	}
	// Something of its own kind, such as a widget: its JSON or text, under its name.
	for _, mime := range sortedKeys(data) {
		if s := jsonBlock(data, mime); s != "" {
			return `<div class="cut">` + html.EscapeString(mime) + `</div>` + s, nil
		}
	}
	return "", nil
}

// storedHTML renders HTML that the notebook brought along.
func (p *printer) storedHTML(s string, c *ipynb.Cell) string {
	g := &guard{}
	clean, out := sanitize(s, p.images(c, nil, g))
	note := g.note()
	if names := out.String(); names != "" {
		note += "<div class=\"cut\">This output is not of this run; left out of its HTML: " + names + ".</div>\n"
	}
	return `<div class="html">` + clean + `</div>` + note
}

func sortedKeys(b ipynb.Bundle) []string {
	var keys []string
	for k := range b {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// jsonBlock shows a representation as JSON in colours, behind a fold where it is long. Very long JSON is cut
// as other text is.
func jsonBlock(data ipynb.Bundle, mime string) string {
	if len(data[mime]) > maxText {
		return textBlock("plain", string(data[mime]))
	}
	s, ok := data.Pretty(mime)
	switch {
	case !ok:
		return ""
	case len(s) > maxText:
		return textBlock("plain", s)
	}
	pre := `<pre class="plain code">` + highlight("json", s) + `</pre>`
	if n := strings.Count(s, "\n"); n > foldAt {
		return fmt.Sprintf("<details class=\"fold\"><summary>%s</summary>%s</details>", quantity.Plural(n+1, "line"), pre)
	}
	return pre
}

// image shows a picture from base64. An SVG is shown as an image too: so its names cannot clash with those of
// another, and no script in it runs.
func image(mime, b64 string, data, metadata ipynb.Bundle) string {
	if _, err := base64.StdEncoding.DecodeString(b64); err != nil {
		return `<div class="cut">a picture (` + html.EscapeString(mime) + `) that is not base64</div>`
	}
	alt, _ := data.Text("text/plain")
	size := ""
	var m struct{ Width, Height float64 }
	if err := json.Unmarshal(metadata[mime], &m); err == nil {
		if m.Width > 0 {
			size += fmt.Sprintf(` width="%g"`, m.Width)
		}
		if m.Height > 0 {
			size += fmt.Sprintf(` height="%g"`, m.Height)
		}
	}
	return fmt.Sprintf(`<figure><img src="data:%s;base64,%s" alt="%s"%s></figure>`, mime, b64, html.EscapeString(strings.TrimSpace(alt)), size)
}
