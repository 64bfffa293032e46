package toolchain

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Config determines what Prepare builds. The zero values of all fields except Source and Dir are the
// product's.
type Config struct {
	Source string // directory of the module's source; must hold go.mod
	Dir    string // what is made: bin/host, bin/interleave, toolchain.json, pkg/, types.bin, …
	// where the patched standard files go; "" means Dir/std. A path that stays the same saves compiling std
	// again
	Std string

	Main     string   // package of the host, "./kernel/host" when empty
	Packages []string // patterns of what cells may import, DefaultPackages when nil

	NoCgo bool // build as on a machine without a C compiler
	Cgo   bool // the host has cgo even if cells do not need it
	// "plugin": cells are plugins even where the host can link them into itself; "memory": the host tries on
	// every platform
	Link     string
	OS, Arch string     // the system and the processor that the host is for, this machine's when empty
	Emulator []string   // a command that runs programs for Arch on this machine
	Progress func(Step) // may be nil; called from Prepare's goroutine
}

// Steps is how many steps Prepare reports.
const Steps = 5

// A Step is one part of Prepare's work, reported when it begins.
type Step struct {
	N, Of int
	What  string // "compile the packages that cells may import"
}

// DefaultPackages are the patterns of all packages a cell may be linked with. Patterns ending in … match
// nothing silently; that is on purpose, a smaller module is prepared too. Of gonum's plot only its cmpimg is
// left out, which is for tests.
var DefaultPackages = []string{
	"std", "interleave/runtime/...", "interleave/plots/...", "interleave/kernel/engine/rt/...",
	"gonum.org/v1/plot", "gonum.org/v1/plot/font/...", "gonum.org/v1/plot/palette/...", "gonum.org/v1/plot/plotter",
	"gonum.org/v1/plot/plotutil", "gonum.org/v1/plot/text", "gonum.org/v1/plot/tools/bezier", "gonum.org/v1/plot/vg/...",
}

// hidden reports whether a package is part of the toolchain's archives but not for users to import.
func hidden(path string) bool {
	if strings.HasPrefix(path, "interleave/kernel/") || path == "interleave/runtime/host" || path == "interleave/runtime/remote" {
		return true
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "internal" || part == "vendor" || part == "cmd" {
			return true
		}
	}
	return false
}

// Prepare builds the host and everything needed to compile cells for it. It is idempotent; what is cached is
// not built again. Cancelling ctx leaves Dir without toolchain.json, that is unprepared.
//
// The host links cells into itself where it can, which a test of some cells decides. Otherwise they are
// plugins. Where plugins are not possible either, without a C compiler or on systems where Go has no plugins,
// Open returns the reason why cells cannot be compiled.
func Prepare(ctx context.Context, c Config) error {
	p := &preparer{Config: c}
	if err := p.run(ctx); err != nil {
		return fmt.Errorf("prepare the toolchain: %w", err)
	}
	return nil
}

type preparer struct {
	Config
	go_     *goenv
	overlay string // path of the overlay's JSON
	reason  string // why there are no plugins, or ""
	noCC    bool   // the reason is that there is no C compiler
	flags   []string
	memory  bool // the host links cells into itself
	cgo     bool // the host has cgo
	step    int
	info    info
}

func (p *preparer) say(what string) {
	p.step++
	if p.Progress != nil {
		p.Progress(Step{N: p.step, Of: Steps, What: what})
	}
}

func (p *preparer) run(ctx context.Context) (err error) {
	if p.Source, err = filepath.Abs(p.Source); err != nil {
		return err
	}
	if p.Dir, err = filepath.Abs(p.Dir); err != nil {
		return err
	}
	if p.Main == "" {
		p.Main = productHost
	}
	if p.Packages == nil {
		p.Packages = DefaultPackages
	}
	if p.Std == "" {
		p.Std = filepath.Join(p.Dir, "std")
	}
	if err := os.MkdirAll(filepath.Join(p.Dir, "bin"), 0o755); err != nil {
		return err
	}
	done := filepath.Join(p.Dir, "toolchain.json")
	if err := os.Remove(done); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}

	p.say("look at the Go toolchain and the C compiler")
	if p.go_, err = findGo(ctx, p.Source); err != nil {
		return err
	}
	if p.Arch != "" {
		p.go_.pinned = append(p.go_.pinned, "GOARCH="+p.Arch)
	}
	if p.OS != "" {
		p.go_.pinned = append(p.go_.pinned, "GOOS="+p.OS)
	}
	p.reason = p.whyNoPlugins(ctx)
	pinned := p.go_.pinned
	if p.memory = p.canLinkInMemory(); p.memory {
		err := p.make(ctx, done)
		if err == nil || ctx.Err() != nil {
			return err
		}
		// The slower way, which works with every Go.
		p.memory, p.step, p.info.NotMemory, p.go_.pinned = false, 1, err.Error(), pinned
	}
	return p.make(ctx, done)
}

// make builds a host with all that its cells need.
func (p *preparer) make(ctx context.Context, done string) (err error) {
	p.cgo = p.reason == "" && (p.Cgo || !p.memory)
	if p.overlay, err = p.writeOverlay(); err != nil {
		return err
	}
	cgo := "CGO_ENABLED=0"
	if p.cgo {
		cgo = "CGO_ENABLED=1"
	}
	p.go_.pinned = append(p.go_.pinned[:len(p.go_.pinned):len(p.go_.pinned)], cgo)
	tags := HostTag
	if p.memory {
		tags += "," + memoryTag
	}
	p.flags = []string{"-trimpath", "-tags=" + tags, "-overlay=" + p.overlay}
	if p.memory {
		p.flags = append(p.flags, "-gcflags=all="+noDWARF)
	}

	p.say("compile the host")
	args := append([]string{"build"}, p.flags...)
	args = append(args, "-ldflags=-w -X 'runtime.defaultGOROOT="+p.go_.goroot+"'", "-o")
	if p.Main == productHost { // their names are those of the folders
		args = append(args, filepath.Dir(HostPath(p.Dir))+string(filepath.Separator), productHost, productKernel, productRunner)
	} else {
		args = append(args, HostPath(p.Dir), p.Main)
	}
	if _, err := output(ctx, p.Source, environ(p.go_.pinned), p.go_.cmd, args...); err != nil {
		return fmt.Errorf("build the host: %w", err)
	}

	p.say("compile the packages that cells may import")
	pkgs, err := p.export(ctx)
	if err != nil {
		return fmt.Errorf("compile the packages for cells: %w", err)
	}

	p.say("write down their types")
	if err := p.writeTypes(pkgs); err != nil {
		return fmt.Errorf("write types: %w", err)
	}

	p.say("try cells")
	if err := p.describe(ctx); err != nil {
		return err
	}
	b, err := json.MarshalIndent(p.info, "", "\t")
	if err != nil {
		return err
	}
	if p.memory {
		if err := p.selfTest(ctx, b, "gated"); err != nil {
			return err
		}
		if err := p.selfTest(ctx, b, "plain"); err != nil {
			p.info.NotPlain = err.Error()
			if b, err = json.MarshalIndent(p.info, "", "\t"); err != nil {
				return err
			}
		}
	}
	return writeFile(done, b)
}

// noDWARF is the compiler's flag for code without tables for debuggers. Stacks, profiles and traces do not
// need them, and hosts are linked without them.
const noDWARF = "-dwarf=0"

// The product's programs.
const (
	productHost   = "./kernel/host"
	productKernel = "./kernel/interleave"
	productRunner = "./kernel/runner"
)

// canLinkInMemory reports whether the host is one that can, on a platform that package kernel/load supports
// well enough to be tried.
func (p *preparer) canLinkInMemory() bool {
	return (p.Main == productHost || p.Link == "memory") && inMemory(p.Link, p.system(), p.Arch)
}

// system is the one that the host is for.
func (p *preparer) system() string { return cmp.Or(p.OS, runtime.GOOS) }

// foreign reports whether the host is for another system, so that none of its cells can be tried here.
func (p *preparer) foreign() bool { return p.system() != runtime.GOOS }

func inMemory(link, system, arch string) bool {
	arch = cmp.Or(arch, runtime.GOARCH)
	return system == "linux" && link != "plugin" && (arch == "amd64" || arch == "arm64" && link == "memory")
}

//go:embed selftest.txt
var selfTest string

var colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// selfTest runs cells in the host, whose code is plain or gated, twice: with the garbage collector at rest,
// and at work all the time. Cells whose code is plain are interrupted, too. The host finds what it needs
// beside itself, so that it is given a folder of its own: in Dir the description must appear when all is well
// and not before.
func (p *preparer) selfTest(ctx context.Context, description []byte, code string) error {
	if p.Main != productHost || len(p.Emulator) > 0 {
		return nil // it runs no cells, or cannot start its session by itself
	}
	var cells, want string
	both, interrupts, _ := strings.Cut(selfTest, "=== plain code\n")
	parts := []string{both, interrupts}
	if code == "gated" {
		parts = parts[:1]
	}
	for _, part := range parts {
		text, prints, ok := strings.Cut(part, "=== prints\n")
		if !ok {
			return errors.New("the self-test has no expected output")
		}
		cells, want = cells+text, want+prints
	}
	dir, err := os.MkdirTemp(p.Dir, "selftest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files := map[string][]byte{"toolchain.json": description, "cells": []byte(cells)}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	beside, err := os.ReadDir(p.Dir)
	if err != nil {
		return err
	}
	for _, f := range beside {
		if f.Type().IsRegular() {
			if err := keep(filepath.Join(p.Dir, f.Name()), filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	host := HostPath(dir)
	if err := keep(HostPath(p.Dir), host); err != nil {
		return err
	}
	if err := os.Chmod(host, 0o755); err != nil { // where it could not be linked
		return err
	}
	cctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for _, gogc := range []string{"100", "1"} {
		out, err := output(cctx, dir, environ(nil, "GOGC="+gogc, "INTERLEAVE_CODE="+code), host, "cells", "-plain", filepath.Join(dir, "cells"))
		if err != nil {
			return fmt.Errorf("try %s cells in memory (GOGC=%s): %w", code, gogc, err)
		}
		if got := strings.TrimSpace(colours.ReplaceAllString(string(out), "")); got != strings.TrimSpace(want) {
			return fmt.Errorf("try %s cells in memory (GOGC=%s): they print\n%s\nnot\n%s", code, gogc, got, strings.TrimSpace(want))
		}
	}
	return nil
}

// whyNoPlugins returns what is missing for compiled cells, or "".
func (p *preparer) whyNoPlugins(ctx context.Context) string {
	switch p.system() {
	case "linux", "darwin", "freebsd":
	default:
		return "Go has no plugins on " + p.system() + "; cells run in the interpreter (`%engine yaegi`)"
	}
	if p.foreign() {
		return "the host was built on " + runtime.GOOS + ". Run `interleave install` where it is used"
	}
	if p.NoCgo {
		return "the host was built without cgo. Run `interleave install` again"
	}
	const remedy = "install one (on Debian and Ubuntu `apt install gcc libc6-dev`, on Fedora `dnf install gcc`, on macOS `xcode-select --install`) and run `interleave install` again"
	cc := findCC(p.go_.cc)
	if cc == nil {
		p.noCC = true
		return "there is no C compiler (" + strings.Join(p.go_.cc, " ") + " is not on PATH); " + remedy
	}
	if abs, err := lookAbs(cc[0]); err == nil {
		cc[0] = abs
	}
	if cc[0] != p.go_.cc[0] {
		p.go_.cc = cc
		p.go_.pinned = append(p.go_.pinned, "CC="+cc[0])
	}
	dir, err := os.MkdirTemp("", "interleave-cc-")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "t.c"), []byte("#include <stdlib.h>\n#include <pthread.h>\nint f(void) { return atoi(\"1\"); }\n"), 0o644); err != nil {
		return err.Error()
	}
	if _, err := output(ctx, dir, append(os.Environ(), "LC_ALL=C"), cc[0], append(cc[1:len(cc):len(cc)], "-shared", "-fPIC", "-o", "t.so", "t.c")...); err != nil {
		return "the C compiler does not work (" + firstLine(err.Error()) + "); " + remedy
	}
	return ""
}

// findCC returns cc if that is on PATH, another C compiler otherwise, or nil.
func findCC(cc []string) []string {
	for _, c := range [][]string{cc, {"gcc"}, {"clang"}, {"cc"}} {
		if len(c) == 0 {
			continue
		}
		if _, err := exec.LookPath(c[0]); err == nil {
			return c
		}
	}
	return nil
}

// HaveCC reports whether there seems to be a C compiler: $CC, gcc, clang or cc is on PATH.
func HaveCC() bool { return findCC(strings.Fields(os.Getenv("CC"))) != nil }

// A listed is a package in the output of go list.
type listed struct {
	ImportPath, Name, Export string
	Standard                 bool
	DepOnly                  bool
	ImportMap                map[string]string
	Error                    *struct{ Err string }
}

// export compiles every package for cells and keeps the archives in Dir/pkg, with the link's importcfg. The
// build cache has them too, but Go trims it.
func (p *preparer) export(ctx context.Context) ([]listed, error) {
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Name,Export,Standard,DepOnly,ImportMap,Error"}
	args = append(append(args, p.listFlags()...), p.Packages...)
	if !p.cgo && slices.Contains(p.Packages, "std") {
		args = append(args, "runtime/cgo") // which std lacks without cgo
	}
	out, err := output(ctx, p.Source, environ(p.go_.pinned), p.go_.cmd, args...)
	if err != nil {
		return nil, err
	}
	var pkgs []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := d.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if l.Error != nil {
			return nil, fmt.Errorf("%s: %s", l.ImportPath, l.Error.Err)
		}
		pkgs = append(pkgs, l)
	}
	var cfg bytes.Buffer
	w := bufio.NewWriter(&cfg)
	dir := filepath.Join(p.Dir, "pkg")
	for i, l := range pkgs {
		if l.Export == "" { // unsafe
			continue
		}
		if p.reason != "" && !p.memory { // nothing will be compiled with them
			continue
		}
		to := filepath.Join(dir, filepath.FromSlash(l.ImportPath)+".a")
		if err := keep(l.Export, to); err != nil {
			return nil, err
		}
		pkgs[i].Export = to
		fmt.Fprintf(w, "packagefile %s=%s\n", l.ImportPath, to)
	}
	w.Flush()
	return pkgs, writeFile(filepath.Join(p.Dir, "importcfg"), cfg.Bytes())
}

// listFlags are the flags with which go list compiles packages for cells.
func (p *preparer) listFlags() []string {
	flags := p.flags[:len(p.flags):len(p.flags)]
	if p.reason == "" && !p.memory {
		flags = append(flags, "-buildmode=plugin")
	}
	return flags
}

// keep makes to a file with from's contents: a hard link where possible, since there are 100 MB of them.
// Files in the build cache are named by their contents and never change.
func keep(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	os.Remove(to)
	if os.Link(from, to) == nil {
		return nil
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, b)
}

// writeFile writes a file as a whole or not at all.
func writeFile(name string, b []byte) error {
	tmp := fmt.Sprintf("%s.%d.tmp", name, os.Getpid())
	err := os.WriteFile(tmp, b, 0o644)
	if err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		os.Remove(tmp)
	}
	return err
}

// describe fills in toolchain.json, and builds a cell to see which way of linking works.
func (p *preparer) describe(ctx context.Context) error {
	g := p.go_
	in := &p.info
	*in = info{NotMemory: in.NotMemory,
		Format: format, Go: g.vers, GOROOT: g.goroot, Version: readVersion(g.goroot),
		Lang: minGo, Env: g.forCells(), CC: g.cc, Source: p.Source, Modules: p.go_.cache,
		Flags: p.listFlags(), Cgo: p.cgo, Strategy: linkNone, Reason: p.reason, NoCC: p.noCC,
	}
	for _, t := range []struct {
		*tool
		name string
	}{{&in.Compile, "compile"}, {&in.Link, "link"}} {
		if p.foreign() { // its tools are elsewhere, if it has any
			in.GOROOT, in.Version, in.CC = "", "", nil
			continue
		}
		t.Path = filepath.Join(g.tools, exe(t.name))
		fi, err := os.Stat(t.Path)
		if err != nil {
			return fmt.Errorf("the Go toolchain has no %s: %w", t.name, err)
		}
		t.Size = fi.Size()
	}
	if p.memory {
		in.Strategy, in.Reason, in.NoCC = linkMemory, "", false
		index := append(p.Emulator[:len(p.Emulator):len(p.Emulator)], HostPath(p.Dir), "index", filepath.Join(p.Dir, "importcfg"), filepath.Join(p.Dir, "symbols.idx"))
		_, err := output(ctx, p.Dir, os.Environ(), index[0], index[1:]...)
		return err
	}
	if p.reason != "" {
		return nil
	}
	in.Strategy = linkExtld
	if directLD() {
		ld, err1 := lookAbs("ld")
		nothing, err2 := lookAbs("true")
		if err1 == nil && err2 == nil {
			in.LD, in.True, in.Strategy = ld, nothing, linkDirect
		}
	}
	for {
		err := p.try(ctx)
		if err == nil || ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if in.Strategy == linkDirect {
			in.LD, in.True, in.Strategy = "", "", linkExtld
			continue
		}
		return fmt.Errorf("build a first cell: %w", err)
	}
}

// lookAbs finds a program on PATH. PATH may be another one when cells are built.
func lookAbs(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// try builds a cell with the strategy at hand, no fallback.
func (p *preparer) try(ctx context.Context) error {
	b, err := json.Marshal(p.info)
	if err != nil {
		return err
	}
	// Open reads a finished toolchain; this one is finished but for its name.
	probe := filepath.Join(p.Dir, "probe")
	if err := os.MkdirAll(probe, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(probe)
	t, err := open(p.Dir, b)
	if err != nil {
		return err
	}
	cctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	_, err = t.build(cctx, Package{Name: "c0", Source: []byte("package cell\n\nimport \"fmt\"\n\nfunc F() string { return fmt.Sprint(1) }\n"), Imports: []string{"fmt"}, WorkDir: probe}, false)
	return err
}
