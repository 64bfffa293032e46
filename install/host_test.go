package install

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"interleave/kernel/toolchain"
)

// small is a host that takes a second or two.
func small() Build {
	return Build{Main: "./kernel/toolchain/internal/loadhost", Packages: []string{"fmt"}}
}

// changed is the module with one more comment in a file of the small host.
func changed(t *testing.T, comment string) fs.FS {
	t.Helper()
	root := os.DirFS("..")
	s, err := readSource(root)
	if err != nil {
		t.Fatal(err)
	}
	m := fstest.MapFS{}
	for _, name := range s.files {
		b, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "kernel/toolchain/internal/loadhost/main.go" {
			b = append(b, "// "+comment...)
		}
		m[name] = &fstest.MapFile{Data: b}
	}
	return m
}

func TestHostIsBuiltOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a host")
	}
	root, source := t.TempDir(), changed(t, "once")
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		builds int
		waits  int
		paths  []string
	)
	for range 3 {
		wg.Go(func() {
			b := small()
			b.Progress = func(s toolchain.Step) {
				mu.Lock()
				defer mu.Unlock()
				switch s.N {
				case 0:
					waits++
				case 1:
					builds++
				}
			}
			path, err := Host(context.Background(), source, root, b)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			paths = append(paths, path)
		})
	}
	wg.Wait()
	if builds != 1 || waits > 2 || len(slices.Compact(paths)) != 1 {
		t.Errorf("three calls made %d builds, %d waits and the paths %q", builds, waits, paths)
	}
	b := small()
	b.Progress = func(s toolchain.Step) { t.Errorf("what is there was built again: %v", s) }
	if path, err := Host(context.Background(), source, root, b); err != nil || path != paths[0] {
		t.Errorf("the fourth call gave %s, %v", path, err)
	}
	other := small()
	if path, err := Host(context.Background(), changed(t, "other"), root, other); err != nil || path == paths[0] {
		t.Errorf("another source gave %s, %v", path, err)
	}
	if _, err := os.Stat(paths[0]); err != nil {
		t.Errorf("the former host is gone: %v", err)
	}
}

func TestHostFails(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the go command")
	}
	root := t.TempDir()
	m := testModule()
	m["a/a.go"] = &fstest.MapFile{Data: []byte("package main\nfunc main() { nothing() }\n")}
	b := Build{Main: "./a", Packages: []string{"unsafe"}, NoCgo: true}
	for range 2 { // what failed is not taken for finished
		_, err := Host(context.Background(), m, root, b)
		if err == nil || !strings.Contains(err.Error(), "undefined: nothing") {
			t.Errorf("a host that does not compile gave %v", err)
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("enough"))
	if _, err := Host(ctx, m, root, b); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("a cancelled build gave %v", err)
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(context.Background(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := tryLock(name); ok {
		t.Error("two have the lock")
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	_, err = lock(ctx, name, func() { cancel(errors.New("no more")) })
	if err == nil || err.Error() != "no more" {
		t.Errorf("a wait that was cancelled gave %v", err)
	}
	got := make(chan error)
	go func() {
		unlock, err := lock(context.Background(), name, func() { got <- nil })
		if err == nil {
			unlock()
		}
		got <- err
	}()
	<-got // it waits
	unlock()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// A lock is free when the process that had it was killed.
func TestLockOfTheDead(t *testing.T) {
	if name := os.Getenv("INTERLEAVE_TEST_LOCK"); name != "" { // the process that will be killed
		if _, ok := tryLock(name); ok {
			os.Stdout.WriteString("locked\n")
			io.Copy(io.Discard, os.Stdin)
		}
		return
	}
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "lock")
	cmd := exec.Command(exe, "-test.run=^TestLockOfTheDead$")
	cmd.Env = append(os.Environ(), "INTERLEAVE_TEST_LOCK="+name)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if line != "locked\n" {
		t.Errorf("the other process wrote %q, %v", line, err)
	}
	if _, ok := tryLock(name); ok {
		t.Error("two processes have the lock")
	}
	cmd.Process.Kill()
	cmd.Wait()
	if unlock, ok := tryLock(name); ok {
		unlock()
	} else {
		t.Error("the lock of a process that was killed is not free")
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	now := time.Now()
	add := func(name string, age time.Duration) {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Join(dir, "src"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "src", "go.mod"), []byte("module interleave\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 6 {
		add(fmt.Sprint("old", i), time.Duration(i+1)*time.Hour)
	}
	add("recent", time.Minute)
	add("mine", 100*time.Hour)
	if err := os.Mkdir(filepath.Join(root, "foreign"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "old4", "toolchain.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	add("old4", 5*time.Hour)
	toolchain.Hold(filepath.Join(root, "old4"))                                      // a kernel runs from it
	unlock, err := lock(context.Background(), filepath.Join(root, "old5.lock"), nil) // being built
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	prune(root, "mine")
	var left []string
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		if e.IsDir() {
			left = append(left, e.Name())
		}
	}
	if want := []string{"foreign", "mine", "old0", "old4", "old5", "recent"}; !slices.Equal(left, want) {
		t.Errorf("%q are left, want %q", left, want)
	}
}
