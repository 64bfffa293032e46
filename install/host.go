// Package install knows how Interleave is installed: the build of the host from the module's source, the
// kernelspec that Jupyter finds, and the checks of doctor. It must not know what the host does when it runs.
package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"interleave/kernel/toolchain"
)

// A Build determines how a host is built. The zero value builds the product's.
type Build struct {
	Main     string               // package of the host, "./kernel/host" when empty
	Packages []string             // what cells may import, toolchain.DefaultPackages when nil
	NoCgo    bool                 // as on a machine without a C compiler
	Cgo      bool                 // the host has cgo, which cells do not need
	Link     string               // how cells come into the host, see toolchain.Config
	OS, Arch string               // the system and the processor that it is for, see toolchain.Config
	Emulator []string             // what runs it
	Again    bool                 // build even if it is there
	Progress func(toolchain.Step) // may be nil
}

// keepHosts is how many hosts of former sources stay in a cache, besides those from which a kernel runs.
const keepHosts = 3

// keepFor is how long a host is kept in any case: tests of a source that changes every minute must not pull
// each other's hosts away.
const keepFor = 15 * time.Minute

// Host returns the path of a host made from the module in fsys, building it when it is not there yet. Each
// source has a folder of its own in cacheRoot, named by its contents; the newest ones are kept. The path is
// valid until keepHosts other sources have been built.
//
// When the host exists, Host only hashes the source, which takes some 20 ms. The first build takes a minute
// or two, a build of a changed source a few seconds. Several processes may call it at once; one builds, the
// others wait.
func Host(ctx context.Context, fsys fs.FS, cacheRoot string, b Build) (string, error) {
	source, err := readSource(fsys)
	if err != nil {
		return "", err
	}
	b.Cgo = b.Cgo || os.Getenv("INTERLEAVE_CGO") == "1"
	if b.Link == "" {
		if b.Link, err = linkChoice(); err != nil {
			return "", fmt.Errorf("build the host: %w", err)
		}
	}
	dir := filepath.Join(cacheRoot, b.key(source))
	host := toolchain.HostPath(dir)
	if !b.Again && usable(dir) {
		touch(dir)
		return host, nil
	}
	if err := os.MkdirAll(cacheRoot, 0o755); err != nil {
		return "", fmt.Errorf("build the host: %w", err)
	}
	waiting := func() {
		if b.Progress != nil {
			b.Progress(toolchain.Step{N: 0, Of: toolchain.Steps, What: "wait for another build to end"})
		}
	}
	unlock, err := lock(ctx, dir+".lock", waiting)
	if err != nil {
		return "", fmt.Errorf("build the host: %w", err)
	}
	defer unlock()
	if !b.Again && usable(dir) {
		touch(dir)
		return host, nil
	}
	if err := source.copyTo(filepath.Join(dir, "src")); err != nil {
		return "", fmt.Errorf("build the host: %w", err)
	}
	err = toolchain.Prepare(ctx, toolchain.Config{
		Source: filepath.Join(dir, "src"), Dir: dir,
		Main: b.Main, Packages: b.Packages, NoCgo: b.NoCgo, Cgo: b.Cgo,
		Link: b.Link, OS: b.OS, Arch: b.Arch, Emulator: b.Emulator, Progress: b.Progress,
	})
	if err != nil {
		return "", fmt.Errorf("build the host: %w", err)
	}
	touch(dir)
	prune(cacheRoot, filepath.Base(dir))
	return host, nil
}

// linkChoice is the user's choice of how cells are linked.
func linkChoice() (string, error) {
	switch link := os.Getenv("INTERLEAVE_LINK"); link {
	case "", "memory", "plugin":
		return link, nil
	default:
		return "", fmt.Errorf("INTERLEAVE_LINK is %q; it can be memory or plugin", link)
	}
}

// key names the folder of a source's host. Other options are another host.
func (b Build) key(s *sourceTree) string {
	if b.Main == "" && b.Packages == nil && !b.NoCgo && !b.Cgo && b.Link == "" && b.OS == "" && b.Arch == "" {
		return s.key
	}
	h := sha256.Sum256(fmt.Appendf(nil, "%q %q %t %t %s %s %s", b.Main, b.Packages, b.NoCgo, b.Cgo, b.Link, b.OS, b.Arch))
	return s.key + "-" + hex.EncodeToString(h[:4])
}

// usable reports whether dir holds a finished host whose toolchain is still there. A host without plugins,
// because there was no C compiler, is built again as soon as there is one.
func usable(dir string) bool {
	_, err := toolchain.Open(dir)
	if none, ok := errors.AsType[*toolchain.NoPluginsError](err); ok {
		return !none.NoCC || !toolchain.HaveCC()
	}
	if err != nil {
		return false
	}
	_, err = os.Stat(toolchain.HostPath(dir))
	return err == nil
}

// touch records when a host was last used. It is only a hint for prune, so a failure does not matter.
func touch(dir string) {
	now := time.Now()
	_ = os.Chtimes(dir, now, now)
}

// prune removes hosts that were not used lately. A failure leaves a folder too many.
func prune(cacheRoot, keep string) {
	entries, err := os.ReadDir(cacheRoot)
	if err != nil {
		return
	}
	type host struct {
		name string
		used time.Time
	}
	var hosts []host
	for _, e := range entries {
		if !e.IsDir() || e.Name() == keep {
			continue
		}
		if !isHostDir(filepath.Join(cacheRoot, e.Name())) {
			continue
		}
		if fi, err := e.Info(); err == nil {
			hosts = append(hosts, host{e.Name(), fi.ModTime()})
		}
	}
	slices.SortFunc(hosts, func(a, b host) int { return b.used.Compare(a.used) })
	for i, h := range hosts {
		if i < keepHosts-1 || time.Since(h.used) < keepFor {
			continue
		}
		dir := filepath.Join(cacheRoot, h.name)
		if toolchain.Held(dir) { // a kernel runs from it
			continue
		}
		// Another process may be building there again. The lock file itself stays, or two processes could
		// hold the lock at once.
		if unlock, ok := tryLock(dir + ".lock"); ok {
			os.RemoveAll(dir)
			unlock()
		}
	}
}
