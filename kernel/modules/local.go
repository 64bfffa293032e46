package modules

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
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
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"interleave/kernel/cell/names"
	"interleave/kernel/toolchain"
)

// A module on disk may be edited while a session uses it. Code that is loaded cannot be replaced, and values of
// its types exist. So the edited module becomes another one, with a path of its own: example.com/shop is
// example.com/shop~edit2 from then on, a copy in which the import paths are changed and whose positions are
// those of the files that the user has. Cells that run after the edit are bound to it; what earlier cells have
// declared keeps the former code. All modules on disk are copied together, since they may import each other.

// A local is a module on disk.
type local struct {
	Path string // of the module, as its go.mod has it
	Dir  string // absolute
}

// locals is what resumeLocals reads.
type locals struct {
	Edit    int
	Modules []*local
}

// A stamp is the state of a file, from which an edit is known.
type stamp struct {
	Size int64
	Time time.Time
}

// edits is the state of all modules on disk.
type edits struct {
	n      int              // 0: the modules are compiled where they are
	stamps map[string]stamp // of files and folders, when they were compiled last
	failed error            // why the present state cannot be compiled
}

// name returns the path under which a module, or a package of one, is compiled at present.
func (s *Session) name(path string) string {
	for _, l := range s.locals {
		if rest, ok := strings.CutPrefix(path, l.Path); ok && (rest == "" || rest[0] == '/') {
			return s.nameOf(l) + rest
		}
	}
	return path
}

func (s *Session) nameOf(l *local) string {
	if s.edits.n == 0 {
		return l.Path
	}
	return fmt.Sprintf("%s%s%d", l.Path, edited, s.edits.n)
}

const edited = names.Edited

// Original returns the import path that a user writes for a package.
func Original(path string) string {
	head, rest, ok := strings.Cut(path, edited)
	if !ok {
		return path
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return head + rest[i:]
	}
	return head
}

// Name returns the path under which a package is compiled at present: that of a module on disk changes when it
// is edited.
func (s *Session) Name(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name(path)
}

// place returns the folder in which a module is compiled.
func (s *Session) place(l *local) string {
	if s.edits.n == 0 {
		return l.Dir
	}
	return filepath.Join(s.dir, "edits", fmt.Sprint(s.edits.n), filepath.FromSlash(l.Path))
}

// Use adds the module in a folder, which may be a folder within it, and those of its go.work. It returns the
// module's path. Nothing is compiled yet.
func (s *Session) Use(dir string) (path string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	root, err := moduleRoot(dir)
	if err != nil {
		return "", err
	}
	if path, err = modulePath(root); err != nil {
		return "", err
	}
	found := map[string]*local{path: {Path: path, Dir: root}}
	if work := workFile(root); work != "" && os.Getenv("GOWORK") != "off" {
		if err := uses(work, found); err != nil {
			return "", err
		}
	}
	for p, l := range found {
		if s.cfg.Kernel[p] != "" {
			return "", &Error{Message: fmt.Sprintf("the kernel itself contains module %s, and uses it: it cannot be "+
				"replaced by %s", p, l.Dir),
				Remedy: "Give the module in the folder another path"}
		}
		if old := s.locals[p]; old != nil && old.Dir != l.Dir {
			return "", &Error{Message: fmt.Sprintf("module %s is that in %s "+
				"already", p, old.Dir), Remedy: "Restart the kernel to use another folder"}
		}
	}
	for p, l := range found {
		if s.locals[p] == nil {
			if m, ok := s.modules()[p]; ok {
				version := cmp.Or(m.Version, "as another module's replacement")
				return "", &Error{Message: fmt.Sprintf("this session uses %s %s already", p, version),
					Remedy: "Restart the kernel, and use the folder before a cell imports the module"}
			}
			s.locals[p] = l
		}
	}
	return path, s.saveLocals()
}

func moduleRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if fi, err := os.Stat(dir); err != nil {
		return "", &Error{Message: fmt.Sprintf("there is no folder %s", dir), Remedy: "%pwd shows the present folder"}
	} else if !fi.IsDir() {
		return "", &Error{Message: dir + " is a file", Remedy: "Name the folder with the module's go.mod"}
	}
	for root := dir; ; {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return root, nil
		}
		up := filepath.Dir(root)
		if up == root {
			return "", &Error{Message: fmt.Sprintf("%s holds no module: there is no go.mod in it or above it", dir),
				Remedy: "Make it one with !cd " + dir + " && go mod init example.com/name"}
		}
		root = up
	}
}

func modulePath(root string) (string, error) {
	name := filepath.Join(root, "go.mod")
	b, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	path := modfile.ModulePath(b)
	if path == "" {
		return "", &Error{Message: name + " has no module line", Remedy: "Begin it with: module example.com/name"}
	}
	return path, nil
}

// workFile returns the go.work that holds for a folder, or "".
func workFile(dir string) string {
	if name := os.Getenv("GOWORK"); filepath.IsAbs(name) {
		return name
	}
	for {
		name := filepath.Join(dir, "go.work")
		if _, err := os.Stat(name); err == nil {
			return name
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// uses adds the modules of a go.work, if that uses one of the modules in found.
func uses(work string, found map[string]*local) error {
	b, err := os.ReadFile(work)
	if err != nil {
		return err
	}
	f, err := modfile.ParseWork(work, b, nil)
	if err != nil {
		return &Error{Message: err.Error(), Remedy: "Correct the file, or set GOWORK=off with %env"}
	}
	more := map[string]*local{}
	mine := false
	for _, u := range f.Use {
		dir := u.Path
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(filepath.Dir(work), dir)
		}
		path, err := modulePath(dir)
		if err != nil {
			return err
		}
		more[path] = &local{Path: path, Dir: dir}
		mine = mine || found[path] != nil && found[path].Dir == dir
	}
	if mine {
		maps.Copy(found, more)
	}
	return nil
}

// replaces returns the replacements that hold for a module: its own, and those of its go.work before them.
func (l *local) replaces() (list []*modfile.Replace, err error) {
	seen := map[string]bool{}
	add := func(all []*modfile.Replace, dir string) {
		for _, r := range all {
			if key := r.Old.String(); !seen[key] {
				seen[key] = true
				if modfile.IsDirectoryPath(r.New.Path) && !filepath.IsAbs(r.New.Path) {
					r.New.Path = filepath.Join(dir, r.New.Path)
				}
				list = append(list, r)
			}
		}
	}
	if work := workFile(l.Dir); work != "" && os.Getenv("GOWORK") != "off" {
		b, err := os.ReadFile(work)
		if err != nil {
			return nil, err
		}
		if f, err := modfile.ParseWork(work, b, nil); err == nil {
			add(f.Replace, filepath.Dir(work))
		}
	}
	b, err := os.ReadFile(filepath.Join(l.Dir, "go.mod"))
	if err != nil {
		return nil, err
	}
	f, err := modfile.ParseLax("go.mod", b, nil)
	if err != nil {
		return nil, err
	}
	full, err := modfile.Parse("go.mod", b, nil)
	if err == nil {
		f = full
	}
	add(f.Replace, l.Dir)
	return list, nil
}

// noVersion is the version in go.mod of a module on disk.
func noVersion(path string) string {
	if _, major, ok := module.SplitPathVersion(path); ok && major != "" {
		return module.PathMajorPrefix(major) + ".0.0"
	}
	return "v0.0.0"
}

// writeLocals writes the modules on disk, and what they replace, into the session's go.mod.
func (t *transaction) writeLocals(f *modfile.File) error {
	for _, r := range slices.Clone(f.Replace) { // of former edits
		if strings.Contains(r.Old.Path, edited) || t.locals[r.Old.Path] != nil {
			if err := f.DropReplace(r.Old.Path, r.Old.Version); err != nil {
				return err
			}
		}
	}
	for _, r := range slices.Clone(f.Require) {
		if strings.Contains(r.Mod.Path, edited) || t.locals[r.Mod.Path] != nil {
			if err := f.DropRequire(r.Mod.Path); err != nil {
				return err
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(t.locals)) {
		l := t.locals[path]
		list, err := l.replaces()
		if err != nil {
			return err
		}
		for _, r := range list {
			if t.cfg.Kernel[r.Old.Path] == "" && t.locals[r.Old.Path] == nil {
				if err := f.AddReplace(r.Old.Path, r.Old.Version, r.New.Path, r.New.Version); err != nil {
					return err
				}
			}
		}
		name := t.nameOf(l)
		if err := errors.Join(f.AddReplace(name, "", t.place(l), ""), f.AddRequire(name, noVersion(name))); err != nil {
			return err
		}
	}
	return t.addSums()
}

// addSums takes over the sums of the kernel and of the modules on disk.
func (t *transaction) addSums() error {
	have := map[string]bool{}
	text := string(t.old["go.sum"])
	for line := range strings.Lines(text) {
		have[strings.TrimSpace(line)] = true
	}
	dirs := []string{t.cfg.Tools.Source()} // the kernel's own
	for _, path := range slices.Sorted(maps.Keys(t.locals)) {
		dirs = append(dirs, t.locals[path].Dir)
	}
	for _, dir := range dirs {
		b, err := os.ReadFile(filepath.Join(dir, "go.sum"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); line != "" && !have[line] {
				have[line] = true
				text += line + "\n"
			}
		}
	}
	if text == "" {
		return nil
	}
	return t.write("go.sum", []byte(text))
}

// Refresh compiles the modules on disk again if they have been edited since, and reports whether they have. While
// they cannot be compiled, Broken returns why, and Name the names of the former state. The error is the cause of
// ctx.
func (s *Session) Refresh(ctx context.Context, report func(string)) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.locals) == 0 || s.edits.stamps == nil {
		return false, nil
	}
	now := s.stampAll()
	if maps.Equal(now, s.edits.stamps) {
		return false, nil
	}
	before := s.edits.n
	s.edits.n = max(s.edits.n, 1) + 1
	err = s.copyAll()
	if err == nil {
		var t *transaction
		if t, err = s.begin(); err == nil {
			defer t.end()
			if _, err = t.add(ctx, nil, nil, report); err == nil {
				t.done = true
				s.edits.failed = nil
				return true, s.saveLocals()
			}
		}
	}
	if ctx.Err() != nil {
		s.edits.n = before
		return false, context.Cause(ctx)
	}
	failed := s.explain(err, nil)
	os.RemoveAll(filepath.Join(s.dir, "edits", fmt.Sprint(s.edits.n)))
	s.edits.n = before
	s.edits.stamps, s.edits.failed = now, failed
	return true, nil
}

// Broken returns why the module of a package, given by its present name, cannot be compiled in its present
// state on disk, or nil.
func (s *Session) Broken(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.edits.failed == nil {
		return nil
	}
	for _, l := range s.locals {
		if rest, ok := strings.CutPrefix(name, s.nameOf(l)); ok && (rest == "" || rest[0] == '/') {
			return s.edits.failed
		}
	}
	return nil
}

// stampAll looks at the files of the modules on disk that decide what is compiled.
func (s *Session) stampAll() map[string]stamp {
	all := map[string]stamp{}
	for _, l := range s.locals {
		l.walk(func(path string, d fs.DirEntry) error {
			if fi, err := d.Info(); err == nil && !d.IsDir() {
				all[path] = stamp{fi.Size(), fi.ModTime()}
			}
			return nil
		})
	}
	return all
}

// walk visits the files of a module, without those of modules within it and without folders that the go
// command ignores.
func (l *local) walk(visit func(path string, d fs.DirEntry) error) error {
	return filepath.WalkDir(l.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if path != l.Dir {
				if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "node_modules" || name == "vendor" {
					return filepath.SkipDir
				}
				if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
					return filepath.SkipDir
				}
			}
			return visit(path, d)
		}
		if !d.Type().IsRegular() || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		return visit(path, d)
	})
}

// copyAll copies the modules on disk to where the present edit is compiled.
func (s *Session) copyAll() error {
	for _, path := range slices.Sorted(maps.Keys(s.locals)) {
		l := s.locals[path]
		to := s.place(l)
		err := l.walk(func(path string, d fs.DirEntry) error {
			rel, err := filepath.Rel(l.Dir, path)
			if err != nil {
				return err
			}
			target := filepath.Join(to, rel)
			switch {
			case d.IsDir():
				return os.MkdirAll(target, 0o700)
			case rel == "go.mod":
				return s.copyModFile(path, target, l)
			case strings.HasSuffix(path, ".go"):
				return s.copyGoFile(path, target)
			}
			if os.Link(path, target) == nil {
				return nil
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, b, 0o600)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// copyModFile copies a go.mod under the module's present name, without what only holds for a main module.
func (s *Session) copyModFile(from, to string, l *local) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := modfile.Parse(from, b, nil)
	if err != nil {
		return &toolchain.PackageError{Output: err.Error(), Err: err}
	}
	if err := f.AddModuleStmt(s.nameOf(l)); err != nil {
		return err
	}
	for _, r := range slices.Clone(f.Require) {
		if other := s.locals[r.Mod.Path]; other != nil {
			if err := errors.Join(f.DropRequire(r.Mod.Path), f.AddRequire(s.nameOf(other), noVersion(s.nameOf(other)))); err != nil {
				return err
			}
		}
	}
	for _, r := range slices.Clone(f.Replace) {
		if err := f.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return err
		}
	}
	f.Cleanup()
	if b, err = f.Format(); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

// copyGoFile copies a Go file with the present names of the packages that it imports. Its positions remain
// those of the original.
func (s *Session) copyGoFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	f, _ := parser.ParseFile(fset, from, b, parser.ImportsOnly) // the compiler reports errors
	var out []byte
	at := 0
	if f != nil && f.Package.IsValid() {
		// within its line: export data count lines of the copy
		begin := fset.Position(f.Package)
		out = fmt.Appendf(append(out, b[:begin.Offset]...), "/*line %s:%d:%d*/", from, begin.Line, begin.Column)
		at = begin.Offset
		for _, im := range f.Imports {
			path, err := strconv.Unquote(im.Path.Value)
			if err != nil || s.name(path) == path {
				continue
			}
			begin, end := fset.Position(im.Path.Pos()).Offset, fset.Position(im.Path.End()).Offset
			out = append(out, b[at:begin]...)
			out = strconv.AppendQuote(out, s.name(path))
			at = end
		}
	}
	return os.WriteFile(to, append(out, b[at:]...), 0o600)
}

const localsFile = "local.json"

func (s *Session) saveLocals() error {
	l := locals{Edit: s.edits.n}
	for _, path := range slices.Sorted(maps.Keys(s.locals)) {
		l.Modules = append(l.Modules, s.locals[path])
	}
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, localsFile), b, 0o600)
}

// resumeLocals reads what an earlier session in the same folder has saved. Its modules may have been edited
// since: they are compiled again.
func (s *Session) resumeLocals() {
	b, err := os.ReadFile(filepath.Join(s.dir, localsFile))
	var l locals
	if err != nil || json.NewDecoder(bytes.NewReader(b)).Decode(&l) != nil {
		return
	}
	s.edits.n = l.Edit
	for _, m := range l.Modules {
		s.locals[m.Path] = m
	}
	if len(l.Modules) > 0 {
		s.edits.stamps = map[string]stamp{}
	}
}

// Local reports whether a package belongs to a module on disk.
func (s *Session) Local(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.locals {
		if rest, ok := strings.CutPrefix(path, l.Path); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// inLocals makes sure that packages of modules on disk exist: the go command would look for them elsewhere.
func (s *Session) inLocals(paths []string) error {
	for _, path := range paths {
		for _, l := range s.locals {
			rest, ok := strings.CutPrefix(path, l.Path)
			if !ok || rest != "" && rest[0] != '/' {
				continue
			}
			dir := filepath.Join(l.Dir, filepath.FromSlash(rest))
			if files, _ := filepath.Glob(filepath.Join(dir, "*.go")); len(files) == 0 {
				return &Error{Message: fmt.Sprintf("module %s has no package %s: there are no Go files in %s", l.Path, path, dir)}
			}
		}
	}
	return nil
}

// Former reports whether a path is one under which a package of a module on disk was compiled before the module
// was edited.
func (s *Session) Former(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.locals {
		path := Original(name)
		if rest, ok := strings.CutPrefix(path, l.Path); ok && (rest == "" || rest[0] == '/') {
			return s.name(path) != name
		}
	}
	return false
}

// Edit returns a number that changes when edited modules have been compiled.
func (s *Session) Edit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.edits.n
}
