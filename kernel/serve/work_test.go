package serve

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"interleave/install/hosttest"
)

// Cells are loaded also where temporary files must not be run.
func TestWorkWhereNothingRuns(t *testing.T) {
	t.Parallel()
	if err := exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "-o", "noexec", "tmpfs", t.TempDir()).Run(); err != nil {
		t.Skip("this system does not let us mount: ", err)
	}
	host, dir := hosttest.Host(t), t.TempDir()
	cells := filepath.Join(dir, "cells.txt")
	if err := os.WriteFile(cells, []byte("func f() int { return 42 }\n---\nf()\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tmp, cache := filepath.Join(dir, "tmp"), filepath.Join(dir, "cache")
	if err := os.Mkdir(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-rm", "sh", "-c", `mount -t tmpfs -o noexec tmpfs "$TMPDIR" && exec "$@"`, "sh", host, "cells", cells)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "XDG_CACHE_HOME="+cache)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "⇒ 42") {
		t.Errorf("%v\n%s", err, out)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "interleave", "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWork(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	foreign := filepath.Join(parent, "foreign")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(parent, workName+"link")
	if err := os.Symlink(foreign, link); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(parent, workName+"1") // by a process that was killed
	if err := os.MkdirAll(filepath.Join(left, "c1.link"), 0o700); err != nil {
		t.Fatal(err)
	}
	a, removeA, err := newWork(parent)
	if err != nil {
		t.Fatal(err)
	}
	b, removeB, err := newWork(parent)
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{left: false, a: true, b: true, foreign: true, link: true} {
		if _, err := os.Lstat(dir); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", dir, err == nil, want)
		}
	}
	for _, remove := range []func() error{removeA, removeB} {
		if err := remove(); err != nil {
			t.Error(err)
		}
	}
	if rest, _ := filepath.Glob(filepath.Join(parent, workName+"*")); len(rest) != 1 || rest[0] != link {
		t.Errorf("left behind: %v", rest)
	}
	if _, _, err := newWork(filepath.Join(parent, "nowhere")); err == nil {
		t.Error("a folder was made below one that is not there")
	}
}
