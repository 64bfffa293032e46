package toolchain

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Packages of modules are compiled as the host was, by the go command with the flags of Prepare, so that they
// link with it as cells do. Their archives are kept beside those of the toolchain, named by their content, and
// serve all sessions.

// A Provided is a compiled package of a module, which cells may import.
type Provided struct {
	Path, Name string
	Archive    string   // its file
	Imports    []string // the packages that it imports, by their paths
	Internal   bool     // other packages of modules import it; cells must not
	Module     string   // path of its module
	Version    string   // of the module, "" for one on disk
	Dir        string   // of its source files
}

// provided are the packages of modules that a process knows.
type provided struct {
	mu   sync.Mutex
	all  map[string]Provided
	read map[string]time.Time // WorkDir → when its file was written that was read last
}

// modulesFile lists, in a session's WorkDir, what Provide was given: workers read it.
const modulesFile = "modules.json"

// A ConflictError reports that a package is needed in another version than the one that the process has.
type ConflictError struct {
	Have, Want Provided
}

func (e *ConflictError) Error() string {
	version := func(p Provided) string {
		if p.Version == "" {
			return "in its present state on disk"
		}
		return p.Version
	}
	return fmt.Sprintf("%s is needed %s, but this session uses %s %s already",
		e.Want.Path, version(e.Want), e.Have.Module, version(e.Have))
}

// A PackageError is what the go command or the compiler printed about packages.
type PackageError struct {
	Output string
	Err    error
}

func (e *PackageError) Error() string { return e.Output }

func (e *PackageError) Unwrap() error { return e.Err }

// Go prepares a call of the go command in a folder, with the settings that the host was compiled with. The
// user's settings for the network, such as GOPROXY, are read anew.
func (t *Toolchain) Go(ctx context.Context, dir string, args ...string) (*exec.Cmd, error) {
	g, err := t.goenv(ctx, dir)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, g.cmd, args...)
	cmd.Dir, cmd.Env = dir, environ(g.pinned)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	return cmd, nil
}

// goenv is the Go toolchain of the host, with the present settings of the user.
func (t *Toolchain) goenv(ctx context.Context, dir string) (*goenv, error) {
	cmd := filepath.Join(t.info.GOROOT, "bin", exe("go"))
	if _, err := os.Stat(cmd); err != nil {
		if cmd, err = exec.LookPath("go"); err != nil {
			return nil, fmt.Errorf("there is no go command (%s is missing): modules need it. Install Go and run `interleave install` again",
				filepath.Join(t.info.GOROOT, "bin", exe("go")))
		}
	}
	// GOFLAGS and the like would apply to go env as well
	env := append(os.Environ(), "GOTOOLCHAIN=local", "GOROOT="+t.info.GOROOT, "GOFLAGS=", "GOWORK=off")
	out, err := output(ctx, dir, env, cmd, append([]string{"env", "-json"}, kept...)...)
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	values := map[string]string{}
	if err := json.Unmarshal(out, &values); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	cgo := "CGO_ENABLED=0"
	if t.info.Cgo {
		cgo = "CGO_ENABLED=1"
	}
	pinned := append(pin(t.info.GOROOT), cgo)
	for _, kv := range t.info.Env { // what decides how code is compiled is the host's
		k, v, _ := strings.Cut(kv, "=")
		values[k] = v
	}
	if len(t.info.CC) > 0 {
		values["CC"] = strings.Join(t.info.CC, " ")
	}
	for _, k := range kept {
		if values[k] != "" {
			pinned = append(pinned, k+"="+values[k])
		}
	}
	if ctx.Value(offlineKey{}) != nil {
		pinned = append(pinned, "GOPROXY=file://"+filepath.ToSlash(filepath.Join(values["GOMODCACHE"], "cache", "download")), "GOSUMDB=off")
	}
	return &goenv{cmd: cmd, goroot: t.info.GOROOT, cache: values["GOMODCACHE"], pinned: pinned}, nil
}

// Cgo reports whether packages of modules may have C code.
func (t *Toolchain) Cgo() bool { return t.info.Cgo }

// CompilePackages compiles the package in dir and all that it imports. The go command adds to go.mod and go.sum what is
// missing there. It returns those that the toolchain has not, each behind what it imports. progress, which may be nil,
// is called with the path of each package that has been compiled, from another goroutine, before
// CompilePackages returns.
func (t *Toolchain) CompilePackages(ctx context.Context, dir string, progress func(path string)) ([]Provided, error) {
	if t.plugins != nil {
		return nil, t.plugins
	}
	flags := append([]string{"-mod=mod"}, t.info.Flags...)
	if t.info.Strategy == linkMemory { // go list is silent; go build does not know how to build libraries as plugins
		if err := t.goLines(ctx, dir, progress, append(append([]string{"build", "-v"}, flags...), ".")...); err != nil {
			return nil, err
		}
	}
	args := append([]string{"list", "-export", "-deps",
		"-json=ImportPath,Name,Export,Standard,BuildID,Imports,ImportMap,Module,Dir,CgoFiles,Error"},
		flags...)
	cmd, err := t.Go(ctx, dir, append(args, ".")...)
	if err != nil {
		return nil, err
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, &PackageError{Output: strings.TrimSpace(errs.String()), Err: err}
	}
	known, err := t.archives()
	if err != nil {
		return nil, err
	}
	var list []Provided
	for d := json.NewDecoder(&out); ; {
		var l modulePackage
		if err := d.Decode(&l); err == io.EOF {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if l.Error != nil {
			return nil, &PackageError{Output: l.Error.Err}
		}
		if a, ok := known[l.ImportPath]; ok {
			if err := l.same(a); err != nil {
				return nil, err
			}
			if l.Standard {
				continue
			}
		}
		if l.Standard || l.Export == "" || l.Name == "main" || l.Module != nil && l.Module.Main {
			continue
		}
		if len(l.CgoFiles) > 0 && t.info.Strategy == linkMemory {
			return nil, &PackageError{Output: fmt.Sprintf("package %s has C code: build constraints exclude all Go files where cells are linked in memory", l.ImportPath)}
		}
		p, err := t.keepPackage(l, dir)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
}

// A modulePackage is a package in the output of go list.
type modulePackage struct {
	listed
	BuildID string
	Imports []string
	Dir     string
	Module  *struct {
		Path, Version string
		Main          bool
		Replace       *struct{ Path, Version string }
	}
	CgoFiles []string
}

// same returns an error if the package was compiled otherwise than the toolchain's archive: code of the two
// must not meet.
func (l *modulePackage) same(file string) error {
	id, err := buildID(file)
	if err != nil || contentOf(id) != contentOf(l.BuildID) {
		return fmt.Errorf("package %s is compiled in another way here than when the kernel was installed. Run `interleave install` again and restart the kernel (%w)",
			l.ImportPath, errors.Join(err, fmt.Errorf("build ID %s, not %s", l.BuildID, id)))
	}
	return nil
}

// contentOf is the part of a build ID that depends on the archive alone, and not on how it was made.
func contentOf(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// keepPackage keeps the archive of a package where the go command does not remove it: for all sessions, but that of
// a module on disk, which may be edited, in the folder dir of one session.
func (t *Toolchain) keepPackage(l modulePackage, dir string) (Provided, error) {
	sum := sha256.Sum256([]byte(l.BuildID))
	in := t.modulesDir()
	if l.Module != nil && l.Module.Replace != nil && l.Module.Replace.Version == "" {
		in = filepath.Join(dir, "archives")
	}
	to := filepath.Join(in, fmt.Sprintf("%x.a", sum[:12]))
	if now := time.Now(); os.Chtimes(to, now, now) != nil { // sweep sees that it is used
		if err := keep(l.Export, to); err != nil {
			return Provided{}, &MachineError{Err: err, Remedy: fmt.Sprintf("Compiled modules are kept in %s. Make sure that there is room and that files can be written there", filepath.Dir(to))}
		}
	}
	p := Provided{Path: l.ImportPath, Name: l.Name, Archive: to, Dir: l.Dir, Internal: hidden(l.ImportPath)}
	for _, im := range l.Imports {
		if other, ok := l.ImportMap[im]; ok {
			im = other
		}
		if im != "unsafe" && im != "C" {
			p.Imports = append(p.Imports, im)
		}
	}
	if m := l.Module; m != nil {
		p.Module, p.Version = m.Path, m.Version
		if r := m.Replace; r != nil {
			p.Version = r.Version
		}
	}
	return p, nil
}

// modulesDir is where archives of modules are kept.
func (t *Toolchain) modulesDir() string { return filepath.Join(t.dir, "modules") }

// keptFor is how long an archive of a module is kept that no session uses.
const keptFor = 60 * 24 * time.Hour

// sweep removes archives of modules that have not been used for long.
func (t *Toolchain) sweep() {
	files, err := os.ReadDir(t.modulesDir())
	if err != nil {
		return
	}
	for _, f := range files {
		if fi, err := f.Info(); err == nil && time.Since(fi.ModTime()) > keptFor {
			os.Remove(filepath.Join(t.modulesDir(), f.Name()))
		}
	}
}

// buildID returns the build ID in an archive of the Go compiler.
func buildID(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 1024)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return "", err
	}
	if _, id, ok := bytes.Cut(head[:n], []byte("\nbuild id \"")); ok {
		if id, _, ok := bytes.Cut(id, []byte("\"")); ok {
			return string(id), nil
		}
	}
	return "", fmt.Errorf("%s has no build ID", file)
}

// goLines runs the go command and calls line for each line that it writes to stderr.
func (t *Toolchain) goLines(ctx context.Context, dir string, line func(string), args ...string) error {
	cmd, err := t.Go(ctx, dir, args...)
	if err != nil {
		return err
	}
	return RunLines(ctx, cmd, line)
}

// RunLines runs a go command, and calls line with each line that it writes to stderr, as it comes. line may be
// nil. The error of a command that fails is a *PackageError with all these lines, or the cause of ctx.
func RunLines(ctx context.Context, cmd *exec.Cmd, line func(string)) error {
	r, w := io.Pipe()
	var all bytes.Buffer
	cmd.Stderr = w
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := bufio.NewScanner(r)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			all.Write(s.Bytes())
			all.WriteByte('\n')
			if line != nil {
				line(s.Text())
			}
		}
		io.Copy(io.Discard, r)
	}()
	err := cmd.Run()
	w.Close()
	<-done
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return &PackageError{Output: strings.TrimSpace(all.String()), Err: err}
}

// Provide makes packages of modules available to cells that are built in workDir, and to workers that have the
// same. It fails with a *ConflictError, and changes nothing, when the process uses one of them in another
// version.
func (t *Toolchain) Provide(workDir string, list []Provided) error {
	ty, err := t.Types()
	if err != nil {
		return err
	}
	ty.mu.Lock()
	defer ty.mu.Unlock()
	t.modules.mu.Lock()
	defer t.modules.mu.Unlock()
	for _, p := range list {
		if have, ok := t.modules.all[p.Path]; ok && have.Archive != p.Archive && ty.loaded[p.Path] != nil {
			return &ConflictError{Have: have, Want: p}
		}
	}
	if t.modules.all == nil {
		t.modules.all = map[string]Provided{}
	}
	for _, p := range list {
		t.modules.all[p.Path] = p
	}
	var all []Provided
	for _, p := range t.modules.all {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Provided) int { return strings.Compare(a.Path, b.Path) })
	b, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(workDir, 0o700); err != nil {
		return err
	}
	return writeFile(filepath.Join(workDir, modulesFile), b)
}

// ProvidedPackages lists the packages of modules that cells may import, by path.
func (t *Toolchain) ProvidedPackages() (list []Provided) {
	t.modules.mu.Lock()
	defer t.modules.mu.Unlock()
	for _, p := range t.modules.all {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Provided) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// module returns a package of a module. In a process that has not called Provide, a worker, it is that of the
// session with this workDir.
func (t *Toolchain) module(workDir, path string) (Provided, bool) {
	t.modules.mu.Lock()
	defer t.modules.mu.Unlock()
	if p, ok := t.modules.all[path]; ok || workDir == "" {
		return p, ok
	}
	file := filepath.Join(workDir, modulesFile)
	fi, err := os.Stat(file)
	if err != nil || fi.ModTime().Equal(t.modules.read[workDir]) {
		return Provided{}, false
	}
	b, err := os.ReadFile(file)
	var list []Provided
	if err != nil || json.Unmarshal(b, &list) != nil {
		return Provided{}, false
	}
	if t.modules.read == nil {
		t.modules.read = map[string]time.Time{}
	}
	if t.modules.all == nil {
		t.modules.all = map[string]Provided{}
	}
	t.modules.read[workDir] = fi.ModTime()
	for _, p := range list {
		t.modules.all[p.Path] = p
	}
	p, ok := t.modules.all[path]
	return p, ok
}

// moduleFile returns the path of a file of a module that cells use, by the name that positions in export data
// have, or "".
func (t *Toolchain) moduleFile(name string) string {
	t.modules.mu.Lock()
	defer t.modules.mu.Unlock()
	path, file := filepath.Split(name)
	path = strings.TrimSuffix(path, "/")
	if p, ok := t.modules.all[path]; ok { // of a folder: positions have no version
		return filepath.Join(p.Dir, file)
	}
	module, rest, ok := strings.Cut(path, "@") // github.com/google/uuid@v1.6.0, or gonum.org/v1/gonum@v0.17.0/stat
	if !ok {
		return ""
	}
	_, below, _ := strings.Cut(rest, "/")
	if below != "" {
		module += "/" + below
	}
	if p, ok := t.modules.all[module]; ok {
		return filepath.Join(p.Dir, file)
	}
	return ""
}

// offlineKey marks contexts of calls that must not use the network.
type offlineKey struct{}

// Offline returns a context with which Go and CompilePackages use what is on this machine alone.
func Offline(ctx context.Context) context.Context { return context.WithValue(ctx, offlineKey{}, true) }

// Resume makes the packages available that an earlier process has been provided with in workDir, as far as
// their archives exist.
func (t *Toolchain) Resume(workDir string) {
	t.module(workDir, "")
	t.sweepOnce.Do(t.sweep)
}

// ProvidedPackage returns a package of a module.
func (t *Toolchain) ProvidedPackage(path string) (Provided, bool) { return t.module("", path) }

// ModulePaths lists the packages of modules in a session with this workDir.
func (t *Toolchain) ModulePaths(workDir string) (paths []string) {
	t.module(workDir, "")
	for _, p := range t.ProvidedPackages() {
		paths = append(paths, p.Path)
	}
	return paths
}
