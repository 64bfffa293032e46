// Package modules finds, fetches and compiles the modules that cells import. A session has a module of its own,
// in its working folder, whose go.mod requires what cells have imported so far; the go command does the rest. It
// must not know what a cell is, nor how packages are linked.
package modules

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"interleave/kernel/toolchain"
)

// A Config configures a Session.
type Config struct {
	Tools   *toolchain.Toolchain
	WorkDir string            // where cells are built; the session's module is in a folder of it
	Kernel  map[string]string // modules that the host contains, with their versions
}

// A Session has the modules of one session. A session that takes the place of another in the same WorkDir
// continues with its modules. Its methods may be called from several goroutines.
type Session struct {
	cfg Config
	dir string

	mu     sync.Mutex
	pins   map[string]Pin    // by path of the module
	locals map[string]*local // modules on disk, by path
	edits  edits
	asked  map[string]bool // modules that %get has asked for
}

// A Pin is a version of a module, with the sum of its content.
type Pin struct {
	Path, Version string
	Sum           string // "h1:…", or empty if unknown
}

// String returns the form that ParsePin reads: github.com/google/uuid@v1.6.0 h1:….
func (p Pin) String() string { return strings.TrimSpace(p.Path + "@" + p.Version + " " + p.Sum) }

// ParsePin reads a pin.
func ParsePin(text string) (p Pin, err error) {
	at, sum, _ := strings.Cut(strings.TrimSpace(text), " ")
	path, version, ok := strings.Cut(at, "@")
	if !ok || module.CheckPath(path) != nil || !semver.IsValid(version) {
		return Pin{}, fmt.Errorf("%q is not a module with its version, as github.com/google/uuid@v1.6.0 is", text)
	}
	return Pin{path, version, strings.TrimSpace(sum)}, nil
}

// New returns the modules of a session, with those of an earlier session in the same WorkDir.
func New(c Config) *Session {
	s := &Session{cfg: c, dir: filepath.Join(c.WorkDir, "module"), asked: map[string]bool{}, pins: map[string]Pin{}, locals: map[string]*local{}}
	c.Tools.Resume(c.WorkDir)
	s.resumeLocals()
	return s
}

// A Module is one that cells can import.
type Module struct {
	Pin
	Dir    string // where it is, if it is one on disk
	Wanted string // the version that other modules ask for, if the kernel's own is used instead
	Direct bool   // a cell imports it or %get asked for it
}

// Pin makes Add choose these versions, of all modules in pins.
func (s *Session) Pin(pins ...Pin) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range pins {
		s.pins[p.Path] = p
	}
}

// A Change is what Add has done.
type Change struct {
	Modules []Module // that the session has not had before
}

// Add makes packages available to cells, given by their import paths: it finds their modules, in the pinned
// version if there is a pin, otherwise in the newest, fetches and compiles them. versions, which may be empty,
// asks for versions of modules, as in go get: module@version. report is called with one line about what is being
// done, from other goroutines, before Add returns. When Add fails nothing has changed; the error is an *Error,
// or the cause of ctx.
func (s *Session) Add(ctx context.Context, paths, versions []string, report func(string)) (Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.begin()
	if err != nil {
		return Change{}, err
	}
	defer t.end()
	c, err := t.add(ctx, paths, versions, report)
	if err != nil {
		return Change{}, t.explain(err, append(slices.Clone(paths), versions...))
	}
	t.done = true
	return c, nil
}

// A transaction changes the files of the session's module, or leaves them as they were.
type transaction struct {
	*Session
	old  map[string][]byte // name → content; nil for a file that did not exist
	want map[string]bool   // import paths that cells have asked for
	done bool
}

var files = []string{"go.mod", "go.sum", importsFile}

// importsFile is the only Go file of the session's module. It imports what cells have imported, so that the go
// command knows which modules are needed, and changes the version of none that is there.
const importsFile = "imports.go"

func (s *Session) begin() (*transaction, error) {
	t := &transaction{Session: s, old: map[string][]byte{}, want: map[string]bool{}}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		t.old[name] = b
	}
	if b := t.old[importsFile]; b != nil {
		f, err := parser.ParseFile(token.NewFileSet(), importsFile, b, parser.ImportsOnly)
		if err != nil {
			return nil, err
		}
		for _, im := range f.Imports {
			if path, err := strconv.Unquote(im.Path.Value); err == nil {
				t.want[Original(path)] = true
			}
		}
	}
	return t, nil
}

// end takes back what was written, unless all is done.
func (t *transaction) end() {
	if t.done {
		return
	}
	for name, b := range t.old {
		if b == nil {
			os.Remove(filepath.Join(t.dir, name))
		} else {
			t.write(name, b)
		}
	}
}

func (t *transaction) write(name string, b []byte) error {
	return os.WriteFile(filepath.Join(t.dir, name), b, 0o600)
}

func (t *transaction) add(ctx context.Context, paths, versions []string, report func(string)) (c Change, err error) {
	if err := t.inLocals(paths); err != nil {
		return c, err
	}
	before := t.modules()
	for _, p := range paths {
		t.want[p] = true
	}
	if err := t.writeModule(); err != nil {
		return c, err
	}
	if err := t.writeImports(); err != nil {
		return c, err
	}
	stamps := t.stampAll() // before: an edit meanwhile is noticed later
	list, err := t.compile(ctx, versions, report)
	if err != nil {
		return c, err
	}
	if err := errors.Join(t.checkSums(list), t.checkVersions(versions)); err != nil {
		return c, err
	}
	if err := t.cfg.Tools.Provide(t.cfg.WorkDir, list); err != nil {
		return c, err
	}
	if len(t.locals) > 0 {
		t.edits.stamps = stamps
	}
	for path, m := range t.modules() {
		if old, ok := before[path]; !ok || old.Version != m.Version {
			c.Modules = append(c.Modules, m)
		}
	}
	slices.SortFunc(c.Modules, func(a, b Module) int { return strings.Compare(a.Path, b.Path) })
	return c, nil
}

// writeModule writes go.mod: what it had, the pins, the modules on disk, and the kernel's own modules, which
// stay in the kernel's version.
func (t *transaction) writeModule() error {
	b := t.old["go.mod"]
	if b == nil {
		b = []byte("module interleave/session\n\ngo 1.26.0\n")
	}
	f, err := modfile.Parse("go.mod", b, nil)
	if err != nil {
		return err
	}
	for _, p := range t.pins {
		if t.cfg.Kernel[p.Path] == "" && t.locals[p.Path] == nil && !requires(f, p.Path) {
			if err := f.AddRequire(p.Path, p.Version); err != nil {
				return err
			}
		}
	}
	if err := t.writeLocals(f); err != nil {
		return err
	}
	f.SortBlocks()
	f.Cleanup()
	b, err = f.Format()
	if err != nil {
		return err
	}
	return t.write("go.mod", b)
}

func requires(f *modfile.File, path string) bool {
	return slices.ContainsFunc(f.Require, func(r *modfile.Require) bool { return r.Mod.Path == path })
}

func (t *transaction) writeImports() error {
	var b bytes.Buffer
	b.WriteString("package session\n\nimport (\n")
	for _, p := range slices.Sorted(maps.Keys(t.want)) {
		fmt.Fprintf(&b, "\t_ %q\n", t.name(p))
	}
	b.WriteString(")\n")
	return t.write(importsFile, b.Bytes())
}

// compile lets the go command complete go.mod and compile all packages.
func (t *transaction) compile(ctx context.Context, versions []string, report func(string)) ([]toolchain.Provided, error) {
	progress := newProgress(report)
	if len(versions) > 0 {
		cmd, err := t.cfg.Tools.Go(ctx, t.dir, append([]string{"get"}, versions...)...)
		if err != nil {
			return nil, err
		}
		if err := toolchain.RunLines(ctx, cmd, progress.line); err != nil {
			return nil, err
		}
		if err := t.wantPackages(ctx, versions); err != nil {
			return nil, err
		}
	}
	if len(t.want) == 0 {
		return nil, nil
	}
	cached := t.remembered()
	if list, ok := cached.recall(); ok {
		return list, nil
	}
	list, err := t.compileNow(ctx, progress)
	var failed *toolchain.PackageError
	if errors.As(err, &failed) && unreachable(failed.Output) {
		// the newest version that is on this machine will do
		progress.line("go: the network cannot be reached: looking for modules on this machine")
		if again, err := t.compileNow(toolchain.Offline(ctx), progress); err == nil {
			return again, nil
		}
	}
	if err == nil && progress.found == 0 {
		cached.keep(list)
	}
	return list, err
}

func (t *transaction) compileNow(ctx context.Context, p *progress) ([]toolchain.Provided, error) {
	if err := t.holdKernel(ctx, p); err != nil {
		return nil, err
	}
	return t.cfg.Tools.CompilePackages(ctx, t.dir, p.line)
}

// holdKernel makes go.mod select the kernel's versions of the modules that the kernel contains. Of a higher one
// that a module asks for, Module.Wanted is the version.
func (t *transaction) holdKernel(ctx context.Context, p *progress) error {
	const most = 20 // times; each finds one more version at least
	for range most {
		cmd, err := t.cfg.Tools.Go(ctx, t.dir, "list", "-mod=mod", "-deps", "-f", "{{with .Module}}{{.Path}} "+
			"{{.Version}}{{end}}", ".")
		if err != nil {
			return err
		}
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := toolchain.RunLines(ctx, cmd, p.line); err != nil {
			return err
		}
		again, err := t.hold(out.String())
		if err != nil || !again {
			return err
		}
	}
	return &Error{Message: "the modules ask for ever higher versions of what the kernel " +
		"contains", Remedy: "Ask for older versions with %get module@version"}
}

// hold looks at the selected versions, a module with its version a line, and changes go.mod if the kernel has
// others.
func (t *transaction) hold(selected string) (changed bool, err error) {
	b, err := os.ReadFile(filepath.Join(t.dir, "go.mod"))
	if err != nil {
		return false, err
	}
	f, err := modfile.Parse("go.mod", b, nil)
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(selected) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		own := t.cfg.Kernel[path]
		if own == "" || version == "" || version == own {
			continue
		}
		if semver.Compare(version, own) > 0 {
			err = errors.Join(err, f.AddExclude(path, version))
		}
		err = errors.Join(err, f.AddRequire(path, own))
		changed = true
	}
	if err != nil || !changed {
		return false, err
	}
	f.Cleanup()
	if b, err = f.Format(); err != nil {
		return false, err
	}
	return true, t.write("go.mod", b)
}

// wantPackages makes the packages available that have the paths of the modules in versions, if they exist.
func (t *transaction) wantPackages(ctx context.Context, versions []string) error {
	for _, v := range versions {
		path, _, _ := strings.Cut(v, "@")
		cmd, err := t.cfg.Tools.Go(ctx, t.dir, "list", "-mod=mod", "-find", "-f", "{{.Name}}", path)
		if err != nil {
			return err
		}
		name, err := cmd.Output()
		switch n := strings.TrimSpace(string(name)); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && n != "" && n != "main":
			t.want[path] = true
		default:
			t.asked[path] = true
		}
	}
	return t.writeImports()
}

// checkSums compares what was fetched with the sums of the pins.
func (t *transaction) checkSums(list []toolchain.Provided) error {
	sums := t.sums()
	for _, p := range list {
		pin, ok := t.pins[p.Module]
		sum := sums[module.Version{Path: p.Module, Version: p.Version}]
		if ok && pin.Version == p.Version && pin.Sum != "" && sum != "" && pin.Sum != sum {
			return &Error{
				Message: fmt.Sprintf("%s %s is not what this notebook was run with: its sum is %s, "+
					"not %s", p.Module, p.Version, sum, pin.Sum),
				Remedy: "Find out who has changed it. To accept it, remove the module from the notebook's metadata " +
					"(interleave.modules)",
			}
		}
	}
	return nil
}

// checkVersions makes sure that the versions are in use that were asked for: another module may need a higher one.
func (t *transaction) checkVersions(asked []string) error {
	b, err := os.ReadFile(filepath.Join(t.dir, "go.mod"))
	if err != nil {
		return err
	}
	f, err := modfile.Parse("go.mod", b, nil)
	if err != nil {
		return err
	}
	for _, a := range asked {
		path, version, _ := strings.Cut(a, "@")
		for _, r := range f.Require {
			if r.Mod.Path != path || !semver.IsValid(version) || semver.Canonical(version) == r.Mod.Version {
				continue
			}
			if own := t.cfg.Kernel[path]; own != "" {
				return &Error{Message: fmt.Sprintf("the kernel itself contains %s %s, which "+
					"is used", path, own), Remedy: "Other versions cannot be used"}
			}
			return &Error{Message: fmt.Sprintf("%s %s cannot be used: what this session imports "+
				"needs %s", path, version, r.Mod.Version),
				Remedy: "Restart the kernel, and ask for it before anything else is imported"}
		}
	}
	return nil
}

// sums reads go.sum.
func (s *Session) sums() map[module.Version]string {
	b, err := os.ReadFile(filepath.Join(s.dir, "go.sum"))
	if err != nil {
		return nil
	}
	sums := map[module.Version]string{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && !strings.HasSuffix(f[1], "/go.mod") {
			sums[module.Version{Path: f[0], Version: f[1]}] = f[2]
		}
	}
	return sums
}

// List returns the modules whose packages cells can import, by path.
func (s *Session) List() []Module {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.modules()), func(a, b Module) int { return strings.Compare(a.Path, b.Path) })
}

func (s *Session) modules() map[string]Module {
	all := map[string]Module{}
	var direct map[string]bool
	if t, err := s.begin(); err == nil {
		direct = t.want
	}
	sums := s.sums()
	var f modfile.File
	if b, err := os.ReadFile(filepath.Join(s.dir, "go.mod")); err == nil {
		if full, err := modfile.Parse("go.mod", b, nil); err == nil {
			f = *full
		}
	}
	wanted := map[string]string{}
	for _, x := range f.Exclude {
		if semver.Compare(x.Mod.Version, wanted[x.Mod.Path]) > 0 {
			wanted[x.Mod.Path] = x.Mod.Version
		}
	}
	for _, p := range s.cfg.Tools.ProvidedPackages() {
		path := Original(p.Module)
		m := all[path]
		m.Path, m.Version = path, p.Version
		if l := s.locals[path]; l != nil {
			m.Dir, m.Version = l.Dir, ""
		}
		m.Sum = sums[module.Version{Path: p.Module, Version: p.Version}]
		m.Wanted = wanted[path]
		m.Direct = m.Direct || direct[Original(p.Path)]
		all[path] = m
	}
	for _, r := range f.Require {
		if _, ok := all[r.Mod.Path]; !ok && s.asked[r.Mod.Path] {
			all[r.Mod.Path] = Module{Pin: Pin{r.Mod.Path, r.Mod.Version, sums[r.Mod]}, Direct: true}
		}
	}
	for path, l := range s.locals {
		if _, ok := all[path]; !ok {
			all[path] = Module{Pin: Pin{Path: path}, Dir: l.Dir, Direct: true}
		}
	}
	return all
}
