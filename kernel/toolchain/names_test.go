package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// loadhostDir is what TestMain removes, "" while nothing was built.
var loadhostDir string

// loadhost prepares a toolchain for the smallest host, once for all tests.
var loadhost = sync.OnceValues(func() (*Toolchain, error) {
	dir, err := os.MkdirTemp("", "interleave-toolchain-")
	if err != nil {
		return nil, err
	}
	loadhostDir = dir
	err = Prepare(context.Background(), Config{
		Source: "../..", Dir: dir, Main: "./kernel/toolchain/internal/loadhost", Packages: []string{"std"},
		Progress: func(s Step) { fmt.Fprintf(os.Stderr, "%d/%d %s\n", s.N, s.Of, s.What) },
	})
	if err != nil {
		return nil, err
	}
	return Open(dir)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if loadhostDir != "" {
		os.RemoveAll(loadhostDir)
	}
	os.Exit(code)
}

func testToolchain(t *testing.T) *Toolchain {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a host")
	}
	tc, err := loadhost()
	if none := new(NoPluginsError); errors.As(err, &none) && none.NoCC {
		t.Skip("plugins need a C compiler: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tc
}

var importLine = regexp.MustCompile(`(?m)^\t"(.*)"$`)

// spell returns a program of testdata/names as its author writes it and as a cell spells it.
func spell(t *testing.T, name string) (plain, cell string, imports []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "names", name+".go.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range importLine.FindAllStringSubmatch(string(b), -1) {
		imports = append(imports, m[1])
	}
	text := string(b)
	// Embedded predeclared types: plain Go says int, a cell goes through an alias of that name.
	plain = strings.NewReplacer("\t§Int\n", "\tint\n", "\t§Error\n", "\terror\n", "§Int:", "int:", "§Error:", "error:", "§", "").Replace(text)
	cell = strings.NewReplacer("\t§Int\n", "\tⱵint\n", "\t§Error\n", "\tⱵerror\n", "§Int:", "Ⱶint:", "§Error:", "Ⱶerror:", `"§`, `"`, "{{.§", "{{.", "P.§", "P.", "(*§runner).§step\"", "(*runner).step\"").Replace(text)
	cell = strings.ReplaceAll(cell, "§", "Ⱶ")
	return "package main\n" + plain, "package mainⱵ\n" + cell + "\ntype (\n\tⱵint = int\n\tⱵerror = error\n)\n\nfunc init() { Ⱶmain() }\n", imports
}

func TestNamesShowAsWritten(t *testing.T) {
	t.Parallel()
	tc := testToolchain(t)
	plain, so := buildBoth(t, tc, "show")
	want, err := exec.Command(plain).CombinedOutput()
	if err != nil {
		t.Fatalf("the plain program: %v\n%s", err, want[max(0, len(want)-2000):])
	}
	got, err := exec.Command(HostPath(tc.Dir()), so).CombinedOutput()
	if err != nil {
		t.Fatalf("the cell: %v\n%s", err, got)
	}
	diffLines(t, string(want), string(got))
	if n := bytes.Count(want, []byte("\n")); n < 200 {
		t.Errorf("only %d lines were compared", n)
	}
}

func TestCrashesShowAsWritten(t *testing.T) {
	t.Parallel()
	tc := testToolchain(t)
	plain, so := buildBoth(t, tc, "crash")
	for _, c := range []string{"", "code", "text", "flag", "num", "error", "struct", "generic", "assert", "again", "goroutine"} {
		t.Run("case "+c, func(t *testing.T) {
			t.Parallel()
			run := func(name string, args ...string) string {
				cmd := exec.Command(name, args...)
				cmd.Env = append(os.Environ(), "CRASH="+c, "GOTRACEBACK=single")
				out, err := cmd.CombinedOutput()
				if (err == nil) != (c == "") {
					t.Fatalf("%s ended with %v\n%s", name, err, out)
				}
				return report(string(out))
			}
			diffLines(t, run(plain), run(HostPath(tc.Dir()), so))
		})
	}
}

// report is what a crash says without addresses, positions and what called main.
func report(s string) string {
	s = regexp.MustCompile(`0x[0-9a-f]+`).ReplaceAllString(s, "0x")
	s = regexp.MustCompile(`(?m)^\t.*\n`).ReplaceAllString(s, "")
	s = regexp.MustCompile(`goroutine \d+`).ReplaceAllString(s, "goroutine N")
	s = regexp.MustCompile(`(?m)^(\S+)\((0x|\{|,|\.|\?|\}| )*\)`).ReplaceAllString(s, "$1()")
	if i := strings.Index(s, "\nmain.main()"); i >= 0 {
		s = s[:i+1]
	}
	if i := strings.Index(s, "\nmain.init.0()"); i >= 0 {
		s = s[:i+1]
	}
	return regexp.MustCompile(`(?m)^exit status.*\n|^main\.main\.func\S*`).ReplaceAllString(s, "")
}

// buildBoth builds a program of testdata/names in both spellings: an executable and a plugin.
func buildBoth(t *testing.T, tc *Toolchain, name string) (exe, so string) {
	t.Helper()
	dir := t.TempDir()
	plain, cell, imports := spell(t, name)
	src := filepath.Join(dir, "main.go")
	if err := os.WriteFile(src, []byte(plain), 0o644); err != nil {
		t.Fatal(err)
	}
	exe = filepath.Join(dir, "plain")
	if out, err := exec.Command("go", "build", "-o", exe, src).CombinedOutput(); err != nil {
		t.Fatalf("build the plain program: %v\n%s", err, out)
	}
	so, err := tc.Build(context.Background(), Package{Name: "c1", Source: []byte(cell), Imports: imports, WorkDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return exe, so
}

func diffLines(t *testing.T, want, got string) {
	t.Helper()
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			t.Errorf("line %d:\n go:   %s\n cell: %s", i+1, a, b)
		}
	}
}
