// Package gotests knows the Go distribution's own test programs: each must do as a cell what it does under go run, pasted whole and as
// declarations that a call of main follows.
// It must not know how a cell is run.
package gotests

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"interleave/install"
	"interleave/install/hosttest"
	"interleave/kernel/engine/corpustest"
)

// goTestDirs are the folders of the Go distribution's test whose programs run as cells; . is the test folder itself. `make gotests`
// tries all that there are.
var goTestDirs = flag.String("dirs", "chan,ken,interface,typeparam", "folders of the Go distribution's test, with commas")

// A form is a way to make a cell of a program.
type form struct {
	name string
	cell func(program string) string
}

var forms = []form{
	{"whole", func(p string) string { return p }},
	{"called", func(p string) string {
		at := packageRE.FindStringIndex(p) // the first: programs hold others as text
		return p[:at[0]] + p[at[1]:] + "\nmain()\n"
	}},
}

// temporaryRE matches the names of temporary folders, which are others each time.
var temporaryRE = regexp.MustCompile(`/tmp/[0-9]+`)

var packageRE = regexp.MustCompile(`(?m)^package main\b.*$`)

// A goTest is a single-file program of the distribution, with what go build's executable did.
type goTest struct {
	name   string // dir/file.go
	code   []byte
	Status int
	Stdout string
	Stderr string
	Took   time.Duration // how long the executable ran, beside as many others as there are processors
}

const (
	goTestLimit = 10 * time.Minute // for one program, plain or as a cell: some build others
	goTestShare = 99               // per cent that must behave as with go run
)

// TestGoDistribution runs the distribution's own single-file run tests as cells, one fresh session each, and compares exit
// status and output with go build's.
func TestGoDistribution(t *testing.T) {
	if testing.Short() {
		t.Skip("runs some four hundred cells")
	}
	tests := loadGoTests(t, *goTestDirs)
	hosttest.Host(t)
	if err := askGo(t.Context(), t.TempDir(), tests); err != nil {
		t.Fatal(err)
	}
	known, err := readKnown(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	reasons := map[string]string{}
	t.Run("programs", func(t *testing.T) {
		for _, g := range tests {
			for _, f := range forms {
				t.Run(g.name+"/"+f.name, func(t *testing.T) {
					t.Parallel()
					why := "did not end, or the kernel failed: see its own messages"
					defer func() {
						mu.Lock()
						defer mu.Unlock()
						if why != "" {
							reasons[g.name] += fmt.Sprintf("%s: %s\n", f.name, why)
						}
					}()
					why = g.differs(corpustest.Start(t, t.TempDir(), "auto", goTestLimit).Run(f.cell(string(g.code))))
				})
			}
		}
	})
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "folder\tprograms\tas go run\t%\t")
	row := func(name string, of, differ int) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%.1f\t\n", name, of, of-differ, 100*float64(of-differ)/float64(max(of, 1)))
	}
	for dir := range strings.SplitSeq(*goTestDirs, ",") {
		of, differ := 0, 0
		for _, g := range tests {
			if filepath.Dir(g.name) == dir {
				of++
				if reasons[g.name] != "" {
					differ++
				}
			}
		}
		row(dir, of, differ)
	}
	row("all", len(tests), len(reasons))
	w.Flush()
	t.Logf("programs of %s/test as cells:\n%s", runtime.Version(), table.String())
	for _, g := range tests {
		why, listed := reasons[g.name], known[g.name]
		switch {
		case why != "" && listed == "":
			t.Errorf("%s: %s", g.name, why)
		case why != "":
			t.Logf("known: %s: %s\n%s", g.name, listed, why)
		case listed != "":
			t.Errorf("%s behaves as with go run: strike it from %s", g.name, differencesFile)
		}
	}
	if (len(tests)-len(reasons))*100 < len(tests)*goTestShare {
		t.Errorf("%d of %d programs behave as with go run, less than %d %%", len(tests)-len(reasons), len(tests), goTestShare)
	}
}

const differencesFile = "testdata/differences.txt"

// readKnown reads a list of programs that are known to differ, one a line: dir/file.go, and the reason. A file that
// does not exist is an empty list.
func readKnown(file string) (map[string]string, error) {
	known := map[string]string{}
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, _ := strings.Cut(line, " ")
		if reason == "" {
			return nil, fmt.Errorf("%s: %s has no reason", file, name)
		}
		known[name] = strings.TrimSpace(reason)
	}
	return known, nil
}

// loadGoTests reads the programs that a plain go run could run. Without them the test is skipped.
func loadGoTests(t *testing.T, dirs string) (tests []*goTest) {
	root := filepath.Join(goroot(t), "test")
	for dir := range strings.SplitSeq(dirs, ",") {
		names, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			code, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := bytes.Cut(code, []byte("\n"))
			if string(first) != "// run" {
				continue
			}
			if ok, err := build.Default.MatchFile(filepath.Split(name)); err != nil || !ok {
				continue
			}
			tests = append(tests, &goTest{name: filepath.ToSlash(filepath.Join(dir, filepath.Base(name))), code: code})
		}
	}
	if len(tests) == 0 {
		t.Skipf("this Go distribution has no programs in %s", root)
	}
	return tests
}

func goroot(t *testing.T) string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// askGo learns what plain Go makes of each program. The answers are kept in the cache by the program's text and Go's
// version, since a build of them all takes a minute.
func askGo(ctx context.Context, dir string, tests []*goTest) error {
	cache, err := install.CacheRoot()
	if err != nil {
		return err
	}
	cache = filepath.Join(cache, "gotests")
	if err := os.MkdirAll(cache, 0o777); err != nil {
		return err
	}
	version, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return err
	}
	file := func(g *goTest) string {
		return filepath.Join(cache, fmt.Sprintf("%x.json", sha256.Sum256(slices.Concat(version, []byte(runtime.GOARCH), g.code))))
	}
	asked := map[int]*goTest{}
	for i, g := range tests {
		data, err := os.ReadFile(file(g))
		if err == nil && json.Unmarshal(data, g) == nil && g.Took > 0 {
			continue
		}
		asked[i] = g
		p := filepath.Join(dir, fmt.Sprint("t", i))
		if err := errors.Join(os.MkdirAll(p, 0o777), os.WriteFile(filepath.Join(p, "main.go"), g.code, 0o666)); err != nil {
			return err
		}
	}
	if len(asked) == 0 {
		return nil
	}
	bin := filepath.Join(dir, "bin")
	if err := errors.Join(os.Mkdir(bin, 0o777), os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module gotests\n\ngo 1.26\n"), 0o666)); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", bin+string(filepath.Separator), "./...")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the distribution's programs: %w\n%s", err, out)
	}
	var wg sync.WaitGroup
	errs := make(chan error, len(asked))
	slots := make(chan struct{}, runtime.NumCPU())
	for i, g := range asked {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, goTestLimit)
			defer cancel()
			cmd := exec.CommandContext(ctx, filepath.Join(bin, fmt.Sprint("t", i)))
			var out, stderr strings.Builder
			cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &stderr
			began := time.Now()
			err := cmd.Run()
			g.Took = time.Since(began)
			if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
				errs <- fmt.Errorf("%s: %w", g.name, errors.Join(err, ctx.Err()))
				return
			}
			g.Status, g.Stdout, g.Stderr = cmd.ProcessState.ExitCode(), out.String(), stderr.String()
			data, err := json.Marshal(g)
			errs <- errors.Join(err, os.WriteFile(file(g), data, 0o666))
		})
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// differs says how a cell's end differs from the program's, or nothing. What a failing program writes to standard error
// is its stack, which is no business of this test.
func (g *goTest) differs(got corpustest.Seen) string {
	if (got.Err == "") != (g.Status == 0) {
		return fmt.Sprintf("exit status %d, as a cell: %s", g.Status, got.Err)
	}
	if want := corpustest.Shown(temporaryRE.ReplaceAllString(g.Stdout, "/tmp/N"), ""); temporaryRE.ReplaceAllString(got.Out, "/tmp/N") != want {
		return fmt.Sprintf("prints %q, as a cell %q", want, got.Out)
	}
	if g.Status == 0 && got.Stderr != g.Stderr {
		return fmt.Sprintf("writes %q to standard error, as a cell %q", g.Stderr, got.Stderr)
	}
	return ""
}
