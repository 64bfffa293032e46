// Package hosttest provides tests with the real host binary, or another program that cells load into. It must
// not know what the test does with it.
//
// A plugin loads only into a host that was built with it, and a test binary is not one. So tests that run
// cells run them in a host, which is built here from the module's present source, once for all test binaries.
package hosttest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"interleave/install"
	"interleave/kernel/toolchain"
)

var (
	mu    sync.Mutex
	built = map[string]result{}
)

type result struct {
	path string
	err  error
}

// Session returns arguments for a session process of tests: INTERLEAVE_CODE sets, as for users, whether code
// of cells is plain.
func Session() []string {
	return []string{"-code", os.Getenv("INTERLEAVE_CODE")}
}

// Plain reports whether code of cells is plain in a host's sessions.
func Plain(t testing.TB, host string) bool {
	return Toolchain(t, host).Plain() && os.Getenv("INTERLEAVE_CODE") != "gated" && os.Getenv("INTERLEAVE_EMULATOR") == ""
}

// Host returns the path of the product's host. It skips the test under -short.
func Host(t testing.TB) string {
	t.Helper()
	return Main(t, install.Build{})
}

// Kernel returns the path of the program that Jupyter starts.
func Kernel(t testing.TB) string {
	t.Helper()
	return toolchain.KernelPath(toolchain.DirOf(Host(t)))
}

// Main is Host for another main package of the module, or fewer packages to import, as set in b. It is for
// tests that must not wait for more than they need.
func Main(t testing.TB, b install.Build) string {
	t.Helper()
	if bundle != "" && b.Main == "" {
		return toolchain.HostPath(bundle)
	}
	if testing.Short() {
		t.Skip("needs the host, which takes long to build")
	}
	mu.Lock()
	defer mu.Unlock()
	key := fmt.Sprint(b.Main, b.Packages, b.NoCgo, b.Cgo, b.Link, b.Arch)
	r, ok := built[key]
	if !ok {
		r.path, r.err = build(b)
		built[key] = r
	}
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r.path
}

// bundle is the value of INTERLEAVE_BUNDLE: a folder that the launcher's command bundle has filled, whose host is that
// of the tests. Cells are not compiled there.
var bundle = os.Getenv("INTERLEAVE_BUNDLE")

// emulator is the value of INTERLEAVE_EMULATOR: "arm64 qemu-aarch64-static" runs the hosts of tests that know
// of it as programs for that processor.
var emulator = strings.Fields(os.Getenv("INTERLEAVE_EMULATOR"))

// Before version 8.1, qemu-user's child of a fork hangs now and then: it translates code before exec, in a tree whose
// memory comes from GLib's slices, and another thread of the parent may have held their lock (qemu's commit
// 2f7828b5, issue 285). With this variable GLib takes that memory from malloc, which survives a fork.
func init() {
	if Emulated() {
		os.Setenv("G_SLICE", "always-malloc")
	}
}

// Emulated reports whether hosts of tests run in an emulator.
func Emulated() bool { return len(emulator) > 1 }

// Command returns the command that runs a host with arguments.
func Command(host string, args ...string) *exec.Cmd {
	if len(emulator) > 1 {
		return exec.Command(emulator[1], append(append(emulator[2:len(emulator):len(emulator)], host), args...)...)
	}
	return exec.Command(host, args...)
}

// Toolchain opens the toolchain that a host was built with.
func Toolchain(t testing.TB, host string) *toolchain.Toolchain {
	t.Helper()
	tc, err := toolchain.Open(toolchain.DirOf(host))
	if _, none := errors.AsType[*toolchain.NoPluginsError](err); err != nil && !(none && bundle != "") {
		t.Fatal(err)
	}
	return tc
}

// build makes the host, and reports its progress on standard error if it takes time. go test shows that only
// for a package run by itself; otherwise the first run of all tests is silent for a minute.
func build(b install.Build) (string, error) {
	root, err := ModuleRoot()
	if err != nil {
		return "", err
	}
	cache, err := install.CacheRoot()
	if err != nil {
		return "", err
	}
	if len(emulator) > 1 {
		b.Arch, b.Emulator, b.Link = emulator[0], emulator[1:], "memory"
	}
	start := time.Now()
	b.Progress = func(s toolchain.Step) {
		fmt.Fprintf(os.Stderr, "hosttest: %5.1f s  %d/%d %s\n", time.Since(start).Seconds(), s.N, s.Of, s.What)
	}
	host, err := install.Host(context.Background(), os.DirFS(root), cache, b)
	if err == nil {
		toolchain.Hold(toolchain.DirOf(host)) // to the end of the tests
	}
	return host, err
}

// ModuleRoot returns the folder of the module's go.mod, above the test's working directory.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = parent
	}
}
