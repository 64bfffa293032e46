package lower

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what is lowered into testdata")

// TestLower compares the text of each program of testdata with the one beside it, or the reason why it is refused. Run it with
// -update and read the difference.
func TestLower(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("testdata has no programs", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := &txtar.Archive{Comment: a.Comment}
			for _, f := range a.Files {
				if program, ok := strings.CutSuffix(f.Name, ".go"); ok {
					got.Files = append(got.Files, f, txtar.File{Name: program + ".lowered", Data: []byte(lowered(t, string(f.Data)))})
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got, want := string(txtar.Format(got)), string(txtar.Format(a)); got != want {
				t.Errorf("%s is not what is lowered: run go test -run TestLower -update, and read the difference\n%s", name, got)
			}
		})
	}
}

// lowered returns the text and the tables of a program without imports, or the refusal.
func lowered(t *testing.T, text string) string {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "p.go", "package main\n"+text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Instances: map[*ast.Ident]types.Instance{},
		Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}}
	pkg, err := (&types.Config{Importer: unsafeOnly{}, Sizes: types.SizesFor("gc", "amd64")}).Check("main", fset, []*ast.File{f}, info)
	if err != nil {
		t.Fatal(err)
	}
	line := func(p token.Pos) int { return fset.Position(p).Line - 1 }
	p, err := Lower(Package{Fset: fset, Info: info, Pkg: pkg, Files: []*ast.File{f}, Line: line})
	if refused := (*Refusal)(nil); errors.As(err, &refused) {
		return fmt.Sprintf("line %d: %v\n", line(refused.Pos), err)
	} else if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(strings.Join(p.Parts, ""))
	for _, t := range p.Types {
		fmt.Fprintf(&b, "// ty.%s is %s\n", t.Name, types.TypeString(t.Type, (*types.Package).Name))
	}
	for _, o := range p.Ops {
		var ts []string
		for _, t := range o.Types {
			if t == nil {
				ts = append(ts, "nil")
			} else {
				ts = append(ts, types.TypeString(t, (*types.Package).Name))
			}
		}
		fmt.Fprintf(&b, "// op.%s is %s %s(%s)\n", o.Name, o.Kind, o.Text, strings.Join(ts, "; "))
	}
	for _, m := range p.Methods {
		fmt.Fprintf(&b, "// %s.%s is %s\n", types.TypeString(m.Type, (*types.Package).Name), m.Name, m.Func)
	}
	return b.String()
}

type unsafeOnly struct{}

func (unsafeOnly) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	return nil, fmt.Errorf("no package %s here", path)
}
