package modules_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"interleave/install/hosttest"
	"interleave/kernel/engine/corpustest"
	"interleave/kernel/toolchain"
	"interleave/kernel/wire"
)

// A proxy is a module proxy in a folder, as GOPROXY=file://… takes it.
type proxy struct {
	t   *testing.T
	dir string
}

// newProxy makes sessions of this test fetch modules from a folder alone. The module cache is the test's own.
func newProxy(t *testing.T) *proxy {
	hosttest.Host(t) // is built with the user's own
	p := &proxy{t, t.TempDir()}
	t.Setenv("GOPROXY", "file://"+p.dir)
	t.Setenv("GONOSUMDB", "example.com")
	cache := t.TempDir()
	t.Setenv("GOMODCACHE", cache)
	t.Cleanup(func() { // its folders cannot be written, and so not removed
		filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				os.Chmod(path, 0o755)
			}
			return nil
		})
	})
	return p
}

// add publishes a version of a module, with these files.
func (p *proxy) add(path, version string, files map[string]string) {
	p.t.Helper()
	src := p.t.TempDir()
	write(p.t, src, files)
	escaped, err := module.EscapePath(path)
	if err != nil {
		p.t.Fatal(err)
	}
	at := filepath.Join(p.dir, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		p.t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	if err := zip.CreateFromDir(f, module.Version{Path: path, Version: version}, src); err != nil {
		p.t.Fatal(err)
	}
	list, _ := os.ReadFile(filepath.Join(at, "list"))
	write(p.t, at, map[string]string{
		version + ".mod":  files["go.mod"],
		version + ".info": `{"Version":"` + version + `"}`,
		"list":            string(list) + version + "\n",
	})
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func start(t *testing.T, work string) *corpustest.Kernel {
	t.Helper()
	return corpustest.Start(t, work, "auto", 2*time.Minute)
}

// A step is a cell, and what its output or its error must contain. An error is expected if want begins with "!".
type step struct{ code, want string }

func run(t *testing.T, k *corpustest.Kernel, steps ...step) {
	t.Helper()
	for _, s := range steps {
		if name, ok := strings.CutPrefix(s.code, "?"); ok {
			if doc := inspect(t, k, name); !strings.Contains(doc, s.want) || strings.Contains(doc, "~edit") {
				t.Errorf("what is known of %s: %q\nwithout %q", name, doc, s.want)
			}
			continue
		}
		got := k.Run(s.code)
		all := got.Out
		want, fails := strings.CutPrefix(s.want, "!")
		if fails {
			all = got.Err
		} else if got.Err != "" {
			t.Fatalf("%s\nfails: %s", s.code, got.Err)
		}
		for part := range strings.SplitSeq(want, "|") {
			if !strings.Contains(all, part) {
				t.Errorf("%s\nshows %q\nwithout %q", s.code, all, part)
			}
		}
		if strings.Contains(all+got.Stderr, "~edit") {
			t.Errorf("%s\nshows how edited modules are named: %s", s.code, all)
		}
	}
}

// inspect returns what Shift-Tab shows.
func inspect(t *testing.T, k *corpustest.Kernel, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m, err := k.Client.Request(ctx, wire.Shell, wire.InspectRequest{Code: name, CursorPos: len(name)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(m.Content)
}

const modA = "module example.com/a\n\ngo 1.26\n"

func TestVersions(t *testing.T) {
	p := newProxy(t)
	p.add("example.com/a", "v1.0.0", map[string]string{"go.mod": modA, "a.go": "package a\n\nfunc V() string { return \"one\" }\n"})
	p.add("example.com/a", "v1.2.0", map[string]string{"go.mod": modA,
		"a.go":            "// Package a has versions.\npackage a\n\n// V names the version.\nfunc V() string { return \"two\" }\n\ntype T struct{ N int }\n\nfunc (t T) Twice() int { return 2 * t.N }\n",
		"sub/sub.go":      "package sub\n\nimport \"example.com/a\"\n\nvar Count int\n\nfunc init() { Count = 7 }\n\nfunc V() string { Count++; return a.V() }\n",
		"cmd/x/x.go":      "package main\n\nfunc main() {}\n",
		"internal/i/i.go": "package i\n",
		"bad/bad.go":      "package bad\n\nvar X int = \"no\"\n",
	})
	p.add("example.com/b", "v1.0.0", map[string]string{"go.mod": "module example.com/b\n\ngo 1.26\n\nrequire example.com/a v1.0.0\n",
		"b.go": "package b\n\nimport \"example.com/a\"\n\nfunc V() string { return \"b over \" + a.V() }\n"})
	p.add("example.com/needs", "v1.0.0", map[string]string{"go.mod": "module example.com/needs\n\ngo 1.26\n\nrequire example.com/a v1.2.0\n",
		"n.go": "package needs\n\nimport \"example.com/a\"\n\nfunc V() int { return a.T{N: 4}.Twice() }\n"})

	t.Run("newest", func(t *testing.T) {
		k := start(t, t.TempDir())
		run(t, k,
			step{`import "example.com/a"` + "\na.V()", "two"},
			step{"a.T{3}.Twice()", "6"},
			step{"func f() string { return a.V() + \"!\" }\nf()", "two!"},
			step{`import "example.com/a/sub"` + "\nsub.V(), sub.Count", "!expected 1 expression"},
			step{`import "example.com/a/sub"` + "\nsub.Count", "7"},
			step{"sub.V()", "two"},
			step{"sub.Count", "8"},
			step{"%get", "example.com/a v1.2.0"},
			step{"?a.V", "V names the version."},
			step{`import "example.com/needs"` + "\nneeds.V()", "8"},
			step{"%engine yaegi\na.V()", "two"},
			step{"fmt.Println(a.V())", "two"},
			step{"%engine auto\na.V()", "two"},
			step{`import "example.com/a/nosuch"`, "!example.com/a/nosuch|cell[13]:1:8"},
			step{`import "example.com/none"`, "!example.com/none"},
			step{`import "example.com/a/cmd/x"`, "!is a program|cell[15]:1:8"},
			step{`import "example.com/a/internal/i"`, "!internal"},
			step{"x := 1\n\nimport \"example.com/a/bad\"", "!cannot use \"no\"|cell[17]:3:8"},
			step{`import "nosuch"`, "!standard library|%get ./folder"},
			step{"%get example.com/a@v1.0.0", "!example.com/a v1.0.0 cannot be used|v1.2.0"},
			step{"%get a/b", "!a/b is no path"},
			step{"a.V()", "two"}, // nothing was lost
		)
	})
	t.Run("asked", func(t *testing.T) {
		k := start(t, t.TempDir())
		run(t, k,
			step{"%get example.com/a@v1.0.0\n%get", "example.com/a v1.0.0"},
			step{`import "example.com/a"` + "\na.V()", "one"},
			step{`import "example.com/b"` + "\nb.V()", "b over one"},
			step{"a.T{}", "!undefined: a.T"},
			step{`import "example.com/needs"`, "!this session uses example.com/a v1.0.0|%restart"},
			step{"%get example.com/a@v9.0.0", "!v9.0.0"},
			step{"%restart", ""},
			step{`import "example.com/needs"` + "\nneeds.V()", "8"}, // as the remedy has it
			step{`import "example.com/a"` + "\na.V()", "two"},
		)
	})
	t.Run("a higher version before the first use", func(t *testing.T) {
		k := start(t, t.TempDir())
		run(t, k,
			step{"%get example.com/a@v1.0.0\n%get", "example.com/a v1.0.0"},
			step{`import "example.com/needs"` + "\nneeds.V()", "8"},
			step{`import "example.com/a"` + "\na.V()", "two"},
		)
	})
	t.Run("pinned", func(t *testing.T) {
		k := start(t, t.TempDir())
		run(t, k,
			step{"%get -pin example.com/a@v1.0.0", ""},
			step{`import "example.com/a"` + "\na.V()", "one"},
			step{"%get -pins", "example.com/a@v1.0.0 h1:"},
		)
		other := start(t, t.TempDir())
		run(t, other,
			step{"%get -pin example.com/a@v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", ""},
			step{`import "example.com/a"` + "\na.V()", "!is not what this notebook was run with|interleave.modules"},
		)
		run(t, start(t, t.TempDir()), step{"%get -pin example.com/a", "!is not a module with its version"})
	})
	t.Run("another process", func(t *testing.T) {
		if !hosttest.Plain(t, hosttest.Host(t)) {
			t.Skip("cells whose code is gated have no workers")
		}
		k := start(t, t.TempDir())
		run(t, k,
			step{`import "example.com/a"` + "\nfunc twice(_ context.Context, n int) (int, error) { return a.T{n}.Twice(), nil }", ""},
			step{"p, err := lab.NewProcPool(ctx, 2)\nlab.Map(ctx, p, []int{1, 2, 3}, twice)", "[2 4 6]"},
			step{"syscall.Kill(os.Getpid(), syscall.SIGKILL)", "!"},
			step{"twice(ctx, 5)", "10"}, // the declarations come back
		)
	})
	t.Run("offline", func(t *testing.T) {
		t.Setenv("GOPROXY", "http://127.0.0.1:1")
		k := start(t, t.TempDir())
		run(t, k,
			step{`import "example.com/a"` + "\na.V()", "two"}, // fetched before
			step{`import "example.com/unseen"`, "!the module proxy cannot be reached|%env GOPROXY"},
		)
	})
}

// What the kernel contains is used in its version.
func TestKernelsOwnModules(t *testing.T) {
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	mine := strings.TrimSpace(string(out)) // where the kernel's are
	p := newProxy(t)
	for _, v := range []string{"v0.1.0", "v0.999.0"} {
		p.add("golang.org/x/sync", v, map[string]string{"go.mod": "module golang.org/x/sync\n\ngo 1.26\n", "errgroup/e.go": "package errgroup\n\nfunc Other() {}\n"})
		p.add("example.com/wants"+v[3:4], "v1.0.0", map[string]string{
			"go.mod": "module example.com/wants" + v[3:4] + "\n\ngo 1.26\n\nrequire golang.org/x/sync " + v + "\n",
			"w.go":   "package wants\n\nimport \"golang.org/x/sync/errgroup\"\n\nfunc Run() (n int) {\n\tvar g errgroup.Group\n\tg.Go(func() error { n = 5; return nil })\n\tg.Wait()\n\treturn n\n}\n"})
	}
	t.Setenv("GONOSUMDB", "example.com,golang.org")
	t.Setenv("GOPROXY", "file://"+p.dir+",file://"+filepath.Join(mine, "cache", "download"))
	k := start(t, t.TempDir())
	run(t, k,
		step{`import "example.com/wants1"` + "\nwants.Run()", "5"},
		step{`import "example.com/wants9"` + "\nwants.Run()", "5"},
		step{"%get", "golang.org/x/sync v0.24.0 (needed by others) (the kernel's own; v0.999.0 is asked for)"},
		step{"%get golang.org/x/sync@v0.999.0", "!"},
	)
}

func TestFolders(t *testing.T) {
	newProxy(t)
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"go.work":              "go 1.26\n\nuse (\n\t./shop\n\t./tax\n)\n\nreplace example.com/third => ./third\n",
		"shop/go.mod":          "module example.com/shop\n\ngo 1.26\n\nrequire (\n\texample.com/tax v0.0.0\n\texample.com/own v1.0.0\n)\n\nreplace example.com/own => ../own\n",
		"shop/shop.go":         "// Package shop sells.\npackage shop\n\nimport (\n\t_ \"embed\"\n\t\"example.com/own\"\n\t\"example.com/shop/internal/x\"\n\t\"example.com/tax\"\n\t\"example.com/third\"\n)\n\n//go:embed text.txt\nvar text string\n\ntype T struct{ N int }\n\nfunc (t T) Twice() int { return 2 * t.N }\n\n// Price returns the price.\nfunc Price() int { return x.V + tax.Rate + own.V + third.V }\n\nfunc Text() string { return text }\n\nfunc Fail() {\n\tvar m map[string]int\n\tm[Text()] = 1\n}\n",
		"shop/text.txt":        "embedded",
		"shop/x_test.go":       "package shop\n\nfunc broken( {\n",
		"shop/internal/x/x.go": "package x\n\nvar V = 1\n",
		"tax/go.mod":           "module example.com/tax\n\ngo 1.26\n",
		"tax/tax.go":           "package tax\n\nvar Rate = 10\n",
		"own/go.mod":           "module example.com/own\n\ngo 1.26\n",
		"own/own.go":           "package own\n\nvar V = 100\n",
		"third/go.mod":         "module example.com/third\n\ngo 1.26\n",
		"third/third.go":       "package third\n\nvar V = 1000\n",
		"later/go.mod":         "module example.com/later\n\ngo 1.26\n",
		"plain/go.mod":         "module plain\n\ngo 1.26\n",
		"plain/plain.go":       "package plain\n\nfunc V() int { return 3 }\n",
		"empty/readme.txt":     "",
	})
	edit := func(name, text string) { write(t, dir, map[string]string{name: text}) }
	work := t.TempDir()
	k := start(t, work)
	run(t, k,
		step{"%get " + dir + "/shop", "example.com/shop is the module in " + dir + "/shop"},
		step{`import "example.com/shop"` + "\nshop.Price()", "1111"},
		step{"shop.Text()", "embedded"},
		step{"t := shop.T{4}\nfunc price() int { return shop.Price() }\nprice()", "1111"},
		step{"shop.Fail()", "!assignment to entry in nil map|shop.Fail at " + dir + "/shop/shop.go:26|cell[5]:1"},
		step{"?shop.Price", "Price returns the price."},
	)
	edit("shop/internal/x/x.go", "package x\n\nvar V = 2\n")
	run(t, k,
		step{"shop.Price()", "1112"},
		step{"price()", "1111"},
		step{"func price() int { return shop.Price() }\nprice()", "1112"},
		step{"t.Twice()", "8"},
		step{"var u shop.T = t", "!cannot use t|before it was edited"},
		step{"t := shop.T{5}\nvar u shop.T = t\nu.Twice()", "10"},
		step{"shop.Text()", "embedded"},
		step{"shop.Fail()", "!shop.Fail at " + dir + "/shop/shop.go:26"},
		step{"?shop.Price", "Price returns the price."},
	)
	edit("tax/tax.go", "package tax\n\nvar Rate = 20\n")
	edit("shop/text.txt", "edited")
	run(t, k, step{"fmt.Println(shop.Price(), shop.Text())", "1122 edited"})
	edit("tax/tax.go", "package tax\n\nvar Rate = \n")
	run(t, k,
		step{"1 + 1", "2"},
		step{"shop.Price()", "!does not compile as it is on disk|tax.go:4"},
		step{"price()", "1112"}, // its cell was not run again
		step{"x := shop.Price()", "!does not compile"},
	)
	edit("tax/tax.go", "package tax\n\nvar Rate = 30\n\nvar New = 5\n")
	run(t, k,
		step{`import "example.com/tax"` + "\nfmt.Println(shop.Price(), tax.New)", "1132 5"},
		step{"syscall.Kill(os.Getpid(), syscall.SIGKILL)", "!"},
		step{"shop.Price()", "1132"},
		step{"%get", "example.com/shop in " + dir + "/shop"},
		step{`import "example.com/shop/nosuch"`, "!has no package example.com/shop/nosuch"},
		step{"%get " + dir + "/plain", "plain is the module in"},
		step{`import "plain"` + "\nplain.V()", "3"},
		step{"%get " + dir + "/empty", "!there is no go.mod"},
		step{"%get " + dir + "/nosuch", "!there is no folder"},
		step{"%get " + dir + "/plain/plain.go", "!is a file"},
		step{"%get " + dir + "/third", "!as another module's replacement"},
		step{"%cd " + dir + "\n%get ./later", "example.com/later is the module in"},
	)
}

// Code compares interface tables by their addresses, and each package that mentions a pair of interface and type
// brings a table along.
func TestTypeSwitches(t *testing.T) {
	newProxy(t)
	dir := t.TempDir()
	const kinds = 24
	var types, made, cases strings.Builder
	for i := range kinds {
		fmt.Fprintf(&types, "type N%d struct{ x int }\n\nfunc (n *N%d) Kind() int { return %d }\n\n", i, i, i)
		fmt.Fprintf(&made, "\tcase %d:\n\t\treturn &N%d{}\n", i, i)
		fmt.Fprintf(&cases, "\tcase *ast.N%d:\n\t\treturn %d\n", i, i)
	}
	body := func(iface string) string {
		return "(n " + iface + ") int {\n\tswitch n.(type) {\n" + cases.String() + "\t}\n\treturn -1\n}\n\n"
	}
	write(t, dir, map[string]string{
		"go.mod":     "module example.com/m\n\ngo 1.26\n",
		"ast/ast.go": "package ast\n\ntype Node interface{ Kind() int }\n\n" + types.String() + "func Make(i int) Node {\n\tswitch i {\n" + made.String() + "\t}\n\treturn nil\n}\n",
		"visit/visit.go": "package visit\n\nimport \"example.com/m/ast\"\n\nfunc Node" + body("ast.Node") + "func Any" + body("any") +
			"func Other" + body("interface{ Kind() int }"),
	})
	run(t, start(t, t.TempDir()),
		step{"%get " + dir, "example.com/m is the module"},
		step{"import (\n\"example.com/m/ast\"\n\"example.com/m/visit\"\n)\nwrong := 0\n" +
			"for i := range 24 {\n\tn := ast.Make(i)\n\tif visit.Node(n) != i || visit.Any(n) != i || visit.Other(n) != i {\n\t\twrong++\n\t}\n}\nwrong", "0"},
		step{"func kind(n ast.Node) int {\n\tswitch n.(type) {\n" + cases.String() + "\t}\n\treturn -1\n}\n" +
			"wrong = 0\nfor i := range 24 {\n\tif kind(ast.Make(i)) != i {\n\t\twrong++\n\t}\n}\nwrong", "0"},
	)
}

// Init functions of a module are code of others: they may panic, exit, or start goroutines.
func TestInitialisation(t *testing.T) {
	if !hosttest.Plain(t, hosttest.Host(t)) {
		t.Skip("where cells are plugins, packages are initialised when they are loaded")
	}
	newProxy(t)
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"go.mod":    "module example.com/m\n\ngo 1.26\n",
		"talk/t.go": "package talk\n\nimport \"fmt\"\n\nvar C = make(chan int)\n\nfunc init() {\n\tfmt.Println(\"hello\")\n\tgo func() {\n\t\tfor i := 0; ; i++ {\n\t\t\tC <- i\n\t\t}\n\t}()\n}\n",
		"boom/b.go": "package boom\n\nvar X = 1\n\nfunc init() { panic(\"no\") }\n\nfunc F() int { return X }\n",
		"user/u.go": "package user\n\nimport \"example.com/m/boom\"\n\nfunc F() int { return boom.F() }\n",
		"quit/q.go": "package quit\n\nimport \"os\"\n\nvar X = 1\n\nfunc init() { os.Exit(3) }\n",
		"wait/w.go": "package wait\n\nvar X = 1\n\nfunc init() { select {} }\n",
	})
	k := start(t, t.TempDir())
	run(t, k,
		step{"%get " + dir, "example.com/m is the module"},
		step{"import \"example.com/m/talk\"\nfmt.Println(<-talk.C, <-talk.C)", "hello\n0 1"},
		step{"import \"example.com/m/boom\"\nfunc g() int { return boom.F() }\nboom.F()", "!panic: no|boom.init.0 at " + dir + "/boom/b.go:5"},
		step{"boom.F()", "!cannot be used: its init functions"},
		step{"g()", "!undefined: g"},
		step{"import \"example.com/m/user\"\nuser.F()", "!cannot be used: its init functions"},
		step{"import \"example.com/m/quit\"\nquit.X", "!os.Exit(3)"},
		step{"<-talk.C", "2"}, // the session lives
	)
	write(t, dir, map[string]string{"boom/b.go": "package boom\n\nvar X = 1\n\nfunc init() { X = 2 }\n\nfunc F() int { return X }\n"})
	run(t, k, step{"import \"example.com/m/user\"\nuser.F()", "2"})
	time.AfterFunc(2*time.Second, func() { k.Client.Interrupt(t.Context()) })
	run(t, k,
		step{"import \"example.com/m/wait\"\nwait.X", "!interrupted"},
		step{"user.F()", "2"},
	)
}

// interleave run keeps the versions in the notebook, and uses them.
func TestNotebook(t *testing.T) {
	p := newProxy(t)
	publish := func(version string) {
		p.add("example.com/a", version, map[string]string{"go.mod": modA, "a.go": "package a\n\nconst V = \"this is " + version + "\"\n"})
	}
	publish("v1.0.0")
	dir := t.TempDir()
	write(t, dir, map[string]string{"n.ipynb": `{"cells":[{"cell_type":"code","execution_count":null,"id":"a","metadata":{},"outputs":[],` +
		`"source":"import \"example.com/a\"\nfmt.Println(a.V)"}],"metadata":{},"nbformat":4,"nbformat_minor":5}`})
	runner := toolchain.RunnerPath(toolchain.DirOf(hosttest.Host(t)))
	execute := func(in, out string) string {
		t.Helper()
		cmd := exec.Command(runner, "run", "-html", "none", "-o", filepath.Join(dir, out), filepath.Join(dir, in))
		if answers, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, answers)
		}
		b, err := os.ReadFile(filepath.Join(dir, out))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	nb := execute("n.ipynb", "first.ipynb")
	for _, want := range []string{"this is v1.0.0", `"modules"`, `"example.com/a"`, `"v1.0.0"`, `"h1:`} {
		if !strings.Contains(nb, want) {
			t.Errorf("the notebook lacks %s:\n%s", want, nb)
		}
	}
	publish("v1.1.0")
	if nb := execute("n.ipynb", "new.ipynb"); !strings.Contains(nb, "this is v1.1.0") {
		t.Errorf("without a pin the newest version is not used:\n%s", nb)
	}
	if nb := execute("first.ipynb", "again.ipynb"); !strings.Contains(nb, "this is v1.0.0") {
		t.Errorf("the pinned version is not used:\n%s", nb)
	}
}
