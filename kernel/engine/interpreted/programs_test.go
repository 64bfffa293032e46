package interpreted

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"interleave/kernel/cell/lower"
	"interleave/kernel/engine/interpreted/ops"
	"interleave/kernel/engine/symbols"
)

// programEnv has the file of the program that the test's own executable runs, exportsEnv that of the paths of export
// data.
const (
	programEnv = "INTERLEAVE_TEST_PROGRAM"
	exportsEnv = "INTERLEAVE_TEST_EXPORTS"
	textEnv    = "INTERLEAVE_TEST_TEXT" // set: show the lowered text
)

const refusedStatus = 98

func TestMain(m *testing.M) {
	if file := os.Getenv(programEnv); file != "" {
		os.Exit(runProgram(file, os.Getenv(exportsEnv)))
	}
	os.Exit(m.Run())
}

// runProgram runs a Go program in the interpreter as go run would, and returns its exit status.
func runProgram(file, exports string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "not run:", err)
		return 99
	}
	fset := token.NewFileSet()
	files := map[string]string{}
	b, err := os.ReadFile(exports)
	if err != nil {
		return fail(err)
	}
	if err := json.Unmarshal(b, &files); err != nil {
		return fail(err)
	}
	f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		return fail(err)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Instances: map[*ast.Ident]types.Instance{},
		Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}}
	packages := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(files[path]) })
	overlays := lower.NewOverlays(packages)
	conf := types.Config{Importer: packages, Sizes: types.SizesFor("gc", "amd64")}
	pkg, err := conf.Check("main", fset, []*ast.File{f}, info)
	if err != nil {
		return fail(err)
	}
	prog, err := lower.Lower(lower.Package{Fset: fset, Info: info, Pkg: pkg, Files: []*ast.File{f}, Overlays: overlays,
		Line: func(p token.Pos) int { return fset.Position(p).Line }})
	if refused := (*lower.Refusal)(nil); errors.As(err, &refused) {
		fmt.Fprintf(os.Stderr, "%v: %v\n", fset.Position(refused.Pos), err)
		return refusedStatus
	} else if err != nil {
		return fail(err)
	}
	if os.Getenv(textEnv) != "" {
		fmt.Fprintln(os.Stderr, strings.Join(prog.Parts, ""))
	}
	run, err := programWorld(prog).load(prog)
	if err != nil {
		return fail(err)
	}
	var line int
	defer ops.Adopt(&line)()
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n\tline %d\n", r, line)
			os.Exit(2)
		}
	}()
	run(&line)
	return 0
}

func programWorld(prog *lower.Program) *world {
	vars := map[types.Object]reflect.Value{}
	var w *world
	w = newWorld(func(o *types.TypeName) reflect.Type {
		if v, ok := symbols.Of(o.Pkg().Path())[o.Name()]; ok {
			return v.Type().Elem()
		}
		return nil
	}, func(o types.Object) (reflect.Value, error) {
		if v, ok := vars[o]; ok {
			return v, nil
		}
		if o.Pkg().Path() == "main" {
			t, err := w.types.Of(o.Type())
			if err != nil {
				return reflect.Value{}, err
			}
			vars[o] = reflect.New(t).Elem()
			return vars[o], nil
		}
		if v, ok := symbols.Of(o.Pkg().Path())[o.Name()]; ok {
			return v, nil
		}
		return reflect.Value{}, fmt.Errorf("the tables do not have %s.%s", o.Pkg().Path(), o.Name())
	})
	return w
}

// exportData writes where the export data of the standard library is.
func exportData(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-export", "-f", "{{.ImportPath}} {{.Export}}", "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, file, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			files[path] = file
		}
	}
	b, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "exports.json")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// interpreted runs a program in the interpreter, in a process of its own.
func interpreted(t *testing.T, file, exports, cores string) (out string, status int, errs string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), programEnv+"="+file, exportsEnv+"="+exports, "GOMAXPROCS="+cores)
	cmd.WaitDelay = time.Second
	return outcome(t, cmd)
}

// outcome runs a command and returns what it printed and its exit status.
func outcome(t *testing.T, cmd *exec.Cmd) (out string, status int, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), cmd.ProcessState.ExitCode(), stderr.String()
}

// mostRefused is how many of the programs with many goroutines the lowering may refuse.
const mostRefused = 1

// TestPrograms runs programs in the interpreter, with one and with two cores, and compares with what the compiler's do. Those of
// this package must be accepted.
func TestPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles some thirty programs")
	}
	own, err := filepath.Glob("testdata/programs/*.go")
	if err != nil || len(own) == 0 {
		t.Fatal("no programs", err)
	}
	stress, err := filepath.Glob("../corpustest/gotests/testdata/stress/*.go")
	if err != nil || len(stress) == 0 {
		t.Fatal("no programs", err)
	}
	exports := exportData(t)
	var refused atomic.Int32
	t.Run("programs", func(t *testing.T) {
		for i, file := range slices.Concat(own, stress) {
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				bin := filepath.Join(t.TempDir(), "plain.exe")
				if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, file).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				want, wantStatus, _ := outcome(t, exec.CommandContext(t.Context(), bin))
				for _, cores := range []string{"1", "2"} {
					got, status, errs := interpreted(t, file, exports, cores)
					if status == refusedStatus && i >= len(own) {
						t.Log(errs)
						refused.Add(1)
						return
					}
					if got != want || status != wantStatus {
						t.Errorf("with %s cores:\n%s(status %d)\nwant\n%s(status %d)\n%s", cores, got, status, want, wantStatus, errs)
					}
				}
			})
		}
	})
	if n := refused.Load(); n > mostRefused {
		t.Errorf("%d of %d programs with many goroutines are refused, want at most %d", n, len(stress), mostRefused)
	}
}

// distribution are the folders of the Go distribution's tests that are run, and the share of the programs in per cent that must be
// right; the others must be refused before they run.
var distribution = []struct {
	folder string
	right  int
}{{"chan", 94}, {"ken", 94}, {"interface", 100}, {"typeparam", 95}}

// folder makes TestDistribution run the programs of one folder alone; . is the folder of the tests itself.
var folder = flag.String("folder", "", "run only the programs of this folder of the Go distribution's tests")

// runRE matches the line of a program of the distribution that is run without arguments.
var runRE = regexp.MustCompile(`(?m)^// run\s*$`)

// slow are programs of the distribution that try all small numbers, in minutes.
var slow = []string{"ken/divconst.go", "ken/modconst.go"}

// TestDistribution runs programs of the Go distribution's tests: each exits with status 0 and prints what the file beside it has.
func TestDistribution(t *testing.T) {
	if testing.Short() {
		t.Skip("runs two hundred programs")
	}
	exports := exportData(t)
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	if *folder != "" {
		distribution = distribution[:1]
		distribution[0].folder, distribution[0].right = *folder, 0
	}
	for _, d := range distribution {
		files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(root)), "test", d.folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 0 {
			t.Skip("this Go distribution came without its tests")
		}
		var programs, right, refused atomic.Int32
		t.Run(d.folder, func(t *testing.T) {
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				name := d.folder + "/" + filepath.Base(file)
				if !runRE.Match(text) || slices.Contains(slow, name) {
					continue
				}
				programs.Add(1)
				t.Run(filepath.Base(file), func(t *testing.T) {
					t.Parallel()
					want, err := os.ReadFile(strings.TrimSuffix(file, ".go") + ".out")
					if err != nil && !os.IsNotExist(err) {
						t.Fatal(err)
					}
					switch out, status, errs := interpreted(t, file, exports, "2"); {
					case status == refusedStatus:
						refused.Add(1)
						t.Log(errs)
					case status != 0 || want != nil && string(want) != out && string(want) != out+errs:
						t.Errorf("%s(status %d)\n%s", out, status, errs)
					default:
						right.Add(1)
					}
				})
			}
		})
		t.Logf("%s: %d programs, %d right, %d refused", d.folder, programs.Load(), right.Load(), refused.Load())
		if int(right.Load())*100 < d.right*int(programs.Load()) {
			t.Errorf("%s: %d of %d programs are right, want %d %%", d.folder, right.Load(), programs.Load(), d.right)
		}
	}
}
