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
)

// markdown is GitHub's Markdown with raw HTML, which sanitize cuts down afterwards, code in colours, and formulas kept from
// being read as emphasis.
var markdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions( // extension.GFM, with alignment in an attribute: sanitize removes styles
			extension.Linkify, extension.Strikethrough, extension.TaskList,
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
		),
		goldmark.WithParserOptions(
			parser.WithAutoHeadingID(),
			parser.WithInlineParsers(util.Prioritized(mathParser{}, 150)),
		),
		goldmark.WithRendererOptions(
			ghtml.WithUnsafe(),
			renderer.WithNodeRenderers(util.Prioritized(nodes{}, 100)),
		),
	)
})

// A heading is an entry of the table of contents.
type heading struct {
	level    int
	id, text string
}

// markdownHTML renders one Markdown text. ids makes headings' ids unique over the page, and resolve says which image an
// address means.
func markdownHTML(source string, ids parser.IDs, resolve func(string) (string, bool)) (string, []heading, error) {
	src := []byte(source)
	doc := markdown().Parser().Parse(text.NewReader(src), parser.WithContext(parser.NewContext(parser.WithIDs(ids))))
	var headings []heading
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		if n, ok := n.(*ast.Heading); ok {
			id, _ := n.AttributeString("id")
			b, _ := id.([]byte)
			headings = append(headings, heading{n.Level, string(b), plainText(n, src)})
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
	return sanitize(b.String(), resolve), headings, nil
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

// nodes renders what goldmark would render otherwise: code blocks and formulas.
type nodes struct{}

func (nodes) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
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

// formula shows TeX as text. Setting it would take a library of 300 kB in every page, and the lessons have no formulas.
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

// mathParser finds $…$ and $$…$$ as Jupyter does, so that "_" and "*" in them stay. A price such as $5 is none: the opening
// sign has no space after it, the closing one none before it and no digit after it.
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
func images(c *ipynb.Cell, root *os.Root) func(string) (string, bool) {
	return func(address string) (string, bool) {
		if name, ok := strings.CutPrefix(address, "attachment:"); ok {
			if plain, err := url.PathUnescape(name); err == nil {
				name = plain
			}
			a, ok := c.Attachment(name)
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
		f, err := root.Open(path.Clean(u.Path)) // never leaves the notebook's folder
		if err != nil {
			return "", false
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxImage+1))
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

// maxImage is the largest file that a page takes in.
const maxImage = 16 << 20

func dataURI(kind string, data []byte) string {
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)
}
