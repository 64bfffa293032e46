package toolchain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// patchedGo is the toolchain that the patches were last tried with. Other toolchains of the same language
// version work if they have the anchors.
const patchedGo = "go1.26.8"

// A PatchError reports that the patches do not fit this standard library.
type PatchError struct {
	Go     string // the toolchain's version
	File   string // of GOROOT
	Anchor string // the text that was looked for
	Found  int    // how often it was there
	Want   int
}

func (e *PatchError) Error() string {
	return fmt.Sprintf("the standard library of %s is not one that this version of Interleave knows: %s has %q %d times, not %d. Use the toolchain it was made for: GOTOOLCHAIN=%s",
		e.Go, e.File, firstLine(strings.TrimSpace(e.Anchor)), e.Found, e.Want, patchedGo)
}

// writeOverlay writes the patched files of goroot's standard library below dir, and the JSON file for go
// build -overlay, whose path it returns. Files that are up to date are not written.
func (p *preparer) writeOverlay() (string, error) {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	dir, goroot := p.Std, p.go_.goroot
	add := func(f stdFile, instead string) error {
		text, err := f.patched(goroot, p.memory)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(f.path))
		overlay.Replace[instead] = to
		return update(to, text)
	}
	for _, f := range patches(p.system()) {
		if f.memory && !p.memory {
			continue
		}
		if err := add(f, filepath.Join(goroot, "src", filepath.FromSlash(f.path))); err != nil {
			return "", err
		}
	}
	if p.memory { // some files of Go's own commands become part of the host
		for _, f := range borrowed() {
			name := strings.TrimPrefix(strings.TrimPrefix(f.path, "cmd/"), "internal/")
			if err := add(f, filepath.Join(p.Source, "kernel", "load", filepath.FromSlash(name))); err != nil {
				return "", err
			}
		}
	}
	if !p.cgo {
		if err := withoutC(goroot, overlay.Replace); err != nil {
			return "", err
		}
		incomplete := stdFile{path: "runtime/cgo/cellincomplete.go", added: "cgoincomplete.go.txt"}
		if err := add(incomplete, filepath.Join(goroot, "src", filepath.FromSlash(incomplete.path))); err != nil {
			return "", err
		}
	}
	b, err := json.MarshalIndent(overlay, "", "\t")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, update(name, b)
}

// withoutC reduces package runtime/cgo to Handle, and adds Incomplete. cmd/link keeps what code that is
// loaded later may need (the names of all types, all methods, all initial values of maps) in programs with
// packages named plugin and runtime/cgo. So a host has both, and needs no C compiler.
func withoutC(goroot string, replace map[string]string) error {
	dir := filepath.Join(goroot, "src", "runtime", "cgo")
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		switch n := f.Name(); {
		case n == "handle.go", strings.HasSuffix(n, "_test.go"):
		case filepath.Ext(n) == ".go", filepath.Ext(n) == ".s":
			replace[filepath.Join(dir, n)] = ""
		}
	}
	return nil
}

// patched returns the file's new text.
func (f stdFile) patched(goroot string, memory bool) ([]byte, error) {
	if f.added != "" {
		text, err := stdFiles.ReadFile("stdfiles/" + f.added)
		// it is part of several
		return bytes.Replace(text, []byte("package registry\n"), []byte("package "+path.Base(path.Dir(f.path))+"\n"), 1), err
	}
	name := filepath.Join(goroot, "src", filepath.FromSlash(f.path))
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for _, e := range f.edits {
		if e.memory && !memory {
			continue
		}
		want := max(e.n, 1)
		if n := bytes.Count(text, []byte(e.old)); n != want {
			return nil, &PatchError{Go: firstLine(readVersion(goroot)), File: name, Anchor: e.old, Found: n, Want: want}
		}
		text = bytes.ReplaceAll(text, []byte(e.old), []byte(e.new))
	}
	return text, nil
}

// update writes a file unless it already has that text.
func update(name string, text []byte) error {
	switch old, err := os.ReadFile(name); {
	case err == nil && bytes.Equal(old, text):
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return writeFile(name, text)
}
