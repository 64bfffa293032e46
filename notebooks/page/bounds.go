package page

import (
	"bytes"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// A notebook may come from anywhere, and goldmark reads parts of some texts many times: for each quote around
// a line, for each bracket or backtick in a paragraph, for each link definition in a row. So its parsers are
// called through the guards of this file, which stop forming where that would take more than a fixed multiple
// of the text's length. What is beyond a limit is shown as it was written, with a note. Texts that people
// write stay far below each limit.
const (
	maxNesting     = 24      // quotes and list items around a block
	maxMarkup      = 1 << 26 // bytes that the markup of one paragraph may look at: 1000 brackets in 64 kB
	maxPageMarkup  = 1 << 30 // the same for all texts of a page
	nodeSize       = 256     // bytes that count for any markup: a node of goldmark's tree, about
	maxDefinitions = 1000    // lines of a paragraph that begins with link definitions
	maxPipes       = 1000    // escaped pipes in the tables of a text
	minRepeats     = 1 << 16 // bytes that references to links may always add to a text; a longer text may be doubled
)

// A guard holds the state of the limits for one text while it is parsed.
type guard struct {
	page *int // what is left of maxPageMarkup
	most int  // for a paragraph
	why  []string

	block      ast.Node // the paragraph, heading or table cell at hand
	length     int      // of its text, in bytes
	spent      int      // of most
	delimiters int      // in it, so far
	repeats    int      // bytes that references to links may still add to the text
	pipes      int      // escaped ones in tables, so far
}

var guardKey = parser.NewContextKey()

func guardOf(pc parser.Context) *guard { return pc.Get(guardKey).(*guard) }

// refuse notes why something is shown as it was written.
func (g *guard) refuse(why string) {
	if !slices.Contains(g.why, why) {
		g.why = append(g.why, why)
	}
}

// note is the line below a text that was not formatted in full.
func (g *guard) note() string {
	if g.why == nil {
		return ""
	}
	return "<div class=\"cut\">Not all of this text is formatted: " + strings.Join(g.why, ", ") + ".</div>\n"
}

// inline guards a parser of markup within a paragraph.
func inline(p parser.InlineParser, priority int) util.PrioritizedValue {
	return util.Prioritized(guardedInline{p}, priority)
}

type guardedInline struct{ parser.InlineParser }

func (p guardedInline) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	g := guardOf(pc)
	if g.block != parent {
		g.block, g.length, g.spent, g.delimiters = parent, 0, 0, 0
		for i := range parent.Lines().Len() {
			s := parent.Lines().At(i)
			g.length += s.Stop - s.Start
		}
	}
	line, _ := block.PeekLine()
	cost := nodeSize
	switch line[0] {
	case ']', '<', '`', '$': // may look for the other end in all of the block
		cost = max(cost, g.length)
	case '~':
		cost = max(cost, len(line))
	case '*', '_': // each closing one looks at those before it
		g.delimiters++
		cost = max(cost, g.delimiters)
	}
	switch {
	case g.spent+cost > g.most || *g.page < cost:
		g.refuse("a paragraph has too much markup")
		return nil
	case g.repeats < 0:
		g.refuse("links are repeated too often")
		return nil
	}
	g.spent += cost
	*g.page -= cost
	n := p.InlineParser.Parse(parent, block, pc)
	switch n := n.(type) { // a reference adds to the page what does not stand where it does
	case *ast.Link:
		if n.Reference != nil {
			g.repeats -= len(n.Destination) + len(n.Title)
		}
	case *ast.Image:
		if n.Reference != nil {
			g.repeats -= len(n.Destination) + len(n.Title)
		}
	}
	return n
}

// CloseBlock implements parser.CloseBlocker.
func (p guardedInline) CloseBlock(parent ast.Node, block text.Reader, pc parser.Context) {
	if c, ok := p.InlineParser.(parser.CloseBlocker); ok {
		c.CloseBlock(parent, block, pc)
	}
}

// A guardedContainer opens quotes and lists up to maxNesting.
type guardedContainer struct{ parser.BlockParser }

func (p guardedContainer) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, pos := reader.Position()
	n, state := p.BlockParser.Open(parent, reader, pc)
	if n == nil {
		return nil, state
	}
	depth := 0
	for up := parent; up != nil; up = up.Parent() {
		if k := up.Kind(); k == ast.KindBlockquote || k == ast.KindListItem {
			depth++
		}
	}
	if depth >= maxNesting {
		guardOf(pc).refuse("quotes or lists are nested too deeply")
		reader.SetPosition(line, pos)
		return nil, parser.NoChildren
	}
	return n, state
}

// guardedDefinitions reads link definitions: for each it moves the lines below it.
type guardedDefinitions struct{ parser.ParagraphTransformer }

func (p guardedDefinitions) Transform(n *ast.Paragraph, reader text.Reader, pc parser.Context) {
	if n.Lines().Len() <= maxDefinitions {
		p.ParagraphTransformer.Transform(n, reader, pc)
		return
	}
	first := n.Lines().At(0)
	if bytes.HasPrefix(bytes.TrimLeft(first.Value(reader.Source()), " "), []byte("[")) {
		guardOf(pc).refuse("there are too many link definitions in a row")
	}
}

// guardedTable reads tables: it fills each row up to the number of columns, and for each escaped pipe it
// looks at all others.
type guardedTable struct{ parser.ParagraphTransformer }

func (p guardedTable) Transform(n *ast.Paragraph, reader text.Reader, pc parser.Context) {
	g := guardOf(pc)
	lines := n.Lines()
	size, columns, rows := 0, 0, 0
	for i := range lines.Len() {
		s := lines.At(i)
		line := s.Value(reader.Source())
		size += len(line)
		g.pipes += bytes.Count(line, []byte(`\|`))
		if columns == 0 && i > 0 && len(bytes.Trim(line, " \t\r\n|:-")) == 0 {
			columns, rows = bytes.Count(line, []byte("|"))+1, lines.Len()-i
		}
	}
	const small = 4096
	switch {
	case columns == 0:
		return // no table
	case columns*rows > size+small:
		g.refuse("a table has more cells than text")
	case g.pipes > maxPipes:
		g.refuse("tables have too many escaped pipes")
	default:
		p.ParagraphTransformer.Transform(n, reader, pc)
	}
}
