package corpustest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Native is the result of plain Go for a case.
type Native struct {
	Case  *Case
	Cells []NativeCell // one for each cell of the case; with Case.Plain only the first, for all of them
	Err   error        // why it could not be run
}

// A NativeCell is what one cell does in plain Go.
type NativeCell struct {
	Out         string
	Stderr      string
	Diagnostics []string // it does not compile, for these reasons
	Panic       string   // "panic: …" and the lines of cells on its stack
}

const perProgram = 30 * time.Second

// own is the path of a case's package, main in plain Go.
var own = regexp.MustCompile(`corpus/p\d+`)

// Ask joins the cells of each case to one program, builds all programs as one binary in dir and runs them.
// It costs one build of all the standard packages that the cases use, and a process for each case.
func Ask(ctx context.Context, dir string, cases []*Case) ([]*Native, error) {
	std, imp, err := standard(ctx)
	if err != nil {
		return nil, err
	}
	var natives []*Native
	var main bytes.Buffer
	main.WriteString("package main\n\nimport (\n\t\"os\"\n")
	var calls strings.Builder
	for i, c := range cases {
		n := &Native{Case: c, Cells: make([]NativeCell, len(c.Cells))}
		natives = append(natives, n)
		pkg := fmt.Sprintf("main%s%d", mark, i)
		src, err := program(c, n, pkg, std, imp)
		if err != nil {
			n.Err = err
			continue
		}
		if err := os.MkdirAll(filepath.Join(dir, fmt.Sprint("p", i)), 0o777); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("p", i), "program.go"), []byte(src), 0o666); err != nil {
			return nil, err
		}
		fmt.Fprintf(&main, "\tp%d \"corpus/p%d\"\n", i, i)
		fmt.Fprintf(&calls, "\tcase \"%d\":\n\t\tp%d.Main()\n", i, i)
	}
	fmt.Fprintf(&main, ")\n\nfunc main() {\n\tswitch os.Args[1] {\n%s\t}\n}\n", calls.String())
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "main.go"), main.Bytes(), 0o666),
		os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module corpus\n\ngo 1.26\n"), 0o666)); err != nil {
		return nil, err
	}
	build := exec.CommandContext(ctx, "go", "build", "-gcflags=-e", "-o", "corpus", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return natives, fmt.Errorf("build the corpus as plain Go: %w\n%s", err, named(cases, string(out)))
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i, n := range natives {
		if n.Err != nil {
			continue
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			n.run(ctx, filepath.Join(dir, "corpus"), i)
		})
	}
	wg.Wait()
	return natives, nil
}

// named adds the cases' names to messages about p0, p1 …
func named(cases []*Case, text string) string {
	return regexp.MustCompile(`(?m)^# corpus/p(\d+)$`).ReplaceAllStringFunc(text, func(s string) string {
		var i int
		fmt.Sscanf(s, "# corpus/p%d", &i)
		return s + " " + cases[i].Name
	})
}

// program writes the case as one package, whose Main runs it.
func program(c *Case, n *Native, pkg string, std map[string]string, imp *exports) (string, error) {
	if c.NoVerify != "" && c.Plain == "" {
		return "", unjoinable(c.NoVerify)
	}
	j := &joiner{std: std, importer: importer.ForCompiler(imp.fset, "gc", imp.lookup), fset: imp.fset, untyped: map[string]bool{}}
	for i, cell := range c.Cells {
		diags, err := j.add(i+1, cell.Code)
		if err != nil && c.Plain == "" {
			return "", err
		}
		n.Cells[i].Diagnostics = diags
	}
	if c.Plain != "" {
		src := strings.Replace(c.Plain, "package main", "package "+pkg, 1)
		return strings.Replace(src, "\nfunc main()", "\nfunc Main()", 1), nil
	}
	src, _, err := j.emit(pkg, false)
	return strings.Replace(src, "\nfunc main() {", "\nfunc Main() {", 1), err
}

func (n *Native) run(ctx context.Context, binary string, i int) {
	ctx, cancel := context.WithTimeout(ctx, perProgram)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, fmt.Sprint(i))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), "GOTRACEBACK=all")
	runErr := cmd.Run()
	if ctx.Err() != nil {
		n.Err = fmt.Errorf("still running after %v", perProgram)
		return
	}
	clean := func(b []byte) string { return marked.ReplaceAllString(own.ReplaceAllString(string(b), "main"), "") }
	if n.Case.Plain != "" {
		n.Cells[0].Out, n.Cells[0].Stderr = clean(out.Bytes()), clean(errs.Bytes())
		if runErr != nil {
			n.Err = fmt.Errorf("the plain program: %w\n%s", runErr, errs.String())
		}
		return
	}
	last := 0
	for _, s := range strings.Split(clean(out.Bytes()), "\x1e")[1:] {
		head, text, _ := strings.Cut(s, "\n")
		switch head {
		case "value":
			n.Cells[last].Out = Shown(n.Cells[last].Out, text)
		case "panic":
			n.Cells[last].Panic = text
		default:
			fmt.Sscanf(head, "cell %d", &last)
			last--
			n.Cells[last].Out = Shown(text, "")
		}
	}
	at := 0
	for _, s := range strings.Split(clean(errs.Bytes()), "\x1e")[1:] {
		head, text, _ := strings.Cut(s, "\n")
		fmt.Sscanf(head, "cell %d", &at)
		n.Cells[at-1].Stderr = text
	}
	if runErr != nil { // died in the cell that ran last
		c := &n.Cells[last]
		if k := strings.Index(c.Stderr, "panic: "); k >= 0 {
			c.Panic = c.Stderr[k:]
		} else if k := strings.Index(c.Stderr, "fatal error: "); k >= 0 {
			c.Panic = c.Stderr[k:]
		} else {
			n.Err = runErr
		}
		for k := last + 1; k < len(n.Cells); k++ {
			if n.Cells[k].Diagnostics == nil {
				n.Err = fmt.Errorf("the program ended in cell %d, so plain Go has no result for cell %d: use verify: no or a plain section", last+1, k+1)
			}
		}
	}
}

// Compare lists the differences between the case and plain Go.
func (n *Native) Compare() (diffs []string) {
	differ := func(format string, args ...any) { diffs = append(diffs, fmt.Sprintf(format, args...)) }
	if n.Err != nil {
		differ("%v", n.Err)
		return diffs
	}
	if n.Case.Plain != "" {
		var all strings.Builder
		for _, c := range n.Case.Cells {
			all.WriteString(c.Out)
		}
		if got := n.Cells[0].Out; got != all.String() {
			differ("the plain program prints\n%s\nthe cells print\n%s", got, all.String())
		}
		for i, c := range n.Case.Cells {
			if said := strings.Join(n.Cells[i].Diagnostics, "\n"); c.WantErr && said != "" && len(Missing(c.Err, said)) > 0 {
				differ("cell %d: plain Go's error is\n%s\nthe case's\n%s", i+1, said, c.Err)
			}
		}
		return diffs
	}
	for i, c := range n.Case.Cells {
		got := n.Cells[i]
		if got.Out != c.Out {
			differ("cell %d: plain Go prints\n%s\nthe case has\n%s", i+1, got.Out, c.Out)
		}
		said := strings.Join(got.Diagnostics, "\n") + got.Panic
		if (said != "") != c.WantErr {
			differ("cell %d: plain Go's error is %q, the case's %q", i+1, said, c.Err)
		}
		if miss := Missing(c.Err, said); len(miss) > 0 {
			differ("cell %d: plain Go's error does not contain %q, but is\n%s", i+1, miss, said)
		}
		if got.Panic == "" && strings.TrimSpace(got.Stderr) != "" && len(Missing(got.Stderr, c.Note)) > 0 {
			differ("cell %d: plain Go writes to standard error\n%s", i+1, got.Stderr)
		}
	}
	return diffs
}

// Fill replaces the expectations of the case by the results of plain Go. Whether a cell fails is up to the
// case.
func (n *Native) Fill() error {
	if n.Err != nil {
		return n.Err
	}
	if n.Case.Plain != "" {
		return nil
	}
	for i := range n.Case.Cells {
		c, got := &n.Case.Cells[i], n.Cells[i]
		c.Out = got.Out
		said := strings.Join(got.Diagnostics, "\n")
		if got.Panic != "" {
			lines := strings.Split(got.Panic, "\n")
			said = lines[0]
			for _, l := range lines[1:] {
				if k := strings.LastIndex(l, "cell["); k >= 0 {
					at, _, _ := strings.Cut(l[k:], " ")
					said += "\n" + at
					break
				}
			}
		} else if s := strings.TrimSpace(got.Stderr); s != "" && c.Note == "" {
			c.Note = s + "\n"
		}
		switch {
		case (said == "") == c.WantErr:
			return fmt.Errorf("cell %d: plain Go's error is %q, the case's %q", i+1, said, c.Err)
		case said == "":
		case strings.TrimSpace(c.Err) == "" || len(Missing(c.Err, strings.Join(got.Diagnostics, "\n")+got.Panic)) > 0:
			c.Err, c.WantErr = said+"\n", true
		}
	}
	return n.Case.save()
}

// exports finds the export data of standard packages.
type exports struct {
	fset  *token.FileSet
	files map[string]string
}

func (x *exports) lookup(path string) (io.ReadCloser, error) {
	if f := x.files[path]; f != "" {
		return os.Open(f)
	}
	return nil, fmt.Errorf("no export data for %s", path)
}

// ambiguous names stand for more than one standard package that a cell could mean.
var ambiguous = regexp.MustCompile(`^(internal|vendor|cmd|testing/internal)(/|$)|/internal(/|$)`)

// standard lists what a name alone means, and the export data of every standard package.
func standard(ctx context.Context) (map[string]string, *exports, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-export", "-f", "{{.ImportPath}}\t{{.Name}}\t{{.Export}}", "std")
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list std: %w", err)
	}
	x := &exports{token.NewFileSet(), map[string]string{}}
	paths := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) < 3 || ambiguous.MatchString(f[0]) {
			if len(f) == 3 {
				x.files[f[0]] = f[2]
			}
			continue
		}
		paths[f[1]] = append(paths[f[1]], f[0])
		x.files[f[0]] = f[2]
	}
	std := map[string]string{}
	for name := range maps.Keys(paths) {
		if len(paths[name]) == 1 {
			std[name] = paths[name][0]
		}
	}
	if len(std) == 0 || !slices.Contains(paths["fmt"], "fmt") {
		return nil, nil, errors.New("go list std names no packages")
	}
	return std, x, nil
}
