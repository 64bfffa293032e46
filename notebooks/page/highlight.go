package page

import (
	"bytes"
	"go/scanner"
	"go/token"
	"html"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
)

// Only chroma's core and formatter are imported. Its package lexers reads 250 grammars and its package styles 70 themes
// before main runs, 5 ms each, and this package is part of a kernel that starts in 40. A notebook needs four languages: Go,
// which Go's own scanner reads better than any pattern, and three that are written below and built when first used.

// highlight returns code as HTML, coloured by chroma's class names (k, s, nf …) where the language is known.
func highlight(language, code string) string {
	lexer := lexerFor(language)
	if lexer == nil {
		return html.EscapeString(code)
	}
	tokens, err := lexer.Tokenise(nil, code)
	if err != nil {
		return html.EscapeString(code)
	}
	var b bytes.Buffer
	format := chromahtml.New(chromahtml.WithClasses(true), chromahtml.PreventSurroundingPre(true))
	if err := format.Format(&b, plainStyle(), tokens); err != nil {
		return html.EscapeString(code)
	}
	return b.String()
}

// plainStyle has no colours: they are in the page's style sheet, for light and dark.
var plainStyle = sync.OnceValue(func() *chroma.Style {
	return chroma.MustNewStyle("interleave", chroma.StyleEntries{chroma.Background: ""})
})

func lexerFor(language string) chroma.Lexer {
	switch strings.ToLower(language) {
	case "go", "golang":
		return goLexer{}
	case "python", "py", "python3", "pycon", "ipython", "ipython3":
		return pythonLexer()
	case "sh", "bash", "shell", "console", "zsh":
		return shellLexer()
	case "json":
		return jsonLexer()
	}
	return nil
}

// A goLexer is Go's scanner with chroma's names, and the lines that only a cell can hold: %magics and !shell.
type goLexer struct{}

func (goLexer) Config() *chroma.Config                           { return &chroma.Config{Name: "Go", Aliases: []string{"go"}} }
func (l goLexer) SetRegistry(*chroma.LexerRegistry) chroma.Lexer { return l }
func (l goLexer) SetAnalyser(func(string) float32) chroma.Lexer  { return l }
func (goLexer) AnalyseText(string) float32                       { return 0 }
func (l goLexer) Tokenise(_ *chroma.TokeniseOptions, text string) (chroma.Iterator, error) {
	return chroma.Literator(goTokens(text)...), nil
}

// goTokens cuts text into tokens that together are the text.
func goTokens(text string) []chroma.Token {
	var out []chroma.Token
	emit := func(t chroma.TokenType, s string) {
		if s != "" {
			out = append(out, chroma.Token{Type: t, Value: s})
		}
	}
	for text != "" {
		tokens, used := scanGo(text)
		at := 0
		for i, t := range tokens {
			emit(chroma.TextWhitespace, text[at:t.start])
			emit(classify(tokens, i), text[t.start:t.end])
			at = t.end
		}
		emit(chroma.TextWhitespace, text[at:used])
		text = text[used:]
		// What stopped the scanner is a line of magic, or nothing.
		line, _, _ := strings.Cut(text, "\n")
		emit(chroma.CommentPreproc, line)
		text = text[len(line):]
	}
	return out
}

type goToken struct {
	start, end int
	tok        token.Token
	lit        string
}

// scanGo scans up to the first line of magic and says how far it came. A line of magic begins with % or ! where no
// expression is open.
func scanGo(text string) (tokens []goToken, used int) {
	file := token.NewFileSet().AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), nil, scanner.ScanComments)
	depth := 0
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return tokens, len(text)
		}
		start := file.Offset(pos)
		if tok == token.SEMICOLON && lit != ";" { // put in by the scanner
			continue
		}
		lineStart := strings.LastIndexByte(text[:start], '\n') + 1
		if (tok == token.REM || tok == token.NOT || tok == token.REM_ASSIGN) && depth <= 0 && strings.TrimSpace(text[lineStart:start]) == "" {
			return tokens, start
		}
		switch tok {
		case token.LPAREN, token.LBRACK:
			depth++
		case token.RPAREN, token.RBRACK:
			depth--
		}
		if lit == "" {
			lit = tok.String()
		}
		end := min(start+len(lit), len(text))
		if tok == token.ILLEGAL { // lit may be U+FFFD for a byte that is no UTF-8
			_, n := utf8.DecodeRuneInString(text[start:])
			end = start + n
		}
		if tok == token.COMMENT || tok == token.STRING { // the scanner drops carriage returns from these
			end = rawEnd(text, start, lit)
		}
		tokens = append(tokens, goToken{start, end, tok, lit})
	}
}

// rawEnd finds the end of a literal in the text, where it may hold carriage returns that lit does not.
func rawEnd(text string, start int, lit string) int {
	i := start
	for j := 0; j < len(lit) && i < len(text); i++ {
		if text[i] == lit[j] {
			j++
		} else if text[i] != '\r' {
			return min(start+len(lit), len(text))
		}
	}
	return i
}

func classify(tokens []goToken, i int) chroma.TokenType {
	t := tokens[i]
	next := func(tok token.Token) bool { return i+1 < len(tokens) && tokens[i+1].tok == tok }
	prev := func(tok token.Token) bool { return i > 0 && tokens[i-1].tok == tok }
	switch {
	case t.tok == token.COMMENT && strings.HasPrefix(t.lit, "//"):
		return chroma.CommentSingle
	case t.tok == token.COMMENT:
		return chroma.CommentMultiline
	case t.tok == token.STRING:
		return chroma.LiteralString
	case t.tok == token.CHAR:
		return chroma.LiteralStringChar
	case t.tok == token.INT || t.tok == token.FLOAT || t.tok == token.IMAG:
		return chroma.LiteralNumber
	case t.tok.IsKeyword():
		return chroma.Keyword
	case t.tok == token.IDENT:
		switch {
		case prev(token.PERIOD) && (next(token.LPAREN) || next(token.LBRACK)):
			return chroma.NameFunction
		case prev(token.PERIOD):
			return chroma.Name
		case goConstants[t.lit]:
			return chroma.KeywordConstant
		case goTypes[t.lit]:
			return chroma.KeywordType
		case goBuiltins[t.lit] && next(token.LPAREN):
			return chroma.NameBuiltin
		case next(token.LPAREN) || prev(token.FUNC):
			return chroma.NameFunction
		}
		return chroma.Name
	case t.tok.IsOperator():
		switch t.tok {
		case token.LPAREN, token.RPAREN, token.LBRACE, token.RBRACE, token.LBRACK, token.RBRACK, token.COMMA, token.SEMICOLON, token.PERIOD, token.COLON:
			return chroma.Punctuation
		}
		return chroma.Operator
	}
	return chroma.Text // not Go: shown as it is
}

var (
	goTypes     = set("any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr")
	goConstants = set("true false nil iota")
	goBuiltins  = set("append cap clear close complex copy delete imag len make max min new panic print println real recover")
)

// rules builds a lexer from patterns, at its first use.
func rules(name string, root ...chroma.Rule) func() chroma.Lexer {
	return sync.OnceValue(func() chroma.Lexer {
		return chroma.MustNewLexer(&chroma.Config{Name: name}, func() chroma.Rules { return chroma.Rules{"root": root} })
	})
}

var pythonLexer = rules("Python",
	chroma.Rule{Pattern: `#[^\n]*`, Type: chroma.CommentSingle},
	chroma.Rule{Pattern: `(?i)[bfru]{0,2}("""[\s\S]*?"""|'''[\s\S]*?''')`, Type: chroma.LiteralString},
	chroma.Rule{Pattern: `(?i)[bfru]{0,2}("(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])*')`, Type: chroma.LiteralString},
	chroma.Rule{Pattern: `@[\w.]+`, Type: chroma.NameDecorator},
	chroma.Rule{Pattern: `\b(and|as|assert|async|await|break|case|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|match|nonlocal|not|or|pass|raise|return|try|while|with|yield)\b`, Type: chroma.Keyword},
	chroma.Rule{Pattern: `\b(True|False|None)\b`, Type: chroma.KeywordConstant},
	chroma.Rule{Pattern: `\b(0[xX][\da-fA-F_]+|\d[\d_]*(\.[\d_]+)?([eE][+-]?\d+)?j?)\b`, Type: chroma.LiteralNumber},
	chroma.Rule{Pattern: `\b(abs|all|any|bool|bytes|dict|enumerate|float|id|input|int|isinstance|iter|len|list|map|max|min|next|object|open|print|range|repr|reversed|round|set|sorted|str|sum|super|tuple|type|zip)\b(?=\()`, Type: chroma.NameBuiltin},
	chroma.Rule{Pattern: `[A-Za-z_]\w*(?=\()`, Type: chroma.NameFunction},
	chroma.Rule{Pattern: `[A-Za-z_]\w*`, Type: chroma.Name},
	chroma.Rule{Pattern: `[-+*/%&|^~<>=!@:]+`, Type: chroma.Operator},
	chroma.Rule{Pattern: `[()\[\]{},.;]`, Type: chroma.Punctuation},
	chroma.Rule{Pattern: `\s+|.`, Type: chroma.Text},
)

var shellLexer = rules("Shell",
	chroma.Rule{Pattern: `(?<![^\s])#[^\n]*`, Type: chroma.CommentSingle},
	chroma.Rule{Pattern: `"(\\.|[^"\\])*"|'[^']*'`, Type: chroma.LiteralString},
	chroma.Rule{Pattern: `\$(\w+|\{[^}]*\}|[#?@*!$-])`, Type: chroma.NameVariable},
	chroma.Rule{Pattern: `(?<![\w.-])(if|then|else|elif|fi|for|in|do|done|while|case|esac|function|return|export|cd|echo)(?![\w.-])`, Type: chroma.Keyword},
	chroma.Rule{Pattern: `(?<!\S)--?[A-Za-z][\w-]*`, Type: chroma.NameAttribute},
	chroma.Rule{Pattern: `[\w./-]+`, Type: chroma.Text},
	chroma.Rule{Pattern: `[|&;<>()]+`, Type: chroma.Operator},
	chroma.Rule{Pattern: `\s+|.`, Type: chroma.Text},
)

var jsonLexer = rules("JSON",
	chroma.Rule{Pattern: `"(\\.|[^"\\])*"(?=\s*:)`, Type: chroma.NameTag},
	chroma.Rule{Pattern: `"(\\.|[^"\\])*"`, Type: chroma.LiteralString},
	chroma.Rule{Pattern: `-?(\d[\d.eE+-]*|Infinity)|NaN`, Type: chroma.LiteralNumber},
	chroma.Rule{Pattern: `\b(true|false|null)\b`, Type: chroma.KeywordConstant},
	chroma.Rule{Pattern: `[\[\]{},:]`, Type: chroma.Punctuation},
	chroma.Rule{Pattern: `\s+|.`, Type: chroma.Text},
)
