// Package page knows how a notebook looks as a web page: one file that opens without a network.
// It must not know how the notebook was run, nor where its outputs came from.
//
// Markdown is cut down to harmless HTML, since a notebook may come from anywhere. HTML outputs are what the user's own code
// made in the run before, and stand in the page as they are.
package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"

	"interleave/notebooks/ipynb"
)

//go:embed page.css
var css string

// Options are a page's own. The zero value is usable.
type Options struct {
	Dir    string // the notebook's folder: images that its text names are taken from there; none when empty
	Footer string // a line below the cells, as text
}

// Render returns the page of a notebook. Its cost grows with the outputs; nothing is fetched.
func Render(nb *ipynb.Notebook, o Options) ([]byte, error) {
	p := &printer{ids: ids{}, language: nb.Language()}
	if o.Dir != "" {
		root, err := os.OpenRoot(o.Dir)
		if err != nil {
			return nil, fmt.Errorf("open the folder of the notebook's images: %w", err)
		}
		defer root.Close()
		p.root = root
	}
	for i, c := range nb.Cells() {
		if err := p.cell(i, c); err != nil {
			return nil, fmt.Errorf("page of %s: cell %d: %w", nb.Name(), i+1, err)
		}
	}
	title := strings.TrimSuffix(filepath.Base(nb.Name()), filepath.Ext(nb.Name()))
	for _, h := range p.headings {
		if h.level == 1 {
			title = h.text
			break
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Interleave">
<title>%s</title>
<style>
%s</style>
</head>
<body>
<main>
%s</main>
`, html.EscapeString(title), css, withContents(p.out.String(), p.headings))
	if o.Footer != "" {
		fmt.Fprintf(&b, "<footer>%s</footer>\n", html.EscapeString(o.Footer))
	}
	b.WriteString("</body>\n</html>\n")
	return b.Bytes(), nil
}

// A printer holds what grows while cells are rendered.
type printer struct {
	out      bytes.Buffer
	ids      ids
	headings []heading
	root     *os.Root // may be nil
	language string
}

func (p *printer) cell(i int, c *ipynb.Cell) error {
	id := c.ID()
	if id == "" {
		id = fmt.Sprint(i + 1)
	}
	fmt.Fprintf(&p.out, "<section class=\"cell %s\" id=\"cell-%s\">\n", html.EscapeString(string(c.Type())), html.EscapeString(id))
	defer p.out.WriteString("</section>\n")
	switch c.Type() {
	case ipynb.Markdown:
		body, headings, err := markdownHTML(c.Source(), p.ids, images(c, p.root))
		if err != nil {
			return err
		}
		p.headings = append(p.headings, headings...)
		p.out.WriteString(linkHeadings(body, headings))
	case ipynb.Code:
		return p.code(c)
	default: // raw: for another converter, shown as it is
		fmt.Fprintf(&p.out, "<pre class=\"raw\">%s</pre>\n", html.EscapeString(c.Source()))
	}
	return nil
}

func (p *printer) code(c *ipynb.Cell) error {
	prompt := "&nbsp;"
	if n, ok := c.ExecutionCount(); ok {
		prompt = fmt.Sprint(n)
	}
	if source := strings.TrimRight(c.Source(), "\n"); source != "" || len(c.Outputs()) > 0 {
		code := `<pre class="code"><code>` + highlight(p.language, source) + "</code></pre>"
		if c.SourceHidden() {
			code = "<details class=\"fold\"><summary>code</summary>" + code + "</details>"
		}
		fmt.Fprintf(&p.out, "<div class=\"input\"><span class=\"prompt\">[%s]</span>%s</div>\n", prompt, code)
	}
	var outs strings.Builder
	for _, o := range c.Outputs() {
		body, err := p.outputHTML(o, c)
		if err != nil {
			return err
		}
		if body != "" {
			result := ""
			if o.Type == ipynb.ExecuteResult {
				result = " result"
			}
			fmt.Fprintf(&outs, "<div class=\"output%s\">%s</div>\n", result, body)
		}
	}
	switch {
	case outs.Len() == 0:
	case c.OutputsHidden():
		fmt.Fprintf(&p.out, "<details class=\"outputs fold\"><summary>output</summary>\n%s</details>\n", &outs)
	default:
		fmt.Fprintf(&p.out, "<div class=\"outputs\">\n%s</div>\n", &outs)
	}
	return nil
}

// linkHeadings gives each heading a link to itself.
func linkHeadings(body string, headings []heading) string {
	for _, h := range headings {
		end := fmt.Sprintf("</h%d>", h.level)
		start := strings.Index(body, fmt.Sprintf(`<h%d id="%s">`, h.level, h.id))
		if h.id == "" || start < 0 {
			continue
		}
		at := start + strings.Index(body[start:], end)
		body = body[:at] + fmt.Sprintf(` <a class="anchor" href="#%s" aria-label="link to this heading">#</a>`, h.id) + body[at:]
	}
	return body
}

// withContents puts the table of contents below the title, or first where there is none.
func withContents(body string, headings []heading) string {
	nav := contents(headings)
	if before, after, ok := strings.Cut(body, "</h1>\n"); ok {
		return before + "</h1>\n" + nav + after
	}
	return nav + body
}

// contents is a table of contents, of the headings below the title, where there are enough of them.
func contents(headings []heading) string {
	var list strings.Builder
	n := 0
	for _, h := range headings {
		if h.level == 2 || h.level == 3 {
			n++
			fmt.Fprintf(&list, "<li class=\"level%d\"><a href=\"#%s\">%s</a></li>\n", h.level, h.id, html.EscapeString(h.text))
		}
	}
	if n < 3 {
		return ""
	}
	return "<nav aria-label=\"contents\"><ol>\n" + list.String() + "</ol></nav>\n"
}

// ids makes the ids of headings, unique over a page. It is goldmark's parser.IDs.
type ids map[string]bool

var _ parser.IDs = ids{}

// Generate implements parser.IDs: letters and digits of any script, the rest as single hyphens.
func (m ids) Generate(value []byte, _ ast.NodeKind) []byte {
	base := slug(string(value))
	id := base
	for i := 2; m[id]; i++ {
		id = fmt.Sprintf("%s-%d", base, i)
	}
	m[id] = true
	return []byte(id)
}

// Put implements parser.IDs.
func (m ids) Put(value []byte) { m[string(value)] = true }
