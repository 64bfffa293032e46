package toolchain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A Package is one cell, ready for the compiler.
type Package struct {
	Name    string   // "c7": the import path is CellPrefix+Name. Unique in WorkDir and in the process that loads it
	Source  []byte   // one Go file. Relative file names in its //line directives stay as they are in every position
	Imports []string // the paths it imports, earlier cells included ("interleave/cells/c3"), in any order
	// where sources, archives and plugins of the session are kept; earlier cells must have been built here
	WorkDir string
	GCFlags []string // more flags for the compiler, before the others
}

// A CompileError is the compiler's complaint about a cell. The front end has checked the cell before, so this
// is a bug of Interleave.
type CompileError struct {
	Name   string
	Output string // as the compiler printed it, file:line:col: message
}

func (e *CompileError) Error() string { return "compile " + e.Name + ": " + e.Output }

// Build compiles a cell and returns the path of what the host loads: its archive, WorkDir/c7.a, or where
// cells are plugins, which are linked, WorkDir/c7.so. A small cell takes 10 to 40 ms, a plugin 130 and more;
// no time when an earlier session left the same file in WorkDir. Calls with different names may overlap.
func (t *Toolchain) Build(ctx context.Context, p Package) (sopath string, err error) {
	return t.build(ctx, p, true)
}

func (t *Toolchain) build(ctx context.Context, p Package, fallback bool) (string, error) {
	if t.plugins != nil {
		return "", t.plugins
	}
	if err := t.unchanged(); err != nil {
		return "", err
	}
	b := &build{Toolchain: t, Package: p}
	var so string
	err := os.MkdirAll(p.WorkDir, 0o700)
	for tries := 0; err == nil; tries++ {
		if b.built() {
			so = b.result()
			break
		}
		if so, err = b.run(ctx, fallback); err == nil || tries > 0 || ctx.Err() != nil || !b.swept() {
			break
		}
		err = os.MkdirAll(p.WorkDir, 0o700) // the folder was removed meanwhile
	}
	if err == nil {
		t.made.Store(b.file(""), p)
		return so, nil
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("build cell %s: %w", p.Name, context.Cause(ctx))
	}
	switch missing := t.missing(); {
	case missing != "":
		err = &MachineError{Err: err, Remedy: fmt.Sprintf("%s is missing, which the kernel was installed with. Run `interleave install` again and restart the kernel", missing)}
	case poor(err) && limit(err) != "":
		err = &MachineError{Err: err, Remedy: limit(err)}
	case poor(err):
		err = &MachineError{Err: err, Remedy: fmt.Sprintf("Cells are built in %s. Make sure that there is room and that files can be written there, or set TMPDIR to another folder and restart the kernel", p.WorkDir)}
	}
	return "", fmt.Errorf("build cell %s: %w", p.Name, err)
}

// unchanged makes sure that the files of Prepare are still those with which this process was opened: Prepare
// may have run again, with another Go, and cells compiled with that Go would be linked with the code of this
// one.
func (t *Toolchain) unchanged() error {
	if t.description == nil {
		return nil
	}
	switch b, err := os.ReadFile(t.path("toolchain.json")); {
	case errors.Is(err, fs.ErrNotExist):
		return &MachineError{Err: err, Remedy: fmt.Sprintf("%s is missing, which the kernel was installed with. Run `interleave install` again and restart the kernel", t.path("toolchain.json"))}
	case err == nil && !bytes.Equal(b, t.description):
		return &MachineError{Err: errors.New("the kernel has been installed again"), Remedy: "This session is of the former installation: restart the kernel."}
	}
	return nil
}

// missing finds a file of the toolchain that is no longer there, or nothing.
func (t *Toolchain) missing() string {
	files := []string{t.path("importcfg"), t.path("types.bin"), t.info.Compile.Path, t.info.Link.Path}
	if t.Index() != "" {
		files = append(files, t.Index())
	}
	if known, err := t.archives(); err == nil {
		files = slices.AppendSeq(files, maps.Values(known))
	}
	for _, f := range files {
		if _, err := os.Stat(f); errors.Is(err, fs.ErrNotExist) {
			return f
		}
	}
	return ""
}

// Forget removes the files of all cells that were built in workDir. What is loaded stays so, but no later
// cell can import them. Archives that are linked in memory stay: a later cell may use what an earlier one has brought
// along, and another process links both.
func (t *Toolchain) Forget(workDir string) error {
	files, err := filepath.Glob(filepath.Join(workDir, "c[0-9]*.*"))
	for _, f := range files {
		if t.Index() == "" || filepath.Ext(f) != ".a" {
			err = errors.Join(err, os.Remove(f))
		}
	}
	return err
}

// swept reports whether files of the folder in which cells are built have disappeared.
func (b *build) swept() bool {
	if _, err := os.Stat(b.file(".go")); err != nil {
		return true
	}
	return slices.ContainsFunc(b.Imports, func(imp string) bool {
		name, ok := strings.CutPrefix(imp, CellPrefix)
		_, err := os.Stat(filepath.Join(b.WorkDir, name+".a"))
		return ok && err != nil
	})
}

// A MachineError reports that a cell could not be built for a reason outside of the cell: disk space, memory,
// permissions, missing files.
type MachineError struct {
	Err    error
	Remedy string // one or two sentences
}

func (e *MachineError) Error() string { return fmt.Sprintf("%v\n%s", e.Err, e.Remedy) }

func (e *MachineError) Unwrap() error { return e.Err }

// poor reports whether an error is the machine's fault.
func poor(err error) bool {
	if te, ok := errors.AsType[*toolError](err); ok {
		return !te.complains()
	}
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}

// A build is one call of Build.
type build struct {
	*Toolchain
	Package
	key []byte // a hash of all that makes the plugin what it is; WorkDir/c7.key holds that of WorkDir/c7.so
}

func (b *build) file(suffix string) string { return filepath.Join(b.WorkDir, b.Name+suffix) }

// environ is the environment of the tools.
func (b *build) environ() []string { return environ(b.info.Env, "TMPDIR="+b.WorkDir) }

// main returns the import path of the plugin's own package: c7's is …/p7.
func (b *build) main() string {
	return CellPrefix + "p" + strings.TrimPrefix(b.Name, "c")
}

func (b *build) run(ctx context.Context, fallback bool) (string, error) {
	cell := CellPrefix + b.Name
	if err := b.compileCell(ctx); err != nil {
		return "", err
	}
	if b.info.Strategy == linkMemory {
		return b.result(), os.WriteFile(b.file(".key"), b.key, 0o644)
	}
	// The linker wants a main package. It must not be the cell's own: the symbols of a package named main are
	// all private to its plugin, and no later cell could import them.
	text := fmt.Appendf(nil, "package main\n\nimport _ %q\n\nfunc main() {}\n", cell)
	if err := b.compile(ctx, b.main(), ".main.go", text, []string{cell}, b.file(".main.a"), nil); err != nil {
		return "", err
	}
	if err := b.link(ctx, fallback); err != nil {
		return "", err
	}
	return b.file(".so"), os.WriteFile(b.file(".key"), b.key, 0o644)
}

// result is the file that the host loads: the plugin, or the archive of the cell's own package.
func (b *build) result() string {
	if b.info.Strategy == linkMemory {
		return b.file(".a")
	}
	return b.file(".so")
}

// compileCell makes the archive of the cell's own package.
func (b *build) compileCell(ctx context.Context) error {
	return b.compile(ctx, CellPrefix+b.Name, ".go", b.Package.Source, b.Imports, b.file(".a"), b.GCFlags)
}

// built reports whether WorkDir already holds this very plugin: the same text, compiled with the same
// toolchain and flags, and each cell that it imports unchanged as well. If not, it takes the old one's key
// away, so that a build that fails or is interrupted leaves nothing that could pass for a plugin.
func (b *build) built() bool {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q", b.dir, b.info.Source, b.GCFlags, b.Package.Source)
	for _, imp := range slices.Sorted(slices.Values(b.Imports)) {
		fmt.Fprintf(h, " %q", imp)
		if name, ok := strings.CutPrefix(imp, CellPrefix); ok {
			key, _ := os.ReadFile(filepath.Join(b.WorkDir, name+".key")) // without one, the build reports what is missing
			fmt.Fprintf(h, " %x", key)
		} else if m, ok := b.module(b.WorkDir, imp); ok {
			fmt.Fprintf(h, " %q", m.Archive)
		}
	}
	b.key = h.Sum(nil)
	if old, err := os.ReadFile(b.file(".key")); err == nil && bytes.Equal(old, b.key) {
		if _, err := os.Stat(b.result()); err == nil {
			return true
		}
	}
	os.Remove(b.file(".key"))
	return false
}

// archive returns the archive of an import: the toolchain's or an earlier cell's, which is compiled again
// when it has disappeared: programs that clean temporary folders do not check whether a session is running.
func (b *build) archive(ctx context.Context, path string) (string, error) {
	if name, ok := strings.CutPrefix(path, CellPrefix); ok {
		a := filepath.Join(b.WorkDir, name+".a")
		if _, err := os.Stat(a); err == nil {
			return a, nil
		} else if p, ok := b.made.Load(filepath.Join(b.WorkDir, name)); ok {
			again := &build{Toolchain: b.Toolchain, Package: p.(Package)}
			return a, again.compileCell(ctx)
		} else {
			return "", fmt.Errorf("cell %s has not been built: %w", name, err)
		}
	}
	known, err := b.archives()
	if err != nil {
		return "", err
	}
	if a, ok := known[path]; ok {
		return a, nil
	}
	if m, ok := b.module(b.WorkDir, path); ok {
		return m.Archive, nil
	}
	return "", fmt.Errorf("package %s is not available to cells", path)
}

// restoreArchives compiles again what has disappeared of the archives in WorkDir: the linker wants those of
// all cells that the imported ones import.
func (b *build) restoreArchives(ctx context.Context) (err error) {
	b.made.Range(func(name, p any) bool {
		cell := &build{Toolchain: b.Toolchain, Package: p.(Package)}
		if cell.WorkDir != b.WorkDir {
			return true
		}
		_, err = b.archive(ctx, CellPrefix+cell.Name)
		return err == nil
	})
	return err
}

// compile makes one package of one file. Both packages of a cell get the flags that go build would use for a
// plugin.
func (b *build) compile(ctx context.Context, path, suffix string, source []byte, imports []string, to string, flags []string) error {
	var cfg bytes.Buffer
	for _, imp := range imports {
		if imp == "unsafe" {
			continue
		}
		a, err := b.archive(ctx, imp)
		if err != nil {
			return err
		}
		fmt.Fprintf(&cfg, "packagefile %s=%s\n", imp, a)
	}
	if err := os.WriteFile(b.file(suffix), source, 0o644); err != nil {
		return err
	}
	a := b.takeAhead(path, flags)
	if a != nil && !a.begin(cfg.Bytes()) {
		a.stop()
		a = nil
	}
	if a != nil {
		if done, err := a.finish(ctx, to); done {
			return b.compiled(err)
		}
	}
	cfgFile := b.file(suffix + ".importcfg")
	defer os.Remove(cfgFile) // a block of the disk for each cell
	if err := os.WriteFile(cfgFile, cfg.Bytes(), 0o644); err != nil {
		return err
	}
	_, err := output(ctx, b.WorkDir, b.environ(), b.info.Compile.Path, b.arguments(path, to, cfgFile, b.file(suffix), flags)...)
	return b.compiled(err)
}

// compiled returns a CompileError for errors in the source, and other failures as they are.
func (b *build) compiled(err error) error {
	if te, ok := errors.AsType[*toolError](err); ok && te.complains() {
		return &CompileError{Name: b.Name, Output: te.Output}
	}
	return err
}

// arguments are the compiler's for a package of one file.
func (b *build) arguments(path, to, importcfg, source string, flags []string) []string {
	// Rewriting WorkDir to nothing leaves "cell[7]" of a //line directive as it is, in panics, stacks and
	// traces alike.
	args := append(slices.Clone(flags), "-o", to, "-trimpath", b.WorkDir+"=>", "-p", path, "-lang="+b.info.Lang, "-complete")
	if b.info.Strategy != linkMemory {
		args = append(args, "-installsuffix", "dynlink", "-dynlink")
	} else {
		args = append(args, noDWARF)
	}
	return append(args, "-nolocalimports", "-c="+fmt.Sprint(min(runtime.GOMAXPROCS(0), 4)), "-importcfg", importcfg, "-pack", source)
}

// readArchives parses the importcfg that Prepare wrote.
func (t *Toolchain) readArchives() (map[string]string, error) {
	text, err := t.base()
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = ErrNotPrepared
		}
		return nil, err
	}
	return ParseImportcfg(text), nil
}

// ParseImportcfg returns the archive of each package that a linker's importcfg names.
func ParseImportcfg(text []byte) map[string]string {
	m := make(map[string]string, 512)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "packagefile "); ok {
			path, file, _ := strings.Cut(rest, "=")
			m[path] = file
		}
	}
	return m
}

// Archive returns the file of a package's archive, a cell's that was built in workDir included.
func (t *Toolchain) Archive(ctx context.Context, workDir, path string) (string, error) {
	return (&build{Toolchain: t, Package: Package{WorkDir: workDir}}).archive(ctx, path)
}

// Index returns the file of the host's symbols, empty where cells are plugins.
func (t *Toolchain) Index() string {
	if t.info.Strategy != linkMemory {
		return ""
	}
	return t.path("symbols.idx")
}
