package install

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A sourceTree is the part of the module's source that goes into the host: everything except tests and the
// launcher itself.
type sourceTree struct {
	fsys  fs.FS
	files []string // sorted, slash-separated
	key   string   // changes when any of them does
}

// readSource selects and hashes the files of a module. It reads all of them: 20 ms for the 10 MB there are.
func readSource(fsys fs.FS) (*sourceTree, error) {
	s := &sourceTree{fsys: fsys}
	texts := map[string][]byte{}
	add := func(name string) error {
		if texts[name] != nil {
			return nil
		}
		b, err := fs.ReadFile(fsys, name)
		if err == nil {
			texts[name] = append(b, 0) // never nil
			s.files = append(s.files, name)
		}
		return err
	}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		switch {
		case d.IsDir() && name != "." && (base == "testdata" || base[0] == '.' || base[0] == '_'):
			return fs.SkipDir
		case d.IsDir() && name == "kernel/kerneltest/house": // measures the source, and no program needs it
			return fs.SkipDir
		case d.IsDir(), base[0] == '.', base[0] == '_':
			return nil
		case name == "go.mod" || name == "go.sum":
			return add(name)
		case path.Dir(name) == ".", strings.HasSuffix(name, "_test.go"),
			path.Ext(name) != ".go" && path.Ext(name) != ".s":
			return nil
		}
		return add(name)
	})
	if err != nil {
		return nil, fmt.Errorf("read the module's source: %w", err)
	}
	if texts["go.mod"] == nil {
		return nil, errors.New("read the module's source: there is no go.mod")
	}
	for _, name := range slices.Clone(s.files) {
		for _, pattern := range embedPatterns(texts[name]) {
			if err := addEmbedded(fsys, path.Join(path.Dir(name), pattern), add); err != nil {
				return nil, fmt.Errorf("read the module's source: %s embeds %s: %w", name, pattern, err)
			}
		}
	}
	slices.Sort(s.files)
	h := sha256.New()
	for _, name := range s.files {
		fmt.Fprintf(h, "%s %d\n", name, len(texts[name]))
		h.Write(texts[name])
	}
	s.key = hex.EncodeToString(h.Sum(nil)[:8])
	return s, nil
}

// embedPatterns returns the patterns of a Go file's embed directives.
func embedPatterns(text []byte) (patterns []string) {
	for line := range bytes.Lines(text) {
		rest, ok := strings.CutPrefix(string(bytes.TrimSpace(line)), "//go:embed ")
		if !ok {
			continue
		}
		for _, p := range strings.Fields(rest) {
			if q, err := strconv.Unquote(p); err == nil {
				p = q
			}
			patterns = append(patterns, strings.TrimPrefix(p, "all:"))
		}
	}
	return patterns
}

// addEmbedded adds the files that a pattern stands for; a folder stands for everything in it.
func addEmbedded(fsys fs.FS, pattern string, add func(string) error) error {
	names, err := fs.Glob(fsys, pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		err := fs.WalkDir(fsys, name, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return add(name)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// copyTo writes the files below dir, which is emptied first.
func (s *sourceTree) copyTo(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for _, name := range s.files {
		b, err := fs.ReadFile(s.fsys, name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// SourceFiles lists the files of a module that a host is built from, sorted.
func SourceFiles(fsys fs.FS) ([]string, error) {
	s, err := readSource(fsys)
	if err != nil {
		return nil, err
	}
	return s.files, nil
}
