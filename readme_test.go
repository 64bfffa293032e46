package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The cells of README.md's tour, with what it says of them, are those of a case in the corpus, which the kernel runs.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	tour, err := txtar.ParseFile("kernel/engine/testdata/corpus/readme-tour.txtar")
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{}
	for _, f := range tour.Files {
		run[string(f.Data)] = true
	}
	blocks, fence, text := 0, "", ""
	for line := range strings.Lines(readme(t)) {
		switch {
		case fence == "" && strings.HasPrefix(line, "```"):
			fence, text = strings.TrimSpace(line), ""
		case fence != "" && strings.HasPrefix(line, "```"):
			if fence != "```sh" {
				if blocks++; !run[text] {
					t.Errorf("README.md shows this, and readme-tour.txtar does not:\n%s", text)
				}
			}
			fence = ""
		default:
			text += line
		}
	}
	if blocks < 10 {
		t.Errorf("README.md has only %d blocks of code and output, or this test cannot read it", blocks)
	}
}

// The names of lab that README.md and the table beside lab use exist.
func TestReadmeNames(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(os.DirFS("."), "runtime/[clpw]*/*.go") // comm, lab, proc and widget
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					there[d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if s, ok := s.(*ast.TypeSpec); ok {
						there[s.Name.Name] = true
					}
				}
			}
		}
	}
	for _, page := range []string{"README.md", "runtime/lab/README.md"} {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\b(?:lab\.|proc\.|widget\.|comm\.|New)[A-Z]\w*`).FindAllString(string(b), -1)
		for _, n := range names {
			if !there[n[strings.IndexByte(n, '.')+1:]] {
				t.Errorf("%s names %s, which does not exist", page, n)
			}
		}
		if least := map[string]int{"README.md": 3, "runtime/lab/README.md": 60}[page]; len(names) < least {
			t.Errorf("only %d names were found in %s", len(names), page)
		}
	}
}
