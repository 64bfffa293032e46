package plots_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// TestEverythingHasAnExample: every exported function and method is documented and has an example with checked output.
func TestEverythingHasAnExample(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	var files []*ast.File
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string]bool{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		f, err := parser.ParseFile(fset, e.Name(), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(e.Name(), "_test.go") {
			files = append(files, f)
			continue
		}
		for _, x := range doc.Examples(f) {
			examples[x.Name] = examples[x.Name] || x.Output != ""
		}
	}
	pkg, err := doc.NewFromFiles(fset, files, "interleave/plots")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	check := func(name string, f *doc.Func, example bool) {
		seen++
		if f.Doc == "" {
			t.Errorf("%s has no documentation", name)
		}
		if example && !examples[name] {
			t.Errorf("%s has no example with checked output", name)
		}
	}
	for _, f := range pkg.Funcs {
		check(f.Name, f, true)
	}
	for _, typ := range pkg.Types {
		if typ.Doc == "" && typ.Name != "Theme" {
			t.Errorf("type %s has no documentation", typ.Name)
		}
		for _, f := range typ.Funcs {
			check(f.Name, f, true)
		}
		for _, m := range typ.Methods {
			check(typ.Name+"_"+m.Name, m, true)
		}
	}
	if seen < 15 {
		t.Fatalf("only %d functions were found", seen)
	}
}
