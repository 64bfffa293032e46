package assist

import (
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"interleave/kernel/cell"
	"interleave/kernel/cell/source"
)

// testPackages imports a few packages from source.
type testPackages struct {
	mu   sync.Mutex
	fset *token.FileSet
	imp  types.Importer
}

func newTestPackages() *testPackages {
	fset := token.NewFileSet()
	return &testPackages{fset: fset, imp: importer.ForCompiler(fset, "source", nil)}
}

var shared = newTestPackages()

func (p *testPackages) Import(path string) (*types.Package, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.imp.Import(path)
}

var byName = map[string][]string{"fmt": {"fmt"}, "strings": {"strings"}, "time": {"time"}, "errors": {"errors"}, "context": {"context"},
	"rand": {"math/rand/v2", "math/rand"}, "math": {"math"}, "io": {"io"}, "os": {"os"}, "bytes": {"bytes"}, "sync": {"sync"},
	"strconv": {"strconv"}, "sort": {"sort"}, "slices": {"slices"}, "atomic": {"sync/atomic"}}

func (*testPackages) Named(name string) []string { return byName[name] }
func (*testPackages) Present(path string) string { return path }

func (*testPackages) Allowed(path string) bool {
	for _, paths := range byName {
		if slices.Contains(paths, path) {
			return true
		}
	}
	return false
}

// config is that of a session in which some cells have run.
func config(t testing.TB, cells []string) Config {
	t.Helper()
	s := cell.New(shared)
	for i, text := range cells {
		p, err := s.Check(i+1, text)
		if err != nil {
			t.Fatalf("cell %d: %v", i+1, err)
		}
		p.Commit(true)
	}
	c := Config{
		View: s.View(),
		Magics: []Magic{{Name: "engine", Usage: "%engine auto|yaegi|compiled", Help: "choose the engine", Args: []string{"auto", "yaegi", "compiled"}},
			{Name: "forget", Usage: "%forget name …", Help: "forget declarations", Args: []string{"NAME"}},
			{Name: "cd", Usage: "%cd folder", Help: "change the folder", Args: []string{"FILE"}},
			{Name: "time", Cell: true, Code: true, Usage: "%%time", Help: "how long the cell takes"},
			{Name: "bash", Cell: true, Usage: "%%bash", Help: "a shell script"}},
		Keys: func(name string) []string {
			if name == "ages" {
				return []string{`"ann"`, `"bob"`, `"anton"`}
			}
			return nil
		},
		Files: func(dir string) []string {
			return map[string][]string{"": {"data/", "notes.txt", "numbers.csv", ".hidden"}, "data/": {"a.json", "b.json"}}[dir]
		},
		Source:   func(file string) (string, bool) { b, err := os.ReadFile(file); return string(b), err == nil },
		Position: func(p token.Pos) token.Position { return shared.fset.Position(p) },
		Value:    func(n cell.Name) string { return "value of " + n.Object.Name() },
	}
	for name, paths := range byName {
		for _, path := range paths {
			c.Importable = append(c.Importable, Package{path, filepath.Base(strings.TrimSuffix(path, "/v2"))})
		}
		_ = name
	}
	return c
}

const mark = "‸"

// The corpus: files with cells that have run, questions with a mark at the cursor, and what is wanted. The matches
// must begin with the lines of want, and there must be no other unless the last line is "…"; lines with a plus
// must be among them, and lines with a minus must not. Of an inspection each line must be in its text.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	completions, inspections, broken := 0, 0, 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cells []string
		var c Config
		for i, f := range a.Files {
			text := strings.TrimSuffix(string(f.Data), "\n")
			kind, name, _ := strings.Cut(f.Name, " ")
			if kind == "cell" {
				cells = append(cells, text)
				continue
			}
			if kind == "want" {
				continue
			}
			if i+1 >= len(a.Files) || a.Files[i+1].Name != "want" {
				t.Fatalf("%s: %s: no want", file, f.Name)
			}
			if c.View == nil {
				c = config(t, cells)
			}
			want := strings.Split(strings.TrimSuffix(string(a.Files[i+1].Data), "\n"), "\n")
			cursor := strings.Index(text, mark)
			if cursor < 0 {
				t.Fatalf("%s: %s: no mark", file, f.Name)
			}
			code := strings.Replace(text, mark, "", 1)
			if source.Check(1, code) != nil {
				broken++
			}
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				switch kind {
				case "complete":
					completions++
					checkCompletion(t, Complete(c, code, cursor), code, want)
				case "inspect":
					inspections++
					got := Inspect(c, code, cursor, strings.HasSuffix(name, "whole"))
					for _, line := range want {
						if !strings.Contains(got.Plain, line) && !(line == "nothing" && !got.Found()) {
							t.Errorf("%s\nlacks %q in\n%s", text, line, got.Plain)
						}
					}
				default:
					t.Fatalf("%s: %s", file, f.Name)
				}
			})
		}
	}
	t.Logf("%d completions, %d inspections; %d of all are in code that does not parse", completions, inspections, broken)
	if completions < 120 || inspections < 60 || 2*broken < completions+inspections {
		t.Error("the corpus must have 120 completions and 60 inspections, half of them in code that does not parse")
	}
}

func checkCompletion(t *testing.T, got Completion, code string, want []string) {
	t.Helper()
	var texts []string
	for _, m := range got.Matches {
		texts = append(texts, m.Text)
	}
	fail := func(why string) {
		t.Helper()
		t.Errorf("%s: %s\n%q in place of %q:\n%s", code, why, want, code[got.From:got.To], strings.Join(texts[:min(len(texts), 40)], "\n"))
	}
	open := false
	var list []string
	for _, w := range want {
		switch {
		case w == "…":
			open = true
		case strings.HasPrefix(w, "+"):
			open = true
			if !slices.Contains(texts, w[1:]) {
				fail("lacks " + w[1:])
			}
		case strings.HasPrefix(w, "-"):
			open = true
			if slices.Contains(texts, w[1:]) {
				fail("has " + w[1:])
			}
		case w == "nothing":
		default:
			list = append(list, w)
		}
	}
	if len(texts) < len(list) || !slices.Equal(texts[:len(list)], list) || !open && len(texts) > len(list) {
		fail("other matches")
	}
}

// No text makes a question fail, wherever the cursor is.
func TestAnywhere(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := config(t, []string{"type point struct{ x, y int }\nfunc (p *point) Norm() float64 { return 0 }\npoints := []point{{1, 2}}\nages := map[string]int{}"})
		for i, f := range a.Files {
			if f.Name == "want" {
				continue
			}
			text := strings.ReplaceAll(string(f.Data), mark, "")
			for at := range text {
				if (at+i)%3 != 0 {
					continue
				}
				for _, text := range []string{text, text[:at]} {
					got := Complete(c, text, at)
					if got.From > at || got.To < at || got.To > len(text) {
						t.Errorf("%q at %d: %d to %d", text, at, got.From, got.To)
					}
					Inspect(c, text, at, at%2 == 0)
				}
			}
		}
	}
}

func FuzzComplete(f *testing.F) {
	c := config(f, []string{"type point struct{ x, y int }\npoints := []point{{1, 2}}"})
	f.Add("points[0].", 10)
	f.Add("if x := points; fmt.", 20)
	f.Fuzz(func(t *testing.T, text string, at int) {
		if at < 0 || at > len(text) {
			return
		}
		Complete(c, text, at)
		Inspect(c, text, at, true)
	})
}

// A session of 500 cells.
func largeSession(b *testing.B) Config {
	var cells []string
	for i := range 250 {
		cells = append(cells, fmt.Sprintf("type point%d struct{ x, y int }\n// Norm%d is a method.\nfunc (p *point%d) Norm%d() float64 { return 0 }", i, i, i, i),
			fmt.Sprintf("var value%d = point%d{1, 2}\nfunc double%d(x int) int { return 2 * x + value%d.x }", i, i, i, i))
	}
	return config(b, cells)
}

func BenchmarkComplete(b *testing.B) {
	c := largeSession(b)
	for _, q := range []struct{ name, text string }{
		{"name", "total := 0\nfor i := range 10 {\n\ttotal += dou"}, {"member", "value17."}, {"package", "strings.To"}, {"empty", "x := "},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if len(Complete(c, q.text, len(q.text)).Matches) == 0 {
					b.Fatal("no match")
				}
			}
		})
	}
}

func BenchmarkInspect(b *testing.B) {
	c := largeSession(b)
	for b.Loop() {
		if !Inspect(c, "double17(value17.x, ", 20, false).Found() {
			b.Fatal("nothing found")
		}
	}
}

func ExampleComplete() {
	s := cell.New(shared)
	p, err := s.Check(1, "type point struct{ x, y int }\np := point{1, 2}")
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Commit(true)
	for _, m := range Complete(Config{View: s.View()}, "p.", 2).Matches {
		fmt.Println(m.Text, m.Type, m.Signature)
	}
	// Output:
	// x property field x int
	// y property field y int
}
