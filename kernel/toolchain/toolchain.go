// Package toolchain knows how the host and the cells that load into it are compiled and linked: the patched
// standard library, the flags both sides must agree on, where archives and export data are kept, and the fast
// way to link. It must not know what a cell means: it takes Go source that is ready for the compiler, and
// returns an archive or a plugin.
//
// A plugin loads into a host only when every package they share was compiled from the same text with the same
// flags by the same compiler. Prepare therefore builds the host together with all archives that a cell may
// import, and records how; Open reads that record, and Build compiles cells against it.
package toolchain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// CellPrefix is the import path under which cells are compiled: cell "c7" is package CellPrefix+"c7".
const CellPrefix = "interleave/cells/"

// HostTag is the build tag that the host and everything linked with it are compiled with. Files under this
// tag may rely on the patched standard library.
const HostTag = "interleave_host"

// memoryTag is the build tag of hosts that link cells into themselves.
const memoryTag = "interleave_memory"

// How cells are linked, from the fastest way to the slowest.
const (
	linkMemory = "memory" // the host links cells into itself
	linkDirect = "ld"     // Go's linker writes the objects, this package runs ld on them
	linkExtld  = "extld"  // Go's linker drives the C compiler, as go build does
	linkNone   = "none"   // no plugins on this machine
)

// A Toolchain compiles cells with what Prepare made. Its methods may be called from several goroutines.
type Toolchain struct {
	dir         string
	info        info
	description []byte // toolchain.json, from which info comes; nil while it does not exist yet

	plugins error    // nil, or why Build cannot work
	made    sync.Map // WorkDir/c7 → the Package that was built there
	modules provided

	sweepOnce sync.Once
	slow      atomic.Bool // ld failed once where the C compiler did not: stay with the latter

	aheadMu sync.Mutex
	ahead   *ahead // the compiler that waits for the next cell, or nil

	// Read on first use. A package's archive does not change while Dir exists.
	base     func() ([]byte, error)            // the link's importcfg without cells
	archives func() (map[string]string, error) // import path → archive, from base

	typesOnce sync.Once
	types     *Types
	typesErr  error
}

// info is toolchain.json: small, because every session reads it at start.
type info struct {
	Format    int      // of everything below Dir; another number means prepare again
	Go        string   // "go1.26.8"
	GOROOT    string   // the toolchain that compiled the host
	Version   string   // GOROOT/VERSION as it was, to notice an upgrade in place
	Compile   tool     // GOROOT/pkg/tool/…/compile
	Link      tool     // GOROOT/pkg/tool/…/link
	Lang      string   // "go1.26", for compile -lang
	Env       []string // what compile, link and the C compiler are run with, beside PATH, HOME and the like
	CC        []string // C compiler command
	LD        string   // absolute path of ld, when Strategy is linkDirect
	True      string   // absolute path of true, a program that does nothing; the same
	Strategy  string   // one of the link… constants
	Reason    string   // why Strategy is linkNone, a sentence with the remedy
	NotPlain  string   // why code of cells is gated even if plain code was asked for
	NotMemory string   // why cells are not linked in memory where they might be
	NoCC      bool     // the reason is that there was no C compiler
	Source    string   // the module's source that all of this was compiled from
	Modules   string   // GOMODCACHE, with the sources of modules
	Flags     []string // of the go command, with which the host was compiled and modules are
	Cgo       bool     // the host has cgo
}

// A tool is a program with the size it had, which an upgrade changes.
type tool struct {
	Path string
	Size int64
}

const format = 3

// A StaleError reports that the Go toolchain on disk is not the one that compiled the host, so that cells
// compiled with it would not load.
type StaleError struct {
	Have, Want string
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("the Go toolchain changed: this kernel was built with %s, and there is %s now. Run `interleave install` again", e.Want, e.Have)
}

// A NoPluginsError holds the reason why cells cannot be compiled on this machine. Everything but the compiled
// engine works.
type NoPluginsError struct {
	Reason string // with the remedy
	NoCC   bool   // there was no C compiler when the host was built
}

func (e *NoPluginsError) Error() string { return "compiled cells are not available: " + e.Reason }

// Open returns an error that wraps ErrNotPrepared when dir does not hold a finished toolchain.
var ErrNotPrepared = errors.New("no toolchain has been prepared here. Run `interleave install`")

// HostPath returns where Prepare puts the host below dir.
func HostPath(dir string) string { return filepath.Join(dir, "bin", exe("host")) }

// RunnerPath returns where Prepare puts the program that runs notebooks without Jupyter.
func RunnerPath(dir string) string { return filepath.Join(dir, "bin", exe("runner")) }

// KernelPath returns where Prepare puts the program that Jupyter starts. It serves a kernel, and becomes the
// host for other commands.
func KernelPath(dir string) string { return filepath.Join(dir, "bin", exe("interleave")) }

// DirOf returns the directory that Prepare was given, from the path of a program in it.
func DirOf(host string) string { return filepath.Dir(filepath.Dir(host)) }

// Here returns the directory in which Prepare built the running program, if Prepare did.
func Here() (string, error) {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err != nil {
		return "", fmt.Errorf("find the toolchain: %w", err)
	}
	return DirOf(self), nil
}

// Open reads what Prepare left in dir. It costs one small file and three stats. When cells cannot be
// compiled, the error is a *StaleError or a *NoPluginsError, and the Toolchain is returned nevertheless: its
// types and the interpreter remain usable, and Build returns the same error. With any other error the
// Toolchain is nil.
func Open(dir string) (*Toolchain, error) {
	b, err := os.ReadFile(filepath.Join(dir, "toolchain.json"))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w (%s)", ErrNotPrepared, dir)
		}
		return nil, fmt.Errorf("open toolchain: %w", err)
	}
	t, err := open(dir, b)
	if t != nil {
		t.description = b
	}
	return t, err
}

// open is Open with the description at hand.
func open(dir string, description []byte) (*Toolchain, error) {
	t := &Toolchain{dir: dir}
	if err := json.Unmarshal(description, &t.info); err != nil {
		return nil, fmt.Errorf("open toolchain: %s: %w", filepath.Join(dir, "toolchain.json"), err)
	}
	if t.info.Format != format {
		return nil, fmt.Errorf("open toolchain: format %d, not %d: %w", t.info.Format, format, ErrNotPrepared)
	}
	t.base = onceRead(func() ([]byte, error) { return os.ReadFile(t.path("importcfg")) })
	t.archives = onceRead(t.readArchives)
	t.plugins = t.check()
	return t, t.plugins
}

// onceRead returns a function that calls read until it succeeds, and returns that result from then on. Errors
// may be temporary, such as a lack of file descriptors.
func onceRead[T any](read func() (T, error)) func() (T, error) {
	var mu sync.Mutex
	var got T
	done := false
	return func() (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if done {
			return got, nil
		}
		v, err := read()
		if err == nil {
			got, done = v, true
		}
		return v, err
	}
}

func (t *Toolchain) path(name string) string { return filepath.Join(t.dir, name) }

// Dir returns the directory that was opened.
func (t *Toolchain) Dir() string { return t.dir }

// GoVersion returns the version of the Go toolchain that compiled the host, "go1.26.8".
func (t *Toolchain) GoVersion() string { return t.info.Go }

// Source returns the directory of the module's source that the host was compiled from. It may have been
// removed since.
func (t *Toolchain) Source() string { return t.info.Source }

// PackageFile returns the path of a file of a package, by the name that positions in export data have. It may have
// been removed since.
func (t *Toolchain) PackageFile(name string) string {
	switch first, rest, _ := strings.Cut(name, "/"); {
	case filepath.IsAbs(name): // in a module on disk that was edited
		return name
	case first == "interleave":
		return filepath.Join(t.info.Source, rest)
	case strings.Contains(first, "."):
		if file := t.moduleFile(name); file != "" {
			return file
		}
		return filepath.Join(t.info.Modules, name)
	}
	if file := t.moduleFile(name); file != "" {
		return file
	}
	return filepath.Join(t.info.GOROOT, "src", name)
}

// Strategy names the way cells are linked: "memory" (into the host), as plugins by "ld" or "extld" (through
// the C compiler), or "none".
func (t *Toolchain) Strategy() string { return t.info.Strategy }

// Linking describes how cells are linked into the host, and why not in the best way.
func (t *Toolchain) Linking() string {
	switch {
	case t.info.Strategy == linkMemory:
		text := "cells are linked into the kernel's memory, "
		switch {
		case t.Plain():
			return text + "and their code is plain Go's"
		case t.info.NotPlain != "":
			return text + "and their code has gates, since plain code did not pass the self-test: " + t.info.NotPlain
		}
		return text + "and their code has gates: plain code needs Linux on amd64"
	case t.info.NotMemory != "":
		return "cells are plugins, since they could not be linked into the kernel's memory: " + t.info.NotMemory
	}
	return "cells are plugins"
}

// check returns an error if Build cannot work: the tools must be those that compiled the host.
func (t *Toolchain) check() error {
	if t.info.Strategy == linkNone {
		return &NoPluginsError{t.info.Reason, t.info.NoCC}
	}
	if v := readVersion(t.info.GOROOT); v != t.info.Version {
		have := firstLine(v)
		if have == "" {
			have = "none at " + t.info.GOROOT
		}
		return &StaleError{Have: have, Want: t.info.Go}
	}
	for _, tl := range []tool{t.info.Compile, t.info.Link} {
		fi, err := os.Stat(tl.Path)
		if err != nil {
			return &StaleError{Have: "no " + tl.Path, Want: t.info.Go}
		}
		if fi.Size() != tl.Size {
			return &StaleError{Have: "another " + filepath.Base(tl.Path) + " in " + t.info.GOROOT, Want: t.info.Go}
		}
	}
	return nil
}

// NotPlain returns why cells with plain code did not pass the self-test, or "".
func (t *Toolchain) NotPlain() string { return t.info.NotPlain }

// Plain reports whether cells can have plain code here: they passed the self-test.
func (t *Toolchain) Plain() bool {
	return t.info.Strategy == linkMemory && t.info.NotPlain == "" && runtime.GOOS == "linux" && runtime.GOARCH == "amd64"
}
