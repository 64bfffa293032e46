package toolchain

import (
	"context"
	"errors"
	"fmt"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// clone opens the tests' toolchain under another description.
func clone(t *testing.T, change func(*info)) (*Toolchain, error) {
	t.Helper()
	tc := testToolchain(t)
	c := &Toolchain{dir: tc.dir, info: tc.info, base: tc.base, archives: tc.archives}
	change(&c.info)
	c.plugins = c.check()
	return c, c.plugins
}

func run(t *testing.T, tc *Toolchain, env []string, plugins ...string) string {
	t.Helper()
	cmd := exec.Command(HostPath(tc.Dir()), plugins...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// Every way of linking must give plugins that load into one process and share one another's packages.
func TestCellsImportCells(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{linkDirect, linkExtld} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			tc, err := clone(t, func(in *info) { in.Strategy = strategy })
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			var plugins []string
			for i := 1; i <= 4; i++ {
				source := "package mainⱵ\nvar V = 1\ntype T struct{ Ⱶn int }\n"
				imports := []string{"net/http", "unsafe"}
				if i > 1 {
					source = fmt.Sprintf("package mainⱵ\nimport old %q\nvar V = 2*old.V\nfunc init() { println(V) }\ntype T = old.T\n", fmt.Sprint(CellPrefix, "c", i-1))
					imports = []string{fmt.Sprint(CellPrefix, "c", i-1)}
				} else {
					source = strings.Replace(source, "\n", "\nimport (\n\t\"net/http\"\n\t_ \"unsafe\"\n)\nvar C http.Client\n", 1)
				}
				so, err := tc.Build(context.Background(), Package{Name: fmt.Sprint("c", i), Source: []byte(source), Imports: imports, WorkDir: dir})
				if err != nil {
					t.Fatal(err)
				}
				plugins = append(plugins, so)
			}
			if out := run(t, tc, nil, plugins...); out != "2\n4\n8\n" {
				t.Errorf("the cells printed %q", out)
			}
		})
	}
}

func TestLineDirectivesStay(t *testing.T) {
	t.Parallel()
	tc := testToolchain(t)
	so, err := tc.Build(context.Background(), Package{
		Name: "c1", WorkDir: t.TempDir(), Imports: []string{"runtime"},
		Source: []byte("package mainⱵ\nimport \"runtime\"\nfunc init() {\n//line cell[12]:34:1\n_, file, line, _ := runtime.Caller(0); println(file, line) }\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if out := run(t, tc, nil, so); out != "cell[12] 34\n" {
		t.Errorf("the position is %q", out)
	}
}

func TestWritesAreHooked(t *testing.T) {
	t.Parallel()
	tc := testToolchain(t)
	so, err := tc.Build(context.Background(), Package{
		Name: "c1", WorkDir: t.TempDir(), Imports: []string{"fmt", "io", "os", "strings"},
		Source: []byte(`package mainⱵ

import (
	"fmt"
	"io"
	"os"
	"strings"
)

func init() {
	fmt.Println("LOUD")
	fmt.Fprint(os.Stderr, "ERR\n")
	os.Stdout.WriteString("STRING\n")
	n, err := io.Copy(os.Stdout, strings.NewReader("COPY\n"))
	fmt.Println("and quiet", n, err)
	f, _ := os.CreateTemp("", "")
	defer os.Remove(f.Name())
	f.WriteString("FILE\n")
	b, _ := os.ReadFile(f.Name())
	fmt.Printf("a file %s", strings.ToLower(string(b)))
}
`)})
	if err != nil {
		t.Fatal(err)
	}
	want := "fd 1: loud\nfd 2: err\nfd 1: string\nfd 1: copy\nand quiet 5 <nil>\na file file\n"
	if out := run(t, tc, []string{"LOADHOST_HOOK=1"}, so); out != want {
		t.Errorf("with the hook the cell wrote\n%s\nwant\n%s", out, want)
	}
	want = "LOUD\nERR\nSTRING\nCOPY\nand quiet 5 <nil>\na file file\n"
	if out := run(t, tc, nil, so); out != want {
		t.Errorf("without the hook the cell wrote\n%s\nwant\n%s", out, want)
	}
}

func TestExitIsHooked(t *testing.T) {
	t.Parallel()
	tc := testToolchain(t)
	so, err := tc.Build(context.Background(), Package{
		Name: "c1", WorkDir: t.TempDir(), Imports: []string{"fmt", "log", "os"},
		Source: []byte(`package mainⱵ

import (
	"fmt"
	"log"
	"os"
)

func init() {
	leave := func(exit func()) {
		done := make(chan bool)
		go func() {
			defer close(done)
			exit()
			fmt.Println("went on")
		}()
		<-done
	}
	leave(func() { os.Exit(0) })
	leave(func() { log.Fatal() })
	os.Exit(7)
}
`)})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(HostPath(tc.Dir()), so)
	cmd.Env = append(os.Environ(), "LOADHOST_EXIT=1")
	out, err := cmd.Output()
	if e, ok := errors.AsType[*exec.ExitError](err); string(out) != "not 0\nnot 1\n" || !ok || e.ExitCode() != 7 {
		t.Errorf("with the hook the cell printed %q and ended with %v", out, err)
	}
	out, err = exec.Command(HostPath(tc.Dir()), so).Output()
	if string(out) != "" || err != nil {
		t.Errorf("without the hook the cell printed %q and ended with %v", out, err)
	}
}

func TestStacksShowLabels(t *testing.T) {
	t.Parallel()
	tc := testToolchain(t)
	so, err := tc.Build(context.Background(), Package{
		Name: "c1", WorkDir: t.TempDir(), Imports: []string{"context", "fmt", "os", "runtime", "runtime/pprof", "strings"},
		Source: []byte(`package mainⱵ

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
)

func init() {
	os.Setenv("GODEBUG", "panicnil=1") // which makes the runtime read its settings again
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("cell", "cell[1]:2")))
	b := make([]byte, 1<<16)
	first, _, _ := strings.Cut(string(b[:runtime.Stack(b, true)]), "\n")
	fmt.Println(first)
}
`)})
	if err != nil {
		t.Fatal(err)
	}
	if out := run(t, tc, nil, so); !strings.HasSuffix(out, ` labels:{"cell": "cell[1]:2"}]:`+"\n") {
		t.Errorf("the stack begins with %q", out)
	}
}

func TestBuildErrors(t *testing.T) {
	t.Parallel()
	tc := testToolchain(t)
	build := func(source string, imports ...string) error {
		_, err := tc.Build(context.Background(), Package{Name: "c1", Source: []byte(source), Imports: imports, WorkDir: t.TempDir()})
		return err
	}
	err := build("package p\n//line cell[3]:7:1\nvar x int = \"s\"\n")
	ce, ok := errors.AsType[*CompileError](err)
	if !ok || !strings.Contains(ce.Output, "cell[3]:7:") {
		t.Errorf("a type error gave %v", err)
	}
	if err := build("package p\n", "no/such/package"); err == nil || !strings.Contains(err.Error(), "no/such/package is not available") {
		t.Errorf("an unknown import gave %v", err)
	}
	if err := build("package p\n", CellPrefix+"c99"); err == nil {
		t.Error("a missing cell was imported")
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("enough"))
	if _, err := tc.Build(ctx, Package{Name: "c1", Source: []byte("package p\n"), WorkDir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("a cancelled build gave %v", err)
	}
}

// What the machine lacks is not the cell's fault.
func TestBuildOnAPoorMachine(t *testing.T) {
	t.Parallel()
	broken := func(how string) error {
		tool := filepath.Join(t.TempDir(), "compile")
		if err := os.WriteFile(tool, []byte("#!/bin/sh\n"+how+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		tc, err := clone(t, func(i *info) { i.Compile.Path, i.Compile.Size = tool, int64(len("#!/bin/sh\n")+len(how)+1) })
		if err != nil {
			t.Fatal(err)
		}
		_, err = tc.Build(context.Background(), Package{Name: "c1", Source: []byte("package p\n"), WorkDir: t.TempDir()})
		return err
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, gone := testToolchain(t).Build(context.Background(), Package{Name: "c1", Source: []byte("package p\n"), WorkDir: filepath.Join(file, "work")})
	without, err := clone(t, func(*info) {})
	if err != nil {
		t.Fatal(err)
	}
	without.dir = t.TempDir()
	_, moved := without.Build(context.Background(), Package{Name: "c1", Source: []byte("package p\nimport \"fmt\"\n"), Imports: []string{"fmt"}, WorkDir: t.TempDir()})
	if err := fmt.Sprint(moved); !strings.Contains(err, "is missing, which the kernel was installed with") {
		t.Errorf("the toolchain's files are gone: %v", err)
	}
	for _, c := range []struct {
		name  string
		err   error
		poor  bool
		names string
	}{
		{"disk full", broken("echo c1.a: write: No space left on device; exit 1"), true, "room"},
		{"killed because memory ran out", broken("kill -9 $$"), true, ""},
		{"file too large", broken("echo c1.a: write: File too large; exit 1"), true, ""},
		{"no more files", broken("echo c1.a: Too many open files; exit 1"), true, "ulimit -n"},
		{"no folder can be made", gone, true, ""},
		{"the toolchain is gone", moved, true, ""},
		{"complaint", broken("echo 'cell[1]:1:1: no'; exit 1"), false, ""},
	} {
		if _, ok := errors.AsType[*MachineError](c.err); ok != c.poor || c.err == nil {
			t.Errorf("%s: the machine's fault: %t, want %t: %v", c.name, ok, c.poor, c.err)
		}
		if c.names != "" && runtime.GOOS == "linux" && !strings.Contains(fmt.Sprint(c.err), c.names) {
			t.Errorf("%s: no %q in %v", c.name, c.names, c.err)
		}
	}
}

// A cleaner of temporary folders may remove WorkDir, or files in it, at any time. What later cells need is made again.
func TestBuildsAgainWhatIsGone(t *testing.T) {
	t.Parallel()
	tc, dir := testToolchain(t), filepath.Join(t.TempDir(), "work")
	cell := func(n int) Package {
		p := Package{Name: fmt.Sprint("c", n), Source: []byte("package p\nvar V = 1\n"), WorkDir: dir}
		if n > 1 {
			p.Imports = []string{fmt.Sprint(CellPrefix, "c", n-1)}
			p.Source = fmt.Appendf(nil, "package p\nimport c %q\nvar V = 2*c.V\nfunc init() { println(V) }\n", p.Imports[0])
		}
		return p
	}
	build := func(n int) string {
		so, err := tc.Build(context.Background(), cell(n))
		if err != nil {
			t.Fatal(err)
		}
		return so
	}
	build(1)
	build(2)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	three := build(3)
	if out := run(t, tc, nil, build(1), build(2), three); out != "2\n4\n" {
		t.Errorf("the cells printed %q", out)
	}
	if err := os.Remove(filepath.Join(dir, "c2.a")); err != nil {
		t.Fatal(err)
	}
	four := build(4)
	if out := run(t, tc, nil, build(1), build(2), three, four); out != "2\n4\n8\n" {
		t.Errorf("the cells printed %q", out)
	}
}

// What is in WorkDir is built again only when its text, its flags or a cell that it imports has changed, or its build failed.
func TestBuildsOnce(t *testing.T) {
	t.Parallel()
	tc, dir := testToolchain(t), t.TempDir()
	build := func(name, source string, flags []string, imports ...string) (string, error) {
		return tc.Build(context.Background(), Package{Name: name, Source: []byte(source), Imports: imports, GCFlags: flags, WorkDir: dir})
	}
	const lower = "package p\nconst C = %d\n"
	upper := fmt.Sprintf("package p\nimport c %q\nfunc init() { println(c.C) }\n", CellPrefix+"c1")
	stamp := func() string {
		info, err := os.Stat(filepath.Join(dir, "c2.so"))
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime().String()
	}
	last := ""
	for i, step := range []struct {
		value  int
		flags  []string
		same   bool
		prints string
	}{{1, nil, false, "1\n"}, {1, nil, true, "1\n"}, {2, nil, false, "2\n"}, {2, []string{"-l"}, false, "2\n"}, {2, []string{"-l"}, true, "2\n"}} {
		if _, err := build("c1", fmt.Sprintf(lower, step.value), nil); err != nil {
			t.Fatal(err)
		}
		so, err := build("c2", upper, step.flags, CellPrefix+"c1")
		if err != nil {
			t.Fatal(err)
		}
		if out := run(t, tc, nil, filepath.Join(dir, "c1.so"), so); out != step.prints {
			t.Errorf("step %d: the cells printed %q, want %q", i, out, step.prints)
		}
		if now := stamp(); (now == last) != step.same {
			t.Errorf("step %d: built again %v, want %v", i, now != last, !step.same)
		} else {
			last = now
		}
	}
	if _, err := build("c1", "package p\nconst C = missing\n", nil); err == nil {
		t.Fatal("what does not compile is built")
	}
	if _, err := build("c1", "package p\nconst C = missing\n", nil); err == nil {
		t.Error("what did not compile counts as built")
	}
}

// When ld fails and the C compiler does not, Build goes on with the C compiler.
func TestBuildFallsBack(t *testing.T) {
	t.Parallel()
	tc, err := clone(t, func(in *info) { in.Strategy, in.LD = linkDirect, "/bin/false" })
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if tc.slow.Load() != (i > 0) {
			t.Errorf("before cell %d, slow is %t", i, tc.slow.Load())
		}
		so, err := tc.Build(context.Background(), Package{Name: fmt.Sprint("c", i), Source: []byte("package p\nfunc init() { println(5) }\n"), WorkDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if out := run(t, tc, nil, so); out != "5\n" {
			t.Errorf("the cell printed %q", out)
		}
	}
}

func TestBuildsOverlap(t *testing.T) {
	t.Parallel()
	tc, dir := testToolchain(t), t.TempDir()
	plugins := make([]string, 3)
	var wg sync.WaitGroup
	for i := range plugins {
		wg.Go(func() {
			var err error
			source := fmt.Sprintf("package p\nimport \"fmt\"\nfunc init() { fmt.Println(%d) }\n", i)
			plugins[i], err = tc.Build(context.Background(), Package{Name: fmt.Sprint("c", i), Source: []byte(source), Imports: []string{"fmt"}, WorkDir: dir})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	if out := run(t, tc, nil, plugins...); out != "0\n1\n2\n" {
		t.Errorf("the cells printed %q", out)
	}
}

func TestStale(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*info){
		func(in *info) { in.Version = "go1.26.0\n" },
		func(in *info) { in.Compile.Size++ },
		func(in *info) { in.Link.Path += "x" },
		func(in *info) { in.GOROOT = "/no/such" },
	} {
		tc, err := clone(t, change)
		stale, ok := errors.AsType[*StaleError](err)
		if !ok || !strings.Contains(err.Error(), "interleave install") || stale.Want != runtime.Version() {
			t.Errorf("a changed toolchain gave %v", err)
		}
		if _, err := tc.Build(context.Background(), Package{Name: "c1"}); !errors.As(err, &stale) {
			t.Errorf("building with it gave %v", err)
		}
		if _, err := tc.Types(); err != nil {
			t.Errorf("its types: %v", err)
		}
	}
	if tc, err := Open(t.TempDir()); !errors.Is(err, ErrNotPrepared) || tc != nil {
		t.Errorf("an empty folder gave %v, %v", tc, err)
	}
}

// Not parallel: it changes PATH.
// A file that could not be written leaves nothing behind.
func TestWriteFileFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "there")
	if err := os.MkdirAll(filepath.Join(name, "not empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(name, []byte("text")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFindCC(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	t.Setenv("CC", "")
	check := func(cc []string, want string, have bool) {
		t.Helper()
		if got := strings.Join(findCC(cc), " "); got != want || HaveCC() != have {
			t.Errorf("the C compiler is %q and there is one: %t; want %q, %t", got, HaveCC(), want, have)
		}
	}
	check([]string{"gcc"}, "", false)
	for _, name := range []string{"clang", "mycc"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	check([]string{"gcc"}, "clang", true)
	check([]string{"mycc", "-m64"}, "mycc -m64", true)
}

func TestTypes(t *testing.T) {
	t.Parallel()
	tc, _ := clone(t, func(*info) {})
	ty, err := tc.Types()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, p := range ty.Packages() {
		names[p.Path] = p.Name
		if hidden(p.Path) {
			t.Errorf("%s is listed", p.Path)
		}
	}
	if names["math/rand/v2"] != "rand" || names["fmt"] != "fmt" || names["unsafe"] != "unsafe" || names["cmd/go"] != "" {
		t.Errorf("names are wrong: %v", names)
	}
	h, err := ty.Import("net/http")
	if err != nil {
		t.Fatal(err)
	}
	b, err := ty.Import("io")
	if err != nil {
		t.Fatal(err)
	}
	// One identity per type, whatever is loaded first.
	body := h.Scope().Lookup("Response").Type().Underlying().(*types.Struct)
	for i := range body.NumFields() {
		if f := body.Field(i); f.Name() == "Body" && !types.Identical(f.Type(), b.Scope().Lookup("ReadCloser").Type()) {
			t.Error("net/http has an io.ReadCloser of its own")
		}
	}
	for _, p := range ty.Packages() {
		pkg, err := ty.Import(p.Path)
		if err != nil {
			t.Fatal(err)
		}
		if pkg.Name() != p.Name || !pkg.Complete() {
			t.Errorf("%s is %s", p.Path, pkg)
		}
	}
	r, _ := ty.Import("reflect")
	for _, name := range r.Scope().Names() {
		if strings.Contains(strings.ToLower(name), "cell") {
			t.Errorf("the patch shows: reflect.%s", name)
		}
	}
	if _, err := ty.Import("no/such"); err == nil {
		t.Error("no/such was imported")
	}
}

func TestPatchesNeedTheirAnchors(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	name := filepath.Join(root, "src", "os", "file.go")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("package os\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := stdFile{path: "os/file.go", edits: osFile}.patched(root, false)
	pe, ok := errors.AsType[*PatchError](err)
	if !ok || pe.File != name || pe.Found != 0 || !strings.Contains(err.Error(), "GOTOOLCHAIN=go1.26") {
		t.Errorf("an unknown file gave %v", err)
	}
}

// Names with the letter in every place that types and functions are shown.
func TestCellText(t *testing.T) {
	t.Parallel()
	text, err := stdFiles.ReadFile("stdfiles/cellnames.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ in, want string }{
		{"int", "int"}, {"mainⱵ.Ⱶpoint", "main.point"}, {"*mainⱵ.Point", "*main.Point"},
		{"mainⱵ.Ⱶstack[interleave/cells/c12.Ⱶcirc]", "main.stack[main.circ]"},
		{"atomic.Pointer[interleave/cells/c2.Circ]", "atomic.Pointer[main.Circ]"},
		{"interface { Ⱶarea() int; Ⱶm(mainⱵ.Ⱶpoint) }", "interface { main.area() int; main.m(main.point) }"},
		{"struct { Ⱶf func(int) int; B string }", "struct { f func(int) int; B string }"},
		{"interleave/cells/c7.(*Ⱶpoint).Ⱶmove-fm", "main.(*point).move-fm"},
		{"interleave/cells/c7.init.0.func1", "main.init.0.func1"},
		{"struct { Ârea int }", "struct { Ârea int }"}, {"main.", "main."}, {"", ""}, {"Ⱶ", ""}, {"interleave/kernel.X", "interleave/kernel.X"},
	}
	// The file belongs to the standard library; outside it the two imports have other names.
	src := strings.NewReplacer("package stringslite", "package main", "import \"internal/bytealg\"", "import \"strings\"",
		"bytealg.IndexByteString", "strings.IndexByte", "Index(s, cellPath)", "strings.Index(s, cellPath)", "HasPrefix(", "strings.HasPrefix(").Replace(string(text))
	var main strings.Builder
	main.WriteString("\nfunc main() {\n")
	for _, c := range cases {
		fmt.Fprintf(&main, "\tprintln(CellText(%q))\n", c.in)
	}
	main.WriteString("}\n")
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(src+main.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := strings.Split(string(out), "\n")
	for i, c := range cases {
		if got[i] != c.want {
			t.Errorf("%q shows as %q, want %q", c.in, got[i], c.want)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	tc, err := loadhost()
	if err != nil {
		b.Fatal(err)
	}
	for _, strategy := range []string{linkDirect, linkExtld} {
		b.Run(strategy, func(b *testing.B) {
			c := &Toolchain{dir: tc.dir, info: tc.info, base: tc.base, archives: tc.archives}
			c.info.Strategy = strategy
			dir := b.TempDir()
			for i := 0; b.Loop(); i++ {
				_, err := c.Build(context.Background(), Package{
					Name: fmt.Sprint("c", i), Imports: []string{"fmt"}, WorkDir: dir,
					Source: []byte("package mainⱵ\nimport \"fmt\"\ntype T struct{ Ⱶa int }\nfunc (t T) F() { fmt.Println(t) }\nfunc init() { T{}.F() }\n"),
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	tc, err := loadhost()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Open(tc.dir); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTypes(b *testing.B) {
	tc, err := loadhost()
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range []string{"", "fmt", "net/http", "all"} {
		b.Run("import "+path, func(b *testing.B) {
			for b.Loop() {
				ty, err := tc.openTypes()
				if err != nil {
					b.Fatal(err)
				}
				for _, p := range ty.Packages() {
					if p.Path == path || path == "all" {
						if _, err := ty.Import(p.Path); err != nil {
							b.Fatal(err)
						}
					}
				}
				ty.data.Close()
			}
		})
	}
}
