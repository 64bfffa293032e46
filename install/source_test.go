package install

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func testModule() fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range map[string]string{
		"go.mod": "module m\n", "go.sum": "", "main.go": "package main\n", "README.md": "x",
		"a/a.go": "package a\n\nimport _ \"embed\"\n\n//go:embed logo.svg all:data \"with*star.txt\"\nvar x string\n", "a/a_test.go": "package a\n",
		"a/logo.svg": "<svg/>", "a/data/one": "1", "a/data/deep/.two": "2", "a/with a star.txt": "", "a/other.txt": "no",
		"a/testdata/b.go": "package b\n", "_old/c.go": "package c\n", ".git/config": "", "a/.hidden.go": "package a\n",
	} {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestReadSource(t *testing.T) {
	t.Parallel()
	m := testModule()
	s, err := readSource(m)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a/a.go", "a/data/deep/.two", "a/data/one", "a/logo.svg", "a/with a star.txt", "go.mod", "go.sum"}
	if !slices.Equal(s.files, want) {
		t.Errorf("the files are %q, want %q", s.files, want)
	}
	key := func() string {
		s, err := readSource(m)
		if err != nil {
			t.Fatal(err)
		}
		return s.key
	}
	if key() != s.key {
		t.Error("the key changed by itself")
	}
	m["main.go"], m["a/a_test.go"] = &fstest.MapFile{Data: []byte("package x")}, &fstest.MapFile{}
	if key() != s.key {
		t.Error("the key changed with a file that the host has not")
	}
	m["a/data/one"] = &fstest.MapFile{Data: []byte("2")}
	if key() == s.key {
		t.Error("the key did not change with an embedded file")
	}
	delete(m, "go.mod")
	if _, err := readSource(m); err == nil || !strings.Contains(err.Error(), "no go.mod") {
		t.Errorf("without go.mod the error is %v", err)
	}
}

func TestCopySource(t *testing.T) {
	t.Parallel()
	s, err := readSource(testModule())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "src")
	if err := os.MkdirAll(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "old.go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.copyTo(dir); err != nil {
		t.Fatal(err)
	}
	copied, err := readSource(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if copied.key != s.key || !slices.Equal(copied.files, s.files) {
		t.Errorf("the copy has %q, want %q", copied.files, s.files)
	}
}
