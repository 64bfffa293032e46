// Package magics is the table of the magics: their names, forms, arguments and what each does. %help, completion, the
// messages about unknown ones and the README are made of it. It must not know how a magic works: package engine does.
package magics

//go:generate go run ./gen

import (
	"fmt"
	"slices"
	"strings"
)

// A Magic is a command to the session.
type Magic struct {
	Name string
	Line string   // the form of a line, such as "%cd FOLDER", or empty
	Cell string   // the form that takes the rest of the cell, such as "%%time", or empty
	Help string   // what it does, as a sentence without a capital letter and a full stop
	Args []string // what completion offers behind it: words, and NAME or FILE
	Code bool     // the rest of the cell, or the argument, is Go code
}

// Usage is the form, or both forms, as help shows them.
func (m Magic) Usage() string {
	return strings.Join(slices.DeleteFunc([]string{m.Line, m.Cell}, func(s string) bool { return s == "" }), ", ")
}

// All lists the magics in the order of their names.
var All = []Magic{
	{Name: "args", Line: "%args -n 5 FILE", Args: []string{"FILE"},
		Help: "the arguments of the program that this cell is, for `os.Args` and package flag"},
	{Name: "bash", Cell: "%%bash",
		Help: "run the cell as a shell script; a status other than zero fails the cell"},
	{Name: "capture", Cell: "%%capture NAME", Code: true,
		Help: "run the cell and keep what it shows in a variable: `NAME.Stdout`, `NAME.Stderr`, `NAME.Outputs`, " +
			"`NAME.Show()`; without a name it is dropped"},
	{Name: "cd", Line: "%cd FOLDER", Args: []string{"FILE"},
		Help: "change the session's folder; without one to home, with `-` to the one before"},
	{Name: "doc", Line: "%doc NAME", Args: []string{"NAME"},
		Help: "what Shift-Tab shows of a name"},
	{Name: "engine", Line: "%engine auto|yaegi|compiled", Args: []string{"auto", "yaegi", "compiled"},
		Help: "what runs cells from now on; auto: the fastest that runs them correctly"},
	{Name: "env", Line: "%env NAME=VALUE",
		Help: "set a variable of the environment; `%env NAME` shows one, `%env` all"},
	{Name: "forget", Line: "%forget NAME…", Args: []string{"NAME"},
		Help: "forget declarations; a predeclared name such as `len`, or a package, is Go's own again; `%forget " +
			"Out` forgets results"},
	{Name: "get", Line: "%get MODULE@VERSION", Args: []string{"FILE"},
		Help: "use a version of a module; `%get ./FOLDER` uses a module on disk, `%get` lists the modules in use"},
	{Name: "help", Line: "%help",
		Help: "this list, and what every cell can use"},
	{Name: "history", Line: "%history 3-5",
		Help: "cells of this session; also `%history`, `%history 3`, and `%history -2` for the last two"},
	{Name: "html", Cell: "%%html", Help: "show the rest of the cell as HTML"},
	{Name: "load", Line: "%load FILE", Args: []string{"FILE"},
		Help: "put the text of a file into this cell, to be changed and run"},
	{Name: "markdown", Cell: "%%markdown", Help: "show the rest of the cell as Markdown"},
	{Name: "plot", Line: "%plot on|narrow|off", Args: []string{"on", "narrow", "off"},
		Help: "the timeline under cells that start goroutines, narrow for a phone; what `lab` measures is not " +
			"recorded, which would slow it"},
	{Name: "pwd", Line: "%pwd", Help: "the session's folder"},
	{Name: "reset", Line: "%reset", Help: "forget all declarations"},
	{Name: "restart", Line: "%restart",
		Help: "replace the session's process by a new one, where nothing is declared; the kernel and its settings stay"},
	{Name: "run", Line: "%run FILE", Args: []string{"FILE"},
		Help: "run the cells of a notebook, or a file with Go code, as if they stood here"},
	{Name: "svg", Cell: "%%svg", Help: "show the rest of the cell as a drawing"},
	{Name: "test", Line: "%test -run RE -bench RE -v", Cell: "%%test", Code: true,
		Args: []string{"-args", "-bench", "-benchmem", "-benchtime", "-count", "-cpu", "-failfast", "-list", "-parallel", "-run", "-short",
			"-shuffle", "-skip", "-timeout", "-v"},
		Help: "run Test, Benchmark, Example and Fuzz functions as `go test` does, with its flags: those of this " +
			"cell, or of the session if it has none"},
	{Name: "time", Line: "%time STATEMENT", Cell: "%%time", Code: true,
		Help: "run the statement, or the cell, and report how long it took"},
	{Name: "timeit", Line: "%timeit STATEMENT", Cell: "%%timeit", Code: true,
		Help: "measure by `lab.Bench`: the median time of one round with its interval, allocations, and the engine"},
	{Name: "who", Line: "%who", Help: "what is declared, where, and of which type"},
	{Name: "whos", Line: "%whos",
		Help: "the variables with their values, channels and locks with their state"},
	{Name: "writefile", Cell: "%%writefile FILE", Args: []string{"FILE"},
		Help: "write the rest of the cell to a file; `-a` adds to it"},
}

// Find returns the magic with a name.
func Find(name string) (m Magic, ok bool) {
	i, ok := slices.BinarySearchFunc(All, name, func(m Magic, name string) int { return strings.Compare(m.Name, name) })
	if !ok {
		return Magic{}, false
	}
	return All[i], true
}

// Names lists the names in their order.
func Names() (list []string) {
	for _, m := range All {
		list = append(list, m.Name)
	}
	return list
}

// Elsewhere is what to do, in Go or with this kernel, in place of magics that other kernels have: for each name,
// a sentence without a capital letter and a full stop.
var Elsewhere = map[string]string{
	"alias":       "define a function in a %%bash cell's file, or write !command",
	"alias_magic": "magics have one name each; %help lists them",
	"autoreload":  "nothing has to be reloaded: a function that is defined again is used by all code from then on",
	"bench":       "%test -bench . runs benchmarks, %timeit measures a statement, lab.Bench a function",
	"bookmark":    "%cd changes the folder, %cd - goes back",
	"colors":      "the front end has the colours: its theme changes them",
	"conda":       "Go has no environments: import a package by its path",
	"config":      "settings are magics: %engine and %plot",
	"debug":       "a failed cell shows the stack of the goroutine that failed, with its lines in cells",
	"del":         "%forget forgets a name",
	"dhist":       "%cd - goes back to the folder before",
	"dirs":        "%cd changes the folder, %cd - goes back",
	"edit":        "%load puts a file into the cell, %%writefile writes the cell to a file",
	"exit":        "%restart begins anew; the front end shuts the kernel down",
	"file":        "%%writefile writes the rest of the cell to a file",
	"go":          "run the go command with !: !go version",
	"hist":        "%history lists the cells of this session",
	"javascript":  "display.HTML shows a page with a script",
	"js":          "display.HTML shows a page with a script",
	"latex":       "display.LaTeX shows a formula",
	"load_ext":    "there are no extensions: import a package instead",
	"loadpy":      "%load puts the text of a file into this cell",
	"logstart":    "the front end keeps the cells; %history lists them",
	"ls":          "run shell commands with !: !ls",
	"lsmagic":     "%help lists all magics",
	"macro":       "a function takes the place of a macro",
	"magic":       "%help lists all magics",
	"matplotlib":  "figures need no magic: plots draws them, and a *plot.Plot as the last value is shown",
	"memit":       "%timeit reports allocations; runtime.ReadMemStats has more",
	"mprun":       "pprof.WriteHeapProfile writes where memory was allocated",
	"notebook":    "the front end saves the notebook",
	"pastebin":    "the front end shares notebooks",
	"pdb":         "a failed cell shows the stack of the goroutine that failed, with its lines in cells",
	"pdef":        "%doc shows the declaration of a name",
	"pdoc":        "%doc shows the documentation of a name",
	"pfile":       "name?? shows the source of a name",
	"pinfo":       "%doc shows what is known of a name",
	"pinfo2":      "name?? shows the source of a name",
	"pip": "import a package by its path: a module is fetched when a cell needs it; %get chooses " +
		"its version",
	"popd":            "%cd - goes back to the folder before",
	"precision":       "fmt.Printf(\"%.3f\", v) prints as many digits as you want",
	"prun":            "lab and the timeline show where time goes; runtime/pprof writes profiles",
	"psearch":         "Tab completes names; %who lists what is declared",
	"psource":         "name?? shows the source of a name",
	"pushd":           "%cd changes the folder, %cd - goes back",
	"pycat":           "run shell commands with !: !cat FILE",
	"pylab":           "figures need no magic: plots draws them, and package math is there without an import",
	"pytest":          "%test runs Test functions",
	"python":          "%%bash runs a script: python3 - <<'EOF'",
	"quickref":        "%help is the list",
	"quit":            "%restart begins anew; the front end shuts the kernel down",
	"race":            "cells are built without the race detector; go test -race has it",
	"recall":          "%history 3 prints cell 3, to be copied; consoles recall it with the arrow keys",
	"rehashx":         "run shell commands with !",
	"reload_ext":      "there are no extensions; what is defined again is used from then on",
	"rep":             "%history 3 prints cell 3, to be copied",
	"rerun":           "run the cell once more, or call a function; %run runs a file",
	"reset_selective": "%forget forgets a name",
	"save":            "%%writefile writes the rest of the cell to a file; %history prints cells",
	"sc":              "exec.Command(\"sh\", \"-c\", command).Output() has the output of a command",
	"script":          "%%bash runs the cell as a shell script",
	"sh":              "%%bash runs the cell as a shell script",
	"store":           "os.WriteFile and encoding/json or encoding/gob keep values for another session",
	"sx":              "exec.Command(\"sh\", \"-c\", command).Output() has the output of a command; !command shows it",
	"system":          "exec.Command(\"sh\", \"-c\", command).Output() has the output of a command; !command shows it",
	"tb":              "a failed cell shows its traceback",
	"tests":           "%test runs Test functions",
	"type":            "print the type of a value with fmt.Printf(\"%T\", v)",
	"unalias":         "there are no aliases; !command runs a command",
	"unload_ext":      "there are no extensions",
	"who_ls":          "%who lists what is declared",
	"writetemplate":   "text/template fills in a text, %%writefile writes one",
	"xdel":            "%forget forgets a name",
	"xmode":           "tracebacks show the lines in cells, and nothing of libraries",
}

// Help is the list as text.
func Help() string {
	width := 0
	for _, m := range All {
		width = max(width, len([]rune(m.Usage())))
	}
	var b strings.Builder
	line := func(usage, help string) {
		fmt.Fprintf(&b, "  %s%s  %s\n", usage, strings.Repeat(" ", width-len([]rune(usage))), strings.ReplaceAll(help, "`", ""))
	}
	for _, m := range All {
		line(m.Usage(), m.Help)
	}
	line("!COMMAND", "run a shell command")
	return b.String()
}

// Markdown is the list as a table.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| | |\n|---|---|\n")
	for _, m := range All {
		var forms []string
		for _, f := range []string{m.Line, m.Cell} {
			if f != "" {
				forms = append(forms, "`"+strings.ReplaceAll(f, "|", `\|`)+"`")
			}
		}
		fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(forms, ", "), m.Help)
	}
	b.WriteString("| `!COMMAND` | run a shell command |\n")
	return b.String()
}

// The lines of a document between which the table stands.
const (
	Begin = "<!-- magics: go generate writes this table -->\n"
	End   = "<!-- end of magics -->\n"
)

// Into returns a document with the present table between Begin and End.
func Into(document string) (string, error) {
	before, rest, ok := strings.Cut(document, Begin)
	_, after, ended := strings.Cut(rest, End)
	if !ok || !ended {
		return "", fmt.Errorf("the document has no lines %q and %q", strings.TrimSpace(Begin), strings.TrimSpace(End))
	}
	return before + Begin + "\n" + Markdown() + "\n" + End + after, nil
}
