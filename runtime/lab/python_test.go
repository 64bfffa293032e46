package lab_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exported reads this package's source: its documentation, and the names of its examples.
func exported(t *testing.T) (*doc.Package, map[string]bool) { return exportedIn(t, ".") }

func exportedIn(t *testing.T, dir string) (*doc.Package, map[string]bool) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files, tests []*ast.File
	for _, p := range paths {
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(p, "_test.go") {
			tests = append(tests, f)
		} else {
			files = append(files, f)
		}
	}
	examples := map[string]bool{}
	for _, e := range doc.Examples(tests...) {
		if e.Output != "" || e.EmptyOutput {
			examples[e.Name] = true
		}
	}
	pkg, err := doc.NewFromFiles(fset, files, "interleave/runtime/lab")
	if err != nil {
		t.Fatal(err)
	}
	return pkg, examples
}

// Every exported function has documentation and an example whose output is checked; every type and method has documentation.
func TestEverythingHasAnExample(t *testing.T) {
	t.Parallel()
	pkg, examples := exported(t)
	funcs := pkg.Funcs
	for _, typ := range pkg.Types {
		funcs = append(funcs, typ.Funcs...)
		if typ.Doc == "" {
			t.Errorf("type %s has no documentation", typ.Name)
		}
		for _, m := range typ.Methods {
			if m.Doc == "" && m.Name != "Error" && m.Name != "Unwrap" && m.Name != "String" {
				t.Errorf("method %s.%s has no documentation", typ.Name, m.Name)
			}
		}
	}
	if len(funcs) < 60 {
		t.Fatalf("only %d functions were found", len(funcs))
	}
	for _, f := range funcs {
		if f.Doc == "" {
			t.Errorf("%s has no documentation", f.Name)
		}
		if !examples[f.Name] && !strings.HasSuffix(f.Name, "Any") {
			t.Errorf("%s has no example with checked output", f.Name)
		}
	}
}

// The table in README.md names only what exists, and each row an example that runs.
func TestPythonTable(t *testing.T) {
	t.Parallel()
	pkg, examples := exported(t)
	names := map[string]bool{}
	for _, f := range pkg.Funcs {
		names[f.Name] = true
	}
	for _, typ := range pkg.Types {
		names[typ.Name] = true
		for _, f := range typ.Funcs {
			names[f.Name] = true
		}
		for _, m := range typ.Methods {
			names[typ.Name+"."+m.Name] = true
		}
	}
	_, ofProc := exportedIn(t, "../proc")
	examplesOf := map[bool]map[string]bool{false: examples, true: ofProc}
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile("`lab\\.([A-Za-z.]+)")
	rows := 0
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || !strings.Contains(cells[2], "`Example") {
			continue
		}
		rows++
		for _, m := range call.FindAllStringSubmatch(cells[1], -1) {
			if !names[m[1]] {
				t.Errorf("%s: there is no lab.%s", strings.TrimSpace(cells[0]), m[1])
			}
		}
		example := strings.Trim(strings.TrimSpace(cells[2]), "`")
		if examples := examplesOf[strings.Contains(cells[1], "`proc.")]; !examples[strings.TrimPrefix(example, "Example")] {
			t.Errorf("%s: there is no %s with checked output", strings.TrimSpace(cells[0]), example)
		}
	}
	if rows < 45 {
		t.Errorf("the table has only %d rows", rows)
	}
}
