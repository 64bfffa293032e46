package load_test

import (
	"bytes"
	"context"
	"fmt"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"interleave/install"
	"interleave/install/hosttest"
	"interleave/kernel/load"
	"interleave/kernel/toolchain"
)

// A loader is a program that loads archives, with the compiler that makes them.
type loader struct {
	t     *testing.T
	host  string
	tools *toolchain.Toolchain
	dir   string
}

func newLoader(t *testing.T) *loader {
	host := hosttest.Main(t, install.Build{Main: "./kernel/load/internal/loadhost", Packages: toolchain.DefaultPackages, Link: "memory"})
	l := &loader{t: t, host: host, tools: hosttest.Toolchain(t, host), dir: t.TempDir()}
	if s := l.tools.Strategy(); s != "memory" {
		t.Skipf("cells are not loaded into memory here (%s)", s)
	}
	return l
}

// cell compiles a package and returns its archive.
func (l *loader) cell(name, code string, imports ...string) string {
	l.t.Helper()
	file, err := l.tools.Build(context.Background(), toolchain.Package{
		Name: name, Source: []byte("package mainⱵ\n" + code), Imports: imports, WorkDir: l.dir,
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return file
}

// load runs the program and returns what it prints.
func (l *loader) load(env string, files ...string) string {
	l.t.Helper()
	cmd := hosttest.Command(l.host, files...)
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// spoil changes an archive's bytes.
func (l *loader) spoil(file string, change func([]byte) []byte) string {
	b, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, change(b), 0o644)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return file
}

// What cannot be loaded is refused with the reason, and leaves nothing behind: others are loaded before and after it.
func TestRefused(t *testing.T) {
	t.Parallel()
	l := newLoader(t)
	replace := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(old), []byte(new)) }
	}
	fine := func(name string) string {
		return l.cell(name, fmt.Sprintf("import \"fmt\"\nvar p = []*int{new(int)}\nfunc init() { fmt.Println(%q, *p[0]) }\n", name), "fmt")
	}
	gone := l.cell("c90", "var Gone = 1\nfunc Use() int { return Gone }")
	needsGone := l.cell("c91", "import old \"interleave/cells/c90\"\nfunc init() { println(old.Use()) }", "interleave/cells/c90")
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		file, want string
	}{
		{l.cell("c2", "import _ \"unsafe\"\n//go:linkname nosuch interleave/other.nosuch\nfunc nosuch()\nfunc init() { nosuch() }"), "refers to interleave/other.nosuch, which no package defines"},
		{needsGone, "interleave/cells/c90"},
		{filepath.Join(l.dir, "c3.a"), "no such file"},
		{l.spoil(l.cell("c4", ""), func([]byte) []byte { return nil }), "is empty"},
		{l.spoil(l.cell("c5", ""), func([]byte) []byte { return []byte("package mainⱵ\n") }), "not an archive"},
		{l.spoil(l.cell("c6", "func F() {}"), func(b []byte) []byte { return b[:len(b)-100] }), "has no size"},
		{l.spoil(l.cell("c7", "func F() {}"), replace("\x00go1", "\x00go2")), "an object of an unknown version of Go"},
		{l.spoil(l.cell("c8", "func F() {}"), func(b []byte) []byte { return append(b, b[8:]...) }), "holds 2 objects"},
		{l.cell("c9", "import \"fmt\"\nvar big [1 << 30]byte\nfunc init() { fmt.Println(big[5]) }", "fmt"), "no room for more cells"},
	} {
		base := filepath.Base(tt.file)
		out := l.load("", fine("c50"), tt.file, fine("c51"), tt.file, fine("c52"))
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if len(lines) != 5 || lines[0] != "c50 0" || lines[2] != "c51 0" || lines[4] != "c52 0" {
			t.Errorf("%s: the program prints\n%s", base, out)
			continue
		}
		for _, line := range []string{lines[1], lines[3]} {
			if !strings.HasPrefix(line, base+": ") || !strings.Contains(line, tt.want) {
				t.Errorf("%s: the error is %q, want %q", base, line, tt.want)
			}
		}
	}
}

// Cells may be loaded at once, and packages that several of them bring along are initialised once.
func TestTogether(t *testing.T) {
	t.Parallel()
	l := newLoader(t)
	var files []string
	for i := range 24 {
		// A second initialisation of expvar panics, and one of image/png registers the format twice.
		files = append(files, l.cell(fmt.Sprint("c", i), fmt.Sprintf(`import (
	"expvar"
	"fmt"
	_ "image/png"
	"sync"
)
type T%[1]d struct { n int; next *T%[1]d }
func (t *T%[1]d) String() string { return fmt.Sprint("T", t.n) }
func init() {
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _ = fmt.Sprint(&T%[1]d{n: %[1]d, next: &T%[1]d{}}) })
	}
	wg.Wait()
	fmt.Println(&T%[1]d{n: %[1]d}, expvar.Get("cmdline") != nil)
}`, i), "expvar", "fmt", "image/png", "sync"))
	}
	for range 5 {
		out := l.load("LOADHOST_TOGETHER=1", files...)
		for i := range files {
			if strings.Count(out, fmt.Sprintf("T%d true\n", i)) != 1 {
				t.Fatalf("cell %d is missing in\n%s", i, out)
			}
		}
	}
}

// Outside a host nothing can be loaded, and the error says so.
func TestNotHere(t *testing.T) {
	t.Parallel()
	if _, err := load.Open(load.Config{}); err == nil || !strings.Contains(err.Error(), "cannot load cells") {
		t.Errorf("Open: %v", err)
	}
}

// naming returns code that refers to every function, variable and type that a package exports and that needs no type arguments, and
// how many these are.
func naming(p *types.Package) (code string, n int) {
	var b strings.Builder
	fmt.Fprintf(&b, "var all = []any{")
	for _, name := range p.Scope().Names() {
		o := p.Scope().Lookup(name)
		if !o.Exported() {
			continue
		}
		switch o := o.(type) {
		case *types.Func:
			if o.Signature().TypeParams() != nil {
				continue
			}
			fmt.Fprintf(&b, "it.%s, ", name)
		case *types.Var:
			fmt.Fprintf(&b, "&it.%s, ", name)
		case *types.TypeName:
			if t, ok := o.Type().(interface{ TypeParams() *types.TypeParamList }); ok && t.TypeParams() != nil {
				continue
			}
			if i, ok := o.Type().Underlying().(*types.Interface); ok && !i.IsMethodSet() {
				continue
			}
			fmt.Fprintf(&b, "(*it.%s)(nil), ", name)
		default:
			continue
		}
		n++
	}
	b.WriteString("}\n")
	return b.String(), n
}

// Every package that cells may import can be loaded with all that it exports, into a program that has next to nothing of it and into
// the kernel, alone and behind all others.
func TestPackages(t *testing.T) {
	t.Parallel()
	l := newLoader(t)
	ty, err := l.tools.Types()
	if err != nil {
		t.Fatal(err)
	}
	type pack struct {
		path, file string
		n          int
	}
	var packs []pack
	var files []string
	var cells strings.Builder
	var want strings.Builder
	for _, im := range ty.Packages() {
		if im.Path == "unsafe" {
			continue
		}
		p, err := ty.Import(im.Path)
		if err != nil {
			t.Fatal(err)
		}
		code, n := naming(p)
		if n == 0 {
			continue
		}
		name := fmt.Sprint("c", len(packs))
		file := l.cell(name, fmt.Sprintf("import it %q\nimport \"fmt\"\n%sfunc init() { fmt.Println(%q, len(all)) }\n", im.Path, code, im.Path), im.Path, "fmt")
		packs, files = append(packs, pack{im.Path, file, n}), append(files, file)
		fmt.Fprintf(&cells, "import it %q\n%s\"%s\"\n---\n", im.Path, strings.Replace(code, "var all = ", "all := ", 1)+"fmt.Println(len(all))\n", im.Path)
		fmt.Fprintf(&want, "%d\n⇒ %s\n", n, im.Path)
	}
	if len(packs) < 150 {
		t.Errorf("only %d packages", len(packs))
	}
	t.Logf("%d packages", len(packs))
	everything := l.load("", files...)
	for _, p := range packs {
		line := fmt.Sprintf("%s %d\n", p.path, p.n)
		if !strings.Contains(everything, line) {
			t.Errorf("%s does not load behind the others", p.path)
		}
		if got := l.load("", p.file); got != line {
			t.Errorf("%s alone prints %q, want %q", p.path, got, line)
		}
	}
	text := filepath.Join(l.dir, "cells")
	if err := os.WriteFile(text, []byte(cells.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(hosttest.Host(t), "cells", "-plain", text).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "note: ") { // the kernel makes no figure of cells that trace
			got = append(got, line)
		}
	}
	if lines := slices.Collect(strings.Lines(want.String())); !slices.Equal(got, lines) {
		for i, line := range lines {
			if i >= len(got) || got[i] != line {
				t.Errorf("in the kernel, line %d is %q, want %q", i+1, append(got, "nothing")[min(i, len(got))], line)
				break
			}
		}
	}
}
