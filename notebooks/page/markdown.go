package page

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	ghtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"interleave/notebooks/ipynb"
	"interleave/runtime/quantity"
)

// markdown is GitHub's Markdown with raw HTML, which sanitize cuts down afterwards, code in colours, and
// formulas kept from being read as emphasis. It is extension.GFM with each parser behind a guard, and with
// alignment in an attribute, since sanitize removes styles. The numbers are goldmark's own priorities.
var markdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithParser(parser.NewParser(
			parser.WithBlockParsers(
				util.Prioritized(parser.NewSetextHeadingParser(), 100),
				util.Prioritized(parser.NewThematicBreakParser(), 200),
				util.Prioritized(guardedContainer{parser.NewListParser()}, 300),
				util.Prioritized(parser.NewListItemParser(), 400), // opens nothing but in a list
				util.Prioritized(parser.NewCodeBlockParser(), 500),
				util.Prioritized(parser.NewATXHeadingParser(), 600),
				util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
				util.Prioritized(guardedContainer{parser.NewBlockquoteParser()}, 800),
				util.Prioritized(parser.NewHTMLBlockParser(), 900),
				util.Prioritized(parser.NewParagraphParser(), 1000),
			),
			parser.WithInlineParsers(
				util.Prioritized(extension.NewTaskCheckBoxParser(), 0), // looks at three bytes
				inline(parser.NewCodeSpanParser(), 100),
				inline(mathParser{}, 150),
				inline(parser.NewLinkParser(), 200),
				inline(parser.NewAutoLinkParser(), 300),
				inline(parser.NewRawHTMLParser(), 400),
				inline(parser.NewEmphasisParser(), 500),
				inline(extension.NewStrikethroughParser(), 500),
				util.Prioritized(extension.NewLinkifyParser(), 999), // looks at the address
			),
			parser.WithParagraphTransformers(
				util.Prioritized(guardedDefinitions{parser.LinkReferenceParagraphTransformer}, 100),
				util.Prioritized(guardedTable{extension.NewTableParagraphTransformer()}, 200),
			),
			parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
			parser.WithAutoHeadingID(),
		)),
		goldmark.WithRendererOptions(
			ghtml.WithUnsafe(),
			renderer.WithNodeRenderers(
				util.Prioritized(nodes{}, 100),
				util.Prioritized(extension.NewTableHTMLRenderer(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), 500),
				util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 500),
				util.Prioritized(extension.NewTaskCheckBoxHTMLRenderer(), 500),
			),
		),
	)
})

// A heading is an entry of the table of contents.
type heading struct {
	level    int
	id, text string
}

// markdown renders a Markdown text of a cell, with the images that it names in the cell and below root, which
// may be nil. The time grows with the length of the text.
func (p *printer) markdown(source string, c *ipynb.Cell, root *os.Root) (string, []heading, error) {
	src := []byte(source)
	g := &guard{page: &p.markup, most: p.most, repeats: max(minRepeats, len(src))}
	pc := parser.NewContext(parser.WithIDs(p.ids))
	pc.Set(guardKey, g)
	doc := markdown().Parser().Parse(text.NewReader(src), parser.WithContext(pc))
	var headings []heading
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		if n, ok := n.(*ast.Heading); ok {
			headings = append(headings, heading{n.Level, headingID(n), plainText(n, src)})
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", nil, err
	}
	var b bytes.Buffer
	if err := markdown().Renderer().Render(&b, src, doc); err != nil {
		return "", nil, err
	}
	// what is left out is documented, and Jupyter does not mention it either
	clean, _ := sanitize(b.String(), p.images(c, root, g))
	return clean + g.note(), headings, nil
}

func headingID(n *ast.Heading) string {
	id, _ := n.AttributeString("id")
	b, _ := id.([]byte)
	return string(b)
}

// plainText returns what a reader sees of a node, without markup.
func plainText(n ast.Node, src []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function returns no error
		if entering {
			switch n := n.(type) {
			case *ast.Text:
				b.Write(n.Value(src))
				if n.SoftLineBreak() {
					b.WriteByte(' ')
				}
			case *ast.String:
				b.Write(n.Value)
			case *mathNode:
				b.WriteString(n.tex)
			}
		}
		return ast.WalkContinue, nil
	})
	return html.UnescapeString(b.String())
}

// nodes renders what goldmark would render otherwise: headings, each with a link to itself, code blocks and
// formulas.
type nodes struct{}

func (nodes) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		h := n.(*ast.Heading)
		id := html.EscapeString(headingID(h))
		if entering {
			fmt.Fprintf(w, "<h%d id=\"%s\">", h.Level, id)
		} else {
			fmt.Fprintf(w, " <a class=\"anchor\" href=\"#%s\" aria-label=\"link to this heading\">#</a></h%d>\n", id, h.Level)
		}
		return ast.WalkContinue, nil
	})
	r.Register(ast.KindFencedCodeBlock, func(w util.BufWriter, src []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			block := n.(*ast.FencedCodeBlock)
			var code bytes.Buffer
			for i := range block.Lines().Len() {
				line := block.Lines().At(i)
				code.Write(line.Value(src))
			}
			fmt.Fprintf(w, "<pre class=\"code\"><code>%s</code></pre>\n", highlight(string(block.Language(src)), code.String()))
		}
		return ast.WalkSkipChildren, nil
	})
	r.Register(mathKind, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			m := n.(*mathNode)
			io.WriteString(w, formula(m.tex, m.block))
		}
		return ast.WalkSkipChildren, nil
	})
}

// formula shows TeX as text. Setting it would take a library of 300 kB in every page, and the lessons have no
// formulas.
func formula(tex string, block bool) string {
	class := "math"
	if block {
		class += " block"
	}
	return `<span class="` + class + `">` + html.EscapeString(strings.TrimSpace(tex)) + `</span>`
}

var mathKind = ast.NewNodeKind("Math")

type mathNode struct {
	ast.BaseInline
	tex   string
	block bool
}

func (n *mathNode) Kind() ast.NodeKind            { return mathKind }
func (n *mathNode) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// mathParser finds $…$ and $$…$$ as Jupyter does, so that "_" and "*" in them stay. A price such as $5 is not
// a formula: the opening sign must not have a space after it, the closing one no space before it and no digit
// after it.
type mathParser struct{}

func (mathParser) Trigger() []byte { return []byte{'$'} }

func (mathParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	if bytes.HasPrefix(line, []byte("$$")) {
		startLine, startPos := block.Position()
		block.Advance(2)
		var tex []byte
		for {
			line, _ := block.PeekLine()
			if line == nil {
				block.SetPosition(startLine, startPos)
				return nil
			}
			if end := bytes.Index(line, []byte("$$")); end >= 0 {
				block.Advance(end + 2)
				return &mathNode{tex: string(append(tex, line[:end]...)), block: true}
			}
			tex = append(tex, line...)
			block.AdvanceLine()
		}
	}
	for i := 2; i < len(line); i++ {
		if line[i] != '$' || line[i-1] == '\\' {
			continue
		}
		if line[1] == ' ' || line[i-1] == ' ' || i+1 < len(line) && '0' <= line[i+1] && line[i+1] <= '9' {
			return nil
		}
		block.Advance(i + 1)
		return &mathNode{tex: string(line[1:i])}
	}
	return nil
}

// images resolves the addresses of a cell's images: attachments, data, and files below root, which may be nil.
func (p *printer) images(c *ipynb.Cell, root *os.Root, g *guard) func(string) (string, bool) {
	attached := sync.OnceValue(c.Attachments)
	return func(address string) (string, bool) {
		if p.pictures < 0 {
			g.refuse(fmt.Sprintf("pictures beyond %s are left out", quantity.BinaryBytes(maxPictures)))
			return "", false
		}
		if name, ok := strings.CutPrefix(address, "attachment:"); ok {
			if plain, err := url.PathUnescape(name); err == nil {
				name = plain
			}
			a, ok := attached()[name]
			p.pictures -= len(a.Data)
			return dataURI(a.MIME, a.Data), ok && strings.HasPrefix(a.MIME, "image/")
		}
		u, err := url.Parse(address)
		switch {
		case err != nil:
			return "", false
		case u.Scheme == "data":
			return address, true
		case u.Scheme != "" || u.Host != "" || u.Path == "" || root == nil:
			return "", false
		}
		kind := imageTypes[strings.ToLower(path.Ext(u.Path))]
		if kind == "" {
			return "", false
		}
		name := path.Clean(u.Path)
		info, err := root.Stat(name) // never leaves the notebook's folder, as Open
		if err != nil || !info.Mode().IsRegular() {
			return "", false
		}
		f, err := root.Open(name)
		if err != nil {
			return "", false
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxImage+1))
		p.pictures -= len(data)
		if err != nil || len(data) > maxImage {
			return "", false
		}
		return dataURI(kind, data), true
	}
}

// imageTypes are the pictures that every browser shows.
var imageTypes = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".svg": "image/svg+xml",
}

const (
	maxImage    = 16 << 20 // bytes of the largest file that a page takes in
	maxPictures = 64 << 20 // bytes of attachments and files in a page, each time that one is shown
)

func dataURI(kind string, data []byte) string {
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)
}
