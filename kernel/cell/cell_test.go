package cell

import (
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"interleave/kernel/cell/source"
)

// testPackages imports a few packages from source.
type testPackages struct {
	mu  sync.Mutex
	imp types.Importer
}

var shared = &testPackages{imp: importer.ForCompiler(token.NewFileSet(), "source", nil)}

func (p *testPackages) Import(path string) (*types.Package, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.imp.Import(path)
}

var named = map[string][]string{"fmt": {"fmt"}, "strings": {"strings"}, "time": {"time"}, "errors": {"errors"}, "context": {"context"},
	"rand": {"math/rand/v2", "math/rand"}, "math": {"math"}, "io": {"io"}, "os": {"os"}, "bytes": {"bytes"}, "strconv": {"strconv"}, "sort": {"sort"}}

func (*testPackages) Named(name string) []string { return named[name] }
func (*testPackages) Present(path string) string { return path }

func (*testPackages) Allowed(path string) bool {
	for _, paths := range named {
		if slices.Contains(paths, path) {
			return true
		}
	}
	return false
}

// run checks cells one after the other, committing those that are right, and returns the last plan and error.
func run(t testing.TB, cells ...string) (*Scope, *Plan, error) {
	t.Helper()
	s := New(shared)
	var p *Plan
	var err error
	for i, c := range cells {
		if p, err = s.Check(i+1, c); err == nil {
			p.Commit(true)
		}
	}
	return s, p, err
}

func TestDiagnostics(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cells []string
		want  string
	}{
		{[]string{"x + 1"}, "cell[1]:1:1: undefined: x"},
		{[]string{"x := 1", "y := 2\nx + z"}, "cell[2]:2:5: undefined: z"},
		{[]string{"if true {"}, "cell[1]:1:9: this { is never closed"},
		{[]string{"f(1]"}, "cell[1]:1:4: unexpected ]: the ( of line 1 is still open"},
		{[]string{"x := 1\n}"}, "cell[1]:2:1: unexpected }: no bracket is open here"},
		{[]string{"x := 1\x80"}, "cell[1]:1:7: the cell is not valid UTF-8"},
		{[]string{"x := Ⱶa"}, "cell[1]:1:6: the letter Ⱶ is reserved"},
		{[]string{`import "github.com/a/b"`}, `cell[1]:1:8: import "github.com/a/b": cells cannot import this package`},
		{[]string{`import "nosuch"`}, `cell[1]:1:8: import "nosuch": no such package in the standard library`},
		{[]string{"a := 1\na := 2"}, "cell[1]:2:3: no new variables on left side of :="},
		{[]string{"type T struct{}\nT := 1"}, "cell[1]:2:1: T redeclared in this cell"},
		{[]string{"ctx = nil"}, "cell[1]:1:1: ctx is the cell's context"},
		{[]string{"func f() {\n\tx := 1\n}"}, "cell[1]:2:2: declared and not used: x"},
		{[]string{"fmt.Println(a, b)"}, "cell[1]:1:16: undefined: b"},
	} {
		_, _, err := run(t, c.cells...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q\n gives %v\nwant %s", c.cells, err, c.want)
		}
	}
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestRender(t *testing.T) {
	t.Parallel()
	_, _, err := run(t, "counter := 1", "\tfmt.Println(conter)")
	got := ansi.ReplaceAllString(strings.Join(err.(source.Diagnostics).Render(), "\n"), "")
	want := "cell[2]:1:14: undefined: conter\n   1 | \tfmt.Println(conter)\n     | \t            ^\n     Did you mean counter?"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Names that the cell itself has declared are meant as well, where they can be used.
func TestSuggestsOwnNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ code, want string }{
		{"counter := 1\nfmt.Println(conter)", "Did you mean counter?"},
		{"func f(limit int) int {\n\tfor index := range limit {\n\t\t_ = index\n\t\treturn indx\n\t}\n\treturn 0\n}", "Did you mean index?"},
		{"func f(limit int) int { return lmit }", "Did you mean limit?"},
		{"func f() { limit := 1; _ = limit }\nfmt.Println(lmit)", ""},
		{"fmt.Println(laterr)\nlater := 1", ""},
	} {
		_, _, err := run(t, c.code)
		d, ok := err.(source.Diagnostics)
		if !ok || d[0].Hint != c.want {
			t.Errorf("%q: %v, want the hint %q", c.code, err, c.want)
		}
	}
}

// A redefinition with the same signature compiles one body; another signature, all that depends on it.
func TestWhatIsCompiled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		cells  []string
		has    []string
		hasNot []string
	}{
		{"a caller is left alone", []string{"func f() int { return 1 }", "func g() int { return f() }", "func f() int { return 2 }"},
			[]string{"ⱵⱵꞏf() int", "ⱵⱵc1.ⱵⱵp_Ⱶf = ⱵⱵꞏf"}, []string{"Ⱶg"}},
		{"a caller's body is built again", []string{"func f() int { return 1 }", "func g() int { return int(f()) }", "func f() int8 { return 2 }"},
			[]string{"func Ⱶf() int8", "ⱵⱵꞏg() int", "ⱵⱵc2.ⱵⱵp_Ⱶg = ⱵⱵꞏg"}, nil},
		{"a method is patched", []string{"type T struct{ n int }\nfunc (t T) get() int { return t.n }", "func (t T) get() int { return -t.n }"},
			[]string{"ⱵⱵTꞏget(t ⱵⱵc1.T) int", "ⱵⱵc1.ⱵⱵp_TⱵget = ⱵⱵTꞏget"}, []string{"type T"}},
		{"a new method builds the type again", []string{"type T struct{ n int }", "t := T{1}", "func (t T) get() int { return t.n }"},
			[]string{"type T struct"}, nil},
		{"unnamed parameters are passed on", []string{"func f(int, string) {}"}, []string{"ⱵⱵp_Ⱶf(ⱵⱵa0, ⱵⱵa1)"}, nil},
		{"several results go to a builtin", []string{"func f() (int, int) { return 1, 2 }\ngo println(f())"},
			[]string{"go ⱵⱵ_interleaveⱵkernelⱵengineⱵrt.Println(Ⱶf())"}, nil},
		{"a go statement stays as it is", []string{"func f(n float64, s ...string) {}\ngo f(1, \"a\")"}, []string{`go Ⱶf(1, "a")`}, nil},
		{"a timer's function is guarded", []string{"time.AfterFunc(1, func() {})"}, []string{`AfterFunc(1, ⱵⱵ_interleaveⱵkernelⱵengineⱵrt.Guard("cell[1]:1", func() {`}, nil},
		{"loops are polled", []string{"for {\n}"}, []string{"if *ⱵⱵs != 0"}, nil},
	} {
		_, p, err := run(t, c.cells...)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, h := range c.has {
			if !strings.Contains(p.Code, h) {
				t.Errorf("%s: no %q in\n%s", c.name, h, p.Code)
			}
		}
		for _, h := range c.hasNot {
			if strings.Contains(p.Code, h) {
				t.Errorf("%s: %q in\n%s", c.name, h, p.Code)
			}
		}
	}
}

func TestMovesAndResets(t *testing.T) {
	t.Parallel()
	_, p, err := run(t, "type T struct{ n int }", "t := T{1}\nvar held any = t", "func (t T) get() int { return t.n }")
	if err != nil || len(p.Moves) != 1 || p.Moves[0] != (Move{"t", 2, 3}) {
		t.Errorf("moves %v, error %v", p.Moves, err)
	}
	if len(p.Notices) != 1 || !strings.HasPrefix(p.Notices[0], "held may hold values of T from before this cell") {
		t.Errorf("notices %q", p.Notices)
	}
	_, p, err = run(t, "type T struct{ n int }", "t := T{1}", "type T struct{ n string }")
	if err != nil || len(p.Moves) != 0 || len(p.Notices) != 1 || p.Notices[0] != "t lost its value: the definition of its type changed; run cell[2] again, or assign t" {
		t.Errorf("moves %v, notices %q, error %v", p.Moves, p.Notices, err)
	}
}

func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	if _, _, err := run(t, "\ufeffx := 1\nx"); err != nil {
		t.Error(err)
	}
}

func TestLongNames(t *testing.T) {
	t.Parallel()
	_, _, err := run(t, strings.Repeat("a", 1<<20))
	if err == nil || len(err.Error()) > 5000 || len(strings.Join(err.(source.Diagnostics).Render(), "")) > 5000 {
		t.Errorf("a message of %d bytes", len(err.Error()))
	}
}

func TestReuse(t *testing.T) {
	t.Parallel()
	s, _, err := run(t, "func f() int { return 1 }", "y := f()\nfor range 3 { y++ }")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Check(3, "y := f()\nfor range 3 { y++ }")
	if err != nil || p.Reuse != 2 {
		t.Errorf("the same cell again: reuse %d, error %v", p.Reuse, err)
	}
	q, err := s.Check(4, "func f() int8 { return 1 }")
	if err != nil {
		t.Fatal(err)
	}
	q.Commit(true)
	if p, err = s.Check(5, "y := f()\nfor range 3 { y++ }"); err != nil || p.Reuse != 0 {
		t.Errorf("after f changed: reuse %d, error %v", p.Reuse, err)
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	s, _, err := run(t, "x := 1", "func f() int { return x }")
	if err != nil {
		t.Fatal(err)
	}
	if lost := s.Lose(); !slices.Equal(lost, []string{"x"}) {
		t.Errorf("lost %q", lost)
	}
	if lost := s.Lose(); lost != nil {
		t.Errorf("lost again %q", lost)
	}
	for _, c := range []string{"x", "f()", "x++"} {
		if _, err := s.Check(3, c); err == nil || !strings.Contains(err.Error(), "x was lost when the session ended") {
			t.Errorf("%s: %v", c, err)
		}
	}
	p, err := s.Check(4, "x = 5")
	if err != nil {
		t.Fatal(err)
	}
	p.Commit(false)
	if _, err := s.Check(5, "f() + x"); err != nil {
		t.Error(err)
	}
}

func TestDrive(t *testing.T) {
	t.Parallel()
	setup := []string{"type P struct{ X, y int }\nfunc (p P) Sum() int { return p.X + p.y }\nfunc f(n int) int { return n }\nfunc g[T any](x T) T { return x }",
		"p := P{1, 2}\nn := 1\nxs := []int{1}\nvar e any = 1\nm := map[string]int{}"}
	for cell, ok := range map[string]bool{
		"n": true, "n + 1": true, "n = f(2)": true, "fmt.Println(n, p)": true, "p.Sum()": true, "p.X": true, "len(xs)": true, `m["a"]`: true,
		"q := 5": true, "n++": true, "time.Second": true, `s := strings.ToUpper("a")`: true, "z := []int{1, 2}": true,
		"p.y": false, "xs[0]": false, "g(1)": false, "e = 2": false, "func() {}()": false, "go f(1)": false, "for range 3 {}": false, "n / 2": false,
		"e.(int)": false, "defer f(1)": false, "p.X = 2": false, "&n": false, "h := f": false, "e == 1": false,
	} {
		_, p, err := run(t, append(setup, cell)...)
		if err != nil {
			t.Errorf("%s: %v", cell, err)
		} else if (p.Drive != "") != ok {
			t.Errorf("%s: driven %v, want %v (%s)", cell, p.Drive != "", ok, p.Refused.Message)
		} else if !ok && p.Refused.Line != 1 {
			t.Errorf("%s: refused at line %d", cell, p.Refused.Line)
		}
	}
}

// Every entry of the faithful set is proven by a case that both engines run.
// Each entry of the faithful set has a case in the corpus, in which a cell is accepted by that entry.
func TestFaithfulSetHasCases(t *testing.T) {
	t.Parallel()
	for entry, name := range FaithfulSet {
		a, err := txtar.ParseFile(filepath.Join("../engine/testdata/corpus", name+".txtar"))
		if err != nil {
			t.Errorf("%s: %v", entry, err)
			continue
		}
		s, used, asked := New(shared), map[string]bool{}, false
		for i, f := range a.Files {
			switch f.Name {
			case "cell":
				p, err := s.Check(i+1, strings.TrimSuffix(string(f.Data), "\n"))
				if err != nil {
					continue // a case may show an error
				}
				add(used, p.Faithful...)
				p.Commit(p.Drive == "")
			case "engine":
				asked = asked || strings.TrimSpace(string(f.Data)) == "yaegi"
			}
		}
		if !used[entry] || !asked {
			t.Errorf("%s: the interpreter runs no cell of case %s by this entry; it has %v", entry, name, sortedKeys(used))
		}
	}
}

// The driver accepts a construct only by an entry of the set: without the entry it refuses what it accepted with it. And it accepts no
// statement of which a part has not been accepted.
func TestDriverConsultsTheSet(t *testing.T) {
	t.Parallel()
	setup := []string{"type P struct{ X int }\nfunc (p P) Sum() int { return p.X }\nfunc f(n int) int { return n }",
		"p := P{1}\nn := 1\nxs := []int{1}\nm := map[string]int{}"}
	examples := map[string]string{
		constantValue: "5", sessionVariable: "n", assignment: "n = 2", arithmetic: "n + 1", comparison: "n < 2", packageCall: "strings.ToUpper(\"a\")",
		functionCall: "f(1)", methodCall: "p.Sum()", field: "p.X", length: "len(xs)", mapIndex: "m[\"a\"]", basicLiteral: "[]int{1}",
		conversion: "float64(n)", packageVariable: "time.UTC",
	}
	for entry := range FaithfulSet {
		if examples[entry] == "" {
			t.Errorf("%s has no example here", entry)
		}
	}
	for entry, cell := range examples {
		s, _, _ := run(t, setup...)
		check := func() *placement {
			src, diags := s.read(9, cell)
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			c, diags := s.define(src, nil, nil, Amends{}).settle()
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			return c.place()
		}
		driver := func(p *placement, without string) *driver {
			set := maps.Clone(FaithfulSet)
			delete(set, without)
			return &driver{c: p, e: newEmitter(p), set: set, accepted: map[ast.Node]string{}}
		}
		p := check()
		d := driver(p, "")
		if !d.all() || !slices.Contains(d.entries(), entry) {
			t.Errorf("%s is not accepted by %q but by %q: %v", cell, entry, d.entries(), d.refused)
		}
		for _, used := range d.entries() {
			if driver(p, used).all() {
				t.Errorf("%s is accepted without %q, by which it is accepted", cell, used)
			}
		}
		for node, by := range d.accepted {
			delete(d.accepted, node)
			_, isExpr := node.(ast.Expr)
			inside := false // of what is accepted as a whole
			for other, entry := range d.accepted {
				inside = inside || (entry == constantValue || entry == packageVariable) && other.Pos() <= node.Pos() && node.End() <= other.End()
			}
			if id, ok := node.(*ast.Ident); ok {
				isExpr = p.info.Types[id].IsValue()
			}
			if isExpr && !inside && d.complete(p.body[0]) {
				t.Errorf("%s is complete although %T was not accepted", cell, node)
			}
			d.accepted[node], d.refused = by, nil
		}
	}
}

// Whatever a cell holds, checking it does not panic, and what is wrong lies inside a cell.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"x := 1", "func f[T any](x T) T { return x }\nf(1)", "type T struct{ a, b int }\nfunc (T) m() {}", "go f()", "a, b := 1", "import . \"fmt\"\nPrintln()",
		"const (a = iota; b)", "L: for { break L }", "var x, y = 1", "package main\nfunc main() {}", "switch x := any(1).(type) { case int: _ = x }", "x :=\ny", "%who\n1", "len := 3\nlen"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		s := New(shared)
		for i, text := range []string{first, second, first} {
			p, err := s.Check(i+1, text)
			if err == nil {
				p.Commit(true)
				continue
			}
			for _, d := range err.(source.Diagnostics) {
				lines := strings.Split([]string{first, second, first}[d.Cell-1], "\n")
				if d.Line < 0 || d.Line > len(lines) || d.Line > 0 && (d.Column < 1 || d.Column > len(lines[d.Line-1])+1) {
					t.Errorf("%v lies outside %q", d, lines)
				}
			}
		}
	})
}
