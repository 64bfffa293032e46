// Package page knows how a notebook looks as a web page: one file that opens without a network.
// It must not know how the notebook was run, nor where its outputs came from.
//
// # What is trusted
//
// HTML that this run's code displayed stands in the page as it is, scripts included, as Jupyter shows what it
// has run itself. Everything else may come from anywhere: Markdown, and HTML that the notebook brought along
// in cells that were not run. It is cut down to elements and attributes that only lay out text (see
// sanitize). Left out with their contents are script, style, svg, math, iframe, object, video, template and
// the like; left out alone are event handlers, style attributes, forms, addresses other than web pages, mail
// and places near the page, and images that are neither in the notebook nor beside it. Under such an output a
// line lists what was left out. Pictures, SVG among them, are shown as images, in which no script runs;
// JavaScript is shown as text. A page without trusted HTML also forbids its browser to run or load anything.
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
	// Ran reports whether the outputs of a cell are of this run, so that their HTML is trusted. When nil, no
	// outputs are.
	Ran func(*ipynb.Cell) bool
}

// policy lets a page show its own pictures and style, and nothing else.
const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
`

// Render returns the page of a notebook. Its cost grows with the outputs; nothing is fetched.
func Render(nb *ipynb.Notebook, o Options) ([]byte, error) {
	p := newPrinter()
	p.language, p.ran = nb.Language(), o.Ran
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
	head := policy
	if p.trusted {
		head = ""
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
%s<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Interleave">
<title>%s</title>
<style>
%s</style>
</head>
<body>
<main>
%s%s%s</main>
`, head, html.EscapeString(title), css, p.out.Bytes()[:p.title], contents(p.headings), p.out.Bytes()[p.title:])
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
	title    int      // where the first title in out ends; 0 when it has no title
	root     *os.Root // may be nil
	language string
	ran      func(*ipynb.Cell) bool // may be nil
	trusted  bool                   // HTML of this run stands in the page as it is
	markup   int                    // what is left of maxPageMarkup
	most     int                    // maxMarkup
	pictures int                    // what is left of maxPictures
}

func newPrinter() *printer {
	return &printer{ids: ids{}, markup: maxPageMarkup, most: maxMarkup, pictures: maxPictures}
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
		body, headings, err := p.markdown(c.Source(), c, p.root)
		if err != nil {
			return err
		}
		const end = "</h1>\n"
		if at := strings.Index(body, end); at >= 0 && p.title == 0 {
			p.title = p.out.Len() + at + len(end)
		}
		p.headings = append(p.headings, headings...)
		p.out.WriteString(body)
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

// ids makes the ids of headings, unique over a page: how often each text was met. It is goldmark's parser.IDs.
type ids map[string]int

var _ parser.IDs = ids{}

// Generate implements parser.IDs: letters and digits of any script, the rest as single hyphens.
func (m ids) Generate(value []byte, _ ast.NodeKind) []byte {
	base := slug(string(value))
	id := base
	for m[id] > 0 {
		m[base]++
		id = fmt.Sprintf("%s-%d", base, m[base])
	}
	m[id]++
	return []byte(id)
}

// Put implements parser.IDs.
func (m ids) Put(value []byte) { m[string(value)]++ }
