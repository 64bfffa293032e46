package main

import (
	"os"
	"path/filepath"
	"testing"
)

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
