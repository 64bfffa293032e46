package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"interleave/kernel/cell"
	"interleave/kernel/cell/source"
	"interleave/kernel/engine/backend"
	"interleave/kernel/engine/rt"
	"interleave/kernel/engine/symbols/rows"
	"interleave/kernel/modules"
	"interleave/kernel/session"
)

// hostModules are the modules that this program contains, with their versions.
func hostModules() map[string]string {
	all := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			all[m.Path] = m.Version
		}
	}
	return all
}

// fetch makes the packages of modules available that code imports.
func (x *execution) fetch(text string) error {
	if !strings.Contains(text, "import") {
		return nil
	}
	fset := token.NewFileSet()
	src, diags := source.Parse(fset, x.cell.N, text)
	if src == nil || len(diags) > 0 {
		return nil // the check says what is wrong
	}
	var paths []string
	at := map[string]source.Diagnostic{}
	for _, im := range src.Imports {
		path, err := strconv.Unquote(im.Path.Value)
		if err != nil || path == "C" || x.e.packages.Allowed(path) || slices.Contains(paths, path) {
			continue
		}
		if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") && !x.e.modules.Local(path) {
			continue
		}
		d := source.Diagnostic{Cell: x.cell.N, Kind: source.TypeError, Explained: true}
		d.Line, d.Column = src.Position(im.Path.Pos())
		at[path] = d
		paths = append(paths, path)
	}
	if len(paths) == 0 {
		return nil
	}
	_, err := x.add(paths, nil)
	var failed *modules.Error
	if !errors.As(err, &failed) {
		return err
	}
	d := at[paths[0]]
	for _, p := range paths { // the one that the message is about
		if strings.Contains(failed.Message, p) {
			d = at[p]
			break
		}
	}
	d.Message, d.Hint = failed.Message, failed.Remedy
	return source.Diagnostics{d}.WithExcerpts(x.cell.N, func(int) string { return text })
}

// add makes packages and versions of modules available, and shows what is being done.
func (x *execution) add(paths, versions []string) (modules.Change, error) {
	p := x.newProgress("modules: ")
	c, err := x.e.modules.Add(x.ctx, paths, versions, p.report)
	var lines []string
	for _, m := range c.Modules {
		switch {
		case m.Dir != "":
			lines = append(lines, m.Path+" in "+m.Dir)
		case m.Direct:
			lines = append(lines, m.Path+" "+m.Version)
		}
	}
	if more := len(c.Modules) - len(lines); more > 0 && len(lines) > 0 {
		lines[len(lines)-1] += fmt.Sprintf(" (and %s that it needs)", plural(more, "module"))
	}
	for _, m := range c.Modules {
		if m.Wanted != "" && m.Wanted != m.Version {
			lines = append(lines, fmt.Sprintf("%s %s is asked for; the kernel contains %s, which "+
				"is used", m.Path, m.Wanted, m.Version))
		}
	}
	if err != nil {
		lines = []string{"modules: nothing was added"}
	}
	p.end(strings.Join(lines, "\n"), err != nil)
	return c, err
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// refresh compiles modules on disk that have been edited.
func (x *execution) refresh() {
	p := x.newProgress("")
	before := x.e.modules.Edit()
	changed, err := x.e.modules.Refresh(x.ctx, p.report)
	if changed {
		x.e.scope.Changed()
	}
	text := ""
	if n := x.e.modules.Edit(); n != before {
		text = "the edited module was compiled again"
		if old := x.e.scope.Using(x.e.modules.Former); len(old) > 0 {
			const most = 8
			more := ""
			if len(old) > most {
				more, old = fmt.Sprintf(" and %d more", len(old)-most), old[:most]
			}
			text += "; " + strings.Join(old, ", ") + more + ": its former code, until their cells run again"
		}
	} else if changed {
		text = "the edited module does not compile"
	}
	p.end(text, false)
	if err != nil {
		x.e.cfg.Log.Info("modules on disk were not compiled again", "error", err)
	}
}

// broken returns why a cell cannot run that imports a module on disk which does not compile now.
func (x *execution) broken(p *cell.Plan) error {
	for _, path := range p.Bound {
		if x.e.compiled.Uninitialised(path) {
			return source.Diagnostics{{Cell: x.cell.N, Kind: source.TypeError, Explained: true,
				Message: modules.Original(path) + " cannot be used: its init functions, or those of a package that it imports, " +
					"did not come to their end",
				Hint: "Restart the kernel; a module on disk can be corrected in place"}}
		}
		var failed *modules.Error
		if errors.As(x.e.modules.Broken(path), &failed) {
			return source.Diagnostics{{Cell: x.cell.N, Kind: source.TypeError, Explained: true,
				Message: modules.Original(path) + " does not compile as it is on disk " +
					"now:\n" + failed.Message, Hint: failed.Remedy}}
		}
	}
	return nil
}

// initialise initialises packages of modules where no cell runs.
func (e *Engine) initialise() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("a package of a module panics when it is initialised: %s", panicText(v))
		}
	}()
	e.compiled.Initialise()
	return nil
}

// dropUninitialised forgets what uses packages whose initialisation failed.
func (x *execution) dropUninitialised() {
	e := x.e
	names := slices.DeleteFunc(e.scope.Using(e.compiled.Uninitialised), func(name string) bool { return strings.Contains(name, ".") })
	if len(names) == 0 {
		return
	}
	e.checking.Lock()
	p, err := e.scope.Forget(x.cell.N, names)
	e.checking.Unlock()
	if err != nil {
		return
	}
	if f, _, err := e.load(x.run, p, ""); err == nil {
		f()
		x.notes([]string{"forgotten, since a package that it uses was not initialised: " + strings.Join(names, ", ")})
	}
}

// A progress is one line about what is being done, in a display that is updated in place.
type progress struct {
	x     *execution
	head  string
	id    string
	mu    sync.Mutex
	shown bool
	last  time.Time
}

var progressCount int

func (x *execution) newProgress(head string) *progress {
	progressCount++
	return &progress{x: x, head: head, id: fmt.Sprintf("modules-%d-%d-%d", os.Getpid(), x.cell.N, progressCount)}
}

// progressEvery is the shortest time between two lines.
const progressEvery = 100 * time.Millisecond

func (p *progress) report(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		p.show(p.head + text + " …")
	}
}

// end shows what remains under the cell, if anything was shown before or it is not only about that.
func (p *progress) end(text string, onlyAfter bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if text != "" && !onlyAfter || p.shown {
		p.show(text)
	}
}

func (p *progress) show(text string) {
	quoted, err := json.Marshal(text)
	if err != nil || p.x.quiet || p.x.cell.Silent {
		return
	}
	p.x.e.out.Emit(session.Display{Cell: p.x.cell.ID, ID: p.id, Update: p.shown,
		Data: session.Bundle{"text/plain": quoted}, Metadata: session.Bundle{}})
	p.shown = true
}

// get is %get: it lists modules, asks for versions, or makes a folder known.
func (x *execution) get(s source.Segment) {
	args := strings.Fields(s.Args)
	if len(args) > 0 && (args[0] == "-pin" || args[0] == "-pins") {
		x.pins(s, args[0], strings.TrimSpace(strings.TrimPrefix(s.Args, args[0])))
		return
	}
	if len(args) == 0 {
		x.listModules()
		return
	}
	refuse := func(err error) {
		var failed *modules.Error
		switch {
		case errors.As(err, &failed):
			x.refuse(s, "%get "+s.Args+": "+failed.Message, failed.Remedy)
		case x.ctx.Err() != nil:
			x.interruptedBetween()
		default:
			x.refuse(s, "%get "+s.Args+": "+err.Error(), "")
		}
	}
	var versions []string
	for _, a := range args {
		a = unquoted(a)
		if isFolder(a) {
			path, err := x.e.modules.Use(home(a))
			if err != nil {
				refuse(err)
				return
			}
			if dir, err := filepath.Abs(home(a)); err == nil {
				x.print("%s is the module in %s\n", path, dir)
			}
			continue
		}
		path, _, _ := strings.Cut(a, "@")
		if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
			x.refuse(s, fmt.Sprintf("%%get %s: %s is no path of a module, such as github.com/google/uuid", s.Args, path),
				"A folder is written %get ./"+path)
			return
		}
		versions = append(versions, a)
	}
	if len(versions) == 0 {
		return
	}
	c, err := x.add(nil, versions)
	if err != nil {
		refuse(err)
		return
	}
	if len(c.Modules) == 0 {
		x.listModules()
	}
}

func isFolder(arg string) bool {
	return arg == "." || arg == ".." || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") ||
		strings.HasPrefix(arg, "~") || filepath.IsAbs(arg)
}

func (x *execution) listModules() {
	list := x.e.modules.List()
	if len(list) == 0 {
		x.print("No cell has imported a module. Write import \"github.com/google/uuid\", or %%get module@version.\n")
		return
	}
	for _, m := range list {
		where := m.Version
		if m.Dir != "" {
			where = "in " + m.Dir
		}
		more := ""
		if !m.Direct {
			more = " (needed by others)"
		}
		if m.Wanted != "" && m.Wanted != m.Version {
			more += fmt.Sprintf(" (the kernel's own; %s is asked for)", m.Wanted)
		}
		x.print("%s %s%s\n", m.Path, where, more)
	}
}

// pins is how interleave run keeps versions in a notebook: -pin sets some, one a line, -pins lists them.
func (x *execution) pins(s source.Segment, what, text string) {
	if what == "-pins" {
		for _, m := range x.e.modules.List() {
			if m.Dir == "" && m.Version != "" {
				x.print("%s\n", m.Pin)
			}
		}
		return
	}
	if err := x.e.pin(text); err != nil {
		x.refuse(s, "%get -pin: "+err.Error(), "Write %get -pin module@version h1:sum, …")
	}
}

// pin takes pins that are separated by commas. If one is not right, it takes none.
func (e *Engine) pin(text string) error {
	var pins []modules.Pin
	for one := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		p, err := modules.ParsePin(one)
		if err != nil {
			return err
		}
		pins = append(pins, p)
	}
	e.modules.Pin(pins...)
	return nil
}

// errNoTable is why the interpreter does not call a package where the compiler may.
var errNoTable = errors.New("the compiler calls it")

// moduleTable returns the symbols of a package of a module for the interpreter. They are in a package that is
// written, compiled and loaded for that, once in a session; so only where the compiler may not run the cell.
func (e *Engine) moduleTable(path string) (map[string]reflect.Value, error) {
	if e.mode != backend.Yaegi {
		return nil, errNoTable
	}
	if t := rt.TableOf(path); t != nil {
		return t, nil
	}
	e.checking.Lock()
	p, err := e.packages.Import(path)
	e.checking.Unlock()
	if err != nil {
		return nil, err
	}
	e.tableCount++
	src := fmt.Sprintf("package cell\n\nimport (\n\t\"reflect\"\n\n\trt \"interleave/kernel/engine/rt\"\n\tpkg "+
		"%q\n)\n\n"+
		"func init() {\n\trt.ProvideTable(%q, map[string]reflect.Value{\n%s\t})\n}\n", path, path, rows.Of(p, "pkg"))
	if err := e.compiled.Extra(context.Background(), fmt.Sprintf("t%d", e.tableCount), src, []string{"reflect", "interleave/kernel/engine/rt", path}); err != nil {
		return nil, err
	}
	return rt.TableOf(path), nil
}
