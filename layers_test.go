package main

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A layer is a package, or a folder of them when it ends in "/...", and the packages of this module that it may import. The
// first layer that matches a package is its own. What a package does not know is what keeps it small, so every line says why.
type layer struct {
	pkg string
	may []string
	why string
}

var layers = []layer{
	{".", []string{"install", "kernel/command", "kernel/release", "kernel/toolchain"},
		"the launcher must build and start anywhere, before there is a host"},
	{"install/hosttest", []string{"install", "kernel/toolchain"},
		"tests get the host that users get"},
	{"install/...", []string{"kernel/command", "kernel/toolchain", "runtime/quantity"},
		"the launcher links it; the host's code would come along"},

	{"kernel/toolchain/internal/loadhost", []string{"kernel/toolchain/writes"},
		"a host of a test, with nothing in it but what the test asks for"},
	{"kernel/toolchain", []string{"runtime/quantity"},
		"how Go is made to build cells says nothing of what is in them"},
	{"kernel/toolchain/...", nil,
		"likewise"},
	{"kernel/command", nil,
		"every program links it"},
	{"kernel/release", nil,
		"likewise"},
	{"kernel", []string{"kernel/wire", "kernel/session", "runtime/quantity"},
		"Jupyter's rules over plain values: never Go syntax, sockets or user code"},
	{"kernel/wire", nil,
		"messages and signatures are pure"},
	{"kernel/zmq", []string{"kernel/wire"},
		"moves messages and does not know what they mean"},
	{"kernel/inproc", []string{"kernel/wire"},
		"kernel/zmq without the sockets"},
	{"kernel/client", []string{"kernel/wire"},
		"a client knows what any Jupyter client knows"},
	{"kernel/session", []string{"runtime/quantity"},
		"the process boundary: neither Jupyter nor Go syntax"},
	{"kernel/cell/pattern", nil,
		"regular expressions, without what they are for"},
	{"kernel/cell/hint", nil,
		"what a user may have meant is a function of texts"},
	{"kernel/cell/names", []string{"kernel/cell/pattern"},
		"names are texts; the supervisor reads them as well"},
	{"kernel/cell/source", []string{"kernel/cell/hint", "kernel/cell/names", "kernel/cell/pattern"},
		"the text of a cell and its syntax, without types: what the supervisor may know of it"},
	{"kernel/cell/lower/overlay/...", nil,
		"sources that are lowered, of the standard library alone"},
	{"kernel/cell/lower", nil,
		"Go in, Go out: neither cells nor what runs the text"},
	{"kernel/cell", []string{"kernel/cell/hint", "kernel/cell/names", "kernel/cell/pattern", "kernel/cell/source"},
		"the front end is a function of texts"},
	{"kernel/assist", []string{"kernel/cell", "kernel/cell/names", "kernel/cell/source"},
		"answers about code that is being written: names and types, no values"},
	{"kernel/load/goobj", []string{"kernel/load/objabi"},
		"files of Go's own commands, taken from the installation at hand"},
	{"kernel/load/objabi", nil,
		"likewise"},
	{"kernel/load/pkgbits", nil,
		"likewise"},
	{"kernel/load/internal/loadhost", []string{"kernel/toolchain", "kernel/load"},
		"a host of a test, with nothing in it but what the test asks for"},
	{"kernel/load", []string{"kernel/load/..."},
		"a linker: it knows object files and the runtime, and not what a cell is"},
	{"kernel/breaks", nil,
		"machine code: where loops are, and nothing of what a cell is"},
	{"kernel/engine/rt", nil,
		"cells are linked with it, and it must not bring the kernel along"},
	{"kernel/engine/symbols/rows", nil,
		"a table is written of types"},
	{"kernel/engine/symbols/...", []string{"kernel/engine/symbols/rows", "plots", "runtime/..."},
		"generated: what the interpreter reaches of the packages for cells"},
	{"kernel/engine/corpustest/...", []string{"install/hosttest", "kernel/toolchain", "kernel/kerneltest", "kernel/session", "kernel/wire"},
		"tests engines from outside, through the kernel"},
	{"kernel/engine/stack", []string{"kernel/cell/names", "kernel/cell/source", "kernel/session", "runtime/quantity"},
		"reads texts that the runtime printed, also in processes where no cell can run"},
	{"kernel/engine/backend", []string{"kernel/cell", "kernel/engine/rt"},
		"what an engine asks of a way to run cells, and neither way"},
	{"kernel/engine/interpreted/instances", []string{"runtime/lab"},
		"what the interpreter can call of lab, and nothing of how it calls"},
	{"kernel/engine/interpreted/dyntype", nil,
		"types as the runtime has them, and nothing of what runs their methods"},
	{"kernel/engine/interpreted/ops", []string{"kernel/cell/lower", "kernel/engine/rt"},
		"what lowered code calls, and nothing of who runs it"},
	{"kernel/engine/interpreted", []string{"kernel/cell", "kernel/cell/lower", "kernel/cell/names", "kernel/engine/interpreted/dyntype", "kernel/engine/interpreted/ops", "kernel/engine/backend", "kernel/engine/rt", "kernel/engine/stack", "kernel/engine/symbols"},
		"the interpreter knows no compiler"},
	{"kernel/engine/compiled", []string{"kernel/breaks", "kernel/cell", "kernel/cell/names", "kernel/engine/backend", "kernel/engine/rt", "kernel/load", "kernel/toolchain", "runtime/quantity"},
		"the compiler knows no interpreter, and nothing of how cells are watched"},
	{"kernel/engine/magics/gen", []string{"kernel/engine/magics"},
		"writes the table of the magics into the README"},
	{"kernel/engine/magics", nil,
		"the table alone: documents are made of it as well as help"},
	{"kernel/engine/workers/gen", nil,
		"writes a list of names from the standard library's source"},
	{"kernel/engine/workers", []string{"kernel/breaks", "kernel/cell", "kernel/cell/names", "kernel/engine/rt", "kernel/load", "kernel/toolchain", "runtime/host", "runtime/remote"},
		"finds functions of cells in two processes; a worker has no front end and no engine"},
	{"kernel/engine", []string{"kernel/assist", "kernel/breaks", "kernel/cell", "kernel/cell/hint", "kernel/cell/names", "kernel/cell/source", "kernel/engine/backend", "kernel/engine/compiled", "kernel/engine/interpreted", "kernel/engine/magics", "kernel/engine/rt", "kernel/engine/stack", "kernel/engine/symbols/rows", "kernel/engine/workers", "kernel/load", "kernel/modules", "kernel/session", "kernel/toolchain", "kernel/toolchain/itabs", "kernel/toolchain/patched", "kernel/toolchain/writes", "plots", "runtime/..."},
		"the child's end: it says everything through the session's events, so it needs no kernel"},
	{"kernel/modules", []string{"kernel/cell/names", "kernel/toolchain"},
		"which packages there are, and nothing of what cells do with them"},
	{"kernel/kerneltest", []string{"kernel", "kernel/client", "kernel/inproc", "kernel/wire"},
		"a kernel in the test's own process; the session is given to it"},
	{"kernel/kerneltest/house", nil,
		"measures the source as text"},
	{"kernel/unbroken", nil,
		"tests alone: breaks sessions and looks at what is left"},
	{"kernel/bench", []string{"install", "kernel/toolchain", "kernel/client", "kernel/wire", "kernel/zmq", "runtime/quantity"},
		"measures installed kernels as their clients"},
	{"kernel/usage", nil,
		"numbers that the system has about processes"},
	{"kernel/history", nil,
		"a file of texts, whoever writes them"},
	{"kernel/serve", []string{"kernel", "kernel/cell/source", "kernel/command", "kernel/engine/stack", "kernel/history", "kernel/release", "kernel/session", "kernel/toolchain", "kernel/usage", "kernel/wire", "kernel/zmq"},
		"a kernel's process without the host's code, which makes it small"},
	{"kernel/interleave", []string{"kernel/command", "kernel/serve", "kernel/toolchain"},
		"the main package of the program that Jupyter starts; no package imports it"},
	{"kernel/runner", []string{"kernel", "kernel/client", "kernel/command", "kernel/inproc", "kernel/serve", "kernel/toolchain", "kernel/wire", "notebooks"},
		"the main package of the program that runs notebooks; no package imports it"},
	{"kernel/host", []string{"kernel/...", "runtime/host", "runtime/quantity", "runtime/remote"},
		"the host's main package wires everything; nobody imports it"},

	{"notebooks", []string{"kernel/cell/hint", "kernel/cell/source", "kernel/client", "kernel/wire", "notebooks/...", "runtime/quantity"},
		"a client of the kernel: a headless run sees what Jupyter sees; parameters are found in the text of a cell"},
	{"notebooks/page", []string{"notebooks/ipynb", "runtime/quantity"},
		"pages are made of files, by whomever these were written"},
	{"notebooks/...", nil,
		"the file format alone"},

	{"plots/bitmap", nil,
		"memory, and nothing of what is drawn in it"},
	{"plots", []string{"plots/bitmap", "runtime/timeline", "runtime/quantity"},
		"draws plain data; who recorded it is not its business"},
	{"runtime/lab/benchtable", []string{"runtime/lab", "runtime/proc", "runtime/quantity"},
		"measures lab beside others"},
	{"runtime/lab/...", []string{"runtime/display", "runtime/host", "runtime/lab", "runtime/timeline", "runtime/widget", "runtime/internal/clock", "runtime/internal/comms", "runtime/internal/pack", "runtime/quantity", "runtime/remote"},
		"an ordinary Go library, of use without a notebook"},
	{"runtime/host", nil,
		"the door between the libraries of cells and the program that runs them knows neither"},
	{"runtime/quantity", nil,
		"one spelling of durations, sizes and counts for whatever shows some, in every program"},
	{"runtime/internal/clock", nil,
		"the system's clocks, and nothing of what is timed"},
	{"runtime/internal/comms", []string{"runtime/host"},
		"passes messages on and does not know what they mean"},
	{"runtime/comm", []string{"runtime/internal/comms"},
		"what cells see of comms"},
	{"runtime/widget", []string{"runtime/display", "runtime/host", "runtime/internal/comms"},
		"widgets are values of a program; front ends have their code"},
	{"runtime/proc", []string{"runtime/internal/pack", "runtime/lab", "runtime/quantity", "runtime/remote"},
		"what processes share, for any program"},
	{"runtime/remote", []string{"runtime/host", "runtime/internal/pack", "runtime/quantity"},
		"processes that call functions, for any program"},
	{"runtime/internal/pack", nil,
		"values and their types, and nothing of processes"},
	{"runtime/timeline", []string{"runtime/host", "runtime/internal/clock", "runtime/quantity"},
		"every cell imports it; what it imports, users wait for"},
	{"runtime/...", []string{"runtime/host", "runtime/quantity"},
		"every cell imports these; whatever they import, users wait for"},
}

// A door is the set of packages that may import another module. Replacing a module is then a job of those packages.
type door struct {
	module string
	in     []string
	why    string
}

var doors = []door{
	{"github.com/go-zeromq/zmq4", []string{"kernel/zmq"}, "its defects are cured where it is used"},
	{"github.com/traefik/yaegi", []string{"kernel/engine/interpreted", "kernel/engine/symbols/..."}, "what it gets wrong is known in one place"},
	{"gonum.org/v1/plot", []string{"plots", "kernel/engine/symbols", "install/logo"}, "figures are drawn in one package; cells reach it by the generated tables"},
	{"git.sr.ht/~sbinet/gg", []string{"plots"}, "what gonum's image canvas draws with, which is given an image"},
	{"golang.org/x/image", []string{"plots"}, "fonts for the figures"},
	{"golang.org/x/exp", []string{"runtime/timeline"}, "the format of execution traces is read in one place"},
	{"golang.org/x/perf", []string{"runtime/lab"}, "statistics of measurements"},
	{"golang.org/x/sync", []string{"runtime/lab/benchtable"}, "what lab is measured beside"},
	{"golang.org/x/time", []string{"runtime/lab"}, "rate limits"},
	{"golang.org/x/term", []string{"install", "notebooks", "runtime/lab"}, "progress needs to know whether anybody watches"},
	{"golang.org/x/sys", []string{"kernel/engine", "kernel/serve", "kernel/session", "runtime/remote"}, "what the syscall package lacks: copies of descriptors, process control, files in memory, handles of Windows"},
	{"golang.org/x/arch", []string{"kernel/breaks"}, "machine code is read in one place"},
	{"golang.org/x/text", []string{"kernel/cell/source"}, "how wide a character is, for carets"},
	{"golang.org/x/tools", []string{"kernel/cell", "kernel/toolchain", "kernel/engine/corpustest", "kernel/bench"}, "replaces parts of a cell's syntax; reads what the compiler exported; txtar for the corpus and the programs of a benchmark"},
	{"golang.org/x/mod", []string{"kernel/modules"}, "go.mod files and versions are read in one place"},
	{"github.com/charmbracelet/x/ansi", []string{"notebooks/page"}, "terminal text becomes HTML in one place"},
	{"github.com/gofrs/flock", []string{"install", "kernel/history", "kernel/toolchain", "kernel/serve"}, "who has a folder or a file: builds, kernels that run from it, sessions, the history"},
	{"github.com/go-json-experiment/json", []string{"kernel/wire", "notebooks/ipynb"}, "how strings are spelled in messages and files"},
	{"golang.org/x/net", []string{"notebooks/page"}, "HTML is for pages"},
	{"github.com/yuin/goldmark", []string{"notebooks/page"}, "Markdown is for pages"},
}

// Packages of the standard library that would make a package another one than it says it is.
var absences = []struct {
	pkg   string
	never []string
	why   string
}{
	{"kernel", []string{"go/...", "net/...", "os/...", "plugin"}, "it knows neither Go syntax nor sockets nor processes"},
	{"kernel/wire", []string{"go/...", "io/...", "log/...", "net/...", "os/..."}, "it is pure, so that it can be fuzzed"},
	{"kernel/cell/source", []string{"go/types", "go/importer", "context", "io/...", "net/...", "os/...", "time"}, "it knows syntax and no types"},
	{"kernel/cell", []string{"context", "io/...", "log/...", "net/...", "os/...", "plugin", "sync/...", "time"}, "it does no I/O, starts nothing and logs nothing"},
	{"kernel/assist", []string{"context", "io/...", "log/...", "net/...", "os/...", "plugin", "sync/...", "time"}, "it does no I/O: what it reads comes from its caller"},
	{"kernel/session", []string{"go/...", "net/...", "plugin"}, "it never looks into a cell"},
	{"kernel/inproc", []string{"net/...", "os/..."}, "there is nothing to connect to"},
	{"plots", []string{"context", "net/...", "os/...", "runtime/...", "sync/..."}, "a drawing depends on nothing but its data"},
	{"runtime/...", []string{"go/...", "plugin", "testing/..."}, "cells are linked with it"},
}

// matches reports whether a package's path is that of pattern, or below it when pattern ends in "/...".
func matches(pattern, pkg string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == dir || strings.HasPrefix(pkg, dir+"/")
	}
	return pkg == pattern
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}

// imports gives what each package of the module imports, on any system and under any build tag. Tests are left out: they
// may look at a package from wherever they like.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	fset := token.NewFileSet()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		switch base := path.Base(name); {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (base == "testdata" || base[0] == '.' || base[0] == '_'):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := path.Dir(name)
		found[pkg] = append(found[pkg], []string{}...)
		for _, im := range f.Imports {
			p, err := strconv.Unquote(im.Path.Value)
			if err != nil {
				return err
			}
			found[pkg] = append(found[pkg], p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg, list := range found {
		slices.Sort(list)
		found[pkg] = slices.Compact(list)
	}
	return found
}

func TestLayers(t *testing.T) {
	t.Parallel()
	used := map[string]bool{} // layers and doors that some package or import matched
	for pkg, list := range imports(t) {
		i := slices.IndexFunc(layers, func(l layer) bool { return matches(l.pkg, pkg) })
		if i < 0 {
			t.Errorf("%s has no line in layers: say what it may import, and why", pkg)
			continue
		}
		l := layers[i]
		used[l.pkg] = true
		for _, im := range list {
			own, isOwn := strings.CutPrefix(im, "interleave/")
			host, _, _ := strings.Cut(im, "/")
			switch {
			case isOwn:
				if !matchesAny(l.may, own) {
					t.Errorf("%s imports %s, but %s", pkg, own, l.why)
				}
			case strings.Contains(host, "."):
				j := slices.IndexFunc(doors, func(d door) bool { return matches(d.module+"/...", im) })
				if j < 0 {
					t.Errorf("%s imports %s, which has no line in doors: say who may import it, and why", pkg, im)
				} else if used[doors[j].module] = true; !matchesAny(doors[j].in, pkg) {
					t.Errorf("%s imports %s, but that has its door in %s: %s", pkg, im, strings.Join(doors[j].in, ", "), doors[j].why)
				}
			default:
				for _, a := range absences {
					if matches(a.pkg, pkg) && matchesAny(a.never, im) {
						t.Errorf("%s imports %s, but %s", pkg, im, a.why)
					}
				}
			}
		}
	}
	for _, l := range layers {
		if !used[l.pkg] {
			t.Errorf("no package is %s: its line in layers is out of date", l.pkg)
		}
	}
	for _, d := range doors {
		if !used[d.module] {
			t.Errorf("nothing imports %s: its line in doors is out of date", d.module)
		}
	}
}

// Every module that go.mod requires directly is explained on ARCHITECTURE.md's page, and no other.
func TestDependenciesAreExplained(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var direct []string
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(read("go.mod"), -1) {
		direct = append(direct, m[1])
	}
	_, section, ok := strings.Cut(read("ARCHITECTURE.md"), "\n## Dependencies\n")
	if !ok {
		t.Fatal("ARCHITECTURE.md has no section Dependencies")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var explained []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\S+)` \\| .*\\w.* \\|$").FindAllStringSubmatch(section, -1) {
		explained = append(explained, m[1])
	}
	for _, m := range direct {
		if !slices.Contains(explained, m) {
			t.Errorf("ARCHITECTURE.md does not say why go.mod requires %s", m)
		}
	}
	for _, m := range explained {
		if !slices.Contains(direct, m) {
			t.Errorf("ARCHITECTURE.md explains %s, which go.mod does not require directly", m)
		}
	}
	if len(direct) == 0 {
		t.Error("go.mod has no direct requirements, or this test cannot read it")
	}
}

// The folders that ARCHITECTURE.md's code map names are there, and every package of the kernel is on it.
func TestCodeMap(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(b), "\n## Code map\n")
	if !ok {
		t.Fatal("ARCHITECTURE.md has no section Code map")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z][a-z_/]*[a-z](?:\\.go)?)`").FindAllStringSubmatch(section, -1) {
		if _, err := os.Stat(m[1]); err != nil {
			if strings.Contains(m[1], "/") || strings.HasSuffix(m[1], ".go") {
				t.Errorf("the code map names %s: %v", m[1], err)
			}
			continue
		}
		named[strings.TrimSuffix(m[1], "/")] = true
	}
	for pkg := range imports(t) {
		if strings.HasPrefix(pkg, "kernel/toolchain/") || strings.Contains(pkg, "/gen") || pkg == "." || named[pkg] {
			continue // parts of one that is there
		}
		t.Errorf("%s is not on the code map", pkg)
	}
}

// Each function that cells can call has an Example whose output is checked: examples are what a newcomer copies. (For lab its own
// test says more.)
func TestEntryPointsHaveExamples(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"plots", "runtime/comm", "runtime/display", "runtime/timeline", "runtime/widget"} {
		names, err := fs.Glob(os.DirFS("."), dir+"/*.go")
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		var files, tests []*ast.File
		for _, name := range names {
			f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, "_test.go") {
				tests = append(tests, f)
			} else {
				files = append(files, f)
			}
		}
		shown := map[string]bool{}
		for _, e := range doc.Examples(tests...) {
			if e.Output != "" || e.EmptyOutput {
				shown[e.Name] = true
			}
		}
		pkg, err := doc.NewFromFiles(fset, files, "interleave/"+dir)
		if err != nil {
			t.Fatal(err)
		}
		funcs := pkg.Funcs
		for _, typ := range pkg.Types {
			funcs = append(funcs, typ.Funcs...)
		}
		if len(funcs) == 0 {
			t.Errorf("%s has no functions, or this test cannot read it", dir)
		}
		for _, f := range funcs {
			if !shown[f.Name] {
				t.Errorf("%s.%s has no Example with checked output", path.Base(dir), f.Name)
			}
		}
	}
}
