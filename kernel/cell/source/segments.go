package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"

	"interleave/kernel/cell/pattern"
)

// A SegmentKind is the kind of a piece of a cell.
type SegmentKind int

const (
	GoCode    SegmentKind = iota
	LineMagic             // %name args
	CellMagic             // %%name args, and the rest of the cell
	ShellLine             // !command
	HelpLine              // name? and name??, also ?name
)

// A Segment is a piece of a cell that one component handles. The text of Go segments keeps the cell's line
// numbers: lines of other segments are blank in it.
type Segment struct {
	Kind SegmentKind
	Name string // of a magic; the name that a help line is about
	Args string // of a magic; the command of a shell line; ? or ?? of a help line
	Text string // Go code; for a cell magic, the code below it
	Line int    // where it begins, from 1
}

// opensRE matches GoNB's line above the statements of a cell. It has no effect here, since statements need no
// mark.
var opensRE = regexp.MustCompile(`^\s*(?:%%|%main)\s*$`)

var magicRE = pattern.New(`^\s*(%%?)([\pL_][\pL\d_]*)[ \t]*(.*?)\s*$`)

// magicLine splits the line of a magic: the whole, % or %%, the name, the arguments. It is nil for other
// lines, most of which are rejected by one check.
func magicLine(line string) []string {
	if !strings.HasPrefix(strings.TrimLeft(line, " \t\f\r"), "%") {
		return nil
	}
	return magicRE().FindStringSubmatch(strings.TrimRight(line, "\r\n"))
}

// helpRE matches a name, of a magic too, with one or two question marks before or behind it. Go has no such token.
var helpRE = pattern.New(`^\s*(?:(\?\??)\s*(%{0,2}[\pL_][\pL\d_.]*)|(%{0,2}[\pL_][\pL\d_.]*)\s*(\?\??))\s*(?://.*)?$`)

// helpLine returns the name that a line asks about, and its question marks; both are empty for other lines.
func helpLine(line string) (name, marks string) {
	if !strings.Contains(line, "?") {
		return "", ""
	}
	m := helpRE().FindStringSubmatch(strings.TrimRight(line, "\r\n"))
	if m == nil {
		return "", ""
	}
	return m[2] + m[3], m[1] + m[4]
}

// Segments cuts a cell into magics, shell lines and Go code. A line begins a magic only where a Go statement
// could begin, so that a % or ! inside an expression, a string or a comment stays Go.
func Segments(text string) (segs []Segment) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	lines := strings.SplitAfter(text, "\n")
	// comments above a cell magic, and options such as //| echo: false, do not belong to its body
	first := 0
	for first < len(lines) {
		if l := strings.TrimSpace(lines[first]); l != "" && !strings.HasPrefix(l, "//") {
			break
		}
		first++
	}
	if first < len(lines) {
		name, _ := helpLine(lines[first]) // %%time? is about the magic
		if m := magicLine(lines[first]); m != nil && m[1] == "%%" && name == "" {
			rest := strings.Repeat("\n", first+1) + strings.Join(lines[first+1:], "")
			return []Segment{{Kind: CellMagic, Name: m[2], Args: m[3], Text: rest, Line: first + 1}}
		}
	}
	if !strings.ContainsAny(text, "%!?") {
		return []Segment{{Kind: GoCode, Text: text, Line: 1}}
	}
	var code strings.Builder
	start, blank := 1, true
	flush := func(next int) {
		if !blank {
			segs = append(segs, Segment{Kind: GoCode, Text: strings.Repeat("\n", start-1) + code.String(), Line: start})
		}
		code.Reset()
		start, blank = next, true
	}
	var st lineState
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		trimmed := strings.TrimSpace(l)
		if st.free() {
			if opensRE.MatchString(l) {
				code.WriteString("\n")
				continue
			}
			if name, marks := helpLine(l); name != "" {
				flush(i + 2)
				segs = append(segs, Segment{Kind: HelpLine, Name: name, Args: marks, Line: i + 1})
				continue
			}
			if m := magicLine(l); m != nil && m[1] == "%" {
				flush(i + 2)
				segs = append(segs, Segment{Kind: LineMagic, Name: m[2], Args: m[3], Line: i + 1})
				continue
			}
			if cmd, ok := strings.CutPrefix(trimmed, "!"); ok {
				line := i + 1
				for continued(lines[i]) && i+1 < len(lines) {
					i++
					cmd += "\n" + strings.TrimRight(lines[i], "\n")
				}
				flush(i + 2)
				segs = append(segs, Segment{Kind: ShellLine, Args: strings.TrimSpace(cmd), Line: line})
				continue
			}
		}
		code.WriteString(l)
		if trimmed != "" {
			blank = false
		}
		st.line(l)
	}
	flush(0)
	return segs
}

// Rounds turns statements into the expression of a function that runs them in a loop over the Loop of its argument,
// so that the compiler drops none of their calls. The statements keep their lines; line is that of the magic
// above them. A last expression that is not a call is evaluated, too.
func Rounds(text string, line int) string {
	body := strings.TrimLeft(text, "\n")
	lines := strings.Count(text, "\n") - strings.Count(body, "\n")
	const before = "package p\nfunc _() {\n"
	fset := token.NewFileSet()
	if f, err := parser.ParseFile(fset, "", before+body+"\n}", parser.SkipObjectResolution); err == nil {
		if list := f.Decls[0].(*ast.FuncDecl).Body.List; len(list) > 0 {
			if x, ok := list[len(list)-1].(*ast.ExprStmt); ok {
				if !standsAlone(x.X) {
					at, end := fset.Position(x.Pos()).Offset-len(before), fset.Position(x.End()).Offset-len(before)
					body = body[:at] + "lab.Keep(" + body[at:end] + ")" + body[end:]
				}
			}
		}
	}
	return strings.Repeat("\n", line-1) + "func(timeit_b *testing.B) { for timeit_b.Loop() {" +
		strings.Repeat("\n", max(lines-line+1, 0)) + body + "\n}}"
}

// standsAlone reports whether an expression is a statement: a call, except a conversion and a call whose only
// effect is its value.
func standsAlone(x ast.Expr) bool {
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	if !ok {
		return false
	}
	id, ok := call.Fun.(*ast.Ident)
	if !ok {
		return true
	}
	return !slices.Contains(expressions, id.Name)
}

// expressions are the predeclared functions and types whose calls have no use but their value.
var expressions = strings.Fields("append cap complex imag len make max min new real " +
	"any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string " +
	"uint uint8 uint16 uint32 uint64 uintptr")

// continued reports whether a shell command's line ends in a backslash that is not quoted by another.
func continued(line string) bool {
	line = strings.TrimRight(line, "\n")
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// A lineState tracks, line by line, whether a statement may begin at the start of the line.
type lineState struct {
	depth   int
	raw     bool // in a raw string
	comment bool
	open    bool // the line before ended in an operator
	last    byte // of the line so far: the last byte outside of comments that is not blank, or operand; 0: only blanks
}

// operand replaces the last byte of strings, closing brackets, ++ and --, which can end a statement.
const operand = 'x'

func (s *lineState) free() bool { return s.depth == 0 && !s.raw && !s.comment && !s.open }

// line advances the state by one line, its line end included.
func (s *lineState) line(l string) {
	s.last = 0
	for i := 0; i < len(l); {
		i = s.token(l, i)
	}
	switch s.last {
	case 0: // only blanks: an open line stays open
	case '+', '-', '*', '/', '%', '&', '|', '^', '=', '<', '>', '!', ',', '.', ':':
		s.open = s.last != ':'
	default:
		s.open = false
	}
}

// token reads the token, comment or blank that begins at l[i], or one byte of what began before, and returns
// the index after it. It may be beyond the end of an unfinished string.
func (s *lineState) token(l string, i int) (next int) {
	switch c := l[i]; {
	case s.raw:
		if c == '`' {
			s.raw = false
			s.last = operand
		}
	case s.comment:
		if strings.HasPrefix(l[i:], "*/") {
			s.comment = false
			return i + 2
		}
	case c == '`':
		s.raw = true
	case strings.HasPrefix(l[i:], "//"):
		return len(l)
	case strings.HasPrefix(l[i:], "/*"):
		s.comment = true
		return i + 2
	case c == '"' || c == '\'':
		s.last = operand
		return afterQuoted(l, i)
	case c == '(' || c == '[' || c == '{':
		s.depth++
		s.last = c
	case c == ')' || c == ']' || c == '}':
		s.depth = max(0, s.depth-1)
		s.last = operand
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
	case strings.HasPrefix(l[i:], "++") || strings.HasPrefix(l[i:], "--"):
		s.last = operand
		return i + 2
	default:
		s.last = c
	}
	return i + 1
}

// afterQuoted returns the index after the string or rune that begins at l[i], or after the line end if it is
// not terminated.
func afterQuoted(l string, i int) int {
	quote := l[i]
	for i++; i < len(l) && l[i] != quote && l[i] != '\n'; i++ {
		if l[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// IsComplete reports to a console whether code can be run as it is: "complete", "incomplete" with the
// indentation of the next line, or "invalid".
func IsComplete(code string) (status, indent string) {
	depth := 0
	for _, seg := range Segments(code) {
		if seg.Kind == ShellLine && continued(seg.Args) {
			return "incomplete", ""
		}
		if seg.Kind != GoCode {
			continue
		}
		toks, diag := scan(1, seg.Text)
		if diag != nil {
			if strings.Contains(diag.Message, "not terminated") && !strings.Contains(diag.Message, "rune") &&
				!strings.Contains(diag.Message, "string literal not terminated") ||
				strings.Contains(diag.Message, "raw string") {
				return "incomplete", ""
			}
			return "invalid", ""
		}
		if _, diag := balance(1, seg.Text, toks); diag != nil {
			if !strings.Contains(diag.Message, "never closed") {
				return "invalid", ""
			}
			for _, t := range toks {
				if opens(t.tok) {
					depth++
				} else if closes(t.tok) {
					depth--
				}
			}
			return "incomplete", strings.Repeat("\t", depth)
		}
		if strings.HasSuffix(strings.TrimRight(code, " \t"), "\n\n") {
			continue
		}
		if k := len(toks); k > 0 {
			last := toks[k-1].tok
			if last.IsOperator() && !closes(last) && last.String() != ";" && last.String() != "++" && last.String() != "--" &&
				last.String() != "..." {
				return "incomplete", ""
			}
		}
		if status := parses(seg.Text); status != "" {
			return status, ""
		}
	}
	return "complete", ""
}
