package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"interleave/kernel/cell/hint"
	"interleave/kernel/cell/source"
	"interleave/kernel/engine/backend"
	"interleave/kernel/engine/rt"
	"interleave/kernel/session"
	"interleave/runtime/host"
	"interleave/runtime/quantity"
)

// A magic is a command to the session itself. Magics with body take the rest of the cell.
type magic struct {
	usage string
	help  string
	body  bool
	run   func(x *execution, s source.Segment)
}

var magics map[string]magic

func init() { // in init, because magics refer to themselves: %help lists them
	magics = map[string]magic{
		"help": {"%help", "this list", false, (*execution).help},
		"engine": {"%engine auto|yaegi|compiled",
			"choose the engine that runs cells; auto: the fastest that runs them correctly", false, (*execution).engine},
		"get": {"%get module@version", "use a version of a module; %get ./folder: a module on disk; %get alone lists the modules",
			false, (*execution).get},
		"cd":        {"%cd folder", "change the folder; without one to home, with - to the one before", false, (*execution).cd},
		"doc":       {"%doc name", "what is known of a name, as Shift-Tab shows it", false, (*execution).doc},
		"env":       {"%env NAME=value", "set a variable of the environment; also %env NAME and %env", false, (*execution).env},
		"history":   {"%history 3-5", "cells of this session; also %history, %history 3 and %history -2", false, (*execution).history},
		"html":      {"%%html", "show the rest of the cell as HTML", true, shown("text/html")},
		"markdown":  {"%%markdown", "show the rest of the cell as Markdown", true, shown("text/markdown")},
		"pwd":       {"%pwd", "the present folder", false, (*execution).pwd},
		"run":       {"%run file", "run the cells of a notebook, or a file with Go code, as if they stood here", false, (*execution).runFile},
		"svg":       {"%%svg", "show the rest of the cell as a drawing", true, shown("image/svg+xml")},
		"whos":      {"%whos", "list the variables with their values in short", false, (*execution).whos},
		"writefile": {"%%writefile file", "write the rest of the cell to a file; -a adds to it", true, (*execution).writefile},
		"who":       {"%who", "list all declarations", false, (*execution).who},
		"forget": {"%forget name …", "forget the declarations with these names; hidden built-ins and packages are restored",
			false, (*execution).forget},
		"reset": {"%reset", "forget all declarations", false, (*execution).reset},
		"plot": {"%plot on|narrow|off", "draw a timeline under each cell that starts goroutines; narrow for a phone",
			false, (*execution).plot},
		"timeit": {"%%timeit",
			"time and allocations of a round of the cell's statements, as go test -bench has them; also %timeit statement",
			true, (*execution).timeit},
		"args": {"%args -n 5 file", "the arguments of the program that the cell is: os.Args, and flags of package flag",
			false, (*execution).args},
		"test": {testUsage, "run Test, Benchmark, Example and Fuzz functions of this cell, or of the session; also %%test",
			false, (*execution).testBelow},
		"time": {"%%time", "run the cell and report how long it took", true, (*execution).time},
		"bash": {"%%bash", "run the cell as a shell script; a status other than zero fails the cell",
			true, (*execution).script},
	}
}

func (x *execution) print(format string, args ...any) {
	x.e.out.Output(x.cell.ID, session.Stdout, fmt.Appendf(nil, format, args...))
}

func (x *execution) magic(s source.Segment) {
	if m, ok := x.lookup(s); ok {
		if !m.body {
			s.Args = x.expand(s.Args)
		}
		m.run(x, s)
	}
}

// lookup returns a magic, or fails the cell.
func (x *execution) lookup(s source.Segment) (m magic, ok bool) {
	m, ok = magics[s.Name]
	sign := "%"
	if s.Kind == source.CellMagic {
		sign = "%%"
	}
	switch {
	case !ok:
		remedy := "%help lists all magics"
		if n := hint.Nearest(s.Name, slices.Sorted(maps.Keys(magics))); n != "" {
			remedy = "Did you mean " + strings.Fields(magics[n].usage)[0] + "? " + remedy
		}
		if h := elsewhere[s.Name]; h != "" {
			remedy = h
		}
		x.refuse(s, fmt.Sprintf("there is no magic %s%s", sign, s.Name), remedy)
	case m.body != (s.Kind == source.CellMagic) && s.Name != "timeit" && s.Name != "test": // these have both forms
		x.refuse(s, fmt.Sprintf("%s%s is not a magic", sign, s.Name), "Write "+m.usage+": "+m.help)
	default:
		return m, true
	}
	return m, false
}

// elsewhere lists how to do in Go, or with this kernel, what magics of other kernels do.
var elsewhere = map[string]string{
	"bench":           "%test -bench . runs benchmarks, %%timeit measures statements, lab.Bench a function",
	"ls":              "run shell commands with !: !ls",
	"pip":             "cells use the standard library, lab, display, timeline, plots and gonum's plot; nothing is installed",
	"go":              "run the go command with !: !go version",
	"type":            "print the type of a value with fmt.Printf(\"%T\", v)",
	"del":             "%forget forgets a name",
	"reset_selective": "%forget forgets a name",
	"matplotlib":      "figures need no magic: plots draws them, and a *plot.Plot as the last value is shown",
	"sh":              "%%bash runs the cell as a shell script",
	"script":          "%%bash runs the cell as a shell script",
}

// refuse fails the cell because of a magic.
func (x *execution) refuse(s source.Segment, message, hint string) {
	d := source.Diagnostic{Cell: x.cell.N, Line: s.Line, Column: 1, Kind: source.MagicError, Message: message, Hint: hint}
	x.failed(&failure{name: session.FailureMagic, value: d.String() + " (" + hint + ")", lines: source.Diagnostics{d}.Render()})
}

func (x *execution) help(source.Segment) {
	var b strings.Builder
	b.WriteString("Magics:\n")
	for _, n := range slices.Sorted(maps.Keys(magics)) {
		fmt.Fprintf(&b, "  %-28s %s\n", magics[n].usage, magics[n].help)
	}
	fmt.Fprintf(&b, "  %-28s %s\n", "!command", "run a shell command")
	b.WriteString(`
In every cell, without an import:
  ctx       the cell's context: cancelled when the cell is interrupted
  lab       Go, Gather, GatherAll, WaitFor, Sleep, pools, queues, locks …
  display   HTML, Markdown, SVG, PNG, JSON, and outputs that are updated
  timeline  what goroutines and cores did, as data
  plots     the figures, and gonum.org/v1/plot for your own
  …         and the standard library: write strings.ToUpper, the import is made

A cell holds declarations and statements in any order. x := 1 declares a variable of the
session. The value of the last expression is shown; a semicolon at the end hides it.
Anything may be defined again: code that uses it sees the new definition.
`)
	x.print("%s", b.String())
}

func (x *execution) engine(s source.Segment) {
	if s.Args != "" {
		mode, err := backend.ParseMode(s.Args)
		if err != nil {
			remedy := "Write %engine auto, %engine yaegi or %engine compiled"
			if n := hint.Nearest(s.Args, backend.Modes); n != "" {
				remedy = "Did you mean %engine " + n + "?"
			}
			x.refuse(s, err.Error(), remedy)
			return
		}
		x.e.mode = mode
		x.e.note(x.cell)
	}
	more := ""
	if err := x.e.compiled.Missing; err != nil {
		more = " (cells cannot be compiled here: " + err.Error() + ")"
	}
	x.print("engine: %s%s\n", x.e.mode, more)
}

func (x *execution) plot(s source.Segment) {
	switch s.Args {
	case "on", "narrow", "off":
		x.e.plot, x.e.narrow = s.Args != "off", s.Args == "narrow"
		x.e.note(x.cell)
	case "":
	default:
		x.refuse(s, fmt.Sprintf("%%plot %s: on, narrow or off?", s.Args), "Write %plot on, %plot narrow or %plot off")
		return
	}
	state := map[bool]string{true: "on", false: "off"}[x.e.plot]
	if x.e.narrow {
		state = "narrow"
	}
	x.print("plot: %s\n", state)
}

// note records settings for a session that must be started again.
func (e *Engine) note(c session.Cell) {
	b, err := json.Marshal(record{N: c.N, Mode: e.mode, Plot: e.plot, Narrow: e.narrow, Setting: true})
	if err == nil {
		e.out.Record(c.ID, b)
	}
}

func (x *execution) who(source.Segment) {
	symbols := x.e.scope.Symbols()
	if len(symbols) == 0 {
		x.print("Nothing is declared.\n")
		return
	}
	width, cells := 4, 0
	for _, s := range symbols {
		width, cells = max(width, len([]rune(s.Name))), max(cells, len(fmt.Sprintf("cell[%d]", s.Cell)))
	}
	for _, s := range symbols {
		note := ""
		if s.Note != "" {
			note = "  (" + s.Note + ")"
		}
		t := s.Type
		if r := []rune(t); len(r) > 70 {
			t = string(r[:69]) + "…"
		}
		x.print("%-*s  %-6s  %-*s  %s%s\n", width, s.Name, s.Kind, cells, fmt.Sprintf("cell[%d]", s.Cell), t, note)
	}
}

// forget removes names from the session. Definitions that depend on them may have to be compiled.
func (x *execution) forget(s source.Segment) {
	names := strings.FieldsFunc(s.Args, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if len(names) == 0 {
		x.refuse(s, "%forget: which names?", "Write %forget x y; %reset forgets everything")
		return
	}
	x.e.checking.Lock()
	p, err := x.e.scope.Forget(x.cell.N, names)
	x.e.checking.Unlock()
	if err != nil {
		x.failed(diagnosed(err))
		return
	}
	f, _, err := x.e.load(x.run, p, "")
	if err != nil {
		x.failed(x.e.buildFailed(err))
		return
	}
	f() // no user code: it puts newer definitions in place
	x.notes(p.Notices)
}

// reset forgets all declarations. It removes the files of compiled cells, and frees the variables' memory
// unless a goroutine of an earlier cell may still use it. The cells' code stays in memory until the session
// process ends.
func (x *execution) reset(source.Segment) {
	e := x.e
	host.ReceiveComm(host.Comm{Op: host.CommReset})
	e.forget()
	e.out.Forget()
	b, err := json.Marshal(record{N: x.cell.N, Mode: e.mode, Plot: e.plot, Narrow: e.narrow, Reset: true})
	if err == nil {
		e.out.Record(x.cell.ID, b)
	}
	if err := e.tools.Forget(e.cfg.WorkDir); err != nil {
		e.cfg.Log.Error("remove the files of forgotten cells", "err", err)
	}
	running := goroutinesOfCells()
	for i := 0; running > 0 && i < 50; i++ { // goroutines of the last cell may be about to end
		time.Sleep(time.Millisecond)
		running = goroutinesOfCells()
	}
	if running > 0 {
		x.print("Everything that was declared is forgotten. %s, so the memory of all variables is kept: restart the kernel to free it.%s\n",
			livingOfCells(), e.keptCode())
		return
	}
	rt.Forget()
	x.print("Everything that was declared is forgotten.%s\n", e.keptCode())
}

// keptCode reports how much code of compiled cells cannot be freed, since a value, a finalizer or a timer may
// still lead to it.
func (e *Engine) keptCode() string {
	if e.compiled.Opened() == 0 {
		return ""
	}
	return fmt.Sprintf(" The code of %s stays in memory.", quantity.Plural(e.compiled.Opened(), "compiled cell"))
}

func (x *execution) time(s source.Segment) {
	began, before := time.Now(), cpuTime()
	x.segments(source.Segments(s.Text))
	wall, cpu := time.Since(began), cpuTime()-before
	engine := x.done.Engine
	if engine == "" {
		engine = "none"
	}
	x.print("wall %s · CPU %s · engine %s · building included\n", quantity.Duration(wall), quantity.Duration(cpu), engine)
}

// timeit measures statements as a benchmark does. It does not record them, because recording would slow them.
func (x *execution) timeit(s source.Segment) {
	text := s.Text
	if s.Kind == source.LineMagic {
		text = strings.Repeat("\n", s.Line-1) + s.Args
	} else if s.Args != "" {
		x.refuse(s, "%%timeit "+s.Args+": there are no options", "It measures for a second; lab.Bench takes options")
		return
	}
	if strings.TrimSpace(text) == "" {
		x.refuse(s, "there is nothing to measure", "Write statements below %%timeit, or one behind %timeit")
		return
	}
	plot := x.e.plot
	x.e.plot = false
	x.code(source.Timed(text, s.Line))
	x.e.plot = plot
	if x.done.OK && !x.e.plain {
		x.notes([]string{gatedCode + " than with go test -bench"})
	}
}

const gatedCode = "code of cells is gated here: loops and calls may take longer"

// doubt returns why code that an engine has run may take longer than in plain Go.
func (e *Engine) doubt(engine string) string {
	if e.plain || engine != backend.Compiled.String() {
		return ""
	}
	return gatedCode + " than in plain Go"
}

// shell runs a line's command. A status other than zero is reported, and the cell continues.
func (x *execution) shell(command string) {
	if exit := x.command(command); exit != nil {
		x.e.out.Output(x.cell.ID, session.Stderr, []byte(exit.Error()+"\n"))
	}
}

// script runs the rest of the cell. A status other than zero, which is that of its last command, fails the
// cell.
func (x *execution) script(s source.Segment) {
	if exit := x.command(s.Text); exit != nil {
		x.failed(&failure{name: session.FailureShell, value: "the script ended with " + exit.Error()})
	}
}

// command runs a command with the user's shell. Its output belongs to the cell. It returns how the command
// failed, unless it was interrupted.
func (x *execution) command(command string) *exec.ExitError {
	if strings.TrimSpace(command) == "" {
		return nil
	}
	sh := "sh"
	if _, err := exec.LookPath("bash"); err == nil {
		sh = "bash"
	}
	cmd := exec.CommandContext(x.ctx, sh, "-c", command)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 2 * time.Second
	err := cmd.Run()
	if x.ctx.Err() != nil {
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		x.failed(&failure{name: session.FailureInterrupted, value: "the command was interrupted", interrupted: true})
		return nil
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		x.failed(&failure{name: session.FailureShell, value: err.Error()})
	}
	return exit
}
