package ipynb

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// A FileError describes a problem of a notebook file, its place, and the remedy.
type FileError struct {
	File         string
	Line, Column int    // from 1; the column counts characters
	Path         string // the place in the notebook, such as cells[3].outputs[0].text; empty when the file is not JSON
	Problem      string
	Remedy       string // may be empty
}

func (e *FileError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path != "" {
		b.WriteString(e.Path + " ")
	}
	b.WriteString(e.Problem)
	if e.Remedy != "" {
		b.WriteString(": " + e.Remedy)
	}
	return b.String()
}

// at fills in line and column of a byte position.
func (e *FileError) at(data []byte, pos int) *FileError {
	before := data[:min(pos, len(data))]
	e.Line = 1 + bytes.Count(before, []byte("\n"))
	e.Column = 1 + len(bytes.Runes(before[bytes.LastIndexByte(before, '\n')+1:]))
	return e
}

// notJSON explains why the parser refused a file. Most such files are of another kind, which their first
// bytes show.
func notJSON(file string, data []byte, err error) error {
	e := &FileError{File: file}
	start := bytes.TrimLeft(data, " \t\r\n")
	has := func(prefix string) bool { return bytes.HasPrefix(start, []byte(prefix)) }
	switch conflict := bytes.Index(data, []byte("\n<<<<<<< ")); {
	case len(start) == 0:
		e.Problem, e.Remedy = "the file is empty", "delete it and create the notebook anew in Jupyter"
		return e.at(data, 0)
	case has("\xef\xbb\xbf"):
		e.Problem, e.Remedy = "the file begins with a byte order mark", "save it as UTF-8 without one; Jupyter refuses it too"
		return e.at(data, 0)
	case has("version https://git-lfs"):
		e.Problem, e.Remedy = "this is a Git LFS pointer, not the notebook", "run git lfs pull"
		return e.at(data, 0)
	case has("<"):
		e.Problem, e.Remedy = "this is a web page, not a notebook", "download the raw .ipynb file"
		return e.at(data, 0)
	case conflict >= 0:
		e.Problem, e.Remedy = "the file holds the conflict markers of a Git merge", "resolve the conflict, for example with nbdime, and save"
		return e.at(data, conflict+1)
	}
	pos := 0
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		pos = syntax.pos
	}
	e.Problem = "not JSON: " + err.Error()
	e.Remedy = "a notebook is a JSON file; restore it from version control or from .ipynb_checkpoints"
	return e.at(data, pos)
}
