package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"

	"interleave/kernel/cell/pattern"
)

// Functions lists the functions, but not the methods, that Go code of a cell declares, in its order.
func Functions(text string) (names []string) {
	src, diags := Parse(token.NewFileSet(), 0, text)
	if len(diags) > 0 {
		return nil
	}
	for _, f := range src.Funcs {
		if f.Recv == nil {
			names = append(names, f.Name.Name)
		}
	}
	return names
}

// outputRE matches the beginning of the comment that states what an example prints.
var outputRE = pattern.New(`(?i)^[[:space:]]*(unordered )?output:`)

// ExampleOutput returns what a function prints according to the last comment in its body. ok is false if no comment
// states it.
func ExampleOutput(function string) (output string, unordered, ok bool) {
	f, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+function, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil || len(f.Decls) != 1 {
		return "", false, false
	}
	d, isFunc := f.Decls[0].(*ast.FuncDecl)
	if !isFunc || d.Body == nil {
		return "", false, false
	}
	var last *ast.CommentGroup
	for _, c := range f.Comments {
		if c.Pos() > d.Body.Lbrace && c.End() <= d.Body.Rbrace {
			last = c
		}
	}
	if last == nil {
		return "", false, false
	}
	text := last.Text()
	at := outputRE().FindStringSubmatchIndex(text)
	if at == nil {
		return "", false, false
	}
	text = strings.TrimPrefix(strings.TrimLeft(text[at[1]:], " "), "\n")
	return text, at[2] >= 0, true
}
