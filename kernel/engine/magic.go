package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
	"unicode"

	"interleave/kernel/cell/hint"
	"interleave/kernel/cell/source"
	"interleave/kernel/engine/backend"
	"interleave/kernel/engine/magics"
	"interleave/kernel/engine/rt"
	"interleave/kernel/session"
	"interleave/runtime/host"
	"interleave/runtime/quantity"
)

// runs is how each magic of the table works.
var runs map[string]func(x *execution, s source.Segment)

func init() { // in init, because magics refer to the table: %run runs others
	runs = map[string]func(x *execution, s source.Segment){
		"args":      (*execution).args,
		"bash":      (*execution).script,
		"capture":   (*execution).capture,
		"cd":        (*execution).cd,
		"doc":       (*execution).doc,
		"engine":    (*execution).engine,
		"env":       (*execution).env,
		"forget":    (*execution).forget,
		"get":       (*execution).get,
		"help":      (*execution).help,
		"history":   (*execution).history,
		"html":      shown("text/html"),
		"load":      (*execution).loadFile,
		"markdown":  shown("text/markdown"),
		"plot":      (*execution).plot,
		"pwd":       (*execution).pwd,
		"reset":     (*execution).reset,
		"restart":   (*execution).restart,
		"run":       (*execution).runFile,
		"svg":       shown("image/svg+xml"),
		"test":      (*execution).testBelow,
		"time":      (*execution).time,
		"timeit":    (*execution).timeit,
		"who":       (*execution).who,
		"whos":      (*execution).whos,
		"writefile": (*execution).writefile,
	}
}

func (x *execution) print(format string, args ...any) {
	x.e.out.Output(x.cell.ID, session.Stdout, fmt.Appendf(nil, format, args...))
}

func (x *execution) magic(s source.Segment) {
	if x.known(s) {
		if s.Kind == source.LineMagic {
			if m, _ := magics.Find(s.Name); !m.Code || s.Name == "test" {
				s.Args = x.expand(s.Args)
			}
		}
		runs[s.Name](x, s)
	}
}

// known reports whether a magic exists in the form that is used, or fails the cell.
func (x *execution) known(s source.Segment) bool {
	m, ok := magics.Find(s.Name)
	sign, form := "%", m.Line
	if s.Kind == source.CellMagic {
		sign, form = "%%", m.Cell
	}
	switch {
	case !ok || runs[s.Name] == nil:
		remedy := "%help lists all magics"
		if n := hint.Nearest(s.Name, magics.Names()); n != "" {
			near, _ := magics.Find(n)
			remedy = "Did you mean " + strings.Fields(near.Usage())[0] + "? " + remedy
		}
		if h := magics.Elsewhere[s.Name]; h != "" {
			remedy = h
		}
		x.refuse(s, fmt.Sprintf("there is no magic %s%s", sign, s.Name), remedy)
	case form == "":
		x.refuse(s, fmt.Sprintf("%s%s is not a magic", sign, s.Name), "Write "+m.Usage()+": "+strings.ReplaceAll(m.Help, "`", ""))
	default:
		return true
	}
	return false
}

// refuse fails the cell because of a magic.
func (x *execution) refuse(s source.Segment, message, hint string) {
	d := source.Diagnostic{Cell: x.cell.N, Line: s.Line, Column: 1, Kind: source.MagicError, Message: message, Hint: hint}
	x.failed(&failure{name: session.FailureMagic, value: d.String() + " (" + hint + ")", lines: source.Diagnostics{d}.Render()})
}

func (x *execution) help(source.Segment) {
	var b strings.Builder
	b.WriteString("Magics:\n" + magics.Help())
	fmt.Fprintf(&b, "  %-28s %s\n", "name? and name??", "what is known of a name, and its source")
	b.WriteString(`
In every cell, without an import:
  ctx       the cell's context: cancelled when the cell is interrupted
  lab       Go, Gather, GatherAll, WaitFor, Sleep, pools, queues, locks …
  display   HTML, Markdown, SVG, PNG, JSON, and outputs that are updated
  timeline  what goroutines and cores did, as data
  plots     the figures, and gonum.org/v1/plot for your own
  …         and the standard library: write strings.ToUpper, the import is made

Out[3] and _3 are the value that cell 3 has shown, with its type; _, __ and ___ the last ones.
In[3] is the text of cell 3. Out[i] and In[i] are entries of a map[int]any and a map[int]string.

fmt.Scan, bufio.Scanner, display.Input and whatever reads standard input ask you for a line; a
line of ^D alone ends the input.

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
		x.refuse(s, "%forget: which names?", "Write %forget x y; %forget Out for results; %reset forgets everything")
		return
	}
	if i := slices.Index(names, "Out"); i >= 0 && !x.e.declared("Out") {
		x.e.forgetResults()
		if names = slices.Delete(names, i, i+1); len(names) == 0 {
			return
		}
	}
	x.e.checking.Lock()
	p, err := x.e.scope.Forget(x.cell.N, names)
	x.e.checking.Unlock()
	if err != nil {
		if ds, ok := errors.AsType[source.Diagnostics](err); ok {
			for i := range ds {
				if ds[i].Cell == x.cell.N && ds[i].Line == 0 {
					ds[i].Line, ds[i].Column = s.Line, 1
				}
			}
		}
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

// restart asks for a new session process, which finds no declarations.
func (x *execution) restart(source.Segment) {
	e := x.e
	e.out.Forget()
	e.note(x.cell)
	x.done.Replace = "%restart asked for it, and everything that was declared is forgotten"
}

// keptCode reports how much code of compiled cells cannot be freed, since a value, a finalizer or a timer may
// still lead to it.
func (e *Engine) keptCode() string {
	if e.compiled.Opened() == 0 {
		return ""
	}
	return fmt.Sprintf(" The code of %s stays in memory.", quantity.Plural(e.compiled.Opened(), "compiled cell"))
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
	cmd, err := shellCommand(x.ctx, command)
	if err != nil {
		x.failed(&failure{name: session.FailureShell, value: err.Error()})
		return nil
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if x.diverting != nil {
		cmd.Stdout, cmd.Stderr = stream{x, session.Stdout}, stream{x, session.Stderr}
	}
	cmd.Cancel = func() error { return interruptShell(cmd) }
	cmd.WaitDelay = 2 * time.Second
	err = cmd.Run()
	if x.ctx.Err() != nil {
		if cmd.Process != nil {
			killShell(cmd)
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

// A stream writes to one of the cell's streams.
type stream struct {
	x    *execution
	name session.Stream
}

func (s stream) Write(p []byte) (int, error) {
	s.x.e.out.Output(s.x.cell.ID, s.name, p)
	return len(p), nil
}
