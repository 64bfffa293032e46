package toolchain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// patchedGo is the toolchain that the patches were last tried with. Others of the same language version work as long as
// their anchors are there.
const patchedGo = "go1.26.8"

// A PatchError says that the standard library at hand is not one that the patches know.
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

// writeOverlay writes the patched files of goroot's standard library below dir, and the JSON that go build -overlay takes; it
// returns the path of the latter. Files that are right already are left alone.
func writeOverlay(dir, goroot string) (string, error) {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for _, f := range patches() {
		text, err := f.patched(goroot)
		if err != nil {
			return "", err
		}
		to := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := update(to, text); err != nil {
			return "", err
		}
		overlay.Replace[filepath.Join(goroot, "src", filepath.FromSlash(f.path))] = to
	}
	b, err := json.MarshalIndent(overlay, "", "\t")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, update(name, b)
}

// patched returns the file's new text.
func (f stdFile) patched(goroot string) ([]byte, error) {
	if f.added != "" {
		return stdFiles.ReadFile("stdfiles/" + f.added)
	}
	name := filepath.Join(goroot, "src", filepath.FromSlash(f.path))
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for _, e := range f.edits {
		want := max(e.n, 1)
		if n := bytes.Count(text, []byte(e.old)); n != want {
			return nil, &PatchError{Go: firstLine(readVersion(goroot)), File: name, Anchor: e.old, Found: n, Want: want}
		}
		text = bytes.ReplaceAll(text, []byte(e.old), []byte(e.new))
	}
	return text, nil
}

// update writes a file unless it is the same already.
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
