package main

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A file is Go source of the product: neither a test nor testdata. Files of stdfiles, which are Go with
// another ending, are included.
type file struct {
	name      string // slash-separated, from the root of the module
	text      string
	generated bool
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func readFiles(fsys fs.FS) (files []file, err error) {
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (base == "testdata" || base[0] == '.' || base[0] == '_'):
			return fs.SkipDir
		case d.IsDir(), strings.HasSuffix(base, "_test.go"):
			return nil
		case !strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, ".go.txt"):
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		files = append(files, file{name: name, text: string(text), generated: generated.Match(text)})
		return nil
	})
	return files, err
}

func (f file) lines() int { return strings.Count(f.text, "\n") }

// wideLines returns the number of lines and which of them have more than limit characters. A tab is one
// character.
func (f file) wideLines(limit int) (lines int, wide []int) {
	for line := range strings.Lines(f.text) {
		lines++
		if utf8.RuneCountInString(strings.TrimRight(line, "\r\n")) > limit {
			wide = append(wide, lines)
		}
	}
	return lines, wide
}

// folders returns what the file's words are counted for: its package, and, with a trailing "/...", all of its
// top-level folder.
func (f file) folders() []string {
	dir := path.Dir(f.name)
	if dir == "." {
		return []string{dir}
	}
	top, _, _ := strings.Cut(dir, "/")
	return []string{dir, top + allBelow}
}

const allBelow = "/..."

// below reports whether name is folder or lies in it.
func below(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}
